//! `nftables_ipvs`: a virtual server whose group has addresses becomes one service with a firewall mark of its own.
//!
//! **A virtual server keeps its mark as long as it is there**, whatever comes and goes around it: its connections belong to
//! the service of that mark. Marks count up from `nftables_ipvs_start_fwmark`. As with keepalived 2.2.7, a group with marks
//! of its own stays as it is; unlike there, a mark that the file itself uses is passed over.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use checker::VirtualServerSpec;
use config::model::IpvsNftables;
use ipvs::{Family, Protocol, ServiceKey};
use serde::{Deserialize, Serialize};

/// Packets that get a mark, as [`net::MarkedRange`] has them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Marked {
    protocol: u8,
    first: IpAddr,
    last: IpAddr,
    ports: (u16, u16),
    mark: u32,
}

impl From<&Marked> for net::MarkedRange {
    fn from(marked: &Marked) -> Self {
        let Marked { protocol, first, last, ports, mark } = *marked;
        Self { protocol, first, last, ports, mark }
    }
}

/// Which virtual server: group, protocol, and how many of both stand before it.
type Identity = (String, Protocol, usize);

/// The marks that are given.
#[derive(Default)]
pub struct Marks {
    given: BTreeMap<Identity, u32>,
}

impl Marks {
    /// Gives the virtual servers of groups marks in the place of their addresses, and says what is to be marked.
    pub fn assign(&mut self, settings: &IpvsNftables, servers: &mut [VirtualServerSpec]) -> Vec<Marked> {
        let before = std::mem::take(&mut self.given);
        if !settings.enabled {
            return Vec::new();
        }
        let mut used: BTreeSet<u32> =
            servers.iter().flat_map(|server| &server.services).filter_map(mark).collect();
        let mapped = identities(servers);
        for (_, identity) in &mapped {
            if let Some(mark) =
                before.get(identity).filter(|mark| **mark >= settings.first_mark && used.insert(**mark))
            {
                self.given.insert(identity.clone(), *mark);
            }
        }
        let mut places = Places::new();
        let mut next = settings.first_mark;
        for (at, identity) in mapped {
            let mark = *self.given.entry(identity).or_insert_with(|| {
                while !used.insert(next) {
                    next = next.checked_add(1).unwrap_or(1);
                }
                next
            });
            let Some(server) = servers.get_mut(at) else { continue };
            let addresses = std::mem::take(&mut server.services);
            let families: BTreeSet<Family> = addresses.iter().map(ServiceKey::family).collect();
            server.services =
                families.into_iter().map(|family| ServiceKey::Fwmark { mark, family }).collect();
            for service in addresses {
                if let ServiceKey::Address { protocol, address, port } = service {
                    // Of two that want the same the first has it, as with keepalived.
                    places.entry((number(protocol), address)).or_default().entry(port).or_insert(mark);
                }
            }
        }
        ranges(places)
    }
}

/// By protocol and address: the port, 0 for all others, and its mark.
type Places = BTreeMap<(u8, IpAddr), BTreeMap<u16, u32>>;

/// The virtual servers that get marks, by their place.
fn identities(servers: &[VirtualServerSpec]) -> Vec<(usize, Identity)> {
    let mut count = BTreeMap::<(&str, Protocol), usize>::new();
    let mut found = Vec::new();
    for (at, server) in servers.iter().enumerate() {
        let Some(group) = &server.group else { continue };
        let Some(ServiceKey::Address { protocol, .. }) = server.services.first() else { continue };
        if server.services.iter().any(|service| mark(service).is_some()) {
            continue;
        }
        let count = count.entry((group, *protocol)).or_default();
        found.push((at, (group.to_string(), *protocol, *count)));
        *count += 1;
    }
    found
}

const fn mark(service: &ServiceKey) -> Option<u32> {
    match service {
        ServiceKey::Fwmark { mark, .. } => Some(*mark),
        ServiceKey::Address { .. } => None,
    }
}

const fn number(protocol: Protocol) -> u8 {
    match protocol {
        Protocol::Tcp => 6,
        Protocol::Udp => 17,
        Protocol::Sctp => 132,
    }
}

/// Neighbouring addresses with the same ports and marks are one range; ranges do not overlap.
fn ranges(places: Places) -> Vec<Marked> {
    // By protocol, family, ports and mark: the addresses, in order.
    let mut alike = BTreeMap::<(u8, bool, (u16, u16), u32), Vec<IpAddr>>::new();
    for ((protocol, address), ports) in places {
        for (ports, mark) in spans(&ports) {
            alike.entry((protocol, address.is_ipv6(), ports, mark)).or_default().push(address);
        }
    }
    let mut ranges = Vec::<Marked>::new();
    for ((protocol, _, ports, mark), addresses) in alike {
        let begin = ranges.len();
        for address in addresses {
            match ranges.get_mut(begin..).and_then(<[Marked]>::last_mut) {
                Some(range) if follows(range.last, address) => range.last = address,
                _ => ranges.push(Marked { protocol, first: address, last: address, ports, mark }),
            }
        }
    }
    ranges
}

/// The ports of one address, those that only 0 stands for included.
fn spans(ports: &BTreeMap<u16, u32>) -> Vec<((u16, u16), u32)> {
    let mut spans = Vec::new();
    let others = ports.get(&0).copied();
    // The first port that no span has yet; none: there is none left.
    let mut free = Some(0_u16);
    for (&port, &mark) in ports.iter().filter(|(port, _)| **port != 0) {
        spans.extend(
            others.zip(free.filter(|free| *free < port)).map(|(mark, free)| ((free, port - 1), mark)),
        );
        spans.push(((port, port), mark));
        free = port.checked_add(1);
    }
    spans.extend(others.zip(free).map(|(mark, free)| ((free, u16::MAX), mark)));
    spans
}

fn follows(before: IpAddr, after: IpAddr) -> bool {
    match (before, after) {
        (IpAddr::V4(before), IpAddr::V4(after)) => before.to_bits().checked_add(1) == Some(after.to_bits()),
        (IpAddr::V6(before), IpAddr::V6(after)) => before.to_bits().checked_add(1) == Some(after.to_bits()),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use ipvs::{SchedulerFlags, ServiceSpec};

    use super::*;

    const SETTINGS: fn() -> IpvsNftables = || IpvsNftables { enabled: true, ..IpvsNftables::default() };

    fn server(group: &str, protocol: Protocol, addresses: &[(&str, u16)]) -> VirtualServerSpec {
        let key = |(address, port): &(&str, u16)| ServiceKey::Address {
            protocol,
            address: address.parse().unwrap(),
            port: *port,
        };
        VirtualServerSpec {
            name: format!("group {group}"),
            snmp_name: None,
            group: Some(group.into()),
            services: addresses.iter().map(key).collect(),
            service: ServiceSpec {
                scheduler: "rr".into(),
                flags: SchedulerFlags::default(),
                persistence: None,
            },
            quorum: 1,
            hysteresis: 0,
            alpha: false,
            ha_suspend: false,
            omega: false,
            sorry_server: None,
            real_servers: Vec::new(),
        }
    }

    fn marks_of(servers: &[VirtualServerSpec]) -> Vec<Option<u32>> {
        servers.iter().map(|server| server.services.first().and_then(mark)).collect()
    }

    fn shown(marked: &[Marked]) -> Vec<String> {
        let show = |it: &Marked| {
            format!("{} {}-{} {}-{} {}", it.protocol, it.first, it.last, it.ports.0, it.ports.1, it.mark)
        };
        marked.iter().map(show).collect()
    }

    #[test]
    fn each_virtual_server_of_a_group_of_addresses_gets_a_mark_in_the_order_of_the_file() {
        let mut own = server("M", Protocol::Tcp, &[("10.0.0.9", 80)]);
        own.services.push(ServiceKey::Fwmark { mark: 1001, family: Family::V4 });
        let mut servers = [
            server("A", Protocol::Tcp, &[("10.0.0.1", 80), ("10.0.0.2", 80), ("10.0.0.4", 443)]),
            own,
            server("B", Protocol::Udp, &[("fd00::1", 53)]),
            server("A", Protocol::Tcp, &[("10.0.0.1", 80)]),
        ];
        let marked = Marks::default().assign(&SETTINGS(), &mut servers);
        // 1001 is used by the file.
        assert_eq!(marks_of(&servers), [Some(1000), None, Some(1002), Some(1003)]);
        assert_eq!(servers[2].services, [ServiceKey::Fwmark { mark: 1002, family: Family::V6 }]);
        assert_eq!(
            shown(&marked),
            [
                "6 10.0.0.1-10.0.0.2 80-80 1000",
                "6 10.0.0.4-10.0.0.4 443-443 1000",
                "17 fd00::1-fd00::1 53-53 1002"
            ]
        );
    }

    #[test]
    fn a_mark_stays_with_its_virtual_server_over_a_reload() {
        let [a, b, c] = ["A", "B", "C"].map(|group| server(group, Protocol::Tcp, &[("10.0.0.1", 80)]));
        let mut marks = Marks::default();
        let mut before = [a.clone(), b];
        marks.assign(&SETTINGS(), &mut before);
        assert_eq!(marks_of(&before), [Some(1000), Some(1001)]);
        let mut after = [c, before[1].clone()];
        after[1].services = a.services;
        marks.assign(&SETTINGS(), &mut after);
        assert_eq!(marks_of(&after), [Some(1000), Some(1001)]);
    }

    #[test]
    fn an_address_without_port_stands_for_all_that_are_not_named() {
        let mut servers = [
            server("A", Protocol::Tcp, &[("10.0.0.1", 0), ("10.0.0.2", 0)]),
            server("B", Protocol::Tcp, &[("10.0.0.1", 80), ("10.0.0.1", 65_535)]),
        ];
        let marked = Marks::default().assign(&SETTINGS(), &mut servers);
        assert_eq!(
            shown(&marked),
            [
                "6 10.0.0.1-10.0.0.1 0-79 1000",
                "6 10.0.0.2-10.0.0.2 0-65535 1000",
                "6 10.0.0.1-10.0.0.1 80-80 1001",
                "6 10.0.0.1-10.0.0.1 81-65534 1000",
                "6 10.0.0.1-10.0.0.1 65535-65535 1001"
            ]
        );
    }

    #[test]
    fn without_nftables_ipvs_nothing_gets_a_mark() {
        let mut servers = [server("A", Protocol::Tcp, &[("10.0.0.1", 80)])];
        let as_before = servers.clone();
        assert_eq!(Marks::default().assign(&IpvsNftables::default(), &mut servers), []);
        assert_eq!(servers, as_before);
    }
}
