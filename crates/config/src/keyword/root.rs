//! Keywords outside every block.

use super::bfd::{BFD_INSTANCE, SSL};
use super::global::GLOBAL_DEFS;
use super::instance::VRRP_INSTANCE;
use super::track::{TRACK_FILE, VRRP_SCRIPT, VRRP_SYNC_GROUP, VRRP_TRACK_PROCESS};
use super::virtual_server::{VIRTUAL_SERVER, VIRTUAL_SERVER_GROUP};
use super::{
    Alias, AliasKind, Block, Body, Header, Keyword, Missing, Takes, UINT, Value, alias, kw, later, one,
};

/// The file itself.
pub static ROOT: Block =
    Block { name: "", header: Header::Nothing, body: Body::Keywords(&[KEYWORDS], ALIASES) };

const ALIASES: &[Alias] = &[alias("vrrp_track_file", "track_file", AliasKind::Older)];

const KEYWORDS: &[Keyword] = &[
    kw(
        "linkbeat_use_polling",
        Takes::Flag,
        "Polls whether interfaces have a link (by MII, ETHTOOL or ioctl) instead of waiting for the \
         kernel to tell it, for every interface.",
    )
    .since("1.1.18"),
    kw(
        "net_namespace",
        Takes::One(Value::Text, Missing::Reported),
        "Network namespace, by its name in /run/netns, in which the whole daemon runs. It has to \
         exist before. It cannot change at a reload, and `-s` overrides it.",
    )
    .since("1.2.24")
    .once()
    .once()
    .once(),
    kw(
        "net_namespace_ipvs",
        Takes::Maybe(Value::Text),
        "Network namespace in which IPVS is programmed, where it is not that of VRRP; without a name \
         that of process 1. It cannot change at a reload.",
    )
    .since("2.1.0")
    .once()
    .once()
    .once(),
    kw(
        "namespace_with_ipsets",
        Takes::Flag,
        "Allows ipsets within a network namespace. Only kernels before 3.13 could not do that, so it \
         is of no use today.",
    )
    .since("1.3.0"),
    kw(
        "use_pid_dir",
        Takes::Flag,
        "Puts the pid files into a directory of their own, /run/keepalived. `instance` and \
         `net_namespace` do that as well.",
    )
    .since("1.2.24"),
    kw(
        "instance",
        Takes::One(Value::Text, Missing::Reported),
        "Name of this daemon where several run on one host: it becomes part of the names of its pid \
         files and of its name in the log. It cannot change at a reload.",
    )
    .since("1.2.24")
    .once()
    .once()
    .once(),
    kw(
        "child_wait_time",
        one(Value::secs(0, UINT)),
        "How long a stopping daemon waits for its processes to end before it kills them.",
    )
    .default("5")
    .since("2.0.0"),
    kw(
        "global_defs",
        Takes::Block(&GLOBAL_DEFS),
        "Settings of the daemon as a whole, and defaults for the rest. It may stand several times; of \
         two values the later one holds.",
    )
    .since("0.5.3"),
    kw(
        "track_group",
        Takes::Block(&TRACK_GROUP),
        "Names VRRP instances that follow the interface of a static address, route or rule: one that \
         says `track_group NAME`. It has to stand before that.",
    )
    .since("2.0.3"),
    kw(
        "static_ipaddress",
        Takes::Block(&STATIC_IPADDRESS),
        "Addresses, one on a line, that are there while the daemon runs, whatever the state of VRRP. \
         They are put back when something removes them, and removed at the end.",
    )
    .since("1.1.0"),
    kw(
        "static_routes",
        Takes::Block(&STATIC_ROUTES),
        "Routes, one on a line, that are there while the daemon runs, whatever the state of VRRP. \
         They are put back when something removes them, and removed at the end.",
    )
    .since("1.0.1"),
    kw(
        "static_rules",
        Takes::Block(&STATIC_RULES),
        "Routing rules, one on a line, that are there while the daemon runs, whatever the state of \
         VRRP, and are removed at the end.",
    )
    .since("1.2.20"),
    kw(
        "vrrp_sync_group",
        Takes::Block(&VRRP_SYNC_GROUP),
        "VRRP instances that change state together: all are master, or none is, and one in FAULT \
         takes all into FAULT.",
    )
    .since("0.6.1"),
    kw(
        "garp_group",
        Takes::Block(&GARP_GROUP),
        "Interfaces that share one spacing of gratuitous ARP and of unsolicited neighbour \
         advertisements. Those in no group have that of `vrrp_garp_interval` each for itself.",
    )
    .since("1.2.21"),
    kw(
        "linkbeat_interfaces",
        Takes::Block(&LINKBEAT_INTERFACES),
        "Interfaces whose link is polled, one on a line, with the method to use; without a method the \
         first one that works.",
    )
    .since("2.0.13"),
    kw(
        "interface_up_down_delays",
        Takes::Block(&INTERFACE_UP_DOWN_DELAYS),
        "How long an interface has to be down (first time) and up again (second time, 0 unless given) \
         before that counts, in seconds from 0 to 255; one interface on a line.",
    )
    .since("2.2.3"),
    kw(
        "vrrp_script",
        Takes::Block(&VRRP_SCRIPT),
        "A command that is run regularly. VRRP instances that name it in `track_script`, after it, \
         follow its success.",
    )
    .since("1.1.13"),
    kw(
        "vrrp_track_process",
        Takes::Block(&VRRP_TRACK_PROCESS),
        "A process that has to run, or must not. VRRP instances that name it in `track_process`, \
         after it, follow its presence.",
    )
    .since("2.0.11"),
    kw(
        "track_file",
        Takes::Block(&TRACK_FILE),
        "A file with a number in it. VRRP instances (`track_file`) and real servers (`FILE_CHECK`) \
         that name it, after it, follow the number; a missing file counts as 0.",
    )
    .since("2.1.0"),
    kw(
        "vrrp_instance",
        Takes::Block(&VRRP_INSTANCE),
        "A virtual router: one of the hosts that share its number, its master, holds its addresses; \
         VRRP elects it. Two instances cannot have one name, nor one number on one interface.",
    )
    .since("0.5.3"),
    kw(
        "virtual_server_group",
        Takes::Block(&VIRTUAL_SERVER_GROUP),
        "Addresses, ranges of addresses, and firewall marks, one on a line, that are served as one \
         virtual server: `virtual_server group NAME`.",
    )
    .since("1.0.2"),
    kw(
        "virtual_server",
        Takes::Block(&VIRTUAL_SERVER),
        "A service that IPVS balances over its real servers, which are checked. An address without \
         port, or with port 0, stands for all ports and makes clients stay with their real server.",
    )
    .since("0.5.3"),
    kw(
        "SSL",
        Takes::Block(&SSL),
        "Key and certificates that SSL_GET uses. Without it no certificate is shown, and the server's \
         is never verified.",
    )
    .since("0.5.3"),
    later(
        "bfd_instance",
        Takes::Block(&BFD_INSTANCE),
        "A BFD session (RFC 5880) with a neighbour, whose state VRRP instances (`track_bfd`) and real \
         servers (`BFD_CHECK`) can follow.",
    )
    .since("2.0.0"),
];

static TRACK_GROUP: Block = Block {
    name: "track_group",
    header: Header::OnlyName(Missing::Reported),
    body: Body::Keywords(
        &[&[kw(
            "group",
            Takes::Block(&TRACK_GROUP_MEMBERS),
            "Names of the VRRP instances of the group, as many on a line as one likes.",
        )
        .since("2.0.3")
        .once()
        .once()
        .once()]],
        &[],
    ),
};

static TRACK_GROUP_MEMBERS: Block = Block {
    name: "track_group/group",
    header: Header::NothingElse,
    body: Body::Words("names of VRRP instances"),
};

static STATIC_IPADDRESS: Block =
    Block { name: "static_ipaddress", header: Header::NothingElse, body: Body::Lines(super::ADDRESS_LINE) };

static STATIC_ROUTES: Block =
    Block { name: "static_routes", header: Header::NothingElse, body: Body::Lines(super::ROUTE_LINE) };

static STATIC_RULES: Block =
    Block { name: "static_rules", header: Header::NothingElse, body: Body::Lines(super::RULE_LINE) };

static GARP_GROUP: Block = Block {
    name: "garp_group",
    header: Header::Nothing,
    body: Body::Keywords(
        &[&[
            kw(
                "garp_interval",
                one(super::TIMER_OR_ZERO),
                "Least time in seconds between two gratuitous ARPs on the interfaces of the group.",
            )
            .since("1.2.21"),
            kw(
                "gna_interval",
                one(super::TIMER_OR_ZERO),
                "Least time in seconds between two unsolicited neighbour advertisements on the interfaces of \
         the group.",
            )
            .since("1.2.21"),
            kw(
                "interface",
                one(Value::Interface),
                "The only interface of the group, instead of a list in `interfaces`.",
            )
            .since("1.2.21"),
            kw(
                "interfaces",
                Takes::Block(&GARP_INTERFACES),
                "Names of the interfaces of the group. An interface belongs to one group only.",
            )
            .since("1.2.21"),
        ]],
        &[],
    ),
};

static GARP_INTERFACES: Block = Block {
    name: "garp_group/interfaces",
    header: Header::NothingElse,
    body: Body::Words("names of interfaces"),
};

static LINKBEAT_INTERFACES: Block = Block {
    name: "linkbeat_interfaces",
    header: Header::NothingElse,
    body: Body::Lines("INTERFACE [MII | ETHTOOL | IOCTL]"),
};

static INTERFACE_UP_DOWN_DELAYS: Block = Block {
    name: "interface_up_down_delays",
    header: Header::NothingElse,
    body: Body::Lines("INTERFACE DOWN [UP]"),
};
