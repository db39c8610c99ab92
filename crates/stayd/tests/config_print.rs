//! `stayd config print`: the canonical form, as a user gets it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{ROUTER, folder, run};

#[test]
fn the_canonical_form_goes_to_standard_output_and_problems_to_standard_error() {
    let source = "# ours\ninclude *.inc\nvirtual_server 192.0.2.1 80 { protocal TCP\nlvs_sched rr\nlvs_method NAT\nreal_server 192.0.2.2 80 { } }\n";
    let folder = folder(&[("a.conf", source), ("router.inc", ROUTER)]);
    let printed = run(folder.path(), &["config", "print", "a.conf"]);
    assert_eq!(printed.status, 5, "as -t");
    assert!(printed.err.starts_with("warning[misspelt]"), "{}", printed.err);
    let expected = "\nvirtual_server 192.0.2.1 80 {\n  protocol TCP\n  lb_algo rr\n  lb_kind NAT\n  real_server 192.0.2.2 80 {\n  }\n}\n";
    assert_eq!(printed.out, ROUTER.replace("    ", "  ") + expected);
}

#[test]
fn the_full_form_of_a_file_means_the_same_as_the_file() {
    let folder = folder(&[("a.conf", ROUTER)]);
    let full = run(folder.path(), &["config", "print", "a.conf", "--full"]);
    assert!(full.out.contains("  # advert_int 1\n"), "{}", full.out);
    std::fs::write(folder.path().join("b.conf"), &full.out).unwrap();
    let plain = run(folder.path(), &["config", "print", "a.conf"]).out;
    assert_eq!(run(folder.path(), &["config", "print", "b.conf"]).out, plain);
}

#[test]
fn a_redacted_form_shows_no_password_anywhere() {
    let source = ROUTER.replace(
        "    virtual_ip",
        "    authentication {\n auth_type PASS\n auth_pass geheimnis9\n }\n    virtual_ip",
    );
    let folder = folder(&[("a.conf", &source)]);
    let plain = run(folder.path(), &["config", "print", "a.conf"]);
    assert!(plain.out.contains("auth_pass geheimnis9"), "{}", plain.out);
    let redacted = run(folder.path(), &["config", "print", "a.conf", "--redact"]);
    assert!(redacted.out.contains("auth_pass REDACTED"), "{}", redacted.out);
    assert!(!(redacted.out + &redacted.err).contains("geheim"));
}
