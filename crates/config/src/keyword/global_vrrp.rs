//! `global_defs`: VRRP, its announcements and its packet filters.

use super::{Keyword, SWITCH, TIMER, Takes, UINT, Value, kw, later, one, wants};

const SECS: Takes = one(Value::secs(0, 4294));
const COUNT: Takes = one(Value::raised(1, UINT));
const NAMES: Takes = Takes::Words { syntax: "[NAME ...]", least: 0, missing: super::Missing::Silent };
const EXTRA_IF: Takes = Takes::Words { syntax: "[all] SECS", least: 1, missing: super::Missing::Reported };

pub const VRRP: &[Keyword] = &[
    kw(
        "disable_local_igmp",
        Takes::Flag,
        "Stops the kernel's IGMP reports for link-local groups while the daemon runs \
         (igmp_link_local_mcast_reports). It cannot change at a reload.",
    )
    .since("2.2.0"),
    kw(
        "v3_checksum_as_v2",
        Takes::Flag,
        "Default of the instances' `v3_checksum_as_v2`: the pseudo header is left out of the checksum \
         of IPv4 adverts of version 3.",
    )
    .since("2.2.8"),
    kw("vrrp_mcast_group4", one(Value::Address), "Multicast group that the adverts of IPv4 instances go to.")
        .default("224.0.0.18")
        .since("1.2.10"),
    kw(
        "vrrp_mcast_group6",
        one(Value::Address),
        "Multicast group that the adverts of IPv6 instances go to. It should be link-local; another \
         is reported and used.",
    )
    .default("ff02::12")
    .since("1.2.10"),
    kw(
        "vrrp_garp_master_delay",
        SECS,
        "Default of the instances' `garp_master_delay`: seconds after becoming master at which the \
         addresses are announced once more; 0: not.",
    )
    .default("5")
    .since("1.2.20"),
    kw(
        "vrrp_garp_master_repeat",
        COUNT,
        "Default of the instances' `garp_master_repeat`: how often each address is announced in one go.",
    )
    .default("5")
    .since("1.2.20"),
    kw(
        "vrrp_garp_master_refresh",
        one(Value::secs(0, UINT)),
        "Default of the instances' `garp_master_refresh`: seconds after which a master announces its \
         addresses again and again; 0: not.",
    )
    .default("0")
    .since("1.2.20"),
    kw(
        "vrrp_garp_master_refresh_repeat",
        COUNT,
        "Default of the instances' `garp_master_refresh_repeat`: how often each address is announced \
         at such a refresh.",
    )
    .default("1")
    .since("1.2.20"),
    kw(
        "vrrp_garp_lower_prio_delay",
        SECS,
        "Default of the instances' `garp_lower_prio_delay`: seconds after an advert of lower priority \
         at which a master announces its addresses once more; 0: not.",
    )
    .default("vrrp_garp_master_delay")
    .since("1.2.20"),
    kw(
        "vrrp_garp_lower_prio_repeat",
        one(Value::int(0, UINT)),
        "Default of the instances' `garp_lower_prio_repeat`: how often each address is announced \
         after an advert of lower priority.",
    )
    .default("vrrp_garp_master_repeat")
    .since("1.2.20"),
    kw(
        "vrrp_down_timer_adverts",
        one(Value::int(1, 100)),
        "Default of the instances' `down_timer_adverts`: how many adverts in a row have to be missing \
         until a master is given up.",
    )
    .default("3")
    .since("2.2.3"),
    kw(
        "vrrp_garp_interval",
        one(TIMER),
        "Least time in seconds between two gratuitous ARPs on one interface. A second or more delays \
         failovers of many addresses and is worth a second thought. keepalived reports the value 0; \
         here it means none.",
    )
    .default("0 (none)")
    .since("1.2.21"),
    kw(
        "vrrp_gna_interval",
        one(TIMER),
        "Least time in seconds between two unsolicited neighbour advertisements on one interface. \
         keepalived reports the value 0; here it means none.",
    )
    .default("0 (none)")
    .since("1.2.21"),
    kw(
        "vrrp_min_garp",
        SWITCH,
        "Announces each address once, without repetition, refresh or second burst, wherever these are \
         not configured.",
    )
    .default("false")
    .since("2.0.12"),
    kw(
        "vrrp_garp_extra_if",
        EXTRA_IF,
        "Default of the instances' `garp_extra_if`: every so many seconds the addresses of VMACs are \
         announced on further interfaces, with `all` on all of them.",
    )
    .since("2.2.3"),
    kw(
        "vrrp_lower_prio_no_advert",
        SWITCH,
        "Default of the instances' `lower_prio_no_advert`: a master does not answer adverts of lower \
         priority.",
    )
    .default("false")
    .since("1.2.20"),
    kw(
        "vrrp_higher_prio_send_advert",
        SWITCH,
        "Default of the instances' `higher_prio_send_advert`: a master sends one more advert before \
         it gives way to a higher priority.",
    )
    .default("false")
    .since("1.3.5"),
    kw(
        "vrrp_version",
        one(Value::int(2, 3)),
        "Version of VRRP of IPv4 instances that do not say it themselves; IPv6 has only version 3.",
    )
    .default("2")
    .since("1.2.20"),
    later(
        "vrrp_iptables",
        NAMES,
        "Names of the iptables chains, for incoming and outgoing packets, in which packets from and \
         to addresses of `no_accept` are dropped; INPUT and OUTPUT unless given.",
    )
    .superseded("nftables")
    .since("1.2.20"),
    later(
        "vrrp_ipsets",
        NAMES,
        "Names of up to six ipsets that the iptables rules use, keepalived, keepalived6 and so on \
         unless given; without any name no ipset is used.",
    )
    .superseded("nftables")
    .since("1.2.20"),
    kw(
        "nftables",
        Takes::Maybe(Value::Text),
        "Uses nftables for `no_accept` and VMACs, and names the table; `keepalived` unless given.",
    )
    .since("2.0.11")
    .once(),
    kw(
        "nftables_priority",
        one(Value::int(-2_147_483_648, super::INT)),
        "Priority of the base chains of `nftables`.",
    )
    .default("-1")
    .since("2.0.11"),
    kw(
        "nftables_ifindex",
        Takes::Flag,
        "Matches link-local addresses by the interface's index instead of its name in the rules of \
         `nftables`.",
    )
    .since("2.0.11"),
    kw("nftables_counters", Takes::Flag, "Adds counters to the rules of `nftables`.").since("2.0.11"),
    kw(
        "nftables_ipvs",
        Takes::Maybe(Value::Text),
        "Marks the packets of a virtual_server_group by nftables, so that it becomes one IPVS service \
         with a firewall mark instead of one for each address, and names the table; `keepalived_ipvs` \
         unless given.",
    )
    .since("2.2.2")
    .once(),
    kw(
        "nftables_ipvs_priority",
        one(Value::int(-2_147_483_648, super::INT)),
        "Priority of the base chains of `nftables_ipvs`.",
    )
    .default("-1")
    .since("2.2.2"),
    kw(
        "nftables_ipvs_start_fwmark",
        one(Value::int(1, UINT)),
        "First of the firewall marks that `nftables_ipvs` gives to groups; they count up from it.",
    )
    .default("1000")
    .since("2.2.2"),
    kw(
        "vrrp_check_unicast_src",
        Takes::Flag,
        "Takes unicast adverts only from configured peers, for every instance. Otherwise they are \
         taken from anybody.",
    )
    .since("1.2.20"),
    kw(
        "vrrp_skip_check_adv_addr",
        SWITCH,
        "Default of the instances' `skip_check_adv_addr`: the addresses in an advert are compared \
         only when the master has changed.",
    )
    .default("false")
    .since("1.2.20"),
    kw(
        "vrrp_strict",
        SWITCH,
        "Default of the instances' `strict_mode`: keeps to the letter of the RFCs, without \
         authentication, unicast and preempt_delay.",
    )
    .default("false")
    .since("1.2.20"),
    kw(
        "vrrp_notify_priority_changes",
        SWITCH,
        "Default of the instances' `notify_priority_changes`: writes a line to the notify pipes when \
         the effective priority of an instance changes.",
    )
    .default("false")
    .since("2.0.16"),
    kw(
        "vrrp_rx_bufs_policy",
        wants(Value::Text),
        "How large the receive buffers of VRRP are: by the interface's `MTU`, by the length of an \
         `ADVERT`, or a number of bytes.",
    )
    .since("2.0.3"),
    kw(
        "vrrp_rx_bufs_multiplier",
        wants(Value::int(1, UINT)),
        "How many packets of the size of `vrrp_rx_bufs_policy` a receive buffer holds.",
    )
    .default("3")
    .since("2.0.3"),
    kw(
        "vrrp_startup_delay",
        one(Value::time(1000, 4_294_967_295)),
        "For so many seconds after its start the daemon becomes master of nothing, so that the host \
         can settle: down timers run from then on. The longer of this and `vrrp_delay_after_boot` \
         holds.",
    )
    .default("0")
    .since("2.0.14"),
    kw(
        "vrrp_delay_after_boot",
        one(Value::time(1000, 4_294_967_295)),
        "For so many seconds after the start of the host the daemon becomes master of nothing, so \
         that the host can settle.",
    )
    .default("0")
    .since("2.4.0"),
    kw(
        "log_unknown_vrids",
        Takes::Flag,
        "Logs adverts of virtual routers that are not configured here; each sender once (keepalived: each \
         advert).",
    )
    .since("2.0.16"),
    kw(
        "vrrp_owner_ignore_adverts",
        SWITCH,
        "Default of the instances' `owner_ignore_adverts`: the owner of the addresses ignores all \
         adverts.",
    )
    .default("false")
    .since("2.3.3"),
    kw(
        "vmac_prefix",
        one(Value::Text),
        "Start of the names of VMAC interfaces; the number of the virtual router follows.",
    )
    .default("vrrp")
    .since("2.2.0")
    .once(),
    kw(
        "vmac_addr_prefix",
        one(Value::Text),
        "Start of the names of the VMAC interfaces of single addresses (`use_vmac_addr`).",
    )
    .default("vmac_prefix")
    .since("2.2.0")
    .once(),
];
