//! `global_defs`: scheduling, buffers, SNMP, D-Bus, files.

use super::{INT, Keyword, Missing, Outside, SWITCH, Takes, UINT, Value, kw, later, one, wants};

const NICE: Takes = wants(Value::int(-20, 19));
const REALTIME: Takes = wants(Value::Integer { least: 1, most: 99, unit: "", outside: Outside::Limited });
const CPUS: Takes = Takes::Many(Value::int(0, INT), Missing::Reported);
const MICROSECONDS: Takes =
    one(Value::Integer { least: 1, most: UINT, unit: "microseconds", outside: Outside::Ignored });
const BYTES: Takes = wants(Value::Integer { least: 0, most: UINT, unit: "bytes", outside: Outside::Ignored });
const PATH: Takes = one(Value::Text);
const STATS_AGE: Takes = one(Value::time(1000, 30_000_000));

pub const SYSTEM: &[Keyword] = &[
    kw(
        "max_auto_priority",
        Takes::Maybe(Value::int(-1, 99)),
        "Real-time priority up to which a process that was scheduled late may raise itself. -1: \
         never; without a number: as far as it goes, 99.",
    )
    .default("0")
    .since("2.1.0"),
    kw(
        "min_auto_priority_delay",
        wants(Value::Integer { least: 1, most: 10_000_000, unit: "microseconds", outside: Outside::Ignored }),
        "How late a process has to be scheduled to raise its priority (see `max_auto_priority`).",
    )
    .default("1000000")
    .since("2.1.0"),
    kw("vrrp_priority", NICE, "Nice value of the VRRP process, from -20 (goes first) to 19.").since("1.2.20"),
    kw("checker_priority", NICE, "Nice value of the checker process, from -20 (goes first) to 19.")
        .since("1.2.20"),
    later("bfd_priority", NICE, "Nice value of the BFD process, from -20 (goes first) to 19.").since("2.0.0"),
    kw("vrrp_no_swap", Takes::Flag, "Keeps the memory of the VRRP process from being swapped out.")
        .since("1.2.20"),
    kw("checker_no_swap", Takes::Flag, "Keeps the memory of the checker process from being swapped out.")
        .since("1.2.20"),
    later("bfd_no_swap", Takes::Flag, "Keeps the memory of the BFD process from being swapped out.")
        .since("2.0.0"),
    kw("vrrp_rt_priority", REALTIME, "Real-time priority of the VRRP process (SCHED_RR).").since("2.0.0"),
    kw("checker_rt_priority", REALTIME, "Real-time priority of the checker process (SCHED_RR).")
        .since("2.0.0"),
    later("bfd_rt_priority", REALTIME, "Real-time priority of the BFD process (SCHED_RR).").since("2.0.0"),
    kw(
        "vrrp_cpu_affinity",
        CPUS,
        "Numbers of the processors that the VRRP process may run on. One that does not exist makes \
         the whole list void.",
    )
    .since("2.0.17"),
    kw(
        "checker_cpu_affinity",
        CPUS,
        "Numbers of the processors that the checker process may run on. One that does not exist makes \
         the whole list void.",
    )
    .since("2.0.17"),
    later(
        "bfd_cpu_affinity",
        CPUS,
        "Numbers of the processors that the BFD process may run on. One that does not exist makes the \
         whole list void.",
    )
    .since("2.0.17"),
    kw(
        "vrrp_rlimit_rttime",
        MICROSECONDS,
        "Longest time that the VRRP process, with real-time priority, may compute without a pause: at \
         half of it it goes on with ordinary priority until it waits for something; keepalived's \
         process is killed at all of it.",
    )
    .default("10000")
    .since("2.1.0"),
    kw(
        "checker_rlimit_rttime",
        MICROSECONDS,
        "Longest time that the checker process, with real-time priority, may compute without a pause: at \
         half of it it goes on with ordinary priority until it waits for something; keepalived's \
         process is killed at all of it.",
    )
    .default("10000")
    .since("2.1.0"),
    later(
        "bfd_rlimit_rttime",
        MICROSECONDS,
        "Longest time that the BFD process, with real-time priority, may compute without a pause; the \
         kernel kills it beyond that.",
    )
    .default("10000")
    .since("2.1.0"),
    later(
        "snmp_socket",
        wants(Value::Text),
        "Where the SNMP master agent listens (AgentX). `-A` overrides the default.",
    )
    .default("unix:/var/agentx/master")
    .since("1.2.20")
    .once()
    .once()
    .once(),
    later("enable_traps", Takes::Flag, "Sends SNMP traps at changes of state.").since("1.2.5"),
    later("enable_snmp_vrrp", Takes::Flag, "Answers SNMP requests for the VRRP part of KEEPALIVED-MIB.")
        .since("2.0.0"),
    later(
        "enable_snmp_checker",
        Takes::Flag,
        "Answers SNMP requests for the checker part of KEEPALIVED-MIB.",
    )
    .since("1.2.20"),
    later(
        "enable_snmp_rfc",
        Takes::Flag,
        "Answers SNMP requests for the MIBs of RFC 2787 (version 2) and RFC 6527 (version 3).",
    )
    .since("1.2.20"),
    later(
        "enable_snmp_rfcv2",
        Takes::Flag,
        "Answers SNMP requests for the MIB of RFC 2787, of VRRP version 2.",
    )
    .since("1.2.20"),
    later(
        "enable_snmp_rfcv3",
        Takes::Flag,
        "Answers SNMP requests for the MIB of RFC 6527, of VRRP version 3.",
    )
    .since("1.2.20"),
    later(
        "snmp_vs_stats_update_interval",
        STATS_AGE,
        "How many seconds old the counters of virtual servers may be that SNMP shows.",
    )
    .default("5")
    .since("2.3.0"),
    later(
        "snmp_rs_stats_update_interval",
        STATS_AGE,
        "How many seconds old the counters of real servers may be that SNMP shows.",
    )
    .default("snmp_vs_stats_update_interval")
    .since("2.3.0"),
    later("enable_dbus", Takes::Flag, "Offers the state of VRRP on D-Bus, and signals its changes there.")
        .since("1.3.0"),
    later("dbus_service_name", wants(Value::Text), "Name of the service on D-Bus.")
        .default("org.keepalived.Vrrp1")
        .since("1.3.7"),
    later(
        "dbus_no_interface_name",
        one(Value::Text),
        "Part of the D-Bus path of instances without interface, where others have the interface.",
    )
    .default("none")
    .since("2.3.0"),
    kw(
        "vrrp_netlink_cmd_rcv_bufs",
        BYTES,
        "Size of the receive buffer of the socket by which the VRRP process changes addresses and \
         routes. stayd needs none: it reads each answer before it asks again.",
    )
    .since("2.0.0"),
    kw(
        "vrrp_netlink_cmd_rcv_bufs_force",
        SWITCH,
        "Sets `vrrp_netlink_cmd_rcv_bufs` even beyond the system's limit.",
    )
    .since("2.0.0"),
    kw(
        "vrrp_netlink_monitor_rcv_bufs",
        BYTES,
        "Size of the receive buffer of the socket by which the VRRP process hears of interfaces and \
         addresses. A small one loses events, and everything is read again. 8 MiB unless given.",
    )
    .since("2.0.0"),
    kw(
        "vrrp_netlink_monitor_rcv_bufs_force",
        SWITCH,
        "Sets `vrrp_netlink_monitor_rcv_bufs` even beyond the system's limit.",
    )
    .since("2.0.0"),
    kw(
        "lvs_netlink_cmd_rcv_bufs",
        BYTES,
        "Size of the receive buffer of the socket by which the checker process asks for addresses. stayd \
         needs none: it reads each answer before it asks again.",
    )
    .since("2.0.0"),
    kw(
        "lvs_netlink_cmd_rcv_bufs_force",
        SWITCH,
        "Sets `lvs_netlink_cmd_rcv_bufs` even beyond the system's limit.",
    )
    .since("2.0.0"),
    later(
        "lvs_netlink_monitor_rcv_bufs",
        BYTES,
        "Size of the receive buffer of the socket by which the checker process hears of addresses.",
    )
    .since("2.0.0"),
    later(
        "lvs_netlink_monitor_rcv_bufs_force",
        SWITCH,
        "Sets `lvs_netlink_monitor_rcv_bufs` even beyond the system's limit.",
    )
    .since("2.0.0"),
    later(
        "process_monitor_rcv_bufs",
        BYTES,
        "Size of the receive buffer of the socket by which the kernel tells of processes, for \
         `vrrp_track_process`.",
    )
    .since("2.0.11"),
    later(
        "process_monitor_rcv_bufs_force",
        SWITCH,
        "Sets `process_monitor_rcv_bufs` even beyond the system's limit.",
    )
    .since("2.0.11"),
    kw(
        "umask",
        one(Value::Text),
        "Permissions that files are made without: octal, or names such as `IRGRP|IROTH`. `-u` \
         overrides it.",
    )
    .default("0177")
    .since("2.0.9"),
    kw(
        "random_seed",
        one(Value::int(0, UINT)),
        "Seed of the warm-up of checks, so that a run can be repeated. Not of `${_RANDOM}`, which is \
         drawn anew whenever the file is read, with keepalived too.",
    )
    .since("2.0.15"),
    kw(
        "reload_check_config",
        Takes::Maybe(Value::Text),
        "Refuses to reload a file that `-t` finds fault with, and names a file for what `-t` says; /dev/null unless \
         given. Without it, only what a daemon would not start with is refused.",
    )
    .since("2.2.0"),
    kw("reload_time_file", wants(Value::Text), "A file that holds the time of a reload to come.")
        .since("2.1.0"),
    kw("reload_repeat", Takes::Flag, "Keeps `reload_time_file` after the reload, so that it comes again.")
        .since("2.1.0"),
    kw(
        "reload_file",
        Takes::Maybe(Value::Text),
        "A file that exists while a reload is under way; the pid file's name with .reload unless given.",
    )
    .since("2.2.0"),
    kw(
        "include_check",
        Takes::Words {
            syntax: "[[+|-]read] [[+|-]match] [[+|-]wildcard_match] [[+|-]brace_match]",
            least: 0,
            missing: Missing::Silent,
        },
        "What later `include` lines of this file insist on, as their strict forms do. A first word \
         without sign replaces what held before, `+` adds to it and `-` takes away.",
    )
    .since("2.2.0"),
    kw(
        "config_save_dir",
        PATH,
        "A folder that gets a copy of the configuration at the start and at each reload, and the data of before and \
         after each reload. It is made if it does not exist.",
    )
    .since("2.2.3"),
    kw(
        "tmp_config_directory",
        wants(Value::Text),
        "A folder in which a copy of the configuration is kept while it is in use, where it cannot be \
         kept in memory. stayd needs none.",
    )
    .since("2.2.0")
    .once()
    .once()
    .once(),
    kw(
        "data_use_instance",
        SWITCH,
        "Puts the names of namespace and `instance` into the names of dump files.",
    )
    .since("2.2.3"),
    kw(
        "json_version",
        one(Value::int(1, 2)),
        "Layout of keepalived.json: 1 is a list of instances, 2 an object.",
    )
    .default("1")
    .since("2.2.8"),
    kw(
        "iproute_usr_dir",
        PATH,
        "Folder of the distribution's rt_tables, rt_scopes and the like, for names in routes and rules.",
    )
    .default("/usr/share/iproute2")
    .since("2.3.2"),
    kw(
        "iproute_etc_dir",
        PATH,
        "Folder of the administrator's rt_tables, rt_scopes and the like, which go before the \
         distribution's.",
    )
    .default("/etc/iproute2")
    .since("2.3.2"),
    kw("state_dump_file", PATH, "File that the state is written to on SIGUSR1.")
        .default("/tmp/keepalived.data")
        .since("2.3.3"),
    kw(
        "stats_dump_file",
        PATH,
        "File that the counters are written to on SIGUSR2. keepalived takes the keyword and writes to \
         the default.",
    )
    .default("/tmp/keepalived.stats")
    .since("2.3.3"),
    kw(
        "json_dump_file",
        PATH,
        "File that state and counters are written to as JSON on a signal. keepalived takes the \
         keyword and writes to the default.",
    )
    .default("/tmp/keepalived.json")
    .since("2.3.3"),
];
