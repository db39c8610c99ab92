//! The two tables, IPv4's and IPv6's: sets, chains and rules in keepalived's order.

use std::net::Ipv6Addr;

use netlink::Request;
use vrrp::IfIndex;

use super::message::{Attributes, Message, Verb, request, value};
use super::{Filter, FirewallSettings};

/// Elements in one message: a list is an attribute, and an attribute has at most 64 KiB.
const MOST_ELEMENTS: usize = 500;

// Types of nft's sets, which the kernel only keeps for whoever asks.
const IPV4_ADDR: u32 = 7;
const IPV6_ADDR: u32 = 8;
const IFACE_INDEX: u32 = 20;
const ICMPV6_TYPE: u32 = 29;
/// `ipv6_addr . iface_index`.
const LINK_LOCAL: u32 = IPV6_ADDR << 6 | IFACE_INDEX;

const FLAG_CONSTANT: u32 = 2;
const FLAG_MAP: u32 = 8;

// Notes for nft (libnftnl's user data: kind, length, number): the numbers in a set are in the host's order.
const HOST_ORDER_KEYS: [u8; 6] = note(0);
const HOST_ORDER_VALUES: [u8; 6] = note(1);

const fn note(kind: u8) -> [u8; 6] {
    let [a, b, c, d] = 1_u32.to_ne_bytes();
    [kind, 4, a, b, c, d]
}

const HOOK_IN: u32 = 1;
const HOOK_OUT: u32 = 3;

const MAP: &str = "vmac_map";
const SET: &str = "vmac_set";
const VIPS: &str = "vips";
const VIPS_LINK_LOCAL: &str = "vips_link_local";
const NEIGHBOR_DISCOVERY: &str = "neighbor-discovery";

/// What a table has. A thing once there stays.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Shape {
    vmacs: bool,
    vips: bool,
    link_local: bool,
}

impl Shape {
    pub(super) fn v4(filter: &Filter) -> Self {
        Self { vmacs: !filter.vmacs_v4.is_empty(), vips: !filter.v4.is_empty(), link_local: false }
    }

    pub(super) fn v6(filter: &Filter) -> Self {
        let link_local = !filter.link_local.is_empty();
        Self { vmacs: !filter.vmacs_v6.is_empty(), vips: !filter.v6.is_empty() || link_local, link_local }
    }

    pub(super) const fn with(self, other: Self) -> Self {
        Self {
            vmacs: self.vmacs || other.vmacs,
            vips: self.vips || other.vips,
            link_local: self.link_local || other.link_local,
        }
    }
}

/// Elements of a set: each its key, and in a map its value.
type Elements = Vec<(Vec<u8>, Option<Vec<u8>>)>;

/// A family's table.
pub(super) trait Table {
    /// `NFPROTO_*`.
    const FAMILY: u8;
    /// Sets of this shape: name, flags, type and length of keys.
    fn sets(shape: Shape) -> Vec<Set>;
    fn chains(shape: Shape) -> Vec<Chain>;
    fn rules(shape: Shape) -> Vec<Rule>;
    /// What is in a set.
    fn elements(filter: &Filter, set: &str) -> Elements;
}

pub(super) struct Set {
    name: &'static str,
    flags: u32,
    key_type: u32,
    key_len: u32,
}

pub(super) struct Chain {
    name: &'static str,
    hook: Option<u32>,
}

pub(super) struct Rule {
    chain: &'static str,
    matches: Vec<Expression>,
    verdict: Verdict,
}

type Expression = (&'static str, Attributes);

#[derive(Clone, Copy)]
enum Verdict {
    Drop,
    Accept,
    Goto(&'static str),
}

/// Replaces the table by one of this shape.
pub(super) fn build<T: Table>(
    settings: &FirewallSettings,
    shape: Shape,
    filter: &Filter,
) -> Vec<Request<Message>> {
    let table = settings.table.as_str();
    // One that is there already, after a crash, goes first.
    let mut messages = vec![new_table::<T>(table)];
    messages.extend(remove::<T>(settings));
    messages.push(new_table::<T>(table));
    for (id, set) in (1..).zip(T::sets(shape)) {
        messages.push(new_set::<T>(table, &set, id));
        messages.extend(elements::<T>(Verb::NewElements, table, set.name, &T::elements(filter, set.name)));
    }
    messages.extend(T::chains(shape).iter().map(|chain| new_chain::<T>(settings, chain)));
    messages.extend(T::rules(shape).into_iter().map(|rule| new_rule::<T>(settings, rule)));
    messages
}

/// Changes the elements of the sets.
pub(super) fn change<T: Table>(
    settings: &FirewallSettings,
    before: &Filter,
    after: &Filter,
) -> Vec<Request<Message>> {
    let mut messages = Vec::new();
    for set in [MAP, SET, VIPS, VIPS_LINK_LOCAL] {
        let (before, after) = (T::elements(before, set), T::elements(after, set));
        let gone: Elements = before.iter().filter(|one| !after.contains(one)).cloned().collect();
        let new: Elements = after.iter().filter(|one| !before.contains(one)).cloned().collect();
        messages.extend(elements::<T>(Verb::DeleteElements, &settings.table, set, &gone));
        messages.extend(elements::<T>(Verb::NewElements, &settings.table, set, &new));
    }
    messages
}

pub(super) fn remove<T: Table>(settings: &FirewallSettings) -> Vec<Request<Message>> {
    vec![request(Verb::DeleteTable, T::FAMILY, Attributes::default().text(1, &settings.table))]
}

fn new_table<T: Table>(table: &str) -> Request<Message> {
    request(Verb::NewTable, T::FAMILY, Attributes::default().text(1, table))
}

fn new_set<T: Table>(table: &str, set: &Set, id: u32) -> Request<Message> {
    let mut attributes = Attributes::default()
        .text(1, table)
        .text(2, set.name)
        .number(3, set.flags)
        .number(4, set.key_type)
        .number(5, set.key_len);
    let mut notes = Vec::new();
    if set.key_type == IFACE_INDEX {
        notes.extend(HOST_ORDER_KEYS);
    }
    if set.flags & FLAG_MAP != 0 {
        attributes = attributes.number(6, IFACE_INDEX).number(7, 4);
        notes.extend(HOST_ORDER_VALUES);
    }
    attributes = attributes.number(10, id);
    if !notes.is_empty() {
        attributes = attributes.bytes(13, &notes);
    }
    request(Verb::NewSet, T::FAMILY, attributes)
}

fn elements<T: Table>(
    verb: Verb,
    table: &str,
    set: &str,
    elements: &[(Vec<u8>, Option<Vec<u8>>)],
) -> Vec<Request<Message>> {
    let chunk = |chunk: &[(Vec<u8>, Option<Vec<u8>>)]| {
        let list = chunk.iter().fold(Attributes::default(), |list, (key, data)| {
            let mut element = Attributes::default().nested(1, &value(key));
            if let Some(data) = data {
                element = element.nested(2, &value(data));
            }
            list.element(&element)
        });
        request(verb, T::FAMILY, Attributes::default().text(1, table).text(2, set).nested(3, &list))
    };
    elements.chunks(MOST_ELEMENTS).map(chunk).collect()
}

fn new_chain<T: Table>(settings: &FirewallSettings, chain: &Chain) -> Request<Message> {
    let mut attributes = Attributes::default().text(1, &settings.table).text(3, chain.name);
    if let Some(hook) = chain.hook {
        let hook = Attributes::default().number(1, hook).number(2, settings.priority.cast_unsigned());
        attributes = attributes.nested(4, &hook).text(7, "filter");
    }
    request(Verb::NewChain, T::FAMILY, attributes)
}

fn new_rule<T: Table>(settings: &FirewallSettings, rule: Rule) -> Request<Message> {
    let counter = settings.counters && !matches!(rule.verdict, Verdict::Goto(_));
    let mut expressions = rule.matches;
    if counter {
        expressions.push(("counter", Attributes::default()));
    }
    expressions.push(verdict(rule.verdict));
    let list = expressions.iter().fold(Attributes::default(), |list, (name, data)| {
        list.element(&Attributes::default().text(1, name).nested(2, data))
    });
    let attributes = Attributes::default().text(1, &settings.table).text(2, rule.chain).nested(4, &list);
    request(Verb::NewRule, T::FAMILY, attributes)
}

fn verdict(verdict: Verdict) -> Expression {
    const GOTO: i32 = -4;
    let code = match verdict {
        Verdict::Drop => Attributes::default().number(1, 0),
        Verdict::Accept => Attributes::default().number(1, 1),
        Verdict::Goto(chain) => Attributes::default().number(1, GOTO.cast_unsigned()).text(2, chain),
    };
    let data = Attributes::default().nested(2, &code);
    ("immediate", Attributes::default().number(1, 0).nested(2, &data))
}

const NETWORK: u32 = 1;
const TRANSPORT: u32 = 2;

/// Loads bytes of the packet into register 1.
fn payload(base: u32, offset: u32, len: u32) -> Expression {
    ("payload", Attributes::default().number(1, 1).number(2, base).number(3, offset).number(4, len))
}

/// What is known of a packet besides its bytes (`NFT_META_*`).
#[derive(Clone, Copy)]
enum Meta {
    InInterface = 4,
    OutInterface = 5,
    TransportProtocol = 16,
    OutKind = 27,
}

fn meta(key: Meta, register: u32) -> Expression {
    ("meta", Attributes::default().number(1, register).number(2, key as u32))
}

fn equals(register: u32, bytes: &[u8]) -> Expression {
    ("cmp", Attributes::default().number(1, register).number(2, 0).nested(3, &value(bytes)))
}

fn is_in(set: &str, register: u32) -> Expression {
    ("lookup", Attributes::default().text(1, set).number(2, register))
}

/// Whether it leaves by a macvlan; uses register 2.
fn by_macvlan() -> [Expression; 2] {
    let mut kind = [0; 16];
    kind[..7].copy_from_slice(b"macvlan");
    [meta(Meta::OutKind, 2), equals(2, &kind)]
}

/// Sends it out of the interface below instead; its destination is in register 1.
fn by_the_interface_below() -> [Expression; 3] {
    [
        meta(Meta::OutInterface, 2),
        ("lookup", Attributes::default().text(1, MAP).number(2, 2).number(3, 2)),
        ("dup", Attributes::default().number(1, 1).number(2, 2)),
    ]
}

fn index(index: IfIndex) -> Vec<u8> {
    index.get().to_ne_bytes().to_vec()
}

const fn set(name: &'static str, flags: u32, key_type: u32, key_len: u32) -> Set {
    Set { name, flags, key_type, key_len }
}

/// IPv4's table.
pub(super) struct V4;

impl Table for V4 {
    const FAMILY: u8 = 2;

    fn sets(shape: Shape) -> Vec<Set> {
        let vmacs = shape.vmacs.then(|| set(MAP, FLAG_MAP, IFACE_INDEX, 4));
        vmacs.into_iter().chain(shape.vips.then(|| set(VIPS, 0, IPV4_ADDR, 4))).collect()
    }

    fn chains(shape: Shape) -> Vec<Chain> {
        let mut chains = vec![Chain { name: "out", hook: Some(HOOK_OUT) }];
        chains.extend(shape.vips.then_some(Chain { name: "in", hook: Some(HOOK_IN) }));
        chains
    }

    fn rules(shape: Shape) -> Vec<Rule> {
        const IGMP: u8 = 2;
        let mut rules = Vec::new();
        if shape.vmacs {
            let mut matches = vec![payload(NETWORK, 9, 1), equals(1, &[IGMP]), payload(NETWORK, 16, 4)];
            matches.extend(by_macvlan());
            matches.extend(by_the_interface_below());
            rules.push(Rule { chain: "out", matches, verdict: Verdict::Drop });
        }
        if shape.vips {
            for (chain, offset) in [("out", 12), ("in", 16)] {
                let matches = vec![payload(NETWORK, offset, 4), is_in(VIPS, 1)];
                rules.push(Rule { chain, matches, verdict: Verdict::Drop });
            }
        }
        rules
    }

    fn elements(filter: &Filter, set: &str) -> Elements {
        match set {
            MAP => filter.vmacs_v4.iter().map(|(vmac, base)| (index(*vmac), Some(index(*base)))).collect(),
            VIPS => filter.v4.iter().map(|address| (address.octets().to_vec(), None)).collect(),
            _ => Vec::new(),
        }
    }
}

/// IPv6's table.
pub(super) struct V6;

impl V6 {
    const SOURCE: u32 = 8;
    const DESTINATION: u32 = 24;
    const ICMPV6: u8 = 58;
}

impl Table for V6 {
    const FAMILY: u8 = 10;

    fn sets(shape: Shape) -> Vec<Set> {
        let vmacs = [set(MAP, FLAG_MAP, IFACE_INDEX, 4), set(SET, 0, IFACE_INDEX, 4)];
        let vips = [set(VIPS, 0, IPV6_ADDR, 16), set(NEIGHBOR_DISCOVERY, FLAG_CONSTANT, ICMPV6_TYPE, 1)];
        let link_local = set(VIPS_LINK_LOCAL, 0, LINK_LOCAL, 20);
        let mut sets = Vec::new();
        sets.extend(vmacs.into_iter().filter(|_| shape.vmacs));
        sets.extend(vips.into_iter().filter(|_| shape.vips));
        sets.extend(shape.link_local.then_some(link_local));
        sets
    }

    fn chains(shape: Shape) -> Vec<Chain> {
        let mut chains = vec![Chain { name: "out", hook: Some(HOOK_OUT) }];
        if shape.vips {
            chains.push(Chain { name: "in", hook: Some(HOOK_IN) });
            chains.push(Chain { name: "in_link_local", hook: None });
            chains.push(Chain { name: "out_link_local", hook: None });
        }
        chains
    }

    fn rules(shape: Shape) -> Vec<Rule> {
        const MLD2_REPORT: u8 = 143;
        const ROUTER_SOLICITATION: u8 = 133;
        const MASK: [u8; 16] = [0xff, 0xc0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        const LINK_LOCALS: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0);
        let icmpv6 = |kind: u8| {
            let protocol = [meta(Meta::TransportProtocol, 1), equals(1, &[Self::ICMPV6])];
            protocol.into_iter().chain([payload(TRANSPORT, 0, 1), equals(1, &[kind])])
        };
        let mut rules = Vec::new();
        if shape.vmacs {
            let reports = icmpv6(MLD2_REPORT).chain([payload(NETWORK, Self::DESTINATION, 16)]);
            let matches = reports.chain(by_macvlan()).chain(by_the_interface_below()).collect();
            rules.push(Rule { chain: "out", matches, verdict: Verdict::Drop });
            let solicitations = icmpv6(ROUTER_SOLICITATION).chain(by_macvlan());
            let matches = solicitations.chain([meta(Meta::OutInterface, 2), is_in(SET, 2)]).collect();
            rules.push(Rule { chain: "out", matches, verdict: Verdict::Drop });
        }
        if !shape.vips {
            return rules;
        }
        for (chain, link_local, offset, interface) in [
            ("out", "out_link_local", Self::SOURCE, Meta::OutInterface),
            ("in", "in_link_local", Self::DESTINATION, Meta::InInterface),
        ] {
            let discovery = vec![
                payload(NETWORK, 6, 1),
                equals(1, &[Self::ICMPV6]),
                payload(TRANSPORT, 0, 1),
                is_in(NEIGHBOR_DISCOVERY, 1),
            ];
            rules.push(Rule { chain, matches: discovery, verdict: Verdict::Accept });
            let masked = Attributes::default()
                .number(1, 1)
                .number(2, 1)
                .number(3, 16)
                .nested(4, &value(&MASK))
                .nested(5, &value(&[0; 16]));
            let matches =
                vec![payload(NETWORK, offset, 16), ("bitwise", masked), equals(1, &LINK_LOCALS.octets())];
            rules.push(Rule { chain, matches, verdict: Verdict::Goto(link_local) });
            let matches = vec![payload(NETWORK, offset, 16), is_in(VIPS, 1)];
            rules.push(Rule { chain, matches, verdict: Verdict::Drop });
            if shape.link_local {
                let matches =
                    vec![payload(NETWORK, offset, 16), meta(interface, 2), is_in(VIPS_LINK_LOCAL, 1)];
                rules.push(Rule { chain: link_local, matches, verdict: Verdict::Drop });
            }
        }
        rules
    }

    fn elements(filter: &Filter, set: &str) -> Elements {
        match set {
            MAP => filter.vmacs_v6.iter().map(|(vmac, base)| (index(*vmac), Some(index(*base)))).collect(),
            SET => filter.vmacs_v6.keys().map(|vmac| (index(*vmac), None)).collect(),
            VIPS => filter.v6.iter().map(|address| (address.octets().to_vec(), None)).collect(),
            VIPS_LINK_LOCAL => {
                let key =
                    |(address, on): &(Ipv6Addr, IfIndex)| [address.octets().to_vec(), index(*on)].concat();
                filter.link_local.iter().map(|one| (key(one), None)).collect()
            }
            // Neighbour solicitations and advertisements.
            NEIGHBOR_DISCOVERY => vec![(vec![135], None), (vec![136], None)],
            _ => Vec::new(),
        }
    }
}
