//! The embedded kernel: Debian's User-Mode Linux, a Linux 6.1 with IPVS as an ordinary program.
//!
//! It starts inside the namespace of the native switch, so that its network cards are taps there; its root is the
//! host's file system, read-only, and only the lab's folder can be written. Its init is the [agent](agent::agent), which
//! performs the requests that come over its serial line. **The guest lives as long as the line is open**: when the
//! story ends, however it ends, the line closes and the agent powers the guest off.

use std::fs::{self, File};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

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
    line: Line<UnixStream>,
    console: PathBuf,
}

impl Guest {
    /// Boots a guest with `cables` network cards: `vec0` at the native tap `tap0`, and so on.
    pub fn boot(native: &Site, opening: &Opening, cables: usize) -> Result<Self> {
        if !Path::new(KERNEL).exists() {
            return Err(Error::NotInstalled { program: KERNEL.to_owned(), package: "user-mode-linux" });
        }
        let home = opening.shared.first().map(|folder| folder.join("guest")).unwrap_or_default();
        let console = home.join("console.log");
        let (ours, theirs) = UnixStream::pair().doing(|| "making the serial line".to_owned())?;
        let kernel = command(native, &home, &console, cables, theirs)
            .and_then(|mut command| command.spawn().doing(|| format!("starting {KERNEL}")))?;
        let mut guest = Self { kernel, line: Line::new(ours), console };
        match guest.exchange(BOOT_LIMIT, None)? {
            Response::Done => {}
            other => return Err(guest.lost(&format!("greets with {other:?}"))),
        }
        guest.line.send(opening).map_err(|error| guest.lost(&format!("does not listen: {error}")))?;
        Ok(guest)
    }

    /// Has the guest perform a request.
    pub fn ask(&mut self, request: &Request) -> Result<Response> {
        let own = if let Request::Run { limit, .. } = request { *limit } else { Duration::ZERO };
        self.exchange(ANSWER_LIMIT + own, Some(request))
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

    fn exchange(&mut self, limit: Duration, request: Option<&Request>) -> Result<Response> {
        let sent = request.map_or(Ok(()), |request| self.line.send(request));
        let answer = sent.and_then(|()| {
            self.line.stream().set_read_timeout(Some(limit))?;
            self.line.receive()
        });
        match answer {
            Ok(Some(response)) => Ok(response),
            Ok(None) => Err(self.lost("is gone")),
            Err(error) => Err(self.lost(&format!("does not answer to {request:?}: {error}"))),
        }
    }

    fn lost(&self, what: &str) -> Error {
        Error::Guest { what: what.to_owned(), console: tail(&self.console) }
    }
}

/// The kernel's command line, as a command in the native switch.
fn command(native: &Site, home: &Path, console: &Path, cables: usize, line: UnixStream) -> Result<Command> {
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
        .args(["con=null", "con0=null,fd:1", "ssl=null", "ssl0=fd:0", "umid=guest"])
        .arg(format!("uml_dir={}/", home.display()))
        .arg(format!("init={}", init.display()))
        .args((0..cables).map(|n| format!("vec{n}:transport=tap,ifname=tap{n},depth=128,gro=0")))
        .env("LD_PRELOAD", shim)
        // The guest's memory is a file here.
        .env("TMPDIR", "/dev/shm")
        .stdin(OwnedFd::from(line))
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
