//! Instances that are master together.

use serde::{Deserialize, Serialize};

use super::track::{InterfaceTrack, Track};

/// One `vrrp_sync_group`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SyncGroupSpec {
    /// Its name, which also identifies it across reloads.
    pub name: String,
    /// `group`: names of its instances, in the order of the file; each exists and is in no other group.
    pub members: Vec<String>,
    /// `track_interface`: followed by every member.
    pub track_interfaces: Vec<InterfaceTrack>,
    /// `track_script`, `track_file`, `track_process`, `track_bfd`: likewise.
    pub tracks: Vec<Track>,
    /// `sync_group_tracking_weight`: trackers of the members may have weights. Without it the configuration's reader has
    /// taken them away, and the machine need not look.
    pub tracking_weight: bool,
}

impl SyncGroupSpec {
    /// A group that tracks nothing.
    pub fn new(name: impl Into<String>, members: Vec<String>) -> Self {
        Self {
            name: name.into(),
            members,
            track_interfaces: Vec::new(),
            tracks: Vec::new(),
            tracking_weight: false,
        }
    }
}
