//! `SSL { }`: with what `SSL_GET` presents itself.

use serde::{Deserialize, Serialize};

/// Client certificate and authorities of all `SSL_GET`. The certificates of servers are not verified, as in keepalived.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct TlsSpec {
    /// `password` of the key.
    pub password: Option<String>,
    /// `ca`: file with certificates of authorities.
    pub ca: Option<String>,
    /// `certificate`: file with our certificate.
    pub certificate: Option<String>,
    /// `key`: file with its key.
    pub key: Option<String>,
}
