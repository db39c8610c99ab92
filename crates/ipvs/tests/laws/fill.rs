//! The laws of the first table.

use ipvs::{Owned, Table, fill, reconcile};
use proptest::prelude::*;

use crate::any;
use crate::faulty::{Fault, Faulty};

proptest! {
    #[test]
    fn an_empty_kernel_has_the_whole_table_afterwards(desired in any::table()) {
        let mut kernel = Faulty::default();
        let filled = fill(&mut kernel, desired.services.clone());
        prop_assert!(filled.whole);
        prop_assert_eq!(filled.services, desired.services.len());
        prop_assert_eq!(filled.dests, desired.services.values().map(|service| service.dests.len()).sum::<usize>());
        prop_assert_eq!(&kernel.table, &desired);
    }

    #[test]
    fn after_a_fault_reconciliation_does_the_rest(
        desired in any::table(),
        before in 0..20_usize,
        fault in prop::sample::select(vec![Fault::Refusal(libc::ENOMEM), Fault::AnswerLost, Fault::SendFails]),
    ) {
        let faults = std::iter::repeat_n(None, before).chain([Some(fault)]).collect();
        let mut kernel = Faulty { faults, ..Faulty::default() };
        let filled = fill(&mut kernel, desired.services.clone());
        prop_assert_eq!(filled.whole, !kernel.faults.is_empty());
        kernel.faults.clear();
        let mut owned = Owned::default();
        owned.claim(&desired);
        prop_assert!(reconcile(&mut kernel, &desired, &owned, None).settled());
        prop_assert_eq!(&kernel.table, &desired);
    }

    #[test]
    fn what_is_claimed_at_once_is_what_is_claimed_one_by_one(tables in prop::collection::vec(any::table(), 1..3)) {
        let mut one_by_one = Owned::default();
        for table in &tables {
            one_by_one.claim(table);
        }
        let entries = tables.iter().flat_map(|table: &Table| &table.services);
        let keys = entries.map(|(key, service)| (*key, service.dests.keys().rev().copied().collect()));
        prop_assert_eq!(Owned::of(keys), one_by_one);
    }
}
