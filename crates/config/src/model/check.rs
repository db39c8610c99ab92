//! What checks ask.

use std::time::Duration;

use super::Command;
use serde::{Deserialize, Serialize};

/// What a check asks beyond opening a connection.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum CheckDetail {
    /// `TCP_CHECK`: nothing.
    Tcp,
    /// `HTTP_GET` and `SSL_GET`.
    Http(HttpSpec),
    /// `SMTP_CHECK`: the name for HELO.
    Smtp {
        /// `helo_name`.
        helo: String,
    },
    /// `MISC_CHECK`.
    Misc(MiscSpec),
    /// Another kind, by its keyword.
    Other(String),
}

/// `HTTP_GET`, `SSL_GET`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct HttpSpec {
    /// Whether over TLS.
    pub tls: bool,
    /// `virtualhost` of the check, else of the real server, else of the virtual server.
    pub host: Option<String>,
    /// `http_protocol`: `1.0`, `1.0C` or `1.1`.
    pub protocol: String,
    /// `enable_sni`.
    pub sni: bool,
    /// The pages, in order; at least one.
    pub urls: Vec<UrlSpec>,
}

/// One `url`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct UrlSpec {
    /// `path`.
    pub path: String,
    /// `digest`: MD5 of the page.
    pub digest: Option<[u8; 16]>,
    /// `status_code`: ranges of codes that count as success (default 200 to 299).
    pub status: Vec<(u16, u16)>,
    /// `virtualhost` of the page itself.
    pub host: Option<String>,
}

/// `MISC_CHECK`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct MiscSpec {
    /// What is run.
    pub command: Command,
    /// How long it may take (default: the virtual server's delay_loop).
    pub timeout: Duration,
    /// `misc_dynamic`: the exit status sets the weight.
    pub dynamic: bool,
}
