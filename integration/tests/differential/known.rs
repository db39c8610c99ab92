//! The kinds of difference in status that are there on purpose; `docs/differences.md` has the reason of each.

use crate::compare::Verdict;

/// A kind of difference, and how it is known.
type Kind = (&'static str, fn(&Verdict) -> bool);

const KINDS: &[Kind] = &[
    ("where braces do not pair, keepalived lets blocks run into each other", |verdict| {
        ["missing '}'s", "Extra '}'", "Missing '{'", "Unexpected '{'"]
            .iter()
            .any(|said| verdict.keepalived.said.contains(said))
    }),
    ("at the end of a file a block without its `{` goes unnoticed", |verdict| {
        verdict.keepalived.said.is_empty()
            && verdict.stayd.said.contains("missing-open-brace")
            && verdict.stayd.said.contains("a block has to start here")
    }),
    ("keepalived ends over its own message about an interface that is in a garp_group already", |verdict| {
        verdict.keepalived.status == 2 && verdict.stayd.said.contains("is in a `garp_group` already")
    }),
    ("keepalived does not look into a virtual server with a bad address", |verdict| {
        verdict.keepalived.said.contains("Invalid virtual server IP address/port")
    }),
    ("keepalived loses the thread in a definition of lines that has a condition in it", |verdict| {
        let file = std::fs::read_to_string(verdict.case.folder.join(&verdict.case.file)).unwrap_or_default();
        file.starts_with("$BODY") && verdict.keepalived.said.contains("@node")
    }),
    ("a backslash by itself ends a definition", |verdict| {
        verdict.keepalived.said.contains("Unknown keyword '\\'")
    }),
];

/// The kind of a difference, if it is known.
pub fn kind(verdict: &Verdict) -> Option<&'static str> {
    KINDS.iter().find(|(_, is)| is(verdict)).map(|(kind, _)| *kind)
}
