//! What goes into the [`Scheduler`](crate::Scheduler) and what comes out of it, as values.
//!
//! **The same inputs at the same times give the same actions.** Both directions can be printed, recorded and replayed.

use core::fmt;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use ipvs::{DestKey, ServiceKey};
use serde::{Deserialize, Serialize};

use crate::drain::DrainEnd;
use crate::follow::Followed;
use crate::outcome::{Failure, LocalError, Outcome};
use crate::spec::{ProbeSpec, VirtualServerSpec};

/// Names one run of a probe; never used twice by one scheduler.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
pub struct RunId(pub u64);

/// What can happen to the scheduler.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Input {
    /// The wanted virtual servers, all of them: the first time a start, later a reload.
    Configure {
        /// In the order of the file.
        servers: Vec<VirtualServerSpec>,
        /// Where the warm-up spread of the checks that are new begins; any number.
        seed: u64,
    },
    /// The clock reached [`next_deadline`](crate::Scheduler::next_deadline).
    Tick,
    /// A run ended. Results of runs that were cancelled or never started are ignored.
    Result {
        /// Which run.
        run: RunId,
        /// How.
        outcome: Outcome,
    },
    /// What servers follow says something now; also what it says already.
    Follow {
        /// Which file or session.
        what: Followed,
        /// The number in the file; of a session 1 if it is up, else 0.
        value: i64,
    },
    /// So many probes may be in flight, at least one; until it is said any number.
    Limit {
        /// How many.
        probes: usize,
    },
    /// The addresses that this host has, all of them: for `ha_suspend`. Until it is said it has none.
    Here(BTreeSet<IpAddr>),
    /// A destination that drains has no connection left, or is not there any more.
    Drained {
        /// Of this service.
        service: ServiceKey,
        /// Which.
        dest: DestKey,
    },
}

/// What the scheduler wants done.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Action {
    /// Run this probe and hand its outcome back.
    Start {
        /// Under this name.
        run: RunId,
        /// The question.
        probe: ProbeSpec,
    },
    /// The outcome is of no interest any more: drop the probe.
    Cancel {
        /// Which run.
        run: RunId,
    },
    /// The health of a real server.
    ///
    /// An edge in time (sent when it changes, and once for each new server), a level in content (applying it twice does
    /// no harm). [`Scheduler::health`](crate::Scheduler::health) is all of them at once: drain the actions, then derive
    /// each virtual server that was named; after a `Configure`, which can change more than health, all of them.
    Health {
        /// The virtual server, by the first of its services.
        virtual_server: ServiceKey,
        /// The real server.
        server: DestKey,
        /// Whether it is up now.
        up: bool,
        /// Because of what.
        why: Why,
    },
    /// The weight that a real server has from now on while it is up: its checks changed it. Sent before the `Health` and
    /// the `Quorum` that come of the same result.
    Weight {
        /// The virtual server, by the first of its services.
        virtual_server: ServiceKey,
        /// The real server.
        server: DestKey,
        /// Its weight.
        weight: u32,
    },
    /// A destination drains no more: take it out of the table.
    Drained {
        /// Of this service.
        service: ServiceKey,
        /// Which.
        dest: DestKey,
        /// Why now.
        why: DrainEnd,
    },
    /// The quorum of a virtual server; sent as `Health` is, and after the `Health` that moved it.
    Quorum {
        /// The virtual server, by the first of its services.
        virtual_server: ServiceKey,
        /// Gained or lost.
        up: bool,
        /// Weight of its live servers.
        weight: u64,
    },
    /// Something for logs and counters; nothing depends on it.
    Emit(Event),
}

/// Why a real server is up or down.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Why {
    /// The configuration says so: a new server (up, or down if alpha), or one whose failed checks were taken away.
    Configured,
    /// The configuration does not name it any more.
    Removed,
    /// The daemon stops, and the virtual server is `omega`.
    Stopping,
    /// A file or a session that it follows.
    Followed,
    /// The last of its failed checks succeeded.
    Passed,
    /// A check failed.
    Failed {
        /// Its place among the checks of the server.
        check: usize,
        /// How its last run failed.
        failure: Failure,
    },
    /// The first check failed of a server that was never up (`alpha`): the reason is known now, its health is as before.
    NeverUp {
        /// Its place among the checks of the server.
        check: usize,
        /// How its run failed.
        failure: Failure,
    },
}

/// Names a check for a reader.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct CheckName {
    /// The virtual server, by the first of its services.
    pub virtual_server: ServiceKey,
    /// The real server.
    pub server: DestKey,
    /// The place of the check among those of the server, in the order of the file.
    pub check: usize,
}

impl fmt::Display for CheckName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "check {} of {} for {}", self.check, self.server, self.virtual_server)
    }
}

/// What is worth a log line or a counter.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Event {
    /// A failure of a working check that is forgiven: the first of a row, or any with `log_all_failures`.
    Forgiven {
        /// Which check.
        check: CheckName,
        /// How it failed.
        failure: Failure,
        /// How many it has been in a row.
        failures: u32,
    },
    /// The check went down.
    Failed {
        /// Which check.
        check: CheckName,
        /// How it failed.
        failure: Failure,
        /// How many it has been in a row.
        failures: u32,
    },
    /// The check succeeded for the first time, or after it was down.
    Passed {
        /// Which check.
        check: CheckName,
    },
    /// A check went down or came up, and its server stays as it is: another of its checks is down.
    Aside {
        /// Which check.
        check: CheckName,
        /// How it failed; none: it succeeded.
        failure: Option<Failure>,
        /// What its server stays.
        server_up: bool,
    },
    /// This host cannot ask: the first time of a row, whenever the error changes, or always with `log_all_failures`.
    Blind {
        /// Which check.
        check: CheckName,
        /// Why not.
        error: LocalError,
    },
    /// This host can ask again.
    Sees {
        /// Which check.
        check: CheckName,
    },
    /// A destination that the configuration names no more serves its connections to their end.
    Drains {
        /// Of this service.
        service: ServiceKey,
        /// Which.
        dest: DestKey,
        /// For so long at most.
        timeout: Duration,
    },
    /// `ha_suspend`: the checks of a virtual server stop, since this host does not have its address, or go on, since it
    /// has it now.
    Suspended {
        /// The virtual server, by the first of its services.
        virtual_server: ServiceKey,
        /// Whether they stop.
        yes: bool,
    },
    /// Checks that are due have to wait for others to end; at most once in a minute.
    Crowded {
        /// How many probes are in flight: as many as may.
        probes: usize,
        /// How many starts had to wait before these.
        waits: u64,
    },
    /// A virtual server without any service, or with the first service of another: it is left out.
    Ignored {
        /// How the file names it.
        name: String,
    },
}
