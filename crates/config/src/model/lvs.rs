//! `global_defs`, as far as it is about virtual servers and their checks, and `SSL`.

use checker::TlsSpec;
use ipvs::SyncDaemonSpec;
use ipvs::netlink::Timeouts;
use serde::{Deserialize, Serialize};

/// What `global_defs` says of IPVS and of the checks.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct LvsGlobals {
    /// `lvs_timeouts`, 0 to 2678400 s each.
    pub timeouts: Timeouts,
    /// `lvs_sync_daemon`.
    pub sync_daemon: Option<SyncDaemonSpec>,
    /// `lvs_flush`: the whole IPVS table is emptied at start.
    pub flush: bool,
    /// `lvs_flush_on_stop`.
    pub flush_on_stop: FlushOnStop,
    /// `nftables_ipvs` and its settings.
    pub nftables: IpvsNftables,
    /// `rs_init_notifies`: real servers run `notify_up` and `notify_down` for their first state as well.
    pub init_notifies: bool,
    /// `checker_log_all_failures`: the default of `log_all_failures`.
    pub log_all_failures: bool,
    /// `SSL`; none: the block is not there.
    pub tls: Option<TlsSpec>,
}

/// `lvs_flush_on_stop`: what is removed from the IPVS table when the daemon stops.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum FlushOnStop {
    /// Not given: our entries, one by one.
    #[default]
    Entries,
    /// `VS`: our services, each with all of its destinations at once.
    Services,
    /// Everything, also what others made.
    Everything,
}

/// `nftables_ipvs`: the addresses of a `virtual_server_group` are mapped to one firewall mark.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct IpvsNftables {
    /// Whether `nftables_ipvs` is given.
    pub enabled: bool,
    /// Name of the table (default keepalived_ipvs).
    pub table: String,
    /// `nftables_ipvs_priority` of its base chain (default -1).
    pub priority: i32,
    /// `nftables_ipvs_start_fwmark`: the first mark that is used, at least 1 (default 1000).
    pub first_mark: u32,
}

impl Default for IpvsNftables {
    fn default() -> Self {
        Self { enabled: false, table: "keepalived_ipvs".to_owned(), priority: -1, first_mark: 1000 }
    }
}
