//! When a child that died is started again (keepalived's rule): at once the first time, then after 1, 2, 4 ... 60 s; one
//! that lived for a minute starts over.

use std::time::Duration;

use tokio::time::Instant;

const LONG_ENOUGH: Duration = Duration::from_secs(60);
const LONGEST: Duration = Duration::from_secs(60);

/// Deaths in a row after which the snapshot is suspected of being the cause.
const SUSPICIOUS: u32 = 3;

/// The history of one child's deaths.
#[derive(Debug, Default)]
pub struct Backoff {
    deaths: u32,
    restart_at: Option<Instant>,
}

impl Backoff {
    /// Notes a death; the restart is due at [`Backoff::restart_at`].
    pub fn died(&mut self, lived: Duration) {
        if lived >= LONG_ENOUGH {
            self.deaths = 0;
        }
        self.deaths += 1;
        self.restart_at = Some(Instant::now() + delay(self.deaths));
    }

    /// When the child is to be started again.
    pub const fn restart_at(&self) -> Option<Instant> {
        self.restart_at
    }

    /// Notes the restart; says whether the successor gets what its predecessor knew.
    pub const fn restarted(&mut self) -> bool {
        self.restart_at = None;
        self.deaths < SUSPICIOUS
    }
}

fn delay(deaths: u32) -> Duration {
    match deaths {
        0 | 1 => Duration::ZERO,
        more => Duration::from_secs(1 << (more - 2).min(6)).min(LONGEST),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delays_are_keepalived_s() {
        let seconds: Vec<_> = (1..=10).map(|deaths| delay(deaths).as_secs()).collect();
        assert_eq!(seconds, [0, 1, 2, 4, 8, 16, 32, 60, 60, 60]);
    }

    #[test]
    fn a_child_that_lived_long_starts_over() {
        let mut backoff = Backoff::default();
        for _ in 0..5 {
            backoff.died(Duration::from_secs(1));
        }
        backoff.died(Duration::from_secs(61));
        assert_eq!(backoff.deaths, 1);
        assert!(backoff.restarted());
    }

    #[test]
    fn a_successor_that_dies_again_and_again_gets_a_fresh_start() {
        let mut backoff = Backoff::default();
        let resumed: Vec<_> = (0..4)
            .map(|_| {
                backoff.died(Duration::from_secs(1));
                backoff.restarted()
            })
            .collect();
        assert_eq!(resumed, [true, true, false, false]);
    }
}
