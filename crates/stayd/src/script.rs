//! Scripts of the configuration: who runs them, how they are started, and how they end.
//!
//! **Whatever is started is watched until it has ended, and reaped**; nothing waits for it but who asks. A script gets
//! what keepalived gives it: its own process group, /dev/null for its standard streams, the daemon's environment without
//! `IFS`, `LD_PRELOAD` and `LD_LIBRARY_PATH`, and `SIGTERM` should we die.

mod process;
mod user;

use std::fmt;
use std::future::Future;
use std::time::Duration;

use nix::sys::signal::Signal;

use process::Leader;
pub use user::User;

/// A script that is told to end and does not is killed after this long, as keepalived's are.
const GRACE: Duration = Duration::from_secs(2);

/// A command, ready to be run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Job {
    /// Program and arguments; never empty.
    pub argv: Vec<String>,
    /// Whom it runs as.
    pub user: User,
    /// Access that files are made without.
    pub umask: u32,
}

impl Job {
    /// With more arguments at its end.
    #[must_use]
    pub fn with(mut self, arguments: impl IntoIterator<Item = String>) -> Self {
        self.argv.extend(arguments);
        self
    }

    /// Starts it.
    ///
    /// # Errors
    /// It cannot be executed, or not as its user; the text says which program.
    pub fn start(&self) -> Result<Run, NotStarted> {
        match Leader::spawn(self) {
            Ok(leader) => Ok(Run { leader }),
            Err(why) => Err(NotStarted { program: self.argv.first().cloned().unwrap_or_default(), why }),
        }
    }
}

/// Why a script did not start.
#[derive(Debug, thiserror::Error)]
#[error("cannot run {program}: {why}")]
pub struct NotStarted {
    program: String,
    why: std::io::Error,
}

impl NotStarted {
    /// What the system said.
    pub const fn why(&self) -> &std::io::Error {
        &self.why
    }
}

/// A script that runs. Dropping this leaves it running, and unreaped: it is for [`Run::wait`].
pub struct Run {
    leader: Leader,
}

impl Run {
    /// Its process id, which is that of its group too.
    #[cfg(test)]
    pub fn pid(&self) -> i32 {
        self.leader.pid()
    }

    /// Waits for its end. After `limit`, or when `stop` is done, its whole group is told to end, and two seconds later
    /// made to.
    pub async fn wait(mut self, limit: Option<Duration>, stop: impl Future<Output = ()>) -> Outcome {
        let late = async {
            match limit {
                Some(limit) => tokio::time::sleep(limit).await,
                None => std::future::pending().await,
            }
        };
        let forced = tokio::select! {
            biased;
            () = self.leader.ended() => None,
            () = stop => Some(Outcome::Stopped),
            () = late => Some(Outcome::TimedOut),
        };
        let Some(outcome) = forced else { return self.leader.reap() };
        self.leader.signal_group(Signal::SIGTERM);
        let _ = tokio::time::timeout(GRACE, self.leader.ended()).await;
        // Whether or not the first process is gone: nothing of the group stays. It is not reaped yet, so that the
        // number is still its own.
        self.leader.signal_group(Signal::SIGKILL);
        self.leader.ended().await;
        let _ = self.leader.reap();
        outcome
    }
}

/// How a script ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// With this status.
    Exit(i32),
    /// By this signal.
    Signal(i32),
    /// It took too long.
    TimedOut,
    /// We ended it, since nobody wanted its result any more.
    Stopped,
    /// Nobody knows: waiting for it failed.
    Unknown,
}

impl Outcome {
    /// Whether it counts as success.
    pub const fn is_success(self) -> bool {
        matches!(self, Self::Exit(0))
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exit(status) => write!(f, "exit status {status}"),
            Self::Signal(signal) => write!(f, "ended by signal {signal}"),
            Self::TimedOut => f.write_str("took too long"),
            Self::Stopped => f.write_str("was stopped"),
            Self::Unknown => f.write_str("ended nobody knows how"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(text: &str) -> Job {
        Job { argv: ["/bin/sh", "-c", text].map(str::to_owned).to_vec(), user: User::ours(), umask: 0o177 }
    }

    async fn never() {
        std::future::pending::<()>().await;
    }

    async fn run(job: &Job) -> Outcome {
        job.start().unwrap().wait(None, never()).await
    }

    /// What a script prints; its standard output is /dev/null, so it writes to a file.
    async fn output(text: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("out");
        let job = shell(&format!("exec >{}; {text}", file.display()));
        assert_eq!(run(&job).await, Outcome::Exit(0));
        std::fs::read_to_string(file).unwrap()
    }

    #[tokio::test]
    async fn a_script_ends_with_its_status() {
        assert_eq!(run(&shell("exit 0")).await, Outcome::Exit(0));
        assert_eq!(run(&shell("exit 3")).await, Outcome::Exit(3));
        assert_eq!(run(&shell("kill -9 $$")).await, Outcome::Signal(9));
    }

    #[tokio::test]
    async fn a_program_that_is_not_there_does_not_start() {
        let job = Job { argv: vec!["/nonexistent/script".to_owned()], user: User::ours(), umask: 0o177 };
        let error = job.start().err().unwrap().to_string();
        assert!(error.contains("/nonexistent/script") && error.contains("No such file"), "{error}");
    }

    #[tokio::test]
    async fn a_script_without_an_interpreter_line_is_run_by_the_shell() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("script");
        std::fs::write(&path, "exit 7\n").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        let job = Job { argv: vec![path.display().to_string()], user: User::ours(), umask: 0o177 };
        assert_eq!(run(&job).await, Outcome::Exit(7));
    }

    #[tokio::test]
    async fn a_script_that_takes_too_long_ends_with_everything_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pid");
        // The shell ignores the signal, and what it started is not its child any more.
        let text = format!(
            "trap '' TERM; (sleep 1000 & echo $! >{0}.new; mv {0}.new {0}); sleep 1000",
            file.display()
        );
        let start = std::time::Instant::now();
        let run = shell(&text).start().unwrap();
        while !file.exists() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(run.wait(Some(Duration::from_millis(10)), never()).await, Outcome::TimedOut);
        assert!(start.elapsed() >= GRACE, "it had two seconds");
        let grandchild = std::fs::read_to_string(&file).unwrap();
        let status = format!("/proc/{}/stat", grandchild.trim());
        // The kernel kills in its own time; then it is gone, or dead and waiting for init to notice.
        while let Ok(state) = std::fs::read_to_string(&status) {
            if state.rsplit(')').next().unwrap().trim().starts_with('Z') {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    #[tokio::test]
    async fn a_script_that_is_stopped_is_asked_first() {
        let folder = tempfile::tempdir().unwrap();
        let (ready, told) = (folder.path().join("ready"), folder.path().join("told"));
        let text = format!(
            "trap 'touch {}; exit' TERM; touch {}; while :; do sleep 0.01; done",
            told.display(),
            ready.display()
        );
        let run = shell(&text).start().unwrap();
        while !ready.exists() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(run.wait(None, async {}).await, Outcome::Stopped);
        assert!(told.exists());
    }

    #[tokio::test]
    async fn a_script_leads_a_group_of_its_own_and_is_reaped() {
        let run = shell("exit 0").start().unwrap();
        let pid = run.pid();
        assert_eq!(run.wait(None, never()).await, Outcome::Exit(0));
        assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists());
        assert_eq!(
            output("ps -o pgid= -p $$; echo $$")
                .await
                .split_whitespace()
                .collect::<std::collections::BTreeSet<_>>()
                .len(),
            1
        );
    }

    #[tokio::test]
    async fn a_script_has_dev_null_and_nothing_else_open() {
        // Opened without close-on-exec, as a careless caller may leave it to us.
        let leak = std::fs::File::open("/dev/zero").unwrap();
        let leak = nix::fcntl::fcntl(&leak, nix::fcntl::FcntlArg::F_DUPFD(100)).unwrap();
        let seen = output("ls -l /proc/$$/fd").await;
        assert!(!seen.contains("/dev/zero"), "{leak}: {seen}");
        assert_eq!(seen.matches("/dev/null").count(), 2, "input and errors; the output is the file: {seen}");
    }

    #[tokio::test]
    async fn files_of_a_script_are_private_to_its_user() {
        assert_eq!(output("umask").await.trim(), "0177");
    }
}
