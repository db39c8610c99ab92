//! The files that keepalived writes when a signal asks for them, and that exporters parse: data, statistics, JSON.
//!
//! **Each is a function from a view to text**, under keepalived 2.2.7's labels and keys and in its order. The parent writes
//! them, whole and under their name at once; the VRRP process is only asked for what it alone knows.

mod data;
mod held;
mod json;
mod place;
mod stats;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use checker::{ProbeSpec, Scheduler};
use chrono::{DateTime, Local};
use clock::Instant;
use config::model::{Command, Identity, Model};
use net::LinkFacts;
use net::sysctl::Setting;
use vrrp::{InstanceSpec, InstanceStatus, RouterSpec, TrackerId, TrackerState, VmacLink, take_vmacs};

use crate::ipc::{LastRun, SocketView};
use crate::track::Watched;

pub use data::{bfd, checker, parent, vrrp};
pub use json::json;
pub use place::{File, Part, Places, write};
pub use stats::stats;

/// Turns the daemon's time into that of calendars.
#[derive(Clone, Copy, Debug)]
pub struct Calendar {
    /// A moment in the daemon's time.
    pub now: Instant,
    /// The same moment since 1970, in microseconds.
    pub unix_micros: i64,
}

impl Calendar {
    /// Microseconds since 1970.
    fn micros(self, at: Instant) -> i64 {
        let difference = i128::from(at.as_micros()) - i128::from(self.now.as_micros());
        i64::try_from(i128::from(self.unix_micros) + difference).unwrap_or(self.unix_micros)
    }

    /// Seconds since 1970 and the same as a date, as keepalived writes both.
    fn text(self, at: Instant) -> String {
        let micros = self.micros(at);
        let date = DateTime::from_timestamp_micros(micros).unwrap_or_default().with_timezone(&Local);
        let seconds = format!("{}.{:06}", micros.div_euclid(1_000_000), micros.rem_euclid(1_000_000));
        format!("{seconds} ({})", date.format("%a %b %e %H:%M:%S%.6f %Y"))
    }

    /// The same, as keepalived writes when it looked at something; none: never.
    fn text_of_check(self, at: Option<Instant>) -> String {
        let micros = at.map_or(0, |at| self.micros(at));
        let date = DateTime::from_timestamp_micros(micros).unwrap_or_default().with_timezone(&Local);
        let seconds = format!("{}.{:06}", micros.div_euclid(1_000_000), micros.rem_euclid(1_000_000));
        format!("{seconds} ({})", date.format("%a %b %e %H:%M:%S %Y%.6f"))
    }
}

/// Says as which user and group a script runs; none if there is no such user.
pub type Users<'a> = dyn Fn(Option<&Identity>) -> Option<(u32, u32)> + 'a;

/// What is known of VRRP as it runs.
pub struct VrrpFacts<'a> {
    /// What the VRRP process says of its instances.
    pub statuses: &'a [InstanceStatus],
    /// What it hears by.
    pub sockets: &'a [SocketView],
    /// The interfaces; not for statistics.
    pub links: &'a [LinkFacts],
    /// The settings of the kernel that were changed, as they were before.
    pub found: &'a BTreeMap<Setting, i32>,
    /// What instances follow.
    pub watched: &'a Watched,
}

/// What is known of virtual servers as they run.
pub struct CheckerFacts<'a> {
    /// Health, and what checks do.
    pub scheduler: &'a Scheduler,
    /// How the last runs of checks ended, as far as that is shown.
    pub last: &'a BTreeMap<ProbeSpec, LastRun>,
    /// What files and the like say.
    pub trackers: &'a BTreeMap<TrackerId, TrackerState>,
    /// Turns times into dates.
    pub calendar: Calendar,
}

/// What is shown of VRRP.
pub struct VrrpView<'a> {
    model: &'a Model,
    router: RouterSpec,
    vmacs: Vec<VmacLink>,
    /// VMACs and the interfaces below them.
    bases: BTreeMap<String, String>,
    statuses: BTreeMap<&'a str, &'a InstanceStatus>,
    facts: VrrpFacts<'a>,
    calendar: Calendar,
    users: &'a Users<'a>,
}

impl<'a> VrrpView<'a> {
    /// Of a configuration and what is known of it. `users`: the numbers of whom a script runs as.
    pub fn new(
        (router, model): (&RouterSpec, &'a Model),
        facts: VrrpFacts<'a>,
        calendar: Calendar,
        users: &'a Users<'a>,
    ) -> Self {
        let mut router = router.clone();
        let vmacs = take_vmacs(&mut router, &[], &BTreeSet::new());
        // The kernel puts a macvlan of a macvlan beside it.
        let below = |vmac: &VmacLink| {
            let below = facts.links.iter().find(|link| link.name == vmac.name)?.below?;
            facts.links.iter().find(|link| link.index == below).map(|link| link.name.clone())
        };
        let bases =
            vmacs.iter().map(|vmac| (vmac.name.clone(), below(vmac).unwrap_or_else(|| vmac.base.clone())));
        let bases = bases.collect();
        let statuses = facts.statuses.iter().map(|status| (status.name.as_str(), status)).collect();
        Self { model, router, vmacs, bases, statuses, facts, calendar, users }
    }

    fn link(&self, name: &str) -> Option<&'a LinkFacts> {
        self.facts.links.iter().find(|link| link.name == name)
    }

    /// The instances that run, in the order of the file.
    fn instances(&self) -> impl Iterator<Item = (&InstanceSpec, &'a InstanceStatus)> {
        let instances = self.router.instances.iter();
        instances.filter_map(|spec| Some((spec, *self.statuses.get(spec.name.as_str())?)))
    }

    /// The interface of an instance: its VMAC if it has one.
    fn interface(spec: &InstanceSpec) -> &str {
        spec.vmac.as_ref().map_or(&spec.interface, |vmac| &vmac.name)
    }

    /// What it holds, in words: addresses, addresses that are not advertised, routes, rules.
    fn held(&self, spec: &InstanceSpec, status: &InstanceStatus) -> [Vec<String>; 4] {
        let mut there = status.held.iter().copied().chain(std::iter::repeat(false));
        let mut set = || there.next().unwrap_or_default();
        let mut addresses = |list: &[vrrp::VirtualAddress]| {
            let one = |address| {
                let set = set();
                held::address(
                    address,
                    &self.bases,
                    held::Presence { set, filtered: set && !spec.accept && !spec.priority.is_owner() },
                )
            };
            list.iter().map(one).collect::<Vec<_>>()
        };
        let (advertised, excluded) = (addresses(&spec.addresses), addresses(&spec.excluded));
        let routes = spec.routes.iter().map(held::route).collect();
        let rules = spec.rules.iter().map(held::rule).collect();
        [advertised, excluded, routes, rules]
    }
}

/// Each word of a command in quotes.
fn quoted(command: &Command) -> String {
    let words: Vec<_> = command.argv.iter().map(|word| format!("'{word}'")).collect();
    words.join(" ")
}
