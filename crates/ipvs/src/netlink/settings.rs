//! What holds for all services.

use serde::{Deserialize, Serialize};

/// How long connections stay in the table without traffic, in seconds (`lvs_timeouts`, `ipvsadm --set`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Timeouts {
    /// Established TCP connections. Set to 0: left as it is.
    pub tcp: u32,
    /// TCP connections after a FIN. Set to 0: left as it is.
    pub tcp_fin: u32,
    /// UDP. Set to 0: left as it is.
    pub udp: u32,
}

/// What the kernel says of its IPVS.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Info {
    /// Version of IPVS: major, minor, patch.
    pub version: (u8, u8, u8),
    /// Buckets of the connection table.
    pub connection_table_size: u32,
}
