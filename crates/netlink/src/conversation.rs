//! Requests and their answers.
//!
//! Requests carry ascending sequence numbers, and the kernel answers in their order. In a batch only the last request
//! of each datagram asks for an acknowledgement, because refusals come unasked: when the last request is answered and
//! an earlier one is not, that one was carried out. **A request is reported as done only if the exchange that
//! carried it ended whole**; after lost or malformed answers its outcome is [`Outcome::Unknown`], and the next exchange
//! starts by emptying the socket.

use std::fmt;
use std::iter::Peekable;

use netlink_packet_core::{
    Emitable, NLM_F_ACK, NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_REQUEST, NetlinkDeserializable, NetlinkHeader,
    NetlinkSerializable,
};

use crate::error::{Error, Refusal};
use crate::frame::{Frame, HEADER, Kind, aligned, frames};
use crate::transport::{KernelSocket, Transport};

/// Most requests in one datagram. Should all be refused, their answers still fit into the receive buffer.
const BATCH_REQUESTS: usize = 200;
/// Most bytes in one datagram; a single larger request is sent alone. The system's smallest send buffer holds this.
const BATCH_BYTES: usize = 64 * 1024;
/// Attempts at a dump that is interrupted or loses data.
const DUMP_ATTEMPTS: usize = 5;
/// The kernel fills dump datagrams up to 32 KiB when the reader has room for that much; some messages are larger.
const READ_BUFFER: usize = 64 * 1024;
/// Bytes of replies that the socket holds.
const RECEIVE_BUFFER: usize = 1024 * 1024;

/// A message to the kernel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Request<M> {
    /// Flags (`NLM_F_CREATE` ...) beside those that the exchange itself needs.
    pub flags: u16,
    /// The message.
    pub message: M,
}

/// What became of one request of a batch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// Carried out.
    Done,
    /// Refused.
    Refused(Refusal),
    /// The kernel took the request, and the answer was lost.
    Unknown,
    /// The kernel did not see the request.
    NotSent,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => write!(f, "done"),
            Self::Refused(refusal) => write!(f, "{refusal}"),
            Self::Unknown => write!(f, "the kernel's answer was lost"),
            Self::NotSent => write!(f, "not sent"),
        }
    }
}

/// What became of a batch.
#[derive(Debug)]
pub struct BatchReport {
    /// One per request, in their order.
    pub outcomes: Vec<Outcome>,
    /// What ended the batch early; some outcomes are then `Unknown` or `NotSent`.
    pub error: Option<Error>,
}

/// A socket with its sequence of requests and replies.
#[derive(Debug)]
pub struct Conversation<T = KernelSocket> {
    transport: T,
    sequence: u32,
    outgoing: Vec<u8>,
    incoming: Vec<u8>,
    /// An exchange ended early, so that replies to it may still come.
    unsettled: bool,
}

impl Conversation {
    /// Opens a conversation with the kernel's `protocol` (`netlink_sys::protocols`).
    ///
    /// # Errors
    /// [`Error::Open`].
    pub fn open(protocol: isize) -> Result<Self, Error> {
        KernelSocket::open(protocol, &[], RECEIVE_BUFFER).map(Self::over)
    }

    /// Our end's number, by which notifications of the kernel say who asked for a change.
    pub const fn port(&self) -> u32 {
        self.transport.port()
    }
}

impl<T: Transport> Conversation<T> {
    /// A conversation over this socket.
    pub fn over(transport: T) -> Self {
        Self {
            transport,
            sequence: 0,
            outgoing: Vec::new(),
            incoming: Vec::with_capacity(READ_BUFFER),
            unsettled: false,
        }
    }

    /// Sends a request and returns the messages that answer it (often none) once it is acknowledged.
    ///
    /// # Errors
    /// [`Error::Refused`], and every way in which an exchange can fail.
    pub fn request<M, R>(&mut self, request: &Request<M>) -> Result<Vec<R>, Error>
    where
        M: NetlinkSerializable,
        R: NetlinkDeserializable,
    {
        self.begin()?;
        let sequence = self.encode(request, NLM_F_ACK);
        self.send()?;
        let mut replies = Vec::new();
        self.until(|frame| match frame.kind()? {
            _ if frame.header.sequence_number != sequence => Ok(false),
            Kind::Acknowledged => Ok(true),
            kind => data(frame, kind, &mut replies).map(|()| false),
        })?;
        Ok(replies)
    }

    /// Sends many requests in as few datagrams as sensible, and takes each from the iterator only when its turn comes. One
    /// that is refused does not stop the others.
    pub fn batch<M: NetlinkSerializable>(
        &mut self,
        requests: impl IntoIterator<Item = Request<M>>,
    ) -> BatchReport {
        let mut requests = requests.into_iter().peekable();
        let mut outcomes = Vec::new();
        while let Some(request) = requests.next() {
            if let Err(error) = self.datagram(request, &mut requests, &mut outcomes) {
                outcomes.extend(requests.map(|_| Outcome::NotSent));
                return BatchReport { outcomes, error: Some(error) };
            }
        }
        BatchReport { outcomes, error: None }
    }

    /// Sends `request` and those after it that fit into the same datagram, and adds an outcome for each.
    fn datagram<M: NetlinkSerializable>(
        &mut self,
        mut request: Request<M>,
        rest: &mut Peekable<impl Iterator<Item = Request<M>>>,
        outcomes: &mut Vec<Outcome>,
    ) -> Result<(), Error> {
        let start = outcomes.len();
        outcomes.push(Outcome::NotSent);
        self.begin()?;
        let first = self.sequence.wrapping_add(1);
        loop {
            let room = BATCH_BYTES.saturating_sub(self.outgoing.len() + size(&request));
            let fits = |next: &Request<M>| outcomes.len() - start < BATCH_REQUESTS && size(next) <= room;
            let next = rest.next_if(fits);
            self.encode(&request, if next.is_some() { 0 } else { NLM_F_ACK });
            let Some(next) = next else { break };
            outcomes.push(Outcome::NotSent);
            request = next;
        }
        self.send()?;

        let outcomes = &mut outcomes[start..];
        let last = outcomes.len() - 1;
        outcomes.fill(Outcome::Unknown);
        self.until(|frame| {
            let index = frame.header.sequence_number.wrapping_sub(first) as usize;
            let Some(outcome) = outcomes.get_mut(index) else { return Ok(false) };
            match frame.kind()? {
                Kind::Acknowledged => *outcome = Outcome::Done,
                Kind::Refused(refusal) => *outcome = Outcome::Refused(refusal),
                Kind::Overrun => return Err(Error::Overrun),
                Kind::Done | Kind::Noop | Kind::Data => return Ok(false),
            }
            Ok(index == last)
        })?;
        for outcome in outcomes.iter_mut().filter(|outcome| **outcome == Outcome::Unknown) {
            *outcome = Outcome::Done;
        }
        Ok(())
    }

    /// Has the kernel carry out all of these requests or none (nfnetlink's batches): they go between `begin` and `end`
    /// in one datagram.
    ///
    /// # Errors
    /// [`Error::Refused`] with the first refusal, and every way in which an exchange can fail.
    pub fn transaction<M: NetlinkSerializable>(
        &mut self,
        begin: &Request<M>,
        requests: &[Request<M>],
        end: &Request<M>,
    ) -> Result<(), Error> {
        self.begin()?;
        let first = self.encode(begin, 0);
        let mut last = first;
        for (at, request) in requests.iter().enumerate() {
            // What is acknowledged is so when everything is done.
            let flags = if at + 1 == requests.len() { NLM_F_ACK } else { 0 };
            last = self.encode(request, flags);
        }
        let count = self.encode(end, 0).wrapping_sub(first);
        self.send()?;
        self.until(|frame| match frame.kind()? {
            _ if frame.header.sequence_number.wrapping_sub(first) > count => Ok(false),
            Kind::Acknowledged => Ok(frame.header.sequence_number == last),
            Kind::Refused(refusal) => Err(refusal.into()),
            Kind::Overrun => Err(Error::Overrun),
            Kind::Done | Kind::Noop | Kind::Data => Ok(false),
        })
    }

    /// Asks for everything of a kind. A dump that the kernel marks as inconsistent, or that loses data, is
    /// repeated a few times.
    ///
    /// # Errors
    /// [`Error::Interrupted`] if it never succeeded; [`Error::Refused`]; every way in which an exchange can fail.
    pub fn dump<M, R>(&mut self, request: &Request<M>) -> Result<Vec<R>, Error>
    where
        M: NetlinkSerializable,
        R: NetlinkDeserializable,
    {
        let mut attempts = 1;
        loop {
            match self.dump_once(request) {
                Err(Error::Interrupted | Error::Overrun | Error::Truncated(_))
                    if attempts < DUMP_ATTEMPTS =>
                {
                    attempts += 1;
                }
                result => return result,
            }
        }
    }

    fn dump_once<M, R>(&mut self, request: &Request<M>) -> Result<Vec<R>, Error>
    where
        M: NetlinkSerializable,
        R: NetlinkDeserializable,
    {
        self.begin()?;
        let sequence = self.encode(request, NLM_F_DUMP);
        self.send()?;
        let mut replies = Vec::new();
        let mut interrupted = false;
        self.until(|frame| {
            if frame.header.sequence_number != sequence {
                return Ok(false);
            }
            interrupted |= frame.header.flags & NLM_F_DUMP_INTR != 0;
            match frame.kind()? {
                Kind::Done => Ok(true),
                kind => data(frame, kind, &mut replies).map(|()| false),
            }
        })?;
        if interrupted { Err(Error::Interrupted) } else { Ok(replies) }
    }

    /// Starts a datagram, after what an earlier exchange may have left behind.
    fn begin(&mut self) -> Result<(), Error> {
        self.outgoing.clear();
        while self.unsettled {
            match self.receive() {
                Err(Error::NoAnswer) => self.unsettled = false,
                Ok(()) | Err(Error::Overrun | Error::Truncated(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Adds a request to the datagram and returns its sequence number.
    fn encode<M: NetlinkSerializable>(&mut self, request: &Request<M>, flags: u16) -> u32 {
        self.sequence = self.sequence.wrapping_add(1);
        let start = self.outgoing.len();
        let length = HEADER + request.message.buffer_len();
        self.outgoing.resize(start + size(request), 0);
        let mut header = NetlinkHeader::default();
        header.length = u32::try_from(length).unwrap_or(u32::MAX);
        header.message_type = request.message.message_type();
        header.flags = request.flags | flags | NLM_F_REQUEST;
        header.sequence_number = self.sequence;
        let (head, body) = self.outgoing[start..start + length].split_at_mut(HEADER);
        header.emit(head);
        request.message.serialize(body);
        self.sequence
    }

    fn send(&mut self) -> Result<(), Error> {
        self.transport.send(&self.outgoing).map_err(Error::Send)?;
        self.unsettled = true;
        Ok(())
    }

    /// Reads until `complete` says so of a message, or that the request was refused, which also is the end of it.
    fn until(&mut self, mut complete: impl FnMut(Frame<'_>) -> Result<bool, Error>) -> Result<(), Error> {
        loop {
            self.receive()?;
            for frame in frames(&self.incoming) {
                match frame.and_then(&mut complete) {
                    Ok(false) => {}
                    end @ (Ok(true) | Err(Error::Refused(_))) => {
                        self.unsettled = false;
                        return end.map(drop);
                    }
                    Err(error) => return Err(error),
                }
            }
        }
    }

    fn receive(&mut self) -> Result<(), Error> {
        receive(&mut self.transport, &mut self.incoming)
    }
}

/// Bytes that a request takes in a datagram.
fn size<M: NetlinkSerializable>(request: &Request<M>) -> usize {
    aligned(HEADER + request.message.buffer_len())
}

/// Reads a datagram into `buffer`.
pub fn receive(transport: &mut impl Transport, buffer: &mut Vec<u8>) -> Result<(), Error> {
    match transport.receive(buffer) {
        Ok(length) if length > buffer.len() => {
            buffer.clear();
            buffer.reserve(length);
            Err(Error::Truncated(length))
        }
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => Err(Error::NoAnswer),
        Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => Err(Error::Overrun),
        Err(error) => Err(Error::Receive(error)),
    }
}

/// Keeps a message of the protocol, and fails for what says that there will be no more.
fn data<R: NetlinkDeserializable>(frame: Frame<'_>, kind: Kind, replies: &mut Vec<R>) -> Result<(), Error> {
    match kind {
        Kind::Data => replies.push(frame.decode()?),
        Kind::Refused(refusal) => return Err(refusal.into()),
        Kind::Overrun => return Err(Error::Overrun),
        Kind::Acknowledged | Kind::Done | Kind::Noop => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scripted::{Read, Scripted, Word, ack, done, message, read, refused, request, said, word};
    use netlink_packet_core::{NLM_F_MULTIPART, NLMSG_DONE, NLMSG_ERROR, NLMSG_OVERRUN};

    fn ask(socket: &mut Scripted) -> Result<Vec<Word>, Error> {
        Conversation::over(socket).request(&request("hello"))
    }

    fn dump(socket: &mut Scripted) -> Result<Vec<Word>, Error> {
        Conversation::over(socket).dump(&request("all"))
    }

    fn many(count: usize, length: usize) -> Vec<Request<Word>> {
        vec![Request { flags: 0, message: Word(vec![7; length]) }; count]
    }

    /// The flags and sequence numbers of the requests in a datagram.
    fn sent(datagram: &[u8]) -> Vec<(u16, u32)> {
        frames(datagram).map(|frame| frame.unwrap().header).map(|h| (h.flags, h.sequence_number)).collect()
    }

    #[test]
    fn an_answer_is_whole_when_it_is_acknowledged() {
        let mut socket = Scripted::answering([vec![read([said(1, "a")]), read([said(1, "b"), ack(1)])]]);
        assert_eq!(ask(&mut socket).unwrap(), [word("a"), word("b")]);
        assert_eq!(sent(&socket.sent[0]), [(NLM_F_REQUEST | NLM_F_ACK, 1)]);
    }

    #[test]
    fn answers_to_other_requests_are_passed_over() {
        let stray = [said(9, "x"), ack(9), refused(0, libc::EPERM)];
        let mut socket = Scripted::answering([vec![read(stray), read([said(1, "mine"), ack(1)])]]);
        assert_eq!(ask(&mut socket).unwrap(), [word("mine")]);
    }

    #[test]
    fn a_refusal_has_the_number_and_the_kernels_words() {
        let text = [&[13_u8, 0, 1, 0][..], b"bad flag\0\0\0\0"].concat();
        let code = (-libc::EINVAL).to_ne_bytes();
        let capped = [&code[..], &[0; HEADER], &text].concat();
        let echoed = [&code[..], &message(0x20, 0, 1, b"hello"), &text].concat();
        for (flags, payload) in [(0x300, capped), (0x200, echoed)] {
            let mut socket = Scripted::answering([vec![read([message(NLMSG_ERROR, flags, 1, &payload)])]]);
            let Err(Error::Refused(refusal)) = ask(&mut socket) else { panic!("not refused") };
            assert_eq!(refusal, Refusal { errno: libc::EINVAL, text: Some("bad flag".to_owned()) });
            assert_eq!(refusal.to_string(), "Invalid argument (os error 22): bad flag");
        }
    }

    #[test]
    fn a_refusal_whose_words_are_unreadable_keeps_its_number() {
        let payload = [&(-libc::EPERM).to_ne_bytes()[..], &[0; HEADER], &[255, 255, 1, 0]].concat();
        let mut socket = Scripted::answering([vec![read([message(NLMSG_ERROR, 0x300, 1, &payload)])]]);
        let Err(Error::Refused(refusal)) = ask(&mut socket) else { panic!("not refused") };
        assert_eq!(refusal, Refusal { errno: libc::EPERM, text: None });
    }

    #[test]
    fn a_missing_answer_is_an_error_and_not_a_wait() {
        assert!(matches!(ask(&mut Scripted::default()), Err(Error::NoAnswer)));
        let mut half = Scripted::answering([vec![read([said(1, "no acknowledgement follows")])]]);
        assert!(matches!(ask(&mut half), Err(Error::NoAnswer)));
    }

    #[test]
    fn every_cut_of_an_answer_is_an_error() {
        let whole = [said(1, "a word"), ack(1)].concat();
        for length in 1..whole.len() {
            let cut = Read::Datagram(whole[..length].to_vec());
            let result = ask(&mut Scripted::answering([vec![cut]]));
            assert!(matches!(result, Err(Error::Malformed(_) | Error::NoAnswer)), "{length}: {result:?}");
        }
    }

    #[test]
    fn after_lost_answers_the_next_exchange_starts_with_an_empty_socket() {
        let lost = vec![Read::Errno(libc::ENOBUFS), read([said(2, "stale"), ack(2)])];
        let mut socket = Scripted::answering([lost, vec![read([said(2, "fresh"), ack(2)])]]);
        let mut conversation = Conversation::over(&mut socket);
        assert!(matches!(conversation.request::<_, Word>(&request("one")), Err(Error::Overrun)));
        assert_eq!(conversation.request::<_, Word>(&request("two")).unwrap(), [word("fresh")]);
    }

    #[test]
    fn only_the_last_request_of_a_datagram_asks_for_an_acknowledgement() {
        let mut socket = Scripted::answering([vec![read([ack(3)])]]);
        let report = Conversation::over(&mut socket).batch(many(3, 5));
        assert_eq!(report.outcomes, vec![Outcome::Done; 3]);
        assert!(report.error.is_none());
        let plain = NLM_F_REQUEST;
        assert_eq!(sent(&socket.sent[0]), [(plain, 1), (plain, 2), (plain | NLM_F_ACK, 3)]);
    }

    #[test]
    fn a_batch_names_the_requests_that_were_refused() {
        let no = |errno| Outcome::Refused(Refusal { errno, text: None });
        let answers = vec![read([refused(2, libc::EEXIST)]), read([refused(4, libc::ESRCH)])];
        let mut socket = Scripted::answering([answers]);
        let report = Conversation::over(&mut socket).batch(many(4, 5));
        assert_eq!(report.outcomes, [Outcome::Done, no(libc::EEXIST), Outcome::Done, no(libc::ESRCH)]);
        assert!(report.error.is_none());
    }

    #[test]
    fn a_large_batch_is_split_by_number_and_by_size() {
        let mut socket = Scripted::answering([vec![read([ack(200)])], vec![read([ack(201)])]]);
        let report = Conversation::over(&mut socket).batch(many(201, 4));
        assert_eq!(report.outcomes, vec![Outcome::Done; 201]);
        assert_eq!(socket.sent.len(), 2);

        // Two of 30000 bytes fit into 64 KiB; one that exceeds it by itself goes alone.
        let mut requests = many(3, 30_000);
        requests.insert(2, Request { flags: 0, message: Word(vec![0; 70_000]) });
        let mut socket =
            Scripted::answering([vec![read([ack(2)])], vec![read([ack(3)])], vec![read([ack(4)])]]);
        let report = Conversation::over(&mut socket).batch(requests);
        assert_eq!(report.outcomes, vec![Outcome::Done; 4]);
        assert_eq!(socket.sent.iter().map(|datagram| sent(datagram).len()).collect::<Vec<_>>(), [2, 1, 1]);
    }

    #[test]
    fn a_batch_that_loses_answers_says_which_requests_are_uncertain() {
        let second = vec![read([refused(202, libc::EEXIST)]), Read::Errno(libc::ENOBUFS)];
        let mut socket = Scripted::answering([vec![read([ack(200)])], second]);
        let report = Conversation::over(&mut socket).batch(many(500, 4));
        assert!(matches!(report.error, Some(Error::Overrun)));
        assert!(report.outcomes[..200].iter().all(|outcome| *outcome == Outcome::Done));
        assert_eq!(report.outcomes[200], Outcome::Unknown);
        assert!(matches!(report.outcomes[201], Outcome::Refused(_)));
        assert!(report.outcomes[202..400].iter().all(|outcome| *outcome == Outcome::Unknown));
        assert!(report.outcomes[400..].iter().all(|outcome| *outcome == Outcome::NotSent));
    }

    #[test]
    fn what_cannot_be_sent_is_reported_as_not_sent() {
        let mut socket = Scripted::default();
        socket.send_errors.push_back(libc::ENOMEM);
        let report = Conversation::over(&mut socket).batch(many(2, 4));
        assert!(matches!(report.error, Some(Error::Send(_))));
        assert_eq!(report.outcomes, vec![Outcome::NotSent; 2]);
    }

    #[test]
    fn an_empty_batch_sends_nothing() {
        let mut socket = Scripted::default();
        assert!(Conversation::over(&mut socket).batch(many(0, 0)).outcomes.is_empty());
        assert!(socket.sent.is_empty());
    }

    #[test]
    fn a_dump_is_gathered_from_several_datagrams() {
        let datagrams = vec![read([said(1, "a"), said(1, "b")]), read([said(1, "c")]), read([done(1)])];
        let mut socket = Scripted::answering([datagrams]);
        assert_eq!(dump(&mut socket).unwrap(), [word("a"), word("b"), word("c")]);
        assert_eq!(sent(&socket.sent[0]), [(NLM_F_REQUEST | NLM_F_DUMP, 1)]);
    }

    #[test]
    fn an_interrupted_dump_is_repeated() {
        let torn = message(0x20, NLM_F_MULTIPART | NLM_F_DUMP_INTR, 1, b"torn");
        let mut socket = Scripted::answering([
            vec![read([torn]), read([said(1, "rest"), done(1)])],
            vec![read([said(2, "whole"), done(2)])],
        ]);
        assert_eq!(dump(&mut socket).unwrap(), [word("whole")]);
    }

    #[test]
    fn a_dump_that_never_succeeds_is_given_up() {
        let torn = |sequence| vec![read([message(NLMSG_DONE, NLM_F_DUMP_INTR, sequence, &[0; 4])])];
        let mut socket = Scripted::answering((1..10).map(torn));
        assert!(matches!(dump(&mut socket), Err(Error::Interrupted)));
        assert_eq!(socket.sent.len(), DUMP_ATTEMPTS);

        let mut socket = Scripted::answering(vec![vec![Read::Errno(libc::ENOBUFS)]; 10]);
        assert!(matches!(dump(&mut socket), Err(Error::Overrun)));
        assert_eq!(socket.sent.len(), DUMP_ATTEMPTS);
    }

    #[test]
    fn a_dump_that_overran_is_repeated() {
        let first = vec![read([said(1, "a")]), Read::Errno(libc::ENOBUFS), read([done(1)])];
        let second = vec![read([message(NLMSG_OVERRUN, 0, 2, &[])])];
        let third = vec![read([said(3, "a"), said(3, "b"), done(3)])];
        let mut socket = Scripted::answering([first, second, third]);
        assert_eq!(dump(&mut socket).unwrap(), [word("a"), word("b")]);
    }

    #[test]
    fn a_dump_with_a_datagram_beyond_the_buffer_is_repeated_with_a_larger_one() {
        let large = "x".repeat(READ_BUFFER * 2);
        let mut socket = Scripted::answering([
            vec![read([said(1, &large)]), read([done(1)])],
            vec![read([said(2, &large)]), read([done(2)])],
        ]);
        assert_eq!(dump(&mut socket).unwrap(), [word(&large)]);
    }

    #[test]
    fn a_dump_that_fails_half_way_is_refused() {
        let failed = message(NLMSG_DONE, NLM_F_MULTIPART, 1, &(-libc::ENODEV).to_ne_bytes());
        let mut socket = Scripted::answering([vec![read([said(1, "a")]), read([failed])]]);
        let Err(Error::Refused(refusal)) = dump(&mut socket) else { panic!("not refused") };
        assert_eq!(refusal.errno, libc::ENODEV);
    }
}
