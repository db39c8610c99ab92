//! Frames, as a bystander reads them.
//!
//! The adverts are decoded here once more, from the RFCs, and not with the code under test: **the lab does not take the
//! word of what it measures.**

use std::net::IpAddr;
use std::time::Duration;

use clock::Instant;
use pnet_packet::Packet as _;
use pnet_packet::arp::ArpPacket;
use pnet_packet::ethernet::{EtherTypes, EthernetPacket};
use pnet_packet::icmpv6::Icmpv6Types;
use pnet_packet::icmpv6::ndp::NeighborAdvertPacket;
use pnet_packet::ip::IpNextHeaderProtocols;
use pnet_packet::ipv4::Ipv4Packet;
use pnet_packet::ipv6::Ipv6Packet;

/// A VRRP advertisement (RFC 3768 section 5.1, RFC 5798 section 5.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advert {
    /// When the kernel received it.
    pub at: Instant,
    /// The Ethernet source.
    pub mac: [u8; 6],
    /// The sender's address.
    pub source: IpAddr,
    /// 224.0.0.18, ff02::12, or a unicast peer.
    pub destination: IpAddr,
    /// TTL or hop limit.
    pub ttl: u8,
    /// 2 or 3.
    pub version: u8,
    /// The virtual router.
    pub vrid: u8,
    /// 0 when the sender gives up.
    pub priority: u8,
    /// The interval that it announces.
    pub interval: Duration,
    /// The authentication type; version 2 only.
    pub auth_type: Option<u8>,
    /// The virtual addresses.
    pub addresses: Vec<IpAddr>,
}

/// A gratuitous ARP or an unsolicited neighbour advertisement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Announcement {
    /// When the kernel received it.
    pub at: Instant,
    /// The hardware address that the others now believe in.
    pub mac: [u8; 6],
    /// The address that is announced.
    pub address: IpAddr,
}

/// The advert in an Ethernet frame, if it holds one.
pub fn advert(at: Instant, frame: &[u8]) -> Option<Advert> {
    let frame = EthernetPacket::new(frame)?;
    let mac = frame.get_source().octets();
    match frame.get_ethertype() {
        EtherTypes::Ipv4 => {
            let ip = Ipv4Packet::new(frame.payload())?;
            let (source, destination) = (ip.get_source().into(), ip.get_destination().into());
            let packet = match ip.get_next_level_protocol() {
                IpNextHeaderProtocols::Vrrp => ip.payload(),
                IpNextHeaderProtocols::Ah => authenticated(ip.payload())?,
                _ => return None,
            };
            vrrp(at, mac, source, destination, ip.get_ttl(), packet)
        }
        EtherTypes::Ipv6 => {
            let ip = Ipv6Packet::new(frame.payload())?;
            let (source, destination) = (ip.get_source().into(), ip.get_destination().into());
            let found = ip.get_next_header() == IpNextHeaderProtocols::Vrrp;
            found.then(|| vrrp(at, mac, source, destination, ip.get_hop_limit(), ip.payload())).flatten()
        }
        _ => None,
    }
}

/// What an authentication header protects, if that is VRRP (RFC 4302 section 2: next header, length in words less two).
fn authenticated(packet: &[u8]) -> Option<&[u8]> {
    let [next, length, ..] = *packet else { return None };
    let vrrp = next == IpNextHeaderProtocols::Vrrp.0;
    vrrp.then(|| packet.get(4 * (usize::from(length) + 2)..)).flatten()
}

fn vrrp(
    at: Instant,
    mac: [u8; 6],
    source: IpAddr,
    destination: IpAddr,
    ttl: u8,
    packet: &[u8],
) -> Option<Advert> {
    let (header, rest) = packet.split_first_chunk::<8>()?;
    let [kind, vrid, priority, count, fifth, sixth, ..] = *header;
    let version = kind >> 4;
    let (auth_type, interval) = if version == 2 {
        (Some(fifth), Duration::from_secs(sixth.into()))
    } else {
        (None, Duration::from_millis(u64::from(u16::from_be_bytes([fifth & 0x0f, sixth])) * 10))
    };
    let addresses = if source.is_ipv4() {
        rest.as_chunks::<4>().0.iter().take(count.into()).map(|&octets| octets.into()).collect()
    } else {
        rest.as_chunks::<16>().0.iter().take(count.into()).map(|&octets| octets.into()).collect()
    };
    Some(Advert {
        at,
        mac,
        source,
        destination,
        ttl,
        version,
        vrid,
        priority,
        interval,
        auth_type,
        addresses,
    })
}

/// The announcement in an Ethernet frame, if it holds one.
pub fn announcement(at: Instant, frame: &[u8]) -> Option<Announcement> {
    let frame = EthernetPacket::new(frame)?;
    let mac = frame.get_source().octets();
    match frame.get_ethertype() {
        EtherTypes::Arp => {
            let arp = ArpPacket::new(frame.payload())?;
            let address = arp.get_sender_proto_addr();
            let gratuitous = address == arp.get_target_proto_addr() && !address.is_unspecified();
            gratuitous.then(|| Announcement { at, mac, address: address.into() })
        }
        EtherTypes::Ipv6 => {
            const SOLICITED: u8 = 0x40;
            let ip = Ipv6Packet::new(frame.payload())?;
            if ip.get_next_header() != IpNextHeaderProtocols::Icmpv6 {
                return None;
            }
            let advert = NeighborAdvertPacket::new(ip.payload())?;
            let unsolicited = advert.get_icmpv6_type() == Icmpv6Types::NeighborAdvert
                && advert.get_flags() & SOLICITED == 0;
            unsolicited.then(|| Announcement { at, mac, address: advert.get_target_addr().into() })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `tcpdump -XX` of keepalived 2.2.7: version 2, PASS, VRID 51, priority 150, one address.
    const ADVERT: &str = "01005e00001202 00c0a8001408 0045c0002800000000ff70 1855c0a80014e0000012\
                          21339601010167c4c0a8000a726f6f7431323300";

    fn bytes(hex: &str) -> Vec<u8> {
        let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
        digits
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect()
    }

    #[test]
    fn an_advert_of_version_2_is_read_as_the_rfc_draws_it() {
        let advert = advert(Instant::ZERO, &bytes(ADVERT)).expect("an advert");
        assert_eq!(advert.source, "192.168.0.20".parse::<IpAddr>().unwrap());
        assert_eq!((advert.version, advert.vrid, advert.priority, advert.ttl), (2, 51, 150, 255));
        assert_eq!((advert.auth_type, advert.interval), (Some(1), Duration::from_secs(1)));
        assert_eq!(advert.addresses, ["192.168.0.10".parse::<IpAddr>().unwrap()]);
    }

    #[test]
    fn an_advert_behind_an_authentication_header_is_found() {
        let header = "70040000 c0a80014 00000001 000000000000000000000000";
        let hidden = ADVERT
            .replace("45c00028", "45c00040")
            .replace("ff70", "ff33")
            .replace("21339601", &format!("{header}21339601"));
        let plain = advert(Instant::ZERO, &bytes(ADVERT)).expect("an advert");
        assert_eq!(advert(Instant::ZERO, &bytes(&hidden)), Some(plain));
    }

    #[test]
    fn a_frame_that_is_cut_short_is_no_advert() {
        let whole = bytes(ADVERT);
        for end in 0..whole.len() - 16 {
            let _ = advert(Instant::ZERO, &whole[..end]);
        }
        assert_eq!(advert(Instant::ZERO, &whole[..20]), None);
    }

    #[test]
    fn only_an_arp_whose_sender_asks_for_itself_is_an_announcement() {
        let ask =
            "ffffffffffff0200c0a80014 0806 0001080006040001 0200c0a80014 c0a8000a 000000000000 c0a8000a";
        let seen = announcement(Instant::ZERO, &bytes(ask)).expect("an announcement");
        assert_eq!(seen.address, "192.168.0.10".parse::<IpAddr>().unwrap());
        let other = ask.replace("000000000000 c0a8000a", "000000000000 c0a80001");
        assert_eq!(announcement(Instant::ZERO, &bytes(&other)), None);
    }
}
