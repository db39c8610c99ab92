//! The laws of reconciliation.

use ipvs::{Error, Op, Owned, ROUNDS, Report, Table, plan, reconcile, withdraw};
use netlink::Outcome;
use proptest::prelude::*;

use crate::any;
use crate::end::{served, usable, wanted};
use crate::faulty::{Fault, Faulty};

fn owned(earlier: &Table, desired: &Table) -> Owned {
    let mut owned = Owned::default();
    owned.claim(earlier);
    owned.claim(desired);
    owned
}

fn fault() -> impl Strategy<Value = Option<Fault>> {
    prop_oneof![
        6 => Just(None),
        1 => prop::sample::select(vec![libc::ENOMEM, libc::EEXIST, libc::ESRCH]).prop_map(Fault::Refusal).prop_map(Some),
        1 => Just(Some(Fault::AnswerLost)),
        1 => Just(Some(Fault::SendFails)),
    ]
}

fn rounds(kernel: &mut Faulty, desired: &Table, owned: &Owned) -> Report {
    reconcile(kernel, desired, owned, None)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn faults_that_end_do_not_keep_the_table_from_being_as_wanted(
        desired in any::table(),
        actual in any::table(),
        earlier in any::table(),
        faults in prop::collection::vec(fault(), 0..12),
    ) {
        let owned = owned(&earlier, &desired);
        let mut kernel = Faulty { faults: faults.into(), ..Faulty::with(actual.clone()) };
        // Each call ends early if it gets nowhere; somebody calls again.
        let settled = (0..12).any(|_| rounds(&mut kernel, &desired, &owned).settled());
        prop_assert!(settled);
        prop_assert_eq!(&kernel.table, &wanted(&desired, &actual, &owned));
    }

    #[test]
    fn at_the_end_what_is_ours_goes_whatever_fails_and_what_others_added_stays(
        actual in any::table(),
        earlier in any::table(),
        faults in prop::collection::vec(fault(), 0..12),
    ) {
        let nothing = Table::default();
        let owned = owned(&earlier, &nothing);
        let without = faults.iter().all(Option::is_none);
        let mut kernel = Faulty { faults: faults.into(), ..Faulty::with(actual.clone()) };
        let report = withdraw(&mut kernel, &owned);
        let after = wanted(&nothing, &actual, &owned);
        if report.failures.is_empty() && report.error.is_none() {
            prop_assert_eq!(&kernel.table, &after);
        }
        if without {
            prop_assert_eq!(&kernel.table, &after);
            prop_assert_eq!((report.done, report.repairs), (plan(&nothing, &actual, &owned), vec![]));
            prop_assert_eq!(kernel.dumps, 1);
        }
    }

    #[test]
    fn no_fault_takes_the_last_usable_destination(
        desired in any::table(),
        actual in any::table(),
        earlier in any::table(),
        faults in prop::collection::vec(fault(), 0..30),
    ) {
        let owned = owned(&earlier, &desired);
        let mut kernel = Faulty { faults: faults.into(), ..Faulty::with(actual.clone()) };
        rounds(&mut kernel, &desired, &owned);
        for service in served(&actual, &wanted(&desired, &actual, &owned)) {
            prop_assert!(kernel.history.iter().all(|table| usable(table, &service)), "{service}");
        }
    }

    #[test]
    fn what_others_change_meanwhile_is_repaired(
        desired in any::table(),
        actual in any::table(),
        edits in prop::collection::vec(any::op(), 1..8),
        faults in prop::collection::vec(fault(), 1..4),
    ) {
        let owned = owned(&actual, &desired);
        let others = [Vec::new(), edits].into();
        let mut kernel = Faulty { faults: faults.into(), others, ..Faulty::with(actual.clone()) };
        let settled = (0..4).any(|_| rounds(&mut kernel, &desired, &owned).settled());
        prop_assert!(settled);
        prop_assert_eq!(plan(&desired, &kernel.table, &owned), []);
    }

    #[test]
    fn the_reported_table_is_the_kernels(
        desired in any::table(),
        actual in any::table(),
        next in any::table(),
    ) {
        let mut owned = owned(&actual, &desired);
        let mut kernel = Faulty::with(actual);
        let report = rounds(&mut kernel, &desired, &owned);
        prop_assert_eq!(report.table.as_ref(), Some(&kernel.table));

        owned.claim(&next);
        let report = reconcile(&mut kernel, &next, &owned, report.table);
        prop_assert_eq!(report.table.as_ref(), Some(&kernel.table));
        prop_assert_eq!(plan(&next, &kernel.table, &owned), []);
    }

    #[test]
    fn an_outdated_belief_costs_nobody_an_entry_and_a_look_repairs_it(
        desired in any::table(),
        believed in any::table(),
        actual in any::table(),
        earlier in any::table(),
    ) {
        let owned = owned(&earlier, &desired);
        let mut kernel = Faulty::with(actual.clone());
        reconcile(&mut kernel, &desired, &owned, Some(believed));
        prop_assert!(rounds(&mut kernel, &desired, &owned).settled());
        prop_assert_eq!(&kernel.table, &wanted(&desired, &actual, &owned));
    }

    #[test]
    fn of_what_is_not_named_any_more_that_stays_ours_which_is_there_and_nothing_else_changes(
        earlier in any::table(),
        desired in any::table(),
        actual in any::table(),
    ) {
        let named = owned(&Table::default(), &desired);
        let mut former = owned(&earlier, &Table::default());
        former.leave(&named);
        former.forget_gone(&actual);
        for (key, service) in &earlier.services {
            let present = actual.services.get(key);
            for dest in service.dests.keys() {
                let there = present.is_some_and(|service| service.dests.contains_key(dest));
                prop_assert_eq!(former.dest(key, dest), there && !named.dest(key, dest));
            }
            if !named.service(key) {
                prop_assert_eq!(former.service(key), present.is_some());
            }
        }
        former.add(named);
        prop_assert_eq!(plan(&desired, &actual, &former), plan(&desired, &actual, &owned(&earlier, &desired)));
    }
}

/// The first table of a fixed sequence that is as `fits` says.
fn some_table(fits: fn(&Table) -> bool) -> Table {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    any::table().prop_filter("fits", fits).new_tree(&mut runner).unwrap().current()
}

/// A table whose services are all served.
fn served_table() -> Table {
    some_table(|table| table.services.len() > 1 && table.services.keys().all(|key| usable(table, key)))
}

#[test]
fn a_table_that_is_as_wanted_costs_one_look() {
    let table = served_table();
    let mut kernel = Faulty::with(table.clone());
    let report = rounds(&mut kernel, &table, &owned(&table, &table));
    assert!(report.settled() && report.done.is_empty());
    assert_eq!(kernel.dumps, 1);
}

#[test]
fn a_believed_table_saves_the_look_unless_a_service_goes() {
    let table = served_table();
    let owned = owned(&table, &table);
    let mut kernel = Faulty::with(Table::default());
    assert!(reconcile(&mut kernel, &table, &owned, Some(Table::default())).settled());
    assert_eq!(kernel.dumps, 0);
    assert!(reconcile(&mut kernel, &Table::default(), &owned, Some(table)).settled());
    assert_eq!((kernel.dumps, kernel.table), (1, Table::default()));
}

#[test]
fn a_change_that_the_kernel_never_takes_is_reported_and_the_rest_is_done() {
    let actual = served_table();
    let mut desired = actual.clone();
    let (&service, entry) = desired.services.iter_mut().next().unwrap();
    entry.spec.scheduler = "nonsense".into();
    for (_, dest) in desired.services.values_mut().last().unwrap().dests.iter_mut() {
        dest.weight = dest.weight % 2 + 1;
    }

    let mut kernel = Faulty::with(actual.clone());
    let report = rounds(&mut kernel, &desired, &owned(&actual, &desired));
    assert!(!report.settled());
    let [failure] = &report.failures[..] else { panic!("{:?}", report.failures) };
    assert!(matches!(&failure.op, Op::EditService { service: named, .. } if *named == service));
    assert!(matches!(&failure.outcome, Outcome::Refused(refusal) if refusal.errno == libc::ENOENT));
    assert!(!report.done.is_empty());
    // The second round finds nothing else to do, and there is no third.
    assert_eq!(kernel.dumps, 2);
}

#[test]
fn a_destination_stays_while_its_only_replacement_is_refused() {
    let actual = served_table();
    let mut desired = actual.clone();
    let replaced = *desired.services.keys().next().unwrap();
    let entry = desired.services.get_mut(&replaced).unwrap();
    let old = std::mem::take(&mut entry.dests);
    let (mut key, mut spec) = old.clone().into_iter().next().unwrap();
    key.port = 8888;
    (spec.upper_threshold, spec.lower_threshold, spec.weight) = (1, 2, 1);
    entry.dests.insert(key, spec);

    let mut kernel = Faulty::with(actual.clone());
    let report = rounds(&mut kernel, &desired, &owned(&actual, &desired));
    assert_eq!(kernel.table.services[&replaced].dests, old);
    let withheld: Vec<_> = old.keys().map(|&dest| Op::DeleteDest { service: replaced, dest }).collect();
    assert_eq!(report.withheld, withheld);
    assert_eq!(report.failures.len(), 1);
}

#[test]
fn a_failure_in_one_service_does_not_keep_the_destinations_of_another() {
    let actual = served_table();
    let mut desired = actual.clone();
    let mut services = desired.services.iter_mut();
    services.next().unwrap().1.spec.scheduler = "nonsense".into();
    let (&emptied, entry) = services.next_back().unwrap();
    entry.dests.clear();

    let mut kernel = Faulty::with(actual.clone());
    let report = rounds(&mut kernel, &desired, &owned(&actual, &desired));
    assert!(!report.settled() && report.withheld.is_empty());
    assert!(kernel.table.services[&emptied].dests.is_empty());
}

#[test]
fn rounds_are_bounded_though_each_fails_for_a_new_reason() {
    let table = served_table();
    let mut kernel =
        Faulty { faults: (1..).map(Fault::Refusal).map(Some).take(1000).collect(), ..Faulty::default() };
    let report = rounds(&mut kernel, &table, &owned(&table, &table));
    assert!(!report.settled() && !report.failures.is_empty());
    assert_eq!(kernel.dumps, ROUNDS);
}

#[test]
fn a_table_that_cannot_be_read_changes_nothing() {
    let table = served_table();
    let mut kernel = Faulty { blind: 1, ..Faulty::default() };
    let report = rounds(&mut kernel, &table, &Owned::default());
    assert!(matches!(report.error, Some(Error::Netlink(netlink::Error::Overrun))));
    assert!(!report.settled() && kernel.history.is_empty());
}
