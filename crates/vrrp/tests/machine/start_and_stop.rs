//! RFC 9568 6.4.1 (Initialize) and the shutdown events of 6.4.2 and 6.4.3.

use vrrp::{Action, InitialState, Input, InstanceSpec, Priority, StateName, What, Why};

use crate::scene::{OWN, PEER, Scene, VIP, held, link, ms, spec};

#[test]
fn an_instance_starts_as_backup_and_holds_nothing() {
    let scene = Scene::start(spec());
    assert_eq!(scene.states, [(StateName::Backup, Why::Startup)]);
    let [want] = scene.wants()[..] else { panic!("{:?}", scene.log) };
    assert!(want.present.is_empty());
    assert_eq!(want.absent[0], held(VIP));
    assert_eq!(scene.adverts(), [0_u8; 0]);
}

/// Started where an earlier run left the address.
fn left() -> Scene {
    let mut scene = Scene::before_start();
    scene.feed(Input::Links(vec![link(2, "eth0", true, &[OWN, VIP])]));
    scene.feed(Input::Configure(vec![spec()].into()));
    scene
}

#[test]
fn an_address_that_an_earlier_run_left_stays_until_it_is_ours_and_is_announced_then() {
    let mut scene = left();
    assert_eq!(scene.states, [(StateName::Backup, Why::Startup)]);
    scene.run(ms(3_700));
    assert_eq!(scene.state(), StateName::Master);
    assert!(scene.wants().iter().all(|want| want.absent.is_empty() && want.present[0] == held(VIP)));
    assert_eq!(scene.announced()[0], VIP);
    assert_eq!(scene.told, [What::Kept]);
}

#[test]
fn an_address_that_an_earlier_run_left_goes_when_any_other_master_is_heard() {
    for priority in [50, 100, 150] {
        let mut scene = left();
        scene.forget();
        scene.hear(PEER, priority);
        assert_eq!(scene.state(), StateName::Backup);
        assert_eq!(scene.wants()[0].absent[0], held(VIP), "{priority}");
        assert_eq!(scene.told[0], What::NotKept { source: PEER });
    }
}

#[test]
fn an_address_that_an_earlier_run_left_stays_when_the_other_master_takes_its_leave() {
    let mut scene = left();
    scene.forget();
    scene.hear(PEER, 0);
    assert!(scene.wants().is_empty());
    scene.run(ms(700));
    assert_eq!(scene.state(), StateName::Master);
}

#[test]
fn an_address_that_an_earlier_run_left_goes_from_an_instance_in_fault_and_at_a_stop() {
    let mut scene = left();
    scene.forget();
    scene.feed(Input::Stop);
    assert_eq!(scene.wants()[0].absent[0], held(VIP));

    let mut scene = Scene::before_start();
    scene.feed(Input::Links(vec![link(2, "eth0", false, &[OWN, VIP])]));
    scene.feed(Input::Configure(vec![spec()].into()));
    assert_eq!(scene.state(), StateName::Fault);
    assert_eq!(scene.wants()[0].absent[0], held(VIP));
}

#[test]
fn it_takes_over_after_the_master_down_interval() {
    let mut scene = Scene::start(spec());
    // keepalived shows 3609375 us for priority 100 at one second.
    assert_eq!(scene.waits().as_micros(), 3_609_375);
    scene.run(ms(3_610));
    let waited = std::time::Duration::from_micros(3_609_375);
    assert_eq!(scene.states[1..], [(StateName::Master, Why::MasterSilent { waited })]);
}

#[test]
fn state_master_is_a_wish_and_waits_like_any_other_as_keepalived_2_2_7_does() {
    let scene = Scene::start(InstanceSpec { initial_state: InitialState::Master, ..spec() });
    assert_eq!(scene.state(), StateName::Backup);
    assert_eq!(scene.waits().as_micros(), 3_609_375);
}

#[test]
fn the_owner_is_master_at_once() {
    let scene = Scene::start(InstanceSpec { priority: Priority::OWNER, ..spec() });
    assert_eq!(scene.states, [(StateName::Master, Why::Owner)]);
    assert_eq!(scene.adverts(), [255]);
}

#[test]
fn on_entering_master_the_advert_goes_first_then_the_address_then_its_announcements() {
    let mut scene = Scene::start(spec());
    scene.log.clear();
    scene.run(ms(3_700));
    let kinds: Vec<_> = scene.log.iter().map(kind).collect();
    assert_eq!(kinds, ["notify", "send", "want", "announce", "announce", "announce", "announce", "announce"]);
}

#[test]
fn stopping_a_master_sends_priority_0_before_the_addresses_go() {
    let mut scene = Scene::master(spec());
    scene.feed(Input::Stop);
    let kinds: Vec<_> = scene.log.iter().map(kind).collect();
    assert_eq!(kinds, ["notify", "send", "want", "unlisten"]);
    assert_eq!(scene.adverts(), [0]);
    assert_eq!(scene.wants()[0].absent[0], held(VIP));
    assert_eq!(scene.states, [(StateName::Stop, Why::Stopping)]);
}

#[test]
fn stopping_a_backup_says_nothing_on_the_wire() {
    let mut scene = Scene::start(spec());
    scene.forget();
    scene.feed(Input::Stop);
    assert_eq!(scene.adverts(), [0_u8; 0]);
    assert_eq!(scene.states, [(StateName::Stop, Why::Stopping)]);
}

#[test]
fn a_router_is_stopped_when_the_kernel_has_confirmed_that_the_addresses_are_gone() {
    let mut router = vrrp::Router::new();
    let scene = Scene::before_start();
    router.handle(scene.now, Input::Links(vec![link(2, "eth0", true, &[OWN])]));
    router.handle(scene.now, Input::Configure(vec![spec()].into()));
    router.handle(scene.now, Input::Stop);
    assert!(!router.is_stopped());
    while let Some(action) = router.next_action() {
        if let Action::Want(want) = action {
            let done = vrrp::Done::Applied { instance: want.instance, serial: want.serial, failed: vec![] };
            router.handle(scene.now, Input::Done(done));
        }
    }
    assert!(router.is_stopped());
}

#[test]
fn after_the_stop_nothing_is_due_and_nothing_is_heard() {
    let mut scene = Scene::master(spec());
    scene.feed(Input::Stop);
    scene.forget();
    scene.hear(crate::scene::PEER, 50);
    assert_eq!(scene.router.next_deadline(), None);
    assert!(scene.log.is_empty(), "{:?}", scene.log);
}

fn kind(action: &Action) -> &'static str {
    match action {
        Action::Send(_) => "send",
        Action::Want(_) => "want",
        Action::Announce(_) => "announce",
        Action::Listen(_) => "listen",
        Action::Unlisten(_) => "unlisten",
        Action::Notify(_) => "notify",
        Action::Emit(_) => "emit",
    }
}
