//! Every keyword, and what becomes of it in the model.
//!
//! A row is a line in its block, a place in the model, and the value that has to be there; without the line another value
//! is. **A keyword without a row fails the walk.**

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../common/mod.rs"]
mod common;

mod lvs;
mod row;
mod vrrp;

use std::collections::BTreeSet;

use common::{Case, Use, cases, read, read_with_script};
use config::keyword::{self, AliasKind, Outside, Takes, Value as Kind};
use config::{Code, Severity};
use row::{Row, value};

fn rows() -> Vec<Row> {
    [lvs::rows(), vrrp::rows()].into_iter().flatten().collect()
}

/// Keywords of which a model has no place, since all that they do is done while the file is read; where that is shown.
const IN_READING: &[(&str, &str, &str)] = &[
    ("global_defs", "include_check", "language.rs"),
    ("vrrp_instance", "no_virtual_ipaddress", "instances.rs"),
    ("vrrp_instance", "vrf", "is for instances without interface, which do not start: instances.rs"),
];

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
fn every_keyword_has_a_row() {
    let rows = rows();
    let rows: BTreeSet<_> = rows.iter().map(|row| (row.block, row.keyword)).collect();
    let blocks = keyword::blocks().into_iter();
    let all: BTreeSet<_> =
        blocks.flat_map(|block| block.keywords().map(|keyword| (block.name, keyword.name))).collect();
    assert!(all.len() > 400, "only {} keywords are walked", all.len());
    let read: BTreeSet<_> = IN_READING.iter().map(|(block, keyword, _)| (*block, *keyword)).collect();
    let known: BTreeSet<_> = rows.union(&read).copied().collect();
    let missing: Vec<_> = all.difference(&known).collect();
    assert!(missing.is_empty(), "keywords without a value in the model: {missing:?}");
    let stray: Vec<_> = known.difference(&all).collect();
    assert!(stray.is_empty(), "rows of no keyword: {stray:?}");
    let both: Vec<_> = rows.intersection(&read).collect();
    assert!(both.is_empty(), "these have a place after all: {both:?}");
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
        (_, "script_user" | "user") => return Code::UnknownUser,
        (_, "lvs_timeouts" | "lvs_sync_daemon" | "smtp_server") => return Code::OutOfRange,
        (_, "init_file" | "include_check") => return Code::UnknownOption,
        (_, "auth_pass") => return Code::Adjusted,
        _ => {}
    }
    match case.keyword.takes {
        Takes::One(kind, _) | Takes::Maybe(kind) | Takes::Many(kind, _) => match kind {
            Kind::Short(_)
            | Kind::Integer { outside: Outside::Limited, .. }
            | Kind::Integer { outside: Outside::Raised, least: 1.., .. } => Code::Adjusted,
            Kind::Integer { .. } => Code::OutOfRange,
            _ => Code::BadValue,
        },
        _ => Code::BadValue,
    }
}

#[test]
fn a_bad_value_is_reported_at_its_place_with_its_code() {
    let (mut count, mut wrong) = (0, Vec::new());
    for case in cases().into_iter().filter(|case| case.usage == Use::Bad) {
        let loaded = read(&case.text);
        let line = case.text.lines().nth(case.line - 1).unwrap();
        let column = line.rfind(case.bad.as_deref().unwrap()).unwrap() + 1;
        let said = loaded
            .diagnostics
            .iter()
            .filter(|it| it.severity != Severity::Note && it.code != Code::Deprecated)
            .map(|it| {
                let location = loaded.sources.location(it.span);
                (it.code, location.line as usize, location.column as usize)
            });
        let first = said.clone().find(|(_, line, _)| *line == case.line);
        let expected = Some((code(&case), case.line, column));
        if first != expected {
            wrong.push(format!("{}: {first:?}, not {expected:?}\n{}", case.name, loaded.render_all()));
        }
        count += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count > 250, "only {count} bad values");
}
