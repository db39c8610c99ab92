//! `global_defs`: VRRP, its announcements and its packet filters.

use super::{Keyword, SWITCH, TIMER, Takes, UINT, Value, kw, later, one, wants};

const SECS: Takes = one(Value::secs(0, 4294));
const COUNT: Takes = one(Value::raised(1, UINT));
const NAMES: Takes = Takes::Words { syntax: "[NAME ...]", least: 0, missing: super::Missing::Silent };
const EXTRA_IF: Takes = Takes::Words { syntax: "[all] SECS", least: 1, missing: super::Missing::Reported };

pub const VRRP: &[Keyword] = &[
    later("disable_local_igmp", Takes::Flag, "Stops the kernel's IGMP reports for link-local groups while running.")
        .since("2.2.0"),
    later("v3_checksum_as_v2", Takes::Flag, "Default of the instances' `v3_checksum_as_v2`.").since("2.2.8"),
    kw("vrrp_mcast_group4", one(Value::Address), "Multicast group that adverts of IPv4 instances go to.")
        .default("224.0.0.18")
        .since("1.2.10"),
    kw("vrrp_mcast_group6", one(Value::Address), "Multicast group that adverts of IPv6 instances go to; link-local.")
        .default("ff02::12")
        .since("1.2.10"),
    kw("vrrp_garp_master_delay", SECS, "Default of the instances' `garp_master_delay`.").default("5").since("1.2.20"),
    kw("vrrp_garp_master_repeat", COUNT, "Default of the instances' `garp_master_repeat`.").default("5").since("1.2.20"),
    kw("vrrp_garp_master_refresh", one(Value::secs(0, UINT)), "Default of the instances' `garp_master_refresh`.")
        .default("0")
        .since("1.2.20"),
    kw("vrrp_garp_master_refresh_repeat", COUNT, "Default of the instances' `garp_master_refresh_repeat`.")
        .default("1")
        .since("1.2.20"),
    kw("vrrp_garp_lower_prio_delay", SECS, "Default of the instances' `garp_lower_prio_delay`.")
        .default("vrrp_garp_master_delay")
        .since("1.2.20"),
    kw("vrrp_garp_lower_prio_repeat", one(Value::int(0, UINT)), "Default of the instances' `garp_lower_prio_repeat`.")
        .default("vrrp_garp_master_repeat")
        .since("1.2.20"),
    kw("vrrp_down_timer_adverts", one(Value::int(1, 100)), "Default of the instances' `down_timer_adverts`.")
        .default("3")
        .since("2.2.3"),
    kw("vrrp_garp_interval", one(TIMER), "Least time between two gratuitous ARPs on one interface, in seconds.")
        .default("0 (none)")
        .since("1.2.21"),
    kw(
        "vrrp_gna_interval",
        one(TIMER),
        "Least time between two unsolicited neighbour advertisements on one interface, in seconds.",
    )
    .default("0 (none)")
    .since("1.2.21"),
    kw(
        "vrrp_min_garp",
        SWITCH,
        "Announces each address once, without repetition, refresh or second burst, where nothing else is configured.",
    )
    .default("false")
    .since("2.0.12"),
    later("vrrp_garp_extra_if", EXTRA_IF, "Default of the instances' `garp_extra_if`.").since("2.2.3"),
    kw("vrrp_lower_prio_no_advert", SWITCH, "Default of the instances' `lower_prio_no_advert`.")
        .default("false")
        .since("1.2.20"),
    kw("vrrp_higher_prio_send_advert", SWITCH, "Default of the instances' `higher_prio_send_advert`.")
        .default("false")
        .since("1.3.5"),
    kw("vrrp_version", one(Value::int(2, 3)), "Version of VRRP for IPv4 instances; IPv6 has only version 3.")
        .default("2")
        .since("1.2.20"),
    later("vrrp_iptables", NAMES, "Names of the iptables chains that keep packets from addresses of `no_accept`.")
        .superseded("nftables")
        .default("INPUT OUTPUT")
        .since("1.2.20"),
    later("vrrp_ipsets", NAMES, "Names of the ipsets that the rules use; none: no ipsets.")
        .superseded("nftables")
        .default("keepalived keepalived6 keepalived_if6 ...")
        .since("1.2.20"),
    later("nftables", Takes::Maybe(Value::Text), "Uses nftables, and names the table.").default("keepalived").since("2.0.11"),
    later("nftables_priority", one(Value::int(-2_147_483_648, super::INT)), "Priority of its base chains.")
        .default("-1")
        .since("2.0.11"),
    later("nftables_ifindex", Takes::Flag, "Matches link-local addresses by the interface's index instead of its name.")
        .since("2.0.11"),
    later("nftables_counters", Takes::Flag, "Adds counters to the rules.").since("2.0.11"),
    later(
        "nftables_ipvs",
        Takes::Maybe(Value::Text),
        "Marks the packets of a virtual_server_group by nftables, so that it is one IPVS service; names the table.",
    )
    .default("keepalived_ipvs")
    .since("2.2.2"),
    later("nftables_ipvs_priority", one(Value::int(-2_147_483_648, super::INT)), "Priority of its base chains.")
        .default("-1")
        .since("2.2.2"),
    later("nftables_ipvs_start_fwmark", one(Value::int(1, UINT)), "First mark that it uses.").default("1000").since("2.2.2"),
    later("vrrp_check_unicast_src", Takes::Flag, "Takes unicast adverts only from configured peers.").since("1.2.20"),
    kw("vrrp_skip_check_adv_addr", SWITCH, "Default of the instances' `skip_check_adv_addr`.")
        .default("false")
        .since("1.2.20"),
    kw("vrrp_strict", SWITCH, "Default of the instances' `strict_mode`.").default("false").since("1.2.20"),
    later("vrrp_notify_priority_changes", SWITCH, "Writes changes of the effective priority to the notify pipe.")
        .default("false")
        .since("2.0.16"),
    later(
        "vrrp_rx_bufs_policy",
        wants(Value::Text),
        "How large the receive buffers of VRRP are: `MTU`, `ADVERT`, or a number of bytes.",
    )
    .since("2.0.3"),
    later("vrrp_rx_bufs_multiplier", wants(Value::int(1, UINT)), "Packets of that size that a buffer holds.")
        .default("3")
        .since("2.0.3"),
    later(
        "vrrp_startup_delay",
        one(Value::time(1000, 4_294_967_295)),
        "For so long after its start the daemon becomes master of nothing, in seconds.",
    )
    .default("0")
    .since("2.0.14"),
    later(
        "vrrp_delay_after_boot",
        one(Value::time(1000, 4_294_967_295)),
        "The same, counted from the start of the host.",
    )
    .default("0")
    .since("2.4.0"),
    later("log_unknown_vrids", Takes::Flag, "Logs adverts of virtual routers that are not configured.").since("2.0.16"),
    later("vrrp_owner_ignore_adverts", SWITCH, "Default of the instances' `owner_ignore_adverts`.")
        .default("false")
        .since("2.3.3"),
    later("vmac_prefix", one(Value::Text), "Start of the names of VMAC interfaces.").default("vrrp").since("2.2.0"),
    later("vmac_addr_prefix", one(Value::Text), "Start of the names of VMAC interfaces of single addresses.")
        .default("vmac_prefix")
        .since("2.2.0"),
];
