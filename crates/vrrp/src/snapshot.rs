//! What is kept of an instance outside its process, so that a crash is no failover.

use serde::{Deserialize, Serialize};

use crate::counters::Counters;
use crate::event::StateName;
use crate::spec::InstanceKey;

/// The part of an instance's state that its successor needs.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct InstanceSnapshot {
    /// Which instance.
    pub key: InstanceKey,
    /// Its state; only [`StateName::Master`] changes how the successor starts.
    pub state: StateName,
    /// Its counters.
    pub counters: Counters,
    /// Newest sequence number of its authentication: the successor goes on from it.
    pub sequence: u64,
}
