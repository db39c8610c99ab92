//! The scripts that instances follow: each is run by a task of its own, when its [`track::Script`] says so.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use config::model::ScriptSpec;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use track::{Action, Script};
use vrrp::{TrackerKind, TrackerState};

use super::Reporter;
use crate::script::{Job, Outcome};

/// A script that is run again and again. It ends, and its present run is ended, when this is dropped.
pub struct ScriptWatch {
    pub job: Job,
    pub serial: u64,
    pub now: Arc<ScriptNow>,
    settings: UnboundedSender<Settings>,
}

/// How far its runs are, for those who look at it from outside.
#[derive(Default)]
pub struct ScriptNow {
    /// A run is on its way.
    pub runs: AtomicBool,
    /// A run has ended.
    pub ran: AtomicBool,
}

/// What a reload may change of a script that stays the same.
#[derive(Clone, Copy)]
struct Settings {
    script: track::ScriptSpec,
    timeout: Duration,
}

impl From<&ScriptSpec> for Settings {
    fn from(spec: &ScriptSpec) -> Self {
        let script = track::ScriptSpec {
            interval: spec.interval.max(Duration::from_millis(1)),
            rise: spec.rise.max(1),
            fall: spec.fall.max(1),
            init_fail: spec.init_fail,
        };
        Self { script, timeout: spec.limit() }
    }
}

impl ScriptWatch {
    pub fn start(spec: &ScriptSpec, job: Job, reporter: Reporter) -> Self {
        let (settings, changes) = unbounded_channel();
        let serial = reporter.serial;
        let now = Arc::<ScriptNow>::default();
        let task = Task {
            name: spec.name.clone(),
            machine: Script::new(net::now(), Settings::from(spec).script),
            timeout: spec.limit(),
            job: job.clone(),
            reporter,
            last: None,
            now: now.clone(),
        };
        tokio::spawn(task.run(changes));
        Self { job, serial, now, settings }
    }

    pub fn configure(&self, spec: &ScriptSpec) {
        // The task lives as long as this does.
        let _ = self.settings.send(spec.into());
    }
}

struct Task {
    name: String,
    machine: Script,
    timeout: Duration,
    job: Job,
    reporter: Reporter,
    /// How the last run ended, or that it did not start.
    last: Option<Result<Outcome, String>>,
    now: Arc<ScriptNow>,
}

/// A run on its way, and what ends it when it is dropped.
struct Running {
    end: Pin<Box<dyn Future<Output = Outcome> + Send>>,
    _stop: oneshot::Sender<()>,
}

impl Task {
    async fn run(mut self, mut changes: UnboundedReceiver<Settings>) {
        let mut running: Option<Running> = None;
        loop {
            while let Some(action) = self.machine.next_action() {
                match action {
                    Action::Run => running = self.start(),
                    Action::Report { good } => self.report(good),
                }
            }
            self.now.runs.store(running.is_some(), Ordering::Relaxed);
            let ended = async {
                match &mut running {
                    Some(running) => running.end.as_mut().await,
                    None => std::future::pending().await,
                }
            };
            let due = self.machine.next_deadline().saturating_since(net::now());
            tokio::select! {
                outcome = ended => {
                    running = None;
                    self.ended(Ok(outcome));
                }
                settings = changes.recv() => match settings {
                    Some(settings) => {
                        self.timeout = settings.timeout;
                        self.machine.configure(net::now(), settings.script);
                    }
                    None => break,
                },
                () = tokio::time::sleep(due) => self.machine.tick(net::now()),
            }
        }
        if let Some(Running { end, _stop: stop }) = running {
            drop(stop);
            end.await;
        }
    }

    fn start(&mut self) -> Option<Running> {
        match self.job.start() {
            Ok(run) => {
                let (stop, stopped) = oneshot::channel::<()>();
                let end = Box::pin(run.wait(Some(self.timeout), async { drop(stopped.await) }));
                Some(Running { end, _stop: stop })
            }
            Err(error) => {
                self.ended(Err(error.to_string()));
                None
            }
        }
    }

    /// Says so when a run ends otherwise than the one before.
    fn ended(&mut self, result: Result<Outcome, String>) {
        self.now.ran.store(true, Ordering::Relaxed);
        let success = result.as_ref().is_ok_and(|outcome| outcome.is_success());
        if self.last.as_ref() != Some(&result) {
            match &result {
                Ok(outcome) => tracing::info!("script {}: {outcome}", self.name),
                Err(error) => tracing::warn!("script {}: {error}", self.name),
            }
            self.last = Some(result);
        }
        self.machine.ended(success);
    }

    fn report(&self, good: bool) {
        tracing::info!("script {} is {} now", self.name, if good { "good" } else { "bad" });
        let state = if good { TrackerState::Up } else { TrackerState::Down };
        self.reporter.report(TrackerKind::Script, &self.name, state);
    }
}

#[cfg(test)]
mod tests {
    use config::model::Command;
    use tokio::sync::mpsc::UnboundedReceiver;

    use super::*;
    use crate::daemon::Event;
    use crate::script::User;

    fn spec(interval: u64, timeout: u64) -> ScriptSpec {
        ScriptSpec {
            name: "s".to_owned(),
            command: Command { argv: Vec::new(), identity: None },
            interval: Duration::from_millis(interval),
            timeout: Some(Duration::from_millis(timeout)),
            weight: 0,
            reverse: false,
            rise: 1,
            fall: 1,
            init_fail: false,
        }
    }

    fn watch(spec: &ScriptSpec, text: &str) -> (ScriptWatch, UnboundedReceiver<Event>) {
        let (events, heard) = unbounded_channel();
        let job = Job {
            argv: ["/bin/sh", "-c", text].map(str::to_owned).to_vec(),
            user: User::ours(),
            umask: 0o177,
        };
        (ScriptWatch::start(spec, job, Reporter { events, serial: 7 }), heard)
    }

    async fn next(heard: &mut UnboundedReceiver<Event>) -> TrackerState {
        match heard.recv().await {
            Some(Event::Track(7, tracker, state)) => {
                assert_eq!(tracker.name, "s");
                state
            }
            _ => panic!("no report"),
        }
    }

    #[tokio::test]
    async fn a_script_is_run_again_and_again_and_its_changes_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let flag = folder.path().join("flag");
        let (_watch, mut heard) = watch(&spec(20, 10_000), &format!("test -e {}", flag.display()));
        assert_eq!(next(&mut heard).await, TrackerState::Down);
        std::fs::write(&flag, "").unwrap();
        assert_eq!(next(&mut heard).await, TrackerState::Up);
        std::fs::remove_file(&flag).unwrap();
        assert_eq!(next(&mut heard).await, TrackerState::Down);
    }

    #[tokio::test]
    async fn a_script_that_takes_too_long_has_failed() {
        let (_watch, mut heard) = watch(&spec(20, 50), "exec sleep 1000");
        assert_eq!(next(&mut heard).await, TrackerState::Down);
    }

    #[tokio::test]
    async fn a_script_that_cannot_be_started_has_failed() {
        let (events, mut heard) = unbounded_channel();
        let job = Job { argv: vec!["/nonexistent".to_owned()], user: User::ours(), umask: 0o177 };
        let _watch = ScriptWatch::start(&spec(20, 50), job, Reporter { events, serial: 7 });
        assert_eq!(next(&mut heard).await, TrackerState::Down);
    }

    #[tokio::test]
    async fn a_script_that_is_no_longer_followed_ends() {
        let folder = tempfile::tempdir().unwrap();
        let (started, told) = (folder.path().join("started"), folder.path().join("told"));
        let text = format!(
            "trap 'touch {}; exit' TERM; touch {}; while :; do sleep 0.01; done",
            told.display(),
            started.display()
        );
        let (watch, _heard) = watch(&spec(10_000, 10_000), &text);
        while !started.exists() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        drop(watch);
        while !told.exists() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}
