//! What dumps tell of the last run of a check, beside its health: when a command ended and with what status, and which page
//! was not right. It is kept here, not with the checks: no decision rests on it, and few checks have any.

use std::collections::{BTreeMap, BTreeSet};

use checker::{Failure, Outcome, ProbeSpec, VirtualServerSpec};
use clock::Instant;

use crate::ipc::LastRun;

/// By what is asked: checks that ask the same share their runs.
#[derive(Default)]
pub(super) struct LastRuns(BTreeMap<ProbeSpec, LastRun>);

impl LastRuns {
    /// A run has ended.
    pub(super) fn note(&mut self, now: Instant, probe: ProbeSpec, outcome: Outcome) {
        match probe {
            ProbeSpec::Misc(_) => {
                let status = match outcome {
                    Outcome::Success => Some(0),
                    Outcome::Weight(weight) => Some(i32::try_from(weight).unwrap_or_default() + 2),
                    Outcome::Failure(Failure::ScriptStatus(status)) => Some(status),
                    Outcome::Failure(_) => None,
                    Outcome::Unknown(_) => return,
                };
                // One that was ended has none of its own, and leaves that of the run before.
                let before = match self.0.get(&probe) {
                    Some(LastRun::Command { status, .. }) => *status,
                    _ => 0,
                };
                self.0.insert(probe, LastRun::Command { ended: now, status: status.unwrap_or(before) });
            }
            ProbeSpec::Http(_) => match outcome {
                Outcome::Failure(Failure::Page { url, .. }) => drop(self.0.insert(probe, LastRun::Page(url))),
                Outcome::Failure(_) => drop(self.0.entry(probe).or_insert(LastRun::Page(0))),
                Outcome::Success | Outcome::Weight(_) => drop(self.0.remove(&probe)),
                Outcome::Unknown(_) => {}
            },
            _ => {}
        }
    }

    /// Forgets what nobody asks any more.
    pub(super) fn keep<'a>(&mut self, servers: impl Iterator<Item = &'a VirtualServerSpec>) {
        if self.0.is_empty() {
            return;
        }
        let checks = servers.flat_map(|it| &it.real_servers).flat_map(|it| &it.checks);
        let asked: BTreeSet<_> = checks.map(|check| &check.probe).collect();
        self.0.retain(|probe, _| asked.contains(probe));
    }

    /// All of it.
    pub(super) fn all(&self) -> BTreeMap<ProbeSpec, LastRun> {
        self.0.clone()
    }
}
