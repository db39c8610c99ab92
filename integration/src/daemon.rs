//! The program under test, and the yardstick.

use std::path::PathBuf;
use std::str::FromStr;

use crate::error::{Error, Result};
use crate::host::Host;
use crate::lab::binary;
use crate::process::Process;

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
}
