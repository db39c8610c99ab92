//! Any table and any change, from few enough keys that two of them have much in common.

use std::net::{Ipv4Addr, Ipv6Addr};

use ipvs::{
    DestKey, DestSpec, Family, Forwarding, Granularity, Op, Persistence, Protocol, SchedulerFlags, Service,
    ServiceKey, ServiceSpec, Table, Tunnel, TunnelChecksum,
};
use proptest::prelude::*;
use proptest::sample::select;

use crate::model::{ENGINE, SCHEDULERS};

/// A key of the few.
pub fn service_key() -> impl Strategy<Value = ServiceKey> + Clone {
    let v4 = Ipv4Addr::new(192, 0, 2, 1).into();
    let v6 = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1).into();
    let at = |protocol, address, port| ServiceKey::Address { protocol, address, port };
    select(vec![
        at(Protocol::Tcp, v4, 80),
        at(Protocol::Udp, v4, 80),
        at(Protocol::Tcp, v4, 0),
        at(Protocol::Sctp, v6, 80),
        ServiceKey::Fwmark { mark: 7, family: Family::V4 },
        ServiceKey::Fwmark { mark: 7, family: Family::V6 },
    ])
}

fn dest_key(family: Family) -> impl Strategy<Value = DestKey> + Clone {
    let address = move |host: u8| match family {
        Family::V4 => Ipv4Addr::new(10, 0, 0, host).into(),
        Family::V6 => Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 1, host.into()).into(),
    };
    (1..5_u8, select(vec![0_u16, 80])).prop_map(move |(host, port)| DestKey { address: address(host), port })
}

const fn other(family: Family) -> Family {
    match family {
        Family::V4 => Family::V6,
        Family::V6 => Family::V4,
    }
}

/// Settings that the kernel takes.
pub fn service_spec(family: Family) -> impl Strategy<Value = ServiceSpec> + Clone {
    let flags = any::<[bool; 4]>().prop_map(|[one_packet, flag_1, flag_2, flag_3]| SchedulerFlags {
        one_packet,
        flag_1,
        flag_2,
        flag_3,
    });
    let granularity = match family {
        Family::V4 => any::<u32>().prop_map(Granularity::Mask).boxed(),
        Family::V6 => (1..=128_u8).prop_map(Granularity::Prefix).boxed(),
    };
    let engine = proptest::option::of(Just(ENGINE.to_owned()));
    let persistence = (1..=2_678_400_u32, granularity, engine)
        .prop_map(|(timeout, granularity, engine)| Persistence { timeout, granularity, engine });
    (select(&SCHEDULERS[..]), flags, proptest::option::of(persistence)).prop_map(
        |(scheduler, flags, persistence)| ServiceSpec { scheduler: scheduler.into(), flags, persistence },
    )
}

fn tunnel() -> impl Strategy<Value = Forwarding> + Clone {
    let checksum = select(vec![TunnelChecksum::None, TunnelChecksum::Full, TunnelChecksum::Remote]);
    let tunnel = prop_oneof![
        Just(Tunnel::Ipip),
        (1..=u16::MAX, checksum.clone()).prop_map(|(port, checksum)| Tunnel::Gue { port, checksum }),
        checksum.prop_map(|checksum| Tunnel::Gre { checksum }),
    ];
    tunnel.prop_map(Forwarding::Tunnel)
}

/// A destination that the kernel takes into a service of this family. Half of them have weight 0.
pub fn dest(family: Family) -> impl Strategy<Value = (DestKey, DestSpec)> + Clone {
    let plain = select(vec![Forwarding::Masquerade, Forwarding::DirectRoute, Forwarding::Local]);
    let any_method = prop_oneof![plain, tunnel()];
    let reached = prop_oneof![
        4 => (dest_key(family), any_method),
        1 => (dest_key(other(family)), tunnel()),
    ];
    let weight = prop_oneof![4 => Just(0), 4 => 1..100_u32, 1 => Just(i32::MAX.unsigned_abs())];
    let thresholds =
        prop_oneof![Just((0, 0)), (any::<u32>(), any::<u32>()).prop_map(|(a, b)| (a.max(b), a.min(b)))];
    (reached, weight, thresholds).prop_map(
        |((key, forwarding), weight, (upper_threshold, lower_threshold))| {
            (key, DestSpec { weight, forwarding, upper_threshold, lower_threshold })
        },
    )
}

/// A table that the kernel takes.
pub fn table() -> impl Strategy<Value = Table> + Clone {
    let service = |key: ServiceKey| {
        let dests = proptest::collection::vec(dest(key.family()), 0..5);
        (service_spec(key.family()), dests)
            .prop_map(move |(spec, dests)| (key, Service { spec, dests: dests.into_iter().collect() }))
    };
    proptest::collection::vec(service_key().prop_flat_map(service), 0..6)
        .prop_map(|services| Table { services: services.into_iter().collect() })
}

/// A change, most often one that the kernel could make if the entry is there or not, as it takes; at times
/// with a setting that it takes in no case.
pub fn op() -> impl Strategy<Value = Op> + Clone {
    service_key().prop_flat_map(|service| {
        let family = service.family();
        prop_oneof![
            6 => service_spec(family).prop_map(move |spec| Op::AddService { service, spec }),
            6 => service_spec(family).prop_map(move |spec| Op::EditService { service, spec }),
            1 => Just(Op::DeleteService { service }),
            9 => dest(family).prop_map(move |(dest, spec)| Op::AddDest { service, dest, spec }),
            9 => dest(family).prop_map(move |(dest, spec)| Op::EditDest { service, dest, spec }),
            6 => dest(family).prop_map(move |(dest, _)| Op::DeleteDest { service, dest }),
            1 => unfit_service(family).prop_map(move |spec| Op::AddService { service, spec }),
            1 => unfit_service(family).prop_map(move |spec| Op::EditService { service, spec }),
            1 => unfit_dest(family).prop_map(move |(dest, spec)| Op::AddDest { service, dest, spec }),
            1 => unfit_dest(family).prop_map(move |(dest, spec)| Op::EditDest { service, dest, spec }),
        ]
    })
}

fn unfit_service(family: Family) -> impl Strategy<Value = ServiceSpec> + Clone {
    let nonsense = || "nonsense".to_owned();
    (service_spec(family), 0..3_u8).prop_map(move |(mut spec, slip)| {
        let engine = (slip == 1).then(nonsense);
        let granularity = match (slip, family) {
            (2, Family::V6) => Granularity::Prefix(129),
            _ => Granularity::single(family),
        };
        spec.persistence = Some(Persistence { timeout: 1, granularity, engine });
        if slip == 0 {
            spec.scheduler = nonsense().into();
        }
        spec
    })
}

fn unfit_dest(family: Family) -> impl Strategy<Value = (DestKey, DestSpec)> + Clone {
    (dest(family), dest_key(other(family)), 0..4_u8).prop_map(|((mut key, mut spec), foreign, slip)| {
        match slip {
            0 => (key, spec.forwarding) = (foreign, Forwarding::Masquerade),
            1 => spec.weight = 1 << 31,
            2 => (spec.upper_threshold, spec.lower_threshold) = (1, 2),
            _ => {
                let checksum = TunnelChecksum::None;
                spec.forwarding = Forwarding::Tunnel(Tunnel::Gue { port: 0, checksum });
            }
        }
        (key, spec)
    })
}
