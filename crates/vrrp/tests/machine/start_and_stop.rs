//! RFC 9568 6.4.1 (Initialize) and the shutdown events of 6.4.2 and 6.4.3.

use vrrp::{Action, InitialState, Input, InstanceSpec, Priority, StateName, Why};

use crate::scene::{OWN, Scene, VIP, held, link, ms, spec};

#[test]
fn an_instance_starts_as_backup_and_clears_what_an_earlier_run_left() {
    let scene = Scene::start(spec());
    assert_eq!(scene.states, [(StateName::Backup, Why::Startup)]);
    let [want] = scene.wants()[..] else { panic!("{:?}", scene.log) };
    assert!(want.present.is_empty());
    assert_eq!(want.absent[0], held(VIP));
    assert_eq!(scene.adverts(), [0_u8; 0]);
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
