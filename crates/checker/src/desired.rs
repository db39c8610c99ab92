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

use std::collections::BTreeMap;

use ipvs::{DestKey, DestSpec, Forwarding, Service, ServiceKey, Table};

use crate::health::{Health, VirtualServerHealth};
use crate::spec::VirtualServerSpec;

/// The whole table. A service that two virtual servers claim belongs to the first; one of which no health is known has
/// no live server.
pub fn desired<'a>(servers: impl IntoIterator<Item = &'a VirtualServerSpec>, health: &Health) -> Table {
    let unknown = VirtualServerHealth::new();
    let mut table = Table::default();
    for spec in servers {
        let known = spec.services.first().and_then(|first| health.get(first));
        for key in &spec.services {
            table.services.entry(*key).or_insert_with(|| service(spec, key, known.unwrap_or(&unknown)));
        }
    }
    table
}

/// What one service of a virtual server should be.
pub fn service(spec: &VirtualServerSpec, key: &ServiceKey, health: &VirtualServerHealth) -> Service {
    let quorum = health.has_quorum();
    let serving = quorum || spec.sorry_server.is_none();
    let mut wanted = Service { spec: spec.service.clone(), dests: BTreeMap::new() };
    for server in &spec.real_servers {
        if serving && health.is_live(&server.key) {
            put(
                &mut wanted,
                key,
                server.key,
                DestSpec { weight: health.weight(server), ..server.dest.clone() },
            );
        } else if server.inhibit_on_failure {
            put(&mut wanted, key, server.key, DestSpec { weight: 0, ..server.dest.clone() });
        }
    }
    if let Some(sorry) = &spec.sorry_server {
        if !quorum {
            put(&mut wanted, key, sorry.key, sorry.dest.clone());
        } else if sorry.inhibit && !wanted.dests.contains_key(&place(key, sorry.key, &sorry.dest)) {
            put(&mut wanted, key, sorry.key, DestSpec { weight: 0, ..sorry.dest.clone() });
        }
    }
    wanted
}

/// Every entry that a configuration can put into the table, whatever the health of its servers.
pub fn named<'a>(servers: impl IntoIterator<Item = &'a VirtualServerSpec>) -> Table {
    let mut table = Table::default();
    for spec in servers {
        for key in &spec.services {
            let service = table.services.entry(*key);
            let service =
                service.or_insert_with(|| Service { spec: spec.service.clone(), dests: BTreeMap::new() });
            let real = spec.real_servers.iter().map(|server| (server.key, &server.dest));
            for (server, dest) in real.chain(spec.sorry_server.iter().map(|sorry| (sorry.key, &sorry.dest))) {
                put(service, key, server, dest.clone());
            }
        }
    }
    table
}

fn put(service: &mut Service, key: &ServiceKey, server: DestKey, dest: DestSpec) {
    service.dests.insert(place(key, server, &dest), dest);
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
