//! BFD sessions.

use bfd::SessionSpec;

use super::Page;

/// Pointers to tasks and alarms of keepalived's own.
const NOTHING: &str = "0x(nil)";

pub(super) fn page(page: &mut Page, sessions: &[SessionSpec]) {
    page.section("BFD Data");
    page.line(" fd_in = -1");
    page.line(format_args!(" thread_in = 0x{NOTHING}"));
    page.section("BFD Topology");
    for session in sessions {
        one(page, session);
    }
}

fn one(page: &mut Page, session: &SessionSpec) {
    page.object("BFD Instance", &session.name);
    page.attribute("Neighbor IP", session.neighbor);
    page.maybe("Source IP", session.source);
    for (label, interval) in [
        ("Required min RX interval", session.min_rx),
        ("Desired min TX interval", session.min_tx),
        ("Desired idle TX interval", session.idle_tx),
    ] {
        page.attribute(label, format_args!("{} us", interval.as_micros()));
    }
    page.attribute("Detection multiplier", session.multiplier);
    page.attribute(if session.neighbor.is_ipv4() { "TTL" } else { "hoplimit" }, session.ttl);
    page.attribute("max_hops", session.max_hops.map_or(-1, i16::from));
    page.attribute("passive", session.passive);
    let told = |told| if told { "Yes" } else { "No" };
    page.attribute("send event to VRRP process", told(session.followers.vrrp));
    page.attribute("send event to checker process", told(session.followers.checker));
    now(page, session);
}

/// A session that nobody has spoken to yet.
fn now(page: &mut Page, session: &SessionSpec) {
    page.line("   fd_out -1");
    for (task, alarm) in [
        ("thread_open_fd_out", None),
        ("thread_out", Some("sands_out")),
        ("thread_exp", Some("sands_exp")),
        ("thread_rst", Some("sands_rst")),
    ] {
        page.line(format_args!("   {task} {NOTHING}"));
        page.maybe(alarm.unwrap_or_default(), alarm.map(|_| "[disabled]"));
    }
    page.attribute("send error", false);
    for (label, value) in [
        ("local state", "Down"),
        ("remote state", "Down"),
        ("local discriminator", "0x0"),
        ("remote discriminator", "0x0"),
        ("local diag", "No Diagnostic"),
        ("remote diag", "No Diagnostic"),
        ("remote min tx intv", "0 us"),
        ("remote min rx intv", "0 us"),
        ("local demand", "0"),
        ("remote demand", "0"),
        ("remote detect multiplier", "0"),
    ] {
        page.attribute(label, value);
    }
    page.line("   !poll, !final");
    page.attribute("local tx intv", format_args!("{} us", session.idle_tx.as_micros()));
    page.attribute("remote tx intv", "0 us");
    page.attribute("local detection time", "0 us");
    page.attribute("remote detection time", "0 us");
    page.attribute("last_seen", "[never]");
}
