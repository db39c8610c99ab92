//! Sync groups, and what instances follow.

use vrrp::{InstanceStatus, StateName, SyncGroupSpec, TrackerId, TrackerKind, TrackerState};

use super::{Page, user, yes};
use crate::dump::{VrrpView, quoted};

pub(super) fn groups(page: &mut Page, view: &VrrpView<'_>) {
    if !view.router.sync_groups.is_empty() {
        page.section("VRRP Sync groups");
    }
    for group in &view.router.sync_groups {
        let members: Vec<_> =
            group.members.iter().filter_map(|name| view.statuses.get(name.as_str()).copied()).collect();
        page.object("VRRP Sync Group", format_args!("{}, {}", group.name, state(&members)));
        let count = |state| members.iter().filter(|member| member.state == state).count();
        let (fault, init) = (count(StateName::Fault), count(StateName::Init));
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
        interfaces.map(|track| format!("{} weight {}", track.interface, track.weight)),
    );
    for (heading, kind) in [
        ("Tracked scripts :", TrackerKind::Script),
        ("Tracked files :", TrackerKind::File),
        ("Tracked processes :", TrackerKind::Process),
    ] {
        let tracks = group.tracks.iter().filter(|track| track.tracker.kind == kind);
        page.list(heading, tracks.map(|track| format!("{} weight {}", track.tracker.name, track.weight)));
    }
}

/// The instances that follow something, with what it weighs for each, those of a group in the place of the group.
fn followers(view: &VrrpView<'_>, id: &TrackerId) -> Vec<String> {
    let router = &view.router;
    let mut followers = Vec::new();
    for instance in &router.instances {
        let groups = router.sync_groups.iter().filter(|group| group.members.contains(&instance.name));
        let tracks = instance.tracks.iter().chain(groups.flat_map(|group| &group.tracks));
        if let Some(track) = tracks.into_iter().find(|track| track.tracker == *id) {
            followers.push(format!("{}, weight {}", instance.name, track.weight));
        }
    }
    followers
}

/// Those of a kind that any instance follows, and who follows them.
fn followed<'v, T>(
    view: &VrrpView<'_>,
    kind: TrackerKind,
    specs: &'v [T],
    name: impl Fn(&T) -> &str,
) -> Vec<(&'v T, TrackerId, Vec<String>)> {
    let one = |spec| {
        let id = TrackerId::new(kind, name(spec));
        let followers = followers(view, &id);
        (!followers.is_empty()).then_some((spec, id, followers))
    };
    specs.iter().filter_map(one).collect()
}

fn state_of(view: &VrrpView<'_>, id: &TrackerId) -> TrackerState {
    view.trackers.get(id).copied().unwrap_or(TrackerState::Unknown)
}

pub(super) fn scripts(page: &mut Page, view: &VrrpView<'_>) {
    let followed = followed(view, TrackerKind::Script, &view.model.scripts, |spec| &spec.name);
    if !followed.is_empty() {
        page.section("VRRP Scripts");
    }
    for (spec, id, followers) in followed {
        let good = state_of(view, &id) == TrackerState::Up;
        page.object("VRRP Script", &spec.name);
        page.attribute("Command", quoted(&spec.command));
        page.attribute("Interval", format_args!("{} sec", spec.interval.as_secs_f64()));
        page.attribute("Timeout", format_args!("{} sec", spec.timeout.as_secs_f64()));
        page.attribute("Weight", spec.weight);
        page.attribute("Rise", spec.rise);
        page.attribute("Fall", spec.fall);
        page.attribute("Result", if good { (spec.rise + spec.fall).saturating_sub(1) } else { 0 });
        page.attribute("Insecure", "no");
        page.attribute("Init state", if spec.init_fail { "failed" } else { "unknown" });
        page.attribute("Status", if good { "GOOD" } else { "BAD" });
        page.attribute("Script uid:gid", user(view, spec.command.identity.as_ref()));
        page.line("   VRRP instances :");
        page.list("Tracking instances :", followers);
        page.attribute("State", "idle");
    }
}

pub(super) fn files(page: &mut Page, view: &VrrpView<'_>) {
    let followed = followed(view, TrackerKind::File, &view.model.track_files, |spec| &spec.name);
    if !followed.is_empty() {
        page.section("VRRP Track files");
    }
    for (spec, id, followers) in followed {
        page.object("Track file", &spec.name);
        page.attribute("File", &spec.path);
        let value = match state_of(view, &id) {
            TrackerState::Value(value) => value,
            TrackerState::Unknown | TrackerState::Up | TrackerState::Down => 0,
        };
        page.attribute("Status", value);
        page.attribute("Weight", spec.weight);
        page.list("Tracking instances :", followers);
    }
}

pub(super) fn processes(page: &mut Page, view: &VrrpView<'_>) {
    let followed = followed(view, TrackerKind::Process, &view.model.track_processes, |spec| &spec.name);
    if !followed.is_empty() {
        page.section("VRRP Track processes");
    }
    for (spec, id, followers) in followed {
        page.object("VRRP Track process", &spec.name);
        page.attribute("Process", &spec.program);
        if !spec.parameters.is_empty() {
            page.attribute("Parameters", spec.parameters.join(" "));
        }
        page.attribute("Min processes", spec.quorum);
        page.maybe("Max processes", spec.quorum_max);
        page.attribute("Have quorum", state_of(view, &id) == TrackerState::Up);
        page.attribute("Weight", spec.weight);
        page.attribute("Terminate delay", format_args!("{:.6}s", spec.terminate_delay.as_secs_f64()));
        page.attribute("Fork delay", format_args!("{:.6}s", spec.fork_delay.as_secs_f64()));
        page.attribute("Full command", spec.full_command);
        page.list("Tracking instances :", followers);
    }
}
