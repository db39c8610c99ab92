//! What marks packets for the services of groups (`nftables_ipvs`).

use config::model::IpvsNftables;
use net::{MarkSettings, MarkedRange};

use super::table::line;
use crate::ipc::{Level, Line};
use crate::marks::Marked;

#[derive(Default)]
pub(super) struct Marking(net::Marking);

impl Marking {
    /// In the network namespace that the calling thread is in.
    pub(super) fn open() -> Result<Self, netlink::Error> {
        net::Marking::open().map(Self)
    }

    /// Has packets be marked as the configuration asks for.
    pub(super) fn apply(&mut self, wanted: &IpvsNftables, marked: &[Marked]) -> Option<Line> {
        let settings = MarkSettings { table: wanted.table.clone(), priority: wanted.priority };
        let ranges: Vec<MarkedRange> = marked.iter().map(MarkedRange::from).collect();
        self.report(wanted.enabled.then_some(&settings), &ranges)
    }

    /// Removes what marks packets.
    pub(super) fn release(&mut self) -> Option<Line> {
        self.report(None, &[])
    }

    fn report(&mut self, settings: Option<&MarkSettings>, ranges: &[MarkedRange]) -> Option<Line> {
        let error = self.0.apply(settings, ranges).err()?;
        Some(line(Level::Error, format!("packets to groups cannot be marked (nftables_ipvs): {error}")))
    }
}
