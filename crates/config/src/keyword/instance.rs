//! `vrrp_instance` and its blocks.

use super::{
    ADDRESS_LINE, Alias, AliasKind, Block, Body, Header, Keyword, Missing, ROUTE_LINE, RULE_LINE, SWITCH,
    TRACK_LINE, Takes, UINT, Value, alias, kw, later, one, wants,
};

pub static VRRP_INSTANCE: Block = Block {
    name: "vrrp_instance",
    header: Header::Words { syntax: "NAME", missing: Missing::Reported },
    body: Body::Keywords(&[ELECTION, ADDRESSES, TRANSPORT, ANNOUNCE, EVENTS], ALIASES),
};

const ALIASES: &[Alias] = &[
    alias("vmac_garp_intvl", "garp_extra_if", AliasKind::Deprecated),
    alias("thread_timer_expired", "timer_expired_backup", AliasKind::Deprecated),
    alias(
        "macast_src_ip",
        "mcast_src_ip",
        AliasKind::Slip("ignores the line and uses the interface's first address"),
    ),
    alias(
        "lvs_sync_daemon_inteface",
        "lvs_sync_daemon_interface",
        AliasKind::Slip("ignores the line and synchronises no connections"),
    ),
];

const SECS: Takes = one(Value::secs(0, 4294));
const COUNT: Takes = one(Value::raised(1, UINT));
pub const NOTIFY: Takes = Takes::Script(Missing::Fatal);

const ELECTION: &[Keyword] = &[
    kw(
        "state",
        one(Value::Text),
        "`MASTER` or `BACKUP`: which state the router wishes for at start. Below priority 255 the \
         election decides. An owner (255) with `BACKUP` waits for its down timer. Others are master \
         at once; but in a sync group only if all members own their addresses, and all have \
         `state MASTER`: without that they are in BACKUP for one `advert_int` first, and beside a \
         member with less or with `state BACKUP` the election decides. Another word is reported and \
         means `BACKUP`.",
    )
    .since("0.5.3"),
    kw(
        "interface",
        one(Value::Interface),
        "Interface that adverts are sent and received on. It has to exist, unless \
         `dynamic_interfaces` is set, and cannot be the loopback interface.",
    )
    .since("0.5.3"),
    kw(
        "virtual_router_id",
        one(Value::int(1, 255)),
        "Number of the virtual router, the same on all its routers and no other's in that network.",
    )
    .since("0.5.3"),
    kw(
        "priority",
        one(Value::int(1, 255)),
        "The router with the highest priority becomes master; of two equal ones the one with the \
         higher address. 255 is for the owner of the addresses, whom trackers do not change.",
    )
    .default("100; 255 with `state MASTER`")
    .fallback("100")
    .since("0.5.3"),
    kw(
        "advert_int",
        one(Value::time(10_000, 255_000_000)),
        "Time between two adverts in seconds, the same on all routers: whole seconds in version 2, \
         hundredths up to 40.95 in version 3. Others take over about three times as long after the \
         last one.",
    )
    .default("1")
    .since("0.5.3"),
    kw(
        "version",
        one(Value::int(2, 3)),
        "Version of VRRP: 2 (RFC 3768) knows IPv4 and whole seconds, 3 (RFC 9568) also IPv6.",
    )
    .default("vrrp_version; 3 for IPv6")
    .since("1.2.17"),
    kw(
        "preempt",
        Takes::Flag,
        "Takes over from a master of lower priority. That is what VRRP does anyway; the keyword \
         changes nothing.",
    )
    .since("0.5.3"),
    kw(
        "nopreempt",
        Takes::Flag,
        "Leaves a master of lower priority in office. It needs `state BACKUP` and a priority below \
         255, and is ignored otherwise.",
    )
    .since("1.1.8"),
    kw(
        "preempt_delay",
        one(Value::time(0, 1_000_000_000)),
        "For so many seconds a master of lower priority is left in office. It needs `state BACKUP` \
         and does not go with `nopreempt`.",
    )
    .default("0")
    .since("1.1.8"),
    kw(
        "down_timer_adverts",
        one(Value::int(1, 100)),
        "A master is given up after so many adverts in a row are missing.",
    )
    .default("vrrp_down_timer_adverts")
    .since("2.2.3"),
    kw(
        "strict_mode",
        SWITCH,
        "Keeps to the letter of the RFCs: no authentication, no unicast, no preempt_delay, at least \
         one address, and addresses that answer only at their owner. What contradicts it is reported \
         and ignored, or ends the daemon.",
    )
    .default("vrrp_strict")
    .since("1.2.20"),
    kw(
        "skip_check_adv_addr",
        SWITCH,
        "Compares the addresses in an advert only when the master has changed. Differing addresses \
         are logged in any case, not refused. In keepalived any value turns it on, even `false`.",
    )
    .default("vrrp_skip_check_adv_addr")
    .since("1.2.20"),
    kw(
        "lower_prio_no_advert",
        SWITCH,
        "Does not answer adverts of lower priority while master. Otherwise a master answers at once \
         with its own.",
    )
    .default("vrrp_lower_prio_no_advert")
    .since("1.2.20"),
    kw(
        "higher_prio_send_advert",
        SWITCH,
        "Sends one more advert before it gives way to a router of higher priority.",
    )
    .default("vrrp_higher_prio_send_advert")
    .since("1.3.5"),
    kw(
        "owner_ignore_adverts",
        SWITCH,
        "Ignores all adverts while this router owns the addresses (priority 255).",
    )
    .default("vrrp_owner_ignore_adverts")
    .since("2.3.3"),
    kw(
        "timer_expired_backup",
        Takes::Maybe(Value::int(1, 254)),
        "With `nopreempt`: the priority that a silent master is taken to have after this process was \
         not run for so long that adverts may have been lost; 254 unless given.",
    )
    .since("2.2.8"),
    kw(
        "authentication",
        Takes::Block(&AUTHENTICATION),
        "Proof of origin of adverts, in version 2 only. The RFCs have given it up: a password in \
         clear text protects against mistakes, not against attackers.",
    )
    .since("0.5.3"),
    kw(
        "auth_hmac",
        Takes::Block(&AUTH_HMAC),
        "Proof of origin of adverts by HMAC-SHA256, in any version. All routers need the same keys.",
    )
    .since("2.4.0"),
];

const ADDRESSES: &[Keyword] = &[
    kw(
        "virtual_ipaddress",
        Takes::Block(&VIRTUAL_IPADDRESS),
        "The addresses of the virtual router, one on a line. The master holds them, and its adverts \
         list them: they have to be the same on all routers, and of one family. A prefix length that \
         is not given is 32 or 128.",
    )
    .since("0.5.3"),
    kw(
        "virtual_ipaddress_excluded",
        Takes::Block(&VIRTUAL_IPADDRESS_EXCLUDED),
        "More addresses that the master holds, one on a line. Adverts do not list them, so there can \
         be any number, and they may be of either family.",
    )
    .since("0.5.9"),
    kw(
        "no_virtual_ipaddress",
        Takes::Flag,
        "Says that the instance is meant to have no address, so that this is not reported.",
    )
    .since("2.2.8"),
    kw("virtual_routes", Takes::Block(&VIRTUAL_ROUTES), "Routes that only the master has, one on a line.")
        .since("1.0.1"),
    kw(
        "virtual_rules",
        Takes::Block(&VIRTUAL_RULES),
        "Routing rules that only the master has, one on a line. One without preference gets one, from \
         16384 down, and is reported.",
    )
    .since("1.2.20"),
    kw(
        "track_interface",
        Takes::Block(&TRACK_INTERFACE),
        "Interfaces that the instance follows, one on a line. Without a weight, or with weight 0, one \
         that is down puts it into FAULT; a positive weight is added while it is up, a negative one \
         while it is down.",
    )
    .since("1.0.1"),
    kw(
        "track_script",
        Takes::Block(&TRACK_SCRIPT),
        "Scripts that the instance follows, one on a line; their `vrrp_script` has to stand before \
         it. Weight 0 puts it into FAULT when the script fails, another changes its priority.",
    )
    .since("1.1.13"),
    kw(
        "track_file",
        Takes::Block(&TRACK_FILE_ENTRIES),
        "Files that the instance follows, one on a line; their `track_file` has to stand before it. \
         The number in the file times the weight is added to its priority.",
    )
    .since("2.0.0"),
    kw(
        "track_process",
        Takes::Block(&TRACK_PROCESS),
        "Processes that the instance follows, one on a line; their `vrrp_track_process` has to stand \
         before it.",
    )
    .since("2.0.11"),
    later(
        "track_bfd",
        Takes::Block(&TRACK_BFD),
        "BFD sessions that the instance follows, one on a line; their `bfd_instance` has to stand \
         before it.",
    )
    .since("2.0.0"),
    kw("dont_track_primary", Takes::Flag, "Stays out of FAULT while the instance's own interface is down.")
        .since("1.1.8"),
    kw(
        "track_src_ip",
        Takes::Flag,
        "Is in FAULT while the configured source address of adverts is not on the interface.",
    )
    .since("2.0.0"),
    kw(
        "accept",
        Takes::Flag,
        "Accepts packets to the virtual addresses even if not their owner. That is the default, \
         except in strict mode.",
    )
    .since("1.2.17"),
    kw(
        "no_accept",
        Takes::Flag,
        "Drops packets to the virtual addresses, by the firewall, unless this router owns them \
         (priority 255).",
    )
    .since("1.3.0"),
    kw(
        "promote_secondaries",
        Takes::Flag,
        "Lets the other addresses of a subnet stay on the interface when its first one is removed \
         (the sysctl of that name).",
    )
    .since("1.3.0"),
];

const TRANSPORT: &[Keyword] = &[
    kw(
        "mcast_src_ip",
        one(Value::Address),
        "Source address of adverts. A prefix length behind it is passed over.",
    )
    .default("the interface's first address")
    .since("0.6.1"),
    kw("unicast_src_ip", one(Value::Address), "Source address of adverts that go to `unicast_peer`.")
        .default("the interface's first address")
        .since("1.2.10"),
    kw(
        "mcast_dst_ip",
        one(Value::Address),
        "Multicast group that the adverts of this instance go to; all its routers need the same.",
    )
    .default("vrrp_mcast_group4")
    .since("2.2.5"),
    kw(
        "unicast_peer",
        Takes::Block(&UNICAST_PEER),
        "Addresses of the other routers, one on a line: adverts go to each of them instead of a \
         multicast group. `min_ttl` and `max_ttl` limit what is taken from them.",
    )
    .since("1.2.8"),
    kw(
        "unicast_fault_no_peer",
        Takes::Flag,
        "Is in FAULT, instead of using multicast, if `unicast_peer` is empty.",
    )
    .since("2.2.5"),
    kw(
        "check_unicast_src",
        Takes::Flag,
        "Takes unicast adverts from configured peers only. Otherwise they are taken from anybody.",
    )
    .since("2.1.0"),
    kw(
        "old_unicast_checksum",
        Takes::Maybe(Value::choice(&["never"])),
        "Uses the checksum that keepalived before 1.3.7 had for unicast adverts of version 3; \
         `never`: not even when a peer does.",
    )
    .since("1.3.7"),
    kw("unicast_ttl", one(Value::int(0, 255)), "TTL or hop limit of unicast adverts.")
        .default("255 for IPv4, 64 for IPv6")
        .since("2.1.0"),
    kw(
        "v3_checksum_as_v2",
        SWITCH,
        "Leaves the pseudo header out of the checksum of IPv4 adverts of version 3, as some routers \
         of other makers do.",
    )
    .default("v3_checksum_as_v2 of global_defs")
    .since("2.2.8"),
    kw(
        "native_ipv6",
        Takes::Flag,
        "Says that the virtual router is one for IPv6, before any address does. It has to stand \
         before the addresses.",
    )
    .since("1.2.1"),
    kw(
        "vrf",
        one(Value::Interface),
        "VRF that a unicast instance without `interface` is in. As in keepalived 2.2.7 there are no \
         such instances: beside `interface` the line is reported and ignored, and an instance without \
         `interface` ends the start.",
    )
    .since("2.2.5"),
    kw(
        "use_vmac",
        Takes::Words {
            syntax: "[[name] INTERFACE] [MAC] [group N] [netlink_notify_msg]",
            least: 0,
            missing: Missing::Silent,
        },
        "Gives the virtual addresses a MAC address of their own, on a macvlan interface, so that it \
         moves with them: 00:00:5e:00:01 (IPv6: 02) and the virtual router's number, or the one \
         given. The interface is named vrrp.NUMBER unless given.",
    )
    .since("1.2.3"),
    kw(
        "use_vmac_addr",
        Takes::Flag,
        "Gives virtual addresses on other interfaces than the instance's a VMAC as well. It needs \
         `use_vmac`.",
    )
    .since("2.2.0"),
    kw(
        "vmac_xmit_base",
        Takes::Flag,
        "Sends adverts from the interface below the VMAC. It needs `use_vmac` or `use_ipvlan`, and is \
         needed for unicast with them.",
    )
    .since("1.2.10"),
    kw(
        "use_ipvlan",
        Takes::Words {
            syntax: "[bridge|private|vepa] [ADDRESS] [[name] INTERFACE] [group N]",
            least: 0,
            missing: Missing::Silent,
        },
        "Sends adverts from an ipvlan interface, which shares the MAC address of the one below; the virtual \
         addresses stay there. For IPv4 it needs an address of its own, which adverts then come from.",
    )
    .since("2.0.17")
    .once()
    .once(),
    kw(
        "kernel_rx_buf_size",
        wants(Value::int(0, UINT)),
        "Size in bytes of the receive buffer of the instance's socket.",
    )
    .since("2.0.3"),
];

const ANNOUNCE: &[Keyword] = &[
    kw(
        "garp_master_delay",
        SECS,
        "Announces the addresses once more so many seconds after becoming master; 0: not.",
    )
    .default("vrrp_garp_master_delay")
    .since("0.7.1"),
    kw(
        "garp_master_repeat",
        COUNT,
        "How often each address is announced in one go, when becoming master and `garp_master_delay` \
         after it.",
    )
    .default("vrrp_garp_master_repeat")
    .since("1.2.14"),
    kw(
        "garp_master_refresh",
        one(Value::secs(0, UINT)),
        "Announces the addresses every so many seconds while master; 0: not.",
    )
    .default("vrrp_garp_master_refresh")
    .since("1.2.10"),
    kw(
        "garp_master_refresh_repeat",
        COUNT,
        "How often each address is announced at each `garp_master_refresh`.",
    )
    .default("vrrp_garp_master_refresh_repeat")
    .since("1.2.14"),
    kw(
        "garp_lower_prio_delay",
        SECS,
        "Announces the addresses once more so many seconds after a master has heard an advert of \
         lower priority; 0: not.",
    )
    .default("vrrp_garp_lower_prio_delay")
    .since("1.2.20"),
    kw(
        "garp_lower_prio_repeat",
        one(Value::int(0, UINT)),
        "How often each address is announced after an advert of lower priority; 0: not.",
    )
    .default("vrrp_garp_lower_prio_repeat")
    .since("1.2.20"),
    kw(
        "garp_extra_if",
        Takes::Words { syntax: "[all] SECS", least: 1, missing: Missing::Reported },
        "Announces the addresses of VMACs on further interfaces every so many seconds, with `all` on \
         all of them; 0: not.",
    )
    .since("2.2.3"),
];

const EVENTS: &[Keyword] = &[
    kw("notify_master", NOTIFY, "A command to run when the instance becomes master.").since("0.5.9").once(),
    kw("notify_backup", NOTIFY, "A command to run when the instance becomes backup.").since("0.5.9").once(),
    kw("notify_fault", NOTIFY, "A command to run when the instance enters FAULT.").since("0.5.9").once(),
    kw("notify_stop", NOTIFY, "A command to run, and wait for up to 1 s, when the daemon stops.")
        .since("1.1.13")
        .once()
        .once(),
    kw(
        "notify_deleted",
        Takes::Words { syntax: "[COMMAND [USER [GROUP]]]", least: 0, missing: Missing::Silent },
        "Reports an instance that a reload removes as DELETED instead of FAULT, and names a command to \
         run then.",
    )
    .since("2.1.0")
    .once()
    .once(),
    kw(
        "notify",
        NOTIFY,
        "A command to run at every change of state, after the one for that state. It gets `INSTANCE`, \
         the name, the state and the priority as further arguments.",
    )
    .since("0.5.3")
    .once()
    .once(),
    kw(
        "notify_master_rx_lower_pri",
        NOTIFY,
        "A command to run when a master hears an advert of lower priority.",
    )
    .since("2.0.6")
    .once()
    .once(),
    kw("smtp_alert", SWITCH, "Whether changes of state of this instance are mailed.")
        .default("smtp_alert_vrrp")
        .since("0.5.7"),
    kw(
        "notify_priority_changes",
        SWITCH,
        "Writes a line to the notify pipes when the effective priority changes.",
    )
    .default("vrrp_notify_priority_changes")
    .since("2.0.16"),
    kw(
        "lvs_sync_daemon_interface",
        one(Value::Interface),
        "Older form of `lvs_sync_daemon` in global_defs: the interface over which connections are \
         sent to the other directors, following this instance.",
    )
    .superseded("lvs_sync_daemon` in `global_defs")
    .since("0.5.5"),
    later(
        "debug",
        one(Value::int(0, 4)),
        "How much is logged about this instance, from 0 to 4; it makes little difference.",
    )
    .default("0")
    .since("0.5.3"),
    kw(
        "linkbeat_use_polling",
        Takes::Flag,
        "Older form of the block `linkbeat_interfaces`: polls the link of the instance's interface.",
    )
    .superseded("linkbeat_interfaces` outside all blocks")
    .since("2.0.0"),
];

static AUTHENTICATION: Block = Block {
    name: "authentication",
    header: Header::Nothing,
    body: Body::Keywords(
        &[&[
            kw(
                "auth_type",
                one(Value::Text),
                "`PASS`: a password in clear text; `AH`: an authentication header with HMAC-MD5 (IPv4 only). \
         Another word is reported, and there is no authentication.",
            )
            .since("0.5.3"),
            kw(
                "auth_pass",
                one(Value::Text),
                "The password, or the key of the authentication header, the same on all routers. What is \
         beyond eight bytes is reported and cut off.",
            )
            .since("0.5.3"),
        ]],
        &[],
    ),
};

static AUTH_HMAC: Block = Block {
    name: "auth_hmac",
    header: Header::Nothing,
    body: Body::Keywords(
        &[&[
            kw(
                "key",
                Takes::Words { syntax: "ID KEY|hex:DIGITS|file:PATH", least: 2, missing: Missing::Fatal },
                "A shared key of 32 to 64 bytes with a number from 1 to 255: as text, as hexadecimal digits \
         after `hex:`, or in a file that only its owner may read after `file:`. There may be several.",
            )
            .since("2.4.0"),
            kw("active_key", one(Value::int(1, 255)), "Number of the key that this router signs with. The others are for receiving, so that keys \
         can be changed one router after the other.").since("2.4.0"),
            kw("time_window", one(Value::secs(1, 300)), "How many seconds an advert may be old, or ahead of our clock, in `anti_replay time`.")
                .default("3 x advert_int, within 5 to 300")
                .since("2.4.0"),
            kw(
                "anti_replay",
                one(Value::choice(&["time", "monotonic"])),
                "What keeps an old advert from being accepted again: `time` needs clocks that agree, \
         `monotonic` counts.",
            )
            .default("time")
            .since("2.4.0"),
            kw(
                "mode",
                one(Value::choice(&["enforce", "permissive", "receive-only"])),
                "`enforce`: adverts are signed, and unsigned ones refused; `permissive`: signed, and unsigned \
         ones accepted; `receive-only`: not signed, and checked if signed.",
            )
            .default("enforce")
            .since("2.4.0"),
        ]],
        &[],
    ),
};

const fn lines(name: &'static str, syntax: &'static str) -> Block {
    Block { name, header: Header::NothingElse, body: Body::Lines(syntax) }
}

static VIRTUAL_IPADDRESS: Block = lines("virtual_ipaddress", ADDRESS_LINE);
static VIRTUAL_IPADDRESS_EXCLUDED: Block = lines("virtual_ipaddress_excluded", ADDRESS_LINE);
static VIRTUAL_ROUTES: Block = lines("virtual_routes", ROUTE_LINE);
static VIRTUAL_RULES: Block = lines("virtual_rules", RULE_LINE);
static UNICAST_PEER: Block = lines("unicast_peer", "ADDRESS [min_ttl 0-255] [max_ttl 0-255]");
pub static TRACK_INTERFACE: Block = lines("track_interface", "INTERFACE [weight NUMBER [reverse]]");
pub static TRACK_SCRIPT: Block = lines("track_script", TRACK_LINE);
pub static TRACK_FILE_ENTRIES: Block = lines("vrrp_instance/track_file", TRACK_LINE);
pub static TRACK_PROCESS: Block = lines("track_process", TRACK_LINE);
pub static TRACK_BFD: Block = lines("track_bfd", TRACK_LINE);
