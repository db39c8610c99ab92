//! `vrrp_startup_delay` and `vrrp_delay_after_boot`: nobody becomes master before, and down timers run from then on only.
//! The times are those of keepalived 2.2.7.

use std::time::Duration;

use vrrp::{
    InitialState, Input, InstanceSpec, Priority, RouterSpec, StateName, SyncGroupSpec, VirtualRouterId,
};

use crate::scene::{OWN, PEER, Scene, link, ms, spec};

fn delayed(instance: InstanceSpec) -> Scene {
    Scene::start_all(RouterSpec {
        instances: vec![instance],
        startup_delay: ms(10_000),
        ..RouterSpec::default()
    })
}

#[test]
fn the_down_timer_starts_when_the_delay_is_over() {
    let mut scene = delayed(spec());
    scene.run(ms(13_609));
    assert_eq!(scene.state(), StateName::Backup);
    scene.run(ms(1));
    assert_eq!(scene.state(), StateName::Master);
}

#[test]
fn what_is_heard_meanwhile_moves_nothing_and_what_is_heard_later_does() {
    let mut scene = delayed(spec());
    for priority in [200, 0] {
        scene.run(ms(1_000));
        scene.hear(PEER, priority);
    }
    scene.hear(PEER, 200);
    assert_eq!(scene.waits(), ms(8_000) + Duration::from_micros(3_609_375));
    scene.run(ms(9_000));
    scene.hear(PEER, 200);
    assert_eq!(scene.waits(), Duration::from_micros(3_609_375));
}

#[test]
fn an_owner_waits_for_the_delay_and_no_longer() {
    let mut scene = delayed(InstanceSpec { priority: Priority::OWNER, ..spec() });
    assert_eq!((scene.state(), scene.waits()), (StateName::Init, ms(10_000)));
    assert_eq!(scene.notified(), [""; 0]);
    scene.run(ms(10_000));
    assert_eq!(scene.notified(), ["VI_1 MASTER"]);
}

#[test]
fn a_fault_that_ends_within_the_delay_does_not_end_the_delay() {
    let mut scene = delayed(InstanceSpec { priority: Priority::OWNER, ..spec() });
    scene.feed(Input::Link(link(2, "eth0", false, &[OWN])));
    scene.feed(Input::Link(link(2, "eth0", true, &[OWN])));
    assert_eq!((scene.state(), scene.waits()), (StateName::Backup, ms(10_000) + owner_waits()));
}

/// Master_Down_Interval of an owner.
fn owner_waits() -> Duration {
    Duration::from_micros(3_003_906)
}

/// Two owners in a group.
fn delayed_owners(initial_state: InitialState) -> Scene {
    let owner = |number: u8| InstanceSpec {
        name: format!("S{number}"),
        vrid: VirtualRouterId::new(number).unwrap(),
        priority: Priority::OWNER,
        initial_state,
        ..spec()
    };
    Scene::start_all(RouterSpec {
        instances: vec![owner(1), owner(2)],
        sync_groups: vec![SyncGroupSpec::new("G", vec!["S1".into(), "S2".into()])],
        startup_delay: ms(10_000),
        ..RouterSpec::default()
    })
}

#[test]
fn a_group_of_owners_is_told_of_as_backup_and_is_master_an_interval_after_the_delay() {
    let mut scene = delayed_owners(InitialState::Unset);
    assert_eq!(scene.notified(), ["*G BACKUP", "S1 BACKUP", "S2 BACKUP"]);
    assert_eq!(scene.waits(), ms(11_000));
    scene.run(ms(11_000));
    assert_eq!(scene.all_states(), [StateName::Master, StateName::Master]);
}

#[test]
fn a_group_that_asks_for_master_is_that_when_the_delay_is_over_and_nobody_is_told_of_the_group() {
    let mut scene = delayed_owners(InitialState::Master);
    scene.run(ms(9_999));
    assert_eq!(scene.notified(), [""; 0]);
    scene.run(ms(1));
    assert_eq!(scene.notified(), ["S1 MASTER", "S2 MASTER"]);
}

#[test]
fn the_delay_after_boot_counts_from_the_boot() {
    // The scene starts when the host is up for 100 s.
    let after_boot = |secs: u64| {
        let spec = RouterSpec {
            instances: vec![spec()],
            delay_after_boot: ms(secs * 1_000),
            ..RouterSpec::default()
        };
        let mut scene = Scene::start_all(spec);
        scene.run(ms(4_000));
        scene.state()
    };
    assert_eq!([after_boot(100), after_boot(101)], [StateName::Master, StateName::Backup]);
}

#[test]
fn a_reload_does_not_start_the_delay_anew() {
    let mut scene = delayed(spec());
    scene.run(ms(5_000));
    scene.feed(Input::Configure(RouterSpec {
        instances: vec![spec()],
        startup_delay: ms(10_000),
        ..RouterSpec::default()
    }));
    assert_eq!(scene.waits(), ms(5_000) + Duration::from_micros(3_609_375));
}

#[test]
fn a_master_that_resumes_does_not_wait() {
    let snapshots = Scene::master(spec()).router.snapshots();
    let mut scene = Scene::before_start();
    scene.feed(Input::Resume(snapshots));
    scene.feed(Input::Links(vec![link(2, "eth0", true, &[OWN])]));
    scene.feed(Input::Configure(RouterSpec {
        instances: vec![spec()],
        startup_delay: ms(10_000),
        ..RouterSpec::default()
    }));
    assert_eq!(scene.state(), StateName::Master);
}
