//! The clock.

use clock::Instant;
use nix::time::{ClockId, clock_gettime};

/// Now, by `CLOCK_MONOTONIC`: the clock that never jumps and that all processes of this boot share.
pub fn now() -> Instant {
    // It cannot fail: the clock exists on every Linux, and the argument is ours.
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC).unwrap_or_else(|_| nix::sys::time::TimeSpec::new(0, 0));
    let secs = u64::try_from(now.tv_sec()).unwrap_or(0);
    let nanos = u64::try_from(now.tv_nsec()).unwrap_or(0);
    Instant::from_micros(secs * 1_000_000 + nanos / 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_does_not_go_back() {
        let first = now();
        assert!(first > Instant::ZERO);
        assert!(now() >= first);
    }
}
