//! Checks that change while their server does not.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod world;

use checker::Event;
use world::*;

#[test]
fn a_check_that_moves_beside_another_that_is_down_is_news_of_the_check_alone() {
    let checks = [target(1), target(2)].map(check).to_vec();
    let mut world = World::with(&[virtual_server(vec![server(1, checks)])]);
    world.open(target(1));
    world.open(target(2));
    let aside = |world: &World| -> Vec<_> {
        let event = |(_, event): &(Millis, Event)| match event {
            Event::Aside { check, failure, server_up } => Some((check.check, failure.is_some(), *server_up)),
            _ => None,
        };
        world.events.iter().filter_map(event).collect()
    };
    world.run_to(10_000);
    assert_eq!(aside(&world), [], "that it is up was known");
    world.close(target(1));
    world.run_to(30_000);
    assert_eq!(aside(&world), [], "the server went with it");
    world.close(target(2));
    world.run_to(60_000);
    assert_eq!(aside(&world), [(1, true, false)]);
    world.open(target(1));
    world.run_to(90_000);
    assert_eq!(aside(&world), [(1, true, false), (0, false, false)]);
    world.open(target(2));
    world.run_to(120_000);
    assert_eq!(aside(&world).len(), 2, "the server came with it");
    assert!(world.is_up(key(1)));
}
