//! Messages between the parent and its children.
//!
//! A message is its length (four bytes, little endian) and its postcard encoding, on a stream socket pair. **Whoever
//! reads a stream knows from the end of it that the other side is gone.**

use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

mod messages;

pub use messages::{
    Dump, FromChecker, FromVrrp, LastRun, Level, Line, Scripts, Side, Snapshot, SocketView, ToChecker,
    ToVrrp, script_identity,
};

/// No configuration that fits into a machine makes a longer message; a longer length is a broken stream.
const LONGEST: usize = 1 << 30;
const HEADER: usize = 4;

/// Why bytes are no message.
#[derive(Debug, Error)]
pub enum Error {
    /// A message that says it is longer than any.
    #[error("a message of {0} bytes is too long")]
    TooLong(usize),
    /// Not the encoding of the type expected.
    #[error("a message that cannot be read: {0}")]
    Malformed(#[from] postcard::Error),
}

/// The bytes of a message.
///
/// # Errors
/// [`Error::TooLong`], or a value that postcard cannot encode.
pub fn encode<T: Serialize>(message: &T) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    append(&mut bytes, message)?;
    Ok(bytes)
}

/// Adds the bytes of a message. After an error, what was added is no message.
///
/// # Errors
/// As [`encode`].
pub fn append<T: Serialize>(bytes: &mut Vec<u8>, message: &T) -> Result<(), Error> {
    let start = bytes.len();
    bytes.extend([0; HEADER]);
    *bytes = postcard::to_extend(message, std::mem::take(bytes))?;
    let length = bytes.len() - start - HEADER;
    match u32::try_from(length) {
        Ok(short) if length <= LONGEST => {
            bytes[start..start + HEADER].copy_from_slice(&short.to_le_bytes());
            Ok(())
        }
        _ => Err(Error::TooLong(length)),
    }
}

/// Puts a stream of bytes together to messages.
#[derive(Debug, Default)]
pub struct Decoder {
    bytes: Vec<u8>,
    /// How many of them have been read.
    read: usize,
}

impl Decoder {
    /// Takes in what was read.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.read);
        self.read = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// The next whole message.
    ///
    /// # Errors
    /// The stream is broken and cannot be read on.
    pub fn next<T: DeserializeOwned>(&mut self) -> Result<Option<T>, Error> {
        let unread = self.bytes.get(self.read..).unwrap_or_default();
        let Some((header, rest)) = unread.split_first_chunk::<HEADER>() else { return Ok(None) };
        let length = u32::from_le_bytes(*header) as usize;
        if length > LONGEST {
            return Err(Error::TooLong(length));
        }
        let Some(message) = rest.get(..length) else { return Ok(None) };
        let message = postcard::from_bytes(message)?;
        self.read += HEADER + length;
        if self.read == self.bytes.len() {
            // What a large message needed is given back.
            *self = Self::default();
        }
        Ok(Some(message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_put_together_from_any_pieces() {
        let sent = ["one", "", "three of them"];
        let stream: Vec<u8> = sent.iter().flat_map(|text| encode(text).unwrap()).collect();
        for piece in 1..stream.len() {
            let mut decoder = Decoder::default();
            let mut received = vec![];
            for bytes in stream.chunks(piece) {
                decoder.push(bytes);
                while let Some(text) = decoder.next::<String>().unwrap() {
                    received.push(text);
                }
            }
            assert_eq!(received, sent, "in pieces of {piece}");
        }
    }

    #[test]
    fn a_length_beyond_reason_breaks_the_stream() {
        let mut decoder = Decoder::default();
        decoder.push(&[255; 8]);
        assert!(matches!(decoder.next::<String>(), Err(Error::TooLong(_))));
    }

    #[test]
    fn bytes_of_another_type_break_the_stream() {
        let mut decoder = Decoder::default();
        decoder.push(&encode(&[9_u8, 1]).unwrap());
        assert!(matches!(decoder.next::<(String, String)>(), Err(Error::Malformed(_))));
    }
}
