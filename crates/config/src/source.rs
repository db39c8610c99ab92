//! The files of a configuration, as text, and places in them.
//!
//! **A span always lies within the text of its source**, on character boundaries, so that a place can be shown whatever
//! the bytes of the file were. keepalived.conf has no declared encoding, and comments in GBK or Latin-1 are common: a
//! line that is not UTF-8 is read as Latin-1, one character for each byte, from which its bytes can be had back.

use std::ops::Range;
use std::rc::Rc;

use serde::{Deserialize, Serialize};

/// Which source, in the order in which the sources were read: the main file is the first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct SourceId(u32);

/// A stretch of a source, in bytes of its text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Span {
    /// Which source.
    pub source: SourceId,
    /// First byte.
    pub start: u32,
    /// The byte after the last.
    pub end: u32,
}

impl Span {
    /// From the start of `self` to the end of `other`, if both are in one source in this order; otherwise `self`.
    #[must_use]
    pub fn to(self, other: Self) -> Self {
        if self.source == other.source && other.end >= self.start {
            Self { end: other.end, ..self }
        } else {
            self
        }
    }

    /// The empty stretch after the last byte.
    #[must_use]
    pub const fn after(self) -> Self {
        Self { start: self.end, ..self }
    }
}

/// Where a span starts, as people count: from 1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Location {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1; a tab is one character.
    pub column: u32,
}

/// One file that was read.
#[derive(Clone, Debug)]
pub struct Source {
    name: String,
    text: Rc<String>,
    /// The same, byte for byte, for people: see [`printable`].
    printable: Rc<String>,
    /// Where every [`STEP`]th line starts: an index of all would be large, and is asked for the few that are shown.
    milestones: Rc<Vec<u32>>,
    lines: usize,
    /// Lines (from 0, ascending) that were not UTF-8.
    legacy: Vec<u32>,
}

impl Source {
    fn new(name: String, bytes: Vec<u8>) -> Self {
        let (text, legacy) = decode(bytes);
        let text = Rc::new(text);
        let mut milestones = vec![0];
        let mut lines = 1;
        for end in memchr::memchr_iter(b'\n', text.as_bytes()) {
            if lines % STEP == 0 {
                milestones.push(narrow(end + 1));
            }
            lines += 1;
        }
        let milestones = Rc::new(milestones);
        let printable = if may_steer(&text) { Rc::new(printable(&text)) } else { Rc::clone(&text) };
        Self { name, text, printable, milestones, lines, legacy }
    }

    /// Its name as the configuration reached it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Its text, shared, so that lines need not copy theirs.
    pub(crate) fn shared_text(&self) -> Rc<String> {
        Rc::clone(&self.text)
    }

    /// Its text as it can be shown, with every byte where it is in the text.
    pub fn printable(&self) -> &str {
        &self.printable
    }

    /// Index from 0 of the line that holds this byte; bytes past the end belong to the last line.
    pub fn line_index(&self, byte: u32) -> usize {
        let passed = self.milestones.partition_point(|start| *start <= byte).saturating_sub(1);
        let start = self.milestones.get(passed).copied().unwrap_or_default() as usize;
        let between = start..(byte as usize).min(self.text.len());
        let between = self.text.as_bytes().get(between).unwrap_or_default();
        passed * STEP + memchr::memchr_iter(b'\n', between).count()
    }

    /// The bytes of a line (index from 0), its line feed included; empty past the end.
    pub fn line_range(&self, index: usize) -> Range<u32> {
        if index >= self.lines {
            let end = narrow(self.text.len());
            return end..end;
        }
        let milestone = self.milestones.get(index / STEP).copied().unwrap_or_default();
        let mut range = self.line_at(milestone);
        for _ in 0..index % STEP {
            range = self.line_at(range.end);
        }
        range
    }

    /// The bytes of the line that starts here, its line feed included.
    pub fn line_at(&self, start: u32) -> Range<u32> {
        let rest = self.text.as_bytes().get(start as usize..).unwrap_or_default();
        let length = memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
        start..narrow(start as usize + length)
    }

    /// The line behind this one; none: this is the last. Behind a final line feed there is an empty one.
    pub fn line_after(&self, line: &Range<u32>) -> Option<Range<u32>> {
        let ends = self.slice(line).ends_with('\n');
        ends.then(|| self.line_at(line.end))
    }

    /// The text of these bytes.
    pub fn slice(&self, range: &Range<u32>) -> &str {
        self.text.get(range.start as usize..range.end as usize).unwrap_or_default()
    }

    /// Number of lines; at least 1.
    pub const fn line_count(&self) -> usize {
        self.lines
    }

    fn location(&self, byte: u32) -> Location {
        let index = self.line_index(byte);
        let line = self.line_range(index);
        let before = self.slice(&(line.start..byte));
        let one_based = |count: usize| u32::try_from(count + 1).unwrap_or(u32::MAX);
        Location { line: one_based(index), column: one_based(before.chars().count()) }
    }
}

/// Lines from one milestone to the next.
const STEP: usize = 64;

fn narrow(offset: usize) -> u32 {
    u32::try_from(offset).unwrap_or(u32::MAX)
}

/// UTF-8 where it is, Latin-1 line by line where it is not, and which lines those were.
fn decode(bytes: Vec<u8>) -> (String, Vec<u32>) {
    let bytes = match String::from_utf8(bytes) {
        Ok(text) => return (text, Vec::new()),
        Err(error) => error.into_bytes(),
    };
    let mut text = String::with_capacity(bytes.len());
    let mut legacy = Vec::new();
    for (index, line) in (0..).zip(bytes.split_inclusive(|byte| *byte == b'\n')) {
        if let Ok(line) = std::str::from_utf8(line) {
            text.push_str(line);
        } else {
            text.extend(line.iter().copied().map(char::from));
            legacy.push(index);
        }
    }
    (text, legacy)
}

/// Characters that would steer a terminal instead of being seen.
fn is_control(c: char) -> bool {
    c.is_control() && c != '\n' && c != '\t'
}

/// Whether there may be such a character: a quick look at the bytes, since files are long and have none.
fn may_steer(text: &str) -> bool {
    // U+0080 to U+009F start with C2.
    let suspect = |byte: u8| matches!(byte, ..b'\t' | 0x0b..b' ' | 0x7f | 0xc2);
    text.bytes().fold(false, |any, byte| any | suspect(byte))
}

/// Text with control characters replaced by visible ones of the same length.
pub(crate) fn printable(text: &str) -> String {
    let visible = |c: char| match (c, c.len_utf8()) {
        // The line ends of other systems.
        ('\r', _) => ' ',
        (_, 1) => '?',
        _ => '\u{b7}',
    };
    text.chars().map(|c| if is_control(c) { visible(c) } else { c }).collect()
}

/// Every file that was read.
#[derive(Clone, Debug, Default)]
pub struct SourceMap {
    sources: Vec<Source>,
}

/// Largest file that is read, so that places fit in 32 bits even when every byte became two.
pub const MAX_FILE_BYTES: usize = 1 << 30;

impl SourceMap {
    /// Adds a file; what is beyond [`MAX_FILE_BYTES`] is left out.
    pub fn add(&mut self, name: String, bytes: impl Into<Vec<u8>>) -> SourceId {
        let id = SourceId(u32::try_from(self.sources.len()).unwrap_or(u32::MAX));
        let mut bytes = bytes.into();
        bytes.truncate(MAX_FILE_BYTES);
        self.sources.push(Source::new(name, bytes));
        id
    }

    /// A source that this map gave the id of.
    pub fn get(&self, id: SourceId) -> Option<&Source> {
        self.sources.get(id.0 as usize)
    }

    /// All sources, in the order in which they were read.
    pub fn iter(&self) -> impl Iterator<Item = (SourceId, &Source)> {
        (0..).map(SourceId).zip(&self.sources)
    }

    /// The name of the file that a span lies in.
    pub fn name(&self, span: Span) -> &str {
        self.get(span.source).map_or("?", Source::name)
    }

    /// Line and column of a span's start.
    pub fn location(&self, span: Span) -> Location {
        self.get(span.source).map_or(Location { line: 1, column: 1 }, |source| source.location(span.start))
    }

    /// Line and column of the character after a span's last.
    pub fn end_location(&self, span: Span) -> Location {
        self.location(span.after())
    }

    /// The text of a span.
    pub fn text(&self, span: Span) -> &str {
        let text = self.get(span.source).map_or("", |source| &source.text);
        text.get(span.start as usize..span.end as usize).unwrap_or_default()
    }

    /// The bytes that `text`, which came from `span`, was in the file.
    pub fn bytes(&self, text: &str, span: Span) -> Vec<u8> {
        let legacy = self.get(span.source).is_some_and(|source| {
            let line = u32::try_from(source.line_index(span.start)).unwrap_or(u32::MAX);
            source.legacy.binary_search(&line).is_ok()
        });
        if legacy {
            text.chars().map(|c| u8::try_from(c).unwrap_or(b'?')).collect()
        } else {
            text.as_bytes().to_vec()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(bytes: &[u8]) -> (SourceMap, SourceId) {
        let mut map = SourceMap::default();
        let id = map.add("f".into(), bytes);
        (map, id)
    }

    #[test]
    fn columns_count_characters_not_bytes() {
        let text = "#路由\n\t路由 x\n";
        let (map, source) = map(text.as_bytes());
        let at = u32::try_from(text.rfind('x').unwrap()).unwrap();
        let location = map.location(Span { source, start: at, end: at + 1 });
        assert_eq!(location, Location { line: 2, column: 5 });
    }

    #[test]
    fn a_line_that_is_not_utf8_is_latin1_and_its_bytes_come_back() {
        // "路由" in GBK, then a line in UTF-8.
        let (map, source) = map(b"pass \xc2\xb7\xd3\xc9\n# \xe8\xb7\xaf\n");
        let text = map.get(source).unwrap().text().to_owned();
        assert_eq!(text, "pass Â·ÓÉ\n# 路\n");
        let span = Span { source, start: 5, end: 13 };
        assert_eq!(map.text(span), "Â·ÓÉ");
        assert_eq!(map.bytes(map.text(span), span), b"\xc2\xb7\xd3\xc9");
    }

    #[test]
    fn what_would_steer_a_terminal_is_shown_as_something_else() {
        let (map, source) = map("a\u{1b}[2J\tb\u{9b}\u{0}\r\n路".as_bytes());
        let source = map.get(source).unwrap();
        assert_eq!(source.printable(), "a?[2J\tb·? \n路");
        assert_eq!(source.printable().len(), source.text().len());
    }

    #[test]
    fn the_end_of_a_file_without_line_feed_belongs_to_its_last_line() {
        let (map, source) = map(b"a\nbc");
        assert_eq!(map.location(Span { source, start: 4, end: 4 }), Location { line: 2, column: 3 });
        assert_eq!(map.get(source).unwrap().line_count(), 2);
    }
}
