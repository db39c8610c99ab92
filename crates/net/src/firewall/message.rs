//! Messages of nf_tables: attributes in attributes (linux/netfilter/nf_tables.h).

use netlink::Request;
use netlink_packet_core::{NLA_F_NESTED, NLM_F_APPEND, NLM_F_CREATE, NetlinkSerializable};

/// `NFNL_SUBSYS_NFTABLES`.
const SUBSYSTEM: u16 = 10;
const BATCH_BEGIN: u16 = 0x10;
const BATCH_END: u16 = 0x11;
/// `NFTA_LIST_ELEM`.
const LIST_ELEMENT: u16 = 1;

/// A message, encoded.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Message {
    kind: u16,
    bytes: Vec<u8>,
}

/// What is to be done (`NFT_MSG_*`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Verb {
    NewTable = 0,
    DeleteTable = 2,
    NewChain = 3,
    NewRule = 6,
    NewSet = 9,
    NewElements = 12,
    DeleteElements = 14,
}

impl NetlinkSerializable for Message {
    fn message_type(&self) -> u16 {
        self.kind
    }

    fn buffer_len(&self) -> usize {
        self.bytes.len()
    }

    fn serialize(&self, buffer: &mut [u8]) {
        buffer.copy_from_slice(&self.bytes);
    }
}

/// A request about a table of this family.
pub(super) fn request(verb: Verb, family: u8, attributes: Attributes) -> Request<Message> {
    let flags = match verb {
        Verb::DeleteTable | Verb::DeleteElements => 0,
        Verb::NewRule => NLM_F_CREATE | NLM_F_APPEND,
        Verb::NewTable | Verb::NewChain | Verb::NewSet | Verb::NewElements => NLM_F_CREATE,
    };
    let mut bytes = vec![family, 0, 0, 0];
    bytes.extend(attributes.0);
    Request { flags, message: Message { kind: SUBSYSTEM << 8 | verb as u16, bytes } }
}

/// Opens a transaction.
pub(super) fn begin() -> Request<Message> {
    edge(BATCH_BEGIN)
}

/// Commits a transaction.
pub(super) fn end() -> Request<Message> {
    edge(BATCH_END)
}

fn edge(kind: u16) -> Request<Message> {
    let [high, low] = SUBSYSTEM.to_be_bytes();
    Request { flags: 0, message: Message { kind, bytes: vec![0, 0, high, low] } }
}

/// Attributes one after the other.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Attributes(Vec<u8>);

impl Attributes {
    pub(super) fn bytes(mut self, kind: u16, value: &[u8]) -> Self {
        let length = u16::try_from(value.len() + 4).unwrap_or(u16::MAX);
        self.0.extend(length.to_ne_bytes());
        self.0.extend(kind.to_ne_bytes());
        self.0.extend(value);
        self.0.resize(self.0.len().next_multiple_of(4), 0);
        self
    }

    pub(super) fn text(self, kind: u16, value: &str) -> Self {
        self.bytes(kind, &[value.as_bytes(), &[0]].concat())
    }

    /// Numbers are in network order.
    pub(super) fn number(self, kind: u16, value: u32) -> Self {
        self.bytes(kind, &value.to_be_bytes())
    }

    pub(super) fn nested(self, kind: u16, inner: &Self) -> Self {
        self.bytes(kind | NLA_F_NESTED, &inner.0)
    }

    pub(super) fn element(self, inner: &Self) -> Self {
        self.nested(LIST_ELEMENT, inner)
    }
}

/// A value as expressions and elements hold it.
pub(super) fn value(bytes: &[u8]) -> Attributes {
    /// `NFTA_DATA_VALUE`.
    const VALUE: u16 = 1;
    Attributes::default().bytes(VALUE, bytes)
}
