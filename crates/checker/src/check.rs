//! One check: what its results say, and when it asks again.
//!
//! **A working check goes down at the failure that follows `retry` forgiven ones in a row; one success brings it up.**
//! These are the rules of keepalived 2.2.7 as measured (`MEASURED.md`):
//!
//! * Time counts from the end of a run. A run that takes long therefore moves the next one, and never overlaps it.
//! * After a success: `delay_loop`. After a forgiven failure: `delay_before_retry`. After the last failure of a round:
//!   `delay_loop`.
//! * A TCP or SMTP check that is down goes on in the same rounds of `retry` + 1 tries, and the first success in one ends it;
//!   checks of other kinds ask once in each `delay_loop` then.
//! * A check that was there when the program started is not forgiven its first failure. One that a reload brings is, and
//!   so is an SMTP check.
//! * A run in which this host could not ask says nothing: neither health nor count changes, next try after `delay_loop`.

use clock::Instant;
use serde::{Deserialize, Serialize};

use crate::action::RunId;
use crate::outcome::{Failure, LocalError, Outcome};
use crate::spec::CheckSpec;

/// What a check says of its server.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) enum Standing {
    Up,
    /// `alpha`, and no verdict yet: counts as down.
    Awaited,
    Down,
}

/// What a check is doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) enum Phase {
    Waiting(Instant),
    Running(RunId),
}

/// One check, now.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct CheckState {
    pub(crate) standing: Standing,
    pub(crate) phase: Phase,
    /// Failures in the present round: 0 to `retry`.
    failures: u32,
    /// The next failure is not forgiven: no run since the program started has had a verdict.
    strict: bool,
    /// No verdict yet at all.
    fresh: bool,
    /// Why the last run could not ask.
    blind: Option<LocalError>,
    /// The weight that the last success gave to the server; none: it left it at the configured one.
    weight: Option<u32>,
}

/// What a result meant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Conclusion {
    /// Up as before.
    StillUp,
    /// Up, and worth telling: for the first time, or from down.
    Passed,
    /// A failure of a check that stays up.
    Forgiven { failure: Failure, failures: u32 },
    /// Down from now on.
    Failed { failure: Failure, failures: u32 },
    /// Down as before.
    StillDown,
    /// Could not ask; `news` if not for the same reason as the run before.
    Blind { error: LocalError, news: bool },
}

/// A conclusion, and whether this host could not ask before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Concluded {
    pub(crate) conclusion: Conclusion,
    pub(crate) sees_again: bool,
}

/// A check as it is now, for those who look at it from outside.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CheckView {
    /// It says that its server is up.
    pub up: bool,
    /// It has had a verdict.
    pub has_run: bool,
    /// Failures in the present round: 0 to `retry`.
    pub failures: u32,
    /// The weight that its last success gave to the server (`misc_dynamic`).
    pub weight: Option<u32>,
}

impl CheckState {
    /// What can be seen of it.
    pub(crate) fn view(&self) -> CheckView {
        let up = self.standing == Standing::Up;
        CheckView { up, has_run: !self.fresh, failures: self.failures, weight: self.weight }
    }

    /// A check that never ran. `strict`: its first failure is enough.
    pub(crate) const fn new(standing: Standing, strict: bool, first_at: Instant) -> Self {
        Self {
            standing,
            phase: Phase::Waiting(first_at),
            failures: 0,
            strict,
            fresh: true,
            blind: None,
            weight: None,
        }
    }

    /// Another question takes the place of this check: it starts with the health that this one found.
    pub(crate) const fn succeeded_by_another(&self, first_at: Instant) -> Self {
        Self::new(self.standing, false, first_at)
    }

    pub(crate) fn is_up(&self) -> bool {
        self.standing == Standing::Up
    }

    /// Between two tries of a row, which `delay_before_retry` separates.
    pub(crate) const fn is_mid_round(&self) -> bool {
        self.failures != 0
    }

    /// Takes in how the run that ended at `now` went, and sets the time of the next one.
    pub(crate) fn conclude(&mut self, now: Instant, outcome: Outcome, spec: &CheckSpec) -> Concluded {
        let was_blind = self.blind.take();
        let (conclusion, pause) = match outcome {
            Outcome::Success => (self.pass(None), spec.delay_loop),
            Outcome::Weight(weight) => (self.pass(Some(weight)), spec.delay_loop),
            Outcome::Failure(failure) => {
                let conclusion = self.fail(failure, spec);
                (conclusion, if self.failures == 0 { spec.delay_loop } else { spec.delay_before_retry })
            }
            Outcome::Unknown(error) => {
                self.blind = Some(error);
                (Conclusion::Blind { error, news: was_blind != Some(error) }, spec.delay_loop)
            }
        };
        self.phase = Phase::Waiting(now + pause.get());
        Concluded { conclusion, sees_again: was_blind.is_some() && self.blind.is_none() }
    }

    /// By how much this check changes the weight of its server, beside the configured one.
    pub(crate) fn weight_offset(&self, configured: u32) -> i64 {
        self.weight.map_or(0, |weight| i64::from(weight) - i64::from(configured))
    }

    fn pass(&mut self, weight: Option<u32>) -> Conclusion {
        self.weight = weight;
        let news = self.fresh || !self.is_up();
        self.standing = Standing::Up;
        self.failures = 0;
        self.strict = false;
        self.fresh = false;
        if news { Conclusion::Passed } else { Conclusion::StillUp }
    }

    fn fail(&mut self, failure: Failure, spec: &CheckSpec) -> Conclusion {
        let failures = self.failures.saturating_add(1);
        let strict = self.strict && !spec.probe.is_forgiven_at_the_start();
        let once = !self.is_up() && !spec.probe.retries_while_down();
        let last_of_round = strict || once || failures > spec.retry;
        self.failures = if last_of_round { 0 } else { failures };
        self.strict = false;
        self.fresh = false;
        match (self.standing, last_of_round) {
            (Standing::Down, _) | (Standing::Awaited, false) => Conclusion::StillDown,
            (Standing::Up, false) => Conclusion::Forgiven { failure, failures },
            (Standing::Up | Standing::Awaited, true) => {
                self.standing = Standing::Down;
                Conclusion::Failed { failure, failures }
            }
        }
    }
}
