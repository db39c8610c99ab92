//! `stayd generate`: the documents that are made of the keyword table, the codes of problems and the command line.
//!
//! **What is committed of them is what this writes**; a test holds that, so that table and documents never differ.
//!
//! * [`reference`]: docs/reference.md. [`problems`]: docs/diagnostics.md. [`not_supported`]: a part of README.md.
//! * [`conf_page`]: stayd.conf(5). [`language`]: what that and the reference say of the language around the keywords.

mod conf_page;
mod language;
mod not_supported;
mod problems;
mod reference;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::builder::PossibleValuesParser;
use clap::{CommandFactory, Subcommand};
use clap_complete::Shell;
use config::keyword;

use crate::cli::Cli;
use crate::exit::Exit;

/// How the committed documents are made anew.
const COMMAND: &str = "cargo run -p stayd -- generate docs .";

/// Arguments of `stayd generate`.
#[derive(clap::Args, Debug)]
pub struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand, Debug)]
enum What {
    /// docs/reference.md, docs/diagnostics.md and the list of what is not supported in README.md, if it is there
    Docs {
        /// Folder that holds the folder docs
        folder: PathBuf,
    },
    /// Manual pages: stayd(8), one for each command, and stayd.conf(5)
    Man {
        /// Where to write them
        folder: PathBuf,
    },
    /// Completions for bash, zsh and fish
    Completions {
        /// Where to write them
        folder: PathBuf,
    },
}

/// Writes the files, and their names to standard output.
pub fn run(arguments: &Arguments) -> Exit {
    let result = match &arguments.what {
        What::Docs { folder } => docs(folder),
        What::Man { folder } => man(folder),
        What::Completions { folder } => completions(folder),
    };
    match result {
        Ok(()) => Exit::Normal,
        Err(error) => {
            eprintln!("cannot write the documents: {error}");
            Exit::Fatal
        }
    }
}

fn write(path: &Path, text: impl AsRef<[u8]>) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, text)?;
    println!("{}", path.display());
    Ok(())
}

fn docs(folder: &Path) -> io::Result<()> {
    write(&folder.join("docs/reference.md"), reference::text())?;
    write(&folder.join("docs/diagnostics.md"), problems::text())?;
    let readme = folder.join("README.md");
    let Ok(text) = fs::read_to_string(&readme) else { return Ok(()) };
    match not_supported::fill_in(&text) {
        Some(text) => write(&readme, text),
        None => Ok(()),
    }
}

/// The first line of a document of ours.
fn header() -> String {
    format!("<!-- Made by `{COMMAND}` of the tables in the program: change those. -->\n\n")
}

fn man(folder: &Path) -> io::Result<()> {
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    page(folder, &command)?;
    write(&folder.join("stayd.conf.5"), conf_page::text())
}

/// The page of a command, and those of the commands in it.
fn page(folder: &Path, command: &clap::Command) -> io::Result<()> {
    let name = command.get_display_name().unwrap_or(command.get_name()).to_owned();
    let mut text = Vec::new();
    let version = env!("CARGO_PKG_VERSION");
    clap_mangen::Man::new(command.clone().version(version)).section("8").manual("stayd").render(&mut text)?;
    if name == command.get_name() {
        conf_page::daemon_sections().to_writer(&mut text)?;
    }
    write(&folder.join(format!("{name}.8")), text)?;
    command.get_subcommands().filter(|inner| !inner.is_hide_set()).try_for_each(|inner| page(folder, inner))
}

/// `stayd explain` completes keywords, though it takes any word.
fn completions(folder: &Path) -> io::Result<()> {
    let blocks = keyword::blocks();
    let mut words: Vec<_> = blocks.iter().flat_map(|block| block.spellings()).collect();
    words.sort_unstable();
    words.dedup();
    let mut names: Vec<_> = blocks.iter().map(|block| block.name).filter(|name| !name.is_empty()).collect();
    names.push("root");
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        let mut command = Cli::command().mut_subcommand("explain", |explain| {
            explain
                .mut_arg("word", |word| word.value_parser(PossibleValuesParser::new(words.clone())))
                .mut_arg("block", |block| block.value_parser(PossibleValuesParser::new(names.clone())))
        });
        fs::create_dir_all(folder)?;
        let path = clap_complete::generate_to(shell, &mut command, "stayd", folder)?;
        if shell == Shell::Fish {
            // clap_complete does not complete words that are no options for it.
            let after = "__fish_stayd_using_subcommand explain";
            let line = format!("complete -c stayd -n \"{after}\" -f -a \"{}\"\n", words.join(" "));
            fs::OpenOptions::new().append(true).open(&path)?.write_all(line.as_bytes())?;
        }
        println!("{}", path.display());
    }
    Ok(())
}
