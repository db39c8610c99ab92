//! `SMTP_CHECK`.

use serde::{Deserialize, Serialize};

use super::Connection;

/// `SMTP_CHECK`: does the server greet with 220, answer HELO with 250, and let go at QUIT?
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct SmtpProbe {
    /// Where to. Each `host` block is a check of its own, beside that of the block around.
    pub connection: Connection,
    /// `helo_name` (default smtpchecker.keepalived.org).
    pub helo: String,
}
