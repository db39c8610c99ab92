//! What a configuration means: every setting, with every default filled in.
//!
//! **What the machines take is in their own types** (`vrrp::RouterSpec`, `checker::VirtualServerSpec`); what has no
//! machine yet is kept here, in types that those to come can take over.

mod command;
mod globals;
mod instance;
mod lvs;
mod mail;
mod server;
mod server_group;
mod tracker;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use command::*;
pub use globals::*;
pub use instance::*;
pub use lvs::*;
pub use mail::*;
pub use server::*;
pub use server_group::*;
pub use tracker::*;

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
    /// The usable `vrrp_script`s, in the order of the file; of two with one name the first.
    pub scripts: Vec<ScriptSpec>,
    /// The usable `virtual_server_group`s, in the order of the file; of two with one name the first.
    pub server_groups: Vec<ServerGroupSpec>,
    /// The usable `virtual_server`s, in the order of the file.
    pub virtual_servers: Vec<checker::VirtualServerSpec>,
    /// What else belongs to each of them, in the same order.
    pub server_events: Vec<ServerEvents>,
}
