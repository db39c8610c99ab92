//! Sync groups: the members are master together, or not at all.

use vrrp::{
    FaultCause, Input, InstanceSpec, InterfaceTrack, Packet, Priority, RouterSpec, StateName, SyncGroupSpec,
    Track, TrackerId, TrackerKind, TrackerState, VirtualRouterId, Why,
};

use crate::scene::{OWN, PEER, Scene, index, link, ms, spec, v4, virtual_address};

const INIT: StateName = StateName::Init;
const BACKUP: StateName = StateName::Backup;
const MASTER: StateName = StateName::Master;
const FAULT: StateName = StateName::Fault;

/// An instance with an address of its own.
fn member(number: u8, priority: u8) -> InstanceSpec {
    InstanceSpec {
        name: format!("S{number}"),
        vrid: VirtualRouterId::new(60 + number).unwrap(),
        priority: Priority::new(priority).unwrap(),
        addresses: vec![virtual_address(v4(10, 0, 0, 110 + number))],
        ..spec()
    }
}

fn group(instances: Vec<InstanceSpec>) -> RouterSpec {
    let members = instances.iter().map(|instance| instance.name.clone()).collect();
    RouterSpec { sync_groups: vec![SyncGroupSpec::new("G", members)], instances, ..RouterSpec::default() }
}

/// S1 of priority 150 and S2 of priority 120; S2 tracks eth1.
fn pair() -> RouterSpec {
    let track = InterfaceTrack { interface: "eth1".into(), weight: 0, reverse: false };
    group(vec![member(1, 150), InstanceSpec { track_interfaces: vec![track], ..member(2, 120) }])
}

fn started(spec: RouterSpec) -> Scene {
    let mut scene = Scene::before_start();
    scene.feed(Input::Links(vec![link(2, "eth0", true, &[OWN]), link(3, "eth1", true, &[])]));
    scene.feed(Input::Configure(spec));
    scene
}

fn masters() -> Scene {
    let mut scene = started(pair());
    scene.run(ms(4_000));
    assert_eq!(scene.all_states(), [MASTER, MASTER]);
    scene.forget();
    scene
}

fn eth1(scene: &mut Scene, up: bool) {
    scene.feed(Input::Link(link(3, "eth1", up, &[])));
}

/// S1 or S2 hears a master of this priority.
fn hears(scene: &mut Scene, number: u8, priority: u8) {
    let mut other = Scene::start_at(PEER, member(number, if priority == 0 { 100 } else { priority }));
    other.run(ms(4_000));
    if priority == 0 {
        other.forget();
        other.feed(Input::Stop);
    }
    let packet: Packet = other.packets().remove(0);
    scene.packet(packet);
}

// The four sequences that follow are what keepalived 2.2.7 wrote to its FIFO with the same configuration.

#[test]
fn a_group_is_told_of_before_its_members_at_start() {
    assert_eq!(started(pair()).notified(), ["*G BACKUP", "S1 BACKUP", "S2 BACKUP"]);
}

#[test]
fn members_become_master_when_the_last_is_willing_and_that_one_goes_first() {
    let mut scene = started(pair());
    scene.forget();
    // S1 would be master after 3.414 s, S2 after 3.531 s.
    scene.run(ms(3_500));
    assert_eq!((scene.all_states(), scene.adverts()), (vec![BACKUP, BACKUP], vec![]));
    scene.run(ms(100));
    assert_eq!(scene.notified(), ["S2 MASTER", "S1 MASTER", "*G MASTER"]);
}

#[test]
fn a_fault_of_one_is_a_fault_of_all() {
    let mut scene = masters();
    eth1(&mut scene, false);
    assert_eq!(scene.notified(), ["S2 FAULT", "S1 FAULT", "*G FAULT"]);
    assert_eq!(scene.adverts(), [0, 0]);
    let cause = FaultCause::Member { group: "G".into(), member: "S2".into() };
    assert_eq!(scene.states[1], (FAULT, Why::Fault(vec![cause])));
}

#[test]
fn they_come_back_together_as_backups() {
    let mut scene = masters();
    eth1(&mut scene, false);
    scene.forget();
    eth1(&mut scene, true);
    assert_eq!(scene.notified(), ["S2 BACKUP", "S1 BACKUP", "*G BACKUP"]);
}

#[test]
fn they_come_back_only_when_all_can() {
    let mut scene = masters();
    eth1(&mut scene, false);
    scene.feed(Input::Link(link(2, "eth0", false, &[OWN])));
    scene.forget();
    eth1(&mut scene, true);
    assert_eq!((scene.all_states(), scene.notified()), (vec![FAULT, FAULT], vec![]));
    scene.feed(Input::Link(link(2, "eth0", true, &[OWN])));
    assert_eq!(scene.all_states(), [BACKUP, BACKUP]);
}

#[test]
fn a_group_with_a_fault_starts_in_fault_without_a_detour() {
    let mut scene = Scene::before_start();
    scene.feed(Input::Links(vec![link(2, "eth0", true, &[OWN])]));
    scene.feed(Input::Configure(pair()));
    assert_eq!(scene.notified(), ["S1 FAULT", "S2 FAULT", "*G FAULT"]);
}

#[test]
fn a_member_that_yields_takes_the_others_with_it() {
    let mut scene = masters();
    hears(&mut scene, 2, 200);
    assert_eq!(scene.notified(), ["S2 BACKUP", "S1 BACKUP", "*G BACKUP"]);
    assert_eq!(scene.states[1].1, Why::SyncGroup { group: "G".into(), member: "S2".into() });
    assert_eq!(scene.wants().iter().filter(|want| want.present.is_empty()).count(), 2);
}

#[test]
fn a_willing_member_waits_for_one_that_hears_a_master() {
    let mut scene = started(pair());
    for _ in 0..5 {
        scene.run(ms(1_000));
        hears(&mut scene, 2, 200);
    }
    assert_eq!(scene.all_states(), [BACKUP, BACKUP]);
    scene.run(ms(3_600));
    assert_eq!(scene.all_states(), [MASTER, MASTER]);
}

#[test]
fn a_willing_member_that_hears_a_better_master_is_willing_no_longer() {
    let mut scene = started(pair());
    scene.run(ms(3_500));
    hears(&mut scene, 1, 200);
    scene.run(ms(2_000));
    assert_eq!(scene.all_states(), [BACKUP, BACKUP], "S2 is willing, S1 not yet again");
    scene.run(ms(2_000));
    assert_eq!(scene.all_states(), [MASTER, MASTER]);
}

#[test]
fn nothing_is_due_while_the_others_are_waited_for() {
    let mut scene = started(pair());
    scene.run(ms(3_450));
    assert!(scene.waits() > ms(0), "the willing member's own deadline has passed and asks for no tick");
}

#[test]
fn a_release_by_the_master_of_one_waits_for_the_others_too() {
    let mut scene = started(pair());
    hears(&mut scene, 1, 0);
    scene.run(ms(1_000));
    assert_eq!(scene.all_states(), [BACKUP, BACKUP]);
    hears(&mut scene, 2, 0);
    scene.run(ms(1_000));
    assert_eq!(scene.all_states(), [MASTER, MASTER]);
}

#[test]
fn after_an_advert_of_lower_priority_all_members_announce_their_addresses() {
    let mut scene = masters();
    scene.run(ms(6_000));
    scene.forget();
    hears(&mut scene, 2, 50);
    let announced = scene.announced();
    assert!([111, 112].iter().all(|last| announced.contains(&v4(10, 0, 0, *last))), "{announced:?}");
    assert_eq!(scene.adverts(), [120], "only the one that was addressed answers");
}

#[test]
fn what_a_group_tracks_each_member_tracks() {
    let tracker = TrackerId::new(TrackerKind::Script, "check");
    let mut spec = group(vec![member(1, 150), member(2, 120)]);
    spec.sync_groups[0].tracks = vec![Track { tracker: tracker.clone(), weight: 0, reverse: false }];
    spec.sync_groups[0].track_interfaces =
        vec![InterfaceTrack { interface: "eth1".into(), weight: 0, reverse: false }];
    let mut scene = started(spec);
    assert_eq!(scene.all_states(), [INIT, INIT]);
    scene.feed(Input::Track { tracker: tracker.clone(), state: TrackerState::Up });
    scene.run(ms(4_000));
    assert_eq!(scene.all_states(), [MASTER, MASTER]);
    scene.feed(Input::Track { tracker, state: TrackerState::Down });
    assert_eq!(scene.all_states(), [FAULT, FAULT]);
    eth1(&mut scene, false);
    assert_eq!(scene.all_states(), [FAULT, FAULT]);
}

#[test]
fn a_member_that_still_waits_for_its_script_holds_the_others_back() {
    let tracker = TrackerId::new(TrackerKind::Script, "check");
    let mut spec = group(vec![member(1, 150), member(2, 120)]);
    spec.instances[1].tracks = vec![Track { tracker: tracker.clone(), weight: 0, reverse: false }];
    let mut scene = started(spec);
    scene.run(ms(10_000));
    assert_eq!((scene.all_states(), scene.notified()), (vec![INIT, INIT], vec![]));
    scene.feed(Input::Track { tracker, state: TrackerState::Up });
    assert_eq!(scene.notified(), ["S2 BACKUP", "S1 BACKUP", "*G BACKUP"]);
    scene.run(ms(4_000));
    assert_eq!(scene.all_states(), [MASTER, MASTER]);
}

#[test]
fn a_first_result_that_is_bad_is_told_of_its_member_and_of_the_group_only() {
    let tracker = TrackerId::new(TrackerKind::Script, "check");
    let mut spec = group(vec![member(1, 150), member(2, 120)]);
    spec.instances[1].tracks = vec![Track { tracker: tracker.clone(), weight: 0, reverse: false }];
    let mut scene = started(spec);
    scene.feed(Input::Track { tracker: tracker.clone(), state: TrackerState::Down });
    assert_eq!(
        (scene.all_states(), scene.notified()),
        (vec![FAULT, FAULT], vec!["S2 FAULT".into(), "*G FAULT".into()])
    );
    scene.forget();
    scene.feed(Input::Track { tracker, state: TrackerState::Up });
    assert_eq!(scene.notified(), ["S2 BACKUP", "S1 BACKUP", "*G BACKUP"]);
}

#[test]
fn at_the_end_each_member_stops_by_itself_and_then_the_group() {
    let mut scene = masters();
    scene.feed(Input::Stop);
    assert_eq!(scene.notified(), ["S1 STOP", "S2 STOP", "*G STOP"]);
    assert_eq!(scene.adverts(), [0, 0]);
}

#[test]
fn at_the_end_groups_are_told_of_after_all_instances() {
    let names = |numbers: &[u8]| numbers.iter().map(|number| format!("S{number}")).collect();
    let sync_groups = vec![SyncGroupSpec::new("G", names(&[1, 3])), SyncGroupSpec::new("H", names(&[2]))];
    let instances = (1..=4).map(|number| member(number, 100)).collect();
    let mut scene = started(RouterSpec { sync_groups, instances, ..RouterSpec::default() });
    scene.forget();
    scene.feed(Input::Stop);
    assert_eq!(scene.notified(), ["S1 STOP", "S2 STOP", "S3 STOP", "S4 STOP", "*G STOP", "*H STOP"]);
}

#[test]
fn a_reload_that_changes_nothing_does_nothing() {
    let mut scene = masters();
    scene.feed(Input::Configure(pair()));
    assert_eq!(scene.log, []);
}

#[test]
fn a_member_that_a_reload_adds_follows_without_a_change_of_the_others() {
    let mut scene = masters();
    let mut three = pair();
    three.instances.push(member(3, 100));
    three.sync_groups[0].members.push("S3".into());
    scene.feed(Input::Configure(three));
    assert_eq!(scene.all_states(), [MASTER, MASTER, BACKUP]);
    scene.run(ms(4_000));
    assert_eq!(scene.notified(), ["S3 BACKUP", "S3 MASTER"], "the group is master all the time");
}

#[test]
fn a_member_that_a_reload_removes_does_not_stop_the_others() {
    let mut scene = masters();
    scene.feed(Input::Configure(group(vec![pair().instances.remove(0)])));
    assert_eq!(scene.notified(), ["S2 STOP"]);
    assert_eq!(scene.adverts(), [0]);
    eth1(&mut scene, false);
    assert_eq!(scene.all_states(), [MASTER]);
}

#[test]
fn members_that_a_reload_sets_free_go_their_own_ways() {
    let mut scene = masters();
    eth1(&mut scene, false);
    scene.feed(Input::Configure(RouterSpec { sync_groups: vec![], ..pair() }));
    assert_eq!(scene.all_states(), [BACKUP, FAULT]);
    scene.run(ms(4_000));
    assert_eq!(scene.all_states(), [MASTER, FAULT]);
}

// What keepalived 2.2.7 tells of groups that a reload makes is in the lab's notify.rs.

#[test]
fn a_group_that_a_reload_makes_of_masters_is_no_news_and_one_of_backups_is() {
    let renamed = || RouterSpec {
        sync_groups: vec![SyncGroupSpec::new("H", vec!["S1".into(), "S2".into()])],
        ..pair()
    };
    let mut scene = masters();
    scene.feed(Input::Configure(renamed()));
    assert_eq!(scene.notified(), [""; 0]);
    eth1(&mut scene, false);
    assert_eq!(scene.notified(), ["S2 FAULT", "S1 FAULT", "*H FAULT"]);

    let mut scene = started(pair());
    scene.forget();
    scene.feed(Input::Configure(renamed()));
    assert_eq!(scene.notified(), ["*H BACKUP"]);
}

#[test]
fn a_willing_member_that_is_set_free_is_master_at_once() {
    let mut scene = started(pair());
    scene.run(ms(3_500));
    scene.feed(Input::Configure(RouterSpec { sync_groups: vec![], ..pair() }));
    assert_eq!(scene.all_states(), [MASTER, BACKUP]);
}

#[test]
fn masters_of_a_crashed_process_resume_together() {
    let snapshots = masters().router.snapshots();
    let mut scene = Scene::before_start();
    scene.feed(Input::Resume(snapshots));
    scene.feed(Input::Links(vec![link(2, "eth0", true, &[OWN]), link(3, "eth1", true, &[])]));
    scene.feed(Input::Configure(pair()));
    assert_eq!(scene.notified(), ["*G MASTER", "S1 MASTER", "S2 MASTER"]);
}

#[test]
fn a_group_whose_interface_is_deleted_is_in_fault() {
    let mut scene = masters();
    scene.feed(Input::LinkGone(index(2)));
    assert_eq!(scene.all_states(), [FAULT, FAULT]);
    assert_eq!(scene.notified().last().unwrap(), "*G FAULT");
}
