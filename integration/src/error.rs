use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// Why a story could not be told, or did not go as told.
///
/// `Debug` prints the same text as `Display`, because that is what a test that returns an error shows.
#[derive(thiserror::Error)]
pub enum Error {
    /// The lab makes namespaces.
    #[error("the lab needs root: run it as root (sudo make test, sudo make demo)")]
    NotRoot,
    /// A program of ours was not built.
    #[error("{} is missing: build the workspace first (cargo build --workspace, or make build)", .0.display())]
    NotBuilt(PathBuf),
    /// A program that the lab runs is not installed.
    #[error("{program} is missing: install Debian's package {package} (make setup)")]
    NotInstalled {
        /// Its path.
        program: String,
        /// The package that has it.
        package: &'static str,
    },
    /// A system call of the story's own side failed.
    #[error("{doing}: {source}")]
    System {
        /// What was being done.
        doing: String,
        /// What the kernel said.
        source: io::Error,
    },
    /// The site could not do what was asked.
    #[error("{0}")]
    Site(String),
    /// The embedded kernel did not come up, or went away.
    #[error("the guest {what}\n{console}")]
    Guest {
        /// What happened.
        what: String,
        /// The last lines of its console.
        console: String,
    },
    /// What the story waited for did not come.
    #[error("waited {limit:?} for {what}; last seen: {seen}")]
    Timeout {
        /// What was awaited.
        what: String,
        /// How long.
        limit: Duration,
        /// The last observation.
        seen: String,
    },
    /// A command failed.
    #[error("{command} on {host}: {status}\n{output}")]
    Command {
        /// The command line.
        command: String,
        /// Where it ran.
        host: String,
        /// How it ended.
        status: String,
        /// What it printed.
        output: String,
    },
    /// The story does not fit together (a name used twice, a host that is not there).
    #[error("{0}")]
    Story(String),
    /// What the story showed is not what was expected.
    #[error("{0}")]
    Unmet(String),
}

impl std::fmt::Debug for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

/// The result of a step of a story.
pub type Result<T = ()> = std::result::Result<T, Error>;

/// Says what was being done when a system call failed.
pub(crate) trait Doing<T> {
    /// Turns the failure into [`Error::System`].
    fn doing(self, what: impl FnOnce() -> String) -> Result<T>;
}

impl<T, E: Into<io::Error>> Doing<T> for std::result::Result<T, E> {
    fn doing(self, what: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|source| Error::System { doing: what(), source: source.into() })
    }
}
