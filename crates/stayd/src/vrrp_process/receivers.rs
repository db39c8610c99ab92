//! The receiving sockets: one for each interface, family and protocol in use.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::io;

use net::{Received, Receiver};
use vrrp::{Family, IfIndex, Membership, Protocol};

use super::wake::Wake;

/// Names a receiving socket.
pub(super) type Key = (IfIndex, Family, Protocol);

#[derive(Default)]
pub(super) struct Receivers {
    sockets: BTreeMap<Key, Socket>,
}

struct Socket {
    receiver: Receiver,
    /// Why it is open: a group, or `None` for unicast.
    uses: BTreeSet<Option<std::net::IpAddr>>,
}

impl Receivers {
    /// Receives what this membership asks for; the socket is watched by `wake`.
    pub(super) fn listen(&mut self, membership: Membership, wake: &Wake) -> io::Result<()> {
        let key = (membership.interface, membership.family, membership.protocol);
        let socket = match self.sockets.entry(key) {
            Entry::Occupied(open) => open.into_mut(),
            Entry::Vacant(place) => {
                let receiver = Receiver::open(membership.interface, membership.family, membership.protocol)?;
                wake.watch_packets(&receiver, key)?;
                place.insert(Socket { receiver, uses: BTreeSet::new() })
            }
        };
        if let Some(group) = membership.group
            && let Err(error) = socket.receiver.join(group)
        {
            if socket.uses.is_empty() {
                self.sockets.remove(&key);
            }
            return Err(error);
        }
        socket.uses.insert(membership.group);
        Ok(())
    }

    /// Ends a membership; the last one takes the socket with it.
    pub(super) fn unlisten(&mut self, membership: Membership) {
        let key = (membership.interface, membership.family, membership.protocol);
        let Some(socket) = self.sockets.get_mut(&key) else { return };
        if socket.uses.remove(&membership.group)
            && let Some(group) = membership.group
        {
            socket.receiver.leave(group);
        }
        if socket.uses.is_empty() {
            self.sockets.remove(&key);
        }
    }

    /// What has waited longest at this socket; `None` if the socket is closed already.
    pub(super) fn receive(&mut self, key: Key) -> Option<io::Result<Received>> {
        self.sockets.get_mut(&key).map(|socket| socket.receiver.receive())
    }
}
