//! What the kernel tells of routes and rules, reduced to which one went and by whose hand.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use netlink_packet_core::{DecodeError, NetlinkDeserializable, NetlinkHeader, NlaBuffer, NlasIterator};
use vrrp::{Family, Held, Prefix};

/// Routes and rules have headers of one length: `rtmsg` and `fib_rule_hdr`.
pub(super) const HEADER: usize = 12;
/// `RTA_DST` and `FRA_DST`.
const DESTINATION: u16 = 1;
/// `RTA_SRC` and `FRA_SRC`.
const SOURCE: u16 = 2;
/// `RTA_PRIORITY` and `FRA_PRIORITY`.
const PRIORITY: u16 = 6;
/// `RTA_TABLE` and `FRA_TABLE`.
const TABLE: u16 = 15;
/// The metric that the kernel gives IPv6 routes without one (`IP6_RT_PRIO_USER`).
const METRIC_V6: u32 = 1024;

/// What tells a route or a rule from others.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Key {
    Route { destination: Prefix, tos: u8, table: u32, metric: u32 },
    Rule { from: Prefix, to: Prefix, preference: u32 },
}

impl Key {
    /// `None` for addresses.
    pub(super) fn of(held: &Held) -> Option<Self> {
        match held {
            Held::Address(_) => None,
            Held::Route(route) => Some(Self::Route {
                destination: masked(route.destination),
                tos: route.tos,
                table: route.table,
                metric: match (route.family(), route.metric) {
                    (Family::V6, 0) => METRIC_V6,
                    (_, metric) => metric,
                },
            }),
            Held::Rule(rule) => {
                let any = Prefix::everything(rule.family);
                Some(Self::Rule {
                    from: masked(rule.from.unwrap_or(any)),
                    to: masked(rule.to.unwrap_or(any)),
                    preference: rule.preference,
                })
            }
        }
    }
}

/// One message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Notice {
    /// Port of the socket that asked for it; 0 is the kernel itself.
    pub(super) by: u32,
    /// What went, if anything did.
    pub(super) gone: Option<Key>,
}

impl NetlinkDeserializable for Notice {
    type Error = DecodeError;

    fn deserialize(header: &NetlinkHeader, payload: &[u8]) -> Result<Self, DecodeError> {
        let gone = match header.message_type {
            libc::RTM_DELROUTE => key(payload, true)?,
            libc::RTM_DELRULE => key(payload, false)?,
            _ => None,
        };
        Ok(Self { by: header.port_number, gone })
    }
}

pub(super) fn key(payload: &[u8], is_route: bool) -> Result<Option<Key>, DecodeError> {
    let Some((header, attributes)) = payload.split_first_chunk::<HEADER>() else {
        return Err(DecodeError::buffer_too_small(payload.len(), HEADER));
    };
    let [family, to_len, from_len, tos, table, ..] = *header;
    let family = match i32::from(family) {
        libc::AF_INET => Family::V4,
        libc::AF_INET6 => Family::V6,
        _ => return Ok(None),
    };
    let any = Prefix::everything(family).address;
    let (mut to, mut from, mut priority, mut table) = (any, any, 0, u32::from(table));
    for attribute in NlasIterator::new(attributes) {
        let attribute: NlaBuffer<_> = attribute?;
        let value = attribute.value();
        match attribute.kind() {
            DESTINATION => to = ip(value).unwrap_or(to),
            SOURCE => from = ip(value).unwrap_or(from),
            PRIORITY => priority = number(value).unwrap_or(priority),
            TABLE => table = number(value).unwrap_or(table),
            _ => {}
        }
    }
    let to = masked(Prefix { address: to, len: to_len });
    Ok(Some(if is_route {
        Key::Route { destination: to, tos, table, metric: priority }
    } else {
        Key::Rule { from: masked(Prefix { address: from, len: from_len }), to, preference: priority }
    }))
}

fn number(value: &[u8]) -> Option<u32> {
    value.try_into().map(u32::from_ne_bytes).ok()
}

pub(super) fn ip(octets: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(octets).map(|octets| Ipv4Addr::from(octets).into());
    v4.or_else(|_| <[u8; 16]>::try_from(octets).map(|octets| Ipv6Addr::from(octets).into())).ok()
}

fn masked(prefix: Prefix) -> Prefix {
    let hidden = |bits: u32| bits.saturating_sub(u32::from(prefix.len));
    let address = match prefix.address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(hidden(32)).unwrap_or(0);
            Ipv4Addr::from_bits(address.to_bits() & mask).into()
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(hidden(128)).unwrap_or(0);
            Ipv6Addr::from_bits(address.to_bits() & mask).into()
        }
    };
    Prefix { address, len: prefix.len }
}

#[cfg(test)]
mod tests {
    use netlink_packet_core::NetlinkSerializable;
    use netlink_packet_route::RouteNetlinkMessage;
    use vrrp::{RouteSpec, RuleAction, RuleSpec};

    use super::super::{route, rule};
    use super::*;

    fn notice(message_type: u16, payload: &[u8]) -> Result<Notice, DecodeError> {
        let mut header = NetlinkHeader::default();
        header.message_type = message_type;
        header.port_number = 77;
        Notice::deserialize(&header, payload)
    }

    fn bytes(message: &RouteNetlinkMessage) -> Vec<u8> {
        let mut bytes = vec![0; message.buffer_len()];
        message.serialize(&mut bytes);
        bytes
    }

    #[test]
    fn what_is_installed_is_what_is_heard_to_be_gone() {
        for (destination, len, table, metric) in
            [("192.0.2.0", 24, 254, 0), ("0.0.0.0", 0, 1000, 20), ("2001:db8::", 32, 100, 50)]
        {
            let destination = Prefix { address: destination.parse().unwrap(), len };
            let route = RouteSpec { table, metric, tos: 16, ..RouteSpec::new(destination) };
            let message = route::message(&route, &|_| None).unwrap();
            let notice = notice(libc::RTM_DELROUTE, &bytes(&RouteNetlinkMessage::DelRoute(message))).unwrap();
            assert_eq!(notice, Notice { by: 77, gone: Key::of(&route.into()) });
        }
        for (from, len) in [("10.5.0.0", 16), ("2001:db8::", 32)] {
            let from = Prefix { address: from.parse().unwrap(), len };
            let rule =
                RuleSpec { from: Some(from), ..RuleSpec::new(from.family(), RuleAction::Table(100), 1000) };
            let message = bytes(&RouteNetlinkMessage::DelRule(rule::message(&rule)));
            let notice = notice(libc::RTM_DELRULE, &message).unwrap();
            assert_eq!(notice.gone, Key::of(&rule.into()));
        }
    }

    #[test]
    fn an_ipv6_route_without_metric_has_the_kernel_s() {
        let route = RouteSpec::new(Prefix { address: "2001:db8::".parse().unwrap(), len: 32 });
        assert!(matches!(Key::of(&route.into()), Some(Key::Route { metric: 1024, .. })));
    }

    #[test]
    fn what_is_added_is_not_gone_and_a_truncated_message_is_an_error() {
        assert_eq!(notice(libc::RTM_NEWROUTE, &[2; 12]).unwrap().gone, None);
        assert!(notice(libc::RTM_DELROUTE, &[2; 11]).is_err());
        assert!(notice(libc::RTM_DELRULE, &[]).is_err());
    }

    #[test]
    fn bits_beyond_the_prefix_do_not_count() {
        let masked = |address: &str, len| masked(Prefix { address: address.parse().unwrap(), len }).address;
        assert_eq!(masked("10.1.2.3", 24), "10.1.2.0".parse::<IpAddr>().unwrap());
        assert_eq!(masked("10.1.2.3", 0), "0.0.0.0".parse::<IpAddr>().unwrap());
        assert_eq!(masked("10.1.2.3", 32), "10.1.2.3".parse::<IpAddr>().unwrap());
        assert_eq!(masked("2001:db8::1", 32), "2001:db8::".parse::<IpAddr>().unwrap());
    }
}
