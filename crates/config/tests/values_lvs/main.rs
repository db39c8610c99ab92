//! Every keyword about virtual servers and their checks, and what becomes of it in the model.
//!
//! A row is a line in its block, a place in the model, and the value that has to be there; without the line another value
//! is. **A keyword of these blocks without a row fails the walk.**

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../common/mod.rs"]
mod common;

mod checks;
mod globals;
mod pages;
mod servers;

use std::collections::BTreeSet;

use common::{Case, Use, around, before, cases, read, read_with_script};
use config::keyword::{self, AliasKind, Block, Keyword, Outside, Takes, Value as Kind};
use config::{Code, Loaded, Severity};
use serde_json::{Value, json};

/// A line, and where the model has what it says.
struct Row {
    block: &'static str,
    keyword: &'static str,
    /// What follows the keyword.
    words: &'static str,
    /// JSON pointer into the model.
    at: &'static str,
    is: Value,
    /// What has to stand above the block.
    above: &'static str,
    /// Without the line the same value is there: the line says what holds anyway.
    anyway: bool,
}

const fn row(
    block: &'static str,
    keyword: &'static str,
    words: &'static str,
    at: &'static str,
    is: Value,
) -> Row {
    Row { block, keyword, words, at, is, above: "", anyway: false }
}

impl Row {
    const fn anyway(mut self) -> Self {
        self.anyway = true;
        self
    }

    const fn under(mut self, above: &'static str) -> Self {
        self.above = above;
        self
    }

    fn name(&self) -> String {
        format!("{}/{} {}", self.block, self.keyword, self.words)
    }

    /// The file, with a line in place of the row's.
    fn file(&self, line: &str) -> String {
        let (prefix, suffix) = around(self.block, self.keyword);
        let before = before(self.block, self.keyword);
        let above = self.above;
        let text = format!("{above}{prefix}{before}{line}\n{suffix}").replace("/none", "/s/ok");
        // Settings for all servers show only where there is one.
        if self.block == "global_defs" { text + globals::SERVER } else { text }
    }

    fn line(&self, keyword: &str) -> String {
        format!("{keyword} {}", self.words)
    }
}

fn rows() -> Vec<Row> {
    [servers::rows(), checks::rows(), pages::rows(), globals::rows()].into_iter().flatten().collect()
}

/// What `at` points to; null if nothing is there.
fn value(loaded: &Loaded, at: &str) -> Value {
    serde_json::to_value(&loaded.model).unwrap().pointer(at).cloned().unwrap_or(Value::Null)
}

fn secs(count: u64) -> Value {
    json!({ "secs": count, "nanos": 0 })
}

/// The blocks whose keywords are all in the table above; of global_defs some are.
const BLOCKS: &[&str] = &[
    "virtual_server_group",
    "virtual_server",
    "real_server",
    "TCP_CHECK",
    "HTTP_GET",
    "SSL_GET",
    "url",
    "SMTP_CHECK",
    "host",
    "DNS_CHECK",
    "MISC_CHECK",
    "PING_CHECK",
    "UDP_CHECK",
    "FILE_CHECK",
    "BFD_CHECK",
    "SSL",
];

/// Whether a keyword is about virtual servers.
fn is_ours(block: &Block, keyword: &str) -> bool {
    match block.name {
        "" => matches!(keyword, "virtual_server" | "virtual_server_group" | "SSL"),
        "global_defs" => globals::OURS.contains(&keyword),
        name => BLOCKS.contains(&name),
    }
}

fn ours() -> Vec<(&'static Block, &'static Keyword)> {
    let blocks = keyword::blocks().into_iter();
    let all = blocks.flat_map(|block| block.keywords().map(move |keyword| (block, keyword)));
    all.filter(|(block, keyword)| is_ours(block, keyword.name)).collect()
}

#[test]
fn every_line_is_in_the_model_with_its_value() {
    let mut wrong = Vec::new();
    for row in rows() {
        let loaded = read_with_script(&row.file(&row.line(row.keyword)));
        let found = value(&loaded, row.at);
        if found != row.is {
            let name = row.name();
            let said = loaded.render_all();
            wrong.push(format!("{name}: {} is {found}, not {}\n{said}", row.at, row.is));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn without_the_line_another_value_is_there() {
    for row in rows() {
        let without = read_with_script(&row.file(""));
        assert_eq!(value(&without, row.at) == row.is, row.anyway, "{}: {}", row.name(), row.at);
    }
}

#[test]
fn every_keyword_about_virtual_servers_has_a_row() {
    let rows = rows();
    let known: BTreeSet<_> = rows.iter().map(|row| (row.block, row.keyword)).collect();
    let ours = ours();
    let missing: Vec<_> = ours
        .iter()
        .map(|(block, keyword)| (block.name, keyword.name))
        .filter(|name| !known.contains(name))
        .collect();
    assert!(missing.is_empty(), "keywords without a value in the model: {missing:?}");
    assert!(ours.len() > 190, "only {} keywords are walked", ours.len());
    let names: BTreeSet<_> = ours.iter().map(|(block, keyword)| (block.name, keyword.name)).collect();
    let stray: Vec<_> = known.difference(&names).collect();
    assert!(stray.is_empty(), "rows of no keyword: {stray:?}");
}

#[test]
fn every_other_spelling_has_the_value_of_its_keyword() {
    let mut count = 0;
    for row in rows() {
        let block = keyword::blocks().into_iter().find(|block| block.name == row.block).unwrap();
        for alias in block.aliases().iter().filter(|alias| alias.means == row.keyword) {
            let loaded = read_with_script(&row.file(&row.line(alias.name)));
            assert_eq!(value(&loaded, row.at), row.is, "{} as {}", row.name(), alias.name);
            let silent = matches!(alias.kind, AliasKind::Synonym | AliasKind::Older);
            let said =
                loaded.diagnostics.iter().any(|it| matches!(it.code, Code::Deprecated | Code::Misspelt));
            assert_eq!(said, !silent, "{} as {}", row.name(), alias.name);
            count += 1;
        }
    }
    assert!(count > 10, "only {count} other spellings");
}

/// The code with which a bad value is reported.
fn code(case: &Case) -> Code {
    match (case.block.name, case.keyword.name) {
        ("FILE_CHECK", "track_file") | ("BFD_CHECK", "name") => return Code::Undefined,
        ("MISC_CHECK", "user") => return Code::UnknownUser,
        (_, "lvs_timeouts" | "lvs_sync_daemon") => return Code::OutOfRange,
        _ => {}
    }
    match case.keyword.takes {
        Takes::One(kind, _) | Takes::Maybe(kind) | Takes::Many(kind, _) => match kind {
            Kind::Short(_) | Kind::Integer { outside: Outside::Limited, .. } => Code::Adjusted,
            Kind::Integer { .. } => Code::OutOfRange,
            _ => Code::BadValue,
        },
        _ => Code::BadValue,
    }
}

#[test]
fn a_bad_value_is_reported_at_its_place_with_its_code_and_changes_nothing() {
    let mut count = 0;
    let ours = |case: &Case| is_ours(case.block, case.keyword.name);
    for case in cases().into_iter().filter(|case| case.usage == Use::Bad && ours(case)) {
        let loaded = read(&case.text);
        let line = case.text.lines().nth(case.line - 1).unwrap();
        let column = line.rfind(case.bad.as_deref().unwrap()).unwrap() + 1;
        let said = loaded.diagnostics.iter().filter(|it| it.severity != Severity::Note).map(|it| {
            let location = loaded.sources.location(it.span);
            (it.code, location.line as usize, location.column as usize)
        });
        let first = said.clone().find(|(_, line, _)| *line == case.line);
        assert_eq!(first, Some((code(&case), case.line, column)), "{}\n{}", case.name, loaded.render_all());
        count += 1;
    }
    assert!(count > 100, "only {count} bad values");
}
