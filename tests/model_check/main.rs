//! Every history of two or three routers up to a depth: whatever is lost, crashes or is cut off on the way, a network that
//! then works agrees on one master.
//!
//! Where the simulation draws long histories, this takes all short ones: at each step any router whose timer is due may run,
//! any of its adverts may be lost, and a router may crash, start, lose its link or get it back; how many losses and faults a
//! history has is bounded. From every state that is reached, all works again: within the protocol's bound there is one
//! master, the right one, and it stays.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod world;

use std::collections::BTreeSet;

use vrrp::Version;

use world::{Setup, World};

/// Visits every state within the setup's bounds; says how many there are.
fn explore(setup: &Setup) -> usize {
    let first = World::new(setup);
    let mut seen = BTreeSet::from([first.fingerprint()]);
    let mut frontier = vec![first];
    let mut visited = 0;
    for _ in 0..setup.depth {
        let mut next = Vec::new();
        for world in frontier {
            visited += 1;
            if let Err(wrong) = world.clone().agree(setup) {
                panic!("{wrong}\nafter\n{}\nwith {setup:?}", world.history.join("\n"));
            }
            next.extend(world.successors().into_iter().filter(|world| seen.insert(world.fingerprint())));
        }
        frontier = next;
    }
    visited
}

fn pair() -> Setup {
    Setup {
        priorities: vec![150, 100],
        version: Version::V2,
        nopreempt: false,
        grouped: false,
        losses: 3,
        faults: 2,
        depth: 9,
    }
}

/// The figures say that histories are not cut off unseen; they change when the machine's or the model's behaviour does.
#[test]
fn two_routers_agree_after_every_history() {
    assert!(explore(&pair()) > 2_000);
}

#[test]
fn two_routers_of_equal_priority_agree() {
    assert!(explore(&Setup { priorities: vec![100, 100], ..pair() }) > 2_000);
}

#[test]
fn two_routers_of_version_3_agree() {
    assert!(explore(&Setup { version: Version::V3, ..pair() }) > 2_000);
}

#[test]
fn two_routers_without_preemption_agree() {
    assert!(explore(&Setup { nopreempt: true, ..pair() }) > 2_000);
}

#[test]
fn an_owner_and_a_backup_agree() {
    assert!(explore(&Setup { priorities: vec![255, 100], ..pair() }) > 2_000);
}

#[test]
fn two_routers_with_a_sync_group_of_two_agree() {
    assert!(explore(&Setup { grouped: true, losses: 2, faults: 1, depth: 8, ..pair() }) > 2_000);
}

#[test]
fn three_routers_agree_after_every_history() {
    let setup = Setup { priorities: vec![150, 100, 100], losses: 2, faults: 1, depth: 7, ..pair() };
    assert!(explore(&setup) > 2_000);
}
