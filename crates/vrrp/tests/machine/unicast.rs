//! Unicast: who may send, from how far, and with which checksum.

use vrrp::{
    ChecksumV3, Counters, FaultCause, InstanceSpec, Packet, Peer, Reject, StateName, Transport, Version,
    What, Why,
};

use crate::scene::{OWN, PEER, Scene, ms, spec, v4};

fn unicast(peers: Vec<Peer>, check_source: bool) -> InstanceSpec {
    InstanceSpec { transport: Transport::Unicast { peers, ttl: 255, check_source }, ..spec() }
}

/// An advert of priority 100 from PEER to OWN.
fn advert(spec: &InstanceSpec) -> Packet {
    let transport = Transport::Unicast { peers: vec![Peer::new(OWN)], ttl: 255, check_source: false };
    let mut peer = Scene::start_at(PEER, InstanceSpec { transport, ..spec.clone() });
    peer.run(ms(4_000));
    peer.packets().remove(0)
}

fn received(spec: InstanceSpec, packet: Packet) -> (Vec<What>, Counters) {
    let mut scene = Scene::start(spec);
    scene.packet(packet);
    (scene.told.clone(), scene.counters())
}

#[test]
fn with_check_unicast_src_only_peers_are_heard() {
    let strict = unicast(vec![Peer::new(v4(10, 0, 0, 22))], true);
    let (told, counters) = received(strict, advert(&spec()));
    assert_eq!(told, [What::Rejected { source: PEER, reason: Reject::UnknownPeer }]);
    assert_eq!((counters.unknown_peer, counters.advert_received), (1, 0));
    let (told, counters) = received(unicast(vec![Peer::new(PEER)], true), advert(&spec()));
    assert_eq!((told, counters.advert_received), (vec![], 1));
}

#[test]
fn a_peer_s_ttl_lies_in_its_range_if_sources_are_checked() {
    let peer = Peer { min_ttl: 64, max_ttl: 254, ..Peer::new(PEER) };
    for (ttl, check_source, taken) in
        [(63, true, 0), (64, true, 1), (254, true, 1), (255, true, 0), (1, false, 1)]
    {
        let packet = Packet { ttl, ..advert(&spec()) };
        let (_, counters) = received(unicast(vec![peer], check_source), packet);
        assert_eq!((counters.advert_received, counters.ttl_errors), (taken, 1 - taken), "TTL {ttl}");
    }
}

#[test]
fn without_any_peer_the_instance_is_in_fault() {
    let scene = Scene::start(unicast(vec![], false));
    assert_eq!(scene.states, [(StateName::Fault, Why::Fault(vec![FaultCause::NoPeer]))]);
}

fn v3(checksum_v3: ChecksumV3) -> InstanceSpec {
    InstanceSpec { version: Version::V3, checksum_v3, ..unicast(vec![Peer::new(PEER)], false) }
}

/// Whether a router of this kind takes an advert of one of that kind.
fn takes(ours: ChecksumV3, theirs: ChecksumV3) -> bool {
    received(v3(ours), advert(&v3(theirs))).1.checksum_errors == 0
}

#[test]
fn which_checksums_are_accepted() {
    use ChecksumV3::{AsV2, Detect, OldUnicast, PseudoHeader};
    let all = [Detect, PseudoHeader, OldUnicast, AsV2];
    let table = all.map(|ours| all.map(|theirs| takes(ours, theirs)));
    assert_eq!(
        table,
        [
            [true, true, true, false],
            [true, true, false, false],
            [true, true, true, false],
            [true, true, false, true],
        ]
    );
}

#[test]
fn the_old_checksum_is_keepalived_s() {
    // keepalived 2.2.7 from 10.77.0.1 to 10.77.0.2 with `old_unicast_checksum`, priority 150, advert_int 0.1.
    let captured = [0x31, 0x33, 0x96, 0x01, 0x00, 0x0a, 0x43, 0x33, 0x0a, 0x4d, 0x00, 0x64];
    let spec = InstanceSpec {
        advert_interval: vrrp::Centiseconds::new(10),
        priority: vrrp::Priority::new(150).unwrap(),
        addresses: vec![crate::scene::virtual_address(v4(10, 77, 0, 100))],
        transport: Transport::Unicast {
            peers: vec![Peer::new(v4(10, 77, 0, 2))],
            ttl: 255,
            check_source: false,
        },
        ..v3(ChecksumV3::OldUnicast)
    };
    let mut scene = Scene::start_at(v4(10, 77, 0, 1), spec);
    scene.run(ms(400));
    assert_eq!(scene.packets()[0].payload, captured);
}

#[test]
fn a_peer_with_the_old_checksum_is_answered_in_kind_until_it_is_upgraded() {
    let old_answer = |scene: &mut Scene| {
        scene.forget();
        scene.run(ms(4_000));
        let mut peer = Scene::start_at(PEER, v3(ChecksumV3::PseudoHeader));
        peer.packet(scene.packets().remove(0));
        peer.counters().checksum_errors == 1
    };
    let mut scene = Scene::start(v3(ChecksumV3::Detect));
    assert!(!old_answer(&mut scene));
    scene.packet(advert(&v3(ChecksumV3::OldUnicast)));
    assert!(old_answer(&mut scene));
    scene.packet(advert(&v3(ChecksumV3::PseudoHeader)));
    assert!(!old_answer(&mut scene));
}

#[test]
fn in_multicast_v3_checksum_as_v2_covers_the_advert_alone() {
    let mut scene =
        Scene::master(InstanceSpec { version: Version::V3, checksum_v3: ChecksumV3::AsV2, ..spec() });
    scene.run(ms(1_000));
    let payload = &scene.packets()[0].payload;
    let sum: u32 = payload.chunks(2).map(|word| u32::from(u16::from_be_bytes([word[0], word[1]]))).sum();
    assert_eq!((sum & 0xffff) + (sum >> 16), 0xffff);
}
