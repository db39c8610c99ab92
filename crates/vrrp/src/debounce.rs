//! `interface_up_down_delays`: a change of an interface counts only when it has lasted.

use std::collections::{BTreeMap, BTreeSet};

use clock::Instant;

use crate::link::{IfIndex, LinkView};
use crate::links::Links;
use crate::spec::LinkDelays;

#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Debounce {
    delays: BTreeMap<String, LinkDelays>,
    /// Interfaces that were up once: only then is a change a flap.
    seen_up: BTreeSet<IfIndex>,
    /// Changes that do not count yet: when they will, and what the interface will be then.
    pending: BTreeMap<IfIndex, (Instant, bool)>,
}

impl Debounce {
    pub(crate) fn configure(&mut self, delays: BTreeMap<String, LinkDelays>) {
        self.delays = delays;
    }

    /// The view as it counts now.
    pub(crate) fn filter(&mut self, now: Instant, view: LinkView, links: &Links) -> LinkView {
        let counts = links.named(&view.name).filter(|known| known.index == view.index).map(|known| known.up);
        let counts = counts.filter(|_| self.seen_up.contains(&view.index));
        if view.up {
            self.seen_up.insert(view.index);
        }
        let delays = self.delays.get(&view.name).copied().unwrap_or_default();
        let delay = if view.up { delays.up } else { delays.down };
        match counts {
            Some(counts) if counts != view.up && !delay.is_zero() => {
                let due = (now + delay, view.up);
                let pending = self.pending.entry(view.index).or_insert(due);
                if pending.1 != view.up {
                    *pending = due;
                }
                LinkView { up: counts, ..view }
            }
            _ => {
                self.pending.remove(&view.index);
                view
            }
        }
    }

    pub(crate) fn gone(&mut self, index: IfIndex) {
        self.pending.remove(&index);
        self.seen_up.remove(&index);
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.pending.values().map(|(at, _)| *at).min()
    }

    /// The interfaces whose change counts from now on.
    pub(crate) fn due(&mut self, now: Instant, links: &Links) -> Vec<LinkView> {
        let due: Vec<_> = self
            .pending
            .iter()
            .filter(|(_, (at, _))| *at <= now)
            .map(|(index, (_, up))| (*index, *up))
            .collect();
        for (index, _) in &due {
            self.pending.remove(index);
        }
        let view = |(index, up)| Some(LinkView { up, ..links.numbered(index)?.clone() });
        due.into_iter().filter_map(view).collect()
    }
}
