//! `virtual_server_group`: addresses and firewall marks that are served as one.
//!
//! **A range becomes one service for each of its addresses**, as in keepalived without `nftables_ipvs`; how many one
//! group may have is bounded.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipvs::{Family, Protocol, ServiceKey};

use super::{Lowering, Services};
use crate::diagnostic::{Code, Diagnostic, Effect};
use crate::lex::Word;
use crate::model::{GroupEntry, ServerGroupSpec};
use crate::parse::Node;
use crate::resolve::Entry;

/// Most services that one group may make.
const MAX_SERVICES: u128 = 65_536;

/// A group that has entries.
#[derive(Clone, Debug)]
pub struct ServerGroup(ServerGroupSpec);

/// Addresses from `first` to `last`, as numbers.
#[derive(Clone, Copy, Debug)]
struct Range {
    family: Family,
    first: u128,
    last: u128,
}

impl Range {
    /// That of an entry; `None` for a mark.
    fn of(entry: &GroupEntry) -> Option<Self> {
        match entry {
            GroupEntry::Addresses { first, last, .. } => {
                Some(Self { family: Family::of(*first), first: to_number(*first), last: to_number(*last) })
            }
            GroupEntry::Mark { .. } => None,
        }
    }

    const fn len(&self) -> u128 {
        (self.last - self.first).saturating_add(1)
    }

    fn addresses(self) -> impl Iterator<Item = IpAddr> {
        (self.first..=self.last).map(move |number| to_address(self.family, number))
    }
}

impl ServerGroup {
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The family of its addresses, or of its marks; the first that says so.
    pub fn family(&self) -> Option<Family> {
        let marks = || self.marks().find_map(|(_, family)| family);
        self.ranges().next().map(|range| range.family).or_else(marks)
    }

    fn ranges(&self) -> impl Iterator<Item = Range> {
        self.0.entries.iter().filter_map(Range::of)
    }

    fn marks(&self) -> impl Iterator<Item = (u32, Option<Family>)> {
        self.0.entries.iter().filter_map(|entry| match entry {
            GroupEntry::Mark { mark, family } => Some((*mark, *family)),
            GroupEntry::Addresses { .. } => None,
        })
    }

    /// Whether it has firewall marks.
    pub fn has_marks(&self) -> bool {
        self.marks().next().is_some()
    }

    /// Whether it has addresses.
    pub fn has_addresses(&self) -> bool {
        self.ranges().next().is_some()
    }

    /// The ports of its addresses, in order, each once.
    pub fn ports(&self) -> Vec<u16> {
        let ports = self.0.entries.iter().filter_map(|entry| match entry {
            GroupEntry::Addresses { port, .. } => Some(*port),
            GroupEntry::Mark { .. } => None,
        });
        Vec::from_iter(ports.collect::<BTreeSet<_>>())
    }

    /// Its services, none twice: first those of addresses.
    pub fn services(&self, protocol: Protocol, default_family: Family) -> Services {
        let mut services = Services::new();
        for entry in &self.0.entries {
            if let (GroupEntry::Addresses { port, .. }, Some(range)) = (entry, Range::of(entry)) {
                let key = |address| ServiceKey::Address { protocol, address, port: *port };
                services.extend(range.addresses().map(key));
            }
        }
        services.extend(
            self.marks()
                .map(|(mark, family)| ServiceKey::Fwmark { mark, family: family.unwrap_or(default_family) }),
        );
        let mut seen = BTreeSet::new();
        services.retain(|service| seen.insert(*service));
        services
    }
}

impl Lowering<'_> {
    /// All groups: a virtual server may stand before its group.
    pub(super) fn groups_of_servers(&mut self, entries: &[Entry<'_>]) {
        for entry in entries.iter().filter(|entry| entry.name() == "virtual_server_group") {
            let name = entry.text().to_owned();
            let entries = entry.lines().iter().filter_map(|node| self.group_line(node)).collect();
            let group = ServerGroup(ServerGroupSpec { name, entries });
            let families: BTreeSet<_> = group.ranges().map(|range| range.family).collect();
            let total = group.ranges().fold(0_u128, |sum, range| sum.saturating_add(range.len()));
            let problem = if group.0.entries.is_empty() {
                Some((
                    "the group has no usable entry".to_owned(),
                    "list addresses, ranges or `fwmark NUMBER`",
                ))
            } else if families.len() > 1 && group.marks().any(|(_, family)| family.is_none()) {
                let hint = "write the family after the mark: `fwmark NUMBER inet`";
                Some(("IPv4 and IPv6 addresses, and a mark without family".to_owned(), hint))
            } else if total > MAX_SERVICES {
                let message =
                    format!("the group has {total} addresses, more than the {MAX_SERVICES} that are served");
                Some((message, "use a firewall mark for so many addresses"))
            } else {
                None
            };
            if let Some((message, hint)) = problem {
                let diagnostic = Diagnostic::warning(Code::MissingSetting, entry.span(), message)
                    .label("the group is ignored, and virtual servers that use it")
                    .hint(hint);
                self.report(diagnostic);
            } else if !self.server_groups.contains_key(group.name()) {
                self.model.server_groups.push(group.0.clone());
                self.server_groups.insert(group.name().to_owned(), group);
            }
        }
    }

    fn group_line(&mut self, node: &Node<'_>) -> Option<GroupEntry> {
        let first = node.words.first()?;
        if first.text == "fwmark" {
            let Some(mark) = node.words.get(1) else {
                let diagnostic = Diagnostic::error(
                    Code::MissingParameter,
                    Effect::Fatal,
                    first.span,
                    "`fwmark` needs a number",
                )
                .label("the daemon does not start without it");
                self.report(diagnostic);
                return None;
            };
            let mark = self.mark(mark)?;
            let family = match node.words.get(2).map(|word| (word, word.text.as_str())) {
                None => None,
                Some((_, "inet")) => Some(Family::V4),
                Some((_, "inet6")) => Some(Family::V6),
                Some((word, _)) => {
                    self.unknown_option(word, "fwmark", &["inet", "inet6"]);
                    return None;
                }
            };
            return Some(GroupEntry::Mark { mark, family });
        }
        let range = self.address_range(first)?;
        let port = match node.words.get(1) {
            None => 0,
            Some(word) if word.text == "0" => 0,
            Some(word) => self.port(word)?,
        };
        let [first, last] = [range.first, range.last].map(|number| to_address(range.family, number));
        Some(GroupEntry::Addresses { first, last, port })
    }

    /// A firewall mark. keepalived takes 0, which marks nothing.
    pub(super) fn mark(&mut self, word: &Word) -> Option<u32> {
        let number = self.bounded(word, "fwmark", 0, i64::from(u32::MAX))?;
        if number == 0 {
            let diagnostic =
                Diagnostic::warning(Code::OutOfRange, word.span, "packets without mark have the mark 0")
                    .label("ignored")
                    .hint("use a mark from 1 up");
            self.report(diagnostic);
            return None;
        }
        u32::try_from(number).ok()
    }

    fn address_range(&mut self, word: &Word) -> Option<Range> {
        match parse_range(&word.text) {
            Ok(range) => Some(range),
            Err(why) => {
                let message = format!("`{}` {why}", word.text);
                let diagnostic = Diagnostic::warning(Code::BadValue, word.span, message)
                    .label("the line is ignored")
                    .hint("write `192.0.2.1`, `192.0.2.0/28` or `192.0.2.1-14`, then the port");
                self.report(diagnostic);
                None
            }
        }
    }
}

fn to_number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits(),
    }
}

fn to_address(family: Family, number: u128) -> IpAddr {
    match family {
        Family::V4 => IpAddr::V4(Ipv4Addr::from_bits(u32::try_from(number).unwrap_or(u32::MAX))),
        Family::V6 => IpAddr::V6(Ipv6Addr::from_bits(number)),
    }
}

/// `ADDRESS`, `ADDRESS/LENGTH`, `ADDRESS-LAST` (the last octet, or the last group), `ADDRESS-ADDRESS`.
fn parse_range(text: &str) -> Result<Range, &'static str> {
    let single = |address: IpAddr| {
        let number = to_number(address);
        Range { family: Family::of(address), first: number, last: number }
    };
    if let Some((address, length)) = text.split_once('/') {
        let range = single(address.parse().map_err(|_| "is not an address")?);
        let most = if range.family == Family::V4 { 32 } else { 128 };
        let length: u32 =
            length.parse().ok().filter(|length| *length <= most).ok_or("has no valid prefix length")?;
        let host_bits = 1_u128.checked_shl(most - length).map_or(u128::MAX, |size| size - 1);
        return if range.first & host_bits == 0 {
            Ok(Range { last: range.first | host_bits, ..range })
        } else {
            Err("has bits set beyond its prefix")
        };
    }
    let Some((first, last)) = text.split_once('-') else {
        return Ok(single(text.parse().map_err(|_| "is not an address")?));
    };
    let range = single(first.parse().map_err(|_| "does not start with an address")?);
    let last = match (last.parse::<IpAddr>(), range.family) {
        (Ok(last), family) if Family::of(last) == family => to_number(last),
        (Ok(_), _) => return Err("has two families"),
        (Err(_), Family::V4) => {
            let octet: u8 = last.parse().map_err(|_| "does not end with an octet or an address")?;
            range.first & !0xff | u128::from(octet)
        }
        (Err(_), Family::V6) => {
            let group =
                u16::from_str_radix(last, 16).map_err(|_| "does not end with a group or an address")?;
            range.first & !0xffff | u128::from(group)
        }
    };
    if last > range.first { Ok(Range { last, ..range }) } else { Err("ends before it starts") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Result<(String, String), &'static str> {
        let range = parse_range(text)?;
        let address = |number| to_address(range.family, number).to_string();
        Ok((address(range.first), address(range.last)))
    }

    #[test]
    fn ranges_are_read_in_all_their_forms() {
        for (text, first, last) in [
            ("10.0.0.1", "10.0.0.1", "10.0.0.1"),
            ("10.0.0.1-5", "10.0.0.1", "10.0.0.5"),
            ("10.0.0.1-10.0.1.5", "10.0.0.1", "10.0.1.5"),
            ("10.0.0.16/30", "10.0.0.16", "10.0.0.19"),
            ("0.0.0.0/0", "0.0.0.0", "255.255.255.255"),
            ("2001:db8::1-ff", "2001:db8::1", "2001:db8::ff"),
            ("2001:db8::/126", "2001:db8::", "2001:db8::3"),
        ] {
            assert_eq!(shown(text), Ok((first.to_owned(), last.to_owned())), "{text}");
        }
    }

    #[test]
    fn ranges_that_keepalived_refuses_are_refused() {
        for text in [
            "10.0.0.5-1",
            "10.0.0.1-1",
            "10.0.0.1-300",
            "10.0.0.1-",
            "10.0.0.1/24",
            "10.0.0.0/33",
            "foo",
            "2001:db8::1-fffff",
            "10.0.0.1-2001:db8::1",
        ] {
            assert!(shown(text).is_err(), "{text}");
        }
    }
}
