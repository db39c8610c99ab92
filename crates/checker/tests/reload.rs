//! A second `Configure`: what stays, what is cancelled, what starts.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod world;

use std::time::Duration;

use checker::{CheckSpec, Failure, Input, RealServerSpec, VirtualServerSpec, Why};
use world::*;

/// The same server and check with another connect_timeout.
fn with_timeout(host: u8, seconds: u64) -> RealServerSpec {
    let mut check = check(target(host));
    let checker::ProbeSpec::Tcp(connection) = &mut check.probe else { panic!() };
    connection.timeout = Duration::from_secs(seconds).into();
    server(host, vec![check])
}

fn on_port(host: u8, port: u16) -> RealServerSpec {
    server(host, vec![check(at_port(host, port))])
}

#[test]
fn a_reload_that_changes_nothing_does_nothing() {
    let servers = [virtual_server(vec![checked(1), checked(2), alpha(3)])];
    let mut world = World::with(&servers);
    world.open(target(1));
    world.run_to(7_000);
    let before = world.scheduler.clone();
    world.configure(&servers);
    assert_eq!(world.scheduler, before);
}

#[test]
fn unchanged_checks_keep_their_timers_and_counters_when_a_server_beside_them_changes() {
    let mut world = World::with(&[virtual_server(vec![checked(1), checked(2)])]);
    world.open(target(1));
    world.open(target(2));
    world.run_to(2_000);
    world.close(target(2));
    // 2 has failed at 5 and 6.5 s.
    world.run_to(7_000);
    world.configure(&[virtual_server(vec![checked(3), checked(2), checked(1)])]);
    world.run_to(9_500);
    assert_eq!(world.starts_of(target(1)), [1_000, 5_000, 9_000]);
    assert_eq!(world.starts_of(target(2)), [1_000, 5_000, 6_500, 8_000]);
    assert_eq!(world.health_of(key(2)), [(0, true), (8_000, false)]);
    assert_eq!(world.health_of(key(1)), [(0, true)]);
}

#[test]
fn a_run_in_flight_goes_on_through_a_reload() {
    let mut world = World::with(&[virtual_server(vec![checked(1)])]);
    world.answer(target(1), TIMED_OUT, Duration::from_secs(5));
    world.run_to(3_000);
    world.configure(&[virtual_server(vec![checked(2), checked(1)])]);
    world.run_to(6_000);
    assert_eq!(world.cancels, []);
    assert_eq!(world.starts_of(target(1)), [1_000]);
    assert_eq!(world.health_of(key(1)), [(0, true), (6_000, false)]);
}

#[test]
fn a_removed_server_is_down_and_its_run_cancelled() {
    let mut world = World::with(&[virtual_server(vec![checked(1), checked(2)])]);
    world.answer(target(1), TIMED_OUT, Duration::from_secs(5));
    world.open(target(2));
    world.run_to(3_000);
    world.configure(&[virtual_server(vec![checked(2)])]);
    world.run_to(20_000);
    assert_eq!(world.cancels, [3_000]);
    assert_eq!(world.health_of(key(1)), [(0, true), (3_000, false)]);
    assert!(world.health.contains(&(3_000, key(1), false, Why::Removed)));
    assert_eq!(world.starts_of(target(1)), [1_000]);
}

#[test]
fn a_removed_server_that_was_down_is_not_told_of() {
    let mut world = World::with(&[virtual_server(vec![checked(1), checked(2)])]);
    world.run_to(3_000);
    world.configure(&[virtual_server(vec![checked(2)])]);
    assert_eq!(world.health_of(key(1)), [(0, true), (1_000, false)]);
}

#[test]
fn a_removed_virtual_server_takes_its_servers_and_its_quorum_down() {
    let mut world = World::with(&[virtual_server(vec![checked(1)])]);
    world.open(target(1));
    world.run_to(3_000);
    world.configure(&[]);
    assert_eq!(world.health_of(key(1)), [(0, true), (3_000, false)]);
    assert_eq!(world.quorums, [(0, true, 1), (3_000, false, 0)]);
    assert_eq!(world.scheduler.next_deadline(), None);
    assert_eq!(world.scheduler.health(), &checker::Health::new());
}

#[test]
fn a_new_server_is_up_at_once_and_is_forgiven_its_first_failures() {
    let mut world = World::with(&[virtual_server(vec![checked(1)])]);
    world.open(target(1));
    world.run_to(5_500);
    world.configure(&[virtual_server(vec![checked(1), checked(2)])]);
    world.run_to(20_000);
    assert_eq!(world.starts_of(target(2))[..3], [6_500, 8_000, 9_500]);
    assert_eq!(world.health_of(key(2)), [(5_500, true), (9_500, false)]);
}

#[test]
fn a_new_alpha_server_is_down_until_its_check_succeeds() {
    let mut world = World::with(&[virtual_server(vec![checked(1)])]);
    world.open(target(1));
    world.open(target(2));
    world.run_to(5_500);
    world.configure(&[virtual_server(vec![checked(1), alpha(2)])]);
    world.run_to(7_000);
    assert_eq!(world.health_of(key(2)), [(5_500, false), (6_500, true)]);
}

#[test]
fn a_server_that_is_down_stays_down_when_its_check_asks_something_else() {
    let mut world = World::with(&[virtual_server(vec![checked(1)])]);
    world.run_to(2_000);
    world.configure(&[virtual_server(vec![with_timeout(1, 9)])]);
    world.run_to(30_000);
    assert_eq!(world.health_of(key(1)), [(0, true), (1_000, false)]);
}

#[test]
fn a_changed_check_runs_soon_and_its_first_success_brings_the_server_up() {
    let mut world = World::with(&[virtual_server(vec![checked(1)])]);
    world.open(at_port(1, 81));
    world.run_to(1_500);
    world.configure(&[virtual_server(vec![on_port(1, 81)])]);
    world.run_to(3_000);
    assert_eq!(world.starts_of(at_port(1, 81)), [2_500]);
    assert_eq!(world.health_of(key(1)), [(0, true), (1_000, false), (2_500, true)]);
}

#[test]
fn a_changed_check_of_a_working_server_is_forgiven_its_first_failures() {
    let mut world = World::with(&[virtual_server(vec![checked(1)])]);
    world.open(target(1));
    world.run_to(2_000);
    world.configure(&[virtual_server(vec![on_port(1, 81)])]);
    world.run_to(8_000);
    assert_eq!(world.starts_of(at_port(1, 81)), [3_000, 4_500, 6_000]);
    assert_eq!(world.health_of(key(1)), [(0, true), (6_000, false)]);
}

#[test]
fn a_changed_check_runs_no_later_than_the_old_one_would_have() {
    let slow = |port| {
        let check = CheckSpec { warmup: Duration::from_hours(1000).into(), ..check(at_port(1, port)) };
        server(1, vec![check])
    };
    let mut world = World::with(&[virtual_server(vec![on_port(1, 80)])]);
    world.open(target(1));
    world.run_to(2_000);
    world.configure(&[virtual_server(vec![slow(81)])]);
    world.run_to(6_000);
    assert_eq!(world.starts_of(at_port(1, 81)), [5_000]);
}

#[test]
fn a_run_of_a_changed_check_is_cancelled_and_its_result_is_ignored() {
    let mut world = World::with(&[virtual_server(vec![checked(1)])]);
    world.answer(target(1), TIMED_OUT, Duration::from_secs(5));
    world.run_to(3_000);
    world.configure(&[virtual_server(vec![on_port(1, 81)])]);
    assert_eq!(world.cancels, [3_000]);
    // The driver had the outcome under way already.
    world.input(Input::Result { run: checker::RunId(0), outcome: TIMED_OUT });
    assert_eq!(world.health_of(key(1)), [(0, true)]);
    world.run_to(4_000);
    assert_eq!(world.starts_of(at_port(1, 81)), [4_000]);
}

#[test]
fn a_check_with_another_schedule_keeps_its_count_and_runs_no_later_than_a_new_one() {
    let every = |seconds, retry| {
        let check = CheckSpec { delay_loop: Duration::from_secs(seconds).into(), retry, ..check(target(1)) };
        server(1, vec![check])
    };
    let mut world = World::with(&[virtual_server(vec![every(3600, 2)])]);
    world.open(target(1));
    world.run_to(2_000);
    world.configure(&[virtual_server(vec![every(4, 2)])]);
    world.close(target(1));
    // Fails at 3 s; the second failure at 4.5 s is the last that the third configuration forgives.
    world.run_to(4_000);
    world.configure(&[virtual_server(vec![every(4, 1)])]);
    world.run_to(5_000);
    assert_eq!(world.starts_of(target(1)), [1_000, 3_000, 4_500]);
    assert_eq!(world.health_of(key(1)), [(0, true), (4_500, false)]);
}

#[test]
fn a_server_whose_failed_check_is_taken_away_is_up() {
    let two = server(1, vec![check(target(1)), check(at_port(1, 81))]);
    let mut world = World::with(&[virtual_server(vec![two])]);
    world.open(target(1));
    world.run_to(2_000);
    assert!(!world.is_up(key(1)));
    world.configure(&[virtual_server(vec![checked(1)])]);
    assert_eq!(world.health.last(), Some(&(2_000, key(1), true, Why::Configured)));
}

#[test]
fn a_run_of_a_check_that_is_taken_away_is_cancelled() {
    let two = server(1, vec![check(target(1)), check(at_port(1, 81))]);
    let mut world = World::with(&[virtual_server(vec![two])]);
    world.open(target(1));
    world.answer(at_port(1, 81), TIMED_OUT, Duration::from_secs(5));
    world.run_to(2_000);
    world.configure(&[virtual_server(vec![checked(1)])]);
    world.run_to(10_000);
    assert_eq!(world.cancels, [2_000]);
    assert_eq!(world.health_of(key(1)), [(0, true)]);
}

#[test]
fn a_check_that_is_added_to_a_working_server_leaves_it_up_until_it_fails_even_if_alpha() {
    let added = CheckSpec { alpha: true, ..check(at_port(1, 81)) };
    let mut world = World::with(&[virtual_server(vec![checked(1)])]);
    world.open(target(1));
    world.run_to(2_000);
    world.configure(&[virtual_server(vec![server(1, vec![check(target(1)), added])])]);
    world.run_to(8_000);
    assert_eq!(world.starts_of(at_port(1, 81)), [3_000, 4_500, 6_000]);
    assert_eq!(world.health_of(key(1)), [(0, true), (6_000, false)]);
    assert_eq!(world.health.last().unwrap().3, Why::Failed { check: 1, failure: Failure::Refused });
}

#[test]
fn checks_that_change_places_keep_their_state() {
    let two = |a, b| virtual_server(vec![server(1, vec![check(at_port(1, a)), check(at_port(1, b))])]);
    let mut world = World::with(&[two(80, 81)]);
    world.open(at_port(1, 80));
    world.run_to(2_000);
    world.configure(&[two(81, 80)]);
    world.open(at_port(1, 81));
    world.run_to(6_000);
    assert_eq!(world.starts_of(at_port(1, 80)), [1_000, 5_000]);
    assert_eq!(world.health_of(key(1)), [(0, true), (1_000, false), (5_000, true)]);
}

#[test]
fn switching_alpha_on_does_not_take_a_working_server_down() {
    let mut world = World::with(&[virtual_server(vec![checked(1)])]);
    world.open(target(1));
    world.run_to(2_000);
    world.configure(&[virtual_server(vec![alpha(1)])]);
    world.run_to(10_000);
    assert_eq!(world.health_of(key(1)), [(0, true)]);
}

#[test]
fn switching_alpha_off_does_not_bring_a_failed_server_up() {
    let mut world = World::with(&[virtual_server(vec![alpha(1)])]);
    world.run_to(2_000);
    world.configure(&[virtual_server(vec![checked(1)])]);
    world.run_to(10_000);
    assert!(!world.is_up(key(1)));
}

#[test]
fn a_check_that_the_reload_finds_before_its_first_run_is_still_at_its_start() {
    let mut world = World::with(&[virtual_server(vec![checked(1)])]);
    world.run_to(500);
    world.configure(&[virtual_server(vec![checked(1), checked(2)])]);
    world.run_to(1_000);
    assert_eq!(world.health_of(key(1)), [(0, true), (1_000, false)]);
}

#[test]
fn a_group_that_loses_its_first_service_keeps_the_state_of_its_servers() {
    let group = |ports: &[u16]| VirtualServerSpec {
        services: ports.iter().map(|port| vip(*port)).collect(),
        ..virtual_server(vec![checked(1)])
    };
    let mut world = World::with(&[group(&[79, 80])]);
    world.run_to(2_000);
    world.configure(&[group(&[80])]);
    world.run_to(10_000);
    assert_eq!(world.health_of(key(1)), [(0, true), (1_000, false)]);
    assert_eq!(world.starts_of(target(1)), [1_000, 5_000, 6_500, 8_000]);
}

#[test]
fn a_service_that_leaves_a_group_does_not_take_the_state_of_the_group_along() {
    let named = |ports: &[u16]| VirtualServerSpec {
        services: ports.iter().map(|port| vip(*port)).collect(),
        ..virtual_server(vec![checked(1)])
    };
    let mut world = World::with(&[named(&[80, 81])]);
    world.run_to(2_000);
    world.configure(&[named(&[81]), named(&[80])]);
    let health = world.scheduler.health();
    assert!(!health.get(&vip(80)).unwrap().is_live(&key(1)));
    assert!(health.get(&vip(81)).unwrap().is_live(&key(1)));
}

#[test]
fn a_virtual_server_without_a_service_of_its_own_is_ignored_and_said_so() {
    let none = VirtualServerSpec { name: "none".into(), services: vec![], ..virtual_server(vec![]) };
    let second = VirtualServerSpec { name: "second".into(), ..virtual_server(vec![checked(2)]) };
    let world = World::with(&[none, virtual_server(vec![checked(1)]), second]);
    let ignored = |name: &str| (0, checker::Event::Ignored { name: name.into() });
    assert_eq!(world.events, [ignored("none"), ignored("second")]);
    assert_eq!(world.scheduler.virtual_servers().count(), 1);
    assert_eq!(world.health_of(key(1)), [(0, true)]);
}
