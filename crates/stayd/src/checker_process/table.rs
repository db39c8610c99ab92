//! The wanted IPVS table, and the kernel's.
//!
//! The kernel does not tell of changes that others make to its table, so that it is looked at again and again: **what
//! somebody deletes or changes of ours is put back, and what he adds is left alone.** Looking costs as much as the table is
//! long; how often that is done says [`Watch`].

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use checker::{Scheduler, VirtualServerSpec};
use clock::Instant;
use config::model::FlushOnStop;
use ipvs::netlink::{Client, Glance};
use ipvs::{
    DestKey, DestSpec, Error, Filled, Kernel, Op, Owned, Report, Service, ServiceKey, Table, all_of, fill,
    plan, reconcile, reconcile_part, withdraw,
};

use super::watch::{Next, Watch};
use crate::ipc::{Level, Line};
use crate::memory;

const FIRST_RETRY: Duration = Duration::from_secs(1);
const LAST_RETRY: Duration = Duration::from_secs(60);
/// More changes at once than these are not told one by one.
const TOLD: usize = 20;

/// **What is wanted is not kept**: it is computed from the scheduler whenever it is needed, of a large table for a moment.
pub(super) struct KernelTable {
    pub(super) client: Client,
    /// What earlier configurations named, as long as the table may have it: it is ours as what this one names is.
    former: Owned,
    /// A configuration has named something.
    begun: bool,
    /// What was in the table at the start of servers that nobody has judged yet (`alpha`): it stays until then.
    left: Table,
    /// What is known of the kernel's table without looking, if the last change went as planned.
    known: Option<Known>,
    /// When to try again what was refused, or to look whether somebody else has been there.
    due: Option<Instant>,
    retry_after: Duration,
    watch: Watch<Glance>,
    /// How many changes of others have been undone.
    repaired: u64,
}

/// The kernel's table: **what was wanted when it was last made to agree, and what others have in it.**
#[derive(Default)]
struct Known {
    /// Usually empty.
    foreign: Table,
    changed: Changed,
}

/// What is wanted otherwise since then.
enum Changed {
    /// These services, each with the first service of its virtual server.
    Services(BTreeMap<ServiceKey, ServiceKey>),
    /// The whole table, as it was wanted.
    Everything(Table),
}

impl Default for Changed {
    fn default() -> Self {
        Self::Services(BTreeMap::new())
    }
}

impl Known {
    /// Of a table that agrees with `desired`.
    fn new(mut table: Table, desired: &Table) -> Self {
        table.services.retain(|key, service| {
            let Some(wanted) = desired.services.get(key) else { return true };
            service.dests.retain(|dest, _| !wanted.dests.contains_key(dest));
            !service.dests.is_empty()
        });
        Self { foreign: table, changed: Changed::default() }
    }
}

/// Adds what others have to what was wanted.
fn with_foreign(mut table: Table, foreign: &Table) -> Table {
    for (key, theirs) in &foreign.services {
        match table.services.get_mut(key) {
            Some(service) => {
                service.dests.extend(theirs.dests.iter().map(|(dest, spec)| (*dest, spec.clone())));
            }
            None => {
                table.services.insert(*key, theirs.clone());
            }
        }
    }
    table
}

impl KernelTable {
    /// Opens IPVS; a kernel that has it as a module loads it for that.
    pub(super) fn open() -> Result<Self, Error> {
        let client = Client::open()?;
        Ok(Self {
            client,
            former: Owned::default(),
            begun: false,
            left: Table::default(),
            known: None,
            due: None,
            retry_after: FIRST_RETRY,
            watch: Watch::new(),
            repaired: 0,
        })
    }

    /// When [`expire`](Self::expire) is due.
    pub(super) const fn due(&self) -> Option<Instant> {
        self.due
    }

    /// What the configuration and the health of all its servers ask for.
    fn desired(&self, scheduler: &Scheduler) -> Table {
        let mut desired = checker::desired(scheduler.virtual_servers(), scheduler.health());
        scheduler.drains().keep_in(&mut desired);
        if !self.left.services.is_empty() {
            for spec in scheduler.virtual_servers() {
                let Some(first) = spec.services.first() else { continue };
                for key in &spec.services {
                    if let Some(wanted) = desired.services.get_mut(key) {
                        wanted.dests.extend(self.awaited(scheduler, first, key));
                    }
                }
            }
        }
        desired
    }

    /// What stays in a service as it was found, since nobody has judged it yet.
    fn awaited(
        &self,
        scheduler: &Scheduler,
        first: &ServiceKey,
        key: &ServiceKey,
    ) -> Vec<(DestKey, DestSpec)> {
        let left = self.left.services.get(key);
        left.map(|left| scheduler.awaited(first, key, &left.dests)).unwrap_or_default()
    }

    /// Knows no more of what was left of servers that somebody has judged.
    fn forget_left(&mut self, scheduler: &Scheduler) {
        let before = std::mem::take(&mut self.left);
        if before.services.is_empty() {
            return;
        }
        for spec in scheduler.virtual_servers() {
            let Some(first) = spec.services.first() else { continue };
            for key in &spec.services {
                let Some(found) = before.services.get(key) else { continue };
                let dests = scheduler.awaited(first, key, &found.dests);
                if !dests.is_empty() {
                    let dests = dests.into_iter().collect();
                    self.left.services.insert(*key, Service { spec: found.spec.clone(), dests });
                }
            }
        }
    }

    /// Takes note of what a predecessor left of servers that begin down: before the first configuration has any effect.
    pub(super) fn look_for_left(&mut self, scheduler: &Scheduler) {
        if !self.begun && scheduler.virtual_servers().any(begins_down) {
            // A table that cannot be read has nothing to keep; the next look says why it cannot.
            self.left = self.client.dump().unwrap_or_default();
        }
    }

    /// All may be wanted otherwise from now on: before a configuration is taken in.
    pub(super) fn remember(&mut self, scheduler: &Scheduler) {
        self.former.add(checker::owned(scheduler.virtual_servers()));
        if let Some(known) = self.known.take() {
            let changed = match known.changed {
                Changed::Services(_) => Changed::Everything(self.desired(scheduler)),
                everything @ Changed::Everything(_) => everything,
            };
            self.known = Some(Known { changed, ..known });
        }
    }

    /// Takes what a configuration names for ours by that.
    pub(super) fn claim(&mut self, scheduler: &Scheduler) {
        self.begun |= scheduler.virtual_servers().next().is_some();
        if !self.former.is_empty() {
            self.former.leave(&checker::owned(scheduler.virtual_servers()));
        }
    }

    /// What is ours of all that these virtual servers name, up or down, and else: what drains or did not go yet.
    fn owned<'a>(
        &self,
        scheduler: &Scheduler,
        servers: impl IntoIterator<Item = &'a VirtualServerSpec>,
    ) -> Owned {
        let mut owned = checker::owned(servers);
        if !self.former.is_empty() {
            owned.add(self.former.clone());
        }
        // A process that takes over from another has not named what drains.
        let mut drains = Table::default();
        scheduler.drains().keep_in(&mut drains);
        owned.claim(&drains);
        owned
    }

    /// The health of these virtual servers changed.
    pub(super) fn touch(&mut self, scheduler: &Scheduler, touched: &[ServiceKey]) {
        for first in touched {
            let services = scheduler.virtual_server(first).into_iter().flat_map(|spec| &spec.services);
            self.services_change(services.map(|key| (*key, *first)));
        }
    }

    /// Something of this service drains no more.
    pub(super) fn let_go(&mut self, scheduler: &Scheduler, service: ServiceKey) {
        let of = scheduler.virtual_servers().find(|spec| spec.services.contains(&service));
        let first = of.and_then(|spec| spec.services.first()).copied();
        self.services_change([(service, first.unwrap_or(service))]);
    }

    fn services_change(&mut self, services: impl IntoIterator<Item = (ServiceKey, ServiceKey)>) {
        if let Some(Known { changed: Changed::Services(changed), .. }) = &mut self.known {
            changed.extend(services);
        }
    }

    /// Takes what is ours out of the kernel, in the way that `lvs_flush_on_stop` asks for.
    pub(super) fn clear(&mut self, scheduler: &Scheduler, how: FlushOnStop) -> Vec<Line> {
        match how {
            FlushOnStop::Entries => {
                let owned = self.owned(scheduler, scheduler.virtual_servers());
                told_of(&withdraw(&mut self.client, &owned))
            }
            FlushOnStop::Everything => match self.client.flush() {
                Ok(()) => vec![line(Level::Info, "IPVS: emptied the table (lvs_flush_on_stop)".to_owned())],
                Err(error) => vec![line(Level::Error, format!("IPVS: cannot empty the table: {error}"))],
            },
            FlushOnStop::Services => {
                let owned = self.owned(scheduler, scheduler.virtual_servers());
                let ops: Vec<_> =
                    owned.services().map(|service| Op::DeleteService { service: *service }).collect();
                let report = self.client.apply(&ops);
                let error = report.error.map(|error| line(Level::Error, format!("IPVS: {error}")));
                let text =
                    format!("IPVS: removed {} services and all in them (lvs_flush_on_stop)", ops.len());
                error.into_iter().chain([line(Level::Info, text)]).collect()
            }
        }
    }

    /// Tries again what failed, or looks whether somebody else has been there.
    pub(super) fn expire(&mut self, now: Instant, scheduler: &Scheduler) -> Vec<Line> {
        if self.known.is_none() {
            return self.reconcile(now, scheduler);
        }
        let begin = net::now();
        let glance = self.client.glance();
        match self.watch.glanced(now, glance, net::now().saturating_since(begin)) {
            Next::Look => {
                self.known = None;
                self.look(now, scheduler)
            }
            Next::Wait(until) => {
                self.due = Some(until);
                Vec::new()
            }
        }
    }

    /// Reads the table and puts back what is not as it was left.
    fn look(&mut self, now: Instant, scheduler: &Scheduler) -> Vec<Line> {
        let begin = net::now();
        let table = match self.client.dump() {
            Ok(table) => table,
            Err(error) => {
                self.due = Some(now + LAST_RETRY);
                return vec![line(Level::Error, format!("IPVS: cannot read the table: {error}"))];
            }
        };
        let next = self.watch.looked(now, net::now().saturating_since(begin));
        let desired = self.desired(scheduler);
        let owned = self.owned(scheduler, scheduler.virtual_servers());
        if plan(&desired, &table, &owned).is_empty() {
            self.known = Some(Known::new(table, &desired));
            drop((desired, owned));
            memory::give_back();
            if self.watch.is_seldom(now) {
                memory::let_go_of_code();
            }
            self.due = Some(next);
            return Vec::new();
        }
        let mut report = reconcile(&mut self.client, &desired, &owned, Some(table));
        let undone = std::mem::take(&mut report.done);
        self.repaired += u64::try_from(undone.len()).unwrap_or(u64::MAX);
        let before = format!("IPVS, put right what somebody changed ({} so far)", self.repaired);
        let mut lines = Vec::new();
        tell(&mut lines, Level::Warning, &before, &undone);
        lines.extend(self.conclude(now, &desired, report));
        self.watch.changed(now, true);
        lines
    }

    /// Makes the kernel agree, and says what that took.
    pub(super) fn reconcile(&mut self, now: Instant, scheduler: &Scheduler) -> Vec<Line> {
        self.forget_left(scheduler);
        let table = match self.known.take() {
            None => None,
            Some(Known { foreign, changed: Changed::Everything(table) }) => {
                Some(with_foreign(table, &foreign))
            }
            Some(Known { foreign, changed: Changed::Services(services) }) => {
                match self.reconcile_some(scheduler, &services) {
                    Some(report) if report.settled() => {
                        self.known = Some(Known { foreign, changed: Changed::default() });
                        return self.conclude(now, &Table::default(), Report { table: None, ..report });
                    }
                    Some(part) => return self.reconcile_after(now, scheduler, part.done),
                    None => None,
                }
            }
        };
        let desired = self.desired(scheduler);
        let owned = self.owned(scheduler, scheduler.virtual_servers());
        let report = reconcile(&mut self.client, &desired, &owned, table);
        self.conclude(now, &desired, report)
    }

    /// The same, where a part of it did not go as planned.
    fn reconcile_after(&mut self, now: Instant, scheduler: &Scheduler, done: Vec<Op>) -> Vec<Line> {
        let desired = self.desired(scheduler);
        let owned = self.owned(scheduler, scheduler.virtual_servers());
        let mut report = reconcile(&mut self.client, &desired, &owned, None);
        report.repairs.splice(0..0, std::mem::replace(&mut report.done, done));
        self.conclude(now, &desired, report)
    }

    /// Makes the kernel agree where only these services changed; none: that takes a look at all of them.
    fn reconcile_some(
        &mut self,
        scheduler: &Scheduler,
        services: &BTreeMap<ServiceKey, ServiceKey>,
    ) -> Option<Report> {
        let (mut wanted, mut table) = (Table::default(), Table::default());
        let servers: BTreeSet<_> = services.values().collect();
        let owned = self.owned(scheduler, servers.iter().filter_map(|first| scheduler.virtual_server(first)));
        for (key, first) in services {
            // A service is removed only after a look at what is in it.
            let spec = scheduler.virtual_server(first).filter(|spec| spec.services.contains(key))?;
            let mut service = checker::service(spec, key, scheduler.health().get(first)?);
            scheduler.drains().keep_in_service(key, &mut service);
            service.dests.extend(self.awaited(scheduler, first, key));
            wanted.services.insert(*key, service);
            if let Some(spec) = self.client.service(key).ok()? {
                let dests = self.client.dests(key).ok()?;
                let dests = dests.into_iter().map(|(dest, (spec, _))| (dest, spec)).collect();
                table.services.insert(*key, Service { spec, dests });
            }
        }
        Some(reconcile_part(&mut self.client, &wanted, &owned, table))
    }

    /// Puts these services into a table that is empty; none: it is not.
    pub(super) fn fill(&mut self, wanted: impl Iterator<Item = (ServiceKey, Service)>) -> Option<Filled> {
        let empty = self.client.dump().is_ok_and(|table| table.services.is_empty());
        empty.then(|| fill(&mut self.client, wanted))
    }

    /// As [`reconcile`](Self::reconcile), for the first time, after what [`fill`](Self::fill) did.
    pub(super) fn begin(&mut self, now: Instant, scheduler: &Scheduler, filled: Option<Filled>) -> Vec<Line> {
        let Some(filled) = filled else { return self.reconcile(now, scheduler) };
        let mut lines = Vec::new();
        if !filled.whole {
            lines.push(told(filled));
            lines.extend(self.reconcile(now, scheduler));
            return lines;
        }
        if filled.services + filled.dests <= TOLD {
            tell(&mut lines, Level::Info, "IPVS", &all_of(&self.desired(scheduler)).collect::<Vec<_>>());
        } else {
            lines.push(told(filled));
        }
        let report = Report { table: Some(Table::default()), ..Report::default() };
        lines.extend(self.conclude(now, &Table::default(), report));
        lines
    }

    fn conclude(&mut self, now: Instant, desired: &Table, report: Report) -> Vec<Line> {
        let next = self.watch.changed(now, false);
        let lines = told_of(&report);
        if let Some(table) = report.table {
            self.former.forget_gone(&table);
            self.known = Some(Known::new(table, desired));
        }
        if self.known.is_some() {
            self.due = Some(self.due.map_or(next, |due| due.max(next)));
            self.retry_after = FIRST_RETRY;
        } else {
            self.due = Some(now + self.retry_after);
            self.retry_after = (self.retry_after * 2).min(LAST_RETRY);
        }
        lines
    }
}

/// Whether a server of it is down until a check succeeds.
fn begins_down(spec: &VirtualServerSpec) -> bool {
    spec.real_servers.iter().any(|server| server.checks.iter().any(|check| check.alpha))
}

/// What there is to tell of a reconciliation.
fn told_of(report: &Report) -> Vec<Line> {
    let mut lines = Vec::new();
    tell(&mut lines, Level::Info, "IPVS", &report.done);
    tell(&mut lines, Level::Warning, "IPVS, after a surprise", &report.repairs);
    for failure in report.failures.iter().take(TOLD) {
        lines.push(line(Level::Error, format!("IPVS: {}: {}", failure.op, failure.outcome)));
    }
    if report.failures.len() > TOLD {
        let text = format!("IPVS: {} changes were refused in all", report.failures.len());
        lines.push(line(Level::Error, text));
    }
    for op in report.withheld.iter().take(TOLD) {
        let text = format!("IPVS: not done, since its service would be left without a server: {op}");
        lines.push(line(Level::Warning, text));
    }
    if let Some(error) = &report.error {
        lines.push(line(Level::Error, format!("IPVS: {error}")));
    }
    lines
}

/// A line for each change; of many, their number.
fn tell(lines: &mut Vec<Line>, level: Level, before: &str, ops: &[Op]) {
    if ops.len() <= TOLD {
        lines.extend(ops.iter().map(|op| line(level, format!("{before}: {op}"))));
        return;
    }
    let count = |pick: fn(&Op) -> bool| ops.iter().filter(|op| pick(op)).count();
    let text = format!(
        "{before}: {} changes: services: {} added, {} changed, {} removed; destinations: {} added, {} changed, {} removed",
        ops.len(),
        count(|op| matches!(op, Op::AddService { .. })),
        count(|op| matches!(op, Op::EditService { .. })),
        count(|op| matches!(op, Op::DeleteService { .. })),
        count(|op| matches!(op, Op::AddDest { .. })),
        count(|op| matches!(op, Op::EditDest { .. })),
        count(|op| matches!(op, Op::DeleteDest { .. })),
    );
    lines.push(line(level, text));
}

/// The same of a first table.
fn told(Filled { services, dests, .. }: Filled) -> Line {
    let text = format!(
        "IPVS: {} changes: services: {services} added, 0 changed, 0 removed; destinations: {dests} added, 0 changed, 0 removed",
        services + dests
    );
    line(Level::Info, text)
}

pub(super) const fn line(level: Level, text: String) -> Line {
    Line { level, text }
}
