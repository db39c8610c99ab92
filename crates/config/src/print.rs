//! The canonical form of a configuration: what is left when it has been read.
//!
//! Files, conditions, definitions and sequences are resolved, comments are gone, keywords have their right names, each
//! entry stands on a line of its own, and blocks are indented by two spaces. What was reported and ignored is left out.
//! **Reading the canonical form gives the same model**, and printing that gives the same text. Only a line that
//! definitions made longer than the reader takes (1023 bytes) does not survive.
//!
//! The text is bytes, because a configuration is: a password in GBK comes out as it went in.

use std::collections::BTreeSet;

use crate::keyword::{self, Block, Body, GLOBAL_DEFS, Header, Keyword, Takes, Value};
use crate::lex::Word;
use crate::parse::Node;
use crate::resolve::{Contents, Entry};
use crate::source::SourceMap;

/// How it is printed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Form {
    /// Names in comments the default of every keyword that is not given.
    pub full: bool,
    /// Writes `REDACTED` in place of passwords and keys. The text is then for people only.
    pub redact: bool,
}

/// What stands in place of a secret.
const REDACTED: &str = "REDACTED";

pub(crate) fn print(entries: &[Entry<'_>], sources: &SourceMap, form: Form) -> Vec<u8> {
    let globals = entries.iter().filter(|entry| entry.name() == "global_defs");
    let given = globals.clone().flat_map(Entry::entries).map(Entry::name).collect();
    let mut printer = Printer { sources, form, globals: (globals.count(), given), depth: 0, out: Vec::new() };
    printer.root(entries);
    printer.out
}

struct Printer<'s> {
    sources: &'s SourceMap,
    form: Form,
    /// How many `global_defs` are still to come, and what stands in all of them: their defaults are printed once.
    globals: (usize, BTreeSet<&'static str>),
    depth: usize,
    out: Vec<u8>,
}

impl Printer<'_> {
    fn root(&mut self, entries: &[Entry<'_>]) {
        self.defaults(&keyword::ROOT, &names(entries));
        if self.form.full && self.globals.0 == 0 {
            self.block(&GLOBAL_DEFS, &Contents::Nothing, b"global_defs".to_vec());
        }
        for entry in entries {
            self.entry("", entry);
        }
    }

    /// `outer` is the name of the block that it stands in.
    fn entry(&mut self, outer: &str, entry: &Entry<'_>) {
        let mut line = entry.name().as_bytes().to_vec();
        self.arguments(outer, entry, &mut line);
        match entry.keyword.block() {
            Some(block) => self.block(block, &entry.contents, line),
            None => self.line(&line),
        }
    }

    fn block(&mut self, block: &'static Block, contents: &Contents<'_>, mut line: Vec<u8>) {
        if self.depth == 0 && !self.out.is_empty() {
            self.out.push(b'\n');
        }
        line.extend(b" {");
        self.line(&line);
        self.depth += 1;
        match (contents, &block.body) {
            (Contents::Lines(nodes), Body::Words(_)) => self.words(nodes),
            (Contents::Lines(nodes), _) => self.lines(nodes),
            (Contents::Entries(entries), _) => {
                for inner in entries {
                    self.entry(block.name, inner);
                }
                if block.name != GLOBAL_DEFS.name {
                    self.defaults(block, &names(entries));
                }
            }
            (Contents::Nothing, _) => {}
        }
        if block.name == GLOBAL_DEFS.name {
            self.globals.0 = self.globals.0.saturating_sub(1);
            if self.globals.0 == 0 {
                let given = std::mem::take(&mut self.globals.1);
                self.defaults(block, &given);
            }
        }
        self.depth -= 1;
        self.line(b"}");
    }

    /// What stands after the keyword, as far as it counts.
    fn arguments(&self, outer: &str, entry: &Entry<'_>, line: &mut Vec<u8>) {
        let counts = match entry.keyword.takes {
            Takes::Script(_) => return self.command(entry, line),
            Takes::Flag => 0,
            Takes::One(..) | Takes::Maybe(_) => 1,
            Takes::Many(..) | Takes::Words { .. } => usize::MAX,
            Takes::Block(block) => match block.header {
                Header::Nothing | Header::NothingElse => 0,
                Header::Name(_) | Header::OnlyName(_) => 1,
                Header::Words { .. } => usize::MAX,
            },
        };
        let words = entry.args().get(..counts.min(entry.args().len())).unwrap_or_default();
        let secret = self.form.redact && keyword::is_secret(outer, entry.name());
        for (index, word) in words.iter().enumerate() {
            line.push(b' ');
            if secret && index + 1 == words.len() {
                line.extend(REDACTED.as_bytes());
            } else {
                line.extend(self.word(word, false));
            }
        }
    }

    /// A command has quotes of its own and is printed as it was written. What would start a comment, and got there by
    /// a definition, is written as one again.
    fn command(&self, entry: &Entry<'_>, line: &mut Vec<u8>) {
        let text = entry.node.text();
        let from = entry.word.text.len().min(text.len());
        let (mut written, mut quoted, mut escaped) = (String::new(), false, false);
        for c in text.get(from..).unwrap_or_default().trim().chars() {
            match c {
                '#' if !quoted && !escaped => written += "${_HASH}",
                '!' if !quoted && !escaped => written += "${_BANG}",
                _ => written.push(c),
            }
            quoted ^= c == '"';
            escaped = c == '\\' && !quoted;
        }
        if !written.is_empty() {
            line.push(b' ');
            line.extend(self.sources.bytes(&written, entry.node.span()));
        }
    }

    fn words(&mut self, nodes: &[&Node<'_>]) {
        for word in nodes.iter().flat_map(|node| node.words) {
            self.line(&self.word(word, true));
        }
    }

    fn lines(&mut self, nodes: &[&Node<'_>]) {
        for node in nodes {
            let words: Vec<_> =
                node.words.iter().enumerate().map(|(index, word)| self.word(word, index == 0)).collect();
            self.line(&words.join(&b' '));
        }
    }

    /// A word, in quotes if it could be taken for something else.
    fn word(&self, word: &Word, first: bool) -> Vec<u8> {
        let text = &word.text;
        let special = |c: char| c.is_whitespace() || matches!(c, '{' | '}' | '#' | '!');
        let quotes = text.is_empty()
            || text.ends_with('\\')
            || text.contains(special)
            || (first && (text.starts_with(['@', '$', '~']) || crate::read::is_include(text)));
        let bytes = self.sources.bytes(text, word.span);
        if quotes { [b"\"", bytes.as_slice(), b"\""].concat() } else { bytes }
    }

    fn defaults(&mut self, block: &Block, given: &BTreeSet<&str>) {
        if !self.form.full {
            return;
        }
        for keyword in block.keywords().filter(|keyword| !given.contains(keyword.name)) {
            if !keyword.default.is_empty() {
                let between = if is_literal(keyword) { " " } else { ": " };
                self.line(format!("# {}{between}{}", keyword.name, keyword.default).as_bytes());
            }
        }
    }

    fn line(&mut self, text: &[u8]) {
        self.out.extend(b"  ".repeat(self.depth));
        self.out.extend(text);
        self.out.push(b'\n');
    }
}

fn names(entries: &[Entry<'_>]) -> BTreeSet<&'static str> {
    entries.iter().map(Entry::name).collect()
}

/// Whether the default could be written as it stands, rather than being a description of it.
fn is_literal(keyword: &Keyword) -> bool {
    let (Takes::One(value, _) | Takes::Maybe(value) | Takes::Many(value, _)) = keyword.takes else {
        return false;
    };
    let text = matches!(value, Value::Text | Value::Short(_) | Value::Interface);
    value.parse(keyword.default).is_ok()
        && !(text && (keyword.default.contains(' ') || !keyword::homes(keyword.default).is_empty()))
}
