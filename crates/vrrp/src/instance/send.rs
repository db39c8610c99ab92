//! Adverts that are sent.

use clock::Instant;

use super::{Context, Instance, State, Told};
use crate::action::{Action, Send};
use crate::advert::{Advert, AuthenticationData};
use crate::event::What;
use crate::spec::{Transport, Version};

impl Instance {
    /// The next advert is due one interval after the last one was due, so that the adverts do not drift; after a delay
    /// of more than an interval the cadence starts anew, so that there is no burst.
    pub(super) fn keep_cadence(&mut self, now: Instant, due: Instant) {
        let interval = self.spec.advert_interval.duration();
        if let State::Master(master) = &mut self.state {
            let next = due + interval;
            master.advert_at = if next > now { next } else { now + interval };
        }
    }

    /// Sends an advert of the effective priority.
    pub(super) fn advertise(&mut self, cx: &mut Context<'_>) {
        self.send(cx, self.priority.get());
        if let State::Master(master) = &mut self.state {
            master.last_sent = cx.now;
        }
        if let Some(Action::Send(send)) = cx.actions.back() {
            self.settle_as_master(send);
        }
    }

    pub(super) fn send(&mut self, cx: &mut Context<'_>, priority: u8) {
        let (Some(interface), Some(source)) = (self.sender(cx.links), self.source) else { return };
        let advert = Advert {
            version: self.spec.version,
            vrid: self.spec.vrid,
            priority,
            interval: self.spec.advert_interval,
            addresses: self.spec.addresses.iter().map(|address| address.address).collect(),
            authentication: match self.spec.version {
                Version::V2 => AuthenticationData::of(&self.spec.authentication),
                Version::V3 => AuthenticationData::None,
            },
        };
        // As keepalived counts them; 0 would let the kernel draw one.
        self.ip_id = self.ip_id.checked_add(1).unwrap_or(1);
        let signed = self.sign(cx, &advert, source);
        let (id, protocol) = (self.ip_id, self.protocol());
        let mut send_to = |destination, ttl| {
            let payload = self.seal(&signed, source, destination, ttl);
            let send = Send { instance: self.id, interface, source, destination, ttl, id, protocol, payload };
            cx.actions.push_back(Action::Send(send));
        };
        match &self.spec.transport {
            Transport::Multicast { group } => send_to(*group, 255),
            Transport::Unicast { peers, ttl, .. } => {
                for peer in peers {
                    send_to(peer.address, *ttl);
                }
            }
        }
        self.counters.advert_sent += 1;
        if priority == 0 {
            self.counters.priority_zero_sent += 1;
        }
    }

    /// The kernel did not send an advert. The timer goes on: the next one may pass, and a link that is down says so
    /// itself.
    pub(crate) fn send_failed(&mut self, cx: &mut Context<'_>, errno: i32) {
        self.counters.send_errors += 1;
        self.tell_once(cx, Told::SendFailed, What::SendFailed { errno });
    }
}
