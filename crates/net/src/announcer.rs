//! Sends announcements as link-layer frames.

use std::io;
use std::mem;
use std::net::IpAddr;

use socket2::{Domain, SockAddr, SockAddrStorage, Socket, Type};
use vrrp::IfIndex;

use crate::announcement::{gratuitous_arp, unsolicited_advertisement};
use crate::sysctl;

#[expect(clippy::cast_possible_truncation, reason = "17")]
const FAMILY: libc::sa_family_t = libc::AF_PACKET as libc::sa_family_t;
#[expect(clippy::cast_possible_truncation, reason = "20")]
const LENGTH: libc::socklen_t = mem::size_of::<libc::sockaddr_ll>() as libc::socklen_t;

/// A packet socket for all interfaces.
#[derive(Debug)]
pub struct Announcer {
    socket: Socket,
}

impl Announcer {
    /// Opens the socket. It receives nothing.
    ///
    /// # Errors
    /// What the kernel says, above all a missing `CAP_NET_RAW`.
    pub fn open() -> io::Result<Self> {
        Ok(Self { socket: Socket::new(Domain::PACKET, Type::RAW.nonblocking(), None)? })
    }

    /// Announces one address, once, out of an interface with this name and hardware address.
    ///
    /// # Errors
    /// What the kernel says; `EAFNOSUPPORT` if the hardware address is not one of Ethernet.
    pub fn announce(&self, interface: IfIndex, name: &str, mac: &[u8], address: IpAddr) -> io::Result<()> {
        let mac = <[u8; 6]>::try_from(mac).map_err(|_| io::Error::from_raw_os_error(libc::EAFNOSUPPORT))?;
        let frame = match address {
            IpAddr::V4(address) => gratuitous_arp(mac, address),
            IpAddr::V6(address) => {
                unsolicited_advertisement(mac, address, sysctl::read_flag("ipv6", name, "forwarding"))
            }
        };
        self.socket.send_to(&frame, &link_address(interface)).map(drop)
    }
}

fn link_address(interface: IfIndex) -> SockAddr {
    let mut storage = SockAddrStorage::zeroed();
    // SAFETY: a zeroed storage is a valid `sockaddr_ll`, which is plain data and smaller than the storage.
    let address = unsafe { storage.view_as::<libc::sockaddr_ll>() };
    address.sll_family = FAMILY;
    address.sll_ifindex = interface.get().cast_signed();
    // SAFETY: the first `LENGTH` bytes of the storage are the address written above.
    unsafe { SockAddr::new(storage, LENGTH) }
}
