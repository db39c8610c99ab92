//! Probes: one small async function per kind of check, which asks once and says how that went.
//!
//! **A probe has no state beyond its own run, ends by its own deadline, and leaves nothing behind when it is dropped.** It
//! never blocks the thread: the sockets are non-blocking and nothing is resolved by name. Probes need a tokio runtime
//! with its network and time drivers on, and panic without. What is made once for all probes of a configuration comes in
//! as [`Resources`].

mod connect;
mod resources;
mod tcp;

pub use resources::Resources;

use crate::outcome::{Cause, LocalError, Outcome, Step};
use crate::spec::ProbeSpec;

/// Asks once. A kind of check that has no probe yet never comes here: see [`ProbeSpec::stand_in`].
pub async fn probe(spec: &ProbeSpec, _resources: &Resources) -> Outcome {
    match spec {
        ProbeSpec::Tcp(connection) => tcp::probe(connection).await,
        ProbeSpec::Http(_)
        | ProbeSpec::Smtp(_)
        | ProbeSpec::Dns(_)
        | ProbeSpec::Misc(_)
        | ProbeSpec::Ping(_)
        | ProbeSpec::Udp(_) => no_probe(),
    }
}

const fn no_probe() -> Outcome {
    Outcome::Unknown(LocalError { step: Step::Open, cause: Cause::NoProbe })
}
