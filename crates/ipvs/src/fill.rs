//! The first table of a kernel that has none.
//!
//! **Nothing is held of it but what is wanted**: where there is nothing to compare with, changes are made up, carried out and
//! forgotten a few at a time, so that a start touches no memory for a plan of the whole.

use netlink::Outcome;

use crate::op::Op;
use crate::reconcile::Kernel;
use crate::table::{Service, ServiceKey, Table};

/// Changes at a time: as many as share a datagram.
const AT_A_TIME: usize = 200;

/// What was put in place.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Filled {
    /// Services.
    pub services: usize,
    /// Destinations.
    pub dests: usize,
    /// Nothing was refused, and nothing is missing.
    pub whole: bool,
}

/// Adds everything that is wanted to an empty table: services that are made up one by one, no key twice. It stops where a
/// change fails: what then is to be done, [`reconcile`](crate::reconcile()) knows.
pub fn fill(kernel: &mut impl Kernel, wanted: impl IntoIterator<Item = (ServiceKey, Service)>) -> Filled {
    let mut filled = Filled::default();
    let mut ops = Vec::with_capacity(AT_A_TIME);
    for op in wanted.into_iter().flat_map(|(key, service)| additions(key, service)) {
        ops.push(op);
        if ops.len() == AT_A_TIME && !filled.take(kernel, &mut ops) {
            return filled;
        }
    }
    filled.whole = filled.take(kernel, &mut ops);
    filled
}

/// What puts a table where there is none, in its order.
pub fn all_of(table: &Table) -> impl Iterator<Item = Op> {
    table.services.iter().flat_map(|(key, service)| additions(*key, service.clone()))
}

/// What puts a service where there is none.
fn additions(service: ServiceKey, wanted: Service) -> impl Iterator<Item = Op> {
    let Service { spec, dests } = wanted;
    let dests = dests.into_iter().map(move |(dest, spec)| Op::AddDest { service, dest, spec });
    std::iter::once(Op::AddService { service, spec }).chain(dests)
}

impl Filled {
    /// Carries out these changes; whether all succeeded.
    fn take(&mut self, kernel: &mut impl Kernel, ops: &mut Vec<Op>) -> bool {
        if ops.is_empty() {
            return true;
        }
        let report = kernel.apply(ops);
        let mut done = ops.iter().zip(&report.outcomes).filter(|(_, outcome)| **outcome == Outcome::Done);
        let (mut services, mut all) = (0, 0);
        for (op, _) in done.by_ref() {
            all += 1;
            services += usize::from(matches!(op, Op::AddService { .. }));
        }
        self.services += services;
        self.dests += all - services;
        let whole = all == ops.len();
        ops.clear();
        whole
    }
}
