//! The same advert again: what a virtual router does for nearly all of its life.
//!
//! **A short way to where the long one leads.** It leaves the instance as [`Instance::receive`] and [`Instance::tick`]
//! would, and is open only while nothing but that has happened to it: any other input closes it until the long way was
//! gone once more. A process with one virtual router wakes up once a second, with everything it needs out of the
//! processor's caches; what it costs then is how much code and memory it touches.

use clock::Instant;

use super::{Instance, Readiness, State};
use crate::action::Send;
use crate::advert::Advert;
use crate::input::PacketView;

/// What the newest input was, if the same one may come again.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Steady {
    /// An advert that did nothing but start the down timer anew: the familiar one.
    Heard,
    /// An advert that was sent, and nothing else was due.
    Sent(Send),
}

impl Instance {
    /// Something else happens to the instance than the same advert again.
    pub(crate) fn unsettle(&mut self) {
        self.steady = None;
    }

    /// After an advert was heard: whether the same one again would do nothing but start the down timer anew.
    pub(super) fn settle_as_backup(&mut self, now: Instant, advert: &Advert) {
        // Also where the timer does not run from now on, as while the start is delayed.
        let waiting = matches!(&self.state, State::Backup(backup)
            if !backup.released && backup.readiness == Readiness::Unready && backup.tolerated_until.is_none()
                && backup.takeover_at == now + backup.waited);
        let steady =
            waiting && advert.interval == self.spec.advert_interval && self.is_listed_as_ours(advert);
        self.steady = steady.then_some(Steady::Heard);
    }

    /// After an advert was sent: whether the next one is the same. One that is signed never is.
    pub(super) fn settle_as_master(&mut self, send: &Send) {
        let one = !self.spec.transport.is_unicast() && !self.is_sequenced();
        let patient = !self.spec.nopreempt || self.spec.timer_expired_backup.is_none();
        self.steady = (one && patient).then(|| Steady::Sent(send.clone()));
    }

    /// The advert that was sent last, if the next one may be the same.
    pub(crate) const fn newest_sent(&self) -> Option<&Send> {
        match &self.steady {
            Some(Steady::Sent(send)) => Some(send),
            _ => None,
        }
    }

    /// Hears the same advert as last time, and says how its deadline moves; `None`: it is not the same, or does more than
    /// that one did.
    #[inline]
    pub(crate) fn hear_again(&mut self, now: Instant, packet: &PacketView<'_>) -> Option<(Instant, Instant)> {
        if let (Some(Steady::Heard), State::Backup(backup), Some(familiar)) =
            (&self.steady, &mut self.state, &self.familiar)
            && familiar.is_like(packet)
        {
            self.counters.advert_received += 1;
            let (before, retry) = (backup.takeover_at, self.hold.retry_at());
            backup.takeover_at = now + backup.waited;
            let first = |at: Instant| retry.map_or(at, |retry| retry.min(at));
            Some((first(before), first(backup.takeover_at)))
        } else {
            None
        }
    }

    /// Sends the same advert as last time, if that is all that is due, and says how its deadline moves.
    #[inline]
    pub(crate) fn advertise_again(&mut self, now: Instant) -> Option<(Instant, Instant)> {
        let (Some(Steady::Sent(send)), State::Master(master)) = (&mut self.steady, &mut self.state) else {
            return None;
        };
        let (before, next) = (master.advert_at, master.advert_at + self.spec.advert_interval.duration());
        let rest = [
            master.second_burst_at,
            master.refresh_at,
            master.lower_burst_at,
            master.extra_at,
            self.hold.retry_at(),
        ];
        let first = |at: Instant| rest.into_iter().flatten().fold(at, Instant::min);
        let after = first(next);
        // Also where so much was missed that the cadence starts anew.
        if before > now || after <= now {
            return None;
        }
        master.advert_at = next;
        master.last_sent = now;
        self.ip_id = self.ip_id.checked_add(1).unwrap_or(1);
        send.id = self.ip_id;
        self.counters.advert_sent += 1;
        Some((before, after))
    }
}
