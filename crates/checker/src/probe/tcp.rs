//! `TCP_CHECK`: can a connection be opened?
//!
//! The connection is closed at once and never lingers: `close` of a non-blocking socket without `SO_LINGER` returns
//! immediately.

use super::connect::connect;
use crate::outcome::{Failure, Outcome};
use crate::spec::Connection;

/// Opens a connection and closes it.
pub(super) async fn probe(connection: &Connection) -> Outcome {
    match tokio::time::timeout(connection.timeout.get(), connect(connection)).await {
        Ok(Ok(_established)) => Outcome::Success,
        Ok(Err(outcome)) => outcome,
        Err(_elapsed) => Outcome::Failure(Failure::TimedOut),
    }
}
