//! Whole lives on the model of a kernel; on the real one they are lived by `examples/kernel_lives.rs`.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../../../ipvs/tests/laws/end.rs"]
mod end;
#[path = "../../../ipvs/tests/laws/failing.rs"]
mod failing;
#[path = "../../../ipvs/tests/laws/model.rs"]
mod model;
mod script;
#[path = "../world/mod.rs"]
mod world;

use ipvs::{Kernel, Op, Table};
use netlink::{BatchReport, Outcome, Refusal};
use proptest::prelude::*;

/// The kernel, as measured.
#[derive(Default)]
struct Model(Table);

impl Kernel for Model {
    fn dump(&mut self) -> Result<Table, ipvs::Error> {
        Ok(self.0.clone())
    }

    fn apply(&mut self, ops: &[Op]) -> BatchReport {
        let refused = |errno| Outcome::Refused(Refusal { errno, text: None });
        let outcomes =
            ops.iter().map(|op| model::change(&mut self.0, op).map_or_else(refused, |()| Outcome::Done));
        BatchReport { outcomes: outcomes.collect(), error: None }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn a_whole_life_keeps_the_table_as_wanted_and_blacks_nobody_out(
        steps in prop::collection::vec(script::happens(), 0..50)
    ) {
        let mut life = script::Life::on(Model::default());
        for (number, step) in steps.into_iter().enumerate() {
            let told = format!("{step:?}");
            life.take(step).map_err(|wrong| TestCaseError::fail(format!("step {number}, {told}: {wrong}")))?;
        }
        life.stop().map_err(TestCaseError::fail)?;
    }
}
