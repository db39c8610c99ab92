//! docs/reference.md: every block and keyword.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use config::keyword::{self, Block, DOES_NOT_START, Keyword, ROOT, Status};

use super::header;
use super::language::LANGUAGE;
use crate::explain::places;

/// The chapter.
pub fn text() -> String {
    let mut text = header();
    text += "# The configuration: every block and keyword\n\nThe same as in `man stayd.conf` and `stayd explain`.\n";
    for (title, paragraphs) in LANGUAGE {
        add(&mut text, format_args!("\n## {title}\n\n{}\n", paragraphs.join("\n\n")));
    }
    text += "\n## Blocks\n\n";
    for block in keyword::blocks() {
        add(&mut text, format_args!("- [{}](#{})\n", block.title(), anchor(block.title())));
    }
    let mut told = BTreeMap::new();
    for block in keyword::blocks() {
        text += &section(block, &mut told);
    }
    text
}

fn add(text: &mut String, more: fmt::Arguments<'_>) {
    // Writing to a string succeeds.
    let _ = text.write_fmt(more);
}

/// As GitHub makes it of a heading.
fn anchor(title: &str) -> String {
    title.to_lowercase().chars().filter(|c| *c != '/').map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// The block's keywords; those that an earlier block has in the same way are only named.
fn section(block: &'static Block, told: &mut BTreeMap<String, &'static str>) -> String {
    let mut text = format!("\n## {}\n", block.title());
    if let Some((keyword, homes)) = opener(block) {
        add(
            &mut text,
            format_args!(
                "\n`{}`, {}. {}{}\n",
                keyword.syntax(),
                places(&homes),
                keyword.doc,
                support(keyword)
            ),
        );
    }
    if let Some(syntax) = block.lines() {
        add(&mut text, format_args!("\nEach line: `{syntax}`.\n"));
        return text;
    }
    let mut rows = String::new();
    let mut same: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for keyword in block.keywords() {
        let row = row(block, keyword);
        if let Some(earlier) = told.get(&row) {
            same.entry(earlier).or_default().push(format!("`{}`", keyword.name));
        } else {
            rows += &row;
            told.insert(row, block.name);
        }
    }
    for (earlier, names) in same {
        add(&mut text, format_args!("\nAs in [{earlier}](#{}): {}.\n", anchor(earlier), names.join(", ")));
    }
    if !rows.is_empty() {
        text += "\n| keyword | what it does | takes | default | since |\n|---|---|---|---|---|\n";
        text += &rows;
    }
    text
}

/// The keyword that opens a block, and where it may stand.
fn opener(block: &'static Block) -> Option<(&'static Keyword, Vec<&'static Block>)> {
    if std::ptr::eq(block, &raw const ROOT) {
        return None;
    }
    let opens = |outer: &&'static Block| {
        outer.keywords().find(|keyword| keyword.block().is_some_and(|inner| std::ptr::eq(inner, block)))
    };
    let blocks = keyword::blocks();
    let homes: Vec<_> = blocks.iter().copied().filter(|outer| opens(outer).is_some()).collect();
    Some((opens(homes.first()?)?, homes))
}

fn row(block: &Block, keyword: &Keyword) -> String {
    let facts: BTreeMap<_, _> = keyword.facts(block).into_iter().collect();
    let fact = |title: &str| facts.get(title).cloned().unwrap_or_default();
    let mut does = format!("{}{}", keyword.doc, support(keyword));
    for (title, before, after) in
        [("Replaced by", " Replaced by ", "."), ("Also written", " Also written ", ".")]
    {
        if let Some(text) = facts.get(title) {
            add(&mut does, format_args!("{before}{text}{after}"));
        }
    }
    let mut takes: Vec<String> = Vec::new();
    takes.extend(facts.get("Takes").cloned());
    takes.extend(facts.get("Bad value").map(|text| format!("bad: {text}")));
    takes.extend(
        facts
            .get("Without value")
            .filter(|text| *text != DOES_NOT_START)
            .map(|text| format!("without: {text}")),
    );
    let since = fact("Since").replace("keepalived ", "");
    let cells = [format!("`{}`", keyword.syntax()), does, takes.join("; "), fact("Default"), since];
    format!("| {} |\n", cells.map(|cell| cell.replace('|', "\\|")).join(" | "))
}

fn support(keyword: &Keyword) -> String {
    match keyword.status {
        Status::Done => String::new(),
        Status::NotYet => " **No effect yet.**".to_owned(),
        Status::Partly(what) => format!(" **In part: {what}.**"),
    }
}
