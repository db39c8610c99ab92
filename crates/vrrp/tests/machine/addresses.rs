//! Addresses: wanted, confirmed, put back.

use vrrp::{Input, StateName, What};

use crate::scene::{OWN, Scene, VIP, held, link, ms, spec, v4, virtual_address};

#[test]
fn a_refused_address_is_not_announced_and_is_tried_again_every_second() {
    let mut scene = Scene::start(spec());
    scene.refuse = vec![(held(VIP), 13)];
    scene.run(ms(5_700));
    let tries = scene.wants().into_iter().filter(|want| !want.present.is_empty());
    assert_eq!(tries.count(), 3);
    assert_eq!(scene.told, [What::HoldFailed { held: held(VIP), adding: true, errno: 13 }]);
    assert!(scene.announced().is_empty());
    scene.refuse.clear();
    scene.run(ms(1_000));
    assert_eq!(scene.announced(), [VIP; 5]);
}

#[test]
fn one_refused_address_does_not_keep_the_others_from_being_announced() {
    let mut spec = spec();
    spec.addresses.push(virtual_address(v4(10, 0, 0, 101)));
    let mut scene = Scene::start(spec);
    scene.refuse = vec![(held(VIP), 13)];
    scene.run(ms(3_700));
    assert_eq!(scene.announced(), [v4(10, 0, 0, 101); 5]);
}

#[test]
fn an_address_that_somebody_removes_is_put_back_announced_and_counted() {
    let mut scene = Scene::master(spec());
    scene.run(ms(2_000));
    scene.feed(Input::Link(link(2, "eth0", true, &[OWN, VIP])));
    scene.forget();
    scene.feed(Input::Link(link(2, "eth0", true, &[OWN])));
    assert_eq!(scene.wants().len(), 1);
    assert_eq!(scene.announced(), [VIP; 5]);
    assert_eq!(scene.told, [What::Restored { held: held(VIP) }]);
    assert_eq!(scene.counters().addresses_restored, 1);
    assert_eq!(scene.state(), StateName::Master);
}

#[test]
fn somebody_who_removes_an_address_all_the_time_is_answered_once_a_second() {
    let mut scene = Scene::master(spec());
    scene.run(ms(2_000));
    scene.forget();
    for _ in 0..100 {
        scene.feed(Input::Link(link(2, "eth0", true, &[OWN, VIP])));
        scene.feed(Input::Link(link(2, "eth0", true, &[OWN])));
        scene.run(ms(50));
    }
    assert!((5..=6).contains(&scene.wants().len()), "{}", scene.wants().len());
}

#[test]
fn a_view_from_before_the_address_was_there_is_not_taken_for_a_loss() {
    let mut scene = Scene::master(spec());
    scene.run(ms(2_000));
    scene.forget();
    scene.feed(Input::Link(link(2, "eth0", true, &[OWN])));
    assert_eq!(scene.wants().len(), 0);
}

#[test]
fn an_address_that_cannot_be_removed_is_tried_again() {
    let mut scene = Scene::start(spec());
    scene.refuse = vec![(held(VIP), 1)];
    scene.forget();
    scene.feed(Input::Link(link(2, "eth0", false, &[OWN])));
    scene.run(ms(3_100));
    assert_eq!(scene.wants().len(), 4);
    assert!(scene.told.iter().all(|what| matches!(what, What::HoldFailed { adding: false, .. })));
}

#[test]
fn an_excluded_address_is_held_and_announced_but_not_advertised() {
    let mut spec = spec();
    spec.excluded.push(virtual_address(v4(10, 0, 0, 102)));
    let mut scene = Scene::start(spec);
    scene.run(ms(3_700));
    assert_eq!(scene.wants().last().unwrap().present.len(), 2);
    assert!(scene.announced().contains(&v4(10, 0, 0, 102)));
    let advert = scene.log.iter().find_map(|action| match action {
        vrrp::Action::Send(send) => vrrp::Advert::read(&send.payload, send.source, send.destination).ok(),
        _ => None,
    });
    assert_eq!(advert.unwrap().addresses, [VIP]);
}
