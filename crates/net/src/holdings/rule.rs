//! Routing rules as rtnetlink messages. The message that removes a rule is the one that made it.

use netlink_packet_core::DefaultNla;
use netlink_packet_route::AddressFamily;
use netlink_packet_route::route::{RouteProtocol, RouteRealm};
use netlink_packet_route::rule::{
    RuleAction, RuleAttribute, RuleFlags, RuleHeader, RuleMessage, RulePortRange, RuleUidRange,
};
use vrrp::{Family, Range, RuleSpec};

const TABLE_UNSPECIFIED: u8 = 0;
/// `FRA_IP_PROTO` (linux/fib_rules.h); netlink-packet-route keeps its type to itself.
const IP_PROTOCOL: u16 = 22;

pub(super) fn message(rule: &RuleSpec) -> RuleMessage {
    let mut attributes = vec![RuleAttribute::Priority(rule.preference)];
    let mut table = TABLE_UNSPECIFIED;
    let action = match rule.action {
        vrrp::RuleAction::Table(number) => {
            table = u8::try_from(number).unwrap_or(TABLE_UNSPECIFIED);
            attributes.push(RuleAttribute::Table(number));
            RuleAction::ToTable
        }
        vrrp::RuleAction::Vrf => {
            attributes.push(RuleAttribute::L3MDev(true));
            RuleAction::ToTable
        }
        vrrp::RuleAction::Goto(preference) => {
            attributes.push(RuleAttribute::Goto(preference));
            RuleAction::Goto
        }
        vrrp::RuleAction::Nop => RuleAction::Nop,
        vrrp::RuleAction::Blackhole => RuleAction::Blackhole,
        vrrp::RuleAction::Unreachable => RuleAction::Unreachable,
        vrrp::RuleAction::Prohibit => RuleAction::Prohibit,
    };
    attributes.extend(rule.from.filter(|from| from.len > 0).map(|from| RuleAttribute::Source(from.address)));
    attributes.extend(rule.to.filter(|to| to.len > 0).map(|to| RuleAttribute::Destination(to.address)));
    if let Some(mark) = rule.mark {
        attributes.extend([RuleAttribute::FwMark(mark.mark), RuleAttribute::FwMask(mark.mask)]);
    }
    attributes.extend(rule.incoming.clone().map(RuleAttribute::Iifname));
    attributes.extend(rule.outgoing.clone().map(RuleAttribute::Oifname));
    attributes.extend(rule.tunnel_id.map(RuleAttribute::TunId));
    attributes.extend(
        rule.users
            .map(|Range { first, last }| RuleAttribute::UidRange(RuleUidRange { start: first, end: last })),
    );
    attributes.extend(
        rule.ip_protocol.map(|number| RuleAttribute::Other(DefaultNla::new(IP_PROTOCOL, vec![number]))),
    );
    attributes.extend(rule.source_ports.map(|range| RuleAttribute::SourcePortRange(ports(range))));
    attributes.extend(rule.destination_ports.map(|range| RuleAttribute::DestinationPortRange(ports(range))));
    attributes.extend(
        rule.realms
            .map(|realms| RuleAttribute::Realm(RouteRealm { source: realms.from, destination: realms.to })),
    );
    attributes.extend(rule.suppress_prefix_len.map(RuleAttribute::SuppressPrefixLen));
    attributes.extend(rule.suppress_interface_group.map(RuleAttribute::SuppressIfGroup));
    attributes.extend(rule.protocol.map(|number| RuleAttribute::Protocol(RouteProtocol::from(number))));

    let mut message = RuleMessage::default();
    message.header = RuleHeader {
        family: match rule.family {
            Family::V4 => AddressFamily::Inet,
            Family::V6 => AddressFamily::Inet6,
        },
        dst_len: rule.to.map_or(0, |to| to.len),
        src_len: rule.from.map_or(0, |from| from.len),
        tos: rule.tos,
        table,
        action,
        flags: if rule.invert { RuleFlags::Invert } else { RuleFlags::empty() },
    };
    message.attributes = attributes;
    message
}

const fn ports(range: Range<u16>) -> RulePortRange {
    RulePortRange { start: range.first, end: range.last }
}
