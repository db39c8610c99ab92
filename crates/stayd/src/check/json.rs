//! The problems of a configuration as one JSON document. docs/diagnostics.md describes it.
//!
//! **Fields are added, never renamed or removed**, unless `version` goes up.

use config::{Diagnostic, Loaded, Location, Severity, Span};
use serde::Serialize;

use super::count;

/// Version of the document.
const VERSION: u32 = 1;

#[derive(Serialize)]
struct Document<'l> {
    version: u32,
    stayd: &'static str,
    file: &'l str,
    strict: bool,
    status: u8,
    start_status: Option<u8>,
    errors: usize,
    warnings: usize,
    notes: usize,
    diagnostics: Vec<Problem<'l>>,
}

#[derive(Serialize)]
struct Problem<'l> {
    code: &'static str,
    severity: Severity,
    message: &'l str,
    #[serde(flatten)]
    place: Place<'l>,
    label: &'l str,
    hint: Option<&'l str>,
    related: Vec<Related<'l>>,
}

#[derive(Serialize)]
struct Related<'l> {
    #[serde(flatten)]
    place: Place<'l>,
    label: &'l str,
}

#[derive(Serialize)]
struct Place<'l> {
    file: &'l str,
    start: Location,
    end: Location,
}

/// The document, indented.
pub fn document(file: &str, loaded: &Loaded) -> String {
    let document = Document {
        version: VERSION,
        stayd: env!("CARGO_PKG_VERSION"),
        file,
        strict: loaded.strict,
        status: loaded.test_status(),
        start_status: loaded.start().err(),
        errors: count(loaded, Severity::Error),
        warnings: count(loaded, Severity::Warning),
        notes: count(loaded, Severity::Note),
        diagnostics: loaded.diagnostics.iter().map(|diagnostic| problem(loaded, diagnostic)).collect(),
    };
    // Strings and numbers: there is nothing in it that JSON cannot hold.
    serde_json::to_string_pretty(&document).unwrap_or_default()
}

fn problem<'l>(loaded: &'l Loaded, diagnostic: &'l Diagnostic) -> Problem<'l> {
    let related = diagnostic.related.iter();
    Problem {
        code: diagnostic.code.as_str(),
        severity: diagnostic.severity,
        message: &diagnostic.message,
        place: place(loaded, diagnostic.span),
        label: &diagnostic.label,
        hint: diagnostic.hint.as_deref(),
        related: related.map(|(span, label)| Related { place: place(loaded, *span), label }).collect(),
    }
}

fn place(loaded: &Loaded, span: Span) -> Place<'_> {
    let (start, end) = (loaded.sources.location(span), loaded.sources.end_location(span));
    Place { file: loaded.sources.name(span), start, end }
}
