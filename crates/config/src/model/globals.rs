//! `global_defs`, but for what belongs to virtual servers alone ([`super::LvsGlobals`]).

use std::time::Duration;

use super::{
    Command, DaemonSpec, DbusSpec, Defaults, FifosSpec, FilesSpec, FirewallSpec, Identity, MailSpec,
    SnmpSpec, VrrpGlobals,
};
use serde::{Deserialize, Serialize};

/// `global_defs` and the keywords outside every block, as far as they are not the default of something else.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Globals {
    /// `router_id`; none: the host's name.
    pub router_id: Option<String>,
    /// Processes and where they run.
    pub daemon: DaemonSpec,
    /// Mails about changes of state.
    pub mail: MailSpec,
    /// `script_user`; none: `keepalived_script` if there is such a user, else root.
    pub script_user: Option<Identity>,
    /// `enable_script_security`.
    pub script_security: bool,
    /// `use_symlink_paths`: scripts are run by the path that is written, not the one that its links lead to.
    pub script_symlinks: bool,
    /// `set_supplementary_groups`, or a `script_user` with a colon: scripts have all groups of their user.
    pub script_groups: bool,
    /// `startup_script`, `shutdown_script`.
    pub system_scripts: SystemScripts,
    /// `dynamic_interfaces`: interfaces need not exist.
    pub dynamic_interfaces: bool,
    /// VRRP as a whole.
    pub vrrp: VrrpGlobals,
    /// Named pipes.
    pub fifos: FifosSpec,
    /// SNMP.
    pub snmp: SnmpSpec,
    /// D-Bus.
    pub dbus: DbusSpec,
    /// Packet filters.
    pub firewall: FirewallSpec,
    /// Files.
    pub files: FilesSpec,
    /// What instances and servers have taken over where they do not say otherwise.
    pub defaults: Defaults,
}

/// Commands at the daemon's start and stop.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SystemScripts {
    /// `startup_script`: run and waited for before anything else is started.
    pub startup: Option<Command>,
    /// `startup_script_timeout`, 1 to 1000 s (default 10 s).
    pub startup_timeout: Duration,
    /// `shutdown_script`: run after everything else has stopped.
    pub shutdown: Option<Command>,
    /// `shutdown_script_timeout`, 1 to 1000 s (default 10 s).
    pub shutdown_timeout: Duration,
}

impl Default for SystemScripts {
    fn default() -> Self {
        let timeout = Duration::from_secs(10);
        Self { startup: None, startup_timeout: timeout, shutdown: None, shutdown_timeout: timeout }
    }
}
