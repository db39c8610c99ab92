//! `stayd check`: every problem of a configuration, for people and for programs.
//!
//! **The exit status is that of `stayd -t`**, whatever the format.

mod json;
mod sarif;

use std::io::{self, Write};
use std::path::PathBuf;

use clap::ValueEnum;
use config::{Loaded, Severity};

use crate::cli::{DEFAULT_FILE, Reading};
use crate::configuration;
use crate::exit::Exit;
use crate::host::ThisHost;

/// Arguments of `stayd check`.
#[derive(clap::Args, Debug)]
pub struct Arguments {
    /// Configuration file
    #[arg(value_name = "FILE", default_value = DEFAULT_FILE)]
    file: PathBuf,
    /// How the problems are printed
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    reading: Reading,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
enum Format {
    /// For people: each with its line, carets and a hint
    #[default]
    Text,
    /// One JSON document, described in docs/diagnostics.md
    Json,
    /// SARIF 2.1.0, which code review tools read
    Sarif,
}

/// Checks and prints.
pub fn run(arguments: &Arguments) -> Exit {
    let loaded = configuration::load(&arguments.file, &arguments.reading, ThisHost::default());
    let status = loaded.test_status();
    let text = match arguments.format {
        Format::Text => {
            format!("{}{}\n", loaded.render_all(), summary(&arguments.file.to_string_lossy(), &loaded))
        }
        Format::Json => json::document(&arguments.file.to_string_lossy(), &loaded) + "\n",
        Format::Sarif => sarif::log(&loaded) + "\n",
    };
    match io::stdout().write_all(text.as_bytes()) {
        Ok(()) => Exit::from_status(status),
        Err(error) => {
            eprintln!("cannot write to standard output: {error}");
            Exit::Fatal
        }
    }
}

/// How many of them there are.
fn count(loaded: &Loaded, severity: Severity) -> usize {
    loaded.diagnostics.iter().filter(|diagnostic| diagnostic.severity == severity).count()
}

/// "FILE: 1 error, 2 warnings; the daemon does not start with this (status 2)".
fn summary(file: &str, loaded: &Loaded) -> String {
    let kinds = [(Severity::Error, "error"), (Severity::Warning, "warning"), (Severity::Note, "note")];
    let counts: Vec<_> = kinds
        .into_iter()
        .map(|(severity, name)| (count(loaded, severity), name))
        .filter(|(count, _)| *count > 0)
        .map(|(count, name)| format!("{count} {name}{}", if count == 1 { "" } else { "s" }))
        .collect();
    let counts = if counts.is_empty() { "nothing is wrong".to_owned() } else { counts.join(", ") };
    let daemon = match loaded.start() {
        Ok(()) => "the daemon starts with this".to_owned(),
        Err(status) => format!("the daemon does not start with this (status {status})"),
    };
    format!("{file}: {counts}; {daemon}")
}
