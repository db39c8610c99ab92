//! Making the kernel's table what it should be, and seeing to it that it became so.
//!
//! A round reads the table, plans, and carries the plan out. If every change succeeds the table is as wanted, without
//! another look. A change that fails is a surprise (somebody else edits the table, the kernel refuses a setting, an
//! answer was lost): the next round starts from what the kernel then says. Rounds end when a round succeeds, when one
//! changes nothing and fails as the one before did, or after [`ROUNDS`].
//!
//! **A service does not lose its last usable destination because its replacement could not be added**: while
//! that is so, what the plan would take from the service stays.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::Error;
use crate::op::Op;
use crate::owned::Owned;
use crate::plan::Plan;
use crate::table::{DestKey, Service, ServiceKey, Table};
use netlink::{BatchReport, Outcome};

/// Rounds at most. Two suffice unless others change the table at the same time.
pub const ROUNDS: usize = 4;

/// What [`reconcile`] needs of a kernel.
pub trait Kernel {
    /// Reads the whole table.
    ///
    /// # Errors
    /// Every cause; the table is then unknown.
    fn dump(&mut self) -> Result<Table, Error>;

    /// The destinations that these services have now; a service that is not there is left out.
    ///
    /// # Errors
    /// As [`Kernel::dump`].
    fn members(
        &mut self,
        services: &BTreeSet<ServiceKey>,
    ) -> Result<BTreeMap<ServiceKey, Vec<DestKey>>, Error> {
        let present = self.dump()?.services.into_iter().filter(|(key, _)| services.contains(key));
        Ok(present.map(|(key, service)| (key, service.dests.keys().copied().collect())).collect())
    }

    /// Carries out changes in their order, each whether or not those before it succeeded, with one outcome for each.
    fn apply(&mut self, ops: &[Op]) -> BatchReport;
}

/// A change that was not made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    /// The change.
    pub op: Op,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of a reconciliation.
#[derive(Debug, Default)]
pub struct Report {
    /// The changes made by the plan of the first round, in order.
    pub done: Vec<Op>,
    /// The changes made by later rounds, after a surprise.
    pub repairs: Vec<Op>,
    /// The changes that the last round could not make.
    pub failures: Vec<Failure>,
    /// The changes that the last round did not try, because a service would be left without a usable destination.
    pub withheld: Vec<Op>,
    /// What the socket or the kernel said at last, if an exchange itself failed.
    pub error: Option<Error>,
    /// The table as it now is, if that is known: for the next call.
    pub table: Option<Table>,
}

impl Report {
    /// Whether the table is as wanted.
    pub const fn settled(&self) -> bool {
        self.table.is_some()
    }
}

/// Makes the kernel's table what `desired` says, as [`plan`](crate::plan()) understands it.
///
/// `believed` is the table that the last call reported, and saves reading it again; without one, as
/// at start and to find what others changed, the table is read first. A service is removed only after a look at what is
/// in it now, for somebody may have added to it.
pub fn reconcile(
    kernel: &mut impl Kernel,
    desired: &Table,
    owned: &Owned,
    mut believed: Option<Table>,
) -> Report {
    let mut report = Report::default();
    for round in 0..ROUNDS {
        let (mut table, plan) = match look(kernel, desired, owned, believed.take()) {
            Ok(found) => found,
            Err(error) => {
                report.error = Some(error);
                return report;
            }
        };
        let outcome = Round::run(kernel, desired, plan, &mut table);
        let stuck = outcome.done.is_empty() && outcome.failures == report.failures;
        let changes = if round == 0 { &mut report.done } else { &mut report.repairs };
        changes.extend(outcome.done);
        report.failures = outcome.failures;
        report.withheld = outcome.withheld;
        report.error = outcome.error.map(Error::Netlink);
        if report.failures.is_empty() {
            report.table = Some(table);
            return report;
        }
        if stuck {
            return report;
        }
    }
    report
}

/// Makes the services of `table` what `desired` says of them, in one round and without a look at any other: for a few
/// that changed in a table that is otherwise as wanted. Whoever finds it not settled calls [`reconcile`].
pub fn reconcile_part(kernel: &mut impl Kernel, desired: &Table, owned: &Owned, mut table: Table) -> Report {
    let plan = Plan::new(desired, &table, owned);
    let Round { done, failures, withheld, error } = Round::run(kernel, desired, plan, &mut table);
    let table = failures.is_empty().then_some(table);
    Report { done, repairs: Vec::new(), failures, withheld, error: error.map(Error::Netlink), table }
}

/// The table and what is to be done with it.
fn look(
    kernel: &mut impl Kernel,
    desired: &Table,
    owned: &Owned,
    believed: Option<Table>,
) -> Result<(Table, Plan), Error> {
    if let Some(table) = believed {
        let plan = Plan::new(desired, &table, owned);
        let going = plan.clear.iter().filter_map(|op| match op {
            Op::DeleteService { service } => Some(*service),
            _ => None,
        });
        let going: BTreeSet<_> = going.collect();
        if going.is_empty() || has_only_ours(kernel, &going, owned)? {
            return Ok((table, plan));
        }
    }
    let table = kernel.dump()?;
    let plan = Plan::new(desired, &table, owned);
    Ok((table, plan))
}

/// Whether all of these services are there, and nobody else has put anything into them.
fn has_only_ours(
    kernel: &mut impl Kernel,
    services: &BTreeSet<ServiceKey>,
    owned: &Owned,
) -> Result<bool, Error> {
    let present = kernel.members(services)?;
    let ours =
        |(service, dests): (&ServiceKey, &Vec<DestKey>)| dests.iter().all(|dest| owned.dest(service, dest));
    Ok(present.len() == services.len() && present.iter().all(ours))
}

#[derive(Default)]
struct Round {
    done: Vec<Op>,
    failures: Vec<Failure>,
    withheld: Vec<Op>,
    error: Option<netlink::Error>,
}

impl Round {
    fn run(kernel: &mut impl Kernel, desired: &Table, plan: Plan, table: &mut Table) -> Self {
        let mut round = Self::default();
        let Plan { build, mut clear } = plan;
        round.carry_out(kernel, build, table);
        if !round.failures.is_empty() {
            let after = effect(&clear, table);
            (round.withheld, clear) = clear.into_iter().partition(|op| {
                let service = op.service();
                let usable = |table: &Table| table.services.get(&service).is_some_and(is_usable);
                usable(desired) && usable(table) && !usable(&after)
            });
        }
        round.carry_out(kernel, clear, table);
        round
    }

    fn carry_out(&mut self, kernel: &mut impl Kernel, ops: Vec<Op>, table: &mut Table) {
        if ops.is_empty() {
            return;
        }
        let BatchReport { outcomes, error } = kernel.apply(&ops);
        self.error = self.error.take().or(error);
        if self.done.is_empty()
            && outcomes.len() == ops.len()
            && outcomes.iter().all(|it| *it == Outcome::Done)
        {
            for op in &ops {
                op.take_effect(table);
            }
            self.done = ops;
            return;
        }
        for (op, outcome) in ops.into_iter().zip(outcomes) {
            if outcome == Outcome::Done {
                op.take_effect(table);
                self.done.push(op);
            } else {
                self.failures.push(Failure { op, outcome });
            }
        }
    }
}

/// The services that `ops` change, as they will be.
fn effect(ops: &[Op], table: &Table) -> Table {
    let services = ops.iter().filter_map(|op| table.services.get_key_value(&op.service()));
    let mut after = Table { services: services.map(|(key, service)| (*key, service.clone())).collect() };
    for op in ops {
        op.take_effect(&mut after);
    }
    after
}

fn is_usable(service: &Service) -> bool {
    service.dests.values().any(|dest| dest.weight > 0)
}
