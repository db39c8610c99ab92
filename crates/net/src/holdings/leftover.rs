//! What bears our protocol number and nobody wants: left behind by a daemon that ended without a chance to clean up.
//!
//! **What the kernel shows is sent back to it as it is, to be removed**: nothing of it needs to be understood but whose it
//! is and what tells it from others.

use core::fmt;
use std::net::IpAddr;

use netlink_packet_core::{
    DecodeError, NetlinkDeserializable, NetlinkHeader, NetlinkSerializable, NlaBuffer, NlasIterator,
};
use vrrp::{Held, IfIndex};

use super::notice::{HEADER, Key, ip, key};

/// `ifaddrmsg`.
const ADDRESS_HEADER: usize = 8;
const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;
const IFA_PROTO: u16 = 11;
const FRA_PROTOCOL: u16 = 21;

/// What tells a thing in the kernel from others.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Identity {
    Address { index: u32, address: IpAddr, prefix_len: u8 },
    Other(Key),
}

impl Identity {
    /// Of something that shall be there; none while its interface is not.
    pub(super) fn of(held: &Held, index_of: &impl Fn(&str) -> Option<IfIndex>) -> Option<Self> {
        match held {
            Held::Address(held) => {
                let index = index_of(&held.interface)?.get();
                Some(Self::Address { index, address: held.address, prefix_len: held.prefix_len })
            }
            Held::Route(_) | Held::Rule(_) => Key::of(held).map(Self::Other),
        }
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address { index, address, prefix_len } => {
                write!(f, "{address}/{prefix_len} on interface {index}")
            }
            Self::Other(Key::Route { destination, table, .. }) => {
                write!(f, "the route to {}/{} in table {table}", destination.address, destination.len)
            }
            Self::Other(Key::Rule { preference, .. }) => write!(f, "the rule of preference {preference}"),
        }
    }
}

/// An address, route or rule as the kernel shows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Shown {
    pub(super) identity: Option<Identity>,
    pub(super) protocol: u8,
    message_type: u16,
    payload: Vec<u8>,
}

impl Shown {
    /// The message that removes it.
    pub(super) fn removal(self) -> Self {
        let message_type = match self.message_type {
            libc::RTM_NEWADDR => libc::RTM_DELADDR,
            libc::RTM_NEWROUTE => libc::RTM_DELROUTE,
            libc::RTM_NEWRULE => libc::RTM_DELRULE,
            other => other,
        };
        Self { message_type, ..self }
    }
}

impl NetlinkDeserializable for Shown {
    type Error = DecodeError;

    fn deserialize(header: &NetlinkHeader, payload: &[u8]) -> Result<Self, DecodeError> {
        let message_type = header.message_type;
        let (identity, protocol) = match message_type {
            libc::RTM_NEWADDR => address(payload)?,
            libc::RTM_NEWROUTE => (key(payload, true)?.map(Identity::Other), payload.get(5).copied()),
            libc::RTM_NEWRULE => {
                let protocol = attribute(payload, HEADER, FRA_PROTOCOL)?;
                (key(payload, false)?.map(Identity::Other), protocol.and_then(|value| value.first().copied()))
            }
            _ => (None, None),
        };
        Ok(Self { identity, protocol: protocol.unwrap_or_default(), message_type, payload: payload.to_vec() })
    }
}

impl NetlinkSerializable for Shown {
    fn message_type(&self) -> u16 {
        self.message_type
    }

    fn buffer_len(&self) -> usize {
        self.payload.len()
    }

    fn serialize(&self, buffer: &mut [u8]) {
        buffer.copy_from_slice(&self.payload);
    }
}

fn address(payload: &[u8]) -> Result<(Option<Identity>, Option<u8>), DecodeError> {
    let Some(&[_, prefix_len, _, _, a, b, c, d]) = payload.first_chunk::<ADDRESS_HEADER>() else {
        return Err(DecodeError::buffer_too_small(payload.len(), ADDRESS_HEADER));
    };
    let index = u32::from_ne_bytes([a, b, c, d]);
    let of = |kind| attribute(payload, ADDRESS_HEADER, kind);
    let address = of(IFA_LOCAL)?.or(of(IFA_ADDRESS)?).and_then(|value| ip(&value));
    let identity = address.map(|address| Identity::Address { index, address, prefix_len });
    Ok((identity, of(IFA_PROTO)?.and_then(|value| value.first().copied())))
}

fn attribute(payload: &[u8], header: usize, kind: u16) -> Result<Option<Vec<u8>>, DecodeError> {
    let attributes = payload.get(header..).unwrap_or_default();
    for attribute in NlasIterator::new(attributes) {
        let attribute: NlaBuffer<&[u8]> = attribute?;
        if attribute.kind() == kind {
            return Ok(Some(attribute.value().to_vec()));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use netlink_packet_route::RouteNetlinkMessage;
    use vrrp::{Prefix, RouteSpec, RuleAction, RuleSpec, VirtualAddress};

    use super::super::{address, route, rule};
    use super::*;

    fn shown(message: &RouteNetlinkMessage) -> Shown {
        let mut header = NetlinkHeader::default();
        header.message_type = message.message_type();
        let mut bytes = vec![0; message.buffer_len()];
        message.serialize(&mut bytes);
        Shown::deserialize(&header, &bytes).unwrap()
    }

    fn index(_: &str) -> Option<IfIndex> {
        IfIndex::new(7)
    }

    #[test]
    fn what_we_install_is_known_as_ours_and_as_what_it_is() {
        let held = VirtualAddress::new("10.0.0.1".parse().unwrap(), 24, "eth0");
        let message = address::message(&held, index("").unwrap(), true, Some(18));
        let one = shown(&RouteNetlinkMessage::NewAddress(message));
        assert_eq!((one.protocol, one.identity), (18, Identity::of(&held.into(), &index)));

        let prefix = Prefix { address: "10.5.0.0".parse().unwrap(), len: 16 };
        let held = RouteSpec { table: 100, ..RouteSpec::new(prefix) };
        let message = route::message(&held, &index).unwrap();
        let one = shown(&RouteNetlinkMessage::NewRoute(message));
        assert_eq!((one.protocol, one.identity), (18, Identity::of(&held.into(), &index)));

        let held =
            RuleSpec { from: Some(prefix), ..RuleSpec::new(prefix.family(), RuleAction::Table(100), 9) };
        let one = shown(&RouteNetlinkMessage::NewRule(rule::message(&held)));
        assert_eq!((one.protocol, one.identity), (18, Identity::of(&held.into(), &index)));
    }

    #[test]
    fn a_removal_is_the_same_message_of_the_other_type() {
        let held = VirtualAddress::new("10.0.0.1".parse().unwrap(), 24, "eth0");
        let message = address::message(&held, index("").unwrap(), true, None);
        let one = shown(&RouteNetlinkMessage::NewAddress(message));
        assert_eq!(one.protocol, 0);
        let removal = one.clone().removal();
        assert_eq!((removal.message_type, &removal.payload), (libc::RTM_DELADDR, &one.payload));
    }

    #[test]
    fn a_message_that_is_cut_short_is_an_error() {
        let mut header = NetlinkHeader::default();
        for (message_type, length) in
            [(libc::RTM_NEWADDR, 7), (libc::RTM_NEWROUTE, 11), (libc::RTM_NEWRULE, 11)]
        {
            header.message_type = message_type;
            assert!(Shown::deserialize(&header, &vec![2; length]).is_err());
        }
    }
}
