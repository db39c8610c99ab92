//! The clocks.

use clock::Instant;

/// Now, by `CLOCK_MONOTONIC`: the clock that never jumps and that all processes of this boot share.
#[inline]
pub fn now() -> Instant {
    Instant::from_micros(read(libc::CLOCK_MONOTONIC))
}

/// What the day's clock shows, in microseconds since 1970.
#[inline]
pub(crate) fn day() -> u64 {
    read(libc::CLOCK_REALTIME)
}

/// In microseconds. **It is read many times for each packet**, so without the detour of a `Duration`.
#[inline]
fn read(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the call fills the time, and nothing else. It cannot fail: these clocks exist on every Linux.
    unsafe { libc::clock_gettime(clock, &raw mut time) };
    time.tv_sec.unsigned_abs() * 1_000_000 + time.tv_nsec.unsigned_abs() / 1_000
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
