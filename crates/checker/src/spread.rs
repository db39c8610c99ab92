//! A small deterministic generator for the warm-up spread.
//!
//! **The same seed gives the same spread**, on every machine; nothing here needs to be hard to guess. The steps are
//! those of SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014).

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The state of the generator.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Spread(u64);

impl Spread {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A duration from 0 to `longest`, in whole microseconds, all equally likely.
    pub(crate) fn up_to(&mut self, longest: Duration) -> Duration {
        let micros = u64::try_from(longest.as_micros()).unwrap_or(u64::MAX);
        // The high half of the product is uniform over 0..=micros to within 1 in 2^64 / micros.
        let wide = u128::from(self.next()) * (u128::from(micros) + 1);
        Duration::from_micros(u64::try_from(wide >> 64).unwrap_or(micros))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_gives_the_published_numbers() {
        let mut spread = Spread::new(1_234_567);
        let numbers = [spread.next(), spread.next(), spread.next()];
        assert_eq!(
            numbers,
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]
        );
    }

    #[test]
    fn a_spread_of_nothing_is_nothing() {
        assert_eq!(Spread::new(7).up_to(Duration::ZERO), Duration::ZERO);
    }

    #[test]
    fn every_tenth_of_the_range_gets_its_share() {
        let mut spread = Spread::new(1);
        let mut tenths = [0_u32; 10];
        for _ in 0..10_000 {
            let drawn = spread.up_to(Duration::from_micros(999_999));
            assert!(drawn < Duration::from_secs(1));
            tenths[usize::try_from(drawn.as_millis() / 100).unwrap()] += 1;
        }
        // The standard deviation of each is 30: 200 is out of reach of chance.
        assert!(tenths.iter().all(|&n| (800..1200).contains(&n)), "{tenths:?}");
    }

    #[test]
    fn the_longest_duration_does_not_overflow() {
        let mut spread = Spread::new(3);
        assert!(spread.up_to(Duration::MAX) <= Duration::from_micros(u64::MAX));
    }
}
