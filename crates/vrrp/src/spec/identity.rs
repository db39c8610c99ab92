//! What names and ranks a virtual router: VRID, priority, version, family, and identity across reloads.

use core::fmt;
use core::num::NonZeroU8;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

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
    /// The highest that is no owner's.
    pub const BELOW_OWNER: Self = Self(NonZeroU8::new(254).unwrap());

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
