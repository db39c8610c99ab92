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
    /// A run that takes longer has failed (default: the interval).
    pub timeout: Duration,
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
