//! The difference of two tables as changes.
//!
//! First comes what is missing (each service followed by its destinations) and what differs; then, what is to take no more
//! connections (weight 0) and what is to go. **So no first part of a plan takes from a service its last usable
//! destination if it has one before and one after.** An entry is changed by an edit, never by a removal and an addition:
//! that would cut its connections and leave the old destination in the kernel's trash, which slows every later addition.
//!
//! A service that is to go takes its destinations along with it, in one request. Where one of them is not ours, our own
//! are removed one by one and the service stays for the other's sake.

use crate::op::Op;
use crate::owned::Owned;
use crate::table::{DestKey, Service, ServiceKey, Table};

/// The changes that make `actual` what `desired` says, as far as it is ours: what `desired` names is put in place, what
/// only `owned` names is removed, and nothing else is touched.
pub fn plan(desired: &Table, actual: &Table, owned: &Owned) -> Vec<Op> {
    let Plan { mut build, clear } = Plan::new(desired, actual, owned);
    build.extend(clear);
    build
}

/// A plan in two parts.
#[derive(Default)]
pub struct Plan {
    /// What only gives.
    pub build: Vec<Op>,
    /// What takes away.
    pub clear: Vec<Op>,
}

impl Plan {
    /// As [`plan`].
    pub fn new(desired: &Table, actual: &Table, owned: &Owned) -> Self {
        let mut plan = Self::default();
        for (key, wanted) in &desired.services {
            plan.provide(*key, wanted, actual.services.get(key), owned);
        }
        for (key, present) in &actual.services {
            if owned.service(key) && !desired.services.contains_key(key) {
                plan.clear.extend(withdrawal(*key, present.dests.keys().copied(), owned));
            }
        }
        plan
    }

    fn provide(&mut self, service: ServiceKey, wanted: &Service, present: Option<&Service>, owned: &Owned) {
        match present {
            None => self.build.push(Op::AddService { service, spec: wanted.spec.clone() }),
            Some(present) if present.spec != wanted.spec => {
                self.build.push(Op::EditService { service, spec: wanted.spec.clone() });
            }
            Some(_) => {}
        }
        for (&dest, spec) in &wanted.dests {
            match present.and_then(|present| present.dests.get(&dest)) {
                None => self.build.push(Op::AddDest { service, dest, spec: spec.clone() }),
                Some(present) if present == spec => {}
                Some(present) => {
                    let quiesces = present.weight > 0 && spec.weight == 0;
                    let part = if quiesces { &mut self.clear } else { &mut self.build };
                    part.push(Op::EditDest { service, dest, spec: spec.clone() });
                }
            }
        }
        for &dest in present.iter().flat_map(|present| present.dests.keys()) {
            if owned.dest(&service, &dest) && !wanted.dests.contains_key(&dest) {
                self.clear.push(Op::DeleteDest { service, dest });
            }
        }
    }
}

/// What takes a service of ours away in which these destinations are, or only ours among them.
pub fn withdrawal(service: ServiceKey, present: impl Iterator<Item = DestKey>, owned: &Owned) -> Vec<Op> {
    let (ours, foreign): (Vec<_>, Vec<_>) = present.partition(|dest| owned.dest(&service, dest));
    if foreign.is_empty() {
        return vec![Op::DeleteService { service }];
    }
    ours.into_iter().map(|dest| Op::DeleteDest { service, dest }).collect()
}
