//! What an instance tells of itself: transitions with their reason, and everything else worth a log line.
//!
//! The sentences are ours; each says what happened and why, so that an election can be understood from the log alone.

use core::fmt;
use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::spec::{Held, Priority, TrackerId, VirtualRouterId};

/// The states of RFC 9568 6.4, and keepalived's two more.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum StateName {
    /// Not started yet (Initialize).
    Init,
    /// Listening for the master.
    Backup,
    /// Holding the addresses (Active in RFC 9568).
    Master,
    /// Not able to take part.
    Fault,
    /// Gone.
    Stop,
}

impl fmt::Display for StateName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Init => "INIT",
            Self::Backup => "BACKUP",
            Self::Master => "MASTER",
            Self::Fault => "FAULT",
            Self::Stop => "STOP",
        })
    }
}

/// Whose state changes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Subject {
    /// The instance of this name.
    Instance(String),
    /// The sync group of this name, as a whole.
    Group(String),
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Instance(name) => f.write_str(name),
            Self::Group(name) => write!(f, "group {name}"),
        }
    }
}

/// A change of state.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Transition {
    /// Whose.
    pub subject: Subject,
    /// State left.
    pub from: StateName,
    /// State entered.
    pub to: StateName,
    /// Effective priority now; 0 for a group.
    pub priority: u8,
    /// Reason.
    pub why: Why,
}

impl fmt::Display for Transition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({}) {} -> {}: {}", self.subject, self.from, self.to, self.why)
    }
}

/// Why the state changed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Why {
    /// The instance was configured.
    Startup,
    /// The instance was configured with priority 255: it owns the addresses and waits for nobody (RFC 9568 6.4.1).
    Owner,
    /// No advert came for this long.
    MasterSilent {
        /// Master_Down_Interval.
        waited: Duration,
    },
    /// The master gave up by an advert of priority 0.
    MasterReleased,
    /// A master of higher priority, or of the same and with a higher address, was heard.
    BetterMaster {
        /// Its address.
        source: IpAddr,
        /// Its priority.
        priority: u8,
    },
    /// What is needed to take part is missing.
    Fault(Vec<FaultCause>),
    /// With `nopreempt`: this process did not run for so long that another router is master by now.
    Stalled {
        /// Time since the last advert.
        silent: Duration,
    },
    /// What was missing is there again.
    Recovered,
    /// A member of the sync group changed, and the others with it.
    SyncGroup {
        /// The group.
        group: String,
        /// The member that changed first.
        member: String,
    },
    /// The process that replaces a crashed one goes on where that one was.
    Resumed,
    /// The instance is no longer configured.
    Removed,
    /// The program stops.
    Stopping,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Startup => f.write_str("started"),
            Self::Owner => f.write_str("owner of the addresses (priority 255)"),
            Self::MasterSilent { waited } => {
                write!(f, "no advert from a master for {:.3} s", waited.as_secs_f64())
            }
            Self::MasterReleased => f.write_str("the master released the addresses (advert with priority 0)"),
            Self::BetterMaster { source, priority } => {
                write!(f, "advert of priority {priority} from {source}")
            }
            Self::Fault(causes) => {
                for (position, cause) in causes.iter().enumerate() {
                    let separator = if position == 0 { "" } else { ", " };
                    write!(f, "{separator}{cause}")?;
                }
                Ok(())
            }
            Self::Stalled { silent } => write!(
                f,
                "this process did not run for {:.3} s; another router is master by now",
                silent.as_secs_f64()
            ),
            Self::SyncGroup { group, member } => {
                write!(f, "with {member}, of the same sync group {group}")
            }
            Self::Recovered => f.write_str("everything needed is there again"),
            Self::Resumed => f.write_str("resumed after a restart of the process"),
            Self::Removed => f.write_str("no longer configured"),
            Self::Stopping => f.write_str("stopping"),
        }
    }
}

/// What keeps an instance from taking part.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum FaultCause {
    /// An interface that it needs does not exist.
    InterfaceMissing(String),
    /// An interface that it needs is down or has no carrier.
    InterfaceDown(String),
    /// A tracker without weight is down, or a file's number times its weight is -254 or less.
    TrackerDown(TrackerId),
    /// Another member of the sync group is in FAULT.
    Member {
        /// The group.
        group: String,
        /// The first such member.
        member: String,
    },
    /// The interface has no address that adverts could come from.
    NoSourceAddress(String),
    /// `track_src_ip`: the configured source address is not on the interface.
    SourceMissing(IpAddr),
    /// `unicast_fault_no_peer`: there is nobody to speak to.
    NoPeer,
    /// Adverts cannot be received: the kernel refused to listen, with this error number.
    Deaf(i32),
}

impl fmt::Display for FaultCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InterfaceMissing(name) => write!(f, "interface {name} does not exist"),
            Self::InterfaceDown(name) => write!(f, "interface {name} is down"),
            Self::TrackerDown(tracker) => write!(f, "{tracker} is down"),
            Self::Member { group, member } => {
                write!(f, "{member} of the sync group {group} is in FAULT")
            }
            Self::NoSourceAddress(name) => write!(f, "interface {name} has no address to send from"),
            Self::SourceMissing(source) => write!(f, "the interface has not the source address {source}"),
            Self::NoPeer => f.write_str("no unicast peer is configured"),
            Self::Deaf(errno) => {
                write!(f, "cannot receive adverts: {}", std::io::Error::from_raw_os_error(*errno))
            }
        }
    }
}

/// Why a packet was not taken as an advert of the instance.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Reject {
    /// RFC 9568 7.1: the length does not fit.
    Length,
    /// RFC 9568 7.1: the TTL is not 255, so the packet crossed a router; for a peer: not within `min_ttl` and `max_ttl`.
    Ttl(u8),
    /// RFC 9568 7.1: another version than the instance's.
    Version,
    /// RFC 3768 7.1: unknown authentication type.
    AuthenticationType,
    /// RFC 3768 7.1: another authentication type than the instance's.
    AuthenticationMismatch,
    /// RFC 3768 7.1: another password than the instance's.
    Password,
    /// The integrity check value of an authentication header does not match: another key than ours, or a changed packet.
    IntegrityCheck,
    /// The sequence number of an authentication header has been seen before.
    SequenceReplayed,
    /// `auth_hmac`: no trailer, and one is required.
    TrailerMissing,
    /// `auth_hmac`: the trailer is none that we know.
    TrailerMalformed,
    /// `auth_hmac`: signed with a key of which we have not the number.
    UnknownKey,
    /// `auth_hmac`: the code does not match: another key of the same number, or a changed packet.
    TrailerMismatch,
    /// `auth_hmac`: the sender's clock is further from ours than the window.
    TrailerStale,
    /// `auth_hmac`: not newer than what came from the sender before.
    TrailerReplayed,
    /// RFC 3768 7.1: another interval than the instance's (version 2), or none at all (version 3).
    Interval,
    /// RFC 9568 7.1: not an advertisement.
    Type,
    /// RFC 9568 7.1: wrong checksum.
    Checksum,
    /// It came to a unicast address and the instance speaks multicast, or the reverse.
    Destination,
    /// It carries our own source address: looped back, or another host has it too.
    OwnAddress,
    /// `check_unicast_src`: its source is not among the peers.
    UnknownPeer,
    /// `owner_ignore_adverts`: the owner of the addresses hears nobody.
    Owner,
}

impl Reject {
    /// The reason without its particulars.
    pub(crate) const fn kind(self) -> Self {
        match self {
            Self::Ttl(_) => Self::Ttl(0),
            other => other,
        }
    }
}

impl fmt::Display for Reject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length => f.write_str("wrong length"),
            Self::Ttl(ttl) => {
                write!(f, "TTL {ttl} is not what it has to be (255, or the range given for the peer)")
            }
            Self::Version => f.write_str("another protocol version"),
            Self::AuthenticationType => f.write_str("unknown authentication type"),
            Self::AuthenticationMismatch => f.write_str("another authentication type than ours"),
            Self::Password => f.write_str("another password than ours"),
            Self::IntegrityCheck => f.write_str("the authentication header does not match"),
            Self::SequenceReplayed => f.write_str("its sequence number was seen before"),
            Self::TrailerMissing => f.write_str("it has no auth_hmac trailer"),
            Self::TrailerMalformed => f.write_str("its auth_hmac trailer is malformed"),
            Self::UnknownKey => f.write_str("signed with an auth_hmac key that is not configured here"),
            Self::TrailerMismatch => f.write_str("its auth_hmac code does not match"),
            Self::TrailerStale => {
                f.write_str("its clock differs from ours by more than the time_window of auth_hmac")
            }
            Self::TrailerReplayed => f.write_str("its auth_hmac sequence number was seen before"),
            Self::Interval => f.write_str("another advertisement interval than ours"),
            Self::Type => f.write_str("not an advertisement"),
            Self::Checksum => f.write_str("wrong checksum"),
            Self::Destination => f.write_str("unicast where multicast is configured, or the reverse"),
            Self::OwnAddress => f.write_str("it carries our own address"),
            Self::UnknownPeer => f.write_str("it comes from none of the unicast peers"),
            Self::Owner => f.write_str("the owner of the addresses ignores other masters"),
        }
    }
}

/// Anything else worth a log line.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Event {
    /// Name of the instance in the file; of the interface where there is no instance.
    pub instance: String,
    /// What happened.
    pub what: What,
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({}) {}", self.instance, self.what)
    }
}

/// What happened.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum What {
    /// A packet was rejected; told once for each reason until the state or the master changes, counted always.
    Rejected {
        /// Its source.
        source: IpAddr,
        /// The reason.
        reason: Reject,
    },
    /// The address list of an advert is not ours; the advert is taken all the same, as keepalived does.
    AddressListDiffers {
        /// Its source.
        source: IpAddr,
    },
    /// A version 3 advert has another interval than ours; its sender's counts while it is master (RFC 9568 6.4.2).
    IntervalDiffers {
        /// Its source.
        source: IpAddr,
    },
    /// While master: another master of lower priority was heard and answered. It should yield. Told each time, as
    /// `notify_master_rx_lower_pri` is run each time, but no more than ten times in an interval.
    LowerMaster {
        /// Its address.
        source: IpAddr,
        /// Its priority.
        priority: u8,
    },
    /// `log_unknown_vrids`: a packet of a virtual router that no instance here is part of; told once for each sender.
    UnknownRouter {
        /// Its source.
        source: IpAddr,
        /// Its virtual router.
        vrid: VirtualRouterId,
    },
    /// While owner and master: another router says that it owns the addresses too.
    Rival {
        /// Its address.
        source: IpAddr,
    },
    /// While backup: the master has a lower priority and will be pre-empted.
    LowerPriorityDiscarded {
        /// Its address.
        source: IpAddr,
        /// Its priority.
        priority: u8,
    },
    /// The clock of a sender of `auth_hmac` differs from ours by more than half of the window.
    ClockSkew {
        /// The sender.
        source: IpAddr,
        /// The difference.
        skew: Duration,
    },
    /// Something could not be added or removed; told once until it could.
    HoldFailed {
        /// What.
        held: Held,
        /// Whether it should have been added.
        adding: bool,
        /// The kernel's error number.
        errno: i32,
    },
    /// Its addresses are there from an earlier run, and stay until the first election is over.
    Kept,
    /// They do not, since another master is there.
    NotKept {
        /// Where its advert came from.
        source: IpAddr,
    },
    /// Something that somebody else removed was put back.
    Restored {
        /// What.
        held: Held,
    },
    /// An advert was not sent; told once until one is.
    SendFailed {
        /// The kernel's error number.
        errno: i32,
    },
    /// The process did not run for so long that the peers may have taken over: adverts and announcements are renewed.
    Stalled {
        /// How late it was.
        late: Duration,
    },
    /// The effective priority changed.
    PriorityChanged {
        /// Before.
        from: Priority,
        /// Now.
        to: Priority,
    },
    /// Adverts come from this address now.
    SourceChanged {
        /// The new source.
        source: IpAddr,
    },
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rejected { source, reason } => write!(f, "rejected a packet from {source}: {reason}"),
            Self::AddressListDiffers { source } => {
                write!(f, "the advert from {source} lists other virtual addresses than ours")
            }
            Self::IntervalDiffers { source } => {
                write!(f, "the advert from {source} has another interval than ours")
            }
            Self::LowerMaster { source, priority } => {
                write!(f, "{source} with priority {priority} acts as master too; it should yield")
            }
            Self::UnknownRouter { source, vrid } => {
                write!(f, "{source} speaks for virtual router {vrid}, which is not configured here")
            }
            Self::Rival { source } => {
                write!(f, "{source} says that it owns the addresses too (priority 255); only one can")
            }
            Self::LowerPriorityDiscarded { source, priority } => {
                write!(f, "the master {source} has lower priority {priority}; taking over from it soon")
            }
            Self::ClockSkew { source, skew } => write!(
                f,
                "the clock of {source} differs from ours by {:.3} s, more than half of auth_hmac's time_window",
                skew.as_secs_f64()
            ),
            Self::HoldFailed { held, adding, errno } => write!(
                f,
                "cannot {} {held}: {}",
                if *adding { "add" } else { "remove" },
                std::io::Error::from_raw_os_error(*errno)
            ),
            Self::Kept => f.write_str(
                "the addresses are there from an earlier run; they stay until another master is heard",
            ),
            Self::NotKept { source } => write!(f, "{source} is heard; the addresses of an earlier run go"),
            Self::Restored { held } => write!(f, "{held} was removed by somebody else; put it back"),
            Self::SendFailed { errno } => {
                write!(f, "cannot send adverts: {}", std::io::Error::from_raw_os_error(*errno))
            }
            Self::Stalled { late } => write!(
                f,
                "this process did not run for {:.3} s; renewing adverts and announcements",
                late.as_secs_f64()
            ),
            Self::PriorityChanged { from, to } => write!(f, "effective priority {from} -> {to}"),
            Self::SourceChanged { source } => write!(f, "adverts come from {source} now"),
        }
    }
}
