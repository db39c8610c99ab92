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
    /// What answers is no AMQP broker, or says what it should not say now.
    #[error("no answer of an AMQP broker")]
    NotAmqp,
    /// A broker of another version than 0-9-1.
    #[error("the broker speaks AMQP {major}-{minor}, not 0-9-1")]
    AmqpVersion {
        /// Major.
        major: u8,
        /// Minor.
        minor: u8,
    },
    /// A broker that refuses the login (403) or the virtual host (530), by its reply code (AMQP 0-9-1, 1.2).
    #[error("the broker closed the connection with code {0}")]
    AmqpClosed(u16),
    /// `GRPC_CHECK`: what answers is no gRPC server.
    #[error("no answer of a gRPC server")]
    NotGrpc,
    /// `GRPC_CHECK`: the server, or a proxy before it, answers with another HTTP status than 200.
    #[error("the HTTP status is {0}")]
    GrpcHttp(u16),
    /// `GRPC_CHECK`: the server refuses the call.
    #[error("the gRPC status is {0}")]
    GrpcStatus(GrpcStatus),
    /// `GRPC_CHECK`: it says that it does not serve.
    #[error("it says {0}")]
    NotServing(GrpcHealth),
    /// `GRPC_CHECK`: the server ended the exchange, by its error code (RFC 9113 section 7).
    #[error("ended by the server with HTTP/2 error {0}")]
    Http2(u32),
    /// `GRPC_CHECK`: TLS.
    #[error("TLS: {0}")]
    Tls(TlsFault),
    /// A script that says no.
    #[error("the script ended with status {0}")]
    ScriptStatus(i32),
    /// A script that something ended.
    #[error("the script was ended by signal {0}")]
    ScriptSignal(i32),
    /// `misc_timeout`.
    #[error("the script took too long")]
    ScriptTimedOut,
    /// `HTTP_GET` and `SSL_GET`: a page was not as it should be.
    #[error("page {}: {fault}", url + 1)]
    Page {
        /// Its place among those of the check.
        url: u16,
        /// What was wrong with it.
        fault: PageFault,
    },
}

/// What a server says of its health (`grpc.health.v1.HealthCheckResponse.ServingStatus`).
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, thiserror::Error, Serialize, Deserialize,
)]
pub enum GrpcHealth {
    /// It serves.
    #[error("SERVING")]
    Serving,
    /// It does not.
    #[error("NOT_SERVING")]
    NotServing,
    /// It has no such service, as those say who watch instead of asking.
    #[error("SERVICE_UNKNOWN")]
    ServiceUnknown,
    /// It does not know, or says something that we do not know.
    #[error("UNKNOWN")]
    Unknown,
}

/// The status of a call (grpc/grpc, `doc/statuscodes.md`).
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, thiserror::Error, Serialize, Deserialize,
)]
#[error("{0}{name}", name = grpc_status_name(*.0))]
pub struct GrpcStatus(pub u32);

/// The names that people know, for a text: ` (UNIMPLEMENTED)`.
const fn grpc_status_name(code: u32) -> &'static str {
    match code {
        5 => " (NOT_FOUND: it has no such service)",
        7 => " (PERMISSION_DENIED)",
        8 => " (RESOURCE_EXHAUSTED)",
        12 => " (UNIMPLEMENTED: it has no health service)",
        13 => " (INTERNAL)",
        14 => " (UNAVAILABLE)",
        16 => " (UNAUTHENTICATED)",
        _ => "",
    }
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

/// Why a page is not as it should be.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, thiserror::Error, Serialize, Deserialize,
)]
pub enum PageFault {
    /// Nothing came for the length of `connect_timeout`.
    #[error("no answer in time")]
    TimedOut,
    /// Bytes came, but no end of them within ten times `connect_timeout` after the start.
    #[error("an answer without end")]
    Endless,
    /// The connection was reset before the end.
    #[error("connection reset")]
    Reset,
    /// Another error of the connection, by its errno.
    #[error("connection broken (errno {0})")]
    Broken(i32),
    /// The connection ended before the head did.
    #[error("closed before the end of the head")]
    ClosedEarly,
    /// The head is longer than 4096 bytes, or has no end.
    #[error("a head longer than 4096 bytes")]
    HeadTooLong,
    /// The first line has no status code.
    #[error("no status code")]
    NoStatus,
    /// `status_code`: not one of those expected.
    #[error("status code {0}")]
    Status(u16),
    /// `digest`: another one.
    #[error("digest {}", Hexadecimal(*.0))]
    Digest([u8; 16]),
    /// `regex`: not found.
    #[error("regex did not match")]
    NotFound,
    /// `regex` with `regex_no_match`: found.
    #[error("regex matched")]
    Found,
    /// TLS.
    #[error("TLS: {0}")]
    Tls(#[from] TlsFault),
}

/// What went wrong with TLS.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, thiserror::Error, Serialize, Deserialize,
)]
pub enum TlsFault {
    /// The server speaks something else.
    #[error("the server does not speak it")]
    NotTls,
    /// No version or algorithm that both sides allow.
    #[error("no common version or cipher")]
    NothingInCommon,
    /// The connection ended during the handshake.
    #[error("closed during the handshake")]
    ClosedEarly,
    /// `tls_compliant`: the connection ended without notice (`close_notify`).
    #[error("closed without notice")]
    NoNotice,
    /// The server refused, by its alert (RFC 8446 section 6).
    #[error("refused by the server (alert {0})")]
    Alert(u8),
    /// `tls_verify`: the certificate is not valid now.
    #[error("the certificate is not valid at this time")]
    Expired,
    /// `tls_verify`: no authority that is trusted signed the certificate.
    #[error("the certificate is signed by nobody who is trusted")]
    Untrusted,
    /// `tls_verify`: the certificate is for another name.
    #[error("the certificate is for another name")]
    OtherName,
    /// `tls_verify`: another fault of the certificate, by OpenSSL's number for it (`X509_V_ERR_`).
    #[error("the certificate is not accepted (error {0})")]
    Certificate(i32),
    /// Anything else, by OpenSSL's reason code; 0 if there was none.
    #[error("handshake failed (reason {0})")]
    Other(i32),
}

/// Bytes as `genhash` prints them.
struct Hexadecimal([u8; 16]);

impl core::fmt::Display for Hexadecimal {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
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
    /// Reading certificates and keys.
    #[error("prepare TLS")]
    Tls,
    /// `regex`.
    #[error("compile the pattern of `regex`")]
    Pattern,
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
    /// A file of certificates or a key is missing, unreadable or of no use.
    #[error("a certificate or key cannot be read")]
    Certificate,
    /// The system has no OpenSSL 3, or not the whole of it.
    #[error("libssl.so.3 cannot be loaded")]
    NoTls,
    /// It is no pattern of PCRE2, by the byte at which it goes wrong.
    #[error("it is wrong at byte {0}")]
    Pattern(u32),
    /// Anything else, by its errno; 0 if there was none.
    #[error("errno {0}")]
    Other(i32),
}
