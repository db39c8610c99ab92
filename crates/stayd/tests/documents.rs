//! The documents that are made of the tables: what is committed is what the program writes.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{folder, repository, run};

#[test]
fn the_committed_documents_are_what_the_tables_say() {
    let root = repository();
    let made = folder(&[]);
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    std::fs::write(made.path().join("README.md"), &readme).unwrap();
    let written = run(made.path(), &["generate", "docs", "."]);
    assert_eq!(written.status, 0, "{}", written.err);
    let files: Vec<_> = written.out.lines().map(|line| line.trim_start_matches("./")).collect();
    assert_eq!(files, ["docs/reference.md", "docs/diagnostics.md", "README.md"]);
    let read =
        |folder: &std::path::Path, name: &str| std::fs::read_to_string(folder.join(name)).unwrap_or_default();
    let old: Vec<_> = files.into_iter().filter(|name| read(&root, name) != read(made.path(), name)).collect();
    assert!(
        old.is_empty(),
        "{} not what the tables say: run `cargo run -p stayd -- generate docs .` in {}, and commit",
        old.join(" and "),
        root.display()
    );
}

#[test]
fn there_is_a_manual_page_for_the_daemon_for_each_command_and_for_the_configuration() {
    let made = folder(&[]);
    assert_eq!(run(made.path(), &["generate", "man", "."]).status, 0);
    let read = |name: &str| std::fs::read_to_string(made.path().join(name)).unwrap();
    for (page, word) in [
        ("stayd.8", "SIGHUP"),
        ("stayd-check.8", "sarif"),
        ("stayd-explain.8", "KEYWORD"),
        ("stayd-config-print.8", "redact"),
        ("stayd-migrate.8", "command line"),
        ("stayd-realserver-start.8", "VIP"),
        ("stayd.conf.5", "advert_int"),
    ] {
        let text = read(page);
        assert!(text.contains(".TH ") && text.contains(word), "{page} without {word}");
    }
    assert!(!read("stayd.8").contains("generate"), "the command is for those who build the program");
}

#[test]
fn the_configuration_s_page_has_every_keyword() {
    let made = folder(&[]);
    assert_eq!(run(made.path(), &["generate", "man", "."]).status, 0);
    let page = std::fs::read_to_string(made.path().join("stayd.conf.5")).unwrap();
    for name in
        config::keyword::blocks().iter().flat_map(|block| block.keywords()).map(|keyword| keyword.name)
    {
        assert!(page.contains(&name.replace('-', "\\-")), "{name}");
    }
}

#[test]
fn shells_complete_options_commands_and_the_keywords_to_explain() {
    let made = folder(&[]);
    assert_eq!(run(made.path(), &["generate", "completions", "."]).status, 0);
    for name in ["stayd.bash", "_stayd", "stayd.fish"] {
        let text = std::fs::read_to_string(made.path().join(name)).unwrap();
        for word in ["explain", "log-detail", "redact", "virtual_router_id", "sarif"] {
            assert!(text.contains(word), "{name} does not complete {word}");
        }
    }
}
