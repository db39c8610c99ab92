//! Receive buffers of sockets, where the file gives their size (`*_rcv_bufs`).

use std::os::fd::AsFd;

use config::model::SocketBuffer;
use nix::sys::socket::{setsockopt, sockopt};

/// Sets the size, if one is given. Returns what the kernel says against it.
pub fn apply(socket: &impl AsFd, buffer: SocketBuffer, what: &str) -> Option<String> {
    let bytes = buffer.bytes.filter(|bytes| *bytes > 0)? as usize;
    let result = if buffer.force {
        setsockopt(&socket.as_fd(), sockopt::RcvBufForce, &bytes)
    } else {
        setsockopt(&socket.as_fd(), sockopt::RcvBuf, &bytes)
    };
    result.err().map(|error| format!("cannot set the receive buffer of {what} to {bytes} bytes: {error}"))
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use nix::sys::socket::getsockopt;

    use super::*;

    #[test]
    fn a_size_that_is_given_is_set_and_none_leaves_the_buffer_alone() {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let size = || getsockopt(&socket, sockopt::RcvBuf).unwrap();
        let before = size();
        assert_eq!(apply(&socket, SocketBuffer::default(), "a test"), None);
        assert_eq!(size(), before);
        assert_eq!(apply(&socket, SocketBuffer { bytes: Some(10_000), force: false }, "a test"), None);
        // The kernel counts what it needs itself as well.
        assert_eq!(size(), 20_000);
    }
}
