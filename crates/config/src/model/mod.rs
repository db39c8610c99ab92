//! What a configuration means: every setting, with every default filled in.
//!
//! **What the machines take is in their own types** (`vrrp::RouterSpec`, `checker::VirtualServerSpec`); what has no
//! machine yet is kept here, in types that those to come can take over.

mod command;
mod defaults;
mod fifo;
mod files;
mod firewall;
mod globals;
mod instance;
mod lvs;
mod mail;
mod management;
mod packed;
mod process;
mod server;
mod server_group;
mod tracker;
mod vrrp_globals;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use command::*;
pub use defaults::*;
pub use fifo::*;
pub use files::*;
pub use firewall::*;
pub use globals::*;
pub use instance::*;
pub use lvs::*;
pub use mail::*;
pub use management::*;
pub use packed::*;
pub use process::*;
pub use server::*;
pub use server_group::*;
pub use tracker::*;
pub use vrrp_globals::*;

/// A whole configuration.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Model {
    /// Settings of the daemon as a whole.
    pub globals: Globals,
    /// Settings of IPVS and of the checker process.
    pub lvs: LvsGlobals,
    /// The usable `vrrp_instance`s and what goes with them.
    pub vrrp: vrrp::RouterSpec,
    /// What else belongs to each of them, by its name.
    pub vrrp_events: BTreeMap<String, InstanceEvents>,
    /// What else belongs to each of its sync groups, by its name.
    pub group_events: BTreeMap<String, GroupEvents>,
    /// The usable `vrrp_script`s, in the order of the file; of two with one name the first.
    pub scripts: Vec<ScriptSpec>,
    /// The usable `virtual_server_group`s, in the order of the file; of two with one name the first.
    pub server_groups: Vec<ServerGroupSpec>,
    /// The usable `track_file`s, likewise.
    pub track_files: Vec<FileSpec>,
    /// The usable `vrrp_track_process`es, likewise.
    pub track_processes: Vec<ProcessTrackSpec>,
    /// The usable `bfd_instance`s, likewise.
    pub bfd: Vec<bfd::SessionSpec>,
    /// Whose link is polled.
    pub linkbeat: LinkbeatSpec,
    /// The usable `virtual_server`s, in the order of the file.
    pub virtual_servers: Packed<checker::VirtualServerSpec>,
    /// Whether one can be put into the kernel without the others.
    pub independence: checker::Independence,
    /// What else belongs to each of them, in the same order.
    pub server_events: Packed<ServerEvents>,
}

impl Model {
    /// Has room for what virtual servers with this much text come to, as far as can be told: as they grow in turn, each would
    /// have to be copied again and again.
    pub(crate) fn reserve(&mut self, text: usize) {
        self.virtual_servers.reserve(text / 4);
        self.server_events.reserve(text / 16);
    }
}
