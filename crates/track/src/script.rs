//! A script that is run again and again, and whether it counts as good.
//!
//! **It never runs twice at a time**: when it is due and its last run has not ended, that turn is left out.
//!
//! Like keepalived's, it keeps a number from 0 to rise + fall - 1 and is good from rise on. A success counts up to rise and
//! then jumps to the top; a failure counts down to rise and then drops to 0. So it takes `rise` successes in a row to
//! become good and `fall` failures in a row to become bad. The very first result decides at once, also with `init_fail`.

use std::time::Duration;

use clock::Instant;

/// How often a script runs, and what its results mean.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ScriptSpec {
    /// From the start of one run to that of the next; more than 0.
    pub interval: Duration,
    /// Successes in a row until it is good; at least 1.
    pub rise: u32,
    /// Failures in a row until it is bad; at least 1.
    pub fall: u32,
    /// Whether it is bad before its first result.
    pub init_fail: bool,
}

/// What a driver is to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Action {
    /// Run it; [`Script::ended`] is told the result.
    Run,
    /// Tell that it is good, or bad.
    Report {
        /// Which.
        good: bool,
    },
}

/// One script.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Script {
    spec: ScriptSpec,
    /// None before the first result, unless it is bad then.
    count: Option<u32>,
    /// Before the first result.
    untried: bool,
    due: Instant,
    running: bool,
    report: Option<bool>,
    run: bool,
}

impl Script {
    /// A script whose first run is due now.
    pub fn new(now: Instant, spec: ScriptSpec) -> Self {
        let bad = spec.init_fail.then_some(0);
        Self {
            spec,
            count: bad,
            untried: true,
            due: now,
            running: false,
            report: bad.map(|_| false),
            run: false,
        }
    }

    /// A reload: what it was, it stays, until it is seen to be otherwise. Its next run is due when it was, but not later
    /// than the new interval from now.
    pub fn configure(&mut self, now: Instant, spec: ScriptSpec) {
        let good = self.is_good();
        self.spec = spec;
        self.count = good.map(|good| if good { self.top() } else { 0 });
        self.due = self.due.min(now + spec.interval);
    }

    /// Whether it is good; none before the first result.
    pub fn is_good(&self) -> Option<bool> {
        self.count.map(|count| count >= self.spec.rise)
    }

    /// When [`tick`](Self::tick) is to be called.
    pub const fn next_deadline(&self) -> Instant {
        self.due
    }

    /// Time has passed.
    pub fn tick(&mut self, now: Instant) {
        if self.due > now {
            return;
        }
        self.run = !self.running;
        self.running = true;
        // The turns keep their rhythm; those that were missed are not made up for.
        let next = self.due + self.spec.interval;
        self.due = if next > now { next } else { now + self.spec.interval };
    }

    /// The run has ended, with success or not.
    pub fn ended(&mut self, success: bool) {
        self.running = false;
        let before = self.is_good();
        let rise = self.spec.rise;
        let first = core::mem::take(&mut self.untried);
        self.count = Some(match (self.count.filter(|_| !first), success) {
            (Some(count), true) if count.saturating_add(1) < rise => count + 1,
            (None | Some(_), true) => self.top(),
            (Some(count), false) if count > rise => count - 1,
            (None | Some(_), false) => 0,
        });
        let after = self.is_good();
        if after != before {
            self.report = after;
        }
    }

    /// The next thing to do, until there is none.
    pub fn next_action(&mut self) -> Option<Action> {
        if let Some(good) = self.report.take() {
            return Some(Action::Report { good });
        }
        core::mem::take(&mut self.run).then_some(Action::Run)
    }

    fn top(&self) -> u32 {
        self.spec.rise.saturating_add(self.spec.fall).saturating_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn spec(rise: u32, fall: u32) -> ScriptSpec {
        ScriptSpec { interval: SECOND, rise, fall, init_fail: false }
    }

    /// Ends runs with these results; what is reported after each.
    fn reports(script: &mut Script, results: &[bool]) -> Vec<Option<bool>> {
        let after = |script: &mut Script| match script.next_action() {
            Some(Action::Report { good }) => Some(good),
            other => {
                assert_eq!(other, None);
                None
            }
        };
        results
            .iter()
            .map(|success| {
                script.ended(*success);
                after(script)
            })
            .collect()
    }

    #[test]
    fn the_first_result_decides_at_once() {
        let mut good = Script::new(Instant::ZERO, spec(3, 3));
        assert_eq!(good.is_good(), None);
        assert_eq!(reports(&mut good, &[true]), [Some(true)]);
        let mut bad = Script::new(Instant::ZERO, spec(3, 3));
        assert_eq!(reports(&mut bad, &[false]), [Some(false)]);
    }

    #[test]
    fn after_that_rise_and_fall_count_results_in_a_row() {
        let mut script = Script::new(Instant::ZERO, spec(2, 3));
        let seen = reports(
            &mut script,
            &[true, false, false, true, false, false, false, true, false, true, true, false],
        );
        let mut expected = vec![None; 12];
        (expected[0], expected[6], expected[10]) = (Some(true), Some(false), Some(true));
        assert_eq!(seen, expected);
    }

    #[test]
    fn with_init_fail_it_is_bad_until_its_first_result_decides() {
        let script = || {
            let mut script = Script::new(Instant::ZERO, ScriptSpec { init_fail: true, ..spec(2, 1) });
            assert_eq!(script.next_action(), Some(Action::Report { good: false }));
            script
        };
        assert_eq!(reports(&mut script(), &[true, false]), [Some(true), Some(false)]);
        assert_eq!(reports(&mut script(), &[false, true, true]), [None, None, Some(true)]);
    }

    #[test]
    fn it_runs_at_once_and_then_at_every_interval() {
        let mut script = Script::new(Instant::ZERO, spec(1, 1));
        for second in 0..5 {
            let now = Instant::ZERO + SECOND * second;
            assert_eq!(script.next_deadline(), now);
            script.tick(now);
            assert_eq!(script.next_action(), Some(Action::Run));
            script.ended(true);
            while script.next_action().is_some() {}
        }
    }

    #[test]
    fn a_run_that_takes_longer_costs_the_turns_in_between() {
        let mut script = Script::new(Instant::ZERO, spec(1, 1));
        script.tick(Instant::ZERO);
        assert_eq!(script.next_action(), Some(Action::Run));
        script.tick(Instant::ZERO + SECOND);
        assert_eq!(script.next_action(), None, "it runs still");
        script.ended(true);
        assert_eq!(script.next_action(), Some(Action::Report { good: true }));
        assert_eq!(script.next_deadline(), Instant::ZERO + 2 * SECOND);
    }

    #[test]
    fn turns_that_were_missed_are_not_made_up_for() {
        let mut script = Script::new(Instant::ZERO, spec(1, 1));
        script.tick(Instant::ZERO + 10 * SECOND);
        assert_eq!(script.next_action(), Some(Action::Run));
        assert_eq!(script.next_deadline(), Instant::ZERO + 11 * SECOND);
    }

    #[test]
    fn a_reload_keeps_what_is_known() {
        let mut script = Script::new(Instant::ZERO, spec(1, 1));
        reports(&mut script, &[true]);
        script.configure(Instant::ZERO, spec(4, 2));
        assert_eq!(script.is_good(), Some(true));
        assert_eq!(reports(&mut script, &[false, false]), [None, Some(false)]);
        script.configure(Instant::ZERO, spec(2, 9));
        assert_eq!(reports(&mut script, &[true, true]), [None, Some(true)]);
    }

    proptest! {
        #[test]
        fn good_and_bad_alternate_and_each_takes_its_number_of_results(
            rise in 1_u32..6, fall in 1_u32..6, results in proptest::collection::vec(any::<bool>(), 1..200),
        ) {
            let mut script = Script::new(Instant::ZERO, spec(rise, fall));
            let (mut last, mut row) = (None, (false, 0_u32));
            for success in results {
                row = if row.0 == success { (success, row.1 + 1) } else { (success, 1) };
                script.ended(success);
                while let Some(action) = script.next_action() {
                    if let Action::Report { good } = action {
                        prop_assert_ne!(last, Some(good));
                        prop_assert_eq!(good, success);
                        if last.is_some() {
                            prop_assert_eq!(row.1, if good { rise } else { fall });
                        }
                        last = Some(good);
                    }
                }
                prop_assert_eq!(script.is_good(), last);
            }
        }
    }
}
