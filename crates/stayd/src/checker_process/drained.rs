//! Whether what drains has connections left: asked of the kernel, which does not tell, once a second while something drains.

use std::collections::BTreeMap;
use std::time::Duration;

use checker::Drains;
use clock::Instant;
use ipvs::netlink::Client;
use ipvs::{DestKey, DestSpec, DestStatistics, Protocol, ServiceKey};

const LOOK_EVERY: Duration = Duration::from_secs(1);

/// When to ask next.
#[derive(Default)]
pub(super) struct Drained {
    due: Option<Instant>,
}

impl Drained {
    /// Asks as long as something drains.
    pub(super) fn watch(&mut self, now: Instant, drains: &Drains) {
        if drains.is_empty() {
            self.due = None;
        } else {
            self.due.get_or_insert(now + LOOK_EVERY);
        }
    }

    pub(super) const fn due(&self) -> Option<Instant> {
        self.due
    }

    /// The destinations that have drained. A kernel that does not answer is asked again.
    pub(super) fn look(
        &mut self,
        now: Instant,
        client: &mut Client,
        drains: &Drains,
    ) -> Vec<(ServiceKey, DestKey)> {
        self.due = None;
        self.watch(now, drains);
        let mut drained = Vec::new();
        for (service, dests) in drains.iter() {
            let Ok(present) = client.dests(service) else { continue };
            let idle = dests.filter(|dest| is_idle(service, dest, &present));
            drained.extend(idle.map(|dest| (*service, *dest)));
        }
        drained
    }
}

/// Whether nothing is left to wait for. What still takes new connections, since the kernel refused the change, is not.
fn is_idle(
    service: &ServiceKey,
    dest: &DestKey,
    present: &BTreeMap<DestKey, (DestSpec, DestStatistics)>,
) -> bool {
    let Some((spec, statistics)) = present.get(dest) else { return true };
    // UDP has no established connections: its flows count as others until they time out.
    let is_udp = matches!(service, ServiceKey::Address { protocol: Protocol::Udp, .. });
    let connections = statistics.active + if is_udp { statistics.inactive } else { 0 };
    spec.weight == 0 && connections == 0
}

#[cfg(test)]
mod tests {
    use ipvs::Forwarding;

    use super::*;

    fn service(protocol: Protocol) -> ServiceKey {
        ServiceKey::Address { protocol, address: [10, 0, 0, 1].into(), port: 80 }
    }

    fn idle(protocol: Protocol, weight: u32, active: u32, inactive: u32) -> bool {
        let dest = DestKey { address: [10, 0, 0, 2].into(), port: 80 };
        let spec =
            DestSpec { weight, forwarding: Forwarding::Masquerade, upper_threshold: 0, lower_threshold: 0 };
        let statistics = DestStatistics { active, inactive, ..DestStatistics::default() };
        is_idle(&service(protocol), &dest, &BTreeMap::from([(dest, (spec, statistics))]))
    }

    #[test]
    fn without_established_connections_there_is_nothing_to_wait_for() {
        assert!(idle(Protocol::Tcp, 0, 0, 7));
        assert!(!idle(Protocol::Tcp, 0, 1, 0));
        assert!(!idle(Protocol::Udp, 0, 0, 7), "UDP has no others");
        assert!(idle(Protocol::Udp, 0, 0, 0));
    }

    #[test]
    fn what_still_takes_connections_is_not_drained_and_what_is_gone_is() {
        assert!(!idle(Protocol::Tcp, 1, 0, 0));
        let dest = DestKey { address: [10, 0, 0, 2].into(), port: 80 };
        assert!(is_idle(&service(Protocol::Tcp), &dest, &BTreeMap::new()));
    }
}
