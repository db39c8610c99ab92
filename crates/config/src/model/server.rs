//! What a `virtual_server` has beside its [`checker::VirtualServerSpec`].

use std::time::Duration;

use super::Command;
use ipvs::{DestKey, Forwarding};
use serde::{Deserialize, Serialize};

/// What a `virtual_server` has beside its [`checker::VirtualServerSpec`].
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ServerEvents {
    /// `quorum_up`.
    pub quorum_up: Option<Box<Command>>,
    /// `quorum_down`.
    pub quorum_down: Option<Box<Command>>,
    /// `smtp_alert`: changes of the quorum are mailed.
    pub smtp_alert: bool,
    /// What its real servers have, in the order of the spec.
    pub real_servers: Vec<RealServerEvents>,
    /// What its checks take over.
    pub timing: TimingSpec,
    /// `virtualhost`.
    pub virtual_host: Option<String>,
    /// `lb_kind`, which its real servers take over; none: `NAT`.
    pub forwarding: Option<Forwarding>,
    /// `inhibit_on_failure`, which its real servers take over.
    pub inhibit_on_failure: bool,
}

/// What checks take over from server to server, as far as it is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct TimingSpec {
    /// `delay_loop`.
    pub delay_loop: Option<Duration>,
    /// `retry`.
    pub retry: Option<u32>,
    /// `delay_before_retry`.
    pub delay_before_retry: Option<Duration>,
    /// `warmup`.
    pub warmup: Option<Duration>,
    /// `connect_timeout`.
    pub connect_timeout: Option<Duration>,
}

/// What a `real_server` has beside its [`checker::RealServerSpec`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RealServerEvents {
    /// Which real server.
    pub key: DestKey,
    /// `notify_up`.
    pub notify_up: Option<Box<Command>>,
    /// `notify_down`.
    pub notify_down: Option<Box<Command>>,
    /// `smtp_alert`: changes of its state are mailed. By default they are.
    pub smtp_alert: bool,
    /// What its checks take over; none: what the virtual server says.
    pub own: Option<Box<OwnSpec>>,
}

/// What the checks of a `real_server` take over from it.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct OwnSpec {
    /// When, as far as it or the virtual server says.
    pub timing: TimingSpec,
    /// `virtualhost`.
    pub virtual_host: Option<String>,
}
