//! What there is to do on a real server, one change at a time.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use serde::{Deserialize, Serialize};

use super::sysctl::Sysctl;

/// A thing in the kernel that belongs to one virtual address.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Item {
    /// The address on `lo`, for a single host.
    Address(IpAddr),
    /// The route to it on `lo`, in table main. For an IPv6 address the kernel makes one of its own.
    Route(Ipv4Addr),
}

/// A change, or something that is not changed and should be known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// `lo` is down: bring it up. It stays so.
    Raise,
    /// A sysctl does not suffice: set it.
    Set { sysctl: Sysctl, found: i32, value: i32 },
    /// An item is missing: add it.
    Add(Item),
    /// An item is there, and not from us: remember that, so that it stays.
    Keep(Item),
    /// An item is from us: remove it.
    Remove(Item),
    /// An item was recorded and is there no more: forget it.
    Forget(Item),
    /// An item is there, and not from us: leave it, and forget it.
    Leave(Item),
    /// A sysctl has the value that we gave it: put back what we found.
    PutBack { sysctl: Sysctl, found: i32, value: i32 },
    /// A sysctl has another value than we gave it: leave it, and forget it.
    LeaveSysctl { sysctl: Sysctl, is: i32, value: i32 },
}

impl Item {
    /// What a real server needs for an address, in the order of its making.
    pub fn of(vip: IpAddr) -> impl DoubleEndedIterator<Item = Self> {
        let route = match vip {
            IpAddr::V4(vip) => Some(Self::Route(vip)),
            IpAddr::V6(_) => None,
        };
        [Some(Self::Address(vip)), route].into_iter().flatten()
    }

    /// The virtual address that it belongs to.
    pub const fn vip(self) -> IpAddr {
        match self {
            Self::Address(vip) => vip,
            Self::Route(vip) => IpAddr::V4(vip),
        }
    }
}

impl Step {
    /// Whether the kernel is changed, and not only the record.
    pub const fn is_change(self) -> bool {
        match self {
            Self::Raise | Self::Set { .. } | Self::Add(_) | Self::Remove(_) | Self::PutBack { .. } => true,
            Self::Keep(_) | Self::Forget(_) | Self::Leave(_) | Self::LeaveSysctl { .. } => false,
        }
    }

    /// Whether this must not be done while `earlier` could not be.
    ///
    /// **The LAN never hears of a virtual address from a real server**: the address does not come before the sysctls, and
    /// the sysctls do not go before the address.
    pub fn depends_on(self, earlier: Self) -> bool {
        match (self, earlier) {
            (Self::Add(Item::Address(vip)), Self::Set { .. })
            | (Self::PutBack { .. }, Self::Remove(Item::Address(vip))) => vip.is_ipv4(),
            (Self::Add(Item::Route(_)), Self::Raise) => true,
            (Self::Add(Item::Route(route)), Self::Add(Item::Address(vip))) => vip == route,
            _ => false,
        }
    }

    /// What it is about.
    pub fn subject(self) -> String {
        match self {
            Self::Raise => "lo".to_owned(),
            Self::Set { sysctl, .. } | Self::PutBack { sysctl, .. } | Self::LeaveSysctl { sysctl, .. } => {
                sysctl.to_string()
            }
            Self::Add(item)
            | Self::Keep(item)
            | Self::Remove(item)
            | Self::Forget(item)
            | Self::Leave(item) => item.to_string(),
        }
    }
}

/// What happened to the subject; after "not", what did not.
impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Raise => write!(f, "brought up"),
            Self::Set { found, value, .. } => write!(f, "set to {value} (was {found})"),
            Self::Add(_) => write!(f, "added"),
            Self::Keep(_) => write!(f, "there already; stop will leave it"),
            Self::Remove(_) => write!(f, "removed"),
            Self::Forget(_) => write!(f, "gone already"),
            Self::Leave(_) => write!(f, "left, since it is not from start"),
            Self::PutBack { found, value, .. } => write!(f, "put back to {found} (was {value})"),
            Self::LeaveSysctl { is, value, .. } => {
                write!(f, "left at {is}, since it is no longer the {value} that start set")
            }
        }
    }
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(IpAddr::V4(vip)) => write!(f, "{vip}/32 on lo"),
            Self::Address(IpAddr::V6(vip)) => write!(f, "{vip}/128 on lo"),
            Self::Route(vip) => write!(f, "route to {vip} on lo"),
        }
    }
}

/// What became of a step.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome<E> {
    Done,
    Failed(E),
    /// Not tried, since this one was not done.
    Blocked(Step),
}

/// Does what can be done: a step that fails stops only those that depend on it.
pub fn carry_out<E>(
    steps: Vec<Step>,
    mut perform: impl FnMut(Step) -> Result<(), E>,
) -> Vec<(Step, Outcome<E>)> {
    let mut undone: Vec<Step> = Vec::new();
    let mut outcomes = Vec::new();
    for step in steps {
        let outcome = match undone.iter().find(|earlier| step.depends_on(**earlier)) {
            Some(earlier) => Outcome::Blocked(*earlier),
            None => perform(step).map_or_else(Outcome::Failed, |()| Outcome::Done),
        };
        if !matches!(outcome, Outcome::Done) {
            undone.push(step);
        }
        outcomes.push((step, outcome));
    }
    outcomes
}
