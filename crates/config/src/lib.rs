//! keepalived.conf: from text to the typed model, with everything that is wrong with it.
//!
//! Five phases, each of which returns what it could build and goes on after errors:
//!
//! 1. `read`: files to lines; inclusion, conditions, definitions, sequences.
//! 2. `lex`: lines to words and braces, each with its place.
//! 3. `parse`: a tree of blocks, without knowing a keyword.
//! 4. `resolve`: the tree read by the [keyword table](keyword), which is the one source of what exists.
//! 5. `lower`: what values mean together; the [`Model`].
//!
//! **The same text, files and host give the same result**: files come through [`Files`], facts about the host through
//! [`Host`], and nothing else is asked. keepalived is the yardstick: what it takes is taken, what it refuses is refused
//! and said, exit statuses are its own; where stayd differs on purpose, [`differences`] says so.

pub mod diagnostic;
pub mod differences;
pub mod files;
pub mod host;
pub mod keyword;
mod lex;
mod lower;
pub mod model;
mod parse;
pub mod print;
mod read;
mod render;
mod resolve;
mod sections;
pub mod source;
mod suggest;

pub use diagnostic::{Code, Diagnostic, Effect, Severity};
pub use files::{FileKind, Files, MemoryFiles};
pub use host::{
    Exposed, Exposure, Host, InterfaceFacts, KeyFile, MemoryHost, NamespaceFacts, RoutingNames, ScriptFacts,
};
pub use model::Model;
pub use read::IncludeCheck;
use sections::Section;
pub use source::{Location, SourceMap, Span};
pub use suggest::nearest;

/// What the command line and the start of the daemon say about reading a configuration.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Options {
    /// What `@id` lines are compared with: `-i`, else the host's name up to the first dot.
    pub config_id: String,
    /// What every `include` insists on, whatever its form: all, with `-e`.
    pub include_check: IncludeCheck,
    /// The absolute directory that relative names start from, for `${_PWD}`.
    pub working_directory: String,
    /// Seed of `${_RANDOM}`.
    pub random_seed: u64,
    /// Takes every warning as an error. Notes stay notes: nothing is wrong where one stands.
    pub strict: bool,
}

/// A configuration that was read.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// What it means, as far as it is usable.
    pub model: Model,
    /// What is wrong with it, in the order of files and lines.
    pub diagnostics: Vec<Diagnostic>,
    /// Its files.
    pub sources: SourceMap,
    /// Whether its warnings were taken as errors.
    pub strict: bool,
}

/// Reads the configuration that `main` names: a file, or a pattern of which every match is read.
pub fn load(main: &str, files: &dyn Files, host: &dyn Host, options: &Options) -> Loaded {
    let mut report = diagnostic::Report::default();
    let text = read::read(main, files, host, options, &mut report);
    let model = lower_lines(&text, &sections::sections(&text.lines), host, &mut report, |_| ()).0;
    Loaded::new(model, report, text.sources, options)
}

/// Reads it likewise, and writes it in its [canonical form](print).
pub fn load_and_print(
    main: &str,
    files: &dyn Files,
    host: &dyn Host,
    options: &Options,
    form: print::Form,
) -> (Loaded, Vec<u8>) {
    let mut report = diagnostic::Report::default();
    let text = read::read(main, files, host, options, &mut report);
    let all = [Section::Kept(0..text.lines.len())];
    let print = |entries: &[resolve::Entry<'_>]| print::print(entries, &text.sources, form);
    let (model, printed) = lower_lines(&text, &all, host, &mut report, print);
    (Loaded::new(model, report, text.sources, options), printed)
}

/// From lines to the model; `also` is done with what is kept.
fn lower_lines<T>(
    text: &read::Text,
    sections: &[Section],
    host: &dyn Host,
    report: &mut diagnostic::Report,
    also: impl FnOnce(&[resolve::Entry<'_>]) -> T,
) -> (Model, T) {
    let mut memory = resolve::Memory::default();
    let lines = |range: &std::ops::Range<usize>| text.lines.get(range.clone()).unwrap_or_default();
    let texts: Vec<_> = sections
        .iter()
        .map(|section| match section {
            Section::Kept(range) => Ok(read::unfold(lines(range))),
            Section::Apart(range) => Err(lines(range)),
        })
        .collect();
    let events: Vec<_> = texts
        .iter()
        .map(|text| match text {
            Ok(lines) => Ok(parse::Events::of(lines, report)),
            Err(apart) => Err(*apart),
        })
        .collect();
    let trees: Vec<_> = events
        .iter()
        .map(|events| match events {
            Ok(events) => Ok(parse::parse(events, &resolve::Table, report)),
            Err(apart) => Err(*apart),
        })
        .collect();
    let (mut kept, mut apart) = (Vec::new(), Vec::new());
    for tree in &trees {
        match tree {
            Ok(nodes) => resolve::resolve(nodes, &mut kept, &mut memory, report),
            Err(lines) => apart.push(lower::Apart { before: kept.len(), lines }),
        }
    }
    let model = lower::lower(&kept, &apart, &mut memory, &text.sources, host, report);
    let also = also(&kept);
    (model, also)
}

impl Loaded {
    fn new(model: Model, report: diagnostic::Report, sources: SourceMap, options: &Options) -> Self {
        let mut diagnostics = report.into_list();
        if options.strict {
            diagnostics.iter_mut().for_each(Diagnostic::harden);
        }
        Self { model, diagnostics, sources, strict: options.strict }
    }

    /// Exit status of a configuration test, as keepalived's: 0 nothing is wrong, 2 a parameter is missing, 4 only
    /// interfaces are, 5 something else is wrong, 6 scripts without security or an inclusion that failed.
    ///
    /// When warnings are errors: 5 also for what keepalived gives 0.
    pub fn test_status(&self) -> u8 {
        match diagnostic::test_status(&self.diagnostics) {
            0 if self.strict && self.has_errors() => 5,
            status => status,
        }
    }

    /// Whether a daemon starts with this. One that runs refuses a reload exactly when it does not.
    ///
    /// # Errors
    /// The exit status with which a starting keepalived dies: 2, or 6 if there is no configuration or an inclusion
    /// failed. When warnings are errors: 2 also for what keepalived runs with, or ends with 0 for.
    pub fn start(&self) -> Result<(), u8> {
        match diagnostic::start(&self.diagnostics) {
            Ok(()) | Err(0) if self.strict && self.has_errors() => Err(2),
            result => result,
        }
    }

    fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }

    /// One of the diagnostics as text: `file:line:column`, the line, carets, and what to write instead.
    pub fn render(&self, diagnostic: &Diagnostic) -> String {
        render::render(diagnostic, &self.sources)
    }

    /// All diagnostics as text; empty if there are none.
    pub fn render_all(&self) -> String {
        self.diagnostics.iter().map(|diagnostic| self.render(diagnostic)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Loaded, usize) {
        let (files, host) = (MemoryFiles::one("f", text), MemoryHost::default());
        let mut report = diagnostic::Report::default();
        let lines = read::read("f", &files, &host, &Options::default(), &mut report).lines.len();
        (load("f", &files, &host, &Options::default()), lines)
    }

    #[test]
    fn a_block_that_is_read_apart_means_the_same_as_one_that_is_not() {
        let block = "virtual_server 192.0.2.1 80 {\n\n  delay_loop 6\n  real_server 192.0.2.9 80 {\n    wieght 3\n  }\n}\n";
        let text = format!("global_defs {{\n}}\n{block}a\n");
        let (folded, few) = read(&text);
        // A comment makes the block one of ordinary lines.
        let (ordinary, many) = read(&text.replace("\n\n", "\n#\n").replace("  delay_loop", " delay_loop"));
        assert!(few < many, "{few} {many}");
        assert_eq!(folded.model, ordinary.model);
        let places = |loaded: &Loaded| -> Vec<_> {
            let place = |it: &Diagnostic| (it.message.clone(), loaded.sources.location(it.span).line);
            loaded.diagnostics.iter().map(place).collect()
        };
        assert_eq!(places(&folded), places(&ordinary));
        assert!(places(&folded).iter().any(|(message, line)| message.contains("wieght") && *line == 7));
    }

    #[test]
    fn a_block_that_is_more_than_plain_lines_is_not_folded() {
        for inner in ["$A", "include x", "a } b", "@id b", "~SEQ(a, 1, 2) b", "} {"] {
            let text = format!("virtual_server 192.0.2.1 80 {{\n{inner}\n}}\n");
            let mut report = diagnostic::Report::default();
            let files = MemoryFiles::one("f", text);
            let read = read::read("f", &files, &MemoryHost::default(), &Options::default(), &mut report);
            assert!(!read.lines.iter().any(read::is_folded), "{inner}");
        }
    }
}
