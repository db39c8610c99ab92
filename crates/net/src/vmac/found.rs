//! An interface, reduced to what tells a VMAC or ipvlan.

use netlink_packet_core::{DecodeError, NetlinkDeserializable, NetlinkHeader, NlaBuffer, NlasIterator};
use vrrp::{IfIndex, IpvlanMode, VmacKind};

const HEADER: usize = 16;

// linux/if_link.h
const IFLA_ADDRESS: u16 = 1;
const IFLA_IFNAME: u16 = 3;
const IFLA_LINK: u16 = 5;
const IFLA_LINKINFO: u16 = 18;
const IFLA_GROUP: u16 = 27;
const IFLA_INFO_KIND: u16 = 1;
const IFLA_INFO_DATA: u16 = 2;
const IFLA_MACVLAN_MODE: u16 = 1;
const IFLA_IPVLAN_FLAGS: u16 = 2;
const MACVLAN_MODE_PRIVATE: u32 = 1;
const IPVLAN_PRIVATE: u16 = 1;
const IPVLAN_VEPA: u16 = 2;

#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Found {
    pub(super) index: IfIndex,
    pub(super) name: String,
    /// The interface below it.
    pub(super) base: Option<IfIndex>,
    /// What it is, if it is a private macvlan or an ipvlan.
    pub(super) kind: Option<VmacKind>,
    /// The number of its interface group.
    pub(super) group: u32,
}

impl NetlinkDeserializable for Found {
    type Error = DecodeError;

    fn deserialize(_: &NetlinkHeader, payload: &[u8]) -> Result<Self, DecodeError> {
        let Some((header, attributes)) = payload.split_first_chunk::<HEADER>() else {
            return Err(DecodeError::buffer_too_small(payload.len(), HEADER));
        };
        let [_, _, _, _, i0, i1, i2, i3, ..] = *header;
        let index = IfIndex::new(u32::from_ne_bytes([i0, i1, i2, i3]))
            .ok_or_else(|| DecodeError::from("an interface without a number"))?;
        let mut found = Self { index, name: String::new(), base: None, kind: None, group: 0 };
        let (mut mac, mut kind, mut mode, mut flags) = (None, Vec::new(), None, 0);
        for attribute in NlasIterator::new(attributes) {
            let attribute: NlaBuffer<_> = attribute?;
            let value = attribute.value();
            match attribute.kind() {
                IFLA_IFNAME => found.name = text(value),
                IFLA_ADDRESS => mac = <[u8; 6]>::try_from(value).ok(),
                IFLA_LINK => {
                    found.base = value.try_into().map(u32::from_ne_bytes).ok().and_then(IfIndex::new);
                }
                IFLA_GROUP => found.group = value.try_into().map(u32::from_ne_bytes).unwrap_or_default(),
                IFLA_LINKINFO => {
                    for info in NlasIterator::new(value) {
                        let info: NlaBuffer<_> = info?;
                        match info.kind() {
                            IFLA_INFO_KIND => kind = text(info.value()).into_bytes(),
                            IFLA_INFO_DATA => (mode, flags) = data(info.value())?,
                            _ => {}
                        }
                    }
                }
                _ => {}
            }
        }
        found.kind = match kind.as_slice() {
            b"macvlan" if mode == Some(MACVLAN_MODE_PRIVATE) => mac.map(VmacKind::Macvlan),
            b"ipvlan" => {
                let mode = match flags {
                    IPVLAN_PRIVATE => IpvlanMode::Private,
                    IPVLAN_VEPA => IpvlanMode::Vepa,
                    _ => IpvlanMode::Bridge,
                };
                Some(VmacKind::Ipvlan { mode, address: None })
            }
            _ => None,
        };
        Ok(found)
    }
}

/// The mode of a macvlan and the flags of an ipvlan.
fn data(bytes: &[u8]) -> Result<(Option<u32>, u16), DecodeError> {
    let (mut mode, mut flags) = (None, 0);
    for attribute in NlasIterator::new(bytes) {
        let attribute: NlaBuffer<_> = attribute?;
        match attribute.kind() {
            IFLA_MACVLAN_MODE => mode = attribute.value().try_into().map(u32::from_ne_bytes).ok(),
            IFLA_IPVLAN_FLAGS => {
                flags = attribute.value().try_into().map(u16::from_ne_bytes).unwrap_or_default();
            }
            _ => {}
        }
    }
    Ok((mode, flags))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes.split(|byte| *byte == 0).next().unwrap_or_default()).into_owned()
}
