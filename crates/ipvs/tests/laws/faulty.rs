//! A kernel in memory that fails on demand.

use std::collections::VecDeque;

use ipvs::{Error, Kernel, Op, Table};
use netlink::{BatchReport, Outcome, Refusal};

use crate::model::change;

/// What goes wrong with one change.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// Refused, though it is right.
    Refusal(i32),
    /// Made, but the answer is lost.
    AnswerLost,
    /// Neither this one nor the rest of the batch is sent.
    SendFails,
}

/// The kernel.
#[derive(Debug, Default)]
pub struct Faulty {
    /// Its table.
    pub table: Table,
    /// What happens to the next changes, one by one.
    pub faults: VecDeque<Option<Fault>>,
    /// What somebody else does before the next looks at the table, one by one.
    pub others: VecDeque<Vec<Op>>,
    /// Looks at the table that will fail.
    pub blind: usize,
    /// Looks at the table so far.
    pub dumps: usize,
    /// The table after each change.
    pub history: Vec<Table>,
}

impl Faulty {
    /// A kernel with this table.
    pub fn with(table: Table) -> Self {
        Self { table, ..Self::default() }
    }

    /// Makes a change, or says by which error number the kernel refuses it.
    fn change(&mut self, op: &Op) -> Result<(), i32> {
        change(&mut self.table, op)?;
        self.history.push(self.table.clone());
        Ok(())
    }
}

impl Kernel for Faulty {
    fn dump(&mut self) -> Result<Table, Error> {
        self.dumps += 1;
        if self.blind > 0 {
            self.blind -= 1;
            return Err(netlink::Error::Overrun.into());
        }
        for op in self.others.pop_front().unwrap_or_default() {
            // Somebody else's change may be refused like ours.
            let _ = self.change(&op);
        }
        Ok(self.table.clone())
    }

    fn apply(&mut self, ops: &[Op]) -> BatchReport {
        let mut outcomes = Vec::new();
        let mut error = None;
        for op in ops {
            let fault =
                if error.is_none() { self.faults.pop_front().flatten() } else { Some(Fault::SendFails) };
            let refused = |errno| Outcome::Refused(Refusal { errno, text: None });
            outcomes.push(match fault {
                None => self.change(op).map_or_else(refused, |()| Outcome::Done),
                Some(Fault::Refusal(errno)) => refused(errno),
                Some(Fault::AnswerLost) => {
                    let _ = self.change(op);
                    Outcome::Unknown
                }
                Some(Fault::SendFails) => {
                    error = Some(netlink::Error::Send(std::io::ErrorKind::OutOfMemory.into()));
                    Outcome::NotSent
                }
            });
        }
        BatchReport { outcomes, error }
    }
}
