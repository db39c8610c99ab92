//! What a `vrrp_instance` has beside its [`vrrp::InstanceSpec`].

use super::Command;
use serde::{Deserialize, Serialize};

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
