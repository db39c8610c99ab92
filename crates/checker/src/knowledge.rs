//! What a scheduler knows beside its configuration.
//!
//! **A process that takes over goes on as if only the runs in flight had been lost**: every check keeps its counters and its
//! time, what was running is due at once, and every quorum is what it was. What follows from that and from the
//! configuration is not written down but made anew: which servers are up, their weights, what is due. The step that checks
//! of one question keep is found again with the next round.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use clock::Instant;
use ipvs::ServiceKey;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::action::RunId;
use crate::check::{CheckState, Phase};
use crate::drain::Drains;
use crate::follow::Values;
use crate::health::VirtualServerHealth;
use crate::scheduler::{Place, Scheduler, VirtualServer};
use crate::spec::VirtualServerSpec;
use crate::states::States;

/// What a scheduler knows beside its configuration: see [`Scheduler::knowledge`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Knowledge {
    configured: bool,
    next_run: RunId,
    waits: u64,
    followed: Values,
    drains: Drains,
    here: BTreeSet<IpAddr>,
    /// In the order of their first services: whether each has its quorum, and its checks.
    virtual_servers: Vec<(bool, States)>,
}

/// What is known is about other servers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("it is about other servers")]
pub struct Unrelated;

impl Scheduler {
    /// What a process that takes over from this one needs beside the configuration. To be asked for when all actions have
    /// been fetched.
    pub fn knowledge(&self) -> Knowledge {
        let has_quorum = |key| self.health.get(key).is_some_and(VirtualServerHealth::has_quorum);
        let known = self.virtual_servers.iter().map(|(key, it)| (has_quorum(key), it.states.clone()));
        Knowledge {
            configured: self.configured,
            next_run: self.next_run,
            waits: self.waits(),
            followed: self.followed.clone(),
            drains: self.drains.clone(),
            here: self.here.clone(),
            virtual_servers: known.collect(),
        }
    }

    /// Goes on at `now` with what another knew that had the same configuration.
    ///
    /// # Errors
    /// It had another configuration.
    pub fn resume(
        now: Instant,
        knowledge: Knowledge,
        servers: impl IntoIterator<Item = VirtualServerSpec>,
    ) -> Result<Self, Unrelated> {
        let Knowledge { configured, next_run, waits, followed, drains, here, virtual_servers } = knowledge;
        let mut scheduler = Self::new();
        (scheduler.configured, scheduler.next_run) = (configured, next_run);
        (scheduler.followed, scheduler.drains, scheduler.here) = (followed, drains, here);
        scheduler.set_waits(waits);
        let mut specs = BTreeMap::new();
        for spec in servers {
            // Of two that begin with the same service the first counts.
            if let Some(first) = spec.services.first().copied() {
                specs.entry(first).or_insert(spec);
            }
        }
        scheduler.questions.configure(specs.values());
        if specs.len() != virtual_servers.len() {
            return Err(Unrelated);
        }
        for ((first, spec), (quorum, states)) in specs.into_iter().zip(virtual_servers) {
            scheduler.remember(now, first, spec, quorum, states)?;
        }
        Ok(scheduler)
    }

    fn remember(
        &mut self,
        now: Instant,
        first: ServiceKey,
        spec: VirtualServerSpec,
        quorum: bool,
        mut states: States,
    ) -> Result<(), Unrelated> {
        let fits = states.servers() == spec.real_servers.len()
            && spec
                .real_servers
                .iter()
                .zip(states.iter())
                .all(|(server, of)| server.checks.len() == of.len());
        if !fits {
            return Err(Unrelated);
        }
        let mut health = VirtualServerHealth::of(&spec, quorum);
        for (index, server) in spec.real_servers.iter().enumerate() {
            for check in 0..server.checks.len() {
                let Some(state) = states.get_mut(index, check) else { continue };
                if let Phase::Running(_) = state.phase {
                    state.phase = Phase::Waiting(now);
                }
                let phase = state.phase;
                self.enrol(Place::new(first, index, check), phase);
            }
            let (may, more) = self.followed.of(&server.follows);
            let states = states.of(index);
            health.weigh(server, states, more);
            health.set(server.key, may && states.iter().all(CheckState::is_up));
        }
        self.health.insert(first, health);
        self.virtual_servers.insert(first, Box::new(VirtualServer { spec, states }));
        Ok(())
    }
}
