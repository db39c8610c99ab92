//! `--strict`: warnings are errors.

mod common;

use common::{host, options};
use config::{Loaded, MemoryFiles, Options, Severity, load};

const ROUTER: &str =
    "vrrp_instance A {\ninterface eth0\nvirtual_router_id 3\nvirtual_ipaddress {\n10.0.0.1\n}\n";

fn read(text: &str, strict: bool) -> Loaded {
    let options = Options { strict, ..options() };
    load("keepalived.conf", &MemoryFiles::one("keepalived.conf", text), &host(), &options)
}

fn statuses(loaded: &Loaded) -> (u8, Result<(), u8>) {
    (loaded.test_status(), loaded.start())
}

#[test]
fn a_warning_becomes_an_error_and_keeps_the_daemon_from_starting() {
    let text = format!("{ROUTER}priorty 5\n}}\n");
    assert_eq!(statuses(&read(&text, false)), (5, Ok(())));
    let strict = read(&text, true);
    assert_eq!(statuses(&strict), (5, Err(2)));
    assert!(strict.diagnostics.iter().all(|it| it.severity == Severity::Error), "{}", strict.render_all());
    assert!(strict.render_all().starts_with("error[unknown-keyword]: "), "{}", strict.render_all());
}

#[test]
fn what_keepalived_is_silent_about_has_a_status_too() {
    let text = format!("{ROUTER}notify /s/none\n}}\n");
    assert_eq!(statuses(&read(&text, false)), (0, Ok(())));
    assert_eq!(statuses(&read(&text, true)), (5, Err(2)));
}

#[test]
fn a_note_is_no_warning() {
    let text = format!("{ROUTER}preempt now\n}}\n");
    let strict = read(&text, true);
    assert_eq!(statuses(&strict), (0, Ok(())));
    assert!(strict.diagnostics.iter().any(|it| it.severity == Severity::Note), "the case has a note");
}

#[test]
fn an_error_keeps_the_status_that_it_has() {
    let text = "vrrp_instance A {\ninterface\npriorty 5\n}\n";
    assert_eq!(statuses(&read(text, false)), (2, Err(2)));
    assert_eq!(statuses(&read(text, true)), (2, Err(2)));
    assert_eq!(statuses(&read("includem none.conf\n", true)), (6, Err(6)));
}

#[test]
fn what_keepalived_ends_with_0_for_is_an_error() {
    let mut host = host();
    host.namespaces = false;
    let files = MemoryFiles::one("f", "net_namespace blue\n");
    let of = |main, strict| load(main, &files, &host, &Options { strict, ..options() });
    assert_eq!(statuses(&of("f", false)), (0, Err(0)));
    assert_eq!(statuses(&of("f", true)), (5, Err(2)));
    assert_eq!(statuses(&of("none", false)), (0, Err(6)));
    assert_eq!(statuses(&of("none", true)), (5, Err(6)));
}
