//! Addresses, routes and rules: what is held in the kernel, made so, and watched.
//!
//! **Installing what is there, and removing what is not, is success**, so that a want can be said again at any time. That
//! somebody else took a route or a rule away is heard from the kernel; an address is seen to be missing in the
//! [`Mirror`](crate::Mirror).

mod address;
mod leftover;
mod notice;
mod route;
mod rule;

use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::{AsFd, BorrowedFd};

use netlink::{Conversation, Heard, Monitor, Outcome, Request};
use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::address::AddressMessage;
use netlink_packet_route::route::RouteMessage;
use netlink_packet_route::rule::RuleMessage;
use vrrp::{Held, IfIndex};

use leftover::{Identity, Shown};
use notice::{Key, Notice};

const NETLINK_ROUTE: isize = libc::NETLINK_ROUTE as isize;
const GROUPS: [u32; 4] = [
    libc::RTNLGRP_IPV4_ROUTE,
    libc::RTNLGRP_IPV6_ROUTE,
    libc::RTNLGRP_IPV4_RULE,
    // Not in libc (linux/rtnetlink.h).
    19,
];

/// What others did to what is held.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Loss {
    /// These routes and rules were removed.
    Of(Vec<Held>),
    /// Notifications were lost: any route and rule may be gone.
    Unknown,
}

/// A conversation with the kernel about what is held.
#[derive(Debug)]
pub struct Holdings {
    conversation: Conversation,
    /// Protocol number of the addresses (`IFA_PROTO`, which kernels before 5.18 pass over).
    mark: Option<u8>,
    /// Only there once a route or rule is held: a host with the whole internet's routes tells of many changes.
    monitor: Option<Monitor>,
    /// Routes and rules that are there, by what the kernel tells when one is removed.
    installed: BTreeMap<Key, Vec<Held>>,
}

impl Holdings {
    /// Opens the conversation. `mark` is the protocol number that addresses get.
    ///
    /// # Errors
    /// The kernel refuses a socket.
    pub fn open(mark: Option<u8>) -> Result<Self, netlink::Error> {
        let conversation = Conversation::open(NETLINK_ROUTE)?;
        Ok(Self { conversation, mark, monitor: None, installed: BTreeMap::new() })
    }

    /// Makes the kernel agree: first the removals, then the rest, each in its order. Returns what failed, with its error
    /// number.
    ///
    /// `index_of` finds an interface by its name.
    pub fn apply(
        &mut self,
        present: &[Held],
        absent: &[Held],
        index_of: impl Fn(&str) -> Option<IfIndex>,
    ) -> Vec<(Held, i32)> {
        let mut failed = Vec::new();
        let mut requests = Vec::new();
        let mut concerned = Vec::new();
        let all = absent.iter().map(|held| (held, false)).chain(present.iter().map(|held| (held, true)));
        for (held, add) in all {
            if !add {
                self.forget(held);
            }
            match self.request(held, add, &index_of) {
                Some(request) => {
                    requests.push(request);
                    concerned.push((held, add));
                }
                // With its interface a thing is gone.
                None if add => failed.push((held.clone(), libc::ENODEV)),
                None => {}
            }
        }
        let report = self.conversation.batch(requests);
        for ((held, add), outcome) in concerned.into_iter().zip(report.outcomes) {
            match failure(held, add, &outcome) {
                Some(errno) => failed.push((held.clone(), errno)),
                None if add => self.remember(held),
                None => {}
            }
        }
        failed
    }

    /// Removes what bears `protocol` and is not among `wanted`: what a daemon that was killed has left. Returns a line
    /// for each thing removed, and one for what failed.
    ///
    /// # Errors
    /// The kernel does not show what it has.
    pub fn sweep(
        &mut self,
        protocol: u8,
        wanted: &[Held],
        index_of: impl Fn(&str) -> Option<IfIndex>,
    ) -> Result<(Vec<String>, Vec<String>), netlink::Error> {
        let wanted: BTreeSet<_> = wanted.iter().filter_map(|held| Identity::of(held, &index_of)).collect();
        let questions = [
            RouteNetlinkMessage::GetRule(RuleMessage::default()),
            RouteNetlinkMessage::GetRoute(RouteMessage::default()),
            RouteNetlinkMessage::GetAddress(AddressMessage::default()),
        ];
        let (mut removed, mut failed) = (Vec::new(), Vec::new());
        for message in questions {
            let shown: Vec<Shown> = self.conversation.dump(&Request { flags: 0, message })?;
            let stale = |one: &Shown| {
                one.protocol == protocol && one.identity.is_some_and(|identity| !wanted.contains(&identity))
            };
            let (names, requests): (Vec<_>, Vec<_>) = shown
                .into_iter()
                .filter(stale)
                .map(|one| {
                    let name = one.identity.map(|identity| identity.to_string()).unwrap_or_default();
                    (name, Request { flags: 0, message: one.removal() })
                })
                .unzip();
            for (name, outcome) in names.into_iter().zip(self.conversation.batch(requests).outcomes) {
                match outcome {
                    Outcome::Done => removed.push(name),
                    // A route goes with the address that it stands on.
                    Outcome::Refused(refusal) if [libc::ESRCH, libc::ENOENT].contains(&refusal.errno) => {}
                    other => failed.push(format!("{name}: {other:?}")),
                }
            }
        }
        Ok((removed, failed))
    }

    /// Whether routes or rules have been held, so that the descriptor is to be watched from now on.
    pub const fn is_watching(&self) -> bool {
        self.monitor.is_some()
    }

    /// What others removed since the last call.
    pub fn losses(&mut self) -> Option<Loss> {
        let own = self.conversation.port();
        let monitor = self.monitor.as_mut()?;
        let mut lost = Vec::new();
        loop {
            match monitor.read::<Notice>() {
                Ok(Heard::Nothing) => break,
                Ok(Heard::Messages(notices)) => {
                    for notice in notices.into_iter().filter(|notice| notice.by != own) {
                        lost.extend(
                            notice.gone.and_then(|key| self.installed.remove(&key)).into_iter().flatten(),
                        );
                    }
                }
                Ok(Heard::Overrun) | Err(_) => return Some(Loss::Unknown),
            }
        }
        (!lost.is_empty()).then_some(Loss::Of(lost))
    }

    fn request(
        &self,
        held: &Held,
        add: bool,
        index_of: &impl Fn(&str) -> Option<IfIndex>,
    ) -> Option<Request<RouteNetlinkMessage>> {
        let (message, flags) = match held {
            Held::Address(address) => {
                let message = address::message(address, index_of(&address.interface)?, add, self.mark);
                let message = if add {
                    RouteNetlinkMessage::NewAddress(message)
                } else {
                    RouteNetlinkMessage::DelAddress(message)
                };
                (message, NLM_F_CREATE | NLM_F_EXCL)
            }
            Held::Route(route) => {
                let message = route::message(route, index_of)?;
                let message = if add {
                    RouteNetlinkMessage::NewRoute(message)
                } else {
                    RouteNetlinkMessage::DelRoute(message)
                };
                (message, route::flags(route.create))
            }
            Held::Rule(rule) => {
                let message = rule::message(rule);
                let message = if add {
                    RouteNetlinkMessage::NewRule(message)
                } else {
                    RouteNetlinkMessage::DelRule(message)
                };
                (message, NLM_F_CREATE | NLM_F_EXCL)
            }
        };
        Some(Request { flags: if add { flags } else { 0 }, message })
    }

    fn remember(&mut self, held: &Held) {
        let Some(key) = Key::of(held).filter(|_| held.is_tracked()) else { return };
        if self.monitor.is_none() {
            // Without one, nothing is put back.
            self.monitor = Monitor::open(NETLINK_ROUTE, &GROUPS).ok();
        }
        let same = self.installed.entry(key).or_default();
        if !same.contains(held) {
            same.push(held.clone());
        }
    }

    fn forget(&mut self, held: &Held) {
        if let Some(key) = Key::of(held)
            && let Some(same) = self.installed.get_mut(&key)
        {
            same.retain(|one| one != held);
            if same.is_empty() {
                self.installed.remove(&key);
            }
        }
    }
}

impl Holdings {
    /// The descriptor that is readable when the kernel has told something; none before [`Holdings::is_watching`].
    pub fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.monitor.as_ref().map(AsFd::as_fd)
    }
}

fn failure(held: &Held, add: bool, outcome: &Outcome) -> Option<i32> {
    match outcome {
        Outcome::Done => None,
        Outcome::Refused(refusal) => {
            let agreed = if add {
                refusal.errno == libc::EEXIST
            } else {
                // The kernel says no address, no route, no rule, no interface and no table in different words.
                let gone = [libc::EADDRNOTAVAIL, libc::ESRCH, libc::ENOENT, libc::ENODEV, libc::EAFNOSUPPORT];
                // A route or rule that the kernel can never have had is not there.
                let impossible = [libc::EINVAL, libc::EOPNOTSUPP];
                gone.contains(&refusal.errno)
                    || held.as_address().is_none() && impossible.contains(&refusal.errno)
            };
            (!agreed).then_some(refusal.errno)
        }
        Outcome::Unknown => Some(libc::ENOBUFS),
        Outcome::NotSent => Some(libc::EAGAIN),
    }
}

#[cfg(test)]
mod tests {
    use netlink::Refusal;
    use vrrp::{Family, RuleAction, RuleSpec, VirtualAddress};

    use super::*;

    fn address() -> Held {
        VirtualAddress::new("10.0.0.1".parse().unwrap(), 24, "eth0").into()
    }

    fn refused(errno: i32) -> Outcome {
        Outcome::Refused(Refusal { errno, text: None })
    }

    #[test]
    fn what_is_so_already_is_no_failure() {
        assert_eq!(failure(&address(), true, &refused(libc::EEXIST)), None);
        for errno in [libc::EADDRNOTAVAIL, libc::ESRCH, libc::ENOENT, libc::ENODEV] {
            assert_eq!(failure(&address(), false, &refused(errno)), None);
        }
    }

    #[test]
    fn what_is_the_other_way_round_is_a_failure() {
        assert_eq!(failure(&address(), true, &refused(libc::ENODEV)), Some(libc::ENODEV));
        assert_eq!(failure(&address(), false, &refused(libc::EPERM)), Some(libc::EPERM));
    }

    #[test]
    fn a_rule_that_the_kernel_cannot_have_is_gone() {
        let rule = RuleSpec::new(Family::V4, RuleAction::Vrf, 1).into();
        assert_eq!(failure(&rule, false, &refused(libc::EOPNOTSUPP)), None);
        assert_eq!(failure(&rule, true, &refused(libc::EOPNOTSUPP)), Some(libc::EOPNOTSUPP));
        assert_eq!(failure(&address(), false, &refused(libc::EINVAL)), Some(libc::EINVAL));
    }

    #[test]
    fn an_answer_that_was_lost_is_a_failure_so_that_it_is_tried_again() {
        assert_eq!(failure(&address(), true, &Outcome::Unknown), Some(libc::ENOBUFS));
    }
}
