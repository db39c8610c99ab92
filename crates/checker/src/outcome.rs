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
    /// The server ended the connection in the middle of the conversation.
    #[error("connection closed before the answer was complete")]
    Closed,
    /// More than any sound server says.
    #[error("the answer is too long")]
    TooLong,
    /// A mail server that does not want us.
    #[error("{0} has the SMTP code {1}")]
    SmtpCode(SmtpStep, u16),
    /// What answers is no mail server.
    #[error("{0} is no SMTP reply")]
    NotSmtp(SmtpStep),
    /// A name server that cannot answer, by its response code (RFC 1035 4.1.1).
    #[error("the DNS response code is {0}{name}", name = dns_code_name(*.0))]
    DnsCode(u8),
    /// `require_reply`: the reply begins with other bytes.
    #[error("the reply is not the one that is required")]
    WrongReply,
    /// `min_reply_length`, `max_reply_length`: a reply of so many bytes, or more.
    #[error("the reply has a length of {0} bytes")]
    ReplyLength(u16),
    /// A script that says no.
    #[error("the script ended with status {0}")]
    ScriptStatus(i32),
    /// A script that something ended.
    #[error("the script was ended by signal {0}")]
    ScriptSignal(i32),
    /// `misc_timeout`.
    #[error("the script took too long")]
    ScriptTimedOut,
}

/// What a mail server was asked last.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, thiserror::Error, Serialize, Deserialize,
)]
pub enum SmtpStep {
    /// Nothing yet.
    #[error("the greeting")]
    Greeting,
    /// HELO.
    #[error("the answer to HELO")]
    Helo,
    /// QUIT.
    #[error("the answer to QUIT")]
    Quit,
}

/// The names that people know, for a text: ` (NXDOMAIN)`.
const fn dns_code_name(code: u8) -> &'static str {
    match code {
        1 => " (FORMERR)",
        2 => " (SERVFAIL)",
        3 => " (NXDOMAIN)",
        4 => " (NOTIMP)",
        5 => " (REFUSED)",
        _ => "",
    }
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
    /// Sending, once connected.
    #[error("send")]
    Send,
    /// Waiting for an answer, once connected.
    #[error("receive")]
    Receive,
    /// Putting the question into words.
    #[error("ask")]
    Ask,
    /// Starting a script.
    #[error("run the script")]
    Run,
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
    /// `name` of a `DNS_CHECK` does not fit into a question: a part is empty or above 63 bytes, or the whole above 255.
    #[error("no name server can be asked for this name")]
    BadName,
    /// The script is not there any more, or cannot be executed (`ENOENT`, `ENOTDIR`, `ENOEXEC`).
    #[error("it is not there or cannot be executed")]
    NoProgram,
    /// No such user or group.
    #[error("no such user or group")]
    NoUser,
    /// Anything else, by its errno; 0 if there was none.
    #[error("errno {0}")]
    Other(i32),
}
