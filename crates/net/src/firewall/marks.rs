//! `nftables_ipvs`: packets to the addresses of a virtual server group get a firewall mark, by which IPVS knows them.
//!
//! Tables, maps and rules are those of keepalived 2.2.7, so that `nft list ruleset` shows the same, but for this: where a
//! group has an address without port, its element stands for every port that no other element names. (keepalived's is of
//! port 0, to which no packet goes.) **A change is one transaction**, in which a table that is there is replaced: no packet
//! meets half of it, and what a crash left behind is gone.

use std::collections::BTreeMap;
use std::net::IpAddr;

use netlink::{Conversation, Error, Request};

use super::message::{Attributes, Message, Verb, begin, end, request, value};

/// Elements in one message.
const MOST_ELEMENTS: usize = 500;

const V4: u8 = 2;
const V6: u8 = 10;

/// Where packets to a group are marked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MarkSettings {
    /// `nftables_ipvs`: the table's name, the same for both families.
    pub table: String,
    /// `nftables_ipvs_priority` of its base chains.
    pub priority: i32,
}

/// Packets that get a mark.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct MarkedRange {
    /// IANA number: 6 TCP, 17 UDP, 132 SCTP.
    pub protocol: u8,
    /// First destination address.
    pub first: IpAddr,
    /// The last one, of the same family.
    pub last: IpAddr,
    /// First and last destination port.
    pub ports: (u16, u16),
    /// What they are marked with.
    pub mark: u32,
}

/// The tables that mark, as far as they are ours.
#[derive(Debug, Default)]
pub struct Marking {
    conversation: Option<Conversation>,
    settings: Option<MarkSettings>,
    ranges: Vec<MarkedRange>,
}

impl Marking {
    /// For the network namespace that the calling thread is in; [`default`](Self::default) is for the one where something
    /// is first marked.
    ///
    /// # Errors
    /// The kernel has no such socket.
    pub fn open() -> Result<Self, Error> {
        let conversation = Conversation::open(libc::NETLINK_NETFILTER as isize)?;
        Ok(Self { conversation: Some(conversation), ..Self::default() })
    }

    /// Has packets be marked so, and no others. Without settings none are.
    ///
    /// # Errors
    /// The kernel refuses; the tables are then as they were.
    pub fn apply(&mut self, settings: Option<&MarkSettings>, ranges: &[MarkedRange]) -> Result<(), Error> {
        if self.settings.as_ref() == settings && self.ranges == ranges {
            return Ok(());
        }
        let mut messages = Vec::new();
        if let Some(before) = self.settings.as_ref().filter(|before| Some(*before) != settings) {
            messages.extend([V4, V6].into_iter().flat_map(|family| remove(family, &before.table)));
        }
        if let Some(settings) = settings {
            for family in [V4, V6] {
                messages.extend(remove(family, &settings.table));
                messages.extend(build(family, settings, ranges));
            }
        }
        if !messages.is_empty() {
            let conversation = match &mut self.conversation {
                Some(open) => open,
                none => none.insert(Conversation::open(libc::NETLINK_NETFILTER as isize)?),
            };
            conversation.transaction(&begin(), &messages, &end())?;
        }
        self.settings = settings.cloned();
        self.ranges = ranges.to_vec();
        Ok(())
    }
}

fn table(family: u8, verb: Verb, name: &str) -> Request<Message> {
    request(verb, family, Attributes::default().text(1, name))
}

/// Removes a table whether it is there or not.
fn remove(family: u8, name: &str) -> [Request<Message>; 2] {
    [table(family, Verb::NewTable, name), table(family, Verb::DeleteTable, name)]
}

fn build(family: u8, settings: &MarkSettings, ranges: &[MarkedRange]) -> Vec<Request<Message>> {
    const HOOK_IN: u32 = 1;
    const POLICY_ACCEPT: u32 = 1;
    let mut by_protocol = BTreeMap::<u8, Vec<&MarkedRange>>::new();
    for range in ranges.iter().filter(|range| range.first.is_ipv4() == (family == V4)) {
        by_protocol.entry(range.protocol).or_default().push(range);
    }
    if by_protocol.is_empty() {
        return Vec::new();
    }
    let name = settings.table.as_str();
    let hook = Attributes::default().number(1, HOOK_IN).number(2, settings.priority.cast_unsigned());
    let chain = Attributes::default()
        .text(1, name)
        .text(3, CHAIN)
        .nested(4, &hook)
        .number(5, POLICY_ACCEPT)
        .text(7, "filter");
    let mut messages = vec![table(family, Verb::NewTable, name), request(Verb::NewChain, family, chain)];
    for (id, (protocol, ranges)) in (1..).zip(by_protocol) {
        let map = map_name(protocol);
        messages.push(new_map(family, name, map, id));
        messages.push(new_rule(family, name, map, protocol));
        messages.extend(ranges.chunks(MOST_ELEMENTS).map(|chunk| new_elements(family, name, map, chunk)));
    }
    messages
}

const CHAIN: &str = "in";

const fn map_name(protocol: u8) -> &'static str {
    match protocol {
        6 => "tcp_map",
        17 => "udp_map",
        _ => "sctp_map",
    }
}

/// `ADDRESS . PORT : MARK`, in intervals.
fn new_map(family: u8, table: &str, map: &str, id: u32) -> Request<Message> {
    // NFT_SET_INTERVAL, NFT_SET_MAP, NFT_SET_CONCAT.
    const FLAGS: u32 = 4 | 8 | 128;
    // Types of nft, which the kernel only keeps for whoever asks.
    const PORT: u32 = 13;
    const MARK: u32 = 19;
    // For nft: numbers of keys and values are in the host's order.
    const NOTES: [[u8; 2]; 2] = [[0, 4], [1, 4]];
    let (kind, length) = if family == V4 { (7, 4) } else { (8, 16) };
    let field = |length: u32| Attributes::default().number(1, length);
    let fields = Attributes::default().element(&field(length)).element(&field(2));
    let notes = NOTES.into_iter().flat_map(|note| note.into_iter().chain(1_u32.to_ne_bytes()));
    let attributes = Attributes::default()
        .text(1, table)
        .text(2, map)
        .number(3, FLAGS)
        .number(4, kind << 6 | PORT)
        .number(5, length + 4)
        .number(6, MARK)
        .number(7, 4)
        .number(10, id)
        .nested(9, &Attributes::default().nested(2, &fields))
        .bytes(13, &notes.collect::<Vec<_>>());
    request(Verb::NewSet, family, attributes)
}

fn new_rule(family: u8, table: &str, map: &str, protocol: u8) -> Request<Message> {
    const RETURN: i32 = -5;
    // Where the destination stands, how long it is, and the register behind it, which takes the port: registers of
    // 16 bytes are counted from 1, those of 4 bytes from 8, and the first of 16 is the first four of 4.
    let (offset, length, behind) = if family == V4 { (16, 4, 9) } else { (24, 16, 2) };
    let load = |register: u32, base: u32, offset: u32, length: u32| {
        Attributes::default().number(1, register).number(2, base).number(3, offset).number(4, length)
    };
    let verdict = Attributes::default().nested(2, &Attributes::default().number(1, RETURN.cast_unsigned()));
    let expressions = [
        // The protocol of transport into register 1.
        ("meta", Attributes::default().number(1, 1).number(2, 16)),
        ("cmp", Attributes::default().number(1, 1).number(2, 0).nested(3, &value(&[protocol]))),
        ("payload", load(1, 1, offset, length)),
        ("payload", load(behind, 2, 2, 2)),
        ("lookup", Attributes::default().text(1, map).number(2, 1).number(3, 1)),
        // Register 1 into the mark.
        ("meta", Attributes::default().number(2, 3).number(3, 1)),
        ("immediate", Attributes::default().number(1, 0).nested(2, &verdict)),
    ];
    let list = expressions.iter().fold(Attributes::default(), |list, (name, data)| {
        list.element(&Attributes::default().text(1, name).nested(2, data))
    });
    let attributes = Attributes::default().text(1, table).text(2, CHAIN).nested(4, &list);
    request(Verb::NewRule, family, attributes)
}

fn new_elements(family: u8, table: &str, map: &str, ranges: &[&MarkedRange]) -> Request<Message> {
    let key = |address: IpAddr, port: u16| {
        let mut key = match address {
            IpAddr::V4(address) => address.octets().to_vec(),
            IpAddr::V6(address) => address.octets().to_vec(),
        };
        key.extend(port.to_be_bytes());
        key.extend([0, 0]);
        key
    };
    let list = ranges.iter().fold(Attributes::default(), |list, range| {
        let element = Attributes::default()
            .nested(1, &value(&key(range.first, range.ports.0)))
            .nested(10, &value(&key(range.last, range.ports.1)))
            .nested(2, &value(&range.mark.to_ne_bytes()));
        list.element(&element)
    });
    request(Verb::NewElements, family, Attributes::default().text(1, table).text(2, map).nested(3, &list))
}
