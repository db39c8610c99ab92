//! The spacing of announcements (`vrrp_garp_interval`, `vrrp_gna_interval`): some switches drop what comes faster.
//!
//! **Without spacing an announcement goes at once; with it, each interface has a queue that is emptied in order.** An
//! instance that is master no longer announces nothing more.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use clock::Instant;

use crate::action::{Action, Announce, InstanceId};
use crate::link::IfIndex;
use crate::spec::AnnounceGroup;

/// A refresh that comes faster than the spacing lets it go would otherwise queue without end.
const MOST_WAITING: usize = 65_536;

#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Announcer {
    queues: BTreeMap<Place, Queue>,
    groups: Vec<AnnounceGroup>,
}

/// What is spaced together.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Place {
    Interface(IfIndex),
    /// `garp_group`, by its place in the configuration.
    Group(usize),
}

#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Queue {
    next_at: Instant,
    waiting: VecDeque<Waiting>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Waiting {
    instance: InstanceId,
    announce: Announce,
    spacing: Duration,
}

impl Announcer {
    /// Takes over changed `garp_group`s. What waits in a queue of its own goes on waiting there.
    pub(crate) fn configure(&mut self, groups: Vec<AnnounceGroup>) {
        self.groups = groups;
    }

    /// Sends an announcement now, or as soon as the spacing allows: that of the interface's group, else the given one.
    pub(crate) fn push(
        &mut self,
        now: Instant,
        instance: InstanceId,
        interface: &str,
        announce: Announce,
        spacing: Duration,
        actions: &mut VecDeque<Action>,
    ) {
        let group = self.groups.iter().enumerate().find(|(_, group)| group.interfaces.contains(interface));
        let (place, spacing) = match group {
            Some((number, group)) => (Place::Group(number), group.spacing(announce.address)),
            None => (Place::Interface(announce.interface), spacing),
        };
        if spacing.is_zero() {
            actions.push_back(Action::Announce(announce));
            return;
        }
        let queue = self.queues.entry(place).or_default();
        if queue.waiting.len() < MOST_WAITING {
            queue.waiting.push_back(Waiting { instance, announce, spacing });
        }
        queue.send_due(now, actions);
    }

    /// Sends what is due.
    pub(crate) fn tick(&mut self, now: Instant, actions: &mut VecDeque<Action>) {
        for queue in self.queues.values_mut() {
            queue.send_due(now, actions);
        }
    }

    /// When the next announcement is due.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.queues.values().filter(|queue| !queue.waiting.is_empty()).map(|queue| queue.next_at).min()
    }

    /// Drops what this instance still has to announce.
    pub(crate) fn forget(&mut self, instance: InstanceId) {
        for queue in self.queues.values_mut() {
            queue.waiting.retain(|waiting| waiting.instance != instance);
        }
    }

    /// Drops what is to go out of this interface.
    pub(crate) fn interface_gone(&mut self, interface: IfIndex) {
        self.queues.remove(&Place::Interface(interface));
        for queue in self.queues.values_mut() {
            queue.waiting.retain(|waiting| waiting.announce.interface != interface);
        }
    }
}

impl Queue {
    /// At most one at a time: a late wake-up does not make a burst of what was spaced.
    fn send_due(&mut self, now: Instant, actions: &mut VecDeque<Action>) {
        if self.next_at <= now
            && let Some(waiting) = self.waiting.pop_front()
        {
            self.next_at = now + waiting.spacing;
            actions.push_back(Action::Announce(waiting.announce));
        }
    }
}
