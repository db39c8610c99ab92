//! `auth_hmac`: what is signed, what is accepted, and for how long.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use vrrp::{
    AntiReplay, AuthHmac, Counters, Family, HmacKey, HmacMode, Input, InstanceSpec, KeyId, Packet, Peer,
    Priority, Reject, Transport, UnixTime, VirtualAddress, What,
};

use crate::scene::{GROUP, LOWER_ADDRESS, OWN, PEER, Scene, ms, spec, v4};

/// Early in 2025.
const NOON: UnixTime = UnixTime(1_744_830_464_500_000);

fn id(number: u8) -> KeyId {
    KeyId::new(number).unwrap()
}

fn key(byte: u8) -> HmacKey {
    HmacKey::new(vec![byte; 32]).unwrap()
}

fn auth() -> AuthHmac {
    AuthHmac {
        keys: BTreeMap::from([(id(1), key(1))]),
        active_key: id(1),
        mode: HmacMode::Enforce,
        time_window: Duration::from_secs(5),
        anti_replay: AntiReplay::Time,
    }
}

fn with(auth: AuthHmac) -> InstanceSpec {
    InstanceSpec { auth_hmac: Some(auth), ..spec() }
}

/// A router at this address whose clock shows `clock` at its start.
fn router(address: IpAddr, spec: InstanceSpec, clock: UnixTime) -> Scene {
    let mut scene = Scene::before_start();
    scene.feed(Input::WallClock(clock));
    scene.feed(Input::Links(vec![crate::scene::link(2, "eth0", true, &[address])]));
    scene.feed(Input::Configure(vec![spec].into()));
    scene
}

fn later(clock: UnixTime, by: Duration) -> UnixTime {
    clock + by
}

fn earlier(clock: UnixTime, by: Duration) -> UnixTime {
    UnixTime(clock.0 - u64::try_from(by.as_micros()).unwrap())
}

/// The first `count` adverts of a router whose clock shows `clock` when it is started.
fn adverts_at(address: IpAddr, spec: InstanceSpec, clock: UnixTime, count: usize) -> Vec<Packet> {
    let spec = InstanceSpec { priority: Priority::new(200).unwrap(), ..spec };
    let mut peer = router(address, spec, clock);
    peer.run(ms(3_300));
    peer.run(ms(1_000) * u32::try_from(count).unwrap());
    peer.packets()[..count].to_vec()
}

/// An advert that was sent just now, for a router whose clock shows [`NOON`].
fn advert(spec: InstanceSpec) -> Packet {
    adverts_at(PEER, spec, earlier(NOON, ms(3_218)), 1).remove(0)
}

fn rejected(ours: AuthHmac, packet: Packet, reason: Reject, counter: impl Fn(Counters) -> u64) {
    let mut scene = router(OWN, with(ours), NOON);
    scene.packet(packet);
    assert_eq!(scene.told, [What::Rejected { source: PEER, reason }]);
    assert_eq!((counter(scene.counters()), scene.counters().advert_received), (1, 0));
}

fn accepted(ours: AuthHmac, packet: Packet) {
    let mut scene = router(OWN, with(ours), NOON);
    scene.packet(packet);
    assert_eq!(scene.told, []);
    assert_eq!(scene.counters().advert_received, 1);
}

#[test]
fn a_signed_advert_is_accepted() {
    accepted(auth(), advert(with(auth())));
}

#[test]
fn an_advert_has_a_trailer_of_28_bytes() {
    assert_eq!(advert(with(auth())).payload.len(), advert(spec()).payload.len() + 28);
}

#[test]
fn over_ipv6_the_checksum_covers_the_trailer_and_both_are_accepted() {
    let own: IpAddr = "fe80::20".parse().unwrap();
    let peer: IpAddr = "fe80::21".parse().unwrap();
    let v6 = InstanceSpec {
        auth_hmac: Some(auth()),
        addresses: vec![VirtualAddress::new("fe80::100".parse().unwrap(), 128, "eth0")],
        ..InstanceSpec::new("VI_6", "eth0", spec().vrid, Family::V6)
    };
    let mut scene = router(own, v6.clone(), NOON);
    scene.packet(adverts_at(peer, v6, earlier(NOON, ms(3_218)), 1).remove(0));
    assert_eq!((scene.told.clone(), scene.counters().advert_received), (vec![], 1));
}

#[test]
fn an_unsigned_advert_is_rejected_only_when_enforcing() {
    rejected(auth(), advert(spec()), Reject::TrailerMissing, |it| it.auth_ext_missing);
    accepted(AuthHmac { mode: HmacMode::Permissive, ..auth() }, advert(spec()));
    accepted(AuthHmac { mode: HmacMode::ReceiveOnly, ..auth() }, advert(spec()));
}

#[test]
fn receive_only_does_not_sign_and_the_other_modes_do() {
    let signs = |mode| advert(with(AuthHmac { mode, ..auth() })).payload.len() > advert(spec()).payload.len();
    assert_eq!(
        [HmacMode::Enforce, HmacMode::Permissive, HmacMode::ReceiveOnly].map(signs),
        [true, true, false]
    );
}

#[test]
fn what_is_signed_is_checked_in_every_mode() {
    let other = AuthHmac { keys: BTreeMap::from([(id(1), key(2))]), ..auth() };
    for mode in [HmacMode::Enforce, HmacMode::Permissive, HmacMode::ReceiveOnly] {
        let packet = advert(with(other.clone()));
        rejected(AuthHmac { mode, ..auth() }, packet, Reject::TrailerMismatch, |it| it.auth_ext_invalid_hmac);
    }
}

#[test]
fn a_key_of_another_number_is_unknown() {
    let other = AuthHmac { keys: BTreeMap::from([(id(2), key(1))]), active_key: id(2), ..auth() };
    rejected(auth(), advert(with(other)), Reject::UnknownKey, |it| it.auth_ext_unknown_key);
}

#[test]
fn keys_are_changed_without_a_lost_advert() {
    let both = BTreeMap::from([(id(1), key(1)), (id(2), key(2))]);
    let ours = AuthHmac { keys: both.clone(), ..auth() };
    for active_key in [id(1), id(2)] {
        accepted(ours.clone(), advert(with(AuthHmac { keys: both.clone(), active_key, ..auth() })));
    }
}

#[test]
fn a_strange_trailer_is_malformed() {
    let mut packet = advert(with(auth()));
    let at = packet.payload.len() - 28;
    packet.payload[at] = 2;
    rejected(auth(), packet, Reject::TrailerMalformed, |it| it.auth_ext_malformed);
}

#[test]
fn a_clock_that_differs_by_more_than_the_window_is_stale_in_both_directions() {
    let sent = adverts_at(PEER, with(auth()), NOON, 1).remove(0);
    let sent_at = later(NOON, ms(3_218));
    for (clock, fresh) in [
        (earlier(sent_at, ms(5_500)), false),
        (earlier(sent_at, ms(4_500)), true),
        (later(sent_at, ms(4_500)), true),
        (later(sent_at, ms(5_500)), false),
    ] {
        let mut scene = router(OWN, with(auth()), clock);
        scene.packet(sent.clone());
        let counters = scene.counters();
        assert_eq!((counters.auth_ext_stale == 0, counters.advert_received == 1), (fresh, fresh));
    }
}

#[test]
fn a_clock_that_differs_by_more_than_half_of_the_window_is_told() {
    let sent = adverts_at(PEER, with(auth()), NOON, 1).remove(0);
    let mut scene = router(OWN, with(auth()), later(NOON, ms(3_219 + 3_000)));
    scene.packet(sent);
    let [What::ClockSkew { source: PEER, skew }] = scene.told[..] else { panic!("{:?}", scene.told) };
    assert_eq!(skew.as_secs(), 3);
}

#[test]
fn as_long_as_our_clock_is_not_known_nothing_is_fresh() {
    let mut scene = Scene::start(with(auth()));
    scene.packet(advert(with(auth())));
    assert_eq!(scene.counters().auth_ext_stale, 1);
}

#[test]
fn the_same_advert_is_accepted_once_and_an_older_one_not_at_all() {
    let packets = adverts_at(PEER, with(auth()), earlier(NOON, ms(5_000)), 2);
    let mut scene = router(OWN, with(auth()), NOON);
    for number in [1, 1, 0] {
        scene.packet(packets[number].clone());
    }
    assert_eq!(scene.told, [What::Rejected { source: PEER, reason: Reject::TrailerReplayed }]);
    assert_eq!((scene.counters().auth_ext_replay, scene.counters().advert_received), (2, 1));
}

#[test]
fn each_sender_has_numbers_of_its_own() {
    let mut scene = router(OWN, with(auth()), NOON);
    for address in [PEER, LOWER_ADDRESS] {
        scene.packet(adverts_at(address, with(auth()), earlier(NOON, ms(3_218)), 1).remove(0));
    }
    assert_eq!(scene.counters().advert_received, 2);
}

#[test]
fn the_source_address_is_covered() {
    let packet = advert(with(auth()));
    let mut scene = router(OWN, with(auth()), NOON);
    scene.packet(Packet { source: LOWER_ADDRESS, ..packet });
    assert_eq!(scene.counters().auth_ext_invalid_hmac, 1);
}

#[test]
fn monotonic_numbers_need_no_common_clock() {
    let monotonic = AuthHmac { anti_replay: AntiReplay::Monotonic, ..auth() };
    let packets = adverts_at(PEER, with(monotonic.clone()), earlier(NOON, Duration::from_secs(86_400)), 2);
    let mut scene = router(OWN, with(monotonic), NOON);
    for number in [0, 1, 1] {
        scene.packet(packets[number].clone());
    }
    assert_eq!((scene.counters().advert_received, scene.counters().auth_ext_replay), (2, 1));
}

fn sequence(packet: &Packet) -> u64 {
    let at = packet.payload.len() - 24;
    u64::from_be_bytes(packet.payload[at..at + 8].try_into().unwrap())
}

#[test]
fn numbers_grow_also_when_the_clock_is_set_back() {
    let mut scene = router(OWN, with(auth()), NOON);
    scene.run(ms(5_000));
    scene.feed(Input::WallClock(earlier(NOON, Duration::from_secs(3_600))));
    scene.run(ms(3_000));
    let numbers: Vec<_> = scene.packets().iter().map(sequence).collect();
    assert!(numbers.len() > 3 && numbers.is_sorted_by(|one, next| one < next), "{numbers:?}");
}

#[test]
fn copies_for_several_peers_have_one_number() {
    let transport = Transport::Unicast {
        peers: [PEER, v4(10, 0, 0, 22)].map(Peer::new).to_vec(),
        ttl: 255,
        check_source: false,
    };
    let mut scene = router(OWN, InstanceSpec { transport, ..with(auth()) }, NOON);
    scene.run(ms(3_700));
    let [first, second] = &scene.packets()[..] else { panic!("{:?}", scene.log) };
    assert_eq!(sequence(first), sequence(second));
    assert_ne!((first.destination, second.destination), (GROUP, GROUP));
}

#[test]
fn keys_are_not_printed() {
    let printed = format!("{:?}", with(AuthHmac { keys: BTreeMap::from([(id(1), key(0x4b))]), ..auth() }));
    assert!(printed.contains("********") && !printed.contains("75, 75"), "{printed}");
}
