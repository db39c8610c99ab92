//! When the first table can be made from one virtual server at a time.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod world;

use checker::{FollowSpec, Independence, RealServerSpec, VirtualServerSpec};
use ipvs::{Family, ServiceKey};
use world::*;

fn with_marks(marks: &[u32]) -> VirtualServerSpec {
    let services = marks.iter().map(|mark| ServiceKey::Fwmark { mark: *mark, family: Family::V4 }).collect();
    VirtualServerSpec { services, ..virtual_server(vec![checked(1)]) }
}

fn are_independent(servers: &[VirtualServerSpec]) -> bool {
    let mut seen = Independence::default();
    for server in servers {
        seen.note(server);
    }
    seen.holds(|| servers.iter().flat_map(|server| server.services.clone()))
}

#[test]
fn servers_whose_services_are_their_own_are_independent_in_any_order() {
    assert!(are_independent(&[with_marks(&[1, 2]), with_marks(&[3])]));
    assert!(are_independent(&[with_marks(&[3, 2]), with_marks(&[1])]));
}

#[test]
fn servers_that_share_a_service_are_not() {
    assert!(!are_independent(&[with_marks(&[1]), with_marks(&[1])]));
    assert!(!are_independent(&[with_marks(&[2]), with_marks(&[1]), with_marks(&[2])]));
}

#[test]
fn servers_that_wait_for_an_address_or_follow_something_are_not() {
    assert!(!are_independent(&[VirtualServerSpec { ha_suspend: true, ..with_marks(&[1]) }]));
    let follows = vec![FollowSpec::File { file: "F".to_owned(), weight: 1, reverse: false }];
    let follower = RealServerSpec { follows, ..checked(1) };
    assert!(!are_independent(&[VirtualServerSpec { real_servers: vec![follower], ..with_marks(&[1]) }]));
}

#[test]
fn of_no_server_nothing_can_be_made() {
    assert!(!are_independent(&[]));
}
