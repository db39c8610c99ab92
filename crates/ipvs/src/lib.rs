//! IP Virtual Server: the table as a value, the difference of two tables as a plan, and the kernel's generic-netlink
//! interface to read and change it.
//!
//! * [`Table`] is what is wanted and what is; [`plan()`] is their difference as a list of [`Op`]s; [`Owned`] says what the
//!   plan may remove.
//! * [`reconcile()`] carries a plan out on a [`Kernel`] and answers surprises with a new look and a new plan.
//! * [`netlink::Client`] is the real kernel. Everything else here is pure.

mod error;
mod fill;
pub mod netlink;
mod op;
mod owned;
mod plan;
mod reconcile;
mod statistics;
mod sync_daemon;
pub mod table;
mod withdraw;

pub use error::Error;
pub use fill::{Filled, all_of, fill};
pub use op::Op;
pub use owned::Owned;
pub use plan::plan;
pub use reconcile::{Failure, Kernel, ROUNDS, Report, reconcile, reconcile_part};
pub use statistics::{Counters, DestStatistics, ServiceStatistics, Statistics};
pub use sync_daemon::{SyncDaemon, SyncDaemonSpec, SyncOp, SyncRole, sync_plan};
pub use table::*;
pub use withdraw::withdraw;
