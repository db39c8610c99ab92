//! The checks, and the files that servers follow.

use checker::{
    CheckSpec, CheckView, FollowSpec, HttpProbe, HttpVersion, MiscProbe, ProbeSpec, RealServerSpec,
    RegexOption, RegexSpec, Sni, UdpProbe, UrlSpec, VirtualServerSpec,
};
use config::model::{FileSpec, Identity};
use ipvs::DestKey;
use vrrp::{TrackerId, TrackerKind, TrackerState};

use super::{Dest, Page, ServersView, place, protocol, yes};
use crate::dump::data::reversed;
use crate::ipc::LastRun;

/// A number in a file times the weight that takes a server down.
const FAILED: i64 = -254;

pub(super) fn page(page: &mut Page, view: &ServersView<'_>) {
    page.section("Health checkers");
    let uses = |regex: &RegexSpec| regexes(view).filter(|other| is_shared(regex, other)).count();
    for spec in view.servers {
        let first = spec.services.first();
        let states = first.map(|first| view.facts.scheduler.checks(first)).unwrap_or_default();
        let enabled = !first.is_some_and(|first| view.facts.scheduler.is_suspended(first));
        for (server, states) in spec.real_servers.iter().zip(states) {
            let mut checks = server.checks.iter().zip(states);
            let mut some = |page: &mut Page, count: usize| {
                for (check, state) in checks.by_ref().take(count) {
                    page.line(between(spec, server.key));
                    page.attribute("Enabled", yes(enabled));
                    checker(page, view, (check, server.dest.weight), state, &uses);
                }
            };
            let mut shown = 0;
            for (session, alpha, place) in sessions(server) {
                some(page, place.saturating_sub(shown));
                shown = place;
                page.line(between(spec, server.key));
                session_check(page, session, alpha, view.facts.scheduler.session(session, alpha));
            }
            some(page, usize::MAX);
        }
    }
    for (spec, server, follow) in files(view) {
        let name = |file: &&FileSpec| file.name == follow.file;
        if let Some(file) = view.model.track_files.iter().find(name) {
            page.line(between(spec, server.key));
            follower(page, view, file, follow);
        }
    }
    let mut followed = view
        .model
        .track_files
        .iter()
        .filter(|file| files(view).any(|(.., follow)| follow.file == file.name))
        .peekable();
    if followed.peek().is_some() {
        page.section("Checker track files");
    }
    for file in followed {
        page.object("Track file", &file.name);
        page.attribute("File", &file.path);
        page.attribute("Status", value(view, file));
        page.attribute("Weight", file.weight);
        let followers = files(view).filter(|(.., follow)| follow.file == file.name);
        let instances = followers.map(|(spec, server, FileFollow { weight, reverse, .. })| {
            format!("{}, weight {weight}{}", between(spec, server.key).trim_start(), reversed(reverse))
        });
        page.list("Tracking instances :", instances);
    }
    page_sessions(page, view);
}

/// A `FILE_CHECK`.
#[derive(Clone, Copy)]
struct FileFollow<'a> {
    file: &'a str,
    weight: i32,
    reverse: bool,
}

/// Who follows which file.
fn files<'a>(
    view: &'a ServersView<'_>,
) -> impl Iterator<Item = (&'a VirtualServerSpec, &'a RealServerSpec, FileFollow<'a>)> {
    let servers =
        view.servers.iter().flat_map(|spec| spec.real_servers.iter().map(move |server| (spec, server)));
    servers.flat_map(|(spec, server)| {
        server.follows.iter().filter_map(move |follow| match follow {
            FollowSpec::File { file, weight, reverse } => {
                Some((spec, server, FileFollow { file, weight: *weight, reverse: *reverse }))
            }
            FollowSpec::Bfd { .. } => None,
        })
    })
}

fn value(view: &ServersView<'_>, file: &FileSpec) -> i64 {
    match view.facts.trackers.get(&TrackerId::new(TrackerKind::File, &file.name)) {
        Some(TrackerState::Value(value)) => *value,
        _ => 0,
    }
}

fn follower(page: &mut Page, view: &ServersView<'_>, file: &FileSpec, follow: FileFollow<'_>) {
    let weight = if follow.reverse { follow.weight.saturating_neg() } else { follow.weight };
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

/// The sessions that a server follows, which of them count as down until they have been up, and the checks before them.
pub(super) fn sessions(server: &RealServerSpec) -> impl Iterator<Item = (&str, bool, usize)> + Clone {
    server.follows.iter().filter_map(|follow| match follow {
        FollowSpec::Bfd { session, alpha, place } => Some((session.as_str(), *alpha, *place)),
        FollowSpec::File { .. } => None,
    })
}

/// keepalived shows times of which there are none.
fn session_check(page: &mut Page, session: &str, alpha: bool, up: bool) {
    page.attribute("Enabled", "yes");
    page.attribute("Up", yes(up));
    page.attribute("Has run", "yes");
    page.attribute("Current weight", 0);
    page.attribute("Alpha", yes(alpha));
    page.attribute("Delay loop", format_args!("{} us", u64::MAX));
    page.attribute("Warmup", format_args!("{} us", u64::MAX));
    page.attribute("Retries", u32::MAX);
    page.attribute("Delay before retry", format_args!("{} us", u64::MAX));
    page.attribute("Retries iterations", u32::MAX);
    page.attribute("Default delay before retry", "1000000 us");
    page.attribute("Log all failures", "no");
    page.attribute("Keepalive method", "BFD_CHECK");
    page.attribute("Name", session);
    page.line(format_args!("   Alpha is {}", super::on(alpha)));
}

/// The sessions that are followed, and by whom.
fn page_sessions(page: &mut Page, view: &ServersView<'_>) {
    let servers =
        || view.servers.iter().flat_map(|spec| spec.real_servers.iter().map(move |server| (spec, server)));
    let mut names: Vec<&str> = Vec::new();
    for (name, ..) in servers().flat_map(|(_, server)| sessions(server)) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    if !names.is_empty() {
        page.section("Checker track BFDs");
    }
    for name in names {
        page.object("Checker Track BFD", name);
        page.line("   Tracking RS :");
        for (spec, server) in
            servers().filter(|(_, server)| sessions(server).any(|(session, ..)| session == name))
        {
            page.line(format_args!("   {}", place(server.key, protocol(spec))));
        }
    }
}

fn checker(
    page: &mut Page,
    view: &ServersView<'_>,
    (check, configured): (&CheckSpec, u32),
    state: CheckView,
    count: &dyn Fn(&RegexSpec) -> usize,
) {
    page.attribute("Up", yes(state.up));
    page.attribute("Has run", yes(state.has_run));
    let adds = state.weight.map_or(0, |weight| i64::from(weight) - i64::from(configured));
    page.attribute("Current weight", adds);
    page.attribute("Alpha", yes(check.alpha));
    page.attribute("Delay loop", format_args!("{} us", check.delay_loop.as_micros()));
    page.attribute("Warmup", format_args!("{} us", check.warmup.as_micros()));
    page.attribute("Retries", check.retry);
    if check.retry > 0 {
        page.attribute("Delay before retry", format_args!("{} us", check.delay_before_retry.as_micros()));
        page.attribute("Retries iterations", iterations(check, state));
    }
    page.attribute("Default delay before retry", format_args!("{} us", usual_delay(&check.probe)));
    page.attribute("Log all failures", yes(check.log_all_failures_written));
    if let Some(connection) = check.probe.connection() {
        page.line("   Connection");
        page.line(format_args!("     Dest = {}", Dest(connection.target)));
        let source = connection.source();
        if let Some(address) = source.address {
            page.line(format_args!("     Bind to = [{address}]:{}", source.port));
        }
        if let Some(interface) = &source.interface {
            page.line(format_args!("     Bind i/f = {interface}"));
        }
        if source.fwmark != 0 {
            page.line(format_args!("     Mark = {}", source.fwmark));
        }
        page.line(format_args!("     Timeout = {:.6}", connection.timeout.get().as_secs_f64()));
    }
    page.attribute("Keepalive method", method(&check.probe));
    match &check.probe {
        ProbeSpec::Http(http) => {
            page_http(page, http, count);
            if let Some(LastRun::Page(url)) = view.facts.last.get(&check.probe)
                && let Some(url) = http.urls.get(usize::from(*url))
            {
                page.attribute("Failed URL", &url.path);
            }
        }
        ProbeSpec::Misc(misc) => {
            page_misc(page, view, misc);
            let (at, status) = match view.facts.last.get(&check.probe) {
                Some(LastRun::Command { ended, status }) => (Some(*ended), *status),
                _ => (None, 0),
            };
            page.attribute("Last ran", view.facts.calendar.text_of_check(at));
            page.attribute("Last status", status);
        }
        ProbeSpec::Dns(dns) => {
            page.attribute("Type", format!("{:?}", dns.record).to_uppercase());
            page.attribute("Name", &dns.name);
        }
        ProbeSpec::Smtp(smtp) => page.attribute("helo", &smtp.helo),
        ProbeSpec::Udp(udp) => page_udp(page, udp),
        ProbeSpec::Tcp(_) | ProbeSpec::Ping(_) | ProbeSpec::Amqp(_) | ProbeSpec::Grpc(_) => {}
    }
}

/// How many failures keepalived has counted: it begins as before the last of a round, and each kind of check that is down
/// counts in its own way.
const fn iterations(check: &CheckSpec, state: CheckView) -> u32 {
    match (&check.probe, state) {
        (_, CheckView { has_run: false, .. }) => check.retry,
        (ProbeSpec::Http(_), CheckView { up: false, .. })
        | (ProbeSpec::Smtp(_), CheckView { up: false, failures: 0, .. }) => check.retry.saturating_add(1),
        (
            ProbeSpec::Dns(_) | ProbeSpec::Udp(_) | ProbeSpec::Ping(_) | ProbeSpec::Misc(_),
            CheckView { up: false, .. },
        ) => 0,
        (_, CheckView { failures, .. }) => failures,
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

fn page_http(page: &mut Page, http: &HttpProbe, count: &dyn Fn(&RegexSpec) -> usize) {
    page.maybe("Virtualhost", http.host.as_ref());
    page.line(format_args!("   Enable SNI {}", if http.sni == Sni::Omitted { "unset" } else { "set" }));
    page.line(format_args!("   Fast recovery {}", if http.fast_recovery { "set" } else { "unset" }));
    for url in &http.urls {
        page_url(page, url, count);
    }
}

fn page_url(page: &mut Page, url: &UrlSpec, count: &dyn Fn(&RegexSpec) -> usize) {
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
    if let Some(host) = &url.host {
        page.line(format_args!("     Virtual host = {host}"));
    }
    if let Some(regex) = &url.regex {
        page_regex(page, regex, count(regex));
    }
}

/// Every pattern of the configuration.
fn regexes<'a>(view: &'a ServersView<'_>) -> impl Iterator<Item = &'a RegexSpec> {
    let servers = view.servers.iter().flat_map(|spec| &spec.real_servers);
    let urls = servers.flat_map(|server| &server.checks).flat_map(|check| match &check.probe {
        ProbeSpec::Http(http) => http.urls.as_slice(),
        _ => &[],
    });
    urls.filter_map(|url| url.regex.as_ref())
}

/// keepalived compiles those once that have the same text and options.
fn is_shared(one: &RegexSpec, other: &RegexSpec) -> bool {
    one.pattern == other.pattern && one.options == other.options
}

fn page_regex(page: &mut Page, regex: &RegexSpec, count: usize) {
    page.line(format_args!("     Regex = \"{}\"", regex.pattern));
    if regex.no_match {
        page.line("     Regex no match");
    }
    if regex.min_offset > 0 || regex.max_offset.is_some() {
        let most = regex.max_offset.map(|most| format!(", max_offset = {most}")).unwrap_or_default();
        page.line(format_args!("     Regex min offset = {}{most}", regex.min_offset));
    }
    let name = |option: &RegexOption| RegexOption::NAMES.get(*option as usize).copied().unwrap_or_default();
    let options: String = regex.options.iter().flat_map(|option| [" ", name(option)]).collect();
    page.line(format_args!("     Regex options:{options}"));
    page.line(format_args!("     Regex ref count = {count}"));
    if let Some((first, most)) = regex.stack {
        page.line(format_args!("     Regex stack start {first}, max {most}"));
    }
}

fn page_misc(page: &mut Page, view: &ServersView<'_>, misc: &MiscProbe) {
    let words: Vec<_> = misc.argv.iter().map(|word| format!("'{word}'")).collect();
    page.attribute("script", words.join(" "));
    // keepalived shows 0 where the period is the limit.
    page.attribute("timeout", if misc.timeout_written { misc.timeout.as_secs() } else { 0 });
    page.attribute("dynamic", if misc.dynamic { "YES" } else { "NO" });
    let identity = misc.user.clone().map(|user| Identity { user, group: misc.group.clone() });
    if let Some((uid, gid)) = (view.users)(identity.as_ref()) {
        page.attribute("uid:gid", format_args!("{uid}:{gid}"));
    }
}

fn page_udp(page: &mut Page, udp: &UdpProbe) {
    match &udp.payload {
        Some(payload) => page.attribute("Payload len", payload.len()),
        None => page.attribute("Payload specified", "no"),
    }
    page.attribute("Require reply", yes(udp.reply.is_some()));
    if let Some(reply) = &udp.reply {
        page.line(format_args!("     Min reply length = {}", reply.least));
        page.line(format_args!("     Max reply length = {}", reply.most));
        page.line(format_args!("     Reply data len = {}", reply.pattern.len()));
        if reply.pattern.is_empty() {
            return;
        }
        let masked = reply.pattern.iter().any(|byte| byte.mask != u8::MAX);
        page.line(format_args!("     Reply data mask = {}", yes(masked)));
    }
}

fn method(probe: &ProbeSpec) -> String {
    let keyword = probe.keyword();
    let ProbeSpec::Http(http) = probe else { return keyword.to_owned() };
    let version = match http.version {
        HttpVersion::V1_0 => "1.0",
        HttpVersion::V1_0Close => "1.0C",
        HttpVersion::V1_1 => "1.1",
    };
    format!("{keyword}, http protocol {version}")
}
