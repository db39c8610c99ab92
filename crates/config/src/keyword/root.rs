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
    later("linkbeat_use_polling", Takes::Flag, "Polls the state of links instead of waiting for netlink to tell it.")
        .since("1.1.18"),
    later(
        "net_namespace",
        Takes::One(Value::Text, Missing::Reported),
        "Network namespace (of /run/netns) in which everything runs. It cannot change at a reload, and `-s` overrides \
         it.",
    )
    .since("1.2.24"),
    later(
        "net_namespace_ipvs",
        Takes::Maybe(Value::Text),
        "Network namespace in which IPVS is programmed, where it is not that of VRRP; without a name the one in which \
         the daemon was started.",
    )
    .since("2.1.0"),
    later("namespace_with_ipsets", Takes::Flag, "Allows ipsets within a network namespace, for kernels before 3.13.")
        .since("1.3.0"),
    later("use_pid_dir", Takes::Flag, "Puts the pid files into a directory of their own, /run/keepalived.")
        .since("1.2.24"),
    later(
        "instance",
        Takes::One(Value::Text, Missing::Reported),
        "Name of this daemon where several run on one host: it becomes part of the names of its files and of its log.",
    )
    .since("1.2.24"),
    later(
        "child_wait_time",
        one(Value::secs(0, UINT)),
        "How long a stopping daemon waits for its processes before it kills them.",
    )
    .default("5")
    .since("2.0.0"),
    kw("global_defs", Takes::Block(&GLOBAL_DEFS), "Settings of the daemon as a whole, and defaults for the rest.")
        .since("0.5.3"),
    later(
        "track_group",
        Takes::Block(&TRACK_GROUP),
        "A set of VRRP instances that follow the interface of a static address, route or rule.",
    )
    .since("2.0.3"),
    later(
        "static_ipaddress",
        Takes::Block(&STATIC_IPADDRESS),
        "Addresses that are there while the daemon runs, whatever the state of VRRP; one on a line.",
    )
    .since("1.1.0"),
    later("static_routes", Takes::Block(&STATIC_ROUTES), "Routes that are there while the daemon runs; one on a line.")
        .since("1.0.1"),
    later(
        "static_rules",
        Takes::Block(&STATIC_RULES),
        "Routing rules that are there while the daemon runs; one on a line.",
    )
    .since("1.2.20"),
    later(
        "vrrp_sync_group",
        Takes::Block(&VRRP_SYNC_GROUP),
        "VRRP instances that change state together: all are master, or none is.",
    )
    .since("0.6.1"),
    later("garp_group", Takes::Block(&GARP_GROUP), "Interfaces that share one spacing of gratuitous ARP.")
        .since("1.2.21"),
    later(
        "linkbeat_interfaces",
        Takes::Block(&LINKBEAT_INTERFACES),
        "Interfaces whose link is polled, with the method to use.",
    )
    .since("2.0.13"),
    later(
        "interface_up_down_delays",
        Takes::Block(&INTERFACE_UP_DOWN_DELAYS),
        "How long an interface has to be down, or up again, before that counts.",
    )
    .since("2.2.3"),
    later("vrrp_script", Takes::Block(&VRRP_SCRIPT), "A command that is run regularly; VRRP instances can follow its success.")
        .since("1.1.13"),
    later(
        "vrrp_track_process",
        Takes::Block(&VRRP_TRACK_PROCESS),
        "A process whose presence VRRP instances can follow.",
    )
    .since("2.0.11"),
    later(
        "track_file",
        Takes::Block(&TRACK_FILE),
        "A file with a number in it that VRRP instances and FILE_CHECK can follow.",
    )
    .since("2.1.0"),
    kw(
        "vrrp_instance",
        Takes::Block(&VRRP_INSTANCE),
        "A virtual router: one of the hosts that share its number holds its addresses, elected by VRRP.",
    )
    .since("0.5.3"),
    kw(
        "virtual_server_group",
        Takes::Block(&VIRTUAL_SERVER_GROUP),
        "Addresses and firewall marks that are served as one virtual server.",
    )
    .since("1.0.2"),
    kw(
        "virtual_server",
        Takes::Block(&VIRTUAL_SERVER),
        "A service that IPVS balances over real servers, which are checked.",
    )
    .since("0.5.3"),
    later("SSL", Takes::Block(&SSL), "Certificates for SSL_GET.").since("0.5.3"),
    later("bfd_instance", Takes::Block(&BFD_INSTANCE), "A BFD session with a neighbour that VRRP and BFD_CHECK can follow.")
        .since("2.0.0"),
];

static TRACK_GROUP: Block = Block {
    name: "track_group",
    header: Header::Name(Missing::Reported),
    body: Body::Keywords(
        &[&[later("group", Takes::Block(&TRACK_GROUP_MEMBERS), "The VRRP instances of the group.")
            .since("2.0.3")]],
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
            later(
                "garp_interval",
                one(super::TIMER_OR_ZERO),
                "Least time between gratuitous ARPs on these interfaces.",
            )
            .since("1.2.21"),
            later(
                "gna_interval",
                one(super::TIMER_OR_ZERO),
                "Least time between unsolicited neighbour advertisements.",
            )
            .since("1.2.21"),
            later("interface", one(Value::Interface), "The only interface of the group.").since("1.2.21"),
            later("interfaces", Takes::Block(&GARP_INTERFACES), "The interfaces of the group.")
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
