//! The wanted IPVS table, and the kernel's.

use std::time::Duration;

use checker::Scheduler;
use clock::Instant;
use ipvs::netlink::Client;
use ipvs::{Error, Owned, ServiceKey, Table, reconcile};

use crate::ipc::{Level, Line};

const FIRST_RETRY: Duration = Duration::from_secs(1);
const LAST_RETRY: Duration = Duration::from_secs(60);

pub(super) struct KernelTable {
    client: Client,
    desired: Table,
    /// All that the configuration names, up or down: what is ours, and what stays ours while it is not in the table.
    named: Table,
    owned: Owned,
    /// The kernel's table after the last change, if that went as planned: saves reading it again.
    believed: Option<Table>,
    retry_at: Option<Instant>,
    retry_after: Duration,
}

impl KernelTable {
    /// Opens IPVS; a kernel that has it as a module loads it for that.
    pub(super) fn open() -> Result<Self, Error> {
        let client = Client::open()?;
        Ok(Self {
            client,
            desired: Table::default(),
            named: Table::default(),
            owned: Owned::default(),
            believed: None,
            retry_at: None,
            retry_after: FIRST_RETRY,
        })
    }

    pub(super) const fn retry_at(&self) -> Option<Instant> {
        self.retry_at
    }

    /// Wants what the configuration and the health of all its servers ask for.
    pub(super) fn want_all(&mut self, scheduler: &Scheduler) {
        self.desired = checker::desired(scheduler.virtual_servers(), scheduler.health());
        self.named = checker::named(scheduler.virtual_servers());
        self.owned.claim(&self.named);
    }

    /// The health of these virtual servers changed.
    pub(super) fn want_some(&mut self, scheduler: &Scheduler, touched: &[ServiceKey]) {
        for first in touched {
            let health = scheduler.health().get(first);
            let (Some(spec), Some(health)) = (scheduler.virtual_server(first), health) else { continue };
            for key in &spec.services {
                self.desired.services.insert(*key, checker::service(spec, key, health));
            }
        }
    }

    pub(super) fn want_nothing(&mut self) {
        self.desired = Table::default();
        self.named = Table::default();
        // What others added meanwhile has to be seen before a service is removed.
        self.believed = None;
    }

    /// Makes the kernel agree, and says what that took.
    pub(super) fn reconcile(&mut self, now: Instant) -> Vec<Line> {
        let report = reconcile(&mut self.client, &self.desired, &self.owned, self.believed.take());
        let mut lines: Vec<_> =
            report.done.iter().map(|op| line(Level::Info, format!("IPVS: {op}"))).collect();
        lines.extend(
            report.repairs.iter().map(|op| line(Level::Warning, format!("IPVS, after a surprise: {op}"))),
        );
        for failure in &report.failures {
            lines.push(line(Level::Error, format!("IPVS: {}: {}", failure.op, failure.outcome)));
        }
        for op in &report.withheld {
            let text = format!("IPVS: not done, since its service would be left without a server: {op}");
            lines.push(line(Level::Warning, text));
        }
        if let Some(error) = &report.error {
            lines.push(line(Level::Error, format!("IPVS: {error}")));
        }
        if let Some(table) = report.table {
            self.owned.forget_gone(&self.named, &table);
            self.believed = Some(table);
            self.retry_at = None;
            self.retry_after = FIRST_RETRY;
        } else {
            self.retry_at = Some(now + self.retry_after);
            self.retry_after = (self.retry_after * 2).min(LAST_RETRY);
        }
        lines
    }
}

const fn line(level: Level, text: String) -> Line {
    Line { level, text }
}
