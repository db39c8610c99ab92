//! What IPVS has beside its table: timeouts and sync daemons, and the table as a whole (`lvs_flush`).
//!
//! **What runs as wanted is left alone**: a reload restarts a sync daemon only where its settings change, and a process that
//! replaces a crashed one takes the daemons over that it finds.

use std::collections::BTreeSet;

use config::model::{FlushOnStop, LvsGlobals};
use ipvs::netlink::{Client, Timeouts};
use ipvs::{Error, SyncRole, sync_plan};

use super::table::line;
use crate::ipc::{Level, Line};

/// `lvs_timeouts`, `lvs_sync_daemon`, `lvs_flush` and `lvs_flush_on_stop`, and what of them is in effect.
#[derive(Default)]
pub(super) struct Globals {
    wanted: LvsGlobals,
    /// Whether the instance that decides over the sync daemon is master here.
    master: bool,
    /// Timeouts that were set.
    timeouts: Timeouts,
    /// What they were before: the stop puts them back, as keepalived does.
    before: Option<Timeouts>,
    /// Whether sync daemons are ours: wanted now or by an earlier configuration.
    syncs: bool,
    /// Whether anything has been configured.
    configured: bool,
}

impl Globals {
    /// Takes in a configuration. `fresh`: the process has no predecessor whose work goes on.
    pub(super) fn configure(&mut self, client: &mut Client, wanted: LvsGlobals, fresh: bool) -> Vec<Line> {
        let flush = wanted.flush && fresh && !self.configured;
        self.configured = true;
        self.wanted = wanted;
        let mut lines = Vec::new();
        if flush {
            lines.push(told("emptied the table (lvs_flush)", "cannot empty the table", client.flush()));
        }
        let timeouts = self.wanted.timeouts;
        if timeouts != self.timeouts && timeouts != Timeouts::default() {
            if self.before.is_none() {
                self.before = client.timeouts().ok();
            }
            let Timeouts { tcp, tcp_fin, udp } = timeouts;
            let text = format!("timeouts (0: as they were): TCP {tcp} s, after FIN {tcp_fin} s, UDP {udp} s");
            lines.push(told(&text, "cannot set timeouts", client.set_timeouts(timeouts)));
        }
        self.timeouts = timeouts;
        lines.extend(self.synchronise(client));
        lines
    }

    /// The instance that decides over the sync daemon has become master, or is no longer.
    pub(super) fn set_master(&mut self, client: &mut Client, master: bool) -> Vec<Line> {
        self.master = master;
        if self.configured { self.synchronise(client) } else { Vec::new() }
    }

    /// Has the sync daemons run that shall.
    fn synchronise(&mut self, client: &mut Client) -> Vec<Line> {
        let Some(spec) = &self.wanted.sync_daemon else { return self.stop(client) };
        self.syncs = true;
        let roles = match (&spec.instance, self.master) {
            (None, _) => BTreeSet::from([SyncRole::Master, SyncRole::Backup]),
            (Some(_), true) => BTreeSet::from([SyncRole::Master]),
            (Some(_), false) => BTreeSet::from([SyncRole::Backup]),
        };
        let actual = match client.sync_daemons() {
            Ok(actual) => actual,
            Err(error) => {
                return vec![line(Level::Error, format!("IPVS: cannot read sync daemons: {error}"))];
            }
        };
        let plan = sync_plan(spec, &roles, &actual);
        plan.iter().map(|op| told(&op.to_string(), &op.to_string(), client.sync(op))).collect()
    }

    /// Ends the sync daemons, if they are ours, and puts the timeouts back.
    pub(super) fn end(&mut self, client: &mut Client) -> Vec<Line> {
        let mut lines = self.stop(client);
        if let Some(before) = self.before.take() {
            lines.push(told(
                "timeouts as they were",
                "cannot put timeouts back",
                client.set_timeouts(before),
            ));
        }
        lines
    }

    /// Ends the sync daemons, if they are ours.
    fn stop(&mut self, client: &mut Client) -> Vec<Line> {
        if !std::mem::take(&mut self.syncs) {
            return Vec::new();
        }
        let spec = self.wanted.sync_daemon.clone().unwrap_or_else(|| ipvs::SyncDaemonSpec::on(""));
        let plan = sync_plan(&spec, &BTreeSet::new(), &client.sync_daemons().unwrap_or_default());
        plan.iter().map(|op| told(&op.to_string(), &op.to_string(), client.sync(op))).collect()
    }

    pub(super) const fn flush_on_stop(&self) -> FlushOnStop {
        self.wanted.flush_on_stop
    }
}

fn told(done: &str, failed: &str, result: Result<(), Error>) -> Line {
    match result {
        Ok(()) => line(Level::Info, format!("IPVS: {done}")),
        Err(error) => line(Level::Error, format!("IPVS: {failed}: {error}")),
    }
}
