//! How an instance stands with the others of its sync group, and what it does for their sake.

use super::{Backup, Context, Instance, Readiness, State};
use crate::event::{FaultCause, StateName, Why};

/// How an instance stands with the others of its sync group.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) enum Bond {
    /// It is in no group.
    #[default]
    Free,
    /// It is in a group, and becomes master only with it.
    Member {
        /// What the group does at start.
        claim: Claim,
        /// Another member waits for the first result of a tracker.
        waits: bool,
        /// Another member is in FAULT.
        fault: Option<FaultCause>,
    },
}

/// How the members of a sync group become masters at start.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Claim {
    /// By an election: not all of them claim the mastership.
    None,
    /// All own their addresses, and the file does not say `state MASTER` for all: as backups first, for an advertisement
    /// interval (keepalived).
    Soon,
    /// All own their addresses and have `state MASTER`: at once.
    Now,
}

impl Instance {
    /// Joins a sync group, or leaves it.
    pub(crate) fn bind(&mut self, cx: &mut Context<'_>, bond: Bond) {
        if self.bond != bond {
            self.bond = bond;
            if let (Bond::Free, State::Backup(Backup { readiness: Readiness::Ready, .. })) =
                (&self.bond, &self.state)
            {
                self.take_over(cx);
            }
            // Before the start, the start decides. What has changed for itself it sees in its turn.
            if self.state != State::Init {
                self.follow(cx, self.interface, self.source);
            }
        }
    }

    pub(crate) const fn bond(&self) -> &Bond {
        &self.bond
    }

    /// Whether the instance itself, not its group, cannot take part.
    pub(crate) fn is_faulty(&self) -> bool {
        !self.own_faults.is_empty()
    }

    /// Whether the down timer has expired and only the group is waited for.
    pub(crate) fn is_ready(&self) -> bool {
        matches!(&self.state, State::Backup(backup) if backup.readiness == Readiness::Ready)
    }

    /// Whether it becomes master as soon as its group does.
    pub(crate) fn is_willing(&self) -> bool {
        matches!(&self.state, State::Backup(backup) if backup.readiness != Readiness::Unready)
    }

    /// Whether the first result of a tracker has yet to say whether it can take part.
    pub(crate) const fn is_pending(&self) -> bool {
        self.pending
    }

    /// All of the group are willing.
    pub(crate) fn join_master(&mut self, cx: &mut Context<'_>) {
        if self.is_willing() {
            self.take_over(cx);
        }
    }

    /// Another member of the group is no longer master.
    pub(crate) fn step_down(&mut self, cx: &mut Context<'_>, why: Why) {
        if matches!(self.state, State::Master(_)) {
            self.transition(cx, StateName::Backup, why);
        }
    }
}
