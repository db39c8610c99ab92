//! The rules of reference 4.9 for when checks run and what their results mean, one test each. The times of the timelines
//! are those that keepalived 2.2.7 showed for the same configuration and the same events (`MEASURED.md`).
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod world;

use std::time::Duration;

use checker::{
    Cause, CheckName, CheckSpec, Event, Failure, Input, LocalError, Outcome, ProbeSpec, RealServerSpec,
    RunId, SmtpProbe, Step, Why,
};
use world::*;

const NO_ADDRESS: Outcome = Outcome::Unknown(LocalError { step: Step::BindAddress, cause: Cause::NoAddress });

#[test]
fn without_warm_up_the_first_run_comes_one_second_after_the_start() {
    let mut world = World::with(&[virtual_server(vec![checked(1)])]);
    world.run_to(1_500);
    assert_eq!(world.starts_of(target(1)), [1_000]);
}

#[test]
fn the_warm_up_spreads_the_first_runs_evenly_over_its_length() {
    let servers = (1..=100).map(|host| {
        let check = CheckSpec { warmup: Duration::from_secs(10).into(), ..check(target(host)) };
        server(host, vec![check])
    });
    let mut world = World::with(&[virtual_server(servers.collect())]);
    world.run_to(900);
    assert_eq!(world.starts, []);
    let mut firsts: Vec<Millis> = Vec::new();
    world.run_to(11_000);
    for host in 1..=100 {
        firsts.push(world.starts_of(target(host))[0]);
    }
    let in_second = |second: u64| firsts.iter().filter(|at| **at / 1_000 == second).count();
    assert!((1..=10).all(|second| (2..=25).contains(&in_second(second))), "{firsts:?}");
}

#[test]
fn another_seed_spreads_differently() {
    let starts = |seed| {
        let mut world = World::new();
        let check = CheckSpec { warmup: Duration::from_secs(60).into(), ..check(target(1)) };
        let servers = vec![virtual_server(vec![server(1, vec![check])])];
        world.input(Input::Configure { servers, seed });
        world.run_to(61_000);
        world.starts_of(target(1))
    };
    assert_eq!(starts(1), starts(1));
    assert_ne!(starts(1), starts(2));
}

#[test]
fn a_working_check_runs_every_delay_loop() {
    let mut world = World::with(&[virtual_server(vec![checked(1)])]);
    world.open(target(1));
    world.run_to(14_000);
    assert_eq!(world.starts_of(target(1)), [1_000, 5_000, 9_000, 13_000]);
}

#[test]
fn the_period_counts_from_the_end_of_a_run() {
    let mut world = World::with(&[virtual_server(vec![checked(1)])]);
    world.answer(target(1), Outcome::Success, Duration::from_secs(1));
    world.run_to(14_000);
    assert_eq!(world.starts_of(target(1)), [1_000, 6_000, 11_000]);
}

#[test]
fn a_run_longer_than_the_period_is_not_doubled() {
    // connect_timeout 6, delay_loop 2, retry 1, delay_before_retry 1: keepalived's SYNs came at these times.
    let check = CheckSpec {
        delay_loop: Duration::from_secs(2).into(),
        retry: 1,
        delay_before_retry: Duration::from_secs(1).into(),
        ..check(target(1))
    };
    let mut world = World::with(&[virtual_server(vec![server(1, vec![check])])]);
    world.answer(target(1), TIMED_OUT, Duration::from_secs(6));
    world.run_to(35_000);
    assert_eq!(world.starts_of(target(1)), [1_000, 9_000, 16_000, 24_000, 31_000]);
    assert_eq!(world.health_of(key(1)), [(0, true), (7_000, false)]);
}

#[test]
fn a_working_server_goes_down_after_retry_plus_one_failures_spaced_by_delay_before_retry() {
    let mut world = World::with(&[virtual_server(vec![checked(1)])]);
    world.open(target(1));
    world.run_to(12_000);
    world.close(target(1));
    world.run_to(20_000);
    assert_eq!(world.starts_of(target(1)), [1_000, 5_000, 9_000, 13_000, 14_500, 16_000, 20_000]);
    assert_eq!(world.health_of(key(1)), [(0, true), (16_000, false)]);
    let why = Why::Failed { check: 0, failure: Failure::Refused };
    assert_eq!(world.health.last(), Some(&(16_000, key(1), false, why)));
}

#[test]
fn one_success_resets_the_count() {
    let mut world = World::with(&[virtual_server(vec![checked(1)])]);
    world.open(target(1));
    for cycle in 0..3 {
        let base = cycle * 11_000;
        world.run_to(base + 4_500);
        world.close(target(1));
        world.run_to(base + 7_500);
        world.open(target(1));
        world.run_to(base + 11_500);
    }
    assert_eq!(world.starts_of(target(1))[..5], [1_000, 5_000, 6_500, 8_000, 12_000]);
    assert_eq!(world.health_of(key(1)), [(0, true)]);
}

#[test]
fn at_the_start_the_very_first_failure_is_enough() {
    let mut world = World::with(&[virtual_server(vec![checked(1)])]);
    world.run_to(4_900);
    assert_eq!(world.health_of(key(1)), [(0, true), (1_000, false)]);
    assert_eq!(world.starts_of(target(1)), [1_000]);
}

#[test]
fn after_a_first_success_the_first_failure_is_forgiven() {
    let mut world = World::with(&[virtual_server(vec![checked(1)])]);
    world.open(target(1));
    world.run_to(2_000);
    world.close(target(1));
    world.run_to(7_900);
    assert_eq!(world.health_of(key(1)), [(0, true)]);
}

#[test]
fn a_check_that_is_down_goes_on_in_rounds_of_retry_plus_one_tries() {
    let mut world = World::with(&[virtual_server(vec![checked(1)])]);
    world.run_to(17_000);
    assert_eq!(world.starts_of(target(1)), [1_000, 5_000, 6_500, 8_000, 12_000, 13_500, 15_000]);
}

#[test]
fn without_retries_a_check_that_is_down_runs_every_delay_loop() {
    let check = CheckSpec { retry: 0, ..check(target(1)) };
    let mut world = World::with(&[virtual_server(vec![server(1, vec![check])])]);
    world.run_to(14_000);
    assert_eq!(world.starts_of(target(1)), [1_000, 5_000, 9_000, 13_000]);
}

/// The kinds that do not are those of `integration/tests/rounds.rs`.
#[test]
fn a_check_of_a_kind_that_does_not_retry_while_it_is_down_then_runs_every_delay_loop() {
    let ping = CheckSpec { probe: ProbeSpec::Ping(connection(target(1))), ..check(target(1)) };
    let mut world = World::with(&[virtual_server(vec![server(1, vec![ping])])]);
    world.open(target(1));
    world.run_to(2_000);
    world.close(target(1));
    world.run_to(17_000);
    assert_eq!(world.starts_of(target(1)), [1_000, 5_000, 6_500, 8_000, 12_000, 16_000]);
    assert_eq!(world.health_of(key(1)), [(0, true), (8_000, false)]);
}

#[test]
fn smtp_is_forgiven_its_retries_also_at_the_start() {
    let smtp = SmtpProbe { connection: connection(target(1)), helo: "here".to_owned() };
    let smtp = CheckSpec { probe: ProbeSpec::Smtp(Box::new(smtp)), ..check(target(1)) };
    let mut world = World::with(&[virtual_server(vec![server(1, vec![smtp])])]);
    world.run_to(12_000);
    assert_eq!(world.starts_of(target(1)), [1_000, 2_500, 4_000, 8_000, 9_500, 11_000]);
    assert_eq!(world.health_of(key(1)), [(0, true), (4_000, false)]);
}

#[test]
fn one_success_brings_a_server_up() {
    let mut world = World::with(&[virtual_server(vec![checked(1)])]);
    world.run_to(6_000);
    world.open(target(1));
    world.run_to(12_000);
    assert_eq!(world.starts_of(target(1)), [1_000, 5_000, 6_500, 10_500]);
    assert_eq!(world.health_of(key(1)), [(0, true), (1_000, false), (6_500, true)]);
    assert_eq!(world.health.last().map(|it| it.3), Some(Why::Passed));
}

#[test]
fn a_server_is_up_only_if_all_its_checks_are() {
    let once = |port| CheckSpec { retry: 0, ..check(at_port(1, port)) };
    let mut world = World::with(&[virtual_server(vec![server(1, vec![once(80), once(81)])])]);
    world.open(at_port(1, 80));
    world.open(at_port(1, 81));
    world.run_to(2_000);
    world.close(at_port(1, 80));
    world.run_to(6_000);
    world.close(at_port(1, 81));
    world.run_to(10_000);
    world.open(at_port(1, 80));
    world.run_to(14_000);
    assert!(!world.is_up(key(1)));
    world.open(at_port(1, 81));
    world.run_to(18_000);
    assert_eq!(world.health_of(key(1)), [(0, true), (5_000, false), (17_000, true)]);
}

#[test]
fn a_server_without_checks_is_always_up() {
    let without = RealServerSpec { alpha: true, ..server(1, vec![]) };
    let mut world = World::with(&[virtual_server(vec![without])]);
    world.run_to(100_000);
    assert_eq!(world.health_of(key(1)), [(0, true)]);
    assert_eq!(world.scheduler.next_deadline(), None);
}

#[test]
fn an_alpha_server_is_down_until_its_check_succeeds() {
    let mut world = World::with(&[virtual_server(vec![alpha(1)])]);
    world.run_to(4_000);
    world.open(target(1));
    world.run_to(6_000);
    // The first failure is a verdict, and its reason is told although the server was not up before.
    assert_eq!(world.health_of(key(1)), [(0, false), (1_000, false), (5_000, true)]);
    assert_eq!(world.health[0].3, Why::Configured);
    assert_eq!(world.health[1].3, Why::NeverUp { check: 0, failure: Failure::Refused });
}

#[test]
fn what_counts_is_alpha_of_the_check_and_not_of_the_server() {
    let not_after_all = RealServerSpec { alpha: true, ..checked(1) };
    let world = World::with(&[virtual_server(vec![not_after_all])]);
    assert!(world.is_up(key(1)));
}

#[test]
fn every_check_that_is_due_starts_at_once() {
    let servers: Vec<_> = (1..=200).map(checked).collect();
    let mut world = World::with(&[virtual_server(servers)]);
    world.run_to(1_000);
    assert_eq!(world.starts.len(), 200);
    assert!(world.starts.iter().all(|(at, _)| *at == 1_000));
}

#[test]
fn a_check_that_hangs_delays_no_other() {
    let mut world = World::with(&[virtual_server(vec![checked(1), checked(2)])]);
    world.answer(target(1), TIMED_OUT, Duration::from_hours(1));
    world.open(target(2));
    world.run_to(14_000);
    assert_eq!(world.starts_of(target(1)), [1_000]);
    assert_eq!(world.starts_of(target(2)), [1_000, 5_000, 9_000, 13_000]);
}

#[test]
fn a_run_in_which_this_host_could_not_ask_changes_nothing_and_is_repeated_after_delay_loop() {
    let mut world = World::with(&[virtual_server(vec![checked(1), alpha(2)])]);
    world.answer(target(1), NO_ADDRESS, Duration::ZERO);
    world.answer(target(2), NO_ADDRESS, Duration::ZERO);
    world.run_to(14_000);
    assert_eq!(world.starts_of(target(1)), [1_000, 5_000, 9_000, 13_000]);
    assert_eq!(world.health_of(key(1)), [(0, true)]);
    assert_eq!(world.health_of(key(2)), [(0, false)]);
}

#[test]
fn a_local_error_neither_counts_as_a_failure_nor_resets_the_count() {
    let mut world = World::with(&[virtual_server(vec![checked(1)])]);
    world.open(target(1));
    world.run_to(2_000);
    world.close(target(1));
    world.run_to(6_000);
    world.answer(target(1), NO_ADDRESS, Duration::ZERO);
    world.run_to(11_000);
    world.close(target(1));
    world.run_to(17_000);
    // Failed at 5 s, could not ask at 6.5 and 10.5 s, failed at 14.5 and 16 s.
    assert_eq!(world.starts_of(target(1)), [1_000, 5_000, 6_500, 10_500, 14_500, 16_000]);
    assert_eq!(world.health_of(key(1)), [(0, true), (16_000, false)]);
}

#[test]
fn after_a_local_error_at_the_start_the_first_real_failure_is_enough() {
    let mut world = World::with(&[virtual_server(vec![checked(1)])]);
    world.answer(target(1), NO_ADDRESS, Duration::ZERO);
    world.run_to(4_000);
    world.close(target(1));
    world.run_to(6_000);
    assert_eq!(world.health_of(key(1)), [(0, true), (5_000, false)]);
}

#[test]
fn a_local_error_is_reported_once_in_a_row_and_again_when_it_changes_and_when_it_ends() {
    let mut world = World::with(&[virtual_server(vec![checked(1)])]);
    world.answer(target(1), NO_ADDRESS, Duration::ZERO);
    world.run_to(10_000);
    let no_descriptor = LocalError { step: Step::Open, cause: Cause::NoDescriptor };
    world.answer(target(1), Outcome::Unknown(no_descriptor), Duration::ZERO);
    world.run_to(18_000);
    world.open(target(1));
    world.run_to(22_000);
    let check = CheckName { virtual_server: VIP, server: key(1), check: 0 };
    let no_address = LocalError { step: Step::BindAddress, cause: Cause::NoAddress };
    assert_eq!(
        world.events,
        [
            (1_000, Event::Blind { check, error: no_address }),
            (13_000, Event::Blind { check, error: no_descriptor }),
            (21_000, Event::Sees { check }),
            (21_000, Event::Passed { check }),
        ]
    );
}

#[test]
fn failures_are_reported_at_the_first_of_a_row_and_when_the_check_goes_down() {
    let mut world = World::with(&[virtual_server(vec![checked(1)])]);
    world.open(target(1));
    world.run_to(2_000);
    world.close(target(1));
    world.run_to(30_000);
    let check = CheckName { virtual_server: VIP, server: key(1), check: 0 };
    let failure = Failure::Refused;
    assert_eq!(
        world.events,
        [
            (1_000, Event::Passed { check }),
            (5_000, Event::Forgiven { check, failure, failures: 1 }),
            (8_000, Event::Failed { check, failure, failures: 3 }),
        ]
    );
}

#[test]
fn log_all_failures_reports_each_failure_of_a_working_check() {
    let check = CheckSpec { log_all_failures: true, ..check(target(1)) };
    let mut world = World::with(&[virtual_server(vec![server(1, vec![check])])]);
    world.open(target(1));
    world.run_to(2_000);
    world.close(target(1));
    world.run_to(30_000);
    let times: Vec<_> = world.events.iter().map(|(at, _)| *at).collect();
    assert_eq!(times, [1_000, 5_000, 6_500, 8_000]);
}

#[test]
fn a_result_of_a_run_that_nobody_started_is_ignored() {
    let mut world = World::with(&[virtual_server(vec![checked(1)])]);
    let before = world.scheduler.clone();
    world.input(Input::Result { run: RunId(7), outcome: REFUSED });
    assert_eq!(world.scheduler, before);
}

#[test]
fn a_tick_before_the_deadline_does_nothing() {
    let mut world = World::with(&[virtual_server(vec![checked(1)])]);
    let before = world.scheduler.clone();
    world.input(Input::Tick);
    assert_eq!(world.scheduler, before);
}

#[test]
fn after_a_late_wake_up_each_check_runs_once() {
    let mut world = World::with(&[virtual_server(vec![checked(1)])]);
    world.open(target(1));
    world.run_to(2_000);
    world.now += Duration::from_hours(1);
    world.run_to(3_606_000);
    assert_eq!(world.starts_of(target(1)), [1_000, 3_602_000, 3_606_000]);
}

#[test]
fn inputs_and_actions_can_be_written_as_json_and_read_back() {
    let mut world = World::new();
    let servers = vec![virtual_server(vec![checked(1), alpha(2)])];
    let input = Input::Configure { servers, seed: 9 };
    assert_eq!(serde_json::from_str::<Input>(&serde_json::to_string(&input).unwrap()).unwrap(), input);
    world.scheduler.handle(world.now, input);
    world.scheduler.handle(world.now + Duration::from_secs(1), Input::Tick);
    let mut kinds = 0;
    while let Some(action) = world.scheduler.next_action() {
        let text = serde_json::to_string(&action).unwrap();
        assert_eq!(serde_json::from_str::<checker::Action>(&text).unwrap(), action);
        kinds += 1;
    }
    assert_eq!(kinds, 2 + 1 + 2);
}
