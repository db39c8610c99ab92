//! RFC 9568 7.1 and RFC 3768 7.1: what is not an advert of ours changes nothing but a counter.

use vrrp::{
    Advert, Authentication, AuthenticationData, Centiseconds, Counters, InstanceSpec, Packet, Peer, Protocol,
    Reject, RouterSpec, StateName, Transport, Version, VirtualRouterId, What,
};

use crate::scene::{GROUP, OWN, PEER, Scene, index, ms, spec, v4};

fn packet(scene_spec: &InstanceSpec, alter: impl FnOnce(&mut Advert)) -> Packet {
    let mut advert = Advert {
        version: scene_spec.version,
        vrid: scene_spec.vrid,
        priority: 200,
        interval: scene_spec.advert_interval,
        addresses: scene_spec.addresses.iter().map(|held| held.address).collect(),
        authentication: AuthenticationData::of(&scene_spec.authentication),
    };
    alter(&mut advert);
    let payload = advert.to_bytes(PEER, GROUP);
    Packet {
        interface: index(2),
        source: PEER,
        destination: GROUP,
        ttl: 255,
        id: 1,
        protocol: Protocol::Vrrp,
        payload,
    }
}

/// The packet is rejected for this reason, counted there, told once, and the timer runs on.
fn rejected(spec: InstanceSpec, packet: &Packet, reason: Reject, counter: impl Fn(Counters) -> u64) {
    let mut scene = Scene::start(spec);
    scene.run(ms(1_000));
    let waits = scene.waits();
    scene.packet(packet.clone());
    scene.packet(packet.clone());
    assert_eq!(scene.waits(), waits);
    assert_eq!(scene.told, [What::Rejected { source: packet.source, reason }]);
    assert_eq!(counter(scene.counters()), 2);
    assert_eq!(scene.counters().advert_received, 0);
}

#[test]
fn a_ttl_below_255_is_rejected() {
    let packet = Packet { ttl: 254, ..packet(&spec(), |_| {}) };
    rejected(spec(), &packet, Reject::Ttl(254), |counters| counters.ttl_errors);
}

#[test]
fn a_truncated_packet_is_rejected() {
    let mut packet = packet(&spec(), |_| {});
    packet.payload.truncate(10);
    rejected(spec(), &packet, Reject::Length, |counters| counters.packet_length_errors);
}

#[test]
fn a_wrong_checksum_is_rejected() {
    let mut packet = packet(&spec(), |_| {});
    packet.payload[6] ^= 1;
    rejected(spec(), &packet, Reject::Checksum, |counters| counters.checksum_errors);
}

#[test]
fn another_version_is_rejected() {
    let packet = packet(&spec(), |advert| advert.version = Version::V3);
    rejected(spec(), &packet, Reject::Version, |counters| counters.version_errors);
}

#[test]
fn another_type_is_rejected() {
    let mut packet = packet(&spec(), |_| {});
    packet.payload[0] = 0x22;
    rejected(spec(), &packet, Reject::Type, |counters| counters.invalid_type_received);
}

#[test]
fn an_unknown_authentication_type_is_rejected() {
    let mut packet = packet(&spec(), |_| {});
    packet.payload[4] = 7;
    rejected(spec(), &packet, Reject::AuthenticationType, |counters| counters.invalid_auth_type);
}

fn with_password(password: [u8; 8]) -> InstanceSpec {
    InstanceSpec { authentication: Authentication::Password(password), ..spec() }
}

#[test]
fn a_missing_password_is_rejected() {
    let packet = packet(&spec(), |_| {});
    let spec = with_password(*b"root123\0");
    rejected(spec, &packet, Reject::AuthenticationMismatch, |counters| counters.auth_type_mismatch);
}

#[test]
fn a_password_that_we_do_not_have_is_rejected() {
    let packet = packet(&with_password(*b"root123\0"), |_| {});
    rejected(spec(), &packet, Reject::AuthenticationMismatch, |counters| counters.auth_type_mismatch);
}

#[test]
fn another_password_is_rejected() {
    let packet = packet(&with_password(*b"root124\0"), |_| {});
    rejected(with_password(*b"root123\0"), &packet, Reject::Password, |counters| counters.auth_failure);
}

#[test]
fn the_right_password_is_accepted() {
    let mut scene = Scene::start(with_password(*b"root123\0"));
    scene.run(ms(1_000));
    scene.hear(PEER, 200);
    assert_eq!(scene.counters().advert_received, 1);
}

#[test]
fn another_interval_is_rejected_in_version_2() {
    let packet = packet(&spec(), |advert| advert.interval = Centiseconds::from_secs(2));
    rejected(spec(), &packet, Reject::Interval, |counters| counters.advert_interval_errors);
}

#[test]
fn another_interval_is_told_and_taken_in_version_3() {
    let mut scene = Scene::start(InstanceSpec { version: Version::V3, ..spec() });
    scene.hear_altered(PEER, 200, |advert| advert.interval = Centiseconds::from_secs(2));
    assert_eq!(scene.told, [What::IntervalDiffers { source: PEER }]);
    assert_eq!(scene.counters().advert_received, 1);
}

#[test]
fn an_interval_of_zero_is_rejected_in_version_3() {
    let v3 = InstanceSpec { version: Version::V3, ..spec() };
    let packet = packet(&v3, |advert| advert.interval = Centiseconds::new(0));
    rejected(v3, &packet, Reject::Interval, |counters| counters.advert_interval_errors);
}

#[test]
fn a_unicast_advert_to_a_multicast_instance_is_rejected() {
    let mut packet = packet(&spec(), |_| {});
    packet.destination = OWN;
    rejected(spec(), &packet, Reject::Destination, |counters| counters.wrong_destination);
}

fn unicast() -> InstanceSpec {
    InstanceSpec {
        transport: Transport::Unicast { peers: vec![Peer::new(PEER)], ttl: 255, check_source: false },
        ..spec()
    }
}

#[test]
fn a_multicast_advert_to_a_unicast_instance_is_rejected() {
    let packet = packet(&spec(), |_| {});
    rejected(unicast(), &packet, Reject::Destination, |counters| counters.wrong_destination);
}

#[test]
fn a_unicast_instance_takes_adverts_from_anybody_with_any_ttl_as_keepalived_does() {
    let mut scene = Scene::start(unicast());
    let stranger = v4(10, 9, 9, 9);
    let mut packet = Packet { ttl: 3, source: stranger, ..packet(&unicast(), |_| {}) };
    packet.destination = OWN;
    scene.packet(packet);
    assert_eq!(scene.counters().advert_received, 1);
    assert_eq!(scene.told, []);
}

#[test]
fn a_unicast_instance_sends_one_advert_to_each_peer() {
    let peers = [PEER, v4(10, 0, 0, 22)].map(Peer::new).to_vec();
    let scene = Scene::master(InstanceSpec {
        transport: Transport::Unicast { peers, ttl: 64, check_source: false },
        ..spec()
    });
    let mut scene = scene;
    scene.run(ms(1_000));
    let sent: Vec<_> = scene
        .log
        .iter()
        .filter_map(|action| match action {
            vrrp::Action::Send(send) => Some((send.destination, send.ttl)),
            _ => None,
        })
        .collect();
    assert_eq!(sent, [(PEER, 64), (v4(10, 0, 0, 22), 64)]);
}

#[test]
fn another_address_list_is_counted_and_told_and_taken_as_keepalived_does() {
    let mut scene = Scene::start(spec());
    scene.hear_altered(PEER, 200, |advert| advert.addresses.push(v4(10, 0, 0, 101)));
    assert_eq!(scene.told, [What::AddressListDiffers { source: PEER }]);
    assert_eq!(scene.counters().address_list_errors, 1);
    assert_eq!(scene.counters().advert_received, 1);
}

#[test]
fn skip_check_adv_addr_looks_at_the_list_only_when_the_master_changes() {
    let mut scene = Scene::start(InstanceSpec { skip_check_adv_addr: true, ..spec() });
    for _ in 0..3 {
        scene.hear_altered(PEER, 200, |advert| advert.addresses.clear());
    }
    assert_eq!(scene.counters().address_list_errors, 1);
}

#[test]
fn adverts_for_another_router_or_interface_are_not_ours() {
    let mut scene = Scene::start(spec());
    scene.hear_altered(PEER, 200, |advert| advert.vrid = vrrp::VirtualRouterId::new(52).unwrap());
    scene.packet(Packet { interface: index(3), ..packet(&spec(), |_| {}) });
    assert_eq!(scene.counters().advert_received, 0);
    assert_eq!(scene.told, []);
}

#[test]
fn rejections_are_told_again_after_the_state_has_changed() {
    let mut scene = Scene::start(spec());
    let strange = Packet { ttl: 1, ..packet(&spec(), |_| {}) };
    scene.packet(strange.clone());
    scene.run(ms(4_000));
    assert_eq!(scene.state(), StateName::Master);
    scene.packet(strange);
    assert_eq!(scene.told.len(), 2);
}

#[test]
fn an_advert_of_an_unknown_virtual_router_is_told_of_once_for_each_sender_if_asked() {
    let other = VirtualRouterId::new(77).unwrap();
    let unknown = packet(&InstanceSpec { vrid: other, ..spec() }, |_| {});
    let from_another = Packet { source: v4(10, 0, 0, 3), ..unknown.clone() };
    for log_unknown_vrids in [false, true] {
        let router = RouterSpec { instances: vec![spec()], log_unknown_vrids, ..RouterSpec::default() };
        let mut scene = Scene::start_all(router);
        for packet in [&unknown, &unknown, &from_another] {
            scene.packet(packet.clone());
        }
        let told = [PEER, v4(10, 0, 0, 3)].map(|source| What::UnknownRouter { source, vrid: other });
        assert_eq!(scene.told, if log_unknown_vrids { told.to_vec() } else { vec![] });
    }
}
