//! What the kernel counts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::table::{DestKey, ServiceKey};

/// Totals since the entry was made or zeroed, and the kernel's estimates of the current rates.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Counters {
    /// Connections scheduled.
    pub connections: u64,
    /// Packets from clients.
    pub packets_in: u64,
    /// Packets to clients (those that pass the director).
    pub packets_out: u64,
    /// Bytes from clients.
    pub bytes_in: u64,
    /// Bytes to clients.
    pub bytes_out: u64,
    /// New connections per second.
    pub connection_rate: u64,
    /// Packets from clients per second.
    pub packet_rate_in: u64,
    /// Packets to clients per second.
    pub packet_rate_out: u64,
    /// Bytes from clients per second.
    pub byte_rate_in: u64,
    /// Bytes to clients per second.
    pub byte_rate_out: u64,
}

/// Of a destination.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct DestStatistics {
    /// Connections in state established.
    pub active: u32,
    /// Connections in any other state.
    pub inactive: u32,
    /// Templates that bind clients to it (persistence).
    pub persistent: u32,
    /// Traffic.
    pub counters: Counters,
}

/// Of a service.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ServiceStatistics {
    /// Traffic, of past destinations too.
    pub counters: Counters,
    /// Its destinations.
    pub dests: BTreeMap<DestKey, DestStatistics>,
}

/// Of a whole table.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Statistics {
    /// Services by key.
    pub services: BTreeMap<ServiceKey, ServiceStatistics>,
}
