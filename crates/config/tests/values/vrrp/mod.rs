//! What is about VRRP, and about the daemon as a whole.

mod addresses;
mod globals;
mod instance;
mod processes;
mod root;
mod routes;
mod rules;
mod system;
mod trackers;

use super::row::{Row, millis, row, secs};

pub fn rows() -> Vec<Row> {
    let parts = [
        root::rows(),
        globals::rows(),
        processes::rows(),
        system::rows(),
        instance::rows(),
        addresses::rows(),
        routes::rows(),
        rules::rows(),
        trackers::rows(),
    ];
    parts.into_iter().flatten().collect()
}

/// An instance of IPv6.
const SIX: &str =
    "vrrp_instance SIX {\ninterface eth0\nvirtual_router_id 6\nvirtual_ipaddress {\nfe80::1\n}\n}\n";
/// An instance with a peer.
const UNICAST: &str = "vrrp_instance U {\ninterface eth0\nvirtual_router_id 7\nvirtual_ipaddress {\n10.0.0.7\n}\n\
                       unicast_peer {\n192.0.2.9\n}\n}\n";
