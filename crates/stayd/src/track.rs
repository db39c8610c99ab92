//! What instances follow beside interfaces: scripts are run, files and processes watched, and what they say is told to the
//! VRRP process.
//!
//! **What is known survives everything**: a reload keeps the results of whatever it does not change, and a VRRP process that
//! replaces a crashed one is told all of them before its configuration.

mod files;
mod proc_events;
mod processes;
mod scripts;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use config::model::{FileSpec, Model, ProcessTrackSpec};
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::JoinHandle;
use vrrp::{RouterSpec, TrackerId, TrackerKind, TrackerState};

use crate::daemon::Event;
use crate::notify::Users;
use processes::Counts;
use scripts::{ScriptNow, ScriptWatch};

/// Says what a tracker says now.
#[derive(Clone)]
pub struct Reporter {
    events: UnboundedSender<Event>,
    /// Tells late news of a former watch from that of the present one.
    serial: u64,
}

impl Reporter {
    fn report(&self, kind: TrackerKind, name: &str, state: TrackerState) {
        // The daemon itself is at its end if nobody listens.
        let _ = self.events.send(Event::Track(self.serial, TrackerId::new(kind, name), state));
    }
}

/// Everything that is watched.
pub struct Trackers {
    events: UnboundedSender<Event>,
    serial: u64,
    scripts: BTreeMap<String, ScriptWatch>,
    files: Option<Watch<FileSpec>>,
    processes: Option<Watch<ProcessTrackSpec>>,
    counts: Arc<Counts>,
    states: BTreeMap<TrackerId, TrackerState>,
    serials: BTreeMap<TrackerId, u64>,
}

/// What is watched, as it is now.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Watched {
    /// What each says.
    pub states: BTreeMap<TrackerId, TrackerState>,
    /// The scripts that are run just now.
    pub running: BTreeSet<String>,
    /// The scripts of which a run has ended.
    pub ran: BTreeSet<String>,
    /// How many processes run, by the name of what follows them.
    pub counts: BTreeMap<String, usize>,
}

/// A task that watches a number of things, and ends when this is dropped.
struct Watch<S> {
    specs: Vec<S>,
    task: JoinHandle<()>,
}

impl<S> Drop for Watch<S> {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Trackers {
    /// Watches nothing yet.
    pub fn new(events: UnboundedSender<Event>) -> Self {
        Self {
            events,
            serial: 0,
            scripts: BTreeMap::new(),
            files: None,
            processes: None,
            counts: Arc::default(),
            states: BTreeMap::new(),
            serials: BTreeMap::new(),
        }
    }

    /// Watches what this configuration defines and its instances follow, and the files with these names; what nobody follows
    /// is left alone, as keepalived does.
    pub fn configure(&mut self, router: &RouterSpec, files: BTreeSet<String>, model: &Model) {
        let mut followed = followed(router);
        followed.extend(files.into_iter().map(|name| TrackerId { kind: TrackerKind::File, name }));
        let is_followed = |kind, name: &str| followed.contains(&TrackerId { kind, name: name.to_owned() });
        self.configure_scripts(model, |name| is_followed(TrackerKind::Script, name));
        let files = model.track_files.iter().filter(|spec| is_followed(TrackerKind::File, &spec.name));
        self.configure_files(files.cloned().collect());
        let processes = model.track_processes.iter();
        let processes = processes.filter(|spec| is_followed(TrackerKind::Process, &spec.name));
        self.configure_processes(processes.cloned().collect());
        let serials = &self.serials;
        self.states.retain(|tracker, _| serials.contains_key(tracker));
    }

    fn configure_scripts(&mut self, model: &Model, is_followed: impl Fn(&str) -> bool) {
        let mut users = Users::new(model);
        let mut before = std::mem::take(&mut self.scripts);
        self.forget_serials(TrackerKind::Script);
        for spec in model.scripts.iter().filter(|spec| is_followed(&spec.name)) {
            let Some(job) = users.job(&spec.command) else { continue };
            let watch = match before.remove(&spec.name) {
                Some(watch) if watch.job == job => {
                    watch.configure(spec);
                    watch
                }
                _ => {
                    self.states.remove(&TrackerId::new(TrackerKind::Script, spec.name.as_str()));
                    let reporter = self.reporter();
                    ScriptWatch::start(spec, job, reporter)
                }
            };
            self.serials.insert(TrackerId::new(TrackerKind::Script, spec.name.as_str()), watch.serial);
            self.scripts.insert(spec.name.clone(), watch);
        }
    }

    fn configure_files(&mut self, specs: Vec<FileSpec>) {
        if self.files.as_ref().is_some_and(|watch| watch.specs == specs) {
            return;
        }
        let before = self.files.take().map(|watch| watch.specs.clone()).unwrap_or_default();
        self.forget_serials(TrackerKind::File);
        if specs.is_empty() {
            return;
        }
        for spec in specs.iter().filter(|spec| !before.iter().any(|old| old.path == spec.path)) {
            files::create(spec);
        }
        let reporter = self.reporter();
        for spec in &specs {
            self.serials.insert(TrackerId::new(TrackerKind::File, spec.name.as_str()), reporter.serial);
        }
        let task = tokio::spawn(files::watch(specs.clone(), reporter));
        self.files = Some(Watch { specs, task });
    }

    fn configure_processes(&mut self, specs: Vec<ProcessTrackSpec>) {
        if self.processes.as_ref().is_some_and(|watch| watch.specs == specs) {
            return;
        }
        self.processes = None;
        self.counts = Arc::default();
        self.forget_serials(TrackerKind::Process);
        if specs.is_empty() {
            return;
        }
        let reporter = self.reporter();
        for spec in &specs {
            self.serials.insert(TrackerId::new(TrackerKind::Process, spec.name.as_str()), reporter.serial);
        }
        let task = tokio::spawn(processes::watch(specs.clone(), reporter, self.counts.clone()));
        self.processes = Some(Watch { specs, task });
    }

    fn forget_serials(&mut self, kind: TrackerKind) {
        self.serials.retain(|tracker, _| tracker.kind != kind);
    }

    fn reporter(&mut self) -> Reporter {
        self.serial += 1;
        Reporter { events: self.events.clone(), serial: self.serial }
    }

    /// Takes in what was reported; `false` if it is old news.
    pub fn heard(&mut self, serial: u64, tracker: &TrackerId, state: TrackerState) -> bool {
        if self.serials.get(tracker) != Some(&serial) {
            return false;
        }
        self.states.insert(tracker.clone(), state) != Some(state)
    }

    /// Everything that a dump shows of them.
    pub fn watched(&self) -> Watched {
        let scripts = |look: fn(&ScriptNow) -> &AtomicBool| {
            let names = self.scripts.iter().filter(|(_, watch)| look(&watch.now).load(Ordering::Relaxed));
            names.map(|(name, _)| name.clone()).collect()
        };
        Watched {
            states: self.states.clone(),
            running: scripts(|now| &now.runs),
            ran: scripts(|now| &now.ran),
            counts: self.counts.lock().map(|counts| counts.clone()).unwrap_or_default(),
        }
    }

    /// All that is known.
    pub const fn states(&self) -> &BTreeMap<TrackerId, TrackerState> {
        &self.states
    }
}

/// What some instance follows, itself or through its group.
fn followed(router: &RouterSpec) -> BTreeSet<TrackerId> {
    let of_instances = router.instances.iter().flat_map(|instance| &instance.tracks);
    let of_groups = router.sync_groups.iter().flat_map(|group| &group.tracks);
    of_instances.chain(of_groups).map(|track| track.tracker.clone()).collect()
}
