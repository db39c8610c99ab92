//! The wanted IPVS table as a function of configuration and health.
//!
//! **A server that is down is never in the table with a weight**, unless it is also the sorry server, which nobody checks.
//! The rules are keepalived's (measured, 2.2.7), for one virtual server:
//!
//! | real server | quorum, or no sorry server | quorum lost, sorry server serves |
//! |---|---|---|
//! | live | configured weight | absent; with `inhibit_on_failure` weight 0 |
//! | down | absent; with `inhibit_on_failure` weight 0 | the same |
//!
//! The sorry server is in the table while the quorum is lost; with `sorry_server_inhibit` also the rest of the time, with
//! weight 0. Where it is one of the real servers, the entry that serves wins.

use std::collections::BTreeMap;

use ipvs::{DestKey, DestSpec, Service, Table};

use crate::health::{Health, VirtualServerHealth};
use crate::spec::VirtualServerSpec;

/// The whole table. A service that two virtual servers claim belongs to the first; one of which no health is known has
/// no live server.
pub fn desired<'a>(servers: impl IntoIterator<Item = &'a VirtualServerSpec>, health: &Health) -> Table {
    let unknown = VirtualServerHealth::new();
    let mut table = Table::default();
    for spec in servers {
        let known = spec.services.first().and_then(|first| health.get(first));
        let wanted = service(spec, known.unwrap_or(&unknown));
        for key in &spec.services {
            table.services.entry(*key).or_insert_with(|| wanted.clone());
        }
    }
    table
}

/// What each service of one virtual server should be.
pub fn service(spec: &VirtualServerSpec, health: &VirtualServerHealth) -> Service {
    let quorum = health.has_quorum();
    let serving = quorum || spec.sorry_server.is_none();
    let mut dests: BTreeMap<DestKey, DestSpec> = spec
        .real_servers
        .iter()
        .filter_map(|server| {
            if serving && health.is_live(&server.key) {
                Some((server.key, server.dest.clone()))
            } else {
                server.inhibit_on_failure.then(|| (server.key, DestSpec { weight: 0, ..server.dest.clone() }))
            }
        })
        .collect();
    if let Some(sorry) = &spec.sorry_server {
        if !quorum {
            dests.insert(sorry.key, sorry.dest.clone());
        } else if sorry.inhibit {
            dests.entry(sorry.key).or_insert_with(|| DestSpec { weight: 0, ..sorry.dest.clone() });
        }
    }
    Service { spec: spec.service.clone(), dests }
}
