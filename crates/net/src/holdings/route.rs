//! Routes as rtnetlink messages. The message that removes a route is the one that made it: only that one goes.

use std::net::IpAddr;

use netlink_packet_core::{DefaultNla, NLM_F_APPEND, NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::AddressFamily;
use netlink_packet_route::route::{
    MplsLabel, RouteAddress, RouteAttribute, RouteFlags, RouteHeader, RouteIp6Tunnel, RouteIp6TunnelFlags,
    RouteIpTunnel, RouteIpTunnelFlags, RouteLwEnCapType, RouteLwTunnelEncap, RouteMessage, RouteMetric,
    RouteMplsIpTunnel, RouteMplsTtlPropagation, RouteNextHop, RouteNextHopFlags, RoutePreference,
    RouteProtocol, RouteRealm, RouteScope, RouteType, RouteVia,
};
use vrrp::{
    Encapsulation, Family, IfIndex, Metric, Nexthop, Prefix, Realms, RouteCreate, RouteKind, RouteMetrics,
    RouteSpec,
};

const SCOPE_GLOBAL: u8 = 0;
const SCOPE_HOST: u8 = 254;
/// `RTAX_FEATURE_ECN` (linux/rtnetlink.h).
const FEATURE_ECN: u32 = 1;
/// `ILA_ATTR_LOCATOR` (linux/ila.h).
const ILA_LOCATOR: u16 = 1;

/// How the kernel is to make it.
pub(super) const fn flags(create: RouteCreate) -> u16 {
    match create {
        RouteCreate::Add => NLM_F_CREATE | NLM_F_EXCL,
        RouteCreate::Prepend => NLM_F_CREATE,
        RouteCreate::Append => NLM_F_CREATE | NLM_F_APPEND,
    }
}

/// `None` while an interface that it names does not exist.
pub(super) fn message(
    route: &RouteSpec,
    index_of: &impl Fn(&str) -> Option<IfIndex>,
) -> Option<RouteMessage> {
    let mut message = RouteMessage::default();
    message.header = RouteHeader {
        address_family: match route.family() {
            Family::V4 => AddressFamily::Inet,
            Family::V6 => AddressFamily::Inet6,
        },
        destination_prefix_length: route.destination.len,
        source_prefix_length: route.source.map_or(0, |source| source.len),
        tos: route.tos,
        table: u8::try_from(route.table).unwrap_or(RouteHeader::RT_TABLE_UNSPEC),
        protocol: RouteProtocol::from(route.protocol),
        scope: RouteScope::from(scope(route)),
        kind: kind(route.kind),
        flags: RouteFlags::empty(),
    };
    let attributes = &mut message.attributes;
    attributes.extend(prefix(route.destination).map(RouteAttribute::Destination));
    attributes.extend(route.source.and_then(prefix).map(RouteAttribute::Source));
    if u8::try_from(route.table).is_err() {
        attributes.push(RouteAttribute::Table(route.table));
    }
    if route.metric != 0 {
        attributes.push(RouteAttribute::Priority(route.metric));
    }
    attributes.extend(route.preferred_source.map(|source| RouteAttribute::PrefSource(address(source))));
    attributes.extend(route.realms.map(|realms| RouteAttribute::Realm(realm(realms))));
    attributes.extend(
        route.expires.map(|time| RouteAttribute::Expires(u32::try_from(time.as_secs()).unwrap_or(u32::MAX))),
    );
    attributes.extend(route.preference.map(|preference| {
        RouteAttribute::Preference(match preference {
            vrrp::RoutePreference::Low => RoutePreference::Low,
            vrrp::RoutePreference::Medium => RoutePreference::Medium,
            vrrp::RoutePreference::High => RoutePreference::High,
        })
    }));
    attributes.extend(route.ttl_propagate.map(|on| {
        RouteAttribute::TtlPropagate(if on {
            RouteMplsTtlPropagation::Enabled
        } else {
            RouteMplsTtlPropagation::Disabled
        })
    }));
    let metrics = metrics(&route.metrics);
    if !metrics.is_empty() {
        attributes.push(RouteAttribute::Metrics(metrics));
    }
    match route.nexthops.as_slice() {
        [] => {}
        [hop] => {
            if let Some(name) = &hop.interface {
                attributes.push(RouteAttribute::Oif(index_of(name)?.get()));
            }
            if hop.onlink {
                message.header.flags |= RouteFlags::Onlink;
            }
            attributes.extend(nexthop(route.family(), hop));
        }
        hops => {
            let hops = hops.iter().map(|hop| multipath(route.family(), hop, index_of));
            attributes.push(RouteAttribute::MultiPath(hops.collect::<Option<_>>()?));
        }
    }
    Some(message)
}

/// keepalived's default is global, whatever leads there; the kernel takes a `local` route only with scope host.
fn scope(route: &RouteSpec) -> u8 {
    let default = if route.kind == RouteKind::Local { SCOPE_HOST } else { SCOPE_GLOBAL };
    route.scope.map_or(default, |scope| scope.0)
}

const fn kind(kind: RouteKind) -> RouteType {
    match kind {
        RouteKind::Unicast => RouteType::Unicast,
        RouteKind::Local => RouteType::Local,
        RouteKind::Broadcast => RouteType::Broadcast,
        RouteKind::Anycast => RouteType::Anycast,
        RouteKind::Multicast => RouteType::Multicast,
        RouteKind::Blackhole => RouteType::BlackHole,
        RouteKind::Unreachable => RouteType::Unreachable,
        RouteKind::Prohibit => RouteType::Prohibit,
        RouteKind::Throw => RouteType::Throw,
        RouteKind::Nat => RouteType::Nat,
    }
}

fn prefix(prefix: Prefix) -> Option<RouteAddress> {
    (prefix.len > 0).then(|| address(prefix.address))
}

const fn address(address: IpAddr) -> RouteAddress {
    match address {
        IpAddr::V4(address) => RouteAddress::Inet(address),
        IpAddr::V6(address) => RouteAddress::Inet6(address),
    }
}

const fn realm(realms: Realms) -> RouteRealm {
    RouteRealm { source: realms.from, destination: realms.to }
}

fn multipath(
    family: Family,
    hop: &Nexthop,
    index_of: &impl Fn(&str) -> Option<IfIndex>,
) -> Option<RouteNextHop> {
    let mut message = RouteNextHop::default();
    message.interface_index = match &hop.interface {
        Some(name) => index_of(name)?.get(),
        None => 0,
    };
    // The kernel counts from 0.
    message.hops = u8::try_from(hop.weight.0.saturating_sub(1)).unwrap_or(u8::MAX);
    if hop.onlink {
        message.flags = RouteNextHopFlags::Onlink;
    }
    message.attributes = nexthop(family, hop);
    message.attributes.extend(hop.realms.map(|realms| RouteAttribute::Realm(realm(realms))));
    Some(message)
}

fn nexthop(family: Family, hop: &Nexthop) -> Vec<RouteAttribute> {
    let mut attributes = Vec::new();
    attributes.extend(hop.gateway.map(|gateway| match gateway {
        gateway if Family::of(gateway) == family => RouteAttribute::Gateway(address(gateway)),
        IpAddr::V4(gateway) => RouteAttribute::Via(RouteVia::Inet(gateway)),
        IpAddr::V6(gateway) => RouteAttribute::Via(RouteVia::Inet6(gateway)),
    }));
    if let Some(encapsulation) = &hop.encapsulation {
        let (kind, tunnel) = tunnel(encapsulation);
        attributes.push(RouteAttribute::EncapType(kind));
        attributes.push(RouteAttribute::Encap(tunnel));
    }
    attributes
}

fn tunnel(encapsulation: &Encapsulation) -> (RouteLwEnCapType, Vec<RouteLwTunnelEncap>) {
    match encapsulation {
        Encapsulation::Ip { id, destination, source, tos, ttl, flags } => {
            let attributes = [
                id.map(RouteIpTunnel::Id),
                destination.map(RouteIpTunnel::Destination),
                source.map(RouteIpTunnel::Source),
                ttl.map(RouteIpTunnel::Ttl),
                tos.map(RouteIpTunnel::Tos),
                flags.map(|bits| RouteIpTunnel::Flags(RouteIpTunnelFlags::from_bits_retain(bits))),
            ];
            (RouteLwEnCapType::Ip, attributes.into_iter().flatten().map(RouteLwTunnelEncap::Ip).collect())
        }
        Encapsulation::Ip6 { id, destination, source, traffic_class, hop_limit, flags } => {
            let attributes = [
                id.map(RouteIp6Tunnel::Id),
                destination.map(RouteIp6Tunnel::Destination),
                source.map(RouteIp6Tunnel::Source),
                hop_limit.map(RouteIp6Tunnel::Hoplimit),
                traffic_class.map(RouteIp6Tunnel::Tc),
                flags.map(|bits| RouteIp6Tunnel::Flags(RouteIp6TunnelFlags::from_bits_retain(bits))),
            ];
            (RouteLwEnCapType::Ip6, attributes.into_iter().flatten().map(RouteLwTunnelEncap::Ip6).collect())
        }
        Encapsulation::Mpls(labels) => {
            let last = labels.len().saturating_sub(1);
            let labels = labels.iter().enumerate().map(|(at, label)| MplsLabel {
                label: *label,
                traffic_class: 0,
                bottom_of_stack: at == last,
                ttl: 0,
            });
            let tunnel = RouteMplsIpTunnel::Destination(labels.collect());
            (RouteLwEnCapType::Mpls, vec![RouteLwTunnelEncap::Mpls(tunnel)])
        }
        Encapsulation::Ila(locator) => {
            let locator = DefaultNla::new(ILA_LOCATOR, locator.to_be_bytes().to_vec());
            (RouteLwEnCapType::Ila, vec![RouteLwTunnelEncap::Other(locator)])
        }
    }
}

fn metrics(metrics: &RouteMetrics) -> Vec<RouteMetric> {
    let millis = |time: std::time::Duration| u32::try_from(time.as_millis()).unwrap_or(u32::MAX);
    let mut locked = 0_u32;
    let mut found = Vec::new();
    let mut lockable = |bit: u32, metric: Option<Metric<u32>>, make: fn(u32) -> RouteMetric| {
        if let Some(metric) = metric {
            locked |= u32::from(metric.lock) << bit;
            found.push(make(metric.value));
        }
    };
    let scaled = |metric: Option<Metric<std::time::Duration>>, by: u32| {
        metric.map(|metric| Metric { value: millis(metric.value).saturating_mul(by), lock: metric.lock })
    };
    // The bits are RTAX_* (linux/rtnetlink.h). The kernel keeps rtt in eighths and rttvar in quarters of a millisecond.
    lockable(2, metrics.mtu, RouteMetric::Mtu);
    lockable(4, scaled(metrics.rtt, 8), RouteMetric::Rtt);
    lockable(5, scaled(metrics.rtt_variance, 4), RouteMetric::RttVar);
    lockable(6, metrics.slow_start_threshold, RouteMetric::SsThresh);
    lockable(7, metrics.congestion_window, RouteMetric::Cwnd);
    lockable(8, metrics.advertised_mss, RouteMetric::Advmss);
    lockable(9, metrics.reordering, RouteMetric::Reordering);
    lockable(13, scaled(metrics.rto_min, 1), RouteMetric::RtoMin);
    if let Some(control) = &metrics.congestion_control {
        locked |= u32::from(control.lock) << 16;
        found.push(RouteMetric::CcAlgo(control.value.clone()));
    }
    let plain = [
        metrics.window.map(RouteMetric::Window),
        metrics.hop_limit.map(u32::from).map(RouteMetric::Hoplimit),
        metrics.initial_congestion_window.map(RouteMetric::InitCwnd),
        metrics.initial_receive_window.map(RouteMetric::InitRwnd),
        metrics.quick_ack.map(u32::from).map(RouteMetric::QuickAck),
        metrics.fast_open_no_cookie.map(u32::from).map(RouteMetric::FastopenNoCookie),
        metrics.ecn.then_some(FEATURE_ECN).map(RouteMetric::Features),
    ];
    found.extend(plain.into_iter().flatten());
    if locked != 0 {
        found.insert(0, RouteMetric::Lock(locked));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route() -> RouteSpec {
        RouteSpec::new(Prefix { address: "192.0.2.0".parse().unwrap(), len: 24 })
    }

    fn via(gateway: &str) -> Nexthop {
        Nexthop {
            gateway: Some(gateway.parse().unwrap()),
            interface: Some("eth0".to_owned()),
            ..Nexthop::default()
        }
    }

    fn made(route: &RouteSpec) -> RouteMessage {
        message(route, &|name| IfIndex::new(if name == "eth0" { 2 } else { 3 })).unwrap()
    }

    #[test]
    fn a_gateway_of_the_other_family_is_a_via() {
        let message = made(&RouteSpec { nexthops: vec![via("fe80::1")], ..route() });
        let via = RouteAttribute::Via(RouteVia::Inet6("fe80::1".parse().unwrap()));
        assert!(message.attributes.contains(&via), "{message:?}");
    }

    #[test]
    fn a_table_beyond_255_is_named_by_an_attribute() {
        let message = made(&RouteSpec { table: 1000, ..route() });
        assert_eq!(message.header.table, 0);
        assert!(message.attributes.contains(&RouteAttribute::Table(1000)));
    }

    #[test]
    fn several_nexthops_count_their_weight_from_zero() {
        let two = Nexthop { weight: vrrp::Weight(3), onlink: true, ..via("10.2.0.2") };
        let message = made(&RouteSpec { nexthops: vec![via("10.1.0.2"), two], ..route() });
        let Some(RouteAttribute::MultiPath(hops)) = message.attributes.last() else { panic!("{message:?}") };
        assert_eq!(hops.iter().map(|hop| hop.hops).collect::<Vec<_>>(), [0, 2]);
        assert_eq!(hops[1].flags, RouteNextHopFlags::Onlink);
    }

    #[test]
    fn locked_metrics_are_marked_in_one_mask_before_them() {
        let lock = |value| Some(Metric { value, lock: true });
        let metrics = metrics(&RouteMetrics {
            mtu: lock(1400),
            advertised_mss: lock(1300),
            hop_limit: Some(30),
            ecn: true,
            ..RouteMetrics::default()
        });
        assert_eq!(
            metrics,
            [
                RouteMetric::Lock(1 << 2 | 1 << 8),
                RouteMetric::Mtu(1400),
                RouteMetric::Advmss(1300),
                RouteMetric::Hoplimit(30),
                RouteMetric::Features(1),
            ]
        );
    }

    #[test]
    fn a_route_over_an_interface_that_is_not_there_has_no_message() {
        let route = RouteSpec { nexthops: vec![via("10.1.0.2")], ..route() };
        assert!(message(&route, &|_| None).is_none());
    }
}
