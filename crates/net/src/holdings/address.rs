//! Addresses as rtnetlink messages.

use std::net::IpAddr;

use netlink_packet_route::AddressFamily;
use netlink_packet_route::address::{
    AddressAttribute, AddressFlags, AddressHeader, AddressHeaderFlags, AddressMessage, AddressProtocol,
    AddressScope, CacheInfo,
};
use vrrp::{IfIndex, VirtualAddress};

const FOREVER: u32 = u32::MAX;

pub(super) fn message(
    address: &VirtualAddress,
    index: IfIndex,
    add: bool,
    mark: Option<u8>,
) -> AddressMessage {
    let mut message = AddressMessage::default();
    message.header = AddressHeader {
        family: match address.address {
            IpAddr::V4(_) => AddressFamily::Inet,
            IpAddr::V6(_) => AddressFamily::Inet6,
        },
        prefix_len: address.prefix_len,
        flags: AddressHeaderFlags::empty(),
        scope: AddressScope::from(address.scope),
        index: index.get(),
    };
    // On a point-to-point interface IFA_ADDRESS is the other end.
    message.attributes.push(AddressAttribute::Local(address.address));
    message.attributes.push(AddressAttribute::Address(address.peer.unwrap_or(address.address)));
    if !add {
        return message;
    }
    if let Some(broadcast) = address.broadcast {
        message.attributes.push(AddressAttribute::Broadcast(broadcast));
    }
    if let Some(label) = &address.label {
        message.attributes.push(AddressAttribute::Label(label.clone()));
    }
    let flags = flags(address);
    if !flags.is_empty() {
        message.attributes.push(AddressAttribute::Flags(flags));
    }
    if let Some(preferred) = address.preferred_lifetime
        && address.address.is_ipv6()
    {
        let mut lifetimes = CacheInfo::default();
        lifetimes.ifa_preferred = preferred;
        lifetimes.ifa_valid = FOREVER;
        message.attributes.push(AddressAttribute::CacheInfo(lifetimes));
    }
    if let Some(mark) = mark {
        message.attributes.push(AddressAttribute::Protocol(AddressProtocol::from(mark)));
    }
    message
}

fn flags(address: &VirtualAddress) -> AddressFlags {
    let asked = address.flags;
    // As keepalived: no duplicate address detection, whose delay a takeover cannot afford.
    let nodad = address.address.is_ipv6() && !asked.dad;
    [
        (nodad, AddressFlags::Nodad),
        (asked.home, AddressFlags::Homeaddress),
        (asked.manage_temporary, AddressFlags::Managetempaddr),
        (asked.no_prefix_route, AddressFlags::Noprefixroute),
        (asked.auto_join, AddressFlags::Mcautojoin),
    ]
    .into_iter()
    .filter_map(|(set, flag)| set.then_some(flag))
    .fold(AddressFlags::empty(), |flags, flag| flags | flag)
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;

    const V4: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 100));
    const V6: IpAddr = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1));

    fn attributes(address: &VirtualAddress) -> Vec<AddressAttribute> {
        message(address, IfIndex::new(7).unwrap(), true, None).attributes
    }

    #[test]
    fn an_ipv6_address_skips_duplicate_detection_unless_the_line_asks_for_it() {
        let mut address = VirtualAddress::new(V6, 64, "eth0");
        assert!(attributes(&address).contains(&AddressAttribute::Flags(AddressFlags::Nodad)));
        address.flags.dad = true;
        assert_eq!(attributes(&address), [AddressAttribute::Local(V6), AddressAttribute::Address(V6)]);
    }

    #[test]
    fn a_host_address_of_ipv6_is_deprecated_at_once() {
        let lifetimes = |len| {
            attributes(&VirtualAddress::new(V6, len, "eth0")).into_iter().find_map(|one| match one {
                AddressAttribute::CacheInfo(info) => Some((info.ifa_preferred, info.ifa_valid)),
                _ => None,
            })
        };
        assert_eq!(lifetimes(128), Some((0, FOREVER)));
        assert_eq!(lifetimes(64), None);
    }

    #[test]
    fn the_other_end_stands_beside_the_address() {
        let peer = IpAddr::V4(Ipv4Addr::new(10, 9, 0, 1));
        let address = VirtualAddress { peer: Some(peer), ..VirtualAddress::new(V4, 30, "eth0") };
        assert_eq!(attributes(&address), [AddressAttribute::Local(V4), AddressAttribute::Address(peer)]);
    }

    #[test]
    fn a_removal_names_the_address_and_nothing_else() {
        let address =
            VirtualAddress { label: Some("eth0:1".to_owned()), ..VirtualAddress::new(V4, 24, "eth0") };
        let message = message(&address, IfIndex::new(7).unwrap(), false, Some(18));
        assert_eq!(message.attributes, [AddressAttribute::Local(V4), AddressAttribute::Address(V4)]);
    }
}
