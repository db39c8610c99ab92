//! Proof of origin: what is put on an advert that goes out, and what is taken off one that came in.
//!
//! **A sequence number that was sent or accepted is never accepted again from the same router**, and one that was sent is
//! never sent again, not even by the process that resumes after a crash.

use std::net::IpAddr;
use std::time::Duration;

use super::{Context, Instance, Told};
use crate::action::Protocol;
use crate::advert::{Advert, AuthenticationData, fill_checksum};
use crate::ah::{self, AhError, IpHeader};
use crate::event::{Reject, What};
use crate::input::{Packet, UnixTime};
use crate::replay::Senders;
use crate::spec::{AntiReplay, AuthHmac, Authentication, Family, HmacMode, Version};
use crate::trailer::{self, Sequence, TrailerError};

/// Sequence numbers of one instance.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Numbers {
    /// The newest that was sent, or, in an authentication header, also received: routers of one virtual router go on
    /// from each other's (keepalived).
    newest: u64,
    /// Whose the newest one in an authentication header is, if it was received.
    from: Option<IpAddr>,
    /// The newest of each sender of trailers.
    senders: Senders,
}

impl Numbers {
    /// Goes on from where another process was.
    pub(super) fn resume(newest: u64) -> Self {
        Self { newest, ..Self::default() }
    }

    pub(super) const fn newest(&self) -> u64 {
        self.newest
    }
}

/// What is the same in all copies of one advert.
pub(super) struct Signed {
    message: Vec<u8>,
    trailer: Option<[u8; trailer::LEN]>,
    key: Option<[u8; 8]>,
    sequence: u32,
}

impl Instance {
    /// Behind which header the adverts of this instance stand.
    pub(super) const fn protocol(&self) -> Protocol {
        match (self.spec.version, &self.spec.authentication) {
            (Version::V2, Authentication::Ah { .. }) => Protocol::Ah,
            _ => Protocol::Vrrp,
        }
    }

    /// Takes the next sequence number and signs an advert, as far as that does not depend on where it goes.
    pub(super) fn sign(&mut self, cx: &Context<'_>, advert: &Advert, source: IpAddr) -> Signed {
        let message = advert.message(source);
        let (mut key, mut signature) = (None, None);
        if let (Protocol::Ah, Authentication::Ah { key: ours }) = (self.protocol(), &self.spec.authentication)
        {
            key = Some(*ours);
            self.numbers.newest += 1;
            self.numbers.from = None;
        }
        if let Some(auth) = self.spec.auth_hmac.as_ref().filter(|auth| auth.mode != HmacMode::ReceiveOnly) {
            self.numbers.newest = next_number(self.numbers.newest, auth.anti_replay, cx.wall);
            signature = trailer::sign(auth, source, &message, Sequence(self.numbers.newest));
        }
        // An authentication header counts to 2^32 only; at 100 adverts a second that takes 500 days, and wraps.
        #[expect(clippy::cast_possible_truncation, reason = "the field's width")]
        let sequence = self.numbers.newest as u32;
        Signed { message, trailer: signature, key, sequence }
    }

    /// The IP payload of the copy of an advert for this destination.
    pub(super) fn seal(&self, signed: &Signed, source: IpAddr, destination: IpAddr, ttl: u8) -> Vec<u8> {
        let mut bytes = signed.message.clone();
        let coverage = self.covers(source, destination);
        let trailer = signed.trailer.iter().flatten();
        match source {
            IpAddr::V4(_) => {
                fill_checksum(&mut bytes, coverage);
                bytes.extend(trailer);
            }
            // As the kernel does it for keepalived: over the whole payload.
            IpAddr::V6(_) => {
                bytes.extend(trailer);
                fill_checksum(&mut bytes, coverage);
            }
        }
        match (signed.key, source, destination) {
            (Some(key), IpAddr::V4(source), IpAddr::V4(destination)) => {
                let header = IpHeader { source, destination, ttl, id: self.ip_id };
                ah::seal(key, header, signed.sequence, &bytes)
            }
            _ => bytes,
        }
    }

    /// Checks the authentication header and takes it off.
    pub(super) fn open<'p>(&mut self, packet: &'p Packet) -> Result<&'p [u8], Reject> {
        let Authentication::Ah { key } = &self.spec.authentication else {
            return match packet.protocol {
                Protocol::Vrrp => Ok(&packet.payload),
                Protocol::Ah => Err(Reject::AuthenticationMismatch),
            };
        };
        let (Protocol::Ah, IpAddr::V4(source), IpAddr::V4(destination)) =
            (packet.protocol, packet.source, packet.destination)
        else {
            return Err(Reject::AuthenticationMismatch);
        };
        let header = IpHeader { source, destination, ttl: packet.ttl, id: packet.id };
        let (sequence, advert) = ah::open(*key, header, &packet.payload).map_err(|error| match error {
            AhError::Malformed => Reject::Length,
            AhError::Mismatch => Reject::IntegrityCheck,
        })?;
        let sequence = u64::from(sequence);
        let numbers = &mut self.numbers;
        // Two masters that do not hear each other count alike: an equal number is new if it is another router's.
        let repeated = sequence == numbers.newest && numbers.from == Some(packet.source);
        if sequence < numbers.newest || repeated {
            return Err(Reject::SequenceReplayed);
        }
        numbers.newest = sequence;
        numbers.from = Some(packet.source);
        Ok(advert)
    }

    /// Checks the trailer of `auth_hmac` and takes it off.
    pub(super) fn verify<'p>(
        &mut self,
        cx: &mut Context<'_>,
        source: IpAddr,
        payload: &'p [u8],
    ) -> Result<&'p [u8], Reject> {
        let Some(auth) = &self.spec.auth_hmac else { return Ok(payload) };
        let stated = Advert::stated_len(payload, Family::of(source));
        let Some((advert, trailer)) = stated.and_then(|length| payload.split_at_checked(length)) else {
            // Whatever it is, its length and version will be found wrong.
            return Ok(payload);
        };
        if trailer.is_empty() {
            return match auth.mode {
                HmacMode::Enforce => Err(Reject::TrailerMissing),
                HmacMode::Permissive | HmacMode::ReceiveOnly => Ok(payload),
            };
        }
        let sequence = trailer::verify(auth, source, advert, trailer).map_err(|error| match error {
            TrailerError::Malformed => Reject::TrailerMalformed,
            TrailerError::UnknownKey => Reject::UnknownKey,
            TrailerError::Mismatch => Reject::TrailerMismatch,
        })?;
        let skew = match auth.anti_replay {
            AntiReplay::Time => Some(clock_skew(auth, cx.wall, sequence).ok_or(Reject::TrailerStale)?),
            AntiReplay::Monotonic => None,
        };
        if !self.numbers.senders.is_new(source, sequence) {
            return Err(Reject::TrailerReplayed);
        }
        let window = auth.time_window;
        let peers: Vec<_> = self.spec.peers().map(|peer| peer.address).collect();
        self.numbers.senders.accept(cx.now, source, sequence, &peers);
        if let Some(skew) = skew.filter(|skew| *skew > window / 2) {
            self.tell_once(cx, Told::ClockSkew(source), What::ClockSkew { source, skew });
        }
        Ok(advert)
    }

    /// RFC 3768 7.1: the authentication type is ours, and the password, if there is one.
    pub(super) fn compare_authentication(&self, advert: &Advert) -> Result<(), Reject> {
        match (&self.spec.authentication, &advert.authentication) {
            (Authentication::None, AuthenticationData::None)
            | (Authentication::Ah { .. }, AuthenticationData::Ah) => Ok(()),
            (Authentication::Password(ours), AuthenticationData::Password(theirs)) if ours == theirs => {
                Ok(())
            }
            (Authentication::Password(_), AuthenticationData::Password(_)) => Err(Reject::Password),
            (_, AuthenticationData::None | AuthenticationData::Password(_) | AuthenticationData::Ah) => {
                Err(Reject::AuthenticationMismatch)
            }
        }
    }
}

/// The number of the next advert: greater than the last one, and in `time` mode not behind the clock. A counter also
/// starts at the clock, so that a router that starts anew is not taken for a replay.
fn next_number(newest: u64, anti_replay: AntiReplay, wall: Option<UnixTime>) -> u64 {
    let clock = wall.map_or(0, |time| Sequence::at(time).0);
    match anti_replay {
        AntiReplay::Monotonic if newest > 0 => newest + 1,
        AntiReplay::Time | AntiReplay::Monotonic => clock.max(newest + 1),
    }
}

/// By how much the sender's clock differs from ours; `None` if by more than the window, or if ours is not known.
fn clock_skew(auth: &AuthHmac, wall: Option<UnixTime>, sequence: Sequence) -> Option<Duration> {
    let skew = Duration::from_micros(sequence.time().0.abs_diff(wall?.0));
    (skew <= auth.time_window).then_some(skew)
}
