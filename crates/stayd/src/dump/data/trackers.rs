//! Sync groups, and what instances follow.

use config::model::ParameterMatch;
use vrrp::{InstanceStatus, StateName, SyncGroupSpec, Track, TrackerId, TrackerKind, TrackerState};

use super::{Page, reversed, user, yes};
use crate::dump::{VrrpView, quoted};

pub(super) fn groups(page: &mut Page, view: &VrrpView<'_>) {
    if !view.router.sync_groups.is_empty() {
        page.section("VRRP Sync groups");
    }
    for group in &view.router.sync_groups {
        let members: Vec<_> =
            group.members.iter().filter_map(|name| view.statuses.get(name.as_str()).copied()).collect();
        page.object("VRRP Sync Group", format_args!("{}, {}", group.name, state(&members)));
        // Those that are in FAULT for another member's sake do not count.
        let fault = members.iter().filter(|member| member.faults > 0).count();
        let init = members.iter().filter(|member| member.state == StateName::Init).count();
        page.line(format_args!("   Num member fault {fault}, num member init {init}"));
        page.list("VRRP member instances :", &group.members);
        if group.tracking_weight {
            page.line("   sync group tracking weight set");
        }
        let events = view.model.group_events.get(&group.name).cloned().unwrap_or_default();
        page.attribute("Using smtp notification", yes(events.smtp_alert));
        tracked(page, group);
        page.scripts(view, &events.notify);
    }
}

/// The members of a group change together; between two of them it is what the lesser one is.
fn state(members: &[&InstanceStatus]) -> StateName {
    let states = || members.iter().map(|member| member.state);
    if states().any(|state| state == StateName::Fault) {
        StateName::Fault
    } else if states().any(|state| state == StateName::Init) {
        StateName::Init
    } else if states().all(|state| state == StateName::Master) {
        StateName::Master
    } else {
        StateName::Backup
    }
}

fn tracked(page: &mut Page, group: &SyncGroupSpec) {
    let interfaces = group.track_interfaces.iter();
    page.list(
        "Tracked interfaces :",
        interfaces
            .map(|track| format!("{} weight {}{}", track.interface, track.weight, reversed(track.reverse))),
    );
    for (heading, kind, mark) in [
        ("Tracked scripts :", TrackerKind::Script, ""),
        ("Tracked files :", TrackerKind::File, ","),
        ("Tracked process :", TrackerKind::Process, ","),
        ("Tracked BFDs :", TrackerKind::Bfd, ":"),
    ] {
        let tracks = group.tracks.iter().filter(|track| track.tracker.kind == kind);
        page.list(heading, tracks.map(|track| followed_as(track, mark)));
    }
}

/// What follows the name is keepalived's, and differs from kind to kind.
pub(super) fn followed_as(track: &Track, mark: &str) -> String {
    format!("{}{mark} weight {}{}", track.tracker.name, track.weight, reversed(track.reverse))
}

/// The instances that follow something, with what it weighs for each: those that do so themselves, then those of groups.
fn followers(view: &VrrpView<'_>, id: &TrackerId) -> Vec<String> {
    let router = &view.router;
    let mut followers = Vec::<(&str, &Track)>::new();
    for instance in &router.instances {
        let track = instance.tracks.iter().find(|track| track.tracker == *id);
        followers.extend(track.map(|track| (instance.name.as_str(), track)));
    }
    for group in &router.sync_groups {
        let Some(track) = group.tracks.iter().find(|track| track.tracker == *id) else { continue };
        for member in &group.members {
            if followers.iter().all(|(known, _)| known != member) {
                followers.push((member, track));
            }
        }
    }
    let line =
        |(name, track): (&str, &Track)| format!("{name}, weight {}{}", track.weight, reversed(track.reverse));
    followers.into_iter().map(line).collect()
}

fn state_of(view: &VrrpView<'_>, id: &TrackerId) -> TrackerState {
    view.facts.watched.states.get(id).copied().unwrap_or(TrackerState::Unknown)
}

fn weight(page: &mut Page, weight: i16, reverse: bool) {
    page.attribute("Weight", format_args!("{weight}{}", reversed(reverse)));
}

/// Scripts that nobody follows are not run, and not shown.
pub(super) fn scripts(page: &mut Page, view: &VrrpView<'_>) {
    let shown = view.model.scripts.iter().map(|spec| {
        let id = TrackerId::new(TrackerKind::Script, spec.name.as_str());
        (spec, followers(view, &id), state_of(view, &id) == TrackerState::Up)
    });
    let mut shown = shown.filter(|(_, followers, _)| !followers.is_empty()).peekable();
    if shown.peek().is_some() {
        page.section("VRRP Scripts");
    }
    for (spec, followers, good) in shown {
        let watched = view.facts.watched;
        page.object("VRRP Script", &spec.name);
        page.attribute("Command", quoted(&spec.command));
        page.attribute("Interval", format_args!("{} sec", spec.interval.as_secs_f64()));
        let timeout = spec.timeout.unwrap_or_default();
        page.attribute("Timeout", format_args!("{} sec", timeout.as_secs_f64()));
        weight(page, spec.weight, spec.reverse);
        page.attribute("Rise", spec.rise);
        page.attribute("Fall", spec.fall);
        page.attribute("Result", if good { (spec.rise + spec.fall).saturating_sub(1) } else { 0 });
        page.attribute("Insecure", "no");
        page.attribute("Init state", if watched.ran.contains(&spec.name) { "unknown" } else { "INIT" });
        page.attribute("Status", if good { "GOOD" } else { "BAD" });
        page.attribute("Script uid:gid", user(view, spec.command.identity.as_ref()));
        page.line("   VRRP instances :");
        page.list("Tracking instances :", followers);
        page.attribute("State", if watched.running.contains(&spec.name) { "running" } else { "idle" });
    }
}

pub(super) fn files(page: &mut Page, view: &VrrpView<'_>) {
    if !view.model.track_files.is_empty() {
        page.section("VRRP Track files");
    }
    for spec in &view.model.track_files {
        let id = TrackerId::new(TrackerKind::File, spec.name.as_str());
        page.object("Track file", &spec.name);
        page.attribute("File", &spec.path);
        let value = match state_of(view, &id) {
            TrackerState::Value(value) => value,
            TrackerState::Unknown | TrackerState::Up | TrackerState::Down => 0,
        };
        page.attribute("Status", value);
        weight(page, spec.weight, spec.reverse);
        page.list("Tracking instances :", followers(view, &id));
    }
}

pub(super) fn processes(page: &mut Page, view: &VrrpView<'_>) {
    if !view.model.track_processes.is_empty() {
        page.section("VRRP Track processes");
    }
    for spec in &view.model.track_processes {
        let id = TrackerId::new(TrackerKind::Process, spec.name.as_str());
        page.object("VRRP Track process", &spec.name);
        page.attribute("Process", &spec.program);
        if !spec.parameters.is_empty() {
            page.attribute("Parameters", spec.parameters.join(" "));
        }
        match spec.parameters_match {
            ParameterMatch::Unset if spec.parameters.is_empty() => {}
            ParameterMatch::Unset | ParameterMatch::Exact => page.line("   Param match"),
            ParameterMatch::Initial => page.attribute("Param match", "initial"),
            ParameterMatch::Partial => page.attribute("Param match", "partial"),
        }
        page.attribute("Min processes", spec.quorum);
        page.maybe("Max processes", spec.quorum_max);
        let count = view.facts.watched.counts.get(&spec.name).copied().unwrap_or_default();
        page.attribute("Current processes", count);
        page.attribute("Have quorum", state_of(view, &id) == TrackerState::Up);
        weight(page, spec.weight, spec.reverse);
        page.attribute("Terminate delay", format_args!("{:.6}s", spec.terminate_delay.as_secs_f64()));
        page.attribute("Fork delay", format_args!("{:.6}s", spec.fork_delay.as_secs_f64()));
        page.line("   Fork delay timer not running");
        page.line("   Terminate delay timer not running");
        page.attribute("Full command", spec.full_command);
        page.list("Tracking instances :", followers(view, &id));
    }
}

pub(super) fn sessions(page: &mut Page, view: &VrrpView<'_>) {
    let mut sessions = view.model.bfd.iter().filter(|session| session.followers.vrrp).peekable();
    if sessions.peek().is_some() {
        page.section("VRRP Track BFDs");
    }
    for spec in sessions {
        let id = TrackerId::new(TrackerKind::Bfd, spec.name.as_str());
        page.object("VRRP Track BFD", &spec.name);
        weight(page, spec.weight, spec.reverse);
        let up = state_of(view, &id) == TrackerState::Up;
        page.line(format_args!("   Bfd is {}", if up { "up" } else { "down" }));
        page.line("   Tracking VRRP instances :");
        page.list("Tracking instances :", followers(view, &id));
    }
}
