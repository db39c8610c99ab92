//! Packet filters that VRRP needs for `no_accept` and for VMACs.

use serde::{Deserialize, Serialize};

/// How packets are filtered.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FirewallSpec {
    /// `vrrp_iptables`; none: iptables are not used.
    pub iptables: Option<IptablesSpec>,
    /// `vrrp_ipsets`: names of the sets of the iptables rules; none, the bare keyword: sets are not used.
    pub ipsets: Option<IpsetNames>,
    /// `nftables` and its settings.
    pub nftables: NftablesSpec,
}

impl Default for FirewallSpec {
    fn default() -> Self {
        Self { iptables: None, ipsets: Some(IpsetNames::default()), nftables: NftablesSpec::default() }
    }
}

/// `vrrp_iptables`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct IptablesSpec {
    /// Chain of received packets (default INPUT).
    pub input: String,
    /// Chain of sent packets (default OUTPUT); none: the line names only the other.
    pub output: Option<String>,
}

/// `vrrp_ipsets`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct IpsetNames {
    /// IPv4 addresses (default keepalived).
    pub v4: String,
    /// IPv6 addresses (default keepalived6).
    pub v6: String,
    /// Link-local IPv6 addresses with their interface (default keepalived_if6).
    pub v6_interfaces: String,
    /// Interfaces that send no IGMP (default keepalived_igmp).
    pub igmp: String,
    /// Interfaces that send no MLD (default keepalived_mld).
    pub mld: String,
    /// Interfaces that send no neighbour discovery (default keepalived_nd).
    pub nd: String,
}

impl Default for IpsetNames {
    fn default() -> Self {
        Self {
            v4: "keepalived".to_owned(),
            v6: "keepalived6".to_owned(),
            v6_interfaces: "keepalived_if6".to_owned(),
            igmp: "keepalived_igmp".to_owned(),
            mld: "keepalived_mld".to_owned(),
            nd: "keepalived_nd".to_owned(),
        }
    }
}

/// `nftables` and its settings.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct NftablesSpec {
    /// `nftables`: asked for by name; without it, and without `vrrp_iptables`, it is used where it is needed.
    pub asked_for: bool,
    /// Name of the table (default keepalived).
    pub table: String,
    /// `nftables_priority` of its base chains (default -1).
    pub priority: i32,
    /// `nftables_ifindex`: link-local addresses go by the index of their interface, not its name.
    pub by_index: bool,
    /// `nftables_counters`: rules count.
    pub counters: bool,
}

impl Default for NftablesSpec {
    fn default() -> Self {
        Self {
            asked_for: false,
            table: "keepalived".to_owned(),
            priority: -1,
            by_index: false,
            counters: false,
        }
    }
}
