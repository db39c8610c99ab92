//! Files to lines: inclusion, conditions, definitions and sequences, so that the lexer sees one stream of lines.
//!
//! The rules are keepalived's, found by running it. Comments are cut first. What is left of a line is then, in this
//! order: a condition (`@id`), an inclusion, a definition (`$NAME=`), a sequence (`~SEQ`, `~LST`); otherwise the
//! definitions that it uses are put in, and what comes of that is looked at again, as is what follows a brace.
//! **However the files include, define and repeat, reading ends**: depth, length of a line and number of lines are
//! bounded, and each bound has its own message.

mod define;
mod include;
mod line;
mod sequence;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

pub use line::{Line, LineBuilder};

use crate::Options;
use crate::diagnostic::{Code, Diagnostic, Effect, Report};
use crate::files::{self, FileKind, Files};
use crate::host::Host;
use crate::lex::{self, comment_start};
use crate::sections::starts_apart;
use crate::source::{Source, SourceId, SourceMap, Span};
use define::Definition;
pub use include::{IncludeCheck, is_form as is_include};

/// keepalived reads lines of up to this many bytes.
const MAX_LINE_BYTES: usize = 1023;
/// Files may include each other to this depth.
const MAX_INCLUDE_DEPTH: usize = 32;
/// Definitions and sequences may nest to this depth.
const MAX_EXPANSION_DEPTH: usize = 48;
/// Definitions and sequences may make this many lines.
const MAX_EXPANDED_LINES: usize = if cfg!(fuzzing) { 2_000 } else { 1_000_000 };
/// All files together may have this many lines.
const MAX_LINES: usize = 10_000_000;

/// What reading gives.
pub struct Text {
    /// The lines to be parsed, without comments; none is blank.
    pub lines: Vec<Line>,
    /// The files that they come from.
    pub sources: SourceMap,
}

/// Reads the configuration that `main` names (a file, or a pattern as for `include`).
pub fn read(
    main: &str,
    files: &dyn Files,
    host: &dyn Host,
    options: &Options,
    diagnostics: &mut Report,
) -> Text {
    let mut reader = Reader {
        files,
        host,
        options,
        sources: SourceMap::default(),
        diagnostics,
        definitions: BTreeMap::new(),
        open: None,
        lines: Vec::new(),
        expanded: 0,
        full: false,
        check: options.include_check,
        depth: 0,
        globals: false,
        random: options.random_seed,
    };
    reader.main(main);
    Text { lines: reader.lines, sources: reader.sources }
}

struct Reader<'a> {
    files: &'a dyn Files,
    host: &'a dyn Host,
    options: &'a Options,
    sources: SourceMap,
    diagnostics: &'a mut Report,
    definitions: BTreeMap<String, Definition>,
    /// The definition whose lines are being collected.
    open: Option<String>,
    lines: Vec<Line>,
    /// Lines made by definitions and sequences.
    expanded: usize,
    /// Set when a bound is reached: nothing more is read.
    full: bool,
    /// Strictness of `include`.
    check: IncludeCheck,
    /// Blocks around the next line, and whether the outermost is `global_defs`: `include_check` works only there.
    depth: usize,
    globals: bool,
    random: u64,
}

impl Reader<'_> {
    fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    fn main(&mut self, pattern: &str) {
        let paths = files::matches(self.files, pattern).paths;
        let mut usable: Vec<_> = paths.iter().map(|path| (path, self.files.kind(path))).collect();
        usable.retain(|(_, kind)| *kind == FileKind::Regular);
        let first = usable.first().map_or(pattern, |(path, _)| path).to_owned();
        if usable.is_empty() {
            let span = self.empty_source(&first);
            let what = match paths.first().map(|path| self.files.kind(path)) {
                Some(FileKind::Directory) => "is a directory",
                Some(FileKind::Other) => "is executable, which a configuration must not be",
                _ => "does not exist",
            };
            let message = format!("the configuration `{pattern}` {what}");
            let diagnostic = Diagnostic::error(Code::NoConfiguration, Effect::NoConfiguration, span, message)
                .label("there is nothing to run")
                .hint("name a configuration file with `-f`");
            self.report(diagnostic);
            return;
        }
        for (path, _) in &usable {
            self.file(path, 0, None);
        }
        let first = self.sources.iter().next().map(|(source, _)| source);
        if let Some(source) = first.filter(|_| usable.len() > 1) {
            let names: Vec<_> = usable.iter().map(|(path, _)| path.as_str()).collect();
            let message = format!("`{pattern}` matches {} files: {}", names.len(), names.join(", "));
            let diagnostic =
                Diagnostic::quiet(Code::SeveralFiles, Span { source, start: 0, end: 0 }, message)
                    .label("all of them are read, in this order");
            self.report(diagnostic);
        }
    }

    fn empty_source(&mut self, name: &str) -> Span {
        let source = self.sources.add(name.to_owned(), b"");
        Span { source, start: 0, end: 0 }
    }

    /// Reads one file; `asked` is the place of the inclusion.
    fn file(&mut self, path: &str, depth: usize, asked: Option<Span>) {
        let bytes = match self.files.read(path) {
            Ok(bytes) => bytes,
            Err(reason) => {
                let message = format!("`{path}` cannot be read: {reason}");
                let (span, effect) = match asked {
                    Some(span) => (span, Effect::Include),
                    None => (self.empty_source(path), Effect::NoConfiguration),
                };
                self.report(Diagnostic::error(Code::UnusableFile, effect, span, message));
                return;
            }
        };
        let id = self.sources.add(path.to_owned(), bytes);
        let check = self.check;
        self.source(id, depth);
        self.check = check;
    }

    fn source(&mut self, id: SourceId, depth: usize) {
        // The text is shared, the index of lines is not: a clone of the source is cheap beside reading it.
        let Some(source) = self.sources.get(id).cloned() else { return };
        let mut next = Some(source.line_at(0));
        while let Some(mut range) = next {
            if self.full {
                return;
            }
            if let Some(last) = self.block(id, &source, &range) {
                next = source.line_after(&last);
                continue;
            }
            next = source.line_after(&range);
            let text = source.slice(&range);
            if range.start == 0 && text.starts_with('\u{feff}') {
                range.start += 3;
                // The mark itself has no width: the carets need the character after it.
                let next = text.chars().nth(1).map_or(0, char::len_utf8);
                let end = 3 + u32::try_from(next).unwrap_or(0);
                self.report(byte_order_mark(Span { source: id, start: 0, end }));
            }
            let line = Line::of_source(id, &source, range);
            let Err(line) = self.plain(line) else { continue };
            let bytes = line.as_str().as_bytes();
            let ends =
                bytes.iter().rposition(|byte| !matches!(byte, b'\r' | b'\n')).map_or(0, |last| last + 1);
            self.physical(line.into_part(0..ends), depth);
        }
        self.open = None;
    }

    /// Takes a block that is read apart and is nothing but plain lines as one line, from which [`unfold`] makes them when their
    /// turn comes: a file may have thousands of such blocks. The last line of the block that starts with this one, if it is
    /// such a block.
    fn block(&mut self, id: SourceId, source: &Source, first: &Range<u32>) -> Option<Range<u32>> {
        if self.depth > 0 || self.open.is_some() || !is_apart(source.slice(first)) {
            return None;
        }
        let rest = source.text().as_bytes().get(first.start as usize..)?;
        let (mut depth, mut start) = (0_usize, 0);
        for end in memchr::memchr_iter(b'\n', rest).map(|end| end + 1).chain([rest.len()]) {
            let line = rest.get(start..end)?;
            let kinds = lex::kinds(line);
            if kinds & lex::SIGN != 0 || line.len() > MAX_LINE_BYTES {
                return None;
            }
            let trimmed = line.trim_ascii();
            match trimmed.split_last() {
                Some((b'{' | b'}', before)) if lex::kinds(before) & lex::BRACE != 0 => return None,
                Some((b'{', _)) => depth += 1,
                Some((b'}', before)) if depth == 1 => {
                    if !before.is_empty() {
                        return None;
                    }
                    self.globals = false;
                    let place = |offset: usize| u32::try_from(offset).ok()?.checked_add(first.start);
                    let last = place(start)?..place(end)?;
                    self.emit(Line::of_source(id, source, first.start..last.end).trim());
                    return Some(last);
                }
                Some((b'}', _)) => depth = depth.checked_sub(1)?,
                Some(_) if depth == 0 || kinds & lex::BRACE != 0 => return None,
                None | Some(_) => {}
            }
            if trimmed.starts_with(b"include") {
                return None;
            }
            start = end;
        }
        None
    }

    /// Does at once what [`physical`](Self::physical) comes to for most lines: words, and perhaps a brace at their end. Gives
    /// back a line that may be more.
    fn plain(&mut self, line: Line) -> Result<(), Line> {
        let text = line.as_str();
        if lex::kinds(text.as_bytes()) & lex::SIGN != 0 || text.len() > MAX_LINE_BYTES || self.open.is_some()
        {
            return Err(line);
        }
        let trimmed = text.trim_ascii();
        let Some((last, before)) = trimmed.as_bytes().split_last() else { return Ok(()) };
        if lex::kinds(before) & lex::BRACE != 0 || trimmed.starts_with("include") {
            return Err(line);
        }
        match last {
            _ if self.depth == 0 => self.notice_include_check(trimmed),
            b'{' => self.depth += 1,
            b'}' => self.depth -= 1,
            _ => {}
        }
        let start = trimmed.as_ptr().addr() - text.as_ptr().addr();
        let end = start + trimmed.len();
        self.emit(line.into_part(start..end));
        Ok(())
    }

    /// A line as it stands in a file, without its end.
    fn physical(&mut self, line: Line, depth: usize) {
        let text = line.as_str();
        let special = memchr::memchr3(b'\0', b'#', b'!', text.as_bytes());
        if let Some(at) = special.and_then(|_| text.find('\0')) {
            // The byte has no width: the carets need the character after it.
            let next = text[at + 1..].chars().next().map_or(0, char::len_utf8);
            let span = line.span(at..at + 1 + next);
            let diagnostic =
                Diagnostic::warning(Code::NulByte, span, "NUL byte in the line").label("the line is ignored");
            return self.report(diagnostic);
        }
        if text.len() > MAX_LINE_BYTES {
            let message =
                format!("line of {} bytes, longer than the {MAX_LINE_BYTES} that are read", text.len());
            let end = text.chars().next().map_or(0, char::len_utf8);
            let diagnostic = Diagnostic::warning(Code::LineTooLong, line.span(0..end), message)
                .label("the whole line is ignored");
            return self.report(diagnostic);
        }
        // A comment may hide the backslash; it still continues a definition.
        let hidden = special.is_some() && text.trim_end().ends_with('\\');
        let end = special.map_or(text.len(), |_| comment_start(text));
        let code = pull_backslash(line.into_part(0..end).trim());
        let text = code.as_str();
        // Before anything else: a condition or a definition may hide the line from the lexer.
        if memchr::memchr_iter(b'"', text.as_bytes()).count() % 2 == 1 {
            let start = text.rfind('"').unwrap_or(0);
            self.report(lex::unterminated(code.span(start..text.len())));
        }
        let text = code.as_str();
        let continues = hidden || text.ends_with('\\');
        if let Some(name) = self.open.take() {
            return self.continue_definition(name, &code, continues);
        }
        if !text.is_empty() {
            self.line(code, continues, depth, 0);
        }
    }

    /// A line without comment and outer white space. `continues` is whether a definition in it goes on.
    fn line(&mut self, mut line: Line, continues: bool, depth: usize, expansions: usize) {
        if line.as_str().starts_with('@') {
            match self.condition(&line) {
                Some(rest) => line = rest,
                None => return,
            }
        }
        let text = line.as_str();
        if text.is_empty() || self.full {
            return;
        }
        if text.starts_with("include")
            && let Some((check, pattern)) = include::statement(text)
        {
            let pattern = line.part(text.len() - pattern.len()..text.len());
            return self.include(check, &pattern, depth);
        }
        if let Some((name, value)) = define::statement(text) {
            let value = line.part(text.len() - value.len()..text.len());
            return self.define(name, &value, continues);
        }
        if expansions >= MAX_EXPANSION_DEPTH {
            let diagnostic = Diagnostic::warning(
                Code::RecursiveDefinition,
                line.whole(),
                "definition that contains itself",
            )
            .label("the line is ignored")
            .hint("a definition may use others, but not in a circle");
            return self.report(diagnostic);
        }
        if text.starts_with("~SEQ") || text.starts_with("~LST") {
            return self.sequence(&line, continues, depth, expansions);
        }
        if !text.contains('$') {
            return self.pieces(line, continues, depth, expansions);
        }
        match self.expand(&line) {
            None => self.pieces(line, continues, depth, expansions),
            Some(lines) => {
                for line in lines {
                    if self.spend(line.whole()) {
                        self.line(line.trim(), continues, depth, expansions + 1);
                    }
                }
            }
        }
    }

    /// `@id rest` and `@^id rest`: the rest, if it applies.
    fn condition(&self, line: &Line) -> Option<Line> {
        let text = line.as_str();
        let (negated, start) = if text.starts_with("@^") { (true, 2) } else { (false, 1) };
        let end = text.find(char::is_whitespace)?;
        let applies = (text.get(start..end)? == self.options.config_id) != negated;
        applies.then(|| line.part(end..text.len()).trim())
    }

    /// A line in which nothing is left to be put in. What follows a brace is looked at as if it were a line of its own:
    /// `global_defs { @id router_id a`.
    fn pieces(&mut self, line: Line, continues: bool, depth: usize, expansions: usize) {
        let text = line.as_str();
        let statement = |rest: &str| {
            rest.starts_with('@')
                || rest.starts_with("~SEQ")
                || rest.starts_with("~LST")
                || define::statement(rest).is_some()
                || include::statement(rest).is_some()
        };
        let braces = memchr::memchr2(b'{', b'}', text.as_bytes());
        let end = braces.and_then(|_| brace_ends(text).find(|end| statement(text[*end..].trim_start())));
        let Some(end) = end else { return self.finished(line) };
        self.finished(line.part(0..end));
        let rest = line.part(end..text.len()).trim();
        self.line(rest, continues, depth, expansions);
    }

    /// A line for the lexer.
    fn finished(&mut self, line: Line) {
        self.notice_include_check(line.as_str());
        if line.as_str().contains('$') {
            self.report_unfilled(&line);
        }
        self.emit(line);
    }

    fn emit(&mut self, line: Line) {
        if self.lines.len() >= MAX_LINES {
            return self.give_up(line.whole(), "more lines than can be read");
        }
        self.lines.push(line);
    }

    /// Counts a line that a definition or sequence made; false if there were too many.
    fn spend(&mut self, span: Span) -> bool {
        self.expanded += 1;
        if self.expanded > MAX_EXPANDED_LINES && !self.full {
            self.give_up(span, "definitions and sequences make more lines than can be read");
        }
        !self.full
    }

    fn give_up(&mut self, span: Span, message: &str) {
        self.full = true;
        // What was read so far is of no use either, and as long.
        self.lines.clear();
        let diagnostic = Diagnostic::error(Code::TooLong, Effect::Include, span, message)
            .label("the configuration is not used");
        self.report(diagnostic);
    }
}

/// Whether this is the first line of a block that is read apart.
fn is_apart(line: &str) -> bool {
    line.starts_with("virtual_server") && starts_apart(line) && line.trim_ascii_end().ends_with('{')
}

/// Whether a line is a whole block, as [`Reader::block`] takes it.
pub fn is_folded(line: &Line) -> bool {
    let text = line.as_str();
    starts_apart(text) && memchr::memchr(b'\n', text.as_bytes()).is_some()
}

/// The lines, with those that are whole blocks taken apart.
pub fn unfold(lines: &[Line]) -> Cow<'_, [Line]> {
    if !lines.iter().any(is_folded) {
        return Cow::Borrowed(lines);
    }
    // A line has more bytes than this, as a rule.
    let mut all = Vec::with_capacity(lines.iter().map(|line| line.as_str().len() / 16).sum());
    for line in lines {
        if !is_folded(line) {
            all.push(line.clone());
            continue;
        }
        let text = line.as_str();
        let mut from = 0;
        for end in memchr::memchr_iter(b'\n', text.as_bytes()).chain([text.len()]) {
            let trimmed = text.get(from..end).unwrap_or_default().trim_ascii();
            from = end + 1;
            let start = trimmed.as_ptr().addr() - text.as_ptr().addr();
            if !trimmed.is_empty() {
                all.push(line.part(start..start + trimmed.len()));
            }
        }
    }
    Cow::Owned(all)
}

/// A backslash at the end belongs to the word before it, as keepalived has it.
fn pull_backslash(line: Line) -> Line {
    let text = line.as_str();
    let Some(before) = text.strip_suffix('\\').filter(|before| before.ends_with(char::is_whitespace)) else {
        return line;
    };
    let mut builder = LineBuilder::default();
    builder.push_line(&line.part(0..before.trim_end().len()));
    builder.push_line(&line.part(before.len()..text.len()));
    builder.finish(line.whole())
}

/// The positions behind the braces of a line that are not quoted.
fn brace_ends(text: &str) -> impl Iterator<Item = usize> {
    let mut quoted = false;
    text.bytes().enumerate().filter_map(move |(at, byte)| {
        quoted ^= byte == b'"';
        (matches!(byte, b'{' | b'}') && !quoted).then_some(at + 1)
    })
}

fn byte_order_mark(span: Span) -> Diagnostic {
    Diagnostic::warning(Code::ByteOrderMark, span, "byte order mark at the start of the file")
        .label("skipped; keepalived takes it as part of the first word")
        .hint("save the file as UTF-8 without byte order mark")
}
