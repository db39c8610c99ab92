//! The IP authentication header before an advert (RFC 2338 5.3.6.3, RFC 4302), with HMAC-MD5-96 (RFC 2403), as keepalived
//! sends it over IPv4.
//!
//! The integrity check value covers the IP header with its traffic class and checksum read as zero, the authentication
//! header with the value itself read as zero, and the advert. Unlike RFC 4302 3.3.3.1, keepalived leaves the TTL in; so
//! an authenticated advert never passes a router, not even to a unicast peer.

use std::net::Ipv4Addr;

use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;

use crate::action::Protocol;

const HEADER_LEN: usize = 24;
const ICV: core::ops::Range<usize> = 12..24;
const IP_HEADER_LEN: u16 = 20;
/// Length of the authentication header in 32-bit words, less two (RFC 4302 2.2).
const PAYLOAD_LEN: u8 = 4;

/// What of the IP header is authenticated.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IpHeader {
    pub(crate) source: Ipv4Addr,
    pub(crate) destination: Ipv4Addr,
    pub(crate) ttl: u8,
    pub(crate) id: u16,
}

/// Why a packet is not authentic.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum AhError {
    /// Too short for the header, or the header is no authentication header of an advert.
    Malformed,
    /// The integrity check value does not match.
    Mismatch,
}

/// The authentication header and the advert.
pub(crate) fn seal(key: [u8; 8], ip: IpHeader, sequence: u32, advert: &[u8]) -> Vec<u8> {
    let mut payload = vec![Protocol::Vrrp.number(), PAYLOAD_LEN, 0, 0];
    // The security parameters index is the sender's address.
    payload.extend(ip.source.octets());
    payload.extend(sequence.to_be_bytes());
    payload.extend([0; ICV.end - ICV.start]);
    payload.extend(advert);
    let icv = mac(key, ip, &payload).finalize().into_bytes();
    payload[ICV].copy_from_slice(&icv[..ICV.end - ICV.start]);
    payload
}

/// The sequence number and the advert.
pub(crate) fn open(key: [u8; 8], ip: IpHeader, payload: &[u8]) -> Result<(u32, &[u8]), AhError> {
    let (header, advert) = payload.split_at_checked(HEADER_LEN).ok_or(AhError::Malformed)?;
    let &[next, length, _, _, _, _, _, _, s0, s1, s2, s3, ..] = header else {
        return Err(AhError::Malformed);
    };
    if next != Protocol::Vrrp.number() || length != PAYLOAD_LEN {
        return Err(AhError::Malformed);
    }
    let mut covered = payload.to_vec();
    covered[ICV].fill(0);
    mac(key, ip, &covered).verify_truncated_left(&header[ICV]).map_err(|_| AhError::Mismatch)?;
    Ok((u32::from_be_bytes([s0, s1, s2, s3]), advert))
}

/// The advert behind a header that nobody has checked.
pub(crate) fn peek(payload: &[u8]) -> Option<&[u8]> {
    payload.get(HEADER_LEN..)
}

fn mac(key: [u8; 8], ip: IpHeader, payload: &[u8]) -> Hmac<Md5> {
    let total = IP_HEADER_LEN.saturating_add(u16::try_from(payload.len()).unwrap_or(u16::MAX));
    let ([t0, t1], [i0, i1]) = (total.to_be_bytes(), ip.id.to_be_bytes());
    let mut mac = keyed(key);
    mac.update(&[0x45, 0, t0, t1, i0, i1, 0, 0, ip.ttl, Protocol::Ah.number(), 0, 0]);
    mac.update(&ip.source.octets());
    mac.update(&ip.destination.octets());
    mac.update(payload);
    mac
}

fn keyed(key: [u8; 8]) -> Hmac<Md5> {
    // HMAC pads the key with zeros to its block of 64 bytes.
    let mut block = [0; 64];
    block[..key.len()].copy_from_slice(&key);
    Hmac::new(&block.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const IP: IpHeader = IpHeader {
        source: Ipv4Addr::new(10, 77, 0, 1),
        destination: Ipv4Addr::new(224, 0, 0, 18),
        ttl: 255,
        id: 7,
    };

    #[test]
    fn what_is_sealed_is_opened() {
        let sealed = seal(*b"s3cret42", IP, 0x0102_0304, &[1, 2, 3]);
        assert_eq!(open(*b"s3cret42", IP, &sealed), Ok((0x0102_0304, &[1, 2, 3][..])));
    }

    #[test]
    fn one_flipped_bit_is_found_wherever_it_is() {
        let sealed = seal(*b"s3cret42", IP, 9, &[1, 2, 3]);
        for bit in 0..sealed.len() * 8 {
            let mut flipped = sealed.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(open(*b"s3cret42", IP, &flipped).is_err(), "bit {bit}");
        }
        for ip in [
            IpHeader { source: Ipv4Addr::new(10, 77, 0, 3), ..IP },
            IpHeader { destination: Ipv4Addr::new(224, 0, 0, 19), ..IP },
            IpHeader { ttl: 254, ..IP },
            IpHeader { id: 6, ..IP },
        ] {
            assert_eq!(open(*b"s3cret42", ip, &sealed), Err(AhError::Mismatch));
        }
    }

    #[test]
    fn another_key_opens_nothing() {
        let sealed = seal(*b"s3cret42", IP, 9, &[1, 2, 3]);
        assert_eq!(open(*b"s3cret43", IP, &sealed), Err(AhError::Mismatch));
    }

    #[test]
    fn a_header_that_is_cut_off_is_malformed() {
        let sealed = seal(*b"s3cret42", IP, 9, &[]);
        assert!(open(*b"s3cret42", IP, &sealed).is_ok());
        for length in 0..sealed.len() {
            assert_eq!(open(*b"s3cret42", IP, &sealed[..length]), Err(AhError::Malformed));
        }
    }
}
