//! The site's cabling, through rtnetlink.
//!
//! The switch is a network namespace with a bridge for each LAN. A host's cable is a veth pair whose far end is the
//! host's interface and whose near end, named `HOST.INTERFACE`, is a port of the bridge. **Both ends are born where
//! they belong**: nothing appears in the namespace that the site itself runs in.

use std::fs::{self, File};
use std::io;
use std::net::{IpAddr, Ipv4Addr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;

use futures_util::TryStreamExt as _;
use ipnet::IpNet;
use netlink_packet_route::address::AddressAttribute;
use netlink_packet_route::link::{InfoBridge, InfoData, InfoVeth, LinkAttribute};
use nix::errno::Errno;
use rtnetlink::{Handle, LinkBridge, LinkUnspec, LinkVeth};

use super::namespaces::Namespaces;
use super::request::{AddressView, Cable, Port};

/// The longest name that the kernel gives an interface.
const NAME_MAX: usize = 15;

/// A tap interface without the extra header (`linux/if_tun.h`).
#[expect(clippy::cast_possible_truncation, reason = "the flags of an ifreq are 16 bits, and these fit")]
const TAP: libc::c_short = (libc::IFF_TAP | libc::IFF_NO_PI) as libc::c_short;

/// Makes the bridge of a LAN.
pub fn add_lan(switch: &Namespaces, lan: &str) -> io::Result<()> {
    let lan = checked(lan)?;
    rtnetlink(switch, async |handle| {
        // Snooping would hold back the multicasts for hosts that have not yet reported their groups.
        let bridge = LinkBridge::new(lan).append_info_data(InfoBridge::MulticastSnooping(false));
        handle.link().add(bridge.build()).execute().await
    })
}

/// Gives a host its interface.
pub fn connect(switch: &Namespaces, host: &Namespaces, cable: &Cable) -> io::Result<()> {
    let (interface, port) =
        (checked(&cable.interface)?.to_owned(), port_name(&cable.host, &cable.interface)?);
    let bridge = index(switch, &cable.lan)?;
    let far = LinkUnspec::new_with_name(&interface)
        .address(cable.mac.to_vec())
        .setns_by_fd(host.net().as_raw_fd())
        .build();
    rtnetlink(switch, async |handle| {
        let pair = LinkVeth::new(&port, "").set_info_data(InfoData::Veth(InfoVeth::Peer(far)));
        handle.link().add(pair.controller(bridge).up().build()).execute().await
    })?;
    if cable.addresses.iter().any(|address| address.addr().is_ipv6()) {
        // No duplicate address detection and no addresses of the kernel's own: what a test gives is there at once,
        // and nothing else.
        for (name, value) in [("accept_dad", "0"), ("addr_gen_mode", "1"), ("disable_ipv6", "0")] {
            sysctl(host, &format!("ipv6/conf/{interface}/{name}"), value)?;
        }
    }
    raise(host, &interface)?;
    cable.addresses.iter().try_for_each(|&address| set_address(host, &interface, address, true))
}

/// Prepares a new namespace: the loopback up, and no IPv6 but what a test asks for, so that no router solicitation, MLD
/// report or duplicate address detection stands in a capture.
pub fn settle(namespaces: &Namespaces) -> io::Result<()> {
    for scope in ["all", "default"] {
        match sysctl(namespaces, &format!("ipv6/conf/{scope}/disable_ipv6"), "1") {
            // A kernel without IPv6 is quiet already.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            result => result?,
        }
    }
    raise(namespaces, "lo")
}

/// Plugs an interface that is already in the switch into a LAN.
pub fn plug(switch: &Namespaces, lan: &str, port: &str) -> io::Result<()> {
    let bridge = index(switch, lan)?;
    rtnetlink(switch, async |handle| {
        handle.link().change(LinkUnspec::new_with_name(port).controller(bridge).up().build()).execute().await
    })
}

/// Moves an interface from the site's own namespace into the switch.
pub fn take(switch: &Namespaces, interface: &str) -> io::Result<()> {
    let switch = switch.net().as_raw_fd();
    run_netlink(async |handle| {
        handle.link().change(LinkUnspec::new_with_name(interface).setns_by_fd(switch).build()).execute().await
    })
}

/// Makes a persistent tap interface in the switch, for a network card of a guest.
pub fn add_tap(switch: &Namespaces, tap: &str) -> io::Result<()> {
    let tap = checked(tap)?;
    switch.within(|| {
        let device = File::options().read(true).write(true).open("/dev/net/tun")?;
        // SAFETY: an ifreq is plain old data, for which all zeros is a value.
        let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
        for (to, from) in request.ifr_name.iter_mut().zip(tap.bytes()) {
            *to = from.cast_signed();
        }
        request.ifr_ifru.ifru_flags = TAP;
        // SAFETY: TUNSETIFF reads and writes the ifreq that it is given, and TUNSETPERSIST takes an integer.
        unsafe {
            Errno::result(libc::ioctl(device.as_raw_fd(), libc::TUNSETIFF, &raw mut request))?;
            Errno::result(libc::ioctl(device.as_raw_fd(), libc::TUNSETPERSIST, 1))?;
        }
        // A guest claims to take segments of many packets, and then drops what is longer than one.
        run_netlink(async |handle| {
            let single = LinkUnspec::new_with_name(tap).append_extra_attribute(LinkAttribute::GsoMaxSegs(1));
            handle.link().change(single.build()).execute().await
        })
    })
}

/// The guest's control line: a cable of its own between the switch and the guest, apart from all LANs.
const CONTROL: &str = "control";

/// The native end's address, and the guest's.
const CONTROL_ADDRESSES: [Ipv4Addr; 2] = [Ipv4Addr::new(169, 254, 77, 1), Ipv4Addr::new(169, 254, 77, 2)];

/// Any port will do where nobody else is.
const CONTROL_PORT: u16 = 7777;

/// Makes the native end of the control line: a tap, of which it returns the name, and a socket that waits for the agent.
pub fn listen_for_agent(switch: &Namespaces) -> io::Result<(&'static str, TcpListener)> {
    add_tap(switch, CONTROL)?;
    let [own, _] = CONTROL_ADDRESSES;
    switch.within(|| {
        configure(CONTROL, own)?;
        Ok((CONTROL, TcpListener::bind((own, CONTROL_PORT))?))
    })
}

/// Makes the guest's end of the control line, of which `interface` is the card.
pub fn call_story(interface: &str) -> io::Result<TcpStream> {
    let [story, own] = CONTROL_ADDRESSES;
    configure(interface, own)?;
    TcpStream::connect((story, CONTROL_PORT))
}

/// Gives an interface of this thread's namespace an address of the control line, and brings it up.
fn configure(interface: &str, address: Ipv4Addr) -> io::Result<()> {
    let index = nix::net::if_::if_nametoindex(interface)?;
    run_netlink(async |handle| {
        handle.address().add(index, address.into(), 30).execute().await?;
        handle.link().change(LinkUnspec::new_with_index(index).up().build()).execute().await
    })
}

/// Changes what a host's port does.
pub fn set_port(switch: &Namespaces, lan: &str, host: &str, interface: &str, port: Port) -> io::Result<()> {
    let name = port_name(host, interface)?;
    let bridge = index(switch, lan)?;
    let change = LinkUnspec::new_with_name(&name);
    let change = match port {
        Port::Open => change.controller(bridge).up(),
        Port::Cut => change.down(),
        Port::Silent => change.nocontroller().up(),
    };
    rtnetlink(switch, async |handle| handle.link().change(change.build()).execute().await)
}

/// Adds an address to an interface of a host, or removes it.
pub fn set_address(host: &Namespaces, interface: &str, address: IpNet, present: bool) -> io::Result<()> {
    let index = index(host, interface)?;
    rtnetlink(host, async |handle| {
        let request = handle.address().add(index, address.addr(), address.prefix_len());
        if present {
            return request.execute().await;
        }
        let mut request = request;
        let message = request.message_mut().clone();
        handle.address().del(message).execute().await
    })
}

/// Lists the addresses of a host.
pub fn addresses(host: &Namespaces) -> io::Result<Vec<AddressView>> {
    let (links, addresses) = rtnetlink(host, async |handle| {
        let links: Vec<_> = handle.link().get().execute().try_collect().await?;
        let addresses: Vec<_> = handle.address().get().execute().try_collect().await?;
        Ok((links, addresses))
    })?;
    let name = |index: u32| {
        links.iter().filter(|link| link.header.index == index).flat_map(|link| &link.attributes).find_map(
            |attribute| match attribute {
                LinkAttribute::IfName(name) => Some(name.clone()),
                _ => None,
            },
        )
    };
    Ok(addresses
        .iter()
        .filter_map(|message| {
            let (mut local, mut peer, mut label) = (None, None, None);
            for attribute in &message.attributes {
                match attribute {
                    AddressAttribute::Local(ip) => local = Some(*ip),
                    AddressAttribute::Address(ip) => peer = Some(*ip),
                    AddressAttribute::Label(text) => label = Some(text.clone()),
                    _ => {}
                }
            }
            let ip: IpAddr = local.or(peer)?;
            let address = IpNet::new(ip, message.header.prefix_len).ok()?;
            Some(AddressView { interface: name(message.header.index)?, address, label })
        })
        .collect())
}

/// Writes a sysctl below `/proc/sys/net`, which shows each thread its own namespace's.
pub fn sysctl(host: &Namespaces, name: &str, value: &str) -> io::Result<()> {
    host.within(|| fs::write(format!("/proc/sys/net/{name}"), value))
}

/// Brings an interface up.
fn raise(namespaces: &Namespaces, interface: &str) -> io::Result<()> {
    rtnetlink(namespaces, async |handle| {
        handle.link().change(LinkUnspec::new_with_name(interface).up().build()).execute().await
    })
}

fn index(namespaces: &Namespaces, interface: &str) -> io::Result<u32> {
    namespaces
        .within(|| Ok(nix::net::if_::if_nametoindex(interface)?))
        .map_err(|error| io::Error::new(error.kind(), format!("no interface {interface}: {error}")))
}

/// The switch's end of a host's cable.
pub fn port_name(host: &str, interface: &str) -> io::Result<String> {
    let name = format!("{host}.{interface}");
    checked(&name)?;
    Ok(name)
}

fn checked(name: &str) -> io::Result<&str> {
    if name.is_empty() || name.len() > NAME_MAX {
        return Err(io::Error::other(format!("{name:?} is no interface name: 1 to {NAME_MAX} characters")));
    }
    Ok(name)
}

/// Runs netlink requests inside a namespace, to their end.
fn rtnetlink<T: Send>(
    namespaces: &Namespaces,
    work: impl AsyncFnOnce(Handle) -> Result<T, rtnetlink::Error> + Send,
) -> io::Result<T> {
    namespaces.within(|| run_netlink(work))
}

fn run_netlink<T>(work: impl AsyncFnOnce(Handle) -> Result<T, rtnetlink::Error>) -> io::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    runtime.block_on(async {
        let (connection, handle, _) = rtnetlink::new_connection()?;
        let connection = tokio::spawn(connection);
        let result = work(handle).await;
        connection.abort();
        result.map_err(|error| match error {
            rtnetlink::Error::NetlinkError(message) => message.to_io(),
            other => io::Error::other(other),
        })
    })
}
