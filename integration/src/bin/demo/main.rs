//! `make demo`: RabbitMQ behind a pair of directors, through the death of one host after another.
//!
//! It builds the [topology](lab::pair) with real brokers and a client that publishes and consumes without pause, tells
//! what happens while it makes things happen, and ends in a table of what was expected and what was measured. **It
//! exits with 0 only if nothing fell short.**

use std::process::ExitCode;

use clap::Parser;
use lab::Daemon;

mod report;
mod story;

/// Shows two directors keeping RabbitMQ available.
#[derive(Parser)]
struct Args {
    /// What the directors run: stayd or keepalived.
    #[arg(long, default_value = "stayd")]
    daemon: Daemon,
}

fn main() -> ExitCode {
    let args = Args::parse();
    match story::tell(args.daemon) {
        Ok(report) => {
            println!("\n{report}");
            if report.is_met() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("demo: {error}");
            ExitCode::FAILURE
        }
    }
}
