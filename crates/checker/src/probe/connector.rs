//! All `TCP_CHECK` probes of a process, together.
//!
//! They are what most checks are, and a connection that is opened and closed at once is little work: a task, a timer and a
//! registration with tokio's poller cost more than that. **Each probe costs the five system calls that it must**: `socket`,
//! `connect`, `epoll_ctl`, `getsockopt`, `close`. The poller of its own that this takes is watched by tokio's, and one look
//! at it serves all connections that are there by then.
//!
//! The connection is closed at once and never lingers: `close` of a non-blocking socket without `SO_LINGER` returns
//! immediately, and takes the socket out of the poller.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::fd::{AsRawFd, RawFd};

use clock::Instant;
use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use socket2::Socket;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::connect::{Kind, at_once, later, local, open};
use crate::action::RunId;
use crate::outcome::{Failure, Outcome, Step};
use crate::spec::Connection;

/// Events that one look takes in.
const EVENTS: usize = 256;

/// Connections in the making.
#[derive(Debug)]
pub struct Connector {
    poller: AsyncFd<Poller>,
    pending: BTreeMap<RunId, Pending>,
    deadlines: BTreeSet<(Instant, RunId)>,
}

#[derive(Debug)]
struct Pending {
    socket: Socket,
    deadline: Instant,
}

#[derive(Debug)]
struct Poller(Epoll);

impl AsRawFd for Poller {
    fn as_raw_fd(&self) -> RawFd {
        self.0.0.as_raw_fd()
    }
}

impl Connector {
    /// Without connections. Needs a tokio runtime with its network driver on, and panics without.
    ///
    /// # Errors
    /// The kernel has no poller for us.
    pub fn new() -> io::Result<Self> {
        let poller = Poller(Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?);
        // SAFETY: the poller is the same open descriptor for as long as it lives, and goes with the `AsyncFd`.
        let poller = unsafe { AsyncFd::register_with_interest(poller, Interest::READABLE) }?;
        Ok(Self { poller, pending: BTreeMap::new(), deadlines: BTreeSet::new() })
    }

    /// Begins to connect; the outcome comes from [`ready`](Self::ready) or [`expire`](Self::expire), unless it is known
    /// at once. A run that has this name already is given up.
    pub fn start(&mut self, now: Instant, run: RunId, connection: &Connection) -> Option<Outcome> {
        self.cancel(run);
        let socket = match open(connection, Kind::Tcp) {
            Ok(socket) => socket,
            Err(error) => return Some(Outcome::Unknown(error)),
        };
        match socket.connect(&connection.target.into()) {
            Ok(()) => return Some(Outcome::Success),
            Err(error) if error.raw_os_error() == Some(Errno::EINPROGRESS as i32) => {}
            Err(error) => return Some(at_once(&error)),
        }
        // Only now: before `connect` the kernel reports a hang-up on the socket.
        let event = EpollEvent::new(EpollFlags::EPOLLOUT, run.0);
        if let Err(error) = self.poller.get_ref().0.add(&socket, event) {
            return Some(Outcome::Unknown(local(Step::Wait, &error.into())));
        }
        let deadline = now + connection.timeout.get();
        self.deadlines.insert((deadline, run));
        self.pending.insert(run, Pending { socket, deadline });
        None
    }

    /// Gives a run up.
    pub fn cancel(&mut self, run: RunId) {
        drop(self.take(run));
    }

    /// Waits until runs have ended, and says how. May be dropped while it waits.
    pub async fn ready(&mut self) -> Vec<(RunId, Outcome)> {
        loop {
            let Ok(mut readable) = self.poller.readable().await else { return std::future::pending().await };
            let mut events = [EpollEvent::empty(); EVENTS];
            let count = readable.get_inner().0.wait(&mut events, EpollTimeout::ZERO).unwrap_or_default();
            if count < EVENTS {
                readable.clear_ready();
            }
            let runs = events.iter().take(count).map(|event| RunId(event.data()));
            let ended: Vec<_> = runs.filter_map(|run| Some((run, verdict(&self.take(run)?)))).collect();
            if !ended.is_empty() {
                return ended;
            }
        }
    }

    /// When [`expire`](Self::expire) is due.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.first().map(|(at, _)| *at)
    }

    /// Ends the runs whose time is over.
    pub fn expire(&mut self, now: Instant) -> Vec<(RunId, Outcome)> {
        let mut ended = Vec::new();
        while let Some((_, run)) = self.deadlines.first().filter(|(at, _)| *at <= now).copied() {
            drop(self.take(run));
            ended.push((run, Outcome::Failure(Failure::TimedOut)));
        }
        ended
    }

    fn take(&mut self, run: RunId) -> Option<Socket> {
        let Pending { socket, deadline } = self.pending.remove(&run)?;
        self.deadlines.remove(&(deadline, run));
        Some(socket)
    }
}

/// How a connection ended that the poller found ready: either way it is no longer in the making.
fn verdict(socket: &Socket) -> Outcome {
    match socket.take_error() {
        Ok(None) => Outcome::Success,
        Ok(Some(error)) => later(&error),
        Err(error) => Outcome::Unknown(local(Step::Wait, &error)),
    }
}
