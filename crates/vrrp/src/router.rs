//! All instances of a process behind one door in and one door out.
//!
//! **A router is a function of its inputs and their times**: the same inputs give the same actions, bit for bit. It
//! finds the instances that an input concerns, lets them handle it, and keeps the actions in order until they are
//! fetched.

mod steady;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

use clock::Instant;

use crate::action::{Action, InstanceId, Membership, Protocol};
use crate::advert::Advert;
use crate::ah;
use crate::announcer::Announcer;
use crate::deadlines::{Deadlines, earliest};
use crate::debounce::Debounce;
use crate::event::{Event, StateName, Transition, What, Why};
use crate::group::{Group, Member, Order};
use crate::input::{Done, Input, Packet, TrackerState, UnixTime};
use crate::instance::{Bond, Context, Instance, MOST_TOLD, Trackers};
use crate::link::{IfIndex, LinkView};
use crate::links::Links;
use crate::snapshot::InstanceSnapshot;
use crate::spec::{
    Family, Held, InstanceKey, InstanceSpec, InterfaceTrack, RouterSpec, SyncGroupSpec, TrackerId,
    VirtualRouterId,
};
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

    fn configure(&mut self, now: Instant, mut spec: RouterSpec) {
        let resuming = !self.predecessor.is_empty();
        self.earliest_master.get_or_insert_with(|| {
            let delay = (now + spec.startup_delay).max(Instant::ZERO + spec.delay_after_boot);
            if resuming { Instant::ZERO } else { delay }
        });
        self.unknown = spec.log_unknown_vrids.then(BTreeSet::new);
        self.debounce.configure(core::mem::take(&mut spec.link_delays));
        self.announcer.configure(core::mem::take(&mut spec.announce_groups));
        self.with_statics(now, |statics, cx| statics.configure(cx, &spec.statics));
        share_trackers(&mut spec);
        let specs = spec.instances;
        let running = self.instances.values().filter(|instance| !instance.is_stopped());
        let mut old: BTreeMap<InstanceKey, InstanceId> =
            running.map(|instance| (instance.spec.key(), instance.id)).collect();
        let addresses = specs.iter().flat_map(InstanceSpec::held_addresses).map(|held| held.address);
        self.virtual_addresses = addresses.collect();
        // Removals first: an address that moves from one instance to another is released before it is taken.
        let kept: BTreeSet<_> = specs.iter().map(InstanceSpec::key).collect();
        for (key, id) in &old {
            if !kept.contains(key) {
                self.act(now, *id, |instance, cx| instance.stop(cx, Why::Removed));
            }
        }
        let mut names = BTreeMap::new();
        let (mut changed, mut fresh) = (Vec::new(), Vec::new());
        for spec in specs {
            let (key, name) = (spec.key(), spec.name.clone());
            let id = if let Some(id) = old.remove(&key) {
                changed.push((id, spec));
                id
            } else {
                let id = InstanceId(self.next_id);
                self.next_id += 1;
                let mut instance = Instance::new(id, spec);
                let predecessor = self.predecessor.remove(&key);
                if let Some(predecessor) = &predecessor {
                    instance.resume(predecessor);
                }
                self.instances.insert(id, instance);
                fresh.push((id, predecessor.map(|predecessor| predecessor.state)));
                id
            };
            names.insert(name, id);
        }
        for (id, _) in &fresh {
            self.act(now, *id, Instance::inspect);
        }
        let known: BTreeSet<_> = self.groups.iter().map(|group| group.spec.name.clone()).collect();
        self.regroup(now, spec.sync_groups, &names);
        for (id, spec) in changed {
            self.act(now, id, |instance, cx| {
                if instance.spec != spec {
                    instance.reconfigure(cx, spec);
                }
            });
        }
        let before_starts = self.actions.len();
        let started: BTreeSet<_> = fresh.iter().map(|(id, _)| *id).collect();
        for (id, predecessor) in fresh {
            self.act(now, id, |instance, cx| instance.start(cx, predecessor));
        }
        self.predecessor.clear();
        for index in 0..self.groups.len() {
            let Some(first) = self.groups[index].members.first().copied() else { continue };
            let transition = self.settle_group(now, index, first);
            let Some(transition) = transition else { continue };
            let group = &self.groups[index];
            let known = known.contains(&group.spec.name);
            // A new group of masters that stay what they are is no news (keepalived), unlike one of others.
            let stays =
                transition.to == StateName::Master && !group.members.iter().any(|id| started.contains(id));
            if !known && stays {
                continue;
            }
            if known {
                self.actions.push_back(Action::Notify(transition));
            } else {
                // At a start a group is told of before its members (keepalived).
                self.actions.insert(before_starts, Action::Notify(transition));
            }
        }
        self.listen();
    }

    /// Makes the groups those of the configuration; groups of the same name stay what they are.
    fn regroup(&mut self, now: Instant, specs: Vec<SyncGroupSpec>, names: &BTreeMap<String, InstanceId>) {
        let mut old: BTreeMap<_, _> = core::mem::take(&mut self.groups)
            .into_iter()
            .map(|group| (group.spec.name.clone(), group))
            .collect();
        for spec in specs {
            let members: Vec<_> = spec.members.iter().filter_map(|name| names.get(name)).copied().collect();
            let group = match old.remove(&spec.name) {
                Some(mut group) => {
                    group.reconfigure(spec, members);
                    group
                }
                None => Group::new(spec, members),
            };
            self.groups.push(group);
        }
        let mut bonds: BTreeMap<_, _> = names.values().map(|id| (*id, Bond::Free)).collect();
        bonds.extend(self.groups.iter().flat_map(|group| group.bonds(&self.members(group))));
        for (id, bond) in bonds {
            self.act(now, id, |instance, cx| instance.bind(cx, bond));
        }
    }

    fn members(&self, group: &Group) -> Vec<Member> {
        let running = group.members.iter().filter_map(|id| self.instances.get(id));
        running
            .map(|instance| Member {
                id: instance.id,
                name: instance.spec.name.clone(),
                state: instance.state_name(),
                faulty: instance.is_faulty(),
                willing: instance.is_willing(),
                owner: instance.spec.priority.is_owner(),
                bond: instance.bond().clone(),
            })
            .collect()
    }

    /// Lets the sync group of an instance that may have changed follow it.
    fn settle(&mut self, now: Instant, changed: InstanceId) {
        if self.groups.is_empty() {
            return;
        }
        let Some(index) = self.groups.iter().position(|group| group.members.contains(&changed)) else {
            return;
        };
        if self.instances.get_mut(&changed).is_some_and(Instance::take_contended) {
            for id in self.groups[index].members.clone() {
                if id != changed {
                    self.act(now, id, Instance::announce_again);
                }
            }
        }
        if let Some(transition) = self.settle_group(now, index, changed) {
            self.actions.push_back(Action::Notify(transition));
        }
    }

    fn settle_group(&mut self, now: Instant, index: usize, first: InstanceId) -> Option<Transition> {
        let why = Why::SyncGroup {
            group: self.groups.get(index)?.spec.name.clone(),
            member: self.instances.get(&first).map(|instance| instance.spec.name.clone()).unwrap_or_default(),
        };
        loop {
            let members = self.members(self.groups.get(index)?);
            let group = self.groups.get_mut(index)?;
            let orders = group.orders(first, &members);
            if orders.is_empty() {
                return group.transition(&members, why);
            }
            for (id, order) in orders {
                self.act(now, id, |instance, cx| match order {
                    Order::Bind(bond) => instance.bind(cx, bond),
                    Order::StepDown(why) => instance.step_down(cx, why),
                    Order::Join => instance.join_master(cx),
                });
            }
        }
    }

    fn tracked(&mut self, now: Instant, tracker: TrackerId, state: TrackerState) {
        let follows =
            |instance: &&Instance| instance.spec.tracks.iter().any(|track| track.tracker == tracker);
        let concerned: Vec<_> = self.instances.values().filter(follows).map(|instance| instance.id).collect();
        if self.trackers.insert(tracker, state) == Some(state) {
            return;
        }
        for id in concerned {
            self.with(now, id, Instance::links_changed);
        }
    }

    fn receive(&mut self, now: Instant, packet: &Packet) {
        let advert = match packet.protocol {
            Protocol::Vrrp => Some(&packet.payload[..]),
            Protocol::Ah => ah::peek(&packet.payload),
        };
        let Some(vrid) = advert.and_then(Advert::peek_vrid) else { return };
        let key = (packet.interface, Family::of(packet.source), vrid);
        match self.receivers.get(&key).map(Vec::as_slice) {
            None | Some([]) => self.tell_unknown(packet, vrid),
            Some(&[only]) => {
                self.with(now, only, |instance, cx| instance.receive(cx, packet));
                self.newest = Some(only);
            }
            Some(several) => {
                for id in self.concerned(packet, several) {
                    self.with(now, id, |instance, cx| instance.receive(cx, packet));
                }
            }
        }
    }

    fn tell_unknown(&mut self, packet: &Packet, vrid: VirtualRouterId) {
        let Some(unknown) = &mut self.unknown else { return };
        let (interface, source) = (packet.interface, packet.source);
        if unknown.len() < MOST_TOLD && unknown.insert((interface, source, vrid)) {
            let instance = self.links.numbered(interface).map_or_else(String::new, |link| link.name.clone());
            let what = What::UnknownRouter { source, vrid };
            self.actions.push_back(Action::Emit(Event { instance, what }));
        }
    }

    /// Instances of this VRID and family on the interface that the packet came in by. If a multicast and a unicast one
    /// share them, the destination decides.
    fn concerned(&self, packet: &Packet, receivers: &[InstanceId]) -> Vec<InstanceId> {
        let fits = |id: &InstanceId| {
            let instance = self.instances.get(id);
            instance.is_some_and(|instance| {
                instance.spec.transport.is_unicast() != packet.destination.is_multicast()
            })
        };
        let fitting: Vec<_> = receivers.iter().copied().filter(fits).collect();
        if fitting.is_empty() { receivers.to_vec() } else { fitting }
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
        let concerned: Vec<_> = self
            .instances
            .values()
            .filter(|instance| names.iter().any(|name| instance.spec.interfaces().contains(name.as_str())))
            .map(|instance| instance.id)
            .collect();
        for id in concerned {
            self.with(now, id, Instance::links_changed);
        }
        self.listen();
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
        for id in self.instances.keys().copied().collect::<Vec<_>>() {
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

/// What a sync group tracks, each of its members tracks, unless it does so already; and the members of a track group
/// track the interfaces of what is static and names the group.
fn share_trackers(spec: &mut RouterSpec) {
    for group in &spec.sync_groups {
        let members = spec.instances.iter_mut().filter(|instance| group.members.contains(&instance.name));
        for instance in members {
            for track in &group.track_interfaces {
                if instance.track_interfaces.iter().all(|own| own.interface != track.interface) {
                    instance.track_interfaces.push(track.clone());
                }
            }
            for track in &group.tracks {
                if instance.tracks.iter().all(|own| own.tracker != track.tracker) {
                    instance.tracks.push(track.clone());
                }
            }
        }
    }
    for held in &spec.statics {
        let group = held.track_group().and_then(|name| spec.track_groups.get(name));
        for member in group.into_iter().flatten() {
            let members = spec.instances.iter_mut().filter(|instance| instance.name == *member);
            for instance in members {
                for name in held.interfaces() {
                    let known = |own: &InterfaceTrack| own.interface == name;
                    if !instance.track_interfaces.iter().any(known) {
                        let interface = name.to_owned();
                        instance.track_interfaces.push(InterfaceTrack {
                            interface,
                            weight: 0,
                            reverse: false,
                        });
                    }
                }
            }
        }
    }
}
