//! A child process: this executable started again with the same arguments, its role in the environment, and one end of a
//! socket pair as its standard input. The [first](super::first) checker process is forked and not started, which makes no
//! difference to anybody afterwards.

use std::fmt;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{ExitStatus, Stdio};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf, pipe};
use tokio::process::Command;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::Instant;

use super::Event;
use super::first::First;
use crate::exit::Exit;
use crate::ipc::{self, Decoder};
use crate::pid_file::PidFile;

/// Names the role to a child.
pub const ROLE_VARIABLE: &str = "STAYD_ROLE";

/// A line of standard error longer than this is cut: a child that goes mad must not fill our memory.
const LONGEST_LINE: u64 = 4096;

/// What a child is for. In the order in which they are started and stopped.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Role {
    /// VRRP.
    Vrrp,
    /// Health checks and IPVS.
    Checker,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Vrrp, Self::Checker];

    /// Its name in messages and in the environment.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Vrrp => "vrrp",
            Self::Checker => "checker",
        }
    }

    /// The role that has this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}

/// How a child ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ended {
    /// By itself.
    Exit(Exit),
    /// By a signal.
    Signal(i32),
    /// Nobody knows: waiting for it failed.
    Unknown,
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exit(exit) => write!(f, "exit status {}", exit.status()),
            Self::Signal(signal) => write!(f, "signal {signal}"),
            Self::Unknown => f.write_str("nobody knows how"),
        }
    }
}

impl From<ExitStatus> for Ended {
    fn from(status: ExitStatus) -> Self {
        match (status.code().and_then(|code| u8::try_from(code).ok()), status.signal()) {
            (Some(code), _) => Self::Exit(Exit::from_status(code)),
            (None, Some(signal)) => Self::Signal(signal),
            (None, None) => Self::Unknown,
        }
    }
}

/// A running child.
pub struct Child {
    /// Which of the children with this role, so that late news of a former one are told apart.
    pub generation: u64,
    /// Its number.
    pub pid: u32,
    /// When it was started.
    pub started: Instant,
    /// It has been told to end.
    pub stopping: bool,
    messages: UnboundedSender<Vec<u8>>,
    _pid_file: PidFile,
}

impl Child {
    /// Starts a child; what it says and how it ends comes as events.
    ///
    /// # Errors
    /// The process cannot be started, or its pid file cannot be written.
    pub fn spawn(
        role: Role,
        generation: u64,
        pid_file: &Path,
        events: &UnboundedSender<Event>,
    ) -> io::Result<Self> {
        let mut pid_file = PidFile::take(pid_file).map_err(io::Error::other)?;
        let (ours, theirs) = StdUnixStream::pair()?;
        let mut arguments = std::env::args_os();
        let mut command = Command::new("/proc/self/exe");
        if let Some(name) = arguments.next() {
            command.arg0(name);
        }
        let mut process = command
            .args(arguments)
            .env(ROLE_VARIABLE, role.name())
            .env_remove("NOTIFY_SOCKET")
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let pid = process.id().unwrap_or_default();
        pid_file.write(pid).map_err(io::Error::other)?;
        if let Some(stderr) = process.stderr.take() {
            tokio::spawn(read_lines(stderr, role, events.clone()));
        }
        let end = async move { process.wait().await.map_or(Ended::Unknown, Ended::from) };
        let messages = watch(role, generation, ours, events, end)?;
        Ok(Self { generation, pid, started: Instant::now(), stopping: false, messages, _pid_file: pid_file })
    }

    /// Watches a checker process that was forked, as one that was started.
    ///
    /// # Errors
    /// The runtime does not take its lines.
    pub fn adopt(first: First, generation: u64, events: &UnboundedSender<Event>) -> io::Result<Self> {
        let First { pid: number, stream, stderr, pid_file } = first;
        let role = Role::Checker;
        let stderr = pipe::Receiver::from_owned_fd(stderr.into())?;
        tokio::spawn(read_lines(stderr, role, events.clone()));
        let messages = watch(role, generation, stream, events, ended(number))?;
        let pid = u32::try_from(number.as_raw()).unwrap_or_default();
        Ok(Self { generation, pid, started: Instant::now(), stopping: false, messages, _pid_file: pid_file })
    }

    /// Sends a message.
    pub fn send<T: Serialize>(&self, message: &T) {
        match ipc::encode(message) {
            // A child that is gone is told of by its end.
            Ok(bytes) => drop(self.messages.send(bytes)),
            Err(error) => tracing::error!("a message to a child was lost: {error}"),
        }
    }

    /// Ends it the hard way.
    pub fn kill(&self) {
        if let Ok(pid) = i32::try_from(self.pid)
            && pid > 0
        {
            // It may have ended this moment.
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
    }
}

/// Has what a child says and how it ends come as events; what is sent to the sender returned goes to the child.
fn watch(
    role: Role,
    generation: u64,
    stream: StdUnixStream,
    events: &UnboundedSender<Event>,
    end: impl Future<Output = Ended> + Send + 'static,
) -> io::Result<UnboundedSender<Vec<u8>>> {
    stream.set_nonblocking(true)?;
    let (reader, writer) = UnixStream::from_std(stream)?.into_split();
    let (messages, outgoing) = unbounded_channel();
    tokio::spawn(write(writer, outgoing));
    let events = events.clone();
    tokio::spawn(async move {
        // Everything that it said comes before the news of its end.
        match role {
            Role::Vrrp => read(reader, &events, |message| Event::Vrrp(generation, message)).await,
            Role::Checker => read(reader, &events, |message| Event::Checker(generation, message)).await,
        }
        // The daemon itself is at its end if nobody listens.
        let _ = events.send(Event::Ended(generation, role, end.await));
    });
    Ok(messages)
}

/// Waits for the end of a child that was forked.
async fn ended(pid: Pid) -> Ended {
    let Ok(mut deaths) = signal(SignalKind::child()) else { return Ended::Unknown };
    loop {
        match waitpid(pid, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::Exited(_, code)) => {
                return u8::try_from(code)
                    .map_or(Ended::Unknown, |code| Ended::Exit(Exit::from_status(code)));
            }
            Ok(WaitStatus::Signaled(_, signal, _)) => return Ended::Signal(signal as i32),
            Ok(_) | Err(Errno::EINTR) => {}
            Err(_) => return Ended::Unknown,
        }
        deaths.recv().await;
    }
}

async fn write(mut stream: OwnedWriteHalf, mut outgoing: UnboundedReceiver<Vec<u8>>) {
    while let Some(bytes) = outgoing.recv().await {
        if stream.write_all(&bytes).await.is_err() {
            return;
        }
    }
}

/// Reads messages until the child closes its end, or says what makes no sense.
async fn read<T: DeserializeOwned>(
    mut stream: OwnedReadHalf,
    events: &UnboundedSender<Event>,
    event: impl Fn(T) -> Event,
) {
    let (mut decoder, mut buffer) = (Decoder::default(), vec![0; 64 * 1024]);
    loop {
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(length) => decoder.push(&buffer[..length]),
        }
        loop {
            match decoder.next() {
                Ok(None) => break,
                Ok(Some(message)) => {
                    if events.send(event(message)).is_err() {
                        return;
                    }
                }
                Err(error) => {
                    tracing::error!("a child sent nonsense: {error}");
                    return;
                }
            }
        }
    }
}

async fn read_lines(stderr: impl AsyncRead + Unpin, role: Role, events: UnboundedSender<Event>) {
    let mut reader = BufReader::new(stderr);
    loop {
        let mut line = Vec::new();
        let mut limited = (&mut reader).take(LONGEST_LINE);
        match limited.read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {
                let text = String::from_utf8_lossy(&line).trim_end().to_owned();
                if events.send(Event::Stderr(role, text)).is_err() {
                    return;
                }
            }
        }
    }
}
