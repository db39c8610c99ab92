//! Everything about the interfaces that a dump shows and the mirror does not keep.
//!
//! **Asked for when it is to be shown**, by whoever shows it: the VRRP process keeps only what it decides by.

use std::net::IpAddr;

use netlink::{Conversation, Request};
use netlink_packet_core::{DecodeError, NetlinkDeserializable, NetlinkHeader, NlaBuffer, NlasIterator};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::address::AddressMessage;
use netlink_packet_route::link::LinkMessage;

use super::NETLINK_ROUTE;
use super::message::Message;

const IFLA_ADDRESS: u16 = 1;
const IFLA_BROADCAST: u16 = 2;
const IFLA_IFNAME: u16 = 3;
const IFLA_MTU: u16 = 4;
const IFLA_LINK: u16 = 5;
const IFLA_LINKINFO: u16 = 18;
const IFLA_INFO_KIND: u16 = 1;
const IFLA_INFO_DATA: u16 = 2;
/// `IFLA_MACVLAN_MODE`, and at the same place `IFLA_IPVLAN_MODE`.
const IFLA_MODE: u16 = 1;

const HEADER: usize = 16;

/// An interface as the kernel describes it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct LinkFacts {
    /// Its number.
    pub index: u32,
    /// Its name.
    pub name: String,
    /// `IFF_UP`, `IFF_RUNNING` and the others.
    pub flags: u32,
    /// `ARPHRD_ETHER` and the others.
    pub hardware: u16,
    /// Largest packet, in bytes.
    pub mtu: u32,
    /// Link-layer address; empty if it has none.
    pub mac: Vec<u8>,
    /// Link-layer broadcast address; empty if it has none.
    pub broadcast: Vec<u8>,
    /// The number of the interface below it.
    pub below: Option<u32>,
    /// What kind of virtual interface it is: `macvlan`, `ipvlan`, `vlan` and the others.
    pub kind: String,
    /// `MACVLAN_MODE_*` of a macvlan.
    pub mode: Option<u32>,
    /// Addresses of both families, in the kernel's order.
    pub addresses: Vec<IpAddr>,
}

/// All interfaces, in the order of their numbers.
///
/// # Errors
/// The kernel refuses a socket or an answer.
pub fn survey() -> Result<Vec<LinkFacts>, netlink::Error> {
    let mut conversation = Conversation::open(NETLINK_ROUTE)?;
    let get_links = RouteNetlinkMessage::GetLink(LinkMessage::default());
    let get_addresses = RouteNetlinkMessage::GetAddress(AddressMessage::default());
    let mut links = Vec::<LinkFacts>::new();
    for get in [get_links, get_addresses] {
        for fact in conversation.dump(&Request { flags: 0, message: get })? {
            match fact {
                Fact::Link(link) => links.push(link),
                Fact::Address(index, address) => {
                    if let Some(link) = links.iter_mut().find(|link| link.index == index) {
                        link.addresses.push(address);
                    }
                }
                Fact::Other => {}
            }
        }
    }
    links.sort_by_key(|link| link.index);
    Ok(links)
}

enum Fact {
    Link(LinkFacts),
    Address(u32, IpAddr),
    Other,
}

impl NetlinkDeserializable for Fact {
    type Error = DecodeError;

    fn deserialize(header: &NetlinkHeader, payload: &[u8]) -> Result<Self, DecodeError> {
        if header.message_type == libc::RTM_NEWLINK {
            return link(payload).map(Self::Link);
        }
        Ok(match Message::deserialize(header, payload)? {
            Message::Address(index, address) => Self::Address(index.get(), address.address),
            _ => Self::Other,
        })
    }
}

fn link(payload: &[u8]) -> Result<LinkFacts, DecodeError> {
    let Some((header, attributes)) = payload.split_first_chunk::<HEADER>() else {
        return Err(DecodeError::buffer_too_small(payload.len(), HEADER));
    };
    let [_, _, h0, h1, i0, i1, i2, i3, f0, f1, f2, f3, ..] = *header;
    let mut link = LinkFacts {
        hardware: u16::from_ne_bytes([h0, h1]),
        index: u32::from_ne_bytes([i0, i1, i2, i3]),
        flags: u32::from_ne_bytes([f0, f1, f2, f3]),
        ..LinkFacts::default()
    };
    for attribute in NlasIterator::new(attributes) {
        let attribute: NlaBuffer<_> = attribute?;
        let value = attribute.value();
        match attribute.kind() {
            IFLA_IFNAME => link.name = text(value),
            IFLA_ADDRESS => link.mac = value.to_vec(),
            IFLA_BROADCAST => link.broadcast = value.to_vec(),
            IFLA_MTU => link.mtu = number(value).unwrap_or_default(),
            IFLA_LINK => link.below = number(value),
            IFLA_LINKINFO => info(&mut link, value)?,
            _ => {}
        }
    }
    Ok(link)
}

fn info(link: &mut LinkFacts, attributes: &[u8]) -> Result<(), DecodeError> {
    for attribute in NlasIterator::new(attributes) {
        let attribute: NlaBuffer<_> = attribute?;
        match attribute.kind() {
            IFLA_INFO_KIND => link.kind = text(attribute.value()),
            IFLA_INFO_DATA => {
                for attribute in NlasIterator::new(attribute.value()) {
                    let attribute: NlaBuffer<_> = attribute?;
                    if attribute.kind() == IFLA_MODE {
                        link.mode = number(attribute.value());
                    }
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes.split(|byte| *byte == 0).next().unwrap_or_default()).into_owned()
}

fn number(bytes: &[u8]) -> Option<u32> {
    bytes.try_into().ok().map(u32::from_ne_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
        let length = u16::try_from(value.len() + 4).unwrap();
        let mut bytes = [&length.to_ne_bytes()[..], &kind.to_ne_bytes(), value].concat();
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    #[test]
    fn a_macvlan_says_its_mode_and_what_is_below_it() {
        let mode = attribute(IFLA_MODE, &1_u32.to_ne_bytes());
        let kind = [attribute(IFLA_INFO_KIND, b"macvlan\0"), attribute(IFLA_INFO_DATA, &mode)].concat();
        let mut payload = vec![0, 0, 1, 0];
        payload.extend(7_u32.to_ne_bytes());
        payload.extend(libc::IFF_UP.to_ne_bytes());
        payload.extend([0; 4]);
        for (number, value) in [
            (IFLA_IFNAME, &b"vrrp.1\0"[..]),
            (IFLA_MTU, &1500_u32.to_ne_bytes()),
            (IFLA_LINK, &2_u32.to_ne_bytes()),
            (IFLA_LINKINFO, &kind),
            (999, &[1, 2, 3]),
        ] {
            payload.extend(attribute(number, value));
        }
        let link = link(&payload).unwrap();
        assert_eq!((link.index, link.name.as_str(), link.hardware, link.mtu), (7, "vrrp.1", 1, 1500));
        assert_eq!((link.kind.as_str(), link.mode, link.below), ("macvlan", Some(1), Some(2)));
    }

    #[test]
    fn this_host_has_a_loopback_interface() {
        let links = survey().unwrap();
        assert!(links.iter().any(|link| link.flags & libc::IFF_LOOPBACK.cast_unsigned() != 0), "{links:?}");
    }
}
