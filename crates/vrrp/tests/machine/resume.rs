//! A process that replaces a crashed one goes on where that one was.

use vrrp::{Input, StateName, Why};

use crate::scene::{OWN, PEER, Scene, VIP, held, link, ms, spec};

fn successor(of: &mut Scene) -> Scene {
    let snapshots = of.router.snapshots();
    let mut scene = Scene::before_start();
    scene.now = of.now + ms(50);
    scene.feed(Input::Links(vec![link(2, "eth0", true, &[OWN, VIP])]));
    scene.feed(Input::Resume(snapshots));
    scene.feed(Input::Configure(vec![spec()].into()));
    scene
}

#[test]
fn a_master_goes_on_as_master_with_an_advert_at_once_and_keeps_its_addresses() {
    let scene = successor(&mut Scene::master(spec()));
    assert_eq!(scene.states, [(StateName::Master, Why::Resumed)]);
    assert_eq!(scene.adverts(), [100]);
    assert!(scene.wants().iter().all(|want| want.absent.is_empty()));
    assert_eq!(scene.wants()[0].present[0], held(VIP));
}

#[test]
fn a_backup_waits_a_whole_down_interval_since_it_was_deaf_meanwhile() {
    let mut scene = Scene::start(spec());
    scene.run(ms(3_000));
    let scene = successor(&mut scene);
    assert_eq!(scene.states, [(StateName::Backup, Why::Resumed)]);
    assert_eq!(scene.waits().as_micros(), 3_609_375);
}

#[test]
fn a_resumed_master_yields_to_a_better_one_that_took_over_meanwhile() {
    let mut scene = successor(&mut Scene::master(spec()));
    scene.hear(PEER, 150);
    assert_eq!(scene.state(), StateName::Backup);
}

#[test]
fn the_counters_go_on() {
    let mut before = Scene::master(spec());
    before.run(ms(10_000));
    let sent = before.counters().advert_sent;
    assert_eq!(successor(&mut before).counters().advert_sent, sent + 1);
}

#[test]
fn a_snapshot_is_reported_whenever_the_state_changes_and_not_with_every_advert() {
    let mut scene = Scene::start(spec());
    assert_eq!(scene.router.take_changed().len(), 1);
    scene.run(ms(3_700));
    let changed = scene.router.take_changed();
    assert_eq!(changed[0].state, StateName::Master);
    scene.run(ms(10_000));
    assert_eq!(scene.router.take_changed(), []);
}
