//! Which role an instance has first, and what it waits for until then.

use std::collections::BTreeSet;

use clock::Instant;

use super::authenticate::Numbers;
use super::{Bond, Claim, Context, Instance, Readiness, State};
use crate::event::{FaultCause, StateName, What, Why};
use crate::snapshot::InstanceSnapshot;
use crate::spec::InitialState;

impl Instance {
    /// Takes over what another process knew of this instance.
    pub(crate) fn resume(&mut self, predecessor: &InstanceSnapshot) {
        self.counters = predecessor.counters;
        self.numbers = Numbers::resume(predecessor.sequence);
    }

    /// Looks around for the first time, so that the others of its group know of a fault before anybody starts.
    pub(crate) fn inspect(&mut self, cx: &mut Context<'_>) {
        self.look_around(cx);
    }

    /// Leaves Init for the first role. Has none while a tracker has yet to say whether the instance can take part.
    ///
    /// What an earlier run has left is cleared if the instance cannot take part. Otherwise its addresses stay for now:
    /// without them nobody would be served until the first election is over.
    pub(crate) fn start(&mut self, cx: &mut Context<'_>, predecessor: Option<StateName>) {
        self.look_around(cx);
        let causes = self.causes();
        let resumed = predecessor == Some(StateName::Master);
        let keeps = !self.found(cx.links).is_empty();
        if keeps && !self.keeps && causes.is_empty() && !resumed {
            self.emit(cx, What::Kept);
        }
        self.keeps = keeps;
        if !causes.is_empty() {
            self.fail(cx, causes);
        } else if self.must_wait() {
            self.wait(cx, None);
        } else if resumed {
            self.transition(cx, StateName::Master, Why::Resumed);
        } else if self.claims_now() && cx.earliest_master <= cx.now {
            self.transition(cx, StateName::Master, Why::Owner);
        } else if self.claims_now() {
            self.wait(cx, Some(cx.earliest_master));
        } else {
            let why = if predecessor.is_some() { Why::Resumed } else { Why::Startup };
            self.transition(cx, StateName::Backup, why);
            if matches!(self.bond, Bond::Member { claim: Claim::Soon, .. }) {
                self.claim_soon(cx);
            }
        }
    }

    /// Has no role yet.
    pub(super) fn wait(&mut self, cx: &mut Context<'_>, until: Option<Instant>) {
        let waiting = State::Waiting { until };
        if self.state != waiting {
            self.state = waiting;
            self.want(cx);
        }
    }

    /// The first role is FAULT. keepalived tells nobody of one that waited and is in FAULT for its group's sake only.
    pub(super) fn fail(&mut self, cx: &mut Context<'_>, causes: BTreeSet<FaultCause>) {
        let waited = matches!(self.state, State::Waiting { .. });
        if waited && causes.iter().all(|cause| matches!(cause, FaultCause::Member { .. })) {
            self.state = State::Fault { causes };
            self.since = Some(cx.now);
            self.keeps = false;
            self.hold.forget();
            self.want(cx);
        } else {
            self.transition(cx, StateName::Fault, Why::Fault(causes.into_iter().collect()));
        }
    }

    /// Whether the first result of a tracker decides if the instance, or another one of its group, can take part.
    pub(super) const fn must_wait(&self) -> bool {
        self.pending || matches!(self.bond, Bond::Member { waits: true, .. })
    }

    /// Whether it claims the mastership at start.
    pub(crate) fn claim(&self) -> Claim {
        match self.spec.initial_state {
            _ if !self.spec.claims() => Claim::None,
            InitialState::Master => Claim::Now,
            InitialState::Unset | InitialState::Backup => Claim::Soon,
        }
    }

    /// Whether its first role is MASTER. Owners in a group that does not ask for it are backups first, unless they had to
    /// wait for a tracker (keepalived).
    pub(super) fn claims_now(&self) -> bool {
        match self.bond {
            Bond::Free => self.spec.claims(),
            Bond::Member { claim: Claim::None, .. } => false,
            Bond::Member { claim: Claim::Soon, .. } => matches!(self.state, State::Waiting { .. }),
            Bond::Member { claim: Claim::Now, .. } => true,
        }
    }

    /// Waits for the others of a group of owners, but not for other masters.
    pub(super) fn claim_soon(&mut self, cx: &Context<'_>) {
        if let State::Backup(backup) = &mut self.state {
            backup.waited = self.spec.advert_interval.duration();
            backup.takeover_at = cx.now.max(cx.earliest_master) + backup.waited;
            backup.readiness = Readiness::Eager;
        }
    }
}
