//! Routes: what a line of `virtual_routes` or `static_routes` asks for, complete enough for rtnetlink.
//!
//! **Names are numbers here**: what iproute2's files call tables, protocols, scopes and realms has been looked up when
//! the configuration was read. Only interfaces keep their names, as everywhere in a spec.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Family;

/// An address and how many of its leading bits count.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Prefix {
    /// The address; bits beyond the prefix are as they were written.
    pub address: IpAddr,
    /// 0 to 32 for IPv4, 0 to 128 for IPv6.
    pub len: u8,
}

impl Prefix {
    /// Everything of a family: `default`.
    pub const fn everything(family: Family) -> Self {
        let address = match family {
            Family::V4 => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            Family::V6 => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        };
        Self { address, len: 0 }
    }

    /// Its family.
    pub const fn family(self) -> Family {
        Family::of(self.address)
    }
}

/// The kernel's table of unicast routes, `main`.
pub const TABLE_MAIN: u32 = 254;
/// The kernel's table of its own addresses, `local`.
pub const TABLE_LOCAL: u32 = 255;
/// The kernel's last table, `default`.
pub const TABLE_DEFAULT: u32 = 253;
/// Number by which routes and rules of keepalived are known (`proto keepalived`).
pub const PROTOCOL_KEEPALIVED: u8 = 18;

/// What the kernel does with packets of a route (`RTN_*`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RouteKind {
    /// Sends them on.
    Unicast,
    /// Takes them as its own.
    Local,
    /// Takes them as broadcasts.
    Broadcast,
    /// Takes them as its own, and sends as unicast.
    Anycast,
    /// Sends them to a group.
    Multicast,
    /// Drops them in silence.
    Blackhole,
    /// Answers "host unreachable".
    Unreachable,
    /// Answers "administratively prohibited".
    Prohibit,
    /// Looks in the next table.
    Throw,
    /// Translates them; no kernel since 2.6 does.
    Nat,
}

impl RouteKind {
    /// The table of routes that name none.
    pub const fn default_table(self) -> u32 {
        match self {
            Self::Local | Self::Broadcast | Self::Anycast | Self::Nat => TABLE_LOCAL,
            _ => TABLE_MAIN,
        }
    }
}

/// How far the destination of an IPv4 route is (`RT_SCOPE_*`), as the kernel's number: 0 global, 200 site, 253 link,
/// 254 host, 255 nowhere.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Scope(pub u8);

/// Realms of the routing classifier: 16 bits each, 0 none.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
pub struct Realms {
    /// Where packets come from.
    pub from: u16,
    /// Where they go.
    pub to: u16,
}

/// What a route does when another one of the same destination, tos and metric is there already.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RouteCreate {
    /// Fails (`add`); keepalived's way for all but unicast routes.
    Add,
    /// Goes before it (`prepend`); keepalived's way for unicast routes.
    #[default]
    Prepend,
    /// Goes after it (`append`).
    Append,
}

/// Where a route leads.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
pub struct Nexthop {
    /// The gateway (`via`), which may be of another family than the route; none: the destination is on the link.
    pub gateway: Option<IpAddr>,
    /// `dev`; none: the kernel chooses.
    pub interface: Option<String>,
    /// Its share of the traffic beside other nexthops, 1 to 256.
    pub weight: Weight,
    /// `onlink`: takes the gateway as being on the link, whatever its address.
    pub onlink: bool,
    /// `realms` of this nexthop.
    pub realms: Option<Realms>,
    /// `encap`: what is put around packets.
    pub encapsulation: Option<Encapsulation>,
}

/// Share of a nexthop, 1 to 256; 1 unless written.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Weight(pub u16);

impl Default for Weight {
    fn default() -> Self {
        Self(1)
    }
}

/// A light-weight tunnel of a route (`encap`).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encapsulation {
    /// `encap ip`.
    Ip {
        /// Tunnel identifier.
        id: Option<u64>,
        /// Outer destination.
        destination: Option<Ipv4Addr>,
        /// Outer source.
        source: Option<Ipv4Addr>,
        /// Outer type of service.
        tos: Option<u8>,
        /// Outer time to live.
        ttl: Option<u8>,
        /// Tunnel flags, as the kernel's bits.
        flags: Option<u16>,
    },
    /// `encap ip6`.
    Ip6 {
        /// Tunnel identifier.
        id: Option<u64>,
        /// Outer destination.
        destination: Option<Ipv6Addr>,
        /// Outer source.
        source: Option<Ipv6Addr>,
        /// Outer traffic class.
        traffic_class: Option<u8>,
        /// Outer hop limit.
        hop_limit: Option<u8>,
        /// Tunnel flags, as the kernel's bits.
        flags: Option<u16>,
    },
    /// `encap mpls LABEL[/LABEL]`: outermost first, each below 2^20.
    Mpls(Vec<u32>),
    /// `encap ila LOCATOR`: the upper half of the address that replaces the destination's.
    Ila(u64),
}

/// A metric, and whether the kernel may change it by what it learns (`lock`: not).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Metric<T> {
    /// The value.
    pub value: T,
    /// Whether it stays.
    pub lock: bool,
}

/// What the kernel is told about the path of a route (`RTAX_*`). None: it finds out, or takes its default.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
pub struct RouteMetrics {
    /// `mtu` in bytes.
    pub mtu: Option<Metric<u32>>,
    /// `advmss` in bytes.
    pub advertised_mss: Option<Metric<u32>>,
    /// `rtt`.
    pub rtt: Option<Metric<Duration>>,
    /// `rttvar`.
    pub rtt_variance: Option<Metric<Duration>>,
    /// `rto_min`.
    pub rto_min: Option<Metric<Duration>>,
    /// `reordering` in packets.
    pub reordering: Option<Metric<u32>>,
    /// `cwnd` in packets.
    pub congestion_window: Option<Metric<u32>>,
    /// `ssthresh` in packets.
    pub slow_start_threshold: Option<Metric<u32>>,
    /// `congctl`: name of the congestion control.
    pub congestion_control: Option<Metric<String>>,
    /// `window` in bytes.
    pub window: Option<u32>,
    /// `hoplimit`, 0 to 255.
    pub hop_limit: Option<u8>,
    /// `initcwnd` in packets.
    pub initial_congestion_window: Option<u32>,
    /// `initrwnd` in packets.
    pub initial_receive_window: Option<u32>,
    /// `quickack`.
    pub quick_ack: Option<bool>,
    /// `fastopen_no_cookie`.
    pub fast_open_no_cookie: Option<bool>,
    /// `features ecn`.
    pub ecn: bool,
}

/// Preference of an IPv6 route learnt from router advertisements (RFC 4191 2.1).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RoutePreference {
    /// `low`.
    Low,
    /// `medium`.
    Medium,
    /// `high`.
    High,
}

/// One line of `virtual_routes` or `static_routes`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct RouteSpec {
    /// What is done with packets.
    pub kind: RouteKind,
    /// Which packets, by destination; its family is the route's.
    pub destination: Prefix,
    /// Which packets, by source (`from`; IPv6 only).
    pub source: Option<Prefix>,
    /// Source address of packets of this host (`src`).
    pub preferred_source: Option<IpAddr>,
    /// Which packets, by type of service; 0 any.
    pub tos: u8,
    /// The table.
    pub table: u32,
    /// `vrf`: the table is that of this VRF instead.
    pub vrf: Option<String>,
    /// Who says to have made it; [`PROTOCOL_KEEPALIVED`] unless `no_track` stands with a `protocol`.
    pub protocol: u8,
    /// `scope`; none: what the kernel derives from kind and gateway.
    pub scope: Option<Scope>,
    /// `metric`: the smaller, the better; 0 is the kernel's default.
    pub metric: u32,
    /// Where it leads; one unless `nexthop` is written several times, none for routes that lead nowhere.
    pub nexthops: Vec<Nexthop>,
    /// What is known of the path.
    pub metrics: RouteMetrics,
    /// `realms` of the whole route.
    pub realms: Option<Realms>,
    /// `expires`: the kernel removes it after so long (IPv6 only).
    pub expires: Option<Duration>,
    /// `pref` (IPv6 only).
    pub preference: Option<RoutePreference>,
    /// `ttl-propagate`: whether MPLS copies the TTL.
    pub ttl_propagate: Option<bool>,
    /// What happens beside another route.
    pub create: RouteCreate,
    /// Whether it is put back when somebody removes it, and follows its interface (not with `no_track`).
    pub track: bool,
    /// `track_group`: the instances that follow its interface (static routes only).
    pub track_group: Option<String>,
}

impl RouteSpec {
    /// A unicast route of table main that says no more than its destination.
    pub fn new(destination: Prefix) -> Self {
        Self {
            kind: RouteKind::Unicast,
            destination,
            source: None,
            preferred_source: None,
            tos: 0,
            table: TABLE_MAIN,
            vrf: None,
            protocol: PROTOCOL_KEEPALIVED,
            scope: None,
            metric: 0,
            nexthops: Vec::new(),
            metrics: RouteMetrics::default(),
            realms: None,
            expires: None,
            preference: None,
            ttl_propagate: None,
            create: RouteCreate::default(),
            track: true,
            track_group: None,
        }
    }

    /// Its family.
    pub const fn family(&self) -> Family {
        self.destination.family()
    }

    /// The interfaces that it names.
    pub fn interfaces(&self) -> impl Iterator<Item = &str> {
        self.nexthops.iter().filter_map(|hop| hop.interface.as_deref())
    }
}
