//! Diagnostics as text: file, line and column, the line itself, carets, what happens, what to write instead.

use codespan_reporting::diagnostic as shown;
use codespan_reporting::files::{Error, Files};
use codespan_reporting::term::{self, Chars, Config};

use crate::diagnostic::{Diagnostic, Severity};
use crate::source::{self, SourceId, SourceMap};

/// One diagnostic, ending in an empty line.
pub fn render(diagnostic: &Diagnostic, sources: &SourceMap) -> String {
    let config = Config { chars: Chars::ascii(), ..Config::default() };
    term::emit_into_string(&config, sources, &to_shown(diagnostic)).unwrap_or_else(|_| {
        // A place outside its file; the message is what matters.
        let location = sources.location(diagnostic.span);
        let name = sources.name(diagnostic.span);
        format!("{name}:{}:{}: {}\n", location.line, location.column, diagnostic.message)
    })
}

/// Text within a line of output: unlike a line of a file, it cannot have tabs.
fn printable(text: &str) -> String {
    source::printable(text).replace('\t', " ")
}

fn to_shown(diagnostic: &Diagnostic) -> shown::Diagnostic<SourceId> {
    let severity = match diagnostic.severity {
        Severity::Error => shown::Severity::Error,
        Severity::Warning => shown::Severity::Warning,
        Severity::Note => shown::Severity::Note,
    };
    let span = diagnostic.span;
    let primary = shown::Label::primary(span.source, span.start as usize..span.end as usize);
    let related = diagnostic.related.iter().map(|(span, label)| {
        shown::Label::secondary(span.source, span.start as usize..span.end as usize)
            .with_message(printable(label))
    });
    shown::Diagnostic::new(severity)
        .with_code(diagnostic.code.as_str())
        .with_message(printable(&diagnostic.message))
        .with_label(primary.with_message(printable(&diagnostic.label)))
        .with_labels_iter(related)
        .with_notes_iter(diagnostic.hint.iter().map(|hint| format!("hint: {}", printable(hint))))
}

impl<'a> Files<'a> for SourceMap {
    type FileId = SourceId;
    type Name = &'a str;
    type Source = &'a str;

    fn name(&'a self, id: SourceId) -> Result<&'a str, Error> {
        self.get(id).map(source::Source::name).ok_or(Error::FileMissing)
    }

    fn source(&'a self, id: SourceId) -> Result<&'a str, Error> {
        self.get(id).map(source::Source::printable).ok_or(Error::FileMissing)
    }

    fn line_index(&'a self, id: SourceId, byte: usize) -> Result<usize, Error> {
        let source = self.get(id).ok_or(Error::FileMissing)?;
        Ok(source.line_index(u32::try_from(byte).unwrap_or(u32::MAX)))
    }

    fn line_range(&'a self, id: SourceId, index: usize) -> Result<std::ops::Range<usize>, Error> {
        let source = self.get(id).ok_or(Error::FileMissing)?;
        let range = source.line_range(index);
        Ok(range.start as usize..range.end as usize)
    }
}
