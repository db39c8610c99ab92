//! `include` and its strict forms.
//!
//! **What a form does not insist on is passed over with a warning; what it insists on ends the start with status 6.**

use super::{MAX_INCLUDE_DEPTH, Reader};
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
        let full = files::join(&directory, pattern.as_str());
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
        if found.without.is_empty() {
            return;
        }
        let wildcard = files::has_wildcard(full);
        let some = !found.paths.is_empty();
        let (message, insists) = if some {
            (format!("nothing matches {}", listed(&found.without)), check.braces)
        } else if wildcard {
            (format!("no file matches `{full}`"), check.wildcard)
        } else {
            (format!("there is no file `{full}`"), check.matched)
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
    pub(super) fn notice_include_check(&mut self, line: &str) {
        let rest = line.strip_prefix("include_check");
        let Some(rest) = rest.filter(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace)) else {
            return;
        };
        let mut words = rest.split_whitespace().peekable();
        if words.peek().is_some_and(|word| !word.starts_with(['+', '-'])) {
            self.check = IncludeCheck::default();
        }
        for word in words {
            match word.strip_prefix('-') {
                Some(word) => self.check.set(word, false),
                None => self.check.set(word.trim_start_matches('+'), true),
            }
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

fn listed(names: &[String]) -> String {
    let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}
