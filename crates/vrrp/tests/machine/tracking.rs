//! Scripts, files, processes and BFD sessions: what they say changes the priority, or keeps the instance out.

use vrrp::{
    FaultCause, Input, InstanceSpec, Priority, StateName, Track, TrackerId, TrackerKind, TrackerState, What,
    Why,
};

use crate::scene::{OWN, Scene, link, ms, spec};

fn script() -> TrackerId {
    TrackerId::new(TrackerKind::Script, "check")
}

fn following(tracker: TrackerId, weight: i16) -> InstanceSpec {
    InstanceSpec { tracks: vec![Track { tracker, weight, reverse: false }], ..spec() }
}

fn says(scene: &mut Scene, tracker: TrackerId, state: TrackerState) {
    scene.feed(Input::Track { tracker, state });
}

#[test]
fn an_instance_says_nothing_until_the_first_result_of_a_script_without_weight() {
    let mut scene = Scene::start(following(script(), 0));
    scene.run(ms(10_000));
    assert_eq!((scene.state(), scene.notified()), (StateName::Init, vec![]));
    says(&mut scene, script(), TrackerState::Up);
    assert_eq!(scene.states, [(StateName::Backup, Why::Startup)]);
    assert_eq!(scene.waits().as_micros(), 3_609_375, "a whole down interval from then on");
}

#[test]
fn addresses_of_an_earlier_run_do_not_wait_for_the_script() {
    let scene = Scene::start(following(script(), 0));
    assert_eq!((scene.wants().len(), scene.wants()[0].present.len()), (1, 0));
}

#[test]
fn a_first_result_that_is_bad_is_a_fault() {
    let mut scene = Scene::start(following(script(), 0));
    says(&mut scene, script(), TrackerState::Down);
    let why = Why::Fault(vec![FaultCause::TrackerDown(script())]);
    assert_eq!(scene.states, [(StateName::Fault, why)]);
}

#[test]
fn what_a_script_said_before_the_configuration_counts() {
    let mut scene = Scene::before_start();
    says(&mut scene, script(), TrackerState::Up);
    scene.feed(Input::Links(vec![link(2, "eth0", true, &[OWN])]));
    scene.feed(Input::Configure(vec![following(script(), 0)].into()));
    assert_eq!(scene.state(), StateName::Backup);
}

#[test]
fn a_master_whose_script_fails_gives_up_and_comes_back_as_backup() {
    let mut scene = Scene::start(following(script(), 0));
    says(&mut scene, script(), TrackerState::Up);
    scene.run(ms(4_000));
    scene.forget();
    says(&mut scene, script(), TrackerState::Down);
    assert_eq!((scene.state(), scene.adverts()), (StateName::Fault, vec![0]));
    says(&mut scene, script(), TrackerState::Up);
    assert_eq!(scene.states[1..], [(StateName::Backup, Why::Recovered)]);
}

#[test]
fn a_script_with_weight_has_none_before_its_first_result() {
    for (weight, up, down) in [(20, 120, 100), (-20, 100, 80)] {
        let mut scene = Scene::master(following(script(), weight));
        scene.run(ms(1_000));
        says(&mut scene, script(), TrackerState::Up);
        scene.run(ms(1_000));
        says(&mut scene, script(), TrackerState::Down);
        scene.run(ms(1_000));
        assert_eq!(scene.adverts(), [100, up, down]);
    }
}

#[test]
fn a_change_of_priority_is_told_once() {
    let mut scene = Scene::start(following(script(), 20));
    scene.forget();
    says(&mut scene, script(), TrackerState::Up);
    says(&mut scene, script(), TrackerState::Up);
    let (from, to) = (Priority::DEFAULT, Priority::new(120).unwrap());
    assert_eq!(scene.told, [What::PriorityChanged { from, to }]);
}

#[test]
fn the_number_in_a_file_is_added_times_the_weight() {
    let file = TrackerId::new(TrackerKind::File, "load");
    let mut scene = Scene::master(following(file.clone(), -2));
    for value in [10, -10, 1_000] {
        says(&mut scene, file.clone(), TrackerState::Value(value));
        scene.run(ms(1_000));
    }
    assert_eq!(scene.adverts(), [80, 120, 0], "-2000 is a fault");
    assert_eq!(scene.states, [(StateName::Fault, Why::Fault(vec![FaultCause::TrackerDown(file)]))]);
}

#[test]
fn an_owner_ignores_weights_but_not_a_script_without_one() {
    let owner = |weight| InstanceSpec { priority: Priority::OWNER, ..following(script(), weight) };
    let mut scene = Scene::start(owner(-20));
    says(&mut scene, script(), TrackerState::Down);
    scene.run(ms(1_000));
    assert_eq!(scene.adverts(), [255, 255]);
    let mut scene = Scene::start(owner(0));
    says(&mut scene, script(), TrackerState::Down);
    assert_eq!(scene.state(), StateName::Fault);
}

#[test]
fn a_session_that_nobody_reported_is_down() {
    let session = TrackerId::new(TrackerKind::Bfd, "peer");
    let mut scene = Scene::start(following(session.clone(), 0));
    assert_eq!(scene.state(), StateName::Fault);
    says(&mut scene, session, TrackerState::Up);
    assert_eq!(scene.state(), StateName::Backup);
}

#[test]
fn a_session_weighs_as_a_script_does_and_reverse_changes_the_sign() {
    let session = TrackerId::new(TrackerKind::Bfd, "peer");
    for (weight, reverse, up, down) in
        [(20, false, 120, 100), (-20, false, 100, 80), (20, true, 80, 100), (-20, true, 100, 120)]
    {
        let tracks = vec![Track { tracker: session.clone(), weight, reverse }];
        let mut scene = Scene::master(InstanceSpec { tracks, ..spec() });
        for (state, priority) in [(TrackerState::Up, up), (TrackerState::Down, down)] {
            says(&mut scene, session.clone(), state);
            scene.forget();
            scene.run(ms(1_000));
            assert_eq!(scene.adverts(), [priority], "weight {weight}, reverse {reverse}, {state:?}");
        }
    }
}

#[test]
fn a_tracker_that_nobody_follows_changes_nothing() {
    let mut scene = Scene::master(spec());
    says(&mut scene, script(), TrackerState::Down);
    assert_eq!(scene.log, []);
}

#[test]
fn a_script_that_a_reload_adds_does_not_stop_a_master() {
    let mut scene = Scene::master(spec());
    scene.feed(Input::Configure(vec![following(script(), 0)].into()));
    assert_eq!(scene.state(), StateName::Master);
    says(&mut scene, script(), TrackerState::Down);
    assert_eq!(scene.state(), StateName::Fault);
}
