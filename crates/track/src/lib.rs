//! What VRRP instances follow beside interfaces, as functions of (state, input, time): when a script runs and what its
//! results mean, how many processes are enough, what number a file holds.
//!
//! **Nothing here runs, reads or waits**: a driver does, and feeds what it saw.

mod file;
mod process;
mod script;

pub use file::number;
pub use process::{CommandLine, ParameterMatch, ProcessPattern, Quorum, QuorumSpec};
pub use script::{Action, Script, ScriptSpec};
