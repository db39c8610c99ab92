//! The short way for the same advert again, past everything that a router does otherwise.

use clock::Instant;

use super::Router;
use crate::action::{Protocol, Send};
use crate::advert::Advert;
use crate::input::PacketView;
use crate::spec::Family;

impl Router {
    /// Hears a packet, if it says what its virtual router said last and there is nothing to do but to wait for the next.
    /// `false`: nothing was done, and it is for [`Router::handle`].
    #[inline]
    pub fn hear_again(&mut self, now: Instant, packet: &PacketView<'_>) -> bool {
        // An authentication header counts its packets.
        let Protocol::Vrrp = packet.protocol else { return false };
        let Some(vrid) = Advert::peek_vrid(packet.payload) else { return false };
        let key = (packet.interface, Family::of(packet.source), vrid);
        let Some(&[id]) = self.receivers.get(&key).map(Vec::as_slice) else { return false };
        let Some(instance) = self.instances.get_mut(&id) else { return false };
        let before = instance.deadline();
        if !instance.hear_again(now, packet) {
            return false;
        }
        self.deadlines.change(id, before, instance.deadline());
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
        let before = instance.deadline();
        if !instance.advertise_again(now) {
            return None;
        }
        self.deadlines.change(id, before, instance.deadline());
        instance.newest_sent()
    }
}
