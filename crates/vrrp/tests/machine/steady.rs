//! The short way of the same advert again. **Whatever any story here does, the scene compares it with the long way.**

use proptest::prelude::*;
use vrrp::{Input, StateName, Version};

use crate::scene::{LOWER_ADDRESS, OWN, PEER, Scene, link, ms, spec};

#[test]
fn a_backup_hears_the_same_advert_the_short_way_from_the_second_time_on() {
    let mut scene = Scene::start(spec());
    for _ in 0..5 {
        scene.run(ms(1_000));
        scene.hear(PEER, 150);
    }
    assert_eq!(scene.short, 4);
    assert_eq!((scene.state(), scene.counters().advert_received), (StateName::Backup, 5));
    assert_eq!(scene.waits(), ms(3_000) + ms(1_000) * 156 / 256);
}

#[test]
fn a_master_sends_the_same_advert_the_short_way_again_and_again() {
    let mut scene = Scene::master(spec());
    scene.run(ms(10_000));
    // Not the first one, and not the one with which a burst of announcements is due.
    assert_eq!((scene.adverts().len(), scene.short), (10, 8));
    let ids: Vec<_> = scene.packets().iter().map(|packet| packet.id).collect();
    assert!(ids.is_sorted_by(|one, next| one + 1 == *next), "{ids:?}");
}

#[test]
fn whatever_happens_between_closes_the_short_way_once() {
    let mut scene = Scene::start(spec());
    let mut hear = |between: &mut dyn FnMut(&mut Scene)| {
        scene.hear(PEER, 150);
        scene.hear(PEER, 150);
        let before = scene.short;
        between(&mut scene);
        scene.hear(PEER, 150);
        let closed = scene.short == before;
        scene.hear(PEER, 150);
        assert!(scene.short > before);
        closed
    };
    assert!(!hear(&mut |_| {}));
    assert!(hear(&mut |scene| scene.feed(Input::Link(link(2, "eth0", true, &[OWN, LOWER_ADDRESS])))));
    assert!(hear(&mut |scene| scene.hear(PEER, 151)));
    assert!(hear(&mut |scene| scene.hear(PEER, 0)));
    assert!(hear(&mut |scene| scene
        .feed(Input::Configure(vec![vrrp::InstanceSpec { nopreempt: true, ..spec() }].into()))));
}

/// One thing that happens to a router: what, and how many milliseconds after the last one.
fn steps() -> impl Strategy<Value = Vec<(u8, u64)>> {
    proptest::collection::vec((0..16_u8, prop_oneof![Just(0), Just(1_000), 0..4_000_u64]), 1..60)
}

proptest! {
    #[test]
    fn the_short_way_leads_where_the_long_one_does(
        steps in steps(),
        v3 in any::<bool>(),
        nopreempt in any::<bool>(),
        skip in any::<bool>(),
        stalls in any::<bool>(),
        delay in 0..3_u64,
    ) {
        let mut spec = spec();
        spec.version = if v3 { Version::V3 } else { Version::V2 };
        (spec.nopreempt, spec.skip_check_adv_addr) = (nopreempt, skip);
        spec.preempt_delay = ms(delay * 1_000);
        spec.timer_expired_backup = stalls.then_some(vrrp::Priority::new(254).unwrap());
        let mut scene = Scene::start(spec);
        for (step, pause) in steps {
            if step == 15 {
                scene.sleep(ms(pause));
            } else {
                scene.run(ms(pause));
            }
            match step {
                0..8 => scene.hear(PEER, 150),
                8 => scene.hear(PEER, 0),
                9 => scene.hear(LOWER_ADDRESS, 150),
                10 => scene.hear(PEER, 50),
                11 => scene.hear_altered(PEER, 150, |advert| advert.addresses.clear()),
                12 => scene.feed(Input::Link(link(2, "eth0", pause > 0, &[OWN]))),
                13 => scene.feed(Input::Tick),
                _ => {}
            }
        }
    }
}
