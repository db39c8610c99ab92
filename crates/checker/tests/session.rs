//! `BFD_CHECK`: a server is up while a session is.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod world;

use checker::{FollowSpec, Followed, Input, RealServerSpec, Why};
use world::*;

/// A server that follows the session `s`, beside its check.
fn following(alpha: bool) -> RealServerSpec {
    RealServerSpec { follows: vec![FollowSpec::Bfd { session: "s".into(), alpha, place: 0 }], ..checked(1) }
}

fn session(name: &str, value: i64) -> Input {
    Input::Follow { what: Followed::Session(name.into()), value }
}

#[test]
fn a_server_goes_down_and_comes_back_at_once_with_its_session() {
    let mut world = World::with(&[virtual_server(vec![following(false), checked(2)])]);
    world.open(target(1));
    world.open(target(2));
    world.run_to(2_000);
    world.input(session("other", 0));
    assert!(world.is_up(key(1)));
    world.input(session("s", 0));
    assert_eq!(world.health.last(), Some(&(2_000, key(1), false, Why::Followed)));
    assert_eq!(world.table(), "2=1");
    world.input(session("s", 1));
    assert_eq!(world.table(), "1=1 2=1");
}

#[test]
fn an_alpha_one_waits_for_its_session_and_any_for_its_check() {
    let mut world = World::with(&[virtual_server(vec![following(true)])]);
    world.open(target(1));
    world.run_to(2_000);
    assert!(!world.is_up(key(1)), "its check succeeds, its session is not up");
    world.close(target(1));
    world.run_to(10_000);
    world.input(session("s", 1));
    assert!(!world.is_up(key(1)), "its session is up, its check fails");
    world.open(target(1));
    world.run_to(20_000);
    assert!(world.is_up(key(1)));
}

#[test]
fn a_session_counts_in_the_quorum_and_outlives_reload_and_crash() {
    let servers = [virtual_server(vec![following(false)])];
    let mut world = World::with(&servers);
    world.open(target(1));
    world.run_to(2_000);
    world.input(session("s", 0));
    assert_eq!(world.quorums.last(), Some(&(2_000, false, 0)));
    world.configure(&[virtual_server(vec![following(false), checked(2)])]);
    assert!(!world.is_up(key(1)));
    world.crash_and_resume();
    world.configure(&servers);
    assert!(!world.is_up(key(1)));
    world.input(session("s", 1));
    assert!(world.is_up(key(1)));
}
