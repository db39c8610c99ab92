//! stayd: keeps virtual addresses and virtual servers alive.
//!
//! One executable, several processes. Started by a user it is the parent ([`daemon`]) or one of our own commands; started
//! by the parent, with its role in the environment, it is the VRRP process ([`vrrp_process`]) or the checker process
//! ([`checker_process`]). The first checker process alone is forked, with the table in place ([`daemon`]).

mod buffers;
mod check;
mod checker_process;
mod cli;
mod config_command;
mod configuration;
mod daemon;
mod descriptors;
mod dump;
mod exit;
mod explain;
mod generate;
mod genhash;
mod host;
mod ipc;
mod limits;
mod linkbeat;
mod log;
mod marks;
mod memory;
mod migrate;
mod namespace;
mod notify;
mod openssl;
mod pid_file;
mod ready;
mod realserver;
mod scheduling;
mod script;
mod signals;
mod track;
mod version;
mod vrrp_process;

use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;

use cli::{Cli, Command};
use daemon::{ROLE_VARIABLE, Role};
use exit::Exit;

fn main() -> ExitCode {
    memory::prepare();
    let exit = match std::env::var(ROLE_VARIABLE) {
        Ok(role) => run_child(&role),
        Err(_) => run_command(),
    };
    exit.into()
}

/// The command line, or how to end since it makes no sense or only asked for help.
fn command_line() -> Result<Cli, Exit> {
    Cli::read(std::env::args_os()).map_err(|error| {
        // Help goes to standard output and is no error; the rest is one, with keepalived's status.
        let _ = error.print();
        if error.use_stderr() { Exit::Fatal } else { Exit::Normal }
    })
}

fn run_command() -> Exit {
    if let Some(arguments) = genhash::called(std::env::args_os()) {
        return genhash::run_by_name(&arguments);
    }
    let cli = match command_line() {
        Ok(cli) => cli,
        Err(exit) => return exit,
    };
    if let Some(mention) = cli.mention() {
        eprintln!("{mention}");
    }
    let complaints = if cli.command.is_none() { cli.options.complaints() } else { Vec::new() };
    for complaint in complaints {
        eprintln!("{complaint}");
    }
    match cli.command {
        Some(Command::Check(arguments)) => check::run(&arguments),
        Some(Command::Explain(arguments)) => explain::run(&arguments),
        Some(Command::Config(arguments)) => config_command::run(&arguments),
        Some(Command::Migrate(arguments)) => migrate::run(&arguments),
        Some(Command::Generate(arguments)) => generate::run(&arguments),
        Some(Command::Genhash(arguments)) => genhash::run(&arguments),
        Some(Command::Realserver(arguments)) => realserver::run(&arguments),
        None if cli.options.version => version::run(),
        None => match (&cli.options.signum, &cli.options.config_test) {
            (Some(name), _) => signals::number(name),
            (None, test) => match (enter_namespace(&cli.options), test) {
                (Err(exit), _) => exit,
                (Ok(()), Some(file)) => configuration::test(&cli.options, file.as_deref()),
                (Ok(()), None) => daemon::run(cli.options),
            },
        },
    }
}

/// `-s`.
fn enter_namespace(options: &cli::Options) -> Result<(), Exit> {
    let Some(name) = &options.namespace else { return Ok(()) };
    namespace::enter(name).map_err(|error| {
        eprintln!("cannot enter network namespace {name}: {error}; `ip netns add {name}` makes it");
        // As keepalived ends.
        Exit::Normal
    })
}

/// A child finds the parent at its standard input, and has the parent's command line.
fn run_child(role: &str) -> Exit {
    scheduling::name_process(None);
    let options = match command_line() {
        Ok(cli) => cli.options,
        Err(exit) => return exit,
    };
    let stream = std::io::stdin().as_fd().try_clone_to_owned().map(UnixStream::from);
    match (Role::named(role), stream) {
        (Some(Role::Vrrp), Ok(stream)) => vrrp_process::run(stream, &options),
        (Some(Role::Checker), Ok(stream)) => checker_process::run(stream, &options),
        (None, _) => {
            eprintln!("{ROLE_VARIABLE}={role} is no role: this variable is for stayd's own processes");
            Exit::Fatal
        }
        (_, Err(error)) => {
            eprintln!("there is no parent at standard input: {error}");
            Exit::Fatal
        }
    }
}
