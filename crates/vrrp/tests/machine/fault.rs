//! keepalived's FAULT: what is needed to take part is missing.

use vrrp::{Done, FaultCause, Input, InstanceSpec, InterfaceTrack, Priority, StateName, What, Why};

use crate::scene::{OWN, PEER, Scene, VIP, held, index, link, ms, spec, v4, virtual_address};

fn fault(cause: FaultCause) -> (StateName, Why) {
    (StateName::Fault, Why::Fault(vec![cause]))
}

#[test]
fn a_master_whose_interface_goes_down_is_in_fault_and_gives_up_its_addresses() {
    let mut scene = Scene::master(spec());
    scene.feed(Input::Link(link(2, "eth0", false, &[OWN, VIP])));
    assert_eq!(scene.states, [fault(FaultCause::InterfaceDown("eth0".into()))]);
    assert_eq!(scene.wants()[0].absent[0], held(VIP));
    assert_eq!(scene.adverts(), [0_u8; 0], "nothing can be sent on a link that is down");
}

#[test]
fn when_the_interface_is_up_again_the_instance_is_backup_for_a_whole_down_interval() {
    let mut scene = Scene::master(spec());
    scene.feed(Input::Link(link(2, "eth0", false, &[OWN])));
    scene.run(ms(60_000));
    scene.feed(Input::Link(link(2, "eth0", true, &[OWN])));
    assert_eq!(scene.states[1..], [(StateName::Backup, Why::Recovered)]);
    assert_eq!(scene.waits().as_micros(), 3_609_375);
}

#[test]
fn an_owner_whose_interface_is_up_again_waits_for_its_down_timer() {
    let mut scene = Scene::start(InstanceSpec { priority: Priority::OWNER, ..spec() });
    scene.feed(Input::Link(link(2, "eth0", false, &[OWN])));
    scene.feed(Input::Link(link(2, "eth0", true, &[OWN])));
    scene.run(ms(3_003));
    assert_eq!(scene.state(), StateName::Backup);
    scene.run(ms(1));
    assert_eq!(scene.state(), StateName::Master);
}

#[test]
fn nothing_is_due_and_nothing_heard_counts_while_in_fault() {
    let mut scene = Scene::start(spec());
    scene.feed(Input::Link(link(2, "eth0", false, &[OWN])));
    scene.forget();
    scene.hear(PEER, 0);
    assert_eq!(scene.router.next_deadline(), None);
    assert_eq!(scene.state(), StateName::Fault);
}

#[test]
fn an_instance_without_its_interface_starts_in_fault() {
    let mut scene = Scene::before_start();
    scene.feed(Input::Configure(vec![spec()].into()));
    assert_eq!(scene.states, [fault(FaultCause::InterfaceMissing("eth0".into()))]);
}

#[test]
fn an_interface_without_an_address_is_a_fault() {
    let mut scene = Scene::before_start();
    scene.feed(Input::Links(vec![link(2, "eth0", true, &[])]));
    scene.feed(Input::Configure(vec![spec()].into()));
    assert_eq!(scene.states, [fault(FaultCause::NoSourceAddress("eth0".into()))]);
    scene.feed(Input::Link(link(2, "eth0", true, &[OWN])));
    assert_eq!(scene.state(), StateName::Backup);
}

#[test]
fn a_virtual_address_is_no_source_of_adverts() {
    let mut scene = Scene::before_start();
    scene.feed(Input::Links(vec![link(2, "eth0", true, &[VIP])]));
    scene.feed(Input::Configure(vec![spec()].into()));
    assert_eq!(scene.state(), StateName::Fault);
}

#[test]
fn the_owner_may_have_no_other_address_than_the_virtual_one() {
    let mut scene = Scene::before_start();
    scene.feed(Input::Links(vec![link(2, "eth0", true, &[VIP])]));
    scene.feed(Input::Configure(vec![InstanceSpec { priority: Priority::OWNER, ..spec() }].into()));
    assert_eq!(scene.state(), StateName::Master);
}

#[test]
fn an_interface_that_is_deleted_and_made_anew_is_used_under_its_new_number() {
    let mut scene = Scene::master(spec());
    scene.feed(Input::LinkGone(index(2)));
    assert_eq!(scene.states, [fault(FaultCause::InterfaceMissing("eth0".into()))]);
    scene.feed(Input::Link(link(9, "eth0", true, &[OWN])));
    scene.run(ms(4_000));
    assert_eq!(scene.state(), StateName::Master);
    let listens: Vec<_> = scene
        .log
        .iter()
        .filter_map(|action| match action {
            vrrp::Action::Listen(membership) => Some((true, membership.interface)),
            vrrp::Action::Unlisten(membership) => Some((false, membership.interface)),
            _ => None,
        })
        .collect();
    assert_eq!(listens, [(false, index(2)), (true, index(9))]);
}

#[test]
fn an_interface_that_was_replaced_unseen_gets_the_addresses_again() {
    let mut scene = Scene::master(spec());
    scene.feed(Input::Links(vec![link(9, "eth0", true, &[OWN])]));
    assert_eq!(scene.state(), StateName::Master);
    assert_eq!(scene.wants()[0].present[0], held(VIP));
    assert_eq!(scene.announced(), [VIP; 5]);
}

#[test]
fn an_interface_of_an_address_that_is_down_is_a_fault() {
    let mut spec = spec();
    spec.excluded =
        vec![vrrp::VirtualAddress { interface: "eth1".into(), ..virtual_address(v4(10, 1, 0, 1)) }];
    let mut scene = Scene::start(spec);
    assert_eq!(scene.states, [fault(FaultCause::InterfaceMissing("eth1".into()))]);
    scene.feed(Input::Link(link(3, "eth1", true, &[])));
    assert_eq!(scene.state(), StateName::Backup);
}

#[test]
fn with_dont_track_primary_the_own_interface_may_be_down() {
    let mut scene = Scene::master(InstanceSpec { track_primary: false, ..spec() });
    scene.feed(Input::Link(link(2, "eth0", false, &[OWN])));
    assert_eq!(scene.state(), StateName::Master);
}

fn tracking(weight: i16, reverse: bool) -> InstanceSpec {
    InstanceSpec {
        track_interfaces: vec![InterfaceTrack { interface: "eth1".into(), weight, reverse }],
        ..spec()
    }
}

#[test]
fn a_tracked_interface_without_weight_is_needed() {
    let mut scene = Scene::start(tracking(0, false));
    assert_eq!(scene.state(), StateName::Fault);
    scene.feed(Input::Link(link(3, "eth1", true, &[])));
    assert_eq!(scene.state(), StateName::Backup);
}

#[test]
fn a_master_that_loses_a_tracked_interface_says_so_on_the_one_that_works() {
    let mut scene = Scene::start(tracking(0, false));
    scene.feed(Input::Link(link(3, "eth1", true, &[])));
    scene.run(ms(4_000));
    scene.forget();
    scene.feed(Input::Link(link(3, "eth1", false, &[])));
    assert_eq!(scene.state(), StateName::Fault);
    assert_eq!(scene.adverts(), [0]);
}

#[test]
fn weights_count_while_up_if_positive_and_while_down_if_negative() {
    for (weight, reverse, down, up) in
        [(50, false, 100, 150), (-50, false, 50, 100), (50, true, 100, 50), (-50, true, 150, 100)]
    {
        let mut scene = Scene::start(tracking(weight, reverse));
        scene.run(ms(4_000));
        scene.feed(Input::Link(link(3, "eth1", true, &[])));
        scene.run(ms(1_000));
        let adverts = scene.adverts();
        assert_eq!((adverts[0], *adverts.last().unwrap()), (down, up), "weight {weight} reverse {reverse}");
    }
}

#[test]
fn weights_never_leave_the_range_from_1_to_254() {
    for (reverse, reached) in [(false, 254), (true, 1)] {
        let mut scene = Scene::start(tracking(253, reverse));
        scene.feed(Input::Link(link(3, "eth1", true, &[])));
        scene.run(ms(5_000));
        assert_eq!(*scene.adverts().last().unwrap(), reached);
    }
}

#[test]
fn an_owner_ignores_weights() {
    let scene = Scene::start(InstanceSpec { priority: Priority::OWNER, ..tracking(-100, false) });
    assert_eq!(scene.adverts(), [255]);
}

#[test]
fn a_change_of_priority_shifts_the_running_timer_of_a_backup() {
    let mut scene = Scene::start(tracking(-50, false));
    scene.run(ms(1_000));
    let before = scene.waits();
    scene.feed(Input::Link(link(3, "eth1", true, &[])));
    // 50/256 s less to wait.
    assert_eq!((before - scene.waits()).as_micros(), 195_312);
}

#[test]
fn a_router_that_cannot_listen_is_in_fault_and_tries_again_every_second() {
    let mut scene = Scene::start(spec());
    let membership = scene
        .log
        .iter()
        .find_map(|action| match action {
            vrrp::Action::Listen(membership) => Some(*membership),
            _ => None,
        })
        .unwrap();
    scene.feed(Input::Done(Done::Listening { membership, result: Err(24) }));
    assert_eq!(scene.states[1..], [fault(FaultCause::Deaf(24))]);
    scene.forget();
    scene.run(ms(3_500));
    assert_eq!(scene.log, vec![vrrp::Action::Listen(membership); 3]);
    scene.feed(Input::Done(Done::Listening { membership, result: Ok(()) }));
    assert_eq!(scene.state(), StateName::Backup);
}

#[test]
fn another_source_address_is_told_and_used() {
    let mut scene = Scene::master(spec());
    scene.feed(Input::Link(link(2, "eth0", true, &[v4(10, 0, 0, 99), VIP])));
    assert_eq!(scene.told, [What::SourceChanged { source: v4(10, 0, 0, 99) }]);
    scene.run(ms(1_000));
    let vrrp::Action::Send(send) =
        scene.log.iter().find(|action| matches!(action, vrrp::Action::Send(_))).unwrap()
    else {
        unreachable!()
    };
    assert_eq!(send.source, v4(10, 0, 0, 99));
}
