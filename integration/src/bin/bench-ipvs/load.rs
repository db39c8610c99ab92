//! The servers that are checked, and the least that checks can cost.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};
use socket2::{Domain, Protocol, Socket, Type};

use crate::Result;

/// Between two looks of a server.
const PAUSE: Duration = Duration::from_millis(20);
/// Sockets of a server, which share its port: room for all connections that are made while it does not get to run.
const LISTENERS: usize = 8;

/// Accepts connections and closes them; counts. **It looks for them now and then, and takes all that are there**: woken
/// by each of them, it would cost the one processor of the kernel in which all this runs more than the checks do.
pub struct Server {
    pub accepted: Arc<AtomicU32>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// On this port of all addresses.
    pub fn open(port: u16) -> Result<Self> {
        let listeners = (0..LISTENERS).map(|_| listener(port)).collect::<io::Result<Vec<_>>>()?;
        let (accepted, over) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicBool::new(false)));
        let thread = thread::spawn({
            let (accepted, over) = (Arc::clone(&accepted), Arc::clone(&over));
            move || {
                while !over.load(Ordering::Relaxed) {
                    let mut count = 0;
                    for listener in &listeners {
                        while listener.accept().is_ok() {
                            count += 1;
                        }
                    }
                    accepted.fetch_add(count, Ordering::Relaxed);
                    thread::sleep(PAUSE);
                }
            }
        });
        Ok(Self { accepted, over, thread: Some(thread) })
    }

    /// Closes the port.
    pub fn close(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn listener(port: u16) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    socket.bind(&SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)).into())?;
    socket.listen(4096)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

impl Drop for Server {
    fn drop(&mut self) {
        self.close();
    }
}

/// The address of the server of this number: all are this host.
pub fn address(number: u32) -> Ipv4Addr {
    Ipv4Addr::from_bits(0x7f01_0000 + number)
}

/// Connects and closes, `rate` times a second for this long, from one loop without anything around it.
pub fn connect_at(rate: u32, port: u16, time: Duration) -> io::Result<()> {
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
    let mut open: Vec<Option<Socket>> = (0..rate).map(|_| None).collect();
    let begin = Instant::now();
    let mut next = 0_u32;
    while begin.elapsed() < time {
        let due = begin.elapsed().as_secs_f64() * f64::from(rate);
        // A loop that fell behind must not run out of descriptors.
        let due = due.min(f64::from(next) + 64.0);
        while f64::from(next) < due {
            let place = next % rate;
            let socket = Socket::new(Domain::IPV4, Type::STREAM.nonblocking(), Some(Protocol::TCP))?;
            let target = SocketAddrV4::new(address(place), port);
            // In progress is what it says.
            let _ = socket.connect(&SocketAddr::from(target).into());
            epoll.add(&socket, EpollEvent::new(EpollFlags::EPOLLOUT, place.into()))?;
            if let Some(slot) = open.get_mut(usize::try_from(place).unwrap_or_default()) {
                *slot = Some(socket);
            }
            next += 1;
        }
        let mut events = [EpollEvent::empty(); 64];
        let count = epoll.wait(&mut events, 1_u8)?;
        for event in events.iter().take(count) {
            let slot = usize::try_from(event.data()).ok().and_then(|place| open.get_mut(place));
            if let Some(socket) = slot.and_then(Option::take) {
                socket.take_error()?;
            }
        }
    }
    Ok(())
}
