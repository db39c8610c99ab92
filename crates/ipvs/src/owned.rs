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
        let entries = named.services.iter();
        self.add(Self::of(entries.map(|(key, service)| (*key, service.dests.keys().copied().collect()))));
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

    /// Takes for ours what is another's.
    pub fn add(&mut self, other: Self) {
        if self.is_empty() {
            *self = other;
            return;
        }
        for (key, more) in other.services {
            let owned = self.services.entry(key).or_default();
            owned.extend(more);
            owned.sort_unstable();
            owned.dedup();
        }
    }

    /// Leaves what is another's to it.
    pub fn leave(&mut self, other: &Self) {
        self.services.retain(|key, dests| {
            let Some(theirs) = other.services.get(key) else { return true };
            dests.retain(|dest| theirs.binary_search(dest).is_err());
            !dests.is_empty()
        });
    }

    /// Forgets what the kernel no longer has, so that what others put there later is theirs.
    pub fn forget_gone(&mut self, actual: &Table) {
        self.services.retain(|key, dests| {
            let Some(present) = actual.services.get(key) else { return false };
            dests.retain(|dest| present.dests.contains_key(dest));
            true
        });
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DestSpec, Dests, Forwarding, Protocol, SchedulerFlags, Service, ServiceSpec};

    fn service(port: u16) -> ServiceKey {
        ServiceKey::Address { protocol: Protocol::Tcp, address: [192, 0, 2, 1].into(), port }
    }

    fn dest(port: u16) -> DestKey {
        DestKey { address: [10, 0, 0, 1].into(), port }
    }

    /// By the ports of services and their destinations.
    fn owned(all: &[(u16, &[u16])]) -> Owned {
        Owned::of(
            all.iter().map(|(port, dests)| (service(*port), dests.iter().map(|port| dest(*port)).collect())),
        )
    }

    #[test]
    fn what_another_has_is_added_and_left_again() {
        let mut all = owned(&[(1, &[1, 2]), (2, &[])]);
        all.add(owned(&[(1, &[2, 3]), (3, &[1])]));
        assert_eq!(all, owned(&[(1, &[1, 2, 3]), (2, &[]), (3, &[1])]));
        // A service of which the other has all is the other's; one that it does not have stays.
        all.leave(&owned(&[(1, &[1, 2, 3]), (3, &[2])]));
        assert_eq!(all, owned(&[(2, &[]), (3, &[1])]));
    }

    #[test]
    fn what_the_kernel_has_no_more_is_forgotten() {
        let dest_spec = DestSpec {
            weight: 1,
            forwarding: Forwarding::Masquerade,
            upper_threshold: 0,
            lower_threshold: 0,
        };
        let dests: Dests = [(dest(2), dest_spec)].into_iter().collect();
        let spec =
            ServiceSpec { scheduler: "rr".into(), flags: SchedulerFlags::default(), persistence: None };
        let actual = Table { services: [(service(1), Service { spec, dests })].into_iter().collect() };
        let mut all = owned(&[(1, &[1, 2]), (2, &[1])]);
        all.forget_gone(&actual);
        assert_eq!(all, owned(&[(1, &[2])]));
    }
}
