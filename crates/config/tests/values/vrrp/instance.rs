//! `vrrp_instance`, but for its lists.

use serde_json::{Value, json};

use super::{Row, millis, row, secs};

const fn line(keyword: &'static str, words: &'static str, at: &'static str, is: Value) -> Row {
    row("vrrp_instance", keyword, words, at, is)
}

pub fn rows() -> Vec<Row> {
    [election(), authentication(), hmac(), transport(), vmac(), announcements(), events()]
        .into_iter()
        .flatten()
        .collect()
}

fn election() -> Vec<Row> {
    vec![
        line("state", "MASTER", "/vrrp/instances/0/initial_state", json!("Master")),
        line("state", "BACKUP", "/vrrp/instances/0/initial_state", json!("Backup")),
        line("interface", "eth1", "/vrrp/instances/0/interface", json!("eth1")),
        line("virtual_router_id", "9", "/vrrp/instances/0/vrid", json!(9)),
        line("priority", "9", "/vrrp/instances/0/priority", json!(9)),
        line("advert_int", "5", "/vrrp/instances/0/advert_interval", json!(500)),
        line("version", "3", "/vrrp/instances/0/version", json!("V3")),
        line("preempt", "", "/vrrp/instances/0/nopreempt", json!(false)).anyway(),
        line("nopreempt", "", "/vrrp/instances/0/nopreempt", json!(true)),
        line("preempt_delay", "2.5", "/vrrp/instances/0/preempt_delay", millis(2500)),
        line("down_timer_adverts", "9", "/vrrp/instances/0/down_timer_adverts", json!(9)),
        line("strict_mode", "", "/vrrp/instances/0/strict", json!(true)),
        line("strict_mode", "", "/vrrp/instances/0/lower_prio_no_advert", json!(true)),
        line("skip_check_adv_addr", "", "/vrrp/instances/0/skip_check_adv_addr", json!(true)),
        line("lower_prio_no_advert", "", "/vrrp/instances/0/lower_prio_no_advert", json!(true)),
        line("higher_prio_send_advert", "", "/vrrp/instances/0/higher_prio_send_advert", json!(true)),
        line("owner_ignore_adverts", "", "/vrrp/instances/0/owner_ignore_adverts", json!(true)),
        line("timer_expired_backup", "7\nnopreempt", "/vrrp/instances/0/timer_expired_backup", json!(7)),
        line("timer_expired_backup", "\nnopreempt", "/vrrp/instances/0/timer_expired_backup", json!(254)),
        line("timer_expired_backup", "7", "/vrrp/instances/0/timer_expired_backup", json!(null)).anyway(),
        line("dont_track_primary", "", "/vrrp/instances/0/track_primary", json!(false)),
        line("track_src_ip", "\nmcast_src_ip 192.0.2.7", "/vrrp/instances/0/track_source", json!(true)),
        line("accept", "", "/vrrp/instances/0/accept", json!(true)).anyway(),
        line("no_accept", "", "/vrrp/instances/0/accept", json!(false)),
        line("promote_secondaries", "", "/vrrp/instances/0/promote_secondaries", json!(true)),
    ]
}

fn authentication() -> Vec<Row> {
    let password = *b"secret\0\0";
    vec![
        line(
            "authentication",
            "{\nauth_type PASS\nauth_pass secret\n}",
            "/vrrp/instances/0/authentication/Password",
            json!(password),
        ),
        row(
            "authentication",
            "auth_type",
            "AH",
            "/vrrp/instances/0/authentication/Ah/key",
            json!(*b"x\0\0\0\0\0\0\0"),
        ),
        row(
            "authentication",
            "auth_type",
            "PASS",
            "/vrrp/instances/0/authentication/Password",
            json!(*b"x\0\0\0\0\0\0\0"),
        ),
        row(
            "authentication",
            "auth_pass",
            "secret",
            "/vrrp/instances/0/authentication/Password",
            json!(password),
        ),
    ]
}

fn hmac() -> Vec<Row> {
    let key = *b"0123456789abcdef0123456789abcdef";
    let hmac = |keyword, words, at, is| row("auth_hmac", keyword, words, at, is);
    vec![
        line(
            "auth_hmac",
            "{\nkey 5 0123456789abcdef0123456789abcdef\nactive_key 5\n}",
            "/vrrp/instances/0/auth_hmac",
            json!({
                "keys": { "5": key }, "active_key": 5, "mode": "Enforce", "time_window": secs(5), "anti_replay": "Time",
            }),
        ),
        hmac(
            "key",
            "1 hex:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
            "/vrrp/instances/0/auth_hmac/keys/1",
            json!((0..32).collect::<Vec<u8>>()),
        ),
        hmac("active_key", "1", "/vrrp/instances/0/auth_hmac/active_key", json!(1)),
        hmac("time_window", "9", "/vrrp/instances/0/auth_hmac/time_window", secs(9)),
        hmac("anti_replay", "monotonic", "/vrrp/instances/0/auth_hmac/anti_replay", json!("Monotonic")),
        hmac("mode", "permissive", "/vrrp/instances/0/auth_hmac/mode", json!("Permissive")),
        hmac("mode", "receive-only", "/vrrp/instances/0/auth_hmac/mode", json!("ReceiveOnly")),
    ]
}

fn transport() -> Vec<Row> {
    let peers = "/vrrp/instances/0/transport/Unicast";
    vec![
        line("mcast_src_ip", "192.0.2.7", "/vrrp/instances/0/source", json!("192.0.2.7")),
        line("unicast_src_ip", "192.0.2.7", "/vrrp/instances/0/source", json!("192.0.2.7")),
        line(
            "mcast_dst_ip",
            "224.0.0.99",
            "/vrrp/instances/0/transport/Multicast/group",
            json!("224.0.0.99"),
        ),
        line(
            "unicast_peer",
            "{\n192.0.2.9\n192.0.2.8 min_ttl 5 max_ttl 6\n}",
            peers,
            json!({
                "peers": [
                    { "address": "192.0.2.9", "min_ttl": 0, "max_ttl": 255 },
                    { "address": "192.0.2.8", "min_ttl": 5, "max_ttl": 6 },
                ],
                "ttl": 255, "check_source": true,
            }),
        ),
        line("unicast_fault_no_peer", "", "/vrrp/instances/0/transport/Unicast/peers", json!([])),
        line("check_unicast_src", "", "/vrrp/instances/0/transport/Unicast/check_source", json!(true)),
        line("old_unicast_checksum", "", "/vrrp/instances/0/checksum_v3", json!("OldUnicast")),
        line("old_unicast_checksum", "never", "/vrrp/instances/0/checksum_v3", json!("PseudoHeader")),
        line("unicast_ttl", "9", "/vrrp/instances/0/transport/Unicast/ttl", json!(9)),
        line("v3_checksum_as_v2", "", "/vrrp/instances/0/checksum_v3", json!("AsV2")),
        line("native_ipv6", "", "/vrrp/instances/0/family", json!("V4")).anyway(),
        line("kernel_rx_buf_size", "4096", "/vrrp/instances/0/receive_buffer", json!(4096)),
    ]
}

fn vmac() -> Vec<Row> {
    let vmac = "/vrrp/instances/0/vmac";
    let macvlan = |name: &str, mac: [u8; 6], group: u32, notify: bool| {
        json!({
            "name": name, "kind": { "Macvlan": mac }, "group": group, "transmit_on_base": false,
            "netlink_notify": notify,
        })
    };
    let ipvlan = |name: &str, mode: &str, address: Value, group: u32| {
        json!({
            "name": name, "kind": { "Ipvlan": { "mode": mode, "address": address } }, "group": group,
            "transmit_on_base": false, "netlink_notify": false,
        })
    };
    let standard = [0, 0, 0x5e, 0, 1, 3];
    vec![
        line("use_vmac", "", vmac, macvlan("vrrp.3", standard, 0, false)),
        line("use_vmac", "v", vmac, macvlan("v", standard, 0, false)),
        line(
            "use_vmac",
            "name v 02:00:00:00:00:07 group 5 netlink_notify_msg",
            vmac,
            macvlan("v", [2, 0, 0, 0, 0, 7], 5, true),
        ),
        line("use_vmac", "02:00:00:00:01", vmac, macvlan("vrrp.3", [2, 0, 0, 0, 1, 3], 0, false)),
        line("use_vmac", "00:00:5e:00:01:07", vmac, macvlan("vrrp.3", standard, 0, false)),
        line("use_vmac", "", "/vrrp/instances/0/vmac/name", json!("v.3"))
            .under("global_defs {\nvmac_prefix v\n}\n"),
        line("use_vmac", "\nvmac_xmit_base", "/vrrp/instances/0/vmac/transmit_on_base", json!(true)),
        line("vmac_xmit_base", "", "/vrrp/instances/0/vmac/transmit_on_base", json!(true)),
        line("use_vmac_addr", "", "/vrrp/instances/0/vmac_addresses", json!(true)),
        line("use_ipvlan", "192.0.2.50/24", vmac, ipvlan("vrrp.3", "Bridge", json!(["192.0.2.50", 24]), 0)),
        line("use_ipvlan", "192.0.2.50", "/vrrp/instances/0/source", json!("192.0.2.50")),
        line(
            "use_ipvlan",
            "private 192.0.2.50 name v group 4",
            vmac,
            ipvlan("v", "Private", json!(["192.0.2.50", 32]), 4),
        ),
        line("use_ipvlan", "vepa", vmac, ipvlan("vrrp.3", "Vepa", json!(null), 0)),
    ]
}

fn announcements() -> Vec<Row> {
    vec![
        line("garp_master_delay", "9", "/vrrp/instances/0/announce/delay", secs(9)),
        line("garp_master_repeat", "9", "/vrrp/instances/0/announce/repeat", json!(9)),
        line("garp_master_refresh", "9", "/vrrp/instances/0/announce/refresh", secs(9)),
        line("garp_master_refresh_repeat", "9", "/vrrp/instances/0/announce/refresh_repeat", json!(9)),
        line("garp_lower_prio_delay", "9", "/vrrp/instances/0/announce/lower_priority_delay", secs(9)),
        line("garp_lower_prio_repeat", "9", "/vrrp/instances/0/announce/lower_priority_repeat", json!(9)),
        line(
            "garp_extra_if",
            "all 5",
            "/vrrp/instances/0/announce/extra_interfaces",
            json!({ "all": true, "every": secs(5) }),
        ),
        line(
            "garp_extra_if",
            "5",
            "/vrrp/instances/0/announce/extra_interfaces",
            json!({ "all": false, "every": secs(5) }),
        ),
        line("garp_extra_if", "0", "/vrrp/instances/0/announce/extra_interfaces", json!(null))
            .under("global_defs {\nvrrp_garp_extra_if 5\n}\n"),
    ]
}

fn events() -> Vec<Row> {
    let command = || json!({ "argv": ["/s/ok", "a"], "identity": null });
    vec![
        line("notify_master", "\"/none a\"", "/vrrp_events/A/notify/master", command()),
        line("notify_backup", "\"/none a\"", "/vrrp_events/A/notify/backup", command()),
        line("notify_fault", "\"/none a\"", "/vrrp_events/A/notify/fault", command()),
        line("notify_stop", "\"/none a\"", "/vrrp_events/A/notify/stop", command()),
        line("notify", "\"/none a\"", "/vrrp_events/A/notify/any", command()),
        line("notify", "\"/none a\" root root", "/vrrp_events/A/notify/any/identity/group", json!("root")),
        line("notify_deleted", "\"/none a\"", "/vrrp_events/A/deleted/Run", command()),
        line("notify_deleted", "", "/vrrp_events/A/deleted", json!("Deleted")),
        line("notify_master_rx_lower_pri", "\"/none a\"", "/vrrp_events/A/rx_lower_priority", command()),
        line("smtp_alert", "", "/vrrp_events/A/smtp_alert", json!(true)),
        line("smtp_alert", "off", "/vrrp_events/A/smtp_alert", json!(false))
            .under("global_defs {\nsmtp_alert\n}\n"),
        line("notify_priority_changes", "", "/vrrp_events/A/priority_changes", json!(true)),
        line("lvs_sync_daemon_interface", "eth1", "/lvs/sync_daemon/interface", json!("eth1")),
        line("lvs_sync_daemon_interface", "eth1", "/lvs/sync_daemon/instance", json!("A")),
        line("lvs_sync_daemon_interface", "eth1", "/lvs/sync_daemon/id", json!(3)),
        line("debug", "4", "/vrrp_events/A/debug", json!(4)),
        line("linkbeat_use_polling", "", "/linkbeat/interfaces", json!({ "eth0": "Any" })),
    ]
}
