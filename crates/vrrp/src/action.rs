//! Everything that a [`Router`](crate::Router) can ask of the world. **An action is a plain value**: it can be printed,
//! recorded and compared, and whoever performs it decides nothing.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::event::{Event, Transition};
use crate::link::IfIndex;
use crate::spec::{Family, Held};

/// An instance of a running router; never used twice in a process.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct InstanceId(pub u32);

impl InstanceId {
    /// Stands for what is held whatever the state of the instances.
    pub const STATIC: Self = Self(u32::MAX);
}

/// One thing to do.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Action {
    /// Send an advert; answered only if it fails.
    Send(Send),
    /// Make the kernel's addresses, routes and rules agree; answered by [`Done::Applied`](crate::input::Done::Applied).
    Want(Want),
    /// Tell the LAN where an address is: gratuitous ARP (RFC 9568 6.4.1) or unsolicited neighbour advertisement.
    Announce(Announce),
    /// Receive adverts; answered by [`Done::Listening`](crate::input::Done::Listening).
    Listen(Membership),
    /// Receive them no longer.
    Unlisten(Membership),
    /// Tell scripts, FIFOs and logs of a change of state.
    Notify(Transition),
    /// Log.
    Emit(Event),
}

/// What follows the IP header of an advert.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Protocol {
    /// The advert itself: protocol 112 (RFC 9568 5.1.1.4).
    Vrrp,
    /// An authentication header and then the advert: protocol 51 (RFC 4302, over IPv4 only).
    Ah,
}

impl Protocol {
    /// The number as it stands in an IP header.
    pub const fn number(self) -> u8 {
        match self {
            Self::Vrrp => 112,
            Self::Ah => 51,
        }
    }
}

/// An advert on its way.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Send {
    /// Whose.
    pub instance: InstanceId,
    /// Out of which interface.
    pub interface: IfIndex,
    /// Source of the IP header.
    pub source: IpAddr,
    /// Destination of the IP header.
    pub destination: IpAddr,
    /// TTL or hop limit.
    pub ttl: u8,
    /// Identification in the IPv4 header, never 0; an authentication header covers it.
    pub id: u16,
    /// Next protocol in the IP header.
    pub protocol: Protocol,
    /// What follows the IP header.
    pub payload: Vec<u8>,
}

/// The whole truth about what an instance holds: level, not edge.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Want {
    /// Whose.
    pub instance: InstanceId,
    /// Number of this want; later ones have higher numbers.
    pub serial: u64,
    /// What shall be there, in the order in which it is to be installed, after all removals.
    pub present: Vec<Held>,
    /// What of this instance shall not be there, in the order in which it is to be removed.
    pub absent: Vec<Held>,
    /// Whether packets to the addresses are accepted: not with `no_accept`, unless by their owner.
    pub accept: bool,
}

/// One announcement of one address.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Announce {
    /// Out of which interface.
    pub interface: IfIndex,
    /// Which address.
    pub address: IpAddr,
}

/// Where adverts are received.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Membership {
    /// On which interface.
    pub interface: IfIndex,
    /// Over which protocol.
    pub family: Family,
    /// Of which group; `None` for unicast.
    pub group: Option<IpAddr>,
    /// Behind which header.
    pub protocol: Protocol,
}
