//! Datagrams to messages.
//!
//! **Every byte sequence is either messages or an error**: lengths are checked before anything is read by them.

use std::num::NonZeroI32;

use netlink_packet_core::{
    NLM_F_ACK_TLVS, NLM_F_CAPPED, NLMSG_ALIGNTO, NLMSG_DONE, NLMSG_ERROR, NLMSG_NOOP, NLMSG_OVERRUN,
    NetlinkBuffer, NetlinkDeserializable, NetlinkHeader, NlasIterator, Parseable,
};

use crate::error::{Error, Refusal};

/// Bytes of a message's header.
pub const HEADER: usize = 16;
/// The attribute of an extended acknowledgement that holds its text (`linux/netlink.h`).
const NLMSGERR_ATTR_MSG: u16 = 1;

/// One message of a datagram.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    pub header: NetlinkHeader,
    payload: &'a [u8],
}

/// What a message says about the exchange that it belongs to.
#[derive(Debug)]
pub enum Kind {
    /// The request was carried out.
    Acknowledged,
    /// The request was refused, or the dump failed.
    Refused(Refusal),
    /// A dump is complete.
    Done,
    /// The kernel lost data.
    Overrun,
    /// Nothing.
    Noop,
    /// A message of the protocol itself.
    Data,
}

impl Frame<'_> {
    pub fn kind(&self) -> Result<Kind, Error> {
        Ok(match self.header.message_type {
            NLMSG_NOOP => Kind::Noop,
            NLMSG_OVERRUN => Kind::Overrun,
            NLMSG_ERROR => self.status()?.map_or(Kind::Acknowledged, Kind::Refused),
            // Old kernels end a dump without a status.
            NLMSG_DONE if self.payload.is_empty() => Kind::Done,
            NLMSG_DONE => self.status()?.map_or(Kind::Done, Kind::Refused),
            _ => Kind::Data,
        })
    }

    pub fn decode<R: NetlinkDeserializable>(&self) -> Result<R, Error> {
        R::deserialize(&self.header, self.payload).map_err(|error| Error::Malformed(error.to_string()))
    }

    /// The status that `NLMSG_ERROR` and `NLMSG_DONE` begin with, and the text that may follow it.
    fn status(&self) -> Result<Option<Refusal>, Error> {
        let (code, rest) = self
            .payload
            .split_first_chunk()
            .ok_or_else(|| Error::Malformed("an acknowledgement has no status".to_owned()))?;
        Ok(NonZeroI32::new(i32::from_ne_bytes(*code))
            .map(|code| Refusal { errno: code.get().saturating_abs(), text: self.text(rest) }))
    }

    /// The kernel's words. They are a courtesy: what cannot be read is not worth losing the error number for.
    fn text(&self, rest: &[u8]) -> Option<String> {
        if self.header.flags & NLM_F_ACK_TLVS == 0 {
            return None;
        }
        let echoed = match self.header.message_type {
            NLMSG_DONE => 0,
            _ if self.header.flags & NLM_F_CAPPED != 0 => HEADER,
            _ => aligned(NetlinkBuffer::new_checked(rest).ok()?.length() as usize),
        };
        let attributes = NlasIterator::new(rest.get(echoed..)?);
        let text = attributes.map_while(Result::ok).find(|nla| nla.kind() == NLMSGERR_ATTR_MSG)?;
        let text = String::from_utf8_lossy(text.value());
        Some(text.trim_end_matches('\0').to_owned())
    }
}

/// Splits a datagram.
pub fn frames(datagram: &[u8]) -> impl Iterator<Item = Result<Frame<'_>, Error>> {
    let mut rest = datagram;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let frame = first(rest);
        let used = frame.as_ref().map_or(usize::MAX, |frame| aligned(frame.header.length as usize));
        rest = rest.get(used..).unwrap_or_default();
        Some(frame)
    })
}

fn first(bytes: &[u8]) -> Result<Frame<'_>, Error> {
    let malformed = |error: netlink_packet_core::DecodeError| Error::Malformed(error.to_string());
    let buffer = NetlinkBuffer::new_checked(bytes).map_err(malformed)?;
    Ok(Frame { header: NetlinkHeader::parse(&buffer).map_err(malformed)?, payload: buffer.payload() })
}

/// `length` rounded up to where the next message of a datagram begins.
pub const fn aligned(length: usize) -> usize {
    length.next_multiple_of(NLMSG_ALIGNTO as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scripted::{Word, message, said};
    use proptest::prelude::*;

    #[test]
    fn messages_begin_at_multiples_of_four() {
        let datagram = [said(1, "a"), said(2, "bcdef")].concat();
        let sequences: Vec<u32> =
            frames(&datagram).map(|frame| frame.unwrap().header.sequence_number).collect();
        assert_eq!(sequences, [1, 2]);
    }

    #[test]
    fn the_last_message_needs_no_padding() {
        let datagram = said(1, "a");
        let frames: Vec<_> = frames(&datagram[..=HEADER]).collect::<Result<_, _>>().unwrap();
        assert_eq!(frames[0].decode::<Word>().unwrap(), Word(b"a".to_vec()));
    }

    #[test]
    fn a_length_beyond_the_datagram_or_below_a_header_is_malformed_and_the_end() {
        for length in [0_u32, 15, 21, u32::MAX] {
            let mut datagram = said(1, "abcd");
            datagram[..4].copy_from_slice(&length.to_ne_bytes());
            let frames: Vec<_> = frames(&datagram).collect();
            assert!(matches!(frames[..], [Err(Error::Malformed(_))]), "{length}");
        }
    }

    #[test]
    fn an_acknowledgement_without_a_status_is_malformed() {
        let datagram = message(NLMSG_ERROR, 0, 1, &[1, 2]);
        let frame = frames(&datagram).next().unwrap().unwrap();
        assert!(matches!(frame.kind(), Err(Error::Malformed(_))));
    }

    #[test]
    fn the_end_of_a_dump_needs_no_status() {
        let datagram = message(NLMSG_DONE, 0, 1, &[]);
        assert!(matches!(frames(&datagram).next().unwrap().unwrap().kind(), Ok(Kind::Done)));
    }

    fn walk(datagram: &[u8]) {
        for frame in frames(datagram).filter_map(Result::ok) {
            let kind = frame.kind();
            assert!(matches!(kind, Ok(_) | Err(Error::Malformed(_))), "{kind:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_messages_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            walk(&bytes);
        }

        #[test]
        fn any_acknowledgement_is_readable_or_an_error(
            flags in prop::sample::select(vec![0_u16, 0x100, 0x200, 0x300]),
            end in any::<bool>(),
            payload in prop::collection::vec(any::<u8>(), 0..80),
        ) {
            walk(&message(if end { NLMSG_DONE } else { NLMSG_ERROR }, flags, 1, &payload));
        }
    }
}
