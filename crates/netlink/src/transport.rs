//! The socket under a conversation.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

use netlink_sys::{Socket, SocketAddr};
use nix::sys::socket::{setsockopt, sockopt};

use crate::Error;

/// A datagram socket to the kernel that never waits.
pub trait Transport {
    /// Hands one datagram to the kernel, which handles all requests in it before this returns.
    ///
    /// # Errors
    /// The system call's; the kernel has then looked at no request.
    fn send(&mut self, datagram: &[u8]) -> io::Result<()>;

    /// Replaces `buffer` by the next datagram, cut off at the buffer's capacity, and returns the datagram's true length.
    ///
    /// # Errors
    /// `WouldBlock` when there is none, `ENOBUFS` once after datagrams were lost, else the system call's.
    fn receive(&mut self, buffer: &mut Vec<u8>) -> io::Result<usize>;
}

/// A netlink socket.
#[derive(Debug)]
pub struct KernelSocket {
    socket: Socket,
    port: u32,
}

const KERNEL: u32 = 0;

impl KernelSocket {
    /// Opens a socket of `protocol` (`netlink_sys::protocols`) that listens to `groups` and asks for the kernel's error
    /// texts. `receive_buffer` is in bytes; without `CAP_NET_ADMIN` the system's maximum limits it.
    ///
    /// # Errors
    /// [`Error::Open`].
    pub fn open(protocol: isize, groups: &[u32], receive_buffer: usize) -> Result<Self, Error> {
        Self::prepare(protocol, groups, receive_buffer).map_err(Error::Open)
    }

    /// Our end's number, by which the kernel says who asked for a change.
    pub const fn port(&self) -> u32 {
        self.port
    }

    fn prepare(protocol: isize, groups: &[u32], receive_buffer: usize) -> io::Result<Self> {
        let mut socket = Socket::new(protocol)?;
        if setsockopt(&socket, sockopt::RcvBufForce, &receive_buffer).is_err() {
            setsockopt(&socket, sockopt::RcvBuf, &receive_buffer)?;
        }
        socket.set_ext_ack(true)?;
        // Without it each error carries a copy of the whole request, and the buffer holds fewer of them.
        socket.set_cap_ack(true)?;
        let port = socket.bind_auto()?.port_number();
        for group in groups {
            socket.add_membership(*group)?;
        }
        Ok(Self { socket, port })
    }
}

impl Transport for KernelSocket {
    fn send(&mut self, datagram: &[u8]) -> io::Result<()> {
        self.socket.send_to(datagram, &SocketAddr::new(KERNEL, 0), 0).map(drop)
    }

    fn receive(&mut self, buffer: &mut Vec<u8>) -> io::Result<usize> {
        loop {
            buffer.clear();
            let (length, sender) = self.socket.recv_from(buffer, libc::MSG_DONTWAIT | libc::MSG_TRUNC)?;
            // Another process may send to our port, and must not be taken for the kernel.
            if sender.port_number() == KERNEL {
                return Ok(length);
            }
        }
    }
}

impl AsFd for KernelSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl AsRawFd for KernelSocket {
    fn as_raw_fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }
}
