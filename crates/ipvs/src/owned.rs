//! Which entries of the kernel's table are ours to remove.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::table::{DestKey, ServiceKey, Table};

/// The entries that the configuration named, now or earlier in the life of this daemon. **Whatever is not in it is
/// somebody else's** and is never removed, also when it stands in a service of ours.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Owned {
    /// Sorted.
    services: BTreeMap<ServiceKey, Vec<DestKey>>,
}

impl Owned {
    /// Takes all entries of `named` as ours: everything that a configuration names, in service at the moment or not.
    /// To be called before a table made from that configuration is put in place. A server that is named and down is then
    /// removed should it stand in the kernel, whoever put it there.
    pub fn claim(&mut self, named: &Table) {
        for (key, service) in &named.services {
            let owned = self.services.entry(*key).or_default();
            let unknown = |dest: &&DestKey| owned.binary_search(dest).is_err();
            let more: Vec<_> = service.dests.keys().filter(unknown).copied().collect();
            if owned.is_empty() {
                *owned = more;
            } else if !more.is_empty() {
                owned.extend(more);
                owned.sort_unstable();
            }
        }
    }

    /// As [`claim`](Self::claim) by somebody who owns nothing yet: what a configuration names, in any order.
    pub fn of(named: impl IntoIterator<Item = (ServiceKey, Vec<DestKey>)>) -> Self {
        let mut all: Vec<_> = named.into_iter().collect();
        all.sort_by_key(|(key, _)| *key);
        all.dedup_by(|(key, more), (same, dests)| {
            let again = key == same;
            if again {
                dests.append(more);
            }
            again
        });
        for (_, dests) in &mut all {
            dests.sort_unstable();
            dests.dedup();
        }
        // What is collected is packed more densely than what grows.
        Self { services: all.into_iter().collect() }
    }

    /// Whether nothing is.
    pub fn is_empty(&self) -> bool {
        self.services.is_empty()
    }

    /// Forgets what the configuration no longer names and the kernel no longer has, so that what others put there
    /// later is theirs.
    pub fn forget_gone(&mut self, named: &Table, actual: &Table) {
        let tables = [named, actual];
        self.services.retain(|key, dests| {
            let present = tables.map(|table| table.services.get(key));
            dests.retain(|dest| present.iter().flatten().any(|service| service.dests.contains_key(dest)));
            present.iter().any(Option::is_some)
        });
    }

    /// Whether all of it is named: there is nothing that could be forgotten.
    pub fn is_all_of(&self, named: &Table) -> bool {
        let dests = |service: &ServiceKey| named.services.get(service).map(|service| service.dests.len());
        self.services.iter().all(|(key, owned)| dests(key) == Some(owned.len()))
    }

    /// The services that are ours.
    pub fn services(&self) -> impl Iterator<Item = &ServiceKey> {
        self.services.keys()
    }

    /// Whether the service is ours.
    pub fn service(&self, service: &ServiceKey) -> bool {
        self.services.contains_key(service)
    }

    /// Whether the destination of this service is ours.
    pub fn dest(&self, service: &ServiceKey, dest: &DestKey) -> bool {
        self.services.get(service).is_some_and(|dests| dests.binary_search(dest).is_ok())
    }
}
