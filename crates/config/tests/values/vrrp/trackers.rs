//! What instances follow, how they follow it, and the groups that move together.

use serde_json::{Value, json};

use super::{Row, millis, row, secs};

const SCRIPT: &str = "vrrp_script s {\nscript \"/none\"\nweight 20 reverse\n}\n";
const FILE: &str = "track_file f {\nfile /run/f\nweight 20\n}\n";
const PROCESS: &str = "vrrp_track_process p {\nprocess x\nweight 20\n}\n";
const SESSION: &str = "bfd_instance b {\nneighbor_ip 192.0.2.9\nweight 20\n}\n";

pub fn rows() -> Vec<Row> {
    [
        scripts(),
        processes(),
        files(),
        sessions(),
        followers("vrrp_instance"),
        followers("vrrp_sync_group"),
        groups(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn scripts() -> Vec<Row> {
    let script = |keyword, words, at, is| row("vrrp_script", keyword, words, at, is);
    vec![
        script(
            "script",
            "\"/none 'a b'\"",
            "/scripts/0/command",
            json!({ "argv": ["/s/ok", "a b"], "identity": null }),
        ),
        script("interval", "2.5", "/scripts/0/interval", millis(2500)),
        script("timeout", "9", "/scripts/0/timeout", secs(9)),
        script("weight", "-20", "/scripts/0/weight", json!(-20)),
        script("weight", "20 reverse", "/scripts/0/reverse", json!(true)),
        script("rise", "9", "/scripts/0/rise", json!(9)),
        script("fall", "9", "/scripts/0/fall", json!(9)),
        script(
            "user",
            "root root",
            "/scripts/0/command/identity",
            json!({ "user": "root", "group": "root" }),
        ),
        script("init_fail", "", "/scripts/0/init_fail", json!(true)),
    ]
}

fn processes() -> Vec<Row> {
    let process = |keyword, words, at, is| row("vrrp_track_process", keyword, words, at, is);
    vec![
        process("process", "bash -x y", "/track_processes/0/program", json!("bash")),
        process("process", "bash -x y", "/track_processes/0/parameters", json!(["-x", "y"])),
        process("process", "bash -x y", "/track_processes/0/full_command", json!(true)),
        process("param_match", "", "/track_processes/0/parameters_match", json!("Exact")),
        process("param_match", "initial", "/track_processes/0/parameters_match", json!("Initial")),
        process("param_match", "partial", "/track_processes/0/parameters_match", json!("Partial")),
        process("weight", "-20", "/track_processes/0/weight", json!(-20)),
        process("weight", "20 reverse", "/track_processes/0/reverse", json!(true)),
        process("quorum", "9", "/track_processes/0/quorum", json!(9)),
        process("quorum_max", "9", "/track_processes/0/quorum_max", json!(9)),
        process("quorum_max", "0", "/track_processes/0/quorum", json!(0)),
        process("delay", "2.5", "/track_processes/0/terminate_delay", millis(2500)),
        process("delay", "2.5", "/track_processes/0/fork_delay", millis(2500)),
        process("terminate_delay", "2.5", "/track_processes/0/terminate_delay", millis(2500)),
        process("fork_delay", "2.5", "/track_processes/0/fork_delay", millis(2500)),
        process("full_command", "", "/track_processes/0/full_command", json!(true)),
    ]
}

fn files() -> Vec<Row> {
    let file = |keyword, words, at, is| row("track_file", keyword, words, at, is);
    let create = |value: i32, overwrite: bool| json!({ "value": value, "overwrite": overwrite });
    vec![
        file("file", "\"/run/a b\"", "/track_files/0/path", json!("/run/a b")),
        file("weight", "-20", "/track_files/0/weight", json!(-20)),
        file("weight", "20 reverse", "/track_files/0/reverse", json!(true)),
        file("init_file", "", "/track_files/0/create", create(0, false)),
        file("init_file", "5", "/track_files/0/create", create(5, false)),
        file("init_file", "-5 overwrite", "/track_files/0/create", create(-5, true)),
    ]
}

fn sessions() -> Vec<Row> {
    let session = |keyword, words, at, is| row("bfd_instance", keyword, words, at, is);
    vec![
        session("neighbor_ip", "192.0.2.7", "/bfd/0/neighbor", json!("192.0.2.7")),
        session("source_ip", "192.0.2.7", "/bfd/0/source", json!("192.0.2.7")),
        session("min_rx", "20.5", "/bfd/0/min_rx", json!({ "secs": 0, "nanos": 20_500_000 })),
        session("min_tx", "20", "/bfd/0/min_tx", millis(20)),
        session("idle_tx", "2500", "/bfd/0/idle_tx", millis(2500)),
        session("multiplier", "9", "/bfd/0/multiplier", json!(9)),
        session("passive", "", "/bfd/0/passive", json!(true)),
        session("ttl", "9", "/bfd/0/ttl", json!(9)),
        session("max_hops", "5", "/bfd/0/max_hops", json!(5)),
        session("max_hops", "9\nttl 7", "/bfd/0/max_hops", json!(7)),
        session("max_hops", "-1", "/bfd/0/max_hops", json!(null)),
        session("multihop", "", "/bfd/0/multihop", json!(true)),
        session("weight", "-20", "/bfd/0/weight", json!(-20)),
        session("weight", "20 reverse", "/bfd/0/reverse", json!(true)),
        session("vrrp", "", "/bfd/0/followers", json!({ "vrrp": true, "checker": false })),
        session("checker", "", "/bfd/0/followers", json!({ "vrrp": false, "checker": true })),
        session("vrrp", "\nchecker", "/bfd/0/followers", json!({ "vrrp": true, "checker": true })).anyway(),
    ]
}

fn track(kind: &str, name: &str, weight: i16, reverse: bool) -> Value {
    json!({ "tracker": { "kind": kind, "name": name }, "weight": weight, "reverse": reverse })
}

/// The lists of an instance and of a group are alike.
fn followers(block: &'static str) -> Vec<Row> {
    let group = block == "vrrp_sync_group";
    let (tracks, interfaces) = if group {
        ("/vrrp/sync_groups/0/tracks/0", "/vrrp/sync_groups/0/track_interfaces/0")
    } else {
        ("/vrrp/instances/0/tracks/0", "/vrrp/instances/0/track_interfaces/0")
    };
    let list = |keyword, words, at, is, above| row(block, keyword, words, at, is).under(above);
    let interface =
        |weight: i16, reverse: bool| json!({ "interface": "eth1", "weight": weight, "reverse": reverse });
    vec![
        list("track_interface", "{\neth1\n}", interfaces, interface(0, false), ""),
        list("track_interface", "{\neth1 weight -20\n}", interfaces, interface(-20, false), ""),
        list("track_interface", "{\neth1 weight 20 reverse\n}", interfaces, interface(20, true), ""),
        list("track_script", "{\ns\n}", tracks, track("Script", "s", 20, true), SCRIPT),
        list("track_script", "{\ns weight 5\n}", tracks, track("Script", "s", 5, true), SCRIPT),
        list("track_script", "{\ns weight 5 noreverse\n}", tracks, track("Script", "s", 5, false), SCRIPT),
        list("track_file", "{\nf\n}", tracks, track("File", "f", 20, false), FILE),
        list("track_file", "{\nf weight -5 reverse\n}", tracks, track("File", "f", -5, true), FILE),
        list("track_process", "{\np\n}", tracks, track("Process", "p", 20, false), PROCESS),
        list("track_process", "{\np weight 5\n}", tracks, track("Process", "p", 5, false), PROCESS),
        list("track_bfd", "{\nb\n}", tracks, track("Bfd", "b", 20, false), SESSION),
        list("track_bfd", "{\nb weight 5\n}", tracks, track("Bfd", "b", 5, false), SESSION),
    ]
}

fn groups() -> Vec<Row> {
    let group = |keyword, words, at, is| row("vrrp_sync_group", keyword, words, at, is);
    let command = || json!({ "argv": ["/s/ok", "a"], "identity": null });
    vec![
        group("group", "{\nSIX\n}", "/vrrp/sync_groups/0/members", json!(["A", "B", "SIX"]))
            .under(super::SIX),
        group("notify_master", "\"/none a\"", "/group_events/S/notify/master", command()),
        group("notify_backup", "\"/none a\"", "/group_events/S/notify/backup", command()),
        group("notify_fault", "\"/none a\"", "/group_events/S/notify/fault", command()),
        group("notify_stop", "\"/none a\"", "/group_events/S/notify/stop", command()),
        group("notify", "\"/none a\"", "/group_events/S/notify/any", command()),
        group("smtp_alert", "", "/group_events/S/smtp_alert", json!(true)),
        group("global_tracking", "", "/vrrp/sync_groups/0/tracking_weight", json!(true)),
        group("sync_group_tracking_weight", "", "/vrrp/sync_groups/0/tracking_weight", json!(true)),
        group("notify_priority_changes", "", "/vrrp_events/B/priority_changes", json!(true)),
    ]
}
