//! What a site can be asked, and what it answers: the whole vocabulary between a story and the hosts it runs on.
//!
//! **Every request is plain data**, so that it means the same whether it is performed in the story's own process or
//! in the embedded kernel on the other end of a line.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// What a site is told before its first request.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Opening {
    /// The lab's name, with which the names of its namespaces begin.
    pub lab: String,
    /// Directories that every host sees even if they lie under its private `/tmp` or `/run`: the lab's folder (the
    /// first), and the one that the programs under test are in.
    pub shared: Vec<PathBuf>,
}

/// A task for a site.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Request {
    /// Say the same again (what the channel's law is proved with).
    Echo(String),
    /// Make a LAN: a bridge in the site's switch.
    AddLan {
        /// Its name, at most 15 characters.
        lan: String,
    },
    /// Make a tap interface and plug it into a LAN: the native end of a guest's cable.
    AddTap {
        /// The LAN.
        lan: String,
        /// The interface's name.
        tap: String,
    },
    /// Plug an interface that the kernel came with into a LAN: the guest's end of that cable.
    Adopt {
        /// The LAN.
        lan: String,
        /// The interface's name.
        interface: String,
    },
    /// Make a host: namespaces for network, host name and mounts.
    AddHost {
        /// Its name, which is its host name too.
        host: String,
    },
    /// Give a host an interface on a LAN.
    Connect(Cable),
    /// Change how an interface's port at the switch behaves.
    SetPort {
        /// The host.
        host: String,
        /// The host's interface.
        interface: String,
        /// The LAN that it belongs to.
        lan: String,
        /// What the port is to do.
        port: Port,
    },
    /// Add an address to an interface of a host, or remove it.
    SetAddress {
        /// The host.
        host: String,
        /// Its interface.
        interface: String,
        /// The address with its prefix length.
        address: IpNet,
        /// Whether it is to be there.
        present: bool,
    },
    /// List the addresses of a host.
    Addresses {
        /// The host.
        host: String,
    },
    /// Write a network sysctl of a host.
    Sysctl {
        /// The host.
        host: String,
        /// The path below `/proc/sys/net`, such as `ipv4/conf/lo/arp_ignore`.
        name: String,
        /// The value.
        value: String,
    },
    /// Start a program and leave it running.
    Start {
        /// The host.
        host: String,
        /// The program.
        command: CommandSpec,
        /// The file that receives its output.
        log: PathBuf,
    },
    /// Run a program to its end.
    Run {
        /// The host.
        host: String,
        /// The program.
        command: CommandSpec,
        /// It is killed, with its children, when this has passed.
        limit: Duration,
    },
    /// Send a signal to a started program.
    Signal {
        /// Its process id.
        pid: u32,
        /// The signal's number.
        signal: i32,
    },
    /// Kill a started program and all its descendants, at once.
    Kill {
        /// Its process id.
        pid: u32,
    },
    /// Kill everything on a host, at once.
    KillHost {
        /// The host.
        host: String,
    },
    /// Ask how a started program is doing.
    Status {
        /// Its process id.
        pid: u32,
    },
    /// List a started program and its descendants.
    Tree {
        /// Its process id.
        pid: u32,
    },
}

/// A host's cable to a LAN.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Cable {
    /// The host.
    pub host: String,
    /// The LAN.
    pub lan: String,
    /// The host's interface.
    pub interface: String,
    /// Its hardware address.
    pub mac: [u8; 6],
    /// Its addresses.
    pub addresses: Vec<IpNet>,
}

/// What a port of the switch does with its host's frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Port {
    /// Forwards them.
    Open,
    /// Is down: the host loses its carrier.
    Cut,
    /// Drops them in both directions, with the carrier up: nobody can see why it is silent.
    Silent,
}

/// A program with its arguments.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CommandSpec {
    /// Its path or name.
    pub program: String,
    /// Its arguments.
    pub args: Vec<String>,
    /// Environment variables that it gets beside PATH, HOME and LANG.
    pub env: BTreeMap<String, String>,
}

/// What a site answers.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Response {
    /// It is done.
    Done,
    /// To [`Request::Echo`].
    Echo(String),
    /// To [`Request::Addresses`].
    Addresses(Vec<AddressView>),
    /// To [`Request::Start`]: the process id.
    Started(u32),
    /// To [`Request::Run`].
    Ran(Output),
    /// To [`Request::Status`]: how it ended, if it has.
    Status(Option<ExitView>),
    /// To [`Request::Tree`]: the process ids, parents before their children.
    Tree(Vec<u32>),
    /// It could not be done.
    Failed(String),
}

/// An address of a host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressView {
    /// The interface that has it.
    pub interface: String,
    /// The address with its prefix length.
    pub address: IpNet,
    /// Its label, for IPv4.
    pub label: Option<String>,
}

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ExitView {
    /// With this exit code.
    Code(i32),
    /// By this signal.
    Signal(i32),
}

/// What a program printed and how it ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// How it ended; `None` if it was killed because its time was over.
    pub exit: Option<ExitView>,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}
