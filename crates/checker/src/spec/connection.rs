//! Where and how a probe connects.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Where and how a probe connects: the options that keepalived's connecting checkers share.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Connection {
    /// `connect_ip` and `connect_port`; default: the real server's.
    pub target: SocketAddr,
    /// `bindto`: source address.
    pub source_address: Option<IpAddr>,
    /// `bind_port`: source port; 0: any.
    pub source_port: u16,
    /// `bind_if`: outgoing interface.
    pub interface: Option<String>,
    /// `fwmark` of the probe's packets; 0: none.
    pub fwmark: u32,
    /// `connect_timeout`, default 5 s.
    pub timeout: Duration,
}
