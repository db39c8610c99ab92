//! `ha_suspend`: checks run while this host has the address of their virtual server.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod world;

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use checker::{Event, Input, VirtualServerSpec};
use world::*;

fn suspendable() -> VirtualServerSpec {
    VirtualServerSpec { ha_suspend: true, ..virtual_server(vec![checked(1), alpha(2)]) }
}

fn here(addresses: &[&str]) -> Input {
    Input::Here(addresses.iter().map(|it| it.parse::<IpAddr>().unwrap()).collect::<BTreeSet<_>>())
}

#[test]
fn nobody_is_asked_until_the_address_comes_and_servers_are_as_configured() {
    let mut world = World::with(&[suspendable()]);
    world.run_to(10_500);
    assert_eq!(world.starts, []);
    assert_eq!((world.is_up(key(1)), world.is_up(key(2))), (true, false));
    assert_eq!(world.quorums, [(0, true, 1)]);
    world.input(here(&["192.0.2.1", "10.0.0.1"]));
    world.run_to(14_000);
    // Due at 1, 5, 9 and 13, as it would have been with the address.
    assert_eq!(world.starts_of(target(1)), [13_000]);
    assert_eq!(world.health_of(key(1)).last(), Some(&(13_000, false)), "the first failure is enough");
}

#[test]
fn when_the_address_goes_everything_stays_as_it_is() {
    let mut world = World::new();
    world.input(here(&["10.0.0.1"]));
    world.configure(&[suspendable()]);
    world.open(target(1));
    world.run_to(2_000);
    world.input(here(&[]));
    world.close(target(1));
    world.open(target(2));
    world.run_to(60_000);
    assert_eq!(world.starts_of(target(1)), [1_000]);
    assert_eq!((world.is_up(key(1)), world.is_up(key(2))), (true, false));
    world.input(here(&["10.0.0.1"]));
    world.run_to(70_000);
    assert_eq!((world.is_up(key(1)), world.is_up(key(2))), (false, true));
    // The failures of a row are counted as ever: 61, 62.5, 64.
    assert_eq!(world.health_of(key(1)).last(), Some(&(64_000, false)));
}

#[test]
fn a_run_in_flight_ends_and_counts() {
    let mut world = World::new();
    world.input(here(&["10.0.0.1"]));
    world.configure(&[suspendable()]);
    world.answer(target(1), TIMED_OUT, Duration::from_secs(3));
    world.run_to(2_000);
    world.input(here(&[]));
    world.run_to(20_000);
    assert_eq!(world.health_of(key(1)), [(0, true), (4_000, false)]);
}

#[test]
fn each_change_is_told_once_and_other_addresses_do_not_matter() {
    let mut world = World::with(&[suspendable()]);
    for addresses in [&["10.0.0.2"][..], &["10.0.0.1"], &["10.0.0.1", "::1"], &[]] {
        world.input(here(addresses));
    }
    let told = world.events.iter().filter_map(|(_, event)| match event {
        Event::Suspended { yes, .. } => Some(*yes),
        _ => None,
    });
    assert_eq!(told.collect::<Vec<_>>(), [true, false, true]);
}

#[test]
fn a_group_is_checked_with_any_of_its_addresses_and_marks_alone_always() {
    let mut group = suspendable();
    group.services.push(ipvs::ServiceKey::Address {
        protocol: ipvs::Protocol::Tcp,
        address: "10.0.0.9".parse().unwrap(),
        port: 80,
    });
    let mut world = World::with(&[group]);
    world.input(here(&["10.0.0.9"]));
    world.run_to(1_000);
    assert_eq!(world.starts.len(), 2);
    let mark = ipvs::ServiceKey::Fwmark { mark: 7, family: ipvs::Family::V4 };
    let mut world = World::with(&[VirtualServerSpec { services: vec![mark], ..suspendable() }]);
    world.run_to(1_000);
    assert_eq!(world.starts.len(), 2);
}

#[test]
fn a_virtual_server_without_ha_suspend_does_not_care_where_its_address_is() {
    let mut world = World::with(&[virtual_server(vec![checked(1)])]);
    world.run_to(1_000);
    assert_eq!(world.starts.len(), 1);
}
