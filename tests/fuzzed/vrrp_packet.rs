//! Arbitrary bytes as an advert, from any source to any destination.
//!
//! **What is read can be written, and is then read as the same.**

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use vrrp::Advert;

use crate::choices::Choices;

/// Reads a packet.
///
/// # Panics
/// If what was read is not what is read of its own bytes.
pub fn run(bytes: &[u8]) {
    let mut choices = Choices::of(bytes);
    let flags = choices.byte().unwrap_or(0);
    let (Some(source), Some(destination)) =
        (address(&mut choices, flags & 1), address(&mut choices, flags & 2))
    else {
        return;
    };
    let mut payload = choices.bytes(usize::MAX);
    let _ = Advert::peek_vrid(&payload);
    // A checksum is hard to guess: every other input gets the right one.
    if flags & 4 != 0 && payload.len() >= 8 {
        fill_checksum(&mut payload, source, destination);
    }
    if let Ok(advert) = Advert::read(&payload, source, destination) {
        let written = advert.to_bytes(source, destination);
        assert_eq!(Advert::read(&written, source, destination).as_ref(), Ok(&advert), "{payload:02x?}");
    }
}

fn address(choices: &mut Choices<'_>, v6: u8) -> Option<IpAddr> {
    if v6 == 0 {
        <[u8; 4]>::try_from(choices.bytes(4)).ok().map(|octets| Ipv4Addr::from(octets).into())
    } else {
        <[u8; 16]>::try_from(choices.bytes(16)).ok().map(|octets| Ipv6Addr::from(octets).into())
    }
}

/// The checksum of RFC 9568 5.2.8, or of RFC 3768 5.3.8 for version 2.
fn fill_checksum(payload: &mut [u8], source: IpAddr, destination: IpAddr) {
    let octets = |address: IpAddr| match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    };
    let mut covered = Vec::new();
    if payload.first().is_some_and(|first| first >> 4 == 3) {
        covered = [octets(source), octets(destination)].concat();
        covered.extend([0, 112]);
        covered.extend(u16::try_from(payload.len()).unwrap_or(u16::MAX).to_be_bytes());
    }
    if let Some(checksum) = payload.get_mut(6..8) {
        checksum.fill(0);
    }
    covered.extend_from_slice(payload);
    let words = covered.chunks(2).map(|pair| u64::from(pair[0]) << 8 | u64::from(*pair.get(1).unwrap_or(&0)));
    let mut sum: u64 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    if let Some(checksum) = payload.get_mut(6..8) {
        checksum.copy_from_slice(&(!u16::try_from(sum).unwrap_or(0)).to_be_bytes());
    }
}
