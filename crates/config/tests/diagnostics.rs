//! How each kind of problem reads: source and rendered message, as snapshots.

mod common;

use std::collections::BTreeSet;

use common::options;
use config::{Code, MemoryFiles, MemoryHost, load};

fn host() -> MemoryHost {
    let mut host = common::host().with_script("/s/ok").with_insecure_script("/s/open");
    host.resolves = false;
    host.namespaces = false;
    host
}

/// Files of which the first, `keepalived.conf`, is the source.
fn rendered(source: &str) -> (String, BTreeSet<Code>) {
    let files = MemoryFiles::one("keepalived.conf", source)
        .with("self.conf", "include self.conf\n")
        .with_executable("run.conf", "");
    let loaded = load("keepalived.conf", &files, &host(), &options());
    let start = loaded.start().map_or_else(|status| format!("exits {status}"), |()| "runs".to_owned());
    let text = format!("{}test: {}, daemon: {start}\n", loaded.render_all(), loaded.test_status());
    (text, loaded.diagnostics.iter().map(|it| it.code).collect())
}

const INSTANCE: &str = "vrrp_instance VI_1 {\n    interface eth0\n    virtual_router_id 51\n    virtual_ipaddress {\n        192.0.2.10/24\n    }\n";
const SERVER: &str = "virtual_server 192.0.2.10 80 {\n    protocol TCP\n    lb_algo rr\n    lb_kind DR\n";
const REAL: &str = "    real_server 192.0.2.21 80 {\n    }\n}\n";

/// A name, and the source.
fn cases() -> Vec<(&'static str, String)> {
    let instance = |lines: &str| format!("{INSTANCE}{lines}}}\n");
    let server = |lines: &str| format!("{SERVER}{lines}{REAL}");
    let check = |lines: &str| format!("{SERVER}    real_server 192.0.2.21 80 {{\n{lines}    }}\n}}\n");
    let two = |name: &str, vrid: &str| INSTANCE.replace("VI_1", name).replace("51", vrid) + "}\n";
    vec![
        // Reading.
        ("missing_include", "includem vips/*.conf\nincludem more.conf\ninclude \"none.conf\"\n".into()),
        ("unusable_file", "includer run.conf\ninclude run.conf\n".into()),
        ("include_too_deep", "include self.conf\n".into()),
        ("too_long", "~SEQ(A, 1, 2000000) ~SEQ(B, 1, 2000000) x\n".into()),
        ("line_too_long", format!("# {}\n", "long ".repeat(210))),
        ("nul_byte", "global_defs {\n    router_id a\0b\n}\n".into()),
        ("byte_order_mark", "\u{feff}global_defs {\n}\n".into()),
        ("undefined_name", format!("$VIRTUAL=192.0.2.11\n{}", instance("    unicast_src_ip ${VIRTAUL}\n"))),
        ("misplaced_definition", "$PEERS=192.0.2.1 \\\n192.0.2.2\nglobal_defs {\n    router_id $PEERS x\n}\n".into()),
        ("recursive_definition", "$A=x$B\n$B=y$A\nglobal_defs {\n    router_id $A\n}\n".into()),
        ("bad_sequence", "~SEQ(N, 1, -1, 5) vrrp_instance VI_$N {\n".into()),
        ("unterminated_quote", instance("    notify \"/s/ok master\n")),
        // Braces.
        ("missing_open_brace", instance("    authentication\n        auth_type PASS\n        auth_pass abc\n    }\n")),
        ("missing_open_brace_of_the_root", format!("{}{}", INSTANCE.replace("VI_1 {", "VI_1"), "}\n")),
        ("missing_open_brace_of_nothing", check("        TCP_CHECK\n")),
        ("missing_close_brace", format!("{}{}", INSTANCE.replace("    }\n", "    priority 100\n"), "}\n").replace("    priority 100\n", "") + &instance("").replace("VI_1", "VI_2").replace("51", "52")),
        ("missing_close_brace_at_the_end", INSTANCE.to_owned()),
        ("extra_close_brace", format!("{INSTANCE}    }}\n    priority 150\n}}\n")),
        ("unexpected_open_brace", instance("    priority 100 {\n    }\n    {\n    nopreempt\n    }\n")),
        // Words.
        ("unknown_keyword", instance("    prioritty 100\n    virtual_ip_address {\n        192.0.2.1\n    }\n    xyzzy\n    nat_mask 255.255.255.0\n    real_sever\n")),
        ("unknown_keyword_behind_chinese", format!("{INSTANCE}}} # 虚拟路由\n\"主备\" 优先级 # 优先级\n")),
        ("unknown_keyword_behind_tabs", format!("{INSTANCE}\t\tprioritty\t100\n}}\n")),
        ("wrong_block", format!("weight 5\n{}", instance("    virtual_server 192.0.2.1 80 {\n    }\n    auth_type PASS\n"))),
        ("misspelt", SERVER.replace("protocol", "protocal") + "    real_server 192.0.2.21 80 {\n        TCP_CHECK {\n            nb_get_retry 3\n        }\n    }\n}\n"),
        ("deprecated", format!("global_defs {{\n    vrrp_vmac_garp_intvl 5\n    vrrp_iptables\n}}\n{}", check("        HTTP_GET {\n            url {\n                path /\n            }\n            nb_get_retry 3\n        }\n"))),
        ("not_supported", instance("    smtp_alert\n    use_vmac\n    virtual_ipaddress_excluded {\n        192.0.2.77 no_track\n    }\n")),
        ("missing_parameter", instance("    priority\n") + "global_defs {\n    router_id\n}\n"),
        ("extra_words", instance("    priority 100 50\n    track_interface eth1 {\n    }\n")),
        ("words_beside_quotes", "vrrp_script web {\n    script /s/ok -0 nginx\n}\n".to_owned() + &instance("")),
        // Values.
        ("bad_value", instance("    state SLAVE\n    advert_int 1s\n    virtual_ipaddress {\n        192.0.2.256\n        192.0.2.8,\n    }\n")),
        ("bad_choice", SERVER.replace("DR", "dr").replace("rr", "wr") + REAL),
        ("out_of_range", instance("    priority 256\n") + &SERVER.replace(" 80", " 70000") + REAL),
        ("vrid_0", INSTANCE.replace("51", "0") + "}\n"),
        ("adjusted", instance("    advert_int 0.5\n    authentication {\n        auth_type PASS\n        auth_pass longpassword\n    }\n")),
        ("unknown_option", instance("    virtual_ipaddress_excluded {\n        192.0.2.3 lable eth0:1\n        192.0.2.4 192.0.2.5\n    }\n")),
        ("duplicate_lines", instance("    unicast_peer {\n        192.0.2.2\n        192.0.2.2\n    }\n    track_interface {\n        eth1\n        eth1\n    }\n    virtual_ipaddress_excluded {\n        192.0.2.10/24\n        192.0.2.11 dev eth0 dev eth1\n    }\n    notify_master \"/s/ok a\"\n    notify_master \"/s/ok b\"\n") + &server("    real_server 192.0.2.21 80 {\n    }\n")),
        ("duplicate", two("VI_1", "51") + &two("VI_1", "52") + &two("VI_2", "51")),
        ("undefined", "vrrp_script chk_web {\n    script \"</run/up\"\n}\n".to_owned() + &instance("    track_script {\n        chk_wbe\n        later\n        nowhere\n    }\n") + "vrrp_script later {\n    script \"</run/up\"\n}\n"),
        ("undefined_group", "virtual_server group WEB {\n    protocol TCP\n    real_server 192.0.2.21 80 {\n    }\n}\n".into()),
        ("unknown_interface", instance("").replace("eth0", "ens33")),
        ("unknown_interface_in_a_list", "linkbeat_interfaces {\n    ens33\n}\n".to_owned() + &instance("")),
        ("unknown_namespace", "net_namespace blue\n".to_owned() + &instance("").replace("eth0", "ens33")),
        ("unknown_user", "global_defs {\n    script_user webmaster\n}\n".to_owned() + &instance("    notify /s/ok webmaster\n")),
        ("script_not_found", "vrrp_script web {\n    script \"/s/check web\"\n}\n".to_owned() + &instance("    track_script {\n        web\n    }\n    notify /s/none\n")),
        ("script_security", instance("    notify /s/ok\n")),
        ("script_open_to_others", "global_defs {\n    enable_script_security\n    script_user root\n}\nvrrp_script web {\n    script /s/open\n}\n".to_owned() + &instance("    track_script {\n        web\n    }\n")),
        ("missing_setting", "vrrp_instance VI_1 {\n}\n".to_owned() + "virtual_server 192.0.2.10 80 {\n" + REAL),
        ("conflict", instance("    state MASTER\n    priority 100\n    nopreempt\n    preempt_delay 5\n    vmac_xmit_base\n")),
        ("ports_do_not_match", server("").replace("21 80", "21 8080")),
        ("wrong_family", instance("    virtual_ipaddress {\n        2001:db8::1\n    }\n") + &server("").replace("192.0.2.21", "2001:db8::21")),
        ("simplified_check", check("        HTTP_GET {\n            url {\n                path /\n            }\n        }\n        BFD_CHECK {\n            name none\n        }\n")),
        ("netmask_as_a_prefix", server("    persistence_timeout 50\n    persistence_granularity 24\n")),
        ("smtp_server", "global_defs {\n    smtp_server mail.example.org\n    notification_email {\n    }\n}\n".into()),
        ("routes_and_rules", instance("    virtual_routes {\n        10.0.0.0/8 via 192.0.2.1\n        10.0.0.0/8 dev eth0 metrik 5\n        via 192.0.2.1 dev eth0\n    }\n    virtual_rules {\n        from 10.0.0.0/8 table 5\n        dport 80 table 5 preference 5\n    }\n")),
    ]
}

#[test]
fn every_kind_of_problem_reads_as_its_snapshot() {
    for (name, source) in cases() {
        let (text, _) = rendered(&source);
        let source = source.replace('\0', "\u{2400}").replace('\u{feff}', "\u{27e8}BOM\u{27e9}");
        insta::with_settings!({ description => source, omit_expression => true, prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(name, text);
        });
    }
}

#[test]
fn every_code_has_a_snapshot() {
    let mut seen: BTreeSet<Code> = cases().iter().flat_map(|(_, source)| rendered(source).1).collect();
    // These two are about the name of the main file, not about its content.
    for main in ["none.conf", "{self,run,keepalived}.conf", "s*.conf"] {
        let files = MemoryFiles::one("self.conf", "").with("several.conf", "");
        seen.extend(load(main, &files, &host(), &options()).diagnostics.iter().map(|it| it.code));
    }
    let missing: Vec<_> = Code::ALL.iter().filter(|code| !seen.contains(code)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn a_configuration_that_is_not_there_reads_as_its_snapshot() {
    let files = MemoryFiles::one("a1.conf", "").with("a2.conf", "");
    for (name, main) in [("no_configuration", "/etc/stayd.conf"), ("several_files", "a*.conf")] {
        let loaded = load(main, &files, &host(), &options());
        insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(name, loaded.render_all());
        });
    }
}

#[test]
fn errors_are_what_keeps_a_daemon_from_starting_and_nothing_else_is() {
    for (name, source) in cases() {
        let loaded = load("f", &MemoryFiles::one("f", source), &host(), &options());
        for it in &loaded.diagnostics {
            let fatal = it.effect.start_status().is_some();
            assert_eq!(it.severity == config::Severity::Error, fatal, "{name}: {}", it.message);
        }
    }
}
