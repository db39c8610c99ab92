//! Netlink attributes: writing them, and reading them without trust.

use std::net::IpAddr;

use netlink_packet_core::{DecodeError, NLA_F_NESTED, NLA_HEADER_SIZE, NlaBuffer, NlasIterator};

/// Attributes that are being written, one after the other.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Attributes(pub Vec<u8>);

/// Longest text that is written. The kernel takes 15 bytes and refuses more.
const TEXT: usize = 255;

impl Attributes {
    pub fn bytes(&mut self, kind: u16, value: &[u8]) {
        self.within(kind, |attributes| attributes.0.extend_from_slice(value));
    }

    pub fn u8(&mut self, kind: u16, value: u8) {
        self.bytes(kind, &[value]);
    }

    pub fn u16(&mut self, kind: u16, value: u16) {
        self.bytes(kind, &value.to_ne_bytes());
    }

    pub fn u32(&mut self, kind: u16, value: u32) {
        self.bytes(kind, &value.to_ne_bytes());
    }

    /// A port, in network order.
    pub fn port(&mut self, kind: u16, value: u16) {
        self.bytes(kind, &value.to_be_bytes());
    }

    /// An address, in the sixteen bytes that every family fills from the start.
    pub fn address(&mut self, kind: u16, value: IpAddr) {
        let mut bytes = [0; 16];
        match value {
            IpAddr::V4(address) => bytes[..4].copy_from_slice(&address.octets()),
            IpAddr::V6(address) => bytes = address.octets(),
        }
        self.bytes(kind, &bytes);
    }

    /// A text with the zero byte that ends it.
    pub fn text(&mut self, kind: u16, value: &str) {
        self.within(kind, |attributes| {
            attributes.0.extend(value.bytes().take(TEXT));
            attributes.0.push(0);
        });
    }

    pub fn nested(&mut self, kind: u16, fill: impl FnOnce(&mut Self)) {
        self.within(kind | NLA_F_NESTED, fill);
    }

    /// An attribute around what `fill` writes, which is far less than the 64 KiB that one can hold.
    fn within(&mut self, kind: u16, fill: impl FnOnce(&mut Self)) {
        let start = self.0.len();
        self.0.resize(start + NLA_HEADER_SIZE, 0);
        fill(self);
        let length = u16::try_from(self.0.len() - start).unwrap_or(u16::MAX);
        let mut attribute = NlaBuffer::new(&mut self.0[start..]);
        attribute.set_length(length);
        attribute.set_kind(kind);
        if kind & NLA_F_NESTED != 0 {
            attribute.set_nested_flag();
        }
        self.0.resize(self.0.len().next_multiple_of(4), 0);
    }
}

/// The attributes in `bytes`, by kind and value.
pub fn attributes(bytes: &[u8]) -> impl Iterator<Item = Result<(u16, &[u8]), DecodeError>> {
    NlasIterator::new(bytes).map(|attribute| {
        let attribute = attribute?;
        let (kind, length) = (attribute.kind(), attribute.length());
        let value = attribute.into_inner().get(NLA_HEADER_SIZE..usize::from(length)).unwrap_or_default();
        Ok((kind, value))
    })
}
