//! The clauses of the RFCs and the behaviours of keepalived that the machine keeps to, each shown by a folder in `cases/`.
//!
//! A folder has `keepalived.conf` (and others, for reloads), `inputs.txt` (what happens, and when; its first two lines say
//! which clause this is and what it asks for) and `actions.txt` (everything that the router does). `docs/conformance.md`
//! lists the clauses; it is made from the folders.
//!
//! `STAYD_BLESS=1 cargo nextest run -p crosstests --test conformance` writes the actions and the list anew. Read what it
//! wrote: a case proves what somebody has looked at.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod render;
mod script;
mod world;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance/cases")
}

fn blessing() -> bool {
    std::env::var_os("STAYD_BLESS").is_some()
}

struct Case {
    name: String,
    clause: String,
    asks: String,
    folder: PathBuf,
    script: String,
}

/// All cases, in the order of their names.
fn cases() -> Vec<Case> {
    let entries = fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().path());
    let mut folders: Vec<_> = entries.filter(|path| path.is_dir()).collect();
    folders.sort();
    folders.into_iter().map(case).collect()
}

fn case(folder: PathBuf) -> Case {
    let script = fs::read_to_string(folder.join("inputs.txt")).unwrap();
    let mut comments = script.lines().map_while(|line| line.strip_prefix("# "));
    let (Some(clause), Some(asks)) = (comments.next(), comments.next()) else {
        panic!("{}: inputs.txt does not start with the clause and what it asks for", folder.display())
    };
    Case {
        name: folder.file_name().unwrap().to_string_lossy().into_owned(),
        clause: clause.to_owned(),
        asks: asks.to_owned(),
        script: script.clone(),
        folder,
    }
}

/// Compares with the file, or writes it.
fn same_as(path: &Path, text: &str) -> Result<(), String> {
    if blessing() {
        fs::write(path, text).unwrap();
    }
    let stored = fs::read_to_string(path).unwrap_or_default();
    if stored == text {
        return Ok(());
    }
    let line = stored.lines().zip(text.lines()).take_while(|(stored, now)| stored == now).count();
    let of = |text: &str| text.lines().nth(line).unwrap_or("(nothing)").to_owned();
    Err(format!("{}, line {}:\n  stored: {}\n  now:    {}", path.display(), line + 1, of(&stored), of(text)))
}

#[test]
fn every_case_ends_as_it_is_written_down() {
    let cases = cases();
    assert!(cases.len() > 40, "only {} cases", cases.len());
    let wrong: Vec<_> = cases
        .iter()
        .filter_map(|case| {
            let actions = world::run(&case.folder, &case.script);
            same_as(&case.folder.join("actions.txt"), &actions).err()
        })
        .collect();
    assert!(wrong.is_empty(), "{} of {} cases differ\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

#[test]
fn the_list_of_clauses_is_that_of_the_cases() {
    let mut clauses: BTreeMap<String, Vec<Case>> = BTreeMap::new();
    for case in cases() {
        clauses.entry(case.clause.clone()).or_default().push(case);
    }
    let mut text = "# What the VRRP machine keeps to\n\nMade from `tests/conformance/cases/`: each line is a folder with a \
                    configuration, timed inputs and all actions of the router. Clauses of RFC 5798 that RFC 9568 repeats \
                    are listed under the latter.\n\n| clause | what it asks for | case |\n|---|---|---|\n"
        .to_owned();
    for (clause, cases) in &clauses {
        for case in cases {
            writeln!(text, "| {clause} | {} | `{}` |", case.asks, case.name).unwrap();
        }
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/conformance.md");
    same_as(&path, &text).unwrap();
}
