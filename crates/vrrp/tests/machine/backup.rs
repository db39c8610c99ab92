//! RFC 9568 6.4.2 (Backup).

use std::time::Duration;

use vrrp::{Centiseconds, Input, InstanceSpec, StateName, Version, What, Why};

use crate::scene::{LOWER_ADDRESS, PEER, Scene, ms, spec};

const DOWN: Duration = Duration::from_micros(3_609_375);

#[test]
fn an_advert_of_higher_priority_restarts_the_timer() {
    let mut scene = Scene::start(spec());
    scene.run(ms(3_000));
    scene.hear(PEER, 150);
    assert_eq!(scene.waits(), DOWN);
}

#[test]
fn an_advert_of_equal_priority_restarts_the_timer_whatever_its_address() {
    let mut scene = Scene::start(spec());
    scene.run(ms(3_000));
    scene.hear(LOWER_ADDRESS, 100);
    assert_eq!(scene.waits(), DOWN);
}

#[test]
fn an_advert_of_lower_priority_is_discarded_and_the_timer_runs_on() {
    let mut scene = Scene::start(spec());
    scene.run(ms(3_000));
    scene.hear(PEER, 50);
    assert_eq!(scene.waits(), DOWN - ms(3_000));
    assert_eq!(scene.told, [What::LowerPriorityDiscarded { source: PEER, priority: 50 }]);
}

#[test]
fn with_nopreempt_a_lower_master_is_accepted() {
    let mut scene = Scene::start(InstanceSpec { nopreempt: true, ..spec() });
    for _ in 0..20 {
        scene.run(ms(1_000));
        scene.hear(PEER, 50);
    }
    assert_eq!(scene.state(), StateName::Backup);
    assert_eq!(scene.waits(), DOWN);
}

#[test]
fn with_nopreempt_a_silent_lower_master_is_still_replaced() {
    let mut scene = Scene::start(InstanceSpec { nopreempt: true, ..spec() });
    scene.hear(PEER, 50);
    scene.run(DOWN);
    assert_eq!(scene.state(), StateName::Master);
}

#[test]
fn priority_0_shortens_the_wait_to_the_skew() {
    let mut scene = Scene::start(spec());
    scene.hear(PEER, 150);
    scene.hear(PEER, 0);
    assert_eq!(scene.waits(), Duration::from_micros(609_375));
    scene.run(ms(610));
    assert_eq!(scene.states[1..], [(StateName::Master, Why::MasterReleased)]);
}

#[test]
fn another_master_that_is_heard_within_the_skew_is_accepted() {
    let mut scene = Scene::start(spec());
    scene.hear(PEER, 0);
    scene.run(ms(300));
    scene.hear(LOWER_ADDRESS, 120);
    assert_eq!(scene.waits(), DOWN);
}

// Measured with keepalived 2.2.7: lower adverts at 5.65, 6.65 and 7.65 s restart the timer, those from 8.65 s on (3 s after
// the first) do not, and the takeover comes at 7.65 + 3.41 s.
#[test]
fn preempt_delay_tolerates_a_lower_master_from_its_first_advert_on() {
    let mut scene = Scene::start(InstanceSpec { preempt_delay: ms(3_000), ..spec() });
    for _ in 0..3 {
        scene.hear(PEER, 50);
        assert_eq!(scene.waits(), DOWN);
        scene.run(ms(1_000));
    }
    scene.hear(PEER, 50);
    assert_eq!(scene.waits(), DOWN - ms(1_000));
}

#[test]
fn preempt_delay_starts_anew_after_an_advert_that_is_not_lower() {
    let mut scene = Scene::start(InstanceSpec { preempt_delay: ms(3_000), ..spec() });
    scene.hear(PEER, 50);
    scene.run(ms(2_000));
    scene.hear(PEER, 100);
    scene.run(ms(2_000));
    scene.hear(PEER, 50);
    assert_eq!(scene.waits(), DOWN);
}

#[test]
fn preempt_delay_does_not_delay_the_takeover_from_a_silent_master() {
    let mut scene = Scene::start(InstanceSpec { preempt_delay: ms(300_000), ..spec() });
    scene.hear(PEER, 150);
    scene.run(DOWN);
    assert_eq!(scene.state(), StateName::Master);
}

#[test]
fn a_version_3_backup_counts_with_the_interval_of_its_master() {
    let mut scene = Scene::start(InstanceSpec { version: Version::V3, ..spec() });
    scene.hear_altered(PEER, 150, |advert| advert.interval = Centiseconds::new(20));
    // 3 * 0.2 s + 156/256 * 0.2 s
    assert_eq!(scene.waits(), Duration::from_micros(721_875));
}

#[test]
fn a_version_3_skew_after_a_release_is_of_the_learned_interval() {
    let mut scene = Scene::start(InstanceSpec { version: Version::V3, ..spec() });
    scene.hear_altered(PEER, 150, |advert| advert.interval = Centiseconds::new(20));
    scene.hear_altered(PEER, 0, |advert| advert.interval = Centiseconds::new(20));
    assert_eq!(scene.waits(), Duration::from_micros(121_875));
}

#[test]
fn down_timer_adverts_sets_how_many_adverts_may_be_missed() {
    let scene = Scene::start(InstanceSpec { down_timer_adverts: 10, ..spec() });
    assert_eq!(scene.waits(), DOWN + ms(7_000));
}

#[test]
fn a_late_wake_up_with_waiting_adverts_is_no_takeover() {
    let mut scene = Scene::start(spec());
    scene.hear(PEER, 150);
    scene.sleep(ms(10_000));
    // The driver drains the sockets before it ticks.
    scene.hear(PEER, 150);
    scene.feed(Input::Tick);
    assert_eq!(scene.state(), StateName::Backup);
}
