//! What `FILE_CHECK` and `BFD_CHECK` make of what they follow.
//!
//! **A file of which nothing is known counts as one with the number 0, a session as up unless it is alpha**: nobody is taken
//! out of service by what was not looked at yet.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::spec::FollowSpec;

/// Something that servers follow, by its name in the file.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Followed {
    /// A `track_file`: its value is the number in it.
    File(String),
    /// A `bfd_instance`: 1 is up, 0 down.
    Session(String),
}

/// What is known of everything that is followed.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Values(BTreeMap<Followed, i64>);

impl Values {
    /// Notes a value, and says whether it is news.
    pub(crate) fn set(&mut self, what: Followed, value: i64) -> bool {
        self.0.insert(what, value) != Some(value)
    }

    /// Whether a server that follows these may be up, and what they add to its weight.
    pub(crate) fn of(&self, follows: &[FollowSpec]) -> (bool, i64) {
        let (mut up, mut offset) = (true, 0_i64);
        for follow in follows {
            match follow {
                FollowSpec::File { file, weight, reverse } => {
                    let value = self.0.get(&Followed::File(file.clone())).copied().unwrap_or(0);
                    let sign = if *reverse { -1 } else { 1 };
                    let product = value.saturating_mul(i64::from(*weight)).saturating_mul(sign);
                    if product <= i64::from(i32::MIN) || (*weight == 0 && value != 0) {
                        up = false;
                    } else {
                        offset = offset.saturating_add(product);
                    }
                }
                FollowSpec::Bfd { session, alpha, .. } => {
                    up &= self.session(session, *alpha);
                }
            }
        }
        (up, offset)
    }

    /// Whether a session is up; one of which nothing is known is, unless it is alpha.
    pub(crate) fn session(&self, name: &str, alpha: bool) -> bool {
        let value = self.0.get(&Followed::Session(name.to_owned())).copied();
        value.map_or(!alpha, |value| value != 0)
    }
}

/// Whether a server with these follows that.
pub(crate) fn concerns(follows: &[FollowSpec], what: &Followed) -> bool {
    follows.iter().any(|follow| match (follow, what) {
        (FollowSpec::File { file: name, .. }, Followed::File(followed))
        | (FollowSpec::Bfd { session: name, .. }, Followed::Session(followed)) => name == followed,
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(weight: i32, reverse: bool) -> [FollowSpec; 1] {
        [FollowSpec::File { file: "F".to_owned(), weight, reverse }]
    }

    fn with(value: i64) -> Values {
        let mut values = Values::default();
        values.set(Followed::File("F".to_owned()), value);
        values
    }

    #[test]
    fn the_number_times_the_weight_is_added_or_with_reverse_subtracted() {
        assert_eq!(with(5).of(&file(3, false)), (true, 15));
        assert_eq!(with(5).of(&file(3, true)), (true, -15));
        assert_eq!(Values::default().of(&file(3, false)), (true, 0));
    }

    #[test]
    fn with_weight_0_any_number_but_0_is_down_and_so_is_a_product_at_the_least() {
        assert_eq!(with(0).of(&file(0, false)), (true, 0));
        assert_eq!(with(-1).of(&file(0, false)), (false, 0));
        assert_eq!(with(i64::from(i32::MIN)).of(&file(1, false)), (false, 0));
        assert_eq!(with(i64::from(i32::MIN) + 1).of(&file(1, false)), (true, i64::from(i32::MIN) + 1));
    }

    #[test]
    fn a_session_of_which_nothing_is_known_is_down_only_if_alpha() {
        let session = |alpha| [FollowSpec::Bfd { session: "S".to_owned(), alpha, place: 0 }];
        assert_eq!([false, true].map(|alpha| Values::default().of(&session(alpha)).0), [true, false]);
        let mut values = Values::default();
        values.set(Followed::Session("S".to_owned()), 0);
        assert!(!values.of(&session(false)).0);
    }
}
