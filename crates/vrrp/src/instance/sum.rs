//! Checksums of version 3 over IPv4, of which there are three (`v3_checksum_as_v2`, `old_unicast_checksum`).

use std::net::{IpAddr, Ipv4Addr};

use super::Instance;
use crate::advert::coverage;
use crate::checksum::{Coverage, checksum};
use crate::input::Packet;
use crate::spec::{ChecksumV3, Version};

/// keepalived up to 1.3.6 summed this destination in unicast adverts as well.
const GROUP: IpAddr = IpAddr::V4(Ipv4Addr::new(224, 0, 0, 18));

impl Instance {
    /// What the checksum of an advert for this destination covers.
    pub(super) fn covers(&self, source: IpAddr, destination: IpAddr) -> Coverage {
        let version = self.spec.version;
        if version == Version::V2 || source.is_ipv6() {
            return coverage(version, source, destination);
        }
        match self.spec.checksum_v3 {
            ChecksumV3::AsV2 => Coverage::Message,
            ChecksumV3::OldUnicast if !destination.is_multicast() => old_unicast(source),
            ChecksumV3::Detect if self.old_checksum_peers.contains(&destination) => old_unicast(source),
            ChecksumV3::Detect | ChecksumV3::PseudoHeader | ChecksumV3::OldUnicast => {
                coverage(version, source, destination)
            }
        }
    }

    /// Whether the checksum of a received advert is right; remembers who sends the old one, and who no longer does.
    pub(super) fn sum_is_right(&mut self, version: Version, packet: &Packet, summed: &[u8]) -> bool {
        let (source, destination) = (packet.source, packet.destination);
        let fits = |coverage| checksum(coverage, summed) == 0;
        if fits(coverage(version, source, destination)) {
            self.old_checksum_peers.remove(&source);
            return true;
        }
        if version == Version::V2 || source.is_ipv6() {
            return false;
        }
        match self.spec.checksum_v3 {
            ChecksumV3::AsV2 => fits(Coverage::Message),
            ChecksumV3::PseudoHeader => false,
            ChecksumV3::Detect | ChecksumV3::OldUnicast => {
                let old = !destination.is_multicast() && fits(old_unicast(source));
                if old && self.spec.peers().any(|peer| peer.address == source) {
                    self.old_checksum_peers.insert(source);
                }
                old
            }
        }
    }
}

const fn old_unicast(source: IpAddr) -> Coverage {
    Coverage::PseudoHeader { source, destination: GROUP }
}
