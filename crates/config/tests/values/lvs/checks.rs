//! The checks: what all have in common, and what each asks.

use serde_json::{Value, json};

use super::{Row, row, secs};

const CHECK: &str = "/virtual_servers/0/real_servers/0/checks/0";

/// A pointer that lives as long as the table.
fn at(path: &str) -> &'static str {
    format!("{CHECK}/{path}").leak()
}

pub fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for (block, connection) in [
        ("TCP_CHECK", "probe/Tcp"),
        ("HTTP_GET", "probe/Http/connection"),
        ("SSL_GET", "probe/Http/connection"),
        ("SMTP_CHECK", "probe/Smtp/connection"),
        ("DNS_CHECK", "probe/Dns/connection"),
        ("PING_CHECK", "probe/Ping"),
        ("UDP_CHECK", "probe/Udp/connection"),
        ("AMQP_CHECK", "probe/Amqp/connection"),
        ("GRPC_CHECK", "probe/Grpc/connection"),
    ] {
        connects(block, &format!("{CHECK}/{connection}"), &mut rows);
        rows.extend(times(block));
    }
    // The check that a `host` makes comes after that of its block.
    connects("host", &CHECK.replace("checks/0", "checks/1/probe/Smtp/connection"), &mut rows);
    rows.extend(times("MISC_CHECK"));
    rows.extend([smtp(), dns(), misc(), udp(), amqp(), grpc(), follows()].into_iter().flatten());
    rows
}

fn connects(block: &'static str, connection: &str, rows: &mut Vec<Row>) {
    let mut add = |keyword, words, path: &str, is: Value| {
        rows.push(row(block, keyword, words, format!("{connection}/{path}").leak(), is));
    };
    add("connect_ip", "10.0.0.5", "target", json!("10.0.0.5:80"));
    add("connect_port", "81", "target", json!("10.0.0.2:81"));
    add("bindto", "10.0.0.6", "from/address", json!("10.0.0.6"));
    add("bind_port", "5000", "from/port", json!(5000));
    add("bind_if", "eth1", "from/interface", json!("eth1"));
    add("connect_timeout", "2.5", "timeout", json!({ "secs": 2, "nanos": 500_000_000 }));
    add("fwmark", "4294967295", "from/fwmark", json!(u32::MAX));
}

fn times(block: &'static str) -> Vec<Row> {
    vec![
        row(block, "retry", "7", at("retry"), json!(7)),
        row(block, "delay_before_retry", "0", at("delay_before_retry"), secs(0)),
        row(block, "warmup", "7", at("warmup"), secs(7)),
        row(block, "delay_loop", "7", at("delay_loop"), secs(7)),
        row(block, "alpha", "", at("alpha"), json!(true)),
        row(block, "log_all_failures", "on", at("log_all_failures"), json!(true)),
    ]
}

fn smtp() -> Vec<Row> {
    vec![
        row("SMTP_CHECK", "helo_name", "me", at("probe/Smtp/helo"), json!("me")),
        row(
            "SMTP_CHECK",
            "host",
            "{\nconnect_ip 10.0.0.5\n}",
            "/virtual_servers/0/real_servers/0/checks/1/probe/Smtp/connection/target",
            json!("10.0.0.5:80"),
        ),
    ]
}

fn dns() -> Vec<Row> {
    vec![
        row("DNS_CHECK", "type", "aaaa", at("probe/Dns/record"), json!("Aaaa")),
        row("DNS_CHECK", "name", "example.org", at("probe/Dns/name"), json!("example.org")),
    ]
}

fn misc() -> Vec<Row> {
    vec![
        row(
            "MISC_CHECK",
            "misc_path",
            "\"/s/ok a 'b c'\"",
            at("probe/Misc/argv"),
            json!(["/s/ok", "a", "b c"]),
        ),
        row("MISC_CHECK", "misc_timeout", "7", at("probe/Misc/timeout"), secs(7)),
        row("MISC_CHECK", "misc_timeout", "0", at("probe/Misc/timeout"), secs(60)).anyway(),
        row("MISC_CHECK", "misc_dynamic", "", at("probe/Misc/dynamic"), json!(true)),
        row("MISC_CHECK", "user", "root", at("probe/Misc/user"), json!("root")),
        row("MISC_CHECK", "user", "root root", at("probe/Misc/group"), json!("root")),
    ]
}

fn amqp() -> Vec<Row> {
    let login = |user: &str, password: &str, vhost: &str| json!({ "user": user, "password": password, "vhost": vhost });
    vec![
        row("AMQP_CHECK", "amqp_user", "me", at("probe/Amqp/login"), login("me", "guest", "/")),
        row("AMQP_CHECK", "amqp_password", "x", at("probe/Amqp/login"), login("guest", "x", "/")),
        row("AMQP_CHECK", "amqp_vhost", "v", at("probe/Amqp/login"), login("guest", "guest", "v")),
    ]
}

fn grpc() -> Vec<Row> {
    let tls = |keyword, words, field: &str, is| {
        row("GRPC_CHECK", keyword, words, at(&format!("probe/Grpc/tls/{field}")), is)
    };
    vec![
        row("GRPC_CHECK", "grpc_service", "a.B", at("probe/Grpc/service"), json!("a.B")),
        row("GRPC_CHECK", "grpc_authority", "shop", at("probe/Grpc/authority"), json!("shop")),
        row("GRPC_CHECK", "tls", "", at("probe/Grpc/tls/verify"), json!(false)),
        tls("tls_verify", "\ntls", "verify", json!(true)),
        tls("tls_ca", "/s/ca\ntls", "ca", json!("/s/ca")),
        tls("tls_name", "n\ntls", "name", json!("n")),
        tls("tls_certificate", "/s/c\ntls", "certificate", json!("/s/c")),
        tls("tls_key", "/s/k\ntls", "key", json!("/s/k")),
    ]
}

fn udp() -> Vec<Row> {
    let anything = json!({ "pattern": [], "least": 0, "most": 255 });
    let byte = |value: u8, mask: u8| json!({ "value": value, "mask": mask });
    vec![
        row("UDP_CHECK", "payload", "00 1 abc", at("probe/Udp/payload"), json!([0x00, 0x01, 0xab, 0x0c])),
        row("UDP_CHECK", "require_reply", "", at("probe/Udp/reply"), anything),
        row(
            "UDP_CHECK",
            "require_reply",
            "4x 11",
            at("probe/Udp/reply/pattern"),
            json!([byte(0x40, 0xf0), byte(0x11, 0xff)]),
        ),
        row("UDP_CHECK", "min_reply_length", "7\nrequire_reply", at("probe/Udp/reply/least"), json!(7)),
        row("UDP_CHECK", "max_reply_length", "7\nrequire_reply", at("probe/Udp/reply/most"), json!(7)),
    ]
}

fn follows() -> Vec<Row> {
    const FIRST: &str = "/virtual_servers/0/real_servers/0/follows/0";
    let file = |file: &str, weight: i32, reverse: bool| json!({ "File": { "file": file, "weight": weight, "reverse": reverse } });
    let session = |alpha: bool| json!({ "Bfd": { "session": "b", "alpha": alpha, "place": 0 } });
    vec![
        row("FILE_CHECK", "track_file", "f", FIRST, file("f", 0, false)),
        row("FILE_CHECK", "weight", "-2147483647 reverse", FIRST, file("f", -2_147_483_647, true)),
        row("FILE_CHECK", "weight", "5 noreverse", FIRST, file("f", 5, false)),
        row("BFD_CHECK", "name", "b", FIRST, session(false)),
        row("BFD_CHECK", "alpha", "", FIRST, session(true)),
    ]
}
