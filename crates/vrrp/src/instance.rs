//! One virtual router on this host: the state machine of RFC 9568 6.4 with keepalived's FAULT.
//!
//! **Every deadline is absolute and lives inside the state that it ends**; leaving the state forgets it. All changes of
//! state go through [`Instance::transition`]. The parts:
//!
//! * this file: the state, its deadlines, what links and time do to it;
//! * `start`: the first role;
//! * `bond`: the others of its sync group;
//! * `surroundings`: interfaces, the source of adverts, faults;
//! * `send`: its adverts;
//! * `track`: what trackers say, folded to faults and to the effective priority;
//! * `transition`: what happens on leaving and on entering a state, in order;
//! * `receive`: which packets count, and what an advert means in each state;
//! * `authenticate`: proof of origin;
//! * `sum`: checksums;
//! * `rivalry`: two owners of one address;
//! * `steady`: a short way for the same advert again;
//! * `hold`: the addresses, from wanted to confirmed to announced.

mod authenticate;
mod bond;
mod hold;
mod receive;
mod rivalry;
mod send;
mod start;
mod steady;
mod sum;
mod surroundings;
mod track;
mod transition;

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use clock::Instant;

use crate::action::{Action, InstanceId};
use crate::announcer::Announcer;
use crate::counters::Counters;
use crate::deadlines::earliest;
use crate::event::{Event, FaultCause, Reject, StateName, Subject, Transition, What, Why};
use crate::hold::Hold;
use crate::input::UnixTime;
use crate::link::IfIndex;
use crate::links::Links;
use crate::snapshot::InstanceSnapshot;
use crate::spec::{InstanceSpec, Priority};
use crate::status::InstanceStatus;
use crate::time::{Centiseconds, master_down_interval};
use authenticate::Numbers;
pub(crate) use bond::{Bond, Claim};
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
