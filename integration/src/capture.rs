//! What went over the wire of a LAN, and when.
//!
//! A packet socket on the LAN's bridge keeps every VRRP, ARP and ICMPv6 frame that the bridge forwarded, with the time
//! at which the kernel received it. **Takeover is measured here and nowhere else**: not by when a process says that it
//! did something, but by when the others could know. A frame of a host whose port is cut or silent is not forwarded
//! and hence not seen.

use std::io::{self, IoSliceMut};
use std::net::IpAddr;
use std::os::fd::AsRawFd;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use clock::Instant;
use nix::errno::Errno;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg, setsockopt, sockopt};
use nix::sys::time::TimeSpec;
use nix::time::{ClockId, clock_gettime};
use socket2::{Domain, Protocol, SockAddr, SockAddrStorage, SockFilter, Socket, Type};

use crate::error::{Doing as _, Result};
use crate::host::Host;

mod frame;
mod pcap;

pub use frame::{Advert, Announcement};

/// Longer than any frame of a LAN without jumbo frames.
const FRAME_MAX: usize = 2048;

/// How often the receiver looks whether it is still wanted.
const PATIENCE: Duration = Duration::from_millis(50);

/// A frame with the time at which the kernel received it.
#[derive(Clone, Debug)]
struct Frame {
    at: Instant,
    /// The same since 1970, for the file.
    wall: Duration,
    bytes: Vec<u8>,
}

/// A running capture; it ends when it is dropped.
#[derive(Debug)]
pub struct Capture {
    frames: Arc<Mutex<Vec<Frame>>>,
    over: Arc<AtomicBool>,
    receiver: Option<JoinHandle<()>>,
}

impl Capture {
    /// Opens the socket; called inside the namespace of the switch, where it stays.
    pub(crate) fn open(lan: &str) -> io::Result<Self> {
        let socket = listen(lan)?;
        let frames = Arc::new(Mutex::new(Vec::new()));
        let over = Arc::new(AtomicBool::new(false));
        let receiver = thread::Builder::new().name(format!("capture {lan}")).spawn({
            let (frames, over) = (Arc::clone(&frames), Arc::clone(&over));
            move || receive(&socket, &frames, &over)
        })?;
        Ok(Self { frames, over, receiver: Some(receiver) })
    }

    /// All adverts so far, in the order of their arrival.
    pub fn adverts(&self) -> Vec<Advert> {
        self.decode(frame::advert)
    }

    /// All gratuitous ARPs and unsolicited neighbour advertisements so far, in the order of their arrival.
    pub fn announcements(&self) -> Vec<Announcement> {
        self.decode(frame::announcement)
    }

    /// The last advert that `host` sent before `moment`.
    pub fn last_advert_before(&self, host: &Host, moment: Instant) -> Option<Advert> {
        self.adverts().into_iter().rfind(|advert| advert.at < moment && host.owns(advert.source))
    }

    /// The first advert that `host` sent at `moment` or later.
    pub fn first_advert_after(&self, host: &Host, moment: Instant) -> Option<Advert> {
        self.adverts().into_iter().find(|advert| advert.at >= moment && host.owns(advert.source))
    }

    /// The first time at `moment` or later that `host` announced `address` as its own.
    pub fn first_announcement_after(
        &self,
        host: &Host,
        address: IpAddr,
        moment: Instant,
    ) -> Option<Announcement> {
        self.announcements()
            .into_iter()
            .find(|seen| seen.at >= moment && seen.address == address && host.has_mac(seen.mac))
    }

    /// Writes the capture as a pcap file, for tshark.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn save(&self, path: &Path) -> Result {
        pcap::write(path, &self.frames()).doing(|| format!("writing {}", path.display()))
    }

    fn frames(&self) -> Vec<Frame> {
        self.frames.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn decode<T>(&self, decode: impl Fn(Instant, &[u8]) -> Option<T>) -> Vec<T> {
        self.frames().iter().filter_map(|frame| decode(frame.at, &frame.bytes)).collect()
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(receiver) = self.receiver.take() {
            let _ = receiver.join();
        }
    }
}

/// Now, on the time line of captures.
pub fn now() -> Instant {
    // The clock exists on every Linux.
    clock_gettime(ClockId::CLOCK_MONOTONIC).map_or(Instant::ZERO, |now| Instant::from_micros(micros(now)))
}

fn micros(time: TimeSpec) -> u64 {
    u64::try_from(Duration::from(time).as_micros()).unwrap_or(u64::MAX)
}

/// A packet socket on the bridge `lan`, for the frames that [`wanted`] lets through.
fn listen(lan: &str) -> io::Result<Socket> {
    let index = nix::net::if_::if_nametoindex(lan)?;
    // Without a protocol it receives nothing yet: the filter comes first.
    let socket = Socket::new(Domain::PACKET, Type::RAW, Some(Protocol::from(0)))?;
    socket.attach_filter(&wanted())?;
    socket.set_read_timeout(Some(PATIENCE))?;
    setsockopt(&socket, sockopt::ReceiveTimestampns, &true)?;
    join_promiscuous(&socket, index)?;
    let mut storage = SockAddrStorage::zeroed();
    // SAFETY: a sockaddr_ll fits into the storage, and all zeros is a value of it.
    let link = unsafe { storage.view_as::<libc::sockaddr_ll>() };
    link.sll_family = family();
    link.sll_protocol = ALL_PROTOCOLS.to_be();
    link.sll_ifindex = index.cast_signed();
    // SAFETY: the storage holds a sockaddr_ll, of this length.
    let address = unsafe { SockAddr::new(storage, size_of_u32::<libc::sockaddr_ll>()) };
    socket.bind(&address)?;
    Ok(socket)
}

/// `ETH_P_ALL`, which the kernel wants in 16 bits.
#[expect(clippy::cast_possible_truncation, reason = "its value is 3")]
const ALL_PROTOCOLS: u16 = libc::ETH_P_ALL as u16;

#[expect(clippy::cast_possible_truncation, reason = "its value is 17")]
const fn family() -> libc::sa_family_t {
    libc::AF_PACKET as libc::sa_family_t
}

#[expect(clippy::cast_possible_truncation, reason = "only for structures of a few bytes")]
const fn size_of_u32<T>() -> u32 {
    size_of::<T>() as u32
}

/// A bridge hands frames that it forwards to its own interface only while that is promiscuous.
fn join_promiscuous(socket: &Socket, index: u32) -> io::Result<()> {
    let request = libc::packet_mreq {
        mr_ifindex: index.cast_signed(),
        mr_type: libc::PACKET_MR_PROMISC.try_into().map_err(io::Error::other)?,
        mr_alen: 0,
        mr_address: [0; 8],
    };
    // SAFETY: the option takes a packet_mreq, and its length is given.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_PACKET,
            libc::PACKET_ADD_MEMBERSHIP,
            (&raw const request).cast(),
            size_of_u32::<libc::packet_mreq>(),
        )
    };
    Errno::result(result)?;
    Ok(())
}

/// A filter for the kernel: ARP, VRRP over IPv4 (in an authentication header too) and IPv6, ICMPv6. RabbitMQ's traffic must not wake the receiver.
fn wanted() -> Vec<SockFilter> {
    const LOAD_HALF: u16 = 0x28;
    const LOAD_BYTE: u16 = 0x30;
    const IF_EQUAL: u16 = 0x15;
    const RETURN: u16 = 0x06;
    let all = u32::try_from(FRAME_MAX).unwrap_or(u32::MAX);
    vec![
        SockFilter::new(LOAD_HALF, 0, 0, 12),
        SockFilter::new(IF_EQUAL, 8, 0, 0x0806),
        SockFilter::new(IF_EQUAL, 0, 3, 0x0800),
        SockFilter::new(LOAD_BYTE, 0, 0, 23),
        SockFilter::new(IF_EQUAL, 5, 0, 51),
        SockFilter::new(IF_EQUAL, 4, 5, 112),
        SockFilter::new(IF_EQUAL, 0, 4, 0x86dd),
        SockFilter::new(LOAD_BYTE, 0, 0, 20),
        SockFilter::new(IF_EQUAL, 1, 0, 112),
        SockFilter::new(IF_EQUAL, 0, 1, 58),
        SockFilter::new(RETURN, 0, 0, all),
        SockFilter::new(RETURN, 0, 0, 0),
    ]
}

fn receive(socket: &Socket, frames: &Mutex<Vec<Frame>>, over: &AtomicBool) {
    let mut buffer = [0; FRAME_MAX];
    let mut control = nix::cmsg_space!(libc::timespec);
    while !over.load(Ordering::Relaxed) {
        let mut parts = [IoSliceMut::new(&mut buffer)];
        let received = recvmsg::<()>(socket.as_raw_fd(), &mut parts, Some(&mut control), MsgFlags::empty());
        let (length, wall) = match received {
            Ok(message) => {
                (message.bytes, message.cmsgs().ok().and_then(|mut all| all.find_map(|one| stamp(&one))))
            }
            Err(Errno::EAGAIN | Errno::EINTR) => continue,
            // The interface is gone, and with it the LAN.
            Err(_) => return,
        };
        if let Some(frame) = wall.and_then(|wall| dated(wall, buffer.get(..length)?)) {
            frames.lock().unwrap_or_else(PoisonError::into_inner).push(frame);
        }
    }
}

fn stamp(message: &ControlMessageOwned) -> Option<TimeSpec> {
    match message {
        ControlMessageOwned::ScmTimestampns(time) => Some(*time),
        _ => None,
    }
}

/// The kernel stamps with the time of day; how far that is from the monotonic clock is read now.
fn dated(wall: TimeSpec, bytes: &[u8]) -> Option<Frame> {
    let day = clock_gettime(ClockId::CLOCK_REALTIME).ok()?;
    let ago = micros(day).saturating_sub(micros(wall));
    let at = Instant::from_micros(now().as_micros().saturating_sub(ago));
    Some(Frame { at, wall: wall.into(), bytes: bytes.to_vec() })
}
