//! `stayd explain`: what a keyword, or a code of a problem, means.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{Run, folder, run};

fn explain(words: &[&str]) -> Run {
    let folder = folder(&[]);
    run(folder.path(), &[&["explain"], words].concat())
}

#[test]
fn a_keyword_is_told_with_block_range_default_and_release() {
    let told = explain(&["advert_int"]);
    assert_eq!(told.status, 0);
    for part in [
        "advert_int SECONDS\n",
        "in `vrrp_instance`",
        "seconds from 0.01 to 255",
        "Default:       1\n",
        "keepalived 0.5.3",
    ] {
        assert!(told.out.contains(part), "no {part}:\n{}", told.out);
    }
}

#[test]
fn another_spelling_leads_to_the_keyword() {
    let told = explain(&["protocal"]);
    assert_eq!(told.status, 0);
    assert!(told.out.starts_with("protocol "), "{}", told.out);
}

#[test]
fn a_keyword_of_several_blocks_is_told_for_each_and_for_one_on_request() {
    let all = explain(&["weight"]).out;
    assert!(all.contains("in `vrrp_script`") && all.contains("in `real_server`"), "{all}");
    let one = explain(&["weight", "real_server"]).out;
    assert!(!one.contains("in `vrrp_script`") && one.contains("in `real_server`"), "{one}");
    let root = explain(&["track_file", "root"]).out;
    assert!(root.contains("outside all blocks") && !root.contains("in `vrrp_instance`"), "{root}");
}

#[test]
fn every_keyword_and_every_code_is_told() {
    for name in config::keyword::blocks().iter().flat_map(|block| block.spellings()) {
        assert!(!config::keyword::homes(name).is_empty(), "{name}");
    }
    for code in config::Code::ALL {
        let told = explain(&[code.as_str()]);
        assert_eq!(told.status, 0, "{}", code.as_str());
        assert!(told.out.contains("a problem of a configuration"), "{}", told.out);
    }
}

#[test]
fn what_does_not_exist_fails_with_what_may_be_meant() {
    for (words, expected) in [
        (["prority"].as_slice(), "there is no keyword `prority`; did you mean `priority`?\n"),
        (&["wrong-blok"], "there is no keyword `wrong-blok`; did you mean `wrong-block`?\n"),
        (&["nat_mask"], "`nat_mask` no longer exists; keepalived 1.2.19 was the last to know it\n"),
        (&["priority", "vrrp_instanc"], "there is no block `vrrp_instanc`; did you mean `vrrp_instance`?\n"),
        (
            &["priority", "global_defs"],
            "`priority` does not belong in `global_defs`; it belongs in `vrrp_instance`\n",
        ),
    ] {
        let told = explain(words);
        assert_eq!((told.status, told.out.as_str(), told.err.as_str()), (1, "", expected));
    }
}
