//! The processes that instances follow: which run is known from the kernel's [proc connector](ProcEvents), and where that
//! is not to be had, from looking through /proc again and again.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use config::model::{ParameterMatch, ProcessTrackSpec};
use track::{CommandLine, ProcessPattern, Quorum, QuorumSpec};
use vrrp::{TrackerKind, TrackerState};

use super::Reporter;
use super::proc_events::{ProcEvent, ProcEvents};
use crate::ready;

/// How often /proc is looked through without the connector.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How long the kernel has for its answer: where it has no connector for us, it says nothing at all.
const ANSWER: Duration = Duration::from_secs(1);

/// Watches these processes until the task is ended.
pub async fn watch(specs: Vec<ProcessTrackSpec>, reporter: Reporter, counts: Arc<Counts>) {
    let mut processes = Processes::new(&specs, reporter, counts);
    let why = match processes.follow().await {
        Ok(never) => match never {},
        Err(error) => error,
    };
    tracing::warn!(
        "the kernel does not tell us of processes ({why}); looking through /proc every {} ms instead",
        LOOK_EVERY.as_millis()
    );
    loop {
        processes.look();
        processes.report();
        processes.wait(LOOK_EVERY).await;
    }
}

/// How many of each run, by name, for those who look at it from outside.
pub type Counts = Mutex<BTreeMap<String, usize>>;

/// No value: what follows events follows them until it fails.
enum Never {}

struct Processes {
    followed: Vec<Followed>,
    reporter: Reporter,
    counts: Arc<Counts>,
}

struct Followed {
    name: String,
    pattern: ProcessPattern,
    quorum: Quorum,
    running: BTreeSet<u32>,
}

impl Processes {
    fn new(specs: &[ProcessTrackSpec], reporter: Reporter, counts: Arc<Counts>) -> Self {
        let followed = specs.iter().map(|spec| Followed {
            name: spec.name.clone(),
            pattern: pattern(spec),
            quorum: Quorum::new(QuorumSpec {
                least: spec.quorum.into(),
                most: spec.quorum_max.map(u32::from),
                loss_delay: spec.terminate_delay,
                gain_delay: spec.fork_delay,
            }),
            running: BTreeSet::new(),
        });
        Self { followed: followed.collect(), reporter, counts }
    }

    /// Follows the kernel's events, until it does not tell them.
    async fn follow(&mut self) -> io::Result<Never> {
        let events = ProcEvents::open()?;
        let ready = ready::watch(events.descriptor()?)?;
        let answer = net::now() + ANSWER;
        let mut answered = false;
        // After listening has begun, so that nothing falls between.
        self.look();
        loop {
            self.report();
            let patience = if answered { Duration::MAX } else { answer.saturating_since(net::now()) };
            tokio::select! {
                guard = ready.readable() => guard?.clear_ready(),
                () = self.wait(patience) => {
                    if !answered && answer <= net::now() {
                        return Err(io::Error::new(io::ErrorKind::Unsupported, "no answer from the proc connector"));
                    }
                }
            }
            loop {
                match events.read() {
                    Ok(None) => break,
                    Ok(Some(events)) => {
                        for event in events {
                            match event {
                                ProcEvent::Answer(0) => answered = true,
                                ProcEvent::Answer(number) => {
                                    let number = i32::try_from(number).unwrap_or(libc::EIO);
                                    return Err(io::Error::from_raw_os_error(number));
                                }
                                ProcEvent::Changed(id) => self.changed(id),
                                ProcEvent::Ended(id) => self.ended(id),
                            }
                        }
                    }
                    Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => {
                        tracing::info!("events of processes were lost; reading all processes again");
                        self.look();
                    }
                    Err(error) => return Err(error),
                }
            }
        }
    }

    /// Waits, but not longer than until a quorum's delay is over.
    async fn wait(&self, longest: Duration) {
        let now = net::now();
        let due = self.followed.iter().filter_map(|followed| followed.quorum.next_deadline());
        let delay = due.map(|at| at.saturating_since(now)).min();
        tokio::time::sleep(delay.map_or(longest, |delay| delay.min(longest))).await;
    }

    fn report(&mut self) {
        if let Ok(mut counts) = self.counts.lock() {
            *counts = self.followed.iter().map(|one| (one.name.clone(), one.running.len())).collect();
        }
        for followed in &mut self.followed {
            if let Some(right) = followed.quorum.report(net::now()) {
                let count = followed.running.len();
                tracing::info!(
                    "track_process {}: {count} running, {}",
                    followed.name,
                    if right { "as it should be" } else { "too few or too many" }
                );
                let state = if right { TrackerState::Up } else { TrackerState::Down };
                self.reporter.report(TrackerKind::Process, &followed.name, state);
            }
        }
    }

    /// Looks through all processes.
    fn look(&mut self) {
        let mut found: BTreeMap<usize, BTreeSet<u32>> = BTreeMap::new();
        for id in process_ids() {
            let Some(process) = Process::read(id) else { continue };
            for (position, followed) in self.followed.iter().enumerate() {
                if followed.pattern.matches(process.line()) {
                    found.entry(position).or_default().insert(id);
                }
            }
        }
        let now = net::now();
        for (position, followed) in self.followed.iter_mut().enumerate() {
            followed.running = found.remove(&position).unwrap_or_default();
            followed.count(now);
        }
    }

    fn changed(&mut self, id: u32) {
        let process = Process::read(id);
        for followed in &mut self.followed {
            let matches = process.as_ref().is_some_and(|process| followed.pattern.matches(process.line()));
            let changed = if matches { followed.running.insert(id) } else { followed.running.remove(&id) };
            if changed {
                followed.count(net::now());
            }
        }
    }

    fn ended(&mut self, id: u32) {
        for followed in &mut self.followed {
            if followed.running.remove(&id) {
                followed.count(net::now());
            }
        }
    }
}

impl Followed {
    fn count(&mut self, now: clock::Instant) {
        self.quorum.counted(now, u32::try_from(self.running.len()).unwrap_or(u32::MAX));
    }
}

fn pattern(spec: &ProcessTrackSpec) -> ProcessPattern {
    let full =
        spec.full_command || !spec.parameters.is_empty() || spec.parameters_match != ParameterMatch::Unset;
    ProcessPattern {
        program: spec.program.clone(),
        parameters: spec.parameters.clone(),
        matching: match spec.parameters_match {
            ParameterMatch::Unset if spec.parameters.is_empty() => track::ParameterMatch::Any,
            ParameterMatch::Unset | ParameterMatch::Exact => track::ParameterMatch::Exact,
            ParameterMatch::Initial => track::ParameterMatch::Initial,
            ParameterMatch::Partial => track::ParameterMatch::Partial,
        },
        full,
    }
}

/// What /proc says of a process that runs.
struct Process {
    name: Vec<u8>,
    arguments: Vec<u8>,
}

impl Process {
    /// None if it has ended, also if nobody has noticed yet.
    fn read(id: u32) -> Option<Self> {
        let folder = Path::new("/proc").join(id.to_string());
        let stat = fs::read(folder.join("stat")).ok()?;
        // "ID (NAME) STATE ...", and the name may have brackets of its own.
        let open = stat.iter().position(|byte| *byte == b'(')?;
        let close = stat.iter().rposition(|byte| *byte == b')')?;
        let name = stat.get(open + 1..close)?.to_vec();
        if matches!(stat.get(close + 2), Some(b'Z' | b'X')) {
            return None;
        }
        let arguments = fs::read(folder.join("cmdline")).unwrap_or_default();
        Some(Self { name, arguments })
    }

    fn line(&self) -> CommandLine<'_> {
        CommandLine { name: &self.name, arguments: &self.arguments }
    }
}

fn process_ids() -> Vec<u32> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

    use super::*;
    use crate::daemon::Event;

    /// A pattern that only the processes of one test fit.
    fn spec(mark: &str) -> ProcessTrackSpec {
        ProcessTrackSpec {
            name: "p".to_owned(),
            program: "sleep".to_owned(),
            parameters: vec![mark.to_owned()],
            parameters_match: ParameterMatch::Exact,
            full_command: true,
            weight: 0,
            reverse: false,
            quorum: 1,
            quorum_max: None,
            terminate_delay: Duration::ZERO,
            fork_delay: Duration::ZERO,
        }
    }

    async fn next(heard: &mut UnboundedReceiver<Event>) -> TrackerState {
        match heard.recv().await {
            Some(Event::Track(1, _, state)) => state,
            _ => panic!("no report"),
        }
    }

    // With the connector where the kernel has one for us, through /proc elsewhere.
    #[tokio::test]
    async fn a_process_that_starts_and_one_that_ends_are_noticed() {
        let (events, mut heard) = unbounded_channel();
        let mark = format!("1000.{}", std::process::id());
        let task = tokio::spawn(watch(vec![spec(&mark)], Reporter { events, serial: 1 }, Arc::default()));
        assert_eq!(next(&mut heard).await, TrackerState::Down);
        let mut process = Command::new("sleep").arg(&mark).spawn().unwrap();
        assert_eq!(next(&mut heard).await, TrackerState::Up);
        // A zombie does not run, whoever has to reap it.
        process.kill().unwrap();
        assert_eq!(next(&mut heard).await, TrackerState::Down);
        process.wait().unwrap();
        task.abort();
    }

    #[test]
    fn parameters_make_the_whole_command_line_count() {
        let spec = spec("1000");
        let named = ProcessTrackSpec {
            parameters: Vec::new(),
            parameters_match: ParameterMatch::Unset,
            full_command: false,
            ..spec.clone()
        };
        assert!(pattern(&spec).full && !pattern(&named).full);
        assert_eq!(pattern(&named).matching, track::ParameterMatch::Any);
    }
}
