//! Groups, virtual servers, real servers, `SSL`.

use serde_json::json;

use super::{Row, row, secs};

const GROUP: &str = "/server_groups/0/entries";

pub fn rows() -> Vec<Row> {
    [blocks(), balancing(), checking(), quorum(), real(), tls()].into_iter().flatten().collect()
}

fn blocks() -> Vec<Row> {
    let group = |words, is| row("", "virtual_server_group", words, GROUP, is);
    vec![
        row("", "SSL", "{\npassword x\n}", "/lvs/tls/password", json!("x")),
        row(
            "",
            "virtual_server",
            "10.0.0.7 80 {\nreal_server 10.0.0.3 80 {\n}\n}",
            "/virtual_servers/0/services/0/Address/address",
            json!("10.0.0.7"),
        ),
        row(
            "",
            "virtual_server",
            "fwmark 7 {\nreal_server 10.0.0.3 80 {\n}\n}",
            "/virtual_servers/0/services/0",
            json!({ "Fwmark": { "mark": 7, "family": "V4" } }),
        ),
        row(
            "",
            "virtual_server",
            "group G {\nreal_server 10.0.0.3 80 {\n}\n}\nvirtual_server_group G {\n10.0.0.1 80\n}",
            "/virtual_servers/0/group",
            json!("G"),
        ),
        row("", "virtual_server_group", "G {\n10.0.0.8 80\n}", "/server_groups/0/name", json!("G")),
        group("G {\n10.0.0.8\n}", json!([range("10.0.0.8", "10.0.0.8", 0)])),
        group("G {\n10.0.0.8-12 80\n}", json!([range("10.0.0.8", "10.0.0.12", 80)])),
        group("G {\n10.0.0.8/30 80\n}", json!([range("10.0.0.8", "10.0.0.11", 80)])),
        group("G {\n10.0.0.8-10.0.1.1 80\n}", json!([range("10.0.0.8", "10.0.1.1", 80)])),
        group("G {\n2001:db8::1-f 80\n}", json!([range("2001:db8::1", "2001:db8::f", 80)])),
        group(
            "G {\nfwmark 5\n10.0.0.8 80\nfwmark 6 inet6\n}",
            json!([
                { "Mark": { "mark": 5, "family": null } },
                range("10.0.0.8", "10.0.0.8", 80),
                { "Mark": { "mark": 6, "family": "V6" } },
            ]),
        ),
    ]
}

fn range(first: &str, last: &str, port: u16) -> serde_json::Value {
    json!({ "Addresses": { "first": first, "last": last, "port": port } })
}

macro_rules! server {
    ($keyword:literal, $words:literal, $at:literal, $($is:tt)+) => {
        row("virtual_server", $keyword, $words, concat!("/virtual_servers/0/", $at), json!($($is)+))
    };
}

fn balancing() -> Vec<Row> {
    vec![
        // The family of an address is its own; that of a mark is this one.
        server!("ip_family", "inet", "services/0/Address/address", "10.0.0.1").anyway(),
        row(
            "",
            "virtual_server",
            "fwmark 7 {\nip_family inet6\nlb_kind TUN\nreal_server 10.0.0.3 80 {\n}\n}",
            "/virtual_servers/0/services/0/Fwmark/family",
            json!("V6"),
        ),
        server!("lb_algo", "sed", "service/scheduler", "sed"),
        server!("lb_kind", "DR", "real_servers/0/dest/forwarding", "DirectRoute"),
        server!("lb_kind", "TUN", "real_servers/0/dest/forwarding", { "Tunnel": "Ipip" }),
        server!(
            "lb_kind",
            "TUN type gue port 6080 remcsum",
            "real_servers/0/dest/forwarding",
            { "Tunnel": { "Gue": { "port": 6080, "checksum": "Remote" } } }
        ),
        server!("ops", "", "service/flags/one_packet", true),
        // A flag that the kernel sets itself.
        server!("hashed", "", "service/flags", {
            "one_packet": false, "flag_1": false, "flag_2": false, "flag_3": false
        })
        .anyway(),
        server!("flag-1", "", "service/flags/flag_1", true),
        server!("flag-2", "", "service/flags/flag_2", true),
        server!("flag-3", "", "service/flags/flag_3", true),
        server!("sh-port", "", "service/flags/flag_2", true),
        server!("sh-fallback", "", "service/flags/flag_1", true),
        server!("mh-port", "", "service/flags/flag_2", true),
        server!("mh-fallback", "", "service/flags/flag_1", true),
        server!("persistence_engine", "sip", "service/persistence/engine", "sip"),
        server!("persistence_timeout", "50", "service/persistence/timeout", 50),
        server!("persistence_timeout", "", "service/persistence/timeout", 360),
        server!(
            "persistence_granularity",
            "255.255.0.0",
            "service/persistence/granularity/Mask",
            0xffff_0000_u32
        ),
        server!("protocol", "sctp", "services/0/Address/protocol", "Sctp"),
    ]
}

fn checking() -> Vec<Row> {
    // Seen at the check of the real server that follows.
    macro_rules! at_the_check {
        ($keyword:literal, $words:literal, $check:literal, $at:literal, $is:expr) => {
            row(
                "virtual_server",
                $keyword,
                concat!($words, "\nreal_server 10.0.0.4 81 {\n", $check, "\n}"),
                concat!("/virtual_servers/0/real_servers/0/checks/0/", $at),
                $is,
            )
        };
    }
    vec![
        at_the_check!(
            "delay_loop",
            "7.5",
            "TCP_CHECK {\n}",
            "delay_loop",
            json!({ "secs": 7, "nanos": 500_000_000 })
        ),
        at_the_check!("connect_timeout", "7", "TCP_CHECK {\n}", "probe/Tcp/timeout", secs(7)),
        at_the_check!("retry", "7", "TCP_CHECK {\n}", "retry", json!(7)),
        at_the_check!("delay_before_retry", "7", "TCP_CHECK {\n}", "delay_before_retry", secs(7)),
        at_the_check!("warmup", "0", "TCP_CHECK {\n}", "warmup", secs(0)),
        at_the_check!(
            "virtualhost",
            "w",
            "HTTP_GET {\nurl {\npath /\n}\n}",
            "probe/Http/outer_host",
            json!("w")
        ),
        at_the_check!("alpha", "", "TCP_CHECK {\n}", "alpha", json!(true)),
        server!("alpha", "", "alpha", true),
        server!("alpha", "", "real_servers/0/alpha", true),
        server!("inhibit_on_failure", "", "real_servers/0/inhibit_on_failure", true),
        server!("ha_suspend", "", "ha_suspend", true),
        server!("drain_timeout", "90", "real_servers/0/drain_timeout", 90),
        row(
            "virtual_server",
            "weight",
            "7\nreal_server 10.0.0.4 81 {\n}",
            "/virtual_servers/0/real_servers/0/dest/weight",
            json!(7),
        ),
    ]
}

fn quorum() -> Vec<Row> {
    let script = |argument: &str| json!({ "argv": ["/s/ok", argument], "identity": { "user": "root", "group": null } });
    vec![
        server!("omega", "", "omega", true),
        server!("quorum", "4", "quorum", 4),
        server!("hysteresis", "3", "hysteresis", 3),
        row("virtual_server", "quorum_up", "\"/s/ok up\" root", "/server_events/0/quorum_up", script("up")),
        row(
            "virtual_server",
            "quorum_down",
            "\"/s/ok down\" root",
            "/server_events/0/quorum_down",
            script("down"),
        ),
        server!("snmp_name", "web", "snmp_name", "web"),
        row("virtual_server", "smtp_alert", "", "/server_events/0/smtp_alert", json!(true)),
        row("virtual_server", "smtp_alert", "off", "/server_events/0/smtp_alert", json!(false)).anyway(),
        server!("sorry_server", "10.0.0.9 81", "sorry_server", {
            "key": { "address": "10.0.0.9", "port": 81 },
            "dest": { "weight": 1, "forwarding": "Masquerade", "upper_threshold": 0, "lower_threshold": 0 },
            "inhibit": false,
        }),
        server!("sorry_server", "10.0.0.9", "sorry_server/key/port", 80),
        server!("sorry_server_inhibit", "", "sorry_server/inhibit", true),
        server!("sorry_server_lvs_method", "TUN", "sorry_server/dest/forwarding", { "Tunnel": "Ipip" }),
        server!("real_server", "10.0.0.4 81 {\n}", "real_servers/0/key", { "address": "10.0.0.4", "port": 81 }),
    ]
}

macro_rules! real {
    ($keyword:literal, $words:literal, $at:literal, $is:expr) => {
        row("real_server", $keyword, $words, concat!("/virtual_servers/0/real_servers/0/", $at), $is)
    };
}

fn real() -> Vec<Row> {
    let probe = |keyword, words, at| row("real_server", keyword, words, at, json!("10.0.0.2:80"));
    let script = json!({ "argv": ["/s/ok"], "identity": null });
    vec![
        real!("weight", "0", "dest/weight", json!(0)),
        real!("lvs_method", "DR", "dest/forwarding", json!("DirectRoute")),
        real!("uthreshold", "9", "dest/upper_threshold", json!(9)),
        real!("lthreshold", "8", "dest/lower_threshold", json!(8)),
        real!("inhibit_on_failure", "yes", "inhibit_on_failure", json!(true)),
        real!("alpha", "", "alpha", json!(true)),
        real!("drain_timeout", "90", "drain_timeout", json!(90)),
        real!("snmp_name", "web1", "snmp_name", json!("web1")),
        row("real_server", "notify_up", "/s/ok", "/server_events/0/real_servers/0/notify_up", script.clone()),
        row("real_server", "notify_down", "/s/ok", "/server_events/0/real_servers/0/notify_down", script),
        row("real_server", "smtp_alert", "no", "/server_events/0/real_servers/0/smtp_alert", json!(false)),
        real!("retry", "7\nTCP_CHECK {\n}", "checks/0/retry", json!(7)),
        real!("delay_before_retry", "7\nTCP_CHECK {\n}", "checks/0/delay_before_retry", secs(7)),
        real!("warmup", "7\nTCP_CHECK {\n}", "checks/0/warmup", secs(7)),
        real!("connect_timeout", "7\nTCP_CHECK {\n}", "checks/0/probe/Tcp/timeout", secs(7)),
        real!("delay_loop", "7\nTCP_CHECK {\n}", "checks/0/delay_loop", secs(7)),
        real!(
            "virtualhost",
            "w\nSSL_GET {\nurl {\npath /\n}\n}",
            "checks/0/probe/Http/outer_host",
            json!("w")
        ),
        probe("TCP_CHECK", "{\n}", "/virtual_servers/0/real_servers/0/checks/0/probe/Tcp/target"),
        probe(
            "HTTP_GET",
            "{\nurl {\npath /\n}\n}",
            "/virtual_servers/0/real_servers/0/checks/0/probe/Http/connection/target",
        ),
        real!("HTTP_GET", "{\nurl {\npath /\n}\n}", "checks/0/probe/Http/tls", json!(false)),
        real!("SSL_GET", "{\nurl {\npath /\n}\n}", "checks/0/probe/Http/tls", json!(true)),
        probe(
            "SMTP_CHECK",
            "{\n}",
            "/virtual_servers/0/real_servers/0/checks/0/probe/Smtp/connection/target",
        ),
        probe("DNS_CHECK", "{\n}", "/virtual_servers/0/real_servers/0/checks/0/probe/Dns/connection/target"),
        probe("PING_CHECK", "{\n}", "/virtual_servers/0/real_servers/0/checks/0/probe/Ping/target"),
        probe("UDP_CHECK", "{\n}", "/virtual_servers/0/real_servers/0/checks/0/probe/Udp/connection/target"),
        probe(
            "AMQP_CHECK",
            "{\n}",
            "/virtual_servers/0/real_servers/0/checks/0/probe/Amqp/connection/target",
        ),
        probe(
            "GRPC_CHECK",
            "{\n}",
            "/virtual_servers/0/real_servers/0/checks/0/probe/Grpc/connection/target",
        ),
        real!(
            "MISC_CHECK",
            "{\nmisc_path /s/ok\n}",
            "checks/0/probe/Misc",
            json!({
                "argv": ["/s/ok"], "timeout_written": false, "user": null, "group": null, "timeout": secs(60), "dynamic": false
            })
        ),
        real!(
            "FILE_CHECK",
            "{\ntrack_file f\n}",
            "follows/0",
            json!({
                "File": { "file": "f", "weight": 9, "reverse": true }
            })
        )
        .under("track_file f {\nfile /run/f\nweight 9 reverse\n}\n"),
        real!(
            "BFD_CHECK",
            "{\nname b\n}",
            "follows/0",
            json!({ "Bfd": { "session": "b", "alpha": false, "place": 0 } })
        )
        .under("bfd_instance b {\nneighbor_ip 192.0.2.9\n}\n"),
    ]
}

fn tls() -> Vec<Row> {
    vec![
        row("SSL", "password", "x", "/lvs/tls/password", json!("x")),
        row("SSL", "ca", "/ca.pem", "/lvs/tls/ca", json!("/ca.pem")),
        row("SSL", "certificate", "/our.pem", "/lvs/tls/certificate", json!("/our.pem")),
        row("SSL", "key", "/our.key", "/lvs/tls/key", json!("/our.key")),
    ]
}
