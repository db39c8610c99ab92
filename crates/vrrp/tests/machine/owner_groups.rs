//! Owners of their addresses in sync groups. What is told, and when, is what keepalived 2.2.7 wrote to its FIFO with the same
//! configuration.

use std::time::Duration;

use vrrp::{
    InitialState, Input, InstanceSpec, Priority, RouterSpec, StateName, SyncGroupSpec, Track, TrackerId,
    TrackerKind, TrackerState, VirtualRouterId,
};

use crate::scene::{OWN, PEER, Scene, link, ms, spec, v4, virtual_address};

const BACKUP: StateName = StateName::Backup;
const MASTER: StateName = StateName::Master;

fn member(number: u8, priority: u8, initial_state: InitialState) -> InstanceSpec {
    InstanceSpec {
        name: format!("S{number}"),
        vrid: VirtualRouterId::new(60 + number).unwrap(),
        priority: Priority::new(priority).unwrap(),
        initial_state,
        addresses: vec![virtual_address(v4(10, 0, 0, 110 + number))],
        ..spec()
    }
}

fn group(instances: Vec<InstanceSpec>) -> RouterSpec {
    let members = instances.iter().map(|instance| instance.name.clone()).collect();
    RouterSpec { sync_groups: vec![SyncGroupSpec::new("G", members)], instances, ..RouterSpec::default() }
}

/// Two owners for whom the file has these lines of `state`.
fn owners(first: InitialState, second: InitialState) -> RouterSpec {
    group(vec![member(1, 255, first), member(2, 255, second)])
}

fn unset() -> RouterSpec {
    owners(InitialState::Unset, InitialState::Unset)
}

fn eth0(scene: &mut Scene, up: bool) {
    scene.feed(Input::Link(link(2, "eth0", up, &[OWN])));
}

/// Until the next takeover, and what is told then.
fn next(scene: &mut Scene) -> (Duration, Vec<String>) {
    scene.forget();
    let start = scene.now;
    while scene.notified().is_empty() {
        let waits = scene.waits();
        scene.run(waits);
    }
    (scene.now.saturating_since(start), scene.notified())
}

/// S1 hears this priority.
fn hears(scene: &mut Scene, priority: u8) {
    let mut other = Scene::start_at(PEER, member(1, priority, InitialState::Unset));
    other.run(ms(4_000));
    scene.packet(other.packets().remove(0));
}

const TOLD: [&str; 3] = ["*G BACKUP", "S1 BACKUP", "S2 BACKUP"];

#[test]
fn they_are_backups_for_an_advertisement_interval_and_then_masters_together() {
    let mut scene = Scene::start_all(unset());
    assert_eq!(scene.notified(), TOLD);
    let (after, told) = next(&mut scene);
    assert_eq!(
        (after, told),
        (ms(1_000), ["S1 MASTER", "S2 MASTER", "*G MASTER"].map(String::from).to_vec())
    );
}

#[test]
fn the_one_with_the_shorter_interval_takes_the_others_along() {
    let mut slow_first = unset();
    slow_first.instances[0].advert_interval = vrrp::Centiseconds::from_secs(3);
    let (after, told) = next(&mut Scene::start_all(slow_first));
    assert_eq!(
        (after, told),
        (ms(1_000), ["S2 MASTER", "S1 MASTER", "*G MASTER"].map(String::from).to_vec())
    );
}

#[test]
fn if_all_ask_for_it_they_are_masters_at_once_and_nobody_is_told_of_the_group() {
    let mut scene = Scene::start_all(owners(InitialState::Master, InitialState::Master));
    assert_eq!(scene.notified(), ["S1 MASTER", "S2 MASTER"]);
    scene.forget();
    eth0(&mut scene, false);
    assert_eq!(scene.notified(), ["S1 FAULT", "S2 FAULT", "*G FAULT"]);
}

#[test]
fn if_only_one_asks_for_it_they_are_backups_first() {
    let mut scene = Scene::start_all(owners(InitialState::Unset, InitialState::Master));
    assert_eq!(scene.notified(), TOLD);
    assert_eq!(next(&mut scene).0, ms(1_000));
}

#[test]
fn one_that_asks_for_backup_makes_all_wait_for_their_down_timers() {
    for (first, second) in [
        (InitialState::Backup, InitialState::Backup),
        (InitialState::Master, InitialState::Backup),
        (InitialState::Backup, InitialState::Master),
    ] {
        let mut scene = Scene::start_all(owners(first, second));
        assert_eq!(scene.notified(), TOLD);
        assert_eq!(next(&mut scene).0, Duration::from_micros(3_003_906), "{first:?} {second:?}");
    }
}

#[test]
fn with_one_that_is_no_owner_an_election_decides() {
    let mixed = |state| group(vec![member(1, 255, state), member(2, 100, InitialState::Master)]);
    for state in [InitialState::Unset, InitialState::Master] {
        let mut scene = Scene::start_all(mixed(state));
        assert_eq!(scene.notified(), TOLD);
        let (after, told) = next(&mut scene);
        assert_eq!(after, Duration::from_micros(3_609_375));
        assert_eq!(told, ["S2 MASTER", "S1 MASTER", "*G MASTER"]);
    }
}

#[test]
fn adverts_of_lower_priority_change_nothing_and_one_of_another_owner_lets_all_wait() {
    let mut scene = Scene::start_all(unset());
    scene.run(ms(400));
    hears(&mut scene, 100);
    assert_eq!(scene.waits(), ms(600));
    hears(&mut scene, 255);
    scene.run(ms(2_000));
    assert_eq!(scene.all_states(), [BACKUP, BACKUP]);
    let (_, told) = next(&mut scene);
    assert_eq!(told, ["S1 MASTER", "S2 MASTER", "*G MASTER"]);
}

#[test]
fn after_a_fault_they_wait_for_their_down_timers() {
    let mut scene = Scene::start_all(owners(InitialState::Master, InitialState::Master));
    eth0(&mut scene, false);
    scene.forget();
    eth0(&mut scene, true);
    assert_eq!(scene.all_states(), [BACKUP, BACKUP]);
    assert_eq!(next(&mut scene).0, Duration::from_micros(3_003_906));
}

#[test]
fn owners_that_had_to_wait_for_a_script_are_masters_at_once() {
    let tracker = TrackerId::new(TrackerKind::Script, "check");
    for state in [InitialState::Unset, InitialState::Master] {
        let mut spec = owners(state, state);
        spec.instances[0].tracks = vec![Track { tracker: tracker.clone(), weight: 0, reverse: false }];
        let mut scene = Scene::start_all(spec);
        scene.run(ms(5_000));
        assert_eq!(scene.notified(), [""; 0]);
        scene.feed(Input::Track { tracker: tracker.clone(), state: TrackerState::Up });
        assert_eq!(scene.notified(), ["S1 MASTER", "S2 MASTER", "*G MASTER"]);
    }
}

#[test]
fn a_lone_owner_that_asks_for_backup_waits_for_its_down_timer() {
    let mut scene = Scene::start(member(1, 255, InitialState::Backup));
    assert_eq!((scene.state(), scene.waits()), (BACKUP, Duration::from_micros(3_003_906)));
    scene.run(ms(3_100));
    assert_eq!(scene.state(), MASTER);
}

#[test]
fn owners_that_a_reload_adds_start_like_others() {
    let mut scene = Scene::start(member(3, 100, InitialState::Unset));
    scene.run(ms(4_000));
    scene.forget();
    let mut more = unset();
    more.instances.insert(0, member(3, 100, InitialState::Unset));
    scene.feed(Input::Configure(more));
    assert_eq!(scene.notified(), TOLD);
    assert_eq!(next(&mut scene).0, ms(1_000));
}
