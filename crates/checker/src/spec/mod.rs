//! What is asked for: one [`VirtualServerSpec`] per `virtual_server`, with every default filled in.
//!
//! `config` makes these values from keepalived.conf. Settings that keepalived inherits from the virtual server to the
//! real server to the checker stand here only where they take effect: at the check.

mod amqp;
mod connection;
mod dns;
mod follow;
mod grpc;
mod http;
mod misc;
mod smtp;
mod tls;
mod udp;

use clock::Span;
use ipvs::{DestKey, DestSpec, ServiceKey, ServiceSpec};
use serde::{Deserialize, Serialize};

pub use amqp::{AmqpLogin, AmqpProbe};
pub use connection::{Connection, Source};
pub use dns::{DnsProbe, DnsType};
pub use follow::FollowSpec;
pub use grpc::GrpcProbe;
pub use http::{HttpProbe, HttpVersion, RegexOption, RegexSpec, Sni, UrlSpec};
pub use misc::MiscProbe;
pub use smtp::SmtpProbe;
pub use tls::{TlsCheckSpec, TlsSpec};
pub use udp::{DEFAULT_PAYLOAD, MaskedByte, ReplySpec, UdpProbe};

/// One `virtual_server`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct VirtualServerSpec {
    /// How the file names it; used in messages: `192.0.2.1 80`, `fwmark 7`, `group G`.
    pub name: String,
    /// `snmp_name`: how SNMP names it.
    pub snmp_name: Option<Box<str>>,
    /// The `virtual_server_group` that it serves; none: it has an address or a mark of its own.
    pub group: Option<Box<str>>,
    /// Its IPVS services: one, or one for each address of a `virtual_server_group`. All have the same destinations.
    pub services: Vec<ServiceKey>,
    /// What each service is set to.
    pub service: ServiceSpec,
    /// Weight of live servers needed to serve (`quorum`, at least 1, default 1).
    pub quorum: u32,
    /// By how much the weight must pass the quorum to change its state (`hysteresis`, below the quorum, default 0).
    pub hysteresis: u32,
    /// `alpha`: real servers start down until their checks succeed.
    pub alpha: bool,
    /// `ha_suspend`: its checks run only while this host has its address; never set for firewall marks. (keepalived
    /// never finds the address of a group.)
    pub ha_suspend: bool,
    /// `omega`: down notifications at shutdown.
    pub omega: bool,
    /// Serves while the quorum is lost.
    pub sorry_server: Option<SorryServerSpec>,
    /// Its real servers, in the order of the file, no key twice.
    pub real_servers: Vec<RealServerSpec>,
}

/// `sorry_server`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SorryServerSpec {
    /// Which destination.
    pub key: DestKey,
    /// What it is set to while it serves (keepalived gives it weight 1).
    pub dest: DestSpec,
    /// `sorry_server_inhibit`: stays in the table with weight 0 while it does not serve.
    pub inhibit: bool,
}

/// One `real_server`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RealServerSpec {
    /// Which destination.
    pub key: DestKey,
    /// `snmp_name`: how SNMP names it.
    pub snmp_name: Option<Box<str>>,
    /// What it is set to while it is up.
    pub dest: DestSpec,
    /// `inhibit_on_failure`: a failed server stays in the table with weight 0.
    pub inhibit_on_failure: bool,
    /// `alpha`: starts down until its checks succeed.
    pub alpha: bool,
    /// `drain_timeout`: for so many seconds at most it serves its connections to their end when the file names it no more;
    /// 0: it goes at once.
    pub drain_timeout: u32,
    /// Up only if all of them are; none: always up.
    pub checks: Vec<CheckSpec>,
    /// `FILE_CHECK` and `BFD_CHECK`, in the order of the file; no file and no session twice.
    pub follows: Vec<FollowSpec>,
}

/// One checker block that asks.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CheckSpec {
    /// The question asked.
    pub probe: ProbeSpec,
    /// Period of the checks (`delay_loop`, default 60 s).
    pub delay_loop: Span,
    /// Failures in a row that a working server is forgiven (`retry`): it goes down at the next one. Checks of TCP and
    /// SMTP ask as often in a row also while it is down.
    pub retry: u32,
    /// Time from a forgiven failure to the next try (`delay_before_retry`).
    pub delay_before_retry: Span,
    /// The first check comes 1 s plus a random part of this after start (`warmup`, default `delay_loop`).
    pub warmup: Span,
    /// `alpha`: this check counts as failed until it first succeeds.
    pub alpha: bool,
    /// `log_all_failures`: every failure is logged, not only the first and the last of a row.
    pub log_all_failures: bool,
    /// `log_all_failures` stands at the check itself, which is all that dumps show of it.
    pub log_all_failures_written: bool,
}

/// What a check asks. There are tens of thousands of the small kinds: the large ones are boxed, so that not all are large.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum ProbeSpec {
    /// `TCP_CHECK`: can a connection be opened?
    Tcp(Connection),
    /// `HTTP_GET`, `SSL_GET`.
    Http(Box<HttpProbe>),
    /// `SMTP_CHECK`.
    Smtp(Box<SmtpProbe>),
    /// `DNS_CHECK`.
    Dns(Box<DnsProbe>),
    /// `MISC_CHECK`.
    Misc(Box<MiscProbe>),
    /// `PING_CHECK`: is an ICMP echo request answered? The ports of the connection mean nothing.
    Ping(Connection),
    /// `UDP_CHECK`.
    Udp(Box<UdpProbe>),
    /// `AMQP_CHECK`.
    Amqp(Box<AmqpProbe>),
    /// `GRPC_CHECK`.
    Grpc(Box<GrpcProbe>),
}

impl ProbeSpec {
    /// A check of this kind that is down asks in rounds of `retry` + 1 tries, as it did before; else once in each
    /// `delay_loop` (2.2.7, run).
    pub(crate) const fn retries_while_down(&self) -> bool {
        matches!(self, Self::Tcp(_) | Self::Smtp(_) | Self::Amqp(_) | Self::Grpc(_))
    }

    /// A check of this kind is forgiven `retry` failures also before its first success (2.2.7, run).
    pub(crate) const fn is_forgiven_at_the_start(&self) -> bool {
        matches!(self, Self::Smtp(_))
    }

    /// Its keyword.
    pub const fn keyword(&self) -> &'static str {
        match self {
            Self::Tcp(_) => "TCP_CHECK",
            Self::Http(http) => {
                if http.tls {
                    "SSL_GET"
                } else {
                    "HTTP_GET"
                }
            }
            Self::Smtp(_) => "SMTP_CHECK",
            Self::Dns(_) => "DNS_CHECK",
            Self::Misc(_) => "MISC_CHECK",
            Self::Ping(_) => "PING_CHECK",
            Self::Udp(_) => "UDP_CHECK",
            Self::Amqp(_) => "AMQP_CHECK",
            Self::Grpc(_) => "GRPC_CHECK",
        }
    }

    /// How it connects; none: it runs a command.
    pub const fn connection(&self) -> Option<&Connection> {
        match self {
            Self::Tcp(connection) | Self::Ping(connection) => Some(connection),
            Self::Http(http) => Some(&http.connection),
            Self::Smtp(smtp) => Some(&smtp.connection),
            Self::Dns(dns) => Some(&dns.connection),
            Self::Udp(udp) => Some(&udp.connection),
            Self::Amqp(amqp) => Some(&amqp.connection),
            Self::Grpc(grpc) => Some(&grpc.connection),
            Self::Misc(_) => None,
        }
    }
}
