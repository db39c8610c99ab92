//! The laws of plans.

use std::collections::BTreeSet;

use ipvs::{Op, Owned, Table, plan};
use proptest::prelude::*;

use crate::any;
use crate::end::{served, usable, wanted};
use crate::model::change;

/// What was named before, and what is named now.
fn owned(earlier: &Table, desired: &Table) -> Owned {
    let mut owned = Owned::default();
    owned.claim(earlier);
    owned.claim(desired);
    owned
}

/// The tables that a kernel with `table` goes through.
fn tables(table: &Table, ops: &[Op]) -> Vec<Table> {
    let mut tables = vec![table.clone()];
    for op in ops {
        let mut table = tables[tables.len() - 1].clone();
        change(&mut table, op).unwrap_or_else(|errno| panic!("error {errno} of {op}\nin {table:#?}"));
        tables.push(table);
    }
    tables
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn a_table_that_is_as_it_should_be_needs_no_plan(table in any::table(), earlier in any::table()) {
        prop_assert_eq!(plan(&table, &table, &owned(&earlier, &table)), []);
    }

    #[test]
    fn a_plan_makes_ours_as_wanted_and_leaves_the_rest(
        desired in any::table(),
        actual in any::table(),
        earlier in any::table(),
    ) {
        let owned = owned(&earlier, &desired);
        let tables = tables(&actual, &plan(&desired, &actual, &owned));
        let last = tables.last().unwrap();
        prop_assert_eq!(last, &wanted(&desired, &actual, &owned));
        prop_assert_eq!(plan(&desired, last, &owned), []);
    }

    #[test]
    fn no_part_of_a_plan_touches_what_is_not_ours(
        desired in any::table(),
        actual in any::table(),
        earlier in any::table(),
    ) {
        let owned = owned(&earlier, &desired);
        for table in tables(&actual, &plan(&desired, &actual, &owned)) {
            for (key, service) in &actual.services {
                for (dest, spec) in service.dests.iter().filter(|(dest, _)| !owned.dest(key, dest)) {
                    prop_assert_eq!(table.services.get(key).and_then(|service| service.dests.get(dest)), Some(spec));
                }
                if !owned.service(key) {
                    prop_assert_eq!(table.services.get(key), Some(service));
                }
            }
        }
    }

    #[test]
    fn no_part_of_a_plan_leaves_a_service_without_a_usable_destination(
        desired in any::table(),
        actual in any::table(),
        earlier in any::table(),
    ) {
        let owned = owned(&earlier, &desired);
        let tables = tables(&actual, &plan(&desired, &actual, &owned));
        for service in served(&actual, tables.last().unwrap()) {
            prop_assert!(tables.iter().all(|table| usable(table, &service)));
        }
    }

    #[test]
    fn a_new_plan_after_any_part_of_one_leads_to_the_same_end(
        desired in any::table(),
        actual in any::table(),
        earlier in any::table(),
        cut in any::<prop::sample::Index>(),
    ) {
        let owned = owned(&earlier, &desired);
        let ways = tables(&actual, &plan(&desired, &actual, &owned));
        let half = cut.get(&ways);
        let rest = tables(half, &plan(&desired, half, &owned));
        prop_assert_eq!(rest.last().unwrap(), &wanted(&desired, &actual, &owned));
    }

    #[test]
    fn every_change_of_a_plan_changes_something_and_no_entry_is_changed_twice(
        desired in any::table(),
        actual in any::table(),
        earlier in any::table(),
    ) {
        let ops = plan(&desired, &actual, &owned(&earlier, &desired));
        for pair in tables(&actual, &ops).windows(2) {
            prop_assert_ne!(&pair[0], &pair[1]);
        }
        let entries: BTreeSet<_> = ops.iter().map(|op| match op {
            Op::AddService { service, .. } | Op::EditService { service, .. } | Op::DeleteService { service } => {
                (*service, None)
            }
            Op::AddDest { service, dest, .. }
            | Op::EditDest { service, dest, .. }
            | Op::DeleteDest { service, dest } => (*service, Some(*dest)),
        }).collect();
        prop_assert_eq!(entries.len(), ops.len());
    }

    #[test]
    fn a_service_that_goes_takes_its_destinations_along_in_one_change(table in any::table()) {
        let expected: Vec<_> = table.services.keys().map(|&service| Op::DeleteService { service }).collect();
        prop_assert_eq!(plan(&Table::default(), &table, &owned(&table, &table)), expected);
    }

    #[test]
    fn additions_to_a_new_service_follow_it_at_once(table in any::table()) {
        let expected: Vec<_> = table.services.iter().flat_map(|(&service, entry)| {
            let first = Op::AddService { service, spec: entry.spec.clone() };
            let dests = entry.dests.iter();
            let rest = dests.map(move |(&dest, spec)| Op::AddDest { service, dest, spec: spec.clone() });
            std::iter::once(first).chain(rest)
        }).collect();
        prop_assert_eq!(plan(&table, &Table::default(), &Owned::default()), expected);
    }
}
