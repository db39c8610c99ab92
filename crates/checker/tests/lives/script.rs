//! Whole lives of a director on a kernel: configurations with groups, weights, quorums, sorry servers and draining; reloads,
//! verdicts, numbers in files, crashes; other people's changes of the table, and changes of ours that fail.
//!
//! After each step the kernel's table has to be what is wanted, and **no service that is served before and after a step is
//! without a usable destination in it**, whatever fails on the way.

use std::collections::BTreeMap;
use std::time::Duration;

use checker::{
    Action, Failure, FollowSpec, Followed, Input, Outcome, ProbeSpec, RunId, Scheduler, VirtualServerSpec,
    desired, named,
};
use clock::Instant;
use ipvs::{DestKey, DestSpec, Family, Kernel, Op, Owned, Protocol, ServiceKey, Table, plan, reconcile};
use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};

use crate::end::{served, usable, wanted};
use crate::failing::{Failing, Fault, fault};
use crate::world::{at_port, check, dest, key, server, sorry, vip, virtual_server};

/// One step.
#[derive(Clone, Debug)]
pub enum Happens {
    Reload(Vec<VirtualServerSpec>),
    Time(u64),
    /// The run at this place among those in flight ends.
    Ends(Index, Outcome),
    /// The number in the file that some servers follow.
    Number(i64),
    /// What drains at this place has no connection left.
    Idle(Index),
    /// The checker dies, and its successor goes on.
    Crash,
    /// Somebody else changes the table.
    Others(Vec<Op>),
    /// So the next changes of ours fare; none: as they should.
    Faults(Vec<Option<Fault>>),
}

/// The file that servers follow.
const FILE: &str = "F";

fn marked(mark: u32) -> ServiceKey {
    ServiceKey::Fwmark { mark, family: Family::V4 }
}

/// The services that a group may have: each belongs to one virtual server.
fn services(number: u16) -> Vec<ServiceKey> {
    let ServiceKey::Address { address, .. } = vip(80) else { return Vec::new() };
    let port = 80 + 10 * number;
    let udp = ServiceKey::Address { protocol: Protocol::Udp, address, port };
    vec![vip(port), vip(port + 1), udp, marked(u32::from(port))]
}

fn any_virtual_server(number: u16) -> impl Strategy<Value = VirtualServerSpec> {
    let of_server = move |host: u8| {
        let checks = prop::collection::vec((0..2_u16, 0..2_u32, any::<bool>()), 0..3);
        let follows = prop::option::weighted(0.3, (-3..4_i32, any::<bool>()));
        let settings = (0..6_u32, any::<bool>(), any::<bool>(), select(vec![0, 0, 3, 30_u32]));
        let spec = (checks, follows, settings).prop_map(
            move |(checks, follows, (weight, inhibit, alpha, drain))| {
                let checks = checks.into_iter().map(|(port, retry, alpha_check)| checker::CheckSpec {
                    retry,
                    alpha: alpha || alpha_check,
                    ..check(at_port(host, port))
                });
                let mut spec = server(host, checks.collect());
                spec.dest = dest(weight);
                (spec.inhibit_on_failure, spec.alpha, spec.drain_timeout) = (inhibit, alpha, drain);
                let file = |(weight, reverse)| FollowSpec::File { file: FILE.into(), weight, reverse };
                spec.follows = follows.map(file).into_iter().collect();
                spec
            },
        );
        prop::option::weighted(0.8, spec)
    };
    let servers = (of_server(1), of_server(2), of_server(3));
    let places = subsequence(services(number), 1..=4).prop_shuffle();
    let settings = (1..9_u32, 0..4_u32, any::<bool>(), any::<bool>(), select(vec!["wrr", "sh", "rr"]));
    let sorry_server = prop::option::of((prop_oneof![3 => Just(8_u8), 1 => Just(2_u8)], any::<bool>()));
    (servers, places, settings, sorry_server).prop_map(
        |((a, b, c), services, (quorum, hysteresis, alpha, omega, scheduler), sorry_server)| {
            let mut spec = virtual_server([a, b, c].into_iter().flatten().collect());
            spec.group = (services.len() > 1).then(|| "G".into());
            spec.services = services;
            spec.service.scheduler = scheduler.into();
            (spec.quorum, spec.hysteresis) = (quorum, hysteresis.min(quorum - 1));
            (spec.alpha, spec.omega) = (alpha, omega);
            spec.sorry_server =
                sorry_server.map(|(host, inhibit)| checker::SorryServerSpec { inhibit, ..sorry(host) });
            spec
        },
    )
}

fn any_configuration() -> impl Strategy<Value = Vec<VirtualServerSpec>> {
    let one = |number| prop::option::weighted(0.8, any_virtual_server(number));
    (one(0), one(1)).prop_map(|(a, b)| [a, b].into_iter().flatten().collect())
}

/// What somebody else does: to services and destinations of ours, and beside them.
fn any_op() -> impl Strategy<Value = Op> {
    let service = select([services(0), services(1), vec![vip(999), marked(999)]].concat());
    let dest_key = select(vec![key(1), key(2), key(3), key(8), key(9)]);
    (service, dest_key, 0..6_u8, 0..4_u32).prop_map(|(service, at, what, weight)| {
        // As a service without port or with a mark wants it.
        let at =
            DestKey { port: if matches!(service, ServiceKey::Fwmark { .. }) { 0 } else { at.port }, ..at };
        let spec: DestSpec = dest(weight);
        let settings = || ipvs::ServiceSpec { scheduler: "lc".into(), ..virtual_server(vec![]).service };
        match what {
            0 => Op::DeleteService { service },
            1 => Op::AddService { service, spec: settings() },
            2 => Op::EditService { service, spec: settings() },
            3 => Op::AddDest { service, dest: at, spec },
            4 => Op::EditDest { service, dest: at, spec },
            _ => Op::DeleteDest { service, dest: at },
        }
    })
}

pub fn happens() -> impl Strategy<Value = Happens> {
    let outcome = prop_oneof![
        4 => Just(Outcome::Success),
        4 => Just(Outcome::Failure(Failure::Refused)),
        1 => (0..8_u32).prop_map(Outcome::Weight),
    ];
    prop_oneof![
        3 => any_configuration().prop_map(Happens::Reload),
        4 => (0..4_000_u64).prop_map(Happens::Time),
        9 => (any::<Index>(), outcome).prop_map(|(at, outcome)| Happens::Ends(at, outcome)),
        1 => (-4..5_i64).prop_map(Happens::Number),
        1 => any::<Index>().prop_map(Happens::Idle),
        1 => Just(Happens::Crash),
        3 => prop::collection::vec(any_op(), 1..6).prop_map(Happens::Others),
        3 => prop::collection::vec(fault(), 1..8).prop_map(Happens::Faults),
    ]
}

/// A director's life so far.
pub struct Life<K> {
    kernel: K,
    scheduler: Scheduler,
    now: Instant,
    in_flight: BTreeMap<RunId, ProbeSpec>,
    owned: Owned,
    faults: Vec<Option<Fault>>,
    pub changes: usize,
}

impl<K: Kernel> Life<K> {
    /// On a kernel with an empty table.
    pub fn on(kernel: K) -> Self {
        let mut life = Self {
            kernel,
            scheduler: Scheduler::new(),
            now: Instant::from_micros(1),
            in_flight: BTreeMap::new(),
            owned: Owned::default(),
            faults: Vec::new(),
            changes: 0,
        };
        life.input(Input::Configure { servers: vec![], seed: 0 });
        life
    }

    fn input(&mut self, input: Input) {
        self.scheduler.handle(self.now, input);
        while let Some(action) = self.scheduler.next_action() {
            match action {
                Action::Start { run, probe } => drop(self.in_flight.insert(run, probe)),
                Action::Cancel { run } => drop(self.in_flight.remove(&run)),
                _ => {}
            }
        }
    }

    /// Takes a step, and says what was not as it should be.
    pub fn take(&mut self, happens: Happens) -> Result<(), String> {
        match happens {
            Happens::Reload(servers) => self.input(Input::Configure { servers, seed: 7 }),
            Happens::Time(millis) => {
                self.now += Duration::from_millis(millis);
                self.input(Input::Tick);
            }
            Happens::Ends(place, outcome) => {
                let runs: Vec<_> = self.in_flight.keys().copied().collect();
                if !runs.is_empty() {
                    let run = *place.get(&runs);
                    self.in_flight.remove(&run);
                    self.input(Input::Result { run, outcome });
                }
            }
            Happens::Number(value) => self.input(Input::Follow { what: Followed::File(FILE.into()), value }),
            Happens::Idle(place) => {
                let drains = self.scheduler.drains().iter();
                let all: Vec<_> =
                    drains.flat_map(|(service, dests)| dests.map(|dest| (*service, *dest))).collect();
                if !all.is_empty() {
                    let (service, dest) = *place.get(&all);
                    self.input(Input::Drained { service, dest });
                }
            }
            Happens::Crash => {
                let servers: Vec<_> = self.scheduler.virtual_servers().cloned().collect();
                let known = self.scheduler.knowledge();
                let next = Scheduler::resume(self.now, known, servers).map_err(|error| error.to_string())?;
                // Health is made anew, and is what it was.
                if next.health() != self.scheduler.health() {
                    return Err(format!("{:?} became {:?}", self.scheduler.health(), next.health()));
                }
                self.scheduler = next;
                self.in_flight.clear();
            }
            // Each may be refused.
            Happens::Others(ops) => drop(self.kernel.apply(&ops)),
            Happens::Faults(faults) => {
                self.faults = faults;
                return Ok(());
            }
        }
        self.quorums()?;
        let table = self.wanted_table()?;
        self.settle(&table)
    }

    /// Takes all that is ours away.
    pub fn stop(&mut self) -> Result<(), String> {
        self.settle(&Table::default())
    }

    fn wanted_table(&mut self) -> Result<Table, String> {
        let mut table = desired(self.scheduler.virtual_servers(), self.scheduler.health());
        self.scheduler.drains().keep_in(&mut table);
        self.owned.claim(&named(self.scheduler.virtual_servers()));
        self.owned.claim(&table);
        for spec in self.scheduler.virtual_servers() {
            let Some(health) = spec.services.first().and_then(|first| self.scheduler.health().get(first))
            else {
                continue;
            };
            let live = health.live_weight(spec) > 0;
            let serves = if health.has_quorum() || spec.sorry_server.is_none() { live } else { true };
            for service in spec.services.iter().filter(|_| serves) {
                if !usable(&table, service) {
                    return Err(format!(
                        "{service} of {} has somebody who serves, but not in the table",
                        spec.name
                    ));
                }
            }
        }
        Ok(table)
    }

    /// The laws of the quorum: what it may be at this weight.
    fn quorums(&self) -> Result<(), String> {
        for spec in self.scheduler.virtual_servers() {
            let Some(health) = spec.services.first().and_then(|first| self.scheduler.health().get(first))
            else {
                return Err(format!("nothing is known of {}", spec.name));
            };
            let (weight, quorum) = (health.live_weight(spec), u64::from(spec.quorum));
            let hysteresis = u64::from(spec.hysteresis);
            let lawful = if health.has_quorum() {
                weight > 0 && weight >= quorum - hysteresis
            } else {
                weight < quorum + hysteresis
            };
            if !lawful {
                return Err(format!("the quorum of {} is {} at {weight}", spec.name, health.has_quorum()));
            }
        }
        Ok(())
    }

    /// Makes the kernel's table as wanted, through what fails on the way.
    fn settle(&mut self, desired: &Table) -> Result<(), String> {
        let told = |error: ipvs::Error| error.to_string();
        let before = self.kernel.dump().map_err(told)?;
        let end = wanted(desired, &before, &self.owned);
        let mut kernel = Failing::new(&mut self.kernel, std::mem::take(&mut self.faults));
        // Each call ends early if it gets nowhere; somebody calls again.
        let settled = (0..20).any(|_| reconcile(&mut kernel, desired, &self.owned, None).settled());
        self.changes += kernel.history.len();
        for service in served(&before, &end) {
            if let Some(table) = kernel.history.iter().find(|table| !usable(table, &service)) {
                return Err(format!("{service} is not served in {table:#?}"));
            }
        }
        let after = self.kernel.dump().map_err(told)?;
        if !settled || after != end {
            return Err(format!("settled: {settled}; wanted {end:#?}\nfound {after:#?}"));
        }
        match &plan(desired, &after, &self.owned)[..] {
            [] => Ok(()),
            [op, ..] => Err(format!("a second plan is not empty: {op}")),
        }
    }
}
