//! `stayd realserver`: what a real server of a direct-routing virtual server needs.

use crate::exit::Exit;

/// Arguments of `stayd realserver`.
#[derive(clap::Args, Debug)]
pub struct Arguments {}

/// Runs the command.
pub fn run(_arguments: &Arguments) -> Exit {
    Exit::Fatal
}
