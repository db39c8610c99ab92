//! `alpha` servers that the kernel's table has when the checks begin.
//!
//! They are down until their first verdict, and would leave a table in which a predecessor that was killed, or told to leave
//! it (`-I`), has them serving. **So they stay as they are found until somebody knows better**: with keepalived they do
//! (2.2.7, measured), beside a sorry server that the lost quorum brings in; there they stay even where the verdict is
//! bad.
//!
//! Nor do those go that pass their check first, before there are enough of them for the quorum: while one of the others is
//! awaited nobody knows whether there will be.

use ipvs::{DestKey, DestSpec, Dests, ServiceKey};

use crate::check::{CheckState, Standing};
use crate::desired::place;
use crate::health::VirtualServerHealth;
use crate::scheduler::{Scheduler, VirtualServer};

impl Scheduler {
    /// What is wanted of those entries that were `found` in one service of the virtual server whose first service is
    /// `first`, as long as its servers wait for their first verdict: the configured one, without weight where it had none.
    pub fn awaited(
        &self,
        first: &ServiceKey,
        service: &ServiceKey,
        found: &Dests,
    ) -> Vec<(DestKey, DestSpec)> {
        let Some(VirtualServer { spec, states }) = self.virtual_servers.get(first).map(Box::as_ref) else {
            return Vec::new();
        };
        let any = |checks: &[CheckState], standing| checks.iter().any(|check| check.standing == standing);
        let waits = |checks: &[CheckState]| any(checks, Standing::Awaited) && !any(checks, Standing::Down);
        let all_judged = !states.iter().any(waits);
        let quorum = self.health.get(first).is_some_and(VirtualServerHealth::has_quorum);
        let stays =
            |checks: &[CheckState]| waits(checks) || (!all_judged && !quorum && !any(checks, Standing::Down));
        let staying = spec.real_servers.iter().zip(states.iter()).filter(|(_, checks)| stays(checks));
        staying
            .filter_map(|(server, _)| {
                let key = place(service, server.key, &server.dest);
                let weight = found.get(&key)?.weight.min(1) * server.dest.weight;
                Some((key, DestSpec { weight, ..server.dest.clone() }))
            })
            .collect()
    }
}
