//! The socket itself, against the running kernel: questions only, to rtnetlink, which every kernel has.

use netlink::{Conversation, Error, Heard, Monitor, Request};
use netlink_packet_core::{NetlinkDeserializable, NetlinkHeader, NetlinkSerializable};
use netlink_sys::protocols::NETLINK_ROUTE;

const RTM_NEWLINK: u16 = 16;
const RTM_GETLINK: u16 = 18;
const RTNLGRP_LINK: u32 = 1;

/// `struct ifinfomsg`, and in answers the attributes after it.
struct Link {
    message_type: u16,
    bytes: Vec<u8>,
}

impl Link {
    fn ask(index: u32) -> Request<Self> {
        let mut bytes = vec![0; 16];
        bytes[4..8].copy_from_slice(&index.to_ne_bytes());
        Request { flags: 0, message: Self { message_type: RTM_GETLINK, bytes } }
    }

    fn is_loopback(&self) -> bool {
        let name = [&[7_u8, 0, 3, 0][..], b"lo\0"].concat();
        self.message_type == RTM_NEWLINK && self.bytes.windows(name.len()).any(|bytes| bytes == name)
    }
}

impl NetlinkSerializable for Link {
    fn message_type(&self) -> u16 {
        self.message_type
    }

    fn buffer_len(&self) -> usize {
        self.bytes.len()
    }

    fn serialize(&self, buffer: &mut [u8]) {
        buffer.copy_from_slice(&self.bytes);
    }
}

impl NetlinkDeserializable for Link {
    type Error = std::convert::Infallible;

    fn deserialize(header: &NetlinkHeader, payload: &[u8]) -> Result<Self, Self::Error> {
        Ok(Self { message_type: header.message_type, bytes: payload.to_vec() })
    }
}

#[test]
fn the_kernel_answers_dumps_and_single_questions() {
    let mut kernel = Conversation::open(NETLINK_ROUTE).unwrap();
    let links: Vec<Link> = kernel.dump(&Link::ask(0)).unwrap();
    assert_eq!(links.iter().filter(|link| link.is_loopback()).count(), 1);

    let answers: Vec<Link> = kernel.request(&Link::ask(1)).unwrap();
    assert_eq!(answers.len(), 1);
    assert!(answers[0].is_loopback());
}

#[test]
fn the_kernels_refusal_names_the_request_and_the_conversation_goes_on() {
    let mut kernel = Conversation::open(NETLINK_ROUTE).unwrap();
    let absent = i32::MAX.unsigned_abs();
    let result = kernel.request::<_, Link>(&Link::ask(absent));
    assert!(matches!(&result, Err(Error::Refused(refusal)) if refusal.errno == libc::ENODEV));

    let report = kernel.batch([1, absent, 1].map(Link::ask));
    assert!(report.error.is_none());
    let refused: Vec<bool> =
        report.outcomes.iter().map(|outcome| matches!(outcome, netlink::Outcome::Refused(_))).collect();
    assert_eq!(refused, [false, true, false]);
}

#[test]
fn a_monitor_with_nothing_to_hear_does_not_wait() {
    // A link of the host may change at any moment, but not without end.
    let mut monitor = Monitor::open(NETLINK_ROUTE, &[RTNLGRP_LINK]).unwrap();
    let silent = (0..10_000).any(|_| matches!(monitor.read::<Link>(), Ok(Heard::Nothing)));
    assert!(silent);
}
