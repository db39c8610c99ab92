//! Which interfaces have to be made for a configuration, and what moves onto them.
//!
//! **The machine sees them as any other interface**: before a configuration goes to a [`Router`](crate::Router),
//! [`take_vmacs`] takes out of it what is to be made, and writes the names of these interfaces where addresses name the
//! one below.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::spec::{Family, RouterSpec, VmacKind};

/// An interface to be made on another one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct VmacLink {
    /// Its name.
    pub name: String,
    /// The interface below it.
    pub base: String,
    /// What it is.
    pub kind: VmacKind,
    /// The kernel's number of its interface group.
    pub group: u32,
    /// Family of its instance.
    pub family: Family,
    /// Whether its instance has IPv6 addresses.
    pub ipv6: bool,
    /// Whether adverts leave from it, which over IPv6 takes a link-local address.
    pub transmits: bool,
    /// Whether it is its instance's own one, not that of single addresses.
    pub own: bool,
}

/// A macvlan in private mode or an ipvlan that is there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ExistingVmac {
    /// Its name.
    pub name: String,
    /// The interface below it.
    pub base: String,
    /// What it is.
    pub kind: VmacKind,
}

/// Takes the VMACs and ipvlans out of a configuration. One of `existing` that fits is used whatever its name, as in
/// keepalived.
pub fn take_vmacs(spec: &mut RouterSpec, existing: &[ExistingVmac]) -> Vec<VmacLink> {
    let mut links = Vec::<VmacLink>::new();
    let prefix = spec.vmac_address_prefix.clone().unwrap_or_else(|| "vrrp".to_owned());
    for instance in &mut spec.instances {
        if let Some(vmac) = &mut instance.vmac {
            if let Some(found) = fitting(existing, &instance.interface, vmac.kind, &links) {
                vmac.name = found;
            }
            links.push(VmacLink {
                name: vmac.name.clone(),
                base: instance.interface.clone(),
                kind: vmac.kind,
                group: vmac.group,
                family: instance.family,
                ipv6: false,
                transmits: !vmac.transmit_on_base,
                own: true,
            });
        }
    }
    for instance in &mut spec.instances {
        let kind = VmacKind::standard(instance.family, instance.vrid);
        // An ipvlan only sends: the addresses stay on the interface below it.
        let macvlan = instance.vmac.as_ref().filter(|vmac| matches!(vmac.kind, VmacKind::Macvlan(_)));
        let own = macvlan.map(|vmac| vmac.name.clone());
        let (family, vrid) = (instance.family, instance.vrid);
        let ipv6 = instance.held_addresses().any(|held| held.address.is_ipv6());
        for address in instance.addresses.iter_mut().chain(&mut instance.excluded) {
            let on_base = address.interface == instance.interface;
            // An address of the other family stays on the interface below: a VMAC is of one family.
            if Family::of(address.address) != family {
                continue;
            }
            if let (true, Some(own)) = (on_base, &own) {
                address.interface.clone_from(own);
            } else if address.use_vmac || instance.vmac_addresses && !on_base {
                let base = address.interface.clone();
                let made = links.iter().find(|link| link.base == base && link.kind == kind && !link.own);
                if let Some(made) = made {
                    address.interface.clone_from(&made.name);
                    continue;
                }
                let name = fitting(existing, &base, kind, &links)
                    .unwrap_or_else(|| free_name(&prefix, vrid.get(), family, &links));
                address.interface.clone_from(&name);
                links.push(VmacLink {
                    name,
                    base,
                    kind,
                    group: 0,
                    family,
                    ipv6: false,
                    transmits: false,
                    own: false,
                });
            }
        }
        for link in links.iter_mut().filter(|link| Some(&link.name) == own.as_ref()) {
            link.ipv6 = ipv6;
        }
    }
    links
}

fn fitting(existing: &[ExistingVmac], base: &str, kind: VmacKind, taken: &[VmacLink]) -> Option<String> {
    let free = |found: &&ExistingVmac| taken.iter().all(|link| link.name != found.name);
    let same = |found: &&ExistingVmac| found.base == base && same_kind(found.kind, kind);
    existing.iter().filter(same).find(free).map(|found| found.name.clone())
}

/// Whether two interfaces are the same. Several ipvlans of one base are told from each other by their names alone.
fn same_kind(one: VmacKind, other: VmacKind) -> bool {
    matches!((one, other), (VmacKind::Macvlan(one), VmacKind::Macvlan(other)) if one == other)
}

/// `vrrp.51`, or where that is taken `vrrp6.51` (IPv6), `vrrp1.51` and so on.
fn free_name(prefix: &str, vrid: u8, family: Family, taken: &[VmacLink]) -> String {
    let taken: BTreeSet<_> = taken.iter().map(|link| link.name.as_str()).collect();
    let mut name = format!("{prefix}.{vrid}");
    if family == Family::V6 && taken.contains(name.as_str()) {
        name = format!("{prefix}6.{vrid}");
    }
    let mut number = 0;
    while taken.contains(name.as_str()) {
        number += 1;
        name = format!("{prefix}{number}.{vrid}");
    }
    name
}

impl VmacLink {
    /// The address that an ipvlan has at all times, and its prefix length.
    pub const fn address(&self) -> Option<(IpAddr, u8)> {
        match self.kind {
            VmacKind::Macvlan(_) => None,
            VmacKind::Ipvlan { address, .. } => address,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{InstanceSpec, IpvlanMode, VirtualAddress, VirtualRouterId, VmacSpec};

    const MAC: [u8; 6] = [0, 0, 0x5e, 0, 1, 51];

    fn spec(vmac: bool, addresses: &[(&str, &str, bool)]) -> RouterSpec {
        let vrid = VirtualRouterId::new(51).unwrap();
        let mut instance = InstanceSpec::new("VI", "eth0", vrid, Family::V4);
        instance.vmac = vmac.then(|| VmacSpec {
            name: "vrrp.51".to_owned(),
            kind: VmacKind::standard(Family::V4, vrid),
            group: 0,
            transmit_on_base: false,
            netlink_notify: false,
        });
        for (address, interface, use_vmac) in addresses {
            let address = VirtualAddress::new(address.parse().unwrap(), 24, *interface);
            instance.excluded.push(VirtualAddress { use_vmac: *use_vmac, ..address });
        }
        vec![instance].into()
    }

    fn interfaces(spec: &RouterSpec) -> Vec<&str> {
        spec.instances[0].excluded.iter().map(|address| address.interface.as_str()).collect()
    }

    #[test]
    fn addresses_of_the_instance_s_family_move_from_its_interface_to_its_vmac() {
        let mut spec = spec(
            true,
            &[("10.1.0.100", "eth0", false), ("10.1.0.101", "eth1", false), ("2001:db8::1", "eth0", false)],
        );
        let links = take_vmacs(&mut spec, &[]);
        assert_eq!(interfaces(&spec), ["vrrp.51", "eth1", "eth0"]);
        let [link] = &links[..] else { panic!("{links:?}") };
        assert_eq!((link.base.as_str(), link.kind), ("eth0", VmacKind::Macvlan(MAC)));
        assert!(link.ipv6 && link.transmits && link.own);
    }

    #[test]
    fn addresses_stay_below_an_ipvlan() {
        let mut spec = spec(true, &[("10.1.0.100", "eth0", false)]);
        let kind = VmacKind::Ipvlan { mode: IpvlanMode::Bridge, address: None };
        spec.instances[0].vmac.as_mut().unwrap().kind = kind;
        assert_eq!(take_vmacs(&mut spec, &[]).len(), 1);
        assert_eq!(interfaces(&spec), ["eth0"]);
    }

    #[test]
    fn an_address_on_another_interface_gets_a_vmac_there_when_it_asks() {
        let mut spec = spec(true, &[("10.2.0.102", "eth1", true), ("10.2.0.103", "eth1", true)]);
        let links = take_vmacs(&mut spec, &[]);
        assert_eq!(interfaces(&spec), ["vrrp1.51", "vrrp1.51"]);
        assert_eq!(links.iter().map(|link| link.name.as_str()).collect::<Vec<_>>(), ["vrrp.51", "vrrp1.51"]);
    }

    #[test]
    fn use_vmac_addr_is_for_other_interfaces_only() {
        let mut spec = spec(false, &[("10.1.0.100", "eth0", false), ("10.2.0.102", "eth1", false)]);
        spec.instances[0].vmac_addresses = true;
        take_vmacs(&mut spec, &[]);
        assert_eq!(interfaces(&spec), ["eth0", "vrrp.51"]);
    }

    #[test]
    fn one_that_is_there_is_used_whatever_its_name() {
        let mut spec = spec(true, &[("10.1.0.100", "eth0", false)]);
        let named = |base: &str| ExistingVmac {
            name: "left".to_owned(),
            base: base.to_owned(),
            kind: VmacKind::Macvlan(MAC),
        };
        assert_eq!(take_vmacs(&mut spec.clone(), &[named("eth9")])[0].name, "vrrp.51");
        assert_eq!(take_vmacs(&mut spec, &[named("eth0")])[0].name, "left");
        assert_eq!(
            (interfaces(&spec)[0], spec.instances[0].vmac.as_ref().unwrap().name.as_str()),
            ("left", "left")
        );
    }
}
