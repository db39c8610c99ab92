//! One probe for one question: checks that ask the same thing of the same target share its runs.
//!
//! **A question that several checks ask is asked once per round, and each check judges the answer for itself**: counters,
//! retries and health stay the check's own. The same question is the same [`ProbeSpec`], all parameters included; nothing
//! else is part of it, so that servers of different virtual servers share, and checks on different schedules too:
//!
//! * A check that is due while its question is in flight joins that run. An answer that is already there is never used
//!   again: every verdict rests on a run that ended after the check was due.
//! * Checks with one `delay_loop` keep step. The first that begins to wait for its period says when the next round is, and
//!   each other that begins to wait before that comes along, which may shorten one period, and never lengthens one. Within
//!   a row of retries `delay_before_retry` is kept exactly, so that no server goes down sooner or later than alone.
//! * A new check comes along at its first run if that lies within its own warm-up.
//!
//! Nothing is kept for a question that one check asks alone, and its times are those of `MEASURED.md`.

use std::collections::{BTreeMap, HashSet};
use std::hash::{BuildHasherDefault, DefaultHasher};
use std::time::Duration;

use clock::Instant;

use crate::action::RunId;
use crate::spec::{ProbeSpec, VirtualServerSpec};

/// The questions that more than one check asks.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Questions(BTreeMap<ProbeSpec, Question>);

#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Question {
    /// The last run that was started.
    run: Option<RunId>,
    /// By period: when the next round is.
    rounds: BTreeMap<Duration, Instant>,
}

impl Questions {
    /// The questions of a new configuration. What is known of those that stay is kept.
    pub(crate) fn configure<'a>(&mut self, servers: impl IntoIterator<Item = &'a VirtualServerSpec>) {
        let mut old = std::mem::take(&mut self.0);
        let mut seen = HashSet::<&ProbeSpec, BuildHasherDefault<DefaultHasher>>::default();
        for check in servers.into_iter().flat_map(|it| &it.real_servers).flat_map(|it| &it.checks) {
            let probe = &check.probe;
            if !seen.insert(probe) && !self.0.contains_key(probe) {
                let (probe, question) =
                    old.remove_entry(probe).unwrap_or_else(|| (probe.clone(), Question::default()));
                self.0.insert(probe, question);
            }
        }
    }

    /// No two checks ask the same.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The last run of a question that is shared.
    pub(crate) fn run(&self, probe: &ProbeSpec) -> Option<RunId> {
        self.0.get(probe)?.run
    }

    /// Notes that a run of this question begins.
    pub(crate) fn begin(&mut self, probe: &ProbeSpec, run: RunId) {
        if let Some(question) = self.0.get_mut(probe) {
            question.run = Some(run);
        }
    }

    /// When a check with this period runs next that may at `earliest` and wants to at `wanted`.
    pub(crate) fn next(
        &mut self,
        probe: &ProbeSpec,
        period: Duration,
        earliest: Instant,
        wanted: Instant,
        latest: Instant,
    ) -> Instant {
        let Some(question) = self.0.get_mut(probe) else { return wanted };
        let round = question.rounds.entry(period).or_insert(wanted);
        if *round < earliest || *round > latest {
            *round = wanted;
        }
        *round
    }
}

#[cfg(test)]
mod laws;
