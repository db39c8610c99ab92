//! `MISC_CHECK`: commands that say whether a server works.
//!
//! **A command that nobody waits for any more is ended, with all that it started**: when its check goes, when it takes too
//! long, and when we do. The verdicts are keepalived's (2.2.7, measured): status 0 is success, with `misc_dynamic` 2 to 255
//! too, any other status and any signal is a failure; a command that cannot be started says nothing. One that takes too
//! long has failed here, whatever status it ends with when it is told to.

use std::convert::Infallible;
use std::sync::Arc;

use checker::{Cause, Failure, LocalError, MiscProbe, Outcome, Step};
use nix::errno::Errno;
use tokio::sync::{mpsc, oneshot};

use crate::ipc::{self, Scripts};
use crate::script::{self, Job, NotStarted};

/// Runs the commands of checks.
pub(super) struct Runner {
    settings: Arc<Scripts>,
    /// Each command holds one end.
    alive: mpsc::Sender<Infallible>,
    ended: mpsc::Receiver<Infallible>,
}

/// What one run needs.
pub(super) struct Start {
    settings: Arc<Scripts>,
    alive: mpsc::Sender<Infallible>,
}

impl Runner {
    pub(super) fn new() -> Self {
        let (alive, ended) = mpsc::channel(1);
        Self { settings: Arc::default(), alive, ended }
    }

    pub(super) fn configure(&mut self, settings: Scripts) {
        self.settings = Arc::new(settings);
    }

    pub(super) fn start(&self) -> Start {
        Start { settings: Arc::clone(&self.settings), alive: self.alive.clone() }
    }

    /// Waits until every command has ended. None can be started any more.
    pub(super) async fn ended(&mut self) {
        self.alive = mpsc::channel(1).0;
        while self.ended.recv().await.is_some() {}
    }
}

impl Start {
    /// Runs the command. Dropping this ends it; that is waited for elsewhere.
    pub(super) async fn run(self, spec: &MiscProbe) -> Outcome {
        let identity = ipc::script_identity(spec);
        let Some((_, user)) = self.settings.users.iter().find(|(known, _)| *known == identity) else {
            return unknown(Cause::NoUser);
        };
        let job = Job { argv: spec.argv.clone(), user: user.clone(), umask: self.settings.umask };
        let run = match job.start() {
            Ok(run) => run,
            Err(error) => return unknown(cause(&error)),
        };
        let (_wanted, unwanted) = oneshot::channel::<()>();
        let (limit, alive) = (spec.timeout, self.alive);
        let end = tokio::spawn(async move {
            let outcome = run.wait(Some(limit), async { drop(unwanted.await) }).await;
            drop(alive);
            outcome
        });
        verdict(spec.dynamic, end.await.unwrap_or(script::Outcome::Unknown))
    }
}

fn verdict(dynamic: bool, outcome: script::Outcome) -> Outcome {
    match outcome {
        script::Outcome::Exit(0) => Outcome::Success,
        script::Outcome::Exit(status @ 2..=255) if dynamic => Outcome::Weight(status.unsigned_abs() - 2),
        script::Outcome::Exit(status) => Outcome::Failure(Failure::ScriptStatus(status)),
        script::Outcome::Signal(signal) => Outcome::Failure(Failure::ScriptSignal(signal)),
        script::Outcome::TimedOut => Outcome::Failure(Failure::ScriptTimedOut),
        script::Outcome::Stopped | script::Outcome::Unknown => unknown(Cause::Other(0)),
    }
}

const fn unknown(cause: Cause) -> Outcome {
    Outcome::Unknown(LocalError { step: Step::Run, cause })
}

fn cause(error: &NotStarted) -> Cause {
    let number = error.why().raw_os_error().unwrap_or(0);
    match Errno::from_raw(number) {
        Errno::ENOENT | Errno::ENOTDIR | Errno::ENOEXEC | Errno::EACCES => Cause::NoProgram,
        Errno::EPERM => Cause::NotPermitted,
        Errno::EMFILE | Errno::ENFILE => Cause::NoDescriptor,
        Errno::ENOMEM | Errno::EAGAIN => Cause::NoMemory,
        _ => Cause::Other(number),
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::script::User;

    /// Longer than any test.
    const LONG: Duration = Duration::from_secs(100);

    fn runner() -> Runner {
        let mut runner = Runner::new();
        runner.configure(Scripts { umask: 0o177, users: vec![(None, User::ours())] });
        runner
    }

    fn shell(text: &str) -> MiscProbe {
        MiscProbe {
            argv: ["/bin/sh", "-c", text].map(str::to_owned).to_vec(),
            user: None,
            group: None,
            timeout: LONG,
            timeout_written: true,
            dynamic: false,
        }
    }

    async fn run(spec: &MiscProbe) -> Outcome {
        runner().start().run(spec).await
    }

    #[tokio::test]
    async fn a_status_is_a_verdict_and_with_misc_dynamic_a_weight() {
        let failure = |status| Outcome::Failure(Failure::ScriptStatus(status));
        for (status, plain, dynamic) in [
            (0, Outcome::Success, Outcome::Success),
            (1, failure(1), failure(1)),
            (2, failure(2), Outcome::Weight(0)),
            (7, failure(7), Outcome::Weight(5)),
            (255, failure(255), Outcome::Weight(253)),
        ] {
            let spec = shell(&format!("exit {status}"));
            assert_eq!(run(&spec).await, plain);
            assert_eq!(run(&MiscProbe { dynamic: true, ..spec }).await, dynamic);
        }
    }

    #[tokio::test]
    async fn a_signal_and_a_command_that_takes_too_long_are_failures() {
        assert_eq!(run(&shell("kill -9 $$")).await, Outcome::Failure(Failure::ScriptSignal(9)));
        let spec = MiscProbe { timeout: Duration::from_millis(50), ..shell("exec sleep 1000") };
        assert_eq!(run(&spec).await, Outcome::Failure(Failure::ScriptTimedOut));
    }

    #[tokio::test]
    async fn what_cannot_be_started_says_nothing_of_the_server() {
        let gone = MiscProbe { argv: vec!["/nonexistent".to_owned()], ..shell("") };
        assert_eq!(run(&gone).await, unknown(Cause::NoProgram));
        let closed = MiscProbe { argv: vec!["/etc/passwd".to_owned()], ..shell("") };
        assert_eq!(run(&closed).await, unknown(Cause::NoProgram));
        let stranger = MiscProbe { user: Some("nosuchuser".to_owned()), ..shell("") };
        assert_eq!(run(&stranger).await, unknown(Cause::NoUser));
    }

    #[tokio::test]
    async fn a_command_that_is_wanted_no_more_is_ended_and_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let (started, told) = (folder.path().join("started"), folder.path().join("told"));
        let text = format!(
            "trap 'touch {}; exit' TERM; touch {}; while :; do sleep 0.01; done",
            told.display(),
            started.display()
        );
        let mut runner = runner();
        let start = runner.start();
        let task = tokio::spawn(async move { start.run(&shell(&text)).await });
        while !started.exists() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        task.abort();
        let began = Instant::now();
        runner.ended().await;
        assert!(told.exists());
        assert!(began.elapsed() < LONG);
    }
}
