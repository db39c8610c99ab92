//! Whole lives of a director on the real kernel: what `tests/lives` does on a model of it. The first thing that is not as it
//! should be ends the program with exit status 1.
//!
//! Usage: `kernel_lives SEED STEPS`. It flushes the IPVS table of the current network namespace and needs `lo` up there.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../../ipvs/tests/laws/end.rs"]
mod end;
#[path = "../../ipvs/tests/laws/failing.rs"]
mod failing;
#[path = "../tests/lives/script.rs"]
mod script;
#[path = "../tests/world/mod.rs"]
mod world;

use std::process::ExitCode;

use ipvs::netlink::Client;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

fn run(seed: u64, steps: u64) -> Result<usize, String> {
    let bytes: Vec<u8> = seed.to_le_bytes().into_iter().cycle().take(32).collect();
    let random = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), random);
    let mut kernel = Client::open().map_err(|error| error.to_string())?;
    kernel.flush().map_err(|error| error.to_string())?;
    let mut life = script::Life::on(kernel);
    for number in 1..=steps {
        let step = script::happens().new_tree(&mut runner).map_err(|reason| reason.to_string())?.current();
        let told = format!("{step:?}");
        life.take(step).map_err(|wrong| format!("step {number}, {told}: {wrong}"))?;
    }
    life.stop()?;
    Ok(life.changes)
}

fn main() -> ExitCode {
    let numbers: Vec<u64> = std::env::args().skip(1).filter_map(|word| word.parse().ok()).collect();
    let [seed, steps] = numbers[..] else {
        eprintln!("usage: kernel_lives SEED STEPS");
        return ExitCode::from(2);
    };
    match run(seed, steps) {
        Ok(changes) => {
            println!("kernel lives {seed}: {steps} steps, {changes} changes of the table, no difference");
            ExitCode::SUCCESS
        }
        Err(wrong) => {
            println!("kernel lives {seed}: DIFFERENCE at {wrong}");
            ExitCode::FAILURE
        }
    }
}
