//! One change of the kernel's table.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::table::{
    DestKey, DestSpec, Dests, Forwarding, Granularity, Protocol, SchedulerFlags, Service, ServiceKey,
    ServiceSpec, Table, Tunnel, TunnelChecksum,
};

/// One change. Its `Display` is the line that `ipvsadm --restore` takes for it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Op {
    /// A new service, without destinations.
    AddService {
        /// Which one.
        service: ServiceKey,
        /// Its settings.
        spec: ServiceSpec,
    },
    /// Other settings for a service; its destinations and connections stay.
    EditService {
        /// Which one.
        service: ServiceKey,
        /// All its settings.
        spec: ServiceSpec,
    },
    /// The end of a service and of all destinations in it.
    DeleteService {
        /// Which one.
        service: ServiceKey,
    },
    /// A new destination.
    AddDest {
        /// Of which service.
        service: ServiceKey,
        /// Which one.
        dest: DestKey,
        /// Its settings.
        spec: DestSpec,
    },
    /// Other settings for a destination; its connections stay.
    EditDest {
        /// Of which service.
        service: ServiceKey,
        /// Which one.
        dest: DestKey,
        /// All its settings.
        spec: DestSpec,
    },
    /// The end of a destination.
    DeleteDest {
        /// Of which service.
        service: ServiceKey,
        /// Which one.
        dest: DestKey,
    },
}

impl Op {
    /// The service that it changes.
    pub const fn service(&self) -> ServiceKey {
        match self {
            Self::AddService { service, .. }
            | Self::EditService { service, .. }
            | Self::DeleteService { service }
            | Self::AddDest { service, .. }
            | Self::EditDest { service, .. }
            | Self::DeleteDest { service, .. } => *service,
        }
    }

    /// Makes the change in `table`, as the kernel does when it carries the change out.
    pub fn take_effect(&self, table: &mut Table) {
        match self {
            Self::AddService { service, spec } | Self::EditService { service, spec } => {
                table
                    .services
                    .entry(*service)
                    .and_modify(|entry| entry.spec = spec.clone())
                    .or_insert_with(|| Service { spec: spec.clone(), dests: Dests::new() });
            }
            Self::DeleteService { service } => {
                table.services.remove(service);
            }
            Self::AddDest { service, dest, spec } | Self::EditDest { service, dest, spec } => {
                if let Some(entry) = table.services.get_mut(service) {
                    entry.dests.insert(*dest, spec.clone());
                }
            }
            Self::DeleteDest { service, dest } => {
                if let Some(entry) = table.services.get_mut(service) {
                    entry.dests.remove(dest);
                }
            }
        }
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AddService { service, spec } => {
                write!(f, "-A {}{}", Virtual(*service), ServiceOptions(spec))
            }
            Self::EditService { service, spec } => {
                write!(f, "-E {}{}", Virtual(*service), ServiceOptions(spec))
            }
            Self::DeleteService { service } => write!(f, "-D {}", Virtual(*service)),
            Self::AddDest { service, dest, spec } => {
                write!(f, "-a {} -r {}{}", Virtual(*service), Real(*dest), DestOptions(spec))
            }
            Self::EditDest { service, dest, spec } => {
                write!(f, "-e {} -r {}{}", Virtual(*service), Real(*dest), DestOptions(spec))
            }
            Self::DeleteDest { service, dest } => write!(f, "-d {} -r {}", Virtual(*service), Real(*dest)),
        }
    }
}

struct Virtual(ServiceKey);

impl fmt::Display for Virtual {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            ServiceKey::Address { protocol, address, port } => {
                let option = match protocol {
                    Protocol::Tcp => "-t",
                    Protocol::Udp => "-u",
                    Protocol::Sctp => "--sctp-service",
                };
                write!(f, "{option} {}", Real(DestKey { address, port }))
            }
            ServiceKey::Fwmark { mark, family } => {
                write!(f, "-f {mark}")?;
                if family == crate::Family::V6 { write!(f, " -6") } else { Ok(()) }
            }
        }
    }
}

struct Real(DestKey);

impl fmt::Display for Real {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", std::net::SocketAddr::new(self.0.address, self.0.port))
    }
}

struct ServiceOptions<'a>(&'a ServiceSpec);

impl fmt::Display for ServiceOptions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ServiceSpec { scheduler, flags, persistence } = self.0;
        write!(f, " -s {scheduler}")?;
        if let Some(persistence) = persistence {
            write!(f, " -p {}", persistence.timeout)?;
            match persistence.granularity {
                Granularity::Mask(u32::MAX) | Granularity::Prefix(128) => {}
                Granularity::Mask(mask) => write!(f, " -M {}", std::net::Ipv4Addr::from_bits(mask))?,
                Granularity::Prefix(length) => write!(f, " -M {length}")?,
            }
            if let Some(engine) = &persistence.engine {
                write!(f, " --pe {engine}")?;
            }
        }
        if flags.one_packet {
            write!(f, " -o")?;
        }
        let SchedulerFlags { flag_1, flag_2, flag_3, .. } = *flags;
        let [name_1, name_2] = match scheduler.as_str() {
            "sh" => ["sh-fallback", "sh-port"],
            "mh" => ["mh-fallback", "mh-port"],
            _ => ["flag-1", "flag-2"],
        };
        let flags = [(flag_1, name_1), (flag_2, name_2), (flag_3, "flag-3")];
        let names: Vec<_> = flags.into_iter().filter_map(|(set, name)| set.then_some(name)).collect();
        if names.is_empty() { Ok(()) } else { write!(f, " -b {}", names.join(",")) }
    }
}

struct DestOptions<'a>(&'a DestSpec);

impl fmt::Display for DestOptions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let DestSpec { weight, forwarding, upper_threshold, lower_threshold } = *self.0;
        let (method, tunnel) = match forwarding {
            Forwarding::Masquerade => ("-m", None),
            // ipvsadm has no option for it, and shows it so.
            Forwarding::DirectRoute | Forwarding::Local => ("-g", None),
            Forwarding::Tunnel(tunnel) => ("-i", Some(tunnel)),
        };
        write!(f, " {method} -w {weight}")?;
        if upper_threshold > 0 {
            write!(f, " -x {upper_threshold}")?;
        }
        if lower_threshold > 0 {
            write!(f, " -y {lower_threshold}")?;
        }
        match tunnel {
            None => Ok(()),
            Some(Tunnel::Ipip) => write!(f, " --tun-type ipip"),
            Some(Tunnel::Gue { port, checksum }) => {
                write!(f, " --tun-type gue --tun-port {port} {}", checksum_option(checksum))
            }
            Some(Tunnel::Gre { checksum }) => write!(f, " --tun-type gre {}", checksum_option(checksum)),
        }
    }
}

const fn checksum_option(checksum: TunnelChecksum) -> &'static str {
    match checksum {
        TunnelChecksum::None => "--tun-nocsum",
        TunnelChecksum::Full => "--tun-csum",
        TunnelChecksum::Remote => "--tun-remcsum",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Family;

    /// These lines were fed to `ipvsadm --restore` (1.31) in this order, which took them all.
    #[test]
    fn a_change_reads_as_the_line_that_ipvsadm_takes() {
        let service = ServiceKey::Address {
            protocol: Protocol::Tcp,
            address: "2001:db8::1".parse().unwrap(),
            port: 80,
        };
        let mark = ServiceKey::Fwmark { mark: 9, family: Family::V6 };
        let dest = DestKey { address: "2001:db8::9".parse().unwrap(), port: 80 };
        let spec =
            ServiceSpec { scheduler: "wlc".into(), flags: SchedulerFlags::default(), persistence: None };
        let limited = DestSpec {
            weight: 5,
            forwarding: Forwarding::Tunnel(Tunnel::Gue { port: 6080, checksum: TunnelChecksum::Full }),
            upper_threshold: 90,
            lower_threshold: 40,
        };
        let plain = DestSpec {
            weight: 0,
            forwarding: Forwarding::DirectRoute,
            upper_threshold: 0,
            lower_threshold: 0,
        };
        let ops = [
            Op::AddService { service, spec: spec.clone() },
            Op::AddService { service: mark, spec: spec.clone() },
            Op::EditService { service, spec: ServiceSpec { scheduler: "rr".into(), ..spec } },
            Op::AddDest { service, dest, spec: limited },
            Op::EditDest { service, dest, spec: plain },
            Op::DeleteDest { service, dest },
            Op::DeleteService { service },
            Op::DeleteService { service: mark },
        ];
        let lines = [
            "-A -t [2001:db8::1]:80 -s wlc",
            "-A -f 9 -6 -s wlc",
            "-E -t [2001:db8::1]:80 -s rr",
            "-a -t [2001:db8::1]:80 -r [2001:db8::9]:80 -i -w 5 -x 90 -y 40 --tun-type gue --tun-port 6080 --tun-csum",
            "-e -t [2001:db8::1]:80 -r [2001:db8::9]:80 -g -w 0",
            "-d -t [2001:db8::1]:80 -r [2001:db8::9]:80",
            "-D -t [2001:db8::1]:80",
            "-D -f 9 -6",
        ];
        assert_eq!(ops.map(|op| op.to_string()), lines);
    }
}
