//! Weights that checks give to their servers (`misc_dynamic`), as keepalived 2.2.7 was seen to.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod world;

use std::time::Duration;

use checker::{CheckSpec, Outcome, RealServerSpec, VirtualServerSpec};
use world::{REFUSED, VIP, World, at_port, check, dest, key, server, sorry, target, virtual_server};

/// A server of weight 10 with two checks, on ports 80 and 81.
fn weighed() -> RealServerSpec {
    let checks = [80, 81].map(|port| CheckSpec { retry: 0, ..check(at_port(1, port)) });
    RealServerSpec { dest: dest(10), ..server(1, checks.to_vec()) }
}

fn world(spec: &VirtualServerSpec) -> World {
    let mut world = World::with(std::slice::from_ref(spec));
    world.open(target(1));
    world.open(at_port(1, 81));
    world.run_to(2000);
    world
}

fn say(world: &mut World, port: u16, outcome: Outcome, until: u64) {
    world.answer(at_port(1, port), outcome, Duration::ZERO);
    world.run_to(until);
}

#[test]
fn a_check_sets_the_weight_and_plain_success_sets_it_back() {
    let mut world = world(&virtual_server(vec![weighed()]));
    assert_eq!(world.table(), "1=10");
    say(&mut world, 80, Outcome::Weight(5), 6000);
    assert_eq!(world.table(), "1=5");
    say(&mut world, 80, Outcome::Success, 10_000);
    assert_eq!(world.table(), "1=10");
    say(&mut world, 80, Outcome::Weight(253), 14_000);
    assert_eq!(world.table(), "1=253");
    assert_eq!(world.weights, [(5000, key(1), 5), (9000, key(1), 10), (13_000, key(1), 253)]);
}

#[test]
fn what_several_checks_add_or_take_adds_up_and_stops_at_nothing() {
    let mut world = world(&virtual_server(vec![weighed()]));
    for (until, first, second, sum) in
        [(6000, 5, 7, 2), (10_000, 5, 10, 5), (14_000, 28, 10, 28), (18_000, 0, 0, 0)]
    {
        world.answer(at_port(1, 80), Outcome::Weight(first), Duration::ZERO);
        say(&mut world, 81, Outcome::Weight(second), until);
        assert_eq!(world.table(), format!("1={sum}"));
    }
}

#[test]
fn a_server_that_is_down_comes_back_with_the_weight_that_it_is_given_then() {
    let mut world = world(&virtual_server(vec![weighed()]));
    say(&mut world, 80, Outcome::Weight(5), 6000);
    say(&mut world, 80, REFUSED, 10_000);
    assert_eq!(world.table(), "");
    say(&mut world, 80, Outcome::Weight(7), 14_000);
    assert_eq!(world.table(), "1=7");
}

#[test]
fn the_quorum_counts_the_weight_that_there_is() {
    let spec =
        VirtualServerSpec { quorum: 6, sorry_server: Some(sorry(9)), ..virtual_server(vec![weighed()]) };
    let mut world = world(&spec);
    say(&mut world, 80, Outcome::Weight(5), 6000);
    assert_eq!((world.table().as_str(), world.quorums.last()), ("9=1", Some(&(5000, false, 5))));
    say(&mut world, 80, Outcome::Weight(6), 10_000);
    assert_eq!((world.table().as_str(), world.quorums.last()), ("1=6", Some(&(9000, true, 6))));
    // Weight 0 is up, and serves nobody.
    say(&mut world, 80, Outcome::Weight(0), 14_000);
    assert_eq!(world.quorums.last(), Some(&(13_000, false, 0)));
    assert!(world.is_up(key(1)));
}

#[test]
fn the_first_result_of_all_may_cost_the_quorum() {
    let spec = VirtualServerSpec { quorum: 6, ..virtual_server(vec![weighed()]) };
    let mut world = World::with(&[spec]);
    world.open(at_port(1, 81));
    say(&mut world, 80, Outcome::Weight(5), 2000);
    assert_eq!(world.quorums, [(0, true, 10), (1000, false, 5)]);
}

#[test]
fn a_weight_outlives_a_reload_and_a_crash_but_not_its_check() {
    let before = virtual_server(vec![weighed()]);
    let mut world = world(&before);
    say(&mut world, 80, Outcome::Weight(5), 6000);
    let after = VirtualServerSpec { quorum: 2, ..before };
    world.configure(std::slice::from_ref(&after));
    assert_eq!(world.table(), "1=5");
    world.crash_and_resume();
    assert_eq!(world.table(), "1=5");
    let plain = RealServerSpec { checks: weighed().checks.split_off(1), ..weighed() };
    world.configure(&[virtual_server(vec![plain])]);
    assert_eq!(world.table(), "1=10");
}

#[test]
fn a_server_that_leaves_and_comes_back_has_its_configured_weight() {
    let before = virtual_server(vec![weighed()]);
    let mut world = world(&before);
    say(&mut world, 80, Outcome::Weight(5), 6000);
    world.configure(&[virtual_server(vec![])]);
    world.configure(&[before]);
    assert_eq!(world.scheduler.health().get(&VIP).unwrap().weight(&weighed()), 10);
}
