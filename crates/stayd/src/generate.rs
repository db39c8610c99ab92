//! Stub.
use crate::exit::Exit;
/// Arguments of `stayd generate`.
#[derive(clap::Args, Debug)]
pub struct Arguments {}
/// Writes.
pub fn run(_: &Arguments) -> Exit {
    Exit::Normal
}
