//! `ha_suspend`: a virtual server is checked only while this host has its address.
//!
//! **Suspended, its servers stay as they are, in health and in the table**: nobody is asked, so nobody fails or comes back.
//! A check that is due meanwhile waits for another period, so that after a takeover each comes within its `delay_loop`, as
//! spread as before (keepalived 2.2.7, measured). A run in flight ends, and counts. A group is checked while this host has
//! any of its addresses.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipvs::ServiceKey;

use crate::action::Event;
use crate::scheduler::Scheduler;
use crate::spec::VirtualServerSpec;

/// Whether the checks of this virtual server do not run on a host with these addresses.
pub(crate) fn is_suspended(spec: &VirtualServerSpec, here: &BTreeSet<IpAddr>) -> bool {
    let mut addresses = spec.services.iter().filter_map(|service| match service {
        ServiceKey::Address { address, .. } => Some(address),
        ServiceKey::Fwmark { .. } => None,
    });
    spec.ha_suspend && addresses.clone().next().is_some() && !addresses.any(|address| here.contains(address))
}

impl Scheduler {
    /// Whether the checks of the virtual server whose first service this is are suspended.
    pub fn is_suspended(&self, first: &ServiceKey) -> bool {
        self.virtual_server(first).is_some_and(|spec| is_suspended(spec, &self.here))
    }

    /// Takes in the addresses of this host.
    pub(crate) fn locate(&mut self, here: BTreeSet<IpAddr>) {
        let before = std::mem::replace(&mut self.here, here);
        let turned: Vec<_> = self
            .virtual_servers
            .iter()
            .map(|(key, it)| (*key, is_suspended(&it.spec, &before), is_suspended(&it.spec, &self.here)))
            .filter(|(_, before, now)| before != now)
            .collect();
        for (virtual_server, _, yes) in turned {
            self.emit(Event::Suspended { virtual_server, yes });
        }
    }
}
