//! `global_defs`: files, SNMP, D-Bus.

use serde_json::json;

use super::{Row, millis, row, secs};

pub fn rows() -> Vec<Row> {
    [files(), management()].into_iter().flatten().collect()
}

fn files() -> Vec<Row> {
    let global = |keyword, words, at, is| row("global_defs", keyword, words, at, is);
    vec![
        global("umask", "077", "/globals/files/umask", json!(0o077)),
        global("umask", "IRGRP|IWOTH|IXUSR", "/globals/files/umask", json!(0o142)),
        global("umask", "IRWXG|IRWXO", "/globals/files/umask", json!(0o077)),
        global("state_dump_file", "/x", "/globals/files/state_dump", json!("/x")),
        global("stats_dump_file", "/x", "/globals/files/stats_dump", json!("/x")),
        global("json_dump_file", "/x", "/globals/files/json_dump", json!("/x")),
        global("json_version", "2", "/globals/files/json_version", json!(2)),
        global("data_use_instance", "", "/globals/files/use_instance", json!(true)),
        global("config_save_dir", "/x", "/globals/files/config_save_dir", json!("/x")),
        global("tmp_config_directory", "/x", "/globals/files/tmp_config_dir", json!("/x")),
        global("iproute_usr_dir", "/x", "/globals/files/iproute_usr_dir", json!("/x")),
        global("iproute_etc_dir", "/x", "/globals/files/iproute_etc_dir", json!("/x")),
        global("reload_check_config", "/x", "/globals/files/reload/check_log", json!("/x")),
        global("reload_check_config", "", "/globals/files/reload/check_log", json!("/dev/null")),
        global("reload_time_file", "/x", "/globals/files/reload/time_file", json!("/x")),
        global("reload_repeat", "", "/globals/files/reload/repeat", json!(true)),
        global("reload_file", "/x", "/globals/files/reload/file", json!({ "Path": "/x" })),
        global("reload_file", "", "/globals/files/reload/file", json!("BesidePidFile")),
    ]
}

fn management() -> Vec<Row> {
    let global = |keyword, words, at, is| row("global_defs", keyword, words, at, is);
    vec![
        global("snmp_socket", "udp:localhost:705", "/globals/snmp/socket", json!("udp:localhost:705")),
        global("enable_traps", "", "/globals/snmp/traps", json!(true)),
        global("enable_snmp_vrrp", "", "/globals/snmp/vrrp", json!(true)),
        global("enable_snmp_checker", "", "/globals/snmp/checker", json!(true)),
        global("enable_snmp_rfc", "", "/globals/snmp/rfc_v2", json!(true)),
        global("enable_snmp_rfc", "", "/globals/snmp/rfc_v3", json!(true)),
        global("enable_snmp_rfcv2", "", "/globals/snmp/rfc_v2", json!(true)),
        global("enable_snmp_rfcv3", "", "/globals/snmp/rfc_v3", json!(true)),
        global("snmp_vs_stats_update_interval", "2.5", "/globals/snmp/virtual_server_age", millis(2500)),
        global("snmp_rs_stats_update_interval", "3", "/globals/snmp/real_server_age", secs(3)),
        global("enable_dbus", "", "/globals/dbus/enabled", json!(true)),
        global("dbus_service_name", "org.x", "/globals/dbus/service_name", json!("org.x")),
        global("dbus_no_interface_name", "x", "/globals/dbus/no_interface_name", json!("x")),
    ]
}
