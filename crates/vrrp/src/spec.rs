//! What is asked for: one [`RouterSpec`], with one [`InstanceSpec`] per `vrrp_instance`, every default filled in.
//!
//! `config` makes these values from keepalived.conf; the [`Router`](crate::Router) compares an old with a new one at a
//! reload. They name interfaces as the configuration does: which kernel index a name has now is the business of the
//! machine's `Link` inputs.

mod address;
mod announce;
mod authentication;
mod held;
mod identity;
mod instance;
mod route;
mod rule;
mod sync_group;
mod track;
mod transport;
mod vmac;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use address::{AddressFlags, VirtualAddress};
pub use announce::{AnnounceGroup, AnnounceSpec, ExtraInterfaces};
pub use authentication::{AntiReplay, AuthHmac, Authentication, HmacKey, HmacMode, KeyId};
pub use held::Held;
pub use identity::{Family, InstanceKey, Priority, Version, VirtualRouterId};
pub use instance::{InitialState, InstanceSpec};
pub use route::{
    Encapsulation, Metric, Nexthop, PROTOCOL_KEEPALIVED, Prefix, Realms, RouteCreate, RouteKind,
    RouteMetrics, RoutePreference, RouteSpec, Scope, TABLE_DEFAULT, TABLE_LOCAL, TABLE_MAIN, Weight,
};
pub use rule::{Mark, Range, RuleAction, RuleSpec};
pub use sync_group::SyncGroupSpec;
pub use track::{InterfaceTrack, LinkDelays, Track, TrackerId, TrackerKind};
pub use transport::{ChecksumV3, Peer, Transport};
pub use vmac::{IpvlanMode, VmacKind, VmacSpec};

/// Everything that a [`Router`](crate::Router) is to run.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct RouterSpec {
    /// The `vrrp_instance`s, in the order of the file.
    pub instances: Vec<InstanceSpec>,
    /// The `vrrp_sync_group`s, in the order of the file.
    pub sync_groups: Vec<SyncGroupSpec>,
    /// `garp_group`s.
    pub announce_groups: Vec<AnnounceGroup>,
    /// `interface_up_down_delays`, by interface.
    pub link_delays: BTreeMap<String, LinkDelays>,
    /// What is there whatever the state of the instances: `static_ipaddress`, `static_routes` and `static_rules`, in
    /// this order.
    pub statics: Vec<Held>,
    /// `track_group`s by name: the instances that follow the interfaces of what names the group; each exists.
    pub track_groups: BTreeMap<String, Vec<String>>,
    /// `vrrp_startup_delay`: no instance becomes master before this has passed since the first configuration.
    pub startup_delay: Duration,
    /// `vrrp_delay_after_boot`: the same, counted from the boot of the host.
    pub delay_after_boot: Duration,
    /// `vmac_prefix`: start of the names of VMACs (default: `vrrp`).
    pub vmac_prefix: Option<String>,
    /// `vmac_addr_prefix`: start of the names of VMACs of single addresses (default: `vmac_prefix`).
    pub vmac_address_prefix: Option<String>,
    /// `log_unknown_vrids`: adverts of virtual routers that are not configured here are told of.
    pub log_unknown_vrids: bool,
    /// `disable_local_igmp`: the kernel reports no link-local groups while the daemon runs.
    pub disable_local_igmp: bool,
}

impl From<Vec<InstanceSpec>> for RouterSpec {
    fn from(instances: Vec<InstanceSpec>) -> Self {
        Self { instances, ..Self::default() }
    }
}
