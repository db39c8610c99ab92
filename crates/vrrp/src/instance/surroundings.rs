//! What an instance sees around itself: interfaces, the source of its adverts, what keeps it from taking part.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::{Bond, Context, Instance};
use crate::action::Membership;
use crate::event::FaultCause;
use crate::link::{IfIndex, LinkView};
use crate::links::Links;
use crate::spec::{RouteSpec, RuleSpec, Transport};

impl Instance {
    /// Looks up interface, source and effective priority anew, and what keeps the instance itself from taking part.
    pub(super) fn look_around(&mut self, cx: &mut Context<'_>) {
        let mut causes = BTreeSet::new();
        let own = cx.links.named(&self.spec.interface);
        let interface = own.map(|link| link.index);
        if self.interface != interface {
            self.interface = interface;
            self.deaf = None;
        }
        self.source =
            self.spec.source.or_else(|| own.and_then(|link| self.source_on(link, cx.virtual_addresses)));
        if own.is_none() {
            causes.insert(FaultCause::InterfaceMissing(self.spec.interface.clone()));
        } else if self.source.is_none() {
            causes.insert(FaultCause::NoSourceAddress(self.spec.interface.clone()));
        }
        if let (true, Some(source), Some(link)) = (self.spec.track_source, self.spec.source, own)
            && !link.addresses.iter().any(|on_link| on_link.usable && on_link.address == source)
        {
            causes.insert(FaultCause::SourceMissing(source));
        }
        if self.spec.transport.is_unicast() && self.spec.peers().next().is_none() {
            causes.insert(FaultCause::NoPeer);
        }
        for name in self.needed_interfaces() {
            match cx.links.named(name) {
                None => causes.insert(FaultCause::InterfaceMissing(name.to_owned())),
                Some(link) if !link.up => causes.insert(FaultCause::InterfaceDown(name.to_owned())),
                Some(_) => false,
            };
        }
        causes.extend(self.tracked_faults(cx));
        causes.extend(self.deaf.map(FaultCause::Deaf));
        self.own_faults = causes;
        self.pending = self.awaits_tracker(cx);
        self.reweigh(cx);
    }

    /// What keeps the instance from taking part, on its own account and its group's.
    pub(super) fn causes(&self) -> BTreeSet<FaultCause> {
        let mut causes = self.own_faults.clone();
        if let Bond::Member { fault, .. } = &self.bond {
            causes.extend(fault.clone());
        }
        causes
    }

    /// Interfaces without which the instance is in FAULT, whatever it tracks.
    pub(super) fn needed_interfaces(&self) -> BTreeSet<&str> {
        let own = self.spec.track_primary.then_some(self.spec.interface.as_str());
        let addresses =
            self.spec.held_addresses().filter(|held| held.track).map(|held| held.interface.as_str());
        let routes = self.spec.routes.iter().filter(|held| held.track).flat_map(RouteSpec::interfaces);
        let rules = self.spec.rules.iter().filter(|held| held.track).flat_map(RuleSpec::interfaces);
        let vmac = self.spec.vmac.as_ref().map(|vmac| vmac.name.as_str());
        addresses
            .chain(routes)
            .chain(rules)
            .chain(vmac)
            .filter(|name| *name != self.spec.interface)
            .chain(own)
            .collect()
    }

    pub(super) fn source_on(&self, link: &LinkView, virtual_addresses: &BTreeSet<IpAddr>) -> Option<IpAddr> {
        let family = self.spec.family;
        let primary = link.primary_address(family, |address| virtual_addresses.contains(&address));
        // The owner's virtual address is the interface's own, and may be its only one.
        let only = || self.spec.priority.is_owner().then(|| link.primary_address(family, |_| false))?;
        primary.or_else(only)
    }

    /// Where adverts leave: the VMAC, if the instance has one and does not send on the interface below it.
    pub(super) fn sender(&self, links: &Links) -> Option<IfIndex> {
        match &self.spec.vmac {
            Some(vmac) if !vmac.transmit_on_base => links.named(&vmac.name).map(|link| link.index),
            Some(_) | None => self.interface,
        }
    }

    /// Where this instance needs to receive adverts: where it sends them. A macvlan takes away from the interface below it
    /// what comes from its own hardware address, as the adverts of a peer with the same VMAC do. `None` while the
    /// interface does not exist.
    pub(crate) fn membership(&self, links: &Links) -> Option<Membership> {
        Some(Membership {
            interface: self.sender(links)?,
            family: self.spec.family,
            group: match self.spec.transport {
                Transport::Multicast { group } => Some(group),
                Transport::Unicast { .. } => None,
            },
            protocol: self.protocol(),
        })
    }

    /// The kernel let us listen, or did not.
    pub(crate) fn listening(&mut self, cx: &mut Context<'_>, result: Result<(), i32>) {
        self.deaf = result.err();
        self.links_changed(cx);
    }
}
