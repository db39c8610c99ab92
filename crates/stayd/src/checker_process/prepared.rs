//! The first configuration, put into the kernel before there is a process for it.
//!
//! **Programming the table waits for nothing, so it needs no runtime**: the parent does it as soon as it has read the file,
//! from one virtual server at a time, and forks the checker process. That makes what it has to hold of them when it has a
//! table already.

use checker::{Input, Scheduler, VirtualServerSpec};
use config::model::{IpvsNamespace, Model, Packed};
use ipvs::Filled;

use super::globals::Globals;
use super::table::KernelTable;
use crate::ipc::Line;

/// A table that is in place, and what its process goes on with.
pub struct Prepared {
    pub(super) scheduler: Scheduler,
    pub(super) table: KernelTable,
    pub(super) globals: Globals,
    /// What there is to tell of the settings of IPVS, and of its table.
    pub(super) lines: [Vec<Line>; 2],
}

/// An IPVS that has got its first table, if it had none.
pub struct FirstTable {
    table: KernelTable,
    globals: Globals,
    lines: Vec<Line>,
    /// None: there is something in it already, and nothing was done.
    filled: Option<Filled>,
}

impl FirstTable {
    /// Opens IPVS and fills its table for this configuration, unless that depends on what is not known before the
    /// processes run.
    pub fn fill(rest: &Model, servers: &Packed<VirtualServerSpec>) -> Option<Self> {
        let possible = rest.globals.system_scripts.startup.is_none()
            && matches!(rest.globals.daemon.ipvs_namespace, IpvsNamespace::Same)
            && !rest.lvs.nftables.enabled
            && rest.independence.holds(|| servers.iter().flat_map(|server| server.services));
        // Where there is no IPVS, the checker process says so.
        let mut table = possible.then(KernelTable::open)?.ok()?;
        let mut globals = Globals::default();
        let lines = globals.configure(&mut table.client, rest.lvs.clone(), true);
        let filled = table.fill(servers.iter().flat_map(|server| checker::at_start(&server)));
        Some(Self { table, globals, lines, filled })
    }

    /// Makes up what the process of this table needs. `detail`: it is told of each server that it begins up.
    pub fn take_up(
        self,
        rest: &Model,
        servers: &Packed<VirtualServerSpec>,
        seed: u64,
        detail: bool,
    ) -> Prepared {
        let Self { mut table, globals, lines, filled } = self;
        let brief = !detail && !rest.lvs.init_notifies;
        let now = net::now();
        let mut scheduler = if brief { Scheduler::brief() } else { Scheduler::new() };
        scheduler.handle(now, Input::Configure { servers: servers.iter().collect(), seed });
        if filled.is_none() {
            table.look_for_left(&scheduler);
        }
        table.claim(&scheduler);
        let after = table.begin(now, &scheduler, filled);
        Prepared { scheduler, table, globals, lines: [lines, after] }
    }
}
