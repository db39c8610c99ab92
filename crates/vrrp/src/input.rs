//! Everything that can happen to a [`Router`](crate::Router). **Nothing else reaches it**: no clock, no socket, no file.

use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::action::{InstanceId, Membership, Protocol};
use crate::link::{IfIndex, LinkView};
use crate::snapshot::InstanceSnapshot;
use crate::spec::{Held, RouterSpec, TrackerId};

/// One thing that happened.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Input {
    /// What shall run from now on: the first configuration, or a reload.
    Configure(RouterSpec),
    /// Before the first [`Input::Configure`] of a process that replaces a crashed one: what its predecessor was doing.
    Resume(Vec<InstanceSnapshot>),
    /// A VRRP packet, undecoded.
    Packet(Packet),
    /// A deadline has passed. The driver feeds every packet that was waiting before it feeds a tick.
    Tick,
    /// An interface as it is now.
    Link(LinkView),
    /// All interfaces as they are now: what is not among them is gone. After a start and after lost notifications.
    Links(Vec<LinkView>),
    /// The interface with this number is gone.
    LinkGone(IfIndex),
    /// Somebody else removed these routes and rules. (Removed addresses are seen in the links.)
    Lost(Vec<Held>),
    /// Routes and rules may be missing: notifications of the kernel were lost, or an interface was down for a moment.
    Doubt,
    /// What a tracker of a script, file, process or BFD session says now.
    Track {
        /// Which.
        tracker: TrackerId,
        /// Its state.
        state: TrackerState,
    },
    /// The wall clock shows this now. Before the first packet, and whenever it was set.
    WallClock(UnixTime),
    /// What became of an action.
    Done(Done),
    /// Stop all instances: the end of [`Router::is_stopped`](crate::Router::is_stopped) waiting.
    Stop,
    /// End without a word to anybody, and leave what the instances hold where it is (keepalived's
    /// `--dont-release-vrrp`). Only what is static is removed.
    Abandon,
}

/// What a tracker says.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum TrackerState {
    /// Nothing yet: a script's first result is awaited.
    Unknown,
    /// All is well.
    Up,
    /// All is not.
    Down,
    /// The number in a file.
    Value(i64),
}

/// A point in the world's time: microseconds since 1970-01-01 00:00 UTC.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct UnixTime(pub u64);

impl core::ops::Add<Duration> for UnixTime {
    type Output = Self;

    /// Saturates at the end of time.
    fn add(self, later_by: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(later_by.as_micros()).unwrap_or(u64::MAX)))
    }
}

/// A VRRP packet as it came from a raw socket.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Packet {
    /// Where it came in.
    pub interface: IfIndex,
    /// Source address of its IP header.
    pub source: IpAddr,
    /// Destination address of its IP header.
    pub destination: IpAddr,
    /// Its TTL or hop limit on arrival.
    pub ttl: u8,
    /// Identification in its IPv4 header, which an authentication header covers; 0 for IPv6.
    pub id: u16,
    /// What its IP header says follows.
    pub protocol: Protocol,
    /// What follows the IP header, as long as the IP header says.
    pub payload: Vec<u8>,
}

impl Packet {
    /// The same, with the payload where it lies.
    pub fn view(&self) -> PacketView<'_> {
        let Self { interface, source, destination, ttl, id, protocol, ref payload } = *self;
        PacketView { interface, source, destination, ttl, id, protocol, payload }
    }
}

/// A [`Packet`] that still lies in the buffer into which it was received.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PacketView<'a> {
    /// As [`Packet::interface`].
    pub interface: IfIndex,
    /// As [`Packet::source`].
    pub source: IpAddr,
    /// As [`Packet::destination`].
    pub destination: IpAddr,
    /// As [`Packet::ttl`].
    pub ttl: u8,
    /// As [`Packet::id`].
    pub id: u16,
    /// As [`Packet::protocol`].
    pub protocol: Protocol,
    /// As [`Packet::payload`].
    pub payload: &'a [u8],
}

impl PacketView<'_> {
    /// The same, with a payload of its own.
    pub fn to_packet(&self) -> Packet {
        let Self { interface, source, destination, ttl, id, protocol, payload } = *self;
        Packet { interface, source, destination, ttl, id, protocol, payload: payload.to_vec() }
    }
}

/// What became of an action.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Done {
    /// The kernel was made to agree with a [`Want`](crate::action::Want), but for these.
    Applied {
        /// Whose.
        instance: InstanceId,
        /// The number of that want; an answer to an older one is ignored.
        serial: u64,
        /// What could not be added or removed, with the kernel's error number.
        failed: Vec<(Held, i32)>,
    },
    /// An advert was not sent.
    SendFailed {
        /// Whose.
        instance: InstanceId,
        /// The kernel's error number.
        errno: i32,
    },
    /// A [`Listen`](crate::action::Action::Listen) worked, or failed with the kernel's error number.
    Listening {
        /// What was listened for.
        membership: Membership,
        /// The outcome.
        result: Result<(), i32>,
    },
}
