//! As many checks as the largest configuration that keepalived's users reported: 2277 services, 37 000 servers.
//!
//! The point is the order of growth: anything quadratic takes minutes here.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod world;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use checker::{Action, CheckSpec, Input, Outcome, RealServerSpec, RunId, Scheduler, VirtualServerSpec};
use ipvs::DestKey;
use world::{check, dest, vip, virtual_server};

const SERVICES: u16 = 2_312;
const SERVERS: u16 = 16;
const CHECKS: usize = 36_992;
/// Several hundred times what it takes where it is linear.
const FAR_TOO_LONG: Duration = Duration::from_secs(60);

fn services() -> Vec<VirtualServerSpec> {
    let server = |service: u16, host: u16| {
        let [high, low] = service.to_be_bytes();
        let host = u8::try_from(host).unwrap();
        let address = IpAddr::V4(Ipv4Addr::new(10, high, low, host));
        let check =
            CheckSpec { warmup: Duration::from_secs(10).into(), ..check(SocketAddr::new(address, 80)) };
        RealServerSpec {
            key: DestKey { address, port: 80 },
            snmp_name: None,
            dest: dest(1),
            inhibit_on_failure: false,
            alpha: false,
            drain_timeout: 0,
            checks: vec![check],
            follows: vec![],
        }
    };
    (0..SERVICES)
        .map(|service| VirtualServerSpec {
            services: vec![vip(service)],
            ..virtual_server((0..SERVERS).map(|host| server(service, host)).collect())
        })
        .collect()
}

fn drain(scheduler: &mut Scheduler) -> Vec<Action> {
    std::iter::from_fn(|| scheduler.next_action()).collect()
}

fn runs(actions: &[Action]) -> Vec<RunId> {
    let run = |action: &Action| match action {
        Action::Start { run, .. } => Some(*run),
        _ => None,
    };
    actions.iter().filter_map(run).collect()
}

#[test]
fn thirty_seven_thousand_checks_start_run_fail_and_reload_without_quadratic_work() {
    let began = Instant::now();
    let mut scheduler = Scheduler::new();
    let mut now = clock::Instant::ZERO;
    scheduler.handle(now, Input::Configure { servers: services(), seed: 1 });
    assert_eq!(drain(&mut scheduler).len(), CHECKS + usize::from(SERVICES));

    // One by one through the spread of the first runs, each check by its own deadline.
    let mut first_runs = 0;
    while let Some(deadline) = scheduler.next_deadline().filter(|_| first_runs < CHECKS) {
        assert!(deadline >= now);
        now = deadline;
        scheduler.handle(now, Input::Tick);
        for run in runs(&drain(&mut scheduler)) {
            first_runs += 1;
            scheduler.handle(now, Input::Result { run, outcome: Outcome::Success });
        }
    }
    assert_eq!(first_runs, CHECKS);
    drain(&mut scheduler);

    // All at one deadline, and all fail.
    now += Duration::from_hours(1);
    scheduler.handle(now, Input::Tick);
    let all = runs(&drain(&mut scheduler));
    assert_eq!(all.len(), CHECKS);
    for run in all {
        scheduler.handle(now, Input::Result { run, outcome: world::REFUSED });
    }
    drain(&mut scheduler);

    // One server more.
    let mut servers = services();
    let mut one_more = servers[0].real_servers[0].clone();
    one_more.key.port = 81;
    servers[7].real_servers.push(one_more);
    let deadline = scheduler.next_deadline();
    scheduler.handle(now, Input::Configure { servers, seed: 2 });
    let changes = drain(&mut scheduler);
    assert!(matches!(changes[..], [Action::Health { up: true, .. }]), "{changes:?}");
    assert!(scheduler.next_deadline() <= deadline);

    let took = began.elapsed();
    println!("{CHECKS} checks: {took:?} in all");
    assert!(took < FAR_TOO_LONG, "{took:?}");
}
