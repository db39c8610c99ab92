//! What an instance holds: wanted, confirmed by the kernel, announced, and put back when somebody removes it.
//!
//! **Only a confirmed address is announced.** What fails is tried again after a second, for as long as it is wanted.

use std::net::IpAddr;

use clock::Instant;

use super::{Context, Instance, State};
use crate::action::Announce;
use crate::event::What;
use crate::link::IfIndex;
use crate::links::Links;
use crate::spec::{Family, Held, VirtualAddress};

impl Instance {
    /// Says again what shall be in the kernel.
    pub(super) fn want(&mut self, cx: &mut Context<'_>) {
        let master = matches!(self.state, State::Master(_));
        let accept = self.spec.accept || self.spec.priority.is_owner();
        let held = if self.keeps { self.found(cx.links) } else { self.spec.held() };
        let shall = master || self.keeps;
        cx.actions.push_back(self.hold.want(cx.now, cx.links, self.id, held, shall, accept));
    }

    /// What is there of what a master holds, before this instance has installed anything: an earlier run left it.
    pub(super) fn found(&self, links: &Links) -> Vec<Held> {
        let there =
            |address: &&VirtualAddress| links.named(&address.interface).is_some_and(|link| link.has(address));
        self.spec.held_addresses().filter(there).cloned().map(Held::Address).collect()
    }

    /// Somebody else is there, so that what an earlier run left is maybe there twice.
    pub(super) fn keep_no_longer(&mut self, cx: &mut Context<'_>, source: IpAddr) {
        if self.keeps {
            self.keeps = false;
            self.emit(cx, What::NotKept { source });
            self.want(cx);
        }
    }

    /// The kernel has answered a want.
    pub(crate) fn applied(&mut self, cx: &mut Context<'_>, serial: u64, failed: Vec<(Held, i32)>) {
        let Some(settled) = self.hold.applied(cx.now, serial, failed) else { return };
        for held in settled.restored {
            self.counters.addresses_restored += 1;
            self.emit(cx, What::Restored { held });
        }
        if matches!(self.state, State::Master(_)) {
            let fresh: Vec<_> = settled.fresh.iter().filter_map(Held::as_address).collect();
            self.announce(cx, &fresh, self.spec.announce.repeat);
        }
        for (held, adding, errno) in settled.failed {
            self.emit(cx, What::HoldFailed { held, adding, errno });
        }
    }

    /// Compares the links with what was confirmed; what is missing is put back, at most once a second.
    pub(super) fn restore_lost(&mut self, cx: &mut Context<'_>) {
        if matches!(self.state, State::Master(_)) && self.hold.look(cx.now, cx.links) {
            self.want(cx);
        }
    }

    /// Somebody else removed some of these.
    pub(crate) fn lost(&mut self, cx: &mut Context<'_>, gone: &[Held]) {
        if matches!(self.state, State::Master(_)) && self.hold.lose(cx.now, gone) {
            self.want(cx);
        }
    }

    /// The kernel may have told of losses, and nobody heard it.
    pub(crate) fn doubt(&mut self, cx: &mut Context<'_>) {
        if matches!(self.state, State::Master(_)) && self.hold.doubt(cx.now) {
            self.want(cx);
        }
    }

    /// Wants again if that is due.
    pub(super) fn retry_hold(&mut self, cx: &mut Context<'_>) {
        if self.hold.retry_at().is_some_and(|at| at <= cx.now) {
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
        let extra = spec.extra_interfaces.filter(|_| due(&master.extra_at));
        if let Some(extra) = extra {
            master.extra_at = Some(cx.now + extra.every);
        }
        if repeat > 0 {
            self.announce_all(cx, repeat);
        } else if let Some(extra) = extra {
            let elsewhere = self.spec.held_addresses().filter(|held| extra.all || held.use_vmac);
            let confirmed: Vec<_> = elsewhere.filter(|held| self.is_confirmed(held)).collect();
            self.announce(cx, &confirmed, 1);
        }
    }

    /// A burst for every confirmed address.
    pub(super) fn announce_all(&self, cx: &mut Context<'_>, repeat: u32) {
        let confirmed: Vec<_> = self.spec.held_addresses().filter(|held| self.is_confirmed(held)).collect();
        self.announce(cx, &confirmed, repeat);
    }

    fn is_confirmed(&self, address: &VirtualAddress) -> bool {
        self.hold.is_confirmed(&Held::Address(address.clone()))
    }

    /// A burst goes round after round over all addresses, as keepalived's does.
    fn announce(&self, cx: &mut Context<'_>, addresses: &[&VirtualAddress], repeat: u32) {
        for _ in 0..repeat {
            for address in addresses {
                if let Some(interface) = announces_on(cx, address) {
                    let announce = Announce { interface, address: address.address };
                    let name = &address.interface;
                    let spacing = self.spec.announce.spacing;
                    cx.announcer.push(cx.now, self.id, name, announce, spacing, cx.actions);
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
