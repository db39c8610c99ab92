//! VMACs and ipvlans: made, found again, repaired and removed.
//!
//! **Level, not edge**: [`Vmacs::apply`] makes what is wanted and is not there, and removes what it made and is not wanted
//! any longer. What was there before it came is used and left.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use netlink::{Conversation, Error, Request};
use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{
    InfoData, InfoIpVlan, InfoKind, InfoMacVlan, IpVlanFlags, IpVlanMode, LinkAttribute, LinkInfo,
    LinkMessage, MacVlanMode,
};
use vrrp::{ExistingVmac, Family, Held, IfIndex, IpvlanMode, VirtualAddress, VmacKind, VmacLink};

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
    /// Names of those that this process made.
    made: BTreeSet<String>,
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
            made: BTreeSet::new(),
        })
    }

    /// The private macvlans and the ipvlans that are there.
    ///
    /// # Errors
    /// The kernel does not answer.
    pub fn existing(&mut self) -> Result<Vec<ExistingVmac>, Error> {
        let get = RouteNetlinkMessage::GetLink(LinkMessage::default());
        let found: Vec<Found> = self.conversation.dump(&Request { flags: 0, message: get })?;
        let names: BTreeMap<_, _> = found.iter().map(|link| (link.index, link.name.clone())).collect();
        let existing = found.into_iter().filter_map(|link| {
            let base = names.get(&link.base?)?.clone();
            Some(ExistingVmac { name: link.name, base, kind: link.kind? })
        });
        Ok(existing.collect())
    }

    /// Makes these, and no others. Returns what failed.
    pub fn apply(&mut self, wanted: Vec<VmacLink>, mirror: &Mirror) -> Vec<(String, VmacError)> {
        let mut failed = Vec::new();
        for name in std::mem::take(&mut self.made) {
            // One that changed is made anew.
            let before = self.wanted.iter().find(|link| link.name == name);
            let is_same = |link: &VmacLink| {
                before.is_some_and(|before| {
                    (&link.name, &link.base, link.kind, link.group)
                        == (&before.name, &before.base, before.kind, before.group)
                })
            };
            if wanted.iter().any(is_same) {
                self.made.insert(name);
            } else if let Err(error) = self.remove(&name) {
                failed.push((name, error));
            }
        }
        self.wanted = wanted;
        failed.extend(self.repair(mirror));
        failed
    }

    /// Takes those that were there as made by this process: after a crash, its predecessor made them.
    pub fn adopt(&mut self) {
        self.made.extend(self.wanted.iter().map(|link| link.name.clone()));
    }

    /// The interfaces that are made or used now.
    pub fn wanted(&self) -> &[VmacLink] {
        &self.wanted
    }

    /// The addresses that they need for themselves, whether they have them or not.
    pub fn addresses(&self, mirror: &Mirror) -> Vec<Held> {
        let own =
            |link: &VmacLink| link.address().map(|(ip, len)| VirtualAddress::new(ip, len, link.name.clone()));
        let all = self.wanted.iter().flat_map(|link| link_locals_below(link, mirror).chain(own(link)));
        all.map(Held::Address).collect()
    }

    /// Whether [`Vmacs::repair`] would find something to do.
    pub fn is_broken(&self, mirror: &Mirror) -> bool {
        self.wanted.iter().any(|link| {
            let missing = mirror.index_of(&link.name).is_none() && mirror.index_of(&link.base).is_some();
            missing || link_locals(link, mirror).next().is_some()
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
        self.apply(Vec::new(), mirror)
    }

    fn make(&mut self, link: &VmacLink, mirror: &Mirror) -> Result<(), VmacError> {
        let base = mirror.index_of(&link.base).ok_or_else(|| VmacError::NoBase(link.base.clone()))?;
        let index = if let Some(index) = self.index_of(&link.name)? {
            index
        } else {
            let message = RouteNetlinkMessage::NewLink(message(link, base));
            let request = Request { flags: NLM_F_CREATE | NLM_F_EXCL, message };
            self.conversation.request::<_, RouteNetlinkMessage>(&request)?;
            self.made.insert(link.name.clone());
            self.index_of(&link.name)?.ok_or(Error::NoAnswer)?
        };
        settle(link)?;
        self.links.raise(index)?;
        let mut addresses: Vec<_> = link_locals(link, mirror).map(Held::Address).collect();
        if let Some((address, prefix_len)) = link.address() {
            addresses.push(VirtualAddress::new(address, prefix_len, link.name.clone()).into());
        }
        match self.addresses.apply(&addresses, &[], |_| Some(index)).first() {
            None => Ok(()),
            Some((_, errno)) => Err(Error::Refused(netlink::Refusal { errno: *errno, text: None }).into()),
        }
    }

    /// Its number, also of an interface that the mirror has not heard of.
    fn index_of(&mut self, name: &str) -> Result<Option<IfIndex>, Error> {
        let mut message = LinkMessage::default();
        message.attributes.push(LinkAttribute::IfName(name.to_owned()));
        let request = Request { flags: 0, message: RouteNetlinkMessage::GetLink(message) };
        match self.conversation.request::<_, Found>(&request) {
            Ok(found) => Ok(found.first().map(|link| link.index)),
            Err(Error::Refused(refusal)) if refusal.errno == libc::ENODEV => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn remove(&mut self, name: &str) -> Result<(), VmacError> {
        let Some(index) = self.index_of(name)? else { return Ok(()) };
        let mut message = LinkMessage::default();
        message.header.index = index.get();
        let request = Request { flags: 0, message: RouteNetlinkMessage::DelLink(message) };
        self.conversation.request::<_, RouteNetlinkMessage>(&request)?;
        Ok(())
    }
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

/// The link-local address of the interface below that a VMAC needs, to send adverts from it, and has not.
fn link_locals<'a>(link: &'a VmacLink, mirror: &'a Mirror) -> impl Iterator<Item = VirtualAddress> + 'a {
    let own = mirror.index_of(&link.name).and_then(|index| mirror.link(index));
    link_locals_below(link, mirror).filter(move |address| !own.is_some_and(|own| own.has(address))).take(1)
}

/// The link-local addresses of the interface below, as a VMAC has them that needs one: deprecated, so that nothing else
/// uses them.
fn link_locals_below<'a>(
    link: &'a VmacLink,
    mirror: &'a Mirror,
) -> impl Iterator<Item = VirtualAddress> + 'a {
    let needed = link.family == Family::V6 && link.transmits && matches!(link.kind, VmacKind::Macvlan(_));
    let base = mirror.index_of(&link.base).and_then(|index| mirror.link(index)).filter(|_| needed);
    base.into_iter()
        .flat_map(|base| &base.addresses)
        .filter(|address| address.usable)
        .filter(|address| matches!(address.address, IpAddr::V6(v6) if v6.is_unicast_link_local()))
        .map(|address| VirtualAddress {
            preferred_lifetime: Some(0),
            ..VirtualAddress::new(address.address, address.prefix_len, link.name.clone())
        })
}
