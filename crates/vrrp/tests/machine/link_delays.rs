//! `interface_up_down_delays`: a short flap is nobody's concern.

use std::collections::BTreeMap;
use std::time::Duration;

use vrrp::{Input, LinkDelays, RouterSpec, StateName};

use crate::scene::{OWN, Scene, index, link, ms, spec};

fn delayed(down: Duration, up: Duration) -> Scene {
    let link_delays = BTreeMap::from([("eth0".to_owned(), LinkDelays { down, up })]);
    Scene::start_all(RouterSpec { instances: vec![spec()], link_delays, ..RouterSpec::default() })
}

fn set(scene: &mut Scene, up: bool) {
    scene.feed(Input::Link(link(2, "eth0", up, &[OWN])));
}

#[test]
fn down_counts_when_it_has_lasted() {
    let mut scene = delayed(ms(500), ms(0));
    set(&mut scene, false);
    scene.run(ms(499));
    assert_eq!(scene.state(), StateName::Backup);
    scene.run(ms(1));
    assert_eq!(scene.state(), StateName::Fault);
}

#[test]
fn a_flap_shorter_than_the_delay_changes_nothing() {
    let mut scene = delayed(ms(500), ms(0));
    for _ in 0..3 {
        set(&mut scene, false);
        scene.run(ms(400));
        set(&mut scene, true);
    }
    scene.run(ms(1_000));
    assert_eq!(scene.states.len(), 1, "{:?}", scene.states);
}

#[test]
fn news_of_an_interface_that_is_down_do_not_start_the_delay_anew() {
    let mut scene = delayed(ms(500), ms(0));
    for _ in 0..5 {
        set(&mut scene, false);
        scene.run(ms(100));
    }
    assert_eq!(scene.state(), StateName::Fault);
}

#[test]
fn up_counts_when_it_has_lasted() {
    let mut scene = delayed(ms(0), ms(500));
    set(&mut scene, false);
    assert_eq!(scene.state(), StateName::Fault);
    set(&mut scene, true);
    scene.run(ms(499));
    assert_eq!(scene.state(), StateName::Fault);
    scene.run(ms(1));
    assert_eq!(scene.state(), StateName::Backup);
}

#[test]
fn an_interface_that_was_never_up_comes_up_at_once() {
    let link_delays = BTreeMap::from([("eth0".to_owned(), LinkDelays { down: ms(500), up: ms(500) })]);
    let mut scene = Scene::before_start();
    scene.feed(Input::Links(vec![link(2, "eth0", false, &[OWN])]));
    scene.feed(Input::Configure(RouterSpec {
        instances: vec![spec()],
        link_delays,
        ..RouterSpec::default()
    }));
    assert_eq!(scene.state(), StateName::Fault);
    set(&mut scene, true);
    assert_eq!(scene.state(), StateName::Backup);
}

#[test]
fn an_interface_that_is_deleted_is_gone_at_once() {
    let mut scene = delayed(ms(500), ms(0));
    scene.feed(Input::LinkGone(index(2)));
    assert_eq!(scene.state(), StateName::Fault);
}
