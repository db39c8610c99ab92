//! Which packets count as adverts of the instance, and what an advert means in each state.
//!
//! **A rejected packet changes nothing but a counter.** The rules are those of RFC 9568 7.1 and RFC 3768 7.1; where
//! keepalived is more lenient than they are (another address list, another version 3 interval), so are we.

use std::net::IpAddr;

use super::{Context, Instance, Readiness, State, Told};
use crate::advert::{Advert, AdvertError};
use crate::event::{Reject, StateName, What, Why};
use crate::input::{Packet, PacketView};
use crate::spec::{Authentication, Family, Transport, Version};
use crate::time::{Centiseconds, skew};

/// Adverts of lower masters that are answered per interval, at most: what waited in a queue is one event, not many.
const ANSWERS_PER_INTERVAL: u32 = 10;

/// A packet that was accepted, and what it said. **What was accepted once is accepted again** by the same configuration:
/// a backup that hears a master repeat itself need not judge each advert anew.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Familiar {
    packet: Packet,
    advert: Advert,
}

impl Familiar {
    /// Whether a packet differs from this one in nothing but its identification.
    #[inline]
    pub(super) fn is_like(&self, packet: &PacketView<'_>) -> bool {
        let Packet { interface, source, destination, ttl, id: _, protocol, payload } = &self.packet;
        // Some bytes: calling a function for them costs more than comparing them.
        payload.iter().eq(packet.payload)
            && source == &packet.source
            && destination == &packet.destination
            && ttl == &packet.ttl
            && interface == &packet.interface
            && protocol == &packet.protocol
    }
}

impl Instance {
    /// A packet with this instance's VRID and family came in on its interface.
    pub(crate) fn receive(&mut self, cx: &mut Context<'_>, packet: &Packet) {
        if let Some(familiar) = self.familiar.take_if(|familiar| familiar.is_like(&packet.view()))
            && self.source != Some(packet.source)
        {
            self.heard(cx, packet.source, &familiar.advert);
            self.settle_as_backup(cx.now, &familiar.advert);
            self.familiar = Some(familiar);
            return;
        }
        match self.accept(cx, packet) {
            Ok(advert) => {
                self.heard(cx, packet.source, &advert);
                if !self.is_sequenced() {
                    self.settle_as_backup(cx.now, &advert);
                    self.familiar = Some(Familiar { packet: packet.clone(), advert });
                }
            }
            Err(reason) => {
                self.count(reason);
                // An owner that is told to hear nobody has nothing to tell.
                if reason != Reject::Owner {
                    let what = What::Rejected { source: packet.source, reason };
                    self.tell_once(cx, Told::Rejected(reason.kind()), what);
                }
            }
        }
    }

    /// Whether a packet that was accepted once is to be rejected when it comes again.
    pub(super) fn is_sequenced(&self) -> bool {
        self.spec.auth_hmac.is_some() || matches!(self.spec.authentication, Authentication::Ah { .. })
    }

    fn accept(&mut self, cx: &mut Context<'_>, packet: &Packet) -> Result<Advert, Reject> {
        if self.source == Some(packet.source) {
            return Err(Reject::OwnAddress);
        }
        let multicast = matches!(self.spec.transport, Transport::Multicast { .. });
        let payload = self.open(packet)?;
        // RFC 9568 7.1 (GTSM); keepalived checks it for multicast only.
        if multicast && packet.ttl != 255 {
            return Err(Reject::Ttl(packet.ttl));
        }
        let message = self.verify(cx, packet.source, payload)?;
        let advert = Advert::parse(message, Family::of(packet.source)).map_err(reject)?;
        // Over IPv6 it covers the trailer of `auth_hmac` too.
        let summed = if packet.source.is_ipv6() { payload } else { message };
        if !self.sum_is_right(advert.version, packet, summed) {
            return Err(Reject::Checksum);
        }
        if advert.version != self.spec.version {
            return Err(Reject::Version);
        }
        if advert.version == Version::V2 {
            self.compare_authentication(&advert)?;
            if advert.interval != self.spec.advert_interval {
                return Err(Reject::Interval);
            }
        }
        if advert.interval == Centiseconds::new(0) {
            return Err(Reject::Interval);
        }
        if packet.destination.is_multicast() != multicast {
            return Err(Reject::Destination);
        }
        if self.spec.owner_ignore_adverts && self.spec.priority.is_owner() {
            return Err(Reject::Owner);
        }
        self.check_peer(packet)?;
        Ok(advert)
    }

    /// `check_unicast_src`: the sender is a peer, and no further away than the file says.
    fn check_peer(&self, packet: &Packet) -> Result<(), Reject> {
        let Transport::Unicast { peers, check_source: true, .. } = &self.spec.transport else {
            return Ok(());
        };
        let peer = peers.iter().find(|peer| peer.address == packet.source).ok_or(Reject::UnknownPeer)?;
        if (peer.min_ttl..=peer.max_ttl).contains(&packet.ttl) {
            Ok(())
        } else {
            Err(Reject::Ttl(packet.ttl))
        }
    }

    fn count(&mut self, reason: Reject) {
        let counters = &mut self.counters;
        let counter = match reason {
            Reject::Length => &mut counters.packet_length_errors,
            Reject::Ttl(_) => &mut counters.ttl_errors,
            Reject::Version => &mut counters.version_errors,
            Reject::AuthenticationType => &mut counters.invalid_auth_type,
            Reject::AuthenticationMismatch => &mut counters.auth_type_mismatch,
            Reject::Password | Reject::IntegrityCheck | Reject::SequenceReplayed => {
                &mut counters.auth_failure
            }
            Reject::TrailerMissing => &mut counters.auth_ext_missing,
            Reject::TrailerMalformed => &mut counters.auth_ext_malformed,
            Reject::UnknownKey => &mut counters.auth_ext_unknown_key,
            Reject::TrailerMismatch => &mut counters.auth_ext_invalid_hmac,
            Reject::TrailerStale => &mut counters.auth_ext_stale,
            Reject::TrailerReplayed => &mut counters.auth_ext_replay,
            Reject::Interval => &mut counters.advert_interval_errors,
            Reject::Type => &mut counters.invalid_type_received,
            Reject::Checksum => &mut counters.checksum_errors,
            Reject::Destination => &mut counters.wrong_destination,
            Reject::OwnAddress => &mut counters.own_address_received,
            Reject::UnknownPeer => &mut counters.unknown_peer,
            Reject::Owner => &mut counters.ignored_by_owner,
        };
        *counter += 1;
    }

    fn heard(&mut self, cx: &mut Context<'_>, source: IpAddr, advert: &Advert) {
        // RFC 9568 6.4.1: nothing is received in Initialize; keepalived's FAULT is the same, and counts nothing.
        if matches!(self.state, State::Init | State::Waiting { .. } | State::Fault { .. } | State::Stopped) {
            return;
        }
        self.counters.advert_received += 1;
        if advert.priority == 0 {
            self.counters.priority_zero_received += 1;
        }
        self.compare_addresses(cx, source, advert);
        if advert.interval != self.spec.advert_interval {
            self.tell_once(cx, Told::IntervalDiffers, What::IntervalDiffers { source });
        }
        self.yield_if_stalled(cx);
        if advert.priority != 0 {
            self.keep_no_longer(cx, source);
        }
        match self.state {
            State::Init | State::Waiting { .. } | State::Fault { .. } | State::Stopped => {}
            State::Backup(_) => self.heard_in_backup(cx, source, advert),
            State::Master(_) => self.heard_in_master(cx, source, advert),
        }
    }

    /// A differing list is told and counted, and the advert taken, as by keepalived 2.4; so a list can be changed director
    /// by director. (2.2.7 drops adverts with another number of addresses, and becomes a second master.)
    fn compare_addresses(&mut self, cx: &mut Context<'_>, source: IpAddr, advert: &Advert) {
        if self.spec.skip_check_adv_addr
            && matches!(&self.state, State::Backup(backup) if backup.master == Some(source))
        {
            return;
        }
        if !self.is_listed_as_ours(advert) {
            self.counters.address_list_errors += 1;
            self.tell_once(cx, Told::AddressListDiffers, What::AddressListDiffers { source });
        }
    }

    /// Whether an advert has our list of addresses.
    pub(super) fn is_listed_as_ours(&self, advert: &Advert) -> bool {
        let mut ours = self.spec.addresses.iter().map(|address| address.address);
        advert.addresses.len() == self.spec.addresses.len()
            && ours.all(|address| advert.addresses.contains(&address))
    }

    /// RFC 9568 6.4.2 (Backup), with keepalived's `preempt_delay`.
    fn heard_in_backup(&mut self, cx: &mut Context<'_>, source: IpAddr, advert: &Advert) {
        let (now, own_priority) = (cx.now, self.priority);
        let spec = &self.spec;
        let State::Backup(backup) = &mut self.state else { return };
        if advert.priority == 0 {
            backup.waited = skew(spec.version, own_priority, backup.master_interval);
            backup.takeover_at = now.max(cx.earliest_master) + backup.waited;
            backup.released = true;
            backup.readiness = Readiness::Unready;
            return;
        }
        let lower = advert.priority < own_priority.get();
        if lower && !spec.nopreempt {
            let tolerated_until = *backup.tolerated_until.get_or_insert(now + spec.preempt_delay);
            if tolerated_until <= now {
                let what = What::LowerPriorityDiscarded { source, priority: advert.priority };
                self.tell_once(cx, Told::LowerPriority(source), what);
                return;
            }
        } else {
            backup.tolerated_until = None;
        }
        if backup.master != Some(source) {
            backup.master = Some(source);
            self.told.clear();
        }
        backup.master_priority = advert.priority;
        self.learn_interval(advert);
        self.restart_down_timer(cx);
    }

    /// RFC 9568 6.4.3 (Active), with keepalived's answers to lower priorities.
    fn heard_in_master(&mut self, cx: &mut Context<'_>, source: IpAddr, advert: &Advert) {
        if advert.priority == 0 {
            self.answer(cx);
            return;
        }
        self.meet_rival(cx, source, advert);
        let own = self.priority.get();
        // At equal priority the greater address wins, as unsigned numbers in network order.
        let better =
            advert.priority > own || (advert.priority == own && self.source.is_some_and(|own| source > own));
        if better {
            if self.spec.higher_prio_send_advert {
                self.advertise(cx);
            }
            let why = Why::BetterMaster { source, priority: advert.priority };
            self.transition(cx, StateName::Backup, why);
            if let State::Backup(backup) = &mut self.state {
                backup.master = Some(source);
                backup.master_priority = advert.priority;
            }
            self.learn_interval(advert);
            self.restart_down_timer(cx);
            return;
        }
        let least = self.spec.advert_interval.duration() / ANSWERS_PER_INTERVAL;
        let State::Master(master) = &mut self.state else { return };
        if master.last_contended.is_none_or(|at| cx.now.saturating_since(at) >= least) {
            master.last_contended = Some(cx.now);
            self.emit(cx, What::LowerMaster { source, priority: advert.priority });
            self.contend(cx);
        }
    }

    /// Answers a master of lower priority, and tells the neighbours again where the addresses are: it may have drawn
    /// them to itself.
    fn contend(&mut self, cx: &mut Context<'_>) {
        if !self.spec.lower_prio_no_advert {
            self.answer(cx);
        }
        self.announce_again(cx);
        self.contended = true;
    }

    /// What follows an advert of lower priority, to this instance or to another one of its sync group.
    pub(crate) fn announce_again(&mut self, cx: &mut Context<'_>) {
        let delay = self.spec.announce.lower_priority_delay;
        if let State::Master(master) = &mut self.state {
            master.lower_burst_at = (!delay.is_zero()).then(|| cx.now + delay);
            self.announce_all(cx, self.spec.announce.lower_priority_repeat);
        }
    }

    pub(crate) fn take_contended(&mut self) -> bool {
        core::mem::take(&mut self.contended)
    }

    /// Sends an advert out of turn and starts the interval anew.
    fn answer(&mut self, cx: &mut Context<'_>) {
        self.advertise(cx);
        if let State::Master(master) = &mut self.state {
            master.advert_at = cx.now + self.spec.advert_interval.duration();
        }
    }

    /// RFC 9568 6.4.2: a version 3 backup counts with the interval of the master (Active_Adver_Interval).
    fn learn_interval(&mut self, advert: &Advert) {
        if let State::Backup(backup) = &mut self.state {
            backup.master_interval = match advert.version {
                Version::V2 => self.spec.advert_interval,
                Version::V3 => advert.interval,
            };
        }
    }
}

const fn reject(error: AdvertError) -> Reject {
    match error {
        AdvertError::Length | AdvertError::Vrid => Reject::Length,
        AdvertError::Version => Reject::Version,
        AdvertError::Type => Reject::Type,
        AdvertError::AuthenticationType => Reject::AuthenticationType,
        AdvertError::Checksum => Reject::Checksum,
    }
}
