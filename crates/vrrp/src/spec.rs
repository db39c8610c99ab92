//! What is asked for: one [`InstanceSpec`] per `vrrp_instance`, with every default filled in.
//!
//! `config` makes these values from keepalived.conf; the [`Router`](crate::Router) compares an old with a new one at a
//! reload. They name interfaces as the configuration does: which kernel index a name has now is the business of the
//! machine's `Link` inputs.

use core::fmt;
use core::num::NonZeroU8;
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::time::Centiseconds;

/// Virtual router identifier, 1 to 255 (RFC 9568 5.2.3).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct VirtualRouterId(NonZeroU8);

impl VirtualRouterId {
    /// `None` for 0, which names no virtual router.
    pub const fn new(id: u8) -> Option<Self> {
        match NonZeroU8::new(id) {
            Some(id) => Some(Self(id)),
            None => None,
        }
    }

    /// The number as it stands in a packet.
    pub const fn get(self) -> u8 {
        self.0.get()
    }
}

impl fmt::Display for VirtualRouterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Priority of a router for one virtual router, 1 to 255 (RFC 9568 5.2.4).
///
/// 0 is not a priority: on the wire it says that a master gives up.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Priority(NonZeroU8);

impl Priority {
    /// keepalived's default when no `priority` is configured (RFC 9568 6.1 names the same).
    pub const DEFAULT: Self = Self(NonZeroU8::new(100).unwrap());
    /// The owner of the addresses.
    pub const OWNER: Self = Self(NonZeroU8::MAX);

    /// `None` for 0.
    pub const fn new(priority: u8) -> Option<Self> {
        match NonZeroU8::new(priority) {
            Some(priority) => Some(Self(priority)),
            None => None,
        }
    }

    /// The number as it stands in a packet.
    pub const fn get(self) -> u8 {
        self.0.get()
    }

    /// Whether this router owns the virtual router's addresses (priority 255).
    pub const fn is_owner(self) -> bool {
        self.0.get() == 255
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Protocol version spoken by an instance.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Version {
    /// RFC 3768: IPv4 only, intervals in seconds, optional password.
    V2,
    /// RFC 5798 and RFC 9568: IPv4 and IPv6, intervals in centiseconds.
    V3,
}

impl Version {
    /// The number as it stands in a packet.
    pub const fn get(self) -> u8 {
        match self {
            Self::V2 => 2,
            Self::V3 => 3,
        }
    }
}

/// Address family of a virtual router: one virtual router advertises addresses of one family (RFC 9568 1.5).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// The family that `address` belongs to.
    pub const fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::V4,
            IpAddr::V6(_) => Self::V6,
        }
    }
}

/// The role that the file's `state` wishes for at start. keepalived treats it as a wish only: the election decides.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum InitialState {
    /// `state MASTER`.
    Master,
    /// `state BACKUP`, and the default below priority 255.
    Backup,
}

/// A unicast peer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Peer {
    /// Where adverts go, and where they are expected from.
    pub address: IpAddr,
}

/// Whether an instance speaks to a group or to listed peers.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Transport {
    /// Adverts go to this group with TTL 255, and only TTL 255 is accepted (RFC 9568 5.1.1.3).
    Multicast {
        /// 224.0.0.18 (ff02::12) unless `vrrp_mcast_group4` (`vrrp_mcast_group6`) says otherwise.
        group: IpAddr,
    },
    /// keepalived's `unicast_peer`: one copy of each advert to every peer; adverts are accepted with any TTL and, as in
    /// keepalived, from any source.
    Unicast {
        /// In the order of the file.
        peers: Vec<Peer>,
        /// TTL of the adverts sent (`unicast_ttl`, default 255 for IPv4 and 64 for IPv6).
        ttl: u8,
    },
}

impl Transport {
    /// Whether adverts go to listed peers.
    pub const fn is_unicast(&self) -> bool {
        matches!(self, Self::Unicast { .. })
    }
}

/// How adverts prove where they come from.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Authentication {
    /// No authentication (the only choice of RFC 5798 and RFC 9568).
    None,
    /// `auth_type PASS`: up to eight bytes in clear text, zero padded (RFC 2338 5.3.6.2; version 2 only).
    Password([u8; 8]),
}

impl fmt::Debug for Authentication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Password(_) => "Password(********)",
        })
    }
}

/// One line of `virtual_ipaddress` or `virtual_ipaddress_excluded`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct VirtualAddress {
    /// The address itself.
    pub address: IpAddr,
    /// Prefix length; 32 or 128 unless the line gives one.
    pub prefix_len: u8,
    /// Interface that gets the address: `dev`, else the instance's interface.
    pub interface: String,
    /// `label` (IPv4 only), at most 15 bytes.
    pub label: Option<String>,
    /// `scope` as the kernel's number (IPv4 only): 0 global, 200 site, 253 link, 254 host.
    pub scope: u8,
    /// `brd` (IPv4 only), with `+` and `-` already worked out.
    pub broadcast: Option<Ipv4Addr>,
}

/// When and how often an instance tells the LAN where its addresses are (gratuitous ARP, unsolicited NA).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AnnounceSpec {
    /// Announcements of each address in one burst (`garp_master_repeat`, default 5).
    pub repeat: u32,
    /// A second burst this long after becoming master (`garp_master_delay`, default 5 s); zero: none.
    pub delay: Duration,
    /// Period of refreshing bursts while master (`garp_master_refresh`); zero, the default: none.
    pub refresh: Duration,
    /// Announcements of each address in a refreshing burst (`garp_master_refresh_repeat`, default 1).
    pub refresh_repeat: u32,
    /// Announcements of each address after a lower-priority advert was heard (`garp_lower_prio_repeat`).
    pub lower_priority_repeat: u32,
    /// A second such burst this long after it (`garp_lower_prio_delay`); zero: none.
    pub lower_priority_delay: Duration,
    /// Least time between two announcements on one interface (`vrrp_garp_interval`, `vrrp_gna_interval`); zero: none.
    pub spacing: Duration,
}

impl Default for AnnounceSpec {
    fn default() -> Self {
        Self {
            repeat: 5,
            delay: Duration::from_secs(5),
            refresh: Duration::ZERO,
            refresh_repeat: 1,
            lower_priority_repeat: 5,
            lower_priority_delay: Duration::from_secs(5),
            spacing: Duration::ZERO,
        }
    }
}

/// One entry of `track_interface`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct InterfaceTrack {
    /// The interface watched.
    pub interface: String,
    /// 0: the instance is in FAULT while the interface is down. Otherwise -253 to 253: added to the priority while the
    /// interface is up (positive) or down (negative).
    pub weight: i16,
    /// `reverse`: swaps up and down in the weighting.
    pub reverse: bool,
}

/// One `vrrp_instance`, complete.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct InstanceSpec {
    /// Its name in the file; used in messages and notifications, not for identity.
    pub name: String,
    /// `virtual_router_id`.
    pub vrid: VirtualRouterId,
    /// `version`.
    pub version: Version,
    /// Family of the advertised addresses.
    pub family: Family,
    /// `interface`.
    pub interface: String,
    /// `state`.
    pub initial_state: InitialState,
    /// `priority`, before trackers.
    pub priority: Priority,
    /// `advert_int`.
    pub advert_interval: Centiseconds,
    /// Missed adverts before takeover (`down_timer_adverts`, 1 to 100, default 3 as in RFC 9568 6.1).
    pub down_timer_adverts: u8,
    /// `nopreempt`: never takes over from a living master of lower priority.
    pub nopreempt: bool,
    /// `preempt_delay`, 0 to 1000 s: how long a lower-priority master is tolerated before it is pre-empted.
    pub preempt_delay: Duration,
    /// Multicast group or unicast peers.
    pub transport: Transport,
    /// Source address of adverts (`mcast_src_ip`, `unicast_src_ip`); default: the interface's first address that is
    /// not one of the virtual ones.
    pub source: Option<IpAddr>,
    /// Proof of origin.
    pub authentication: Authentication,
    /// `virtual_ipaddress`, in the order of the file: advertised and held by the master.
    pub addresses: Vec<VirtualAddress>,
    /// `virtual_ipaddress_excluded`: held by the master, not advertised; of either family.
    pub excluded: Vec<VirtualAddress>,
    /// Gratuitous ARP and unsolicited NA.
    pub announce: AnnounceSpec,
    /// `track_interface`.
    pub track_interfaces: Vec<InterfaceTrack>,
    /// Whether the instance's own interface being down means FAULT (not with `dont_track_primary`).
    pub track_primary: bool,
    /// `skip_check_adv_addr`: compares the address list of an advert only when the master has changed.
    pub skip_check_adv_addr: bool,
    /// `lower_prio_no_advert`: a master does not answer adverts of lower priority.
    pub lower_prio_no_advert: bool,
    /// `higher_prio_send_advert`: a master sends one more advert before it yields to a higher one.
    pub higher_prio_send_advert: bool,
}

impl InstanceSpec {
    /// Every address that the master holds: advertised ones first, in the order of the file.
    pub fn held_addresses(&self) -> impl Iterator<Item = &VirtualAddress> {
        self.addresses.iter().chain(&self.excluded)
    }

    /// Every interface whose state matters to this instance.
    pub fn interfaces(&self) -> BTreeSet<&str> {
        core::iter::once(self.interface.as_str())
            .chain(self.held_addresses().map(|address| address.interface.as_str()))
            .chain(self.track_interfaces.iter().map(|track| track.interface.as_str()))
            .collect()
    }

    /// What makes this instance the same one after a reload (keepalived's rule; the name is not part of it).
    pub fn key(&self) -> InstanceKey {
        InstanceKey {
            interface: self.interface.clone(),
            vrid: self.vrid,
            family: self.family,
            unicast: self.transport.is_unicast(),
        }
    }
}

/// Identity of an instance across reloads: VRID, family, interface and whether it is unicast.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct InstanceKey {
    /// Interface that the adverts use.
    pub interface: String,
    /// Virtual router.
    pub vrid: VirtualRouterId,
    /// Address family.
    pub family: Family,
    /// Unicast or multicast.
    pub unicast: bool,
}
