//! `global_defs`, as far as it is taken over by what does not say otherwise.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What instances and servers take over unless they say otherwise.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a keyword of its own")]
pub struct Defaults {
    /// `vrrp_version`.
    pub version: vrrp::Version,
    /// `vrrp_mcast_group4`.
    pub multicast_v4: Ipv4Addr,
    /// `vrrp_mcast_group6`.
    pub multicast_v6: Ipv6Addr,
    /// `vrrp_garp_master_delay`.
    pub garp_delay: Duration,
    /// `vrrp_garp_master_repeat`.
    pub garp_repeat: u32,
    /// `vrrp_garp_master_refresh`.
    pub garp_refresh: Duration,
    /// `vrrp_garp_master_refresh_repeat`.
    pub garp_refresh_repeat: u32,
    /// `vrrp_garp_lower_prio_delay`.
    pub garp_lower_delay: Duration,
    /// `vrrp_garp_lower_prio_repeat`.
    pub garp_lower_repeat: u32,
    /// `vrrp_garp_interval`.
    pub garp_interval: Duration,
    /// `vrrp_gna_interval`.
    pub gna_interval: Duration,
    /// `vrrp_down_timer_adverts`.
    pub down_timer_adverts: u8,
    /// `vrrp_strict`.
    pub strict: bool,
    /// `vrrp_skip_check_adv_addr`.
    pub skip_check_adv_addr: bool,
    /// `vrrp_lower_prio_no_advert`.
    pub lower_prio_no_advert: bool,
    /// `vrrp_higher_prio_send_advert`.
    pub higher_prio_send_advert: bool,
    /// `smtp_alert_vrrp`, or else `smtp_alert`.
    pub alert_vrrp: Option<bool>,
    /// `smtp_alert_checker`, or else `smtp_alert`.
    pub alert_checker: Option<bool>,
    /// `vrrp_check_unicast_src`.
    pub check_unicast_src: bool,
    /// `v3_checksum_as_v2`.
    pub checksum_as_v2: bool,
    /// `vrrp_owner_ignore_adverts`.
    pub owner_ignore_adverts: bool,
    /// `vrrp_notify_priority_changes`.
    pub priority_changes: bool,
    /// `vrrp_garp_extra_if`.
    pub extra_interfaces: Option<vrrp::ExtraInterfaces>,
    /// The announcement settings for peers of lower priority as they are written, if they are.
    pub garp_lower_written: (Option<Duration>, Option<u32>),
    /// `smtp_alert`, `smtp_alert_vrrp` and `smtp_alert_checker` as they are written, if they are.
    pub alerts_written: [Option<bool>; 3],
}

impl Default for Defaults {
    fn default() -> Self {
        let announce = vrrp::AnnounceSpec::default();
        Self {
            version: vrrp::Version::V2,
            multicast_v4: Ipv4Addr::new(224, 0, 0, 18),
            multicast_v6: Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x12),
            garp_delay: announce.delay,
            garp_repeat: announce.repeat,
            garp_refresh: announce.refresh,
            garp_refresh_repeat: announce.refresh_repeat,
            garp_lower_delay: announce.lower_priority_delay,
            garp_lower_repeat: announce.lower_priority_repeat,
            garp_interval: Duration::ZERO,
            gna_interval: Duration::ZERO,
            down_timer_adverts: 3,
            strict: false,
            skip_check_adv_addr: false,
            lower_prio_no_advert: false,
            higher_prio_send_advert: false,
            alert_vrrp: None,
            alert_checker: None,
            check_unicast_src: false,
            checksum_as_v2: false,
            owner_ignore_adverts: false,
            priority_changes: false,
            extra_interfaces: None,
            garp_lower_written: (None, None),
            alerts_written: [None; 3],
        }
    }
}
