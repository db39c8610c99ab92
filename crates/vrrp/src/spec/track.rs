//! What changes the priority of an instance, or keeps it from taking part.

use core::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// One entry of `track_interface`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct InterfaceTrack {
    /// The interface watched.
    pub interface: String,
    /// 0: the instance is in FAULT while the interface is down. Otherwise -253 to 253: added to the priority while the
    /// interface is up (positive) or down (negative).
    pub weight: i16,
    /// `reverse`: changes the sign of the weight; without one it swaps up and down.
    pub reverse: bool,
}

/// One entry of `track_script`, `track_file`, `track_process` or `track_bfd`, with its weight settled: the entry's own,
/// else that of what it tracks.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Track {
    /// What is tracked.
    pub tracker: TrackerId,
    /// For a file -254 to 254: its number is multiplied with it and added to the priority; a product of -254 or less
    /// is a FAULT, and with 0 every number but 0 is. For all others -253 to 253: 0 means FAULT while it is down, otherwise
    /// it is added to the priority while the tracker is up (positive) or down (negative).
    pub weight: i16,
    /// `reverse`: changes the sign of the weight; without one it swaps up and down.
    pub reverse: bool,
}

/// Kinds of trackers that are fed by [`Input::Track`](crate::Input::Track); interfaces are known from the links.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum TrackerKind {
    /// `vrrp_script`: up or down, unknown before its first result.
    Script,
    /// `track_file`: a number, 0 while the file is missing or unreadable.
    File,
    /// `vrrp_track_process`: up while the quorum is met.
    Process,
    /// `bfd_instance`: up while the session is.
    Bfd,
}

/// A tracker. Names are unique within a kind.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct TrackerId {
    /// What it is.
    pub kind: TrackerKind,
    /// Its name in the file.
    pub name: String,
}

impl TrackerId {
    /// The tracker of this kind and name.
    pub fn new(kind: TrackerKind, name: impl Into<String>) -> Self {
        Self { kind, name: name.into() }
    }
}

impl fmt::Display for TrackerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            TrackerKind::Script => "script",
            TrackerKind::File => "file",
            TrackerKind::Process => "process",
            TrackerKind::Bfd => "BFD session",
        };
        write!(f, "{kind} {}", self.name)
    }
}

/// One line of `interface_up_down_delays`: for how long a change of an interface must last to count.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct LinkDelays {
    /// Before down counts, 0 to 255 s.
    pub down: Duration,
    /// Before up counts, 0 to 255 s. At first sight up counts at once.
    pub up: Duration,
}
