//! Probes: one small async function per kind of check, which asks once and says how that went.
//!
//! **A probe has no state beyond its own run, ends by its own deadline, and leaves nothing behind when it is dropped.** It
//! never blocks the thread: the sockets are non-blocking and nothing is resolved by name. Probes need a tokio runtime
//! with its network and time drivers on, and panic without.

mod tcp;

use crate::outcome::{Cause, LocalError, Outcome, Step};
use crate::spec::ProbeSpec;

/// Asks once. A kind of check that has no probe yet is asked by its [stand-in](ProbeSpec::stand_in); if it has none
/// either, nobody knows.
pub async fn probe(spec: &ProbeSpec) -> Outcome {
    match spec.stand_in() {
        Some(connection) => tcp::probe(connection).await,
        None => Outcome::Unknown(LocalError { step: Step::Open, cause: Cause::NoProbe }),
    }
}
