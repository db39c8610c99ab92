//! Interfaces that an instance makes for its addresses: a macvlan with the virtual router's own MAC address (RFC 9568
//! 7.3), or an ipvlan.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::Family;

/// `use_vmac` or `use_ipvlan`: the interface that an instance makes on its own one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct VmacSpec {
    /// Its name, at most 15 bytes; `vmac_prefix`, a dot and the VRID unless the line gives one.
    pub name: String,
    /// What it is.
    pub kind: VmacKind,
    /// `group`: the kernel's number of an interface group; 0 is the default group.
    pub group: u32,
    /// `vmac_xmit_base`: adverts leave from the interface below it.
    pub transmit_on_base: bool,
    /// `netlink_notify_msg`: the kernel tells the other interfaces of a move of the MAC address.
    pub netlink_notify: bool,
}

/// What kind of interface it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum VmacKind {
    /// `use_vmac`: a macvlan with this MAC address.
    Macvlan([u8; 6]),
    /// `use_ipvlan`.
    Ipvlan {
        /// Who hears whom.
        mode: IpvlanMode,
        /// Its own address, which adverts come from, and its prefix length. Over IPv4 an instance without one is in FAULT.
        address: Option<(IpAddr, u8)>,
    },
}

/// How ipvlan interfaces of one base hear each other.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
pub enum IpvlanMode {
    /// `bridge`: directly.
    #[default]
    Bridge,
    /// `private`: not.
    Private,
    /// `vepa`: by way of the switch.
    Vepa,
}

impl VmacKind {
    /// The macvlan with the MAC address that RFC 9568 7.3 gives to a virtual router.
    pub const fn standard(family: Family, vrid: super::VirtualRouterId) -> Self {
        let family = match family {
            Family::V4 => 1,
            Family::V6 => 2,
        };
        Self::Macvlan([0x00, 0x00, 0x5e, 0x00, family, vrid.get()])
    }
}
