//! Interfaces that the configuration asks for, and settings of others: VMACs, ipvlans, sysctls.
//!
//! **They are there before the machine hears of a configuration that uses them**, and go when it has released
//! everything. One that somebody deletes is made anew, at most once a second.

use std::collections::BTreeMap;
use std::time::Duration;

use clock::Instant;
use net::sysctl::{self, Overrides, Setting};
use net::{Mirror, Vmacs};
use vrrp::{
    Family, Held, IfIndex, InstanceSpec, PROTOCOL_KEEPALIVED, RouterSpec, VmacKind, leftovers, take_vmacs,
};

const RETRY: Duration = Duration::from_secs(1);

pub(super) struct Interfaces {
    vmacs: Vmacs,
    overrides: Overrides,
    settings: BTreeMap<Setting, i32>,
    tried_at: Instant,
    retry_at: Option<Instant>,
    resumed: bool,
}

impl Interfaces {
    pub(super) fn open() -> Result<Self, netlink::Error> {
        Ok(Self {
            vmacs: Vmacs::open(Some(PROTOCOL_KEEPALIVED))?,
            overrides: Overrides::default(),
            settings: BTreeMap::new(),
            tried_at: Instant::ZERO,
            retry_at: None,
            resumed: false,
        })
    }

    /// This process replaces a crashed one: what that made is ours.
    pub(super) fn resume(&mut self) {
        self.resumed = true;
    }

    /// This process replaces a crashed one, which found these settings.
    pub(super) fn resume_settings(&mut self, found: BTreeMap<Setting, i32>) {
        self.overrides.resume(found);
    }

    /// The settings as they were found.
    pub(super) const fn found(&self) -> &BTreeMap<Setting, i32> {
        self.overrides.found()
    }

    /// Makes what a configuration asks for, and writes the names of VMACs into it. With `inherit`, what an earlier run has
    /// left is its own: used where it fits, or else removed. Returns what failed.
    pub(super) fn configure(&mut self, spec: &mut RouterSpec, inherit: bool, mirror: &Mirror) -> Vec<String> {
        let mut failures = Vec::new();
        let existing = self.vmacs.existing().unwrap_or_else(|error| {
            failures.push(format!("cannot look for VMACs: {error}"));
            Vec::new()
        });
        for left in leftovers(spec, &existing).into_iter().filter(|_| inherit) {
            self.vmacs.inherit(left);
        }
        let wanted = take_vmacs(spec, &existing, &self.vmacs.made());
        self.settings = settings(spec, &wanted);
        let addresses = spec.instances.iter().flat_map(InstanceSpec::held_addresses).map(|held| held.address);
        let failed = self.vmacs.apply(wanted, addresses.collect(), mirror);
        failures.extend(failed.into_iter().map(|(name, error)| format!("cannot make {name}: {error}")));
        if std::mem::take(&mut self.resumed) {
            self.vmacs.adopt();
        }
        failures.extend(self.apply_settings());
        failures
    }

    /// Repairs what others broke, unless that was tried just now.
    pub(super) fn check(&mut self, now: Instant, mirror: &Mirror) -> Vec<String> {
        self.retry_at = None;
        if !self.vmacs.is_broken(mirror) {
            return Vec::new();
        }
        if now < self.tried_at + RETRY {
            self.retry_at = Some(self.tried_at + RETRY);
            return Vec::new();
        }
        self.tried_at = now;
        self.retry_at = Some(now + RETRY);
        let failed = self.vmacs.repair(mirror);
        let failures = failed.into_iter().map(|(name, error)| format!("cannot make {name}: {error}"));
        failures.chain(self.apply_settings()).collect()
    }

    /// VMACs that send IGMP, and those that send MLD, with the interfaces below them.
    pub(super) fn vmacs(&self, mirror: &Mirror) -> [BTreeMap<IfIndex, IfIndex>; 2] {
        let mut vmacs = [BTreeMap::new(), BTreeMap::new()];
        for link in self.vmacs.wanted().iter().filter(|link| matches!(link.kind, VmacKind::Macvlan(_))) {
            if let (Some(vmac), Some(base)) = (mirror.index_of(&link.name), mirror.index_of(&link.base)) {
                let [v4, v6] = &mut vmacs;
                if link.family == Family::V4 {
                    v4.insert(vmac, base);
                }
                if link.family == Family::V6 || link.ipv6 {
                    v6.insert(vmac, base);
                }
            }
        }
        vmacs
    }

    /// The addresses that these interfaces need for themselves.
    pub(super) fn addresses(&self, mirror: &Mirror) -> Vec<Held> {
        self.vmacs.addresses(mirror)
    }

    /// Whether keepalived would use a packet filter for these interfaces: for VMACs of single addresses alone it does not.
    pub(super) fn need_filter(&self) -> bool {
        self.vmacs.wanted().iter().any(|link| link.own)
    }

    pub(super) const fn retry_at(&self) -> Option<Instant> {
        self.retry_at
    }

    /// Removes what was made and puts settings back.
    pub(super) fn release(&mut self, mirror: &Mirror) -> Vec<String> {
        self.settings.clear();
        self.retry_at = None;
        let failed = self.vmacs.release(mirror);
        let failures = failed.into_iter().map(|(name, error)| format!("cannot remove {name}: {error}"));
        failures.chain(self.apply_settings()).collect()
    }

    fn apply_settings(&mut self) -> Vec<String> {
        let failed = self.overrides.apply(&self.settings);
        let line = |(setting, error): (Setting, std::io::Error)| {
            format!("cannot set {}: {error}", sysctl::dotted(&setting))
        };
        failed.into_iter().map(line).collect()
    }
}

/// As keepalived's: the interface below an IPv4 VMAC answers ARP only for addresses of its own and only where the answer
/// would leave, and no filter of `all` drops what the VMAC gets.
fn settings(spec: &RouterSpec, vmacs: &[vrrp::VmacLink]) -> BTreeMap<Setting, i32> {
    let mut settings = BTreeMap::new();
    let v4 = |link: &&vrrp::VmacLink| link.family == Family::V4 && matches!(link.kind, VmacKind::Macvlan(_));
    for link in vmacs.iter().filter(v4) {
        settings.insert(setting(&link.base, "arp_ignore"), 1);
        settings.insert(setting(&link.base, "arp_filter"), 1);
        settings.insert(setting("all", "rp_filter"), 0);
    }
    for instance in spec.instances.iter().filter(|instance| instance.promote_secondaries) {
        settings.insert(setting(&instance.interface, "promote_secondaries"), 1);
    }
    if spec.disable_local_igmp {
        settings.insert(setting(sysctl::FAMILY, "igmp_link_local_mcast_reports"), 0);
    }
    settings
}

fn setting(interface: &str, name: &str) -> Setting {
    ("ipv4".to_owned(), interface.to_owned(), name.to_owned())
}
