//! How adverts prove where they come from. **No key is ever printed.**

use core::fmt;
use core::num::NonZeroU8;
use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// `authentication { }`, of version 2.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Authentication {
    /// No authentication (the only choice of RFC 5798 and RFC 9568).
    None,
    /// `auth_type PASS`: up to eight bytes in clear text, zero padded (RFC 2338 5.3.6.2).
    Password([u8; 8]),
    /// `auth_type AH`: HMAC-MD5-96 in an IP authentication header (RFC 2338 5.3.6.3, RFC 2403), over IPv4 only.
    Ah {
        /// `auth_pass`, zero padded.
        key: [u8; 8],
    },
}

impl fmt::Debug for Authentication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Password(_) => "Password(********)",
            Self::Ah { .. } => "Ah(********)",
        })
    }
}

/// `auth_hmac { }`: keepalived 2.4's trailer of HMAC-SHA256, of any version and family.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AuthHmac {
    /// `key`: the keys that are accepted, by their numbers.
    pub keys: BTreeMap<KeyId, HmacKey>,
    /// `active_key`: the one that signs. With none of this number nothing is signed.
    pub active_key: KeyId,
    /// `mode`.
    pub mode: HmacMode,
    /// `time_window`: 1 to 300 s, by default three times `advert_int` within 5 to 300 s: by how much the clocks of
    /// sender and receiver may differ.
    pub time_window: Duration,
    /// `anti_replay`.
    pub anti_replay: AntiReplay,
}

impl AuthHmac {
    /// The `time_window` of an instance that states none.
    pub fn default_window(advert_interval: crate::Centiseconds) -> Duration {
        (advert_interval.duration() * 3).clamp(Duration::from_secs(5), Duration::from_secs(300))
    }
}

/// Number of a key of [`AuthHmac`], 1 to 255.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct KeyId(NonZeroU8);

impl KeyId {
    /// `None` for 0.
    pub const fn new(id: u8) -> Option<Self> {
        match NonZeroU8::new(id) {
            Some(id) => Some(Self(id)),
            None => None,
        }
    }

    /// The number as it stands in a packet.
    pub const fn get(self) -> u8 {
        self.0.get()
    }
}

/// A shared secret of 32 to 64 bytes.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HmacKey(Vec<u8>);

impl HmacKey {
    /// Lengths that keepalived takes.
    pub const LENGTHS: core::ops::RangeInclusive<usize> = 32..=64;

    /// `None` if it is shorter than 32 or longer than 64 bytes.
    pub fn new(bytes: Vec<u8>) -> Option<Self> {
        Self::LENGTHS.contains(&bytes.len()).then_some(Self(bytes))
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for HmacKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("********")
    }
}

/// `mode` of [`AuthHmac`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum HmacMode {
    /// `enforce`: signs, and takes signed adverts only.
    #[default]
    Enforce,
    /// `permissive`: signs, and takes unsigned adverts too.
    Permissive,
    /// `receive-only`: does not sign; checks what is signed, and takes unsigned adverts too.
    ReceiveOnly,
}

/// `anti_replay` of [`AuthHmac`]: what makes each advert a new one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum AntiReplay {
    /// `time`: the sender's clock; what is further from ours than the window is refused.
    #[default]
    Time,
    /// `monotonic`: a number that only grows; clocks are not compared.
    Monotonic,
}
