//! What one holder (an instance, or the router itself) holds in the kernel: wanted, confirmed, and put back when somebody
//! takes it away.
//!
//! **A want is the whole truth**: what shall be there, and what of ours shall not. It is said again when something
//! failed, was taken away, or may have been lost with an interface, at most once a second.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use clock::Instant;

use crate::action::{Action, InstanceId, Want};
use crate::link::IfIndex;
use crate::links::Links;
use crate::spec::Held;

/// Least time between two attempts to bring the kernel in line.
const RETRY: Duration = Duration::from_secs(1);

#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Hold {
    /// What shall be there, in the order in which it is installed.
    present: Vec<Held>,
    /// Number of the newest want.
    serial: u64,
    /// The answer to it is not in yet.
    pending: bool,
    /// When the newest want went out.
    wanted_at: Instant,
    /// When to want again.
    retry_at: Option<Instant>,
    /// What the kernel has confirmed to be there.
    confirmed: BTreeSet<Held>,
    /// Confirmed addresses that a link view has shown: only those can be seen to be missing again, since a view may be
    /// older than the confirmation.
    seen: BTreeSet<Held>,
    /// What somebody else removed and is to be put back.
    lost: BTreeSet<Held>,
    /// What earlier configurations held and the kernel has not confirmed to be gone.
    dropped: BTreeSet<Held>,
    /// The interfaces that it needs and that were up at the last look. One that goes down takes IPv4 routes with it, of
    /// which nobody is told.
    standing: BTreeMap<String, IfIndex>,
    /// Failures that have been told.
    told: BTreeSet<(Held, i32)>,
}

/// What an answer of the kernel brought.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Settled {
    /// Addresses that are there and were not before.
    pub(crate) fresh: Vec<Held>,
    /// Of these, and of routes and rules, what somebody else had removed.
    pub(crate) restored: Vec<Held>,
    /// What failed and was not told yet, whether it should have been added, and the error number.
    pub(crate) failed: Vec<(Held, bool, i32)>,
}

impl Hold {
    pub(crate) const fn retry_at(&self) -> Option<Instant> {
        self.retry_at
    }

    pub(crate) const fn is_pending(&self) -> bool {
        self.pending
    }

    pub(crate) fn is_confirmed(&self, held: &Held) -> bool {
        self.confirmed.contains(held)
    }

    /// Nothing is there any longer: it was released, or the interface is another one.
    pub(crate) fn forget(&mut self) {
        self.confirmed.clear();
        self.seen.clear();
        self.lost.clear();
        self.told.clear();
    }

    /// Remembers what a reload took away, until the kernel has confirmed that it is gone.
    pub(crate) fn drop_unlisted(&mut self, before: Vec<Held>, after: &[Held]) {
        self.dropped.extend(before);
        let kept: BTreeSet<_> = after.iter().collect();
        self.dropped.retain(|held| !kept.contains(held));
        for set in [&mut self.confirmed, &mut self.seen, &mut self.lost] {
            set.retain(|held| kept.contains(held));
        }
    }

    /// Says what shall be there, or, unless it `shall`, that none of it is to be.
    pub(crate) fn want(
        &mut self,
        now: Instant,
        links: &Links,
        holder: InstanceId,
        held: Vec<Held>,
        shall: bool,
        accept: bool,
    ) -> Action {
        let mut absent: Vec<_> = self.dropped.iter().cloned().collect();
        if shall {
            self.present = held;
        } else {
            self.present.clear();
            absent.splice(0..0, held);
            self.forget();
        }
        absent.sort_by_key(removal_order);
        self.serial += 1;
        self.pending = true;
        self.wanted_at = now;
        self.retry_at = None;
        self.standing = self.standing_now(links);
        Action::Want(Want {
            instance: holder,
            serial: self.serial,
            present: self.present.clone(),
            absent,
            accept,
        })
    }

    /// The kernel has answered a want; `None` if it was an older one.
    pub(crate) fn applied(&mut self, now: Instant, serial: u64, failed: Vec<(Held, i32)>) -> Option<Settled> {
        if serial != self.serial {
            return None;
        }
        self.pending = false;
        let refused: BTreeSet<_> = failed.iter().map(|(held, _)| held.clone()).collect();
        self.dropped.retain(|held| refused.contains(held));
        let mut settled = Settled::default();
        for held in &self.present {
            if refused.contains(held) || !self.confirmed.insert(held.clone()) {
                continue;
            }
            self.told.retain(|(told, _)| told != held);
            if self.lost.remove(held) {
                settled.restored.push(held.clone());
            }
            settled.fresh.push(held.clone());
        }
        if !failed.is_empty() || !self.lost.is_empty() {
            self.retry_at = Some(now + RETRY);
        }
        for (held, errno) in failed {
            if self.told.insert((held.clone(), errno)) {
                let adding = self.present.contains(&held);
                settled.failed.push((held, adding, errno));
            }
        }
        Some(settled)
    }

    /// Compares the links with what was confirmed. Returns whether to want again now.
    pub(crate) fn look(&mut self, now: Instant, links: &Links) -> bool {
        for held in self.confirmed.iter().filter(|held| held.is_tracked()).cloned().collect::<Vec<_>>() {
            let Some(address) = held.as_address() else { continue };
            if links.named(&address.interface).is_some_and(|link| link.has(address)) {
                self.seen.insert(held);
            } else if self.seen.remove(&held) {
                self.confirmed.remove(&held);
                self.lost.insert(held);
            }
        }
        let standing = self.standing_now(links);
        let returned = standing.iter().any(|(name, index)| self.standing.get(name) != Some(index));
        self.standing = standing;
        (returned || !self.lost.is_empty()) && self.is_due(now)
    }

    /// Somebody removed some of these. Returns whether to want again now.
    pub(crate) fn lose(&mut self, now: Instant, gone: &[Held]) -> bool {
        let before = self.lost.len();
        for held in gone.iter().filter(|held| held.is_tracked()) {
            if let Some(held) = self.confirmed.take(held) {
                self.lost.insert(held);
            }
        }
        self.lost.len() > before && self.is_due(now)
    }

    /// Something may have been lost. Returns whether to want again now.
    pub(crate) fn doubt(&mut self, now: Instant) -> bool {
        !self.present.is_empty() && self.is_due(now)
    }

    fn is_due(&mut self, now: Instant) -> bool {
        if self.pending {
            return false;
        }
        let earliest = self.wanted_at + RETRY;
        if earliest > now {
            self.retry_at = Some(earliest);
        }
        earliest <= now
    }

    fn standing_now(&self, links: &Links) -> BTreeMap<String, IfIndex> {
        let names: BTreeSet<_> = self.present.iter().flat_map(Held::interfaces).collect();
        let up = |name: &str| links.named(name).filter(|link| link.up).map(|link| link.index);
        names.into_iter().filter_map(|name| Some((name.to_owned(), up(name)?))).collect()
    }
}

/// What stands on something else goes before it; addresses go in the order in which they came.
const fn removal_order(held: &Held) -> u8 {
    match held {
        Held::Rule(_) => 0,
        Held::Route(_) => 1,
        Held::Address(_) => 2,
    }
}
