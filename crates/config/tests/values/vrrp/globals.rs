//! `global_defs`: names, mail, scripts, and the defaults of instances.

use serde_json::json;

use super::{Row, SIX, UNICAST, millis, row, secs};

const fn global(keyword: &'static str, words: &'static str, at: &'static str, is: serde_json::Value) -> Row {
    row("global_defs", keyword, words, at, is)
}

pub fn rows() -> Vec<Row> {
    [general(), scripts(), announcements(), election(), vrrp()].into_iter().flatten().collect()
}

fn general() -> Vec<Row> {
    vec![
        global("router_id", "x", "/globals/router_id", json!("x")),
        global("notification_email_from", "a@example.org", "/globals/mail/from", json!("a@example.org")),
        global("smtp_server", "192.0.2.25 2525", "/globals/mail/server", json!(["192.0.2.25", 2525])),
        global("smtp_server", "192.0.2.25", "/globals/mail/server/1", json!(25)),
        global("smtp_helo_name", "h", "/globals/mail/helo", json!("h")),
        global("smtp_connect_timeout", "9", "/globals/mail/timeout", secs(9)),
        global(
            "notification_email",
            "{\na@example.org\nb@example.org\n}",
            "/globals/mail/to/1",
            json!("b@example.org"),
        ),
        global("smtp_alert", "", "/vrrp_events/A/smtp_alert", json!(true)),
        global("smtp_alert_vrrp", "", "/vrrp_events/A/smtp_alert", json!(true)),
        global("smtp_alert_vrrp", "off\nsmtp_alert on", "/server_events/0/smtp_alert", json!(true)),
        global("no_email_faults", "", "/globals/mail/no_faults", json!(true)),
        global("dynamic_interfaces", "", "/globals/dynamic_interfaces", json!(true)),
        global("dynamic_interfaces", "allow_if_changes", "/globals/vrrp/interfaces_may_change", json!(true)),
        global("default_interface", "eth1", "/globals/vrrp/default_interface", json!("eth1")),
    ]
}

fn scripts() -> Vec<Row> {
    let command = || json!({ "argv": ["/s/ok", "a"], "identity": null });
    vec![
        global("use_symlink_paths", "", "/globals/script_symlinks", json!(true)),
        global("set_supplementary_groups", "", "/globals/script_groups", json!(true)),
        global("script_user", "root", "/globals/script_user", json!({ "user": "root", "group": null })),
        global("script_user", "root root", "/globals/script_user/group", json!("root")),
        global("script_user", "root :root", "/globals/script_groups", json!(true)),
        global("enable_script_security", "", "/globals/script_security", json!(true)),
        global("startup_script", "\"/none a\"", "/globals/system_scripts/startup", command()),
        global("startup_script_timeout", "20", "/globals/system_scripts/startup_timeout", secs(20)),
        global("shutdown_script", "\"/none a\"", "/globals/system_scripts/shutdown", command()),
        global("shutdown_script_timeout", "20", "/globals/system_scripts/shutdown_timeout", secs(20)),
        global("notify_fifo", "/run/f", "/globals/fifos/all/path", json!("/run/f")),
        global(
            "notify_fifo",
            "/run/f root root",
            "/globals/fifos/all/owner",
            json!({ "user": "root", "group": "root" }),
        ),
        global("notify_fifo_script", "\"/none a\"", "/globals/fifos/all/script", command()),
        global("vrrp_notify_fifo", "/run/f", "/globals/fifos/vrrp/path", json!("/run/f")),
        global("vrrp_notify_fifo_script", "\"/none a\"", "/globals/fifos/vrrp/script", command()),
        global("lvs_notify_fifo", "/run/f", "/globals/fifos/lvs/path", json!("/run/f")),
        global("lvs_notify_fifo_script", "\"/none a\"", "/globals/fifos/lvs/script", command()),
        global("fifo_write_vrrp_states_on_reload", "", "/globals/fifos/states_on_reload", json!(true)),
    ]
}

fn announcements() -> Vec<Row> {
    vec![
        global("vrrp_garp_master_delay", "9", "/vrrp/instances/0/announce/delay", secs(9)),
        global("vrrp_garp_master_repeat", "9", "/vrrp/instances/0/announce/repeat", json!(9)),
        global("vrrp_garp_master_refresh", "9", "/vrrp/instances/0/announce/refresh", secs(9)),
        global("vrrp_garp_master_refresh_repeat", "9", "/vrrp/instances/0/announce/refresh_repeat", json!(9)),
        global("vrrp_garp_lower_prio_delay", "9", "/vrrp/instances/0/announce/lower_priority_delay", secs(9)),
        global(
            "vrrp_garp_lower_prio_repeat",
            "9",
            "/vrrp/instances/0/announce/lower_priority_repeat",
            json!(9),
        ),
        global("vrrp_garp_interval", "0.25", "/vrrp/instances/0/announce/spacing", millis(250)),
        global("vrrp_gna_interval", "0.25", "/vrrp/instances/0/announce/spacing", millis(250)).under(SIX),
        global("vrrp_min_garp", "", "/vrrp/instances/0/announce/repeat", json!(1)),
        global("vrrp_min_garp", "", "/vrrp/instances/0/announce/delay", secs(0)),
        global(
            "vrrp_garp_extra_if",
            "all 5",
            "/vrrp/instances/0/announce/extra_interfaces",
            json!({ "all": true, "every": secs(5) }),
        ),
    ]
}

fn election() -> Vec<Row> {
    vec![
        global("v3_checksum_as_v2", "", "/vrrp/instances/0/checksum_v3", json!("AsV2")),
        global(
            "vrrp_mcast_group4",
            "224.0.0.99",
            "/vrrp/instances/0/transport/Multicast/group",
            json!("224.0.0.99"),
        ),
        global(
            "vrrp_mcast_group6",
            "ff02::99",
            "/vrrp/instances/0/transport/Multicast/group",
            json!("ff02::99"),
        )
        .under(SIX),
        global("vrrp_down_timer_adverts", "5", "/vrrp/instances/0/down_timer_adverts", json!(5)),
        global("vrrp_lower_prio_no_advert", "", "/vrrp/instances/0/lower_prio_no_advert", json!(true)),
        global("vrrp_higher_prio_send_advert", "", "/vrrp/instances/0/higher_prio_send_advert", json!(true)),
        global("vrrp_version", "3", "/vrrp/instances/0/version", json!("V3")),
        global("vrrp_check_unicast_src", "", "/vrrp/instances/0/transport/Unicast/check_source", json!(true))
            .under(UNICAST),
        global("vrrp_skip_check_adv_addr", "", "/vrrp/instances/0/skip_check_adv_addr", json!(true)),
        global("vrrp_strict", "", "/vrrp/instances/0/strict", json!(true)),
        global("vrrp_strict", "", "/vrrp/instances/0/accept", json!(false)),
        global("vrrp_notify_priority_changes", "", "/vrrp_events/A/priority_changes", json!(true)),
        global("vrrp_owner_ignore_adverts", "", "/vrrp/instances/0/owner_ignore_adverts", json!(true)),
        global("vrrp_startup_delay", "2.5", "/vrrp/startup_delay", millis(2500)),
        global("vrrp_delay_after_boot", "2.5", "/vrrp/delay_after_boot", millis(2500)),
    ]
}

fn vrrp() -> Vec<Row> {
    vec![
        global("disable_local_igmp", "", "/vrrp/disable_local_igmp", json!(true)),
        global("log_unknown_vrids", "", "/vrrp/log_unknown_vrids", json!(true)),
        global("vrrp_rx_bufs_policy", "MTU", "/globals/vrrp/receive_buffer", json!("Mtu")),
        global("vrrp_rx_bufs_policy", "advert", "/globals/vrrp/receive_buffer", json!("Advert")),
        global("vrrp_rx_bufs_policy", "65536", "/globals/vrrp/receive_buffer", json!({ "Bytes": 65536 })),
        global(
            "vrrp_rx_bufs_policy",
            "4096\nvrrp_rx_bufs_policy MTU",
            "/globals/vrrp/receive_buffer/Bytes",
            json!(4096),
        ),
        global("vrrp_rx_bufs_multiplier", "9", "/globals/vrrp/receive_buffer_packets", json!(9)),
        global("vmac_prefix", "v", "/globals/vrrp/vmac_prefix", json!("v")),
        global("vmac_addr_prefix", "v", "/globals/vrrp/vmac_address_prefix", json!("v")),
        global(
            "vrrp_iptables",
            "in out",
            "/globals/firewall/iptables",
            json!({ "input": "in", "output": "out" }),
        ),
        global("vrrp_iptables", "in", "/globals/firewall/iptables", json!({ "input": "in", "output": null })),
        global(
            "vrrp_iptables",
            "",
            "/globals/firewall/iptables",
            json!({ "input": "INPUT", "output": "OUTPUT" }),
        ),
        global("vrrp_ipsets", "", "/globals/firewall/ipsets", json!(null)),
        global("vrrp_ipsets", "a b", "/globals/firewall/ipsets/v6", json!("b")),
        global("vrrp_ipsets", "a", "/globals/firewall/ipsets/igmp", json!("a_igmp")),
        global("nftables", "", "/globals/firewall/nftables/asked_for", json!(true)),
        global("nftables", "t", "/globals/firewall/nftables/table", json!("t")),
        global("nftables_priority", "-200", "/globals/firewall/nftables/priority", json!(-200)),
        global("nftables_ifindex", "", "/globals/firewall/nftables/by_index", json!(true)),
        global("nftables_counters", "", "/globals/firewall/nftables/counters", json!(true)),
    ]
}
