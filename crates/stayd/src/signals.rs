//! Signals that scripts send, in the processes that do not act on them themselves.

use std::io::{self, Read};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::sys::signal::{SigSet, Signal};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2};

use crate::exit::Exit;
use crate::ipc::Dump;

/// keepalived's JSON signal: `SIGRTMIN+2`, which is 36 with glibc and 37 with musl. Scripts send either.
pub const JSON: [i32; 2] = [36, 37];
/// keepalived's signal to clear the statistics: `SIGRTMAX-1`.
pub const STATS_CLEAR: i32 = 63;

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

/// The signals of a child: a stream that is readable when one has come.
pub struct ForChild {
    stream: UnixStream,
    end: Arc<AtomicBool>,
    reload: Arc<AtomicBool>,
    dumps: Vec<(Arc<AtomicBool>, Dump)>,
}

/// What signals asked a child for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Asked {
    /// `SIGTERM` or `SIGINT`.
    pub end: bool,
    /// `SIGHUP`.
    pub reload: bool,
    /// The others.
    pub dumps: Vec<Dump>,
}

/// Has this process pass `SIGINT` over.
///
/// # Errors
/// The kernel refuses it.
pub fn ignore_sigint() -> io::Result<()> {
    signal_hook::flag::register(SIGINT, Arc::default()).map(drop)
}

/// The signals that a daemon answers to.
fn answered() -> SigSet {
    let mut set = SigSet::empty();
    for number in [SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2] {
        if let Ok(signal) = Signal::try_from(number) {
            set.add(signal);
        }
    }
    set
}

/// Has signals wait until there is somebody to answer them: the reply to one that comes sooner would be the process's end.
pub fn hold() {
    // Refused only for a set that makes no sense.
    let _ = answered().thread_block();
}

/// Lets those through that wait.
pub fn release() {
    let _ = answered().thread_unblock();
}

impl ForChild {
    /// Catches them all; `SIGINT` is passed over where that is asked for.
    ///
    /// # Errors
    /// The kernel refuses a handler or a socket.
    pub fn catch(ignore_sigint: bool) -> io::Result<Self> {
        let (stream, write) = UnixStream::pair()?;
        stream.set_nonblocking(true)?;
        write.set_nonblocking(true)?;
        let flag = |signals: &[i32]| {
            let flag = Arc::new(AtomicBool::new(false));
            for signal in signals {
                // In this order: who finds the stream readable finds the flag set.
                signal_hook::flag::register(*signal, Arc::clone(&flag))?;
                signal_hook::low_level::pipe::register(*signal, write.try_clone()?)?;
            }
            io::Result::Ok(flag)
        };
        let dumps = vec![
            (flag(&[SIGUSR1])?, Dump::Data),
            (flag(&[SIGUSR2])?, Dump::Stats),
            (flag(&[STATS_CLEAR])?, Dump::StatsClear),
            (flag(&JSON)?, Dump::Json),
        ];
        let end = if ignore_sigint { flag(&[SIGTERM])? } else { flag(&[SIGTERM, SIGINT])? };
        if ignore_sigint {
            self::ignore_sigint()?;
        }
        Ok(Self { end, reload: flag(&[SIGHUP])?, dumps, stream })
    }

    /// Readable when a signal has come.
    pub const fn stream(&self) -> &UnixStream {
        &self.stream
    }

    /// Takes what has been asked for. It never waits.
    pub fn take(&self) -> Asked {
        let mut buffer = [0; 64];
        while matches!((&self.stream).read(&mut buffer), Ok(length) if length > 0) {}
        let take = |flag: &AtomicBool| flag.swap(false, Ordering::SeqCst);
        let dumps = self.dumps.iter().filter(|(flag, _)| take(flag)).map(|(_, dump)| *dump);
        Asked { end: take(&self.end), reload: take(&self.reload), dumps: dumps.collect() }
    }
}
