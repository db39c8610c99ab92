//! Whom a packet concerns.

use clock::Instant;

use super::Router;
use crate::action::{Action, InstanceId, Protocol};
use crate::advert::Advert;
use crate::ah;
use crate::event::{Event, What};
use crate::input::Packet;
use crate::instance::MOST_TOLD;
use crate::spec::{Family, VirtualRouterId};

impl Router {
    pub(super) fn receive(&mut self, now: Instant, packet: &Packet) {
        let advert = match packet.protocol {
            Protocol::Vrrp => Some(&packet.payload[..]),
            Protocol::Ah => ah::peek(&packet.payload),
        };
        let Some(vrid) = advert.and_then(Advert::peek_vrid) else { return };
        let key = (packet.interface, Family::of(packet.source), vrid);
        match self.receivers.get(&key).map(Vec::as_slice) {
            None | Some([]) => self.tell_unknown(packet, vrid),
            Some(&[only]) => {
                self.with(now, only, |instance, cx| instance.receive(cx, packet));
                self.newest = Some(only);
            }
            Some(several) => {
                for id in self.concerned(packet, several) {
                    self.with(now, id, |instance, cx| instance.receive(cx, packet));
                }
            }
        }
    }

    fn tell_unknown(&mut self, packet: &Packet, vrid: VirtualRouterId) {
        let Some(unknown) = &mut self.unknown else { return };
        let (interface, source) = (packet.interface, packet.source);
        if unknown.len() < MOST_TOLD && unknown.insert((interface, source, vrid)) {
            let instance = self.links.numbered(interface).map_or_else(String::new, |link| link.name.clone());
            let what = What::UnknownRouter { source, vrid };
            self.actions.push_back(Action::Emit(Event { instance, what }));
        }
    }

    /// Instances of this VRID and family on the interface that the packet came in by. If a multicast and a unicast one
    /// share them, the destination decides.
    fn concerned(&self, packet: &Packet, receivers: &[InstanceId]) -> Vec<InstanceId> {
        let fits = |id: &InstanceId| {
            let instance = self.instances.get(id);
            instance.is_some_and(|instance| {
                instance.spec.transport.is_unicast() != packet.destination.is_multicast()
            })
        };
        let fitting: Vec<_> = receivers.iter().copied().filter(fits).collect();
        if fitting.is_empty() { receivers.to_vec() } else { fitting }
    }
}
