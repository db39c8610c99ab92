//! What the kernel tells everyone who listens.
//!
//! **After an overrun nothing that was queued before it is delivered**: the caller then reads the whole state anew, and
//! an older message, applied to it afterwards, would put things back that are gone.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

use netlink_packet_core::NetlinkDeserializable;

use crate::conversation::receive;
use crate::error::Error;
use crate::frame::{Kind, frames};
use crate::transport::{KernelSocket, Transport};

/// A thousand interfaces that go down at once make some megabytes of messages.
const RECEIVE_BUFFER: usize = 8 * 1024 * 1024;
/// Multicast messages are small, except for interfaces with many virtual functions.
const READ_BUFFER: usize = 64 * 1024;

/// What one look at the socket found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Heard<M> {
    /// Nothing is waiting.
    Nothing,
    /// Some messages; there may be more.
    Messages(Vec<M>),
    /// Messages were lost, and those still waiting were thrown away: read the state anew.
    Overrun,
}

/// A socket that listens to multicast groups. It never waits; use its descriptor to learn when it is readable.
#[derive(Debug)]
pub struct Monitor<T = KernelSocket> {
    transport: T,
    incoming: Vec<u8>,
}

impl Monitor {
    /// Listens to `groups` (their numbers, not a bit mask) of `protocol`.
    ///
    /// # Errors
    /// [`Error::Open`].
    pub fn open(protocol: isize, groups: &[u32]) -> Result<Self, Error> {
        KernelSocket::open(protocol, groups, RECEIVE_BUFFER).map(Self::over)
    }
}

impl<T: Transport> Monitor<T> {
    /// A monitor over this socket.
    pub fn over(transport: T) -> Self {
        Self { transport, incoming: Vec::with_capacity(READ_BUFFER) }
    }

    /// Takes what is waiting, a datagram at a time.
    ///
    /// # Errors
    /// [`Error::Receive`] or [`Error::Malformed`]; the monitor stays usable, but a message is lost.
    pub fn read<M: NetlinkDeserializable>(&mut self) -> Result<Heard<M>, Error> {
        match receive(&mut self.transport, &mut self.incoming) {
            Ok(()) => {}
            Err(Error::NoAnswer) => return Ok(Heard::Nothing),
            Err(Error::Overrun | Error::Truncated(_)) => return self.forget().map(|()| Heard::Overrun),
            Err(error) => return Err(error),
        }
        match self.messages()? {
            Some(messages) => Ok(Heard::Messages(messages)),
            None => self.forget().map(|()| Heard::Overrun),
        }
    }

    /// The datagram's messages, or none if one of them says that some were lost.
    fn messages<M: NetlinkDeserializable>(&self) -> Result<Option<Vec<M>>, Error> {
        let mut messages = Vec::new();
        for frame in frames(&self.incoming) {
            let frame = frame?;
            match frame.kind()? {
                Kind::Data => messages.push(frame.decode()?),
                Kind::Overrun => return Ok(None),
                Kind::Acknowledged | Kind::Refused(_) | Kind::Done | Kind::Noop => {}
            }
        }
        Ok(Some(messages))
    }

    fn forget(&mut self) -> Result<(), Error> {
        loop {
            match receive(&mut self.transport, &mut self.incoming) {
                Ok(()) | Err(Error::Overrun | Error::Truncated(_)) => {}
                Err(Error::NoAnswer) => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }
}

impl<T: AsFd> AsFd for Monitor<T> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.transport.as_fd()
    }
}

impl<T: AsRawFd> AsRawFd for Monitor<T> {
    fn as_raw_fd(&self) -> RawFd {
        self.transport.as_raw_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scripted::{Read, Scripted, Word, message, read, said, word};
    use netlink_packet_core::NLMSG_OVERRUN;

    fn heard(socket: &mut Scripted) -> Result<Heard<Word>, Error> {
        Monitor::over(socket).read()
    }

    #[test]
    fn messages_come_a_datagram_at_a_time() {
        let mut socket = Scripted::holding([read([said(0, "a"), said(5, "b")]), read([said(0, "c")])]);
        let mut monitor = Monitor::over(&mut socket);
        assert_eq!(monitor.read().unwrap(), Heard::Messages(vec![word("a"), word("b")]));
        assert_eq!(monitor.read().unwrap(), Heard::Messages(vec![word("c")]));
        assert_eq!(monitor.read::<Word>().unwrap(), Heard::Nothing);
    }

    #[test]
    fn an_overrun_discards_what_was_queued_before_it() {
        let overruns = [
            Read::Errno(libc::ENOBUFS),
            read([message(NLMSG_OVERRUN, 0, 0, &[])]),
            read([said(0, &"x".repeat(READ_BUFFER))]),
        ];
        for overrun in overruns {
            let mut socket = Scripted::holding([overrun, read([said(0, "old")]), Read::Errno(libc::ENOBUFS)]);
            assert_eq!(heard(&mut socket).unwrap(), Heard::Overrun);
            assert_eq!(socket.waiting(), 0);
        }
    }

    #[test]
    fn garbage_is_an_error_and_the_monitor_goes_on() {
        let mut socket = Scripted::holding([Read::Datagram(vec![255; 20]), read([said(0, "next")])]);
        let mut monitor = Monitor::over(&mut socket);
        assert!(matches!(monitor.read::<Word>(), Err(Error::Malformed(_))));
        assert_eq!(monitor.read().unwrap(), Heard::Messages(vec![word("next")]));
    }

    #[test]
    fn a_failing_socket_is_reported() {
        let mut socket = Scripted::holding([Read::Errno(libc::EBADF)]);
        assert!(matches!(heard(&mut socket), Err(Error::Receive(_))));
    }
}
