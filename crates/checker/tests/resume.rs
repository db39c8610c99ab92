//! A process that dies is started again with the newest state of its scheduler.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod world;

use std::time::Duration;

use checker::{Scheduler, Unrelated, VirtualServerSpec};
use world::*;

#[test]
fn a_resumed_scheduler_is_the_one_that_was_written() {
    let mut world = World::with(&[virtual_server(vec![checked(1), alpha(2)])]);
    world.open(target(1));
    world.run_to(6_000);
    let before = world.scheduler.clone();
    world.crash_and_resume();
    assert_eq!(world.scheduler, before);
}

#[test]
fn waiting_checks_keep_their_timers_and_counts() {
    let mut world = World::with(&[virtual_server(vec![checked(1)])]);
    world.open(target(1));
    world.run_to(2_000);
    world.close(target(1));
    world.run_to(6_000);
    world.crash_and_resume();
    world.run_to(9_000);
    assert_eq!(world.starts_of(target(1)), [1_000, 5_000, 6_500, 8_000]);
    assert_eq!(world.health_of(key(1)), [(0, true), (8_000, false)]);
}

#[test]
fn runs_in_flight_are_started_anew() {
    let mut world = World::with(&[virtual_server(vec![checked(1)])]);
    world.answer(target(1), TIMED_OUT, Duration::from_secs(5));
    world.run_to(3_000);
    world.crash_and_resume();
    world.run_to(9_000);
    assert_eq!(world.starts_of(target(1)), [1_000, 3_000]);
    assert_eq!(world.health_of(key(1)), [(0, true), (8_000, false)]);
}

#[test]
fn nothing_flaps_and_no_first_failure_is_enough_again() {
    let servers = [VirtualServerSpec {
        quorum: 2,
        hysteresis: 1,
        sorry_server: Some(sorry(8)),
        ..virtual_server(vec![checked(1), checked(2), checked(3)])
    }];
    let mut world = World::with(&servers);
    world.open(target(1));
    world.open(target(2));
    // 3 fails at once; the quorum, gained with all three, stays with two.
    world.run_to(2_000);
    let (health, quorums, table) = (world.health.clone(), world.quorums.clone(), world.table());
    world.close(target(1));
    world.crash_and_resume();
    world.configure(&servers);
    world.run_to(7_900);
    assert_eq!((&world.health, &world.quorums, world.table()), (&health, &quorums, table));
    // The third failure of 1 comes at 8 s, as if nothing had happened.
    world.run_to(8_000);
    assert!(!world.is_up(key(1)));
}

#[test]
fn knowledge_of_other_servers_is_refused() {
    let world = World::with(&[virtual_server(vec![checked(1)])]);
    let resume = |servers| Scheduler::resume(world.now, world.scheduler.knowledge(), servers);
    assert_eq!(resume(vec![]), Err(Unrelated));
    assert_eq!(resume(vec![virtual_server(vec![checked(1), checked(2)])]), Err(Unrelated));
    assert_eq!(resume(vec![virtual_server(vec![server(1, vec![])])]), Err(Unrelated));
    assert_eq!(resume(vec![virtual_server(vec![checked(1)])]), Ok(world.scheduler.clone()));
}
