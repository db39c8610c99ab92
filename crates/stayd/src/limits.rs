//! `-m` and `-M`: whether processes that crash leave their memory behind, and where.

use std::fs;
use std::io;

use nix::sys::resource::{Resource, rlim_t, setrlimit};

use crate::cli::Options;

/// Where the kernel keeps the pattern. It is one for the whole host.
const PATTERN: &str = "/proc/sys/kernel/core_pattern";

/// Does as the options say; children inherit it. Returns what the kernel refused.
pub fn apply(options: &Options) -> Vec<String> {
    let mut failures = Vec::new();
    let mut note = |what: &str, result: io::Result<()>| {
        failures.extend(result.err().map(|error| format!("cannot set {what}: {error}")));
    };
    if options.core_dump || options.core_dump_pattern.is_some() {
        let unlimited = setrlimit(Resource::RLIMIT_CORE, rlim_t::MAX, rlim_t::MAX);
        note("the size of core dumps", unlimited.map_err(io::Error::from));
    }
    if let Some(pattern) = &options.core_dump_pattern {
        let pattern = pattern.as_deref().unwrap_or("core");
        note("the place of core dumps", fs::write(PATTERN, pattern));
    }
    failures
}
