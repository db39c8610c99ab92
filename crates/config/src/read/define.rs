//! `$NAME=value` and its uses.
//!
//! A use is `$NAME` before a blank, a comma, a closing parenthesis or the end of the line, or `${NAME}` anywhere, in
//! quotes as well. A value of several lines (each but the last ends in a backslash) can be used only at the end of a
//! line. **A name that is not defined stays as it is.**

use std::ops::Range;

use super::{Line, LineBuilder, Reader};
use crate::diagnostic::{Code, Diagnostic};
use crate::files;
use crate::source::Span;

/// A line may become this long when definitions are put in.
const MAX_EXPANDED_BYTES: usize = 64 * 1024;

/// The value of a name.
#[derive(Clone)]
pub struct Definition {
    /// Its lines: one, or those between the backslashes.
    lines: Vec<Line>,
    /// Whether it was written on several lines.
    multiple: bool,
}

/// `$NAME=value`: the name with its dollar, and the value.
pub fn statement(text: &str) -> Option<(&str, &str)> {
    let name = name_length(text.strip_prefix('$')?)?;
    let value = text.get(1 + name..)?.strip_prefix('=')?;
    Some((text.get(..=name)?, value))
}

/// Bytes of the name that `text` starts with.
fn name_length(text: &str) -> Option<usize> {
    let length = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
    (length > 0 && !text.starts_with(|c: char| c.is_ascii_digit())).then_some(length)
}

/// A use of a name in a line.
struct Use<'t> {
    /// Where, from the dollar on.
    range: Range<usize>,
    name: &'t str,
    /// What stands after the name in `${_RANDOM 1 6}`.
    arguments: &'t str,
}

/// The next use at or after `from`.
fn next_use(text: &str, from: usize) -> Option<Use<'_>> {
    let mut at = from;
    loop {
        at += text.get(at..)?.find('$')?;
        let rest = text.get(at + 1..)?;
        if let Some(braced) = rest.strip_prefix('{') {
            if let (Some(close), Some(length)) = (braced.find('}'), name_length(braced))
                && (length == close || braced.get(length..)?.starts_with(' '))
            {
                let arguments = braced.get(length..close).unwrap_or_default().trim();
                return Some(Use { range: at..at + close + 3, name: braced.get(..length)?, arguments });
            }
        } else if let Some(length) = name_length(rest) {
            let next = rest.get(length..)?.chars().next();
            if next.is_none_or(|c| c.is_whitespace() || matches!(c, ',' | ')')) {
                return Some(Use { range: at..at + 1 + length, name: rest.get(..length)?, arguments: "" });
            }
        }
        at += 1;
    }
}

impl Reader<'_> {
    /// Defines a name, or starts to.
    pub(super) fn define(&mut self, name: &str, value: &Line, continues: bool) {
        let (first, more) = cut_backslash(value, continues);
        let name = name.trim_start_matches('$').to_owned();
        // `$X= \` starts a definition whose first line is empty: it has none.
        let lines = if more && first.as_str().is_empty() { Vec::new() } else { vec![first] };
        if more {
            self.open = Some(name.clone());
        }
        self.definitions.insert(name, Definition { lines, multiple: more });
    }

    /// Another line of the definition that `name` names.
    pub(super) fn continue_definition(&mut self, name: String, line: &Line, continues: bool) {
        let (line, more) = cut_backslash(line, continues);
        if let Some(definition) = self.definitions.get_mut(&name)
            && !line.as_str().is_empty()
        {
            definition.lines.push(line);
        }
        if more {
            self.open = Some(name);
        }
    }

    /// Puts the values of names into a line; `None` if it uses none.
    pub(super) fn expand(&mut self, line: &Line) -> Option<Vec<Line>> {
        let text = line.as_str();
        let (mut at, mut copied) = (0, 0);
        let mut builder = LineBuilder::default();
        let mut changed = false;
        let mut more = Vec::new();
        while let Some(found) = next_use(text, at) {
            at = found.range.end;
            let span = line.span(found.range.clone());
            let before = line.part(copied..found.range.start);
            match self.value(&found, span) {
                Value::Text(value) => {
                    builder.push_line(&before);
                    builder.push_text(&value, span);
                }
                Value::Lines(first, rest) if text[at..].trim().is_empty() => {
                    builder.push_line(&before);
                    builder.push_line(&first);
                    more = rest;
                }
                Value::Lines(..) => {
                    self.report_misplaced(&found, span);
                    continue;
                }
                Value::Undefined => {
                    self.report_undefined(&found, text, span);
                    continue;
                }
            }
            copied = at;
            changed = true;
            if builder.len() > MAX_EXPANDED_BYTES {
                let message = format!("definitions make this line longer than {MAX_EXPANDED_BYTES} bytes");
                self.report(Diagnostic::warning(Code::TooLong, span, message).label("the line is ignored"));
                return Some(Vec::new());
            }
        }
        if !changed {
            return None;
        }
        builder.push_line(&line.part(copied..text.len()));
        more.insert(0, builder.finish(line.whole()));
        Some(more)
    }

    /// Gives a variable of a sequence its next value, which stays when the sequence is over.
    pub(super) fn set(&mut self, name: &str, value: &str, span: Span) {
        let mut builder = LineBuilder::default();
        builder.push_text(value, span);
        let definition = Definition { lines: vec![builder.finish(span)], multiple: false };
        self.definitions.insert(name.to_owned(), definition);
    }

    /// Text with the values of names put in where each is one line; for the name of a file and the numbers of a sequence.
    pub(super) fn expand_text(&mut self, line: &Line) -> String {
        let mut line = line.clone();
        for _ in 0..super::MAX_EXPANSION_DEPTH {
            match self.expand(&line).as_deref() {
                Some([expanded]) => line = expanded.clone(),
                _ => break,
            }
        }
        line.as_str().to_owned()
    }

    fn value(&mut self, found: &Use<'_>, span: Span) -> Value {
        if let Some(definition) = self.definitions.get(found.name) {
            return match definition.lines.as_slice() {
                [] => Value::Text(String::new()),
                [line] if !definition.multiple => Value::Text(line.as_str().to_owned()),
                [first, rest @ ..] => Value::Lines(first.clone(), rest.to_vec()),
            };
        }
        match found.name {
            "_PWD" => Value::Text(self.directory(span)),
            "_INSTANCE" => Value::Text(self.options.config_id.clone()),
            "_HASH" => Value::Text("#".to_owned()),
            "_BANG" => Value::Text("!".to_owned()),
            "_ENV" => Value::Text(self.host.environment(found.arguments).unwrap_or_default()),
            "_RANDOM" => self.random(found.arguments).map_or(Value::Undefined, Value::Text),
            _ => Value::Undefined,
        }
    }

    /// `${_PWD}`: the directory of the file, without a final slash.
    fn directory(&self, span: Span) -> String {
        let directory = files::directory_of(self.sources.name(span));
        let full = files::join(&format!("{}/", self.options.working_directory), directory);
        let trimmed = full.trim_end_matches('/');
        if trimmed.is_empty() { "/".to_owned() } else { trimmed.to_owned() }
    }

    /// `${_RANDOM [[MIN] MAX]}`, 0 to 32767 by default: splitmix64 from the seed, so that a run can be repeated.
    fn random(&mut self, arguments: &str) -> Option<String> {
        let numbers: Option<Vec<u64>> = arguments.split_whitespace().map(|word| word.parse().ok()).collect();
        let (least, most) = match numbers?.as_slice() {
            [] => (0, 32_767),
            [most] => (0, *most),
            [least, most] if least <= most => (*least, *most),
            _ => return None,
        };
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.random;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^= word >> 31;
        let span = (most - least).checked_add(1);
        Some((least + span.map_or(word, |span| word % span)).to_string())
    }

    fn report_misplaced(&mut self, found: &Use<'_>, span: Span) {
        let message = format!("`${}` has several lines and is used amid a line", found.name);
        let diagnostic = Diagnostic::quiet(Code::MisplacedDefinition, span, message)
            .label("left as it is")
            .hint("put it at the end of the line, or on a line of its own");
        self.report(diagnostic);
    }

    /// A name before a boundary that is not defined; keepalived says nothing. Names in braces are looked for when the
    /// line is finished.
    fn report_undefined(&mut self, found: &Use<'_>, text: &str, span: Span) {
        // A dollar within quotes usually means the shell's variable in a command.
        if is_quoted(text, found.range.start) || text[found.range.start..].starts_with("${") {
            return;
        }
        let message = format!("`${}` is not defined", found.name);
        let diagnostic = Diagnostic::quiet(Code::UndefinedName, span, message).label("left as it is");
        let hint = self.hint(found.name);
        self.report(diagnostic.hint(hint));
    }

    /// What is left of `${...}` in a finished line, where keepalived stumbles over its braces.
    pub(super) fn report_unfilled(&mut self, line: &Line) {
        let text = line.as_str();
        let mut from = 0;
        while let Some(start) = text[from..].find("${").map(|at| from + at) {
            let Some(length) = text[start..].find('}') else { return };
            let end = start + length + 1;
            from = end;
            if is_quoted(text, start) {
                continue;
            }
            let name = &text[start + 2..end - 1];
            let (message, hint) = if name_length(name) == Some(name.len()) {
                (format!("`${name}` is not defined"), self.hint(name))
            } else {
                let hint = "this looks like a template: fill it in before the file is used";
                (format!("`{}` is not filled in", &text[start..end]), hint.to_owned())
            };
            let diagnostic = Diagnostic::warning(Code::UndefinedName, line.span(start..end), message)
                .label("left as it is")
                .hint(hint);
            self.report(diagnostic);
        }
    }

    fn hint(&self, name: &str) -> String {
        let names = self.definitions.keys().map(String::as_str);
        match crate::suggest::nearest(name, names) {
            Some(near) => format!("did you mean `${near}`?"),
            None => format!("define it on an earlier line: `${name}=value`"),
        }
    }
}

fn is_quoted(text: &str, at: usize) -> bool {
    text[..at].matches('"').count() % 2 == 1
}

enum Value {
    Text(String),
    /// The first line, and the others.
    Lines(Line, Vec<Line>),
    Undefined,
}

/// The line without the backslash that continues it, and whether it is continued.
fn cut_backslash(line: &Line, continues: bool) -> (Line, bool) {
    let text = line.as_str();
    let end = text.strip_suffix('\\').map_or(text.len(), str::len);
    (line.part(0..end).trim(), continues)
}
