//! The IPv4 header of our adverts.

use std::net::Ipv4Addr;

use pnet_packet::ip::IpNextHeaderProtocol;
use pnet_packet::ipv4::MutableIpv4Packet;
use vrrp::Protocol;

/// Internetwork control (RFC 9568 does not ask for it; keepalived sets it).
pub(crate) const TRAFFIC_CLASS: u8 = 0xc0;

const HEADER_LEN: u16 = 20;

/// For a raw socket with `IP_HDRINCL`; the kernel fills in the total length and the checksum.
#[inline]
pub(crate) fn ipv4_header(
    source: Ipv4Addr,
    destination: Ipv4Addr,
    ttl: u8,
    id: u16,
    protocol: Protocol,
    payload_len: usize,
) -> [u8; HEADER_LEN as usize] {
    let mut bytes = [0; HEADER_LEN as usize];
    if let Some(mut header) = MutableIpv4Packet::new(&mut bytes) {
        header.set_version(4);
        header.set_header_length(5);
        header.set_dscp(TRAFFIC_CLASS >> 2);
        header.set_total_length(HEADER_LEN.saturating_add(u16::try_from(payload_len).unwrap_or(u16::MAX)));
        header.set_identification(id);
        header.set_ttl(ttl);
        header.set_next_level_protocol(IpNextHeaderProtocol(protocol.number()));
        header.set_source(source);
        header.set_destination(destination);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    // First advert of keepalived 2.4.3 in the capture v2-pass, without the header checksum.
    #[test]
    fn the_header_is_keepalived_s() {
        let header =
            ipv4_header(Ipv4Addr::new(10, 77, 0, 1), Ipv4Addr::new(224, 0, 0, 18), 255, 1, Protocol::Vrrp, 4);
        let keepalived_s = [
            0x45, 0xc0, 0x00, 0x18, 0x00, 0x01, 0x00, 0x00, 0xff, 0x70, 0x00, 0x00, 0x0a, 0x4d, 0x00, 0x01,
            0xe0, 0x00, 0x00, 0x12,
        ];
        assert_eq!(header, keepalived_s);
    }
}
