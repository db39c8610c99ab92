//! Signals that scripts send, in the processes that do not act on them themselves.

use std::io;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2};

/// keepalived's JSON signal: `SIGRTMIN+2`, which is 36 with glibc and 37 with musl. Scripts send either.
pub const JSON: [i32; 2] = [36, 37];
/// keepalived's signal to clear the statistics: `SIGRTMAX-1`.
pub const STATS_CLEAR: i32 = 63;

/// Signals that drive keepalived and that must not end a process of ours.
pub const TOLERATED: [i32; 6] = [SIGHUP, SIGUSR1, SIGUSR2, JSON[0], JSON[1], STATS_CLEAR];

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
