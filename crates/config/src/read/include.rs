//! `include` and its strict forms.
//!
//! **What a form does not insist on is passed over with a warning; what it insists on ends the start with status 6.**

use super::{MAX_INCLUDE_DEPTH, Reader, brace_ends};
use crate::diagnostic::{Code, Diagnostic, Effect};
use crate::files::{self, FileKind};
use crate::read::Line;
use crate::source::Span;

/// What an inclusion insists on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct IncludeCheck {
    /// Every file found can be read, and is a regular file without execute bit.
    pub read: bool,
    /// A name without wildcards exists.
    pub matched: bool,
    /// A name with wildcards matches something.
    pub wildcard: bool,
    /// Every element of braces matches something.
    pub braces: bool,
}

impl IncludeCheck {
    /// Everything, as with `-e`.
    pub const ALL: Self = Self { read: true, matched: true, wildcard: true, braces: true };

    const fn or(self, other: Self) -> Self {
        Self {
            read: self.read || other.read,
            matched: self.matched || other.matched,
            wildcard: self.wildcard || other.wildcard,
            braces: self.braces || other.braces,
        }
    }

    /// What the words after `include_check` say; none: everything.
    fn change<'w>(&mut self, words: impl Iterator<Item = &'w str>) {
        let mut words = words.peekable();
        match words.peek() {
            None => *self = Self::ALL,
            Some(word) if !word.starts_with(['+', '-']) => *self = Self::default(),
            Some(_) => {}
        }
        for word in words {
            match word.strip_prefix('-') {
                Some(word) => self.set(word, false),
                None => self.set(word.trim_start_matches('+'), true),
            }
        }
    }

    fn set(&mut self, word: &str, value: bool) {
        match word {
            "read" => self.read = value,
            "match" => self.matched = value,
            "wildcard_match" => self.wildcard = value,
            "brace_match" => self.braces = value,
            _ => {}
        }
    }
}

/// The forms of the statement, and what each insists on.
const FORMS: &[(&str, IncludeCheck)] = {
    const NONE: IncludeCheck = IncludeCheck { read: false, matched: false, wildcard: false, braces: false };
    const READ: IncludeCheck = IncludeCheck { read: true, ..NONE };
    &[
        ("include", NONE),
        ("includer", READ),
        ("includem", IncludeCheck { matched: true, ..READ }),
        ("includew", IncludeCheck { matched: true, wildcard: true, ..READ }),
        ("includeb", IncludeCheck { braces: true, ..READ }),
        ("includea", IncludeCheck::ALL),
    ]
};

/// Whether a word is a form of the statement.
pub fn is_form(word: &str) -> bool {
    FORMS.iter().any(|(name, _)| *name == word)
}

/// An inclusion: what it insists on, and its pattern. Without a pattern it is none.
pub fn statement(text: &str) -> Option<(IncludeCheck, &str)> {
    let (word, pattern) = text.split_once(char::is_whitespace)?;
    let (_, check) = FORMS.iter().find(|(name, _)| *name == word)?;
    Some((*check, pattern.trim_start()))
}

impl Reader<'_> {
    /// Reads the files that `pattern` stands for in the place of the line.
    pub(super) fn include(&mut self, check: IncludeCheck, pattern: &Line, depth: usize) {
        let check = check.or(self.check);
        let span = pattern.whole();
        let directory = files::directory_of(self.sources.name(span)).to_owned();
        let name = self.expand_text(pattern);
        let full = files::join(&directory, &name);
        let found = files::matches(self.files, &full);
        self.report_missing(check, pattern, &full, &found);
        if depth >= MAX_INCLUDE_DEPTH {
            let message = format!("files include each other more than {MAX_INCLUDE_DEPTH} deep");
            let diagnostic = Diagnostic::error(Code::IncludeTooDeep, Effect::Include, span, message)
                .label("this file is not read again")
                .hint("a file must not include itself, nor a file that includes it");
            // A file that includes itself twice would come here 2^32 times.
            self.full = true;
            return self.report(diagnostic);
        }
        for path in found.paths {
            match self.files.kind(&path) {
                FileKind::Regular => self.file(&path, depth + 1, Some(span)),
                FileKind::Directory => self.report_unusable(check, span, &path, "is a directory"),
                FileKind::Other | FileKind::Missing => {
                    self.report_unusable(check, span, &path, "is executable or no regular file");
                }
            }
        }
    }

    fn report_missing(&mut self, check: IncludeCheck, pattern: &Line, full: &str, found: &files::Matches) {
        let some = !found.paths.is_empty();
        // Of the elements of braces, keepalived misses only those without wildcards.
        let named: Vec<_> = found.without.iter().filter(|element| !files::has_wildcard(element)).collect();
        let wildcard = named.is_empty();
        let (message, insists) = if some && wildcard {
            return;
        } else if some {
            (format!("nothing matches {}", listed(&named)), check.braces)
        } else if wildcard {
            (format!("no file matches `{full}`"), check.wildcard)
        } else {
            let insists = if full.contains('{') { check.braces } else { check.matched };
            (format!("there is no file `{full}`"), insists)
        };
        // keepalived passes over a pattern without matches in silence; so do we, unless it is strict.
        if wildcard && !some && !insists {
            return;
        }
        let mut diagnostic = missing(insists, pattern.whole(), message);
        if pattern.as_str().starts_with(['"', '\'']) {
            diagnostic = diagnostic.hint("write the name without quotes: they count as part of it");
        } else if !some && !wildcard {
            diagnostic =
                diagnostic.hint("a relative name is looked up in the directory of the file that includes it");
        }
        self.report(diagnostic);
    }

    fn report_unusable(&mut self, check: IncludeCheck, span: Span, path: &str, what: &str) {
        let message = format!("`{path}` {what}");
        let diagnostic = if check.read {
            Diagnostic::error(Code::UnusableFile, Effect::Include, span, message)
                .label("this form of include insists on it")
        } else {
            Diagnostic::quiet(Code::UnusableFile, span, message).label("skipped")
        };
        self.report(diagnostic);
    }

    /// `include_check` works from its line on, long before its block is understood.
    pub(super) fn notice_include_check(&mut self, text: &str) {
        let braces = memchr::memchr2(b'{', b'}', text.as_bytes()).is_some();
        if self.depth > 0 && !braces && !text.trim_start_matches('"').starts_with("include_check") {
            return;
        }
        let mut start = 0;
        for end in brace_ends(text).chain([text.len() + 1]) {
            let piece = text.get(start..end - 1).unwrap_or_default();
            let mut words = piece.split_whitespace().map(|word| word.trim_matches('"'));
            match (self.depth, words.next()) {
                (0, Some(word)) => self.globals = word == "global_defs",
                (1, Some("include_check")) if self.globals => self.check.change(words),
                _ => {}
            }
            match text.as_bytes().get(end - 1) {
                Some(b'{') => self.depth += 1,
                Some(_) => self.depth = self.depth.saturating_sub(1),
                None => {}
            }
            start = end;
        }
    }
}

fn missing(insists: bool, span: Span, message: String) -> Diagnostic {
    if insists {
        Diagnostic::error(Code::MissingInclude, Effect::Include, span, message)
            .label("this form of include insists on it")
    } else {
        Diagnostic::quiet(Code::MissingInclude, span, message).label("passed over")
    }
}

fn listed(names: &[&String]) -> String {
    let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}
