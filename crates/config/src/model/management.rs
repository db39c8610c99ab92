//! SNMP and D-Bus.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// SNMP, over AgentX.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SnmpSpec {
    /// `snmp_socket`: where the master agent listens; none: as `-A` says, else at unix:/var/agentx/master.
    pub socket: Option<String>,
    /// `enable_traps`.
    pub traps: bool,
    /// `enable_snmp_vrrp`: the VRRP part of KEEPALIVED-MIB.
    pub vrrp: bool,
    /// `enable_snmp_checker`: the checker part of KEEPALIVED-MIB.
    pub checker: bool,
    /// `enable_snmp_rfcv2`, `enable_snmp_rfc`: the MIB of RFC 2787.
    pub rfc_v2: bool,
    /// `enable_snmp_rfcv3`, `enable_snmp_rfc`: the MIB of RFC 6527.
    pub rfc_v3: bool,
    /// `snmp_vs_stats_update_interval`: how old counters of virtual servers may be (default 5 s).
    pub virtual_server_age: Duration,
    /// `snmp_rs_stats_update_interval`: likewise of real servers; none: the former.
    pub real_server_age: Option<Duration>,
}

impl Default for SnmpSpec {
    fn default() -> Self {
        Self {
            socket: None,
            traps: false,
            vrrp: false,
            checker: false,
            rfc_v2: false,
            rfc_v3: false,
            virtual_server_age: Duration::from_secs(5),
            real_server_age: None,
        }
    }
}

/// D-Bus.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DbusSpec {
    /// `enable_dbus`.
    pub enabled: bool,
    /// `dbus_service_name` (default org.keepalived.Vrrp1).
    pub service_name: String,
    /// `dbus_no_interface_name`: part of the path of instances without interface (default none).
    pub no_interface_name: String,
}

impl Default for DbusSpec {
    fn default() -> Self {
        Self {
            enabled: false,
            service_name: "org.keepalived.Vrrp1".to_owned(),
            no_interface_name: "none".to_owned(),
        }
    }
}
