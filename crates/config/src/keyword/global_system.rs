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
    later(
        "max_auto_priority",
        Takes::Maybe(Value::int(-1, 99)),
        "Real-time priority up to which a process that was scheduled late may raise itself; -1: never.",
    )
    .default("0")
    .since("2.1.0"),
    later(
        "min_auto_priority_delay",
        wants(Value::Integer { least: 1, most: 10_000_000, unit: "microseconds", outside: Outside::Ignored }),
        "Lateness that makes it do so.",
    )
    .default("1000000")
    .since("2.1.0"),
    later("vrrp_priority", NICE, "Nice value of the VRRP process.").since("1.2.20"),
    later("checker_priority", NICE, "Nice value of the checker process.").since("1.2.20"),
    later("bfd_priority", NICE, "Nice value of the BFD process.").since("2.0.0"),
    later("vrrp_no_swap", Takes::Flag, "Keeps the VRRP process in memory.").since("1.2.20"),
    later("checker_no_swap", Takes::Flag, "Keeps the checker process in memory.").since("1.2.20"),
    later("bfd_no_swap", Takes::Flag, "Keeps the BFD process in memory.").since("2.0.0"),
    later("vrrp_rt_priority", REALTIME, "Real-time priority of the VRRP process (SCHED_RR).").since("2.0.0"),
    later("checker_rt_priority", REALTIME, "Real-time priority of the checker process.").since("2.0.0"),
    later("bfd_rt_priority", REALTIME, "Real-time priority of the BFD process.").since("2.0.0"),
    later("vrrp_cpu_affinity", CPUS, "Processors that the VRRP process may run on.").since("2.0.17"),
    later("checker_cpu_affinity", CPUS, "Processors that the checker process may run on.").since("2.0.17"),
    later("bfd_cpu_affinity", CPUS, "Processors that the BFD process may run on.").since("2.0.17"),
    later("vrrp_rlimit_rttime", MICROSECONDS, "Longest time that the real-time VRRP process may compute without a pause.")
        .default("10000")
        .since("2.1.0"),
    later("checker_rlimit_rttime", MICROSECONDS, "The same for the checker process.").default("10000").since("2.1.0"),
    later("bfd_rlimit_rttime", MICROSECONDS, "The same for the BFD process.").default("10000").since("2.1.0"),
    later("snmp_socket", wants(Value::Text), "Where the SNMP master agent listens.")
        .default("unix:/var/agentx/master")
        .since("1.2.20"),
    later("enable_traps", Takes::Flag, "Sends SNMP traps at changes of state.").since("1.2.5"),
    later("enable_snmp_vrrp", Takes::Flag, "Answers for the VRRP part of KEEPALIVED-MIB.").since("2.0.0"),
    later("enable_snmp_checker", Takes::Flag, "Answers for the checker part of KEEPALIVED-MIB.").since("1.2.20"),
    later("enable_snmp_rfc", Takes::Flag, "Answers for the MIBs of RFC 2787 and RFC 6527.").since("1.2.20"),
    later("enable_snmp_rfcv2", Takes::Flag, "Answers for the MIB of RFC 2787.").since("1.2.20"),
    later("enable_snmp_rfcv3", Takes::Flag, "Answers for the MIB of RFC 6527.").since("1.2.20"),
    later("snmp_vs_stats_update_interval", STATS_AGE, "How old the counters of virtual servers may be, in seconds.")
        .default("5")
        .since("2.3.0"),
    later("snmp_rs_stats_update_interval", STATS_AGE, "How old the counters of real servers may be, in seconds.")
        .default("snmp_vs_stats_update_interval")
        .since("2.3.0"),
    later("enable_dbus", Takes::Flag, "Offers the state of VRRP on D-Bus.").since("1.3.0"),
    later("dbus_service_name", wants(Value::Text), "Its name on the bus.").default("org.keepalived.Vrrp1").since("1.3.7"),
    later("dbus_no_interface_name", one(Value::Text), "Part of the path of instances without interface.")
        .default("none")
        .since("2.3.0"),
    later("vrrp_netlink_cmd_rcv_bufs", BYTES, "Receive buffer of the VRRP process's netlink command socket.").since("2.0.0"),
    later("vrrp_netlink_cmd_rcv_bufs_force", SWITCH, "Sets that beyond the system's limit.").since("2.0.0"),
    later("vrrp_netlink_monitor_rcv_bufs", BYTES, "Receive buffer of the VRRP process's netlink event socket.")
        .since("2.0.0"),
    later("vrrp_netlink_monitor_rcv_bufs_force", SWITCH, "Sets that beyond the system's limit.").since("2.0.0"),
    later("lvs_netlink_cmd_rcv_bufs", BYTES, "Receive buffer of the checker process's netlink command socket.")
        .since("2.0.0"),
    later("lvs_netlink_cmd_rcv_bufs_force", SWITCH, "Sets that beyond the system's limit.").since("2.0.0"),
    later("lvs_netlink_monitor_rcv_bufs", BYTES, "Receive buffer of the checker process's netlink event socket.")
        .since("2.0.0"),
    later("lvs_netlink_monitor_rcv_bufs_force", SWITCH, "Sets that beyond the system's limit.").since("2.0.0"),
    later("process_monitor_rcv_bufs", BYTES, "Receive buffer of the socket that tells of processes.").since("2.0.11"),
    later("process_monitor_rcv_bufs_force", SWITCH, "Sets that beyond the system's limit.").since("2.0.11"),
    later(
        "umask",
        one(Value::Text),
        "Which permissions files are made without: octal, or names such as `IRGRP|IROTH`. `-u` overrides it.",
    )
    .default("0177")
    .since("2.0.9"),
    later("random_seed", one(Value::int(0, UINT)), "Seed of `${_RANDOM}` and of the warm-up of checks.").since("2.0.15"),
    later(
        "reload_check_config",
        Takes::Maybe(Value::Text),
        "Tests a new configuration before it is used, and names a file for what the test says. stayd always tests.",
    )
    .default("/dev/null")
    .since("2.2.0"),
    later("reload_time_file", wants(Value::Text), "A file that holds the time of a reload to come.").since("2.1.0"),
    later("reload_repeat", Takes::Flag, "Keeps that file after the reload, so that it comes again.").since("2.1.0"),
    later("reload_file", Takes::Maybe(Value::Text), "A file that exists while a reload is under way.").since("2.2.0"),
    kw(
        "include_check",
        Takes::Words {
            syntax: "[[+|-]read] [[+|-]match] [[+|-]wildcard_match] [[+|-]brace_match]",
            least: 0,
            missing: Missing::Silent,
        },
        "What later `include` lines of this file insist on.",
    )
    .since("2.2.0"),
    later("config_save_dir", PATH, "A directory for copies of the configuration before and after each reload.")
        .since("2.2.3"),
    later("tmp_config_directory", wants(Value::Text), "Where a copy of the configuration is kept while it is in use.").since("2.2.0"),
    later("data_use_instance", SWITCH, "Puts the instance's name into the names of dump files.").since("2.2.3"),
    later("json_version", one(Value::int(1, 2)), "Layout of keepalived.json.").default("1").since("2.2.8"),
    later("iproute_usr_dir", PATH, "Where rt_tables and its like are.").default("/usr/share/iproute2").since("2.3.2"),
    later("iproute_etc_dir", PATH, "Where rt_tables and its like are.").default("/etc/iproute2").since("2.3.2"),
    later("state_dump_file", PATH, "Name of the file that SIGUSR1 writes.").default("/tmp/keepalived.data").since("2.3.3"),
    later("stats_dump_file", PATH, "Name of the file that SIGUSR2 writes.").default("/tmp/keepalived.stats").since("2.3.3"),
    later("json_dump_file", PATH, "Name of the file that the JSON signal writes.")
        .default("/tmp/keepalived.json")
        .since("2.3.3"),
];
