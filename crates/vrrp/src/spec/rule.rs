//! Routing rules: what a line of `virtual_rules` or `static_rules` asks for, complete enough for rtnetlink.

use serde::{Deserialize, Serialize};

use super::{Family, PROTOCOL_KEEPALIVED, Prefix, Realms};

/// What happens to packets that a rule matches.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RuleAction {
    /// They are looked up in this table.
    Table(u32),
    /// They are looked up in the table of the VRF that they belong to (`l3mdev`).
    Vrf,
    /// The search goes on at the rule of this preference, which is greater than the rule's own.
    Goto(u32),
    /// Nothing.
    Nop,
    /// They are dropped in silence.
    Blackhole,
    /// They are answered "host unreachable".
    Unreachable,
    /// They are answered "administratively prohibited".
    Prohibit,
}

/// Numbers from `first` to `last`, both included.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Range<T> {
    /// Least.
    pub first: T,
    /// Greatest.
    pub last: T,
}

/// A firewall mark, and which of its bits count.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Mark {
    /// The mark.
    pub mark: u32,
    /// Bits that count; all unless written.
    pub mask: u32,
}

/// One line of `virtual_rules` or `static_rules`. What is none or 0 matches every packet.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct RuleSpec {
    /// Which packets it sees.
    pub family: Family,
    /// `not`: matches what the rest does not.
    pub invert: bool,
    /// `from`.
    pub from: Option<Prefix>,
    /// `to`.
    pub to: Option<Prefix>,
    /// Type of service (`tos`, `dsfield`); 0 any.
    pub tos: u8,
    /// `fwmark`.
    pub mark: Option<Mark>,
    /// `iif` (`dev`): where packets come in.
    pub incoming: Option<String>,
    /// `oif`: the interface that a socket is bound to.
    pub outgoing: Option<String>,
    /// `tunnel-id`.
    pub tunnel_id: Option<u64>,
    /// `uidrange`: users whose sockets send.
    pub users: Option<Range<u32>>,
    /// `ipproto`: the protocol in the IP header.
    pub ip_protocol: Option<u8>,
    /// `sport`.
    pub source_ports: Option<Range<u16>>,
    /// `dport`.
    pub destination_ports: Option<Range<u16>>,
    /// What happens to packets.
    pub action: RuleAction,
    /// Where it stands among the rules; the smaller, the earlier. Rules that name none get 16384, 16383 and so on, in
    /// each family by itself.
    pub preference: u32,
    /// `realms`.
    pub realms: Option<Realms>,
    /// `suppress_prefixlength`: routes with so short a prefix do not count.
    pub suppress_prefix_len: Option<u32>,
    /// `suppress_ifgroup`: routes over interfaces of this group do not count.
    pub suppress_interface_group: Option<u32>,
    /// Who says to have made it; none with `no_track` and without `protocol`.
    pub protocol: Option<u8>,
    /// Whether it is put back when somebody removes it, and follows its interfaces (not with `no_track`).
    pub track: bool,
    /// `track_group`: the instances that follow its interfaces (static rules only).
    pub track_group: Option<String>,
}

impl RuleSpec {
    /// A rule that matches every packet of a family.
    pub const fn new(family: Family, action: RuleAction, preference: u32) -> Self {
        Self {
            family,
            invert: false,
            from: None,
            to: None,
            tos: 0,
            mark: None,
            incoming: None,
            outgoing: None,
            tunnel_id: None,
            users: None,
            ip_protocol: None,
            source_ports: None,
            destination_ports: None,
            action,
            preference,
            realms: None,
            suppress_prefix_len: None,
            suppress_interface_group: None,
            protocol: Some(PROTOCOL_KEEPALIVED),
            track: true,
            track_group: None,
        }
    }

    /// The interfaces that it names.
    pub fn interfaces(&self) -> impl Iterator<Item = &str> {
        self.incoming.iter().chain(&self.outgoing).map(String::as_str)
    }
}
