//! Virtual addresses.

use std::net::{IpAddr, Ipv4Addr};

use serde::{Deserialize, Serialize};

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
    /// `peer`; the prefix length is then the peer's.
    pub peer: Option<IpAddr>,
    /// `preferred_lft` in seconds (IPv6 only); none: forever. 0 for a /128 unless the line says otherwise.
    pub preferred_lifetime: Option<u32>,
    /// Flags of the kernel.
    pub flags: AddressFlags,
    /// Whether the state of its interface and its removal by others matter; not with `no_track`.
    pub track: bool,
    /// `use_vmac`: it goes on a VMAC interface of its own interface.
    pub use_vmac: bool,
    /// `track_group`: the instances that follow its interface (static addresses only).
    pub track_group: Option<String>,
}

impl VirtualAddress {
    /// A line that gives nothing but the address and its prefix length.
    pub fn new(address: IpAddr, prefix_len: u8, interface: impl Into<String>) -> Self {
        Self {
            address,
            prefix_len,
            interface: interface.into(),
            label: None,
            scope: 0,
            broadcast: None,
            peer: None,
            preferred_lifetime: (address.is_ipv6() && prefix_len == 128).then_some(0),
            flags: AddressFlags::default(),
            track: true,
            use_vmac: false,
            track_group: None,
        }
    }
}

/// Flags of an address line.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
pub struct AddressFlags {
    /// `home`.
    pub home: bool,
    /// `-nodad`: duplicate address detection runs (IPv6), which it does not for virtual addresses by default.
    pub dad: bool,
    /// `mngtmpaddr`.
    pub manage_temporary: bool,
    /// `noprefixroute`.
    pub no_prefix_route: bool,
    /// `autojoin`.
    pub auto_join: bool,
}
