//! Signals that scripts send, in the processes that do not act on them themselves.

use std::io;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2};

use crate::exit::Exit;

/// keepalived's JSON signal: `SIGRTMIN+2`, which is 36 with glibc and 37 with musl. Scripts send either.
pub const JSON: [i32; 2] = [36, 37];
/// keepalived's signal to clear the statistics: `SIGRTMAX-1`.
pub const STATS_CLEAR: i32 = 63;

/// Signals that drive keepalived and that must not end a process of ours.
pub const TOLERATED: [i32; 6] = [SIGHUP, SIGUSR1, SIGUSR2, JSON[0], JSON[1], STATS_CLEAR];

/// keepalived's names of what signals ask for (`--signum`).
const NAMES: [(&str, i32); 6] = [
    ("STOP", SIGTERM),
    ("RELOAD", SIGHUP),
    ("DATA", SIGUSR1),
    ("STATS", SIGUSR2),
    ("STATS_CLEAR", STATS_CLEAR),
    ("JSON", JSON[0]),
];

/// `--signum`: prints the number of the signal that asks for this.
pub fn number(name: &str) -> Exit {
    if let Some((_, number)) = NAMES.iter().find(|(known, _)| *known == name) {
        println!("{number}");
        return Exit::Normal;
    }
    let names = NAMES.map(|(known, _)| known).join(", ");
    eprintln!("no signal asks for {name}; signals ask for {names}");
    Exit::Fatal
}

/// For a child: a stream that becomes readable when `SIGTERM` or `SIGINT` arrives. The signals that keepalived knows and
/// that are the parent's business do nothing.
///
/// # Errors
/// The kernel refuses a handler or a socket.
pub fn for_child() -> io::Result<UnixStream> {
    let (read, write) = UnixStream::pair()?;
    read.set_nonblocking(true)?;
    for signal in [SIGTERM, SIGINT] {
        signal_hook::low_level::pipe::register(signal, write.try_clone()?)?;
    }
    for signal in TOLERATED {
        signal_hook::flag::register(signal, Arc::new(AtomicBool::new(false)))?;
    }
    Ok(read)
}
