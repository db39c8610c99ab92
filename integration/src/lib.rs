//! The lab: hosts as network namespaces, and stories about them.
//!
//! A story builds hosts on LANs, starts programs on them, pulls cables and kills processes, waits for what must follow,
//! and measures it on the wire:
//!
//! ```no_run
//! use lab::wait::seconds;
//! use lab::{Daemon, Lab};
//!
//! # fn main() -> lab::Result {
//! let lab = Lab::native()?;
//! let lan = lab.lan("lan")?;
//! let d1 = lab.host("d1")?;
//! d1.connect(&lan, "eth0", &["192.168.0.20/24"])?;
//! let wire = lan.capture()?;
//! let daemon = d1.start_daemon(Daemon::Keepalived, "vrrp_instance VI_1 { ... }")?;
//! d1.wait_for_address("192.168.0.10", seconds(5))?;
//! d1.cut("eth0")?;
//! daemon.kill()?;
//! lab.close()
//! # }
//! ```
//!
//! # How it is built
//!
//! * A [`Site`](site::Site) is a set of hosts on one kernel. Everything that a story does to a host is a
//!   [`Request`](site::Request) that the site performs and answers.
//! * [`Lab::native`] has one site, on the kernel that the story runs on. [`Lab::with_ipvs`] adds a second one where that
//!   kernel has no IPVS: a User-Mode Linux guest, started inside the namespace of the native switch and plugged into
//!   the LAN by a tap interface. Its init performs the same requests, which come over a line of its own.
//! * Only what needs IPVS lives in the guest ([`Lab::director`]): system calls are several times slower there. RabbitMQ,
//!   clients and pure VRRP hosts are native ([`Lab::host`]).
//! * [`Capture`] listens on the native end of the LAN, through which all frames between hosts of both sites pass.
//!
//! **What a lab makes ends with it**, whether the story ends well, panics or is killed: see [`Lab`].

mod capture;
pub mod client;
pub mod configuration;
mod daemon;
mod error;
mod guest;
mod host;
mod lab;
mod leftovers;
mod listener;
pub mod pair;
mod process;
mod rabbit;
pub mod site;
pub mod wait;

pub use capture::{Advert, Announcement, Capture, now};
pub use client::AmqpClient;
pub use daemon::Daemon;
pub use error::{Error, Result};
pub use guest::agent;
pub use host::Host;
pub use lab::{Lab, Lan};
pub use leftovers::janitor;
pub use listener::Listener;
pub use process::Process;
pub use rabbit::{RabbitCluster, RabbitNode};
