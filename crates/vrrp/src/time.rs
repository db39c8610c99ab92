//! The protocol's arithmetic of time. **Centiseconds, seconds and the skew's 1/256 never mix**: what comes out is a
//! [`Duration`] in whole microseconds, rounded down as keepalived rounds.

use core::fmt;
use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::spec::{Priority, Version};

/// Hundredths of a second: the unit of `advert_int` and of a VRRPv3 packet's Max Advertise Interval.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Centiseconds(u16);

impl Centiseconds {
    /// The largest that a VRRPv3 packet can carry: 12 bits (RFC 9568 5.2.7).
    pub const MAX_V3: Self = Self(0x0fff);

    /// `count` hundredths of a second.
    pub const fn new(count: u16) -> Self {
        Self(count)
    }

    /// Whole seconds, as a VRRPv2 packet carries them.
    pub const fn from_secs(secs: u8) -> Self {
        Self(secs as u16 * 100)
    }

    /// The count.
    pub const fn get(self) -> u16 {
        self.0
    }

    /// Whole seconds, rounded down, at most 255: what a VRRPv2 packet can carry.
    pub fn whole_secs(self) -> u8 {
        u8::try_from(self.0 / 100).unwrap_or(u8::MAX)
    }

    /// The same time as a duration.
    pub const fn duration(self) -> Duration {
        Duration::from_millis(self.0 as u64 * 10)
    }
}

impl fmt::Display for Centiseconds {
    /// In seconds, as `advert_int` is written.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (secs, rest) = (self.0 / 100, self.0 % 100);
        match rest {
            0 => write!(f, "{secs} s"),
            _ if rest % 10 == 0 => write!(f, "{secs}.{} s", rest / 10),
            _ => write!(f, "{secs}.{rest:02} s"),
        }
    }
}

/// By how much a backup of this priority waits longer than one of priority 256 would (Skew_Time).
///
/// VRRPv2: (256 - priority) / 256 seconds (RFC 3768 6.1). VRRPv3: that fraction of the master's advertisement interval
/// (RFC 9568 6.1).
pub fn skew(version: Version, priority: Priority, master_interval: Centiseconds) -> Duration {
    let parts = 256 - u64::from(priority.get());
    let whole = match version {
        Version::V2 => Duration::from_secs(1),
        Version::V3 => master_interval.duration(),
    };
    // At most 255 * 655.35 s in microseconds: far below u64::MAX.
    let micros = whole.as_secs() * 1_000_000 + u64::from(whole.subsec_micros());
    Duration::from_micros(parts * micros / 256)
}

/// How long a backup hears nothing before it takes over (Master_Down_Interval, Active_Down_Interval in RFC 9568).
pub fn master_down_interval(
    version: Version,
    priority: Priority,
    master_interval: Centiseconds,
    down_timer_adverts: u8,
) -> Duration {
    master_interval.duration() * u32::from(down_timer_adverts) + skew(version, priority, master_interval)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn priority(priority: u8) -> Priority {
        Priority::new(priority).unwrap()
    }

    #[test]
    fn the_down_interval_of_priority_100_at_one_second_is_what_keepalived_shows() {
        let one_second = Centiseconds::from_secs(1);
        // "Master down timer = 3609375 usecs" in keepalived.data.
        let shown = Duration::from_micros(3_609_375);
        assert_eq!(master_down_interval(Version::V2, priority(100), one_second, 3), shown);
        assert_eq!(master_down_interval(Version::V3, priority(100), one_second, 3), shown);
    }

    #[test]
    fn the_v2_skew_does_not_depend_on_the_interval_and_the_v3_skew_is_its_fraction() {
        for interval in [1, 10, 50, 100, 101, 4095] {
            let interval = Centiseconds::new(interval);
            for value in 1..=255 {
                let parts = 256.0 - f64::from(value);
                let v2 = skew(Version::V2, priority(value), interval).as_secs_f64();
                let v3 = skew(Version::V3, priority(value), interval).as_secs_f64();
                assert!((v2 - parts / 256.0).abs() < 1e-6, "v2 {value}: {v2}");
                assert!(
                    (v3 - parts * interval.duration().as_secs_f64() / 256.0).abs() < 1e-6,
                    "v3 {value}: {v3}"
                );
            }
        }
    }

    #[test]
    fn a_higher_priority_always_waits_less() {
        for version in [Version::V2, Version::V3] {
            for interval in (1..=4095).step_by(17).map(Centiseconds::new) {
                for value in 2..=255 {
                    let lower = master_down_interval(version, priority(value - 1), interval, 3);
                    let higher = master_down_interval(version, priority(value), interval, 3);
                    assert!(higher < lower, "{version:?} {interval} {value}: {higher:?} {lower:?}");
                }
            }
        }
    }

    #[test]
    fn the_down_interval_lies_between_n_and_n_plus_one_intervals_in_v3() {
        for interval in [1, 3, 100, 4095].map(Centiseconds::new) {
            for adverts in [1, 3, 100] {
                for value in 1..=255 {
                    let down = master_down_interval(Version::V3, priority(value), interval, adverts);
                    assert!(down >= interval.duration() * u32::from(adverts));
                    assert!(down < interval.duration() * (u32::from(adverts) + 1));
                }
            }
        }
    }

    #[test]
    fn an_interval_reads_as_it_is_written_in_the_file() {
        let shown: Vec<_> = [100, 50, 1, 105, 4095].map(|count| Centiseconds::new(count).to_string()).into();
        assert_eq!(shown, ["1 s", "0.5 s", "0.01 s", "1.05 s", "40.95 s"]);
    }
}
