//! A kernel of the tests: it answers each datagram with what the test laid ready.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;

use netlink_packet_core::{
    Emitable, NLMSG_DONE, NLMSG_ERROR, NetlinkDeserializable, NetlinkHeader, NetlinkSerializable,
};

use crate::conversation::Request;
use crate::frame::{HEADER, aligned};
use crate::transport::Transport;

/// The protocol of the tests: messages of any bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Word(pub Vec<u8>);

const WORD: u16 = 0x20;

impl NetlinkSerializable for Word {
    fn message_type(&self) -> u16 {
        WORD
    }

    fn buffer_len(&self) -> usize {
        self.0.len()
    }

    fn serialize(&self, buffer: &mut [u8]) {
        buffer.copy_from_slice(&self.0);
    }
}

impl NetlinkDeserializable for Word {
    type Error = Infallible;

    fn deserialize(_: &NetlinkHeader, payload: &[u8]) -> Result<Self, Infallible> {
        Ok(Self(payload.to_vec()))
    }
}

pub fn word(text: &str) -> Word {
    Word(text.as_bytes().to_vec())
}

pub fn request(text: &str) -> Request<Word> {
    Request { flags: 0, message: word(text) }
}

/// What one read gives.
#[derive(Clone, Debug)]
pub enum Read {
    Datagram(Vec<u8>),
    Errno(i32),
}

#[derive(Debug, Default)]
pub struct Scripted {
    /// Datagrams that were sent.
    pub sent: Vec<Vec<u8>>,
    /// Errors of the next sends.
    pub send_errors: VecDeque<i32>,
    answers: VecDeque<Vec<Read>>,
    queue: VecDeque<Read>,
}

impl Scripted {
    /// Answers the first datagram with the first list of reads, and so on; the list of none is readable at once.
    pub fn answering(answers: impl IntoIterator<Item = Vec<Read>>) -> Self {
        Self { answers: answers.into_iter().collect(), ..Self::default() }
    }

    /// Has these reads waiting.
    pub fn holding(queue: impl IntoIterator<Item = Read>) -> Self {
        Self { queue: queue.into_iter().collect(), ..Self::default() }
    }

    pub fn waiting(&self) -> usize {
        self.queue.len()
    }
}

impl Transport for &mut Scripted {
    fn send(&mut self, datagram: &[u8]) -> io::Result<()> {
        if let Some(errno) = self.send_errors.pop_front() {
            return Err(io::Error::from_raw_os_error(errno));
        }
        self.sent.push(datagram.to_vec());
        self.queue.extend(self.answers.pop_front().unwrap_or_default());
        Ok(())
    }

    fn receive(&mut self, buffer: &mut Vec<u8>) -> io::Result<usize> {
        buffer.clear();
        match self.queue.pop_front() {
            None => Err(io::ErrorKind::WouldBlock.into()),
            Some(Read::Errno(errno)) => Err(io::Error::from_raw_os_error(errno)),
            Some(Read::Datagram(bytes)) => {
                buffer.extend_from_slice(&bytes[..bytes.len().min(buffer.capacity())]);
                Ok(bytes.len())
            }
        }
    }
}

pub fn message(message_type: u16, flags: u16, sequence: u32, payload: &[u8]) -> Vec<u8> {
    let mut header = NetlinkHeader::default();
    header.length = u32::try_from(HEADER + payload.len()).unwrap();
    header.message_type = message_type;
    header.flags = flags;
    header.sequence_number = sequence;
    let mut bytes = vec![0; aligned(HEADER + payload.len())];
    header.emit(&mut bytes);
    bytes[HEADER..HEADER + payload.len()].copy_from_slice(payload);
    bytes
}

pub fn said(sequence: u32, text: &str) -> Vec<u8> {
    message(WORD, 0, sequence, text.as_bytes())
}

pub fn ack(sequence: u32) -> Vec<u8> {
    refused(sequence, 0)
}

/// A refusal as the kernel sends it with `NETLINK_CAP_ACK`: the header of the request follows the number.
pub fn refused(sequence: u32, errno: i32) -> Vec<u8> {
    message(NLMSG_ERROR, 0x100, sequence, &[&(-errno).to_ne_bytes()[..], &[0; HEADER]].concat())
}

pub fn done(sequence: u32) -> Vec<u8> {
    message(NLMSG_DONE, 0x2, sequence, &0_i32.to_ne_bytes())
}

/// One read of a datagram made of these messages.
pub fn read(messages: impl IntoIterator<Item = Vec<u8>>) -> Read {
    Read::Datagram(messages.into_iter().flatten().collect())
}
