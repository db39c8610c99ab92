//! When the table is looked at.
//!
//! **Looking takes a thirtieth of a processor at most, however long the table is**, but for one look a minute. Where there are
//! glances, they take a hundredth, and looks a third of that: a glance that is not as before brings the next look forward,
//! once between two that are due anyway, however busy others are.

use std::time::Duration;

use clock::Instant;

/// Least and most time between two looks at a table that is as we left it.
const LOOK_EVERY: Duration = Duration::from_secs(1);
const LOOK_SELDOM: Duration = Duration::from_secs(60);
/// From this time between two looks on, they are seldom.
const SELDOM: Duration = Duration::from_secs(10);
/// How many times longer the pause is than the look before it, where there are no glances, and where there are.
const PAUSE_PER_LOOK: u32 = 30;
const PAUSE_BESIDE_GLANCES: u32 = 300;
/// The same for glances.
const PAUSE_PER_GLANCE: u32 = 100;

/// What is known without a look. `G`: what a glance shows.
pub(super) struct Watch<G> {
    /// None after a change of ours.
    seen: Option<G>,
    look_at: Instant,
    may_hurry: bool,
}

/// What comes next.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Next {
    Look,
    Wait(Instant),
}

impl<G: PartialEq> Watch<G> {
    pub(super) const fn new() -> Self {
        Self { seen: None, look_at: Instant::from_micros(0), may_hurry: true }
    }

    /// After a glance, which took so long; none: there is no way to glance.
    pub(super) fn glanced(&mut self, now: Instant, glance: Option<G>, took: Duration) -> Next {
        let changed = glance.is_some() && self.seen.is_some() && glance != self.seen;
        if now >= self.look_at || (changed && self.may_hurry) {
            self.may_hurry = now >= self.look_at;
            // What changes between the glance and the look differs from the glance.
            self.seen = glance;
            return Next::Look;
        }
        let next = if glance.is_some() { now + pause(took, PAUSE_PER_GLANCE) } else { self.look_at };
        if !changed {
            self.seen = glance;
        }
        Next::Wait(next.min(self.look_at))
    }

    /// After a look, which took so long; when to glance again.
    pub(super) fn looked(&mut self, now: Instant, took: Duration) -> Instant {
        let times = if self.seen.is_some() { PAUSE_BESIDE_GLANCES } else { PAUSE_PER_LOOK };
        self.look_at = now + pause(took, times);
        now + LOOK_EVERY
    }

    /// After a look: whether the next one is so far away that what it needs is no use until then.
    pub(super) fn is_seldom(&self, now: Instant) -> bool {
        self.look_at >= now + SELDOM
    }

    /// After a change of ours, or a repair, after which the next look is soon; when that is at the earliest.
    pub(super) fn changed(&mut self, now: Instant, repaired: bool) -> Instant {
        self.seen = None;
        if repaired {
            self.look_at = now + LOOK_EVERY;
        }
        now + LOOK_EVERY
    }
}

fn pause(took: Duration, times: u32) -> Duration {
    (took * times).clamp(LOOK_EVERY, LOOK_SELDOM)
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUICK: Duration = Duration::from_millis(10);
    const SLOW: Duration = Duration::from_millis(100);

    const fn at(seconds: u64) -> Instant {
        Instant::from_micros(seconds * 1_000_000)
    }

    /// A look at 100 s that took a tenth of a second, after a glance that showed this.
    fn looked(shows: char) -> Watch<char> {
        let mut watch = Watch::new();
        assert_eq!(watch.glanced(at(100), Some(shows), QUICK), Next::Look);
        assert_eq!(watch.looked(at(100), SLOW), at(101));
        watch
    }

    #[test]
    fn glances_come_each_second_and_looks_when_three_hundred_times_their_length_is_over() {
        let mut watch = looked('a');
        for second in 101..130 {
            assert_eq!(watch.glanced(at(second), Some('a'), QUICK), Next::Wait(at(second + 1)));
        }
        assert_eq!(watch.glanced(at(130), Some('a'), QUICK), Next::Look);
    }

    #[test]
    fn a_glance_that_is_not_as_before_brings_one_look_forward() {
        let mut watch = looked('a');
        assert_eq!(watch.glanced(at(101), Some('b'), QUICK), Next::Look);
        watch.looked(at(101), SLOW);
        assert_eq!(watch.glanced(at(102), Some('c'), QUICK), Next::Wait(at(103)));
        assert_eq!(watch.glanced(at(130), Some('c'), QUICK), Next::Wait(at(131)));
        assert_eq!(watch.glanced(at(131), Some('c'), QUICK), Next::Look);
        watch.looked(at(131), SLOW);
        assert_eq!(watch.glanced(at(132), Some('d'), QUICK), Next::Look, "there was one that was due");
    }

    #[test]
    fn looks_at_a_long_table_are_seldom() {
        assert!(looked('a').is_seldom(at(100)));
        let mut watch = Watch::new();
        watch.glanced(at(100), Some('a'), QUICK);
        watch.looked(at(100), QUICK);
        assert!(!watch.is_seldom(at(100)));
    }

    #[test]
    fn a_change_of_ours_is_no_reason_to_look() {
        let mut watch = looked('a');
        assert_eq!(watch.changed(at(105), false), at(106));
        assert_eq!(watch.glanced(at(106), Some('b'), QUICK), Next::Wait(at(107)));
        assert_eq!(watch.glanced(at(107), Some('a'), QUICK), Next::Look, "somebody takes it back");
    }

    #[test]
    fn after_a_repair_the_next_look_is_soon() {
        let mut watch = looked('a');
        assert_eq!(watch.glanced(at(105), Some('b'), QUICK), Next::Look);
        watch.looked(at(105), SLOW);
        assert_eq!(watch.changed(at(105), true), at(106));
        assert_eq!(watch.glanced(at(106), Some('a'), QUICK), Next::Look);
    }

    #[test]
    fn where_nobody_can_glance_looks_come_when_they_are_due() {
        let mut watch = Watch::<char>::new();
        assert_eq!(watch.glanced(at(100), None, QUICK), Next::Look);
        watch.looked(at(100), SLOW);
        assert_eq!(watch.glanced(at(101), None, QUICK), Next::Wait(at(103)));
        assert_eq!(watch.glanced(at(103), None, QUICK), Next::Look);
    }

    #[test]
    fn a_small_table_is_looked_at_each_second_and_the_largest_each_minute() {
        for (took, next) in [(Duration::ZERO, 101), (Duration::from_secs(10), 160)] {
            let mut watch = Watch::new();
            assert_eq!(watch.glanced(at(100), Some('a'), QUICK), Next::Look);
            watch.looked(at(100), took);
            assert_eq!(watch.glanced(at(next), Some('a'), QUICK), Next::Look);
        }
    }
}
