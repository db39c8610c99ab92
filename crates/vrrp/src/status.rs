//! An instance as it is now, for those who look at it from outside.

use core::time::Duration;
use std::net::IpAddr;

use clock::Instant;
use serde::{Deserialize, Serialize};

use crate::counters::Counters;
use crate::event::StateName;
use crate::spec::Priority;
use crate::time::Centiseconds;

/// What can be seen of an instance beside its configuration.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct InstanceStatus {
    /// Its name in the file.
    pub name: String,
    /// Its state.
    pub state: StateName,
    /// When it entered the state; none before it was started.
    pub since: Option<Instant>,
    /// Effective priority.
    pub priority: Priority,
    /// Where its adverts come from; none if there is no such address.
    pub source: Option<IpAddr>,
    /// Number of its interface; none while that does not exist.
    pub interface: Option<u32>,
    /// How many things of its own, not of its group, keep it from taking part.
    pub faults: u32,
    /// Whether it waits for the first result of a tracker.
    pub pending: bool,
    /// When it sends the next advert, or takes over if none comes.
    pub due: Option<Instant>,
    /// Master_Down_Interval.
    pub down_interval: Duration,
    /// In BACKUP: the source and the priority of the newest advert that was taken.
    pub master: Option<(IpAddr, u8)>,
    /// The advertisement interval that the down timer counts.
    pub master_interval: Centiseconds,
    /// For each thing that it holds as master, in the order of [`InstanceSpec::held`](crate::InstanceSpec::held): whether
    /// it is there.
    pub held: Vec<bool>,
    /// Its counters.
    pub counters: Counters,
}
