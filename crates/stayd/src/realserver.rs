//! `stayd realserver`: holds virtual addresses on a real server behind a director that routes directly.
//!
//! The director sends a real server what is for the virtual address, with the real server's hardware address. The real
//! server must take such packets for its own, hence the address on `lo`, and **must never tell the LAN that it has the
//! address**, or the LAN's packets pass by the director; hence the sysctls. What shell scripts did with `ifconfig`, `route`
//! and `echo` is done here with three differences: it can be repeated, it can be undone (values that were found are put back,
//! and what is somebody else's stays), and at no moment is the address there without the sysctls.
//!
//! * [`plan`]: what to do, from what is asked for, what is, and what was recorded; pure.
//! * [`step`]: one thing to do, and what it depends on; pure.
//! * [`ledger`]: what was recorded; pure. [`state_file`]: its file.
//! * [`kernel`]: what is, and doing it.
//! * [`status`]: what is beside what should be; pure. `start` ends with it too.

mod kernel;
mod ledger;
mod plan;
mod state_file;
mod status;
mod step;
mod sysctl;
mod vip;

use std::collections::BTreeSet;
use std::fmt;
use std::io::{self, Write as _};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use clap::Subcommand;
use thiserror::Error;

use crate::exit::Exit;
use kernel::Kernel;
use ledger::Ledger;
use plan::Actual;
use state_file::StateFile;
use step::{Outcome, Step, carry_out};
use vip::Vip;

/// Arguments of `stayd realserver`.
#[derive(clap::Args, Debug)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
    /// Where start records for stop what it added and found; one for each network namespace
    #[arg(long, global = true, value_name = "FILE", default_value = "/run/stayd/realserver.json")]
    state: PathBuf,
}

#[derive(Subcommand, Debug)]
enum Action {
    /// Hold virtual addresses: each on lo with a route, and no ARP for them
    Start {
        /// IPv4 or IPv6 address
        #[arg(value_name = "VIP", required = true)]
        vips: Vec<Vip>,
    },
    /// Undo start; with the last IPv4 address, also the sysctls
    Stop {
        /// IPv4 or IPv6 address
        #[arg(value_name = "VIP", required = true)]
        vips: Vec<Vip>,
    },
    /// Show what is and what should be; succeeds only if all is right
    Status {
        /// IPv4 or IPv6 address; without any: all that are started
        #[arg(value_name = "VIP")]
        vips: Vec<Vip>,
    },
}

#[derive(Debug, Error)]
enum Error {
    #[error(transparent)]
    State(#[from] state_file::Error),
    #[error(transparent)]
    Kernel(#[from] kernel::Error),
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Exit {
    let file = &arguments.state;
    let result = match &arguments.action {
        Action::Start { vips } => start(file, &addresses(vips)),
        Action::Stop { vips } => stop(file, &addresses(vips)),
        Action::Status { vips } => show(file, addresses(vips)),
    };
    match result {
        Ok(true) => Exit::Normal,
        Ok(false) => Exit::Fatal,
        Err(error) => {
            complain(&error);
            Exit::Fatal
        }
    }
}

fn start(file: &Path, vips: &BTreeSet<IpAddr>) -> Result<bool, Error> {
    let state = StateFile::lock(file)?;
    let mut kernel = Kernel::open()?;
    let Some(changed) = change(&state, &mut kernel, |actual, ledger| plan::start(vips, actual, ledger))?
    else {
        return Ok(false);
    };
    let wrong: Vec<_> = status::rows(vips, &kernel.look()?).into_iter().filter(|row| !row.right).collect();
    wrong.iter().for_each(complain);
    if wrong.is_empty() {
        say(&conclusion(if changed { "started" } else { "nothing to do, started already" }, vips));
    }
    Ok(wrong.is_empty())
}

fn stop(file: &Path, vips: &BTreeSet<IpAddr>) -> Result<bool, Error> {
    let state = StateFile::lock(file)?;
    let mut kernel = Kernel::open()?;
    let changed = change(&state, &mut kernel, |actual, ledger| plan::stop(vips, actual, ledger))?;
    if let Some(changed) = changed {
        say(&conclusion(if changed { "stopped" } else { "nothing to do, not started" }, vips));
    }
    Ok(changed.is_some())
}

fn show(file: &Path, mut vips: BTreeSet<IpAddr>) -> Result<bool, Error> {
    if vips.is_empty() {
        vips = state_file::read(file)?.vips();
    }
    if vips.is_empty() {
        say("no virtual address is started on this real server");
        return Ok(false);
    }
    let rows = status::rows(&vips, &Kernel::open()?.look()?);
    say(status::table(&rows).trim_end());
    Ok(rows.iter().all(|row| row.right))
}

/// Carries out a plan, tells of it, and records it. Says whether that changed anything, or `None` if something failed.
fn change(
    state: &StateFile,
    kernel: &mut Kernel,
    plan: impl FnOnce(&Actual, &Ledger) -> Vec<Step>,
) -> Result<Option<bool>, Error> {
    let recorded = state.read()?;
    let steps = plan(&kernel.look()?, &recorded);
    let before = recorded.before(&steps);
    if before != recorded {
        state.write(&before)?;
    }
    let outcomes = carry_out(steps, |step| kernel.perform(step));
    let mut after = recorded.clone();
    for (step, outcome) in &outcomes {
        match outcome {
            Outcome::Done => {
                after.note(*step);
                say(&format!("{}: {step}", step.subject()));
            }
            Outcome::Failed(error) => complain(&format_args!("{}: not {step}: {error}", step.subject())),
            Outcome::Blocked(by) => {
                complain(&format_args!("{}: not {step}, because of {}", step.subject(), by.subject()));
            }
        }
    }
    if after != before {
        state.write(&after)?;
    }
    let failed = outcomes.iter().any(|(_, outcome)| !matches!(outcome, Outcome::Done));
    let changed = after != recorded || outcomes.iter().any(|(step, _)| step.is_change());
    Ok((!failed).then_some(changed))
}

fn addresses(vips: &[Vip]) -> BTreeSet<IpAddr> {
    vips.iter().map(|vip| vip.0).collect()
}

fn conclusion(what: &str, vips: &BTreeSet<IpAddr>) -> String {
    let vips: Vec<_> = vips.iter().map(IpAddr::to_string).collect();
    format!("{what}: {}", vips.join(", "))
}

fn say(line: &str) {
    // Who closed the pipe does not want to know.
    let _ = writeln!(io::stdout(), "{line}");
}

fn complain(what: &impl fmt::Display) {
    let _ = writeln!(io::stderr(), "stayd realserver: {what}");
}
