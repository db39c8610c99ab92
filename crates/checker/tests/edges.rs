//! Properties of whole lives: random configurations, results, reloads and crashes in random order. What the actions say,
//! taken together, is the state, and no check is ever lost or run twice.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use checker::{
    Action, Cause, CheckSpec, Failure, Input, LocalError, Outcome, ProbeSpec, RunId, Scheduler, Step,
    VirtualServerSpec, desired,
};
use clock::Instant;
use ipvs::{DestKey, ServiceKey};
use proptest::prelude::*;
use world::{at_port, check, server, sorry, vip, virtual_server};

/// Few enough hosts, ports and schedules that reloads often keep, change and exchange checks.
fn any_check(host: u8) -> impl Strategy<Value = CheckSpec> {
    (0..3_u16, 0..3_u32, any::<bool>()).prop_map(move |(port, retry, alpha)| CheckSpec {
        retry,
        alpha,
        warmup: Duration::from_secs(u64::from(retry)).into(),
        ..check(at_port(host, port))
    })
}

fn any_virtual_server(port: u16) -> impl Strategy<Value = VirtualServerSpec> {
    let server = |host: u8| {
        let checks = prop::collection::vec(any_check(host), 0..3);
        prop::option::of(checks.prop_map(move |checks| server(host, checks)))
    };
    let servers = (server(1), server(2), server(3));
    (servers, 1..4_u32, any::<bool>()).prop_map(move |((a, b, c), quorum, has_sorry)| VirtualServerSpec {
        services: vec![vip(port)],
        quorum,
        sorry_server: has_sorry.then(|| sorry(8)),
        ..virtual_server([a, b, c].into_iter().flatten().collect())
    })
}

fn any_configuration() -> impl Strategy<Value = Vec<VirtualServerSpec>> {
    let one = |port| prop::option::of(any_virtual_server(port));
    (one(80), one(81)).prop_map(|(a, b)| [a, b].into_iter().flatten().collect())
}

#[derive(Clone, Debug)]
enum Happens {
    Reload(Vec<VirtualServerSpec>, u64),
    Time(u64),
    /// The run at this place among those in flight ends.
    Ends(prop::sample::Index, Outcome),
    Crash,
}

fn any_script() -> impl Strategy<Value = Vec<Happens>> {
    let unknown = Outcome::Unknown(LocalError { step: Step::Open, cause: Cause::NoMemory });
    let outcome = prop::sample::select(vec![Outcome::Success, Outcome::Failure(Failure::Refused), unknown]);
    let happens = prop_oneof![
        2 => (any_configuration(), any::<u64>()).prop_map(|(it, seed)| Happens::Reload(it, seed)),
        6 => (0..3_000_u64).prop_map(Happens::Time),
        8 => (any::<prop::sample::Index>(), outcome).prop_map(|(at, it)| Happens::Ends(at, it)),
        1 => Just(Happens::Crash),
    ];
    prop::collection::vec(happens, 0..60)
}

/// The scheduler, and what a driver knows who only ever saw its actions.
#[derive(Default)]
struct Driver {
    scheduler: Scheduler,
    now: Instant,
    in_flight: BTreeMap<RunId, ProbeSpec>,
    live: BTreeSet<(ServiceKey, DestKey)>,
    quorums: BTreeSet<ServiceKey>,
    seen: BTreeSet<RunId>,
}

impl Driver {
    fn input(&mut self, input: Input) {
        self.scheduler.handle(self.now, input);
        while let Some(action) = self.scheduler.next_action() {
            match action {
                Action::Start { run, probe } => {
                    assert!(self.seen.insert(run), "{run:?} was used before");
                    self.in_flight.insert(run, probe);
                }
                Action::Cancel { run } => {
                    assert!(self.in_flight.remove(&run).is_some(), "{run:?} is not in flight");
                }
                Action::Health { virtual_server, server, up: true, .. } => {
                    self.live.insert((virtual_server, server));
                }
                Action::Health { virtual_server, server, up: false, .. } => {
                    self.live.remove(&(virtual_server, server));
                }
                Action::Quorum { virtual_server, up: true, .. } => {
                    assert!(self.quorums.insert(virtual_server), "gained twice");
                }
                Action::Quorum { virtual_server, up: false, .. } => {
                    self.quorums.remove(&virtual_server);
                }
                Action::Weight { .. } | Action::Drained { .. } | Action::Emit(_) => {}
            }
        }
    }

    fn happen(&mut self, happens: Happens) {
        match happens {
            Happens::Reload(servers, seed) => self.input(Input::Configure { servers, seed }),
            Happens::Time(millis) => {
                self.now += Duration::from_millis(millis);
                self.input(Input::Tick);
            }
            Happens::Ends(place, outcome) => {
                if !self.in_flight.is_empty() {
                    let run = *place.get(&self.in_flight.keys().copied().collect::<Vec<_>>());
                    self.in_flight.remove(&run);
                    self.input(Input::Result { run, outcome });
                }
            }
            Happens::Crash => {
                let servers: Vec<_> = self.scheduler.virtual_servers().cloned().collect();
                let known = self.scheduler.knowledge();
                self.scheduler = Scheduler::resume(self.now, known, servers).unwrap();
                self.in_flight.clear();
            }
        }
    }

    /// How many runs in flight ask each question.
    fn asked(&self) -> BTreeMap<ProbeSpec, usize> {
        let mut asked = BTreeMap::new();
        for probe in self.in_flight.values() {
            *asked.entry(probe.clone()).or_default() += 1;
        }
        asked
    }

    /// The questions that checks have.
    fn wanted(&self) -> BTreeSet<ProbeSpec> {
        let servers = self.scheduler.virtual_servers().flat_map(|spec| &spec.real_servers);
        servers.flat_map(|server| &server.checks).map(|check| check.probe.clone()).collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn health_and_quorum_are_what_the_actions_said(script in any_script()) {
        let mut driver = Driver::default();
        for happens in script {
            driver.happen(happens);
            let mut live = BTreeSet::new();
            let mut quorums = BTreeSet::new();
            for spec in driver.scheduler.virtual_servers() {
                let health = driver.scheduler.health().get(&spec.services[0]).unwrap();
                let servers = spec.real_servers.iter().filter(|server| health.is_live(&server.key));
                live.extend(servers.map(|server| (spec.services[0], server.key)));
                quorums.extend(health.has_quorum().then_some(spec.services[0]));
            }
            prop_assert_eq!(&driver.live, &live);
            prop_assert_eq!(&driver.quorums, &quorums);
        }
    }

    #[test]
    fn no_question_is_in_flight_twice_and_none_that_is_not_configured(script in any_script()) {
        let mut driver = Driver::default();
        for happens in script {
            driver.happen(happens);
            let wanted = driver.wanted();
            for (probe, runs) in driver.asked() {
                prop_assert!(wanted.contains(&probe), "{probe:?}");
                prop_assert_eq!(runs, 1);
            }
        }
    }

    #[test]
    fn no_check_is_ever_lost(script in any_script()) {
        let mut driver = Driver::default();
        for happens in script {
            driver.happen(happens);
        }
        // Much later every question is asked, whatever went before.
        driver.happen(Happens::Time(1_000_000));
        let asked = driver.asked().into_keys().collect::<BTreeSet<_>>();
        prop_assert_eq!(asked, driver.wanted());
        prop_assert_eq!(driver.scheduler.next_deadline(), None);
    }

    #[test]
    fn when_all_answers_are_good_every_server_comes_up(script in any_script()) {
        let mut driver = Driver::default();
        for happens in script {
            driver.happen(happens);
        }
        driver.happen(Happens::Time(1_000_000));
        for run in driver.in_flight.keys().copied().collect::<Vec<_>>() {
            driver.input(Input::Result { run, outcome: Outcome::Success });
        }
        let table = desired(driver.scheduler.virtual_servers(), driver.scheduler.health());
        for spec in driver.scheduler.virtual_servers() {
            let health = driver.scheduler.health().get(&spec.services[0]).unwrap();
            prop_assert!(spec.real_servers.iter().all(|server| health.is_live(&server.key)));
            let weight = u32::try_from(spec.real_servers.len()).unwrap();
            prop_assert_eq!(health.has_quorum(), weight > 0 && weight >= spec.quorum);
            if health.has_quorum() || spec.sorry_server.is_none() {
                let dests = &table.services[&spec.services[0]].dests;
                let hosts: BTreeSet<_> = spec.real_servers.iter().map(|server| server.key.address).collect();
                prop_assert_eq!(dests.keys().map(|dest| dest.address).collect::<BTreeSet<_>>(), hosts);
            }
        }
    }
}
