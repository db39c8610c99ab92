//! The sockets: instances that hear the same adverts share one.
//!
//! keepalived has one for each interface, family, protocol, and group or source address. **Ours has one for each interface,
//! family and protocol**, and one to send by for each family; so several entries may show the same numbers.

use std::net::IpAddr;

use config::model::BufferPolicy;
use vrrp::{Authentication, Family, InstanceSpec, InstanceStatus, Protocol, Transport, Version};

use super::Page;
use crate::dump::VrrpView;

/// What is shown for a socket that is not open.
const CLOSED: i32 = -1;

/// What tells one entry from another.
#[derive(PartialEq)]
struct Key<'a> {
    interface: &'a str,
    family: Family,
    protocol: Protocol,
    unicast: bool,
    /// Of unicast adverts.
    source: Option<IpAddr>,
    group: Option<IpAddr>,
}

impl<'a> Key<'a> {
    fn of(spec: &'a InstanceSpec, status: &InstanceStatus) -> Self {
        let own = spec.vmac.as_ref().filter(|vmac| !vmac.transmit_on_base);
        let (source, group) = match &spec.transport {
            Transport::Multicast { group } => (None, Some(*group)),
            Transport::Unicast { .. } => (status.source, None),
        };
        Self {
            interface: own.map_or(&spec.interface, |vmac| &vmac.name),
            family: spec.family,
            protocol: protocol(spec),
            unicast: spec.transport.is_unicast(),
            source,
            group,
        }
    }
}

const fn protocol(spec: &InstanceSpec) -> Protocol {
    match spec.authentication {
        Authentication::Ah { .. } => Protocol::Ah,
        Authentication::None | Authentication::Password(_) => Protocol::Vrrp,
    }
}

/// The numbers of the sockets by which an instance receives and sends.
pub(super) fn numbers(view: &VrrpView<'_>, spec: &InstanceSpec, status: &InstanceStatus) -> (i32, i32) {
    let (family, protocol) = (spec.family, protocol(spec));
    let open = view.facts.sockets.iter().find(|socket| {
        Some(socket.interface.get()) == status.interface
            && (socket.family, socket.protocol) == (family, protocol)
    });
    open.map_or((CLOSED, CLOSED), |socket| (socket.receives, socket.sends))
}

pub(super) fn page(page: &mut Page, view: &VrrpView<'_>) {
    let mut entries = Vec::<(Key<'_>, Vec<(&InstanceSpec, &InstanceStatus)>)>::new();
    for (spec, status) in view.instances() {
        let key = Key::of(spec, status);
        match entries.iter_mut().find(|(known, _)| *known == key) {
            Some((_, users)) => users.push((spec, status)),
            None => entries.push((key, vec![(spec, status)])),
        }
    }
    if !entries.is_empty() {
        page.section("VRRP Sockpool");
    }
    for (key, users) in entries {
        let numbers = users.iter().map(|(spec, status)| numbers(view, spec, status));
        let (receives, sends) = numbers.max().unwrap_or((CLOSED, CLOSED));
        page.line(format_args!(" fd_in {receives} fd_out = {sends}"));
        page.attribute("Interface", key.interface);
        page.attribute("Family", if key.family == Family::V4 { "IPv4" } else { "IPv6" });
        page.attribute("Protocol", if key.protocol == Protocol::Ah { "AH" } else { "VRRP" });
        page.attribute("Type", if key.unicast { "Unicast" } else { "Multicast" });
        page.maybe("Address", key.source);
        let size: u32 = users.iter().map(|(spec, _)| buffer(view, spec, key.interface)).sum();
        page.attribute("Rx buf size", size);
        page.list(
            "VRRP instances",
            users.iter().map(|(spec, _)| format!("{} vrid {}", spec.name, spec.vrid)),
        );
    }
}

/// What an instance asks for of the receive buffer, in bytes; 0: the system's.
fn buffer(view: &VrrpView<'_>, spec: &InstanceSpec, interface: &str) -> u32 {
    let globals = &view.model.globals.vrrp;
    let usual = match globals.receive_buffer {
        BufferPolicy::System => 0,
        BufferPolicy::Bytes(bytes) => bytes,
        BufferPolicy::Mtu => view.link(interface).map_or(0, |link| link.mtu) * globals.receive_buffer_packets,
        BufferPolicy::Advert => advert(spec) * globals.receive_buffer_packets,
    };
    spec.receive_buffer.unwrap_or(usual)
}

/// The length of an advert with what a raw socket gives of its IP header.
fn advert(spec: &InstanceSpec) -> u32 {
    let count = u32::try_from(spec.addresses.len()).unwrap_or_default();
    match (spec.family, spec.version) {
        (Family::V4, Version::V2) => 20 + 8 + 4 * count + 8,
        (Family::V4, Version::V3) => 20 + 8 + 4 * count,
        (Family::V6, _) => 8 + 16 * count,
    }
}
