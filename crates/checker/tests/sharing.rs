//! Checks that ask the same: one probe for all of them, and each has its own verdict.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod world;

use std::time::Duration;

use checker::{CheckSpec, Event, Input, VirtualServerSpec};
use world::*;

/// The virtual server on that port with these servers.
fn on_port(port: u16, servers: Vec<checker::RealServerSpec>) -> VirtualServerSpec {
    VirtualServerSpec { services: vec![vip(port)], ..virtual_server(servers) }
}

/// Two virtual servers that check port 80 of the server 1.
fn twice() -> [VirtualServerSpec; 2] {
    [virtual_server(vec![checked(1)]), on_port(443, vec![checked(1)])]
}

#[test]
fn the_same_question_of_two_virtual_servers_is_asked_once_per_round() {
    let mut world = World::with(&twice());
    world.open(target(1));
    world.run_to(14_000);
    assert_eq!(world.starts_of(target(1)), [1_000, 5_000, 9_000, 13_000]);
    let passed = world.events.iter().filter(|(_, event)| matches!(event, Event::Passed { .. })).count();
    assert_eq!(passed, 2, "each has its answer");
}

#[test]
fn another_port_or_another_timeout_is_another_question() {
    let other_port = check(at_port(1, 81));
    let mut slower = check(target(1));
    slower.probe = checker::ProbeSpec::Tcp(checker::Connection {
        timeout: Duration::from_secs(2).into(),
        ..connection(target(1))
    });
    let servers = vec![server(1, vec![check(target(1)), other_port, slower])];
    let mut world = World::with(&[virtual_server(servers)]);
    world.run_to(1_000);
    assert_eq!(world.starts.len(), 3);
}

#[test]
fn servers_that_share_a_question_come_and_go_by_their_own_retries() {
    let patient = server(1, vec![CheckSpec { retry: 4, ..check(target(1)) }]);
    let mut world = World::with(&[virtual_server(vec![checked(1)]), on_port(443, vec![patient])]);
    world.open(target(1));
    world.run_to(2_000);
    world.close(target(1));
    world.run_to(30_000);
    let downs: Vec<Millis> = world.health.iter().filter(|(_, _, up, _)| !up).map(|(at, ..)| *at).collect();
    // Tries at 5, 6.5, 8, 9.5 and 11: the third and the fifth are the last of a row. As each alone.
    assert_eq!(downs, [8_000, 11_000]);
}

#[test]
fn a_check_that_is_due_while_its_question_is_in_flight_waits_for_that_answer() {
    let often = server(1, vec![CheckSpec { delay_loop: Duration::from_secs(1).into(), ..check(target(1)) }]);
    let seldom =
        server(1, vec![CheckSpec { delay_loop: Duration::from_millis(2_500).into(), ..check(target(1)) }]);
    let mut world = World::with(&[virtual_server(vec![often]), on_port(443, vec![seldom])]);
    world.answer(target(1), checker::Outcome::Success, Duration::from_secs(2));
    world.run_to(20_000);
    // Answers at 3; the first again at 4 to 6, where the other comes in at 5.5; and so on.
    assert_eq!(world.starts_of(target(1)), [1_000, 4_000, 7_000, 10_000, 13_000, 16_000, 19_000]);
}

#[test]
fn an_answer_that_is_there_is_not_used_again() {
    let often = server(1, vec![CheckSpec { delay_loop: Duration::from_secs(1).into(), ..check(target(1)) }]);
    let seldom =
        server(1, vec![CheckSpec { delay_loop: Duration::from_millis(2_500).into(), ..check(target(1)) }]);
    let mut world = World::with(&[virtual_server(vec![often]), on_port(443, vec![seldom])]);
    world.open(target(1));
    world.run_to(4_000);
    assert_eq!(world.starts_of(target(1)), [1_000, 2_000, 3_000, 3_500, 4_000]);
}

#[test]
fn checks_that_share_a_question_keep_step_from_the_first_run_on() {
    let slowly =
        |host| server(host, vec![CheckSpec { warmup: Duration::from_secs(4).into(), ..check(target(1)) }]);
    let mut world = World::with(&[virtual_server(vec![slowly(1)]), on_port(443, vec![slowly(2)])]);
    world.open(target(1));
    world.run_to(60_000);
    let starts = world.starts_of(target(1));
    assert!((1_000..=5_000).contains(&starts[0]), "{starts:?}");
    assert!(starts.windows(2).all(|pair| pair[1] - pair[0] == 4_000), "{starts:?}");
}

#[test]
fn a_check_that_comes_with_a_reload_falls_into_step() {
    let mut world = World::with(&[virtual_server(vec![checked(1)])]);
    world.open(target(1));
    world.run_to(2_500);
    world.configure(&twice());
    world.run_to(40_000);
    let starts = world.starts_of(target(1));
    // The new one asks after 1 s, as any; then once each 4 s for both.
    assert_eq!(starts[..4], [1_000, 3_500, 5_000, 7_500]);
    assert!(starts[3..].windows(2).all(|pair| pair[1] - pair[0] == 4_000), "{starts:?}");
}

#[test]
fn a_run_ends_when_the_last_check_that_waits_for_it_is_gone() {
    let mut world = World::with(&twice());
    world.answer(target(1), checker::Outcome::Success, Duration::from_secs(3));
    world.run_to(2_000);
    world.configure(&twice()[1..]);
    assert_eq!(world.cancels, []);
    world.configure(&[]);
    assert_eq!(world.cancels, [2_000]);
    // Both at once: one run, one end.
    let mut world = World::with(&twice());
    world.answer(target(1), checker::Outcome::Success, Duration::from_secs(3));
    world.run_to(2_000);
    world.configure(&[]);
    assert_eq!(world.cancels, [2_000]);
}

#[test]
fn a_reload_that_takes_one_away_leaves_the_answer_to_the_other() {
    let mut world = World::with(&twice());
    world.answer(target(1), TIMED_OUT, Duration::from_secs(3));
    world.run_to(2_000);
    world.configure(&twice()[..1]);
    world.run_to(4_000);
    assert_eq!(world.starts_of(target(1)), [1_000]);
    assert_eq!(world.health.last().map(|(at, _, up, _)| (*at, *up)), Some((4_000, false)));
}

#[test]
fn a_crash_in_the_middle_of_a_shared_run_asks_once_again() {
    let mut world = World::with(&twice());
    world.answer(target(1), checker::Outcome::Success, Duration::from_secs(3));
    world.run_to(2_000);
    world.crash_and_resume();
    world.run_to(5_500);
    assert_eq!(world.starts_of(target(1)), [1_000, 2_000]);
}

#[test]
fn no_more_probes_are_in_flight_than_allowed_and_those_that_wait_longest_start_first() {
    let mut world = World::with(&[virtual_server((1..=5).map(checked).collect())]);
    for host in 1..=5 {
        world.answer(target(host), checker::Outcome::Success, Duration::from_secs(2));
    }
    world.input(Input::Limit { probes: 2 });
    world.run_to(6_900);
    let starts: Vec<(Millis, u8)> = world
        .starts
        .iter()
        .map(|(at, target)| (*at, (1..=5).find(|host| world::target(*host) == *target).unwrap()))
        .collect();
    assert_eq!(starts, [(1_000, 1), (1_000, 2), (3_000, 3), (3_000, 4), (5_000, 5)]);
    assert_eq!(world.scheduler.waits(), 3);
    let crowded = |(at, event): &(Millis, Event)| matches!(event, Event::Crowded { .. }).then_some(*at);
    assert_eq!(world.events.iter().filter_map(crowded).collect::<Vec<_>>(), [1_000], "told once");
    // There is no deadline that would come again and again while nothing can start.
    world.input(Input::Limit { probes: 1 });
    world.run_to(20_000);
    assert_eq!(world.starts.iter().filter(|(at, _)| *at >= 7_000).count(), 7);
}

#[test]
fn servers_that_hang_hold_up_nobody_who_is_below_the_limit() {
    let mut world = World::with(&[virtual_server((1..=5).map(checked).collect())]);
    world.input(Input::Limit { probes: 5 });
    for host in 1..=4 {
        world.answer(target(host), TIMED_OUT, Duration::from_secs(600));
    }
    world.open(target(5));
    world.run_to(20_000);
    assert_eq!(world.starts_of(target(5)), [1_000, 5_000, 9_000, 13_000, 17_000]);
    assert_eq!(world.scheduler.waits(), 0);
}
