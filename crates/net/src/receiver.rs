//! Receives VRRP packets of one family on one interface.

use std::io::{self, IoSliceMut};
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use nix::cmsg_space;
use nix::sys::socket::{
    ControlMessageOwned, MsgFlags, SockaddrIn, SockaddrIn6, recvmsg, setsockopt, sockopt,
};
use pnet_packet::Packet as _;
use pnet_packet::ipv4::Ipv4Packet;
use socket2::{Domain, InterfaceIndexOrAddress, Socket, Type};
use vrrp::{Family, IfIndex, Packet, Protocol};

/// Holds what a few thousand instances say during a stall of some seconds; used only when it is needed.
const RECEIVE_BUFFER: usize = 8 * 1024 * 1024;
/// No advert is longer than 255 IPv6 addresses and the headers.
const LARGEST: usize = 4352;

/// A raw socket bound to one interface.
#[derive(Debug)]
pub struct Receiver {
    socket: Socket,
    interface: IfIndex,
    family: Family,
    protocol: Protocol,
    /// Longer than any advert; what is longer still is cut off and fails the length check.
    buffer: Vec<u8>,
}

impl Receiver {
    /// Receives unicast packets; multicast groups are joined with [`Receiver::join`].
    ///
    /// # Errors
    /// What the kernel says: no `CAP_NET_RAW`, no such interface, no more descriptors.
    pub fn open(interface: IfIndex, family: Family, protocol: Protocol) -> io::Result<Self> {
        let domain = match family {
            Family::V4 => Domain::IPV4,
            Family::V6 => Domain::IPV6,
        };
        let number = socket2::Protocol::from(i32::from(protocol.number()));
        let socket = Socket::new(domain, Type::RAW.nonblocking(), Some(number))?;
        let index = NonZeroU32::new(interface.get());
        match family {
            Family::V4 => {
                socket.bind_device_by_index_v4(index)?;
                socket.set_multicast_all_v4(false)?;
            }
            Family::V6 => {
                socket.bind_device_by_index_v6(index)?;
                socket.set_multicast_all_v6(false)?;
                socket.set_recv_hoplimit_v6(true)?;
                setsockopt(&socket, sockopt::Ipv6RecvPacketInfo, &true)?;
            }
        }
        // Without the privilege for more, the system's default has to do.
        let _ = setsockopt(&socket, sockopt::RcvBufForce, &RECEIVE_BUFFER);
        Ok(Self { socket, interface, family, protocol, buffer: vec![0; LARGEST] })
    }

    /// Joins a group of this receiver's family.
    ///
    /// # Errors
    /// What the kernel says; joining twice is no error.
    pub fn join(&self, group: IpAddr) -> io::Result<()> {
        let joined = match group {
            IpAddr::V4(group) => {
                let interface = InterfaceIndexOrAddress::Index(self.interface.get());
                self.socket.join_multicast_v4_n(&group, &interface)
            }
            IpAddr::V6(group) => self.socket.join_multicast_v6(&group, self.interface.get()),
        };
        match joined {
            Err(error) if error.raw_os_error() == Some(libc::EADDRINUSE) => Ok(()),
            result => result,
        }
    }

    /// Leaves a group. That it cannot be left any longer, since the interface is gone, is no error.
    pub fn leave(&self, group: IpAddr) {
        let _ = match group {
            IpAddr::V4(group) => {
                let interface = InterfaceIndexOrAddress::Index(self.interface.get());
                self.socket.leave_multicast_v4_n(&group, &interface)
            }
            IpAddr::V6(group) => self.socket.leave_multicast_v6(&group, self.interface.get()),
        };
    }

    /// The next waiting packet; `None` if none is waiting.
    ///
    /// # Errors
    /// What the kernel says. `ENETDOWN` is told once when the interface goes down and means nothing for the socket.
    pub fn receive(&mut self) -> io::Result<Option<Packet>> {
        loop {
            let packet = match self.family {
                Family::V4 => self.receive_v4(),
                Family::V6 => self.receive_v6(),
            };
            match packet {
                Ok(Some(packet)) => return Ok(Some(packet)),
                // A datagram that is none: the next one, please.
                Ok(None) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn receive_v4(&mut self) -> io::Result<Option<Packet>> {
        let mut data = [IoSliceMut::new(&mut self.buffer)];
        let message = recvmsg::<SockaddrIn>(self.socket.as_raw_fd(), &mut data, None, MsgFlags::empty())?;
        let length = message.bytes;
        let Some(header) = Ipv4Packet::new(&self.buffer[..length]) else { return Ok(None) };
        // pnet leaves out what exceeds the total length that the header states.
        Ok(Some(Packet {
            interface: self.interface,
            source: header.get_source().into(),
            destination: header.get_destination().into(),
            ttl: header.get_ttl(),
            id: header.get_identification(),
            protocol: self.protocol,
            payload: header.payload().to_vec(),
        }))
    }

    fn receive_v6(&mut self) -> io::Result<Option<Packet>> {
        let mut control = cmsg_space!(libc::in6_pktinfo, libc::c_int);
        let mut data = [IoSliceMut::new(&mut self.buffer)];
        let message = recvmsg::<SockaddrIn6>(
            self.socket.as_raw_fd(),
            &mut data,
            Some(&mut control),
            MsgFlags::empty(),
        )?;
        let (mut destination, mut hop_limit) = (None, None);
        for control in message.cmsgs()? {
            match control {
                ControlMessageOwned::Ipv6PacketInfo(info) => {
                    destination = Some(Ipv6Addr::from(info.ipi6_addr.s6_addr));
                }
                ControlMessageOwned::Ipv6HopLimit(limit) => hop_limit = u8::try_from(limit).ok(),
                _ => {}
            }
        }
        let source = message.address.map(|address| address.ip());
        let length = message.bytes;
        let (Some(source), Some(destination), Some(ttl)) = (source, destination, hop_limit) else {
            return Ok(None);
        };
        Ok(Some(Packet {
            interface: self.interface,
            source: source.into(),
            destination: destination.into(),
            ttl,
            id: 0,
            protocol: self.protocol,
            payload: self.buffer[..length].to_vec(),
        }))
    }
}

impl AsFd for Receiver {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::wire::ipv4_datagram;

    #[test]
    fn padding_after_the_total_length_is_no_payload() {
        let (source, destination) = (Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(224, 0, 0, 18));
        let mut datagram = ipv4_datagram(source, destination, 255, 1, Protocol::Vrrp, &[1, 2, 3]);
        datagram.extend([0; 23]);
        let header = Ipv4Packet::new(&datagram).unwrap();
        assert_eq!(header.payload(), [1, 2, 3]);
    }
}
