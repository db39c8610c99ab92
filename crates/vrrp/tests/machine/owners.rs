//! Owners of the addresses, of which there should be one.

use vrrp::{FaultCause, Input, InstanceSpec, Priority, StateName, What, Why};

use crate::scene::{LOWER_ADDRESS, OWN, PEER, Scene, VIP, link, ms, spec, v4};

fn owner() -> InstanceSpec {
    InstanceSpec { priority: Priority::OWNER, ..spec() }
}

fn started(spec: InstanceSpec) -> Scene {
    let mut scene = Scene::start(spec);
    scene.forget();
    scene
}

#[test]
fn of_two_owners_the_one_with_the_lower_address_yields() {
    let mut scene = started(owner());
    scene.hear(PEER, 255);
    assert_eq!(scene.states, [(StateName::Backup, Why::BetterMaster { source: PEER, priority: 255 })]);
}

#[test]
fn the_other_answers_at_first() {
    let mut scene = started(owner());
    scene.hear(LOWER_ADDRESS, 255);
    assert_eq!((scene.state(), scene.adverts()), (StateName::Master, vec![255]));
    assert!(scene.told.contains(&What::Rival { source: LOWER_ADDRESS }));
}

/// The rival speaks once a second for so long.
fn endure(scene: &mut Scene, seconds: u64) {
    for _ in 0..seconds {
        scene.hear(LOWER_ADDRESS, 255);
        scene.run(ms(1_000));
    }
}

#[test]
fn if_the_rival_does_not_yield_the_other_does_until_the_rival_is_gone() {
    let mut scene = started(owner());
    // Two adverts of our own and 1.2 intervals.
    endure(&mut scene, 4);
    assert_eq!(scene.state(), StateName::Master);
    endure(&mut scene, 1);
    assert_eq!(scene.state(), StateName::Backup);
    let demoted = What::PriorityChanged { from: Priority::OWNER, to: Priority::BELOW_OWNER };
    assert!(scene.told.contains(&demoted), "{:?}", scene.told);
    endure(&mut scene, 5);
    scene.forget();
    scene.run(ms(4_000));
    assert_eq!((scene.state(), scene.adverts()[0]), (StateName::Master, 255), "it is the owner again");
}

#[test]
fn a_rival_that_was_silent_in_between_is_a_new_one() {
    let mut scene = started(owner());
    for _ in 0..5 {
        scene.hear(LOWER_ADDRESS, 255);
        scene.run(ms(4_000));
    }
    assert_eq!(scene.state(), StateName::Master);
}

#[test]
fn with_owner_ignore_adverts_an_owner_hears_nobody() {
    let mut scene = started(InstanceSpec { owner_ignore_adverts: true, ..owner() });
    scene.hear(PEER, 255);
    assert_eq!((scene.state(), scene.log.len()), (StateName::Master, 0));
    assert_eq!((scene.counters().ignored_by_owner, scene.counters().advert_received), (1, 0));
}

#[test]
fn owner_ignore_adverts_is_for_owners_only() {
    let mut scene = Scene::start(InstanceSpec { owner_ignore_adverts: true, ..spec() });
    scene.hear(PEER, 200);
    assert_eq!(scene.counters().advert_received, 1);
}

fn with_source(track_source: bool) -> InstanceSpec {
    InstanceSpec { source: Some(v4(10, 0, 0, 50)), track_source, ..spec() }
}

#[test]
fn with_track_src_ip_a_missing_source_address_is_a_fault() {
    let mut scene = Scene::start(with_source(true));
    let cause = FaultCause::SourceMissing(v4(10, 0, 0, 50));
    assert_eq!(scene.states, [(StateName::Fault, Why::Fault(vec![cause]))]);
    scene.feed(Input::Link(link(2, "eth0", true, &[OWN, v4(10, 0, 0, 50)])));
    assert_eq!(scene.state(), StateName::Backup);
    scene.feed(Input::Link(link(2, "eth0", true, &[OWN, VIP])));
    assert_eq!(scene.state(), StateName::Fault);
}

#[test]
fn without_it_a_missing_source_address_is_used_all_the_same() {
    let scene = Scene::start(with_source(false));
    assert_eq!(scene.state(), StateName::Backup);
}
