//! A reload is a `Configure` on a running router: it does what changed, and nothing else.

use std::time::Duration;

use vrrp::{
    Authentication, AuthenticationData, Centiseconds, Input, InstanceSpec, Priority, StateName, Version,
    VirtualRouterId, Why,
};

use crate::scene::{PEER, Scene, VIP, held, ms, spec, v4, virtual_address};

#[test]
fn an_unchanged_instance_does_nothing_at_a_reload() {
    let mut scene = Scene::master(spec());
    scene.run(ms(400));
    scene.forget();
    let deadline = scene.router.next_deadline();
    scene.feed(Input::Configure(vec![spec()].into()));
    assert_eq!(scene.log, []);
    assert_eq!(scene.router.next_deadline(), deadline);
}

#[test]
fn a_renamed_instance_stays_what_it_is() {
    let mut scene = Scene::master(spec());
    scene.feed(Input::Configure(vec![InstanceSpec { name: "OTHER".into(), ..spec() }].into()));
    assert_eq!(scene.state(), StateName::Master);
    assert_eq!(scene.log, []);
}

#[test]
fn a_new_address_is_added_and_announced_without_a_change_of_state() {
    let mut scene = Scene::master(spec());
    scene.run(ms(6_000));
    scene.forget();
    let mut more = spec();
    more.addresses.push(virtual_address(v4(10, 0, 0, 101)));
    scene.feed(Input::Configure(vec![more].into()));
    assert_eq!(scene.states, []);
    assert_eq!(scene.announced(), [v4(10, 0, 0, 101); 5], "the old address is where it was");
}

#[test]
fn an_address_that_is_no_longer_listed_is_removed_without_a_change_of_state() {
    let mut two = spec();
    two.addresses.push(virtual_address(v4(10, 0, 0, 101)));
    let mut scene = Scene::master(two);
    scene.feed(Input::Configure(vec![spec()].into()));
    assert_eq!(scene.states, []);
    let [want] = scene.wants()[..] else { panic!("{:?}", scene.log) };
    assert_eq!(want.absent, [held(v4(10, 0, 0, 101))]);
    assert_eq!(want.present, [held(VIP)]);
}

#[test]
fn a_removed_address_that_the_kernel_keeps_is_removed_later() {
    let mut two = spec();
    two.addresses.push(virtual_address(v4(10, 0, 0, 101)));
    let mut scene = Scene::master(two);
    scene.refuse = vec![(held(v4(10, 0, 0, 101)), 1)];
    scene.feed(Input::Configure(vec![spec()].into()));
    scene.refuse.clear();
    scene.forget();
    scene.run(ms(1_000));
    assert_eq!(scene.wants()[0].absent, [held(v4(10, 0, 0, 101))]);
}

#[test]
fn an_instance_that_is_gone_releases_its_addresses() {
    let mut scene = Scene::master(spec());
    let other = InstanceSpec { vrid: VirtualRouterId::new(52).unwrap(), ..spec() };
    scene.feed(Input::Configure(vec![other].into()));
    assert_eq!(scene.states[0], (StateName::Stop, Why::Removed));
    assert_eq!(scene.adverts(), [0]);
}

#[test]
fn a_new_instance_beside_a_running_one_starts_as_backup() {
    let mut scene = Scene::master(spec());
    let other = InstanceSpec { vrid: VirtualRouterId::new(52).unwrap(), ..spec() };
    scene.feed(Input::Configure(vec![spec(), other].into()));
    let states: Vec<_> = scene.router.snapshots().iter().map(|snapshot| snapshot.state).collect();
    assert_eq!(states, [StateName::Master, StateName::Backup]);
}

#[test]
fn a_master_whose_priority_changes_stays_master_and_says_the_new_one_in_its_next_advert() {
    let mut scene = Scene::master(spec());
    scene
        .feed(Input::Configure(vec![InstanceSpec { priority: Priority::new(50).unwrap(), ..spec() }].into()));
    assert_eq!(scene.states, []);
    scene.run(ms(1_000));
    assert_eq!(scene.adverts(), [50]);
}

#[test]
fn a_shorter_interval_takes_effect_at_once() {
    let mut scene = Scene::master(spec());
    scene.feed(Input::Configure(
        vec![InstanceSpec { advert_interval: Centiseconds::new(10), ..spec() }].into(),
    ));
    assert!(scene.waits() <= ms(100), "{:?}", scene.waits());
}

#[test]
fn a_backup_with_another_interval_waits_for_as_long_as_that_says() {
    let mut scene = Scene::start(spec());
    scene.hear(PEER, 200);
    scene.feed(Input::Configure(
        vec![InstanceSpec { advert_interval: Centiseconds::from_secs(10), ..spec() }].into(),
    ));
    assert_eq!(scene.waits(), Duration::from_micros(30_609_375));
}

#[test]
fn an_instance_that_comes_back_before_its_end_was_confirmed_is_a_new_one() {
    let mut scene = Scene::master(spec());
    scene.feed(Input::Configure(vec![].into()));
    scene.feed(Input::Configure(vec![spec()].into()));
    assert_eq!(scene.state(), StateName::Backup);
}

#[test]
fn an_advert_that_was_accepted_is_judged_anew_after_a_reload() {
    let open = InstanceSpec { version: Version::V2, ..spec() };
    let mut scene = Scene::start(open.clone());
    scene.hear(PEER, 200);
    scene.hear(PEER, 200);
    assert_eq!(scene.counters().advert_received, 2);
    let authentication = Authentication::Password(*b"secret\0\0");
    scene.feed(Input::Configure(vec![InstanceSpec { authentication, ..open }].into()));
    scene.hear_altered(PEER, 200, |advert| advert.authentication = AuthenticationData::None);
    assert_eq!((scene.counters().advert_received, scene.counters().auth_type_mismatch), (2, 1));
}
