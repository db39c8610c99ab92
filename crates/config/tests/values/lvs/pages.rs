//! `HTTP_GET`, `SSL_GET` and their pages.

use serde_json::json;

use super::{Row, row};

macro_rules! at {
    ($path:literal) => {
        concat!("/virtual_servers/0/real_servers/0/checks/0/probe/Http/", $path)
    };
}

pub fn rows() -> Vec<Row> {
    let mut rows = page();
    for block in ["HTTP_GET", "SSL_GET"] {
        rows.extend([
            row(block, "url", "{\npath /second\n}", at!("urls/1/path"), json!("/second")),
            row(block, "virtualhost", "web", at!("host"), json!("web")),
            row(block, "http_protocol", "1.0c", at!("version"), json!("V1_0Close")),
            row(block, "http_protocol", "1.1", at!("version"), json!("V1_1")),
            row(block, "enable_sni", "", at!("sni"), json!("Host")),
            row(block, "sni_name", "web", at!("sni"), json!({ "Name": "web" })),
            row(block, "sni_name", "", at!("sni"), json!("Host")),
            row(block, "fast_recovery", "yes", at!("fast_recovery"), json!(true)),
            row(block, "tls_compliant", "", at!("urls/0/tls_compliant"), json!(true)),
            row(block, "tls_verify", "", at!("tls_check/verify"), json!(true)),
            row(block, "tls_ca", "/ca.pem", at!("tls_check/ca"), json!("/ca.pem")),
            row(block, "tls_name", "web", at!("tls_check/name"), json!("web")),
            row(block, "tls_certificate", "/c.pem", at!("tls_check/certificate"), json!("/c.pem")),
            row(block, "tls_key", "/k.pem", at!("tls_check/key"), json!("/k.pem")),
        ]);
    }
    rows
}

fn page() -> Vec<Row> {
    let digest: Vec<u8> = (0..16).collect();
    let regex = json!({
        "pattern": "a b\\d", "no_match": false, "options": [], "min_offset": 0, "max_offset": null, "stack": null
    });
    vec![
        row("url", "path", "/page", at!("urls/0/path"), json!("/page")),
        row("url", "digest", "000102030405060708090A0B0C0D0E0F", at!("urls/0/digest"), json!(digest)),
        row(
            "url",
            "status_code",
            "404 200-210 205-300",
            at!("urls/0/status"),
            json!([[200, 300], [404, 404]]),
        ),
        row("url", "virtualhost", "web", at!("urls/0/host"), json!("web")),
        row("url", "regex", r#""a b\\d""#, at!("urls/0/regex"), regex),
        row("url", "regex_no_match", "", at!("urls/0/regex/no_match"), json!(true)),
        row(
            "url",
            "regex_options",
            "multiline caseless\nregex_options utf",
            at!("urls/0/regex/options"),
            json!(["Caseless", "Multiline", "Utf"]),
        ),
        row("url", "regex_min_offset", "3", at!("urls/0/regex/min_offset"), json!(3)),
        row("url", "regex_max_offset", "9", at!("urls/0/regex/max_offset"), json!(9)),
        row("url", "regex_stack", "1000 2000", at!("urls/0/regex/stack"), json!([1000, 2000])),
        row("url", "tls_compliant", "on", at!("urls/0/tls_compliant"), json!(true)),
    ]
}
