//! Real configurations, with the interfaces that they name.
//!
//! The files are not part of the project; where they are not at hand, its own few take their place.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::compare::Case;
use crate::interfaces;

const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/corpus");

/// The project's own files that somebody could run.
const OWN: &[&str] = &["crates/config/tests/data"];

pub fn cases() -> Vec<Case> {
    let corpus = Path::new(CORPUS);
    let mut cases: Vec<_> =
        ["web", "samples", "devel-tools"].iter().flat_map(|folder| files(&corpus.join(folder))).collect();
    if cases.is_empty() {
        println!("NOT TESTED: the corpus, {CORPUS}, is not here; the project's own files take its place");
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        cases = OWN.iter().flat_map(|folder| files(&root.join(folder))).collect();
        assert!(!cases.is_empty(), "the project has files of its own");
    }
    // Files with the same interfaces follow each other: making them takes longer than judging the file.
    cases.sort_by(|one, other| one.interfaces.cmp(&other.interfaces));
    cases
}

/// The files of a folder whose name ends in `.conf`, in the order of their names.
fn files(folder: &Path) -> Vec<Case> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut cases: Vec<_> = entries.filter_map(|path| case(&path)).collect();
    cases.sort_by(|one, other| one.name.cmp(&other.name));
    cases
}

fn case(path: &Path) -> Option<Case> {
    let file = path.file_name()?.to_str()?.to_owned();
    let bytes = fs::read(path).ok().filter(|_| path.extension().is_some_and(|it| it == "conf"))?;
    let text: String = bytes.into_iter().map(char::from).collect();
    let interfaces = makeable(&text).into_iter().collect();
    Some(Case { name: file.clone(), folder: path.parent()?.to_owned(), file, interfaces })
}

/// The interfaces that the file names and a kernel can have, but for the one that is always there.
fn makeable(text: &str) -> BTreeSet<String> {
    let mut names = interfaces::named(text);
    names.retain(|name| !name.contains(':') && name != "lo");
    names
}
