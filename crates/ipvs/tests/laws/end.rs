//! What a reconciled table is, said without saying how to get there.

use ipvs::{Owned, Service, ServiceKey, Table};

/// The table that `actual` is to become.
pub fn wanted(desired: &Table, actual: &Table, owned: &Owned) -> Table {
    let keys = desired.services.keys().chain(actual.services.keys());
    let services = keys.filter_map(|key| Some((*key, wanted_service(*key, desired, actual, owned)?)));
    Table { services: services.collect() }
}

fn wanted_service(key: ServiceKey, desired: &Table, actual: &Table, owned: &Owned) -> Option<Service> {
    let present = actual.services.get(&key);
    let mut dests = present.map(|service| service.dests.clone()).unwrap_or_default();
    match desired.services.get(&key) {
        Some(service) => {
            dests.retain(|dest, _| !owned.dest(&key, dest));
            dests.extend(service.dests.clone());
            Some(Service { spec: service.spec.clone(), dests })
        }
        None if owned.service(&key) => {
            dests.retain(|dest, _| !owned.dest(&key, dest));
            let stays = !dests.is_empty();
            stays.then(|| present.map(|service| Service { spec: service.spec.clone(), dests }))?
        }
        None => present.cloned(),
    }
}

/// Whether clients of this service are served.
pub fn usable(table: &Table, service: &ServiceKey) -> bool {
    table.services.get(service).is_some_and(|service| service.dests.values().any(|dest| dest.weight > 0))
}

/// The services that are served in both tables, and should be all the while between them.
pub fn served(before: &Table, after: &Table) -> Vec<ServiceKey> {
    let both = before.services.keys().filter(|key| usable(before, key) && usable(after, key));
    both.copied().collect()
}
