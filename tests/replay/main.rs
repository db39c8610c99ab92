//! What the fuzzers found, and what they learnt, run again: each file of `fuzz/corpus/TARGET` and `fuzz/finds/TARGET`.
//!
//! **Nothing panics, hangs or fills the memory**: the whole process may have two gigabytes, and an input twenty seconds
//! of processor time; the fuzzers' own bounds are far tighter, but this runs unoptimised.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;

use nix::sys::resource::{Resource, UsageWho, getrusage, setrlimit};
use nix::sys::time::TimeVal;

const MEMORY: u64 = 2 << 30;
const SECONDS: i64 = 20;

/// What this thread has used of a processor: unlike the time of day, it does not pass faster on a busy machine.
fn used() -> TimeVal {
    let usage = getrusage(UsageWho::RUSAGE_THREAD).unwrap();
    usage.user_time() + usage.system_time()
}

#[track_caller]
fn replay(target: &str, run: fn(&[u8])) {
    // Beyond it, an allocation fails and the process ends, and with it the test.
    setrlimit(Resource::RLIMIT_AS, MEMORY, MEMORY).unwrap();
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz");
    let mut count = 0;
    for folder in ["corpus", "finds"] {
        // Of some targets nothing has been found yet.
        let Ok(entries) = fs::read_dir(fuzz.join(folder).join(target)) else { continue };
        for entry in entries {
            let path = entry.unwrap().path();
            // Shown only if the test fails: the last one named is the one.
            println!("{}", path.display());
            let before = used();
            run(&fs::read(&path).unwrap());
            let used = used() - before;
            assert!(used.tv_sec() < SECONDS, "{} took {used} of the processor", path.display());
            count += 1;
        }
    }
    assert!(count > 10, "{target} has only {count} files");
}

#[test]
fn every_configuration_of_the_corpus_is_read() {
    replay("config_text", crosstests::config_text::run);
}

#[test]
fn every_configuration_made_of_keywords_is_read() {
    replay("config_tree", crosstests::config_tree::run);
}

#[test]
fn every_advert_of_the_corpus_is_read() {
    replay("vrrp_packet", crosstests::vrrp_packet::run);
}

#[test]
fn every_life_of_a_router_is_lived() {
    replay("vrrp_router", crosstests::vrrp_router::run);
}
