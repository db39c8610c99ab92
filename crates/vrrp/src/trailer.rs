//! The trailer of `auth_hmac` (keepalived 2.4): 28 bytes after the advert, counted in the length of the IP payload.
//!
//! Type 1, number of the key, two bytes reserved, the sequence number (seconds, 1/65536 s and a counter) and the first 16
//! bytes of HMAC-SHA256 over a pseudo-header (family, version, VRID, source address), the advert with its checksum read as
//! zero, and the trailer with those 16 bytes read as zero. The IP header is not covered.

use std::net::IpAddr;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::input::UnixTime;
use crate::spec::{AuthHmac, HmacKey, KeyId};

/// Length of a trailer.
pub(crate) const LEN: usize = 28;
const TYPE: u8 = 1;
const MAC_LEN: usize = 16;
const SIGNED_LEN: usize = LEN - MAC_LEN;
const CHECKSUM: core::ops::Range<usize> = 6..8;

/// A sequence number: seconds since 1970, 1/65536 s, and a counter that keeps numbers of one moment apart.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Sequence(pub(crate) u64);

impl Sequence {
    /// The first number of a moment.
    pub(crate) fn at(time: UnixTime) -> Self {
        let (secs, micros) = (time.0 / 1_000_000, time.0 % 1_000_000);
        Self(secs << 32 | ((micros << 16) / 1_000_000) << 16)
    }

    /// The moment, in microseconds.
    pub(crate) fn time(self) -> UnixTime {
        let fraction = (self.0 >> 16) & 0xffff;
        UnixTime((self.0 >> 32) * 1_000_000 + ((fraction * 1_000_000) >> 16))
    }
}

/// Why a trailer proves nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum TrailerError {
    /// Not 28 bytes, another type, or something in the reserved field.
    Malformed,
    /// Signed with a key that is not configured.
    UnknownKey,
    /// The code does not match.
    Mismatch,
}

/// The trailer for an advert from `source`; none without the active key.
pub(crate) fn sign(auth: &AuthHmac, source: IpAddr, advert: &[u8], sequence: Sequence) -> Option<[u8; LEN]> {
    let key = auth.keys.get(&auth.active_key)?;
    let mut trailer = [0; LEN];
    trailer[0] = TYPE;
    trailer[1] = auth.active_key.get();
    trailer[4..SIGNED_LEN].copy_from_slice(&sequence.0.to_be_bytes());
    let code = mac(key, source, advert, &trailer).finalize().into_bytes();
    trailer[SIGNED_LEN..].copy_from_slice(&code[..MAC_LEN]);
    Some(trailer)
}

/// The sequence number, if the trailer proves that who has the key sent the advert from `source`.
pub(crate) fn verify(
    auth: &AuthHmac,
    source: IpAddr,
    advert: &[u8],
    trailer: &[u8],
) -> Result<Sequence, TrailerError> {
    let trailer: &[u8; LEN] = trailer.try_into().map_err(|_| TrailerError::Malformed)?;
    let &[kind, id, reserved_0, reserved_1, s0, s1, s2, s3, s4, s5, s6, s7, ..] = trailer;
    if (kind, reserved_0, reserved_1) != (TYPE, 0, 0) {
        return Err(TrailerError::Malformed);
    }
    let key = KeyId::new(id).and_then(|id| auth.keys.get(&id)).ok_or(TrailerError::UnknownKey)?;
    mac(key, source, advert, trailer)
        .verify_truncated_left(&trailer[SIGNED_LEN..])
        .map_err(|_| TrailerError::Mismatch)?;
    Ok(Sequence(u64::from_be_bytes([s0, s1, s2, s3, s4, s5, s6, s7])))
}

fn mac(key: &HmacKey, source: IpAddr, advert: &[u8], trailer: &[u8; LEN]) -> Hmac<Sha256> {
    let mut pseudo = [0; 20];
    match source {
        IpAddr::V4(source) => {
            pseudo[0] = 4;
            pseudo[4..8].copy_from_slice(&source.octets());
        }
        IpAddr::V6(source) => {
            pseudo[0] = 6;
            pseudo[4..].copy_from_slice(&source.octets());
        }
    }
    pseudo[1] = advert.first().map_or(0, |first| first >> 4);
    pseudo[2] = advert.get(1).copied().unwrap_or(0);
    let mut advert = advert.to_vec();
    if let Some(checksum) = advert.get_mut(CHECKSUM) {
        checksum.fill(0);
    }
    let mut mac = keyed(key);
    mac.update(&pseudo);
    mac.update(&advert);
    mac.update(&trailer[..SIGNED_LEN]);
    mac.update(&[0; MAC_LEN]);
    mac
}

fn keyed(key: &HmacKey) -> Hmac<Sha256> {
    // A key of 32 to 64 bytes; HMAC pads it with zeros to its block of 64.
    let mut block = [0; 64];
    block[..key.bytes().len()].copy_from_slice(key.bytes());
    Hmac::new(&block.into())
}

#[cfg(test)]
mod tests;
