//! Has packets be marked as `nftables_ipvs` asks for, in the current network namespace.
//!
//! Usage: `mark_rules TABLE PRIORITY [RANGE]... [, [RANGE]...]...`, where a RANGE is PROTOCOL/FIRST/LAST/PORT/PORT/MARK in
//! numbers and addresses. What stands behind a comma replaces what stands before it; the word `none` is no table at all.
//! The first failure ends it with exit status 1.

use std::process::ExitCode;

use net::{MarkSettings, MarkedRange, Marking};

fn range(text: &str) -> Option<MarkedRange> {
    let words: Vec<_> = text.split('/').collect();
    let [protocol, first, last, port, last_port, mark] = words[..] else { return None };
    Some(MarkedRange {
        protocol: protocol.parse().ok()?,
        first: first.parse().ok()?,
        last: last.parse().ok()?,
        ports: (port.parse().ok()?, last_port.parse().ok()?),
        mark: mark.parse().ok()?,
    })
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let (Some(table), Some(Ok(priority))) = (words.first(), words.get(1).map(|word| word.parse())) else {
        eprintln!("usage: mark_rules TABLE PRIORITY [RANGE]... [, [RANGE]...]...");
        return ExitCode::from(2);
    };
    let settings = MarkSettings { table: table.clone(), priority };
    let mut marking = Marking::default();
    for step in words[2..].split(|word| word == ",") {
        let none = step.iter().any(|word| word == "none");
        let ranges: Option<Vec<_>> = step.iter().filter(|_| !none).map(|word| range(word)).collect();
        let Some(ranges) = ranges else {
            eprintln!("not a range, in {step:?}");
            return ExitCode::from(2);
        };
        if let Err(error) = marking.apply((!none).then_some(&settings), &ranges) {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
