//! What asks in the place of a probe that this version of stayd does not have.
//!
//! **A check without a probe is a connection test where it connects over TCP, and otherwise none**: the server counts as
//! up for it. Each probe that is written moves a kind to the first line here, and takes away its note in the keyword
//! table.

use super::{CheckSpec, ProbeSpec, VirtualServerSpec};

impl ProbeSpec {
    /// What is asked for it: itself if it has a probe; none: nothing is.
    pub fn stand_in(self) -> Option<Self> {
        match self {
            Self::Tcp(_) | Self::Smtp(_) | Self::Dns(_) | Self::Misc(_) | Self::Ping(_) | Self::Udp(_) => {
                Some(self)
            }
            Self::Http(http) => Some(Self::Tcp(http.connection)),
        }
    }
}

impl VirtualServerSpec {
    /// The same with the checks that can be run.
    #[must_use]
    pub fn with_stand_ins(mut self) -> Self {
        for server in &mut self.real_servers {
            let checks = std::mem::take(&mut server.checks);
            server.checks = checks.into_iter().filter_map(stand_in).collect();
        }
        self
    }
}

fn stand_in(check: CheckSpec) -> Option<CheckSpec> {
    Some(CheckSpec { probe: check.probe.stand_in()?, ..check })
}
