//! The advertisement on the wire: VRRPv2 (RFC 3768 5.1) and VRRPv3 (RFC 9568 5.1), without the IP header.
//!
//! **Reading takes nothing on trust**: [`Advert::read`] checks what the bytes alone can tell, in the order in which
//! keepalived does; whether a well-formed advert concerns an instance is that instance's business.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::checksum::{Coverage, checksum};
use crate::spec::{Authentication, Family, Version, VirtualRouterId};
use crate::time::Centiseconds;

const HEADER_LEN: usize = 8;
const AUTHENTICATION_LEN: usize = 8;
const TYPE_ADVERTISEMENT: u8 = 1;
const AUTH_TYPE_NONE: u8 = 0;
const AUTH_TYPE_PASSWORD: u8 = 1;
const AUTH_TYPE_AH: u8 = 2;

/// One advertisement.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Advert {
    /// Protocol version.
    pub version: Version,
    /// Virtual router.
    pub vrid: VirtualRouterId,
    /// Priority of the sender; 0: it stops being master.
    pub priority: u8,
    /// The sender's advertisement interval.
    pub interval: Centiseconds,
    /// The virtual router's addresses; all of one family.
    pub addresses: Vec<IpAddr>,
    /// Authentication, always [`AuthenticationData::None`] in version 3.
    pub authentication: AuthenticationData,
}

/// What the authentication fields of a version 2 advertisement say.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum AuthenticationData {
    /// Type 0.
    None,
    /// Type 1 with the password.
    Password([u8; 8]),
    /// Type 2: an authentication header stands before the advertisement; the data are zero.
    Ah,
}

impl AuthenticationData {
    /// What adverts with this authentication carry.
    pub const fn of(authentication: &Authentication) -> Self {
        match authentication {
            Authentication::None => Self::None,
            Authentication::Password(password) => Self::Password(*password),
            Authentication::Ah { .. } => Self::Ah,
        }
    }
}

/// What the bytes of an advertisement can be wrong in.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Error, Serialize, Deserialize)]
pub enum AdvertError {
    /// Not as long as the header, the number of addresses and the version say.
    #[error("wrong length")]
    Length,
    /// Neither version 2 nor version 3, or version 2 over IPv6.
    #[error("unknown version")]
    Version,
    /// Not an advertisement.
    #[error("unknown packet type")]
    Type,
    /// VRID 0.
    #[error("virtual router id 0")]
    Vrid,
    /// An authentication type that RFC 2338 does not define.
    #[error("unknown authentication type")]
    AuthenticationType,
    /// The checksum does not match.
    #[error("wrong checksum")]
    Checksum,
}

impl Advert {
    /// The VRID field of a packet, whatever the rest of it is.
    pub fn peek_vrid(payload: &[u8]) -> Option<VirtualRouterId> {
        payload.get(1).copied().and_then(VirtualRouterId::new)
    }

    /// The bytes after the IP header, with the checksum that the RFCs ask for.
    ///
    /// `source` and `destination` are those of the IP header: a version 3 checksum covers them (RFC 9568 5.2.8 by way of
    /// its pseudo-header). Addresses of another family than `source` are left out. A version 2 packet carries whole
    /// seconds.
    pub fn to_bytes(&self, source: IpAddr, destination: IpAddr) -> Vec<u8> {
        let mut bytes = self.message(source);
        fill_checksum(&mut bytes, coverage(self.version, source, destination));
        bytes
    }

    /// The bytes after the IP header, with a checksum of zero.
    pub(crate) fn message(&self, source: IpAddr) -> Vec<u8> {
        let family = Family::of(source);
        let addresses = self.addresses.iter().filter(|address| Family::of(**address) == family).take(255);
        let mut bytes = vec![self.version.get() << 4 | TYPE_ADVERTISEMENT, self.vrid.get(), self.priority, 0];
        match self.version {
            Version::V2 => bytes.extend([self.authentication_type(), self.interval.whole_secs()]),
            Version::V3 => bytes.extend(self.interval.get().min(Centiseconds::MAX_V3.get()).to_be_bytes()),
        }
        bytes.extend([0, 0]);
        for address in addresses {
            match address {
                IpAddr::V4(address) => bytes.extend(address.octets()),
                IpAddr::V6(address) => bytes.extend(address.octets()),
            }
            bytes[3] += 1;
        }
        if self.version == Version::V2 {
            bytes.extend(match self.authentication {
                AuthenticationData::None | AuthenticationData::Ah => [0; AUTHENTICATION_LEN],
                AuthenticationData::Password(password) => password,
            });
        }
        bytes
    }

    /// Reads the bytes after the IP header.
    ///
    /// # Errors
    /// The first [`AdvertError`] in keepalived's order of checks: length, version, authentication type, type, checksum.
    pub fn read(payload: &[u8], source: IpAddr, destination: IpAddr) -> Result<Self, AdvertError> {
        let advert = Self::parse(payload, Family::of(source))?;
        if checksum(coverage(advert.version, source, destination), payload) != 0 {
            return Err(AdvertError::Checksum);
        }
        Ok(advert)
    }

    /// How long the advertisement at the head of these bytes is, as its fields say; `None` if they say nothing sensible.
    pub(crate) fn stated_len(payload: &[u8], family: Family) -> Option<usize> {
        let (first, count) = (payload.first()?, usize::from(*payload.get(3)?));
        let version = version(*first, family)?;
        Some(HEADER_LEN + address_len(family) * count + authentication_len(version))
    }

    /// Reads the bytes after the IP header without looking at the checksum.
    pub(crate) fn parse(payload: &[u8], family: Family) -> Result<Self, AdvertError> {
        let &[version_and_type, vrid, priority, count, field_4, field_5, _, _, ref rest @ ..] = payload
        else {
            return Err(AdvertError::Length);
        };
        let version = version(version_and_type, family).ok_or(AdvertError::Version)?;
        let address_len = address_len(family);
        let addresses_len = address_len * usize::from(count);
        if rest.len() != addresses_len + authentication_len(version) {
            return Err(AdvertError::Length);
        }
        let (addresses, authentication) = rest.split_at(addresses_len);
        let authentication = match (version, field_4) {
            (Version::V3, _) | (Version::V2, AUTH_TYPE_NONE) => AuthenticationData::None,
            (Version::V2, AUTH_TYPE_PASSWORD) => {
                let mut password = [0; AUTHENTICATION_LEN];
                password.copy_from_slice(authentication);
                AuthenticationData::Password(password)
            }
            (Version::V2, AUTH_TYPE_AH) => AuthenticationData::Ah,
            (Version::V2, _) => return Err(AdvertError::AuthenticationType),
        };
        if version_and_type & 0x0f != TYPE_ADVERTISEMENT {
            return Err(AdvertError::Type);
        }
        Ok(Self {
            version,
            vrid: VirtualRouterId::new(vrid).ok_or(AdvertError::Vrid)?,
            priority,
            interval: match version {
                Version::V2 => Centiseconds::from_secs(field_5),
                Version::V3 => Centiseconds::new(u16::from_be_bytes([field_4 & 0x0f, field_5])),
            },
            addresses: addresses.chunks_exact(address_len).filter_map(address).collect(),
            authentication,
        })
    }

    const fn authentication_type(&self) -> u8 {
        match self.authentication {
            AuthenticationData::None => AUTH_TYPE_NONE,
            AuthenticationData::Password(_) => AUTH_TYPE_PASSWORD,
            AuthenticationData::Ah => AUTH_TYPE_AH,
        }
    }
}

/// The version that a first byte states, if it exists for the family.
const fn version(first: u8, family: Family) -> Option<Version> {
    match (first >> 4, family) {
        (2, Family::V4) => Some(Version::V2),
        (3, _) => Some(Version::V3),
        _ => None,
    }
}

const fn address_len(family: Family) -> usize {
    match family {
        Family::V4 => 4,
        Family::V6 => 16,
    }
}

const fn authentication_len(version: Version) -> usize {
    match version {
        Version::V2 => AUTHENTICATION_LEN,
        Version::V3 => 0,
    }
}

/// What the RFCs have the checksum of a version cover.
pub(crate) const fn coverage(version: Version, source: IpAddr, destination: IpAddr) -> Coverage {
    match version {
        Version::V2 => Coverage::Message,
        Version::V3 => Coverage::PseudoHeader { source, destination },
    }
}

/// Puts the checksum into a message that has none yet.
pub(crate) fn fill_checksum(message: &mut [u8], coverage: Coverage) {
    let checksum = checksum(coverage, message);
    if let Some(field) = message.get_mut(6..8) {
        field.copy_from_slice(&checksum.to_be_bytes());
    }
}

fn address(octets: &[u8]) -> Option<IpAddr> {
    match octets.len() {
        4 => <[u8; 4]>::try_from(octets).ok().map(|octets| Ipv4Addr::from(octets).into()),
        _ => <[u8; 16]>::try_from(octets).ok().map(|octets| Ipv6Addr::from(octets).into()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GROUP: IpAddr = IpAddr::V4(Ipv4Addr::new(224, 0, 0, 18));

    fn v4(octets: [u8; 4]) -> IpAddr {
        Ipv4Addr::from(octets).into()
    }

    fn adverts() -> impl Strategy<Value = (Advert, IpAddr, IpAddr)> {
        let v4_pair = (any::<[u8; 4]>(), any::<[u8; 4]>()).prop_map(|(s, d)| (v4(s), v4(d)));
        let v6_pair = (any::<[u8; 16]>(), any::<[u8; 16]>())
            .prop_map(|(s, d)| (IpAddr::from(Ipv6Addr::from(s)), Ipv6Addr::from(d).into()));
        let fields = (1..=255u8, any::<u8>(), proptest::collection::vec(any::<[u8; 16]>(), 0..20));
        (prop_oneof![v4_pair, v6_pair], any::<bool>(), 1..=255u8, any::<Option<[u8; 8]>>(), fields).prop_map(
            |((source, destination), v2, seconds, password, (vrid, priority, octets))| {
                let version = if v2 && source.is_ipv4() { Version::V2 } else { Version::V3 };
                let address = |octets: &[u8; 16]| match source {
                    IpAddr::V4(_) => v4([octets[0], octets[1], octets[2], octets[3]]),
                    IpAddr::V6(_) => Ipv6Addr::from(*octets).into(),
                };
                let advert = Advert {
                    version,
                    vrid: VirtualRouterId::new(vrid).unwrap(),
                    priority,
                    interval: match version {
                        Version::V2 => Centiseconds::from_secs(seconds),
                        Version::V3 => Centiseconds::new(u16::from(seconds) * 16),
                    },
                    addresses: octets.iter().map(address).collect(),
                    authentication: match (version, password) {
                        (Version::V2, Some(password)) => AuthenticationData::Password(password),
                        _ => AuthenticationData::None,
                    },
                };
                (advert, source, destination)
            },
        )
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back((advert, source, destination) in adverts()) {
            let bytes = advert.to_bytes(source, destination);
            prop_assert_eq!(Advert::read(&bytes, source, destination), Ok(advert));
        }

        #[test]
        fn one_flipped_bit_never_reads_as_the_same_advert((advert, source, destination) in adverts(), bit in any::<prop::sample::Index>()) {
            let mut bytes = advert.to_bytes(source, destination);
            let bit = bit.index(bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
            prop_assert_ne!(Advert::read(&bytes, source, destination), Ok(advert));
        }

        #[test]
        fn reading_random_bytes_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..80), v6 in any::<bool>()) {
            let source = if v6 { Ipv6Addr::LOCALHOST.into() } else { v4([192, 0, 2, 1]) };
            let _ = Advert::read(&bytes, source, source);
        }
    }

    fn sample() -> Advert {
        Advert {
            version: Version::V2,
            vrid: VirtualRouterId::new(51).unwrap(),
            priority: 100,
            interval: Centiseconds::from_secs(1),
            addresses: vec![v4([192, 0, 2, 9])],
            authentication: AuthenticationData::None,
        }
    }

    fn read_altered(alter: impl FnOnce(&mut Vec<u8>)) -> Result<Advert, AdvertError> {
        let source = v4([192, 0, 2, 1]);
        let mut bytes = sample().to_bytes(source, GROUP);
        alter(&mut bytes);
        Advert::read(&bytes, source, GROUP)
    }

    #[test]
    fn a_packet_shorter_than_its_addresses_has_a_wrong_length() {
        assert_eq!(read_altered(|bytes| bytes.truncate(7)), Err(AdvertError::Length));
        assert_eq!(read_altered(|bytes| bytes.truncate(19)), Err(AdvertError::Length));
        assert_eq!(read_altered(|bytes| bytes[3] = 2), Err(AdvertError::Length));
    }

    #[test]
    fn a_packet_longer_than_its_addresses_has_a_wrong_length() {
        assert_eq!(read_altered(|bytes| bytes.push(0)), Err(AdvertError::Length));
    }

    #[test]
    fn versions_1_and_4_are_unknown() {
        assert_eq!(read_altered(|bytes| bytes[0] = 0x11), Err(AdvertError::Version));
        assert_eq!(read_altered(|bytes| bytes[0] = 0x41), Err(AdvertError::Version));
    }

    #[test]
    fn a_packet_of_another_type_is_not_an_advert() {
        assert_eq!(read_altered(|bytes| bytes[0] = 0x22), Err(AdvertError::Type));
    }

    #[test]
    fn authentication_types_above_password_are_unknown() {
        assert_eq!(read_altered(|bytes| bytes[4] = 3), Err(AdvertError::AuthenticationType));
    }

    #[test]
    fn a_wrong_checksum_is_found() {
        assert_eq!(read_altered(|bytes| bytes[2] = 101), Err(AdvertError::Checksum));
    }

    #[test]
    fn vrid_0_names_no_router() {
        let fixed = |bytes: &mut Vec<u8>| {
            bytes[1] = 0;
            bytes[6..8].fill(0);
            fill_checksum(bytes, Coverage::Message);
        };
        assert_eq!(read_altered(fixed), Err(AdvertError::Vrid));
    }

    #[test]
    fn version_2_does_not_exist_over_ipv6() {
        let source = IpAddr::from(Ipv6Addr::LOCALHOST);
        let bytes = sample().to_bytes(v4([192, 0, 2, 1]), GROUP);
        assert_eq!(Advert::read(&bytes, source, source), Err(AdvertError::Version));
    }

    #[test]
    fn a_v3_checksum_covers_the_addresses_of_the_ip_header() {
        let advert = Advert { version: Version::V3, ..sample() };
        let (source, other) = (v4([192, 0, 2, 1]), v4([192, 0, 2, 2]));
        let bytes = advert.to_bytes(source, GROUP);
        assert_eq!(Advert::read(&bytes, other, GROUP), Err(AdvertError::Checksum));
    }
}
