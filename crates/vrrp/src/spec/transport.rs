//! Where adverts go, and who may send them.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// A unicast peer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Peer {
    /// Where adverts go, and where they are expected from.
    pub address: IpAddr,
    /// `min_ttl`: least TTL or hop limit of its adverts; looked at only with [`Transport::Unicast::check_source`].
    pub min_ttl: u8,
    /// `max_ttl`: greatest TTL or hop limit of its adverts; likewise.
    pub max_ttl: u8,
}

impl Peer {
    /// A peer whose adverts may have any TTL.
    pub const fn new(address: IpAddr) -> Self {
        Self { address, min_ttl: 0, max_ttl: 255 }
    }
}

/// Whether an instance speaks to a group or to listed peers.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Transport {
    /// Adverts go to this group with TTL 255, and only TTL 255 is accepted (RFC 9568 5.1.1.3).
    Multicast {
        /// `mcast_dst_ip`, else `vrrp_mcast_group4` (`vrrp_mcast_group6`), else 224.0.0.18 (ff02::12).
        group: IpAddr,
    },
    /// keepalived's `unicast_peer`: one copy of each advert to every peer; adverts are accepted with any TTL and, as in
    /// keepalived, from any source unless `check_source` says otherwise.
    Unicast {
        /// In the order of the file. Without any (`unicast_fault_no_peer`) the instance stays in FAULT.
        peers: Vec<Peer>,
        /// TTL of the adverts sent (`unicast_ttl`, default 255 for IPv4 and 64 for IPv6).
        ttl: u8,
        /// `check_unicast_src`, or a peer with `min_ttl` or `max_ttl`: adverts come from a peer, with a TTL in its range.
        check_source: bool,
    },
}

impl Transport {
    /// Whether adverts go to listed peers.
    pub const fn is_unicast(&self) -> bool {
        matches!(self, Self::Unicast { .. })
    }
}

/// What the checksum of version 3 adverts over IPv4 covers beside the advert.
///
/// RFC 9568 5.2.8 asks for the pseudo-header. keepalived up to 1.3.6 took another destination for it in unicast adverts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum ChecksumV3 {
    /// The pseudo-header; a unicast peer that sends the old checksum is noticed and answered in kind.
    #[default]
    Detect,
    /// The pseudo-header, always (`old_unicast_checksum never`).
    PseudoHeader,
    /// The pseudo-header of keepalived up to 1.3.6 for unicast (`old_unicast_checksum`); both are accepted.
    OldUnicast,
    /// Nothing, as in version 2 (`v3_checksum_as_v2`).
    AsV2,
}
