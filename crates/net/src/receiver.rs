//! Receives VRRP packets of one family on one interface.

use std::io;
use std::mem;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::time::Duration;

use clock::Instant;
use nix::cmsg_space;
use nix::errno::Errno;
use nix::sys::socket::{setsockopt, sockopt};
use pnet_packet::ipv4::Ipv4Packet;
use socket2::{Domain, InterfaceIndexOrAddress, Socket, Type};
use vrrp::{Family, IfIndex, PacketView, Protocol};

use crate::control;
use crate::monotonic::{day, now};

/// Holds what a few thousand instances say during a stall of some seconds; used only when it is needed.
const RECEIVE_BUFFER: usize = 8 * 1024 * 1024;
/// No advert is longer than 255 IPv6 addresses and the headers.
const LARGEST: usize = 4352;
/// A stamp older than this is not believed. A wake-up is later only on a host that was stalled.
const OLDEST: Duration = Duration::from_millis(10);

#[expect(clippy::cast_possible_truncation, reason = "28")]
const NAME_LEN: libc::socklen_t = mem::size_of::<libc::sockaddr_in6>() as libc::socklen_t;

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
pub enum Received<'a> {
    /// A packet, and when it arrived: a wake-up is later by what the scheduler takes.
    Packet(Instant, PacketView<'a>),
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
        let control = vec![0; cmsg_space!(libc::in6_pktinfo, libc::c_int, libc::timespec).capacity()];
        let receiver = Self { socket, interface, family, protocol, buffer: vec![0; LARGEST], control };
        receiver.size(None);
        Ok(receiver)
    }

    /// Makes the receive buffer as large as this, in bytes, or as large as is good. What the system does not allow is cut.
    pub fn size(&self, bytes: Option<u32>) {
        // Without the privilege for more, the system's default has to do. No other error is possible.
        let _ = match bytes {
            Some(bytes) => setsockopt(&self.socket, sockopt::RcvBuf, &(bytes as usize)),
            None => setsockopt(&self.socket, sockopt::RcvBufForce, &RECEIVE_BUFFER),
        };
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
    #[inline]
    pub fn receive(&mut self) -> io::Result<Received<'_>> {
        // SAFETY: a `msghdr` is plain data, of which zeroes say that there is nothing.
        let mut message: libc::msghdr = unsafe { mem::zeroed() };
        let mut part = libc::iovec { iov_base: self.buffer.as_mut_ptr().cast(), iov_len: self.buffer.len() };
        message.msg_iov = &raw mut part;
        message.msg_iovlen = 1;
        message.msg_control = self.control.as_mut_ptr().cast();
        message.msg_controllen = self.control.len();
        // SAFETY: a `sockaddr_in6` is plain data.
        let mut from: libc::sockaddr_in6 = unsafe { mem::zeroed() };
        if self.family == Family::V6 {
            message.msg_name = (&raw mut from).cast();
            message.msg_namelen = NAME_LEN;
        }
        // SAFETY: the buffers are ours alone and outlive the call, which fills no more than they are said to hold.
        let length = unsafe { libc::recvmsg(self.socket.as_raw_fd(), &raw mut message, 0) };
        let Ok(length) = usize::try_from(length) else {
            return match Errno::last() {
                // What waits nevertheless shows at the next look.
                Errno::EAGAIN | Errno::EINTR => Ok(Received::Nothing),
                error => Err(error.into()),
            };
        };
        let clocks = Clocks::read();
        let bytes = self.buffer.get(..length).unwrap_or_default();
        let control = self.control.get(..message.msg_controllen).unwrap_or_default();
        let packet = match self.family {
            Family::V4 => packet_v4(self.interface, self.protocol, bytes),
            Family::V6 => packet_v6(self.interface, self.protocol, bytes, from.sin6_addr.s6_addr, control),
        };
        Ok(match packet {
            Some(packet) => Received::Packet(clocks.arrival(stamp(control)), packet),
            None => Received::Malformed,
        })
    }
}

/// What the day's clock showed when the packet arrived, in microseconds.
#[inline]
fn stamp(control: &[u8]) -> Option<u64> {
    let told =
        |message: &(i32, i32, &[u8])| message.0 == libc::SOL_SOCKET && message.1 == libc::SCM_TIMESTAMPNS;
    let (_, _, data) = control::messages(control).find(told)?;
    let (seconds, rest) = data.split_first_chunk()?;
    let (nanos, _) = rest.split_first_chunk()?;
    Some(u64::from_ne_bytes(*seconds) * 1_000_000 + u64::from_ne_bytes(*nanos) / 1_000)
}

#[inline]
fn packet_v4(interface: IfIndex, protocol: Protocol, bytes: &[u8]) -> Option<PacketView<'_>> {
    let header = Ipv4Packet::new(bytes)?;
    let start = usize::from(header.get_header_length()) * 4;
    Some(PacketView {
        interface,
        source: header.get_source().into(),
        destination: header.get_destination().into(),
        ttl: header.get_ttl(),
        id: header.get_identification(),
        protocol,
        // What exceeds the total length that the header states is padding.
        payload: bytes.get(start..bytes.len().min(header.get_total_length().into()))?,
    })
}
#[inline(never)]
fn packet_v6<'a>(
    interface: IfIndex,
    protocol: Protocol,
    payload: &'a [u8],
    source: [u8; 16],
    control: &[u8],
) -> Option<PacketView<'a>> {
    let (mut destination, mut hop_limit) = (None, None);
    for (level, kind, data) in control::messages(control) {
        match (level, kind) {
            (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO) => destination = data.first_chunk::<16>(),
            (libc::IPPROTO_IPV6, libc::IPV6_HOPLIMIT) => hop_limit = data.first_chunk().copied(),
            _ => {}
        }
    }
    Some(PacketView {
        interface,
        source: Ipv6Addr::from(source).into(),
        destination: Ipv6Addr::from(*destination?).into(),
        ttl: u8::try_from(i32::from_ne_bytes(hop_limit?)).ok()?,
        id: 0,
        protocol,
        payload,
    })
}

/// Both clocks at one moment: the kernel stamps packets with the time of day.
struct Clocks {
    now: Instant,
    /// In microseconds.
    day: u64,
}

impl Clocks {
    fn read() -> Self {
        Self { now: now(), day: day() }
    }

    /// When a packet with this stamp arrived. **A stamp that is old, or of a clock that was set since, counts as now**:
    /// what a backup concludes from it is then late, and never early.
    fn arrival(&self, stamp: Option<u64>) -> Instant {
        let age = stamp.and_then(|stamp| self.day.checked_sub(stamp)).map(Duration::from_micros);
        age.filter(|age| *age <= OLDEST).map_or(self.now, |age| self.now - age)
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
    use crate::wire::ipv4_header;

    #[test]
    fn a_packet_arrived_when_its_stamp_says_unless_that_is_old_or_to_come() {
        let clocks = Clocks { now: Instant::from_micros(5_000_000), day: 90_000_000 };
        let arrival = |day| clocks.arrival(Some(day));
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
        let mut datagram = ipv4_header(source, destination, 255, 1, Protocol::Vrrp, 3).to_vec();
        datagram.extend([1, 2, 3]);
        datagram.extend([0; 23]);
        let packet = packet_v4(IfIndex::new(1).unwrap(), Protocol::Vrrp, &datagram).unwrap();
        assert_eq!(packet.payload, [1, 2, 3]);
    }
}
