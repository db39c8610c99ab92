//! `drain_timeout`: servers that leave the configuration serve their connections to the end.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod world;

use std::collections::BTreeMap;

use checker::{DrainEnd, Input, RealServerSpec, VirtualServerSpec, desired};
use ipvs::{Forwarding, Owned, ServiceKey, Table, plan};
use proptest::prelude::*;
use world::*;

/// A server without checks that drains for a minute.
fn draining(host: u8) -> RealServerSpec {
    RealServerSpec { drain_timeout: 60, ..server(host, vec![]) }
}

fn drained(host: u8) -> Input {
    Input::Drained { service: VIP, dest: key(host) }
}

#[test]
fn a_removed_server_stays_with_weight_0_until_its_last_connection_ends() {
    let mut world = World::with(&[virtual_server(vec![draining(1), draining(2)])]);
    assert_eq!(world.table(), "1=1 2=1");
    world.configure(&[virtual_server(vec![draining(2)])]);
    assert_eq!(world.table(), "1=0 2=1");
    assert!(!world.is_up(key(1)), "for notify scripts it is gone");
    world.run_to(30_000);
    assert_eq!(world.table(), "1=0 2=1");
    world.input(drained(1));
    assert_eq!(world.table(), "2=1");
    assert_eq!(world.drained, [(30_000, key(1), DrainEnd::Idle)]);
}

#[test]
fn after_its_time_it_goes_with_its_connections() {
    let mut world = World::with(&[virtual_server(vec![draining(1), draining(2)])]);
    world.configure(&[virtual_server(vec![draining(2)])]);
    world.run_to(59_999);
    assert_eq!(world.table(), "1=0 2=1");
    world.run_to(60_000);
    assert_eq!(world.table(), "2=1");
    assert_eq!(world.drained, [(60_000, key(1), DrainEnd::TimedOut)]);
    assert_eq!(world.scheduler.next_deadline(), None);
}

#[test]
fn source_hashing_may_fall_back_while_something_drains_and_nothing_else_changes() {
    for (scheduler, falls_back) in [("sh", true), ("mh", true), ("dh", false), ("wrr", false)] {
        let servers = |real| {
            let mut servers = [virtual_server(real)];
            servers[0].service.scheduler = scheduler.into();
            servers
        };
        let mut world = World::with(&servers(vec![draining(1), draining(2)]));
        let settings = |world: &World| {
            let mut table = desired(world.scheduler.virtual_servers(), world.scheduler.health());
            world.scheduler.drains().keep_in(&mut table);
            table.services[&VIP].spec.clone()
        };
        let before = settings(&world);
        world.configure(&servers(vec![draining(2)]));
        let mut meanwhile = before.clone();
        meanwhile.flags.flag_1 = falls_back;
        assert_eq!(settings(&world), meanwhile);
        world.input(drained(1));
        assert_eq!(settings(&world), before);
    }
}

#[test]
fn without_drain_timeout_it_goes_at_once() {
    let mut world = World::with(&[virtual_server(vec![server(1, vec![]), draining(2)])]);
    world.configure(&[virtual_server(vec![draining(2)])]);
    assert_eq!(world.table(), "2=1");
    assert!(world.scheduler.drains().is_empty());
}

#[test]
fn a_server_that_is_named_again_drains_no_longer() {
    let both = [virtual_server(vec![draining(1), draining(2)])];
    let mut world = World::with(&both);
    world.configure(&[virtual_server(vec![draining(2)])]);
    world.run_to(10_000);
    world.configure(&both);
    assert_eq!(world.table(), "1=1 2=1");
    // The kernel was asked before.
    world.input(drained(1));
    world.run_to(100_000);
    assert_eq!(world.table(), "1=1 2=1");
    assert_eq!(world.drained, []);
}

#[test]
fn other_reloads_meanwhile_do_not_change_its_time() {
    let mut world = World::with(&[virtual_server(vec![draining(1), draining(2)])]);
    world.configure(&[virtual_server(vec![draining(2)])]);
    world.run_to(40_000);
    world.configure(&[virtual_server(vec![draining(2), draining(3)])]);
    assert_eq!(world.table(), "1=0 2=1 3=1");
    world.run_to(60_000);
    assert_eq!(world.table(), "2=1 3=1");
}

#[test]
fn a_server_that_is_down_and_not_in_the_table_has_nothing_to_drain() {
    let down = RealServerSpec { drain_timeout: 60, ..checked(1) };
    let mut world = World::with(&[virtual_server(vec![down, draining(2)])]);
    world.run_to(2_000);
    assert_eq!(world.table(), "2=1");
    world.configure(&[virtual_server(vec![draining(2)])]);
    assert!(world.scheduler.drains().is_empty());
}

#[test]
fn a_server_that_fails_is_removed_and_not_drained() {
    let mut world =
        World::with(&[virtual_server(vec![RealServerSpec { drain_timeout: 60, ..checked(1) }, draining(2)])]);
    world.run_to(2_000);
    assert_eq!(world.table(), "2=1");
}

#[test]
fn a_removed_virtual_server_stays_until_the_last_of_its_servers_has_drained() {
    let mut world = World::with(&[virtual_server(vec![draining(1), draining(2), server(3, vec![])])]);
    world.configure(&[]);
    assert_eq!(world.table(), "1=0 2=0");
    world.input(drained(2));
    assert_eq!(world.table(), "1=0");
    world.input(drained(1));
    let mut table = desired(world.scheduler.virtual_servers(), world.scheduler.health());
    world.scheduler.drains().keep_in(&mut table);
    assert_eq!(table, Table::default());
}

#[test]
fn a_virtual_server_that_comes_back_with_other_settings_has_the_new_ones() {
    let mut world = World::with(&[virtual_server(vec![draining(1)])]);
    world.configure(&[]);
    let mut other = virtual_server(vec![draining(2)]);
    other.service.scheduler = "sed".into();
    world.configure(&[other]);
    assert_eq!(world.table(), "1=0 2=1");
    let mut table = desired(world.scheduler.virtual_servers(), world.scheduler.health());
    world.scheduler.drains().keep_in(&mut table);
    assert_eq!(table.services[&VIP].spec.scheduler, "sed");
    world.input(drained(1));
    assert_eq!(world.table(), "2=1", "the service stays");
}

#[test]
fn a_group_drains_in_each_of_its_services() {
    let group = |servers| VirtualServerSpec { services: vec![vip(80), vip(81)], ..virtual_server(servers) };
    let mut world = World::with(&[group(vec![draining(1), draining(2)])]);
    world.configure(&[group(vec![draining(2)])]);
    // By direct routing each service has its own port.
    let drains: Vec<(ServiceKey, u16)> =
        world.scheduler.drains().iter().flat_map(|(key, dests)| dests.map(|it| (*key, it.port))).collect();
    assert_eq!(drains, [(vip(80), 80), (vip(81), 81)]);
}

#[test]
fn a_crash_does_not_end_it() {
    let mut world = World::with(&[virtual_server(vec![draining(1), draining(2)])]);
    let after = [virtual_server(vec![draining(2)])];
    world.configure(&after);
    world.run_to(5_000);
    world.crash_and_resume();
    world.configure(&after);
    assert_eq!(world.table(), "1=0 2=1");
    world.run_to(60_000);
    assert_eq!(world.table(), "2=1");
}

/// Up to four servers, some of which drain, in up to two virtual servers.
fn any_configuration() -> impl Strategy<Value = Vec<VirtualServerSpec>> {
    let server = |host: u8| {
        let one = (0..3_u32, 0..3_u32, any::<bool>()).prop_map(move |(weight, drain, nat)| {
            let mut one = RealServerSpec { dest: dest(weight), ..server(host, vec![]) };
            one.drain_timeout = drain * 10;
            if nat {
                one.dest.forwarding = Forwarding::Masquerade;
            }
            one
        });
        prop::option::of(one)
    };
    let servers = (server(1), server(2), server(3), server(4));
    let one = move |port: u16| {
        let real = servers.clone().prop_map(|(a, b, c, d)| [a, b, c, d].into_iter().flatten().collect());
        let some = real.prop_map(move |real: Vec<_>| VirtualServerSpec {
            services: vec![vip(port)],
            ..virtual_server(real)
        });
        prop::option::of(some)
    };
    (one(80), one(81)).prop_map(|(a, b)| [a, b].into_iter().flatten().collect())
}

#[derive(Clone, Debug)]
enum Happens {
    Reload(Vec<VirtualServerSpec>),
    Time(u64),
    /// The destination at this place among those that drain is idle.
    Idle(prop::sample::Index),
}

fn any_script() -> impl Strategy<Value = Vec<Happens>> {
    let happens = prop_oneof![
        3 => any_configuration().prop_map(Happens::Reload),
        3 => (0..9_000_u64).prop_map(Happens::Time),
        1 => any::<prop::sample::Index>().prop_map(Happens::Idle),
    ];
    prop::collection::vec(happens, 1..30)
}

fn tables(world: &World) -> (Table, Table) {
    let plain = desired(world.scheduler.virtual_servers(), world.scheduler.health());
    let mut with = plain.clone();
    world.scheduler.drains().keep_in(&mut with);
    (plain, with)
}

/// The destinations that have a weight.
fn usable(table: &Table, service: &ServiceKey) -> usize {
    table.services.get(service).map_or(0, |it| it.dests.values().filter(|dest| dest.weight > 0).count())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn draining_only_adds_entries_of_weight_0_that_were_there_and_ends(script in any_script()) {
        let mut world = World::new();
        let mut before = Table::default();
        let mut millis = 0;
        for happens in script {
            let is_reload = matches!(happens, Happens::Reload(_));
            match happens {
                Happens::Reload(servers) => world.configure(&servers),
                Happens::Time(more) => {
                    millis += more;
                    world.run_to(millis);
                }
                Happens::Idle(place) => {
                    let drains = world.scheduler.drains();
                    let all: Vec<_> =
                        drains.iter().flat_map(|(key, dests)| dests.map(|dest| (*key, *dest))).collect();
                    if !all.is_empty() {
                        let (service, dest) = *place.get(&all);
                        world.input(Input::Drained { service, dest });
                    }
                }
            }
            let (plain, with) = tables(&world);
            for (key, service) in &with.services {
                let wanted = plain.services.get(key);
                for (dest, spec) in &service.dests {
                    if let Some(wanted) = wanted.and_then(|wanted| wanted.dests.get(dest)) {
                        prop_assert_eq!(spec, wanted);
                    } else {
                        prop_assert_eq!(spec.weight, 0);
                        prop_assert!(before.services[key].dests.contains_key(dest), "it appeared");
                    }
                }
            }
            for (key, service) in &plain.services {
                prop_assert_eq!(&with.services[key].spec, &service.spec);
                prop_assert!(service.dests.keys().all(|dest| with.services[key].dests.contains_key(dest)));
            }
            if !is_reload {
                // Without a reload nothing begins to drain and nothing new is wanted.
                prop_assert!(with.services.keys().all(|key| before.services.contains_key(key)));
            }
            before = with;
        }
        world.run_to(millis + 30_000);
        let (plain, with) = tables(&world);
        prop_assert_eq!(plain, with, "all is over after the longest time");
    }

    #[test]
    fn the_changes_to_the_table_never_leave_a_service_without_a_server_it_has_before_and_after(
        script in prop::collection::vec(any_configuration(), 1..8)
    ) {
        let mut world = World::new();
        let mut owned = Owned::default();
        let mut actual = Table::default();
        let mut millis = 0;
        for servers in script {
            world.configure(&servers);
            let (_, wanted) = tables(&world);
            owned.claim(&checker::named(world.scheduler.virtual_servers()));
            let both: BTreeMap<ServiceKey, bool> = actual
                .services
                .keys()
                .map(|key| (*key, usable(&actual, key) > 0 && usable(&wanted, key) > 0))
                .collect();
            for op in plan(&wanted, &actual, &owned) {
                op.take_effect(&mut actual);
                for (key, both) in &both {
                    prop_assert!(!both || usable(&actual, key) > 0, "{} after {op}", key);
                }
            }
            prop_assert_eq!(&actual, &wanted);
            millis += 7_000;
            world.run_to(millis);
        }
    }
}
