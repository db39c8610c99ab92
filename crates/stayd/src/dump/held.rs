//! Addresses, routes and rules as one line each.

use std::collections::BTreeMap;
use std::net::IpAddr;

use vrrp::{
    Encapsulation, Metric, Nexthop, PROTOCOL_KEEPALIVED, Realms, RouteCreate, RouteKind, RouteMetrics,
    RoutePreference, RouteSpec, RuleAction, RuleSpec, TABLE_MAIN, VirtualAddress, spec::Prefix, spec::Range,
};

/// A line that is put together from words.
struct Words(Vec<String>);

impl Words {
    fn say(&mut self, word: impl Into<String>) {
        self.0.push(word.into());
    }

    fn say_if(&mut self, condition: bool, word: &str) {
        if condition {
            self.say(word);
        }
    }

    fn value(&mut self, label: &str, value: Option<impl ToString>) {
        if let Some(value) = value {
            self.say(format!("{label} {}", value.to_string()));
        }
    }

    fn metric(&mut self, label: &str, metric: Option<&Metric<impl ToString>>) {
        if let Some(Metric { value, lock }) = metric {
            self.say(format!("{label} {}{}", if *lock { "lock " } else { "" }, value.to_string()));
        }
    }

    fn line(self) -> String {
        self.0.join(" ")
    }
}

/// What has become of an address.
#[derive(Clone, Copy)]
pub(super) struct Presence {
    /// It is on its interface.
    pub(super) set: bool,
    /// The packet filter keeps what is sent to it away.
    pub(super) filtered: bool,
}

/// An address; `bases` are the VMACs with the interfaces below them.
pub(super) fn address(
    address: &VirtualAddress,
    bases: &BTreeMap<String, String>,
    presence: Presence,
) -> String {
    let mut words = Words(Vec::new());
    words.say(host_or_net(address.address, address.prefix_len));
    words.value("brd", address.broadcast);
    let base = bases.get(&address.interface).map(|base| format!("@{base}")).unwrap_or_default();
    words.say(format!("dev {}{base}", address.interface));
    words.say_if(address.use_vmac, "use_vmac");
    words.say(format!("scope {}", scope(address.scope)));
    words.value("label", address.label.as_deref());
    words.value("peer", address.peer.map(|peer| format!("{peer}/{}", address.prefix_len)));
    words.say_if(address.flags.home, "home");
    words.say_if(address.flags.dad, "-nodad");
    words.say_if(address.flags.manage_temporary, "mngtmpaddr");
    words.say_if(address.flags.no_prefix_route, "noprefixroute");
    words.say_if(address.flags.auto_join, "autojoin");
    words.say_if(!address.track, "no_track");
    words.value("track_group", address.track_group.as_deref());
    match address.preferred_lifetime {
        Some(0) => words.say("deprecated"),
        Some(seconds) => words.say(format!("preferred_lft {seconds}")),
        None if address.address.is_ipv6() => words.say("preferred_lft forever"),
        None => {}
    }
    words.say_if(presence.set, "set");
    words.say_if(presence.filtered, "nftable_set");
    words.line()
}

fn host_or_net(address: IpAddr, length: u8) -> String {
    let whole = if address.is_ipv4() { 32 } else { 128 };
    if length == whole { address.to_string() } else { format!("{address}/{length}") }
}

fn scope(scope: u8) -> String {
    match scope {
        0 => "global".to_owned(),
        200 => "site".to_owned(),
        253 => "link".to_owned(),
        254 => "host".to_owned(),
        255 => "nowhere".to_owned(),
        other => other.to_string(),
    }
}

fn net(prefix: Prefix) -> String {
    format!("{}/{}", prefix.address, prefix.len)
}

/// A route.
pub(super) fn route(route: &RouteSpec) -> String {
    let mut words = Words(Vec::new());
    words.say(match route.create {
        _ if route.nexthops.is_empty() && route.kind != RouteKind::Unicast => "add",
        RouteCreate::Add => "add",
        RouteCreate::Prepend => "prepend",
        RouteCreate::Append => "append",
    });
    if let Some(kind) = kind(route.kind) {
        words.say(kind);
    }
    words.say(net(route.destination));
    words.value("from", route.source.map(net));
    words.value("src", route.preferred_source);
    words.value("tos", (route.tos != 0).then_some(route.tos));
    let only = match route.nexthops.as_slice() {
        [only] => Some(only),
        _ => None,
    };
    if let Some(hop) = only {
        way(&mut words, hop);
    }
    words.value("table", (route.table != TABLE_MAIN).then_some(route.table));
    // keepalived does not show its own of a route that is not watched.
    let silent = !route.track
        && route.protocol == PROTOCOL_KEEPALIVED
        && only.is_some_and(|hop| hop.interface.is_some());
    words.value("proto", (!silent).then_some(route.protocol));
    words.value("scope", route.scope.map(|scope| scope.0));
    words.value("metric", (route.metric != 0).then_some(route.metric));
    words.say_if(only.is_some_and(|hop| hop.onlink), "onlink");
    words.value("realms", route.realms.map(realms));
    words.value("expires", route.expires.map(|expires| format!("{}sec", expires.as_secs())));
    metrics(&mut words, &route.metrics);
    words.value(
        "pref",
        route.preference.map(|preference| match preference {
            RoutePreference::Low => "low",
            RoutePreference::Medium => "medium",
            RoutePreference::High => "high",
        }),
    );
    if only.is_none() {
        for hop in &route.nexthops {
            words.say("nexthop");
            way(&mut words, hop);
            words.value("weight", (hop.weight.0 != 1).then_some(hop.weight.0));
            words.say_if(hop.onlink, "onlink");
            words.value("realm", hop.realms.map(realms));
        }
    }
    words.say_if(!route.track, "no_track");
    words.value("track_group", route.track_group.as_deref());
    words.line()
}

const fn kind(kind: RouteKind) -> Option<&'static str> {
    match kind {
        RouteKind::Unicast => None,
        RouteKind::Local => Some("local"),
        RouteKind::Broadcast => Some("broadcast"),
        RouteKind::Anycast => Some("anycast"),
        RouteKind::Multicast => Some("multicast"),
        RouteKind::Blackhole => Some("blackhole"),
        RouteKind::Unreachable => Some("unreachable"),
        RouteKind::Prohibit => Some("prohibit"),
        RouteKind::Throw => Some("throw"),
        RouteKind::Nat => Some("nat"),
    }
}

fn way(words: &mut Words, hop: &Nexthop) {
    match &hop.encapsulation {
        Some(Encapsulation::Mpls(labels)) => {
            let labels: Vec<_> = labels.iter().map(u32::to_string).collect();
            words.say(format!("encap mpls {}", labels.join("/")));
        }
        Some(Encapsulation::Ila(locator)) => words.say(format!("encap ila {locator:x}")),
        Some(Encapsulation::Ip { destination, .. }) => {
            words.say("encap ip");
            words.value("dst", *destination);
        }
        Some(Encapsulation::Ip6 { destination, .. }) => {
            words.say("encap ip6");
            words.value("dst", *destination);
        }
        None => {}
    }
    if let Some(gateway) = hop.gateway {
        words.say(format!("via {} {gateway}", if gateway.is_ipv4() { "inet" } else { "inet6" }));
    }
    words.value("dev", hop.interface.as_deref());
}

fn realms(realms: Realms) -> String {
    if realms.from == 0 { realms.to.to_string() } else { format!("{}/{}", realms.from, realms.to) }
}

fn metrics(words: &mut Words, metrics: &RouteMetrics) {
    let milliseconds = |metric: &Metric<std::time::Duration>| Metric {
        value: format!("{}ms", metric.value.as_millis()),
        lock: metric.lock,
    };
    words.metric("congctl", metrics.congestion_control.as_ref());
    words.metric("rtt", metrics.rtt.as_ref().map(milliseconds).as_ref());
    words.metric("rttvar", metrics.rtt_variance.as_ref().map(milliseconds).as_ref());
    words.metric("rto_min", metrics.rto_min.as_ref().map(milliseconds).as_ref());
    words.say_if(metrics.ecn, "features ecn");
    words.metric("mtu", metrics.mtu.as_ref());
    words.value("window", metrics.window);
    words.metric("ssthresh", metrics.slow_start_threshold.as_ref());
    words.metric("cwnd", metrics.congestion_window.as_ref());
    words.metric("advmss", metrics.advertised_mss.as_ref());
    words.metric("reordering", metrics.reordering.as_ref());
    words.value("hoplimit", metrics.hop_limit);
    words.value("initcwnd", metrics.initial_congestion_window);
    words.value("initrwnd", metrics.initial_receive_window);
    words.value("quickack", metrics.quick_ack.map(u8::from));
    words.value("fastopen_no_cookie", metrics.fast_open_no_cookie.map(u8::from));
}

/// A rule.
pub(super) fn rule(rule: &RuleSpec) -> String {
    let mut words = Words(Vec::new());
    words.say_if(rule.invert, "not");
    words.say(format!("from {}", rule.from.map_or_else(|| "all".to_owned(), net)));
    words.value("to", rule.to.map(net));
    words.say(format!("priority {} tos {:#x}", rule.preference, rule.tos));
    words.value(
        "fwmark",
        rule.mark.map(|mark| match mark.mask {
            u32::MAX => format!("{:#x}", mark.mark),
            mask => format!("{:#x}/{mask:#x}", mark.mark),
        }),
    );
    words.value("iif", rule.incoming.as_deref());
    words.value("oif", rule.outgoing.as_deref());
    words.value("suppress_prefixlen", rule.suppress_prefix_len);
    words.value("suppress_ifgroup", rule.suppress_interface_group);
    words.value("tunnel-id", rule.tunnel_id);
    words.value("uidrange", rule.users.as_ref().map(range));
    words.value("ipproto", rule.ip_protocol);
    words.value("sport", rule.source_ports.as_ref().map(range));
    words.value("dport", rule.destination_ports.as_ref().map(range));
    words.say_if(rule.action == RuleAction::Vrf, "l3mdev");
    words.value("protocol", rule.protocol.filter(|_| rule.track));
    words.value("realms", rule.realms.map(realms));
    words.say(match rule.action {
        RuleAction::Table(table) => format!("lookup {table}"),
        RuleAction::Vrf => "lookup 0".to_owned(),
        RuleAction::Goto(preference) => format!("goto {preference}"),
        RuleAction::Nop => "nop".to_owned(),
        RuleAction::Blackhole => "type blackhole".to_owned(),
        RuleAction::Unreachable => "type unreachable".to_owned(),
        RuleAction::Prohibit => "type prohibit".to_owned(),
    });
    words.say_if(!rule.track, "no_track");
    words.value("track_group", rule.track_group.as_deref());
    words.line()
}

fn range<T: std::fmt::Display>(range: &Range<T>) -> String {
    format!("{}-{}", range.first, range.last)
}
