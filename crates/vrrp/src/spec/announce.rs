//! When and how often an instance tells the LAN where its addresses are.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// When and how often an instance tells the LAN where its addresses are (gratuitous ARP, unsolicited NA).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AnnounceSpec {
    /// Announcements of each address in one burst (`garp_master_repeat`, default 5).
    pub repeat: u32,
    /// A second burst this long after becoming master (`garp_master_delay`, default 5 s); zero: none.
    pub delay: Duration,
    /// Period of refreshing bursts while master (`garp_master_refresh`); zero, the default: none.
    pub refresh: Duration,
    /// Announcements of each address in a refreshing burst (`garp_master_refresh_repeat`, default 1).
    pub refresh_repeat: u32,
    /// Announcements of each address after a lower-priority advert was heard (`garp_lower_prio_repeat`).
    pub lower_priority_repeat: u32,
    /// A second such burst this long after it (`garp_lower_prio_delay`); zero: none.
    pub lower_priority_delay: Duration,
    /// Least time between two announcements on one interface (`vrrp_garp_interval`, `vrrp_gna_interval`); zero: none.
    pub spacing: Duration,
    /// `garp_extra_if`: announcements on further interfaces while master; none: there are none.
    pub extra_interfaces: Option<ExtraInterfaces>,
}

impl Default for AnnounceSpec {
    fn default() -> Self {
        Self {
            repeat: 5,
            delay: Duration::from_secs(5),
            refresh: Duration::ZERO,
            refresh_repeat: 1,
            lower_priority_repeat: 5,
            lower_priority_delay: Duration::from_secs(5),
            spacing: Duration::ZERO,
            extra_interfaces: None,
        }
    }
}

/// `garp_extra_if`: keeps the switches' tables fresh where nothing else of an address is seen.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ExtraInterfaces {
    /// `all`: every interface that holds an address of the instance; else only those VMACs that are not its own.
    pub all: bool,
    /// Period, 1 to 86400 s.
    pub every: Duration,
}

/// `garp_group`: interfaces that share one spacing of announcements.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AnnounceGroup {
    /// `interface` or `interfaces`; an interface is in one group only.
    pub interfaces: BTreeSet<String>,
    /// `interfaces`: keepalived numbers those groups.
    pub numbered: bool,
    /// `garp_interval`; zero: none.
    pub garp_interval: Duration,
    /// `gna_interval`; zero: none.
    pub gna_interval: Duration,
}

impl AnnounceGroup {
    /// The spacing of announcements of this address.
    pub const fn spacing(&self, address: IpAddr) -> Duration {
        match address {
            IpAddr::V4(_) => self.garp_interval,
            IpAddr::V6(_) => self.gna_interval,
        }
    }
}
