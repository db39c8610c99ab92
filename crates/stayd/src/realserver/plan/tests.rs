//! The plan against a model of the kernel, in every state of it that makes a difference.

use super::*;
use crate::realserver::ledger::Change;
use crate::realserver::step::{Outcome, carry_out};

const V4: &str = "192.168.0.10";
const OTHER: &str = "192.168.0.11";
const V6: &str = "2001:db8::10";

fn vips(texts: &[&str]) -> BTreeSet<IpAddr> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

fn address(text: &str) -> Item {
    Item::Address(text.parse().unwrap())
}

fn route(text: &str) -> Item {
    Item::Route(text.parse().unwrap())
}

/// A kernel as it comes up: `lo` is up and every sysctl 0.
fn fresh() -> Actual {
    Actual { loopback_up: true, sysctls: Sysctl::ALL.map(|sysctl| (sysctl, 0)).into(), ..Actual::default() }
}

fn set_sysctls(actual: &mut Actual, ignore: i32, announce: i32) {
    for sysctl in Sysctl::ALL {
        let value = if sysctl.setting() == Setting::ArpIgnore { ignore } else { announce };
        actual.sysctls.insert(sysctl, value);
    }
}

fn put(actual: &mut Actual, item: Item, present: bool) {
    match item {
        Item::Address(vip) => {
            let entry = (vip, if vip.is_ipv4() { 32 } else { 128 });
            if present {
                actual.addresses.insert(entry)
            } else {
                actual.addresses.remove(&entry)
            };
        }
        Item::Route(vip) => {
            if present {
                actual.routes.insert(vip)
            } else {
                actual.routes.remove(&vip)
            };
        }
    }
}

/// What the kernel does with a step.
fn perform(actual: &mut Actual, step: Step) {
    match step {
        Step::Raise => actual.loopback_up = true,
        Step::Set { sysctl, value, .. } => drop(actual.sysctls.insert(sysctl, value)),
        Step::PutBack { sysctl, found, .. } => drop(actual.sysctls.insert(sysctl, found)),
        Step::Add(item) => put(actual, item, true),
        Step::Remove(item) => put(actual, item, false),
        Step::Keep(_) | Step::Forget(_) | Step::Leave(_) | Step::LeaveSysctl { .. } => {}
    }
}

/// A real server: its kernel and its record.
#[derive(Clone, PartialEq, Debug)]
struct Server {
    actual: Actual,
    ledger: Ledger,
}

impl Server {
    fn new(actual: Actual) -> Self {
        Self { actual, ledger: Ledger::default() }
    }

    /// Does the steps; those that `fails` names fail.
    fn run(&mut self, steps: Vec<Step>, fails: impl Fn(Step) -> bool) -> Vec<(Step, Outcome<()>)> {
        let outcomes = carry_out(steps, |step| {
            if fails(step) {
                return Err(());
            }
            perform(&mut self.actual, step);
            Ok(())
        });
        for (step, _) in outcomes.iter().filter(|(_, outcome)| *outcome == Outcome::Done) {
            self.ledger.note(*step);
        }
        outcomes
    }

    fn start(&mut self, texts: &[&str]) -> Vec<Step> {
        let steps = start(&vips(texts), &self.actual, &self.ledger);
        self.run(steps.clone(), |_| false);
        steps
    }

    fn stop(&mut self, texts: &[&str]) -> Vec<Step> {
        let steps = stop(&vips(texts), &self.actual, &self.ledger);
        self.run(steps.clone(), |_| false);
        steps
    }

    fn suffices(&self) -> bool {
        Sysctl::ALL.into_iter().all(|sysctl| sysctl.setting().suffices(self.actual.sysctl(sysctl)))
    }
}

/// Every kernel that a start can find.
fn kernels() -> Vec<Actual> {
    let mut kernels = Vec::new();
    for bits in 0..16_u8 {
        for ignore in [0, 1, 2, 3, 8] {
            for announce in [0, 1, 2, 3] {
                let mut actual = fresh();
                actual.loopback_up = bits & 1 == 0;
                set_sysctls(&mut actual, ignore, announce);
                for (bit, item) in [(2, address(V4)), (4, route(V4)), (8, address(V6))] {
                    put(&mut actual, item, bits & bit != 0);
                }
                kernels.push(actual);
            }
        }
    }
    kernels
}

#[test]
fn start_makes_everything_right_and_has_then_nothing_to_do() {
    for kernel in kernels() {
        let mut server = Server::new(kernel);
        server.start(&[V4, V6]);
        assert!(server.actual.loopback_up && server.suffices(), "{server:?}");
        for item in [address(V4), route(V4), address(V6)] {
            assert!(server.actual.has(item) && server.ledger.knows(item), "{item:?} {server:?}");
        }
        assert_eq!(server.start(&[V4, V6]), []);
    }
}

#[test]
fn stop_leaves_the_kernel_as_start_found_it_and_forgets_all() {
    for kernel in kernels() {
        let mut server = Server::new(kernel.clone());
        server.start(&[V4, V6]);
        server.stop(&[V4, V6]);
        let found = Actual { loopback_up: true, ..kernel };
        assert_eq!(server, Server::new(found));
    }
}

#[test]
fn stop_without_a_start_changes_nothing() {
    for kernel in kernels() {
        let mut server = Server::new(kernel.clone());
        let steps = server.stop(&[V4, V6]);
        assert!(!steps.iter().any(|step| step.is_change()), "{steps:?}");
        assert_eq!(server, Server::new(kernel));
    }
}

#[test]
fn whatever_fails_a_second_attempt_completes() {
    for kernel in kernels() {
        let steps = start(&vips(&[V4, V6]), &kernel, &Ledger::default());
        for failing in &steps {
            let mut server = Server::new(kernel.clone());
            server.run(steps.clone(), |step| step == *failing);
            server.start(&[V4, V6]);
            assert_eq!(server.start(&[V4, V6]), []);

            let steps = stop(&vips(&[V4, V6]), &server.actual, &server.ledger);
            for failing in &steps {
                let mut server = server.clone();
                server.run(steps.clone(), |step| step == *failing);
                server.stop(&[V4, V6]);
                assert_eq!(server, Server::new(Actual { loopback_up: true, ..kernel.clone() }));
            }
        }
    }
}

#[test]
fn an_address_that_we_add_is_never_there_without_the_sysctls_whatever_fails() {
    let exposed = |actual: &Actual| {
        let server = Server::new(actual.clone());
        server.actual.has(address(V4)) && !server.suffices()
    };
    for kernel in kernels().into_iter().filter(|kernel| !kernel.has(address(V4))) {
        let mut started = Server::new(kernel.clone());
        let starting = started.start(&[V4]);
        let stopping = stop(&vips(&[V4]), &started.actual, &started.ledger);
        for (begin, steps) in [(Server::new(kernel), starting), (started, stopping)] {
            for failing in [None].into_iter().chain(steps.iter().copied().map(Some)) {
                let mut actual = begin.actual.clone();
                carry_out(steps.clone(), |step| {
                    if Some(step) == failing {
                        return Err(());
                    }
                    perform(&mut actual, step);
                    assert!(!exposed(&actual), "after {step:?}, with {failing:?} failing, in {steps:?}");
                    Ok(())
                });
            }
        }
    }
}

#[test]
fn a_fresh_host_gets_sysctls_then_address_then_route() {
    let steps = start(&vips(&[V4]), &fresh(), &Ledger::default());
    let set = Sysctl::ALL.map(|sysctl| Step::Set { sysctl, found: 0, value: sysctl.setting().wanted() });
    let add = [Step::Add(address(V4)), Step::Add(route(V4))];
    assert_eq!(steps, [&set[..], &add].concat());
}

#[test]
fn an_ipv6_address_needs_no_sysctl_and_no_route_from_us() {
    let steps = start(&vips(&[V6]), &fresh(), &Ledger::default());
    assert_eq!(steps, [Step::Add(address(V6))]);
}

#[test]
fn the_sysctls_go_back_with_the_last_ipv4_address() {
    let mut server = Server::new(fresh());
    server.start(&[V4]);
    assert_eq!(server.start(&[OTHER, V6]), [address(OTHER), route(OTHER), address(V6)].map(Step::Add));
    assert_eq!(server.stop(&[V4]), [route(V4), address(V4)].map(Step::Remove));
    assert!(server.suffices());
    server.stop(&[OTHER]);
    assert_eq!(server.actual.sysctls, fresh().sysctls);
    assert!(server.actual.has(address(V6)));
}

#[test]
fn a_sysctl_that_does_more_is_left_and_is_nobody_s_to_put_back() {
    let mut server = Server::new(fresh());
    set_sysctls(&mut server.actual, 2, 2);
    assert_eq!(server.start(&[V4]), [address(V4), route(V4)].map(Step::Add));
    assert_eq!(server.ledger.sysctls, BTreeMap::new());
}

#[test]
fn a_sysctl_that_somebody_changed_meanwhile_stays_as_it_is() {
    let mut server = Server::new(fresh());
    server.start(&[V4]);
    server.actual.sysctls.insert(Sysctl::AllArpIgnore, 2);
    let steps = server.stop(&[V4]);
    assert!(
        steps.contains(&Step::LeaveSysctl { sysctl: Sysctl::AllArpIgnore, is: 2, value: 1 }),
        "{steps:?}"
    );
    assert_eq!(server.actual.sysctl(Sysctl::AllArpIgnore), 2);
    assert_eq!(server.actual.sysctl(Sysctl::AllArpAnnounce), 0);
    assert!(server.ledger.is_empty());
}

#[test]
fn the_value_to_put_back_is_the_last_one_that_is_not_ours() {
    let mut server = Server::new(fresh());
    server.start(&[V4]);
    server.actual.sysctls.insert(Sysctl::AllArpIgnore, 3);
    server.start(&[OTHER]);
    assert_eq!(server.ledger.sysctls.get(&Sysctl::AllArpIgnore), Some(&Change { found: 3, value: 1 }));
    server.stop(&[V4, OTHER]);
    assert_eq!(server.actual.sysctl(Sysctl::AllArpIgnore), 3);
}

#[test]
fn an_address_that_was_there_stays_and_its_missing_route_goes() {
    let mut server = Server::new(fresh());
    put(&mut server.actual, address(V4), true);
    let steps = server.start(&[V4]);
    assert!(steps.ends_with(&[Step::Keep(address(V4)), Step::Add(route(V4))]), "{steps:?}");
    let steps = server.stop(&[V4]);
    assert!(steps.starts_with(&[Step::Remove(route(V4)), Step::Leave(address(V4))]), "{steps:?}");
}

#[test]
fn a_foreign_address_that_was_taken_away_is_ours_once_start_has_added_it() {
    let mut server = Server::new(fresh());
    put(&mut server.actual, address(V4), true);
    server.start(&[V4]);
    put(&mut server.actual, address(V4), false);
    assert_eq!(server.start(&[V4]), [Step::Add(address(V4))]);
    assert!(server.stop(&[V4]).contains(&Step::Remove(address(V4))));
}

#[test]
fn what_somebody_removed_is_put_back_by_start_and_forgotten_by_stop() {
    let mut server = Server::new(fresh());
    server.start(&[V4]);
    put(&mut server.actual, address(V4), false);
    put(&mut server.actual, route(V4), false);
    let mut stopped = server.clone();
    assert_eq!(server.start(&[V4]), [address(V4), route(V4)].map(Step::Add));
    assert!(stopped.stop(&[V4]).starts_with(&[route(V4), address(V4)].map(Step::Forget)));
    assert_eq!(stopped, Server::new(fresh()));
}

#[test]
fn another_address_is_not_put_back_in_passing() {
    let mut server = Server::new(fresh());
    server.start(&[V4, OTHER]);
    put(&mut server.actual, address(OTHER), false);
    assert_eq!(server.start(&[V4]), []);
    assert_eq!(server.stop(&[V4]), [route(V4), address(V4)].map(Step::Remove));
}

#[test]
fn the_same_ipv4_address_with_a_network_s_prefix_is_another() {
    let mut actual = fresh();
    actual.addresses.insert((V4.parse().unwrap(), 24));
    assert!(!actual.has(address(V4)));
    actual.addresses.insert((V6.parse().unwrap(), 64));
    assert!(actual.has(address(V6)));
}

#[test]
fn a_step_that_is_blocked_names_the_one_that_failed() {
    let mut server = Server::new(fresh());
    let steps = start(&vips(&[V4, V6]), &server.actual, &server.ledger);
    let failing = steps[0];
    let outcomes = server.run(steps, |step| step == failing);
    let blocked = |item| (Step::Add(item), Outcome::Blocked(failing));
    assert!(outcomes.contains(&blocked(address(V4))), "{outcomes:?}");
    assert!(
        outcomes.contains(&(Step::Add(route(V4)), Outcome::Blocked(Step::Add(address(V4))))),
        "{outcomes:?}"
    );
    assert!(server.actual.has(address(V6)), "what can be done is done");
}
