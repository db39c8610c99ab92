//! The addresses of an instance: wanted, confirmed by the kernel, announced, and put back when somebody removes them.
//!
//! **Only a confirmed address is announced.** What fails is tried again after a second, for as long as it is wanted.

use std::collections::BTreeSet;
use std::time::Duration;

use clock::Instant;

use super::{Context, Instance, State};
use crate::action::{Action, Announce, Want};
use crate::event::What;
use crate::link::IfIndex;
use crate::spec::{Family, InstanceSpec, VirtualAddress};

/// Least time between two attempts to bring the kernel's addresses in line.
const RETRY: Duration = Duration::from_secs(1);

#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Hold {
    /// Number of the newest want.
    serial: u64,
    /// The answer to it is not in yet.
    pending: bool,
    /// When the newest want went out.
    wanted_at: Instant,
    /// When to want again: something failed or was taken away.
    retry_at: Option<Instant>,
    /// Addresses that the kernel has confirmed to be there.
    confirmed: BTreeSet<VirtualAddress>,
    /// Confirmed addresses that a link view has shown: only those can be seen to be missing again, since a view may be
    /// older than the confirmation.
    seen: BTreeSet<VirtualAddress>,
    /// Addresses that somebody else removed and that are to be put back.
    lost: BTreeSet<VirtualAddress>,
    /// Addresses of earlier configurations that the kernel has not confirmed to be gone.
    dropped: BTreeSet<VirtualAddress>,
}

impl Hold {
    pub(super) const fn retry_at(&self) -> Option<Instant> {
        self.retry_at
    }

    pub(super) const fn is_pending(&self) -> bool {
        self.pending
    }

    /// Nothing is there any longer: it was released, or the interface is another one.
    pub(super) fn forget(&mut self) {
        self.confirmed.clear();
        self.seen.clear();
        self.lost.clear();
    }

    /// Remembers what a reload took away, until the kernel has confirmed that it is gone.
    pub(super) fn drop_unlisted(&mut self, before: &InstanceSpec, after: &InstanceSpec) {
        self.dropped.extend(before.held_addresses().cloned());
        for address in after.held_addresses() {
            self.dropped.remove(address);
        }
        let kept: BTreeSet<_> = after.held_addresses().cloned().collect();
        self.confirmed.retain(|address| kept.contains(address));
        self.seen.retain(|address| kept.contains(address));
        self.lost.retain(|address| kept.contains(address));
    }
}

impl Instance {
    /// Says again what the kernel's addresses shall be.
    pub(super) fn want(&mut self, cx: &mut Context<'_>) {
        let held: Vec<_> = self.spec.held_addresses().cloned().collect();
        let dropped = self.hold.dropped.iter().cloned();
        let (present, absent) = if matches!(self.state, State::Master(_)) {
            (held, dropped.collect())
        } else {
            (Vec::new(), held.into_iter().chain(dropped).collect())
        };
        if present.is_empty() {
            self.hold.forget();
        }
        self.hold.serial += 1;
        self.hold.pending = true;
        self.hold.wanted_at = cx.now;
        self.hold.retry_at = None;
        let want = Want { instance: self.id, serial: self.hold.serial, present, absent };
        cx.actions.push_back(Action::Want(want));
    }

    /// The kernel has answered a want.
    pub(crate) fn applied(&mut self, cx: &mut Context<'_>, serial: u64, failed: Vec<(VirtualAddress, i32)>) {
        if serial != self.hold.serial {
            return;
        }
        self.hold.pending = false;
        let master = matches!(self.state, State::Master(_));
        let held: Vec<_> = self.spec.held_addresses().cloned().collect();
        let is_failed = |address: &VirtualAddress| failed.iter().any(|(other, _)| other == address);
        self.hold.dropped.retain(is_failed);
        if master {
            let present = held.iter().filter(|address| !is_failed(address));
            let fresh: Vec<_> = present.filter(|address| !self.hold.confirmed.contains(address)).collect();
            for address in &fresh {
                self.hold.confirmed.insert((*address).clone());
                if self.hold.lost.remove(*address) {
                    self.counters.addresses_restored += 1;
                    self.emit(cx, What::AddressRestored { address: address.address });
                }
            }
            self.announce(cx, &fresh, self.spec.announce.repeat);
        }
        if !failed.is_empty() {
            self.hold.retry_at = Some(cx.now + RETRY);
        }
        for (address, errno) in failed {
            let adding = master && held.contains(&address);
            self.emit(cx, What::AddressFailed { address, adding, errno });
        }
    }

    /// Compares the links with what was confirmed; what is missing is put back, at most once a second.
    pub(super) fn restore_lost(&mut self, cx: &mut Context<'_>) {
        if !matches!(self.state, State::Master(_)) {
            return;
        }
        for address in self.hold.confirmed.clone() {
            let there = cx.links.named(&address.interface).is_some_and(|link| link.has(&address));
            if there {
                self.hold.seen.insert(address);
            } else if self.hold.seen.remove(&address) {
                self.hold.confirmed.remove(&address);
                self.hold.lost.insert(address);
            }
        }
        if !self.hold.lost.is_empty() && !self.hold.pending {
            let earliest = self.hold.wanted_at + RETRY;
            if earliest <= cx.now {
                self.want(cx);
            } else {
                self.hold.retry_at = Some(earliest);
            }
        }
    }

    /// Wants again if that is due.
    pub(super) fn retry_hold(&mut self, cx: &mut Context<'_>) {
        if self.hold.retry_at.is_some_and(|at| at <= cx.now) {
            self.want(cx);
        }
    }

    /// The timed announcements that are due now.
    pub(super) fn announce_due(&mut self, cx: &mut Context<'_>) {
        let spec = self.spec.announce.clone();
        let State::Master(master) = &mut self.state else { return };
        let due = |timer: &Option<Instant>| timer.is_some_and(|at| at <= cx.now);
        let mut repeat = 0;
        if due(&master.second_burst_at) {
            master.second_burst_at = None;
            repeat = repeat.max(spec.repeat);
        }
        if due(&master.lower_burst_at) {
            master.lower_burst_at = None;
            repeat = repeat.max(spec.lower_priority_repeat);
        }
        if due(&master.refresh_at) {
            master.refresh_at = Some(cx.now + spec.refresh);
            repeat = repeat.max(spec.refresh_repeat);
        }
        if repeat > 0 {
            self.announce_all(cx, repeat);
        }
    }

    /// A burst for every confirmed address.
    pub(super) fn announce_all(&self, cx: &mut Context<'_>, repeat: u32) {
        let confirmed: Vec<_> =
            self.spec.held_addresses().filter(|held| self.hold.confirmed.contains(held)).collect();
        self.announce(cx, &confirmed, repeat);
    }

    /// A burst goes round after round over all addresses, as keepalived's does.
    fn announce(&self, cx: &mut Context<'_>, addresses: &[&VirtualAddress], repeat: u32) {
        for _ in 0..repeat {
            for address in addresses {
                if let Some(interface) = announces_on(cx, address) {
                    let announce = Announce { interface, address: address.address };
                    cx.announcer.push(cx.now, self.id, announce, self.spec.announce.spacing, cx.actions);
                }
            }
        }
    }
}

/// Neighbours can be told of an address only on an interface that resolves them.
fn announces_on(cx: &Context<'_>, address: &VirtualAddress) -> Option<IfIndex> {
    let link = cx.links.named(&address.interface)?;
    let resolves = link.arp || Family::of(address.address) == Family::V6;
    (link.up && resolves).then_some(link.index)
}
