//! Interfaces that share the spacing of announcements (`garp_group`).

use std::time::Duration;

use super::Page;
use crate::dump::VrrpView;

/// When the next announcement may go is known to the VRRP process alone; what keepalived shows before the first one.
const NEVER: &str = "0.000000 (Thu Jan  1 00:00:00.000000)";

pub(super) fn page(page: &mut Page, view: &VrrpView<'_>) {
    let groups = &view.router.announce_groups;
    if !groups.is_empty() {
        page.section("Gratuitous ARP delays");
    }
    for (number, group) in numbered(view) {
        page.section(&format!("GARP delay group {number}"));
        for (label, interval) in [("GARP", group.garp_interval), ("GNA", group.gna_interval)] {
            if !interval.is_zero() {
                page.object(&format!("{label} interval"), interval.as_secs_f64());
                page.line(format_args!(" {label} next time {NEVER}"));
            }
        }
        page.line(" Interfaces");
        for interface in &group.interfaces {
            page.line(format_args!("  {interface}"));
        }
    }
}

/// What an interface has of its group.
pub(super) fn of_interface(page: &mut Page, view: &VrrpView<'_>, name: &str) {
    let Some((number, group)) = numbered(view).find(|(_, group)| group.interfaces.contains(name)) else {
        return;
    };
    let milliseconds = |interval: Duration| interval.as_millis();
    for (label, interval) in [("ARP", group.garp_interval), ("NA", group.gna_interval)] {
        if !interval.is_zero() {
            page.line(format_args!("   Gratuitous {label} interval {}ms", milliseconds(interval)));
        }
    }
    if number > 0 {
        page.line(format_args!("   Gratuitous ARP aggregation group {number}"));
    }
}

/// Groups with `interfaces` are numbered from 1; those with one `interface` are no. 0.
fn numbered<'v>(view: &'v VrrpView<'_>) -> impl Iterator<Item = (usize, &'v vrrp::AnnounceGroup)> {
    let mut last = 0;
    view.router.announce_groups.iter().map(move |group| {
        last += usize::from(group.numbered);
        (if group.numbered { last } else { 0 }, group)
    })
}
