//! Probes: one small async function per kind of check, which asks once and says how that went.
//!
//! **A probe has no state beyond its own run, ends by its own deadline, and leaves nothing behind when it is dropped.** It
//! never blocks the thread: the sockets are non-blocking and nothing is resolved by name. Probes need a tokio runtime
//! with its network and time drivers on, and panic without.

mod tcp;

use crate::outcome::Outcome;
use crate::spec::ProbeSpec;

/// Asks once.
pub async fn probe(spec: &ProbeSpec) -> Outcome {
    match spec {
        ProbeSpec::Tcp(connection) => tcp::probe(connection).await,
    }
}
