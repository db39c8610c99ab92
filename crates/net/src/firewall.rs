//! The packet filter: addresses of `no_accept` get and send nothing, and VMACs keep their IGMP, MLD and router
//! solicitations to themselves.
//!
//! Table, chains, sets and rules are those of keepalived, so that `nft list ruleset` shows the same. They are made over
//! netlink by this process: a takeover waits for no other program, and needs none. **Each change is one transaction**:
//! no packet meets half of it.

mod marks;
mod message;
mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, Ipv6Addr};

use netlink::{Conversation, Error};
use vrrp::IfIndex;

pub use marks::{MarkSettings, MarkedRange, Marking};
use message::{Message, begin, end};
use table::{Shape, V4, V6};

/// How the filter is called and where it stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FirewallSettings {
    /// `nftables`: the table's name.
    pub table: String,
    /// `nftables_priority` of its base chains.
    pub priority: i32,
    /// `nftables_counters`: rules count packets and bytes.
    pub counters: bool,
}

impl Default for FirewallSettings {
    fn default() -> Self {
        Self { table: "keepalived".to_owned(), priority: -1, counters: false }
    }
}

/// What is filtered.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Filter {
    /// VMACs of IPv4 instances, and the interfaces below them.
    pub vmacs_v4: BTreeMap<IfIndex, IfIndex>,
    /// VMACs of IPv6 instances, and the interfaces below them.
    pub vmacs_v6: BTreeMap<IfIndex, IfIndex>,
    /// Addresses that accept nothing.
    pub v4: BTreeSet<Ipv4Addr>,
    /// Likewise.
    pub v6: BTreeSet<Ipv6Addr>,
    /// Link-local ones, each on its interface.
    pub link_local: BTreeSet<(Ipv6Addr, IfIndex)>,
}

/// A conversation with the kernel about the packet filter.
#[derive(Debug)]
pub struct Firewall {
    settings: FirewallSettings,
    /// Opened when there is first something to filter.
    conversation: Option<Conversation>,
    filter: Filter,
    v4: Shape,
    v6: Shape,
}

impl Firewall {
    /// A filter that is not there yet.
    pub fn new(settings: FirewallSettings) -> Self {
        let empty = Shape::default();
        Self { settings, conversation: None, filter: Filter::default(), v4: empty, v6: empty }
    }

    /// How it is called now.
    pub const fn settings(&self) -> &FirewallSettings {
        &self.settings
    }

    /// Makes the filter be this. What was once needed stays, empty, until [`Firewall::release`], as in keepalived.
    ///
    /// # Errors
    /// The kernel refuses; the filter is then as it was.
    pub fn apply(&mut self, filter: &Filter) -> Result<(), Error> {
        let v4 = self.v4.with(Shape::v4(filter));
        let v6 = self.v6.with(Shape::v6(filter));
        if *filter == self.filter && v4 == self.v4 && v6 == self.v6 {
            return Ok(());
        }
        let mut messages = Vec::new();
        if v4 == self.v4 {
            messages.extend(table::change::<V4>(&self.settings, &self.filter, filter));
        } else {
            messages.extend(table::build::<V4>(&self.settings, v4, filter));
        }
        if v6 == self.v6 {
            messages.extend(table::change::<V6>(&self.settings, &self.filter, filter));
        } else {
            messages.extend(table::build::<V6>(&self.settings, v6, filter));
        }
        self.perform(&messages)?;
        (self.filter, self.v4, self.v6) = (filter.clone(), v4, v6);
        Ok(())
    }

    /// Removes the filter.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn release(&mut self) -> Result<(), Error> {
        let mut messages = Vec::new();
        if self.v4 != Shape::default() {
            messages.extend(table::remove::<V4>(&self.settings));
        }
        if self.v6 != Shape::default() {
            messages.extend(table::remove::<V6>(&self.settings));
        }
        self.perform(&messages)?;
        self.filter = Filter::default();
        (self.v4, self.v6) = (Shape::default(), Shape::default());
        Ok(())
    }

    fn perform(&mut self, messages: &[netlink::Request<Message>]) -> Result<(), Error> {
        if messages.is_empty() {
            return Ok(());
        }
        let conversation = match &mut self.conversation {
            Some(open) => open,
            none => none.insert(Conversation::open(libc::NETLINK_NETFILTER as isize)?),
        };
        conversation.transaction(&begin(), messages, &end())
    }
}
