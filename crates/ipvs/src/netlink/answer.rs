//! What the kernel answers, from bytes.
//!
//! **What is read equals what was asked for**: settings that have no effect are left out (a netmask and a timeout
//! without persistence), and so are the kernel's own flags (`hashed`).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use compact_str::CompactString;
use netlink_packet_core::{
    DecodeError, ParseableParametrized, parse_string, parse_u8, parse_u16, parse_u16_be, parse_u32,
    parse_u32_be, parse_u64,
};
use netlink_packet_generic::GenlHeader;

use super::attributes::attributes;
use super::settings::{Info, Timeouts};
use super::uapi::{
    AF_INET, AF_INET6, IPPROTO_SCTP, IPPROTO_TCP, IPPROTO_UDP, attr, cmd, daemon, dest, fwd, info, stats,
    svc, svc_flag, sync, tun,
};
use crate::statistics::{Counters, DestStatistics};
use crate::sync_daemon::{SyncDaemon, SyncDaemonSpec, SyncRole};
use crate::table::{
    DestKey, DestSpec, Family, Forwarding, Granularity, Persistence, Protocol, SchedulerFlags, ServiceKey,
    ServiceSpec, Tunnel, TunnelChecksum,
};

/// An answer of the family.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer {
    /// A service; none if its protocol is one that [`ServiceKey`] cannot name.
    Service(Option<ServiceEntry>),
    /// A destination.
    Dest(DestEntry),
    /// The connection timeouts.
    Timeouts(Timeouts),
    /// A sync daemon; none in a state of which there is no name.
    Daemon(Option<SyncDaemon>),
    /// Version and table size.
    Info(Info),
    /// Anything else.
    Other,
}

/// A service without its destinations.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ServiceEntry {
    pub key: ServiceKey,
    pub spec: ServiceSpec,
    pub counters: Counters,
}

/// A destination.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DestEntry {
    pub key: DestKey,
    pub spec: DestSpec,
    pub statistics: DestStatistics,
}

impl ParseableParametrized<[u8], GenlHeader> for Answer {
    fn parse_with_param(bytes: &[u8], header: GenlHeader) -> Result<Self, DecodeError> {
        match header.cmd {
            cmd::NEW_SERVICE => read_service(only(bytes, attr::SERVICE)?).map(Self::Service),
            cmd::NEW_DEST => read_dest(only(bytes, attr::DEST)?).map(Self::Dest),
            cmd::NEW_DAEMON => read_daemon(only(bytes, attr::DAEMON)?).map(Self::Daemon),
            cmd::SET_CONFIG => read_timeouts(bytes).map(Self::Timeouts),
            cmd::SET_INFO => read_info(bytes).map(Self::Info),
            _ => Ok(Self::Other),
        }
    }
}

/// The value of the attribute of this kind.
fn only(bytes: &[u8], wanted: u16) -> Result<&[u8], DecodeError> {
    for attribute in attributes(bytes) {
        let (kind, value) = attribute?;
        if kind == wanted {
            return Ok(value);
        }
    }
    Err(format!("attribute {wanted} is missing").into())
}

fn read_daemon(bytes: &[u8]) -> Result<Option<SyncDaemon>, DecodeError> {
    let (mut role, mut spec) = (None, SyncDaemonSpec::on(""));
    for attribute in attributes(bytes) {
        let (kind, value) = attribute?;
        match kind {
            daemon::STATE => {
                role = match parse_u32(value)? {
                    sync::MASTER => Some(SyncRole::Master),
                    sync::BACKUP => Some(SyncRole::Backup),
                    _ => None,
                };
            }
            daemon::MCAST_IFN => spec.interface = parse_string(value)?,
            daemon::SYNC_ID => spec.id = parse_u32(value)?.to_le_bytes()[0],
            daemon::SYNC_MAXLEN => spec.max_len = Some(parse_u16(value)?),
            daemon::MCAST_GROUP => spec.group = address_of(Family::V4, value)?,
            daemon::MCAST_GROUP6 => spec.group = address_of(Family::V6, value)?,
            daemon::MCAST_PORT => spec.port = parse_u16(value)?,
            daemon::MCAST_TTL => spec.ttl = parse_u8(value)?,
            _ => {}
        }
    }
    Ok(role.map(|role| SyncDaemon { role, spec }))
}

fn read_service(bytes: &[u8]) -> Result<Option<ServiceEntry>, DecodeError> {
    let mut family = None;
    let mut protocol = None;
    let mut address: &[u8] = &[];
    let mut port = 0;
    let mut mark = 0;
    let mut scheduler = CompactString::default();
    let mut engine = None;
    let mut flags = 0;
    let mut timeout = 0;
    let mut netmask: &[u8] = &[];
    let mut counters = Statistics::default();
    for attribute in attributes(bytes) {
        let (kind, value) = attribute?;
        match kind {
            svc::AF => family = Some(family_of(value)?),
            svc::PROTOCOL => protocol = Some(parse_u16(value)?),
            svc::ADDR => address = value,
            svc::PORT => port = parse_u16_be(value)?,
            svc::FWMARK => mark = parse_u32(value)?,
            svc::SCHED_NAME => scheduler = parse_string(value)?.into(),
            svc::PE_NAME => engine = Some(parse_string(value)?),
            svc::FLAGS => flags = flags_of(value)?,
            svc::TIMEOUT => timeout = parse_u32(value)?,
            svc::NETMASK => netmask = value,
            svc::STATS => counters.narrow = Some(value),
            svc::STATS64 => counters.wide = Some(value),
            _ => {}
        }
    }
    let family = family.ok_or("a service has no address family")?;
    let key = match protocol {
        None => ServiceKey::Fwmark { mark, family },
        Some(number) => {
            let protocol = match number {
                IPPROTO_TCP => Protocol::Tcp,
                IPPROTO_UDP => Protocol::Udp,
                IPPROTO_SCTP => Protocol::Sctp,
                _ => return Ok(None),
            };
            ServiceKey::Address { protocol, address: address_of(family, address)?, port }
        }
    };
    let set = |flag| flags & flag != 0;
    let persistence = if set(svc_flag::PERSISTENT) {
        let granularity = match family {
            Family::V4 => Granularity::Mask(parse_u32_be(netmask)?),
            Family::V6 => Granularity::Prefix(
                u8::try_from(parse_u32(netmask)?).map_err(|_| "a prefix is longer than an address")?,
            ),
        };
        Some(Persistence { timeout, granularity, engine })
    } else {
        None
    };
    let flags = SchedulerFlags {
        one_packet: set(svc_flag::ONE_PACKET),
        flag_1: set(svc_flag::SCHED1),
        flag_2: set(svc_flag::SCHED2),
        flag_3: set(svc_flag::SCHED3),
    };
    let spec = ServiceSpec { scheduler, flags, persistence };
    Ok(Some(ServiceEntry { key, spec, counters: counters.decode()? }))
}

fn read_dest(bytes: &[u8]) -> Result<DestEntry, DecodeError> {
    let mut family = None;
    let mut address: &[u8] = &[];
    let mut port = 0;
    let mut method = 0;
    let mut weight = 0;
    let mut thresholds = (0, 0);
    let mut tunnel = (tun::IPIP, 0, 0);
    let mut statistics = DestStatistics::default();
    let mut counters = Statistics::default();
    for attribute in attributes(bytes) {
        let (kind, value) = attribute?;
        match kind {
            dest::ADDR_FAMILY => family = Some(family_of(value)?),
            dest::ADDR => address = value,
            dest::PORT => port = parse_u16_be(value)?,
            dest::FWD_METHOD => method = parse_u32(value)?,
            dest::WEIGHT => weight = parse_u32(value)?,
            dest::U_THRESH => thresholds.0 = parse_u32(value)?,
            dest::L_THRESH => thresholds.1 = parse_u32(value)?,
            dest::TUN_TYPE => tunnel.0 = parse_u8(value)?,
            dest::TUN_PORT => tunnel.1 = parse_u16_be(value)?,
            dest::TUN_FLAGS => tunnel.2 = parse_u16(value)?,
            dest::ACTIVE_CONNS => statistics.active = parse_u32(value)?,
            dest::INACT_CONNS => statistics.inactive = parse_u32(value)?,
            dest::PERSIST_CONNS => statistics.persistent = parse_u32(value)?,
            dest::STATS => counters.narrow = Some(value),
            dest::STATS64 => counters.wide = Some(value),
            _ => {}
        }
    }
    let family = family.ok_or("a destination has no address family (kernel before 3.18)")?;
    statistics.counters = counters.decode()?;
    Ok(DestEntry {
        key: DestKey { address: address_of(family, address)?, port },
        spec: DestSpec {
            weight,
            forwarding: forwarding(method, tunnel),
            upper_threshold: thresholds.0,
            lower_threshold: thresholds.1,
        },
        statistics,
    })
}

fn forwarding(method: u32, (kind, port, flags): (u8, u16, u16)) -> Forwarding {
    let checksum = if flags & tun::REMCSUM != 0 {
        TunnelChecksum::Remote
    } else if flags & tun::CSUM != 0 {
        TunnelChecksum::Full
    } else {
        TunnelChecksum::None
    };
    match (method, kind) {
        (fwd::MASQ, _) => Forwarding::Masquerade,
        (fwd::DROUTE, _) => Forwarding::DirectRoute,
        (fwd::TUNNEL, tun::IPIP) => Forwarding::Tunnel(Tunnel::Ipip),
        (fwd::TUNNEL, tun::GUE) => Forwarding::Tunnel(Tunnel::Gue { port, checksum }),
        (fwd::TUNNEL, tun::GRE) => Forwarding::Tunnel(Tunnel::Gre { checksum }),
        _ => Forwarding::Local,
    }
}

fn read_timeouts(bytes: &[u8]) -> Result<Timeouts, DecodeError> {
    let mut timeouts = Timeouts::default();
    for attribute in attributes(bytes) {
        let (kind, value) = attribute?;
        match kind {
            attr::TIMEOUT_TCP => timeouts.tcp = parse_u32(value)?,
            attr::TIMEOUT_TCP_FIN => timeouts.tcp_fin = parse_u32(value)?,
            attr::TIMEOUT_UDP => timeouts.udp = parse_u32(value)?,
            _ => {}
        }
    }
    Ok(timeouts)
}

fn read_info(bytes: &[u8]) -> Result<Info, DecodeError> {
    let mut info = Info::default();
    for attribute in attributes(bytes) {
        let (kind, value) = attribute?;
        match kind {
            info::VERSION => {
                let [_, major, minor, patch] = parse_u32(value)?.to_be_bytes();
                info.version = (major, minor, patch);
            }
            info::CONN_TAB_SIZE => info.connection_table_size = parse_u32(value)?,
            _ => {}
        }
    }
    Ok(info)
}

/// The attribute with counters of 64 bits, and the one that older kernels (before 4.1) send alone.
#[derive(Default)]
struct Statistics<'a> {
    wide: Option<&'a [u8]>,
    narrow: Option<&'a [u8]>,
}

impl Statistics<'_> {
    fn decode(&self) -> Result<Counters, DecodeError> {
        let mut counters = Counters::default();
        for attribute in attributes(self.wide.or(self.narrow).unwrap_or_default()) {
            let (kind, value) = attribute?;
            let counter = match kind {
                stats::CONNS => &mut counters.connections,
                stats::INPKTS => &mut counters.packets_in,
                stats::OUTPKTS => &mut counters.packets_out,
                stats::INBYTES => &mut counters.bytes_in,
                stats::OUTBYTES => &mut counters.bytes_out,
                stats::CPS => &mut counters.connection_rate,
                stats::INPPS => &mut counters.packet_rate_in,
                stats::OUTPPS => &mut counters.packet_rate_out,
                stats::INBPS => &mut counters.byte_rate_in,
                stats::OUTBPS => &mut counters.byte_rate_out,
                _ => continue,
            };
            *counter = match value.len() {
                4 => parse_u32(value)?.into(),
                _ => parse_u64(value)?,
            };
        }
        Ok(counters)
    }
}

fn family_of(value: &[u8]) -> Result<Family, DecodeError> {
    match parse_u16(value)? {
        AF_INET => Ok(Family::V4),
        AF_INET6 => Ok(Family::V6),
        other => Err(format!("unknown address family {other}").into()),
    }
}

fn address_of(family: Family, value: &[u8]) -> Result<IpAddr, DecodeError> {
    let address = match family {
        Family::V4 => value.first_chunk().map(|octets: &[u8; 4]| Ipv4Addr::from(*octets).into()),
        Family::V6 => value.first_chunk().map(|octets: &[u8; 16]| Ipv6Addr::from(*octets).into()),
    };
    address.ok_or_else(|| "an address is too short".into())
}

/// The flags themselves; the mask that follows them says nothing in an answer.
fn flags_of(value: &[u8]) -> Result<u32, DecodeError> {
    value
        .first_chunk()
        .map(|flags| u32::from_ne_bytes(*flags))
        .ok_or_else(|| "the flags of a service are too short".into())
}
