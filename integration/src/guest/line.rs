//! The serial line between a story and its guest: one JSON value a line, in both directions.
//!
//! **The story asks and the agent answers, in turn**, so that neither side needs to tell answers apart.

use std::io::{self, BufRead as _, BufReader, Read, Write};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// One end of the line.
#[derive(Debug)]
pub struct Line<S> {
    stream: BufReader<S>,
}

impl<S: Read + Write> Line<S> {
    /// An end over a stream of bytes.
    pub fn new(stream: S) -> Self {
        Self { stream: BufReader::new(stream) }
    }

    /// The stream, for its options.
    pub fn stream(&self) -> &S {
        self.stream.get_ref()
    }

    /// Sends a value.
    pub fn send(&mut self, value: &impl Serialize) -> io::Result<()> {
        let mut line = serde_json::to_vec(value)?;
        line.push(b'\n');
        let stream = self.stream.get_mut();
        stream.write_all(&line)?;
        stream.flush()
    }

    /// Receives a value; `None` when the other end has closed.
    pub fn receive<T: DeserializeOwned>(&mut self) -> io::Result<Option<T>> {
        let mut line = Vec::new();
        if self.stream.read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        Ok(Some(serde_json::from_slice(&line)?))
    }
}
