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
pub mod source;
mod suggest;

pub use diagnostic::{Code, Diagnostic, Effect, Severity};
pub use files::{FileKind, Files, MemoryFiles};
pub use host::{Exposed, Exposure, Host, InterfaceFacts, KeyFile, MemoryHost, RoutingNames, ScriptFacts};
pub use model::Model;
pub use read::IncludeCheck;
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
    load_and(main, files, host, options, |_, _| ()).0
}

/// Reads it likewise, and writes it in its [canonical form](print).
pub fn load_and_print(
    main: &str,
    files: &dyn Files,
    host: &dyn Host,
    options: &Options,
    form: print::Form,
) -> (Loaded, Vec<u8>) {
    load_and(main, files, host, options, |entries, sources| print::print(entries, sources, form))
}

fn load_and<T>(
    main: &str,
    files: &dyn Files,
    host: &dyn Host,
    options: &Options,
    also: impl FnOnce(&[resolve::Entry<'_>], &SourceMap) -> T,
) -> (Loaded, T) {
    let mut report = diagnostic::Report::default();
    let text = read::read(main, files, host, options, &mut report);
    let events = parse::Events::of(&text.lines, &mut report);
    let tree = parse::parse(&events, &resolve::Table, &mut report);
    let entries = resolve::resolve(&tree, &mut report);
    let model = lower::lower(&entries, &text.sources, host, &mut report);
    let also = also(&entries, &text.sources);
    let mut diagnostics = report.into_list();
    if options.strict {
        diagnostics.iter_mut().for_each(Diagnostic::harden);
    }
    (Loaded { model, diagnostics, sources: text.sources, strict: options.strict }, also)
}

impl Loaded {
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
