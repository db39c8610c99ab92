//! `timer_expired_backup`: a master that did not run for long, with `nopreempt`.

use vrrp::{Input, InstanceSpec, Priority, StateName, Why};

use crate::scene::{PEER, Scene, ms, spec};

/// A backup of priority 254 waits for 3.0078125 s.
fn patient() -> InstanceSpec {
    InstanceSpec { nopreempt: true, timer_expired_backup: Priority::new(254), ..spec() }
}

#[test]
fn a_master_that_was_silent_for_longer_than_a_backup_waits_steps_down() {
    let mut scene = Scene::master(patient());
    let silent_since = scene.waits();
    scene.sleep(ms(3_100));
    scene.feed(Input::Tick);
    let silent = ms(3_100) + (ms(1_000) - silent_since);
    assert_eq!(scene.states, [(StateName::Backup, Why::Stalled { silent })]);
    assert_eq!(scene.adverts(), [0_u8; 0], "it does not contend");
}

#[test]
fn it_does_not_answer_its_successor_either() {
    let mut scene = Scene::master(patient());
    scene.sleep(ms(3_100));
    scene.hear(PEER, 50);
    assert_eq!((scene.state(), scene.adverts()), (StateName::Backup, vec![]));
    scene.run(ms(3_500));
    assert_eq!(scene.state(), StateName::Backup, "the advert was heard as a backup hears it");
}

#[test]
fn a_shorter_silence_changes_nothing() {
    let mut scene = Scene::master(patient());
    scene.sleep(ms(2_500));
    scene.feed(Input::Tick);
    assert_eq!(scene.states, []);
}

#[test]
fn the_assumed_priority_says_how_long_a_backup_waits() {
    let assumed = InstanceSpec { timer_expired_backup: Priority::new(1), ..patient() };
    let mut scene = Scene::master(assumed);
    scene.sleep(ms(3_100));
    scene.feed(Input::Tick);
    assert_eq!(scene.states, []);
}

#[test]
fn a_router_that_preempts_takes_back_what_is_its_own() {
    let mut scene = Scene::master(InstanceSpec { nopreempt: false, ..patient() });
    scene.sleep(ms(5_000));
    scene.feed(Input::Tick);
    assert_eq!(scene.state(), StateName::Master);
}
