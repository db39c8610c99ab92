//! The first checker process, which is forked and not started.
//!
//! A load balancer that starts has no table, and every moment until it has one is an outage. **So the parent, which has just
//! read the file and has no runtime yet, programs the table itself, and then forks the process that keeps it from then on**:
//! nothing is sent or linked a second time, and what that process needs of its own is made when the table is there. Each later
//! checker process is started by name, as every VRRP process is ([`super::child`]).

use std::fs::{self, File};
use std::io::{self, PipeReader, PipeWriter};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;

use nix::unistd::{ForkResult, Pid, dup2_stderr, dup2_stdin, dup2_stdout, fork};

use super::children::check_scripts;
use super::{PidFiles, Role};
use crate::checker_process::{self, FirstTable};
use crate::cli::Options;
use crate::configuration::Configuration;
use crate::pid_file::PidFile;
use crate::scheduling::name_process;

/// A process that is forked and that nobody watches yet.
pub struct First {
    pub pid: Pid,
    pub stream: UnixStream,
    pub stderr: PipeReader,
    pub pid_file: PidFile,
}

impl First {
    /// Programs the table and forks its process, where that is possible; the child never returns. `own` is the parent's pid
    /// file. Whatever stands in the way is left to the start by name, which reports it.
    pub fn fork(
        options: &Options,
        configuration: &Configuration,
        pid_files: &PidFiles,
        own: &PidFile,
    ) -> Option<Self> {
        if !options.wants_checker() || !is_alone() {
            return None;
        }
        let Configuration { virtual_servers: servers, rest, .. } = configuration;
        let mut pid_file = PidFile::take(&pid_files.child(Role::Checker)).ok()?;
        let lines = Lines::open().ok()?;
        let table = FirstTable::fill(rest, servers)?;
        // SAFETY: the process has no other thread, so that the child finds no lock held and no state half changed.
        match unsafe { fork() } {
            Ok(ForkResult::Child) => {
                let files = [own, &pid_file].map(PidFile::close_copy);
                let stream = files.into_iter().collect::<io::Result<()>>().and_then(|()| lines.into_child());
                let exit = match stream {
                    Ok(stream) => {
                        let scripts = check_scripts(rest, servers);
                        let detail = options.log_detail > 0;
                        let prepared = table.take_up(rest, servers, configuration.seed(), detail);
                        checker_process::go_on(stream, options, prepared, &rest.lvs, scripts)
                    }
                    Err(error) => {
                        eprintln!("cannot start: {error}");
                        crate::exit::Exit::Fatal
                    }
                };
                // What the parent's variables would do at their end is the parent's.
                std::process::exit(exit.status().into())
            }
            Ok(ForkResult::Parent { child }) => {
                let pid = u32::try_from(child.as_raw()).unwrap_or_default();
                if let Err(error) = pid_file.write(pid) {
                    tracing::error!("{error}");
                }
                Some(Self { pid: child, stream: lines.ours, stderr: lines.stderr.0, pid_file })
            }
            Err(error) => {
                tracing::warn!("cannot fork the checker process: {error}");
                None
            }
        }
    }
}

/// Whether this process has one thread.
fn is_alone() -> bool {
    fs::read_dir("/proc/self/task").is_ok_and(|threads| threads.count() == 1)
}

/// Between the two: messages both ways, and what the child writes to standard error.
struct Lines {
    ours: UnixStream,
    theirs: UnixStream,
    stderr: (PipeReader, PipeWriter),
}

impl Lines {
    fn open() -> io::Result<Self> {
        let (ours, theirs) = UnixStream::pair()?;
        Ok(Self { ours, theirs, stderr: io::pipe()? })
    }

    /// Makes them the child's, whose standard output goes nowhere.
    fn into_child(self) -> io::Result<UnixStream> {
        dup2_stdin(&self.theirs)?;
        dup2_stdout(File::options().write(true).open("/dev/null")?)?;
        dup2_stderr(&self.stderr.1)?;
        name_process(None);
        // SAFETY: there is no other thread that could look at the environment.
        unsafe { std::env::remove_var("NOTIFY_SOCKET") };
        io::stdin().as_fd().try_clone_to_owned().map(UnixStream::from)
    }
}
