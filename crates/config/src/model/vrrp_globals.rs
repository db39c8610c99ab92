//! VRRP as a whole: what is no instance's own.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What `global_defs` says of the VRRP process, beyond defaults of its instances.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct VrrpGlobals {
    /// `vrrp_rx_bufs_policy`.
    pub receive_buffer: BufferPolicy,
    /// `vrrp_rx_bufs_multiplier`: packets that a buffer holds (default 3).
    pub receive_buffer_packets: u32,
    /// `vmac_prefix`: start of the names of VMAC interfaces; none: vrrp.
    pub vmac_prefix: Option<String>,
    /// `vmac_addr_prefix`: likewise of those of single addresses; none: `vmac_prefix`.
    pub vmac_address_prefix: Option<String>,
    /// `allow_if_changes` of `dynamic_interfaces`: interfaces may come back as another kind.
    pub interfaces_may_change: bool,
    /// `default_interface` of static addresses that name none (default eth0).
    pub default_interface: String,
}

impl Default for VrrpGlobals {
    fn default() -> Self {
        Self {
            receive_buffer: BufferPolicy::System,
            receive_buffer_packets: 3,
            vmac_prefix: None,
            vmac_address_prefix: None,
            interfaces_may_change: false,
            default_interface: "eth0".to_owned(),
        }
    }
}

/// `vrrp_rx_bufs_policy`: how large the receive buffer of a VRRP socket is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum BufferPolicy {
    /// As the system has it.
    #[default]
    System,
    /// `MTU`: the interface's MTU for each packet.
    Mtu,
    /// `ADVERT`: the size of an advert for each packet.
    Advert,
    /// So many bytes.
    Bytes(u32),
}

/// How the link of a polled interface is learnt (`linkbeat_interfaces`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum LinkbeatMethod {
    /// The first that works.
    #[default]
    Any,
    /// `MII`.
    Mii,
    /// `ETHTOOL`.
    Ethtool,
    /// `IOCTL`.
    Ioctl,
}

/// Whose link is polled, where netlink does not tell.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct LinkbeatSpec {
    /// `linkbeat_use_polling` outside all blocks: that of every interface.
    pub all: bool,
    /// `linkbeat_interfaces`, and interfaces of instances with `linkbeat_use_polling`.
    pub interfaces: BTreeMap<String, LinkbeatMethod>,
}
