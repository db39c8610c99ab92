//! The wanted IPVS table as a function of configuration and health.
//!
//! **A server that is down is never in the table with a weight**, unless it is also the sorry server, which nobody checks.
//! The rules are keepalived's (measured, 2.2.7), for one virtual server:
//!
//! | real server | quorum, or no sorry server | quorum lost, sorry server serves |
//! |---|---|---|
//! | live | its weight | absent; with `inhibit_on_failure` weight 0 |
//! | down | absent; with `inhibit_on_failure` weight 0 | the same |
//!
//! The sorry server is in the table while the quorum is lost; with `sorry_server_inhibit` also the rest of the time, with
//! weight 0. Where it is one of the real servers, the entry that serves wins.

use std::collections::btree_map::Entry;

use ipvs::{DestKey, DestSpec, Dests, Forwarding, Owned, Service, ServiceKey, Table};

use crate::health::{Health, VirtualServerHealth};
use crate::spec::VirtualServerSpec;

/// The whole table. A service that two virtual servers claim belongs to the first; one of which no health is known has
/// no live server.
pub fn desired<'a>(servers: impl IntoIterator<Item = &'a VirtualServerSpec>, health: &Health) -> Table {
    let unknown = VirtualServerHealth::new();
    let services = servers.into_iter().flat_map(|spec| {
        let known = spec.services.first().and_then(|first| health.get(first)).unwrap_or(&unknown);
        spec.services.iter().map(move |key| (*key, service(spec, key, known)))
    });
    whole(services.collect())
}

/// A table of these services, the first of each key. One that is collected is packed more densely than one that grows.
fn whole(services: Vec<(ServiceKey, Service)>) -> Table {
    Table { services: services.into_iter().rev().collect() }
}

/// What one service of a virtual server should be.
pub fn service(spec: &VirtualServerSpec, key: &ServiceKey, health: &VirtualServerHealth) -> Service {
    let quorum = health.has_quorum();
    let serving = quorum || spec.sorry_server.is_none();
    let most = spec.real_servers.len() + usize::from(spec.sorry_server.is_some());
    let mut dests = Vec::with_capacity(most);
    for server in &spec.real_servers {
        if serving && health.is_live(&server.key) {
            let dest = DestSpec { weight: health.weight(server), ..server.dest.clone() };
            dests.push(placed(key, server.key, dest));
        } else if server.inhibit_on_failure {
            dests.push(placed(key, server.key, DestSpec { weight: 0, ..server.dest.clone() }));
        }
    }
    if let Some(sorry) = &spec.sorry_server {
        if !quorum {
            dests.push(placed(key, sorry.key, sorry.dest.clone()));
        } else if sorry.inhibit && dests.iter().all(|(dest, _)| *dest != place(key, sorry.key, &sorry.dest)) {
            dests.push(placed(key, sorry.key, DestSpec { weight: 0, ..sorry.dest.clone() }));
        }
    }
    Service { spec: spec.service.clone(), dests: packed(dests) }
}

/// The services of a virtual server at the start, while nothing is known but the configuration: what
/// [`Scheduler`](crate::Scheduler) begins with where no server follows anything.
pub fn at_start(spec: &VirtualServerSpec) -> Vec<(ServiceKey, Service)> {
    let health = VirtualServerHealth::at_start(spec);
    spec.services.iter().map(|key| (*key, service(spec, key, &health))).collect()
}

/// Every entry that a configuration can put into the table, whatever the health of its servers.
pub fn named<'a>(servers: impl IntoIterator<Item = &'a VirtualServerSpec>) -> Table {
    let mut table = Table::default();
    for spec in servers {
        for key in &spec.services {
            let real = spec.real_servers.iter().map(|server| (server.key, &server.dest));
            let all = real.chain(spec.sorry_server.iter().map(|sorry| (sorry.key, &sorry.dest)));
            let more = all.map(|(server, dest)| placed(key, server, dest.clone()));
            match table.services.entry(*key) {
                Entry::Occupied(mut known) => known.get_mut().dests.extend(more),
                Entry::Vacant(free) => {
                    let dests = packed(more.collect());
                    free.insert(Service { spec: spec.service.clone(), dests });
                }
            }
        }
    }
    table
}

/// What all of that belongs to: the entries of [`named`] by their keys.
pub fn owned<'a>(servers: impl IntoIterator<Item = &'a VirtualServerSpec>) -> Owned {
    Owned::of(servers.into_iter().flat_map(|spec| {
        spec.services.iter().map(move |key| {
            let real = spec.real_servers.iter().map(|server| (server.key, &server.dest));
            let all = real.chain(spec.sorry_server.iter().map(|sorry| (sorry.key, &sorry.dest)));
            (*key, all.map(|(server, dest)| place(key, server, dest)).collect())
        })
    }))
}

fn placed(key: &ServiceKey, server: DestKey, dest: DestSpec) -> (DestKey, DestSpec) {
    (place(key, server, &dest), dest)
}

/// The last of each key, without room for more.
fn packed(mut dests: Vec<(DestKey, DestSpec)>) -> Dests {
    dests.shrink_to_fit();
    dests.into_iter().collect()
}

/// Where a server stands in one service. Direct routing and tunnels cannot change the port, so there it is the service's
/// (0 for a firewall mark): in a group each service has its own. Otherwise it is the server's; 0 there means, to the
/// kernel, the port that the client asked for.
pub(crate) fn place(key: &ServiceKey, server: DestKey, dest: &DestSpec) -> DestKey {
    let port = match (dest.forwarding, key) {
        (Forwarding::Masquerade | Forwarding::Local, _) => server.port,
        (_, ServiceKey::Address { port, .. }) => *port,
        (_, ServiceKey::Fwmark { .. }) => 0,
    };
    DestKey { port, ..server }
}
