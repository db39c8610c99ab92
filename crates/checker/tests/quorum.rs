//! Quorum, sorry server and inhibit: which destinations are in the table when. Every sequence was played to keepalived
//! 2.2.7 first, and the tables are those that it made, but where a test says otherwise.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod world;

use std::time::Duration;

use checker::{CheckSpec, Health, RealServerSpec, SorryServerSpec, VirtualServerSpec, desired, named};
use ipvs::{DestKey, Family, Forwarding, ServiceKey, Table, Tunnel};
use world::*;

/// Fails at the first failure, asks every second.
fn quick(host: u8, weight: u32) -> RealServerSpec {
    let check = CheckSpec { retry: 0, delay_loop: Duration::from_secs(1).into(), ..check(target(host)) };
    RealServerSpec { dest: dest(weight), ..server(host, vec![check]) }
}

fn inhibited(server: RealServerSpec) -> RealServerSpec {
    RealServerSpec { inhibit_on_failure: true, ..server }
}

fn sorry_inhibited(host: u8) -> SorryServerSpec {
    SorryServerSpec { inhibit: true, ..sorry(host) }
}

/// Quorum 2, hysteresis 1, three servers of weight 1.
fn two_of_three(sorry_server: Option<SorryServerSpec>) -> VirtualServerSpec {
    let real_servers = vec![quick(1, 1), quick(2, 1), quick(3, 1)];
    VirtualServerSpec { quorum: 2, hysteresis: 1, sorry_server, ..virtual_server(real_servers) }
}

/// Quorum 6, hysteresis 1, weights 5, 3 and 2.
fn six_of_ten() -> VirtualServerSpec {
    let real_servers = vec![quick(1, 5), quick(2, 3), quick(3, 2)];
    VirtualServerSpec {
        quorum: 6,
        hysteresis: 1,
        sorry_server: Some(sorry(8)),
        ..virtual_server(real_servers)
    }
}

/// What happens to a host.
#[derive(Clone, Copy)]
enum Then {
    Opens(u8),
    Closes(u8),
}
use Then::{Closes, Opens};

/// Starts with these hosts open, checks the table after the first checks, and then after each step.
fn play(spec: &VirtualServerSpec, open: &[u8], first: &str, steps: &[(Then, &str)]) -> World {
    let mut world = World::with(std::slice::from_ref(spec));
    for host in open {
        world.open(target(*host));
    }
    world.run_to(1_500);
    assert_eq!(world.table(), first, "after the first checks");
    for (number, (then, table)) in (1..).zip(steps) {
        match then {
            Opens(host) => world.open(target(*host)),
            Closes(host) => world.close(target(*host)),
        }
        world.run_to(1_500 + 2_000 * number);
        assert_eq!(world.table(), *table, "after step {number}");
    }
    world
}

#[test]
fn the_quorum_is_lost_below_quorum_minus_hysteresis_and_gained_at_quorum_plus_hysteresis() {
    let steps = [
        (Closes(1), "2=1 3=1"),
        (Closes(2), "3=1"),
        (Closes(3), "8=1"),
        (Opens(1), "8=1"),
        (Opens(2), "8=1"),
        (Opens(3), "1=1 2=1 3=1"),
    ];
    let world = play(&two_of_three(Some(sorry(8))), &[1, 2, 3], "1=1 2=1 3=1", &steps);
    let quorums: Vec<_> = world.quorums.iter().map(|(_, up, weight)| (*up, *weight)).collect();
    assert_eq!(quorums, [(true, 3), (false, 0), (true, 3)]);
}

#[test]
fn without_a_sorry_server_live_servers_stay_in_whatever_the_quorum() {
    let steps = [
        (Closes(1), "2=1 3=1"),
        (Closes(2), "3=1"),
        (Closes(3), ""),
        (Opens(1), "1=1"),
        (Opens(2), "1=1 2=1"),
        (Opens(3), "1=1 2=1 3=1"),
    ];
    play(&two_of_three(None), &[1, 2, 3], "1=1 2=1 3=1", &steps);
}

#[test]
fn an_inhibited_sorry_server_stays_in_with_weight_0_while_it_does_not_serve() {
    let steps = [
        (Closes(1), "2=1 3=1 8=0"),
        (Closes(2), "3=1 8=0"),
        (Closes(3), "8=1"),
        (Opens(1), "8=1"),
        (Opens(2), "8=1"),
        (Opens(3), "1=1 2=1 3=1 8=0"),
    ];
    play(&two_of_three(Some(sorry_inhibited(8))), &[1, 2, 3], "1=1 2=1 3=1 8=0", &steps);
}

#[test]
fn inhibited_servers_stay_in_with_weight_0() {
    let mut spec = two_of_three(Some(sorry(8)));
    spec.real_servers = spec.real_servers.into_iter().map(inhibited).collect();
    let steps = [
        (Closes(1), "1=0 2=1 3=1"),
        (Closes(2), "1=0 2=0 3=1"),
        (Closes(3), "1=0 2=0 3=0 8=1"),
        (Opens(1), "1=0 2=0 3=0 8=1"),
        (Opens(2), "1=0 2=0 3=0 8=1"),
        (Opens(3), "1=1 2=1 3=1"),
    ];
    play(&spec, &[1, 2, 3], "1=1 2=1 3=1", &steps);
}

#[test]
fn the_quorum_is_counted_in_weight() {
    let steps = [
        (Closes(3), "1=5 2=3"),
        (Closes(2), "1=5"),
        (Closes(1), "8=1"),
        (Opens(2), "8=1"),
        (Opens(3), "8=1"),
        (Opens(1), "1=5 2=3 3=2"),
        (Closes(1), "2=3 3=2"),
    ];
    play(&six_of_ten(), &[1, 2, 3], "1=5 2=3 3=2", &steps);
}

#[test]
fn when_the_quorum_is_lost_the_servers_that_are_live_leave_for_the_sorry_server() {
    play(&six_of_ten(), &[1, 2, 3], "1=5 2=3 3=2", &[(Closes(3), "1=5 2=3"), (Closes(1), "8=1")]);
}

#[test]
fn when_the_quorum_is_lost_inhibited_live_servers_get_weight_0() {
    let mut spec = six_of_ten();
    spec.real_servers = spec.real_servers.into_iter().map(inhibited).collect();
    let steps = [
        (Closes(3), "1=5 2=3 3=0"),
        (Closes(1), "1=0 2=0 3=0 8=1"),
        (Opens(3), "1=0 2=0 3=0 8=1"),
        (Opens(1), "1=5 2=3 3=2"),
    ];
    play(&spec, &[1, 2, 3], "1=5 2=3 3=2", &steps);
}

#[test]
fn a_quorum_that_the_weights_cannot_reach_is_never_gained() {
    let unreachable = |sorry_server| {
        let real_servers = vec![quick(1, 1), quick(2, 1)];
        VirtualServerSpec { quorum: 2, hysteresis: 1, sorry_server, ..virtual_server(real_servers) }
    };
    let world = play(&unreachable(Some(sorry(8))), &[1, 2], "8=1", &[]);
    assert_eq!(world.quorums, [(0, false, 2)]);
    let steps = [(Closes(1), "2=1"), (Opens(1), "1=1 2=1")];
    play(&unreachable(None), &[1, 2], "1=1 2=1", &steps);
}

#[test]
fn at_the_start_an_alpha_service_is_served_by_the_sorry_server() {
    let alpha = |host| {
        let mut server = quick(host, 1);
        server.checks[0].alpha = true;
        server
    };
    let spec = VirtualServerSpec { sorry_server: Some(sorry(8)), ..virtual_server(vec![alpha(1), alpha(2)]) };
    let mut world = World::with(std::slice::from_ref(&spec));
    assert_eq!(world.table(), "8=1");
    world.open(target(1));
    world.run_to(1_500);
    assert_eq!(world.table(), "1=1");

    let spec = VirtualServerSpec {
        quorum: 2,
        sorry_server: Some(sorry_inhibited(8)),
        ..virtual_server(vec![inhibited(alpha(1)), inhibited(alpha(2))])
    };
    assert_eq!(World::with(std::slice::from_ref(&spec)).table(), "1=0 2=0 8=1");
    play(&spec, &[1], "1=0 2=0 8=1", &[(Opens(2), "1=1 2=1 8=0")]);
}

#[test]
fn servers_of_weight_0_are_in_the_table_but_do_not_count() {
    let spec = VirtualServerSpec {
        sorry_server: Some(sorry(8)),
        ..virtual_server(vec![quick(1, 0), quick(2, 1), inhibited(quick(3, 0))])
    };
    let steps = [(Closes(2), "3=0 8=1"), (Opens(2), "1=0 2=1 3=0")];
    play(&spec, &[1, 2], "1=0 2=1 3=0", &steps);
}

#[test]
fn with_weight_0_alone_there_is_no_quorum() {
    let spec = VirtualServerSpec { sorry_server: Some(sorry(8)), ..virtual_server(vec![quick(1, 0)]) };
    play(&spec, &[1], "8=1", &[]);
}

#[test]
fn a_real_server_that_is_also_the_sorry_server_serves_with_the_weight_of_its_role() {
    let spec = |sorry_server, second| VirtualServerSpec {
        quorum: 3,
        sorry_server,
        ..virtual_server(vec![quick(1, 3), second])
    };
    // Nobody checks the sorry server: it stays when its check as a real server fails.
    let steps = [(Closes(1), "2=1"), (Closes(2), "2=1"), (Opens(2), "2=1"), (Opens(1), "1=3 2=2")];
    play(&spec(Some(sorry(2)), quick(2, 2)), &[1, 2], "1=3 2=2", &steps);
    play(&spec(Some(sorry_inhibited(2)), inhibited(quick(2, 2))), &[1, 2], "1=3 2=2", &steps);
}

/// A group of two ports and a firewall mark, with one server that is forwarded to in this way.
fn group(forwarding: Forwarding) -> Table {
    let mut one = server(1, vec![]);
    one.dest.forwarding = forwarding;
    let services = vec![VIP, vip(81), ServiceKey::Fwmark { mark: 7, family: Family::V4 }];
    let spec = VirtualServerSpec { services, ..virtual_server(vec![one]) };
    let world = World::with(std::slice::from_ref(&spec));
    desired(world.scheduler.virtual_servers(), world.scheduler.health())
}

/// The ports of the destinations, in the order of the services.
fn ports(table: &Table) -> Vec<u16> {
    table.services.values().flat_map(|service| service.dests.keys().map(|dest| dest.port)).collect()
}

// keepalived 2.2.7, measured: what is routed directly or tunnelled has the port of each service of its group.
#[test]
fn a_directly_routed_server_of_a_group_has_the_port_of_each_service() {
    assert_eq!(ports(&group(Forwarding::DirectRoute)), [80, 81, 0]);
    assert_eq!(ports(&group(Forwarding::Tunnel(Tunnel::Ipip))), [80, 81, 0]);
}

#[test]
fn a_server_behind_address_translation_keeps_its_own_port_in_every_service() {
    assert_eq!(ports(&group(Forwarding::Masquerade)), [80, 80, 80]);
}

#[test]
fn what_a_configuration_names_is_named_whether_it_is_up_or_down() {
    let spec = VirtualServerSpec {
        services: vec![VIP, vip(81)],
        sorry_server: Some(sorry(8)),
        ..virtual_server(vec![quick(1, 1), server(2, vec![])])
    };
    assert_eq!(ports(&named([&spec])), [80, 80, 80, 81, 81, 81]);
}

#[test]
fn a_service_that_two_virtual_servers_claim_belongs_to_the_first() {
    let first = virtual_server(vec![server(1, vec![])]);
    let second =
        VirtualServerSpec { services: vec![vip(81), VIP], ..virtual_server(vec![server(2, vec![])]) };
    let world = World::with(&[first.clone(), second.clone()]);
    let table = desired(&[first, second], world.scheduler.health());
    assert_eq!(table.services[&VIP].dests.keys().collect::<Vec<_>>(), [&key(1)]);
    let at_81 = DestKey { port: 81, ..key(2) };
    assert_eq!(table.services[&vip(81)].dests.keys().collect::<Vec<_>>(), [&at_81]);
}

#[test]
fn a_virtual_server_of_unknown_health_has_no_live_server() {
    let spec = VirtualServerSpec { sorry_server: Some(sorry(8)), ..virtual_server(vec![quick(1, 1)]) };
    let table = desired(&[spec], &Health::new());
    assert_eq!(table.services[&VIP].dests.keys().collect::<Vec<_>>(), [&key(8)]);
}

/// Four servers of weight 1.
fn of_four(quorum: u32, hysteresis: u32, sorry_server: Option<SorryServerSpec>) -> VirtualServerSpec {
    let real_servers = (1..=4).map(|host| quick(host, 1)).collect();
    VirtualServerSpec { quorum, hysteresis, sorry_server, ..virtual_server(real_servers) }
}

#[test]
fn a_reload_keeps_the_quorum_between_its_new_bounds_and_moves_it_beyond_them() {
    let mut world = World::with(&[of_four(2, 0, Some(sorry(8)))]);
    (1..=4).for_each(|host| world.open(target(host)));
    world.run_to(1_500);
    world.configure(&[of_four(4, 1, Some(sorry(8)))]);
    assert_eq!(world.table(), "1=1 2=1 3=1 4=1");
    world.close(target(1));
    world.run_to(3_500);
    assert_eq!(world.table(), "2=1 3=1 4=1");
    world.close(target(2));
    world.run_to(5_500);
    assert_eq!(world.table(), "8=1");
    world.configure(&[of_four(2, 1, Some(sorry(8)))]);
    assert_eq!(world.table(), "8=1");
    world.configure(&[of_four(1, 0, Some(sorry(8)))]);
    assert_eq!(world.table(), "3=1 4=1");
    world.configure(&[of_four(4, 0, Some(sorry(8)))]);
    assert_eq!(world.table(), "8=1");
    world.configure(&[of_four(4, 0, Some(sorry(7)))]);
    assert_eq!(world.table(), "7=1");
}

#[test]
fn a_reload_that_takes_the_sorry_server_away_puts_the_live_servers_back() {
    // keepalived leaves the service empty here: it takes the sorry server out and forgets the live ones.
    let mut world = World::with(&[of_four(4, 0, Some(sorry(8)))]);
    world.open(target(3));
    world.open(target(4));
    world.run_to(1_500);
    assert_eq!(world.table(), "8=1");
    world.configure(&[of_four(4, 0, None)]);
    assert_eq!(world.table(), "3=1 4=1");
    world.configure(&[of_four(4, 0, Some(sorry(8)))]);
    assert_eq!(world.table(), "8=1");
}

#[test]
fn a_reload_that_changes_weights_assesses_the_quorum_anew() {
    let weights = |first| {
        let real_servers = vec![quick(1, first), quick(2, 2), inhibited(quick(3, first))];
        VirtualServerSpec { quorum: 4, sorry_server: Some(sorry(8)), ..virtual_server(real_servers) }
    };
    let mut world = World::with(&[weights(3)]);
    world.open(target(1));
    world.open(target(2));
    world.run_to(1_500);
    assert_eq!(world.table(), "1=3 2=2 3=0");
    world.configure(&[weights(1)]);
    assert_eq!(world.table(), "3=0 8=1");
    world.configure(&[weights(5)]);
    assert_eq!(world.table(), "1=5 2=2 3=0");
    let quorums: Vec<_> = world.quorums.iter().map(|(_, up, weight)| (*up, *weight)).collect();
    assert_eq!(quorums, [(true, 8), (false, 3), (true, 7)]);
}

#[test]
fn at_a_stop_an_omega_server_takes_leave_of_what_is_up_and_others_do_not() {
    use checker::{Action, Why};
    let omega = VirtualServerSpec { omega: true, ..two_of_three(None) };
    let mut world = World::with(&[omega]);
    world.open(target(1));
    world.open(target(2));
    world.run_to(90_000);
    let told = world.scheduler.farewell();
    let health = |action: &Action| matches!(action, Action::Health { up: false, why: Why::Stopping, .. });
    assert_eq!(told.iter().filter(|action| health(action)).count(), 2, "{told:?}");
    assert!(matches!(told.last(), Some(Action::Quorum { up: false, weight: 0, .. })), "{told:?}");
    assert_eq!(told.len(), 3, "{told:?}");
    assert_eq!(World::with(&[two_of_three(None)]).scheduler.farewell(), []);
}

#[test]
fn a_number_in_a_file_moves_the_weight_and_with_it_the_quorum() {
    use checker::{FollowSpec, Followed, Input};
    let mut real = quick(1, 3);
    real.follows = vec![FollowSpec::File { file: "F".to_owned(), weight: 1, reverse: false }];
    real.checks = Vec::new();
    let spec = VirtualServerSpec { quorum: 3, sorry_server: Some(sorry(8)), ..virtual_server(vec![real]) };
    let mut world = World::with(&[spec]);
    let mut say = |value| {
        world.input(Input::Follow { what: Followed::File("F".to_owned()), value });
        world.table()
    };
    assert_eq!([say(2), say(-1), say(0)], ["1=5", "8=1", "1=3"], "the sorry server serves at 2");
}
