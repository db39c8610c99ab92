//! The frames that tell a LAN where an address is. Pure: bytes from values.

use std::net::{Ipv4Addr, Ipv6Addr};

use pnet_base::MacAddr;
use pnet_packet::arp::{ArpHardwareTypes, ArpOperations, MutableArpPacket};
use pnet_packet::ethernet::{EtherTypes, MutableEthernetPacket};
use pnet_packet::icmpv6::ndp::{
    Icmpv6Codes, MutableNdpOptionPacket, MutableNeighborAdvertPacket, NdpOptionTypes,
};
use pnet_packet::icmpv6::{Icmpv6Packet, Icmpv6Types, checksum};
use pnet_packet::ip::IpNextHeaderProtocols;
use pnet_packet::ipv6::MutableIpv6Packet;

const ETHERNET_LEN: usize = 14;
const ARP_LEN: usize = 28;
const IPV6_LEN: usize = 40;
/// A neighbour advertisement with one option of eight bytes.
const ADVERTISEMENT_LEN: usize = 32;

const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
const ALL_NODES_MAC: MacAddr = MacAddr(0x33, 0x33, 0, 0, 0, 1);

/// A gratuitous ARP request for `address`, as keepalived sends it (RFC 9568 6.4.1 asks for one): sender and target
/// protocol address are the address, target hardware address is broadcast.
pub fn gratuitous_arp(mac: [u8; 6], address: Ipv4Addr) -> Vec<u8> {
    let mac = MacAddr::from(mac);
    let mut arp = [0; ARP_LEN];
    if let Some(mut packet) = MutableArpPacket::new(&mut arp) {
        packet.set_hardware_type(ArpHardwareTypes::Ethernet);
        packet.set_protocol_type(EtherTypes::Ipv4);
        packet.set_hw_addr_len(6);
        packet.set_proto_addr_len(4);
        packet.set_operation(ArpOperations::Request);
        packet.set_sender_hw_addr(mac);
        packet.set_sender_proto_addr(address);
        packet.set_target_hw_addr(MacAddr::broadcast());
        packet.set_target_proto_addr(address);
    }
    frame(mac, MacAddr::broadcast(), EtherTypes::Arp, &arp)
}

/// An unsolicited neighbour advertisement for `address` to all nodes (RFC 4861 7.2.6): from the address itself, override
/// flag set, router flag if the host forwards.
pub fn unsolicited_advertisement(mac: [u8; 6], address: Ipv6Addr, forwards: bool) -> Vec<u8> {
    const ROUTER: u8 = 0x80;
    const OVERRIDE: u8 = 0x20;
    let mut message = [0; ADVERTISEMENT_LEN];
    if let Some(mut advertisement) = MutableNeighborAdvertPacket::new(&mut message) {
        advertisement.set_icmpv6_type(Icmpv6Types::NeighborAdvert);
        advertisement.set_icmpv6_code(Icmpv6Codes::NoCode);
        advertisement.set_flags(OVERRIDE | if forwards { ROUTER } else { 0 });
        advertisement.set_target_addr(address);
    }
    if let Some(mut option) = MutableNdpOptionPacket::new(&mut message[24..]) {
        option.set_option_type(NdpOptionTypes::TargetLLAddr);
        option.set_length(1);
        option.set_data(&mac);
    }
    if let Some(sum) = Icmpv6Packet::new(&message).map(|packet| checksum(&packet, &address, &ALL_NODES)) {
        message[2..4].copy_from_slice(&sum.to_be_bytes());
    }
    let mut datagram = [0; IPV6_LEN + ADVERTISEMENT_LEN];
    if let Some(mut header) = MutableIpv6Packet::new(&mut datagram) {
        header.set_version(6);
        header.set_payload_length(u16::try_from(ADVERTISEMENT_LEN).unwrap_or(0));
        header.set_next_header(IpNextHeaderProtocols::Icmpv6);
        // RFC 4861 7.1.2: anything else is discarded.
        header.set_hop_limit(255);
        header.set_source(address);
        header.set_destination(ALL_NODES);
        header.set_payload(&message);
    }
    frame(MacAddr::from(mac), ALL_NODES_MAC, EtherTypes::Ipv6, &datagram)
}

fn frame(
    source: MacAddr,
    destination: MacAddr,
    kind: pnet_packet::ethernet::EtherType,
    payload: &[u8],
) -> Vec<u8> {
    let mut bytes = vec![0; ETHERNET_LEN + payload.len()];
    if let Some(mut frame) = MutableEthernetPacket::new(&mut bytes) {
        frame.set_source(source);
        frame.set_destination(destination);
        frame.set_ethertype(kind);
        frame.set_payload(payload);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        let digits: String = hex.split_whitespace().collect();
        (0..digits.len() / 2).map(|at| u8::from_str_radix(&digits[at * 2..at * 2 + 2], 16).unwrap()).collect()
    }

    // keepalived 2.4.3, capture v2: tcpdump -r v2.pcap -XX arp
    #[test]
    fn a_gratuitous_arp_is_byte_for_byte_keepalived_s() {
        let captured = bytes(
            "ffff ffff ffff 2e3f 0873 c20a 0806 0001 0800 0604 0001 2e3f 0873 c20a 0a4d 0064 ffff ffff ffff 0a4d 0064",
        );
        let ours = gratuitous_arp([0x2e, 0x3f, 0x08, 0x73, 0xc2, 0x0a], Ipv4Addr::new(10, 77, 0, 100));
        assert_eq!(ours, captured);
    }

    // keepalived 2.4.3, capture v3-ipv6: tcpdump -r v3-ipv6.pcap -XX 'icmp6 and ip6[40]==136'
    #[test]
    fn an_unsolicited_advertisement_is_byte_for_byte_keepalived_s() {
        let captured = bytes(
            "3333 0000 0001 fe06 2e53 b222 86dd 6000 0000 0020 3aff fd77 0000 0000 0000 0000 0000 0000 0100 \
             ff02 0000 0000 0000 0000 0000 0000 0001 8800 7b33 2000 0000 fd77 0000 0000 0000 0000 0000 0000 0100 \
             0201 fe06 2e53 b222",
        );
        let address = "fd77::100".parse().unwrap();
        let ours = unsolicited_advertisement([0xfe, 0x06, 0x2e, 0x53, 0xb2, 0x22], address, false);
        assert_eq!(ours, captured);
    }

    #[test]
    fn a_forwarding_host_sets_the_router_flag() {
        let frame = unsolicited_advertisement([2, 0, 0, 0, 0, 1], "fe80::1".parse().unwrap(), true);
        assert_eq!(frame[ETHERNET_LEN + IPV6_LEN + 4], 0xa0);
    }
}
