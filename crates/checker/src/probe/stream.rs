//! A conversation over TCP in which each step has its own time.
//!
//! **Neither time nor memory depends on the server**: a step that is not over by its deadline has failed, however many
//! bytes dripped in, and nobody reads more than there is room for.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::connect::{connect, later};
use super::within;
use crate::outcome::{Failure, Outcome};
use crate::spec::Connection;

/// A connection, and how long each step over it may take.
pub(super) struct Stream {
    stream: TcpStream,
    limit: Duration,
}

impl Stream {
    pub(super) async fn connect(connection: &Connection) -> Result<Self, Outcome> {
        Ok(Self {
            stream: within(connection.timeout.get(), connect(connection)).await?,
            limit: connection.timeout.get(),
        })
    }

    pub(super) async fn send(&mut self, bytes: &[u8]) -> Result<(), Outcome> {
        within(self.limit, async { self.stream.write_all(bytes).await.map_err(|error| broken(&error)) }).await
    }

    /// Receives until `complete` finds what it looks for in what has come so far; an error of that ends it too.
    pub(super) async fn receive<T>(
        &mut self,
        buffer: &mut Received,
        mut complete: impl FnMut(&mut Received) -> Result<Option<T>, Failure>,
    ) -> Result<T, Outcome> {
        let received = async {
            loop {
                if let Some(found) = complete(buffer).map_err(Outcome::Failure)? {
                    return Ok(found);
                }
                let free = buffer.bytes.get_mut(buffer.end..).filter(|free| !free.is_empty());
                let free = free.ok_or(Outcome::Failure(Failure::TooLong))?;
                let count = self.stream.read(free).await.map_err(|error| broken(&error))?;
                if count == 0 {
                    return Err(Outcome::Failure(Failure::Closed));
                }
                buffer.end += count;
            }
        };
        within(self.limit, received).await
    }
}

/// What an error of an established connection means.
pub(super) fn broken(error: &io::Error) -> Outcome {
    match error.kind() {
        io::ErrorKind::BrokenPipe => Outcome::Failure(Failure::Closed),
        _ => later(error),
    }
}

/// What was received and not yet taken.
pub(super) struct Received {
    bytes: Box<[u8]>,
    end: usize,
}

impl Received {
    /// Room for so many bytes at a time.
    pub(super) fn with_room(bytes: usize) -> Self {
        Self { bytes: vec![0; bytes].into(), end: 0 }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.end).unwrap_or_default()
    }

    /// Takes so many bytes off the front.
    pub(super) fn consume(&mut self, count: usize) {
        let count = count.min(self.end);
        self.bytes.copy_within(count..self.end, 0);
        self.end -= count;
    }
}
