//! `UDP_CHECK`.

use serde::{Deserialize, Serialize};

use super::Connection;

/// What is sent where the file gives no payload.
pub const DEFAULT_PAYLOAD: &[u8; 32] = b"stayd asks whether you are there";

/// `UDP_CHECK`: is a datagram not refused within the timeout, or answered as it should be?
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct UdpProbe {
    /// Where to.
    pub connection: Connection,
    /// `payload` of the datagram; none: [`DEFAULT_PAYLOAD`].
    pub payload: Option<Vec<u8>>,
    /// `require_reply`; none: silence is success.
    pub reply: Option<ReplySpec>,
}

/// `require_reply`: what has to come back.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct ReplySpec {
    /// Bytes that it starts with; none: anything will do.
    pub pattern: Vec<MaskedByte>,
    /// `min_reply_length`, in bytes, 0 to 65535 (default 0).
    pub least: u16,
    /// `max_reply_length`, in bytes, 0 to 65535 (default 255).
    pub most: u16,
}

/// A byte of which some bits may be anything: `4x` is 0x40 under the mask 0xf0.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct MaskedByte {
    /// The bits; 0 where the mask is.
    pub value: u8,
    /// Which of them count.
    pub mask: u8,
}
