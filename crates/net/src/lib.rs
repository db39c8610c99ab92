//! The host's network as the daemon touches it: VRRP sockets, announcements, addresses, and a mirror of the kernel's
//! interfaces.
//!
//! **Nothing here decides**: each part does what it is told and reports what the kernel said. Nothing waits either:
//! every socket is non-blocking, and a netlink request is answered before its send returns.

mod announcement;
mod announcer;
mod control;
mod firewall;
mod holdings;
mod ioctl;
pub mod linkbeat;
mod links;
mod mirror;
mod monotonic;
mod receiver;
mod route;
mod sender;
pub mod sysctl;
mod vmac;
mod wire;

pub use announcement::{gratuitous_arp, unsolicited_advertisement};
pub use announcer::Announcer;
pub use firewall::{Filter, Firewall, FirewallSettings, MarkSettings, MarkedRange, Marking};
pub use holdings::{Holdings, Loss};
pub use ioctl::mtu;
pub use links::Links;
pub use mirror::{Change, LinkFacts, Mirror, survey};
pub use monotonic::now;
pub use receiver::{Received, Receiver};
pub use route::HostRoutes;
pub use sender::Sender;
pub use vmac::{VmacError, Vmacs};
