//! The kernel's synchronisation of connections between directors, as it is asked for.

use std::net::{IpAddr, Ipv4Addr};

use serde::{Deserialize, Serialize};

/// `lvs_sync_daemon`. Defaults are the kernel's.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SyncDaemonSpec {
    /// Interface over which directors tell each other of connections.
    pub interface: String,
    /// `inst`: the `vrrp_instance` that decides: its master sends, the others receive. none: this host does both.
    pub instance: Option<String>,
    /// `id` of the group of directors, 0 to 255 (default: the instance's VRID; 0 without instance).
    pub id: u8,
    /// `maxlen` of a packet in bytes, 1 to 65507; none: what the interface carries.
    pub max_len: Option<u16>,
    /// `port`, UDP (default 8848).
    pub port: u16,
    /// `ttl` of packets, 1 to 255 (default 1).
    pub ttl: u8,
    /// Multicast `group` (default 224.0.0.81).
    pub group: IpAddr,
}

impl SyncDaemonSpec {
    /// One of this host's own, on an interface.
    pub fn on(interface: impl Into<String>) -> Self {
        Self {
            interface: interface.into(),
            instance: None,
            id: 0,
            max_len: None,
            port: 8848,
            ttl: 1,
            group: IpAddr::V4(Ipv4Addr::new(224, 0, 0, 81)),
        }
    }
}
