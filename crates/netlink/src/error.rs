//! What can go wrong between us and the kernel.

use std::fmt;
use std::io;

/// The kernel's "no" to one request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// The error number, positive (`libc::EEXIST` ...).
    pub errno: i32,
    /// The kernel's own words, where it has any (extended acknowledgement).
    pub text: Option<String>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", io::Error::from_raw_os_error(self.errno))?;
        self.text.as_ref().map_or(Ok(()), |text| write!(f, ": {text}"))
    }
}

impl std::error::Error for Refusal {}

/// Why an exchange gave no result.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The socket could not be made, bound or configured.
    #[error("cannot open a netlink socket: {0}")]
    Open(#[source] io::Error),
    /// The kernel did not take the datagram; none of its requests was carried out.
    #[error("cannot send to the kernel: {0}")]
    Send(#[source] io::Error),
    /// Reading failed.
    #[error("cannot read from the kernel: {0}")]
    Receive(#[source] io::Error),
    /// The kernel refused the request.
    #[error("refused by the kernel: {0}")]
    Refused(#[from] Refusal),
    /// The socket's receive buffer overflowed (`ENOBUFS`): replies are lost.
    #[error("replies were lost: the socket's receive buffer overflowed")]
    Overrun,
    /// What was dumped changed meanwhile, in every attempt (`NLM_F_DUMP_INTR`).
    #[error("the kernel's answer changed while it was read")]
    Interrupted,
    /// The kernel fell silent before the exchange was complete.
    #[error("the kernel gave no answer")]
    NoAnswer,
    /// A datagram was larger than the buffer for it; the buffer has grown, another attempt finds room.
    #[error("a datagram of {0} bytes did not fit into the buffer")]
    Truncated(usize),
    /// The bytes are no netlink message, or not one of the expected type.
    #[error("malformed netlink message: {0}")]
    Malformed(String),
}
