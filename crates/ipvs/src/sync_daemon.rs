//! The kernel's synchronisation of connections between directors, as it is asked for and as it is.
//!
//! **A daemon that runs as wanted is left running**: what it has not sent yet, and what its peers know of it, would be lost.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

use serde::{Deserialize, Serialize};

/// `lvs_sync_daemon`. Defaults are the kernel's.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SyncDaemonSpec {
    /// Interface over which directors tell each other of connections.
    pub interface: String,
    /// `inst`: the `vrrp_instance` that decides: its master sends, the others receive. none: this host does both.
    pub instance: Option<String>,
    /// `id` of the group of directors, 0 to 255 (default: the instance's VRID; 0 without instance).
    pub id: u8,
    /// `maxlen` of a packet in bytes, 1 to 65507; none: what the interface carries.
    pub max_len: Option<u16>,
    /// `port`, UDP (default 8848).
    pub port: u16,
    /// `ttl` of packets, 1 to 255 (default 1).
    pub ttl: u8,
    /// Multicast `group` (default 224.0.0.81).
    pub group: IpAddr,
}

impl SyncDaemonSpec {
    /// One of this host's own, on an interface.
    pub fn on(interface: impl Into<String>) -> Self {
        Self {
            interface: interface.into(),
            instance: None,
            id: 0,
            max_len: None,
            port: 8848,
            ttl: 1,
            group: IpAddr::V4(Ipv4Addr::new(224, 0, 0, 81)),
        }
    }
}

/// Which of the two daemons.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum SyncRole {
    /// Tells the others of this director's connections.
    Master,
    /// Hears of theirs.
    Backup,
}

impl std::fmt::Display for SyncRole {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Master => "master",
            Self::Backup => "backup",
        })
    }
}

/// A daemon that runs in the kernel.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SyncDaemon {
    /// Which.
    pub role: SyncRole,
    /// With what; `instance` is never set, and `max_len` always.
    pub spec: SyncDaemonSpec,
}

/// One change of the kernel's daemons.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SyncOp {
    /// The end of one.
    Stop(SyncRole),
    /// The start of one.
    Start(SyncRole, SyncDaemonSpec),
}

impl std::fmt::Display for SyncOp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Stop(role) => write!(f, "--stop-daemon {role}"),
            Self::Start(role, spec) => {
                write!(f, "--start-daemon {role} --mcast-interface {} --syncid {}", spec.interface, spec.id)
            }
        }
    }
}

/// The changes that make the kernel run these daemons with these settings and no other. An empty `roles`: none.
pub fn sync_plan(spec: &SyncDaemonSpec, roles: &BTreeSet<SyncRole>, actual: &[SyncDaemon]) -> Vec<SyncOp> {
    let fits = |daemon: &SyncDaemon| {
        let mut wanted = SyncDaemonSpec { instance: None, ..spec.clone() };
        wanted.max_len = wanted.max_len.or(daemon.spec.max_len);
        roles.contains(&daemon.role) && daemon.spec == wanted
    };
    let stops = actual.iter().filter(|daemon| !fits(daemon)).map(|daemon| SyncOp::Stop(daemon.role));
    let missing =
        roles.iter().filter(|role| !actual.iter().any(|daemon| daemon.role == **role && fits(daemon)));
    stops.chain(missing.map(|role| SyncOp::Start(*role, spec.clone()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn running(role: SyncRole, spec: &SyncDaemonSpec) -> SyncDaemon {
        SyncDaemon { role, spec: SyncDaemonSpec { instance: None, max_len: Some(1472), ..spec.clone() } }
    }

    #[test]
    fn a_daemon_that_runs_as_wanted_is_left_running() {
        let spec = SyncDaemonSpec { instance: Some("VI".to_owned()), ..SyncDaemonSpec::on("eth0") };
        let actual = [running(SyncRole::Backup, &spec)];
        assert_eq!(sync_plan(&spec, &[SyncRole::Backup].into(), &actual), []);
    }

    #[test]
    fn another_role_ends_the_one_and_starts_the_other() {
        let spec = SyncDaemonSpec::on("eth0");
        let plan = sync_plan(&spec, &[SyncRole::Master].into(), &[running(SyncRole::Backup, &spec)]);
        assert_eq!(plan, [SyncOp::Stop(SyncRole::Backup), SyncOp::Start(SyncRole::Master, spec)]);
    }

    #[test]
    fn other_settings_restart_a_daemon_and_no_role_ends_all() {
        let (old, new) = (SyncDaemonSpec::on("eth0"), SyncDaemonSpec { id: 7, ..SyncDaemonSpec::on("eth0") });
        let both: BTreeSet<_> = [SyncRole::Master, SyncRole::Backup].into();
        let actual = [running(SyncRole::Master, &old), running(SyncRole::Backup, &new)];
        let restart = [SyncOp::Stop(SyncRole::Master), SyncOp::Start(SyncRole::Master, new.clone())];
        assert_eq!(sync_plan(&new, &both, &actual), restart);
        let end = [SyncOp::Stop(SyncRole::Master), SyncOp::Stop(SyncRole::Backup)];
        assert_eq!(sync_plan(&new, &BTreeSet::new(), &actual), end);
    }
}
