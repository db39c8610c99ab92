//! Outside every block, and the small blocks there.

use serde_json::json;

use super::{Row, millis, row, secs};

pub fn rows() -> Vec<Row> {
    [settings(), blocks(), lists(), inner()].into_iter().flatten().collect()
}

fn settings() -> Vec<Row> {
    let root = |keyword, words, at, is| row("", keyword, words, at, is);
    vec![
        root("linkbeat_use_polling", "", "/linkbeat/all", json!(true)),
        root("net_namespace", "x", "/globals/daemon/namespace", json!("x")),
        root("net_namespace", "x", "/globals/daemon/use_pid_dir", json!(true)),
        root("net_namespace_ipvs", "x", "/globals/daemon/ipvs_namespace", json!({ "Named": "x" })),
        root("net_namespace_ipvs", "", "/globals/daemon/ipvs_namespace", json!("Initial")),
        root("namespace_with_ipsets", "", "/globals/daemon/namespace_with_ipsets", json!(true)),
        root("use_pid_dir", "", "/globals/daemon/use_pid_dir", json!(true)),
        root("instance", "x", "/globals/daemon/instance", json!("x")),
        root("instance", "x", "/globals/daemon/use_pid_dir", json!(true)),
        root("child_wait_time", "9", "/globals/daemon/child_wait", secs(9)),
    ]
}

fn blocks() -> Vec<Row> {
    let root = |keyword, words, at, is| row("", keyword, words, at, is);
    vec![
        root("global_defs", "{\nrouter_id x\n}", "/globals/router_id", json!("x")),
        root("track_group", "T {\ngroup {\nA\n}\n}", "/vrrp/track_groups/T", json!(["A"])),
        root(
            "vrrp_sync_group",
            "S {\ngroup {\nB\nA\n}\n}",
            "/vrrp/sync_groups/0",
            json!({
                "name": "S", "members": ["A"], "track_interfaces": [], "tracks": [], "tracking_weight": false,
            }),
        ),
        root("vrrp_script", "s {\nscript \"/none\"\n}", "/scripts/0/name", json!("s")),
        root("vrrp_track_process", "p {\nprocess x\n}", "/track_processes/0/name", json!("p")),
        root("track_file", "f {\nfile /run/f\n}", "/track_files/0/name", json!("f")),
        root(
            "vrrp_instance",
            "Z {\ninterface eth1\nvirtual_router_id 9\nvirtual_ipaddress {\n10.0.0.9\n}\n}",
            "/vrrp/instances/0/name",
            json!("Z"),
        ),
        root("bfd_instance", "b {\nneighbor_ip 192.0.2.9\n}", "/bfd/0/name", json!("b")),
        root(
            "garp_group",
            "{\ngarp_interval 0.5\ngna_interval 0.25\ninterface eth1\n}",
            "/vrrp/announce_groups/0",
            json!({ "interfaces": ["eth1"], "numbered": false, "garp_interval": millis(500), "gna_interval": millis(250) }),
        ),
    ]
}

fn lists() -> Vec<Row> {
    let root = |keyword, words, at, is| row("", keyword, words, at, is);
    vec![
        root("static_ipaddress", "{\n10.9.0.1\n}", "/vrrp/statics/0/Address/address", json!("10.9.0.1")),
        root("static_ipaddress", "{\n10.9.0.1\n}", "/vrrp/statics/0/Address/interface", json!("eth0")),
        root(
            "static_ipaddress",
            "{\n10.9.0.1 dev eth1 track_group T\n}",
            "/vrrp/statics/0/Address/track_group",
            json!("T"),
        )
        .under("track_group T {\ngroup {\nA\n}\n}\n"),
        root(
            "static_routes",
            "{\n10.9.0.0/16 dev eth1\n}",
            "/vrrp/statics/0/Route/destination",
            json!({ "address": "10.9.0.0", "len": 16 }),
        ),
        root(
            "static_routes",
            "{\n10.9.0.0/16 dev eth1 track_group T\n}",
            "/vrrp/statics/0/Route/track_group",
            json!("T"),
        )
        .under("track_group T {\ngroup {\nA\n}\n}\n"),
        root("static_rules", "{\ntable 5 preference 7\n}", "/vrrp/statics/0/Rule/preference", json!(7)),
        root(
            "static_rules",
            "{\ntable 5 preference 7 track_group T\n}",
            "/vrrp/statics/0/Rule/track_group",
            json!("T"),
        )
        .under("track_group T {\ngroup {\nA\n}\n}\n"),
        // Addresses first, rules last, whatever the order of the file.
        root(
            "static_routes",
            "{\n10.9.0.0/16 dev eth1\n}\nstatic_ipaddress {\n10.9.0.1\n}",
            "/vrrp/statics/1/Route/metric",
            json!(0),
        ),
        root("linkbeat_interfaces", "{\neth1 MII\n}", "/linkbeat/interfaces", json!({ "eth1": "Mii" })),
        root("linkbeat_interfaces", "{\neth1 ETHTOOL\n}", "/linkbeat/interfaces/eth1", json!("Ethtool")),
        root("linkbeat_interfaces", "{\neth1 IOCTL\n}", "/linkbeat/interfaces/eth1", json!("Ioctl")),
        root("linkbeat_interfaces", "{\neth1\n}", "/linkbeat/interfaces/eth1", json!("Any")),
        root(
            "interface_up_down_delays",
            "{\neth0 2.5 3\neth1 1\n}",
            "/vrrp/link_delays",
            json!({
                "eth0": { "down": millis(2500), "up": secs(3) }, "eth1": { "down": secs(1), "up": secs(0) },
            }),
        ),
    ]
}

/// The keywords in them.
fn inner() -> Vec<Row> {
    vec![
        row("track_group", "group", "{\nA\n}", "/vrrp/track_groups/T", json!(["A"])),
        row("garp_group", "garp_interval", "0.75", "/vrrp/announce_groups/0/garp_interval", millis(750)),
        row("garp_group", "gna_interval", "0.75", "/vrrp/announce_groups/0/gna_interval", millis(750)),
        row("garp_group", "interface", "eth1", "/vrrp/announce_groups/0/interfaces", json!(["eth1"])),
        row(
            "garp_group",
            "interfaces",
            "{\neth1\neth0\n}",
            "/vrrp/announce_groups/0/interfaces",
            json!(["eth0", "eth1"]),
        ),
    ]
}
