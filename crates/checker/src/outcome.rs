//! What a probe found, as a value.
//!
//! **Only what the real server or the path to it did is a failure.** When this host could not even ask (no file
//! descriptor left, the source address not there, a firewall rule of our own), the answer is unknown, and an unknown
//! answer changes nobody's health: keepalived reschedules such a check without counting it, and we do the same, but
//! report it. Taking every server down because the director ran out of descriptors would turn a small fault into an
//! outage.

use serde::{Deserialize, Serialize};

/// How one run of a probe ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Outcome {
    /// The server answered as it should.
    Success,
    /// It did, and said what weight it is to have (`misc_dynamic`).
    Weight(u32),
    /// It did not.
    Failure(Failure),
    /// Nobody knows: the fault is on this host.
    Unknown(LocalError),
}

/// Why a probe failed.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, thiserror::Error, Serialize, Deserialize,
)]
pub enum Failure {
    /// Nothing listens there, or a packet filter says so (`ECONNREFUSED`).
    #[error("connection refused")]
    Refused,
    /// No answer within `connect_timeout`.
    #[error("timed out")]
    TimedOut,
    /// The connection was reset before it was established (`ECONNRESET`).
    #[error("connection reset")]
    Reset,
    /// No route, or a router on the way says that the network is not reachable (`ENETUNREACH`, `ENETDOWN`).
    #[error("network unreachable")]
    NetworkUnreachable,
    /// No neighbour answers for the address, or a router says so (`EHOSTUNREACH`, `EHOSTDOWN`).
    #[error("host unreachable")]
    HostUnreachable,
    /// Another error that the network reported, by its errno: `EACCES` for an IPv6 "administratively prohibited".
    #[error("refused by the network (errno {0})")]
    Network(i32),
}

/// Why this host could not ask.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, thiserror::Error, Serialize, Deserialize)]
#[error("cannot {step}: {cause}")]
pub struct LocalError {
    /// What it was doing.
    pub step: Step,
    /// What went wrong.
    pub cause: Cause,
}

/// The steps of a probe at which this host can fail.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, thiserror::Error, Serialize, Deserialize)]
pub enum Step {
    /// Opening and preparing the socket.
    #[error("open a socket")]
    Open,
    /// `bind_if`.
    #[error("bind to the interface")]
    BindInterface,
    /// `fwmark`.
    #[error("set the firewall mark")]
    Mark,
    /// `bindto` and `bind_port`.
    #[error("bind to the source address")]
    BindAddress,
    /// Sending the first packet.
    #[error("connect")]
    Connect,
    /// Waiting for the answer.
    #[error("wait for the connection")]
    Wait,
}

/// Kinds of local errors.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, thiserror::Error, Serialize, Deserialize)]
pub enum Cause {
    /// The process or the host has no file descriptor left (`EMFILE`, `ENFILE`).
    #[error("no file descriptor left")]
    NoDescriptor,
    /// The kernel has no memory left for it (`ENOMEM`, `ENOBUFS`).
    #[error("no memory left")]
    NoMemory,
    /// A missing capability, a packet filter or a `prohibit` route of this host (`EPERM`, `EACCES`).
    #[error("not permitted")]
    NotPermitted,
    /// The source address is not on this host, or no source port is free (`EADDRNOTAVAIL`).
    #[error("no such source address, or no free source port")]
    NoAddress,
    /// The source port is taken (`EADDRINUSE`).
    #[error("source port in use")]
    AddressInUse,
    /// No such interface (`ENODEV`).
    #[error("no such interface")]
    NoInterface,
    /// This version of stayd has no probe for this kind of check.
    #[error("there is no probe for this kind of check")]
    NoProbe,
    /// Anything else, by its errno; 0 if there was none.
    #[error("errno {0}")]
    Other(i32),
}
