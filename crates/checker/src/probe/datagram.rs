//! A question and its answer in datagrams: UDP, ICMP.
//!
//! **The socket is connected**, so that the kernel passes on only what comes from the target, and errors that the path
//! reports of what we sent.

use std::io;
use std::ops::ControlFlow;

use nix::errno::Errno;
use tokio::net::UdpSocket;

use super::connect::{self, Kind, at_once, errno, later, local};
use super::within;
use crate::outcome::{Failure, Outcome, Step};
use crate::spec::Connection;

/// Sends `question`, and hands each datagram that comes back within the timeout to `judge`, up to the length of `buffer`,
/// until that has a verdict. It is told the kind of the socket as well, which may be [`Kind::RawPing`] for [`Kind::Ping`].
/// An empty timeout is [`Failure::TimedOut`].
pub(super) async fn ask(
    connection: &Connection,
    kind: Kind,
    question: &[u8],
    buffer: &mut [u8],
    mut judge: impl FnMut(Kind, &[u8]) -> ControlFlow<Outcome>,
) -> Outcome {
    let asked = within(connection.timeout.get(), async {
        let (socket, kind) = open(connection, kind)?;
        socket.send(question).await.map_err(|error| sent(&error))?;
        loop {
            let length = socket.recv(buffer).await.map_err(|error| later(&error))?;
            if let ControlFlow::Break(verdict) = judge(kind, buffer.get(..length).unwrap_or_default()) {
                return Ok(verdict);
            }
        }
    });
    asked.await.unwrap_or_else(|ended| ended)
}

fn open(connection: &Connection, kind: Kind) -> Result<(UdpSocket, Kind), Outcome> {
    let (socket, kind) = match connect::open(connection, kind) {
        Err(error) if kind == Kind::Ping && error.step == Step::Open => {
            (connect::open(connection, Kind::RawPing), Kind::RawPing)
        }
        opened => (opened, kind),
    };
    let socket = socket.map_err(Outcome::Unknown)?;
    socket.connect(&connection.target.into()).map_err(|error| sent(&error))?;
    // The runtime only waits, sends and receives, which is the same for all that sends datagrams.
    let socket = UdpSocket::from_std(socket.into());
    Ok((socket.map_err(|error| Outcome::Unknown(local(Step::Wait, &error)))?, kind))
}

/// What an error of `connect` or `send` means. Other than with TCP, keepalived blames the path for a `prohibit` and a
/// `blackhole` route too (2.2.7, measured).
fn sent(error: &io::Error) -> Outcome {
    match errno(error) {
        errno @ (Errno::EACCES | Errno::EINVAL) => Outcome::Failure(Failure::Network(errno as i32)),
        _ => at_once(error),
    }
}
