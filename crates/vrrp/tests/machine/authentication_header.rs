//! `auth_type AH`: a packet counts only with a header that its key made, and only once.

use vrrp::{
    Action, Authentication, Counters, Input, InstanceSpec, Packet, Priority, Protocol, Reject, StateName,
    What,
};

use crate::scene::{OWN, PEER, Scene, index, ms, spec, v4};

fn ah() -> InstanceSpec {
    InstanceSpec { authentication: Authentication::Ah { key: *b"s3cret42" }, ..spec() }
}

fn better(spec: InstanceSpec) -> InstanceSpec {
    InstanceSpec { priority: Priority::new(200).unwrap(), ..spec }
}

/// Adverts of priority 200 from another router, one a second.
fn adverts(spec: InstanceSpec, count: usize) -> Vec<Packet> {
    let mut peer = Scene::start_at(PEER, better(spec));
    peer.run(ms(3_300));
    peer.run(ms(1_000) * u32::try_from(count).unwrap());
    peer.packets()[..count].to_vec()
}

fn rejected(packet: Packet, reason: Reject, counter: impl Fn(Counters) -> u64) {
    let mut scene = Scene::start(ah());
    let source = packet.source;
    scene.packet(packet);
    assert_eq!(scene.told, [What::Rejected { source, reason }]);
    assert_eq!((counter(scene.counters()), scene.counters().advert_received), (1, 0));
}

#[test]
fn the_instance_listens_for_authentication_headers_only() {
    let scene = Scene::start(ah());
    let protocols: Vec<_> = scene
        .log
        .iter()
        .filter_map(|action| match action {
            Action::Listen(membership) => Some(membership.protocol),
            _ => None,
        })
        .collect();
    assert_eq!(protocols, [Protocol::Ah]);
}

#[test]
fn an_authentic_advert_is_accepted() {
    let mut scene = Scene::start(ah());
    scene.packet(adverts(ah(), 1).remove(0));
    assert_eq!(scene.told, []);
    assert_eq!(scene.counters().advert_received, 1);
}

#[test]
fn an_advert_without_the_header_is_rejected() {
    rejected(adverts(spec(), 1).remove(0), Reject::AuthenticationMismatch, |it| it.auth_type_mismatch);
}

#[test]
fn a_header_where_none_is_configured_is_rejected() {
    let mut scene = Scene::start(spec());
    scene.packet(adverts(ah(), 1).remove(0));
    assert_eq!(scene.told, [What::Rejected { source: PEER, reason: Reject::AuthenticationMismatch }]);
}

#[test]
fn another_key_is_rejected() {
    let other = InstanceSpec { authentication: Authentication::Ah { key: *b"s3cret43" }, ..spec() };
    rejected(adverts(other, 1).remove(0), Reject::IntegrityCheck, |it| it.auth_failure);
}

#[test]
fn an_advert_that_passed_a_router_is_rejected() {
    let packet = Packet { ttl: 254, ..adverts(ah(), 1).remove(0) };
    rejected(packet, Reject::IntegrityCheck, |it| it.auth_failure);
}

#[test]
fn a_header_that_is_cut_off_is_rejected() {
    let mut packet = adverts(ah(), 1).remove(0);
    packet.payload.truncate(40);
    rejected(packet, Reject::IntegrityCheck, |it| it.auth_failure);
}

#[test]
fn an_advert_is_accepted_once() {
    let packets = adverts(ah(), 3);
    let mut scene = Scene::start(ah());
    for number in [0, 2, 2, 1, 0] {
        scene.packet(packets[number].clone());
    }
    assert_eq!(scene.told, [What::Rejected { source: PEER, reason: Reject::SequenceReplayed }]);
    assert_eq!((scene.counters().auth_failure, scene.counters().advert_received), (3, 2));
}

#[test]
fn two_masters_with_equal_numbers_hear_each_other() {
    let mut scene = Scene::master(ah());
    scene.packet(adverts(ah(), 1).remove(0));
    assert_eq!(scene.state(), StateName::Backup, "{:?}", scene.told);
}

#[test]
fn a_router_that_takes_over_goes_on_from_the_numbers_of_the_master() {
    let mut scene = Scene::start(ah());
    for packet in adverts(ah(), 5) {
        scene.packet(packet);
    }
    scene.run(ms(4_000));
    assert_eq!(scene.packets()[0].payload[8..12], [0, 0, 0, 6]);
}

#[test]
fn the_process_that_resumes_goes_on_from_the_last_number() {
    let mut scene = Scene::master(ah());
    scene.run(ms(3_000));
    let changed = scene.router.take_changed();
    assert_eq!(changed[0].sequence, 4, "told after each advert, not only at changes of state");
    let mut next = Scene::before_start();
    next.feed(Input::Resume(changed));
    next.feed(Input::Links(vec![crate::scene::link(2, "eth0", true, &[OWN])]));
    next.feed(Input::Configure(vec![ah()].into()));
    assert_eq!(next.packets()[0].payload[8..12], [0, 0, 0, 5]);
}

#[test]
fn a_short_packet_concerns_nobody() {
    let mut scene = Scene::start(ah());
    let source = v4(10, 0, 0, 9);
    scene.packet(Packet {
        interface: index(2),
        source,
        destination: crate::scene::GROUP,
        ttl: 255,
        id: 1,
        protocol: Protocol::Ah,
        payload: vec![112, 4, 0, 0],
    });
    assert_eq!(scene.told, []);
}
