//! Lines of routing rules.

use serde_json::{Value, json};

use super::{Row, row};

const fn rule(words: &'static str, at: &'static str, is: Value) -> Row {
    row("vrrp_instance", "virtual_rules", words, at, is)
}

macro_rules! of {
    ($line:literal, $at:literal, $is:expr) => {
        rule(concat!("{\n", $line, "\n}"), concat!("/vrrp/instances/0/rules/0/", $at), $is)
    };
}

pub fn rows() -> Vec<Row> {
    [vec![whole()], actions(), selectors(), settings()].into_iter().flatten().collect()
}

/// Everything that a line without options says.
fn whole() -> Row {
    rule(
        "{\nfrom 10.9.0.0/16 table 5 preference 7\n}",
        "/vrrp/instances/0/rules/0",
        json!({
            "family": "V4", "invert": false, "from": { "address": "10.9.0.0", "len": 16 }, "to": null, "tos": 0,
            "mark": null, "incoming": null, "outgoing": null, "tunnel_id": null, "users": null, "ip_protocol": null,
            "source_ports": null, "destination_ports": null, "action": { "table": 5 }, "preference": 7,
            "realms": null, "suppress_prefix_len": null, "suppress_interface_group": null, "protocol": 18,
            "track": true, "track_group": null,
        }),
    )
}

fn actions() -> Vec<Row> {
    vec![
        of!("lookup main preference 7", "action", json!({ "table": 254 })),
        of!("goto 20000 preference 7", "action", json!({ "goto": 20000 })),
        of!("l3mdev preference 7", "action", json!("vrf")),
        of!("nop preference 7", "action", json!("nop")),
        of!("blackhole preference 7", "action", json!("blackhole")),
        of!("prohibit preference 7", "action", json!("prohibit")),
        of!("unreachable preference 7", "action", json!("unreachable")),
        of!("type prohibit preference 7", "action", json!("prohibit")),
    ]
}

fn selectors() -> Vec<Row> {
    vec![
        of!("not from 10.9.0.0/16 table 5 preference 7", "invert", json!(true)),
        of!("from all table 5 preference 7", "from", json!({ "address": "0.0.0.0", "len": 0 })),
        of!("to 2001:db8::/32 table 5 preference 7", "to", json!({ "address": "2001:db8::", "len": 32 })),
        of!("to 2001:db8::/32 table 5 preference 7", "family", json!("V6")),
        of!("inet6 table 5 preference 7", "family", json!("V6")),
        of!("tos 0x10 table 5 preference 7", "tos", json!(16)),
        of!("dsfield 16 table 5 preference 7", "tos", json!(16)),
        of!("fwmark 5 table 5 preference 7", "mark", json!({ "mark": 5, "mask": u32::MAX })),
        of!("fwmark 0x5/0xff table 5 preference 7", "mark", json!({ "mark": 5, "mask": 255 })),
        of!("iif eth0 table 5 preference 7", "incoming", json!("eth0")),
        of!("dev eth0 table 5 preference 7", "incoming", json!("eth0")),
        of!("oif eth1 table 5 preference 7", "outgoing", json!("eth1")),
        of!("tunnel-id 5 table 5 preference 7", "tunnel_id", json!(5)),
        of!("uidrange 5-10 table 5 preference 7", "users", json!({ "first": 5, "last": 10 })),
        of!("ipproto tcp table 5 preference 7", "ip_protocol", json!(6)),
        of!("ipproto 47 table 5 preference 7", "ip_protocol", json!(47)),
        of!("sport 80-80 table 5 preference 7", "source_ports", json!({ "first": 80, "last": 80 })),
        of!("dport 1-99 table 5 preference 7", "destination_ports", json!({ "first": 1, "last": 99 })),
    ]
}

fn settings() -> Vec<Row> {
    vec![
        of!("table 5 order 7", "preference", json!(7)),
        of!("table 5 priority 7", "preference", json!(7)),
        of!("table 5", "preference", json!(16384)),
        // Each family counts down by itself.
        rule("{\ntable 5\ntable 6\n}", "/vrrp/instances/0/rules/1/preference", json!(16383)),
        rule("{\ntable 5\ninet6 table 6\n}", "/vrrp/instances/0/rules/1/preference", json!(16384)),
        of!("realms 3/4 table 5 preference 7", "realms", json!({ "from": 3, "to": 4 })),
        of!("suppress_prefixlength 5 table 5 preference 7", "suppress_prefix_len", json!(5)),
        of!("sup_pl 5 table 5 preference 7", "suppress_prefix_len", json!(5)),
        of!("suppress_ifgroup default table 5 preference 7", "suppress_interface_group", json!(0)),
        of!("sup_group 5 table 5 preference 7", "suppress_interface_group", json!(5)),
        of!("table 5 preference 7 protocol 99 no_track", "protocol", json!(99)),
        of!("table 5 preference 7 protocol 99", "protocol", json!(18)),
        of!("table 5 preference 7 no_track", "protocol", json!(null)).anyway(),
        of!("table 5 preference 7 no_track", "track", json!(false)),
    ]
}
