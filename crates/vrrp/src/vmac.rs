//! Which interfaces have to be made for a configuration, and what moves onto them.
//!
//! **The machine sees them as any other interface**: before a configuration goes to a [`Router`](crate::Router),
//! [`take_vmacs`] takes out of it what is to be made, and writes the names of these interfaces where addresses name the
//! one below.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::spec::{Family, RouterSpec, VirtualRouterId, VmacKind, VmacSpec};

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
    /// Family of what it is for.
    pub family: Family,
    /// Whether its instance has IPv6 addresses.
    pub ipv6: bool,
    /// Whether something leaves from it for which IPv6 takes a link-local address: adverts, or announcements of addresses
    /// elsewhere.
    pub transmits: bool,
    /// Where its instance's adverts come from, if the file says.
    pub source: Option<IpAddr>,
    /// Whether it is its instance's own one, not that of single addresses.
    pub own: bool,
}

/// An interface that is there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ExistingLink {
    /// Its name.
    pub name: String,
    /// The interface below it.
    pub base: Option<String>,
    /// What it is, if it is a macvlan in private mode or an ipvlan.
    pub kind: Option<VmacKind>,
    /// The kernel's number of its interface group.
    pub group: u32,
}

/// Takes the VMACs and ipvlans out of a configuration. One of `existing` that fits is used whatever its name, as in
/// keepalived; the name of one that does not fit is another's, unless it is one of `ours`, which makes room.
pub fn take_vmacs(
    spec: &mut RouterSpec,
    existing: &[ExistingLink],
    ours: &BTreeSet<String>,
) -> Vec<VmacLink> {
    let mut names = Names {
        existing,
        ours,
        prefix: spec.vmac_prefix.clone().unwrap_or_else(|| "vrrp".to_owned()),
        links: Vec::new(),
    };
    for instance in &mut spec.instances {
        if let Some(vmac) = &mut instance.vmac {
            vmac.name = names.of_instance(vmac, &instance.interface, instance.vrid, instance.family);
            names.links.push(VmacLink {
                name: vmac.name.clone(),
                base: instance.interface.clone(),
                kind: vmac.kind,
                group: vmac.group,
                family: instance.family,
                ipv6: false,
                transmits: !vmac.transmit_on_base,
                source: instance.source,
                own: true,
            });
        }
    }
    names.prefix = spec.vmac_address_prefix.clone().unwrap_or(names.prefix);
    for instance in &mut spec.instances {
        // An ipvlan only sends: the addresses stay on the interface below it.
        let macvlan = instance.vmac.as_ref().filter(|vmac| matches!(vmac.kind, VmacKind::Macvlan(_)));
        let own = macvlan.map(|vmac| vmac.name.clone());
        let vrid = instance.vrid;
        let ipv6 = instance.held_addresses().any(|held| held.address.is_ipv6());
        for address in instance.addresses.iter_mut().chain(&mut instance.excluded) {
            // A VMAC is of one family: that of the instance's own one, or of the address that has one to itself.
            let family = Family::of(address.address);
            let native = address.interface == instance.interface && family == instance.family;
            if let (true, Some(own)) = (native, &own) {
                address.interface.clone_from(own);
            } else if address.use_vmac || instance.vmac_addresses && !native {
                address.interface = names.of_address(&address.interface, vrid, family);
            }
        }
        for link in names.links.iter_mut().filter(|link| Some(&link.name) == own.as_ref()) {
            link.ipv6 = ipv6;
        }
    }
    names.links
}

/// Those of `existing` that a daemon of this kind has made: private macvlans with a virtual router's MAC address, and
/// ipvlans, that bear the name that it gives them. One that the file named is not told from others.
pub fn leftovers<'a>(spec: &RouterSpec, existing: &'a [ExistingLink]) -> Vec<&'a ExistingLink> {
    let prefixes =
        ["vrrp"].into_iter().chain(spec.vmac_prefix.as_deref()).chain(spec.vmac_address_prefix.as_deref());
    let prefixes: BTreeSet<_> = prefixes.collect();
    let number = |name: &str| {
        let (stem, vrid) = name.rsplit_once('.')?;
        let counted = |rest: &str| rest.bytes().all(|byte| byte.is_ascii_digit());
        let given = prefixes.iter().any(|prefix| stem.strip_prefix(prefix).is_some_and(counted));
        vrid.parse().ok().and_then(VirtualRouterId::new).filter(|_| given)
    };
    let made = |link: &&ExistingLink| {
        number(&link.name).is_some_and(|vrid| match link.kind {
            Some(VmacKind::Ipvlan { .. }) => true,
            kind => {
                [Family::V4, Family::V6].map(|family| Some(VmacKind::standard(family, vrid))).contains(&kind)
            }
        })
    };
    existing.iter().filter(made).collect()
}

/// Who is called what.
struct Names<'a> {
    existing: &'a [ExistingLink],
    ours: &'a BTreeSet<String>,
    prefix: String,
    links: Vec<VmacLink>,
}

impl Names<'_> {
    fn of_instance(&self, vmac: &VmacSpec, base: &str, vrid: VirtualRouterId, family: Family) -> String {
        if let Some(found) = self.fitting(base, vmac.kind) {
            return found;
        }
        let kept = |there: &ExistingLink| match (vmac.kind, there.kind) {
            // Who names a VMAC in the file means this one, whatever its MAC address (keepalived).
            (VmacKind::Macvlan(_), Some(VmacKind::Macvlan(_))) => !vmac.name.ends_with(&format!(".{vrid}")),
            (VmacKind::Ipvlan { .. }, Some(VmacKind::Ipvlan { .. })) => true,
            _ => false,
        };
        let taken = self.links.iter().any(|link| link.name == vmac.name)
            || self.foreign(&vmac.name).is_some_and(|there| !kept(there));
        if taken { self.free(vrid, family) } else { vmac.name.clone() }
    }

    fn of_address(&mut self, base: &str, vrid: VirtualRouterId, family: Family) -> String {
        let kind = VmacKind::standard(family, vrid);
        let shared = self.links.iter().find(|link| link.base == base && link.kind == kind && !link.own);
        if let Some(shared) = shared {
            return shared.name.clone();
        }
        let name = self.fitting(base, kind).unwrap_or_else(|| self.free(vrid, family));
        self.links.push(VmacLink {
            name: name.clone(),
            base: base.to_owned(),
            kind,
            group: 0,
            family,
            ipv6: false,
            transmits: true,
            source: None,
            own: false,
        });
        name
    }

    fn fitting(&self, base: &str, kind: VmacKind) -> Option<String> {
        let free = |found: &&ExistingLink| self.links.iter().all(|link| link.name != found.name);
        let same = |found: &&ExistingLink| found.base.as_deref() == Some(base) && same_kind(found.kind, kind);
        self.existing.iter().filter(same).find(free).map(|found| found.name.clone())
    }

    /// Who has this name and is not ours.
    fn foreign(&self, name: &str) -> Option<&ExistingLink> {
        self.existing.iter().find(|link| link.name == name && !self.ours.contains(name))
    }

    /// `vrrp.51`, or where that is taken `vrrp6.51` (IPv6), `vrrp1.51` and so on.
    fn free(&self, vrid: VirtualRouterId, family: Family) -> String {
        let prefix = &self.prefix;
        let numbers = (family == Family::V6).then_some(6).into_iter().chain(1..u32::MAX);
        let mut names = core::iter::once(format!("{prefix}.{vrid}"))
            .chain(numbers.map(|number| format!("{prefix}{number}.{vrid}")));
        let taken =
            |name: &String| self.links.iter().any(|link| link.name == *name) || self.foreign(name).is_some();
        names.find(|name| !taken(name)).unwrap_or_default()
    }
}

/// Whether two interfaces are the same. Several ipvlans of one base are told from each other by their names alone.
fn same_kind(found: Option<VmacKind>, wanted: VmacKind) -> bool {
    matches!((found, wanted), (Some(VmacKind::Macvlan(found)), VmacKind::Macvlan(wanted)) if found == wanted)
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
    use crate::spec::{InstanceSpec, IpvlanMode, VirtualAddress};

    const MAC: [u8; 6] = [0, 0, 0x5e, 0, 1, 51];

    fn vmac() -> VmacSpec {
        VmacSpec {
            name: "vrrp.51".to_owned(),
            kind: VmacKind::Macvlan(MAC),
            group: 0,
            transmit_on_base: false,
            netlink_notify: false,
        }
    }

    fn spec(vmac: Option<VmacSpec>, addresses: &[(&str, &str, bool)]) -> RouterSpec {
        let vrid = VirtualRouterId::new(51).unwrap();
        let mut instance = InstanceSpec::new("VI", "eth0", vrid, Family::V4);
        instance.vmac = vmac;
        for (address, interface, use_vmac) in addresses {
            let address = VirtualAddress::new(address.parse().unwrap(), 24, *interface);
            instance.excluded.push(VirtualAddress { use_vmac: *use_vmac, ..address });
        }
        vec![instance].into()
    }

    fn interfaces(spec: &RouterSpec) -> Vec<&str> {
        spec.instances[0].excluded.iter().map(|address| address.interface.as_str()).collect()
    }

    fn macvlan(name: &str, base: &str, mac: [u8; 6]) -> ExistingLink {
        let (name, base) = (name.to_owned(), Some(base.to_owned()));
        ExistingLink { name, base, kind: Some(VmacKind::Macvlan(mac)), group: 0 }
    }

    fn stranger(name: &str) -> ExistingLink {
        ExistingLink { name: name.to_owned(), base: None, kind: None, group: 0 }
    }

    /// On a host where nothing is.
    fn take(spec: &mut RouterSpec) -> Vec<VmacLink> {
        take_vmacs(spec, &[], &BTreeSet::new())
    }

    fn names(links: &[VmacLink]) -> Vec<&str> {
        links.iter().map(|link| link.name.as_str()).collect()
    }

    #[test]
    fn addresses_of_the_instance_s_family_move_from_its_interface_to_its_vmac() {
        let mut spec = spec(
            Some(vmac()),
            &[("10.1.0.100", "eth0", false), ("10.1.0.101", "eth1", false), ("2001:db8::1", "eth0", false)],
        );
        let links = take(&mut spec);
        assert_eq!(interfaces(&spec), ["vrrp.51", "eth1", "eth0"]);
        let [link] = &links[..] else { panic!("{links:?}") };
        assert_eq!((link.base.as_str(), link.kind), ("eth0", VmacKind::Macvlan(MAC)));
        assert!(link.ipv6 && link.transmits && link.own);
    }

    #[test]
    fn addresses_stay_below_an_ipvlan() {
        let mut spec = spec(Some(vmac()), &[("10.1.0.100", "eth0", false)]);
        let kind = VmacKind::Ipvlan { mode: IpvlanMode::Bridge, address: None };
        spec.instances[0].vmac.as_mut().unwrap().kind = kind;
        assert_eq!(take(&mut spec).len(), 1);
        assert_eq!(interfaces(&spec), ["eth0"]);
    }

    #[test]
    fn an_address_on_another_interface_gets_a_vmac_there_when_it_asks() {
        let mut spec = spec(Some(vmac()), &[("10.2.0.102", "eth1", true), ("10.2.0.103", "eth1", true)]);
        let links = take(&mut spec);
        assert_eq!(interfaces(&spec), ["vrrp1.51", "vrrp1.51"]);
        assert_eq!(names(&links), ["vrrp.51", "vrrp1.51"]);
    }

    #[test]
    fn use_vmac_addr_is_for_other_interfaces_and_the_other_family() {
        let mut spec = spec(
            None,
            &[
                ("10.1.0.100", "eth0", false),
                ("10.2.0.102", "eth1", false),
                ("2001:db8::1", "eth0", false),
                ("2001:db8::2", "eth1", false),
            ],
        );
        spec.instances[0].vmac_addresses = true;
        let links = take(&mut spec);
        assert_eq!(interfaces(&spec), ["eth0", "vrrp.51", "vrrp6.51", "vrrp1.51"]);
        let families: Vec<_> = links.iter().map(|link| (link.base.as_str(), link.family)).collect();
        assert_eq!(families, [("eth1", Family::V4), ("eth0", Family::V6), ("eth1", Family::V6)]);
        assert!(
            links.iter().all(|link| link.kind == VmacKind::standard(link.family, spec.instances[0].vrid))
        );
    }

    #[test]
    fn one_that_is_there_is_used_whatever_its_name() {
        let mut spec = spec(Some(vmac()), &[("10.1.0.100", "eth0", false)]);
        let left = |base| take_vmacs(&mut spec.clone(), &[macvlan("left", base, MAC)], &BTreeSet::new());
        assert_eq!(names(&left("eth9")), ["vrrp.51"]);
        assert_eq!(names(&left("eth0")), ["left"]);
        take_vmacs(&mut spec, &[macvlan("left", "eth0", MAC)], &BTreeSet::new());
        assert_eq!(
            (interfaces(&spec)[0], spec.instances[0].vmac.as_ref().unwrap().name.as_str()),
            ("left", "left")
        );
    }

    #[test]
    fn a_name_that_somebody_else_has_is_left_to_him() {
        let spec = spec(Some(vmac()), &[("10.2.0.102", "eth1", true)]);
        let beside = |there: &[ExistingLink], ours: &[&str]| {
            let ours = ours.iter().map(|name| (*name).to_owned()).collect();
            names(&take_vmacs(&mut spec.clone(), there, &ours)).join(" ")
        };
        assert_eq!(beside(&[stranger("vrrp.51")], &[]), "vrrp1.51 vrrp2.51");
        assert_eq!(beside(&[macvlan("vrrp.51", "eth9", MAC)], &[]), "vrrp1.51 vrrp2.51");
        assert_eq!(beside(&[macvlan("vrrp.51", "eth9", MAC)], &["vrrp.51"]), "vrrp.51 vrrp1.51");
    }

    #[test]
    fn a_vmac_that_the_file_names_is_that_one_whatever_its_mac_address() {
        let named = VmacSpec { name: "mine".to_owned(), ..vmac() };
        let spec = spec(Some(named), &[]);
        let beside =
            |there: ExistingLink| names(&take_vmacs(&mut spec.clone(), &[there], &BTreeSet::new())).join(" ");
        assert_eq!(beside(macvlan("mine", "eth0", [2, 0, 0, 0, 0, 1])), "mine");
        assert_eq!(beside(stranger("mine")), "vrrp.51");
    }

    #[test]
    fn what_an_earlier_run_made_is_told_by_its_name_and_its_mac_address() {
        let spec = RouterSpec { vmac_prefix: Some("lb".to_owned()), ..RouterSpec::default() };
        let of = |number| [0, 0, 0x5e, 0, 2, number];
        let ipvlan = Some(VmacKind::Ipvlan { mode: IpvlanMode::Bridge, address: None });
        let existing = [
            macvlan("vrrp.51", "eth0", MAC),
            macvlan("lb12.7", "eth0", of(7)),
            ExistingLink { kind: ipvlan, ..stranger("vrrp6.9") },
            macvlan("vrrp.52", "eth0", MAC),
            macvlan("vrrp.0", "eth0", of(0)),
            macvlan("mac.51", "eth0", MAC),
            macvlan("vrrpx.51", "eth0", MAC),
            macvlan("vrrp.53", "eth0", [2, 0, 0, 0, 0, 53]),
            stranger("vrrp.54"),
            stranger("vrrp"),
        ];
        let left: Vec<_> = leftovers(&spec, &existing).into_iter().map(|link| link.name.as_str()).collect();
        assert_eq!(left, ["vrrp.51", "lb12.7", "vrrp6.9"]);
    }
}
