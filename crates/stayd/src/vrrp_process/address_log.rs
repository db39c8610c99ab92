//! `-a`: a line for every address that comes or goes.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use vrrp::LinkView;

/// What is known of, by interface.
#[derive(Default)]
pub(super) struct AddressLog {
    known: BTreeMap<String, BTreeSet<IpAddr>>,
}

impl AddressLog {
    /// Takes in what is there now; returns a line for each difference.
    pub(super) fn update(&mut self, links: &[LinkView]) -> Vec<String> {
        let now: BTreeMap<_, BTreeSet<_>> = links
            .iter()
            .map(|link| (link.name.clone(), link.addresses.iter().map(|held| held.address).collect()))
            .collect();
        let before = std::mem::replace(&mut self.known, now);
        let none = BTreeSet::new();
        let names: BTreeSet<_> = before.keys().chain(self.known.keys()).collect();
        let mut told = Vec::new();
        for name in names {
            let (old, new) = (before.get(name).unwrap_or(&none), self.known.get(name).unwrap_or(&none));
            told.extend(old.difference(new).map(|address| format!("address {address} removed from {name}")));
            told.extend(new.difference(old).map(|address| format!("address {address} added to {name}")));
        }
        told
    }
}

#[cfg(test)]
mod tests {
    use vrrp::{IfIndex, LinkAddress};

    use super::*;

    fn link(name: &str, addresses: &[&str]) -> LinkView {
        let address =
            |text: &&str| LinkAddress { address: text.parse().unwrap(), prefix_len: 24, usable: true };
        LinkView {
            index: IfIndex::new(3).unwrap(),
            name: name.to_owned(),
            up: true,
            arp: true,
            mac: Vec::new(),
            addresses: addresses.iter().map(address).collect(),
        }
    }

    #[test]
    fn each_address_that_comes_or_goes_is_told_once() {
        let mut log = AddressLog::default();
        assert_eq!(log.update(&[link("eth0", &["10.0.0.1"])]), ["address 10.0.0.1 added to eth0"]);
        assert_eq!(log.update(&[link("eth0", &["10.0.0.1"])]), Vec::<String>::new());
        let moved = log.update(&[link("eth0", &[]), link("eth1", &["10.0.0.1"])]);
        assert_eq!(moved, ["address 10.0.0.1 removed from eth0", "address 10.0.0.1 added to eth1"]);
        assert_eq!(log.update(&[]), ["address 10.0.0.1 removed from eth1"]);
    }
}
