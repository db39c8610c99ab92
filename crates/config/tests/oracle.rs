//! Every case of the keyword table against what Debian's keepalived 2.2.7 said of the same file.

#![expect(clippy::unwrap_used, reason = "what the helpers of a test cannot have fails the test")]

mod common;

use std::collections::BTreeMap;

use common::{cases, read};

/// Where stayd differs on purpose, and why.
const DIFFERENT: &[(&str, &str)] = &[
    ("/bfd_instance Missing", "keepalived crashes"),
    ("bfd_instance/neighbor_ip Missing", "keepalived crashes"),
    ("global_defs/default_interface Bad", "no interface has such a long name"),
    ("global_defs/vrrp_skip_check_adv_addr Bad", "a switch since 2.3; 2.2.7 ignores what follows it"),
    ("global_defs/vrrp_strict Bad", "a switch since 2.3; 2.2.7 ignores what follows it"),
    ("global_defs/include_check Good", "2.2.7 takes its own words for duplicates of each other"),
    ("virtual_server/persistence_engine Bad", "2.2.7 takes a byte more than the kernel does"),
    ("url/regex_options Bad", "2.2.7 ignores what it does not know"),
    ("url/regex_min_offset Bad", "2.2.7 ignores what it does not understand"),
    ("url/regex_max_offset Bad", "2.2.7 ignores what it does not understand"),
];

fn measured() -> BTreeMap<&'static str, i32> {
    let lines = include_str!("data/oracle-2.2.7.tsv").lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| line.split_once('\t').unwrap())
        .map(|(name, status)| (name, status.parse().unwrap()))
        .collect()
}

/// Whether 2.2.7 knows what a release brought.
fn known_to_2_2_7(case: &common::Case) -> bool {
    if case.block.is_ours() || case.keyword.since == config::keyword::OURS {
        return false;
    }
    let release: Vec<u32> = case.keyword.since.split('.').map(|part| part.parse().unwrap()).collect();
    release <= vec![2, 2, 7]
}

#[test]
fn each_case_has_the_status_that_keepalived_gave_it() {
    let measured = measured();
    let mut compared = 0;
    let mut wrong = Vec::new();
    for case in cases().into_iter().filter(known_to_2_2_7) {
        let expected =
            *measured.get(case.name.as_str()).unwrap_or_else(|| panic!("{} was not measured", case.name));
        let same = i32::from(read(&case.text).test_status()) == expected;
        let different = DIFFERENT.iter().any(|(name, _)| *name == case.name);
        if same == different {
            wrong
                .push(format!("{}: keepalived gave {expected}, listed as different: {different}", case.name));
        }
        compared += 1;
    }
    assert!(compared > 1000, "only {compared} cases");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
