//! A random script of wanted tables and foreign edits on the real kernel.
//!
//! After every step the kernel's table must be what the laws say, every change must be refused or carried out as the model
//! kernel of the tests says, and no service that is served before and after a plan may be without a usable destination
//! within it. The first difference ends the script with exit status 1.
//!
//! Usage: `kernel_script SEED STEPS`. It flushes the IPVS table of the current network namespace, needs `lo` up there (a
//! namespace without addresses has no unicast destinations), and the modules ip_vs, ip_vs_pe_sip and those of the
//! schedulers in `model::SCHEDULERS`.

#[path = "../tests/laws/any.rs"]
mod any;
#[path = "../tests/laws/end.rs"]
mod end;
#[path = "../tests/laws/failing.rs"]
mod failing;
#[path = "../tests/laws/model.rs"]
mod model;

use std::fmt;
use std::process::ExitCode;
use std::thread;

use ipvs::netlink::Client;
use ipvs::{Kernel, Op, Owned, Table, plan, reconcile};
use netlink::Outcome;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use end::{served, usable, wanted};
use failing::{Failing, Fault, fault};

/// One step of the script.
#[derive(Clone, Debug)]
enum Step {
    /// Somebody makes changes in one batch, some of which the kernel refuses.
    Edit(Vec<Op>),
    /// Another table is wanted.
    Want(Table),
    /// Another table is wanted, and is reached change by change; in between the daemon starts anew.
    WantSlowly(Table, prop::sample::Index),
    /// Somebody makes changes between our look at the table and our plan for it.
    EditBehind(Vec<Op>, Table),
    /// Somebody makes changes while we make ours.
    EditAtOnce(Vec<Op>, Table),
    /// Another table is wanted, and these of our changes fail: refused though they are right, made without an answer, or
    /// not sent, they and the rest.
    Fail(Table, Vec<Option<Fault>>),
    /// The daemon starts anew and knows of no earlier configuration.
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let ops = || proptest::collection::vec(any::op(), 1..40);
    prop_oneof![
        4 => ops().prop_map(Step::Edit),
        4 => any::table().prop_map(Step::Want),
        2 => (any::table(), any::<prop::sample::Index>()).prop_map(|(table, cut)| Step::WantSlowly(table, cut)),
        2 => (ops(), any::table()).prop_map(|(ops, table)| Step::EditBehind(ops, table)),
        2 => (ops(), any::table()).prop_map(|(ops, table)| Step::EditAtOnce(ops, table)),
        2 => (any::table(), proptest::collection::vec(fault(), 1..20)).prop_map(|(table, faults)| Step::Fail(table, faults)),
        1 => Just(Step::Restart),
    ]
}

/// What was not as it should be.
type Difference = Box<dyn std::error::Error + Send + Sync>;

struct Script {
    kernel: Client,
    /// Our name for what the kernel's table must be.
    table: Table,
    owned: Owned,
    tally: Tally,
}

#[derive(Default)]
struct Tally {
    edits: usize,
    refused: usize,
    reconciled: usize,
    changes: usize,
    repairs: usize,
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { edits, refused, reconciled, changes, repairs } = self;
        write!(
            f,
            "{edits} edits ({refused} refused as the model says), {reconciled} reconciliations with {changes} changes \
             and {repairs} repairs"
        )
    }
}

impl Script {
    fn take(&mut self, step: Step) -> Result<(), Difference> {
        match step {
            Step::Edit(ops) => {
                self.edit(&ops)?;
                self.check("an edit")
            }
            Step::Want(desired) => {
                self.owned.claim(&desired);
                self.settle(&desired, None)
            }
            Step::WantSlowly(desired, cut) => {
                self.owned.claim(&desired);
                let ops = plan(&desired, &self.table, &self.owned);
                let served = served(&self.table, &wanted(&desired, &self.table, &self.owned));
                let end = wanted(&desired, &self.table, &self.owned);
                for op in ops.iter().take(cut.index(ops.len() + 1)) {
                    self.edit(std::slice::from_ref(op))?;
                    self.check("one change of a plan")?;
                    if let Some(service) = served.iter().find(|service| !usable(&self.table, service)) {
                        return Err(format!("{service} is not served after {op}").into());
                    }
                }
                self.settle(&desired, None)?;
                same(&self.table, &end, "a plan in two parts")
            }
            Step::EditBehind(ops, desired) => {
                let believed = self.table.clone();
                self.edit(&ops)?;
                self.owned.claim(&desired);
                let end = wanted(&desired, &self.table, &self.owned);
                reconcile(&mut self.kernel, &desired, &self.owned, Some(believed));
                self.table = self.kernel.dump()?;
                self.settle(&desired, None)?;
                same(&self.table, &end, "an outdated belief")
            }
            Step::EditAtOnce(ops, desired) => {
                self.owned.claim(&desired);
                let somebody = thread::spawn(move || {
                    Client::open().map(|mut client| {
                        for op in ops.iter().cycle().take(400) {
                            client.apply(std::slice::from_ref(op));
                        }
                    })
                });
                let report = reconcile(&mut self.kernel, &desired, &self.owned, None);
                self.tally.repairs += report.repairs.len();
                somebody.join().map_err(|_| "the other client panicked")??;
                self.table = self.kernel.dump()?;
                self.settle(&desired, None)
            }
            Step::Fail(desired, faults) => {
                self.owned.claim(&desired);
                let end = wanted(&desired, &self.table, &self.owned);
                let served = served(&self.table, &end);
                let mut failing = Failing::new(&mut self.kernel, faults);
                reconcile(&mut failing, &desired, &self.owned, None);
                for table in failing.history {
                    if let Some(service) = served.iter().find(|service| !usable(&table, service)) {
                        return Err(format!("{service} is not served after a change among failures").into());
                    }
                }
                self.table = self.kernel.dump()?;
                self.settle(&desired, None)?;
                same(&self.table, &end, "failures")
            }
            Step::Restart => {
                self.owned = Owned::default();
                Ok(())
            }
        }
    }

    /// Somebody's changes, in one batch: each must fare as the model says.
    fn edit(&mut self, ops: &[Op]) -> Result<(), Difference> {
        let report = self.kernel.apply(ops);
        if let Some(error) = report.error {
            return Err(error.into());
        }
        for (op, outcome) in ops.iter().zip(report.outcomes) {
            let expected = model::change(&mut self.table, op);
            let actual = match outcome {
                Outcome::Done => Ok(()),
                Outcome::Refused(refusal) => Err(refusal.errno),
                other => return Err(format!("{op}: {other}").into()),
            };
            if actual != expected {
                return Err(format!("{op}: the kernel says {actual:?}, the model {expected:?}").into());
            }
            self.tally.edits += 1;
            self.tally.refused += usize::from(actual.is_err());
        }
        Ok(())
    }

    /// Makes the table as wanted, which must succeed at once, because nobody interferes.
    fn settle(&mut self, desired: &Table, believed: Option<Table>) -> Result<(), Difference> {
        let end = wanted(desired, &self.table, &self.owned);
        let report = reconcile(&mut self.kernel, desired, &self.owned, believed);
        if !report.settled() || !report.repairs.is_empty() {
            return Err(format!("not settled at once: {report:?}").into());
        }
        self.tally.reconciled += 1;
        self.tally.changes += report.done.len();
        self.table = end;
        self.check("a reconciliation")?;
        match &plan(desired, &self.table, &self.owned)[..] {
            [] => Ok(()),
            [op, ..] => Err(format!("a second plan is not empty: {op}").into()),
        }
    }

    fn check(&mut self, after: &str) -> Result<(), Difference> {
        same(&self.kernel.dump()?, &self.table, after)
    }
}

fn same(actual: &Table, expected: &Table, after: &str) -> Result<(), Difference> {
    if actual == expected {
        return Ok(());
    }
    let mut everything = Owned::default();
    everything.claim(actual);
    let lines: Vec<_> = plan(expected, actual, &everything).iter().map(ToString::to_string).collect();
    Err(format!("after {after} the table differs; to mend it:\n{}", lines.join("\n")).into())
}

/// A batch all of which is refused must not overflow the socket.
fn refuse_many(kernel: &mut Client, runner: &mut TestRunner) -> Result<usize, Difference> {
    let op = draw(&any::op(), runner)?;
    let absent = Op::DeleteService { service: op.service() };
    kernel.flush()?;
    let report = kernel.apply(&vec![absent; 10_000]);
    let refused = report.outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Refused(_))).count();
    match report.error {
        None if refused == report.outcomes.len() => Ok(refused),
        error => Err(format!("{refused} of 10000 changes were reported as refused: {error:?}").into()),
    }
}

fn draw<S: Strategy>(strategy: &S, runner: &mut TestRunner) -> Result<S::Value, Difference> {
    let tree = strategy.new_tree(runner).map_err(|reason| reason.message().to_owned())?;
    Ok(tree.current())
}

fn run(seed: u64, steps: usize) -> Result<String, Difference> {
    let seed_bytes: Vec<u8> = seed.to_le_bytes().into_iter().cycle().take(32).collect();
    let mut runner =
        TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &seed_bytes));
    let mut kernel = Client::open()?;
    kernel.flush()?;
    let mut script =
        Script { kernel, table: Table::default(), owned: Owned::default(), tally: Tally::default() };
    for number in 1..=steps {
        let step = draw(&step(), &mut runner)?;
        script.take(step.clone()).map_err(|difference| format!("step {number}: {difference}\n{step:?}"))?;
    }
    let refused = refuse_many(&mut script.kernel, &mut runner)?;
    script.kernel.flush()?;
    Ok(format!("{}; {refused} refusals of one batch received", script.tally))
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let numbers: Vec<u64> = words.iter().filter_map(|word| word.parse().ok()).collect();
    let [seed, steps] = numbers[..] else {
        eprintln!("usage: kernel_script SEED STEPS");
        return ExitCode::from(2);
    };
    match run(seed, usize::try_from(steps).unwrap_or(usize::MAX)) {
        Ok(tally) => {
            println!("kernel script {seed}: {steps} steps, {tally}, no difference");
            ExitCode::SUCCESS
        }
        Err(difference) => {
            println!("kernel script {seed}: DIFFERENCE at {difference}");
            ExitCode::FAILURE
        }
    }
}
