//! Adds and removes addresses.

use std::net::IpAddr;

use netlink::{Conversation, Outcome, Request};
use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::address::{
    AddressAttribute, AddressFlags, AddressHeader, AddressHeaderFlags, AddressMessage, AddressScope,
    CacheInfo,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use vrrp::{IfIndex, VirtualAddress};

const FOREVER: u32 = u32::MAX;

/// A conversation with the kernel about addresses.
#[derive(Debug)]
pub struct Addresses {
    conversation: Conversation,
}

impl Addresses {
    /// Opens the conversation.
    ///
    /// # Errors
    /// The kernel refuses a socket.
    pub fn open() -> Result<Self, netlink::Error> {
        Conversation::open(libc::NETLINK_ROUTE as isize).map(|conversation| Self { conversation })
    }

    /// Makes the kernel agree: removals first, so that an address can move. Returns what failed, with its error number.
    /// **That an address is there already, or gone already, is success.**
    ///
    /// `index_of` finds an interface by its name.
    pub fn apply(
        &mut self,
        present: &[VirtualAddress],
        absent: &[VirtualAddress],
        index_of: impl Fn(&str) -> Option<IfIndex>,
    ) -> Vec<(VirtualAddress, i32)> {
        let mut failed = Vec::new();
        let mut requests = Vec::new();
        let mut concerned = Vec::new();
        let all = absent
            .iter()
            .map(|address| (address, false))
            .chain(present.iter().map(|address| (address, true)));
        for (address, add) in all {
            match index_of(&address.interface) {
                Some(index) => {
                    requests.push(request(address, index, add));
                    concerned.push((address, add));
                }
                // With its interface an address is gone.
                None if add => failed.push((address.clone(), libc::ENODEV)),
                None => {}
            }
        }
        let report = self.conversation.batch(requests);
        for ((address, add), outcome) in concerned.into_iter().zip(report.outcomes) {
            if let Some(errno) = failure(add, &outcome) {
                failed.push((address.clone(), errno));
            }
        }
        failed
    }
}

fn failure(add: bool, outcome: &Outcome) -> Option<i32> {
    match outcome {
        Outcome::Done => None,
        Outcome::Refused(refusal) => {
            let agreed = if add {
                refusal.errno == libc::EEXIST
            } else {
                matches!(refusal.errno, libc::EADDRNOTAVAIL | libc::ENODEV)
            };
            (!agreed).then_some(refusal.errno)
        }
        Outcome::Unknown => Some(libc::ENOBUFS),
        Outcome::NotSent => Some(libc::EAGAIN),
    }
}

fn request(address: &VirtualAddress, index: IfIndex, add: bool) -> Request<RouteNetlinkMessage> {
    let mut message = AddressMessage::default();
    message.header = AddressHeader {
        family: match address.address {
            IpAddr::V4(_) => AddressFamily::Inet,
            IpAddr::V6(_) => AddressFamily::Inet6,
        },
        prefix_len: address.prefix_len,
        flags: AddressHeaderFlags::empty(),
        scope: AddressScope::from(address.scope),
        index: index.get(),
    };
    message.attributes.push(AddressAttribute::Local(address.address));
    message.attributes.push(AddressAttribute::Address(address.address));
    if !add {
        return Request { flags: 0, message: RouteNetlinkMessage::DelAddress(message) };
    }
    if let Some(broadcast) = address.broadcast {
        message.attributes.push(AddressAttribute::Broadcast(broadcast));
    }
    if let Some(label) = &address.label {
        message.attributes.push(AddressAttribute::Label(label.clone()));
    }
    if address.address.is_ipv6() {
        // As keepalived: no duplicate address detection, whose delay a takeover cannot afford; and a /128 is deprecated,
        // so that the host does not choose it as a source.
        message.attributes.push(AddressAttribute::Flags(AddressFlags::Nodad));
        if address.prefix_len == 128 {
            let mut lifetimes = CacheInfo::default();
            lifetimes.ifa_preferred = 0;
            lifetimes.ifa_valid = FOREVER;
            message.attributes.push(AddressAttribute::CacheInfo(lifetimes));
        }
    }
    Request { flags: NLM_F_CREATE | NLM_F_EXCL, message: RouteNetlinkMessage::NewAddress(message) }
}

#[cfg(test)]
mod tests {
    use netlink::Refusal;

    use super::*;

    fn refused(errno: i32) -> Outcome {
        Outcome::Refused(Refusal { errno, text: None })
    }

    #[test]
    fn what_is_so_already_is_no_failure() {
        assert_eq!(failure(true, &refused(libc::EEXIST)), None);
        assert_eq!(failure(false, &refused(libc::EADDRNOTAVAIL)), None);
        assert_eq!(failure(false, &refused(libc::ENODEV)), None);
    }

    #[test]
    fn what_is_the_other_way_round_is_a_failure() {
        assert_eq!(failure(true, &refused(libc::ENODEV)), Some(libc::ENODEV));
        assert_eq!(failure(false, &refused(libc::EPERM)), Some(libc::EPERM));
    }

    #[test]
    fn an_answer_that_was_lost_is_a_failure_so_that_it_is_tried_again() {
        assert_eq!(failure(true, &Outcome::Unknown), Some(libc::ENOBUFS));
    }
}
