//! Properties: the hysteresis laws, what may never be in a table, and the scheduler against a naive model of the rules.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod world;

use std::collections::BTreeMap;
use std::time::Duration;

use checker::{
    Action, Cause, CheckSpec, Failure, Input, LocalError, Outcome, RealServerSpec, RunId, Scheduler,
    SorryServerSpec, Step, VirtualServerHealth, VirtualServerSpec, at_start, desired, service,
};
use proptest::prelude::*;
use world::{VIP, check, dest, key, server, target, virtual_server};

/// A case that fails is printed with all it needs; no file of them is kept.
fn printed_only() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::default() }
}

/// A virtual server with up to 6 servers of any small weights and flags.
fn any_virtual_server() -> impl Strategy<Value = VirtualServerSpec> {
    let servers = prop::collection::vec((0..4_u32, any::<bool>()), 0..6);
    let sorry = prop::option::of((0..8_u8, any::<bool>()));
    (servers, 0..8_u32, 0..4_u32, sorry).prop_map(|(servers, quorum, hysteresis, sorry)| VirtualServerSpec {
        quorum,
        hysteresis,
        sorry_server: sorry.map(|(host, inhibit)| SorryServerSpec { key: key(host), dest: dest(1), inhibit }),
        ..virtual_server(
            (0..)
                .zip(servers)
                .map(|(host, (weight, inhibit_on_failure))| RealServerSpec {
                    dest: dest(weight),
                    inhibit_on_failure,
                    ..server(host, vec![])
                })
                .collect(),
        )
    })
}

/// Servers that go up and down one after the other.
fn any_changes() -> impl Strategy<Value = Vec<(u8, bool)>> {
    prop::collection::vec((0..6_u8, any::<bool>()), 0..40)
}

/// What the health is after each change.
fn play(spec: &VirtualServerSpec, changes: &[(u8, bool)]) -> Vec<VirtualServerHealth> {
    let mut health = VirtualServerHealth::new();
    let mut after = vec![health.clone()];
    for (host, up) in changes {
        if spec.real_servers.iter().any(|server| server.key == key(*host)) {
            health.set(key(*host), *up);
            health.assess(spec);
            after.push(health.clone());
        }
    }
    after
}

proptest! {
    #![proptest_config(printed_only())]

    #[test]
    fn what_a_table_is_filled_with_at_the_start_is_what_the_scheduler_begins_with(
        spec in any_virtual_server(), alpha in prop::collection::vec(any::<bool>(), 6)
    ) {
        let mut spec = spec;
        for (server, alpha) in spec.real_servers.iter_mut().zip(alpha) {
            server.checks = vec![CheckSpec { alpha, ..check(target(1)) }];
        }
        let mut scheduler = Scheduler::new();
        scheduler.handle(clock::Instant::ZERO, Input::Configure { servers: vec![spec.clone()], seed: 1 });
        let begins = desired(scheduler.virtual_servers(), scheduler.health());
        prop_assert_eq!(BTreeMap::from_iter(at_start(&spec)), begins.services);
    }

    #[test]
    fn the_quorum_changes_only_when_the_weight_passes_a_bound(
        spec in any_virtual_server(), changes in any_changes()
    ) {
        let (quorum, hysteresis) = (i64::from(spec.quorum), i64::from(spec.hysteresis));
        for pair in play(&spec, &changes).windows(2) {
            let weight = i64::try_from(pair[1].live_weight(&spec)).unwrap();
            match (pair[0].has_quorum(), pair[1].has_quorum()) {
                (false, true) => prop_assert!(weight > 0 && weight >= quorum + hysteresis),
                (true, false) => prop_assert!(weight == 0 || weight < quorum - hysteresis),
                (true, true) => prop_assert!(weight > 0 && weight >= quorum - hysteresis),
                (false, false) => prop_assert!(weight == 0 || weight < quorum + hysteresis),
            }
        }
    }

    #[test]
    fn assessing_twice_changes_nothing_the_second_time(
        spec in any_virtual_server(), changes in any_changes()
    ) {
        for mut health in play(&spec, &changes) {
            prop_assert!(!health.assess(&spec));
        }
    }

    #[test]
    fn without_hysteresis_the_quorum_is_a_function_of_the_weight(
        spec in any_virtual_server(), changes in any_changes()
    ) {
        let spec = VirtualServerSpec { hysteresis: 0, ..spec };
        for health in play(&spec, &changes) {
            let weight = health.live_weight(&spec);
            prop_assert_eq!(health.has_quorum(), weight > 0 && weight >= u64::from(spec.quorum));
        }
    }

    #[test]
    fn a_table_holds_no_down_server_with_a_weight_and_none_at_all_that_is_not_inhibited(
        spec in any_virtual_server(), changes in any_changes()
    ) {
        for health in play(&spec, &changes) {
            let dests = service(&spec, &spec.services[0], &health).dests;
            for server in &spec.real_servers {
                let is_sorry = spec.sorry_server.as_ref().is_some_and(|sorry| sorry.key == server.key);
                if !health.is_live(&server.key) && !is_sorry {
                    let weight = dests.get(&server.key).map(|dest| dest.weight);
                    prop_assert_eq!(weight, server.inhibit_on_failure.then_some(0));
                }
            }
        }
    }

    #[test]
    fn real_servers_and_the_sorry_server_never_serve_together(
        spec in any_virtual_server(), changes in any_changes()
    ) {
        let Some(sorry) = spec.sorry_server.clone() else { return Ok(()) };
        for health in play(&spec, &changes) {
            let dests = service(&spec, &spec.services[0], &health).dests;
            let others = dests.iter().filter(|(key, dest)| **key != sorry.key && dest.weight > 0).count();
            if health.has_quorum() {
                let is_real = spec.real_servers.iter().any(|server| server.key == sorry.key);
                prop_assert!(is_real || dests.get(&sorry.key).is_none_or(|dest| dest.weight == 0));
            } else {
                prop_assert_eq!(others, 0);
                prop_assert_eq!(dests.get(&sorry.key), Some(&sorry.dest));
            }
        }
    }

    #[test]
    fn without_a_sorry_server_every_live_server_is_in_the_table_with_its_weight(
        spec in any_virtual_server(), changes in any_changes()
    ) {
        let spec = VirtualServerSpec { sorry_server: None, ..spec };
        for health in play(&spec, &changes) {
            let dests = service(&spec, &spec.services[0], &health).dests;
            for server in spec.real_servers.iter().filter(|server| health.is_live(&server.key)) {
                prop_assert_eq!(dests.get(&server.key), Some(&server.dest));
            }
        }
    }
}

const UNKNOWN: Outcome = Outcome::Unknown(LocalError { step: Step::Open, cause: Cause::NoMemory });

fn any_outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        4 => Just(Outcome::Success),
        6 => Just(Outcome::Failure(Failure::TimedOut)),
        1 => Just(UNKNOWN),
    ]
}

/// A check and what its runs will find.
#[derive(Clone, Debug)]
struct Script {
    retry: u32,
    alpha: bool,
    /// Outcomes, and how many milliseconds each takes.
    runs: Vec<(Outcome, u64)>,
}

/// The checks of one server.
fn any_checks() -> impl Strategy<Value = Vec<Script>> {
    let runs = prop::collection::vec((any_outcome(), 0..5_000_u64), 1..30);
    let check = (0..4_u32, any::<bool>(), runs);
    prop::collection::vec(check.prop_map(|(retry, alpha, runs)| Script { retry, alpha, runs }), 1..4)
}

/// The rules, read off the whole history of a check: whether it is up after these outcomes, and how long until its next
/// run.
fn model(spec: &CheckSpec, at_start: bool, history: &[Outcome]) -> (bool, Duration) {
    let verdicts: Vec<bool> = history
        .iter()
        .filter(|outcome| **outcome != UNKNOWN)
        .map(|outcome| *outcome == Outcome::Success)
        .collect();
    let row = verdicts.iter().rev().take_while(|success| !**success).count();
    let never_succeeded = row == verdicts.len();
    let round = spec.retry as usize + 1;
    // The first failure after a start is a round of its own.
    let own = usize::from(at_start && never_succeeded && row > 0);
    let up = if never_succeeded && spec.alpha { false } else { own == 0 && row < round };
    let last_unknown = history.last() == Some(&UNKNOWN);
    let mid_round = !(row - own).is_multiple_of(round);
    (up, if mid_round && !last_unknown { spec.delay_before_retry.get() } else { spec.delay_loop.get() })
}

/// Plays the runs to a scheduler and compares health and times after each.
fn compare(checks: &[Script], at_start: bool) -> Result<(), TestCaseError> {
    let port = |index: usize| u16::try_from(index).unwrap();
    let specs: Vec<CheckSpec> = (0..)
        .zip(checks)
        .map(|(index, script)| CheckSpec {
            retry: script.retry,
            alpha: script.alpha,
            ..check(world::at_port(1, port(index)))
        })
        .collect();
    let mut scheduler = Scheduler::new();
    let mut now = clock::Instant::from_micros(1);
    if !at_start {
        scheduler.handle(now, Input::Configure { servers: vec![], seed: 0 });
    }
    let servers = vec![virtual_server(vec![server(1, specs.clone())])];
    scheduler.handle(now, Input::Configure { servers, seed: 0 });

    let mut histories = vec![Vec::new(); checks.len()];
    let mut expected_start = vec![now + Duration::from_secs(1); checks.len()];
    // Runs under way, by when they end.
    let mut running: Vec<(clock::Instant, RunId, usize)> = Vec::new();
    loop {
        while let Some(action) = scheduler.next_action() {
            if let Action::Start { run, probe: checker::ProbeSpec::Tcp(connection) } = action {
                let index = usize::from(connection.target.port());
                prop_assert_eq!(now, expected_start[index]);
                let Some((_, takes)) = checks[index].runs.get(histories[index].len()) else { continue };
                running.push((now + Duration::from_millis(*takes), run, index));
            }
        }
        running.sort();
        let deadline = scheduler.next_deadline();
        match running.first().copied() {
            Some((end, run, index)) if deadline.is_none_or(|at| end <= at) => {
                running.remove(0);
                now = end;
                let outcome = checks[index].runs[histories[index].len()].0;
                scheduler.handle(now, Input::Result { run, outcome });
                histories[index].push(outcome);
                let (_, pause) = model(&specs[index], at_start, &histories[index]);
                expected_start[index] = now + pause;
                let up = |index: usize| {
                    let (spec, history) = (&specs[index], &histories[index]);
                    if history.is_empty() { !spec.alpha } else { model(spec, at_start, history).0 }
                };
                let live = scheduler.health().get(&VIP).unwrap().is_live(&key(1));
                prop_assert_eq!(live, (0..checks.len()).all(up), "{:?}", histories);
            }
            _ => match deadline {
                Some(at) => {
                    now = at;
                    scheduler.handle(now, Input::Tick);
                }
                None => return Ok(()),
            },
        }
    }
}

proptest! {
    #![proptest_config(printed_only())]

    #[test]
    fn health_and_times_after_a_start_are_those_of_a_naive_model(checks in any_checks()) {
        compare(&checks, true)?;
    }

    #[test]
    fn health_and_times_after_a_reload_are_those_of_a_naive_model(checks in any_checks()) {
        compare(&checks, false)?;
    }

    #[test]
    fn writing_and_reading_the_state_between_any_two_inputs_changes_nothing(
        outcomes in prop::collection::vec(any_outcome(), 1..30)
    ) {
        let servers = vec![virtual_server(vec![server(1, vec![check(target(1))])])];
        let mut kept = Scheduler::new();
        kept.handle(clock::Instant::ZERO, Input::Configure { servers: servers.clone(), seed: 5 });
        let mut copied = kept.clone();
        for outcome in outcomes {
            let now = kept.next_deadline().unwrap();
            let mut actions = [Vec::new(), Vec::new()];
            for (scheduler, actions) in [&mut kept, &mut copied].into_iter().zip(&mut actions) {
                scheduler.handle(now, Input::Tick);
                while let Some(action) = scheduler.next_action() {
                    if let Action::Start { run, .. } = action {
                        scheduler.handle(now, Input::Result { run, outcome });
                    }
                    actions.push(action);
                }
            }
            prop_assert_eq!(&actions[0], &actions[1]);
            let knowledge = postcard::to_allocvec(&copied.knowledge()).unwrap();
            let knowledge = postcard::from_bytes(&knowledge).unwrap();
            copied = Scheduler::resume(now, knowledge, servers.clone()).unwrap();
        }
        prop_assert_eq!(kept, copied);
    }
}
