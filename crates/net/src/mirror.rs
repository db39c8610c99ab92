//! The kernel's interfaces and their addresses, kept up to date.
//!
//! **What was lost is read anew**: after an overrun, or a message that makes no sense, everything is dumped and told as
//! one [`Change::All`]. The monitor is opened before the first dump, so that nothing falls between the two.

mod message;
mod survey;

use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::{AsFd, BorrowedFd};

use netlink::{Conversation, Heard, Monitor, Request};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::address::AddressMessage;
use netlink_packet_route::link::LinkMessage;
use vrrp::{IfIndex, LinkAddress, LinkView};

use message::{Link, Message};
pub use survey::{LinkFacts, survey};

const NETLINK_ROUTE: isize = libc::NETLINK_ROUTE as isize;
const GROUPS: [u32; 3] = [libc::RTNLGRP_LINK, libc::RTNLGRP_IPV4_IFADDR, libc::RTNLGRP_IPV6_IFADDR];

/// What the mirror has to tell.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Change {
    /// An interface as it is now.
    Link(LinkView),
    /// An interface is gone.
    Gone(IfIndex),
    /// An interface was down for a moment. Its views do not show that, but what the kernel takes away in silence with an
    /// interface, IPv4 routes above all, is gone.
    Flapped,
    /// Everything as it is now.
    All(Vec<LinkView>),
}

/// The mirror.
#[derive(Debug)]
pub struct Mirror {
    monitor: Monitor,
    conversation: Conversation,
    links: BTreeMap<IfIndex, LinkView>,
}

impl Mirror {
    /// Starts to listen and reads everything.
    ///
    /// # Errors
    /// The kernel refuses a socket or an answer.
    pub fn open() -> Result<Self, netlink::Error> {
        let monitor = Monitor::open(NETLINK_ROUTE, &GROUPS)?;
        let conversation = Conversation::open(NETLINK_ROUTE)?;
        let mut mirror = Self { monitor, conversation, links: BTreeMap::new() };
        mirror.read_all()?;
        Ok(mirror)
    }

    /// All interfaces as last heard of.
    pub fn views(&self) -> Vec<LinkView> {
        self.links.values().cloned().collect()
    }

    /// The interface with this number.
    pub fn link(&self, index: IfIndex) -> Option<&LinkView> {
        self.links.get(&index)
    }

    /// The number of the interface of this name.
    pub fn index_of(&self, name: &str) -> Option<IfIndex> {
        self.links.values().find(|link| link.name == name).map(|link| link.index)
    }

    /// Takes in what the kernel has told since the last call. Of several messages about one interface only the
    /// outcome is told.
    ///
    /// # Errors
    /// The kernel could not be read, and neither could everything anew; to be tried again later.
    pub fn read(&mut self) -> Result<Vec<Change>, netlink::Error> {
        let mut touched = BTreeSet::new();
        let mut dropped = BTreeSet::new();
        loop {
            match self.monitor.read::<Message>() {
                Ok(Heard::Nothing) => break,
                Ok(Heard::Messages(messages)) => {
                    for message in messages {
                        if let Message::Link(link) = &message
                            && !link.up
                            && self.links.get(&link.index).is_some_and(|before| before.up)
                        {
                            dropped.insert(link.index);
                        }
                        touched.extend(apply(&mut self.links, message));
                    }
                }
                Ok(Heard::Overrun) | Err(_) => {
                    self.read_all()?;
                    return Ok(vec![Change::All(self.views())]);
                }
            }
        }
        let change = |index| self.links.get(&index).cloned().map_or(Change::Gone(index), Change::Link);
        let flapped = dropped.iter().any(|index| self.links.get(index).is_some_and(|link| link.up));
        Ok(touched.into_iter().map(change).chain(flapped.then_some(Change::Flapped)).collect())
    }

    fn read_all(&mut self) -> Result<(), netlink::Error> {
        let get_links = RouteNetlinkMessage::GetLink(LinkMessage::default());
        let get_addresses = RouteNetlinkMessage::GetAddress(AddressMessage::default());
        let mut links = BTreeMap::new();
        for get in [get_links, get_addresses] {
            for message in self.conversation.dump(&Request { flags: 0, message: get })? {
                apply(&mut links, message);
            }
        }
        self.links = links;
        Ok(())
    }
}

impl AsFd for Mirror {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.monitor.as_fd()
    }
}

/// Returns the interface that the message is about, if it says something new.
fn apply(links: &mut BTreeMap<IfIndex, LinkView>, message: Message) -> Option<IfIndex> {
    match message {
        Message::Link(link) => {
            let (index, before) = (link.index, links.get(&link.index));
            let view = view(link, before.map(|before| before.addresses.clone()).unwrap_or_default());
            if before == Some(&view) {
                return None;
            }
            links.insert(index, view);
            Some(index)
        }
        Message::LinkGone(index) => links.remove(&index).map(|gone| gone.index),
        Message::Address(index, address) => {
            let addresses = &mut links.get_mut(&index)?.addresses;
            match addresses.iter_mut().find(|known| is_same(known, &address)) {
                Some(known) if *known == address => return None,
                Some(known) => *known = address,
                None => addresses.push(address),
            }
            Some(index)
        }
        Message::AddressGone(index, address) => {
            let addresses = &mut links.get_mut(&index)?.addresses;
            let before = addresses.len();
            addresses.retain(|known| !is_same(known, &address));
            (addresses.len() != before).then_some(index)
        }
        Message::Other => None,
    }
}

fn view(link: Link, addresses: Vec<LinkAddress>) -> LinkView {
    let Link { index, name, up, arp, mac } = link;
    LinkView { index, name, up, arp, mac, addresses }
}

fn is_same(one: &LinkAddress, other: &LinkAddress) -> bool {
    (one.address, one.prefix_len) == (other.address, other.prefix_len)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn index(number: u32) -> IfIndex {
        IfIndex::new(number).unwrap()
    }

    fn link(number: u32, up: bool) -> Message {
        Message::Link(Link { index: index(number), name: format!("eth{number}"), up, arp: true, mac: vec![] })
    }

    fn address(last: u8, usable: bool) -> LinkAddress {
        LinkAddress { address: Ipv4Addr::new(10, 0, 0, last).into(), prefix_len: 24, usable }
    }

    #[test]
    fn news_of_a_link_leaves_its_addresses_alone() {
        let mut links = BTreeMap::new();
        apply(&mut links, link(2, false));
        apply(&mut links, Message::Address(index(2), address(1, true)));
        assert_eq!(apply(&mut links, link(2, true)), Some(index(2)));
        assert_eq!(links[&index(2)].addresses, [address(1, true)]);
    }

    #[test]
    fn what_says_nothing_new_is_no_change() {
        let mut links = BTreeMap::new();
        apply(&mut links, link(2, true));
        apply(&mut links, Message::Address(index(2), address(1, true)));
        assert_eq!(apply(&mut links, link(2, true)), None);
        assert_eq!(apply(&mut links, Message::Address(index(2), address(1, true))), None);
        assert_eq!(apply(&mut links, Message::AddressGone(index(2), address(9, true))), None);
        assert_eq!(apply(&mut links, Message::LinkGone(index(3))), None);
    }

    #[test]
    fn an_address_that_becomes_usable_is_the_same_address() {
        let mut links = BTreeMap::new();
        apply(&mut links, link(2, true));
        apply(&mut links, Message::Address(index(2), address(1, false)));
        assert_eq!(apply(&mut links, Message::Address(index(2), address(1, true))), Some(index(2)));
        assert_eq!(links[&index(2)].addresses, [address(1, true)]);
    }

    #[test]
    fn an_address_of_an_interface_that_is_gone_is_ignored() {
        let mut links = BTreeMap::new();
        assert_eq!(apply(&mut links, Message::Address(index(2), address(1, true))), None);
        assert!(links.is_empty());
    }
}
