//! All instances of a process behind one door in and one door out.
//!
//! **A router is a function of its inputs and their times**: the same inputs give the same actions, bit for bit. It
//! finds the instances that an input concerns, lets them handle it, and keeps the actions in order until they are
//! fetched.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

use clock::Instant;

use crate::action::{Action, InstanceId, Membership, Protocol};
use crate::advert::Advert;
use crate::ah;
use crate::announcer::Announcer;
use crate::event::Why;
use crate::input::{Done, Input, Packet, UnixTime};
use crate::instance::{Context, Instance};
use crate::link::{IfIndex, LinkView};
use crate::links::Links;
use crate::snapshot::InstanceSnapshot;
use crate::spec::{Family, Held, InstanceKey, InstanceSpec, RouterSpec, VirtualRouterId};
use crate::statics::{Statics, Surroundings};

/// How long the kernel is left in peace after it refused to let us listen.
const LISTEN_AGAIN: Duration = Duration::from_secs(1);

/// The VRRP of one host.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Router {
    instances: BTreeMap<InstanceId, Instance>,
    next_id: u32,
    /// The wall clock as last told, and when.
    wall: Option<(Instant, UnixTime)>,
    statics: Statics,
    links: Links,
    virtual_addresses: BTreeSet<IpAddr>,
    memberships: BTreeSet<Membership>,
    /// Memberships that the kernel refused, and when they are tried again.
    refused: BTreeMap<Membership, Instant>,
    /// Who is concerned by a packet.
    receivers: BTreeMap<(IfIndex, Family, VirtualRouterId), Vec<InstanceId>>,
    predecessor: BTreeMap<InstanceKey, InstanceSnapshot>,
    announcer: Announcer,
    deadlines: BTreeSet<(Instant, InstanceId)>,
    actions: VecDeque<Action>,
    changed: BTreeSet<InstanceId>,
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
                let names = self.links.set(view);
                self.links_changed(now, &names);
            }
            Input::Links(views) => self.all_links(now, views),
            Input::LinkGone(index) => {
                self.announcer.interface_gone(index);
                if let Some(name) = self.links.remove(index) {
                    self.links_changed(now, &[name]);
                }
            }
            Input::Lost(gone) => self.lost(now, &gone),
            Input::Doubt => self.doubt(now),
            Input::Track { .. } => {}
            Input::WallClock(time) => self.wall = Some((now, time)),
            Input::Done(done) => self.done(now, done),
            Input::Stop => self.stop(now),
            Input::Abandon => self.abandon(now),
        }
    }

    /// When the next [`Input::Tick`] is due; `None`: not before another input.
    pub fn next_deadline(&self) -> Option<Instant> {
        let instances = self.deadlines.first().map(|(at, _)| *at);
        let refused = self.refused.values().min().copied();
        [instances, refused, self.announcer.deadline(), self.statics.hold.retry_at()]
            .into_iter()
            .flatten()
            .min()
    }

    /// The next thing to do; to be called until there is none, after each input.
    pub fn next_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// The instances whose state has changed since the last call, as their successors would need them.
    pub fn take_changed(&mut self) -> Vec<InstanceSnapshot> {
        let changed = core::mem::take(&mut self.changed);
        changed.iter().filter_map(|id| self.instances.get(id)).map(Instance::snapshot).collect()
    }

    /// Every instance as it is now, in the order in which they were first configured.
    pub fn snapshots(&self) -> Vec<InstanceSnapshot> {
        self.instances.values().map(Instance::snapshot).collect()
    }

    /// After [`Input::Stop`] or [`Input::Abandon`]: whether everything is released.
    pub fn is_stopped(&self) -> bool {
        self.instances.is_empty() && self.statics.is_gone()
    }

    fn configure(&mut self, now: Instant, spec: RouterSpec) {
        self.with_statics(now, |statics, cx| statics.configure(cx, &spec.statics));
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
                self.with(now, *id, |instance, cx| instance.stop(cx, Why::Removed));
            }
        }
        for spec in specs {
            let key = spec.key();
            if let Some(id) = old.remove(&key) {
                self.with(now, id, |instance, cx| {
                    if instance.spec != spec {
                        instance.reconfigure(cx, spec);
                    }
                });
            } else {
                let id = InstanceId(self.next_id);
                self.next_id += 1;
                self.instances.insert(id, Instance::new(id, spec));
                let predecessor = self.predecessor.remove(&key);
                self.with(now, id, |instance, cx| instance.start(cx, predecessor.as_ref()));
            }
        }
        self.predecessor.clear();
        self.listen();
    }

    fn receive(&mut self, now: Instant, packet: &Packet) {
        let advert = match packet.protocol {
            Protocol::Vrrp => Some(&packet.payload[..]),
            Protocol::Ah => ah::peek(&packet.payload),
        };
        let Some(vrid) = advert.and_then(Advert::peek_vrid) else { return };
        for id in self.concerned(packet, vrid) {
            self.with(now, id, |instance, cx| instance.receive(cx, packet));
        }
    }

    /// Instances of this VRID and family on the interface that the packet came in by. If a multicast and a unicast one
    /// share them, the destination decides.
    fn concerned(&self, packet: &Packet, vrid: VirtualRouterId) -> Vec<InstanceId> {
        let key = (packet.interface, Family::of(packet.source), vrid);
        let Some(receivers) = self.receivers.get(&key) else { return Vec::new() };
        let fits = |id: &InstanceId| {
            let instance = self.instances.get(id);
            instance.is_some_and(|instance| {
                instance.spec.transport.is_unicast() != packet.destination.is_multicast()
            })
        };
        let fitting: Vec<_> = receivers.iter().copied().filter(fits).collect();
        if fitting.is_empty() { receivers.clone() } else { fitting }
    }

    fn tick(&mut self, now: Instant) {
        self.announcer.tick(now, &mut self.actions);
        self.with_statics(now, Statics::tick);
        let due: Vec<_> = self.deadlines.iter().take_while(|(at, _)| *at <= now).map(|(_, id)| *id).collect();
        for id in due {
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
            self.announcer.interface_gone(index);
            names.extend(self.links.remove(index));
        }
        for view in views {
            names.extend(self.links.set(view));
        }
        self.links_changed(now, &names);
    }

    fn links_changed(&mut self, now: Instant, names: &[String]) {
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
        for instance in self.instances.values().filter(|instance| !instance.is_stopped()) {
            if let Some(membership) = instance.membership() {
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
                    self.deadlines.retain(|(_, id)| *id != instance);
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
                    .filter(|instance| instance.membership() == Some(membership))
                    .map(|instance| instance.id)
                    .collect();
                for id in concerned {
                    self.with(now, id, |instance, cx| instance.listening(cx, result));
                }
            }
        }
    }

    fn stop(&mut self, now: Instant) {
        self.with_each(now, |instance, cx| instance.stop(cx, Why::Stopping));
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

    /// Lets one instance act, and keeps the books: its deadline and whether its state changed.
    fn with(&mut self, now: Instant, id: InstanceId, act: impl FnOnce(&mut Instance, &mut Context<'_>)) {
        let Some(instance) = self.instances.get_mut(&id) else { return };
        let deadline_before = instance.deadline();
        let before = (instance.state_name(), instance.sequence());
        let mut cx = Context {
            now,
            wall: self.wall.map(|(at, time)| time + now.saturating_since(at)),
            links: &self.links,
            virtual_addresses: &self.virtual_addresses,
            announcer: &mut self.announcer,
            actions: &mut self.actions,
        };
        act(instance, &mut cx);
        if let Some(at) = deadline_before {
            self.deadlines.remove(&(at, id));
        }
        if let Some(at) = instance.deadline() {
            self.deadlines.insert((at, id));
        }
        if (instance.state_name(), instance.sequence()) != before {
            self.changed.insert(id);
        }
    }
}
