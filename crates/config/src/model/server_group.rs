//! `virtual_server_group`, as the file has it; what it makes of its virtual servers is in
//! [`checker::VirtualServerSpec::services`].

use std::net::IpAddr;

use ipvs::Family;
use serde::{Deserialize, Serialize};

/// One `virtual_server_group`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ServerGroupSpec {
    /// Its name.
    pub name: String,
    /// Its lines, in the order of the file; at least one.
    pub entries: Vec<GroupEntry>,
}

/// One line of a `virtual_server_group`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum GroupEntry {
    /// Addresses of one family, and a port.
    Addresses {
        /// The first address.
        first: IpAddr,
        /// The last one: not before the first.
        last: IpAddr,
        /// Port; 0: every port, which has to be persistent.
        port: u16,
    },
    /// `fwmark`.
    Mark {
        /// The mark, not 0.
        mark: u32,
        /// Family of the packets; none: that of the virtual server.
        family: Option<Family>,
    },
}
