//! Points on the monotonic time line, as integers.
//!
//! **Nothing here reads a clock.** The pure crates receive the time as an argument; an [`Instant`] can therefore be
//! built in a test, written into a recording or a snapshot, and replayed. In production it counts the microseconds of
//! `CLOCK_MONOTONIC`, which all processes of one boot share: an instant that one process wrote means the same to the
//! process that replaces it.

use core::fmt;
use core::ops::{Add, AddAssign, Sub};
use core::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A point in time: microseconds since an arbitrary origin that never changes while the machine is up.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Instant(u64);

impl Instant {
    /// The origin of the time line.
    pub const ZERO: Self = Self(0);

    /// The instant `micros` microseconds after the origin.
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// Microseconds since the origin.
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// The time that passed from `earlier` to `self`; zero if `earlier` is later.
    pub const fn saturating_since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

/// A duration in whole microseconds; what is too long for the time line saturates.
fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// A length of time in whole microseconds: what is kept ten thousand times, in half the memory of a [`Duration`].
/// To people it is written as that is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span(u64);

impl Span {
    /// So many microseconds.
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// Microseconds.
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// The same as a [`Duration`].
    pub const fn get(self) -> Duration {
        Duration::from_micros(self.0)
    }
}

impl From<Duration> for Span {
    /// Without what is less than a microsecond; saturates at 585 000 years.
    fn from(duration: Duration) -> Self {
        Self(micros(duration))
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            self.get().serialize(serializer)
        } else {
            self.0.serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            Duration::deserialize(deserializer).map(Self::from)
        } else {
            u64::deserialize(deserializer).map(Self)
        }
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    /// Saturates at the end of the time line (585 000 years), so that "never" can be written as a long duration.
    fn add(self, later_by: Duration) -> Self {
        Self(self.0.saturating_add(micros(later_by)))
    }
}

impl AddAssign<Duration> for Instant {
    fn add_assign(&mut self, later_by: Duration) {
        *self = *self + later_by;
    }
}

impl Sub<Duration> for Instant {
    type Output = Self;

    /// Saturates at the origin.
    fn sub(self, earlier_by: Duration) -> Self {
        Self(self.0.saturating_sub(micros(earlier_by)))
    }
}

impl fmt::Debug for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:06}s", self.0 / 1_000_000, self.0 % 1_000_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adding_a_duration_moves_by_whole_microseconds() {
        assert_eq!(Instant::from_micros(5) + Duration::from_nanos(2_999), Instant::from_micros(7));
    }

    #[test]
    fn the_time_line_saturates_at_both_ends() {
        assert_eq!(Instant::ZERO - Duration::from_secs(1), Instant::ZERO);
        assert_eq!(Instant::from_micros(u64::MAX) + Duration::from_secs(1), Instant::from_micros(u64::MAX));
    }

    #[test]
    fn the_time_since_a_later_instant_is_zero() {
        assert_eq!(Instant::ZERO.saturating_since(Instant::from_micros(9)), Duration::ZERO);
    }

    #[test]
    fn a_span_is_a_duration_without_what_is_less_than_a_microsecond() {
        let span = Span::from(Duration::new(3, 1_999));
        assert_eq!((span, span.get()), (Span::from_micros(3_000_001), Duration::new(3, 1_000)));
        assert_eq!(Span::from(Duration::MAX).as_micros(), u64::MAX);
    }

    #[test]
    fn debug_output_reads_as_seconds() {
        assert_eq!(format!("{:?}", Instant::from_micros(3_609_375)), "3.609375s");
    }
}
