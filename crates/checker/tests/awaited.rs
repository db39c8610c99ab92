//! Servers that begin down and are in the table that a predecessor left: which of them stay, and how long.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod world;

use std::net::IpAddr;
use std::time::Duration;

use checker::{Outcome, RealServerSpec, VirtualServerSpec};
use ipvs::Dests;
use world::*;

/// Asks every second and fails at the first failure.
fn quick(host: u8) -> RealServerSpec {
    let mut server = RealServerSpec { dest: dest(u32::from(host)), ..alpha(host) };
    server.checks[0].retry = 0;
    server.checks[0].delay_loop = Duration::from_secs(1).into();
    server
}

/// What stays of these, as a table shows it.
fn staying(world: &World, found: &[(u8, u32)]) -> String {
    let found: Dests = found.iter().map(|(host, weight)| (key(*host), dest(*weight))).collect();
    let stays = world.scheduler.awaited(&VIP, &VIP, &found).into_iter().map(|(key, dest)| {
        let IpAddr::V4(address) = key.address else { panic!("an IPv6 destination") };
        format!("{}={}", address.octets()[3], dest.weight)
    });
    stays.collect::<Vec<_>>().join(" ")
}

/// The second is up after 1 s, and the third down; the first answers after 4 s.
fn begin(spec: VirtualServerSpec, first: Outcome) -> World {
    let mut world = World::with(&[spec]);
    world.answer(target(1), first, Duration::from_secs(3));
    world.open(target(2));
    world.close(target(3));
    world
}

#[test]
fn what_is_found_stays_as_the_file_has_it_but_without_weight_where_it_had_none() {
    let world = begin(virtual_server(vec![quick(1), quick(2), quick(3)]), REFUSED);
    assert_eq!(staying(&world, &[(1, 7), (2, 0)]), "1=1 2=0");
    assert_eq!(staying(&world, &[]), "");
    assert_eq!(staying(&world, &[(9, 1)]), "", "nobody's");
}

#[test]
fn a_server_that_is_judged_stays_no_longer() {
    const ALL: &[(u8, u32)] = &[(1, 1), (2, 2), (3, 3)];
    for (first, up) in [(Outcome::Success, "1=1 2=2"), (REFUSED, "2=2")] {
        let mut world = begin(virtual_server(vec![quick(1), quick(2), quick(3)]), first);
        assert_eq!(staying(&world, ALL), "1=1 2=2 3=3");
        world.run_to(3_000);
        assert_eq!((staying(&world, ALL), world.table()), ("1=1".to_owned(), "2=2".to_owned()));
        world.run_to(6_000);
        assert_eq!((staying(&world, ALL), world.table()), (String::new(), up.to_owned()));
    }
}

#[test]
fn a_server_that_is_up_stays_without_the_quorum_while_another_is_awaited() {
    let spec = VirtualServerSpec {
        quorum: 3,
        sorry_server: Some(sorry(8)),
        ..virtual_server(vec![quick(1), quick(2), quick(3)])
    };
    for (first, table) in [(Outcome::Success, "1=1 2=2"), (REFUSED, "8=1")] {
        let mut world = begin(spec.clone(), first);
        world.run_to(3_000);
        assert_eq!(world.table(), "8=1");
        assert_eq!(staying(&world, &[(1, 1), (2, 2), (3, 3)]), "1=1 2=2");
        world.run_to(6_000);
        assert_eq!(world.table(), table);
        assert_eq!(staying(&world, &[(1, 1), (2, 2), (3, 3)]), "");
    }
}

#[test]
fn a_server_that_begins_up_has_nothing_to_wait_for() {
    let world = World::with(&[virtual_server(vec![checked(1)])]);
    assert_eq!(staying(&world, &[(1, 1)]), "");
}

#[test]
fn a_server_with_a_verdict_of_one_check_waits_for_that_of_the_other_unless_it_is_bad() {
    for (second, stays) in [(Outcome::Success, "1=1"), (REFUSED, "")] {
        let mut server = quick(1);
        let other = server.checks[0].clone();
        server.checks.push(checker::CheckSpec { probe: quick(2).checks[0].probe.clone(), ..other });
        let mut world = World::with(&[virtual_server(vec![server])]);
        world.answer(target(1), Outcome::Success, Duration::from_secs(3));
        world.answer(target(2), second, Duration::ZERO);
        world.run_to(2_000);
        assert_eq!(staying(&world, &[(1, 1)]), stays);
    }
}
