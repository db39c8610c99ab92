//! Virtual servers, their real servers, and the checks.

use std::fmt::Display;

use checker::{
    CheckSpec, CheckView, HttpVersion, ProbeSpec, RealServerSpec, Scheduler, Sni, VirtualServerHealth,
    VirtualServerSpec,
};
use config::model::{Command, GroupEntry, Model, RealServerEvents, ServerEvents};
use ipvs::{DestKey, Family, Forwarding, Protocol, ServiceKey, Tunnel};

use super::{Page, yes};
use crate::dump::{Users, quoted};

/// What is shown of virtual servers.
pub(super) struct ServersView<'a> {
    pub(super) model: &'a Model,
    pub(super) servers: &'a [VirtualServerSpec],
    pub(super) scheduler: &'a Scheduler,
    pub(super) users: &'a Users<'a>,
}

pub(super) fn page(page: &mut Page, view: &ServersView<'_>) {
    page.section("LVS Topology");
    for group in &view.model.server_groups {
        page.line(" ------< Virtual server group >------");
        page.object("Virtual Server Group", &group.name);
        for entry in &group.entries {
            match entry {
                GroupEntry::Addresses { first, last, port } if first == last => {
                    page.attribute("VIP", format_args!("{first}, VPORT = {port}"));
                }
                GroupEntry::Addresses { first, last, port } => {
                    page.attribute("VIP Range", format_args!("{first}-{last}, VPORT = {port}"));
                }
                GroupEntry::Mark { mark, .. } => page.attribute("FWMARK", mark),
            }
        }
    }
    let unknown = VirtualServerHealth::new();
    let events = |index: usize| view.model.server_events.get(index).cloned().unwrap_or_default();
    for (index, spec) in view.servers.iter().enumerate() {
        let health = spec.services.first().and_then(|first| view.scheduler.health().get(first));
        virtual_server(page, view, spec, health.unwrap_or(&unknown), &events(index));
    }
    page.section("Health checkers");
    for spec in view.servers {
        checkers(page, view, spec);
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
    let family = spec.services.first().map_or(Family::V4, ServiceKey::family);
    page.attribute("Address family", if family == Family::V4 { "inet" } else { "inet6" });
    page.attribute("lvs_sched", &spec.service.scheduler);
    let flags = spec.service.flags;
    page.attribute("Hashed", super::enabled(false));
    page.attribute("flag-1", super::enabled(flags.flag_1));
    page.attribute("flag-2", super::enabled(flags.flag_2));
    page.attribute("flag-3", super::enabled(flags.flag_3));
    page.attribute("One packet scheduling", super::enabled(flags.one_packet));
    page.maybe(
        "persistence timeout",
        spec.service.persistence.as_ref().map(|persistence| persistence.timeout),
    );
    page.attribute("protocol", protocol(spec));
    page.line(format_args!("   alpha is {}", on(spec.alpha)));
    page.line(format_args!("   omega is {}", on(spec.omega)));
    page.attribute("quorum", format_args!("{}, hysteresis = {}", spec.quorum, spec.hysteresis));
    page_command(page, view, "   Quorum up", events.quorum_up.as_ref());
    page_command(page, view, "   Quorum down", events.quorum_down.as_ref());
    page.attribute("Using smtp notification", yes(events.smtp_alert));
    let usual = spec.real_servers.first().map(|server| forwarding(server.dest.forwarding));
    page.maybe("default forwarding method", usual);
    if let Some(sorry) = &spec.sorry_server {
        page.attribute("sorry server", place(sorry.key, protocol(spec)));
        page.line(format_args!("     forwarding method = {}", forwarding(sorry.dest.forwarding)));
        page.line(format_args!("     Inhibit on failure is {}", on(sorry.inhibit)));
    }
    let alive = spec.real_servers.iter().any(|server| health.is_live(&server.key));
    page.attribute("alive", u8::from(alive));
    page.attribute("quorum_state_up", u8::from(health.has_quorum()));
    let checks = spec.services.first().map(|first| view.scheduler.checks(first)).unwrap_or_default();
    let checks = checks.iter().map(Vec::as_slice).chain(std::iter::repeat(&[][..]));
    for (server, checks) in spec.real_servers.iter().zip(checks) {
        let events = events.real_servers.iter().find(|events| events.key == server.key);
        real_server(page, view, server, (health, checks), events);
    }
}

fn real_server(
    page: &mut Page,
    view: &ServersView<'_>,
    spec: &RealServerSpec,
    (health, checks): (&VirtualServerHealth, &[CheckView]),
    events: Option<&RealServerEvents>,
) {
    let (weight, live) = (health.weight(spec), health.is_live(&spec.key));
    page.line("   ------< Real server >------");
    page.attribute(
        "RIP",
        format_args!(
            "{}, RPORT = {}, WEIGHT = {} EFF WEIGHT = {weight}",
            spec.key.address, spec.key.port, spec.dest.weight
        ),
    );
    page.attribute("forwarding method", forwarding(spec.dest.forwarding));
    page.line(format_args!("   Alpha is {}", on(spec.alpha)));
    let (least, most) = (spec.dest.lower_threshold, spec.dest.upper_threshold);
    page.attribute("connection limit range", format_args!("{least} -> {most}"));
    page.line(format_args!("   Inhibit on failure is {}", on(spec.inhibit_on_failure)));
    page_command(page, view, "     RS up", events.and_then(|events| events.notify_up.as_ref()));
    page_command(page, view, "     RS down", events.and_then(|events| events.notify_down.as_ref()));
    page.attribute("Using smtp notification", yes(events.is_some_and(|events| events.smtp_alert)));
    page.attribute("initial weight", spec.dest.weight);
    page.attribute("effective weight", weight);
    page.attribute("alive", u8::from(live));
    page.attribute("num failed checkers", checks.iter().filter(|check| !check.up).count());
}

fn page_command(page: &mut Page, view: &ServersView<'_>, what: &str, command: Option<&Command>) {
    if let Some(command) = command {
        let user = (view.users)(command.identity.as_ref());
        let user = user.map_or_else(|| "unknown".to_owned(), |(uid, gid)| format!("{uid}:{gid}"));
        page.line(format_args!("{what} notify script = {}, uid:gid {user}", quoted(command)));
    }
}

fn checkers(page: &mut Page, view: &ServersView<'_>, spec: &VirtualServerSpec) {
    let checks = spec.services.first().map(|first| view.scheduler.checks(first)).unwrap_or_default();
    for (server, states) in spec.real_servers.iter().zip(checks) {
        for (check, state) in server.checks.iter().zip(states) {
            let server = place(server.key, protocol(spec));
            let name = spec.group.as_ref().map(|group| format!("[{group}]:0"));
            let name = name.or_else(|| spec.services.first().map(ToString::to_string)).unwrap_or_default();
            page.line(format_args!(" {name} -> {server}"));
            checker(page, check, state);
        }
    }
}

fn checker(page: &mut Page, check: &CheckSpec, state: CheckView) {
    page.attribute("Enabled", "yes");
    page.attribute("Up", yes(state.up));
    page.attribute("Has run", yes(state.has_run));
    page.attribute("Alpha", yes(check.alpha));
    page.attribute("Delay loop", format_args!("{} us", check.delay_loop.as_micros()));
    page.attribute("Warmup", format_args!("{} us", check.warmup.as_micros()));
    page.attribute("Retries", check.retry);
    if check.retry > 0 {
        page.attribute("Delay before retry", format_args!("{} us", check.delay_before_retry.as_micros()));
        page.attribute("Retries iterations", state.failures);
    }
    page.attribute("Log all failures", yes(check.log_all_failures));
    if let Some(connection) = check.probe.connection() {
        page.line("   Connection");
        page.line(format_args!("     Dest = {}", Dest(connection.target)));
        page.line(format_args!("     Timeout = {:.6}", connection.timeout.as_secs_f64()));
    }
    page.attribute("Keepalive method", method(&check.probe));
    match &check.probe {
        ProbeSpec::Http(http) => {
            page.line(format_args!(
                "   Enable SNI {}",
                if http.sni == Sni::Omitted { "unset" } else { "set" }
            ));
            page.line(format_args!("   Fast recovery {}", if http.fast_recovery { "set" } else { "unset" }));
            for url in &http.urls {
                page.attribute("Checked url", &url.path);
            }
        }
        ProbeSpec::Misc(misc) => {
            let words: Vec<_> = misc.argv.iter().map(|word| format!("'{word}'")).collect();
            page.attribute("script", words.join(" "));
            page.attribute("timeout", misc.timeout.as_secs());
            page.attribute("dynamic", if misc.dynamic { "YES" } else { "NO" });
        }
        ProbeSpec::Dns(dns) => {
            page.attribute("Type", format_args!("{:?}", dns.record));
            page.attribute("Name", &dns.name);
        }
        ProbeSpec::Tcp(_)
        | ProbeSpec::Smtp(_)
        | ProbeSpec::Ping(_)
        | ProbeSpec::Udp(_)
        | ProbeSpec::Amqp(_) => {}
    }
}

fn method(probe: &ProbeSpec) -> String {
    match probe {
        ProbeSpec::Tcp(_) => "TCP_CHECK".to_owned(),
        ProbeSpec::Http(http) => {
            let version = match http.version {
                HttpVersion::V1_0 => "1.0",
                HttpVersion::V1_0Close => "1.0C",
                HttpVersion::V1_1 => "1.1",
            };
            format!("{}_GET, http protocol {version}", if http.tls { "SSL" } else { "HTTP" })
        }
        ProbeSpec::Smtp(_) => "SMTP_CHECK".to_owned(),
        ProbeSpec::Dns(_) => "DNS_CHECK".to_owned(),
        ProbeSpec::Misc(_) => "MISC_CHECK".to_owned(),
        ProbeSpec::Ping(_) => "PING_CHECK".to_owned(),
        ProbeSpec::Udp(_) => "UDP_CHECK".to_owned(),
        ProbeSpec::Amqp(_) => "AMQP_CHECK".to_owned(),
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

const fn forwarding(forwarding: Forwarding) -> &'static str {
    match forwarding {
        Forwarding::Masquerade => "NAT",
        Forwarding::DirectRoute => "DR",
        Forwarding::Tunnel(Tunnel::Ipip) => "TUN, type = IPIP",
        Forwarding::Tunnel(Tunnel::Gue { .. }) => "TUN, type = GUE",
        Forwarding::Tunnel(Tunnel::Gre { .. }) => "TUN, type = GRE",
        Forwarding::Local => "LOCAL",
    }
}
