//! Whether virtual servers can be put into a table one at a time.

use ipvs::ServiceKey;
use serde::{Deserialize, Serialize};

use crate::spec::VirtualServerSpec;

/// What virtual servers, seen one after the other, have to do with each other and with what is not known yet.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Independence {
    /// How one of them begins depends on what else there is.
    depends: bool,
    /// The services do not come in the order of their keys, so that one may come twice.
    unordered: bool,
    last: Option<ServiceKey>,
}

impl Independence {
    /// Takes the next one in.
    pub fn note(&mut self, spec: &VirtualServerSpec) {
        self.depends |= spec.ha_suspend || spec.real_servers.iter().any(|real| !real.follows.is_empty());
        for service in &spec.services {
            self.unordered |= self.last.replace(*service) >= Some(*service);
        }
    }

    /// Whether there are any, all of them are known from the start, and each service belongs to one of them: then
    /// [`at_start`](crate::at_start) of each makes up the whole table. `services`: all of them, which are asked for where
    /// their order does not tell.
    pub fn holds<I: Iterator<Item = ServiceKey>>(&self, services: impl FnOnce() -> I) -> bool {
        let distinct = || {
            let mut all: Vec<_> = services().collect();
            all.sort_unstable();
            all.is_sorted_by(|one, next| one < next)
        };
        self.last.is_some() && !self.depends && (!self.unordered || distinct())
    }
}
