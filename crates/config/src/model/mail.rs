//! Mails about changes of state.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How mails are sent.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct MailSpec {
    /// `smtp_server`: host and port; none: no mail is sent.
    pub server: Option<(String, u16)>,
    /// `smtp_helo_name`; none: the host's name.
    pub helo: Option<String>,
    /// `smtp_connect_timeout`.
    pub timeout: Duration,
    /// `notification_email_from`; none: USER@HOST.
    pub from: Option<String>,
    /// `notification_email`; none: no mail is sent.
    pub to: Vec<String>,
    /// `no_email_faults`: no mail when an instance enters FAULT.
    pub no_faults: bool,
    /// `no_checker_emails`: no mail for each check of a real server.
    pub no_checkers: bool,
}

impl Default for MailSpec {
    fn default() -> Self {
        Self {
            server: None,
            helo: None,
            timeout: Duration::from_secs(30),
            from: None,
            to: Vec::new(),
            no_faults: false,
            no_checkers: false,
        }
    }
}
