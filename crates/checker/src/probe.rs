//! Probes: one small async function per kind of check, which asks once and says how that went.
//!
//! **A probe has no state beyond its own run, ends by its own deadline, and leaves nothing behind when it is dropped.** It
//! never blocks the thread: the sockets are non-blocking and nothing is resolved by name. Probes need a tokio runtime
//! with its network and time drivers on, and panic without. What is made once for all probes of a configuration comes in
//! as [`Resources`].

mod amqp;
mod connect;
mod connector;
mod datagram;
mod dns;
mod grpc;
pub mod http;
mod ping;
mod resources;
mod smtp;
mod stream;
mod tcp;
mod tls;
mod udp;

pub use connector::Connector;
pub use resources::{NoLibrary, Resources};

use std::time::Duration;

use crate::outcome::{Cause, Failure, LocalError, Outcome, Step};
use crate::spec::ProbeSpec;

/// Asks once. The commands of `MISC_CHECK` are not run here: nobody knows what they would say.
pub async fn probe(spec: &ProbeSpec, resources: &Resources) -> Outcome {
    match spec {
        ProbeSpec::Tcp(connection) => tcp::probe(connection).await,
        ProbeSpec::Http(spec) => http::probe(spec, resources).await,
        ProbeSpec::Amqp(spec) => amqp::probe(spec).await,
        ProbeSpec::Grpc(spec) => grpc::probe(spec, resources).await,
        ProbeSpec::Smtp(spec) => smtp::probe(spec).await,
        ProbeSpec::Dns(spec) => dns::probe(spec).await,
        ProbeSpec::Ping(connection) => ping::probe(connection).await,
        ProbeSpec::Udp(spec) => udp::probe(spec).await,
        ProbeSpec::Misc(_) => no_probe(),
    }
}

const fn no_probe() -> Outcome {
    Outcome::Unknown(LocalError { step: Step::Open, cause: Cause::NoProbe })
}

/// The result of a step that may take so long.
async fn within<T>(limit: Duration, step: impl Future<Output = Result<T, Outcome>>) -> Result<T, Outcome> {
    tokio::time::timeout(limit, step).await.unwrap_or(Err(Outcome::Failure(Failure::TimedOut)))
}
