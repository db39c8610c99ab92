//! One virtual router on this host: the state machine of RFC 9568 6.4 with keepalived's FAULT.
//!
//! **Every deadline is absolute and lives inside the state that it ends**; leaving the state forgets it. All changes of
//! state go through [`Instance::transition`]. The parts:
//!
//! * this file: the state, its deadlines, what links and time do to it;
//! * `track`: what trackers say, folded to faults and to the effective priority;
//! * `transition`: what happens on leaving and on entering a state, in order;
//! * `receive`: which packets count, and what an advert means in each state;
//! * `authenticate`: proof of origin;
//! * `sum`: checksums;
//! * `rivalry`: two owners of one address;
//! * `steady`: a short way for the same advert again;
//! * `hold`: the addresses, from wanted to confirmed to announced.

mod authenticate;
mod hold;
mod receive;
mod rivalry;
mod steady;
mod sum;
mod track;
mod transition;

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use clock::Instant;

use crate::action::{Action, InstanceId, Membership, Send};
use crate::advert::{Advert, AuthenticationData};
use crate::announcer::Announcer;
use crate::counters::Counters;
use crate::deadlines::earliest;
use crate::event::{Event, FaultCause, Reject, StateName, Subject, Transition, What, Why};
use crate::hold::Hold;
use crate::input::UnixTime;
use crate::link::{IfIndex, LinkView};
use crate::links::Links;
use crate::snapshot::InstanceSnapshot;
use crate::spec::{InitialState, InstanceSpec, Priority, RouteSpec, RuleSpec, Transport, Version};
use crate::status::InstanceStatus;
use crate::time::{Centiseconds, master_down_interval};
use authenticate::Numbers;
use receive::Familiar;
use rivalry::Rival;
use steady::Steady;
pub(crate) use track::Trackers;

/// What an instance may look at and fill while it handles one input.
pub(crate) struct Context<'a> {
    pub(crate) now: Instant,
    /// What the wall clock shows, if anybody has said.
    pub(crate) wall: Option<UnixTime>,
    pub(crate) links: &'a Links,
    pub(crate) trackers: &'a Trackers,
    /// `vrrp_startup_delay`: nobody becomes master before this.
    pub(crate) earliest_master: Instant,
    /// Every virtual address of every instance: none of them is a source of adverts.
    pub(crate) virtual_addresses: &'a BTreeSet<IpAddr>,
    pub(crate) announcer: &'a mut Announcer,
    pub(crate) actions: &'a mut std::collections::VecDeque<Action>,
}

/// How an instance stands with the others of its sync group.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) enum Bond {
    /// It is in no group.
    #[default]
    Free,
    /// It is in a group, and becomes master only with it.
    Member {
        /// What the group does at start.
        claim: Claim,
        /// Another member waits for the first result of a tracker.
        waits: bool,
        /// Another member is in FAULT.
        fault: Option<FaultCause>,
    },
}

/// How the members of a sync group become masters at start.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Claim {
    /// By an election: not all of them claim the mastership.
    None,
    /// All own their addresses, and the file does not say `state MASTER` for all: as backups first, for an advertisement
    /// interval (keepalived).
    Soon,
    /// All own their addresses and have `state MASTER`: at once.
    Now,
}

/// A LAN full of strange senders fills neither the log nor the memory.
pub(crate) const MOST_TOLD: usize = 64;

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Instance {
    pub(crate) id: InstanceId,
    pub(crate) spec: InstanceSpec,
    state: State,
    /// Effective priority: the configured one and what the trackers make of it.
    priority: Priority,
    /// Number of the interface now.
    interface: Option<IfIndex>,
    /// Where adverts come from now.
    source: Option<IpAddr>,
    bond: Bond,
    /// What keeps this instance itself, not its group, from taking part.
    own_faults: BTreeSet<FaultCause>,
    /// The first result of a tracker has yet to say whether it can take part.
    pending: bool,
    /// Set while the kernel refuses to let us receive adverts.
    deaf: Option<i32>,
    /// Identification of the newest IPv4 datagram.
    ip_id: u16,
    numbers: Numbers,
    /// Unicast peers with the checksum of keepalived up to 1.3.6.
    old_checksum_peers: BTreeSet<IpAddr>,
    rival: Option<Rival>,
    /// The newest accepted packet: mostly the next one says the same.
    familiar: Option<Familiar>,
    steady: Option<Steady>,
    /// An owner that pretends to be none.
    demoted: bool,
    hold: Hold,
    /// The addresses that were there at the start stay: who left them was master. Until another master is heard, or this
    /// instance becomes one or cannot.
    keeps: bool,
    /// A master of lower priority was answered since the group last looked.
    contended: bool,
    counters: Counters,
    told: BTreeSet<Told>,
    /// When the state was entered; none before the start.
    since: Option<Instant>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum State {
    /// Not started.
    Init,
    /// Started, and without a role: for the first results of trackers decide about that, its own or of its group, or an
    /// owner lets `vrrp_startup_delay` pass, which is then over at this time.
    Waiting {
        until: Option<Instant>,
    },
    Fault {
        causes: BTreeSet<FaultCause>,
    },
    Backup(Backup),
    Master(Master),
    Stopped,
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Backup {
    /// Master_Down_Timer: when we take over if no advert comes.
    takeover_at: Instant,
    /// How long the timer ran for when it was last set; told as the reason of a takeover.
    waited: Duration,
    /// The timer runs because the master released the addresses.
    released: bool,
    /// How it stands with the rest of its sync group.
    readiness: Readiness,
    /// The advertisement interval that the down timer counts: the master's in version 3, ours in version 2.
    master_interval: Centiseconds,
    /// Source of the newest accepted advert.
    master: Option<IpAddr>,
    /// Its priority.
    master_priority: u8,
    /// `preempt_delay`: until then a master of lower priority is tolerated. Set when one is first heard.
    tolerated_until: Option<Instant>,
}

/// Whether a backup would become master with its sync group.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Readiness {
    /// Not before its timer has expired.
    Unready,
    /// An owner among owners: as soon as the timer of one of them has expired.
    Eager,
    /// Its timer has expired: only the others are waited for.
    Ready,
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Master {
    /// Adver_Timer.
    advert_at: Instant,
    /// When the newest advert went.
    last_sent: Instant,
    /// The burst of announcements `garp_master_delay` after becoming master.
    second_burst_at: Option<Instant>,
    /// The next announcement on further interfaces (`garp_extra_if`).
    extra_at: Option<Instant>,
    /// The next refreshing burst.
    refresh_at: Option<Instant>,
    /// The second burst after an advert of lower priority.
    lower_burst_at: Option<Instant>,
    /// When a master of lower priority was last answered.
    last_contended: Option<Instant>,
}

/// What has been told already and is not told again until the state or the master changes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Told {
    Rejected(Reject),
    AddressListDiffers,
    IntervalDiffers,
    LowerPriority(IpAddr),
    ClockSkew(IpAddr),
    Rival(IpAddr),
    SendFailed,
}

impl Instance {
    pub(crate) fn new(id: InstanceId, spec: InstanceSpec) -> Self {
        Self {
            id,
            priority: spec.priority,
            spec,
            state: State::Init,
            interface: None,
            source: None,
            bond: Bond::Free,
            own_faults: BTreeSet::new(),
            pending: false,
            deaf: None,
            ip_id: 0,
            numbers: Numbers::default(),
            old_checksum_peers: BTreeSet::new(),
            rival: None,
            familiar: None,
            steady: None,
            demoted: false,
            hold: Hold::default(),
            keeps: false,
            contended: false,
            counters: Counters::default(),
            told: BTreeSet::new(),
            since: None,
        }
    }

    /// Takes over what another process knew of this instance.
    pub(crate) fn resume(&mut self, predecessor: &InstanceSnapshot) {
        self.counters = predecessor.counters;
        self.numbers = Numbers::resume(predecessor.sequence);
    }

    /// Looks around for the first time, so that the others of its group know of a fault before anybody starts.
    pub(crate) fn inspect(&mut self, cx: &mut Context<'_>) {
        self.look_around(cx);
    }

    /// Leaves Init for the first role. Has none while a tracker has yet to say whether the instance can take part.
    ///
    /// What an earlier run has left is cleared if the instance cannot take part. Otherwise its addresses stay for now:
    /// without them nobody would be served until the first election is over.
    pub(crate) fn start(&mut self, cx: &mut Context<'_>, predecessor: Option<StateName>) {
        self.look_around(cx);
        let causes = self.causes();
        let resumed = predecessor == Some(StateName::Master);
        let keeps = !self.found(cx.links).is_empty();
        if keeps && !self.keeps && causes.is_empty() && !resumed {
            self.emit(cx, What::Kept);
        }
        self.keeps = keeps;
        if !causes.is_empty() {
            self.fail(cx, causes);
        } else if self.must_wait() {
            self.wait(cx, None);
        } else if resumed {
            self.transition(cx, StateName::Master, Why::Resumed);
        } else if self.claims_now() && cx.earliest_master <= cx.now {
            self.transition(cx, StateName::Master, Why::Owner);
        } else if self.claims_now() {
            self.wait(cx, Some(cx.earliest_master));
        } else {
            let why = if predecessor.is_some() { Why::Resumed } else { Why::Startup };
            self.transition(cx, StateName::Backup, why);
            if matches!(self.bond, Bond::Member { claim: Claim::Soon, .. }) {
                self.claim_soon(cx);
            }
        }
    }

    /// Has no role yet.
    fn wait(&mut self, cx: &mut Context<'_>, until: Option<Instant>) {
        let waiting = State::Waiting { until };
        if self.state != waiting {
            self.state = waiting;
            self.want(cx);
        }
    }

    /// The first role is FAULT. keepalived tells nobody of one that waited and is in FAULT for its group's sake only.
    fn fail(&mut self, cx: &mut Context<'_>, causes: BTreeSet<FaultCause>) {
        let waited = matches!(self.state, State::Waiting { .. });
        if waited && causes.iter().all(|cause| matches!(cause, FaultCause::Member { .. })) {
            self.state = State::Fault { causes };
            self.since = Some(cx.now);
            self.keeps = false;
            self.hold.forget();
            self.want(cx);
        } else {
            self.transition(cx, StateName::Fault, Why::Fault(causes.into_iter().collect()));
        }
    }

    /// Whether the first result of a tracker decides if the instance, or another one of its group, can take part.
    const fn must_wait(&self) -> bool {
        self.pending || matches!(self.bond, Bond::Member { waits: true, .. })
    }

    /// Whether it claims the mastership at start.
    pub(crate) fn claim(&self) -> Claim {
        match self.spec.initial_state {
            _ if !self.spec.claims() => Claim::None,
            InitialState::Master => Claim::Now,
            InitialState::Unset | InitialState::Backup => Claim::Soon,
        }
    }

    /// Whether its first role is MASTER. Owners in a group that does not ask for it are backups first, unless they had to
    /// wait for a tracker (keepalived).
    fn claims_now(&self) -> bool {
        match self.bond {
            Bond::Free => self.spec.claims(),
            Bond::Member { claim: Claim::None, .. } => false,
            Bond::Member { claim: Claim::Soon, .. } => matches!(self.state, State::Waiting { .. }),
            Bond::Member { claim: Claim::Now, .. } => true,
        }
    }

    /// Waits for the others of a group of owners, but not for other masters.
    fn claim_soon(&mut self, cx: &Context<'_>) {
        if let State::Backup(backup) = &mut self.state {
            backup.waited = self.spec.advert_interval.duration();
            backup.takeover_at = cx.now.max(cx.earliest_master) + backup.waited;
            backup.readiness = Readiness::Eager;
        }
    }

    /// When something is due; `None` if only an input can change anything.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let of_state = match &self.state {
            State::Init | State::Fault { .. } | State::Stopped => None,
            State::Waiting { until } => *until,
            State::Backup(backup) if backup.readiness == Readiness::Ready => None,
            State::Backup(backup) => Some(backup.takeover_at),
            State::Master(master) => {
                let bursts =
                    [master.second_burst_at, master.refresh_at, master.lower_burst_at, master.extra_at];
                Some(bursts.into_iter().flatten().fold(master.advert_at, Instant::min))
            }
        };
        earliest(of_state, self.hold.retry_at())
    }

    /// Does what is due.
    pub(crate) fn tick(&mut self, cx: &mut Context<'_>) {
        self.retry_hold(cx);
        self.yield_if_stalled(cx);
        match &mut self.state {
            State::Init | State::Fault { .. } | State::Stopped => {}
            State::Waiting { until } => {
                if until.is_some_and(|until| until <= cx.now) {
                    self.start(cx, None);
                }
            }
            State::Backup(backup) if backup.takeover_at > cx.now || backup.readiness == Readiness::Ready => {}
            State::Backup(backup) => match self.bond {
                Bond::Free => self.take_over(cx),
                Bond::Member { .. } => backup.readiness = Readiness::Ready,
            },
            State::Master(master) => {
                let (advert_at, late) = (master.advert_at, cx.now.saturating_since(master.advert_at));
                if advert_at <= cx.now {
                    self.advertise(cx);
                    self.keep_cadence(cx.now, advert_at);
                }
                if late >= self.spec.advert_interval.duration() {
                    self.emit(cx, What::Stalled { late });
                    self.announce_all(cx, self.spec.announce.repeat);
                }
                self.announce_due(cx);
            }
        }
    }

    /// The down timer has expired: nobody else is master.
    fn take_over(&mut self, cx: &mut Context<'_>) {
        if let State::Backup(backup) = &self.state {
            let why = if backup.released {
                Why::MasterReleased
            } else {
                Why::MasterSilent { waited: backup.waited }
            };
            self.transition(cx, StateName::Master, why);
        }
    }

    /// `timer_expired_backup`: a master that could not say for long that it is there has a successor by now, and with
    /// `nopreempt` it leaves that in office.
    fn yield_if_stalled(&mut self, cx: &mut Context<'_>) {
        let (true, Some(assumed)) = (self.spec.nopreempt, self.spec.timer_expired_backup) else { return };
        let spec = &self.spec;
        let patience =
            master_down_interval(spec.version, assumed, spec.advert_interval, spec.down_timer_adverts);
        if let State::Master(master) = &self.state
            && master.last_sent + patience <= cx.now
        {
            let silent = cx.now.saturating_since(master.last_sent);
            self.transition(cx, StateName::Backup, Why::Stalled { silent });
        }
    }

    /// The next advert is due one interval after the last one was due, so that the adverts do not drift; after a delay
    /// of more than an interval the cadence starts anew, so that there is no burst.
    fn keep_cadence(&mut self, now: Instant, due: Instant) {
        let interval = self.spec.advert_interval.duration();
        if let State::Master(master) = &mut self.state {
            let next = due + interval;
            master.advert_at = if next > now { next } else { now + interval };
        }
    }

    /// An interface that this instance looks at has changed, or how its trackers count has.
    pub(crate) fn links_changed(&mut self, cx: &mut Context<'_>) {
        let (source_before, interface_before) = (self.source, self.interface);
        self.look_around(cx);
        self.follow(cx, interface_before, source_before);
    }

    /// Does what follows from its own faults and from those of its group.
    fn follow(
        &mut self,
        cx: &mut Context<'_>,
        interface_before: Option<IfIndex>,
        source_before: Option<IpAddr>,
    ) {
        let causes = self.causes();
        match &self.state {
            State::Stopped => {}
            State::Init | State::Waiting { .. } => {
                if !causes.is_empty() || !self.must_wait() {
                    self.start(cx, None);
                }
            }
            State::Fault { causes: known } => {
                if causes.is_empty() {
                    // An owner too (keepalived): by now somebody else is master.
                    self.transition(cx, StateName::Backup, Why::Recovered);
                } else if *known != causes {
                    // Still in FAULT, for other reasons: the state does not change, and nobody is notified.
                    self.state = State::Fault { causes };
                }
            }
            State::Backup(_) | State::Master(_) if !causes.is_empty() => {
                self.transition(cx, StateName::Fault, Why::Fault(causes.into_iter().collect()));
            }
            State::Backup(_) | State::Master(_) => {
                if let (Some(source), true) = (self.source, self.source != source_before) {
                    self.emit(cx, What::SourceChanged { source });
                }
                if self.interface == interface_before {
                    self.restore_lost(cx);
                } else {
                    // The interface was replaced before we saw it missing: nothing of ours is on the new one.
                    self.hold.forget();
                    self.want(cx);
                }
            }
        }
    }

    /// Joins a sync group, or leaves it.
    pub(crate) fn bind(&mut self, cx: &mut Context<'_>, bond: Bond) {
        if self.bond != bond {
            self.bond = bond;
            if let (Bond::Free, State::Backup(Backup { readiness: Readiness::Ready, .. })) =
                (&self.bond, &self.state)
            {
                self.take_over(cx);
            }
            // Before the start, the start decides. What has changed for itself it sees in its turn.
            if self.state != State::Init {
                self.follow(cx, self.interface, self.source);
            }
        }
    }

    pub(crate) const fn bond(&self) -> &Bond {
        &self.bond
    }

    /// Whether the instance itself, not its group, cannot take part.
    pub(crate) fn is_faulty(&self) -> bool {
        !self.own_faults.is_empty()
    }

    /// Whether the down timer has expired and only the group is waited for.
    pub(crate) fn is_ready(&self) -> bool {
        matches!(&self.state, State::Backup(backup) if backup.readiness == Readiness::Ready)
    }

    /// Whether it becomes master as soon as its group does.
    pub(crate) fn is_willing(&self) -> bool {
        matches!(&self.state, State::Backup(backup) if backup.readiness != Readiness::Unready)
    }

    /// Whether the first result of a tracker has yet to say whether it can take part.
    pub(crate) const fn is_pending(&self) -> bool {
        self.pending
    }

    /// All of the group are willing.
    pub(crate) fn join_master(&mut self, cx: &mut Context<'_>) {
        if self.is_willing() {
            self.take_over(cx);
        }
    }

    /// Another member of the group is no longer master.
    pub(crate) fn step_down(&mut self, cx: &mut Context<'_>, why: Why) {
        if matches!(self.state, State::Master(_)) {
            self.transition(cx, StateName::Backup, why);
        }
    }

    /// The kernel let us listen, or did not.
    pub(crate) fn listening(&mut self, cx: &mut Context<'_>, result: Result<(), i32>) {
        self.deaf = result.err();
        self.links_changed(cx);
    }

    /// Where this instance needs to receive adverts: where it sends them. A macvlan takes away from the interface below it
    /// what comes from its own hardware address, as the adverts of a peer with the same VMAC do. `None` while the
    /// interface does not exist.
    pub(crate) fn membership(&self, links: &Links) -> Option<Membership> {
        Some(Membership {
            interface: self.sender(links)?,
            family: self.spec.family,
            group: match self.spec.transport {
                Transport::Multicast { group } => Some(group),
                Transport::Unicast { .. } => None,
            },
            protocol: self.protocol(),
        })
    }

    /// Takes over a changed configuration; the state is kept wherever that makes sense.
    pub(crate) fn reconfigure(&mut self, cx: &mut Context<'_>, spec: InstanceSpec) {
        let before = core::mem::replace(&mut self.spec, spec);
        self.familiar = None;
        let (held_before, held) = (before.held(), self.spec.held());
        let held_changed = held_before != held || before.accept != self.spec.accept;
        self.hold.drop_unlisted(held_before, &held);
        self.links_changed(cx);
        match &mut self.state {
            State::Init | State::Waiting { .. } | State::Fault { .. } | State::Stopped => {}
            State::Backup(backup) => {
                if before.advert_interval != self.spec.advert_interval || before.version != self.spec.version
                {
                    backup.master_interval = self.spec.advert_interval;
                    self.restart_down_timer(cx);
                }
            }
            State::Master(master) => {
                // A shorter interval takes effect at once: the peers may already count with it.
                master.advert_at =
                    master.advert_at.min(master.last_sent + self.spec.advert_interval.duration());
                if self.spec.announce != before.announce {
                    self.schedule_announcements(cx.now);
                }
            }
        }
        if held_changed {
            self.want(cx);
        }
    }

    /// Ends the instance: releases the addresses and is heard of no more.
    pub(crate) fn stop(&mut self, cx: &mut Context<'_>, why: Why) {
        if !self.is_stopped() {
            self.transition(cx, StateName::Stop, why);
        }
    }

    pub(crate) const fn is_stopped(&self) -> bool {
        matches!(self.state, State::Stopped)
    }

    /// Stopped, and the kernel's answer about the addresses is in.
    pub(crate) fn is_gone(&self) -> bool {
        self.is_stopped() && !self.hold.is_pending()
    }

    pub(crate) fn snapshot(&self) -> InstanceSnapshot {
        InstanceSnapshot {
            key: self.spec.key(),
            state: self.state_name(),
            counters: self.counters,
            sequence: self.sequence(),
        }
    }

    pub(crate) fn clear_counters(&mut self) {
        self.counters = Counters::default();
    }

    /// What can be seen of it from outside.
    pub(crate) fn status(&self) -> InstanceStatus {
        let spec = &self.spec;
        let (due, master, master_interval) = match &self.state {
            State::Init | State::Fault { .. } | State::Stopped => (None, None, spec.advert_interval),
            State::Waiting { until } => (*until, None, spec.advert_interval),
            State::Backup(backup) => {
                let master = backup.master.map(|source| (source, backup.master_priority));
                (Some(backup.takeover_at), master, backup.master_interval)
            }
            State::Master(master) => (Some(master.advert_at), None, spec.advert_interval),
        };
        InstanceStatus {
            name: spec.name.clone(),
            state: self.state_name(),
            since: self.since,
            priority: self.priority,
            source: self.source,
            interface: self.interface.map(IfIndex::get),
            faults: u32::try_from(self.own_faults.len()).unwrap_or(u32::MAX),
            pending: matches!(self.state, State::Waiting { until: None }),
            due,
            down_interval: master_down_interval(
                spec.version,
                self.priority,
                master_interval,
                spec.down_timer_adverts,
            ),
            master,
            master_interval,
            held: spec.held().iter().map(|held| self.hold.is_confirmed(held)).collect(),
            counters: self.counters,
        }
    }

    /// Newest sequence number of the adverts' authentication.
    pub(crate) const fn sequence(&self) -> u64 {
        self.numbers.newest()
    }

    pub(crate) fn state_name(&self) -> StateName {
        match self.state {
            State::Init | State::Waiting { .. } => StateName::Init,
            State::Fault { .. } => StateName::Fault,
            State::Backup(_) => StateName::Backup,
            State::Master(_) => StateName::Master,
            State::Stopped => StateName::Stop,
        }
    }

    /// Looks up interface, source and effective priority anew, and what keeps the instance itself from taking part.
    fn look_around(&mut self, cx: &mut Context<'_>) {
        let mut causes = BTreeSet::new();
        let own = cx.links.named(&self.spec.interface);
        let interface = own.map(|link| link.index);
        if self.interface != interface {
            self.interface = interface;
            self.deaf = None;
        }
        self.source =
            self.spec.source.or_else(|| own.and_then(|link| self.source_on(link, cx.virtual_addresses)));
        if own.is_none() {
            causes.insert(FaultCause::InterfaceMissing(self.spec.interface.clone()));
        } else if self.source.is_none() {
            causes.insert(FaultCause::NoSourceAddress(self.spec.interface.clone()));
        }
        if let (true, Some(source), Some(link)) = (self.spec.track_source, self.spec.source, own)
            && !link.addresses.iter().any(|on_link| on_link.usable && on_link.address == source)
        {
            causes.insert(FaultCause::SourceMissing(source));
        }
        if self.spec.transport.is_unicast() && self.spec.peers().next().is_none() {
            causes.insert(FaultCause::NoPeer);
        }
        for name in self.needed_interfaces() {
            match cx.links.named(name) {
                None => causes.insert(FaultCause::InterfaceMissing(name.to_owned())),
                Some(link) if !link.up => causes.insert(FaultCause::InterfaceDown(name.to_owned())),
                Some(_) => false,
            };
        }
        causes.extend(self.tracked_faults(cx));
        causes.extend(self.deaf.map(FaultCause::Deaf));
        self.own_faults = causes;
        self.pending = self.awaits_tracker(cx);
        self.reweigh(cx);
    }

    /// What keeps the instance from taking part, on its own account and its group's.
    fn causes(&self) -> BTreeSet<FaultCause> {
        let mut causes = self.own_faults.clone();
        if let Bond::Member { fault, .. } = &self.bond {
            causes.extend(fault.clone());
        }
        causes
    }

    /// Interfaces without which the instance is in FAULT, whatever it tracks.
    fn needed_interfaces(&self) -> BTreeSet<&str> {
        let own = self.spec.track_primary.then_some(self.spec.interface.as_str());
        let addresses =
            self.spec.held_addresses().filter(|held| held.track).map(|held| held.interface.as_str());
        let routes = self.spec.routes.iter().filter(|held| held.track).flat_map(RouteSpec::interfaces);
        let rules = self.spec.rules.iter().filter(|held| held.track).flat_map(RuleSpec::interfaces);
        let vmac = self.spec.vmac.as_ref().map(|vmac| vmac.name.as_str());
        addresses
            .chain(routes)
            .chain(rules)
            .chain(vmac)
            .filter(|name| *name != self.spec.interface)
            .chain(own)
            .collect()
    }

    fn source_on(&self, link: &LinkView, virtual_addresses: &BTreeSet<IpAddr>) -> Option<IpAddr> {
        let family = self.spec.family;
        let primary = link.primary_address(family, |address| virtual_addresses.contains(&address));
        // The owner's virtual address is the interface's own, and may be its only one.
        let only = || self.spec.priority.is_owner().then(|| link.primary_address(family, |_| false))?;
        primary.or_else(only)
    }

    /// Works out the effective priority anew.
    fn reweigh(&mut self, cx: &mut Context<'_>) {
        let before = self.priority;
        self.priority = self.effective_priority(cx);
        if self.priority == before {
            return;
        }
        self.emit(cx, What::PriorityChanged { from: before, to: self.priority });
        let down = |priority, interval| {
            master_down_interval(self.spec.version, priority, interval, self.spec.down_timer_adverts)
        };
        if let State::Backup(backup) = &mut self.state
            && !backup.released
        {
            // The timer runs on as if it had been started with the new priority.
            let interval = backup.master_interval;
            backup.takeover_at = backup.takeover_at - down(before, interval) + down(self.priority, interval);
            backup.waited = down(self.priority, interval);
        }
    }

    /// While `vrrp_startup_delay` lasts the timer does not run (keepalived).
    fn restart_down_timer(&mut self, cx: &Context<'_>) {
        if let State::Backup(backup) = &mut self.state {
            let spec = &self.spec;
            let waits = master_down_interval(
                spec.version,
                self.priority,
                backup.master_interval,
                spec.down_timer_adverts,
            );
            backup.takeover_at = cx.now.max(cx.earliest_master) + waits;
            backup.waited = waits;
            backup.released = false;
            backup.readiness = Readiness::Unready;
        }
    }

    /// Sends an advert of the effective priority.
    fn advertise(&mut self, cx: &mut Context<'_>) {
        self.send(cx, self.priority.get());
        if let State::Master(master) = &mut self.state {
            master.last_sent = cx.now;
        }
        if let Some(Action::Send(send)) = cx.actions.back() {
            self.settle_as_master(send);
        }
    }

    fn send(&mut self, cx: &mut Context<'_>, priority: u8) {
        let (Some(interface), Some(source)) = (self.sender(cx.links), self.source) else { return };
        let advert = Advert {
            version: self.spec.version,
            vrid: self.spec.vrid,
            priority,
            interval: self.spec.advert_interval,
            addresses: self.spec.addresses.iter().map(|address| address.address).collect(),
            authentication: match self.spec.version {
                Version::V2 => AuthenticationData::of(&self.spec.authentication),
                Version::V3 => AuthenticationData::None,
            },
        };
        // As keepalived counts them; 0 would let the kernel draw one.
        self.ip_id = self.ip_id.checked_add(1).unwrap_or(1);
        let signed = self.sign(cx, &advert, source);
        let (id, protocol) = (self.ip_id, self.protocol());
        let mut send_to = |destination, ttl| {
            let payload = self.seal(&signed, source, destination, ttl);
            let send = Send { instance: self.id, interface, source, destination, ttl, id, protocol, payload };
            cx.actions.push_back(Action::Send(send));
        };
        match &self.spec.transport {
            Transport::Multicast { group } => send_to(*group, 255),
            Transport::Unicast { peers, ttl, .. } => {
                for peer in peers {
                    send_to(peer.address, *ttl);
                }
            }
        }
        self.counters.advert_sent += 1;
        if priority == 0 {
            self.counters.priority_zero_sent += 1;
        }
    }

    /// Where adverts leave: the VMAC, if the instance has one and does not send on the interface below it.
    fn sender(&self, links: &Links) -> Option<IfIndex> {
        match &self.spec.vmac {
            Some(vmac) if !vmac.transmit_on_base => links.named(&vmac.name).map(|link| link.index),
            Some(_) | None => self.interface,
        }
    }

    /// The kernel did not send an advert. The timer goes on: the next one may pass, and a link that is down says so
    /// itself.
    pub(crate) fn send_failed(&mut self, cx: &mut Context<'_>, errno: i32) {
        self.counters.send_errors += 1;
        self.tell_once(cx, Told::SendFailed, What::SendFailed { errno });
    }

    fn emit(&self, cx: &mut Context<'_>, what: What) {
        cx.actions.push_back(Action::Emit(Event { instance: self.spec.name.clone(), what }));
    }

    fn tell_once(&mut self, cx: &mut Context<'_>, told: Told, what: What) {
        if self.told.len() < MOST_TOLD && self.told.insert(told) {
            self.emit(cx, what);
        }
    }

    fn notify(&self, cx: &mut Context<'_>, from: StateName, to: StateName, why: Why) {
        let transition = Transition {
            subject: Subject::Instance(self.spec.name.clone()),
            from,
            to,
            priority: self.priority.get(),
            why,
        };
        cx.actions.push_back(Action::Notify(transition));
    }
}
