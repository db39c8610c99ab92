//! What is held in the kernel: by the master of an instance, or at all times.

use core::fmt;

use serde::{Deserialize, Serialize};

use super::address::VirtualAddress;
use super::route::{RouteSpec, TABLE_MAIN};
use super::rule::RuleSpec;

/// One thing that is held.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum Held {
    /// An address on an interface.
    Address(VirtualAddress),
    /// A route.
    Route(Box<RouteSpec>),
    /// A routing rule.
    Rule(Box<RuleSpec>),
}

impl Held {
    /// The address, if it is one.
    pub const fn as_address(&self) -> Option<&VirtualAddress> {
        match self {
            Self::Address(address) => Some(address),
            Self::Route(_) | Self::Rule(_) => None,
        }
    }

    /// Whether it is put back when somebody removes it, and its interfaces matter; not with `no_track`.
    pub const fn is_tracked(&self) -> bool {
        match self {
            Self::Address(address) => address.track,
            Self::Route(route) => route.track,
            Self::Rule(rule) => rule.track,
        }
    }

    /// `track_group`: the instances that follow its interfaces, if it is static.
    pub fn track_group(&self) -> Option<&str> {
        match self {
            Self::Address(address) => address.track_group.as_deref(),
            Self::Route(route) => route.track_group.as_deref(),
            Self::Rule(rule) => rule.track_group.as_deref(),
        }
    }

    /// The interfaces that it names.
    pub fn interfaces(&self) -> Vec<&str> {
        match self {
            Self::Address(address) => vec![address.interface.as_str()],
            Self::Route(route) => route.interfaces().collect(),
            Self::Rule(rule) => rule.interfaces().collect(),
        }
    }
}

impl From<VirtualAddress> for Held {
    fn from(address: VirtualAddress) -> Self {
        Self::Address(address)
    }
}

impl From<RouteSpec> for Held {
    fn from(route: RouteSpec) -> Self {
        Self::Route(Box::new(route))
    }
}

impl From<RuleSpec> for Held {
    fn from(rule: RuleSpec) -> Self {
        Self::Rule(Box::new(rule))
    }
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(held) => write!(f, "{}/{} on {}", held.address, held.prefix_len, held.interface),
            Self::Route(held) => {
                write!(f, "the route to {}/{}", held.destination.address, held.destination.len)?;
                if held.table == TABLE_MAIN { Ok(()) } else { write!(f, " in table {}", held.table) }
            }
            Self::Rule(held) => write!(f, "the {:?} rule of preference {}", held.family, held.preference),
        }
    }
}
