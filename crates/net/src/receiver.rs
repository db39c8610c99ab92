//! Receives VRRP packets of one family on one interface.

use std::io::{self, IoSliceMut};
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::time::Duration;

use clock::Instant;
use nix::cmsg_space;
use nix::errno::Errno;
use nix::sys::socket::{
    ControlMessageOwned, MsgFlags, RecvMsg, SockaddrStorage, recvmsg, setsockopt, sockopt,
};
use nix::sys::time::TimeSpec;
use nix::time::{ClockId, clock_gettime};
use pnet_packet::Packet as _;
use pnet_packet::ipv4::Ipv4Packet;
use socket2::{Domain, InterfaceIndexOrAddress, Socket, Type};
use vrrp::{Family, IfIndex, Packet, Protocol};

use crate::monotonic::now;

/// Holds what a few thousand instances say during a stall of some seconds; used only when it is needed.
const RECEIVE_BUFFER: usize = 8 * 1024 * 1024;
/// No advert is longer than 255 IPv6 addresses and the headers.
const LARGEST: usize = 4352;
/// A stamp older than this is not believed. A wake-up is later only on a host that was stalled.
const OLDEST: Duration = Duration::from_millis(10);

/// A raw socket bound to one interface.
#[derive(Debug)]
pub struct Receiver {
    socket: Socket,
    interface: IfIndex,
    family: Family,
    protocol: Protocol,
    /// Room for a packet longer than any advert; what is longer still is cut off and fails the length check.
    buffer: Vec<u8>,
    /// Room for what the kernel says of a packet.
    control: Vec<u8>,
}

/// What was waiting.
#[derive(PartialEq, Eq, Debug)]
pub enum Received {
    /// A packet, and when it arrived: a wake-up is later by what the scheduler takes.
    Packet(Instant, Packet),
    /// A datagram that is none.
    Malformed,
    /// Nothing waits any more.
    Nothing,
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
        setsockopt(&socket, sockopt::ReceiveTimestampns, &true)?;
        // Without the privilege for more, the system's default has to do.
        let _ = setsockopt(&socket, sockopt::RcvBufForce, &RECEIVE_BUFFER);
        let control = cmsg_space!(libc::in6_pktinfo, libc::c_int, libc::timespec);
        Ok(Self { socket, interface, family, protocol, buffer: vec![0; LARGEST], control })
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

    /// The packet that has waited longest.
    ///
    /// # Errors
    /// What the kernel says. `ENETDOWN` is told once when the interface goes down and means nothing for the socket.
    pub fn receive(&mut self) -> io::Result<Received> {
        loop {
            match self.receive_one() {
                Err(Errno::EAGAIN) => return Ok(Received::Nothing),
                Err(Errno::EINTR) => {}
                result => return Ok(result?),
            }
        }
    }

    fn receive_one(&mut self) -> nix::Result<Received> {
        let mut parts = [IoSliceMut::new(&mut self.buffer)];
        let control = Some(&mut self.control[..]);
        let message = recvmsg(self.socket.as_raw_fd(), &mut parts, control, MsgFlags::empty())?;
        let clocks = Clocks::read();
        let stamp = message.cmsgs()?.find_map(|control| match control {
            ControlMessageOwned::ScmTimestampns(time) => Some(time),
            _ => None,
        });
        let bytes = message.iovs().next().unwrap_or_default();
        let packet = match self.family {
            Family::V4 => packet_v4(self.interface, self.protocol, bytes),
            Family::V6 => packet_v6(self.interface, self.protocol, bytes, &message),
        };
        Ok(packet.map_or(Received::Malformed, |packet| Received::Packet(clocks.arrival(stamp), packet)))
    }
}

fn packet_v4(interface: IfIndex, protocol: Protocol, bytes: &[u8]) -> Option<Packet> {
    let header = Ipv4Packet::new(bytes)?;
    // pnet leaves out what exceeds the total length that the header states.
    Some(Packet {
        interface,
        source: header.get_source().into(),
        destination: header.get_destination().into(),
        ttl: header.get_ttl(),
        id: header.get_identification(),
        protocol,
        payload: header.payload().to_vec(),
    })
}

fn packet_v6(
    interface: IfIndex,
    protocol: Protocol,
    bytes: &[u8],
    message: &RecvMsg<'_, '_, SockaddrStorage>,
) -> Option<Packet> {
    let (mut destination, mut hop_limit) = (None, None);
    for control in message.cmsgs().ok()? {
        match control {
            ControlMessageOwned::Ipv6PacketInfo(info) => {
                destination = Some(Ipv6Addr::from(info.ipi6_addr.s6_addr));
            }
            ControlMessageOwned::Ipv6HopLimit(limit) => hop_limit = u8::try_from(limit).ok(),
            _ => {}
        }
    }
    let source = message.address.as_ref().and_then(SockaddrStorage::as_sockaddr_in6);
    Some(Packet {
        interface,
        source: source?.ip().into(),
        destination: destination?.into(),
        ttl: hop_limit?,
        id: 0,
        protocol,
        payload: bytes.to_vec(),
    })
}

/// Both clocks at one moment: the kernel stamps packets with the time of day.
struct Clocks {
    now: Instant,
    day: u64,
}

impl Clocks {
    fn read() -> Self {
        let day = clock_gettime(ClockId::CLOCK_REALTIME).map_or(0, micros);
        Self { now: now(), day }
    }

    /// When a packet with this stamp arrived. **A stamp that is old, or of a clock that was set since, counts as now**:
    /// what a backup concludes from it is then late, and never early.
    fn arrival(&self, stamp: Option<TimeSpec>) -> Instant {
        let age = stamp.and_then(|stamp| self.day.checked_sub(micros(stamp))).map(Duration::from_micros);
        age.filter(|age| *age <= OLDEST).map_or(self.now, |age| self.now - age)
    }
}

fn micros(time: TimeSpec) -> u64 {
    u64::try_from(Duration::from(time).as_micros()).unwrap_or(u64::MAX)
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
    fn a_packet_arrived_when_its_stamp_says_unless_that_is_old_or_to_come() {
        let clocks = Clocks { now: Instant::from_micros(5_000_000), day: 90_000_000 };
        let arrival =
            |day: i64| clocks.arrival(Some(TimeSpec::new(day / 1_000_000, day % 1_000_000 * 1_000)));
        assert_eq!(arrival(89_999_400), Instant::from_micros(4_999_400));
        assert_eq!(arrival(89_990_000), Instant::from_micros(4_990_000));
        for not_believed in [89_989_999, 90_000_001, 0] {
            assert_eq!(arrival(not_believed), clocks.now);
        }
        assert_eq!(clocks.arrival(None), clocks.now);
    }

    #[test]
    fn padding_after_the_total_length_is_no_payload() {
        let (source, destination) = (Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(224, 0, 0, 18));
        let mut datagram = ipv4_datagram(source, destination, 255, 1, Protocol::Vrrp, &[1, 2, 3]);
        datagram.extend([0; 23]);
        let header = Ipv4Packet::new(&datagram).unwrap();
        assert_eq!(header.payload(), [1, 2, 3]);
    }
}
