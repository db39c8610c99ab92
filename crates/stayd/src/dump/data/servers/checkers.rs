//! The checks, and the files that servers follow.

use checker::{
    CheckSpec, CheckView, FollowSpec, HttpProbe, HttpVersion, MiscProbe, ProbeSpec, RealServerSpec,
    RegexOption, RegexSpec, Sni, UdpProbe, UrlSpec, VirtualServerSpec,
};
use config::model::{FileSpec, Identity};
use ipvs::DestKey;
use vrrp::{TrackerId, TrackerKind, TrackerState};

use super::{Dest, Page, ServersView, place, protocol, yes};

/// A number in a file times the weight that takes a server down.
const FAILED: i64 = -254;

pub(super) fn page(page: &mut Page, view: &ServersView<'_>) {
    page.section("Health checkers");
    for (index, spec) in view.servers.iter().enumerate() {
        let host = view.events.get(index).and_then(|events| events.virtual_host.as_deref());
        let states = spec.services.first().map(|first| view.scheduler.checks(first)).unwrap_or_default();
        for (server, states) in spec.real_servers.iter().zip(states) {
            for (check, state) in server.checks.iter().zip(states) {
                page.line(between(spec, server.key));
                checker(page, view, (check, host), state);
            }
        }
    }
    for file in &view.model.track_files {
        for (spec, server, weight) in followers(view, file) {
            page.line(between(spec, server.key));
            follower(page, view, file, weight);
        }
    }
    let mut followed =
        view.model.track_files.iter().filter(|file| followers(view, file).next().is_some()).peekable();
    if followed.peek().is_some() {
        page.section("Checker track files");
    }
    for file in followed {
        page.object("Track file", &file.name);
        page.attribute("File", &file.path);
        page.attribute("Status", value(view, file));
        page.attribute("Weight", file.weight);
        let instances = followers(view, file).map(|(spec, server, weight)| {
            format!("{}, weight {weight}", between(spec, server.key).trim_start())
        });
        page.list("Tracking instances :", instances);
    }
}

/// Who follows a file, with which weight.
fn followers<'a>(
    view: &'a ServersView<'_>,
    file: &'a FileSpec,
) -> impl Iterator<Item = (&'a VirtualServerSpec, &'a RealServerSpec, i32)> {
    let servers =
        view.servers.iter().flat_map(|spec| spec.real_servers.iter().map(move |server| (spec, server)));
    servers.flat_map(move |(spec, server)| {
        server.follows.iter().filter_map(move |follow| match follow {
            FollowSpec::File { file: name, weight, reverse } if *name == file.name => {
                Some((spec, server, if *reverse { weight.saturating_neg() } else { *weight }))
            }
            _ => None,
        })
    })
}

fn value(view: &ServersView<'_>, file: &FileSpec) -> i64 {
    match view.trackers.get(&TrackerId::new(TrackerKind::File, &file.name)) {
        Some(TrackerState::Value(value)) => *value,
        _ => 0,
    }
}

fn follower(page: &mut Page, view: &ServersView<'_>, file: &FileSpec, weight: i32) {
    let value = value(view, file);
    let adds = value.saturating_mul(weight.into());
    let up = if weight == 0 { value == 0 } else { adds > FAILED };
    page.attribute("Enabled", "yes");
    page.attribute("Up", yes(up));
    page.attribute("Has run", "yes");
    page.attribute("Current weight", adds);
    page.attribute("Log all failures", "no");
    page.attribute("Keepalive method", "FILE_CHECK");
    page.line(format_args!("     Tracked file = {}", file.name));
    page.line("     Reloaded = No");
}

fn between(spec: &VirtualServerSpec, server: DestKey) -> String {
    let server = place(server, protocol(spec));
    let name = spec.group.as_ref().map(|group| format!("[{group}]:0"));
    let name = name.or_else(|| spec.services.first().map(ToString::to_string)).unwrap_or_default();
    format!(" {name} -> {server}")
}

/// `host`: the `virtualhost` of the virtual server.
fn checker(
    page: &mut Page,
    view: &ServersView<'_>,
    (check, host): (&CheckSpec, Option<&str>),
    state: CheckView,
) {
    page.attribute("Enabled", "yes");
    page.attribute("Up", yes(state.up));
    page.attribute("Has run", yes(state.has_run));
    page.attribute("Current weight", 0);
    page.attribute("Alpha", yes(check.alpha));
    page.attribute("Delay loop", format_args!("{} us", check.delay_loop.as_micros()));
    page.attribute("Warmup", format_args!("{} us", check.warmup.as_micros()));
    page.attribute("Retries", check.retry);
    if check.retry > 0 {
        page.attribute("Delay before retry", format_args!("{} us", check.delay_before_retry.as_micros()));
        page.attribute("Retries iterations", state.failures);
    }
    page.attribute("Default delay before retry", format_args!("{} us", usual_delay(&check.probe)));
    page.attribute("Log all failures", yes(check.log_all_failures));
    if let Some(connection) = check.probe.connection() {
        page.line("   Connection");
        page.line(format_args!("     Dest = {}", Dest(connection.target)));
        if let Some(address) = connection.source_address {
            page.line(format_args!("     Bind to = [{address}]:{}", connection.source_port));
        }
        page.line(format_args!("     Timeout = {:.6}", connection.timeout.as_secs_f64()));
    }
    page.attribute("Keepalive method", method(&check.probe));
    match &check.probe {
        ProbeSpec::Http(http) => page_http(page, http, host),
        ProbeSpec::Misc(misc) => page_misc(page, view, check, misc),
        ProbeSpec::Dns(dns) => {
            page.attribute("Type", format!("{:?}", dns.record).to_uppercase());
            page.attribute("Name", &dns.name);
        }
        ProbeSpec::Smtp(smtp) => page.attribute("helo", &smtp.helo),
        ProbeSpec::Udp(udp) => page_udp(page, udp),
        ProbeSpec::Tcp(_) | ProbeSpec::Ping(_) | ProbeSpec::Amqp(_) | ProbeSpec::Grpc(_) => {}
    }
}

/// `delay_before_retry` of a kind of check, in microseconds, where nothing is written; DNS takes its period.
const fn usual_delay(probe: &ProbeSpec) -> u32 {
    match probe {
        ProbeSpec::Http(_) => 3_000_000,
        ProbeSpec::Dns(_) => 0,
        _ => 1_000_000,
    }
}

fn page_http(page: &mut Page, http: &HttpProbe, host: Option<&str>) {
    page.line(format_args!("   Enable SNI {}", if http.sni == Sni::Omitted { "unset" } else { "set" }));
    page.line(format_args!("   Fast recovery {}", if http.fast_recovery { "set" } else { "unset" }));
    for url in &http.urls {
        page_url(page, url, host);
    }
}

fn page_url(page: &mut Page, url: &UrlSpec, taken_over: Option<&str>) {
    page.attribute("Checked url", &url.path);
    if let Some(digest) = url.digest {
        page.line(format_args!("     digest = {:032x}", u128::from_be_bytes(digest)));
    }
    page.line("     HTTP Status Code(s)");
    for (first, last) in &url.status {
        if first == last {
            page.line(format_args!("       {first}"));
        } else {
            page.line(format_args!("       {first}-{last}"));
        }
    }
    if let Some(host) = url.host.as_deref().filter(|host| taken_over != Some(host)) {
        page.line(format_args!("     Virtual host = {host}"));
    }
    if let Some(regex) = &url.regex {
        page_regex(page, regex);
    }
}

fn page_regex(page: &mut Page, regex: &RegexSpec) {
    page.line(format_args!("     Regex = \"{}\"", regex.pattern));
    if regex.no_match {
        page.line("     Regex no match");
    }
    let name = |option: &RegexOption| RegexOption::NAMES.get(*option as usize).copied().unwrap_or_default();
    let options: String = regex.options.iter().flat_map(|option| [" ", name(option)]).collect();
    page.line(format_args!("     Regex options:{options}"));
    page.line("     Regex ref count = 1");
}

fn page_misc(page: &mut Page, view: &ServersView<'_>, check: &CheckSpec, misc: &MiscProbe) {
    let words: Vec<_> = misc.argv.iter().map(|word| format!("'{word}'")).collect();
    page.attribute("script", words.join(" "));
    // keepalived shows 0 where the period is the limit.
    page.attribute("timeout", if misc.timeout == check.delay_loop { 0 } else { misc.timeout.as_secs() });
    page.attribute("dynamic", if misc.dynamic { "YES" } else { "NO" });
    let identity = misc.user.clone().map(|user| Identity { user, group: misc.group.clone() });
    if let Some((uid, gid)) = (view.users)(identity.as_ref()) {
        page.attribute("uid:gid", format_args!("{uid}:{gid}"));
    }
}

fn page_udp(page: &mut Page, udp: &UdpProbe) {
    page.attribute("Payload len", udp.payload.len());
    page.attribute("Require reply", yes(udp.reply.is_some()));
    if let Some(reply) = &udp.reply {
        page.line(format_args!("     Min reply length = {}", reply.least));
        page.line(format_args!("     Max reply length = {}", reply.most));
        page.line(format_args!("     Reply data len = {}", reply.pattern.len()));
        let masked = reply.pattern.iter().any(|byte| byte.mask != u8::MAX);
        page.line(format_args!("     Reply data mask = {}", yes(masked)));
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
        ProbeSpec::Grpc(_) => "GRPC_CHECK".to_owned(),
    }
}
