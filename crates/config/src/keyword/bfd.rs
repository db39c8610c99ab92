//! `bfd_instance` and `SSL`.

use super::{
    Alias, AliasKind, Block, Body, Header, Keyword, Missing, SWITCH, Takes, Value, alias, later, one, wants,
};

pub static BFD_INSTANCE: Block = Block {
    name: "bfd_instance",
    header: Header::Name(Missing::Fatal),
    body: Body::Keywords(&[SESSION], ALIASES),
};

const ALIASES: &[Alias] =
    &[alias("neighbour_ip", "neighbor_ip", AliasKind::Synonym), alias("hoplimit", "ttl", AliasKind::Synonym)];

/// Milliseconds to the microsecond.
const INTERVAL: Takes = one(Value::Time { least: 1000, most: 4_294_967_000, unit: 1000 });

const SESSION: &[Keyword] = &[
    later("neighbor_ip", one(Value::Address), "The other end.").since("2.0.0"),
    later("source_ip", one(Value::Address), "Our address.").default("the kernel's choice").since("2.0.0"),
    later("min_rx", INTERVAL, "Shortest interval at which packets can be received, in milliseconds.")
        .default("10")
        .since("2.0.0"),
    later("min_tx", INTERVAL, "Interval at which packets are sent, in milliseconds.")
        .default("10")
        .since("2.0.0"),
    later(
        "idle_tx",
        one(Value::Time { least: 1_000_000, most: 4_294_967_000, unit: 1000 }),
        "Interval at which packets are sent while the session is down, in milliseconds.",
    )
    .default("1000")
    .since("2.0.0"),
    later("multiplier", one(Value::int(1, 255)), "The session is down after so many missing packets.")
        .default("5")
        .since("2.0.0"),
    later("passive", Takes::Flag, "Waits for the other end to start.").since("2.0.0"),
    later("ttl", one(Value::int(1, 255)), "TTL, or hop limit, of packets sent.")
        .default("255; IPv6 64")
        .since("2.0.0"),
    later("max_hops", one(Value::int(-1, 255)), "How many hops away the other end may be.")
        .default("0")
        .since("2.0.0"),
    later("multihop", SWITCH, "Uses the port of multihop sessions, 4784.").default("false").since("2.2.8"),
    later(
        "weight",
        Takes::Words { syntax: "NUMBER [reverse]", least: 1, missing: Missing::Fatal },
        "How much the session changes the priority of the instances that follow it.",
    )
    .default("0")
    .since("2.0.0"),
    later("vrrp", Takes::Flag, "Only VRRP follows the session, unless `checker` stands here too.")
        .since("2.0.0"),
    later("checker", Takes::Flag, "Only checks follow the session, unless `vrrp` stands here too.")
        .since("2.0.0"),
];

pub static SSL: Block =
    Block { name: "SSL", header: Header::Nothing, body: Body::Keywords(&[CERTIFICATES], &[]) };

const CERTIFICATES: &[Keyword] = &[
    later("password", wants(Value::Text), "Password of the key.").since("0.5.3"),
    later("ca", wants(Value::Text), "File with certificates of authorities.").since("0.5.3"),
    later("certificate", wants(Value::Text), "File with our certificate.").since("0.5.3"),
    later("key", wants(Value::Text), "File with our key.").since("0.5.3"),
];
