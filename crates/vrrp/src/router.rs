//! All instances of a process behind one door in and one door out.
//!
//! **A router is a function of its inputs and their times**: the same inputs give the same actions, bit for bit. It
//! finds the instances that an input concerns, lets them handle it, and keeps the actions in order until they are
//! fetched.

mod configure;
mod groups;
mod receive;
mod steady;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

use clock::Instant;

use crate::action::{Action, InstanceId, Membership};
use crate::announcer::Announcer;
use crate::deadlines::{Deadlines, earliest};
use crate::debounce::Debounce;
use crate::event::Why;
use crate::group::Group;
use crate::input::{Done, Input, TrackerState, UnixTime};
use crate::instance::{Context, Instance, Trackers};
use crate::link::{IfIndex, LinkView};
use crate::links::Links;
use crate::snapshot::InstanceSnapshot;
use crate::spec::{Family, Held, InstanceKey, TrackerId, VirtualRouterId};
use crate::statics::{Statics, Surroundings};
use crate::status::InstanceStatus;

/// How long the kernel is left in peace after it refused to let us listen.
const LISTEN_AGAIN: Duration = Duration::from_secs(1);

/// The VRRP of one host.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Router {
    // First what the short way needs.
    instances: BTreeMap<InstanceId, Instance>,
    deadlines: Deadlines,
    actions: VecDeque<Action>,
    changed: BTreeSet<InstanceId>,
    /// When something else is due than what an instance does.
    others_due: Option<Instant>,
    /// Who heard something last and nobody else with it.
    newest: Option<InstanceId>,
    next_id: u32,
    /// The wall clock as last told, and when.
    wall: Option<(Instant, UnixTime)>,
    statics: Statics,
    links: Links,
    virtual_addresses: BTreeSet<IpAddr>,
    memberships: BTreeSet<Membership>,
    /// Memberships that the kernel refused, and when they are tried again.
    refused: BTreeMap<Membership, Instant>,
    /// The instances as the file has them.
    order: Vec<InstanceId>,
    groups: Vec<Group>,
    trackers: Trackers,
    debounce: Debounce,
    /// `vrrp_startup_delay`; set by the first configuration.
    earliest_master: Option<Instant>,
    /// Who is concerned by a packet.
    receivers: BTreeMap<(IfIndex, Family, VirtualRouterId), Vec<InstanceId>>,
    /// Virtual routers of others that were told of since the last configuration; `None`: they are not told of.
    unknown: Option<BTreeSet<(IfIndex, IpAddr, VirtualRouterId)>>,
    predecessor: BTreeMap<InstanceKey, InstanceSnapshot>,
    announcer: Announcer,
}

impl Router {
    /// A router without instances.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in one input. `now` never goes back from one call to the next.
    pub fn handle(&mut self, now: Instant, input: Input) {
        match input {
            Input::Configure(spec) => self.configure(now, spec),
            Input::Resume(snapshots) => {
                self.predecessor =
                    snapshots.into_iter().map(|snapshot| (snapshot.key.clone(), snapshot)).collect();
            }
            Input::Packet(packet) => self.receive(now, &packet),
            Input::Tick => self.tick(now),
            Input::Link(view) => {
                let names = self.set_link(now, view);
                self.links_changed(now, &names);
            }
            Input::Links(views) => self.all_links(now, views),
            Input::LinkGone(index) => {
                let names: Vec<_> = self.remove_link(index).into_iter().collect();
                self.links_changed(now, &names);
            }
            Input::Lost(gone) => self.lost(now, &gone),
            Input::Doubt => self.doubt(now),
            Input::Track { tracker, state } => self.tracked(now, tracker, state),
            Input::WallClock(time) => self.wall = Some((now, time)),
            Input::Done(done) => self.done(now, done),
            Input::Stop => self.stop(now),
            Input::Abandon => self.abandon(now),
        }
        self.others_due = self.others_deadline();
    }

    /// When the next [`Input::Tick`] is due; `None`: not before another input.
    #[inline]
    pub fn next_deadline(&self) -> Option<Instant> {
        earliest(self.deadlines.first(), self.others_due)
    }

    fn others_deadline(&self) -> Option<Instant> {
        let refused = self.refused.values().min().copied();
        let others =
            [self.statics.hold.retry_at(), refused, self.announcer.deadline(), self.debounce.deadline()];
        others.into_iter().flatten().min()
    }

    /// Whether nothing is to be done or told.
    #[inline]
    pub fn is_quiet(&self) -> bool {
        self.actions.is_empty() && self.changed.is_empty()
    }

    /// The next thing to do; to be called until there is none, after each input.
    pub fn next_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// The instances whose state has changed since the last call, as their successors would need them.
    pub fn take_changed(&mut self) -> Vec<InstanceSnapshot> {
        if self.changed.is_empty() {
            return Vec::new();
        }
        let changed = core::mem::take(&mut self.changed);
        changed.iter().filter_map(|id| self.instances.get(id)).map(Instance::snapshot).collect()
    }

    /// Every instance as it is now, in the order in which they were first configured.
    pub fn snapshots(&self) -> Vec<InstanceSnapshot> {
        self.instances.values().map(Instance::snapshot).collect()
    }

    /// Every instance as it can be seen from outside, in the order in which they were first configured.
    pub fn statuses(&self) -> Vec<InstanceStatus> {
        self.instances.values().map(Instance::status).collect()
    }

    /// Counts from zero again.
    pub fn clear_counters(&mut self) {
        for instance in self.instances.values_mut() {
            instance.clear_counters();
        }
        self.changed.extend(self.instances.keys());
    }

    /// After [`Input::Stop`] or [`Input::Abandon`]: whether everything is released.
    pub fn is_stopped(&self) -> bool {
        self.instances.is_empty() && self.statics.is_gone()
    }

    fn tracked(&mut self, now: Instant, tracker: TrackerId, state: TrackerState) {
        let follows = |instance: &Instance| instance.spec.tracks.iter().any(|track| track.tracker == tracker);
        let concerned = self.in_order(follows);
        if self.trackers.insert(tracker, state) == Some(state) {
            return;
        }
        for id in concerned {
            self.with(now, id, Instance::links_changed);
        }
    }

    fn tick(&mut self, now: Instant) {
        self.announcer.tick(now, &mut self.actions);
        self.with_statics(now, Statics::tick);
        let mut names = Vec::new();
        for view in self.debounce.due(now, &self.links) {
            names.extend(self.links.set(view));
        }
        self.links_changed(now, &names);
        for id in self.deadlines.due(now) {
            self.with(now, id, Instance::tick);
        }
        for (membership, at) in &mut self.refused {
            if *at <= now {
                *at = now + LISTEN_AGAIN;
                self.actions.push_back(Action::Listen(*membership));
            }
        }
    }

    fn all_links(&mut self, now: Instant, views: Vec<LinkView>) {
        let present: BTreeSet<_> = views.iter().map(|view| view.index).collect();
        let gone: Vec<_> = self.links.indices().filter(|index| !present.contains(index)).collect();
        let mut names = Vec::new();
        for index in gone {
            names.extend(self.remove_link(index));
        }
        for view in views {
            names.extend(self.set_link(now, view));
        }
        self.links_changed(now, &names);
    }

    fn set_link(&mut self, now: Instant, view: LinkView) -> Vec<String> {
        let view = self.debounce.filter(now, view, &self.links);
        self.links.set(view)
    }

    fn remove_link(&mut self, index: IfIndex) -> Option<String> {
        self.announcer.interface_gone(index);
        self.debounce.gone(index);
        self.links.remove(index)
    }

    fn links_changed(&mut self, now: Instant, names: &[String]) {
        if names.is_empty() {
            return;
        }
        self.with_statics(now, Statics::links_changed);
        let uses = |instance: &Instance| {
            let interfaces = instance.spec.interfaces();
            names.iter().any(|name| interfaces.contains(name.as_str()))
        };
        let concerned = self.in_order(uses);
        for id in concerned {
            self.with(now, id, Instance::links_changed);
        }
        self.listen();
    }

    /// Who is concerned, in the order of the file: so keepalived goes through them.
    fn in_order(&self, concerned: impl Fn(&Instance) -> bool) -> Vec<InstanceId> {
        let known = |id: &&InstanceId| self.instances.get(id).is_some_and(&concerned);
        self.order.iter().filter(known).copied().collect()
    }

    /// Makes the memberships agree with what the instances need, and sorts the instances by what they receive.
    fn listen(&mut self) {
        let mut wanted = BTreeSet::new();
        self.receivers.clear();
        self.newest = None;
        for instance in self.instances.values().filter(|instance| !instance.is_stopped()) {
            if let Some(membership) = instance.membership(&self.links) {
                wanted.insert(membership);
                let key = (membership.interface, membership.family, instance.spec.vrid);
                self.receivers.entry(key).or_default().push(instance.id);
            }
        }
        for membership in self.memberships.difference(&wanted) {
            self.actions.push_back(Action::Unlisten(*membership));
        }
        for membership in wanted.difference(&self.memberships) {
            self.actions.push_back(Action::Listen(*membership));
        }
        self.refused.retain(|membership, _| wanted.contains(membership));
        self.memberships = wanted;
    }

    fn done(&mut self, now: Instant, done: Done) {
        match done {
            Done::Applied { instance: InstanceId::STATIC, serial, failed } => {
                self.with_statics(now, |statics, cx| statics.applied(cx, serial, failed));
            }
            Done::Applied { instance, serial, failed } => {
                self.with(now, instance, |instance, cx| instance.applied(cx, serial, failed));
                if self.instances.get(&instance).is_some_and(Instance::is_gone) {
                    self.instances.remove(&instance);
                    self.deadlines.forget(instance);
                }
            }
            Done::SendFailed { instance, errno } => {
                self.with(now, instance, |instance, cx| instance.send_failed(cx, errno));
            }
            Done::Listening { membership, result } => {
                match result {
                    Ok(()) => self.refused.remove(&membership),
                    Err(_) => self.refused.insert(membership, now + LISTEN_AGAIN),
                };
                let concerned: Vec<_> = self
                    .instances
                    .values()
                    .filter(|instance| instance.membership(&self.links) == Some(membership))
                    .map(|instance| instance.id)
                    .collect();
                for id in concerned {
                    self.with(now, id, |instance, cx| instance.listening(cx, result));
                }
            }
        }
    }

    /// Groups are told of after all instances, as by keepalived.
    fn stop(&mut self, now: Instant) {
        for id in self.order.clone() {
            self.act(now, id, |instance, cx| instance.stop(cx, Why::Stopping));
        }
        let members: Vec<_> = self.groups.iter().filter_map(|group| group.members.first().copied()).collect();
        for id in members {
            self.settle(now, id);
        }
        self.with_statics(now, Statics::stop);
        self.listen();
    }

    fn abandon(&mut self, now: Instant) {
        self.instances.clear();
        self.deadlines.clear();
        self.with_statics(now, Statics::stop);
        self.listen();
    }

    fn lost(&mut self, now: Instant, gone: &[Held]) {
        self.with_statics(now, |statics, cx| statics.lost(cx, gone));
        self.with_each(now, |instance, cx| instance.lost(cx, gone));
    }

    fn doubt(&mut self, now: Instant) {
        self.with_statics(now, Statics::doubt);
        self.with_each(now, Instance::doubt);
    }

    fn with_each(&mut self, now: Instant, act: impl Fn(&mut Instance, &mut Context<'_>)) {
        let all: Vec<_> = self.instances.keys().copied().collect();
        for id in all {
            self.with(now, id, &act);
        }
    }

    fn with_statics(&mut self, now: Instant, act: impl FnOnce(&mut Statics, &mut Surroundings<'_>)) {
        act(&mut self.statics, &mut Surroundings { now, links: &self.links, actions: &mut self.actions });
    }

    /// Lets one instance act, and its sync group follow it.
    fn with(&mut self, now: Instant, id: InstanceId, act: impl FnOnce(&mut Instance, &mut Context<'_>)) {
        self.act(now, id, act);
        self.settle(now, id);
    }

    /// Lets one instance act, and keeps the books: its deadline and whether its state changed.
    fn act(&mut self, now: Instant, id: InstanceId, act: impl FnOnce(&mut Instance, &mut Context<'_>)) {
        let Some(instance) = self.instances.get_mut(&id) else { return };
        instance.unsettle();
        let deadline_before = instance.deadline();
        let before = (instance.state_name(), instance.sequence());
        let mut cx = Context {
            now,
            wall: self.wall.map(|(at, time)| time + now.saturating_since(at)),
            links: &self.links,
            trackers: &self.trackers,
            earliest_master: self.earliest_master.unwrap_or(Instant::ZERO),
            virtual_addresses: &self.virtual_addresses,
            announcer: &mut self.announcer,
            actions: &mut self.actions,
        };
        act(instance, &mut cx);
        self.deadlines.change(id, deadline_before, instance.deadline());
        if (instance.state_name(), instance.sequence()) != before {
            self.changed.insert(id);
        }
    }
}
