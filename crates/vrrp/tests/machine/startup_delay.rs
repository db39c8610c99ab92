//! `vrrp_startup_delay` and `vrrp_delay_after_boot`: nobody becomes master before.

use vrrp::{Input, InstanceSpec, Priority, RouterSpec, StateName};

use crate::scene::{OWN, PEER, Scene, link, ms, spec};

fn delayed(instance: InstanceSpec) -> Scene {
    Scene::start_all(RouterSpec {
        instances: vec![instance],
        startup_delay: ms(10_000),
        ..RouterSpec::default()
    })
}

#[test]
fn an_instance_stays_backup_until_the_delay_is_over() {
    let mut scene = delayed(spec());
    scene.run(ms(9_999));
    assert_eq!(scene.state(), StateName::Backup);
    scene.run(ms(1));
    assert_eq!(scene.state(), StateName::Master);
}

#[test]
fn adverts_that_are_heard_meanwhile_count() {
    let mut scene = delayed(spec());
    scene.run(ms(9_000));
    scene.hear(PEER, 200);
    scene.run(ms(3_600));
    assert_eq!(scene.state(), StateName::Backup);
}

#[test]
fn an_owner_waits_for_the_delay_and_no_longer() {
    let mut scene = delayed(InstanceSpec { priority: Priority::OWNER, ..spec() });
    assert_eq!((scene.state(), scene.waits()), (StateName::Backup, ms(10_000)));
    scene.run(ms(10_000));
    assert_eq!(scene.state(), StateName::Master);
}

#[test]
fn a_fault_that_ends_within_the_delay_does_not_end_the_delay() {
    let mut scene = delayed(InstanceSpec { priority: Priority::OWNER, ..spec() });
    scene.feed(Input::Link(link(2, "eth0", false, &[OWN])));
    scene.feed(Input::Link(link(2, "eth0", true, &[OWN])));
    scene.run(ms(9_000));
    assert_eq!(scene.state(), StateName::Backup);
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
    assert_eq!([after_boot(100), after_boot(105)], [StateName::Master, StateName::Backup]);
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
    scene.run(ms(5_000));
    assert_eq!(scene.state(), StateName::Master);
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
