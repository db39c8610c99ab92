//! The short way for the same advert again, past everything that a router does otherwise.

use clock::Instant;

use super::Router;
use crate::action::{InstanceId, Send};
use crate::advert::Advert;
use crate::input::PacketView;
use crate::spec::Family;

impl Router {
    /// Hears a packet, if it says what its virtual router said last and there is nothing to do but to wait for the next.
    /// `false`: nothing was done, and it is for [`Router::handle`].
    #[inline]
    pub fn hear_again(&mut self, now: Instant, packet: &PacketView<'_>) -> bool {
        self.newest.is_some_and(|id| self.hears_again(id, now, packet)) || self.hear_another(now, packet)
    }

    /// Mostly there is one virtual router; else it is rarely that which was heard last.
    #[inline(never)]
    fn hear_another(&mut self, now: Instant, packet: &PacketView<'_>) -> bool {
        let Some(vrid) = Advert::peek_vrid(packet.payload) else { return false };
        let key = (packet.interface, Family::of(packet.source), vrid);
        let Some(&[id]) = self.receivers.get(&key).map(Vec::as_slice) else { return false };
        self.hears_again(id, now, packet)
    }

    #[inline]
    fn hears_again(&mut self, id: InstanceId, now: Instant, packet: &PacketView<'_>) -> bool {
        let Some(instance) = self.instances.get_mut(&id) else { return false };
        let Some((before, after)) = instance.hear_again(now, packet) else { return false };
        self.deadlines.change(id, Some(before), Some(after));
        self.newest = Some(id);
        true
    }

    /// What is to be sent, if all that is due first is to send the same advert again. `None`: nothing was done, and what
    /// is due is for [`Input::Tick`](crate::Input::Tick).
    #[inline]
    pub fn advertise_again(&mut self, now: Instant) -> Option<&Send> {
        // What waits to be done was before it.
        if !self.actions.is_empty() || self.others_due.is_some_and(|at| at <= now) {
            return None;
        }
        let id = self.deadlines.first_due(now)?;
        let instance = self.instances.get_mut(&id)?;
        let (before, after) = instance.advertise_again(now)?;
        self.deadlines.change(id, Some(before), Some(after));
        instance.newest_sent()
    }
}
