//! What `global_defs` says of virtual servers.

use serde_json::json;

use super::{Row, row, secs};

/// A server whose real server is checked.
pub const SERVER: &str = "virtual_server 10.0.0.1 80 {\nprotocol TCP\nlvs_sched rr\nlvs_method NAT\n\
                          real_server 10.0.0.2 80 {\nTCP_CHECK {\n}\n}\n}\n";

pub fn rows() -> Vec<Row> {
    [balancing(), process(), reports()].into_iter().flatten().collect()
}

/// The checker process.
fn process() -> Vec<Row> {
    macro_rules! process {
        ($keyword:literal, $words:literal, $at:literal, $is:expr) => {
            row("global_defs", $keyword, $words, concat!("/globals/daemon/checker/", $at), $is)
        };
    }
    vec![
        process!("checker_process_name", "checks", "name", json!("checks")),
        process!("checker_priority", "-5", "nice", json!(-5)),
        process!("checker_rt_priority", "7", "realtime", json!(7)),
        process!("checker_no_swap", "", "no_swap", json!(true)),
        process!("checker_cpu_affinity", "0 1", "processors", json!([0, 1])),
        process!("checker_rlimit_rttime", "7", "realtime_limit", json!({ "secs": 0, "nanos": 7000 })),
        process!("lvs_netlink_cmd_rcv_bufs", "7", "command_buffer/bytes", json!(7)),
        process!("lvs_netlink_cmd_rcv_bufs_force", "", "command_buffer/force", json!(true)),
        process!("lvs_netlink_monitor_rcv_bufs", "7", "monitor_buffer/bytes", json!(7)),
        process!("lvs_netlink_monitor_rcv_bufs_force", "", "monitor_buffer/force", json!(true)),
    ]
}

/// Who is told.
fn reports() -> Vec<Row> {
    let global = |keyword, words, at, is| row("global_defs", keyword, words, at, is);
    let fifo = json!({ "path": "/run/f", "owner": { "user": "root", "group": "root" }, "script": null });
    vec![
        global("lvs_notify_fifo", "/run/f root root", "/globals/fifos/lvs", fifo),
        global(
            "lvs_notify_fifo_script",
            "\"/s/ok a\"",
            "/globals/fifos/lvs/script/argv",
            json!(["/s/ok", "a"]),
        ),
        global("enable_snmp_checker", "", "/globals/snmp/checker", json!(true)),
        global("snmp_vs_stats_update_interval", "7", "/globals/snmp/virtual_server_age", secs(7)),
        global("snmp_rs_stats_update_interval", "7", "/globals/snmp/real_server_age", secs(7)),
        global("smtp_alert_checker", "", "/server_events/0/smtp_alert", json!(true)),
        global("smtp_alert_checker", "off", "/server_events/0/real_servers/0/smtp_alert", json!(false)),
        global("no_checker_emails", "", "/globals/mail/no_checkers", json!(true)),
    ]
}

fn balancing() -> Vec<Row> {
    let global = |keyword, words, at, is| row("global_defs", keyword, words, at, is);
    let timeouts = |tcp: u32, tcp_fin: u32, udp: u32| json!({ "tcp": tcp, "tcp_fin": tcp_fin, "udp": udp });
    let sync = "/lvs/sync_daemon";
    vec![
        global("lvs_timeouts", "tcp 900 tcpfin 30 udp 300", "/lvs/timeouts", timeouts(900, 30, 300)),
        global("lvs_timeouts", "tcp 900\nlvs_timeouts udp 300", "/lvs/timeouts", timeouts(900, 0, 300)),
        global(
            "lvs_sync_daemon",
            "eth1 inst A id 5 maxlen 1400 port 99 ttl 4 group ff02::81",
            sync,
            json!({
                "interface": "eth1", "instance": "A", "id": 5, "max_len": 1400, "port": 99, "ttl": 4,
                "group": "ff02::81",
            }),
        ),
        global(
            "lvs_sync_daemon",
            "eth1",
            sync,
            json!({
                "interface": "eth1", "instance": null, "id": 0, "max_len": null, "port": 8848, "ttl": 1,
                "group": "224.0.0.81",
            }),
        ),
        // The instance's number, and the older form.
        global("lvs_sync_daemon", "eth1 inst A", "/lvs/sync_daemon/id", json!(3)),
        global("lvs_sync_daemon", "eth1 A", "/lvs/sync_daemon/instance", json!("A")),
        global("lvs_sync_daemon", "eth1 A 7", "/lvs/sync_daemon/id", json!(7)),
        global("lvs_flush", "", "/lvs/flush", json!(true)),
        global("lvs_flush_on_stop", "", "/lvs/flush_on_stop", json!("Everything")),
        global("lvs_flush_on_stop", "VS", "/lvs/flush_on_stop", json!("Services")),
        global("nftables_ipvs", "", "/lvs/nftables/enabled", json!(true)),
        global("nftables_ipvs", "t", "/lvs/nftables/table", json!("t")),
        global("nftables_ipvs_priority", "-200", "/lvs/nftables/priority", json!(-200)),
        global("nftables_ipvs_start_fwmark", "7", "/lvs/nftables/first_mark", json!(7)),
        global("rs_init_notifies", "", "/lvs/init_notifies", json!(true)),
        global("checker_log_all_failures", "on", "/lvs/log_all_failures", json!(true)),
        global(
            "checker_log_all_failures",
            "on",
            "/virtual_servers/0/real_servers/0/checks/0/log_all_failures",
            json!(true),
        ),
    ]
}
