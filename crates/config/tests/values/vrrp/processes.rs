//! `global_defs`: how the daemon's processes are called and scheduled.

use serde_json::json;

use super::{Row, millis, row};

macro_rules! of_each {
    ($rows:ident, $what:literal, $words:literal, $at:literal, $is:expr) => {
        $rows.push(row(
            "global_defs",
            concat!("vrrp_", $what),
            $words,
            concat!("/globals/daemon/vrrp/", $at),
            $is,
        ));
        $rows.push(row(
            "global_defs",
            concat!("checker_", $what),
            $words,
            concat!("/globals/daemon/checker/", $at),
            $is,
        ));
        $rows.push(row(
            "global_defs",
            concat!("bfd_", $what),
            $words,
            concat!("/globals/daemon/bfd/", $at),
            $is,
        ));
    };
}

macro_rules! buffers {
    ($rows:ident, $prefix:literal, $process:literal) => {
        let at = concat!("/globals/daemon/", $process, "/command_buffer/bytes");
        $rows.push(row("global_defs", concat!($prefix, "_netlink_cmd_rcv_bufs"), "4096", at, json!(4096)));
        let at = concat!("/globals/daemon/", $process, "/command_buffer/force");
        $rows.push(row("global_defs", concat!($prefix, "_netlink_cmd_rcv_bufs_force"), "", at, json!(true)));
        let at = concat!("/globals/daemon/", $process, "/monitor_buffer/bytes");
        $rows.push(row(
            "global_defs",
            concat!($prefix, "_netlink_monitor_rcv_bufs"),
            "4096",
            at,
            json!(4096),
        ));
        let at = concat!("/globals/daemon/", $process, "/monitor_buffer/force");
        $rows.push(row(
            "global_defs",
            concat!($prefix, "_netlink_monitor_rcv_bufs_force"),
            "on",
            at,
            json!(true),
        ));
    };
}

pub fn rows() -> Vec<Row> {
    let mut rows = daemon();
    of_each!(rows, "process_name", "x", "name", json!("x"));
    of_each!(rows, "priority", "-5", "nice", json!(-5));
    of_each!(rows, "rt_priority", "50", "realtime", json!(50));
    of_each!(rows, "no_swap", "", "no_swap", json!(true));
    of_each!(rows, "cpu_affinity", "1 0", "processors", json!([0, 1]));
    of_each!(rows, "rlimit_rttime", "20000", "realtime_limit", millis(20));
    buffers!(rows, "vrrp", "vrrp");
    buffers!(rows, "lvs", "checker");
    rows
}

fn daemon() -> Vec<Row> {
    let global = |keyword, words, at, is| row("global_defs", keyword, words, at, is);
    vec![
        global("process_names", "", "/globals/daemon/process_names", json!(true)),
        global("process_name", "x", "/globals/daemon/process_name", json!("x")),
        global("max_auto_priority", "5", "/globals/daemon/auto_priority", json!({ "UpTo": 5 })),
        global("max_auto_priority", "", "/globals/daemon/auto_priority", json!({ "UpTo": 99 })),
        global("max_auto_priority", "-1", "/globals/daemon/auto_priority", json!("Never")),
        global("min_auto_priority_delay", "2000", "/globals/daemon/auto_priority_delay", millis(2)),
        global(
            "process_monitor_rcv_bufs",
            "4096",
            "/globals/daemon/process_monitor_buffer/bytes",
            json!(4096),
        ),
        global(
            "process_monitor_rcv_bufs_force",
            "",
            "/globals/daemon/process_monitor_buffer/force",
            json!(true),
        ),
        global("random_seed", "7", "/globals/daemon/random_seed", json!(7)),
        // One bad number voids the set.
        global("vrrp_cpu_affinity", "0 99", "/globals/daemon/vrrp/processors", json!([])).anyway(),
    ]
}
