//! The first checker process, which is forked and not started.
//!
//! A load balancer that starts has no table, and every moment until it has one is an outage. **So the parent, which has just
//! read the file and has no runtime yet, programs the table itself and forks the process that keeps it from then on**:
//! nothing is encoded, sent, decoded or linked a second time. Each later checker process is started by name, as every VRRP
//! process is ([`super::child`]).

use std::fs::{self, File};
use std::io::{self, PipeReader, PipeWriter};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;

use checker::VirtualServerSpec;
use ipvs::ServiceKey;
use nix::unistd::{ForkResult, Pid, dup2_stderr, dup2_stdin, dup2_stdout, fork};

use super::{PidFiles, Role, check_scripts};
use crate::checker_process::{self, Opened};
use crate::cli::Options;
use crate::configuration::Configuration;
use crate::ipc;
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
        configuration: &mut Configuration,
        pid_files: &PidFiles,
        own: &PidFile,
    ) -> Option<Self> {
        if !options.wants_checker() || !is_alone() {
            return None;
        }
        let order = Order::of(&configuration.virtual_servers)?;
        let opened = Opened::open(&configuration.rest, &configuration.virtual_servers)?;
        let mut pid_file = PidFile::take(&pid_files.child(Role::Checker)).ok()?;
        let lines = Lines::open().ok()?;
        // Who is told of servers lies in memory between the servers themselves: what is made of those takes its place.
        let told = ipc::encode(&configuration.rest.server_events).ok()?;
        configuration.rest.server_events = Vec::new();
        let servers = std::mem::take(&mut configuration.virtual_servers);
        let prepared =
            opened.program(&configuration.rest, servers, configuration.seed(), options.log_detail > 0);
        // SAFETY: the process has no other thread, so that the child finds no lock held and no state half changed.
        match unsafe { fork() } {
            Ok(ForkResult::Child) => {
                let scripts = check_scripts(&configuration.rest, prepared.virtual_servers());
                let files = [own, &pid_file].map(PidFile::close_copy);
                let stream = files.into_iter().collect::<io::Result<()>>().and_then(|()| lines.into_child());
                let exit = match stream {
                    Ok(stream) => {
                        checker_process::go_on(stream, options, prepared, &configuration.rest.lvs, scripts)
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
                configuration.virtual_servers = order.restore(prepared.into_virtual_servers());
                configuration.rest.server_events = ipc::decode(&told).unwrap_or_default();
                let pid = u32::try_from(child.as_raw()).unwrap_or_default();
                if let Err(error) = pid_file.write(pid) {
                    tracing::error!("{error}");
                }
                Some(Self { pid: child, stream: lines.ours, stderr: lines.stderr.0, pid_file })
            }
            Err(error) => {
                tracing::warn!("cannot fork the checker process: {error}");
                configuration.virtual_servers = order.restore(prepared.into_virtual_servers());
                configuration.rest.server_events = ipc::decode(&told).unwrap_or_default();
                None
            }
        }
    }
}

/// Whether this process has one thread.
fn is_alone() -> bool {
    fs::read_dir("/proc/self/task").is_ok_and(|threads| threads.count() == 1)
}

/// The order of virtual servers in the file, which their process does not keep.
enum Order {
    /// That of their first services, by which they are sorted anyway.
    Ascending,
    Of(Vec<ServiceKey>),
}

impl Order {
    /// None: some have no service, or not one of their own.
    fn of(servers: &[VirtualServerSpec]) -> Option<Self> {
        let first = |server: &VirtualServerSpec| server.services.first().copied();
        if servers.iter().map(first).is_sorted_by(|one, next| one < next) {
            return servers.first().is_none_or(|server| first(server).is_some()).then_some(Self::Ascending);
        }
        let keys = servers.iter().map(first).collect::<Option<Vec<_>>>()?;
        let mut sorted = keys.clone();
        sorted.sort_unstable();
        sorted.windows(2).all(|pair| pair[0] != pair[1]).then_some(Self::Of(keys))
    }

    /// Brings them back into it.
    fn restore(self, mut servers: Vec<VirtualServerSpec>) -> Vec<VirtualServerSpec> {
        if let Self::Of(keys) = self {
            let places = keys.iter().enumerate().map(|(place, key)| (*key, place));
            let places: std::collections::BTreeMap<_, _> = places.collect();
            servers.sort_by_key(|server| server.services.first().and_then(|key| places.get(key)).copied());
        }
        servers
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn server(port: u16, services: usize) -> VirtualServerSpec {
        let text = format!(
            "virtual_server 192.0.2.1 {port} {{\n protocol TCP\n real_server 192.0.2.9 {port} {{\n }}\n}}\n"
        );
        let files = config::MemoryFiles::one("f", text);
        let loaded = config::load("f", &files, &config::MemoryHost::default(), &config::Options::default());
        let mut server = loaded.model.virtual_servers.into_iter().next().unwrap();
        server.services.truncate(services);
        server
    }

    fn ports(servers: &[VirtualServerSpec]) -> Vec<&str> {
        servers.iter().map(|server| server.name.as_str()).collect()
    }

    #[test]
    fn virtual_servers_come_back_in_the_order_of_the_file() {
        for numbers in [[80, 81, 82], [82, 80, 81]] {
            let servers: Vec<_> = numbers.iter().map(|port| server(*port, 1)).collect();
            let order = Order::of(&servers).unwrap();
            let mut sorted = servers.clone();
            sorted.sort_by_key(|server| server.services[0]);
            assert_eq!(ports(&order.restore(sorted)), ports(&servers));
        }
    }

    #[test]
    fn those_that_share_a_service_or_have_none_have_no_order_of_their_own() {
        for (ports, services) in [([80, 80], 1), ([81, 80], 0), ([80, 81], 0)] {
            let servers = ports.map(|port| server(port, services));
            assert!(Order::of(&servers).is_none(), "{ports:?} {services}");
        }
    }
}
