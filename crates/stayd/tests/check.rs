//! `stayd check` and `-t`: every problem, in each format, with keepalived's exit status.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{ROUTER, folder, run};
use serde_json::{Value, json};

/// One warning and one note.
fn sloppy() -> String {
    ROUTER.replace(
        "    virtual_router_id 3\n",
        "    virtual_router_id 3\n    priorty 5\n    smtp_alert\n    preempt now\n",
    )
}

#[test]
fn a_good_file_gives_0_and_says_so() {
    let folder = folder(&[("a.conf", ROUTER)]);
    let checked = run(folder.path(), &["check", "a.conf"]);
    assert_eq!((checked.status, checked.err.as_str()), (0, ""), "{}", checked.out);
    assert_eq!(checked.out, "a.conf: nothing is wrong; the daemon starts with this\n");
}

#[test]
fn text_has_code_place_line_carets_and_hint() {
    let folder = folder(&[("a.conf", &sloppy())]);
    let checked = run(folder.path(), &["check", "a.conf"]);
    assert_eq!(checked.status, 5);
    let expected = "warning[unknown-keyword]: unknown keyword `priorty` in `vrrp_instance`
  --> a.conf:4:5
  |
4 |     priorty 5
  |     ^^^^^^^ the line is ignored
  |
  = hint: did you mean `priority`?
";
    assert!(checked.out.starts_with(expected), "{}", checked.out);
    assert!(checked.out.contains("a.conf: 1 warning, "), "{}", checked.out);
}

#[test]
fn json_is_one_document_with_every_problem() {
    let folder = folder(&[("a.conf", &ROUTER.repeat(2))]);
    let checked = run(folder.path(), &["check", "a.conf", "--format", "json"]);
    assert_eq!(checked.status, 5);
    let document: Value = serde_json::from_str(&checked.out).unwrap();
    let place = |line: u32| json!({ "line": line, "column": 15 });
    let end = |line: u32| json!({ "line": line, "column": 16 });
    let expected = json!({
        "version": 1,
        "stayd": env!("CARGO_PKG_VERSION"),
        "file": "a.conf",
        "strict": false,
        "status": 5,
        "start_status": null,
        "errors": 0,
        "warnings": 1,
        "notes": 0,
        "diagnostics": [{
            "code": "duplicate",
            "severity": "warning",
            "message": "a second `vrrp_instance A`",
            "file": "a.conf",
            "start": place(12),
            "end": end(12),
            "label": "the whole instance is ignored",
            "hint": null,
            "related": [{ "file": "a.conf", "start": place(1), "end": end(1), "label": "the first is here" }],
        }],
    });
    assert_eq!(document, expected, "{document:#}");
}

#[test]
fn sarif_has_a_rule_for_each_code_and_a_result_with_its_region_for_each_problem() {
    let folder = folder(&[("a b.conf", &sloppy())]);
    let checked = run(folder.path(), &["check", "a b.conf", "--format", "sarif"]);
    assert_eq!(checked.status, 5);
    let log: Value = serde_json::from_str(&checked.out).unwrap();
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    assert_eq!(run["invocations"][0]["exitCode"], 5);
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    assert_eq!(rules.len(), config::Code::ALL.len());
    let results = run["results"].as_array().unwrap();
    for result in results {
        let rule = &rules[usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap()];
        assert_eq!(rule["id"], result["ruleId"]);
    }
    assert_eq!(results[0]["ruleId"], "unknown-keyword");
    assert_eq!(results[0]["level"], "warning");
    assert_eq!(
        results[0]["locations"][0]["physicalLocation"],
        json!({
            "artifactLocation": { "uri": "a%20b.conf" },
            "region": { "startLine": 4, "startColumn": 5, "endLine": 4, "endColumn": 12 },
        })
    );
    assert!(results.iter().any(|result| result["level"] == "note"), "{results:#?}");
}

#[test]
fn strict_fails_where_keepalived_says_nothing() {
    let silent = ROUTER.replace("    virtual_router_id", "    notify /none/here\n    virtual_router_id");
    let folder = folder(&[("a.conf", &silent)]);
    for arguments in [["check", "a.conf", "--strict"].as_slice(), &["-t", "-f", "a.conf", "--strict"]] {
        let strict = run(folder.path(), arguments);
        assert_eq!(strict.status, 5);
        assert!((strict.out + &strict.err).contains("error[script-not-found]"));
    }
    assert_eq!(run(folder.path(), &["check", "a.conf"]).status, 0);
    assert_eq!(run(folder.path(), &["-t", "-f", "a.conf"]).status, 0);
}

#[test]
fn the_name_of_the_host_decides_about_conditional_lines() {
    let folder = folder(&[("a.conf", &format!("@left bogus 1\n{ROUTER}"))]);
    assert_eq!(run(folder.path(), &["check", "a.conf", "-i", "left"]).status, 5);
    assert_eq!(run(folder.path(), &["check", "a.conf", "--config-id=right"]).status, 0);
}

#[test]
fn every_include_is_insisted_on_when_asked() {
    let folder = folder(&[("a.conf", &format!("include none.conf\n{ROUTER}"))]);
    assert_eq!(run(folder.path(), &["check", "a.conf"]).status, 0);
    assert_eq!(run(folder.path(), &["check", "a.conf", "-e"]).status, 6);
}

#[test]
fn a_test_logs_to_the_end_of_a_file_of_the_user_s_own() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder(&[("a.conf", &sloppy())]);
    for option in ["-t=log", "-tlog", "--config-test=log"] {
        let tested = run(folder.path(), &["-f", "a.conf", option]);
        assert_eq!((tested.status, tested.out.as_str(), tested.err.as_str()), (5, "", ""));
    }
    let log = folder.path().join("log");
    let text = std::fs::read_to_string(&log).unwrap();
    assert_eq!(text.matches("warning[unknown-keyword]").count(), 3, "each test adds to it: {text}");
    assert_eq!(log.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let unusable = run(folder.path(), &["-f", "a.conf", "-tnone/log"]);
    assert_eq!(unusable.status, 1, "as keepalived");
    assert!(unusable.err.contains("none/log"), "{}", unusable.err);
}
