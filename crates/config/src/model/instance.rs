//! What a `vrrp_instance` or `vrrp_sync_group` has beside its spec in `vrrp`.

use super::Command;
use serde::{Deserialize, Serialize};

/// What a `vrrp_instance` has beside its [`vrrp::InstanceSpec`].
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct InstanceEvents {
    /// `notify_*`.
    pub notify: NotifySpec,
    /// `notify_deleted`.
    pub deleted: NotifyDeleted,
    /// `notify_master_rx_lower_pri`: run when a master hears an advert of lower priority.
    pub rx_lower_priority: Option<Command>,
    /// `smtp_alert`: changes of state are mailed.
    pub smtp_alert: bool,
    /// `notify_priority_changes`: changes of the effective priority are written to the pipes. Default: the group's, else
    /// `vrrp_notify_priority_changes`.
    pub priority_changes: bool,
    /// `debug`: 0 to 4.
    pub debug: u8,
    /// `unicast_fault_no_peer`, as dumps show it.
    pub fault_without_peers: bool,
    /// `linkbeat_use_polling`, as dumps show it.
    pub polled: bool,
}

/// What a `vrrp_sync_group` has beside its [`vrrp::SyncGroupSpec`].
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct GroupEvents {
    /// `notify_*`.
    pub notify: NotifySpec,
    /// `smtp_alert`: changes of state are mailed.
    pub smtp_alert: bool,
}

/// `notify_deleted`: what an instance that a reload removes is reported as.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum NotifyDeleted {
    /// Without the keyword: as FAULT.
    #[default]
    Fault,
    /// As DELETED, without a command.
    Deleted,
    /// As DELETED, with this command.
    Run(Command),
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
