//! The four kernel messages that the mirror follows, reduced to what it keeps.
//!
//! **A message with attributes that nobody here knows is still understood**: only the few that are kept are read. (The
//! complete types of netlink-packet-route fail on one attribute of a newer kernel, and an interface would be missing.)

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use netlink_packet_core::{DecodeError, NetlinkDeserializable, NetlinkHeader, NlaBuffer, NlasIterator};
use vrrp::{IfIndex, LinkAddress};

const IFLA_ADDRESS: u16 = 1;
const IFLA_IFNAME: u16 = 3;
const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;
const IFA_FLAGS: u16 = 8;

const LINK_HEADER: usize = 16;
const ADDRESS_HEADER: usize = 8;

/// What a message of the kernel means for the mirror.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Message {
    Link(Link),
    LinkGone(IfIndex),
    Address(IfIndex, LinkAddress),
    AddressGone(IfIndex, LinkAddress),
    Other,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Link {
    pub(super) index: IfIndex,
    pub(super) name: String,
    pub(super) up: bool,
    pub(super) arp: bool,
    pub(super) mac: Vec<u8>,
}

impl NetlinkDeserializable for Message {
    type Error = DecodeError;

    fn deserialize(header: &NetlinkHeader, payload: &[u8]) -> Result<Self, DecodeError> {
        match header.message_type {
            libc::RTM_NEWLINK => link(payload).map(|link| link.map_or(Self::Other, Self::Link)),
            libc::RTM_DELLINK => {
                link(payload).map(|link| link.map_or(Self::Other, |link| Self::LinkGone(link.index)))
            }
            libc::RTM_NEWADDR => {
                address(payload).map(|found| found.map_or(Self::Other, |(i, a)| Self::Address(i, a)))
            }
            libc::RTM_DELADDR => {
                address(payload).map(|found| found.map_or(Self::Other, |(i, a)| Self::AddressGone(i, a)))
            }
            _ => Ok(Self::Other),
        }
    }
}

fn link(payload: &[u8]) -> Result<Option<Link>, DecodeError> {
    let Some((header, attributes)) = payload.split_first_chunk::<LINK_HEADER>() else {
        return Err(DecodeError::buffer_too_small(payload.len(), LINK_HEADER));
    };
    // A bridge tells of its ports in messages of its own family; those are no news of the interface itself.
    if i32::from(header[0]) != libc::AF_UNSPEC {
        return Ok(None);
    }
    let [.., i0, i1, i2, i3, f0, f1, f2, f3, _, _, _, _] = *header;
    let Some(index) = IfIndex::new(u32::from_ne_bytes([i0, i1, i2, i3])) else { return Ok(None) };
    let flags = u32::from_ne_bytes([f0, f1, f2, f3]).cast_signed();
    let running = libc::IFF_UP | libc::IFF_RUNNING;
    let mut link = Link {
        index,
        name: String::new(),
        up: flags & running == running,
        arp: flags & libc::IFF_NOARP == 0,
        mac: vec![],
    };
    for attribute in NlasIterator::new(attributes) {
        let attribute: NlaBuffer<_> = attribute?;
        match attribute.kind() {
            IFLA_IFNAME => {
                let text = attribute.value().split(|byte| *byte == 0).next().unwrap_or_default();
                link.name = String::from_utf8_lossy(text).into_owned();
            }
            IFLA_ADDRESS => link.mac = attribute.value().to_vec(),
            _ => {}
        }
    }
    Ok(Some(link))
}

fn address(payload: &[u8]) -> Result<Option<(IfIndex, LinkAddress)>, DecodeError> {
    let Some((header, attributes)) = payload.split_first_chunk::<ADDRESS_HEADER>() else {
        return Err(DecodeError::buffer_too_small(payload.len(), ADDRESS_HEADER));
    };
    let [_, prefix_len, flags, _, i0, i1, i2, i3] = *header;
    let Some(index) = IfIndex::new(u32::from_ne_bytes([i0, i1, i2, i3])) else { return Ok(None) };
    let (mut flags, mut local, mut remote) = (u32::from(flags), None, None);
    for attribute in NlasIterator::new(attributes) {
        let attribute: NlaBuffer<_> = attribute?;
        match attribute.kind() {
            // On a point-to-point interface IFA_ADDRESS is the other end.
            IFA_LOCAL => local = ip(attribute.value()),
            IFA_ADDRESS => remote = ip(attribute.value()),
            IFA_FLAGS => {
                if let Ok(bytes) = <[u8; 4]>::try_from(attribute.value()) {
                    flags = u32::from_ne_bytes(bytes);
                }
            }
            _ => {}
        }
    }
    let unusable = libc::IFA_F_TENTATIVE | libc::IFA_F_DADFAILED;
    let usable = flags & unusable == 0 || flags & libc::IFA_F_OPTIMISTIC != 0;
    Ok(local.or(remote).map(|address| (index, LinkAddress { address, prefix_len, usable })))
}

fn ip(octets: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(octets).map(|octets| Ipv4Addr::from(octets).into());
    v4.or_else(|_| <[u8; 16]>::try_from(octets).map(|octets| Ipv6Addr::from(octets).into())).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(message_type: u16, payload: &[u8]) -> Result<Message, DecodeError> {
        let mut header = NetlinkHeader::default();
        header.message_type = message_type;
        Message::deserialize(&header, payload)
    }

    fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
        let length = u16::try_from(value.len() + 4).unwrap();
        let mut bytes = [&length.to_ne_bytes()[..], &kind.to_ne_bytes(), value].concat();
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    fn link_message(family: u8, flags: i32, attributes: &[Vec<u8>]) -> Vec<u8> {
        let mut header = vec![family, 0, 1, 0];
        header.extend(7_u32.to_ne_bytes());
        header.extend(flags.to_ne_bytes());
        header.extend([0; 4]);
        [header, attributes.concat()].concat()
    }

    #[test]
    fn a_link_is_up_when_it_is_both_up_and_running() {
        let name = attribute(IFLA_IFNAME, b"eth0\0");
        for (flags, up) in
            [(libc::IFF_UP | libc::IFF_RUNNING, true), (libc::IFF_UP, false), (libc::IFF_RUNNING, false)]
        {
            let Ok(Message::Link(link)) =
                read(libc::RTM_NEWLINK, &link_message(0, flags, std::slice::from_ref(&name)))
            else {
                panic!("no link")
            };
            assert_eq!((link.up, link.name.as_str(), link.index.get()), (up, "eth0", 7));
        }
    }

    #[test]
    fn attributes_that_nobody_knows_do_not_matter() {
        let attributes = [attribute(999, &[1, 2, 3]), attribute(IFLA_ADDRESS, &[2, 0, 0, 0, 0, 9])];
        let Ok(Message::Link(link)) = read(libc::RTM_NEWLINK, &link_message(0, 0, &attributes)) else {
            panic!("no link")
        };
        assert_eq!(link.mac, [2, 0, 0, 0, 0, 9]);
    }

    #[test]
    fn a_port_that_leaves_its_bridge_is_not_gone() {
        let bridge = u8::try_from(libc::AF_BRIDGE).unwrap();
        let message = read(libc::RTM_DELLINK, &link_message(bridge, 0, &[]));
        assert!(matches!(message, Ok(Message::Other)), "{message:?}");
    }

    fn address_message(flags: u8, attributes: &[Vec<u8>]) -> Vec<u8> {
        [vec![2, 24, flags, 0, 7, 0, 0, 0], attributes.concat()].concat()
    }

    #[test]
    fn an_address_of_a_point_to_point_interface_is_the_local_one() {
        let attributes = [attribute(IFA_ADDRESS, &[10, 0, 0, 2]), attribute(IFA_LOCAL, &[10, 0, 0, 1])];
        let Ok(Message::Address(index, address)) = read(libc::RTM_NEWADDR, &address_message(0, &attributes))
        else {
            panic!("no address")
        };
        assert_eq!((index.get(), address.address), (7, Ipv4Addr::new(10, 0, 0, 1).into()));
        assert!(address.usable);
    }

    #[test]
    fn a_tentative_address_is_not_usable_yet() {
        let tentative = u8::try_from(libc::IFA_F_TENTATIVE).unwrap();
        let attributes = [attribute(IFA_ADDRESS, &[0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1])];
        let Ok(Message::Address(_, address)) =
            read(libc::RTM_NEWADDR, &address_message(tentative, &attributes))
        else {
            panic!("no address")
        };
        assert!(!address.usable);
    }

    #[test]
    fn a_truncated_message_is_an_error() {
        for message_type in [libc::RTM_NEWLINK, libc::RTM_DELLINK, libc::RTM_NEWADDR, libc::RTM_DELADDR] {
            assert!(read(message_type, &[0; 7]).is_err(), "{message_type}");
            assert!(read(message_type, &[]).is_err(), "{message_type}");
        }
    }
}
