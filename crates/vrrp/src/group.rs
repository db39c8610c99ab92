//! A sync group: a second machine, over the states of its members (keepalived's `vrrp_sync_group`).
//!
//! **It decides from what the members are, never from what happened to them.** Any member in FAULT puts all in FAULT; they
//! come back together. A member that would become master waits until all would. One that is master no longer takes the
//! others with it.

use std::collections::BTreeMap;

use crate::action::InstanceId;
use crate::event::{FaultCause, StateName, Subject, Transition, Why};
use crate::instance::{Bond, Claim};
use crate::spec::SyncGroupSpec;

/// A member as its group sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Member {
    pub(crate) id: InstanceId,
    pub(crate) name: String,
    pub(crate) state: StateName,
    /// It cannot take part, for reasons of its own.
    pub(crate) faulty: bool,
    /// It waits for the first result of a tracker.
    pub(crate) pending: bool,
    /// It becomes master as soon as the group does.
    pub(crate) willing: bool,
    /// Its down timer has expired.
    pub(crate) ready: bool,
    /// It claims the mastership: not at all, as an owner, or as one with `state MASTER`.
    pub(crate) claim: Claim,
    pub(crate) bond: Bond,
}

/// What a member has to do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Order {
    Bind(Bond),
    StepDown(Why),
    Join,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Group {
    pub(crate) spec: SyncGroupSpec,
    pub(crate) members: Vec<InstanceId>,
    /// As last notified.
    state: StateName,
    /// States of the members when orders were last given.
    known: BTreeMap<InstanceId, StateName>,
}

impl Group {
    pub(crate) fn new(spec: SyncGroupSpec, members: Vec<InstanceId>) -> Self {
        Self { spec, members, state: StateName::Init, known: BTreeMap::new() }
    }

    /// Takes over a changed configuration.
    pub(crate) fn reconfigure(&mut self, spec: SyncGroupSpec, members: Vec<InstanceId>) {
        self.spec = spec;
        self.known.retain(|id, _| members.contains(id));
        self.members = members;
    }

    /// How each member stands with the others.
    pub(crate) fn bonds(&self, members: &[Member]) -> Vec<(InstanceId, Bond)> {
        let claim = claim_of(members);
        let bond = |member: &Member| {
            let faulty = members.iter().find(|other| other.faulty && other.id != member.id);
            let fault = faulty.map(|other| FaultCause::Member {
                group: self.spec.name.clone(),
                member: other.name.clone(),
            });
            let waits = members.iter().any(|other| other.pending && other.id != member.id);
            (member.id, Bond::Member { claim, waits, fault })
        };
        members.iter().map(bond).collect()
    }

    /// What the members have to do now that `first` has changed. The orders are carried out, and asked for again until
    /// there are none.
    pub(crate) fn orders(&mut self, first: InstanceId, members: &[Member]) -> Vec<(InstanceId, Order)> {
        let left = members.iter().find(|member| {
            member.state == StateName::Backup && self.known.get(&member.id) == Some(&StateName::Master)
        });
        self.known = members.iter().map(|member| (member.id, member.state)).collect();
        let changed =
            members.iter().zip(self.bonds(members)).filter(|(member, (_, bond))| member.bond != *bond);
        let bind: Vec<_> = changed.map(|(_, (id, bond))| (id, Order::Bind(bond))).collect();
        if !bind.is_empty() {
            return bind;
        }
        if let Some(left) = left {
            let why = Why::SyncGroup { group: self.spec.name.clone(), member: left.name.clone() };
            let others = members.iter().filter(|member| member.state == StateName::Master);
            return others.map(|member| (member.id, Order::StepDown(why.clone()))).collect();
        }
        let all = members.iter().all(|member| member.willing || member.state == StateName::Master);
        if !all || !members.iter().any(|member| member.ready) {
            return Vec::new();
        }
        // The one that was waited for goes first.
        let willing = members.iter().filter(|member| member.willing);
        let mut willing: Vec<_> = willing.map(|member| member.id).collect();
        willing.sort_by_key(|id| *id != first);
        willing.into_iter().map(|id| (id, Order::Join)).collect()
    }

    /// At the start of the group: members that claim the mastership now make it a group of masters from the outset, of
    /// which nobody is told (keepalived).
    pub(crate) fn claim(&mut self, members: &[Member]) {
        let able = members.iter().all(|member| !member.faulty && !member.pending);
        if self.state == StateName::Init && able && claim_of(members) == Claim::Now {
            self.state = StateName::Master;
        }
    }

    /// The change of the group as a whole, once its members agree.
    pub(crate) fn transition(&mut self, members: &[Member], why: Why) -> Option<Transition> {
        let has = |state| members.iter().any(|member| member.state == state);
        let to = if members.is_empty() || members.iter().all(|member| member.state == StateName::Stop) {
            StateName::Stop
        } else if has(StateName::Fault) {
            StateName::Fault
        } else if members.iter().all(|member| member.state == StateName::Master) {
            StateName::Master
        } else if has(StateName::Master) || has(StateName::Stop) || has(StateName::Init) {
            // On the way.
            self.state
        } else {
            StateName::Backup
        };
        let from = core::mem::replace(&mut self.state, to);
        let subject = Subject::Group(self.spec.name.clone());
        (from != to).then_some(Transition { subject, from, to, priority: 0, why })
    }
}

/// The members of a group claim the mastership together, or not at all.
fn claim_of(members: &[Member]) -> Claim {
    let all =
        |claims: fn(Claim) -> bool| !members.is_empty() && members.iter().all(|member| claims(member.claim));
    if all(|claim| claim == Claim::Now) {
        Claim::Now
    } else if all(|claim| claim != Claim::None) {
        Claim::Soon
    } else {
        Claim::None
    }
}
