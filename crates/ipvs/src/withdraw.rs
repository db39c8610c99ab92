//! The end of a daemon: what is ours leaves the kernel's table.

use crate::op::Op;
use crate::owned::Owned;
use crate::plan::withdrawal;
use crate::reconcile::{Kernel, Report, reconcile};
use crate::table::Table;
use netlink::Outcome;

/// Takes everything that is ours out of the table: what [`reconcile`] does when nothing is wanted, without making up the
/// table that there was, which for thousands of services takes longer than their removal. Where something does not go, that
/// is what follows. What others have there was not looked at: the report of a withdrawal that went well has no table.
pub fn withdraw(kernel: &mut impl Kernel, owned: &Owned) -> Report {
    let services = owned.services().copied().collect();
    let Ok(present) = kernel.members(&services) else {
        return reconcile(kernel, &Table::default(), owned, None);
    };
    let ops: Vec<Op> = present
        .into_iter()
        .flat_map(|(service, dests)| withdrawal(service, dests.into_iter(), owned))
        .collect();
    let outcomes = kernel.apply(&ops).outcomes;
    if outcomes.len() == ops.len() && outcomes.iter().all(|outcome| *outcome == Outcome::Done) {
        return Report { done: ops, ..Report::default() };
    }
    let done = |(op, outcome)| (outcome == Outcome::Done).then_some(op);
    let done: Vec<_> = ops.into_iter().zip(outcomes).filter_map(done).collect();
    let mut report = reconcile(kernel, &Table::default(), owned, None);
    report.repairs.splice(0..0, std::mem::replace(&mut report.done, done));
    report
}
