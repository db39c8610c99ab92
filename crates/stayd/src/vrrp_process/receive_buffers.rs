//! How large the receive buffers of adverts are, where the file says it (`kernel_rx_buf_size`, `vrrp_rx_bufs_policy`,
//! `vrrp_rx_bufs_multiplier`).
//!
//! **A socket has what its instances have together**, as in keepalived: the size that an instance names, else what the
//! policy makes of it. Where nothing is said, [`net::Receiver`] knows better than the system.

use std::collections::BTreeMap;

use config::model::BufferPolicy;
use vrrp::{Authentication, Family, InstanceSpec, Protocol, RouterSpec, Version};

/// What the sockets of an interface, family and protocol receive.
#[derive(Default)]
pub(super) struct Sizes(BTreeMap<(String, Family, Protocol), Size>);

/// The instances' shares.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Size {
    bytes: u32,
    /// As many packets of the interface's MTU.
    packets: u32,
}

impl Sizes {
    pub(super) fn of(spec: &RouterSpec, policy: BufferPolicy, packets: u32) -> Self {
        let mut sizes = BTreeMap::<_, Size>::new();
        for instance in &spec.instances {
            let protocol = protocol(instance);
            let interface = match &instance.vmac {
                Some(vmac) if !vmac.transmit_on_base => &vmac.name,
                Some(_) | None => &instance.interface,
            };
            let size = sizes.entry((interface.clone(), instance.family, protocol)).or_default();
            let bytes = match (instance.receive_buffer, policy) {
                (Some(bytes), _) | (None, BufferPolicy::Bytes(bytes)) => bytes,
                (None, BufferPolicy::Advert) => advert_len(instance, protocol).saturating_mul(packets),
                (None, BufferPolicy::Mtu) => {
                    size.packets = size.packets.saturating_add(packets);
                    0
                }
                (None, BufferPolicy::System) => 0,
            };
            size.bytes = size.bytes.saturating_add(bytes);
        }
        Self(sizes)
    }

    /// In bytes; `None` where nothing is said.
    pub(super) fn get(&self, interface: &str, family: Family, protocol: Protocol) -> Option<u32> {
        let size = self.0.get(&(interface.to_owned(), family, protocol))?;
        // One that is gone has no packets to wait for.
        let mtu = if size.packets > 0 { net::mtu(interface).unwrap_or_default() } else { 0 };
        Some(size.packets.saturating_mul(mtu).saturating_add(size.bytes)).filter(|bytes| *bytes > 0)
    }
}

const fn protocol(instance: &InstanceSpec) -> Protocol {
    match (instance.version, &instance.authentication) {
        (Version::V2, Authentication::Ah { .. }) => Protocol::Ah,
        _ => Protocol::Vrrp,
    }
}

/// Length of an advert as a raw socket receives it, in bytes: over IPv4 with the IP header.
fn advert_len(instance: &InstanceSpec, protocol: Protocol) -> u32 {
    let (ip, address) = match instance.family {
        Family::V4 => (20, 4),
        Family::V6 => (0, 16),
    };
    let authentication = match (protocol, instance.version) {
        (Protocol::Ah, _) => 24 + 8,
        (Protocol::Vrrp, Version::V2) => 8,
        (Protocol::Vrrp, Version::V3) => 0,
    };
    let addresses = u32::try_from(instance.addresses.len()).unwrap_or(u32::MAX);
    addresses.saturating_mul(address).saturating_add(ip + 8 + authentication)
}

#[cfg(test)]
mod tests {
    use vrrp::{VirtualAddress, VirtualRouterId};

    use super::*;

    fn instance(vrid: u8, addresses: u8, alter: impl FnOnce(&mut InstanceSpec)) -> InstanceSpec {
        let vrid = VirtualRouterId::new(vrid).unwrap();
        let mut spec = InstanceSpec::new(format!("V{}", vrid.get()), "lo", vrid, Family::V4);
        let address = |last| VirtualAddress::new([10, 0, 0, last].into(), 32, "lo");
        spec.addresses = (0..addresses).map(address).collect();
        alter(&mut spec);
        spec
    }

    fn size(instances: Vec<InstanceSpec>, policy: BufferPolicy, packets: u32) -> Option<u32> {
        let (family, protocol) = (instances[0].family, protocol(&instances[0]));
        Sizes::of(&instances.into(), policy, packets).get("lo", family, protocol)
    }

    // The figures are half of what keepalived 2.2.7's sockets have: the kernel doubles them.
    #[test]
    fn an_advert_is_as_long_as_its_version_authentication_and_addresses_make_it() {
        let advert = |alter: fn(&mut InstanceSpec)| {
            size(vec![instance(1, 2, alter)], BufferPolicy::Advert, 100).unwrap() / 100
        };
        assert_eq!(advert(|_| {}), 44);
        assert_eq!(advert(|spec| spec.authentication = Authentication::Password([0; 8])), 44);
        assert_eq!(advert(|spec| spec.authentication = Authentication::Ah { key: [0; 8] }), 68);
        assert_eq!(advert(|spec| spec.version = Version::V3), 36);
        assert_eq!(advert(|spec| (spec.version, spec.family) = (Version::V3, Family::V6)), 40);
    }

    #[test]
    fn the_instances_of_a_socket_share_what_they_have_together() {
        let named = |vrid, bytes| instance(vrid, 1, |spec| spec.receive_buffer = Some(bytes));
        let plain = |vrid| instance(vrid, 1, |_| {});
        assert_eq!(size(vec![named(1, 65_536), named(2, 30_000)], BufferPolicy::System, 3), Some(95_536));
        assert_eq!(size(vec![named(1, 30_000), plain(2)], BufferPolicy::System, 3), Some(30_000));
        assert_eq!(size(vec![named(1, 10_000), plain(2)], BufferPolicy::Advert, 100), Some(14_000));
        assert_eq!(size(vec![plain(1), plain(2)], BufferPolicy::Advert, 3), Some(240));
    }

    #[test]
    fn a_policy_of_the_mtu_asks_for_that_of_the_interface() {
        let mtu = net::mtu("lo").unwrap();
        let plain = || vec![instance(1, 1, |_| {})];
        assert_eq!(size(plain(), BufferPolicy::Mtu, 3), Some(3 * mtu));
        assert_eq!(size(plain(), BufferPolicy::Bytes(50_000), 7), Some(50_000));
    }

    #[test]
    fn nothing_is_said_where_the_file_says_nothing_or_zero() {
        assert_eq!(size(vec![instance(1, 1, |_| {})], BufferPolicy::System, 7), None);
        assert_eq!(
            size(vec![instance(1, 1, |spec| spec.receive_buffer = Some(0))], BufferPolicy::System, 3),
            None
        );
    }
}
