//! Sends adverts: per packet its interface, source, destination and TTL.

use std::io::{self, IoSlice};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddrV4, SocketAddrV6};
use std::os::fd::AsRawFd;

use nix::sys::socket::{ControlMessage, MsgFlags, SockaddrIn6, sendmsg, setsockopt, sockopt};
use socket2::{Domain, MsgHdr, Protocol, SockAddr, Socket, Type};
use vrrp::IfIndex;

use crate::control;
use crate::wire::{TRAFFIC_CLASS, ipv4_header};

/// The kernel's priority of control traffic (`TC_PRIO_CONTROL`): adverts go before what else waits in the queue.
const PRIORITY: i32 = 7;

/// Sockets for adverts of both families, for all instances and interfaces.
#[derive(Debug)]
pub struct Sender {
    v4: Socket,
    /// Missing where the host has no IPv6.
    v6: Option<Socket>,
}

impl Sender {
    /// Opens the sockets. **Adverts that this host sends do not come back to it.**
    ///
    /// # Errors
    /// What the kernel says, above all a missing `CAP_NET_RAW`.
    pub fn open() -> io::Result<Self> {
        let v4 = Socket::new(Domain::IPV4, Type::RAW.nonblocking(), Some(Protocol::from(libc::IPPROTO_RAW)))?;
        v4.set_multicast_loop_v4(false)?;
        setsockopt(&v4, sockopt::Priority, &PRIORITY)?;
        Ok(Self { v4, v6: open_v6().ok() })
    }

    /// The number of the socket of a family; none where the host has no IPv6.
    pub fn number(&self, family: vrrp::Family) -> Option<i32> {
        match family {
            vrrp::Family::V4 => Some(self.v4.as_raw_fd()),
            vrrp::Family::V6 => self.v6.as_ref().map(AsRawFd::as_raw_fd),
        }
    }

    /// Sends one advert.
    ///
    /// # Errors
    /// What the kernel says; `EAFNOSUPPORT` for mixed families, or for IPv6 on a host without it.
    pub fn send(&self, send: &vrrp::Send) -> io::Result<()> {
        match (send.source, send.destination) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                let length = send.payload.len();
                let header = ipv4_header(source, destination, send.ttl, send.id, send.protocol, length);
                self.send_v4(send.interface, destination, &header, &send.payload)
            }
            (IpAddr::V6(source), IpAddr::V6(destination)) => {
                self.send_v6(send.interface.get(), source, destination, send.ttl, &send.payload)
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => {
                Err(io::Error::from_raw_os_error(libc::EAFNOSUPPORT))
            }
        }
    }

    #[inline]
    fn send_v4(
        &self,
        interface: IfIndex,
        destination: Ipv4Addr,
        header: &[u8],
        payload: &[u8],
    ) -> io::Result<()> {
        let to = SockAddr::from(SocketAddrV4::new(destination, 0));
        let (data, control) = ([IoSlice::new(header), IoSlice::new(payload)], control::leave_by(interface));
        let message = MsgHdr::new().with_addr(&to).with_buffers(&data).with_control(&control);
        self.v4.sendmsg(&message, 0)?;
        Ok(())
    }

    #[inline(never)]
    fn send_v6(
        &self,
        interface: u32,
        source: Ipv6Addr,
        destination: Ipv6Addr,
        ttl: u8,
        payload: &[u8],
    ) -> io::Result<()> {
        let socket = self.v6.as_ref().ok_or_else(|| io::Error::from_raw_os_error(libc::EAFNOSUPPORT))?;
        let info = libc::in6_pktinfo {
            ipi6_addr: libc::in6_addr { s6_addr: source.octets() },
            ipi6_ifindex: interface,
        };
        let (hop_limit, traffic_class) = (i32::from(ttl), i32::from(TRAFFIC_CLASS));
        let to = SockaddrIn6::from(SocketAddrV6::new(destination, 0, 0, interface));
        let control = [
            ControlMessage::Ipv6PacketInfo(&info),
            ControlMessage::Ipv6HopLimit(&hop_limit),
            ControlMessage::Ipv6TClass(&traffic_class),
        ];
        sendmsg(socket.as_raw_fd(), &[IoSlice::new(payload)], &control, MsgFlags::empty(), Some(&to))?;
        Ok(())
    }
}

fn open_v6() -> io::Result<Socket> {
    let protocol = Protocol::from(i32::from(vrrp::Protocol::Vrrp.number()));
    let socket = Socket::new(Domain::IPV6, Type::RAW.nonblocking(), Some(protocol))?;
    socket.set_multicast_loop_v6(false)?;
    setsockopt(&socket, sockopt::Priority, &PRIORITY)?;
    // It only sends: what arrives for the protocol is the receivers' business.
    socket.set_recv_buffer_size(1)?;
    Ok(socket)
}
