//! keepalived's timing of gratuitous ARP and unsolicited neighbour advertisements (reference 4.3).

use std::time::Duration;

use vrrp::{
    Action, AnnounceGroup, AnnounceSpec, ExtraInterfaces, Input, InstanceSpec, RouterSpec, VirtualAddress,
};

use crate::scene::{OWN, PEER, Scene, VIP, link, ms, spec, v4, virtual_address};

/// Milliseconds after becoming master at which announcements went, with their number.
fn timeline(announce: AnnounceSpec, time: Duration) -> Vec<(u128, usize)> {
    let mut scene = Scene::start(InstanceSpec { announce, ..spec() });
    scene.run(Duration::from_micros(3_609_374));
    let start = scene.now + Duration::from_micros(1);
    let mut bursts = vec![];
    while scene.now < start + time {
        scene.forget();
        scene.run(scene.waits());
        if !scene.announced().is_empty() {
            bursts.push((scene.now.saturating_since(start).as_millis(), scene.announced().len()));
        }
    }
    bursts
}

#[test]
fn five_at_once_and_five_after_five_seconds() {
    assert_eq!(timeline(AnnounceSpec::default(), ms(20_000)), [(0, 5), (5_000, 5)]);
}

#[test]
fn no_second_burst_without_a_delay() {
    let spec = AnnounceSpec { delay: Duration::ZERO, ..AnnounceSpec::default() };
    assert_eq!(timeline(spec, ms(20_000)), [(0, 5)]);
}

// As in the capture v2-refresh: delay 1, repeat 2, refresh 2.
#[test]
fn refreshes_start_one_period_after_the_second_burst() {
    let spec = AnnounceSpec { repeat: 2, delay: ms(1_000), refresh: ms(2_000), ..AnnounceSpec::default() };
    assert_eq!(timeline(spec, ms(7_500)), [(0, 2), (1_000, 2), (3_000, 1), (5_000, 1), (7_000, 1)]);
}

#[test]
fn a_burst_goes_round_after_round_over_the_addresses() {
    let mut spec = spec();
    spec.announce.repeat = 2;
    spec.addresses.push(virtual_address(v4(10, 0, 0, 101)));
    let mut scene = Scene::start(spec);
    scene.run(ms(3_700));
    let (first, second) = (VIP, v4(10, 0, 0, 101));
    assert_eq!(scene.announced(), [first, second, first, second]);
}

#[test]
fn spacing_lets_one_announcement_go_at_a_time() {
    let spec = AnnounceSpec { delay: Duration::ZERO, spacing: ms(10), ..AnnounceSpec::default() };
    assert_eq!(timeline(spec, ms(100)), [(0, 1), (10, 1), (20, 1), (30, 1), (40, 1)]);
}

#[test]
fn spaced_announcements_that_wait_are_dropped_when_the_addresses_go() {
    let mut spec = spec();
    spec.announce.spacing = ms(100);
    let mut scene = Scene::start(spec);
    scene.run(ms(3_700));
    scene.hear(PEER, 200);
    scene.forget();
    scene.run(ms(2_000));
    assert!(scene.announced().is_empty());
}

#[test]
fn a_second_burst_follows_a_lower_masters_advert_after_its_own_delay() {
    let mut spec = spec();
    spec.announce.lower_priority_delay = ms(700);
    spec.announce.lower_priority_repeat = 3;
    spec.announce.delay = Duration::ZERO;
    let mut scene = Scene::master(spec);
    scene.hear(PEER, 50);
    assert_eq!(scene.announced().len(), 3);
    scene.forget();
    scene.run(ms(600));
    assert_eq!(scene.announced().len(), 0);
    scene.run(ms(200));
    assert_eq!(scene.announced().len(), 3);
}

#[test]
fn nothing_is_announced_where_neighbours_are_not_resolved() {
    let mut scene = Scene::before_start();
    let mut no_arp = link(2, "eth0", true, &[OWN]);
    no_arp.arp = false;
    scene.feed(Input::Links(vec![no_arp]));
    scene.feed(Input::Configure(vec![spec()].into()));
    scene.run(ms(20_000));
    assert!(!scene.log.iter().any(|action| matches!(action, Action::Announce(_))));
}

/// VIP on eth0, another address on a VMAC, a third one on eth1.
fn three_places(all: bool) -> InstanceSpec {
    let announce = AnnounceSpec {
        delay: Duration::ZERO,
        extra_interfaces: Some(ExtraInterfaces { all, every: ms(3_000) }),
        ..AnnounceSpec::default()
    };
    let on_vmac = VirtualAddress { use_vmac: true, ..virtual_address(v4(10, 0, 0, 101)) };
    let on_eth1 = VirtualAddress { interface: "eth1".into(), ..virtual_address(v4(10, 0, 0, 102)) };
    InstanceSpec { announce, addresses: vec![virtual_address(VIP), on_vmac, on_eth1], ..spec() }
}

#[test]
fn garp_extra_if_announces_periodically_on_vmacs_or_everywhere() {
    for (all, expected) in [(false, vec![101]), (true, vec![100, 101, 102])] {
        let mut scene = Scene::before_start();
        scene.feed(Input::Links(vec![link(2, "eth0", true, &[OWN]), link(3, "eth1", true, &[])]));
        scene.feed(Input::Configure(vec![three_places(all)].into()));
        scene.run(ms(3_700));
        for _ in 0..2 {
            scene.forget();
            scene.run(ms(3_000));
            let expected: Vec<_> = expected.iter().map(|last| v4(10, 0, 0, *last)).collect();
            assert_eq!(scene.announced(), expected);
        }
    }
}

#[test]
fn the_interfaces_of_a_garp_group_share_one_spacing() {
    let announce = AnnounceSpec { repeat: 2, delay: Duration::ZERO, ..AnnounceSpec::default() };
    let on_eth1 = VirtualAddress { interface: "eth1".into(), ..virtual_address(v4(10, 0, 0, 102)) };
    let group = AnnounceGroup {
        interfaces: ["eth0", "eth1"].map(str::to_owned).into(),
        numbered: true,
        garp_interval: ms(10),
        gna_interval: ms(500),
    };
    let instance = InstanceSpec { announce, addresses: vec![virtual_address(VIP), on_eth1], ..spec() };
    let mut scene = Scene::before_start();
    scene.feed(Input::Links(vec![link(2, "eth0", true, &[OWN]), link(3, "eth1", true, &[])]));
    scene.feed(Input::Configure(RouterSpec {
        instances: vec![instance],
        announce_groups: vec![group],
        ..RouterSpec::default()
    }));
    scene.run(Duration::from_micros(3_609_375));
    let mut counts = vec![scene.announced().len()];
    for _ in 0..4 {
        scene.run(ms(10));
        counts.push(scene.announced().len());
    }
    assert_eq!(counts, [1, 2, 3, 4, 4]);
}
