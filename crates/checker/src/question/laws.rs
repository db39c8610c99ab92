//! Sharing changes no verdict: whoever gets the answers, each check makes of its own what it would alone.

use std::collections::BTreeMap;
use std::time::Duration;

use clock::Instant;
use ipvs::{DestKey, DestSpec, Forwarding, Protocol, SchedulerFlags, ServiceKey, ServiceSpec};
use proptest::prelude::*;

use crate::action::{Action, Input, RunId};
use crate::check::{CheckState, Phase};
use crate::outcome::{Failure, Outcome};
use crate::scheduler::Scheduler;
use crate::spec::{CheckSpec, Connection, ProbeSpec, RealServerSpec, VirtualServerSpec};

#[derive(Clone, Debug)]
struct Asked {
    /// Which of three questions.
    target: u8,
    period: u64,
    retry: u32,
    before_retry: u64,
    warmup: u64,
}

fn any_check() -> impl Strategy<Value = Asked> {
    (0..3_u8, 1..4_u64, 0..3_u32, 1..3_u64, 0..3_u64).prop_map(
        |(target, period, retry, before_retry, warmup)| Asked {
            target,
            period: period * 2_000,
            retry,
            before_retry: before_retry * 700,
            warmup: warmup * 3_000,
        },
    )
}

/// A virtual server on a port of its own, with a server for this check.
fn spec(port: u16, asked: &Asked) -> VirtualServerSpec {
    let address = [10, 0, 0, asked.target].into();
    let connection = Connection::new((address, 80).into(), Duration::from_secs(5).into());
    let check = CheckSpec {
        probe: ProbeSpec::Tcp(connection),
        delay_loop: Duration::from_millis(asked.period).into(),
        retry: asked.retry,
        delay_before_retry: Duration::from_millis(asked.before_retry).into(),
        warmup: Duration::from_millis(asked.warmup).into(),
        alpha: false,
        log_all_failures: false,
        log_all_failures_written: false,
    };
    let dest =
        DestSpec { weight: 1, forwarding: Forwarding::Masquerade, upper_threshold: 0, lower_threshold: 0 };
    VirtualServerSpec {
        name: port.to_string(),
        snmp_name: None,
        group: None,
        services: vec![ServiceKey::Address { protocol: Protocol::Tcp, address: [10, 0, 1, 1].into(), port }],
        service: ServiceSpec { scheduler: "rr".into(), flags: SchedulerFlags::default(), persistence: None },
        quorum: 1,
        hysteresis: 0,
        alpha: false,
        ha_suspend: false,
        omega: false,
        sorry_server: None,
        real_servers: vec![RealServerSpec {
            key: DestKey { address, port: 80 },
            snmp_name: None,
            dest,
            inhibit_on_failure: false,
            alpha: false,
            drain_timeout: 0,
            checks: vec![check],
            follows: vec![],
        }],
    }
}

/// The check of each virtual server.
fn states(scheduler: &Scheduler) -> Vec<CheckState> {
    scheduler.virtual_servers.values().flat_map(|it| it.states.iter()).flatten().cloned().collect()
}

/// Runs in flight: when each ends, and what it asks.
type InFlight = BTreeMap<(Instant, RunId), ProbeSpec>;

fn start(
    scheduler: &mut Scheduler,
    now: Instant,
    takes: u64,
    flight: &mut InFlight,
) -> Result<usize, TestCaseError> {
    let mut started = 0;
    while let Some(action) = scheduler.next_action() {
        if let Action::Start { run, probe } = action {
            prop_assert!(!flight.values().any(|other| *other == probe), "asked twice at once");
            flight.insert((now + Duration::from_millis(takes), run), probe);
            started += 1;
        }
    }
    Ok(started)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn each_check_makes_of_the_answers_what_it_would_alone_and_is_never_asked_late(
        checks in prop::collection::vec(any_check(), 1..6),
        answers in prop::collection::vec((any::<bool>(), 0..3_000_u64), 1..120),
        most in prop::option::of(1..4_usize),
    ) {
        let specs: Vec<VirtualServerSpec> = (1..).zip(&checks).map(|(port, asked)| spec(port, asked)).collect();
        let mut scheduler = Scheduler::new();
        let mut now = Instant::ZERO;
        if let Some(probes) = most {
            scheduler.handle(now, Input::Limit { probes });
        }
        scheduler.handle(now, Input::Configure { servers: specs.clone(), seed: 3 });
        let mut flight = InFlight::new();
        // Each check by itself, fed with what it is given.
        let mut alone = states(&scheduler);
        let mut answers = answers.into_iter();
        let mut given = 0;
        let mut next = answers.next();
        while let Some((success, takes)) = next {
            start(&mut scheduler, now, takes, &mut flight)?;
            prop_assert!(most.is_none_or(|most| flight.len() <= most));
            let first = flight.first_key_value().map(|((at, run), _)| (*at, *run));
            match (first, scheduler.next_deadline()) {
                (Some((at, run)), deadline) if deadline.is_none_or(|deadline| at <= deadline) => {
                    now = now.max(at);
                    flight.remove(&(at, run));
                    let before = states(&scheduler);
                    let outcome = if success { Outcome::Success } else { Outcome::Failure(Failure::Refused) };
                    scheduler.handle(now, Input::Result { run, outcome });
                    let after = states(&scheduler);
                    for (index, state) in before.iter().enumerate() {
                        if state.phase != Phase::Running(run) {
                            continue;
                        }
                        given += 1;
                        let check = &specs[index].real_servers[0].checks[0];
                        alone[index].conclude(now, outcome, check);
                        let (alone, shared) = (&alone[index], &after[index]);
                        prop_assert_eq!(alone.view(), shared.view());
                        let Phase::Waiting(wanted) = alone.phase else { return Ok(()) };
                        match shared.phase {
                            Phase::Waiting(at) if alone.is_mid_round() => prop_assert_eq!(at, wanted),
                            Phase::Waiting(at) => prop_assert!(now < at && at <= wanted),
                            Phase::Running(_) => prop_assert!(false, "asked again at once"),
                        }
                    }
                    next = answers.next();
                }
                (_, Some(deadline)) => {
                    now = now.max(deadline);
                    scheduler.handle(now, Input::Tick);
                }
                (_, None) => prop_assert!(false, "nothing in flight and nothing due"),
            }
        }
        prop_assert!(given > 0);
    }

    #[test]
    fn checks_of_one_question_and_period_that_succeed_are_asked_once_per_period(
        checks in prop::collection::vec(any_check(), 2..6),
        takes in 0..500_u64,
    ) {
        let checks = checks.into_iter().map(|asked| Asked { target: 1, period: 4_000, ..asked });
        let servers = (1..).zip(checks).map(|(port, asked)| spec(port, &asked)).collect();
        let mut scheduler = Scheduler::new();
        let mut now = Instant::ZERO;
        scheduler.handle(now, Input::Configure { servers, seed: 3 });
        let mut flight = InFlight::new();
        // Whatever the warm-ups were, all are in step two periods after the last of them.
        let settled = Instant::ZERO + Duration::from_secs(1 + 6 + 2 * 5);
        let end = settled + Duration::from_secs(45);
        let mut runs = 0;
        while now < end {
            let started = start(&mut scheduler, now, takes, &mut flight)?;
            runs += if now > settled { started } else { 0 };
            let first = flight.first_key_value().map(|((at, run), _)| (*at, *run));
            match (first, scheduler.next_deadline()) {
                (Some((at, run)), deadline) if deadline.is_none_or(|deadline| at <= deadline) => {
                    now = now.max(at);
                    flight.remove(&(at, run));
                    scheduler.handle(now, Input::Result { run, outcome: Outcome::Success });
                }
                (_, deadline) => {
                    now = now.max(deadline.unwrap_or(end));
                    scheduler.handle(now, Input::Tick);
                }
            }
        }
        prop_assert!(runs <= 12, "{runs} runs in 45 s");
        prop_assert!(runs >= 9, "{runs} runs in 45 s");
    }
}
