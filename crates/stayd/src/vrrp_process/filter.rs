//! What the packet filter is to hold back: addresses of masters with `no_accept`, and what VMACs would send of themselves.

use std::collections::BTreeMap;
use std::net::IpAddr;

use config::model::NftablesSpec;
use net::{Filter, Firewall, FirewallSettings, Mirror};
use vrrp::{InstanceId, VirtualAddress, Want};

use super::interfaces::Interfaces;

pub(super) struct Blocked {
    firewall: Firewall,
    addresses: BTreeMap<InstanceId, Vec<VirtualAddress>>,
    /// The file has `nftables`.
    asked_for: bool,
    /// The newest failure, told once until it is another one or none.
    told: Option<String>,
}

impl Default for Blocked {
    fn default() -> Self {
        Self {
            firewall: Firewall::new(FirewallSettings::default()),
            addresses: BTreeMap::new(),
            asked_for: false,
            told: None,
        }
    }
}

impl Blocked {
    /// How the filter is called and where it stands. One that is there under another name goes; the next
    /// [`Blocked::apply`] makes it anew.
    pub(super) fn configure(&mut self, nftables: NftablesSpec) -> Option<String> {
        let NftablesSpec { table, priority, counters, asked_for, .. } = nftables;
        self.asked_for = asked_for;
        let settings = FirewallSettings { table, priority, counters };
        if *self.firewall.settings() == settings {
            return None;
        }
        let failure = self.release();
        self.firewall = Firewall::new(settings);
        failure
    }

    /// Takes in what an instance holds from now on.
    pub(super) fn set(&mut self, want: &Want) {
        let addresses = want.present.iter().filter_map(|held| held.as_address()).cloned();
        if want.accept || want.present.is_empty() {
            self.addresses.remove(&want.instance);
        } else {
            self.addresses.insert(want.instance, addresses.collect());
        }
    }

    /// Makes the filter agree. Returns what failed.
    pub(super) fn apply(&mut self, mirror: &Mirror, interfaces: &Interfaces) -> Option<String> {
        let mut filter = Filter::default();
        if self.asked_for || interfaces.need_filter() || !self.addresses.is_empty() {
            [filter.vmacs_v4, filter.vmacs_v6] = interfaces.vmacs(mirror);
        }
        for address in self.addresses.values().flatten() {
            match address.address {
                IpAddr::V4(v4) => drop(filter.v4.insert(v4)),
                IpAddr::V6(v6) if v6.is_unicast_link_local() => {
                    filter.link_local.extend(mirror.index_of(&address.interface).map(|index| (v6, index)));
                }
                IpAddr::V6(v6) => drop(filter.v6.insert(v6)),
            }
        }
        let failure =
            self.firewall.apply(&filter).err().map(|error| format!("cannot filter packets: {error}"));
        let news = failure.clone().filter(|_| failure != self.told);
        self.told = failure;
        news
    }

    /// Removes the filter. Returns what failed.
    pub(super) fn release(&mut self) -> Option<String> {
        self.firewall.release().err().map(|error| format!("cannot remove the packet filter: {error}"))
    }
}
