//! The sysctls that keep a real server from telling the LAN that a virtual address is its own.
//!
//! Tried out on Linux 6.18, with the address on `lo` and the neighbour on `eth0`:
//!
//! * On an interface the larger of `all` and its own value is in force. **It is `all` that matters**, and an interface
//!   whose own value is larger overrides it. The values of `lo` change nothing (no ARP request arrives there); they are
//!   set because scripts for real servers do so.
//! * `arp_ignore`: requests for the address stay unanswered with 1, 2 and 8 (8 also silences the host's other addresses).
//!   With 3 they are answered unless the address has scope host, and with every other value they are answered.
//! * `arp_announce`: only 2 keeps the address out of the host's own requests. 1 does not, and 3 and more count as 0.
//! * IPv6 has nothing of the kind and needs nothing: a host does not answer solicitations, multicast or unicast, for an
//!   address on `lo` that arrive on another interface, be it a router with `proxy_ndp` or not; and in its own it uses an
//!   address of the interface.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A setting that every interface has.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Setting {
    ArpIgnore,
    ArpAnnounce,
}

/// A setting of the two "interfaces" for which `start` sees to it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum Sysctl {
    #[serde(rename = "net.ipv4.conf.all.arp_ignore")]
    AllArpIgnore,
    #[serde(rename = "net.ipv4.conf.all.arp_announce")]
    AllArpAnnounce,
    #[serde(rename = "net.ipv4.conf.lo.arp_ignore")]
    LoArpIgnore,
    #[serde(rename = "net.ipv4.conf.lo.arp_announce")]
    LoArpAnnounce,
}

impl Setting {
    pub const ALL: [Self; 2] = [Self::ArpIgnore, Self::ArpAnnounce];

    pub const fn name(self) -> &'static str {
        match self {
            Self::ArpIgnore => "arp_ignore",
            Self::ArpAnnounce => "arp_announce",
        }
    }

    /// What `start` sets.
    pub const fn wanted(self) -> i32 {
        match self {
            Self::ArpIgnore => 1,
            Self::ArpAnnounce => 2,
        }
    }

    /// Whether a value does at least what the wanted one does; `start` then leaves it.
    pub const fn suffices(self, value: i32) -> bool {
        match self {
            Self::ArpIgnore => matches!(value, 1 | 2 | 8),
            Self::ArpAnnounce => value == 2,
        }
    }

    /// The name of this setting of an interface as `sysctl` writes it, in which a dot of a VLAN's name becomes a slash.
    pub fn of(self, interface: &str) -> String {
        format!("net.ipv4.conf.{}.{}", interface.replace('.', "/"), self.name())
    }
}

impl Sysctl {
    pub const ALL: [Self; 4] =
        [Self::AllArpIgnore, Self::AllArpAnnounce, Self::LoArpIgnore, Self::LoArpAnnounce];

    pub const fn interface(self) -> &'static str {
        match self {
            Self::AllArpIgnore | Self::AllArpAnnounce => "all",
            Self::LoArpIgnore | Self::LoArpAnnounce => "lo",
        }
    }

    pub const fn setting(self) -> Setting {
        match self {
            Self::AllArpIgnore | Self::LoArpIgnore => Setting::ArpIgnore,
            Self::AllArpAnnounce | Self::LoArpAnnounce => Setting::ArpAnnounce,
        }
    }

    /// The one of `all`.
    pub const fn of_all(setting: Setting) -> Self {
        match setting {
            Setting::ArpIgnore => Self::AllArpIgnore,
            Setting::ArpAnnounce => Self::AllArpAnnounce,
        }
    }
}

impl fmt::Display for Sysctl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.setting().of(self.interface()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wanted_suffices() {
        for setting in Setting::ALL {
            assert!(setting.suffices(setting.wanted()), "{setting:?}");
        }
    }

    #[test]
    fn a_larger_value_is_not_always_a_stronger_one() {
        let sufficient =
            |setting: Setting| (-1..=9).filter(|value| setting.suffices(*value)).collect::<Vec<_>>();
        assert_eq!(sufficient(Setting::ArpIgnore), [1, 2, 8]);
        assert_eq!(sufficient(Setting::ArpAnnounce), [2]);
    }

    #[test]
    fn a_sysctl_is_written_to_the_file_as_it_is_shown() {
        for sysctl in Sysctl::ALL {
            assert_eq!(serde_json::to_string(&sysctl).unwrap(), format!("\"{sysctl}\""));
        }
    }

    #[test]
    fn the_dot_of_a_vlan_is_written_as_sysctl_does() {
        assert_eq!(Setting::ArpIgnore.of("eth0.100"), "net.ipv4.conf.eth0/100.arp_ignore");
    }
}
