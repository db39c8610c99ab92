//! `stayd config print`: a configuration as it is understood.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Subcommand;
use config::print::Form;

use crate::cli::{DEFAULT_FILE, Reading};
use crate::configuration;
use crate::exit::Exit;
use crate::host::ThisHost;

/// Arguments of `stayd config`.
#[derive(clap::Args, Debug)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand, Debug)]
enum Action {
    /// Print a configuration in canonical form
    ///
    /// One entry stands on a line, comments are gone, and includes, conditions, definitions and sequences are resolved.
    /// Reading the result means the same. Problems go to standard error; the exit status is that of a test. Passwords
    /// and keys are printed as they are unless --redact is given.
    Print {
        /// Configuration file
        #[arg(value_name = "FILE", default_value = DEFAULT_FILE)]
        file: PathBuf,
        /// Name in comments the default of everything that is not given
        #[arg(long)]
        full: bool,
        /// Write REDACTED in place of passwords and keys; the result is for people only
        #[arg(long)]
        redact: bool,
        #[command(flatten)]
        reading: Reading,
    },
}

/// Prints; the status is that of a test of the configuration.
pub fn run(arguments: &Arguments) -> Exit {
    let Action::Print { file, full, redact, reading } = &arguments.action;
    let form = Form { full: *full, redact: *redact };
    let (loaded, text) = configuration::load_and_print(file, reading, ThisHost::default(), form);
    // With secrets out, the lines that problems are shown with stay away too.
    if *redact {
        let problems = loaded.diagnostics.len();
        if problems > 0 {
            eprintln!("{problems} problems; `stayd check {}` shows them", file.display());
        }
    } else {
        eprint!("{}", loaded.render_all());
    }
    match io::stdout().write_all(&text) {
        Ok(()) => Exit::from_status(loaded.test_status()),
        Err(error) => {
            eprintln!("cannot write to standard output: {error}");
            Exit::Fatal
        }
    }
}
