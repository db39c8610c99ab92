//! The receiving sockets: one for each interface, family and protocol in use.

use std::collections::BTreeSet;
use std::io;
use std::os::fd::{AsFd, AsRawFd};

use net::{Mirror, Received, Receiver};
use vrrp::{Family, IfIndex, Membership, Protocol};

use super::receive_buffers::Sizes;
use super::wake::Wake;

/// Names a receiving socket.
type Key = (IfIndex, Family, Protocol);

/// **A socket stays at its place for as long as it is open**, and is found by that when it has something.
#[derive(Default)]
pub(super) struct Receivers {
    sockets: Vec<Option<Socket>>,
    sizes: Sizes,
}

struct Socket {
    key: Key,
    receiver: Receiver,
    /// Why it is open: a group, or `None` for unicast.
    uses: BTreeSet<Option<std::net::IpAddr>>,
}

impl Receivers {
    /// Makes the buffers of all sockets as large as the file says now.
    pub(super) fn set_sizes(&mut self, sizes: Sizes, mirror: &Mirror) {
        self.sizes = sizes;
        for socket in self.sockets.iter().flatten() {
            socket.receiver.size(self.size_of(socket.key, mirror));
        }
    }

    fn size_of(&self, (interface, family, protocol): Key, mirror: &Mirror) -> Option<u32> {
        self.sizes.get(&mirror.link(interface)?.name, family, protocol)
    }

    /// Receives what this membership asks for; the socket is watched by `wake`.
    pub(super) fn listen(&mut self, membership: Membership, wake: &Wake, mirror: &Mirror) -> io::Result<()> {
        let place = self.place_of(membership).unwrap_or_else(|| {
            self.sockets.iter().position(Option::is_none).unwrap_or_else(|| {
                self.sockets.push(None);
                self.sockets.len() - 1
            })
        });
        let size = self.size_of(key(membership), mirror);
        let slot = &mut self.sockets[place];
        let socket = if let Some(open) = slot {
            open
        } else {
            let socket = slot.insert(open(membership, place, wake)?);
            if size.is_some() {
                socket.receiver.size(size);
            }
            socket
        };
        if let Some(group) = membership.group
            && let Err(error) = socket.receiver.join(group)
        {
            if socket.uses.is_empty() {
                *slot = None;
            }
            return Err(error);
        }
        socket.uses.insert(membership.group);
        Ok(())
    }

    fn place_of(&self, membership: Membership) -> Option<usize> {
        let key = key(membership);
        self.sockets.iter().position(|socket| socket.as_ref().is_some_and(|socket| socket.key == key))
    }

    /// Ends a membership; the last one takes the socket with it.
    pub(super) fn unlisten(&mut self, membership: Membership) {
        let Some(place) = self.place_of(membership) else { return };
        let Some(socket) = &mut self.sockets[place] else { return };
        if socket.uses.remove(&membership.group)
            && let Some(group) = membership.group
        {
            socket.receiver.leave(group);
        }
        if socket.uses.is_empty() {
            self.sockets[place] = None;
        }
    }

    /// The numbers of the open sockets.
    pub(super) fn numbers(&self) -> impl Iterator<Item = (Key, i32)> {
        self.sockets.iter().flatten().map(|socket| (socket.key, socket.receiver.as_fd().as_raw_fd()))
    }

    /// What has waited longest at the socket at this place; `None` if it is closed already.
    #[inline]
    pub(super) fn receive(&mut self, place: usize) -> Option<io::Result<Received<'_>>> {
        Some(self.sockets.get_mut(place)?.as_mut()?.receiver.receive())
    }
}

const fn key(membership: Membership) -> Key {
    (membership.interface, membership.family, membership.protocol)
}

fn open(membership: Membership, place: usize, wake: &Wake) -> io::Result<Socket> {
    let receiver = Receiver::open(membership.interface, membership.family, membership.protocol)?;
    wake.watch_packets(&receiver, place)?;
    Ok(Socket { key: key(membership), receiver, uses: BTreeSet::new() })
}
