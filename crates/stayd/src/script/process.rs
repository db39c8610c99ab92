//! The first process of a script.

use std::ffi::c_uint;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, killpg};
use nix::sys::stat::{Mode, umask};
use nix::unistd::{Pid, getpid, getppid, setgid, setgroups, setuid};
use tokio::io::unix::AsyncFd;

use super::{Job, Outcome};
use crate::{descriptors, ready};

/// Variables that would change what a script does and that no script of keepalived's sees.
const REMOVED: [&str; 3] = ["IFS", "LD_PRELOAD", "LD_LIBRARY_PATH"];

/// Leader of the process group of a script.
pub struct Leader {
    child: Child,
    /// Readable once the process has ended; unlike waiting, looking at it does not reap.
    end: AsyncFd<OwnedFd>,
}

impl Leader {
    pub fn spawn(job: &Job) -> io::Result<Self> {
        let (program, arguments) =
            job.argv.split_first().ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        let mut command = Command::new(program);
        command.args(arguments).process_group(0);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        for name in REMOVED {
            command.env_remove(name);
        }
        let (user, parent, mask) = (job.user.clone(), getpid(), Mode::from_bits_truncate(job.umask));
        let change_user = !user.is_ours() || user.uid.is_root();
        let prepare = move || {
            umask(mask);
            close_rest();
            descriptors::put_back()?;
            if change_user {
                setgroups(&user.groups)?;
                setgid(user.gid)?;
                setuid(user.uid)?;
            }
            // After the change of user, which would undo it.
            nix::sys::prctl::set_pdeathsig(Signal::SIGTERM)?;
            if getppid() != parent {
                return Err(io::Error::from(io::ErrorKind::NotFound));
            }
            Ok(())
        };
        // SAFETY: `prepare` runs in the child between fork and exec and makes system calls only: it allocates nothing and
        // takes no lock.
        unsafe { command.pre_exec(prepare) };
        let mut child = command.spawn()?;
        match open_pid(&child).and_then(ready::watch) {
            Ok(end) => Ok(Self { child, end }),
            Err(error) => {
                // What cannot be watched must not run.
                let _ = child.kill();
                let _ = child.wait();
                Err(error)
            }
        }
    }

    pub fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).unwrap_or(0)
    }

    /// Waits until it has ended. It stays to be reaped.
    pub async fn ended(&mut self) {
        // An error here would be one of the runtime's; `reap` waits then.
        let _ = self.end.readable().await;
    }

    pub fn signal_group(&self, signal: Signal) {
        if self.pid() > 0 {
            // Nobody may be left in it.
            let _ = killpg(Pid::from_raw(self.pid()), signal);
        }
    }

    pub fn reap(mut self) -> Outcome {
        match self.child.wait() {
            Ok(status) => match (status.code(), status.signal()) {
                (Some(code), _) => Outcome::Exit(code),
                (None, Some(signal)) => Outcome::Signal(signal),
                (None, None) => Outcome::Unknown,
            },
            Err(_) => Outcome::Unknown,
        }
    }
}

/// What we opened is closed by itself when the script starts; what we were started with would not be.
fn close_rest() {
    let (first, last): (c_uint, c_uint) = (3, c_uint::MAX);
    // SAFETY: it marks descriptors of this process, which is about to execute another program, and touches no memory. A
    // kernel that does not know the call leaves the descriptors open.
    unsafe { libc::syscall(libc::SYS_close_range, first, last, libc::CLOSE_RANGE_CLOEXEC) };
}

fn open_pid(child: &Child) -> io::Result<OwnedFd> {
    // SAFETY: the call takes two numbers, and returns a new descriptor or -1.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, child.id(), 0) };
    let fd = i32::try_from(fd).map_err(io::Error::other)?;
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has just handed us this descriptor, and nobody else has it.
    let fd = unsafe { OwnedFd::from_raw_fd(fd) };
    debug_assert!(fd.as_raw_fd() > 2);
    Ok(fd)
}
