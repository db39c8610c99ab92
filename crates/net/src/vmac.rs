//! VMACs and ipvlans: made, found again, repaired and removed.
//!
//! **Level, not edge**: [`Vmacs::apply`] makes what is wanted and is not there, and removes what it made and is not wanted
//! any longer. What was there before it came is used and left.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv6Addr};

use netlink::{Conversation, Error, Request};
use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{
    InfoData, InfoIpVlan, InfoKind, InfoMacVlan, IpVlanFlags, IpVlanMode, LinkAttribute, LinkInfo,
    LinkMessage, MacVlanMode,
};
use vrrp::{ExistingLink, Family, Held, IfIndex, IpvlanMode, VirtualAddress, VmacKind, VmacLink};

use crate::holdings::Holdings;
use crate::links::Links;
use crate::mirror::Mirror;
use crate::sysctl;

mod found;

use found::Found;

/// A conversation with the kernel about VMACs.
#[derive(Debug)]
pub struct Vmacs {
    conversation: Conversation,
    links: Links,
    addresses: Holdings,
    wanted: Vec<VmacLink>,
    /// Those that this process made, or takes for its own.
    made: BTreeMap<String, Make>,
    /// The link-local addresses that VMACs have from the interfaces below them, by name.
    given: BTreeMap<String, VirtualAddress>,
    /// Every virtual address: none of them is one of the interface below.
    virtual_addresses: BTreeSet<IpAddr>,
}

/// What an interface is made as; if that changes, it is made anew.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Make {
    base: String,
    kind: VmacKind,
    group: u32,
}

impl Make {
    fn of(link: &VmacLink) -> Self {
        Self { base: link.base.clone(), kind: link.kind, group: link.group }
    }
}

/// Why an interface could not be made as it should be.
#[derive(Debug, thiserror::Error)]
pub enum VmacError {
    /// The interface below it does not exist.
    #[error("there is no interface {0} below it")]
    NoBase(String),
    /// The kernel refuses.
    #[error(transparent)]
    Netlink(#[from] Error),
    /// One of its settings cannot be written.
    #[error("cannot set {0}: {1}")]
    Setting(&'static str, #[source] std::io::Error),
}

impl Vmacs {
    /// Opens the conversation. `mark` is the protocol number of addresses.
    ///
    /// # Errors
    /// The kernel refuses a socket.
    pub fn open(mark: Option<u8>) -> Result<Self, Error> {
        Ok(Self {
            conversation: Conversation::open(libc::NETLINK_ROUTE as isize)?,
            links: Links::open()?,
            addresses: Holdings::open(mark)?,
            wanted: Vec::new(),
            made: BTreeMap::new(),
            given: BTreeMap::new(),
            virtual_addresses: BTreeSet::new(),
        })
    }

    /// The interfaces that are there.
    ///
    /// # Errors
    /// The kernel does not answer.
    pub fn existing(&mut self) -> Result<Vec<ExistingLink>, Error> {
        let get = RouteNetlinkMessage::GetLink(LinkMessage::default());
        let found: Vec<Found> = self.conversation.dump(&Request { flags: 0, message: get })?;
        let names: BTreeMap<_, _> = found.iter().map(|link| (link.index, link.name.clone())).collect();
        let existing = found.into_iter().map(|link| {
            let base = link.base.and_then(|base| names.get(&base).cloned());
            ExistingLink { name: link.name, base, kind: link.kind, group: link.group }
        });
        Ok(existing.collect())
    }

    /// The names of those that this process has made.
    pub fn made(&self) -> BTreeSet<String> {
        self.made.keys().cloned().collect()
    }

    /// Takes this one for its own: an earlier run has made it.
    pub fn inherit(&mut self, left: &ExistingLink) {
        if let (Some(base), Some(kind)) = (left.base.clone(), left.kind) {
            self.made.insert(left.name.clone(), Make { base, kind, group: left.group });
        }
    }

    /// Makes these, and no others. Returns what failed.
    pub fn apply(
        &mut self,
        wanted: Vec<VmacLink>,
        virtual_addresses: BTreeSet<IpAddr>,
        mirror: &Mirror,
    ) -> Vec<(String, VmacError)> {
        let mut failed = Vec::new();
        // One that changed is made anew.
        let (kept, gone) = std::mem::take(&mut self.made).into_iter().partition(|(name, make)| {
            wanted.iter().any(|link| link.name == *name && Make::of(link) == *make)
        });
        self.made = kept;
        for name in BTreeMap::into_keys(gone) {
            self.given.remove(&name);
            if let Err(error) = self.remove(&name) {
                failed.push((name, error));
            }
        }
        self.given.retain(|name, _| wanted.iter().any(|link| link.name == *name));
        self.wanted = wanted;
        self.virtual_addresses = virtual_addresses;
        failed.extend(self.repair(mirror));
        failed
    }

    /// Takes those that were there as made by this process: after a crash, its predecessor made them.
    pub fn adopt(&mut self) {
        self.made.extend(self.wanted.iter().map(|link| (link.name.clone(), Make::of(link))));
    }

    /// The interfaces that are made or used now.
    pub fn wanted(&self) -> &[VmacLink] {
        &self.wanted
    }

    /// The addresses that they need for themselves, whether they have them or not.
    pub fn addresses(&self, mirror: &Mirror) -> Vec<Held> {
        let own =
            |link: &VmacLink| link.address().map(|(ip, len)| VirtualAddress::new(ip, len, link.name.clone()));
        let all =
            self.wanted.iter().flat_map(|link| self.link_local(link, mirror).into_iter().chain(own(link)));
        all.map(Held::Address).collect()
    }

    /// Whether [`Vmacs::repair`] would find something to do.
    pub fn is_broken(&self, mirror: &Mirror) -> bool {
        self.wanted.iter().any(|link| {
            let missing = mirror.index_of(&link.name).is_none() && mirror.index_of(&link.base).is_some();
            missing || self.link_local(link, mirror).is_some_and(|address| self.lacks(link, &address, mirror))
        })
    }

    /// Makes what is not there. Returns what failed.
    pub fn repair(&mut self, mirror: &Mirror) -> Vec<(String, VmacError)> {
        let mut failed = Vec::new();
        for link in self.wanted.clone() {
            if let Err(error) = self.make(&link, mirror) {
                failed.push((link.name, error));
            }
        }
        failed
    }

    /// Removes all that this process made.
    pub fn release(&mut self, mirror: &Mirror) -> Vec<(String, VmacError)> {
        self.apply(Vec::new(), BTreeSet::new(), mirror)
    }

    fn make(&mut self, link: &VmacLink, mirror: &Mirror) -> Result<(), VmacError> {
        let base = mirror.index_of(&link.base).ok_or_else(|| VmacError::NoBase(link.base.clone()))?;
        let mut there = self.look_up(&link.name)?;
        if there.as_ref().is_some_and(|there| is_another_macvlan(there, link.kind, base)) {
            self.remove(&link.name)?;
            there = None;
        }
        let fresh = there.is_none();
        let index = if let Some(there) = there {
            there.index
        } else {
            let message = RouteNetlinkMessage::NewLink(message(link, base));
            let request = Request { flags: NLM_F_CREATE | NLM_F_EXCL, message };
            self.conversation.request::<_, RouteNetlinkMessage>(&request)?;
            self.made.insert(link.name.clone(), Make::of(link));
            self.given.remove(&link.name);
            self.look_up(&link.name)?.ok_or(Error::NoAnswer)?.index
        };
        settle(link)?;
        self.links.raise(index)?;
        let link_local = self.link_local(link, mirror);
        let link_local = link_local.filter(|address| fresh || self.lacks(link, address, mirror));
        let before = link_local.clone().and_then(|address| self.given.insert(link.name.clone(), address));
        let own = link.address().map(|(ip, len)| VirtualAddress::new(ip, len, link.name.clone()));
        let present: Vec<_> = link_local.iter().cloned().chain(own).map(Held::Address).collect();
        let absent: Vec<_> = before
            .into_iter()
            .filter(|before| Some(before) != link_local.as_ref())
            .map(Held::Address)
            .collect();
        match self.addresses.apply(&present, &absent, |_| Some(index)).first() {
            None => Ok(()),
            Some((_, errno)) => Err(Error::Refused(netlink::Refusal { errno: *errno, text: None }).into()),
        }
    }

    /// The link-local address of the interface below, as a VMAC has it that needs one: the one that adverts come from, or
    /// that its MAC address gives (keepalived); deprecated, so that nothing else uses it.
    fn link_local(&self, link: &VmacLink, mirror: &Mirror) -> Option<VirtualAddress> {
        let needed = link.family == Family::V6 && link.transmits && matches!(link.kind, VmacKind::Macvlan(_));
        let base = mirror.index_of(&link.base).and_then(|index| mirror.link(index)).filter(|_| needed)?;
        let on_base = |wanted: IpAddr| base.addresses.iter().find(|on_base| on_base.address == wanted);
        let first = || base.primary_address(Family::V6, |address| self.virtual_addresses.contains(&address));
        let any = || base.primary_address(Family::V6, |_| false);
        let source = link.source.filter(|source| on_base(*source).is_some()).or_else(first).or_else(any);
        let (address, prefix_len) = match source.and_then(on_base) {
            Some(there) => (there.address, there.prefix_len),
            None => (made_of(&base.mac)?.into(), 64),
        };
        Some(VirtualAddress {
            preferred_lifetime: Some(0),
            ..VirtualAddress::new(address, prefix_len, link.name.clone())
        })
    }

    /// Whether a VMAC has yet to be given this address in place of what it was given.
    fn lacks(&self, link: &VmacLink, address: &VirtualAddress, mirror: &Mirror) -> bool {
        let own = mirror.index_of(&link.name).and_then(|index| mirror.link(index));
        !own.is_some_and(|own| own.has(address))
            || self.given.get(&link.name).is_some_and(|given| given != address)
    }

    /// An interface, also one that the mirror has not heard of.
    fn look_up(&mut self, name: &str) -> Result<Option<Found>, Error> {
        let mut message = LinkMessage::default();
        message.attributes.push(LinkAttribute::IfName(name.to_owned()));
        let request = Request { flags: 0, message: RouteNetlinkMessage::GetLink(message) };
        match self.conversation.request::<_, Found>(&request) {
            Ok(found) => Ok(found.into_iter().next()),
            Err(Error::Refused(refusal)) if refusal.errno == libc::ENODEV => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn remove(&mut self, name: &str) -> Result<(), VmacError> {
        let Some(found) = self.look_up(name)? else { return Ok(()) };
        let mut message = LinkMessage::default();
        message.header.index = found.index.get();
        let request = Request { flags: 0, message: RouteNetlinkMessage::DelLink(message) };
        self.conversation.request::<_, RouteNetlinkMessage>(&request)?;
        Ok(())
    }
}

/// The link-local address that an Ethernet interface with this MAC address makes itself (RFC 4291 appendix A).
fn made_of(mac: &[u8]) -> Option<Ipv6Addr> {
    let (vendor, device) = mac.split_first_chunk::<3>().filter(|(_, device)| device.len() == 3)?;
    let mut octets = [0xfe, 0x80, 0, 0, 0, 0, 0, 0, vendor[0] ^ 2, vendor[1], vendor[2], 0xff, 0xfe, 0, 0, 0];
    octets[13..].copy_from_slice(device);
    Some(Ipv6Addr::from(octets))
}

/// Whether a macvlan is wanted and one is there under its name that is no such one.
fn is_another_macvlan(there: &Found, wanted: VmacKind, base: IfIndex) -> bool {
    matches!((there.kind, wanted), (Some(VmacKind::Macvlan(there_mac)), VmacKind::Macvlan(mac))
        if there_mac != mac || there.base != Some(base))
}

fn message(link: &VmacLink, base: IfIndex) -> LinkMessage {
    let mut message = LinkMessage::default();
    let mut attributes = vec![LinkAttribute::IfName(link.name.clone()), LinkAttribute::Link(base.get())];
    let (kind, data) = match link.kind {
        VmacKind::Macvlan(mac) => {
            attributes.push(LinkAttribute::Address(mac.to_vec()));
            let mode = InfoMacVlan::Mode(MacVlanMode::Private);
            (InfoKind::MacVlan, InfoData::MacVlan(vec![mode]))
        }
        VmacKind::Ipvlan { mode, .. } => {
            let flags = match mode {
                IpvlanMode::Bridge => IpVlanFlags::empty(),
                IpvlanMode::Private => IpVlanFlags::Private,
                IpvlanMode::Vepa => IpVlanFlags::Vepa,
            };
            let data = vec![InfoIpVlan::Mode(IpVlanMode::L2), InfoIpVlan::Flags(flags)];
            (InfoKind::IpVlan, InfoData::IpVlan(data))
        }
    };
    if link.group != 0 {
        attributes.push(LinkAttribute::Group(link.group));
    }
    attributes.push(LinkAttribute::LinkInfo(vec![LinkInfo::Kind(kind), LinkInfo::Data(data)]));
    message.attributes = attributes;
    message
}

/// Its settings, as keepalived's. An IPv4 one answers ARP for its own addresses only, takes packets from addresses that
/// another interface of this host has, and has no IPv6 unless the instance has IPv6 addresses. No interface makes itself
/// a link-local address: every router with this MAC address would have the same. An ipvlan holds no virtual address and
/// needs none of this.
fn settle(link: &VmacLink) -> Result<(), VmacError> {
    let mut settings = Vec::new();
    if matches!(link.kind, VmacKind::Macvlan(_)) {
        settings.push(("ipv6", "addr_gen_mode", 1));
    }
    match (link.kind, link.family) {
        (VmacKind::Macvlan(_), Family::V4) => settings.extend([
            ("ipv6", "disable_ipv6", i32::from(!link.ipv6)),
            ("ipv4", "arp_ignore", 1),
            ("ipv4", "arp_filter", 0),
            ("ipv4", "rp_filter", 0),
            ("ipv4", "accept_local", 1),
            ("ipv4", "promote_secondaries", 1),
        ]),
        (VmacKind::Ipvlan { .. }, Family::V4) => {}
        (_, Family::V6) => settings.push(("ipv6", "disable_ipv6", 0)),
    }
    for (family, name, value) in settings {
        if sysctl::read(family, &link.name, name).is_ok_and(|now| now == value) {
            continue;
        }
        match sysctl::write(family, &link.name, name, value) {
            Ok(()) => {}
            // A host without IPv6.
            Err(error) if family == "ipv6" && error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(VmacError::Setting(name, error)),
        }
    }
    Ok(())
}
