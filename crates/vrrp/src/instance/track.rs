//! Trackers: a pure fold from what they say to faults and to the effective priority.

use std::collections::BTreeMap;

use super::{Context, Instance};
use crate::event::FaultCause;
use crate::input::TrackerState;
use crate::links::Links;
use crate::spec::{InterfaceTrack, Priority, Track, TrackerId, TrackerKind};

/// What trackers said last; of one that is missing nothing is known.
pub(crate) type Trackers = BTreeMap<TrackerId, TrackerState>;

/// Most that one tracker adds to a priority, and the least that is no fault (keepalived).
const MOST: i64 = 253;

/// What one tracker means for an instance.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Effect {
    /// Added to the priority.
    Weight(i32),
    /// The instance cannot take part.
    Fault,
    /// Whether the instance can take part is not known yet.
    Pending,
}

impl Instance {
    /// Faults that trackers state.
    pub(super) fn tracked_faults(&self, cx: &Context<'_>) -> Vec<FaultCause> {
        let interfaces = self.spec.track_interfaces.iter();
        let interfaces = interfaces.filter(|track| of_interface(track, cx.links) == Effect::Fault);
        let others = self.spec.tracks.iter();
        let others = others.filter(|track| !self.is_weighty_owner(track.weight));
        let others = others.filter(|track| of_tracker(track, cx.trackers) == Effect::Fault);
        let down = interfaces.map(|track| FaultCause::InterfaceDown(track.interface.clone()));
        down.chain(others.map(|track| FaultCause::TrackerDown(track.tracker.clone()))).collect()
    }

    /// Whether the first result of a tracker decides if the instance can take part.
    pub(super) fn awaits_tracker(&self, cx: &Context<'_>) -> bool {
        self.spec.tracks.iter().any(|track| of_tracker(track, cx.trackers) == Effect::Pending)
    }

    /// The configured priority and the weights of the trackers, from 1 to 254; an owner ignores weights (keepalived).
    pub(super) fn effective_priority(&self, cx: &Context<'_>) -> Priority {
        if self.spec.priority.is_owner() {
            return if self.demoted { Priority::BELOW_OWNER } else { self.spec.priority };
        }
        let interfaces = self.spec.track_interfaces.iter().map(|track| of_interface(track, cx.links));
        let others = self.spec.tracks.iter().map(|track| of_tracker(track, cx.trackers));
        let weights = interfaces.chain(others).map(|effect| match effect {
            Effect::Weight(weight) => weight,
            Effect::Fault | Effect::Pending => 0,
        });
        let sum = weights.fold(i32::from(self.spec.priority.get()), i32::saturating_add);
        // Clamped to 1..=254, so the conversions cannot fail.
        u8::try_from(sum.clamp(1, 254)).ok().and_then(Priority::new).unwrap_or(self.spec.priority)
    }

    /// Weights do not count for an owner, also where a weight may grow to a fault.
    const fn is_weighty_owner(&self, weight: i16) -> bool {
        weight != 0 && self.spec.priority.is_owner()
    }
}

fn of_interface(track: &InterfaceTrack, links: &Links) -> Effect {
    of_switch(links.named(&track.interface).is_some_and(|link| link.up), track.weight, track.reverse)
}

fn of_tracker(track: &Track, trackers: &Trackers) -> Effect {
    let state = trackers.get(&track.tracker).copied().unwrap_or(TrackerState::Unknown);
    match (track.tracker.kind, state) {
        // A missing file holds 0.
        (TrackerKind::File, TrackerState::Value(value)) => of_value(value, track),
        (TrackerKind::File, TrackerState::Unknown | TrackerState::Up | TrackerState::Down) => {
            of_value(0, track)
        }
        (TrackerKind::Script | TrackerKind::Process, TrackerState::Unknown) => {
            if track.weight == 0 {
                Effect::Pending
            } else {
                Effect::Weight(0)
            }
        }
        (_, TrackerState::Up) => of_switch(true, track.weight, track.reverse),
        // A session that nobody has reported is down.
        (_, TrackerState::Down) | (TrackerKind::Bfd, TrackerState::Unknown) => {
            of_switch(false, track.weight, track.reverse)
        }
        (_, TrackerState::Value(value)) => of_switch(value != 0, track.weight, track.reverse),
    }
}

/// `reverse` changes the sign of a weight, not when it counts (keepalived); without a weight it swaps up and down.
fn of_switch(up: bool, weight: i16, reverse: bool) -> Effect {
    match weight {
        0 if up != reverse => Effect::Weight(0),
        0 => Effect::Fault,
        weight if (weight > 0) == up => Effect::Weight(i32::from(if reverse { -weight } else { weight })),
        _ => Effect::Weight(0),
    }
}

fn of_value(value: i64, track: &Track) -> Effect {
    if track.weight == 0 {
        return if (value == 0) == track.reverse { Effect::Fault } else { Effect::Weight(0) };
    }
    let weight = i64::from(if track.reverse { -track.weight } else { track.weight });
    match value.saturating_mul(weight) {
        product if product < -MOST => Effect::Fault,
        // Within -253 to 253.
        product => Effect::Weight(i32::try_from(product.min(MOST)).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn track(kind: TrackerKind, weight: i16, reverse: bool) -> Track {
        Track { tracker: TrackerId::new(kind, "t"), weight, reverse }
    }

    fn effect(track: &Track, state: TrackerState) -> Effect {
        of_tracker(track, &Trackers::from([(track.tracker.clone(), state)]))
    }

    #[test]
    fn a_switch_without_weight_is_a_fault_while_it_is_bad() {
        for kind in [TrackerKind::Script, TrackerKind::Process, TrackerKind::Bfd] {
            assert_eq!(effect(&track(kind, 0, false), TrackerState::Up), Effect::Weight(0));
            assert_eq!(effect(&track(kind, 0, false), TrackerState::Down), Effect::Fault);
            assert_eq!(effect(&track(kind, 0, true), TrackerState::Up), Effect::Fault);
            assert_eq!(effect(&track(kind, 0, true), TrackerState::Down), Effect::Weight(0));
        }
    }

    #[test]
    fn a_weight_counts_while_up_if_positive_and_while_down_if_negative_and_reversed_with_the_other_sign() {
        let weights = [(20, false), (-20, false), (20, true), (-20, true)].map(|(weight, reverse)| {
            let track = track(TrackerKind::Script, weight, reverse);
            [TrackerState::Up, TrackerState::Down, TrackerState::Unknown].map(|state| effect(&track, state))
        });
        let (none, plus, minus) = (Effect::Weight(0), Effect::Weight(20), Effect::Weight(-20));
        assert_eq!(
            weights,
            [[plus, none, none], [none, minus, none], [minus, none, none], [none, plus, none]]
        );
    }

    #[test]
    fn what_is_not_known_is_pending_for_scripts_and_processes_and_down_for_sessions() {
        let unknown = |kind| effect(&track(kind, 0, false), TrackerState::Unknown);
        assert_eq!(unknown(TrackerKind::Script), Effect::Pending);
        assert_eq!(unknown(TrackerKind::Process), Effect::Pending);
        assert_eq!(unknown(TrackerKind::Bfd), Effect::Fault);
        assert_eq!(unknown(TrackerKind::File), Effect::Weight(0));
    }

    #[test]
    fn a_file_counts_by_its_number_times_the_weight() {
        let value = |weight, reverse, value| {
            effect(&track(TrackerKind::File, weight, reverse), TrackerState::Value(value))
        };
        assert_eq!(value(1, false, 7), Effect::Weight(7));
        assert_eq!(value(-3, false, 7), Effect::Weight(-21));
        assert_eq!(value(3, true, 7), Effect::Weight(-21));
        assert_eq!(value(1, false, 1_000), Effect::Weight(253), "capped");
        assert_eq!(value(1, false, -253), Effect::Weight(-253));
        assert_eq!(value(1, false, -254), Effect::Fault);
        assert_eq!(value(254, false, i64::MIN), Effect::Fault);
        assert_eq!(value(254, false, i64::MAX), Effect::Weight(253));
    }

    #[test]
    fn a_file_without_weight_is_a_fault_unless_its_number_is_0() {
        let value =
            |reverse, value| effect(&track(TrackerKind::File, 0, reverse), TrackerState::Value(value));
        assert_eq!([value(false, 0), value(false, 1)], [Effect::Weight(0), Effect::Fault]);
        assert_eq!([value(true, 0), value(true, 1)], [Effect::Fault, Effect::Weight(0)]);
    }
}
