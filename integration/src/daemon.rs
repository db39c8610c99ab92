//! The program under test, and the yardstick.

use std::fs;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use crate::error::{Doing, Error, Result};
use crate::host::Host;
use crate::lab::binary;
use crate::process::Process;
use crate::wait;

/// Which daemon a director runs. Both take the same configuration and command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Daemon {
    /// Debian's.
    Keepalived,
    /// Ours, as built beside the running test.
    Stayd,
}

impl Daemon {
    /// Its path.
    ///
    /// # Errors
    ///
    /// If it is not installed, or not built.
    pub fn path(self) -> Result<PathBuf> {
        match self {
            Self::Stayd => binary("stayd"),
            Self::Keepalived => {
                let path = PathBuf::from("/usr/sbin/keepalived");
                if path.exists() {
                    return Ok(path);
                }
                Err(Error::NotInstalled { program: path.display().to_string(), package: "keepalived" })
            }
        }
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Keepalived => "keepalived",
            Self::Stayd => "stayd",
        }
    }
}

impl FromStr for Daemon {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        [Self::Keepalived, Self::Stayd]
            .into_iter()
            .find(|daemon| daemon.name() == text)
            .ok_or_else(|| format!("{text:?} is neither keepalived nor stayd"))
    }
}

impl Host {
    /// Starts a daemon with this configuration, in the foreground, logging in detail to the log that bears its name.
    ///
    /// # Errors
    ///
    /// If it cannot be started.
    pub fn start_daemon(&self, daemon: Daemon, configuration: &str) -> Result<Process> {
        let path = daemon.path()?.display().to_string();
        let file = self.write(&format!("{}.conf", daemon.name()), configuration)?.display().to_string();
        let pid_file = |role: &str| format!("/run/{}{role}.pid", daemon.name());
        let (parent, vrrp, checkers) = (pid_file(""), pid_file("-vrrp"), pid_file("-checkers"));
        let args = ["-n", "-l", "-D", "-G", "-f", &file, "-p", &parent, "-r", &vrrp, "-c", &checkers];
        self.start(daemon.name(), &path, &args)
    }

    /// Starts a daemon that is to be asked for dumps, with these options, the last of which names the file, and waits until
    /// the process has this pid file: before that, a signal would be the end of it. Its `TMPDIR` is the folder that comes with it; `FOLDER` in the
    /// configuration is the host's.
    ///
    /// # Errors
    ///
    /// If it cannot be started, or is not there in time.
    pub fn start_for_dumps(
        &self,
        daemon: Daemon,
        options: &[&str],
        configuration: &str,
        (pid_file, within): (&str, Duration),
    ) -> Result<(Process, PathBuf)> {
        let folder = self.folder().join("tmp");
        fs::create_dir(&folder).doing(|| format!("making {}", folder.display()))?;
        let text = configuration.replace("FOLDER", &self.folder().display().to_string());
        let file = self.write("c.conf", &text)?.display().to_string();
        let program = daemon.path()?.display().to_string();
        let tmp = [("TMPDIR", &*folder.display().to_string())];
        let arguments: Vec<_> = options.iter().copied().chain([&*file]).collect();
        let process = self.start_with(daemon.name(), &program, &arguments, &tmp)?;
        let written = || Ok(self.run("cat", &[pid_file])?.stdout.ends_with('\n'));
        wait::until(pid_file, within, written, |written| *written)?;
        Ok((process, folder))
    }
}
