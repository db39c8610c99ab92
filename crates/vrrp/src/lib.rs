//! The Virtual Router Redundancy Protocol as a machine without input or output: packets, election, tracking and the
//! announcement schedule, as functions of (state, input, time).
//!
//! [`Router::handle`] is the one door in, [`Router::next_action`] and [`Router::next_deadline`] are the one door out.
//! A driver performs the actions, feeds their outcome back and keeps the time:
//!
//! ```
//! use clock::Instant;
//! use vrrp::{Input, Router, RouterSpec};
//!
//! let mut router = Router::new();
//! router.handle(Instant::ZERO, Input::Configure(RouterSpec::default()));
//! assert_eq!(router.next_action(), None);
//! assert_eq!(router.next_deadline(), None);
//! ```
//!
//! Clauses of RFC 3768 (version 2) and RFC 9568 (version 3, which calls the master *active*) stand beside the branches
//! that they ask for. Where keepalived differs from them, keepalived's behaviour is the default.

mod action;
mod advert;
mod ah;
mod announcer;
mod checksum;
mod counters;
mod deadlines;
mod debounce;
mod event;
mod group;
mod hold;
mod input;
mod instance;
mod link;
mod links;
mod replay;
mod router;
mod snapshot;
pub mod spec;
mod statics;
mod status;
pub mod time;
mod trailer;
mod vmac;

pub use action::{Action, Announce, InstanceId, Membership, Protocol, Send, Want};
pub use advert::{Advert, AdvertError, AuthenticationData};
pub use counters::Counters;
pub use event::{Event, FaultCause, Reject, StateName, Subject, Transition, What, Why};
pub use input::{Done, Input, Packet, PacketView, TrackerState, UnixTime};
pub use link::{IfIndex, LinkAddress, LinkView};
pub use router::Router;
pub use snapshot::InstanceSnapshot;
pub use spec::*;
pub use status::InstanceStatus;
pub use time::Centiseconds;
pub use vmac::{ExistingLink, VmacLink, leftovers, take_vmacs};
