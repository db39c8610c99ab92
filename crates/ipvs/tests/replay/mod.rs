//! A kernel that gives the recorded answer to a request that means the same as a recorded one.

use std::collections::VecDeque;
use std::fs;
use std::io;

use netlink::Transport;

/// A request and the datagrams that answered it.
#[derive(Clone, Debug)]
pub struct Exchange {
    pub request: Vec<u8>,
    pub answers: Vec<Vec<u8>>,
}

pub fn path(name: &str) -> String {
    format!("{}/tests/captures/{name}", env!("CARGO_MANIFEST_DIR"))
}

pub fn capture(name: &str) -> Vec<Exchange> {
    let text = fs::read_to_string(path(&format!("{name}.hex"))).unwrap();
    let mut exchanges: Vec<Exchange> = Vec::new();
    for line in text.lines() {
        let (direction, hex) = line.split_once(' ').unwrap();
        let datagram =
            (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect();
        match direction {
            ">" => exchanges.push(Exchange { request: datagram, answers: Vec::new() }),
            _ => exchanges.last_mut().unwrap().answers.push(datagram),
        }
    }
    exchanges
}

/// Answers requests from recorded exchanges.
#[derive(Debug)]
pub struct Replay {
    pub exchanges: Vec<Exchange>,
    pub sent: Vec<Vec<u8>>,
    queue: VecDeque<Vec<u8>>,
}

const SEQUENCE: std::ops::Range<usize> = 8..12;
/// Where what follows the header of a message begins.
pub const BODY: usize = 16;

impl Replay {
    pub fn new(exchanges: Vec<Exchange>) -> Self {
        Self { exchanges, sent: Vec::new(), queue: VecDeque::new() }
    }

    /// The kernel of this capture.
    pub fn of(name: &str) -> Self {
        Self::new([capture("family"), capture(name)].concat())
    }

    /// The kernel of this capture, with the acknowledgement that it sent after a single answer, and ipvsadm did not read.
    pub fn acknowledged(name: &str) -> Self {
        let mut kernel = Self::of(name);
        kernel.exchanges[1].answers.extend(capture("flush")[0].answers.clone());
        kernel
    }
}

impl Transport for &mut Replay {
    fn send(&mut self, datagram: &[u8]) -> io::Result<()> {
        self.sent.push(datagram.to_vec());
        let found = self.exchanges.iter().find(|exchange| same_question(&exchange.request, datagram));
        for answer in found.iter().flat_map(|exchange| &exchange.answers) {
            self.queue.push_back(in_sequence(answer, &datagram[SEQUENCE]));
        }
        Ok(())
    }

    fn receive(&mut self, buffer: &mut Vec<u8>) -> io::Result<usize> {
        let answer = self.queue.pop_front().ok_or(io::ErrorKind::WouldBlock)?;
        buffer.clear();
        buffer.extend_from_slice(&answer);
        Ok(answer.len())
    }
}

/// Questions are recorded byte for byte; changes are told apart by their command, for a test has one of a kind.
fn same_question(recorded: &[u8], sent: &[u8]) -> bool {
    const GET_DEST: u8 = 8;
    let command = |datagram: &[u8]| (datagram[4], datagram[BODY]);
    if sent[BODY] == GET_DEST { recorded[BODY..] == sent[BODY..] } else { command(recorded) == command(sent) }
}

/// The datagram as an answer to the request with this sequence number, as far as its messages can be told apart.
fn in_sequence(datagram: &[u8], sequence: &[u8]) -> Vec<u8> {
    let mut datagram = datagram.to_vec();
    let mut start = 0;
    while let Some(message) = datagram.get_mut(start..).filter(|message| message.len() >= BODY) {
        message[SEQUENCE].copy_from_slice(sequence);
        let length = u32::from_ne_bytes([message[0], message[1], message[2], message[3]]) as usize;
        start += length.next_multiple_of(4).max(BODY);
    }
    datagram
}
