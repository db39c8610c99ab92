//! Bad input: a clear message with its place, keepalived's exit statuses, and the rest of the file as it should be.

mod common;

use common::read;
use config::{Code, Loaded};

const INSTANCE: &str = "\
vrrp_instance A {
    interface eth0
    virtual_router_id 3
    authentication {
        auth_type PASS
        auth_pass abc
    }
    virtual_ipaddress {
        10.0.0.1
    }
}
";

const SERVER: &str = "\
virtual_server 10.0.0.1 80 {
    protocol TCP
    lb_algo rr
    lb_kind DR
    real_server 10.0.0.2 80 {
        MISC_CHECK {
            misc_path /none
        }
    }
}
";

/// Whether one of the diagnostics has this code, place and text; and what the file gives in a test and at start.
#[track_caller]
fn says(text: &str, code: Code, place: (u32, u32), word: &str, statuses: (u8, Result<(), u8>)) -> Loaded {
    let loaded = read(text);
    let found = loaded.diagnostics.iter().find(|it| it.code == code).map(|it| {
        let location = loaded.sources.location(it.span);
        ((location.line, location.column), loaded.sources.text(it.span))
    });
    assert_eq!(found, Some((place, word)), "{}", loaded.render_all());
    assert_eq!((loaded.test_status(), loaded.start()), statuses, "{}", loaded.render_all());
    loaded
}

#[test]
fn the_examples_are_right_without_the_fault() {
    let loaded = read(&(INSTANCE.to_owned() + SERVER));
    assert_eq!((loaded.test_status(), loaded.start()), (0, Ok(())), "{}", loaded.render_all());
}

#[test]
fn a_missing_closing_brace_of_a_block_in_an_instance_is_found_where_it_is_missing() {
    let text = INSTANCE.replace("abc\n    }\n", "abc\n") + SERVER;
    let loaded = says(&text, Code::MissingCloseBrace, (7, 5), "virtual_ipaddress", (5, Ok(())));
    assert_eq!(loaded.model, read(&(INSTANCE.to_owned() + SERVER)).model, "read as meant");
}

#[test]
fn a_missing_closing_brace_of_an_instance_is_found_at_what_follows() {
    let text = INSTANCE.trim_end().strip_suffix('}').unwrap_or_default().to_owned() + SERVER;
    let loaded = says(&text, Code::MissingCloseBrace, (11, 1), "virtual_server", (5, Ok(())));
    assert_eq!(loaded.model, read(&(INSTANCE.to_owned() + SERVER)).model, "read as meant");
}

#[test]
fn a_missing_closing_brace_at_the_end_is_reported_at_its_partner() {
    let text = SERVER.to_owned() + INSTANCE.trim_end().strip_suffix('}').unwrap_or_default();
    let loaded = says(&text, Code::MissingCloseBrace, (11, 17), "{", (5, Ok(())));
    assert_eq!(loaded.model.vrrp.instances.len(), 1);
}

#[test]
fn a_missing_opening_brace_of_an_inner_block_is_found_where_it_is_missing() {
    let text = INSTANCE.replace("authentication {", "authentication");
    let loaded = says(&text, Code::MissingOpenBrace, (4, 19), "", (5, Ok(())));
    assert_eq!(loaded.model, read(INSTANCE).model, "read as meant");
}

#[test]
fn a_missing_opening_brace_of_an_instance_loses_the_instance_and_nothing_else() {
    let text = INSTANCE.replace("A {", "A") + SERVER;
    let loaded = says(&text, Code::MissingOpenBrace, (1, 16), "", (5, Ok(())));
    assert_eq!((loaded.model.vrrp.instances.len(), loaded.model.virtual_servers.len()), (0, 1));
    assert_eq!(
        loaded.diagnostics.iter().filter(|it| it.effect != config::Effect::None).count(),
        1,
        "said once"
    );
}

#[test]
fn a_surplus_closing_brace_is_found_where_it_stands() {
    let text = INSTANCE.replace("    virtual_router_id 3\n", "    }\n    virtual_router_id 3\n");
    let loaded = says(&text, Code::ExtraCloseBrace, (3, 5), "}", (5, Ok(())));
    assert_eq!(loaded.model, read(INSTANCE).model, "read as meant");
}

#[test]
fn what_stands_in_an_unknown_block_has_no_effect() {
    let text = INSTANCE
        .replace("    interface eth0\n", "    interface eth0\n    settings {\n        priority 7\n    }\n");
    let loaded = says(&text, Code::UnknownKeyword, (3, 5), "settings", (5, Ok(())));
    assert_eq!(loaded.model, read(INSTANCE).model);
}

#[test]
fn an_unknown_interface_is_an_error_at_its_name() {
    says(&INSTANCE.replace("eth0", "ens33"), Code::UnknownInterface, (2, 15), "ens33", (5, Err(2)));
}

#[test]
fn a_vrid_of_0_is_an_error() {
    let loaded = says(&INSTANCE.replace("id 3", "id 0"), Code::OutOfRange, (3, 23), "0", (5, Err(2)));
    assert!(loaded.render_all().contains("a whole number from 1 to 255"));
}

#[test]
fn a_port_of_70000_is_reported_and_its_server_left_out() {
    let loaded =
        says(&SERVER.replace("0.1 80", "0.1 70000"), Code::OutOfRange, (1, 25), "70000", (5, Ok(())));
    assert_eq!(loaded.model.virtual_servers.len(), 0);
    let loaded =
        says(&SERVER.replace("0.2 80", "0.2 70000"), Code::OutOfRange, (5, 26), "70000", (5, Ok(())));
    assert_eq!(loaded.model.virtual_servers.len(), 0, "nor is one without real servers");
}

#[test]
fn a_script_that_is_not_there_is_named_at_its_place() {
    says(SERVER, Code::ScriptNotFound, (7, 23), "/none", (0, Ok(())));
    let script = "vrrp_script s {\n    script \"/none a\"\n}\n";
    says(&(script.to_owned() + INSTANCE), Code::ScriptNotFound, (2, 12), "\"/none a\"", (5, Ok(())));
}

#[test]
fn a_missing_word_ends_keepalived_with_status_2() {
    let text = INSTANCE.replace("virtual_router_id 3", "virtual_router_id");
    says(&text, Code::MissingParameter, (3, 5), "virtual_router_id", (2, Err(2)));
}

#[test]
fn every_problem_is_said_in_one_run() {
    let text = "\
vrrp_instance A {
    interface ens33
    virtual_router_id 300
    prioritty 100
    advert_int
    virtual_ipaddress {
        10.0.0.256
    }
}
";
    let loaded = read(text);
    let lines: Vec<_> = loaded.diagnostics.iter().map(|it| loaded.sources.location(it.span).line).collect();
    assert_eq!(lines, [1, 1, 2, 3, 4, 5, 7], "{}", loaded.render_all());
}

#[test]
fn a_group_of_virtual_servers_takes_one_name_and_a_brace_or_ends_the_daemon() {
    let group = "virtual_server_group G {\n10.0.0.1 80\n}\n";
    let text = group.replace("G {", "G x {");
    says(&text, Code::ExtraWords, (1, 24), "x", (2, Err(2)));
    let text = group.replace(" {", "");
    says(&text, Code::MissingOpenBrace, (1, 1), "virtual_server_group", (2, Err(2)));
}

#[test]
fn a_list_of_names_without_any_is_reported() {
    let group = format!("vrrp_sync_group S {{\n  group {{\n  }}\n}}\n{INSTANCE}");
    says(&group, Code::MissingSetting, (1, 1), "vrrp_sync_group S", (5, Ok(())));
    let group = "garp_group {\n  garp_interval 1\n  interfaces {\n  }\n}\n";
    says(group, Code::MissingSetting, (3, 3), "interfaces", (5, Ok(())));
    says("track_group T x {\n}\n", Code::ExtraWords, (1, 15), "x", (5, Ok(())));
}

#[test]
fn global_defs_without_their_brace_count_all_the_same() {
    let text = "global_defs\n  router_id a\n}\n";
    let loaded = says(text, Code::MissingOpenBrace, (1, 12), "", (5, Ok(())));
    assert_eq!(loaded.model.globals.router_id.as_deref(), Some("a"));
}

#[test]
fn all_global_defs_are_one_block() {
    let text = "global_defs {\n  notify_fifo /run/a\n}\n".repeat(2);
    says(&text, Code::Duplicate, (5, 3), "notify_fifo /run/a", (5, Ok(())));
}

#[test]
fn a_command_that_is_lost_with_its_quote_is_no_missing_one() {
    let text = INSTANCE.replace("    authentication", "    notify \"/none a\n    authentication");
    says(&text, Code::UnterminatedQuote, (4, 12), "\"/none a", (5, Ok(())));
    let text = INSTANCE.replace("interface eth0", "interface \"eth0");
    says(&text, Code::UnterminatedQuote, (2, 15), "\"eth0", (2, Err(2)));
}

#[test]
fn a_number_by_itself_in_a_rule_is_its_table() {
    let rule = |words: &str| format!("static_rules {{\nfrom 10.9.0.0/16 {words} priority 6\n}}\n");
    let model = |words: &str| read(&rule(words)).model.vrrp.statics;
    assert_eq!(model("7"), model("table 7"));
    assert_eq!(model("7").len(), 1);
    for words in ["main", "0", "-3", "7 8"] {
        assert_eq!(read(&rule(words)).test_status(), 5, "{words}");
    }
}
