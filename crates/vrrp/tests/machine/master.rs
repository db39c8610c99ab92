//! RFC 9568 6.4.3 (Active), in keepalived's words MASTER.

use vrrp::{Input, InstanceSpec, Priority, StateName, What, Why};

use crate::scene::{LOWER_ADDRESS, OWN, PEER, Scene, VIP, held, ms, spec};

#[test]
fn a_master_advertises_every_interval_without_drift() {
    let mut scene = Scene::master(spec());
    let started = scene.now + scene.waits();
    // A driver that is always 3 ms late.
    for round in 0..10 {
        let due = scene.router.next_deadline().unwrap();
        assert_eq!(due, started + ms(1_000 * round), "round {round}");
        scene.now = due + ms(3);
        scene.feed(Input::Tick);
    }
    let adverts = scene.adverts().len();
    assert_eq!(adverts, 10);
}

#[test]
fn a_master_yields_to_a_higher_priority_at_once() {
    let mut scene = Scene::master(spec());
    scene.hear(PEER, 101);
    assert_eq!(scene.states, [(StateName::Backup, Why::BetterMaster { source: PEER, priority: 101 })]);
    assert_eq!(scene.adverts(), [0_u8; 0], "nothing is released to a better master");
    assert_eq!(scene.wants()[0].absent[0], held(VIP));
}

#[test]
fn nopreempt_does_not_make_a_master_keep_the_role_against_a_higher_one() {
    let mut scene = Scene::master(InstanceSpec { nopreempt: true, ..spec() });
    scene.hear(PEER, 101);
    assert_eq!(scene.state(), StateName::Backup);
}

#[test]
fn at_equal_priority_the_greater_address_wins() {
    let mut scene = Scene::master(spec());
    scene.hear(LOWER_ADDRESS, 100);
    assert_eq!(scene.state(), StateName::Master);
    scene.hear(PEER, 100);
    assert_eq!(scene.state(), StateName::Backup);
}

#[test]
fn of_two_owners_the_one_with_the_greater_address_stays() {
    let owner = InstanceSpec { priority: Priority::OWNER, ..spec() };
    let mut scene = Scene::start(owner);
    scene.hear(LOWER_ADDRESS, 255);
    assert_eq!(scene.state(), StateName::Master);
    scene.hear(PEER, 255);
    assert_eq!(scene.state(), StateName::Backup);
}

#[test]
fn a_master_answers_priority_0_with_an_advert() {
    let mut scene = Scene::master(spec());
    scene.run(ms(900));
    scene.forget();
    scene.hear(PEER, 0);
    assert_eq!(scene.adverts(), [100]);
    assert_eq!(scene.state(), StateName::Master);
}

#[test]
fn a_master_answers_a_lower_one_and_tells_the_neighbours_again() {
    let mut scene = Scene::master(spec());
    scene.hear(PEER, 50);
    assert_eq!(scene.adverts(), [100]);
    assert_eq!(scene.announced(), [VIP; 5]);
    assert_eq!(scene.told, [What::LowerMaster { source: PEER, priority: 50 }]);
}

#[test]
fn a_queue_full_of_lower_adverts_is_answered_once() {
    let mut scene = Scene::master(spec());
    for _ in 0..50 {
        scene.hear(PEER, 50);
    }
    assert_eq!(scene.adverts(), [100]);
    assert_eq!(scene.announced().len(), 5);
    assert_eq!(scene.told.len(), 1);
}

#[test]
fn a_lower_master_just_after_a_regular_advert_still_makes_the_neighbours_be_told() {
    let mut scene = Scene::master(spec());
    scene.run(ms(1_000));
    scene.run(scene.waits());
    scene.forget();
    scene.hear(PEER, 50);
    assert_eq!(scene.announced(), [VIP; 5]);
}

#[test]
fn with_lower_prio_no_advert_a_lower_master_is_not_answered_but_the_neighbours_are_told() {
    let mut scene = Scene::master(InstanceSpec { lower_prio_no_advert: true, ..spec() });
    scene.hear(PEER, 50);
    assert_eq!(scene.adverts(), [0_u8; 0]);
    assert_eq!(scene.announced().len(), 5);
}

#[test]
fn with_higher_prio_send_advert_one_more_advert_goes_before_yielding() {
    let mut scene = Scene::master(InstanceSpec { higher_prio_send_advert: true, ..spec() });
    scene.hear(PEER, 200);
    assert_eq!(scene.adverts(), [100]);
    assert_eq!(scene.state(), StateName::Backup);
}

#[test]
fn after_a_stall_there_is_one_advert_and_one_renewed_burst() {
    let mut scene = Scene::master(spec());
    scene.run(ms(10_000));
    scene.forget();
    scene.sleep(ms(5_000));
    scene.feed(Input::Tick);
    assert_eq!(scene.adverts(), [100]);
    assert_eq!(scene.announced(), [VIP; 5]);
    assert!(matches!(scene.told[..], [What::Stalled { late }] if late > ms(4_000)), "{:?}", scene.told);
    assert_eq!(scene.waits(), ms(1_000));
}

#[test]
fn our_own_advert_that_comes_back_changes_nothing() {
    let mut scene = Scene::master(spec());
    scene.hear(OWN, 100);
    scene.hear(OWN, 255);
    assert_eq!(scene.state(), StateName::Master);
    assert_eq!(scene.counters().own_address_received, 2);
}

#[test]
fn a_send_that_fails_is_told_once_and_the_adverts_go_on() {
    let mut scene = Scene::master(spec());
    for _ in 0..3 {
        scene.run(ms(1_000));
        let instance = vrrp::InstanceId(0);
        scene.feed(Input::Done(vrrp::Done::SendFailed { instance, errno: 1 }));
    }
    assert_eq!(scene.told, [What::SendFailed { errno: 1 }]);
    assert_eq!(scene.adverts().len(), 3);
    assert_eq!(scene.counters().send_errors, 3);
}
