//! Arbitrary bytes as a configuration file, from text to model and back to rendered diagnostics.
//!
//! **Whatever the bytes, reading ends, and each diagnostic says where**: its place is a piece of its file, and what is
//! printed steers no terminal. Reading in sections gives what reading as a whole gives.

use config::print::Form;
use config::{Loaded, MemoryFiles, MemoryHost, Options, Severity};

const MAIN: &str = "/etc/keepalived/keepalived.conf";

/// Files that `include` finds beside the main one: right, broken, defining, and including others and each other.
const BESIDE: &[(&str, &str)] = &[
    (
        "instance",
        "vrrp_instance I {\ninterface eth0\nvirtual_router_id 9\nvirtual_ipaddress {\n10.0.0.9\n}\n}\n",
    ),
    ("open", "vrrp_script s {\n"),
    ("close", "}\n}\n"),
    ("define", "$A=a\n$B= \\\npriority 7 \\\n$A\n\n$C=$C $A\n"),
    ("self", "include self\ninclude self\n"),
    ("main", "include keepalived.conf\n"),
    ("d/one", "real_server 10.0.0.2 80 {\n}\n"),
    ("d/two", "include ../*\n"),
];

/// Reads a file.
///
/// # Panics
/// If something does not hold that holds for every file.
pub fn run(bytes: &[u8]) {
    let main = MemoryFiles::one(MAIN, bytes);
    let files =
        BESIDE.iter().fold(main, |files, (name, text)| files.with(&format!("/etc/keepalived/{name}"), *text));
    let mut host = MemoryHost::with_interfaces(["eth0", "eth1"])
        .with_user("keepalived_script")
        .with_script("/bin/true")
        .with_insecure_script("/tmp/script")
        .with_environment("HOME", "/root");
    host.processors = 4;
    let options = Options {
        config_id: "node".to_owned(),
        working_directory: "/etc/keepalived".to_owned(),
        ..Options::default()
    };
    let loaded = config::load(MAIN, &files, &host, &options);
    check(&loaded);
    // What is printed is read as a whole, what is not in sections.
    let (whole, _) = config::load_and_print(MAIN, &files, &host, &options, Form::default());
    assert_eq!(loaded.model, whole.model);
    assert_eq!(loaded.diagnostics, whole.diagnostics);
}

fn check(loaded: &Loaded) {
    for it in &loaded.diagnostics {
        let range = it.span.start as usize..it.span.end as usize;
        let text = loaded.sources.get(it.span.source).and_then(|source| source.text().get(range));
        assert!(text.is_some(), "a place outside its file: {it:?}");
        assert!(!it.message.is_empty(), "without a message: {it:?}");
        assert_eq!(it.severity == Severity::Error, it.effect.start_status().is_some(), "{it:?}");
    }
    let places = loaded.diagnostics.iter().map(|it| (it.span.source, it.span.start));
    assert!(places.is_sorted(), "not in the order of the file");
    let rendered = loaded.render_all();
    let steers = |c: char| c.is_control() && c != '\n';
    assert!(!rendered.contains(steers), "{rendered:?}");
    // The statuses are functions of the diagnostics; they must not panic either.
    let (_, _) = (loaded.test_status(), loaded.start());
}
