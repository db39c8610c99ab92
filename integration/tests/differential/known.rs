//! The kinds of difference that are there on purpose, each with its reason in `config::differences`.

use crate::compare::Verdict;

/// The kind of a difference, if it is known.
pub fn kind(_verdict: &Verdict) -> Option<&'static str> {
    None
}
