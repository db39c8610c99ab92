//! A site: hosts on one kernel, and the one door through which everything is done to them.
//!
//! [`Site::perform`] takes a [`Request`] and returns a [`Response`]. **The story's own process and the agent in the
//! embedded kernel call the same function**; what works natively works in the guest, because it is the same code.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::net::TcpListener;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use std::{mem, thread};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

mod links;
mod namespaces;
mod request;
mod tree;

pub(crate) use links::call_story;
use namespaces::Namespaces;
pub(crate) use namespaces::{NAMES, retract};
pub use request::{AddressView, Cable, CommandSpec, ExitView, Opening, Output, Port, Request, Response};
pub(crate) use tree::{inhabitants, kill_all};

/// Programs see this, and not what the story happened to be started with.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The hosts of a lab on one kernel. Dropping it kills all that runs on them and removes them.
#[derive(Debug)]
pub struct Site {
    opening: Opening,
    switch: Namespaces,
    hosts: BTreeMap<String, Namespaces>,
    started: BTreeMap<u32, Child>,
}

impl Site {
    /// Opens a site with an empty switch.
    ///
    /// # Errors
    ///
    /// If the namespace of the switch cannot be made.
    pub fn open(opening: Opening) -> io::Result<Self> {
        let switch = Namespaces::create(&format!("{}-switch", opening.lab), "switch", &opening.shared)?;
        links::settle(&switch)?;
        Ok(Self { opening, switch, hosts: BTreeMap::new(), started: BTreeMap::new() })
    }

    /// Does what is asked. What cannot be done is answered with [`Response::Failed`].
    pub fn perform(&mut self, request: Request) -> Response {
        let what = format!("{request:?}");
        self.attempt(request).unwrap_or_else(|error| {
            let what: String = what.chars().take(300).collect();
            Response::Failed(format!("{what}: {error}"))
        })
    }

    /// Does `work` inside the network namespace of the switch. Sockets that it opens stay there.
    pub(crate) fn within_switch<T: Send>(
        &self,
        work: impl FnOnce() -> io::Result<T> + Send,
    ) -> io::Result<T> {
        self.switch.within(work)
    }

    /// Does `work` inside the network namespace of a host. Sockets that it opens stay there.
    pub(crate) fn within_host<T: Send>(
        &self,
        host: &str,
        work: impl FnOnce() -> io::Result<T> + Send,
    ) -> io::Result<T> {
        self.host(host)?.within(work)
    }

    /// Makes the native end of a guest's control line: the name of a tap, and a socket that waits for the agent.
    pub(crate) fn listen_for_agent(&self) -> io::Result<(&'static str, TcpListener)> {
        links::listen_for_agent(&self.switch)
    }

    /// Makes `command` start in the namespaces of the switch.
    pub(crate) fn prepare_in_switch(&self, command: &mut Command) -> io::Result<()> {
        self.switch.prepare(command)
    }

    /// What `ip netns` calls the namespace of a host.
    pub(crate) fn netns_name(&self, host: &str) -> String {
        format!("{}-{host}", self.opening.lab)
    }

    fn attempt(&mut self, request: Request) -> io::Result<Response> {
        match request {
            Request::Echo(text) => return Ok(Response::Echo(text)),
            Request::AddLan { lan } => links::add_lan(&self.switch, &lan)?,
            Request::AddTap { lan, tap } => {
                links::add_tap(&self.switch, &tap)?;
                links::plug(&self.switch, &lan, &tap)?;
            }
            Request::Adopt { lan, interface } => {
                links::take(&self.switch, &interface)?;
                links::plug(&self.switch, &lan, &interface)?;
            }
            Request::AddHost { host } => {
                let namespaces = Namespaces::create(&self.netns_name(&host), &host, &self.opening.shared)?;
                links::settle(&namespaces)?;
                self.hosts.insert(host, namespaces);
            }
            Request::Connect(cable) => links::connect(&self.switch, self.host(&cable.host)?, &cable)?,
            Request::SetPort { host, interface, lan, port } => {
                links::set_port(&self.switch, &lan, &host, &interface, port)?;
            }
            Request::SetAddress { host, interface, address, present } => {
                links::set_address(self.host(&host)?, &interface, address, present)?;
            }
            Request::Addresses { host } => {
                return Ok(Response::Addresses(links::addresses(self.host(&host)?)?));
            }
            Request::Sysctl { host, name, value } => links::sysctl(self.host(&host)?, &name, &value)?,
            Request::Start { host, command, log } => {
                return Ok(Response::Started(self.start(&host, &command, &log)?));
            }
            Request::Run { host, command, limit } => {
                return Ok(Response::Ran(self.run(&host, &command, limit)?));
            }
            Request::Signal { pid, signal } => {
                self.child(pid)?;
                kill(unix(pid)?, Signal::try_from(signal)?)?;
            }
            Request::Kill { pid } => {
                self.child(pid)?;
                kill_all(|| tree::descendants(pid))?;
                self.child(pid)?.wait()?;
            }
            Request::KillHost { host } => {
                let namespaces = self.host(&host)?;
                kill_all(|| inhabitants(namespaces.net()).unwrap_or_default())?;
                // A zombie would make a daemon believe that the process in its old pid file is alive.
                for child in self.started.values_mut() {
                    child.try_wait()?;
                }
            }
            Request::Status { pid } => {
                let exit = self.child(pid)?.try_wait()?;
                return Ok(Response::Status(exit.map(view)));
            }
            Request::Tree { pid } => return Ok(Response::Tree(tree::descendants(pid))),
        }
        Ok(Response::Done)
    }

    fn host(&self, host: &str) -> io::Result<&Namespaces> {
        self.hosts.get(host).ok_or_else(|| io::Error::other(format!("there is no host {host} here")))
    }

    fn child(&mut self, pid: u32) -> io::Result<&mut Child> {
        self.started
            .get_mut(&pid)
            .ok_or_else(|| io::Error::other(format!("process {pid} was not started here")))
    }

    fn command(&self, host: &str, spec: &CommandSpec) -> io::Result<Command> {
        let mut command = Command::new(&spec.program);
        command.args(&spec.args).stdin(Stdio::null()).current_dir("/");
        command.env_clear().env("PATH", PATH).env("HOME", "/root").env("LANG", "C.UTF-8").envs(&spec.env);
        self.host(host)?.prepare(&mut command)?;
        Ok(command)
    }

    fn start(&mut self, host: &str, spec: &CommandSpec, log: &Path) -> io::Result<u32> {
        tree::reap_orphans(|pid| self.started.contains_key(&pid));
        let log = File::options().create(true).append(true).open(log)?;
        let child = self.command(host, spec)?.stdout(log.try_clone()?).stderr(log).spawn()?;
        let pid = child.id();
        self.started.insert(pid, child);
        Ok(pid)
    }

    fn run(&self, host: &str, spec: &CommandSpec, limit: Duration) -> io::Result<Output> {
        let mut child = self.command(host, spec)?.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let stdout = collect(child.stdout.take());
        let stderr = collect(child.stderr.take());
        let deadline = Instant::now() + limit;
        let exit = loop {
            if let Some(status) = child.try_wait()? {
                break Some(view(status));
            }
            if Instant::now() > deadline {
                kill_all(|| tree::descendants(child.id()))?;
                child.wait()?;
                break None;
            }
            thread::sleep(Duration::from_millis(1));
        };
        Ok(Output {
            exit,
            stdout: stdout.join().unwrap_or_default(),
            stderr: stderr.join().unwrap_or_default(),
        })
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        for namespaces in self.hosts.values().chain([&self.switch]) {
            if let Err(error) = kill_all(|| inhabitants(namespaces.net()).unwrap_or_default()) {
                eprintln!("lab: {}: {error}", namespaces.name());
            }
        }
        for (_, mut child) in mem::take(&mut self.started) {
            let _ = child.wait();
        }
    }
}

/// Reads a pipe to its end beside the loop that watches the clock.
fn collect(pipe: Option<impl io::Read + Send + 'static>) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            // A pipe that breaks has given what it had.
            let _ = pipe.read_to_end(&mut bytes);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

fn view(status: ExitStatus) -> ExitView {
    match (status.code(), status.signal()) {
        (Some(code), _) => ExitView::Code(code),
        (None, signal) => ExitView::Signal(signal.unwrap_or_default()),
    }
}

fn unix(pid: u32) -> io::Result<Pid> {
    i32::try_from(pid).map(Pid::from_raw).map_err(io::Error::other)
}

/// The path of a host's log.
pub(crate) fn log_path(folder: &Path, host: &str, name: &str) -> PathBuf {
    folder.join(host).join(format!("{name}.log"))
}
