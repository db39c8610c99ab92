//! When which check runs, and what its results mean for servers and quorums: the whole of a checker process but for its
//! sockets.
//!
//! **Nothing here waits, so no check can delay another**: all checks that are due at a deadline start at that deadline,
//! and a check whose run hangs costs an entry in a map until its probe gives up. One check has at most one run at a time.
//!
//! Identity: a virtual server is named by the first of its services, a check by its [`Place`]. The state of a check lives
//! beside its spec, inside its virtual server, so that a reload that leaves a virtual server alone moves one map entry.
//! `due` and `running` are indices over those states: each waiting check stands in `due` once, each running one in
//! `running` once. A run serves several checks where they ask the same ([`crate::question`]).
//!
//! No more runs are in flight than [`Input::Limit`] allows: the checks that are due beyond it wait in `due`, the one that
//! waits longest starts first when a run ends, and each that had to wait is counted.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

use clock::Instant;
use ipvs::ServiceKey;

use crate::action::{Action, CheckName, Event, Input, RunId, Why};
use crate::check::{CheckState, CheckView, Conclusion, Phase, Standing};
use crate::drain::{DrainEnd, Drains};
use crate::follow::{Followed, Values, concerns};
use crate::health::Health;
use crate::outcome::{Failure, Outcome};
use crate::question::Questions;
use crate::spec::{CheckSpec, VirtualServerSpec};
use crate::states::States;
use crate::suspend::is_suspended;

/// Least time between two runs of a check that comes along with others, unless its period is shorter than two of it.
const SHORTEST: Duration = Duration::from_secs(1);

/// Room for so many actions is kept when there are none.
const KEPT_ACTIONS: usize = 1024;

/// Least time between two reports that starts have to wait.
const CROWDED_EVERY: Duration = Duration::from_secs(60);

/// The checks of one process. What it knows can be handed to another process, which [goes on](Self::resume) with it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Scheduler {
    /// What the next `Configure` is: a start or a reload.
    pub(crate) configured: bool,
    /// Of a start it is not told which servers begin up.
    pub(crate) brief: bool,
    pub(crate) virtual_servers: BTreeMap<ServiceKey, Box<VirtualServer>>,
    pub(crate) health: Health,
    /// What is known of what servers follow.
    pub(crate) followed: Values,
    due: BTreeSet<(Instant, Place)>,
    running: BTreeMap<RunId, Askers>,
    pub(crate) next_run: RunId,
    pub(crate) questions: Questions,
    limit: Limit,
    pub(crate) drains: Drains,
    /// The addresses of this host.
    pub(crate) here: BTreeSet<IpAddr>,
    pub(crate) actions: VecDeque<Action>,
}

/// Where a check is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Place {
    pub(crate) virtual_server: ServiceKey,
    server: u32,
    check: u32,
}

impl Place {
    /// The check with this index of the real server with this index.
    pub(crate) fn new(virtual_server: ServiceKey, server: usize, check: usize) -> Self {
        // There is no configuration of so many servers.
        let [server, check] = [server, check].map(|index| u32::try_from(index).unwrap_or(u32::MAX));
        Self { virtual_server, server, check }
    }

    /// Index among the real servers.
    const fn server(self) -> usize {
        self.server as usize
    }

    /// Index among the checks of the server.
    const fn check(self) -> usize {
        self.check as usize
    }
}

/// The checks that wait for one run: mostly one.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Askers {
    first: Place,
    others: Vec<Place>,
}

/// How many runs may be in flight.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Limit {
    /// `None`: any number.
    most: Option<usize>,
    /// Starts that had to wait.
    waits: u64,
    /// When that was last reported.
    told: Option<Instant>,
}

/// A virtual server with the states of its checks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct VirtualServer {
    pub(crate) spec: VirtualServerSpec,
    pub(crate) states: States,
}

impl VirtualServer {
    fn check(&mut self, place: Place) -> Option<(&CheckSpec, &mut CheckState)> {
        let spec = self.spec.real_servers.get(place.server())?.checks.get(place.check())?;
        let state = self.states.get_mut(place.server(), place.check())?;
        Some((spec, state))
    }
}

impl Scheduler {
    /// A scheduler without checks.
    pub fn new() -> Self {
        Self::default()
    }

    /// One without checks that makes no action of each server that is up when it starts: for those who would tell nobody.
    pub fn brief() -> Self {
        Self { brief: true, ..Self::default() }
    }

    /// Takes in one input. `now` never goes back from one call to the next.
    pub fn handle(&mut self, now: Instant, input: Input) {
        match input {
            Input::Configure { servers, seed } => self.configure(now, servers, seed),
            Input::Tick => {
                self.end_drains(now);
                self.start_due(now);
            }
            Input::Drained { service, dest } => self.end_drain(service, dest, DrainEnd::Idle),
            Input::Result { run, outcome } => self.conclude(now, run, outcome),
            Input::Follow { what, value } => self.follow(&what, value),
            Input::Here(addresses) => self.locate(addresses),
            Input::Limit { probes } => {
                self.limit.most = Some(probes.max(1));
                self.start_due(now);
            }
        }
    }

    /// When the next `Tick` is due, if nothing else happens before.
    pub fn next_deadline(&self) -> Option<Instant> {
        // With no run to spare it is a result that goes on.
        let due = self.due.first().map(|(at, _)| *at).filter(|_| !self.is_full());
        due.into_iter().chain(self.drains.next_deadline()).min()
    }

    /// How many starts had to wait because of [`Input::Limit`].
    pub const fn waits(&self) -> u64 {
        self.limit.waits
    }

    pub(crate) const fn set_waits(&mut self, waits: u64) {
        self.limit.waits = waits;
    }

    fn is_full(&self) -> bool {
        self.limit.most.is_some_and(|most| self.running.len() >= most)
    }

    /// The oldest action not yet fetched.
    pub fn next_action(&mut self) -> Option<Action> {
        let action = self.actions.pop_front();
        if action.is_none() && self.actions.capacity() > KEPT_ACTIONS {
            // The room that the actions of a whole configuration needed is not needed again.
            self.actions = VecDeque::new();
        }
        action
    }

    /// The health of all servers, as it is when every action has been fetched.
    pub const fn health(&self) -> &Health {
        &self.health
    }

    /// The virtual server whose first service this is.
    pub fn virtual_server(&self, first: &ServiceKey) -> Option<&VirtualServerSpec> {
        self.virtual_servers.get(first).map(|virtual_server| &virtual_server.spec)
    }

    /// The checks of a virtual server: those of each real server, in the order of the configuration.
    pub fn checks(&self, first: &ServiceKey) -> Vec<Vec<CheckView>> {
        let known = self.virtual_servers.get(first).map(|virtual_server| virtual_server.states.iter());
        known.into_iter().flatten().map(|states| states.iter().map(CheckState::view).collect()).collect()
    }

    /// Whether a BFD session counts as up for a `BFD_CHECK`, which is `alpha` or not.
    pub fn session(&self, name: &str, alpha: bool) -> bool {
        self.followed.session(name, alpha)
    }

    /// All virtual servers, in the order of their first services.
    pub fn virtual_servers(&self) -> impl Iterator<Item = &VirtualServerSpec> {
        self.virtual_servers.values().map(|virtual_server| &virtual_server.spec)
    }

    /// What is to be told when the daemon stops: of `omega` virtual servers, that live servers and quorums are down.
    pub fn farewell(&self) -> Vec<Action> {
        let mut actions = Vec::new();
        for (key, virtual_server) in &self.virtual_servers {
            let spec = &virtual_server.spec;
            let Some(health) = self.health.get(key).filter(|_| spec.omega) else { continue };
            let live = spec.real_servers.iter().filter(|server| health.is_live(&server.key));
            actions.extend(live.map(|server| Action::Health {
                virtual_server: *key,
                server: server.key,
                up: false,
                why: Why::Stopping,
            }));
            if health.has_quorum() {
                actions.push(Action::Quorum { virtual_server: *key, up: false, weight: 0 });
            }
        }
        actions
    }

    /// Starts every check that is due, as far as there is room.
    fn start_due(&mut self, now: Instant) {
        while let Some((at, place)) = self.due.first().copied() {
            if at > now {
                return;
            }
            if self.is_full() {
                self.hold(now);
                return;
            }
            self.due.pop_first();
            let Some(virtual_server) = self.virtual_servers.get_mut(&place.virtual_server) else { continue };
            let suspended = is_suspended(&virtual_server.spec, &self.here);
            let Some((spec, state)) = virtual_server.check(place) else { continue };
            if suspended {
                let later = now + spec.delay_loop.get();
                state.phase = Phase::Waiting(later);
                self.due.insert((later, place));
                continue;
            }
            let shared = self.questions.run(&spec.probe);
            if let Some((run, askers)) =
                shared.and_then(|run| self.running.get_mut(&run).map(|askers| (run, askers)))
            {
                state.phase = Phase::Running(run);
                askers.others.push(place);
                continue;
            }
            let run = self.next_run;
            self.next_run = RunId(run.0.wrapping_add(1));
            state.phase = Phase::Running(run);
            self.questions.begin(&spec.probe, run);
            self.actions.push_back(Action::Start { run, probe: spec.probe.clone() });
            self.running.insert(run, Askers { first: place, others: Vec::new() });
        }
    }

    /// Some check is due and has to wait.
    fn hold(&mut self, now: Instant) {
        if self.limit.told.is_none_or(|told| now.saturating_since(told) >= CROWDED_EVERY) {
            self.limit.told = Some(now);
            self.emit(Event::Crowded { probes: self.running.len(), waits: self.limit.waits });
        }
    }

    fn conclude(&mut self, now: Instant, run: RunId, outcome: Outcome) {
        let was_full = self.is_full();
        let Some(Askers { first, others }) = self.running.remove(&run) else { return };
        self.judge(now, first, outcome);
        for place in others {
            self.judge(now, place, outcome);
        }
        if was_full {
            let before = self.next_run;
            self.start_due(now);
            self.limit.waits += self.next_run.0.wrapping_sub(before.0);
        }
    }

    /// What an outcome means to one of the checks that asked.
    fn judge(&mut self, now: Instant, place: Place, outcome: Outcome) {
        let Some(virtual_server) = self.virtual_servers.get_mut(&place.virtual_server) else { return };
        let Some(server) = virtual_server.spec.real_servers.get(place.server()).map(|server| server.key)
        else {
            return;
        };
        let Some((spec, state)) = virtual_server.check(place) else { return };
        let verbose = spec.log_all_failures;
        let was_up = state.is_up();
        let concluded = state.conclude(now, outcome, spec);
        let moved = was_up != state.is_up();
        if let Phase::Waiting(at) = state.phase
            && !state.is_mid_round()
        {
            let soonest = now + SHORTEST.min(spec.delay_loop.get() / 2);
            let next = self.questions.next(&spec.probe, spec.delay_loop.get(), soonest, at, at);
            state.phase = Phase::Waiting(next);
        }
        let phase = state.phase;
        self.enrol(place, phase);
        let reweighed = self.weigh(place);

        let check = CheckName { virtual_server: place.virtual_server, server, check: place.check() };
        if concluded.sees_again {
            self.emit(Event::Sees { check });
        }
        match concluded.conclusion {
            Conclusion::StillUp | Conclusion::StillDown => {}
            Conclusion::Forgiven { failure, failures } => {
                if verbose || failures == 1 {
                    self.emit(Event::Forgiven { check, failure, failures });
                }
            }
            Conclusion::Failed { failure, failures } => {
                self.emit(Event::Failed { check, failure, failures });
                let settled = self.settle(place, check, Why::Failed { check: place.check(), failure });
                self.aside(check, Some(failure), moved && !settled);
            }
            Conclusion::Passed => {
                self.emit(Event::Passed { check });
                let settled = self.settle(place, check, Why::Passed);
                self.aside(check, None, moved && !settled);
            }
            Conclusion::Blind { error, news } => {
                if verbose || news {
                    self.emit(Event::Blind { check, error });
                }
            }
        }
        if reweighed {
            self.assess(place.virtual_server);
        }
    }

    /// Brings the weight of a server up to date after a run of one of its checks, and says whether it changed.
    fn weigh(&mut self, place: Place) -> bool {
        let key = place.virtual_server;
        let Some(virtual_server) = self.virtual_servers.get(&key) else { return false };
        let Some(health) = self.health.get_mut(&key) else { return false };
        let Some(server) = virtual_server.spec.real_servers.get(place.server()) else { return false };
        let states = virtual_server.states.of(place.server());
        let changed = health.weigh(server, states, self.followed.of(&server.follows).1);
        if changed {
            let weight = health.weight(server);
            self.actions.push_back(Action::Weight { virtual_server: key, server: server.key, weight });
        }
        changed
    }

    /// Brings a quorum up to date.
    fn assess(&mut self, key: ServiceKey) {
        let Some(virtual_server) = self.virtual_servers.get(&key) else { return };
        let Some(health) = self.health.get_mut(&key) else { return };
        if health.assess(&virtual_server.spec) {
            let (up, weight) = (health.has_quorum(), health.live_weight(&virtual_server.spec));
            self.actions.push_back(Action::Quorum { virtual_server: key, up, weight });
        }
    }

    /// Tells of a check that changed where its server did not.
    fn aside(&mut self, check: CheckName, failure: Option<Failure>, is_news: bool) {
        let health = self.health.get(&check.virtual_server).filter(|_| is_news);
        if let Some(server_up) = health.map(|health| health.is_live(&check.server)) {
            self.emit(Event::Aside { check, failure, server_up });
        }
    }

    /// Brings server and quorum up to date after a check changed, and says whether those changed.
    fn settle(&mut self, place: Place, name: CheckName, why: Why) -> bool {
        let CheckName { virtual_server: key, server, .. } = name;
        let Some(virtual_server) = self.virtual_servers.get(&key) else { return false };
        let Some(health) = self.health.get_mut(&key) else { return false };
        let states = virtual_server.states.of(place.server());
        let follows = virtual_server.spec.real_servers.get(place.server()).map_or(&[][..], |it| &it.follows);
        let up = states.iter().all(CheckState::is_up) && self.followed.of(follows).0;
        if up == health.is_live(&server) {
            // A server that is down already gets no second reason, but an alpha server that never was up gets its first.
            let down = states.iter().filter(|state| state.standing == Standing::Down).count();
            if let Why::Failed { check, failure } = why
                && down == 1
            {
                let why = Why::NeverUp { check, failure };
                self.actions.push_back(Action::Health { virtual_server: key, server, up, why });
            }
            return false;
        }
        health.set(server, up);
        self.actions.push_back(Action::Health { virtual_server: key, server, up, why });
        self.assess(key);
        true
    }

    /// Brings the servers that follow this up to date.
    fn follow(&mut self, what: &Followed, value: i64) {
        if !self.followed.set(what.clone(), value) {
            return;
        }
        for (key, virtual_server) in &self.virtual_servers {
            let Some(health) = self.health.get_mut(key) else { continue };
            let VirtualServer { spec, states } = virtual_server.as_ref();
            let mut touched = false;
            for (server, states) in spec.real_servers.iter().zip(states.iter()) {
                if !concerns(&server.follows, what) {
                    continue;
                }
                let (may, more) = self.followed.of(&server.follows);
                if health.weigh(server, states, more) {
                    touched = true;
                    let weight = health.weight(server);
                    self.actions.push_back(Action::Weight {
                        virtual_server: *key,
                        server: server.key,
                        weight,
                    });
                }
                let up = may && states.iter().all(CheckState::is_up);
                if up != health.is_live(&server.key) {
                    touched = true;
                    health.set(server.key, up);
                    let (server, why) = (server.key, Why::Followed);
                    self.actions.push_back(Action::Health { virtual_server: *key, server, up, why });
                }
            }
            if touched && health.assess(spec) {
                let (up, weight) = (health.has_quorum(), health.live_weight(spec));
                self.actions.push_back(Action::Quorum { virtual_server: *key, up, weight });
            }
        }
    }

    /// Enters a check into the index that its phase belongs to.
    pub(crate) fn enrol(&mut self, place: Place, phase: Phase) {
        match phase {
            Phase::Waiting(at) => {
                self.due.insert((at, place));
            }
            Phase::Running(run) => match self.running.get_mut(&run) {
                Some(askers) => askers.others.push(place),
                None => {
                    self.running.insert(run, Askers { first: place, others: Vec::new() });
                }
            },
        }
    }

    /// Takes a check out of the index that its phase belongs to.
    pub(crate) fn strike(&mut self, place: Place, phase: Phase) {
        match phase {
            Phase::Waiting(at) => {
                self.due.remove(&(at, place));
            }
            Phase::Running(run) => {
                let Some(askers) = self.running.get_mut(&run) else { return };
                if askers.first != place {
                    askers.others.retain(|other| *other != place);
                } else if let Some(other) = askers.others.pop() {
                    askers.first = other;
                } else {
                    self.running.remove(&run);
                }
            }
        }
    }

    /// Has the questions that are shared from now on know their runs in flight.
    pub(crate) fn share_runs(&mut self) {
        if self.questions.is_empty() {
            return;
        }
        for (run, askers) in &self.running {
            let virtual_server = self.virtual_servers.get_mut(&askers.first.virtual_server);
            if let Some((spec, _)) = virtual_server.and_then(|it| it.check(askers.first)) {
                self.questions.begin(&spec.probe, *run);
            }
        }
    }

    /// Whether some check waits for this run.
    pub(crate) fn is_awaited(&self, run: RunId) -> bool {
        self.running.contains_key(&run)
    }

    pub(crate) fn emit(&mut self, event: Event) {
        self.actions.push_back(Action::Emit(event));
    }
}
