//! A configuration: what of it is new, what has changed, what is gone.
//!
//! **A running instance goes on wherever the change allows.** What is told of it is told in keepalived's order, whatever the
//! order of the deeds.

use std::collections::{BTreeMap, BTreeSet};

use clock::Instant;

use super::Router;
use crate::action::{Action, InstanceId};
use crate::event::{StateName, Subject, Transition, Why};
use crate::group::Group;
use crate::instance::{Bond, Instance};
use crate::spec::{InstanceKey, InstanceSpec, InterfaceTrack, RouterSpec, SyncGroupSpec};

impl Router {
    pub(super) fn configure(&mut self, now: Instant, mut spec: RouterSpec) {
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
        let before = self.actions.len();
        let places = Places::of(&self.order, &self.instances, &specs, &spec.sync_groups);
        let kept: BTreeSet<_> = specs.iter().map(InstanceSpec::key).collect();
        for (key, id) in &old {
            if !kept.contains(key) {
                self.act(now, *id, |instance, cx| instance.stop(cx, Why::Removed));
            }
        }
        self.order.clear();
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
            self.order.push(id);
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
        let started: BTreeSet<_> = fresh.iter().map(|(id, _)| *id).collect();
        for (id, predecessor) in fresh {
            self.act(now, id, |instance, cx| instance.start(cx, predecessor));
        }
        self.predecessor.clear();
        for index in 0..self.groups.len() {
            let Some(first) = self.groups[index].members.first().copied() else { continue };
            if !known.contains(&self.groups[index].spec.name) {
                let members = self.members(&self.groups[index]);
                self.groups[index].claim(&members);
            }
            let transition = self.settle_group(now, index, first);
            let Some(transition) = transition else { continue };
            let group = &self.groups[index];
            // A new group of masters that stay what they are is no news (keepalived), unlike one of others.
            let stays =
                transition.to == StateName::Master && !group.members.iter().any(|id| started.contains(id));
            if known.contains(&group.spec.name) || !stays {
                self.actions.push_back(Action::Notify(transition));
            }
        }
        self.sort_notifications(before, &places);
        self.listen();
    }

    /// Puts the notifications among the actions from `first` on in keepalived's order; everything else stays where it is.
    fn sort_notifications(&mut self, first: usize, places: &Places) {
        let new = self.actions.range_mut(first..);
        let (mut spots, mut told) = (Vec::new(), Vec::new());
        for action in new {
            if let Action::Notify(transition) = action {
                told.push(transition.clone());
                spots.push(transition);
            }
        }
        told.sort_by_key(|transition| places.rank(transition));
        for (spot, transition) in spots.into_iter().zip(told) {
            *spot = transition;
        }
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
}

/// Where instances and groups stand in the file, and where those stood that it has no more.
struct Places {
    gone: BTreeMap<String, usize>,
    instances: BTreeMap<String, usize>,
    groups: BTreeMap<String, usize>,
}

impl Places {
    fn of(
        order: &[InstanceId],
        running: &BTreeMap<InstanceId, Instance>,
        instances: &[InstanceSpec],
        groups: &[SyncGroupSpec],
    ) -> Self {
        let before = order.iter().filter_map(|id| running.get(id));
        let numbered = |names: Vec<&String>| {
            names.into_iter().enumerate().map(|(place, name)| (name.clone(), place)).collect()
        };
        Self {
            gone: numbered(before.map(|instance| &instance.spec.name).collect()),
            instances: numbered(instances.iter().map(|spec| &spec.name).collect()),
            groups: numbered(groups.iter().map(|spec| &spec.name).collect()),
        }
    }

    /// What keepalived tells first: instances that are in FAULT, those that are no more, groups, and then instances that
    /// are backups, then masters; each in the order of the file.
    fn rank(&self, transition: &Transition) -> (u8, Option<usize>) {
        let (rank, places, name) = match (&transition.subject, transition.to) {
            (Subject::Instance(name), StateName::Fault | StateName::Init) => (0, &self.instances, name),
            (Subject::Instance(name), StateName::Stop) => (1, &self.gone, name),
            (Subject::Group(name), _) => (2, &self.groups, name),
            (Subject::Instance(name), StateName::Backup) => (3, &self.instances, name),
            (Subject::Instance(name), StateName::Master) => (4, &self.instances, name),
        };
        (rank, places.get(name).copied())
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
