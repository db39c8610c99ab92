//! Virtual servers, their real servers, and the checks.

mod checkers;

use std::collections::BTreeSet;
use std::fmt::Display;
use std::time::Duration;

use checker::{
    CheckSpec, CheckView, FollowSpec, ProbeSpec, RealServerSpec, TlsSpec, VirtualServerHealth,
    VirtualServerSpec,
};
use config::model::{
    Command, GroupEntry, Model, RealServerEvents, ServerEvents, ServerGroupSpec, TimingSpec,
};
use ipvs::{DestKey, Family, Forwarding, Granularity, Protocol, ServiceKey, Tunnel, TunnelChecksum};

use super::{Page, yes};
use crate::dump::{CheckerFacts, Users, quoted};

/// What is shown of virtual servers.
pub(super) struct ServersView<'a> {
    pub(super) model: &'a Model,
    pub(super) servers: &'a [VirtualServerSpec],
    pub(super) events: &'a [ServerEvents],
    pub(super) facts: &'a CheckerFacts<'a>,
    pub(super) users: &'a Users<'a>,
}

impl ServersView<'_> {
    /// Whether it serves this group, by this protocol if one is given, with a live server.
    fn serves(&self, spec: &VirtualServerSpec, group: &str, by: Option<&str>) -> bool {
        let health = spec.services.first().and_then(|first| self.facts.scheduler.health().get(first));
        let live =
            |health: &VirtualServerHealth| spec.real_servers.iter().any(|server| health.is_live(&server.key));
        spec.group.as_deref() == Some(group)
            && by.is_none_or(|by| protocol(spec) == by)
            && health.is_some_and(live)
    }
}

/// The IPVS whose interface keepalived 2.2.7 was built against.
const IPVS: &str = "1.2.1";

/// `delay_loop` and `connect_timeout` where they are not written.
const PERIOD: Duration = Duration::from_secs(60);
const TIMEOUT: Duration = Duration::from_secs(5);

pub(super) fn page(page: &mut Page, view: &ServersView<'_>) {
    tls(page, view);
    page.section("LVS Topology");
    page.line(format_args!(" System is compiled with LVS v{IPVS}"));
    for group in &view.model.server_groups {
        page.line(" ------< Virtual server group >------");
        group_page(page, view, group);
    }
    let unknown = VirtualServerHealth::new();
    let events = |index: usize| view.events.get(index).cloned().unwrap_or_default();
    for (index, spec) in view.servers.iter().enumerate() {
        let health = spec.services.first().and_then(|first| view.facts.scheduler.health().get(first));
        virtual_server(page, view, spec, health.unwrap_or(&unknown), &events(index));
    }
    checkers::page(page, view);
}

/// With what `SSL_GET` presents itself. keepalived makes settings of its own where a file has none and a check needs them,
/// or where its block says nothing.
fn tls(page: &mut Page, view: &ServersView<'_>) {
    let mut checks =
        view.servers.iter().flat_map(|spec| &spec.real_servers).flat_map(|server| &server.checks);
    let uses = |check: &CheckSpec| matches!(&check.probe, ProbeSpec::Http(http) if http.tls);
    let spec = view.model.lvs.tls.clone().unwrap_or_default();
    if view.model.lvs.tls.is_none() && !checks.any(uses) {
        return;
    }
    page.section("SSL definitions");
    if spec == TlsSpec::default() {
        page.line(" Using autogen SSL context");
    }
    for (label, value) in [
        ("Password", spec.password.as_deref().map(|_| super::HIDDEN)),
        ("CA-file", spec.ca.as_deref()),
        ("Certificate file", spec.certificate.as_deref()),
        ("Key file", spec.key.as_deref()),
    ] {
        if let Some(value) = value {
            page.line(format_args!(" {label} : {value}"));
        }
    }
}

fn group_page(page: &mut Page, view: &ServersView<'_>, group: &ServerGroupSpec) {
    let has = |family| yes(group.entries.iter().any(|entry| family_of(entry) == family));
    let families = format!("IPv4 = {}, IPv6 = {}", has(Some(Family::V4)), has(Some(Family::V6)));
    page.object("Virtual Server Group", format_args!("{}, {families}", group.name));
    let live = |protocol: Option<&str>| {
        view.servers.iter().filter(|spec| view.serves(spec, &group.name, protocol)).count()
    };
    for entry in &group.entries {
        match entry {
            GroupEntry::Addresses { first, last, port } if first == last => {
                page.attribute("VIP", format_args!("{first}, VPORT = {port}"));
            }
            GroupEntry::Addresses { first, last, port } => {
                page.attribute("VIP Range", format_args!("{first}-{last}, VPORT = {port}"));
            }
            GroupEntry::Mark { mark, family } => {
                let family = family.map_or("", |family| if family == Family::V4 { " IPv4" } else { " IPv6" });
                page.attribute("FWMARK", format_args!("{mark}{family}"));
            }
        }
        let [tcp, udp, sctp] = ["TCP", "UDP", "SCTP"].map(|protocol| live(Some(protocol)));
        match (entry, family_of(entry)) {
            (GroupEntry::Addresses { .. }, _) => {
                page.line(format_args!("     Alive: {tcp} tcp, {udp} udp, {sctp} sctp"));
            }
            (_, Some(Family::V6)) => page.line(format_args!("     Alive: 0 IPv4, {} IPv6", live(None))),
            _ => page.line(format_args!("     Alive: {} IPv4, 0 IPv6", live(None))),
        }
        page.line("     reloaded = False");
    }
}

fn family_of(entry: &GroupEntry) -> Option<Family> {
    match entry {
        GroupEntry::Addresses { first, .. } => Some(Family::of(*first)),
        GroupEntry::Mark { family, .. } => *family,
    }
}

fn on(on: bool) -> &'static str {
    if on { "ON" } else { "OFF" }
}

fn virtual_server(
    page: &mut Page,
    view: &ServersView<'_>,
    spec: &VirtualServerSpec,
    health: &VirtualServerHealth,
    events: &ServerEvents,
) {
    page.line(" ------< Virtual server >------");
    match (&spec.group, spec.services.first()) {
        (Some(group), _) => page.object("VS GROUP", format_args!("[{group}]:0")),
        (None, Some(ServiceKey::Address { address, port, .. })) => {
            page.object("VS VIP", format_args!("{address}, VPORT = {port}"));
        }
        (None, Some(ServiceKey::Fwmark { mark, .. })) => page.object("VS FWMARK", mark),
        (None, None) => page.object("VS", &spec.name),
    }
    page.maybe("VirtualHost", events.virtual_host.as_ref());
    page.maybe("SNMP name", spec.snmp_name.as_ref().map(|name| format!("'{name}'")));
    let family = spec.services.first().map_or(Family::V4, ServiceKey::family);
    page.attribute("Address family", if family == Family::V4 { "inet" } else { "inet6" });
    let timing = events.timing;
    page.attribute("connection timeout", seconds(timing.connect_timeout.unwrap_or(TIMEOUT)));
    page.attribute("delay_loop", seconds(timing.delay_loop.unwrap_or(PERIOD)));
    page.attribute("lvs_sched", &spec.service.scheduler);
    let flags = spec.service.flags;
    page.attribute("Hashed", super::enabled(false));
    if let hash @ ("sh" | "mh") = spec.service.scheduler.as_str() {
        page.attribute(&format!("{hash}-port"), super::enabled(flags.flag_2));
        page.attribute(&format!("{hash}-fallback"), super::enabled(flags.flag_1));
    } else {
        page.attribute("flag-1", super::enabled(flags.flag_1));
        page.attribute("flag-2", super::enabled(flags.flag_2));
        page.attribute("flag-3", super::enabled(flags.flag_3));
    }
    page.attribute("One packet scheduling", super::enabled(flags.one_packet));
    page.maybe(
        "persistence timeout",
        spec.service.persistence.as_ref().map(|persistence| persistence.timeout),
    );
    let granularity = spec.service.persistence.as_ref().map(|persistence| persistence.granularity);
    page.maybe("persistence granularity", granularity.and_then(granularity_text));
    page.attribute("protocol", protocol(spec));
    page.line(format_args!("   alpha is {}", on(spec.alpha)));
    page.line(format_args!("   omega is {}", on(spec.omega)));
    page_timing(page, &timing);
    page.line(format_args!("   Inhibit on failure is {}", on(events.inhibit_on_failure)));
    page.attribute("quorum", format_args!("{}, hysteresis = {}", spec.quorum, spec.hysteresis));
    page_command(page, view, "   Quorum up", events.quorum_up.as_deref());
    page_command(page, view, "   Quorum down", events.quorum_down.as_deref());
    if spec.ha_suspend {
        page.line("   Using HA suspend");
    }
    page.attribute("Using smtp notification", yes(events.smtp_alert));
    page_forwarding(page, "   default ", events.forwarding.unwrap_or(Forwarding::Masquerade));
    if let Some(sorry) = &spec.sorry_server {
        page.attribute("sorry server", place(sorry.key, protocol(spec)));
        page_forwarding(page, "     ", sorry.dest.forwarding);
        page.line(format_args!("     Inhibit on failure is {}", on(sorry.inhibit)));
    }
    page.attribute("alive", 1);
    page.attribute("quorum_state_up", u8::from(health.has_quorum()));
    page.attribute("reloaded", 0);
    let table = checker::desired([spec], view.facts.scheduler.health());
    let set: BTreeSet<_> = table.services.values().flat_map(|service| service.dests.keys()).collect();
    let checks = spec.services.first().map(|first| view.facts.scheduler.checks(first)).unwrap_or_default();
    let checks = checks.iter().map(Vec::as_slice).chain(std::iter::repeat(&[][..]));
    for (server, checks) in spec.real_servers.iter().zip(checks) {
        let own = events.real_servers.iter().find(|events| events.key == server.key);
        let timing = own.and_then(|own| own.own.as_ref()).map_or(&timing, |own| &own.timing);
        let is_set = set.iter().any(|key| key.address == server.key.address && matches(key, server.key));
        real_server(page, view, server, (health, checks), (own, timing, is_set));
    }
}

fn real_server(
    page: &mut Page,
    view: &ServersView<'_>,
    spec: &RealServerSpec,
    (health, checks): (&VirtualServerHealth, &[CheckView]),
    (events, timing, is_set): (Option<&RealServerEvents>, &TimingSpec, bool),
) {
    let (weight, live) = (health.weight(spec), health.is_live(&spec.key));
    page.line("   ------< Real server >------");
    page.attribute(
        "RIP",
        format_args!(
            "{}, RPORT = {}, WEIGHT = {weight} EFF WEIGHT = {weight}",
            spec.key.address, spec.key.port
        ),
    );
    page_forwarding(page, "   ", spec.dest.forwarding);
    page.line(format_args!("   Alpha is {}", on(spec.alpha)));
    page.attribute("connection timeout", seconds(timing.connect_timeout.unwrap_or(TIMEOUT)));
    let (least, most) = (spec.dest.lower_threshold, spec.dest.upper_threshold);
    page.attribute("connection limit range", format_args!("{least} -> {most}"));
    page.attribute("Delay loop", seconds(timing.delay_loop.unwrap_or(PERIOD)));
    page_timing(page, timing);
    page.line(format_args!("   Inhibit on failure is {}", on(spec.inhibit_on_failure)));
    page_command(page, view, "     RS up", events.and_then(|events| events.notify_up.as_deref()));
    page_command(page, view, "     RS down", events.and_then(|events| events.notify_down.as_deref()));
    let host = events.and_then(|events| events.own.as_ref()?.virtual_host.as_ref());
    if let Some(host) = host {
        page.line(format_args!("    VirtualHost = '{host}'"));
    }
    page.maybe("SNMP name", spec.snmp_name.as_ref());
    page.attribute("Using smtp notification", yes(events.is_some_and(|events| events.smtp_alert)));
    page.attribute("initial weight", spec.dest.weight);
    page.attribute("effective weight", weight);
    // What it was before a reload; keepalived uses it only while it reloads.
    page.attribute("previous effective_weight", 0);
    page.attribute("alive", u8::from(live));
    let sessions = checkers::sessions(spec);
    let down =
        sessions.clone().filter(|(name, alpha, _)| !view.facts.scheduler.session(name, *alpha)).count();
    page.attribute("num failed checkers", checks.iter().filter(|check| !check.up).count() + down);
    page.attribute("RS set", u8::from(is_set));
    page.attribute("reloaded", 0);
    let files = spec.follows.iter().filter_map(|follow| match follow {
        FollowSpec::File { file, weight, reverse } => {
            Some(format!("{file}, weight {weight}{}", if *reverse { " reverse" } else { "" }))
        }
        FollowSpec::Bfd { .. } => None,
    });
    page.list("Tracked Files", files);
    page.list("Tracked BFDs", sessions.map(|(name, ..)| name));
}

/// A destination of a group has the port of each address.
const fn matches(key: &DestKey, server: DestKey) -> bool {
    key.port == server.port || server.port == 0 || key.port == 0
}

fn page_timing(page: &mut Page, timing: &TimingSpec) {
    page.maybe("Retry count", timing.retry.filter(|retry| *retry > 0));
    page.maybe("Retry delay", timing.delay_before_retry.map(seconds));
    page.maybe("Warmup", timing.warmup.map(seconds));
}

fn seconds(time: Duration) -> String {
    format!("{:.6}", time.as_secs_f64())
}

/// None: each client is one.
fn granularity_text(granularity: Granularity) -> Option<String> {
    match granularity {
        Granularity::Mask(u32::MAX) | Granularity::Prefix(128) => None,
        Granularity::Mask(mask) => Some(std::net::Ipv4Addr::from(mask).to_string()),
        Granularity::Prefix(length) => Some(length.to_string()),
    }
}

fn page_command(page: &mut Page, view: &ServersView<'_>, what: &str, command: Option<&Command>) {
    if let Some(command) = command {
        let user = (view.users)(command.identity.as_ref());
        let user = user.map_or_else(|| "unknown".to_owned(), |(uid, gid)| format!("{uid}:{gid}"));
        page.line(format_args!("{what} notify script = {}, uid:gid {user}", quoted(command)));
    }
}

struct Dest(std::net::SocketAddr);

impl Display for Dest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "[{}]:{}", self.0.ip(), self.0.port())
    }
}

fn place(key: DestKey, protocol: &str) -> String {
    format!("[{}]:{}:{}", key.address, protocol.to_lowercase(), key.port)
}

fn protocol(spec: &VirtualServerSpec) -> &'static str {
    match spec.services.first() {
        Some(ServiceKey::Address { protocol: Protocol::Tcp, .. }) => "TCP",
        Some(ServiceKey::Address { protocol: Protocol::Udp, .. }) => "UDP",
        Some(ServiceKey::Address { protocol: Protocol::Sctp, .. }) => "SCTP",
        Some(ServiceKey::Fwmark { .. }) | None => "none",
    }
}

/// keepalived shows a tunnel that has options as if it were a real server's wherever it stands.
fn page_forwarding(page: &mut Page, before: &str, forwarding: Forwarding) {
    let (method, checksum) = match forwarding {
        Forwarding::Masquerade => ("NAT".to_owned(), None),
        Forwarding::DirectRoute => ("DR".to_owned(), None),
        Forwarding::Local => ("LOCAL".to_owned(), None),
        Forwarding::Tunnel(Tunnel::Ipip) => ("TUN, type = IPIP".to_owned(), None),
        Forwarding::Tunnel(Tunnel::Gue { port, checksum }) => {
            (format!("TUN, type = GUE, port = {port}"), Some(checksum))
        }
        Forwarding::Tunnel(Tunnel::Gre { checksum }) => ("TUN, type = GRE".to_owned(), Some(checksum)),
    };
    match checksum {
        None => page.line(format_args!("{before}forwarding method = {method}")),
        Some(checksum) => {
            let checksum = match checksum {
                TunnelChecksum::None => "no checksum",
                TunnelChecksum::Full => "checksum",
                TunnelChecksum::Remote => "remote checksum",
            };
            page.attribute("forwarding method", format_args!("{method}, {checksum}"));
        }
    }
}
