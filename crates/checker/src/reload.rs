//! `Configure`: from the running checks to those of a new configuration.
//!
//! **What the new configuration does not change keeps its timer, its counters, its health and its run.** keepalived
//! restarts all timers at a reload, and brings servers that are down back up for as long as the first run of a changed
//! check takes; both are what its users complain of, and we do neither.
//!
//! State moves by identity, each step a map lookup:
//!
//! * a virtual server is the old one with the same first service, else the old one with which it shares a service, so that
//!   a group keeps its state when its first address is taken out;
//! * a real server is the old one with the same key in it;
//! * a check is the old one with the same spec, else the one that asks the same question on another schedule (it keeps
//!   its state, and runs no later than a new one would), else the next one left over (the question changed: it begins with
//!   the health that the old one found, and runs no later than that would have).
//!
//! A server that is new is up at once, or down if alpha. A check that is added to a server does not change its health
//! before it has failed, alpha or not (as keepalived, measured). Only the checks of virtual servers that changed are
//! touched.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use clock::Instant;
use ipvs::{DestKey, ServiceKey};

use crate::action::{Action, Event, RunId, Why};
use crate::check::{CheckState, Phase, Standing};
use crate::drain::{Leaving, leaving};
use crate::health::VirtualServerHealth;
use crate::question::Questions;
use crate::scheduler::{Place, Scheduler, VirtualServer};
use crate::spec::{CheckSpec, RealServerSpec, VirtualServerSpec};
use crate::spread::Spread;
use crate::suspend::is_suspended;

/// No check runs sooner after it appeared.
const FIRST_AFTER: Duration = Duration::from_secs(1);

/// What all steps of one `Configure` share.
struct Pass {
    now: Instant,
    /// The first configuration of the process.
    at_start: bool,
    spread: Spread,
    /// Runs that a check waited for which is gone.
    left: BTreeSet<RunId>,
    /// Destinations of what has changed or is gone.
    leaving: Vec<Leaving>,
}

impl Pass {
    /// When a new check runs: after 1 s and a random part of its warm-up.
    fn first_run(&mut self, questions: &mut Questions, spec: &CheckSpec) -> Instant {
        let earliest = self.now + FIRST_AFTER;
        let drawn = earliest + self.spread.up_to(spec.warmup.get());
        questions.next(&spec.probe, spec.delay_loop.get(), earliest, drawn, earliest + spec.warmup.get())
    }

    fn leave(&mut self, state: &CheckState) {
        if let Phase::Running(run) = state.phase {
            self.left.insert(run);
        }
    }
}

/// A virtual server of the old configuration.
struct Predecessor {
    key: ServiceKey,
    virtual_server: Box<VirtualServer>,
    health: VirtualServerHealth,
}

impl Scheduler {
    pub(crate) fn configure(&mut self, now: Instant, servers: Vec<VirtualServerSpec>, seed: u64) {
        let mut pass = Pass {
            now,
            at_start: !self.configured,
            spread: Spread::new(seed),
            left: BTreeSet::new(),
            leaving: Vec::new(),
        };
        self.questions.configure(&servers);
        self.configured = true;
        let mut old = std::mem::take(&mut self.virtual_servers);
        let mut old_health = std::mem::take(&mut self.health);
        let successions = successions(&old, &servers);
        for (spec, succession) in servers.into_iter().zip(successions) {
            let free = |key: &ServiceKey| !self.virtual_servers.contains_key(key);
            let Some(key) = spec.services.first().copied().filter(free) else {
                self.emit(Event::Ignored { name: spec.name });
                continue;
            };
            let predecessor = succession.and_then(|key| {
                let virtual_server = old.remove(&key)?;
                Some(Predecessor { key, virtual_server, health: old_health.remove(&key)? })
            });
            match predecessor {
                Some(Predecessor { virtual_server, health, .. }) if virtual_server.spec == spec => {
                    self.virtual_servers.insert(key, virtual_server);
                    self.health.insert(key, health);
                }
                predecessor => self.rebuild(&mut pass, key, spec, predecessor),
            }
        }
        for (key, virtual_server) in old {
            let health = old_health.remove(&key).unwrap_or_default();
            self.retire(&mut pass, Predecessor { key, virtual_server, health });
        }
        // Maps that grew are half empty; one that is collected is dense.
        self.virtual_servers = std::mem::take(&mut self.virtual_servers).into_iter().collect();
        self.health = std::mem::take(&mut self.health).packed();
        self.share_runs();
        self.drain(now, pass.leaving);
        for run in pass.left {
            if !self.is_awaited(run) {
                self.actions.push_back(Action::Cancel { run });
            }
        }
    }

    /// Builds a virtual server that is new or has changed.
    fn rebuild(
        &mut self,
        pass: &mut Pass,
        key: ServiceKey,
        spec: VirtualServerSpec,
        predecessor: Option<Predecessor>,
    ) {
        let is_new = predecessor.is_none();
        let (mut old, mut health) = match predecessor {
            Some(predecessor) => {
                pass.leaving.extend(leaving(&predecessor.virtual_server.spec, &predecessor.health));
                self.dismantle(predecessor)
            }
            None => (BTreeMap::new(), VirtualServerHealth::of(&spec, false)),
        };
        if is_new && is_suspended(&spec, &self.here) {
            self.emit(Event::Suspended { virtual_server: key, yes: true });
        }
        let mut all = Vec::with_capacity(spec.real_servers.len());
        for (index, server) in spec.real_servers.iter().enumerate() {
            let before = old.remove(&server.key);
            let appears = before.is_none();
            let states = match before {
                Some(before) => self.adopt(pass, before, &server.checks),
                None => new_checks(pass, &mut self.questions, server),
            };
            for (check, state) in states.iter().enumerate() {
                self.enrol(Place::new(key, index, check), state.phase);
            }
            let (may, more) = self.followed.of(&server.follows);
            if health.weigh(server, &states, more) {
                let weight = health.weight(server);
                self.actions.push_back(Action::Weight { virtual_server: key, server: server.key, weight });
            }
            let up = may && states.iter().all(CheckState::is_up);
            if appears || health.is_live(&server.key) != up {
                health.set(server.key, up);
                let why = Why::Configured;
                if !(up && pass.at_start && self.brief) {
                    let server = server.key;
                    self.actions.push_back(Action::Health { virtual_server: key, server, up, why });
                }
            }
            all.push(states);
        }
        for (server, before) in old {
            self.dismiss(pass, key, server, &before, &mut health);
        }
        if health.assess(&spec) || is_new {
            let (up, weight) = (health.has_quorum(), health.live_weight(&spec));
            self.actions.push_back(Action::Quorum { virtual_server: key, up, weight });
        }
        let states = all.into();
        self.virtual_servers.insert(key, Box::new(VirtualServer { spec, states }));
        self.health.insert(key, health);
    }

    /// Ends a virtual server that the configuration does not name any more.
    fn retire(&mut self, pass: &mut Pass, predecessor: Predecessor) {
        let key = predecessor.key;
        pass.leaving.extend(leaving(&predecessor.virtual_server.spec, &predecessor.health));
        let (old, mut health) = self.dismantle(predecessor);
        for (server, before) in old {
            self.dismiss(pass, key, server, &before, &mut health);
        }
        if health.has_quorum() {
            self.actions.push_back(Action::Quorum { virtual_server: key, up: false, weight: 0 });
        }
    }

    /// Takes the checks of a virtual server out of the indices, and sorts them by real server.
    fn dismantle(&mut self, predecessor: Predecessor) -> (BTreeMap<DestKey, Checks>, VirtualServerHealth) {
        let Predecessor { key, virtual_server, health } = predecessor;
        let VirtualServer { spec, states: all } = *virtual_server;
        let mut by_server = BTreeMap::new();
        for (index, (server, states)) in spec.real_servers.into_iter().zip(all.iter()).enumerate() {
            for (check, state) in states.iter().enumerate() {
                self.strike(Place::new(key, index, check), state.phase);
            }
            by_server.insert(server.key, server.checks.into_iter().zip(states.iter().cloned()).collect());
        }
        (by_server, health)
    }

    /// Ends a real server that the configuration does not name any more.
    fn dismiss(
        &mut self,
        pass: &mut Pass,
        key: ServiceKey,
        server: DestKey,
        checks: &Checks,
        health: &mut VirtualServerHealth,
    ) {
        for (_, state) in checks {
            pass.leave(state);
        }
        health.forget_weight(&server);
        if health.is_live(&server) {
            health.set(server, false);
            let why = Why::Removed;
            self.actions.push_back(Action::Health { virtual_server: key, server, up: false, why });
        }
    }

    /// The states of the checks of a real server that was there before.
    fn adopt(&mut self, pass: &mut Pass, before: Checks, specs: &[CheckSpec]) -> Vec<CheckState> {
        let mut before: Vec<Option<(CheckSpec, CheckState)>> = before.into_iter().map(Some).collect();
        let mut states: Vec<Option<CheckState>> =
            specs.iter().map(|spec| take(&mut before, |old| old == spec)).collect();
        for (spec, state) in specs.iter().zip(&mut states).filter(|(_, state)| state.is_none()) {
            *state = take(&mut before, |old| old.probe == spec.probe).map(|mut state| {
                if let Phase::Waiting(at) = state.phase {
                    state.phase = Phase::Waiting(at.min(pass.first_run(&mut self.questions, spec)));
                }
                state
            });
        }
        let mut left_over = before.into_iter().flatten().map(|(_, state)| state);
        let states = specs
            .iter()
            .zip(states)
            .map(|(spec, state)| {
                state.unwrap_or_else(|| {
                    let first_run = pass.first_run(&mut self.questions, spec);
                    left_over.next().map_or_else(
                        || CheckState::new(Standing::Up, false, first_run),
                        |old| {
                            pass.leave(&old);
                            let soon = match old.phase {
                                Phase::Waiting(at) => at,
                                Phase::Running(_) => pass.now + FIRST_AFTER,
                            };
                            old.succeeded_by_another(soon.min(first_run))
                        },
                    )
                })
            })
            .collect();
        for state in left_over {
            pass.leave(&state);
        }
        states
    }
}

/// The checks of one real server.
type Checks = Vec<(CheckSpec, CheckState)>;

/// The state of the first check left that fits.
fn take(
    checks: &mut [Option<(CheckSpec, CheckState)>],
    fits: impl Fn(&CheckSpec) -> bool,
) -> Option<CheckState> {
    let found = checks.iter_mut().find(|check| check.as_ref().is_some_and(|(spec, _)| fits(spec)))?;
    found.take().map(|(_, state)| state)
}

/// The checks of a real server that was not there before.
fn new_checks(pass: &mut Pass, questions: &mut Questions, server: &RealServerSpec) -> Vec<CheckState> {
    server
        .checks
        .iter()
        .map(|spec| {
            let standing = if spec.alpha { Standing::Awaited } else { Standing::Up };
            CheckState::new(standing, pass.at_start, pass.first_run(questions, spec))
        })
        .collect()
}

/// Which old virtual server each new one continues: the one of the same name, else one that nobody of its name claims.
fn successions(
    old: &BTreeMap<ServiceKey, Box<VirtualServer>>,
    new: &[VirtualServerSpec],
) -> Vec<Option<ServiceKey>> {
    let mut by_service = BTreeMap::new();
    for (first, virtual_server) in old {
        for service in &virtual_server.spec.services {
            by_service.entry(*service).or_insert(*first);
        }
    }
    let mut taken: BTreeSet<ServiceKey> = new
        .iter()
        .filter_map(|spec| spec.services.first())
        .filter(|key| old.contains_key(key))
        .copied()
        .collect();
    new.iter()
        .map(|spec| {
            let first = spec.services.first()?;
            if old.contains_key(first) {
                return Some(*first);
            }
            let shared = spec.services.iter().filter_map(|key| by_service.get(key));
            shared.copied().find(|key| taken.insert(*key))
        })
        .collect()
}
