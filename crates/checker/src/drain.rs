//! `drain_timeout`: a real server that the configuration names no more serves its connections to their end.
//!
//! **What drains takes no new connection, and is gone after its last one or after its time, whichever comes first.** It stays
//! in the table with weight 0; its service stays with it where that is not configured any more either. This is stayd's own,
//! and off unless the file asks for it: the setting that counts is the one that the server had while it was configured. A
//! configuration that names the server again ends the draining, and a stop of the daemon does not wait for it. A server that
//! fails is not drained: for those whose connections may outlive a failed check there is `inhibit_on_failure`.
//!
//! Source hashing (`sh`, `mh`) refuses the clients of a server of weight 0 unless it may fall back to another: **it may as long
//! as something drains.** `dh` knows no such thing.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::time::Duration;

use clock::Instant;
use ipvs::{DestKey, DestSpec, Dests, Service, ServiceKey, ServiceSpec, Table};
use serde::{Deserialize, Serialize};

use crate::action::{Action, Event};
use crate::desired::{named, place, service};
use crate::health::VirtualServerHealth;
use crate::scheduler::Scheduler;
use crate::spec::VirtualServerSpec;

/// The destinations that drain.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Drains {
    services: BTreeMap<ServiceKey, DrainingService>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct DrainingService {
    /// What it was set to when it was configured.
    spec: ServiceSpec,
    /// It is here only because something in it drains.
    is_left_over: bool,
    dests: BTreeMap<DestKey, Draining>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct Draining {
    /// With weight 0.
    spec: DestSpec,
    until: Instant,
}

/// Why something drains no more.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum DrainEnd {
    /// It has no connection left.
    Idle,
    /// Its time is over.
    TimedOut,
}

/// A destination that would be removed now.
pub(crate) struct Leaving {
    service: ServiceKey,
    spec: ServiceSpec,
    dest: DestKey,
    dest_spec: DestSpec,
    timeout: Duration,
}

impl Drains {
    /// Nothing drains.
    pub fn is_empty(&self) -> bool {
        self.services.is_empty()
    }

    /// The services in which something drains, and what.
    pub fn iter(&self) -> impl Iterator<Item = (&ServiceKey, impl Iterator<Item = &DestKey>)> {
        self.services.iter().map(|(key, service)| (key, service.dests.keys()))
    }

    /// Adds what drains to a table that is otherwise as wanted.
    pub fn keep_in(&self, table: &mut Table) {
        for (key, draining) in &self.services {
            let service = table.services.entry(*key);
            let service =
                service.or_insert_with(|| Service { spec: draining.spec.clone(), dests: Dests::new() });
            draining.keep_in(service);
        }
    }

    /// Adds what drains to one service.
    pub fn keep_in_service(&self, key: &ServiceKey, service: &mut Service) {
        if let Some(draining) = self.services.get(key) {
            draining.keep_in(service);
        }
    }

    /// When the first one's time is over.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.services.values().flat_map(|it| it.dests.values()).map(|it| it.until).min()
    }

    /// Ends one, and says whether it drained.
    fn end(&mut self, key: ServiceKey, dest: &DestKey) -> bool {
        let Entry::Occupied(mut service) = self.services.entry(key) else { return false };
        let drained = service.get_mut().dests.remove(dest).is_some();
        if service.get().dests.is_empty() {
            service.remove();
        }
        drained
    }
}

impl DrainingService {
    fn keep_in(&self, service: &mut Service) {
        for (dest, draining) in &self.dests {
            service.dests.entry(*dest).or_insert_with(|| draining.spec.clone());
        }
        if ["sh", "mh"].contains(&service.spec.scheduler.as_str()) {
            service.spec.flags.flag_1 = true;
        }
    }
}

/// What of a virtual server is in the table and would be drained if it went.
pub(crate) fn leaving(spec: &VirtualServerSpec, health: &VirtualServerHealth) -> Vec<Leaving> {
    if spec.real_servers.iter().all(|server| server.drain_timeout == 0) {
        return Vec::new();
    }
    let mut leaving = Vec::new();
    for key in &spec.services {
        let mut present = service(spec, key, health).dests;
        for server in spec.real_servers.iter().filter(|server| server.drain_timeout != 0) {
            let dest = place(key, server.key, &server.dest);
            let Some(dest_spec) = present.remove(&dest) else { continue };
            leaving.push(Leaving {
                service: *key,
                spec: spec.service.clone(),
                dest,
                dest_spec: DestSpec { weight: 0, ..dest_spec },
                timeout: Duration::from_secs(server.drain_timeout.into()),
            });
        }
    }
    leaving
}

impl Scheduler {
    /// What drains.
    pub const fn drains(&self) -> &Drains {
        &self.drains
    }

    /// After a `Configure`: what was named and is not any more begins to drain, what is named again ends it.
    pub(crate) fn drain(&mut self, now: Instant, leaving: Vec<Leaving>) {
        if leaving.is_empty() && self.drains.is_empty() {
            return;
        }
        let named = named(self.virtual_servers());
        let is_named = |service: &ServiceKey, dest: &DestKey| {
            named.services.get(service).is_some_and(|service| service.dests.contains_key(dest))
        };
        for Leaving { service, spec, dest, dest_spec, timeout } in leaving {
            if is_named(&service, &dest) {
                continue;
            }
            let draining = Draining { spec: dest_spec, until: now + timeout };
            let is_left_over = false;
            let of = self.drains.services.entry(service);
            let of = of.or_insert(DrainingService { spec, is_left_over, dests: BTreeMap::new() });
            of.dests.insert(dest, draining);
            self.emit(Event::Drains { service, dest, timeout });
        }
        self.drains.services.retain(|key, service| {
            service.dests.retain(|dest, _| !is_named(key, dest));
            service.is_left_over = !named.services.contains_key(key);
            !service.dests.is_empty()
        });
    }

    /// Lets go of what has drained for long enough.
    pub(crate) fn end_drains(&mut self, now: Instant) {
        if self.drains.is_empty() {
            return;
        }
        let over: Vec<(ServiceKey, DestKey)> = self
            .drains
            .services
            .iter()
            .flat_map(|(key, it)| it.dests.iter().map(move |(dest, draining)| (*key, *dest, draining.until)))
            .filter(|(.., until)| *until <= now)
            .map(|(key, dest, _)| (key, dest))
            .collect();
        for (service, dest) in over {
            self.end_drain(service, dest, DrainEnd::TimedOut);
        }
    }

    /// Lets go of one.
    pub(crate) fn end_drain(&mut self, service: ServiceKey, dest: DestKey, why: DrainEnd) {
        if self.drains.end(service, &dest) {
            self.actions.push_back(Action::Drained { service, dest, why });
        }
    }
}
