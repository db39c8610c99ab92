//! What is said.

use std::collections::BTreeMap;
use std::path::PathBuf;

use checker::{MiscProbe, ProbeSpec, VirtualServerSpec};
use clock::Instant;
use config::model::{BufferPolicy, Identity, LvsGlobals, NftablesSpec, Packed, ProcessSpec};
use net::sysctl::Setting;
use serde::{Deserialize, Serialize};
use vrrp::{
    Event, Family, IfIndex, InstanceSnapshot, InstanceStatus, Protocol, RouterSpec, TrackerId, TrackerState,
    Transition,
};

use crate::marks::Marked;
use crate::scheduling::Rise;
use crate::script::User;

/// Importance of a log line.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum Level {
    /// Something is broken.
    Error,
    /// Something is not as it should be.
    Warning,
    /// Something happened.
    Info,
    /// Only with `-D`.
    Detail,
}

/// A line for the log. Children write none themselves: a log that blocks must not block an advert.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Line {
    /// Importance.
    pub level: Level,
    /// The line.
    pub text: String,
}

/// What a signal asks for beside a reload and the end.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum Dump {
    /// `SIGUSR1`: everything, for people and for parsers.
    Data,
    /// `SIGUSR2`: the counters.
    Stats,
    /// `SIGRTMAX-1`: the counters, which then begin at zero.
    StatsClear,
    /// `SIGRTMIN+2`: data and counters as JSON.
    Json,
    /// `-d`: what [`Dump::Data`] shows, for the log.
    Log,
    /// `config_save_dir`: the same, on this side of the reload of this number.
    Saved(Side, u32),
}

/// When something is that a reload changes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum Side {
    /// Before.
    Before,
    /// After.
    After,
}

/// From the parent to the VRRP process.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum ToVrrp {
    /// What a crashed predecessor was doing; before the first configuration.
    Resume(Vec<InstanceSnapshot>),
    /// The settings that a crashed predecessor found and changed; before the first configuration.
    Found(BTreeMap<Setting, i32>),
    /// How the packet filter is called; before each configuration.
    Filter(NftablesSpec),
    /// How the process is called and scheduled, and whether it may raise itself; before each configuration.
    Schedule(ProcessSpec, Rise),
    /// How large the receive buffers of adverts are, and for how many packets; before each configuration.
    Buffers(BufferPolicy, u32),
    /// What to run.
    Configure(Box<RouterSpec>),
    /// What a script, file or process says now that instances may follow.
    Track {
        /// Which.
        tracker: TrackerId,
        /// Its state.
        state: TrackerState,
    },
    /// Whether the driver of a polled interface says that it has a link.
    Linkbeat(String, bool),
    /// Say what is asked for.
    Report(Dump),
    /// Release everything and end.
    Stop,
}

/// A socket on which VRRP is heard.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SocketView {
    /// Its interface.
    pub interface: IfIndex,
    /// Its family.
    pub family: Family,
    /// VRRP, or AH.
    pub protocol: Protocol,
    /// Its number in the VRRP process.
    pub receives: i32,
    /// The number of the socket that adverts of the family leave by; -1: there is none.
    pub sends: i32,
}

/// From the VRRP process to the parent.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum FromVrrp {
    /// A configuration is in effect.
    Configured,
    /// A change of state.
    Transition(Transition),
    /// Another event of an instance.
    Event(Event),
    /// The settings of the kernel that were found and changed: a successor is to put these back, not what it finds.
    Found(BTreeMap<Setting, i32>),
    /// What a successor would need.
    Snapshots(Vec<InstanceSnapshot>),
    /// What the parent or a signal asked for.
    Report {
        /// What it was.
        asked: Dump,
        /// Every instance.
        instances: Vec<InstanceStatus>,
        /// The sockets; only for [`Dump::Data`] and [`Dump::Log`].
        sockets: Vec<SocketView>,
    },
    /// A signal asked this process to read its configuration again.
    Reload,
    /// A log line of the process itself.
    Line(Line),
}

/// [`checker::Knowledge`] in bytes: the parent only keeps it, and that of thousands of servers is large.
pub type Snapshot = Vec<u8>;

/// From the parent to the checker process.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum ToChecker {
    /// What a crashed predecessor knew; before the first configuration.
    Resume {
        /// That.
        #[serde(with = "serde_bytes")]
        knowledge: Snapshot,
        /// What it is about.
        servers: Packed<VirtualServerSpec>,
    },
    /// How the process is called and scheduled, and whether it may raise itself; before each configuration.
    Schedule(ProcessSpec, Rise),
    /// Where IPVS is, if not in the network namespace of the process; before the first configuration.
    Place(PathBuf),
    /// The virtual servers to serve.
    Configure {
        /// In the order of the file.
        servers: Packed<VirtualServerSpec>,
        /// Settings of IPVS as a whole, and with what checks present themselves.
        lvs: Box<LvsGlobals>,
        /// What is to be marked for groups (`nftables_ipvs`).
        marked: Vec<Marked>,
        /// For the spread of the first checks.
        seed: u64,
        /// For the checks that run a command.
        scripts: Scripts,
    },
    /// Say what is known, for this.
    Report(Dump),
    /// Whether the instance that decides over the sync daemon is master; before a configuration and at every change.
    Master(bool),
    /// What servers may follow says something now.
    Follow {
        /// What.
        what: checker::Followed,
        /// What it says.
        value: i64,
    },
    /// Remove what is ours from the kernel and end.
    Stop,
}

/// What dumps show of the last run of a check.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum LastRun {
    /// A command ended, or was ended.
    Command {
        /// When.
        ended: Instant,
        /// The last status that one had.
        status: i32,
    },
    /// The page of this place among those of the check was not right.
    Page(u16),
}

/// How the checker process runs commands.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Scripts {
    /// Access that files are made without.
    pub umask: u32,
    /// The users that checks name, with their groups, and the default where they name none. Who is not here does not exist.
    pub users: Vec<(Option<Identity>, User)>,
}

/// Whom a check runs its command as; none: the default.
pub fn script_identity(script: &MiscProbe) -> Option<Identity> {
    script.user.clone().map(|user| Identity { user, group: script.group.clone() })
}

/// From the checker process to the parent.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum FromChecker {
    /// A configuration is in effect.
    Configured,
    /// What a successor would need.
    Snapshot(#[serde(with = "serde_bytes")] Snapshot),
    /// The same, since the parent or a signal asked for it.
    Report(Dump, checker::Knowledge, BTreeMap<ProbeSpec, LastRun>),
    /// A signal asked this process to read its configuration again.
    Reload,
    /// The health of real servers and the quorums of virtual servers, in their order, for those who are to be told.
    Changed(Vec<checker::Action>),
    /// A log line.
    Line(Line),
}
