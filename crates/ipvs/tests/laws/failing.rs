//! Any kernel, behind a line that fails on demand.

use ipvs::{Kernel, Op, Table};
use netlink::{BatchReport, Outcome, Refusal};
use proptest::prelude::*;

/// What goes wrong with one change.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// Refused, though it is right.
    Refusal,
    /// Made, but the answer is lost.
    AnswerLost,
    /// Neither this one nor the rest of the batch is sent.
    SendFails,
}

/// How one change fares; none: as it should.
pub fn fault() -> impl Strategy<Value = Option<Fault>> {
    prop_oneof![
        4 => Just(None),
        1 => Just(Some(Fault::Refusal)),
        1 => Just(Some(Fault::AnswerLost)),
        1 => Just(Some(Fault::SendFails)),
    ]
}

/// The kernel; the table after each change is kept.
pub struct Failing<'a, K> {
    kernel: &'a mut K,
    faults: std::vec::IntoIter<Option<Fault>>,
    pub history: Vec<Table>,
}

impl<'a, K> Failing<'a, K> {
    /// `faults`: how the next changes fare, one by one.
    pub fn new(kernel: &'a mut K, faults: Vec<Option<Fault>>) -> Self {
        Self { kernel, faults: faults.into_iter(), history: Vec::new() }
    }
}

impl<K: Kernel> Kernel for Failing<'_, K> {
    fn dump(&mut self) -> Result<Table, ipvs::Error> {
        self.kernel.dump()
    }

    fn apply(&mut self, ops: &[Op]) -> BatchReport {
        const ENOMEM: i32 = 12;
        let mut report = BatchReport { outcomes: Vec::new(), error: None };
        for op in ops {
            let fault =
                if report.error.is_none() { self.faults.next().flatten() } else { Some(Fault::SendFails) };
            report.outcomes.push(match fault {
                Some(Fault::Refusal) => Outcome::Refused(Refusal { errno: ENOMEM, text: None }),
                Some(Fault::SendFails) => {
                    report.error = Some(netlink::Error::Send(std::io::ErrorKind::OutOfMemory.into()));
                    Outcome::NotSent
                }
                made => {
                    let done = self.kernel.apply(std::slice::from_ref(op)).outcomes.pop();
                    self.history.extend(self.kernel.dump());
                    done.filter(|_| made.is_none()).unwrap_or(Outcome::Unknown)
                }
            });
        }
        report
    }
}
