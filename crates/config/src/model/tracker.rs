//! What instances follow.

use std::time::Duration;

use super::Command;
use serde::{Deserialize, Serialize};

/// One `vrrp_script`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ScriptSpec {
    /// Its name.
    pub name: String,
    /// What is run.
    pub command: Command,
    /// From one run to the next (default 1 s).
    pub interval: Duration,
    /// `timeout`: a run that takes longer has failed; none: [the interval](Self::limit).
    pub timeout: Option<Duration>,
    /// Default weight of the instances that follow it.
    pub weight: i16,
    /// Whether that weight is reversed.
    pub reverse: bool,
    /// Successes in a row until it counts as good (default 1).
    pub rise: u32,
    /// Failures in a row until it counts as bad (default 1).
    pub fall: u32,
    /// Whether it counts as bad until it has succeeded.
    pub init_fail: bool,
}

impl ScriptSpec {
    /// How long a run may take.
    pub fn limit(&self) -> Duration {
        self.timeout.unwrap_or(self.interval)
    }
}

/// One `track_file`: a file with a number in it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FileSpec {
    /// Its name.
    pub name: String,
    /// `file`.
    pub path: String,
    /// Default weight of the instances that follow it, -254 to 254 (default 1): the number in the file times this is added to
    /// the priority.
    pub weight: i16,
    /// Whether that weight is reversed.
    pub reverse: bool,
    /// `init_file`: the file is made at start; none: it is not.
    pub create: Option<FileCreate>,
}

/// `init_file`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct FileCreate {
    /// The number written (default 0).
    pub value: i32,
    /// `overwrite`: also if there is such a file.
    pub overwrite: bool,
}

/// One `vrrp_track_process`: a program that runs so many times.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ProcessTrackSpec {
    /// Its name.
    pub name: String,
    /// `process`: the path or name of the program.
    pub program: String,
    /// The parameters after it.
    pub parameters: Vec<String>,
    /// `param_match`.
    pub parameters_match: ParameterMatch,
    /// Whether the whole command line is looked at instead of the name of the process: `full_command`, or parameters.
    pub full_command: bool,
    /// Default weight of the instances that follow it, -254 to 254 (default 0).
    pub weight: i16,
    /// Whether that weight is reversed.
    pub reverse: bool,
    /// `quorum`: how many there have to be, 1 to 65535 (default 1); 0 with a `quorum_max` of 0.
    pub quorum: u16,
    /// `quorum_max`: how many there may be; none: any number.
    pub quorum_max: Option<u16>,
    /// `terminate_delay`, `delay`: how long a loss of the quorum is waited for, up to 1 h.
    pub terminate_delay: Duration,
    /// `fork_delay`, `delay`: how long its return is waited for, up to 1 h.
    pub fork_delay: Duration,
}

/// `param_match`: how the parameters of a process have to match.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum ParameterMatch {
    /// They are not looked at, unless `process` has some: then they are the same.
    #[default]
    Unset,
    /// The bare keyword: they are the same, also if there are none.
    Exact,
    /// `initial`: they start so.
    Initial,
    /// `partial`: they appear among them.
    Partial,
}
