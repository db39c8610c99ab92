//! `stayd migrate`: what keepalived does on this host, whether stayd can do it, and the commands to switch and to go back.
//!
//! **It changes nothing**: everything is read, and the commands are printed for somebody to run.

mod commands;
mod found;
mod summary;

use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use config::Code;

use crate::cli::{Cli, DEFAULT_FILE, Options};
use crate::configuration;
use crate::exit::Exit;
use crate::host::ThisHost;
use found::Found;

/// What a command line or a file that stayd does not do all of gives: what a test gives for most problems.
const NOT_SUPPORTED: u8 = 5;

/// Arguments of `stayd migrate`.
#[derive(clap::Args, Debug)]
pub struct Arguments {
    /// Configuration file [default: the one that keepalived uses on this host]
    #[arg(short = 'f', long = "use-file", value_name = "FILE")]
    file: Option<PathBuf>,
    /// Folder that stands for the root of the file system
    #[arg(long, value_name = "DIR", default_value = "/", hide = true)]
    root: PathBuf,
}

/// Looks, and prints.
pub fn run(arguments: &Arguments) -> Exit {
    let (text, exit) = report(arguments);
    match io::stdout().write_all(text.as_bytes()) {
        Ok(()) => exit,
        Err(error) => {
            eprintln!("cannot write to standard output: {error}");
            Exit::Fatal
        }
    }
}

/// What is printed, and whether the host can be switched.
fn report(arguments: &Arguments) -> (String, Exit) {
    let found = Found::look(&arguments.root);
    let words = found.words();
    let mut text = found.describe();
    let mut missing = Vec::new();
    let options =
        match Cli::read(std::iter::once("stayd".into()).chain(words.iter().map(Into::into))) {
            Ok(cli) => {
                missing.extend(
                    cli.options.without_effect.given().into_iter().map(|option| {
                        format!("the option {option} has no effect in this version of stayd\n")
                    }),
                );
                missing.extend(cli.options.complaints().into_iter().map(|complaint| complaint + "\n"));
                Some(cli.options)
            }
            Err(error) => {
                missing.push(format!("stayd does not take this command line: {error}"));
                None
            }
        };
    let file = match (&arguments.file, &options) {
        (Some(file), _) => file.clone(),
        (None, Some(options)) => found.path(&options.file),
        (None, None) => PathBuf::from(DEFAULT_FILE),
    };
    let (loaded, summary) = read(&arguments.root, &file, options.as_ref());
    let _ = write!(text, "\nThe configuration {}:\n{summary}", file.display());

    let (unsupported, wrong): (Vec<_>, Vec<_>) =
        loaded.diagnostics.iter().partition(|problem| matches!(problem.code, Code::NotSupported));
    missing.extend(unsupported.iter().map(|problem| loaded.render(problem)));
    text += &listed("What stayd does not do", "everything is supported", &missing);
    let wrong: Vec<_> = wrong.iter().map(|problem| loaded.render(problem)).collect();
    text += &listed("What is wrong with the file, or taken otherwise", "nothing", &wrong);

    let exit = match (&options, loaded.start()) {
        (None, _) => Exit::Fatal,
        (_, Err(status)) => Exit::from_status(match loaded.test_status() {
            0 => status,
            tested => tested,
        }),
        (_, Ok(())) if !missing.is_empty() => Exit::from_status(NOT_SUPPORTED),
        (_, Ok(())) => Exit::Normal,
    };
    text += match exit {
        Exit::Normal => "\nThis host can be switched.\n",
        Exit::Other(NOT_SUPPORTED) if loaded.start().is_ok() => {
            "\nstayd starts with this, and leaves out what is named above. Switch only if the service can do without it.\n"
        }
        _ => {
            "\nThis host cannot be switched as it is: stayd does not start with this. Correct what is named above first.\n"
        }
    };
    let starts = options.is_some() && loaded.start().is_ok();
    if starts {
        text += &commands::commands(&found, &file, &words, options.as_ref(), &loaded.model);
    }
    (text, exit)
}

/// The configuration, and what is in it.
fn read(root: &Path, file: &Path, options: Option<&Options>) -> (config::Loaded, String) {
    let place = found::below(root, file);
    let reading = options.map_or_else(crate::cli::Reading::default, |options| options.reading.clone());
    let loaded = configuration::load(&place, &reading, ThisHost::default());
    let summary = summary::summary(&loaded.model);
    (loaded, summary)
}

/// A heading, and what is under it.
fn listed(heading: &str, nothing: &str, items: &[String]) -> String {
    if items.is_empty() {
        return format!("\n{heading}: {nothing}.\n");
    }
    format!("\n{heading}:\n\n{}", items.join("\n"))
}
