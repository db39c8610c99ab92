//! One virtual router on this host.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::address::VirtualAddress;
use super::announce::AnnounceSpec;
use super::authentication::{AuthHmac, Authentication};
use super::held::Held;
use super::identity::{Family, InstanceKey, Priority, Version, VirtualRouterId};
use super::route::RouteSpec;
use super::rule::RuleSpec;
use super::track::{InterfaceTrack, Track};
use super::transport::{ChecksumV3, Peer, Transport};
use super::vmac::VmacSpec;
use crate::time::Centiseconds;

/// RFC 9568 5.1.1.2.
const MULTICAST_V4: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 18);
/// RFC 9568 5.1.2.2.
const MULTICAST_V6: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x12);

/// The role that the file's `state` wishes for at start. As in keepalived it means something for an owner of the addresses
/// only; below priority 255 the election decides.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum InitialState {
    /// `state MASTER`.
    Master,
    /// `state BACKUP`: an owner waits for its down timer like anybody else.
    Backup,
    /// Nothing is said: an owner is master at once, or a moment later in a sync group.
    Unset,
}

/// One `vrrp_instance`, complete.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct InstanceSpec {
    /// Its name in the file; used in messages and notifications, not for identity.
    pub name: String,
    /// `virtual_router_id`.
    pub vrid: VirtualRouterId,
    /// `version`.
    pub version: Version,
    /// Family of the advertised addresses.
    pub family: Family,
    /// `interface`.
    pub interface: String,
    /// `state`.
    pub initial_state: InitialState,
    /// `priority`, before trackers.
    pub priority: Priority,
    /// `advert_int`.
    pub advert_interval: Centiseconds,
    /// Missed adverts before takeover (`down_timer_adverts`, 1 to 100, default 3 as in RFC 9568 6.1).
    pub down_timer_adverts: u8,
    /// `nopreempt`: never takes over from a living master of lower priority.
    pub nopreempt: bool,
    /// `preempt_delay`, 0 to 1000 s: how long a lower-priority master is tolerated before it is pre-empted.
    pub preempt_delay: Duration,
    /// Multicast group or unicast peers.
    pub transport: Transport,
    /// Source address of adverts (`mcast_src_ip`, `unicast_src_ip`); default: the interface's first address that is
    /// not one of the virtual ones.
    pub source: Option<IpAddr>,
    /// `track_src_ip`: FAULT while a configured `source` is not on the interface.
    pub track_source: bool,
    /// `authentication`; [`Authentication::None`] in version 3 and with `auth_hmac`.
    pub authentication: Authentication,
    /// `auth_hmac`.
    pub auth_hmac: Option<AuthHmac>,
    /// Checksum of version 3 adverts over IPv4.
    pub checksum_v3: ChecksumV3,
    /// `virtual_ipaddress`, in the order of the file: advertised and held by the master.
    pub addresses: Vec<VirtualAddress>,
    /// `virtual_ipaddress_excluded`: held by the master, not advertised; of either family.
    pub excluded: Vec<VirtualAddress>,
    /// `virtual_routes`, in the order of the file: held by the master.
    pub routes: Vec<RouteSpec>,
    /// `virtual_rules`, in the order of the file: held by the master.
    pub rules: Vec<RuleSpec>,
    /// `use_vmac`, `use_ipvlan`: an interface that the instance makes on its own one for its addresses.
    pub vmac: Option<VmacSpec>,
    /// `use_vmac_addr`: addresses on other interfaces get VMACs of these as well.
    pub vmac_addresses: bool,
    /// `promote_secondaries`: the other addresses of a subnet stay when its first one is removed.
    pub promote_secondaries: bool,
    /// `kernel_rx_buf_size` of its socket, in bytes; none: as `vrrp_rx_bufs_policy` says.
    pub receive_buffer: Option<u32>,
    /// Gratuitous ARP and unsolicited NA.
    pub announce: AnnounceSpec,
    /// `track_interface`.
    pub track_interfaces: Vec<InterfaceTrack>,
    /// `track_script`, `track_file`, `track_process`, `track_bfd`.
    pub tracks: Vec<Track>,
    /// Whether the instance's own interface being down means FAULT (not with `dont_track_primary`).
    pub track_primary: bool,
    /// `skip_check_adv_addr`: compares the address list of an advert only when the master has changed.
    pub skip_check_adv_addr: bool,
    /// `lower_prio_no_advert`: a master does not answer adverts of lower priority.
    pub lower_prio_no_advert: bool,
    /// `higher_prio_send_advert`: a master sends one more advert before it yields to a higher one.
    pub higher_prio_send_advert: bool,
    /// `owner_ignore_adverts`: an owner of the addresses (priority 255) does not hear other masters.
    pub owner_ignore_adverts: bool,
    /// `timer_expired_backup` (1 to 254, 254 where the line gives none), with `nopreempt` only: a master whose process
    /// did not run for so long that a backup of this priority has taken over steps down instead of taking back.
    pub timer_expired_backup: Option<Priority>,
    /// `strict_mode`. What follows from it for the other settings is settled in them.
    pub strict: bool,
    /// `accept`: a master that is not the owner accepts packets to the virtual addresses.
    pub accept: bool,
}

impl InstanceSpec {
    /// An instance with keepalived's defaults and no address.
    pub fn new(
        name: impl Into<String>,
        interface: impl Into<String>,
        vrid: VirtualRouterId,
        family: Family,
    ) -> Self {
        let (version, group) = match family {
            Family::V4 => (Version::V2, IpAddr::V4(MULTICAST_V4)),
            Family::V6 => (Version::V3, IpAddr::V6(MULTICAST_V6)),
        };
        Self {
            name: name.into(),
            vrid,
            version,
            family,
            interface: interface.into(),
            initial_state: InitialState::Unset,
            priority: Priority::DEFAULT,
            advert_interval: Centiseconds::from_secs(1),
            down_timer_adverts: 3,
            nopreempt: false,
            preempt_delay: Duration::ZERO,
            transport: Transport::Multicast { group },
            source: None,
            track_source: false,
            authentication: Authentication::None,
            auth_hmac: None,
            checksum_v3: ChecksumV3::Detect,
            addresses: Vec::new(),
            excluded: Vec::new(),
            routes: Vec::new(),
            rules: Vec::new(),
            vmac: None,
            vmac_addresses: false,
            promote_secondaries: false,
            receive_buffer: None,
            announce: AnnounceSpec::default(),
            track_interfaces: Vec::new(),
            tracks: Vec::new(),
            track_primary: true,
            skip_check_adv_addr: false,
            lower_prio_no_advert: false,
            higher_prio_send_advert: false,
            owner_ignore_adverts: false,
            timer_expired_backup: None,
            strict: false,
            accept: true,
        }
    }

    /// Whether it becomes master without an election: it owns the addresses (RFC 9568 6.4.1), and the file does not ask
    /// for BACKUP.
    pub fn claims(&self) -> bool {
        self.priority.is_owner() && self.initial_state != InitialState::Backup
    }

    /// The unicast peers; none in multicast.
    pub fn peers(&self) -> impl Iterator<Item = &Peer> {
        match &self.transport {
            Transport::Multicast { .. } => [].iter(),
            Transport::Unicast { peers, .. } => peers.iter(),
        }
    }

    /// Every address that the master holds: advertised ones first, in the order of the file.
    pub fn held_addresses(&self) -> impl Iterator<Item = &VirtualAddress> {
        self.addresses.iter().chain(&self.excluded)
    }

    /// Everything that the master holds, in the order in which it is installed: addresses, routes, rules.
    pub fn held(&self) -> Vec<Held> {
        let addresses = self.held_addresses().cloned().map(Held::Address);
        let routes = self.routes.iter().cloned().map(Held::from);
        addresses.chain(routes).chain(self.rules.iter().cloned().map(Held::from)).collect()
    }

    /// Every interface whose state matters to this instance.
    pub fn interfaces(&self) -> BTreeSet<&str> {
        core::iter::once(self.interface.as_str())
            .chain(self.vmac.as_ref().map(|vmac| vmac.name.as_str()))
            .chain(self.held_addresses().map(|address| address.interface.as_str()))
            .chain(self.routes.iter().flat_map(RouteSpec::interfaces))
            .chain(self.rules.iter().flat_map(RuleSpec::interfaces))
            .chain(self.track_interfaces.iter().map(|track| track.interface.as_str()))
            .collect()
    }

    /// What makes this instance the same one after a reload (keepalived's rule; the name is not part of it).
    pub fn key(&self) -> InstanceKey {
        InstanceKey {
            interface: self.interface.clone(),
            vrid: self.vrid,
            family: self.family,
            unicast: self.transport.is_unicast(),
        }
    }
}
