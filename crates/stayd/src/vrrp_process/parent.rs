//! The VRRP process's side of the socket to the parent.
//!
//! **It never waits.** What the parent does not take in time is kept up to a limit and then dropped, and the number of
//! what was dropped is told when there is room again.

use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;

use crate::ipc::{self, Decoder, FromVrrp, Level, Line, ToVrrp};

/// Some ten thousand log lines.
const MOST_BACKLOG: usize = 4 * 1024 * 1024;

pub(super) struct Parent {
    stream: UnixStream,
    decoder: Decoder,
    backlog: Vec<u8>,
    dropped: u64,
}

/// What came from the parent.
pub(super) enum Heard {
    Nothing,
    Message(ToVrrp),
    /// The parent has ended, or what it says makes no sense any more.
    Gone,
}

impl Parent {
    pub(super) fn new(stream: UnixStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        Ok(Self { stream, decoder: Decoder::default(), backlog: Vec::new(), dropped: 0 })
    }

    pub(super) fn hear(&mut self) -> Heard {
        let mut buffer = [0; 16 * 1024];
        loop {
            match self.decoder.next() {
                Ok(Some(message)) => return Heard::Message(message),
                Ok(None) => {}
                Err(_) => return Heard::Gone,
            }
            match self.stream.read(&mut buffer) {
                Ok(0) => return Heard::Gone,
                Ok(length) => self.decoder.push(&buffer[..length]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Heard::Nothing,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Heard::Gone,
            }
        }
    }

    pub(super) fn tell(&mut self, message: &FromVrrp) {
        if self.backlog.len() > MOST_BACKLOG {
            self.dropped += 1;
            return;
        }
        if let Ok(bytes) = ipc::encode(message) {
            self.backlog.extend(bytes);
        }
    }

    pub(super) fn line(&mut self, level: Level, text: String) {
        self.tell(&FromVrrp::Line(Line { level, text }));
    }

    pub(super) fn has_backlog(&self) -> bool {
        !self.backlog.is_empty()
    }

    /// Hands over as much as the parent takes now.
    pub(super) fn flush(&mut self) {
        while !self.backlog.is_empty() {
            match self.stream.write(&self.backlog) {
                Ok(length) => drop(self.backlog.drain(..length)),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                // The parent is gone, which reading will tell.
                Err(_) => self.backlog.clear(),
            }
        }
        if self.dropped > 0 {
            let text = format!("{} messages were dropped while the parent was busy", self.dropped);
            self.dropped = 0;
            self.line(Level::Warning, text);
        }
    }
}

impl AsFd for Parent {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parent_that_does_not_read_costs_messages_and_no_time() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let mut parent = Parent::new(ours).unwrap();
        for _ in 0..100_000 {
            parent.line(Level::Info, "x".repeat(100));
            parent.flush();
        }
        assert!(parent.backlog.len() < MOST_BACKLOG + 1_000);
        assert!(parent.dropped > 0);
        let dropped = parent.dropped;

        theirs.set_nonblocking(true).unwrap();
        let (mut decoder, mut received, mut last) = (Decoder::default(), 0, String::new());
        let mut buffer = vec![0; 1 << 20];
        loop {
            parent.flush();
            match theirs.read(&mut buffer) {
                Ok(length) => decoder.push(&buffer[..length]),
                Err(_) if parent.has_backlog() => {}
                Err(_) => break,
            }
            while let Some(FromVrrp::Line(line)) = decoder.next().unwrap() {
                received += 1;
                last = line.text;
            }
        }
        assert_eq!(received + dropped, 100_000 + 1);
        assert_eq!(last, format!("{dropped} messages were dropped while the parent was busy"));
    }

    #[test]
    fn the_end_of_the_stream_is_the_end_of_the_parent() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let mut parent = Parent::new(ours).unwrap();
        assert!(matches!(parent.hear(), Heard::Nothing));
        drop(theirs);
        assert!(matches!(parent.hear(), Heard::Gone));
    }
}
