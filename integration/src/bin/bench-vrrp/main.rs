//! `make bench-vrrp`: failover, cost and punctuality of stayd's VRRP, beside keepalived's in the same run.
//!
//! Both daemons do the same things at the same time, in network namespaces of their own on the lab's kernel: what else
//! the machine does falls on both. Times are those at which frames passed the LAN's bridge. **The status says only
//! whether everything ran**: a machine that is busy must not fail a build, so targets are printed as met or not, and
//! nothing more.

mod cpu;
mod failover;
mod figures;
mod lateness;
mod load;

use std::process::ExitCode;
use std::str::FromStr;
use std::time::Duration;

use clap::Parser;
use lab::{Daemon, Result};

/// Both daemons, in the order of the tables' columns.
const DAEMONS: [Daemon; 2] = [Daemon::Keepalived, Daemon::Stayd];

/// Measures both daemons' VRRP side by side.
#[derive(Parser)]
struct Args {
    /// What to measure: failover, cpu, lateness; all if none is named.
    parts: Vec<Part>,
    /// How often each kind of failover happens at an interval of 1 s; three times as often at shorter ones.
    #[arg(long, default_value_t = 7)]
    runs: u32,
    /// For how many seconds each measurement of cost and punctuality lasts.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Does nothing but make so many TCP connections a second: the load of the measurement of lateness.
    #[arg(long, hide = true)]
    check: Option<u32>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Failover,
    Cpu,
    Lateness,
}

impl FromStr for Part {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        match text {
            "failover" => Ok(Self::Failover),
            "cpu" => Ok(Self::Cpu),
            "lateness" => Ok(Self::Lateness),
            _ => Err("the parts are failover, cpu and lateness".to_owned()),
        }
    }
}

fn main() -> ExitCode {
    let args = Args::parse();
    if let Some(rate) = args.check {
        lateness::check(rate);
    }
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench-vrrp: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result {
    let wanted = |part| args.parts.is_empty() || args.parts.contains(&part);
    let period = Duration::from_secs(args.seconds.max(1));
    if wanted(Part::Failover) {
        println!("{}", failover::measure(args.runs.max(1))?);
    }
    if wanted(Part::Cpu) {
        println!("{}", cpu::measure(period)?);
    }
    if wanted(Part::Lateness) {
        println!("{}", lateness::measure(period)?);
    }
    Ok(())
}
