//! Named pipes that get a line for every change of state.

use super::{Command, Identity};
use serde::{Deserialize, Serialize};

/// The pipes of a daemon.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct FifosSpec {
    /// `notify_fifo`: every change.
    pub all: FifoSpec,
    /// `vrrp_notify_fifo`: changes of VRRP.
    pub vrrp: FifoSpec,
    /// `lvs_notify_fifo`: changes of virtual and real servers.
    pub lvs: FifoSpec,
    /// `fifo_write_vrrp_states_on_reload`: every state is written again after a reload.
    pub states_on_reload: bool,
}

/// One pipe.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct FifoSpec {
    /// Where it is; none: there is no such pipe.
    pub path: Option<String>,
    /// Whose it is; none: root's.
    pub owner: Option<Identity>,
    /// `*_fifo_script`: started with the path as its last argument, to read it.
    pub script: Option<Command>,
}
