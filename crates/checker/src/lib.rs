//! Health checks: a pure scheduler that says when to ask and what the answers mean, the wanted IPVS table as a function
//! of configuration and health, and one small probe per kind of checker.
//!
//! Everything but `probe` (a feature of that name) is pure: no socket, clock, runtime or random source. What was measured of keepalived, and
//! where we differ on purpose, stands in `MEASURED.md` beside this crate's manifest.

mod action;
mod awaited;
mod check;
mod desired;
mod drain;
mod follow;
mod health;
mod independence;
mod knowledge;
mod outcome;
#[cfg(feature = "probe")]
pub mod probe;
mod question;
mod reload;
mod scheduler;
pub mod spec;
mod spread;
mod states;
mod suspend;

pub use action::{Action, CheckName, Event, Input, RunId, Why};
pub use check::CheckView;
pub use desired::{at_start, desired, named, owned, service};
pub use drain::{DrainEnd, Drains};
pub use follow::Followed;
pub use health::{Health, VirtualServerHealth};
pub use independence::Independence;
pub use knowledge::{Knowledge, Unrelated};
pub use outcome::{
    Cause, Failure, GrpcHealth, GrpcStatus, LocalError, Outcome, PageFault, SmtpStep, Step, TlsFault,
};
pub use scheduler::Scheduler;
pub use spec::*;
