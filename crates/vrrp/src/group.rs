//! A sync group: a second machine, over the states of its members (keepalived's `vrrp_sync_group`).
//!
//! **It decides from what the members are, never from what happened to them.** Any member in FAULT puts all in FAULT; they
//! come back together. A member that would become master waits until all would. One that is master no longer takes the
//! others with it.

use std::collections::BTreeMap;

use crate::action::InstanceId;
use crate::event::{FaultCause, StateName, Subject, Transition, Why};
use crate::instance::Bond;
use crate::spec::SyncGroupSpec;

/// A member as its group sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Member {
    pub(crate) id: InstanceId,
    pub(crate) name: String,
    pub(crate) state: StateName,
    /// It cannot take part, for reasons of its own.
    pub(crate) faulty: bool,
    /// Its down timer has expired.
    pub(crate) willing: bool,
    pub(crate) owner: bool,
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
        let owners = members.iter().all(|member| member.owner);
        let bond = |member: &Member| {
            let faulty = members.iter().find(|other| other.faulty && other.id != member.id);
            let fault = faulty.map(|other| FaultCause::Member {
                group: self.spec.name.clone(),
                member: other.name.clone(),
            });
            (member.id, Bond::Member { owners, fault })
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
        let willing = members.iter().filter(|member| member.willing).map(|member| member.id);
        if !all {
            return Vec::new();
        }
        // The one that was waited for goes first.
        let mut willing: Vec<_> = willing.collect();
        willing.sort_by_key(|id| *id != first);
        willing.into_iter().map(|id| (id, Order::Join)).collect()
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
        } else if has(StateName::Master) || has(StateName::Stop) {
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
