//! When which instance wants to act.

use clock::Instant;

use crate::action::InstanceId;

/// At most one deadline for each instance, **always in order**. Most adverts that are heard move one of them: a sorted
/// vector does that in place, without asking for memory.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Deadlines(Vec<(Instant, InstanceId)>);

impl Deadlines {
    #[inline]
    pub(crate) fn first(&self) -> Option<Instant> {
        self.0.first().map(|(at, _)| *at)
    }

    /// Whose deadline has come first, if one has come.
    #[inline]
    pub(crate) fn first_due(&self, now: Instant) -> Option<InstanceId> {
        self.0.first().filter(|(at, _)| *at <= now).map(|(_, id)| *id)
    }

    /// Whose deadline has come, the earliest first.
    pub(crate) fn due(&self, now: Instant) -> Vec<InstanceId> {
        self.0.iter().take_while(|(at, _)| *at <= now).map(|(_, id)| *id).collect()
    }

    /// The deadline of an instance was `before` and is `after` now.
    #[inline]
    pub(crate) fn change(&mut self, id: InstanceId, before: Option<Instant>, after: Option<Instant>) {
        match (&mut self.0[..], before, after) {
            // There is no order to keep.
            ([only], Some(_), Some(after)) => only.0 = after,
            _ => self.reorder(id, before, after),
        }
    }

    #[inline(never)]
    fn reorder(&mut self, id: InstanceId, before: Option<Instant>, after: Option<Instant>) {
        let place = |at: Option<Instant>| at.map(|at| self.0.partition_point(|entry| *entry < (at, id)));
        match (place(before), place(after)) {
            // The entries between the two places move up or down by one.
            (Some(from), Some(to)) if from < to => {
                self.0[from..to].rotate_left(1);
                self.set(to - 1, after, id);
            }
            (Some(from), Some(to)) => {
                self.0[to..=from].rotate_right(1);
                self.set(to, after, id);
            }
            (Some(from), None) => drop(self.0.remove(from)),
            (None, Some(to)) => {
                self.0.insert(to, (Instant::ZERO, id));
                self.set(to, after, id);
            }
            (None, None) => {}
        }
    }

    fn set(&mut self, place: usize, at: Option<Instant>, id: InstanceId) {
        if let (Some(entry), Some(at)) = (self.0.get_mut(place), at) {
            *entry = (at, id);
        }
    }

    pub(crate) fn forget(&mut self, id: InstanceId) {
        self.0.retain(|(_, other)| *other != id);
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}

/// The earlier of two, if there is one.
pub(crate) fn earliest(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn deadlines_that_move_stay_in_order(
            moves in proptest::collection::vec((0..8_u32, proptest::option::of(0..20_u64)), 0..60),
        ) {
            let (mut deadlines, mut known) = (Deadlines::default(), BTreeMap::new());
            for (id, at) in moves {
                let at = at.map(Instant::from_micros);
                let before = match at {
                    Some(at) => known.insert(id, at),
                    None => known.remove(&id),
                };
                deadlines.change(InstanceId(id), before, at);
                let mut expected: Vec<_> = known.iter().map(|(id, at)| (*at, InstanceId(*id))).collect();
                expected.sort_unstable();
                prop_assert_eq!(&deadlines.0, &expected);
            }
        }
    }

    #[test]
    fn the_earliest_of_nothing_is_nothing() {
        let at = Some(Instant::from_micros(1));
        assert_eq!(earliest(None, None), None);
        assert_eq!(earliest(at, None), at);
        assert_eq!(earliest(None, at), at);
        assert_eq!(earliest(at, Some(Instant::ZERO)), Some(Instant::ZERO));
    }
}
