//! Removes a lab whose story has ended without doing so.

use std::process::ExitCode;

use nix::sys::signal::{SigSet, Signal};
use nix::unistd::setsid;

fn main() -> ExitCode {
    // What ends the story, such as Ctrl-C at its terminal, must not end what cleans up after it.
    let _ = setsid();
    let stops: SigSet = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP].into_iter().collect();
    let _ = stops.thread_block();
    let Some(name) = std::env::args().nth(1) else { return ExitCode::from(2) };
    match lab::janitor(&name) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
