//! The kernel's proc connector: a netlink message for every process that starts another program, changes its name or ends.
//!
//! It exists in the first network, process and user namespace only, and needs `CAP_NET_ADMIN`.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

use netlink_sys::{Socket, SocketAddr};

/// `NETLINK_CONNECTOR`.
const CONNECTOR: isize = 11;
/// `CN_IDX_PROC`, and the group of its messages.
const INDEX: u32 = 1;
/// `CN_VAL_PROC`.
const VALUE: u32 = 1;
/// `PROC_CN_MCAST_LISTEN`.
const LISTEN: u32 = 1;
/// `NLMSG_DONE`: what the connector calls its messages.
const DONE: u16 = 3;
/// `struct nlmsghdr`.
const NETLINK_HEADER: usize = 16;
/// `struct cn_msg`.
const CONNECTOR_HEADER: usize = 20;
/// `struct proc_event` before what differs.
const EVENT_HEADER: usize = 16;
/// Some thousand events.
const BUFFER: usize = 1 << 20;

/// What happened to a process. Threads are left out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ProcEvent {
    /// It is new, another program or another name.
    Changed(u32),
    /// It has ended.
    Ended(u32),
    /// The kernel has taken or refused our request.
    Answer(u32),
}

/// The socket.
pub struct ProcEvents {
    socket: Socket,
}

impl ProcEvents {
    /// Listens from now on.
    ///
    /// # Errors
    /// This kernel has no proc connector, or it is not for processes where we are.
    pub fn open() -> io::Result<Self> {
        let mut socket = Socket::new(CONNECTOR)?;
        socket.set_rx_buf_sz(BUFFER)?;
        socket.bind(&SocketAddr::new(0, INDEX))?;
        socket.send_to(&request(), &SocketAddr::new(0, 0), 0)?;
        socket.set_non_blocking(true)?;
        Ok(Self { socket })
    }

    /// For waiting.
    ///
    /// # Errors
    /// There are no more descriptors.
    pub fn descriptor(&self) -> io::Result<OwnedFd> {
        // SAFETY: the socket is open for as long as `self` is borrowed.
        unsafe { BorrowedFd::borrow_raw(self.socket.as_raw_fd()) }.try_clone_to_owned()
    }

    /// What has happened since; none: nothing more.
    ///
    /// # Errors
    /// `ENOBUFS`: events were lost. Others: the socket is of no use any more.
    pub fn read(&self) -> io::Result<Option<Vec<ProcEvent>>> {
        match self.socket.recv_from_full() {
            Ok((bytes, from)) if from.port_number() == 0 => Ok(Some(parse(&bytes))),
            // Anybody may send to a netlink socket; only the kernel knows.
            Ok(_) => Ok(Some(Vec::new())),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn request() -> Vec<u8> {
    let length = NETLINK_HEADER + CONNECTOR_HEADER + 4;
    let mut bytes = Vec::with_capacity(length);
    bytes.extend(u32::try_from(length).unwrap_or(0).to_ne_bytes());
    bytes.extend(DONE.to_ne_bytes());
    bytes.extend(0_u16.to_ne_bytes());
    for number in [0, std::process::id(), INDEX, VALUE, 0, 0] {
        bytes.extend(number.to_ne_bytes());
    }
    bytes.extend(4_u16.to_ne_bytes());
    bytes.extend(0_u16.to_ne_bytes());
    bytes.extend(LISTEN.to_ne_bytes());
    bytes
}

/// The events of a datagram. What is too short or of another kind is passed over.
fn parse(mut bytes: &[u8]) -> Vec<ProcEvent> {
    let mut events = Vec::new();
    while let Some(length) = word(bytes, 0).and_then(|length| usize::try_from(length).ok()) {
        let Some(message) = bytes.get(..length).filter(|message| message.len() >= NETLINK_HEADER) else {
            break;
        };
        let body = message.get(NETLINK_HEADER..).unwrap_or_default();
        if word(body, 0) == Some(INDEX) && word(body, 4) == Some(VALUE) {
            events.extend(body.get(CONNECTOR_HEADER..).and_then(event));
        }
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    events
}

fn event(bytes: &[u8]) -> Option<ProcEvent> {
    let what = word(bytes, 0)?;
    let data = bytes.get(EVENT_HEADER..)?;
    let process = |at| word(data, at).filter(|id| word(data, at + 4) == Some(*id));
    match what {
        // Its answer to a request: an error number.
        0 => Some(ProcEvent::Answer(word(data, 0)?)),
        // A fork: of whom, and then the new one.
        0x1 => process(8).map(ProcEvent::Changed),
        // Another program; another name.
        0x2 | 0x200 => process(0).map(ProcEvent::Changed),
        0x8000_0000 => process(0).map(ProcEvent::Ended),
        _ => None,
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_ne_bytes(bytes.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(what: u32, data: &[u32]) -> Vec<u8> {
        let mut event = [what.to_ne_bytes(), 0_u32.to_ne_bytes()].concat();
        event.extend(0_u64.to_ne_bytes());
        event.extend(data.iter().flat_map(|word| word.to_ne_bytes()));
        event.resize(40, 0);
        let mut bytes = request();
        bytes.truncate(NETLINK_HEADER + CONNECTOR_HEADER);
        bytes.extend(event);
        let length = u32::try_from(bytes.len()).unwrap();
        bytes[..4].copy_from_slice(&length.to_ne_bytes());
        bytes
    }

    #[test]
    fn starts_changes_and_ends_of_processes_are_read() {
        let bytes = [
            message(1, &[1, 1, 70, 70]),
            message(2, &[70, 70]),
            message(0x200, &[70, 70]),
            message(0x8000_0000, &[70, 70, 0, 0]),
        ]
        .concat();
        let changed = ProcEvent::Changed(70);
        assert_eq!(parse(&bytes), [changed, changed, changed, ProcEvent::Ended(70)]);
    }

    #[test]
    fn threads_are_no_processes() {
        assert_eq!(parse(&message(1, &[1, 1, 71, 70])), []);
        assert_eq!(parse(&message(0x8000_0000, &[71, 70, 0, 0])), []);
    }

    #[test]
    fn what_is_cut_or_foreign_is_passed_over() {
        let bytes = message(2, &[70, 70]);
        for length in 0..bytes.len() {
            assert_eq!(parse(&bytes[..length]), []);
        }
        let mut other = bytes;
        other[NETLINK_HEADER] = 9;
        assert_eq!(parse(&other), []);
        assert_eq!(parse(&message(4, &[70, 70])), [], "a change of user");
    }
}
