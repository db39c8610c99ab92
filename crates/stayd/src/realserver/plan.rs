//! What has to change, as a function of what is asked for, what is, and what was recorded.
//!
//! A command is about the addresses that it names: another one that somebody took away is not put back by it. The sysctls
//! are common to all IPv4 addresses, and go back when `stop` has taken the last one.
//!
//! Values and items that are not ours:
//!
//! * A sysctl that suffices is left, and hence not put back. One that does not is set, whoever gave it that value, and
//!   that value is the one to put back.
//! * A sysctl that has another value at `stop` than `start` gave it was changed by somebody who had a reason: it stays.
//! * An address or a route that was there before `start` stays at `stop`. If it is taken away meanwhile and `start` has to
//!   add it, it is ours from then on.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};

use super::ledger::Ledger;
use super::step::{Item, Step};
use super::sysctl::{Setting, Sysctl};

/// What is in the kernel.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Actual {
    pub loopback_up: bool,
    /// The addresses on `lo` and their prefix lengths.
    pub addresses: BTreeSet<(IpAddr, u8)>,
    /// The hosts that table main has a route to on `lo`.
    pub routes: BTreeSet<Ipv4Addr>,
    pub sysctls: BTreeMap<Sysctl, i32>,
    /// The same settings of the other interfaces.
    pub interfaces: BTreeMap<(String, Setting), i32>,
}

impl Actual {
    /// Whether an item is there.
    pub fn has(&self, item: Item) -> bool {
        match item {
            // The kernel gives an interface an IPv4 address several times, with different prefix lengths, and only with
            // the longest is it nothing but this host. An IPv6 address it gives once.
            Item::Address(vip @ IpAddr::V4(_)) => self.addresses.contains(&(vip, 32)),
            Item::Address(vip) => self.addresses.iter().any(|(address, _)| *address == vip),
            Item::Route(vip) => self.routes.contains(&vip),
        }
    }

    /// The value of a sysctl; every kernel has all four.
    pub fn sysctl(&self, sysctl: Sysctl) -> i32 {
        self.sysctls.get(&sysctl).copied().unwrap_or_default()
    }
}

/// The steps of `start`.
pub fn start(vips: &BTreeSet<IpAddr>, actual: &Actual, ledger: &Ledger) -> Vec<Step> {
    let mut steps = Vec::new();
    if !actual.loopback_up {
        steps.push(Step::Raise);
    }
    if vips.iter().any(IpAddr::is_ipv4) {
        steps.extend(Sysctl::ALL.into_iter().filter_map(|sysctl| {
            let (setting, found) = (sysctl.setting(), actual.sysctl(sysctl));
            (!setting.suffices(found)).then_some(Step::Set { sysctl, found, value: setting.wanted() })
        }));
    }
    steps.extend(vips.iter().copied().flat_map(Item::of).filter_map(|item| {
        match (actual.has(item), ledger.knows(item)) {
            (false, _) => Some(Step::Add(item)),
            (true, false) => Some(Step::Keep(item)),
            (true, true) => None,
        }
    }));
    steps
}

/// The steps of `stop`.
pub fn stop(vips: &BTreeSet<IpAddr>, actual: &Actual, ledger: &Ledger) -> Vec<Step> {
    let items = vips.iter().copied().flat_map(|vip| Item::of(vip).rev());
    let mut steps: Vec<Step> = items
        .filter_map(|item| match (actual.has(item), ledger.added.contains(&item)) {
            (true, true) => Some(Step::Remove(item)),
            (true, false) => Some(Step::Leave(item)),
            (false, _) => ledger.knows(item).then_some(Step::Forget(item)),
        })
        .collect();
    let in_use = ledger.vips().difference(vips).any(IpAddr::is_ipv4);
    if !in_use {
        steps.extend(ledger.sysctls.iter().map(|(&sysctl, change)| {
            let is = actual.sysctl(sysctl);
            if is == change.value {
                Step::PutBack { sysctl, found: change.found, value: change.value }
            } else {
                Step::LeaveSysctl { sysctl, is, value: change.value }
            }
        }));
    }
    steps
}

#[cfg(test)]
mod tests;
