//! Which entries of the kernel's table are ours to remove.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::table::{DestKey, ServiceKey, Table};

/// The entries that the configuration named, now or earlier in the life of this daemon. **Whatever is not in it is
/// somebody else's** and is never removed, also when it stands in a service of ours.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Owned {
    services: BTreeMap<ServiceKey, BTreeSet<DestKey>>,
}

impl Owned {
    /// Takes all entries of `table` as ours. To be called with a wanted table before it is put in place.
    pub fn claim(&mut self, table: &Table) {
        for (key, service) in &table.services {
            self.services.entry(*key).or_default().extend(service.dests.keys());
        }
    }

    /// Forgets what is neither wanted nor in the kernel any more, so that what others put there later is theirs.
    pub fn forget_gone(&mut self, desired: &Table, actual: &Table) {
        let tables = [desired, actual];
        self.services.retain(|key, dests| {
            let present = tables.map(|table| table.services.get(key));
            dests.retain(|dest| present.iter().flatten().any(|service| service.dests.contains_key(dest)));
            present.iter().any(Option::is_some)
        });
    }

    /// Whether the service is ours.
    pub fn service(&self, service: &ServiceKey) -> bool {
        self.services.contains_key(service)
    }

    /// Whether the destination of this service is ours.
    pub fn dest(&self, service: &ServiceKey, dest: &DestKey) -> bool {
        self.services.get(service).is_some_and(|dests| dests.contains(dest))
    }
}
