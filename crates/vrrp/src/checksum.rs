//! The internet checksum of adverts (RFC 1071), with what it covers beside the advert.

use std::net::IpAddr;

use crate::action::Protocol;

/// What is summed before the advert itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Coverage {
    /// Nothing (RFC 3768 5.3.8, and keepalived's `v3_checksum_as_v2`).
    Message,
    /// The IPv6 pseudo-header, or its like for IPv4, as RFC 9568 5.2.8 has it.
    PseudoHeader {
        /// Of the IP header.
        source: IpAddr,
        /// Of the IP header.
        destination: IpAddr,
    },
}

/// The checksum of a message; of one with its checksum filled in, 0.
pub(crate) fn checksum(coverage: Coverage, message: &[u8]) -> u16 {
    let mut sum = 0;
    if let Coverage::PseudoHeader { source, destination } = coverage {
        for address in [source, destination] {
            match address {
                IpAddr::V4(address) => add_words(&mut sum, &address.octets()),
                IpAddr::V6(address) => add_words(&mut sum, &address.octets()),
            }
        }
        sum += u64::from(Protocol::Vrrp.number()) + message.len() as u64;
    }
    add_words(&mut sum, message);
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    // Folded, it fits.
    !u16::try_from(sum).unwrap_or(u16::MAX)
}

fn add_words(sum: &mut u64, bytes: &[u8]) {
    for word in bytes.chunks(2) {
        *sum += u64::from(u16::from_be_bytes([word[0], word.get(1).copied().unwrap_or(0)]));
    }
}
