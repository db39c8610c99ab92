//! What is asked of the kernel, as bytes.
//!
//! Attributes stand in the order in which `ipvsadm` sends them. A destination's command names the service by
//! its key alone, and tunnel attributes are sent for tunnels only; without them the kernel assumes none.

use std::net::IpAddr;

use netlink_packet_core::Emitable;
use netlink_packet_generic::GenlFamily;

use super::attributes::Attributes;
use super::settings::Timeouts;
use super::uapi::{
    AF_INET, AF_INET6, FAMILY_NAME, FAMILY_VERSION, IPPROTO_SCTP, IPPROTO_TCP, IPPROTO_UDP, attr, cmd,
    daemon, dest, fwd, svc, svc_flag, sync, tun,
};
use crate::op::Op;
use crate::sync_daemon::{SyncDaemonSpec, SyncOp, SyncRole};
use crate::table::{
    DestKey, DestSpec, Family, Forwarding, Granularity, Protocol, SchedulerFlags, ServiceKey, ServiceSpec,
    Tunnel, TunnelChecksum,
};

/// A command of the family.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Command {
    number: u8,
    attributes: Vec<u8>,
}

impl Command {
    /// One change of the table.
    pub fn change(op: &Op) -> Self {
        match op {
            Op::AddService { service, spec } => Self::service(cmd::NEW_SERVICE, service, Some(spec)),
            Op::EditService { service, spec } => Self::service(cmd::SET_SERVICE, service, Some(spec)),
            Op::DeleteService { service } => Self::service(cmd::DEL_SERVICE, service, None),
            Op::AddDest { service, dest, spec } => Self::dest(cmd::NEW_DEST, service, dest, Some(spec)),
            Op::EditDest { service, dest, spec } => Self::dest(cmd::SET_DEST, service, dest, Some(spec)),
            Op::DeleteDest { service, dest } => Self::dest(cmd::DEL_DEST, service, dest, None),
        }
    }

    /// All services (as a dump).
    pub fn services() -> Self {
        Self::new(cmd::GET_SERVICE, |_| {})
    }

    /// One service.
    pub fn get_service(service: &ServiceKey) -> Self {
        Self::service(cmd::GET_SERVICE, service, None)
    }

    /// The destinations of a service (as a dump).
    pub fn dests(service: &ServiceKey) -> Self {
        Self::service(cmd::GET_DEST, service, None)
    }

    /// Zero the counters of a service, or all counters.
    pub fn zero(service: Option<&ServiceKey>) -> Self {
        service
            .map_or_else(|| Self::new(cmd::ZERO, |_| {}), |service| Self::service(cmd::ZERO, service, None))
    }

    /// Remove everything.
    pub fn flush() -> Self {
        Self::new(cmd::FLUSH, |_| {})
    }

    /// The connection timeouts.
    pub fn get_timeouts() -> Self {
        Self::new(cmd::GET_CONFIG, |_| {})
    }

    /// Set the connection timeouts.
    pub fn set_timeouts(timeouts: Timeouts) -> Self {
        Self::new(cmd::SET_CONFIG, |attributes| {
            attributes.u32(attr::TIMEOUT_TCP, timeouts.tcp);
            attributes.u32(attr::TIMEOUT_TCP_FIN, timeouts.tcp_fin);
            attributes.u32(attr::TIMEOUT_UDP, timeouts.udp);
        })
    }

    /// The sync daemons that run (as a dump).
    pub fn sync_daemons() -> Self {
        Self::new(cmd::GET_DAEMON, |_| {})
    }

    /// Starts or stops a sync daemon.
    pub fn sync(op: &SyncOp) -> Self {
        let (number, role, spec) = match op {
            SyncOp::Start(role, spec) => (cmd::NEW_DAEMON, role, Some(spec)),
            SyncOp::Stop(role) => (cmd::DEL_DAEMON, role, None),
        };
        Self::new(number, |attributes| {
            attributes.nested(attr::DAEMON, |attributes| {
                let state = match role {
                    SyncRole::Master => sync::MASTER,
                    SyncRole::Backup => sync::BACKUP,
                };
                attributes.u32(daemon::STATE, state);
                if let Some(spec) = spec {
                    sync_spec(attributes, spec);
                }
            });
        })
    }

    /// Version and table size.
    pub fn info() -> Self {
        Self::new(cmd::GET_INFO, |_| {})
    }

    fn new(number: u8, fill: impl FnOnce(&mut Attributes)) -> Self {
        let mut attributes = Attributes::default();
        fill(&mut attributes);
        Self { number, attributes: attributes.0 }
    }

    fn service(number: u8, service: &ServiceKey, spec: Option<&ServiceSpec>) -> Self {
        Self::new(number, |attributes| {
            attributes.nested(attr::SERVICE, |attributes| {
                service_key(attributes, service);
                if let Some(spec) = spec {
                    service_spec(attributes, service.family(), spec);
                }
            });
        })
    }

    fn dest(number: u8, service: &ServiceKey, dest: &DestKey, spec: Option<&DestSpec>) -> Self {
        Self::new(number, |attributes| {
            attributes.nested(attr::SERVICE, |attributes| service_key(attributes, service));
            attributes.nested(attr::DEST, |attributes| {
                dest_key(attributes, dest);
                if let Some(spec) = spec {
                    dest_spec(attributes, spec);
                }
            });
        })
    }
}

impl GenlFamily for Command {
    fn family_name() -> &'static str {
        FAMILY_NAME
    }

    fn command(&self) -> u8 {
        self.number
    }

    fn version(&self) -> u8 {
        FAMILY_VERSION
    }
}

impl Emitable for Command {
    fn buffer_len(&self) -> usize {
        self.attributes.len()
    }

    fn emit(&self, buffer: &mut [u8]) {
        buffer.copy_from_slice(&self.attributes);
    }
}

fn service_key(attributes: &mut Attributes, service: &ServiceKey) {
    attributes.u16(svc::AF, family_number(service.family()));
    match service {
        ServiceKey::Address { protocol, address, port } => {
            attributes.u16(svc::PROTOCOL, protocol_number(*protocol));
            attributes.address(svc::ADDR, *address);
            attributes.port(svc::PORT, *port);
        }
        ServiceKey::Fwmark { mark, .. } => attributes.u32(svc::FWMARK, *mark),
    }
}

fn service_spec(attributes: &mut Attributes, family: Family, spec: &ServiceSpec) {
    attributes.text(svc::SCHED_NAME, &spec.scheduler);
    if let Some(engine) = spec.persistence.as_ref().and_then(|persistence| persistence.engine.as_ref()) {
        attributes.text(svc::PE_NAME, engine);
    }
    let SchedulerFlags { one_packet, flag_1, flag_2, flag_3 } = spec.flags;
    let flags = [
        (spec.persistence.is_some(), svc_flag::PERSISTENT),
        (one_packet, svc_flag::ONE_PACKET),
        (flag_1, svc_flag::SCHED1),
        (flag_2, svc_flag::SCHED2),
        (flag_3, svc_flag::SCHED3),
    ];
    let flags = flags.iter().filter(|(set, _)| *set).fold(0, |flags, (_, flag)| flags | flag);
    let all = u32::MAX;
    attributes.bytes(svc::FLAGS, &[flags.to_ne_bytes(), all.to_ne_bytes()].concat());
    attributes.u32(svc::TIMEOUT, spec.persistence.as_ref().map_or(0, |persistence| persistence.timeout));
    let granularity = spec.persistence.as_ref().map_or(Granularity::single(family), |p| p.granularity);
    match granularity {
        Granularity::Mask(mask) => attributes.bytes(svc::NETMASK, &mask.to_be_bytes()),
        Granularity::Prefix(length) => attributes.u32(svc::NETMASK, length.into()),
    }
}

fn sync_spec(attributes: &mut Attributes, spec: &SyncDaemonSpec) {
    attributes.text(daemon::MCAST_IFN, &spec.interface);
    attributes.u32(daemon::SYNC_ID, spec.id.into());
    if let Some(max_len) = spec.max_len {
        attributes.u16(daemon::SYNC_MAXLEN, max_len);
    }
    match spec.group {
        IpAddr::V4(group) => attributes.bytes(daemon::MCAST_GROUP, &group.octets()),
        IpAddr::V6(group) => attributes.bytes(daemon::MCAST_GROUP6, &group.octets()),
    }
    attributes.u16(daemon::MCAST_PORT, spec.port);
    attributes.u8(daemon::MCAST_TTL, spec.ttl);
}

fn dest_key(attributes: &mut Attributes, dest: &DestKey) {
    attributes.u16(dest::ADDR_FAMILY, family_number(Family::of(dest.address)));
    attributes.address(dest::ADDR, dest.address);
    attributes.port(dest::PORT, dest.port);
}

fn dest_spec(attributes: &mut Attributes, spec: &DestSpec) {
    let (method, tunnel) = match spec.forwarding {
        Forwarding::Masquerade => (fwd::MASQ, None),
        Forwarding::Local => (fwd::LOCAL, None),
        Forwarding::Tunnel(tunnel) => (fwd::TUNNEL, Some(tunnel)),
        Forwarding::DirectRoute => (fwd::DROUTE, None),
    };
    attributes.u32(dest::FWD_METHOD, method);
    attributes.u32(dest::WEIGHT, spec.weight);
    if let Some(tunnel) = tunnel {
        let (kind, port, checksum) = match tunnel {
            Tunnel::Ipip => (tun::IPIP, 0, TunnelChecksum::None),
            Tunnel::Gue { port, checksum } => (tun::GUE, port, checksum),
            Tunnel::Gre { checksum } => (tun::GRE, 0, checksum),
        };
        attributes.u8(dest::TUN_TYPE, kind);
        attributes.port(dest::TUN_PORT, port);
        let flags = match checksum {
            TunnelChecksum::None => 0,
            TunnelChecksum::Full => tun::CSUM,
            TunnelChecksum::Remote => tun::REMCSUM,
        };
        attributes.u16(dest::TUN_FLAGS, flags);
    }
    attributes.u32(dest::U_THRESH, spec.upper_threshold);
    attributes.u32(dest::L_THRESH, spec.lower_threshold);
}

const fn family_number(family: Family) -> u16 {
    match family {
        Family::V4 => AF_INET,
        Family::V6 => AF_INET6,
    }
}

const fn protocol_number(protocol: Protocol) -> u16 {
    match protocol {
        Protocol::Tcp => IPPROTO_TCP,
        Protocol::Udp => IPPROTO_UDP,
        Protocol::Sctp => IPPROTO_SCTP,
    }
}
