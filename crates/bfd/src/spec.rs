//! What is asked for: one [`SessionSpec`] per `bfd_instance`, with every default filled in.

use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// One `bfd_instance`, complete.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SessionSpec {
    /// Its name, less than 32 bytes.
    pub name: String,
    /// `neighbor_ip`: the other end.
    pub neighbor: IpAddr,
    /// `source_ip`, of the same family; none: the kernel chooses.
    pub source: Option<IpAddr>,
    /// `min_rx`: the shortest interval at which packets can be received (RFC 5880 6.8.1,
    /// bfd.RequiredMinRxInterval), from 1 ms (default 10 ms).
    pub min_rx: Duration,
    /// `min_tx`: the interval at which packets are sent if the other end can take them so fast (bfd.DesiredMinTxInterval),
    /// from 1 ms (default 10 ms).
    pub min_tx: Duration,
    /// `idle_tx`: the same while the session is not up, from 1 s (default 1 s; RFC 5880 6.8.3).
    pub idle_tx: Duration,
    /// `multiplier`: after so many missing packets the session is down, 1 to 255 (default 5; bfd.DetectMult).
    pub multiplier: u8,
    /// `passive`: waits for the other end to start (RFC 5880 6.1).
    pub passive: bool,
    /// `ttl`, `hoplimit`: of packets sent, 1 to 255 (default 255 for IPv4, 64 for IPv6).
    pub ttl: u8,
    /// `max_hops`: received packets have a TTL of at least `ttl` less this; none (-1): it is not looked at. At most `ttl`
    /// (default 0).
    pub max_hops: Option<u8>,
    /// `multihop`: port 4784 (RFC 5883) instead of 3784 (RFC 5881).
    pub multihop: bool,
    /// `weight`: default weight of VRRP instances that follow it, -253 to 253 (default 0: they are in FAULT while it is down).
    pub weight: i16,
    /// Whether that weight is reversed.
    pub reverse: bool,
    /// Who learns of its changes.
    pub followers: Followers,
}

/// Who learns of a session's changes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Followers {
    /// The VRRP process.
    pub vrrp: bool,
    /// The checker process.
    pub checker: bool,
}

impl SessionSpec {
    /// A session with keepalived's defaults.
    pub fn new(name: impl Into<String>, neighbor: IpAddr) -> Self {
        Self {
            name: name.into(),
            neighbor,
            source: None,
            min_rx: Duration::from_millis(10),
            min_tx: Duration::from_millis(10),
            idle_tx: Duration::from_secs(1),
            multiplier: 5,
            passive: false,
            ttl: if neighbor.is_ipv4() { 255 } else { 64 },
            max_hops: Some(0),
            multihop: false,
            weight: 0,
            reverse: false,
            followers: Followers { vrrp: true, checker: true },
        }
    }
}
