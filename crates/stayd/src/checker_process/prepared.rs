//! The first configuration, put into the kernel before there is a process for it.
//!
//! **Programming the table waits for nothing, so it needs no runtime**: the parent does it as soon as it has read the file,
//! and forks the checker process from what that gave, so that nothing is read, sent or computed twice while the table is
//! not there yet.

use checker::{Input, Scheduler, VirtualServerSpec};
use config::model::{IpvsNamespace, Model};

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

/// An IPVS that is to get its first table.
pub struct Opened(KernelTable);

impl Opened {
    /// Opens IPVS for this configuration, unless its table depends on what is not known before the processes run.
    pub fn open(rest: &Model, servers: &[VirtualServerSpec]) -> Option<Self> {
        let plain = |server: &VirtualServerSpec| {
            !server.ha_suspend && server.real_servers.iter().all(|real| real.follows.is_empty())
        };
        let possible = !servers.is_empty()
            && servers.iter().all(plain)
            && rest.globals.system_scripts.startup.is_none()
            && matches!(rest.globals.daemon.ipvs_namespace, IpvsNamespace::Same)
            && !rest.lvs.nftables.enabled;
        // Where there is no IPVS, the checker process says so.
        possible.then(KernelTable::open)?.ok().map(Self)
    }

    /// Puts the table in place. `detail`: it is told of each server that it begins up.
    pub fn program(self, rest: &Model, servers: Vec<VirtualServerSpec>, seed: u64, detail: bool) -> Prepared {
        let brief = !detail && !rest.lvs.init_notifies;
        let Self(mut table) = self;
        let mut globals = Globals::default();
        let before = globals.configure(&mut table.client, rest.lvs.clone(), true);
        let now = net::now();
        let mut scheduler = if brief { Scheduler::brief() } else { Scheduler::new() };
        scheduler.handle(now, Input::Configure { servers, seed });
        table.want_all(&scheduler);
        let after = table.begin(now);
        Prepared { scheduler, table, globals, lines: [before, after] }
    }
}

impl Prepared {
    /// The virtual servers, in the order of their first services.
    pub fn virtual_servers(&self) -> impl Iterator<Item = &VirtualServerSpec> {
        self.scheduler.virtual_servers()
    }

    /// The same, with nothing left of what is the process's.
    pub fn into_virtual_servers(self) -> Vec<VirtualServerSpec> {
        self.scheduler.into_virtual_servers()
    }
}
