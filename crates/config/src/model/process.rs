//! The daemon's processes: what they are called, how they are scheduled, and where they run.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How the daemon as a whole runs.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DaemonSpec {
    /// `instance`: name of this daemon among several; it becomes part of the names of its files.
    pub instance: Option<String>,
    /// `net_namespace`: where everything runs; none: where the daemon is started.
    pub namespace: Option<String>,
    /// `net_namespace_ipvs`: where IPVS is programmed.
    pub ipvs_namespace: IpvsNamespace,
    /// `namespace_with_ipsets`: ipsets are used in a namespace too.
    pub namespace_with_ipsets: bool,
    /// `use_pid_dir`, which `instance` and `net_namespace` imply: pid files have a directory of their own.
    pub use_pid_dir: bool,
    /// `child_wait_time`: how long a stopping daemon waits for its processes (default 5 s).
    pub child_wait: Duration,
    /// `process_names`: each process has a name of its own, as `ps` shows it.
    pub process_names: bool,
    /// `process_name` of the parent, at most 15 bytes.
    pub process_name: Option<String>,
    /// The VRRP process.
    pub vrrp: ProcessSpec,
    /// The checker process.
    pub checker: ProcessSpec,
    /// The BFD process.
    pub bfd: ProcessSpec,
    /// `max_auto_priority`.
    pub auto_priority: AutoPriority,
    /// `min_auto_priority_delay`: lateness that makes a process raise itself, 1 µs to 10 s (default 1 s).
    pub auto_priority_delay: Duration,
    /// `process_monitor_rcv_bufs`: buffer of the socket that tells of processes.
    pub process_monitor_buffer: SocketBuffer,
    /// `random_seed` of the warm-up of checks; none: another one at each start.
    pub random_seed: Option<u32>,
}

impl DaemonSpec {
    /// How a process is scheduled, and called `usual` unless it has a name of its own and names are asked for.
    pub fn named(&self, process: &ProcessSpec, usual: &str) -> ProcessSpec {
        let name = process.name.clone().or_else(|| self.process_names.then(|| usual.to_owned()));
        ProcessSpec { name, ..process.clone() }
    }
}

impl Default for DaemonSpec {
    fn default() -> Self {
        Self {
            instance: None,
            namespace: None,
            ipvs_namespace: IpvsNamespace::Same,
            namespace_with_ipsets: false,
            use_pid_dir: false,
            child_wait: Duration::from_secs(5),
            process_names: false,
            process_name: None,
            vrrp: ProcessSpec::default(),
            checker: ProcessSpec::default(),
            bfd: ProcessSpec::default(),
            auto_priority: AutoPriority::Unset,
            auto_priority_delay: Duration::from_secs(1),
            process_monitor_buffer: SocketBuffer::default(),
            random_seed: None,
        }
    }
}

/// `net_namespace_ipvs`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum IpvsNamespace {
    /// Where everything else runs.
    #[default]
    Same,
    /// In the namespace of process 1, as with keepalived 2.2.7 (measured).
    Initial,
    /// In this namespace of /run/netns.
    Named(String),
}

/// `max_auto_priority`: whether a process that was scheduled late raises itself to SCHED_RR.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum AutoPriority {
    /// Not given: it does not, and the log says so.
    #[default]
    Unset,
    /// -1: it does not.
    Never,
    /// It does, up to this priority, 0 to 99.
    UpTo(u8),
}

/// How one process is scheduled.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ProcessSpec {
    /// `*_process_name`, at most 15 bytes.
    pub name: Option<String>,
    /// `*_priority`: nice value, -20 to 19.
    pub nice: Option<i8>,
    /// `*_rt_priority`: SCHED_RR with this priority, 1 to 99.
    pub realtime: Option<u8>,
    /// `*_no_swap`: its memory is locked.
    pub no_swap: bool,
    /// `*_cpu_affinity`: processors that it may run on; none: all.
    pub processors: BTreeSet<u32>,
    /// `*_rlimit_rttime`: how long it may compute at a real-time priority without a pause (default 10 ms).
    pub realtime_limit: Duration,
    /// `*_netlink_cmd_rcv_bufs`.
    pub command_buffer: SocketBuffer,
    /// `*_netlink_monitor_rcv_bufs`.
    pub monitor_buffer: SocketBuffer,
}

impl Default for ProcessSpec {
    fn default() -> Self {
        Self {
            name: None,
            nice: None,
            realtime: None,
            no_swap: false,
            processors: BTreeSet::new(),
            realtime_limit: Duration::from_millis(10),
            command_buffer: SocketBuffer::default(),
            monitor_buffer: SocketBuffer::default(),
        }
    }
}

/// Receive buffer of a socket.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct SocketBuffer {
    /// In bytes; none: the system's default.
    pub bytes: Option<u32>,
    /// Whether it may be larger than the system's limit.
    pub force: bool,
}
