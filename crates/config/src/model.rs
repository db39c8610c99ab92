//! What a configuration means: every setting, with every default filled in.
//!
//! **What the machines take is in their own types** (`vrrp::InstanceSpec`, `checker::VirtualServerSpec`); what has no
//! machine yet is kept here, in types that those to come can take over.

use std::collections::BTreeMap;
use std::time::Duration;

use ipvs::DestKey;
use serde::{Deserialize, Serialize};

/// A whole configuration.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Model {
    /// Settings of the daemon as a whole.
    pub globals: Globals,
    /// The usable `vrrp_instance`s, in the order of the file.
    pub vrrp: Vec<vrrp::InstanceSpec>,
    /// What else belongs to each of them, by its name.
    pub vrrp_events: BTreeMap<String, InstanceEvents>,
    /// The usable `vrrp_script`s, in the order of the file; of two with one name the first.
    pub scripts: Vec<ScriptSpec>,
    /// The usable `virtual_server`s, in the order of the file.
    pub virtual_servers: Vec<checker::VirtualServerSpec>,
    /// What else belongs to each of them, in the same order.
    pub server_events: Vec<ServerEvents>,
}

/// `global_defs`, as far as it is not the default of something else.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Globals {
    /// `router_id`; none: the host's name.
    pub router_id: Option<String>,
    /// Mails about changes of state.
    pub mail: MailSpec,
    /// `script_user`; none: `keepalived_script` if there is such a user, else root.
    pub script_user: Option<Identity>,
    /// `enable_script_security`.
    pub script_security: bool,
    /// `dynamic_interfaces`: interfaces need not exist.
    pub dynamic_interfaces: bool,
}

/// Who runs a script.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Identity {
    /// User.
    pub user: String,
    /// Group; none: the user's own.
    pub group: Option<String>,
}

/// A command, and who runs it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Command {
    /// The program and its arguments; never empty.
    pub argv: Vec<String>,
    /// Who runs it; none: the default, `script_user`.
    pub identity: Option<Identity>,
}

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

/// What a `vrrp_instance` has beside its [`vrrp::InstanceSpec`].
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct InstanceEvents {
    /// `notify_*`.
    pub notify: NotifySpec,
    /// `smtp_alert`: changes of state are mailed.
    pub smtp_alert: bool,
    /// `track_script`, in the order of the file.
    pub track_scripts: Vec<ScriptTrack>,
}

/// Commands to run at changes of state.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct NotifySpec {
    /// `notify_master`.
    pub master: Option<Command>,
    /// `notify_backup`.
    pub backup: Option<Command>,
    /// `notify_fault`.
    pub fault: Option<Command>,
    /// `notify_stop`.
    pub stop: Option<Command>,
    /// `notify`: at each change, with arguments that say which.
    pub any: Option<Command>,
}

/// One line of `track_script`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ScriptTrack {
    /// The `vrrp_script`.
    pub script: String,
    /// 0: the instance is in FAULT while the script fails. Otherwise -253 to 253, added to the priority while it
    /// succeeds (positive) or fails (negative). The script's own weight unless the line gives one.
    pub weight: i16,
    /// `reverse`: swaps success and failure in the weighting.
    pub reverse: bool,
}

/// One `vrrp_script`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ScriptSpec {
    /// Its name.
    pub name: String,
    /// What is run.
    pub command: Command,
    /// From one run to the next (default 1 s).
    pub interval: Duration,
    /// A run that takes longer has failed (default: the interval).
    pub timeout: Duration,
    /// Default weight of the instances that follow it.
    pub weight: i16,
    /// Whether that weight is reversed.
    pub reverse: bool,
    /// Successes in a row until it counts as good (default 1).
    pub rise: u32,
    /// Failures in a row until it counts as bad (default 1).
    pub fall: u32,
    /// Whether it counts as bad until it has succeeded.
    pub init_fail: bool,
}

/// What a `virtual_server` has beside its [`checker::VirtualServerSpec`].
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ServerEvents {
    /// `quorum_up`.
    pub quorum_up: Option<Command>,
    /// `quorum_down`.
    pub quorum_down: Option<Command>,
    /// `smtp_alert`: changes of the quorum are mailed.
    pub smtp_alert: bool,
    /// What its real servers have, in the order of the spec.
    pub real_servers: Vec<RealServerEvents>,
}

/// What a `real_server` has beside its [`checker::RealServerSpec`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RealServerEvents {
    /// Which real server.
    pub key: DestKey,
    /// `notify_up`.
    pub notify_up: Option<Command>,
    /// `notify_down`.
    pub notify_down: Option<Command>,
    /// `smtp_alert`: changes of its state are mailed. By default they are.
    pub smtp_alert: bool,
    /// Its checks as the file has them, in the order of the file.
    pub checks: Vec<CheckDetail>,
}

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
