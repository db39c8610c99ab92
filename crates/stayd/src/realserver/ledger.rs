//! What `start` did and found, for `stop`.
//!
//! **Only what stands here as added is ever removed, and only a value that stands here as ours is ever put back.**

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::step::{Item, Step};
use super::sysctl::Sysctl;

/// The record, as it stands in the state file.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ledger {
    /// What `start` added.
    pub added: BTreeSet<Item>,
    /// What was there before `start`.
    pub found: BTreeSet<Item>,
    /// What `start` set.
    pub sysctls: BTreeMap<Sysctl, Change>,
}

/// A sysctl that `start` set.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// Its value before.
    pub found: i32,
    /// Its value since.
    pub value: i32,
}

impl Ledger {
    /// The virtual addresses that are started.
    pub fn vips(&self) -> BTreeSet<IpAddr> {
        self.added.union(&self.found).map(|item| item.vip()).collect()
    }

    /// Whether `start` has seen to this item.
    pub fn knows(&self, item: Item) -> bool {
        self.added.contains(&item) || self.found.contains(&item)
    }

    /// Whether there is nothing to remember.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Takes note of a step that was done.
    pub fn note(&mut self, step: Step) {
        match step {
            Step::Raise => {}
            Step::Set { sysctl, found, value } => {
                self.sysctls.insert(sysctl, Change { found, value });
            }
            Step::PutBack { sysctl, .. } | Step::LeaveSysctl { sysctl, .. } => {
                self.sysctls.remove(&sysctl);
            }
            Step::Add(item) => {
                self.found.remove(&item);
                self.added.insert(item);
            }
            Step::Keep(item) => {
                self.found.insert(item);
            }
            Step::Remove(item) | Step::Forget(item) | Step::Leave(item) => {
                self.added.remove(&item);
                self.found.remove(&item);
            }
        }
    }

    /// The record to write before these steps are tried: should we die among them, nothing that was added is taken for
    /// foreign later, and no value that was found is lost. What is removed is still in it.
    pub fn before(&self, steps: &[Step]) -> Self {
        let mut ledger = self.clone();
        for step in steps {
            if matches!(step, Step::Set { .. } | Step::Add(_) | Step::Keep(_)) {
                ledger.note(*step);
            }
        }
        ledger
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VIP: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 168, 0, 10));

    #[test]
    fn the_state_file_can_be_read_by_people() {
        let mut ledger = Ledger::default();
        ledger.note(Step::Set { sysctl: Sysctl::AllArpIgnore, found: 0, value: 1 });
        ledger.note(Step::Keep(Item::Address(VIP)));
        ledger.note(Step::Add(Item::Route("192.168.0.10".parse().unwrap())));
        let text = serde_json::to_string(&ledger).unwrap();
        assert_eq!(
            text,
            r#"{"added":[{"route":"192.168.0.10"}],"found":[{"address":"192.168.0.10"}],"sysctls":{"net.ipv4.conf.all.arp_ignore":{"found":0,"value":1}}}"#
        );
        assert_eq!(serde_json::from_str::<Ledger>(&text).unwrap(), ledger);
    }

    #[test]
    fn a_record_of_another_version_is_not_half_understood() {
        let text = r#"{"added":[],"found":[],"sysctls":{},"links":["lo"]}"#;
        assert!(serde_json::from_str::<Ledger>(text).is_err());
    }

    #[test]
    fn what_is_to_be_added_is_written_down_first_and_what_is_to_be_removed_last() {
        let item = Item::Address(VIP);
        let added = Ledger::default().before(&[Step::Add(item)]);
        assert!(added.added.contains(&item));
        assert_eq!(added.before(&[Step::Remove(item)]), added);
    }
}
