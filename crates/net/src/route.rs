//! Routes to single IPv4 hosts on an interface.
//!
//! A route is the one that `route add -host HOST dev INTERFACE:0` makes where HOST is the address of the label
//! INTERFACE:0: table main, protocol boot, scope link, HOST also as the source. The kernel takes it away together with
//! that address. **Only a route that looks exactly so is removed**: one to the same host that somebody else made stays.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use netlink::{Conversation, Error, Request};
use netlink_packet_core::{
    DecodeError, NLM_F_CREATE, NLM_F_EXCL, NetlinkDeserializable, NetlinkHeader, NlaBuffer, NlasIterator,
};
use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteHeader, RouteMessage, RouteProtocol, RouteScope, RouteType,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use vrrp::IfIndex;

const RTA_DST: u16 = 1;
const RTA_OIF: u16 = 4;

const ROUTE_HEADER: usize = 12;

/// A conversation with the kernel about routes to hosts.
#[derive(Debug)]
pub struct HostRoutes {
    conversation: Conversation,
}

impl HostRoutes {
    /// Opens the conversation.
    ///
    /// # Errors
    /// The kernel refuses a socket.
    pub fn open() -> Result<Self, Error> {
        Conversation::open(libc::NETLINK_ROUTE as isize).map(|conversation| Self { conversation })
    }

    /// The hosts that table main has a route to on this interface, whoever made it.
    ///
    /// # Errors
    /// The kernel does not answer.
    pub fn on(&mut self, index: IfIndex) -> Result<BTreeSet<Ipv4Addr>, Error> {
        let mut message = RouteMessage::default();
        message.header.address_family = AddressFamily::Inet;
        let request = Request { flags: 0, message: RouteNetlinkMessage::GetRoute(message) };
        let routes = self.conversation.dump::<_, Found>(&request)?;
        Ok(routes.into_iter().filter_map(|found| found.host_on(index)).collect())
    }

    /// Adds a route.
    ///
    /// # Errors
    /// The kernel refuses: `EEXIST` if it has a route to this host already, on whichever interface; `EINVAL` if
    /// `host` is no address of its own; `ENETDOWN` if the interface is down.
    pub fn add(&mut self, host: Ipv4Addr, index: IfIndex) -> Result<(), Error> {
        let flags = NLM_F_CREATE | NLM_F_EXCL;
        let message = RouteNetlinkMessage::NewRoute(route(host, index));
        self.conversation.request::<_, RouteNetlinkMessage>(&Request { flags, message }).map(drop)
    }

    /// Removes a route. **That it is gone already is success.**
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn remove(&mut self, host: Ipv4Addr, index: IfIndex) -> Result<(), Error> {
        let message = RouteNetlinkMessage::DelRoute(route(host, index));
        match self.conversation.request::<_, RouteNetlinkMessage>(&Request { flags: 0, message }) {
            Err(Error::Refused(refusal)) if refusal.errno == libc::ESRCH => Ok(()),
            result => result.map(drop),
        }
    }
}

fn route(host: Ipv4Addr, index: IfIndex) -> RouteMessage {
    let mut message = RouteMessage::default();
    message.header = RouteHeader {
        address_family: AddressFamily::Inet,
        destination_prefix_length: 32,
        table: RouteHeader::RT_TABLE_MAIN,
        protocol: RouteProtocol::Boot,
        scope: RouteScope::Link,
        kind: RouteType::Unicast,
        ..RouteHeader::default()
    };
    message.attributes = vec![
        RouteAttribute::Destination(RouteAddress::Inet(host)),
        RouteAttribute::PrefSource(RouteAddress::Inet(host)),
        RouteAttribute::Oif(index.get()),
    ];
    message
}

/// A route of the kernel, reduced to what is asked here: the host, if it is one to a single host in table main, and the
/// interface.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Found(Option<(Ipv4Addr, IfIndex)>);

impl Found {
    fn host_on(self, index: IfIndex) -> Option<Ipv4Addr> {
        self.0.filter(|(_, on)| *on == index).map(|(host, _)| host)
    }
}

impl NetlinkDeserializable for Found {
    type Error = DecodeError;

    fn deserialize(_: &NetlinkHeader, payload: &[u8]) -> Result<Self, DecodeError> {
        let Some((header, attributes)) = payload.split_first_chunk::<ROUTE_HEADER>() else {
            return Err(DecodeError::buffer_too_small(payload.len(), ROUTE_HEADER));
        };
        let [_, prefix_len, _, _, table, _, _, kind, ..] = *header;
        if (prefix_len, table, kind) != (32, libc::RT_TABLE_MAIN, libc::RTN_UNICAST) {
            return Ok(Self(None));
        }
        let (mut host, mut interface) = (None, None);
        for attribute in NlasIterator::new(attributes) {
            let attribute: NlaBuffer<_> = attribute?;
            let value = <[u8; 4]>::try_from(attribute.value()).ok();
            match attribute.kind() {
                RTA_DST => host = value.map(Ipv4Addr::from),
                RTA_OIF => interface = value.map(u32::from_ne_bytes).and_then(IfIndex::new),
                _ => {}
            }
        }
        Ok(Self(host.zip(interface)))
    }
}

#[cfg(test)]
mod tests {
    use netlink_packet_core::NetlinkSerializable;

    use super::*;

    const HOST: Ipv4Addr = Ipv4Addr::new(192, 168, 0, 10);

    fn lo() -> IfIndex {
        IfIndex::new(1).unwrap()
    }

    fn found(payload: &[u8]) -> Result<Found, DecodeError> {
        Found::deserialize(&NetlinkHeader::default(), payload)
    }

    /// The message of a request, and the same with another byte of the header.
    fn bytes(change: Option<(usize, u8)>) -> Vec<u8> {
        let message = RouteNetlinkMessage::NewRoute(route(HOST, lo()));
        let mut bytes = vec![0; message.buffer_len()];
        message.serialize(&mut bytes);
        if let Some((at, value)) = change {
            bytes[at] = value;
        }
        bytes
    }

    #[test]
    fn what_is_added_is_what_is_found() {
        let found = found(&bytes(None)).unwrap();
        assert_eq!(found.host_on(lo()), Some(HOST));
        assert_eq!(found.host_on(IfIndex::new(2).unwrap()), None);
    }

    #[test]
    fn a_network_another_table_and_a_local_route_are_no_host_routes() {
        let (prefix_len, table, kind) = (1, 4, 7);
        for other in [(prefix_len, 24), (table, libc::RT_TABLE_LOCAL), (kind, libc::RTN_LOCAL)] {
            assert_eq!(found(&bytes(Some(other))).unwrap(), Found(None), "{other:?}");
        }
    }

    #[test]
    fn attributes_that_nobody_knows_do_not_matter() {
        let unknown = vec![8, 0, 0xff, 0x3f, 1, 2, 3, 4];
        let found = found(&[bytes(None), unknown].concat()).unwrap();
        assert_eq!(found.host_on(lo()), Some(HOST));
    }

    #[test]
    fn a_truncated_message_is_an_error() {
        assert!(found(&[]).is_err());
        assert!(found(&[2; ROUTE_HEADER - 1]).is_err());
    }
}
