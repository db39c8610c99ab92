//! `stayd explain`: what the keyword table knows of a word, or what a code of a problem means.

use std::fmt::Write as _;

use config::Code;
use config::keyword::{self, Block, Keyword};

use crate::exit::Exit;

/// Arguments of `stayd explain`.
#[derive(clap::Args, Debug)]
pub struct Arguments {
    /// Keyword of the configuration, or code of a problem such as wrong-block
    #[arg(value_name = "KEYWORD")]
    pub word: String,
    /// Block that is meant, if several know the keyword; `root` is outside all blocks
    #[arg(value_name = "BLOCK")]
    pub block: Option<String>,
}

/// Prints what there is to know; fails if there is nothing.
pub fn run(arguments: &Arguments) -> Exit {
    match explain(&arguments.word, arguments.block.as_deref()) {
        Ok(text) => {
            print!("{text}");
            Exit::Normal
        }
        Err(text) => {
            eprintln!("{text}");
            Exit::Fatal
        }
    }
}

/// One meaning of a word, and the blocks in which it has it.
struct Meaning {
    keyword: &'static Keyword,
    facts: Vec<(&'static str, String)>,
    blocks: Vec<&'static Block>,
}

fn explain(word: &str, block: Option<&str>) -> Result<String, String> {
    if let (None, Some(code)) = (block, Code::ALL.iter().find(|code| code.as_str() == word)) {
        return Ok(format!(
            "{word}: a problem of a configuration\n\n{}{}",
            indented(code.meaning()),
            indented(code.advice())
        ));
    }
    let homes = keyword::homes(word);
    if homes.is_empty() {
        return Err(unknown(word));
    }
    let homes = match block {
        None => homes.to_vec(),
        Some(name) => within(word, homes, name)?,
    };
    let meanings: Vec<_> = meanings(word, &homes).iter().map(shown).collect();
    Ok(meanings.join("\n"))
}

/// Those of the blocks that are called so.
fn within(word: &str, homes: &[&'static Block], name: &str) -> Result<Vec<&'static Block>, String> {
    let called = |block: &Block| match name {
        "root" => block.name.is_empty(),
        _ => !block.name.is_empty() && (block.name == name || block.keyword() == name),
    };
    let found: Vec<_> = homes.iter().copied().filter(|block| called(block)).collect();
    if !found.is_empty() {
        return Ok(found);
    }
    let blocks = keyword::blocks();
    if !blocks.iter().any(|block| called(block)) {
        let names = blocks.iter().map(|block| block.keyword()).filter(|name| !name.is_empty());
        let hint =
            config::nearest(name, names).map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
        return Err(format!("there is no block `{name}`{hint}"));
    }
    Err(format!("`{word}` does not belong in `{name}`; it belongs {}", places(homes)))
}

fn meanings(word: &str, homes: &[&'static Block]) -> Vec<Meaning> {
    let mut meanings: Vec<Meaning> = Vec::new();
    for block in homes {
        let Some(found) = block.find(word) else { continue };
        let (keyword, facts) = (found.keyword, found.keyword.facts(block));
        let same = |it: &&mut Meaning| {
            (it.keyword.name, it.keyword.doc, &it.facts) == (keyword.name, keyword.doc, &facts)
        };
        match meanings.iter_mut().find(same) {
            Some(meaning) => meaning.blocks.push(block),
            None => meanings.push(Meaning { keyword, facts, blocks: vec![block] }),
        }
    }
    meanings
}

fn shown(meaning: &Meaning) -> String {
    let Meaning { keyword, facts, blocks } = meaning;
    let mut text = format!("{}\n{}\n", keyword.syntax(), indented(&format!("{}.", places(blocks))));
    text += &indented(keyword.doc);
    text.push('\n');
    for (title, fact) in facts {
        // Writing to a string succeeds.
        let _ = writeln!(text, "    {:<15}{fact}", format!("{title}:"));
    }
    if let Some(block) = keyword.block() {
        let inner: Vec<_> = block.keywords().map(|keyword| keyword.name).collect();
        if !inner.is_empty() {
            let _ = writeln!(text, "\n    Keywords in it:\n{}", indented(&inner.join(", ")).trim_end());
        }
    }
    text
}

/// "in `a`, `b` and `c`", "outside all blocks and in `a`".
pub fn places(blocks: &[&Block]) -> String {
    let names: Vec<_> = blocks
        .iter()
        .filter(|block| !block.name.is_empty())
        .map(|block| format!("`{}`", block.name))
        .collect();
    let inside = match names.as_slice() {
        [] => None,
        [one] => Some(format!("in {one}")),
        [init @ .., last] => Some(format!("in {} and {last}", init.join(", "))),
    };
    let outside = (names.len() < blocks.len()).then(|| "outside all blocks".to_owned());
    outside.into_iter().chain(inside).collect::<Vec<_>>().join(" and ")
}

fn unknown(word: &str) -> String {
    if let Some((_, _, last)) = keyword::REMOVED.iter().find(|(name, ..)| *name == word) {
        return format!("`{word}` no longer exists; keepalived {last} was the last to know it");
    }
    let blocks = keyword::blocks();
    let words = blocks.iter().flat_map(|block| block.spellings());
    let codes = Code::ALL.iter().map(|code| code.as_str());
    let hint = config::nearest(word, words.chain(codes))
        .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
    format!("there is no keyword `{word}`{hint}")
}

/// Wrapped at 100 columns, four spaces in.
fn indented(text: &str) -> String {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let last = lines.last().map_or(0, |line| line.chars().count());
        if last > 0 && last + 1 + word.chars().count() > 96 {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            *line += word;
        }
    }
    lines.iter().flat_map(|line| ["    ", line, "\n"]).collect()
}
