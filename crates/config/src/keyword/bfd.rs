//! `bfd_instance` and `SSL`.

use super::{
    Alias, AliasKind, Block, Body, Header, Keyword, Missing, SWITCH, Takes, Value, alias, kw, later, one,
    wants,
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
    later("neighbor_ip", one(Value::Address), "Address of the other end of the session. It is needed.").since("2.0.0"),
    later("source_ip", one(Value::Address), "Address that packets come from, of the family of `neighbor_ip`.").default("the kernel's choice").since("2.0.0"),
    later("min_rx", INTERVAL, "Shortest interval, in milliseconds, at which we can receive packets. More than 10000 is \
         reported.")
        .default("10")
        .since("2.0.0"),
    later("min_tx", INTERVAL, "Interval, in milliseconds, at which we want to send packets. More than 10000 is reported.")
        .default("10")
        .since("2.0.0"),
    later(
        "idle_tx",
        one(Value::Time { least: 1_000_000, most: 4_294_967_000, unit: 1000 }),
        "Interval, in milliseconds, at which packets are sent while the session is down.",
    )
    .default("1000")
    .since("2.0.0"),
    later("multiplier", one(Value::int(1, 255)), "The other end takes the session as down after so many of our packets in a row are missing. More than 10 is \
         reported.")
        .default("5")
        .since("2.0.0"),
    later("passive", Takes::Flag, "Waits for the other end to start the session.").since("2.0.0"),
    later("ttl", one(Value::int(1, 255)), "TTL, or hop limit, of the packets that are sent.")
        .default("255; IPv6 64")
        .since("2.0.0"),
    later("max_hops", one(Value::int(-1, 255)), "How many hops away the other end may be: packets with a TTL below `ttl` less this are \
         dropped. -1: any number.")
        .default("0")
        .since("2.0.0"),
    later("multihop", SWITCH, "Uses the port of sessions over several hops, 4784 (RFC 5883), instead of 3784.").default("false").since("2.2.8"),
    later(
        "weight",
        Takes::Words { syntax: "NUMBER [reverse]", least: 1, missing: Missing::Fatal },
        "How much the session changes the priority of the instances that follow it, from -253 to 253; \
         0 makes them enter FAULT when it is down.",
    )
    .default("0")
    .since("2.0.0"),
    later("vrrp", Takes::Flag, "Tells VRRP of the session, and checks only if `checker` stands here too. Without either word \
         both are told.")
        .since("2.0.0"),
    later("checker", Takes::Flag, "Tells checks of the session, and VRRP only if `vrrp` stands here too. Without either word \
         both are told.")
        .since("2.0.0"),
];

pub static SSL: Block =
    Block { name: "SSL", header: Header::Nothing, body: Body::Keywords(&[CERTIFICATES], &[]) };

const CERTIFICATES: &[Keyword] = &[
    kw("password", wants(Value::Text), "Password of the key that SSL_GET uses.").since("0.5.3").replaced(),
    kw(
        "ca",
        wants(Value::Text),
        "File with certificates of authorities, in PEM. It is read, but the server's certificate is \
         not verified.",
    )
    .since("0.5.3")
    .replaced()
    .replaced()
    .replaced(),
    kw("certificate", wants(Value::Text), "File with the certificate that SSL_GET shows, in PEM.")
        .since("0.5.3")
        .replaced()
        .replaced()
        .replaced(),
    kw("key", wants(Value::Text), "File with the key of `certificate`, in PEM.").since("0.5.3").replaced(),
];
