//! Changes interfaces.

use netlink::{Conversation, Error, Request};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{LinkFlags, LinkMessage};
use vrrp::IfIndex;

/// A conversation with the kernel about interfaces.
#[derive(Debug)]
pub struct Links {
    conversation: Conversation,
}

impl Links {
    /// Opens the conversation.
    ///
    /// # Errors
    /// The kernel refuses a socket.
    pub fn open() -> Result<Self, Error> {
        Conversation::open(libc::NETLINK_ROUTE as isize).map(|conversation| Self { conversation })
    }

    /// Brings an interface up; one that is up stays as it is.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn raise(&mut self, index: IfIndex) -> Result<(), Error> {
        let mut message = LinkMessage::default();
        message.header.index = index.get();
        message.header.flags = LinkFlags::Up;
        message.header.change_mask = LinkFlags::Up;
        let request = Request { flags: 0, message: RouteNetlinkMessage::SetLink(message) };
        self.conversation.request::<_, RouteNetlinkMessage>(&request).map(drop)
    }
}
