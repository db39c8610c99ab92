//! Whatever the bytes, reading ends, and says where what is wrong.

#![expect(clippy::unwrap_used, reason = "what the helpers of a test cannot have fails the test")]

mod common;

use common::{host, options};
use config::keyword;
use config::{Loaded, MemoryFiles, Severity, load};
use proptest::prelude::*;

/// Reads a file, and checks what holds for every file.
fn survives(bytes: &[u8]) -> Result<Loaded, TestCaseError> {
    let files = MemoryFiles::one("f", bytes).with("g", "include f\nvrrp_script s {\n");
    let loaded = load("f", &files, &host(), &options());
    for it in &loaded.diagnostics {
        let source = loaded.sources.get(it.span.source).unwrap();
        let range = it.span.start as usize..it.span.end as usize;
        prop_assert!(source.text().get(range).is_some(), "a place outside its file: {it:?}");
        prop_assert!(!it.message.is_empty());
        prop_assert_eq!(it.severity == Severity::Error, it.effect.start_status().is_some());
    }
    let places: Vec<_> = loaded.diagnostics.iter().map(|it| (it.span.source, it.span.start)).collect();
    prop_assert!(places.is_sorted());
    let rendered = loaded.render_all();
    prop_assert!(!rendered.chars().any(|c| c.is_control() && c != '\n'), "{rendered:?}");
    Ok(loaded)
}

/// Words that matter, in any order: keywords, values, braces, and what the language around them is made of.
fn word() -> impl Strategy<Value = String> {
    let spellings: Vec<_> = keyword::blocks().iter().flat_map(|block| block.spellings()).collect();
    prop_oneof![
        6 => prop::sample::select(spellings).prop_map(str::to_owned),
        4 => Just(" {\n".to_owned()),
        4 => Just("\n}\n".to_owned()),
        4 => Just("\n".to_owned()),
        2 => Just("vrrp_instance A {\ninterface eth0\nvirtual_router_id 3\nvirtual_ipaddress {\n10.0.0.1\n".to_owned()),
        2 => Just("virtual_server 10.0.0.1 80 {\nreal_server 10.0.0.2 80 {\nTCP_CHECK {\n".to_owned()),
        3 => prop::sample::select(vec!["0", "1", "-1", "255", "99999999999999999999", "1.5", "0.0000001", "10.0.0.1",
            "10.0.0.0/8", "10.0.0.1-200", "2001:db8::1", "::/0", "eth0", "dev", "weight", "nowhere", "on", "TCP", "DR",
            "fwmark", "group", "A", "G", "\"", "'", "\\", "#", "!", "@node", "@^node", "$X=", "$X", "${X}", "${_RANDOM}",
            "~SEQ(X,1,5)", "~SEQ(X,1,70)", "~LST(X,a,b)", "include", "g", "*", "{a,b}", "\u{0}", "\u{feff}", "路由",
            "(", ")", ",", "="]).prop_map(str::to_owned),
        1 => "[ -~]{0,12}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        survives(&bytes)?;
    }

    #[test]
    fn any_sequence_of_meaningful_words_is_read(words in prop::collection::vec(word(), 0..80), glued in any::<bool>()) {
        survives(words.join(if glued { "" } else { " " }).as_bytes())?;
    }

    #[test]
    fn a_right_file_with_some_bytes_changed_is_read(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = include_bytes!("data/pair.conf").to_vec();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        survives(&bytes)?;
        survives(&bytes[..cut.index(bytes.len())])?;
    }

    #[test]
    fn the_same_file_gives_the_same_result(words in prop::collection::vec(word(), 0..40)) {
        let text = words.join(" ");
        let (first, second) = (survives(text.as_bytes())?, survives(text.as_bytes())?);
        prop_assert_eq!(first.model, second.model);
        prop_assert_eq!(first.diagnostics, second.diagnostics);
    }
}

#[test]
fn bombs_of_every_kind_are_bounded() {
    let nested: Vec<_> = (0..40).map(|n| format!("$X{n}= \\\n$X{0} \\\n$X{0}\n\n", n + 1)).collect();
    let nested = nested.concat();
    for text in [
        "{".repeat(100_000),
        "}".repeat(100_000),
        "a {\n".repeat(100_000),
        "\"".repeat(100_001),
        "$X=$X$X\n$X\n".to_owned(),
        format!("{nested}$X0\n"),
        "~SEQ(A,-9223372036854775807,9223372036854775807)\n".to_owned(),
        "~SEQ(A,1,1000) ~SEQ(B,1,1000) ~SEQ(C,1,1000) x$A$B$C\n".to_owned(),
        "include g\n".to_owned(),
        format!("include {}\n", "{a,b}".repeat(100)),
        format!("virtual_server_group G {{\n{}}}\n", "::/0 80\n".repeat(100)),
        format!("vrrp_instance A {{\nvirtual_ipaddress {{\n{}", "10.0.0.1\n".repeat(50_000)),
    ] {
        survives(text.as_bytes()).unwrap();
    }
}
