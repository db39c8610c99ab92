//! The embedded kernel: Debian's User-Mode Linux, a Linux 6.1 with IPVS as an ordinary program.
//!
//! It starts inside the namespace of the native switch, so that its network cards are taps there; its root is the
//! host's file system, read-only, and only the lab's folder can be written. Its init is the [agent](agent::agent), which
//! performs the requests that come over a line of its own. **The guest lives as long as the line is open**: when the story
//! ends, however it ends, the line closes and the agent powers the guest off.

use std::fs::{self, File};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{io, iter, thread};

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;

use crate::error::{Doing as _, Error, Result};
use crate::lab::binary;
use crate::site::{Opening, Request, Response, Site};

mod agent;
mod line;

pub use agent::agent;
use line::Line;

const KERNEL: &str = "/usr/bin/linux.uml";

/// How much memory the guest believes to have; the host gives what is touched.
const MEMORY: &str = "mem=256M";

/// A boot takes two seconds on an idle machine.
const BOOT_LIMIT: Duration = Duration::from_secs(60);

/// What a request may take beside the time that it allows itself.
const ANSWER_LIMIT: Duration = Duration::from_secs(60);

/// Turning off takes a tenth of a second on an idle machine.
const OFF_LIMIT: Duration = Duration::from_secs(10);

/// A running guest.
#[derive(Debug)]
pub(crate) struct Guest {
    kernel: Child,
    line: Line,
    console: PathBuf,
}

impl Guest {
    /// Boots a guest with a network card at each of these native taps: `vec1`, `vec2` and so on.
    pub fn boot(native: &Site, opening: &Opening, taps: &[String]) -> Result<Self> {
        if !Path::new(KERNEL).exists() {
            return Err(Error::NotInstalled { program: KERNEL.to_owned(), package: "user-mode-linux" });
        }
        let home = opening.shared.first().map(|folder| folder.join("guest")).unwrap_or_default();
        let console = home.join("console.log");
        let (control, listener) = native.listen_for_agent().doing(|| "laying the guest's line".to_owned())?;
        let cards: Vec<&str> = iter::once(control).chain(taps.iter().map(String::as_str)).collect();
        let mut kernel =
            command(native, &home, &console, &cards)?.spawn().doing(|| format!("starting {KERNEL}"))?;
        pin(&kernel).doing(|| "pinning the guest".to_owned())?;
        let called = await_call(&mut kernel, &listener).and_then(|stream| {
            let mut line = Line::new(stream)?;
            line.send(opening)?;
            Ok(line)
        });
        match called {
            Ok(line) => Ok(Self { kernel, line, console }),
            Err(error) => {
                let what = format!("does not come up: {error}");
                Err(Error::Guest { what, console: tail(&console) })
            }
        }
    }

    /// Has the guest perform a request.
    pub fn ask(&mut self, request: &Request) -> Result<Response> {
        let own = if let Request::Run { limit, .. } = request { *limit } else { Duration::ZERO };
        self.exchange(ANSWER_LIMIT + own, request)
    }

    /// Closes the line and waits until the guest is off.
    pub fn power_off(self) -> Result {
        let Self { mut kernel, line, console } = self;
        drop(line);
        let deadline = Instant::now() + OFF_LIMIT;
        loop {
            if kernel.try_wait().doing(|| "waiting for the guest to power off".to_owned())?.is_some() {
                return Ok(());
            }
            if Instant::now() > deadline {
                // What is left of it dies with the switch that it lives in.
                let what = "does not power off".to_owned();
                return Err(Error::Guest { what, console: tail(&console) });
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    fn exchange(&mut self, limit: Duration, request: &Request) -> Result<Response> {
        let answer = self.line.send(request).and_then(|()| {
            self.line.set_patience(limit)?;
            self.line.receive()
        });
        let what = match answer {
            Ok(Some(response)) => return Ok(response),
            Ok(None) => "is gone".to_owned(),
            Err(error) => format!("does not answer to {request:.200?}: {error}"),
        };
        Err(Error::Guest { what, console: tail(&self.console) })
    }
}

/// Keeps the guest on one processor of this machine. It has one of its own, but many processes to play it with, and
/// each change of processor between them costs several times what they do there.
fn pin(kernel: &Child) -> io::Result<()> {
    let pid = i32::try_from(kernel.id()).map(Pid::from_raw).map_err(io::Error::other)?;
    let allowed = sched_getaffinity(pid)?;
    let processors: Vec<usize> =
        (0..CpuSet::count()).filter(|&n| allowed.is_set(n).unwrap_or(false)).collect();
    // Guests of several stories, which have different numbers, spread.
    let turn = usize::try_from(std::process::id()).map_err(io::Error::other)? % processors.len().max(1);
    let mut one = CpuSet::new();
    one.set(processors.get(turn).copied().unwrap_or_default())?;
    Ok(sched_setaffinity(pid, &one)?)
}

/// Waits for the agent to call, as long as the kernel lives.
fn await_call(kernel: &mut Child, listener: &TcpListener) -> io::Result<TcpStream> {
    listener.set_nonblocking(true)?;
    let deadline = Instant::now() + BOOT_LIMIT;
    while Instant::now() < deadline {
        match listener.accept() {
            Ok((stream, _)) => {
                stream.set_nonblocking(false)?;
                return Ok(stream);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                thread::sleep(Duration::from_millis(5));
            }
            Err(error) => return Err(error),
        }
        if let Some(status) = kernel.try_wait()? {
            return Err(io::Error::other(format!("its kernel ended with {status}")));
        }
    }
    Err(io::ErrorKind::TimedOut.into())
}

/// The kernel's command line, as a command in the native switch.
fn command(native: &Site, home: &Path, console: &Path, cards: &[&str]) -> Result<Command> {
    // Neither a kernel parameter nor LD_PRELOAD can hold a path with spaces; the checkout's may have some.
    let (init, shim) = (home.join("init"), home.join("xstate.so"));
    fs::create_dir(home).doing(|| format!("making {}", home.display()))?;
    symlink(binary("lab-guest")?, &init).doing(|| "linking the guest's init".to_owned())?;
    symlink(binary("libuml_xstate.so")?, &shim).doing(|| "linking the guest's preload library".to_owned())?;
    let output = File::create(console).doing(|| format!("making {}", console.display()))?;
    let errors = output.try_clone().doing(|| "sharing the console".to_owned())?;

    let mut command = Command::new(KERNEL);
    command
        .args([MEMORY, "root=/dev/root", "rootfstype=hostfs", "rootflags=/", "ro", "quiet"])
        .args(["con=null", "con0=null,fd:1", "ssl=null", "umid=guest"])
        .arg(format!("uml_dir={}/", home.display()))
        .arg(format!("init={}", init.display()))
        .args(
            cards
                .iter()
                .enumerate()
                .map(|(n, tap)| format!("vec{n}:transport=tap,ifname={tap},depth=128,gro=0")),
        )
        .env("LD_PRELOAD", shim)
        // The guest's memory is a file here.
        .env("TMPDIR", "/dev/shm")
        .stdin(Stdio::null())
        .stdout(output)
        .stderr(errors);
    native.prepare_in_switch(&mut command).doing(|| "entering the switch".to_owned())?;
    Ok(command)
}

fn tail(console: &Path) -> String {
    let text = fs::read(console).unwrap_or_else(|error: io::Error| error.to_string().into_bytes());
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    lines.get(lines.len().saturating_sub(15)..).unwrap_or_default().join("\n")
}
