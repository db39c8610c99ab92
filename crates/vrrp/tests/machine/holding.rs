//! Routes and rules beside addresses, and what is held at all times.

use vrrp::{
    Family, Held, Input, InstanceId, InstanceSpec, Nexthop, Prefix, RouteSpec, RouterSpec, RuleAction,
    RuleSpec, StateName, VirtualAddress, What,
};

use crate::scene::{OWN, Scene, VIP, held, link, ms, spec, v4};

fn route() -> RouteSpec {
    let hop = Nexthop { gateway: Some(OWN), interface: Some("eth0".to_owned()), ..Nexthop::default() };
    RouteSpec { nexthops: vec![hop], ..RouteSpec::new(Prefix { address: v4(192, 0, 2, 0), len: 24 }) }
}

fn rule() -> RuleSpec {
    RuleSpec::new(Family::V4, RuleAction::Table(100), 1000)
}

fn full() -> InstanceSpec {
    InstanceSpec { routes: vec![route()], rules: vec![rule()], ..spec() }
}

fn statics(held: Vec<Held>) -> RouterSpec {
    RouterSpec { instances: vec![spec()], statics: held, ..RouterSpec::default() }
}

#[test]
fn routes_come_after_addresses_and_rules_after_routes_and_they_go_in_reverse() {
    let mut scene = Scene::start(full());
    assert_eq!(scene.wants()[0].absent, [rule().into(), route().into(), held(VIP)]);
    scene.forget();
    scene.run(ms(3_700));
    assert_eq!(scene.wants()[0].present, [held(VIP), route().into(), rule().into()]);
}

#[test]
fn a_route_that_somebody_removes_is_put_back_and_counted() {
    let mut scene = Scene::master(full());
    scene.run(ms(2_000));
    scene.forget();
    scene.feed(Input::Lost(vec![route().into()]));
    assert_eq!(scene.wants().len(), 1);
    assert_eq!(scene.told, [What::Restored { held: route().into() }]);
    assert!(scene.announced().is_empty(), "the address was there all the time");
    assert_eq!(scene.state(), StateName::Master);
    for _ in 0..100 {
        scene.feed(Input::Lost(vec![route().into(), rule().into()]));
        scene.run(ms(50));
    }
    assert!((5..=7).contains(&scene.wants().len()), "{}", scene.wants().len());
}

#[test]
fn what_is_not_tracked_stays_away_when_somebody_removes_it() {
    let rule = RuleSpec { track: false, ..rule() };
    let mut scene = Scene::master(InstanceSpec { rules: vec![rule.clone()], ..spec() });
    scene.run(ms(2_000));
    scene.forget();
    scene.feed(Input::Lost(vec![rule.into()]));
    scene.run(ms(2_000));
    assert_eq!(scene.wants().len(), 0);
}

#[test]
fn a_backup_does_not_care_what_becomes_of_routes() {
    let mut scene = Scene::start(full());
    scene.forget();
    scene.feed(Input::Lost(vec![route().into()]));
    scene.feed(Input::Doubt);
    assert_eq!(scene.wants().len(), 0);
}

#[test]
fn after_lost_notifications_everything_is_wanted_again_and_nothing_counted() {
    let mut scene = Scene::master(full());
    scene.run(ms(2_000));
    scene.forget();
    scene.feed(Input::Doubt);
    assert_eq!(scene.wants().len(), 1);
    assert_eq!((scene.told.len(), scene.announced().len()), (0, 0));
}

#[test]
fn routes_that_went_with_an_interface_come_back_with_it() {
    let mut through_eth1 = route();
    through_eth1.track = false;
    through_eth1.nexthops[0].interface = Some("eth1".to_owned());
    let mut scene = Scene::master(InstanceSpec { routes: vec![through_eth1], ..spec() });
    scene.run(ms(2_000));
    scene.feed(Input::Link(link(3, "eth1", true, &[])));
    scene.run(ms(2_000));
    scene.forget();
    scene.feed(Input::Link(link(3, "eth1", false, &[])));
    assert_eq!(scene.wants().len(), 0);
    scene.feed(Input::Link(link(3, "eth1", true, &[])));
    assert_eq!(scene.wants().len(), 1);
}

#[test]
fn a_tracked_route_over_an_interface_that_is_down_means_fault() {
    let mut through_eth1 = route();
    through_eth1.nexthops[0].interface = Some("eth1".to_owned());
    let mut scene = Scene::before_start();
    scene.feed(Input::Links(vec![link(2, "eth0", true, &[OWN]), link(3, "eth1", false, &[])]));
    scene.feed(Input::Configure(vec![InstanceSpec { routes: vec![through_eth1], ..spec() }].into()));
    assert_eq!(scene.state(), StateName::Fault);
    scene.feed(Input::Link(link(3, "eth1", true, &[])));
    assert_eq!(scene.state(), StateName::Backup);
}

#[test]
fn a_failure_is_told_once_until_it_is_none() {
    let mut scene = Scene::start(full());
    scene.refuse = vec![(route().into(), 22)];
    scene.run(ms(8_000));
    let failures = |scene: &Scene| {
        scene.told.iter().filter(|what| matches!(what, What::HoldFailed { adding: true, .. })).count()
    };
    assert_eq!(failures(&scene), 1);
    scene.refuse.clear();
    scene.run(ms(2_000));
    scene.refuse = vec![(route().into(), 22)];
    scene.feed(Input::Lost(vec![route().into()]));
    assert_eq!(failures(&scene), 2);
}

#[test]
fn what_is_static_is_there_from_the_first_configuration_to_the_stop() {
    let mut scene = Scene::before_start();
    scene.feed(Input::Links(vec![link(2, "eth0", true, &[OWN])]));
    scene.feed(Input::Configure(statics(vec![held(v4(10, 0, 0, 200)), rule().into()])));
    let want = scene.wants()[0];
    assert_eq!((want.instance, want.present.len(), want.absent.len()), (InstanceId::STATIC, 2, 0));
    scene.forget();
    scene.feed(Input::Stop);
    let want = scene.wants().into_iter().find(|want| want.instance == InstanceId::STATIC).unwrap();
    assert_eq!((want.present.len(), want.absent.len()), (0, 2));
    assert!(scene.router.is_stopped());
}

#[test]
fn a_reload_changes_only_what_changed_of_what_is_static() {
    let mut scene = Scene::before_start();
    scene.feed(Input::Links(vec![link(2, "eth0", true, &[OWN])]));
    scene.feed(Input::Configure(statics(vec![held(v4(10, 0, 0, 200)), rule().into()])));
    scene.forget();
    scene.feed(Input::Configure(statics(vec![held(v4(10, 0, 0, 200)), rule().into()])));
    assert_eq!(scene.wants().len(), 0);
    scene.feed(Input::Configure(statics(vec![held(v4(10, 0, 0, 200))])));
    let [want] = scene.wants()[..] else { panic!("{:?}", scene.log) };
    assert_eq!((&want.present[..], &want.absent[..]), (&[held(v4(10, 0, 0, 200))][..], &[rule().into()][..]));
}

#[test]
fn who_does_not_release_removes_what_is_static_all_the_same_and_says_nothing() {
    let mut scene = Scene::before_start();
    scene.feed(Input::Links(vec![link(2, "eth0", true, &[OWN])]));
    scene.feed(Input::Configure(statics(vec![rule().into()])));
    scene.run(ms(4_000));
    scene.forget();
    scene.feed(Input::Abandon);
    let [want] = scene.wants()[..] else { panic!("{:?}", scene.log) };
    assert_eq!((want.instance, &want.absent[..]), (InstanceId::STATIC, &[rule().into()][..]));
    assert_eq!(scene.adverts(), [0; 0]);
    assert!(scene.router.is_stopped());
}

#[test]
fn a_static_route_that_somebody_removes_is_put_back() {
    let mut scene = Scene::before_start();
    scene.feed(Input::Links(vec![link(2, "eth0", true, &[OWN])]));
    scene.feed(Input::Configure(statics(vec![route().into()])));
    scene.run(ms(1_500));
    scene.forget();
    scene.feed(Input::Lost(vec![route().into()]));
    assert_eq!(scene.told, [What::Restored { held: route().into() }]);
}

#[test]
fn members_of_a_track_group_follow_the_interface_of_what_is_static() {
    let mut scene = Scene::before_start();
    scene.feed(Input::Links(vec![link(2, "eth0", true, &[OWN]), link(3, "eth1", true, &[])]));
    let address = VirtualAddress {
        track_group: Some("both".to_owned()),
        ..VirtualAddress::new(v4(10, 2, 0, 200), 24, "eth1")
    };
    let mut configuration = statics(vec![address.into()]);
    configuration.track_groups.insert("both".to_owned(), vec![spec().name]);
    scene.feed(Input::Configure(configuration));
    assert_eq!(scene.state(), StateName::Backup);
    scene.feed(Input::Link(link(3, "eth1", false, &[])));
    assert_eq!(scene.state(), StateName::Fault);
}
