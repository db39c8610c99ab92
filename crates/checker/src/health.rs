//! Which real servers are live, and which virtual servers have their quorum.
//!
//! **The quorum has a memory**: between `quorum - hysteresis` and `quorum + hysteresis` it stays what it was. That is why
//! it is part of the health and not computed from it. It is counted in weight, is lost at the start, is gained at
//! `quorum + hysteresis` or more, and lost below `quorum - hysteresis` and at weight 0 (keepalived 2.2.7, measured).

use std::collections::BTreeMap;

use ipvs::{DestKey, ServiceKey};

use crate::check::CheckState;
use crate::spec::{RealServerSpec, VirtualServerSpec};

/// The health of every virtual server, by the first of its services.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Health {
    virtual_servers: BTreeMap<ServiceKey, VirtualServerHealth>,
}

impl Health {
    /// Nothing is known: no server is live.
    pub fn new() -> Self {
        Self::default()
    }

    /// The health of the virtual server whose first service this is.
    pub fn get(&self, virtual_server: &ServiceKey) -> Option<&VirtualServerHealth> {
        self.virtual_servers.get(virtual_server)
    }

    /// Sets the health of a virtual server.
    pub fn insert(&mut self, virtual_server: ServiceKey, health: VirtualServerHealth) {
        self.virtual_servers.insert(virtual_server, health);
    }

    /// The same, in less memory.
    pub(crate) fn packed(self) -> Self {
        let mut all = self.virtual_servers;
        for health in all.values_mut() {
            health.live.shrink_to_fit();
        }
        Self { virtual_servers: all.into_iter().collect() }
    }

    pub(crate) fn get_mut(&mut self, virtual_server: &ServiceKey) -> Option<&mut VirtualServerHealth> {
        self.virtual_servers.get_mut(virtual_server)
    }

    pub(crate) fn remove(&mut self, virtual_server: &ServiceKey) -> Option<VirtualServerHealth> {
        self.virtual_servers.remove(virtual_server)
    }
}

/// The health of one virtual server.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct VirtualServerHealth {
    /// Sorted.
    live: Vec<DestKey>,
    /// Weights that are not the configured ones.
    weights: BTreeMap<DestKey, u32>,
    quorum: bool,
}

impl VirtualServerHealth {
    /// No server is live, the quorum is lost.
    pub fn new() -> Self {
        Self::default()
    }

    /// No server is live, and there is room for those of that. The quorum may be there all the same: it has a memory.
    pub(crate) fn of(spec: &VirtualServerSpec, quorum: bool) -> Self {
        Self { live: Vec::with_capacity(spec.real_servers.len()), quorum, ..Self::default() }
    }

    /// At the start, while nothing is known but the configuration: servers are up unless a check is `alpha`.
    pub(crate) fn at_start(spec: &VirtualServerSpec) -> Self {
        let up = spec.real_servers.iter().filter(|server| server.checks.iter().all(|check| !check.alpha));
        let mut live: Vec<_> = up.map(|server| server.key).collect();
        live.sort_unstable();
        let mut health = Self { live, ..Self::default() };
        health.assess(spec);
        health
    }

    /// Whether this real server is up.
    pub fn is_live(&self, server: &DestKey) -> bool {
        self.live.binary_search(server).is_ok()
    }

    /// Whether the virtual server has its quorum.
    pub const fn has_quorum(&self) -> bool {
        self.quorum
    }

    /// The weight that a real server has while it is up: the configured one unless its checks changed it.
    pub fn weight(&self, server: &RealServerSpec) -> u32 {
        self.weights.get(&server.key).copied().unwrap_or(server.dest.weight)
    }

    /// Weight of the live servers.
    pub fn live_weight(&self, spec: &VirtualServerSpec) -> u64 {
        spec.real_servers
            .iter()
            .filter(|server| self.is_live(&server.key))
            .map(|server| u64::from(self.weight(server)))
            .sum()
    }

    /// Notes that a real server is up or down. [`assess`](Self::assess) then says what that means for the quorum.
    pub fn set(&mut self, server: DestKey, up: bool) {
        match (self.live.binary_search(&server), up) {
            (Err(at), true) => self.live.insert(at, server),
            (Ok(at), false) => drop(self.live.remove(at)),
            (Ok(_), true) | (Err(_), false) => {}
        }
    }

    /// Brings the weight of a real server up to date with its checks and with `more`, which comes of what it follows,
    /// and says whether it changed: what each adds to the configured weight or takes from it adds up, and stops at 0.
    pub(crate) fn weigh(&mut self, server: &RealServerSpec, checks: &[CheckState], more: i64) -> bool {
        let configured = server.dest.weight;
        let offset: i64 = checks.iter().map(|check| check.weight_offset(configured)).sum();
        let weight = i64::from(configured).saturating_add(offset).saturating_add(more);
        let weight = u32::try_from(weight.clamp(0, i32::MAX.into())).unwrap_or(u32::MAX);
        let before = self.weight(server);
        if weight == configured {
            self.weights.remove(&server.key);
        } else {
            self.weights.insert(server.key, weight);
        }
        weight != before
    }

    /// Forgets a real server.
    pub(crate) fn forget_weight(&mut self, server: &DestKey) {
        self.weights.remove(server);
    }

    /// Brings the quorum up to date with the live weight, and says whether it changed.
    pub fn assess(&mut self, spec: &VirtualServerSpec) -> bool {
        let weight = self.live_weight(spec);
        let (quorum, hysteresis) = (u64::from(spec.quorum), u64::from(spec.hysteresis));
        let now = weight > 0
            && weight >= if self.quorum { quorum.saturating_sub(hysteresis) } else { quorum + hysteresis };
        let changed = now != self.quorum;
        self.quorum = now;
        changed
    }
}
