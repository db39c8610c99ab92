//! What a virtual server table is: services, their destinations, and the specs of both.
//!
//! **The wanted table and the kernel's table are the same type**, so that their difference is a pure function. Key,
//! spec and statistics are three types: the key says which entry, the spec what it is set to.

use core::fmt;
use std::collections::BTreeMap;
use std::net::IpAddr;

use compact_str::CompactString;
use litemap::LiteMap;
use serde::{Deserialize, Serialize};

/// Transport protocols that IPVS balances.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Protocol {
    /// Transmission Control Protocol.
    Tcp,
    /// User Datagram Protocol.
    Udp,
    /// Stream Control Transmission Protocol.
    Sctp,
}

/// Address family of a service.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// The family that `address` belongs to.
    pub const fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::V4,
            IpAddr::V6(_) => Self::V6,
        }
    }
}

/// Which virtual service.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum ServiceKey {
    /// Connections to this address and port (`ipvsadm -t`, `-u`, `--sctp-service`).
    Address {
        /// Transport protocol.
        protocol: Protocol,
        /// Virtual address.
        address: IpAddr,
        /// Port; 0 takes every port and works only with persistence.
        port: u16,
    },
    /// Packets with this firewall mark (`ipvsadm -f`).
    Fwmark {
        /// The mark, not 0.
        mark: u32,
        /// Family of the packets.
        family: Family,
    },
}

impl ServiceKey {
    /// Address family of the service.
    pub const fn family(&self) -> Family {
        match self {
            Self::Address { address, .. } => Family::of(*address),
            Self::Fwmark { family, .. } => *family,
        }
    }
}

impl fmt::Display for ServiceKey {
    /// As keepalived's FIFO writes it: `[192.0.2.1]:tcp:80`, `FWM 7`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address { protocol, address, port } => {
                let protocol = match protocol {
                    Protocol::Tcp => "tcp",
                    Protocol::Udp => "udp",
                    Protocol::Sctp => "sctp",
                };
                write!(f, "[{address}]:{protocol}:{port}")
            }
            Self::Fwmark { mark, .. } => write!(f, "FWM {mark}"),
        }
    }
}

/// Scheduling flags of a service (`ipvsadm -b`, `-o`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
pub struct SchedulerFlags {
    /// One-packet scheduling (`ops`): every UDP datagram is scheduled anew.
    pub one_packet: bool,
    /// `flag-1`: `sh-fallback`, `mh-fallback`.
    pub flag_1: bool,
    /// `flag-2`: `sh-port`, `mh-port`.
    pub flag_2: bool,
    /// `flag-3`.
    pub flag_3: bool,
}

/// Stickiness of clients to their real server.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Persistence {
    /// Seconds that a client's template lives after its last connection (`persistence_timeout`, 1 to 2678400).
    pub timeout: u32,
    /// Which clients count as one (`persistence_granularity`).
    pub granularity: Granularity,
    /// Persistence engine (`persistence_engine`, for example `sip`), at most 15 bytes.
    pub engine: Option<String>,
}

/// Which source addresses count as one client.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Granularity {
    /// IPv4 netmask, as a number in host order; the kernel takes any bit pattern. Default 255.255.255.255.
    Mask(u32),
    /// IPv6 prefix length, 1 to 128. Default 128.
    Prefix(u8),
}

impl Granularity {
    /// Every address is a client of its own.
    pub const fn single(family: Family) -> Self {
        match family {
            Family::V4 => Self::Mask(u32::MAX),
            Family::V6 => Self::Prefix(128),
        }
    }
}

/// What a service is set to.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct ServiceSpec {
    /// The kernel's name of the scheduler: `rr`, `wrr`, `lc` ... at most 15 bytes.
    pub scheduler: CompactString,
    /// Scheduler flags.
    pub flags: SchedulerFlags,
    /// Persistence, if any.
    pub persistence: Option<Persistence>,
}

/// Which destination of a service.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct DestKey {
    /// Address of the real server; of another family than the service only with [`Forwarding::Tunnel`].
    pub address: IpAddr,
    /// Its port; 0 for services of all ports and for fwmark services.
    pub port: u16,
}

impl fmt::Display for DestKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}]:{}", self.address, self.port)
    }
}

/// How packets reach a destination (`lb_kind`, `lvs_method`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Forwarding {
    /// `NAT`: addresses are rewritten in both directions.
    Masquerade,
    /// `DR`: only the destination MAC changes; the real server answers the client itself.
    DirectRoute,
    /// `TUN`: packets are encapsulated.
    Tunnel(Tunnel),
    /// A method that cannot be asked for by configuration: `LOCALNODE`, or one newer than this crate. Only ever read,
    /// of entries that others made. (A destination on this host is stored with the method that was asked for, and
    /// delivered locally when a packet comes; measured on 6.1.)
    Local,
}

/// Encapsulation of [`Forwarding::Tunnel`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Tunnel {
    /// IP in IP.
    Ipip,
    /// Generic UDP encapsulation to this port.
    Gue {
        /// Destination port of the UDP header.
        port: u16,
        /// Checksum mode.
        checksum: TunnelChecksum,
    },
    /// Generic routing encapsulation.
    Gre {
        /// Checksum mode.
        checksum: TunnelChecksum,
    },
}

/// Checksum of the encapsulation (`nocsum`, `csum`, `remcsum`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
pub enum TunnelChecksum {
    /// No checksum.
    #[default]
    None,
    /// Checksum of the outer packet.
    Full,
    /// Remote checksum offload.
    Remote,
}

/// What a destination is set to.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct DestSpec {
    /// Share of new connections; 0 takes none but keeps the old ones.
    pub weight: u32,
    /// Forwarding method.
    pub forwarding: Forwarding,
    /// Connections above which no new one is assigned (`uthreshold`); 0: no limit.
    pub upper_threshold: u32,
    /// Connections below which an overloaded destination is used again (`lthreshold`); 0: three quarters of the upper.
    pub lower_threshold: u32,
}

/// The destinations of a service: sorted, and packed, since most tables are many services of few destinations.
pub type Dests = LiteMap<DestKey, DestSpec>;

/// A service with its destinations.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Service {
    /// What it is set to.
    pub spec: ServiceSpec,
    /// Its destinations.
    pub dests: Dests,
}

/// A whole table.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Table {
    /// Services by key.
    pub services: BTreeMap<ServiceKey, Service>,
}
