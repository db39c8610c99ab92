//! Network interfaces as the machine sees them: whole views, never changes of views.

use core::fmt;
use core::num::NonZeroU32;
use std::net::{IpAddr, Ipv6Addr};

use serde::{Deserialize, Serialize};

use crate::spec::{Family, VirtualAddress};

/// The kernel's number of an interface; an interface that is deleted and made anew gets another.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct IfIndex(NonZeroU32);

impl IfIndex {
    /// `None` for 0, which stands for "no interface" in the kernel's interfaces.
    pub const fn new(index: u32) -> Option<Self> {
        match NonZeroU32::new(index) {
            Some(index) => Some(Self(index)),
            None => None,
        }
    }

    /// The number.
    pub const fn get(self) -> u32 {
        self.0.get()
    }
}

impl fmt::Display for IfIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An address on an interface.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct LinkAddress {
    /// The address.
    pub address: IpAddr,
    /// Its prefix length.
    pub prefix_len: u8,
    /// Usable as a source now: not tentative and not a failed duplicate (IPv6 duplicate address detection).
    pub usable: bool,
}

/// An interface as it is now.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LinkView {
    /// Its number.
    pub index: IfIndex,
    /// Its name.
    pub name: String,
    /// Administratively up and with carrier.
    pub up: bool,
    /// Whether neighbours are resolved on it (no `NOARP` flag); announcements make sense only then.
    pub arp: bool,
    /// Link-layer address; empty if it has none.
    pub mac: Vec<u8>,
    /// Addresses of both families, in the kernel's order.
    pub addresses: Vec<LinkAddress>,
}

impl LinkView {
    /// The address that adverts come from when the file names none: the first one that is not virtual; for IPv6 the
    /// first such link-local one (RFC 9568 5.1.2.1).
    pub fn primary_address(&self, family: Family, is_virtual: impl Fn(IpAddr) -> bool) -> Option<IpAddr> {
        self.addresses
            .iter()
            .filter(|link| link.usable)
            .map(|link| link.address)
            .filter(|address| Family::of(*address) == family)
            .filter(|address| family == Family::V4 || is_link_local(*address))
            .find(|address| !is_virtual(*address))
    }

    /// Whether this address is on the interface.
    pub fn has(&self, wanted: &VirtualAddress) -> bool {
        self.addresses
            .iter()
            .any(|link| link.address == wanted.address && link.prefix_len == wanted.prefix_len)
    }
}

const fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => Ipv6Addr::is_unicast_link_local(&address),
    }
}
