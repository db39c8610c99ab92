//! What asks in the place of a probe that this version of stayd does not have.
//!
//! **A check without a probe is a connection test where it connects over TCP, and otherwise none**: the server counts as
//! up for it. Each probe that is written takes a line away here, and its note in the keyword table.

use super::{CheckSpec, Connection, ProbeSpec, VirtualServerSpec};

impl ProbeSpec {
    /// The connection that is tested for it; none: nothing is.
    pub const fn stand_in(&self) -> Option<&Connection> {
        match self {
            Self::Tcp(connection) => Some(connection),
            Self::Http(http) => Some(&http.connection),
            Self::Smtp(smtp) => Some(&smtp.connection),
            Self::Dns(_) | Self::Misc(_) | Self::Ping(_) | Self::Udp(_) => None,
        }
    }
}

impl VirtualServerSpec {
    /// The same with the checks that can be run.
    #[must_use]
    pub fn with_stand_ins(mut self) -> Self {
        for server in &mut self.real_servers {
            server.checks = server.checks.iter().filter_map(stand_in).collect();
        }
        self
    }
}

fn stand_in(check: &CheckSpec) -> Option<CheckSpec> {
    let connection = check.probe.stand_in()?.clone();
    Some(CheckSpec { probe: ProbeSpec::Tcp(connection), ..*check })
}
