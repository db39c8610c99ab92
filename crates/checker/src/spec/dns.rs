//! `DNS_CHECK`.

use serde::{Deserialize, Serialize};

use super::Connection;

/// `DNS_CHECK`: does the server answer a question over UDP with the response code 0? What it answers does not matter.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct DnsProbe {
    /// Where to.
    pub connection: Connection,
    /// `type` of the question (default SOA).
    pub record: DnsType,
    /// `name` that is asked for; empty: the root, which is the default.
    pub name: String,
}

macro_rules! dns_types {
    ($($(#[$doc:meta])* $variant:ident $name:literal $number:literal,)*) => {
        /// Types of records that `type` takes.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
        pub enum DnsType {
            $($(#[$doc])* $variant,)*
        }

        impl DnsType {
            /// The names that `type` takes, in the order of the variants.
            pub const NAMES: &'static [&'static str] = &[$($name),*];

            /// The type of a name in capitals.
            pub fn of_name(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$variant),)*
                    _ => None,
                }
            }

            /// Its number in a question (QTYPE, RFC 1035 3.2.3).
            pub const fn number(self) -> u16 {
                match self {
                    $(Self::$variant => $number,)*
                }
            }
        }
    };
}

dns_types! {
    /// IPv4 address (RFC 1035 3.4.1).
    A "A" 1,
    /// Name server (RFC 1035 3.3.11).
    Ns "NS" 2,
    /// Canonical name (RFC 1035 3.3.1).
    Cname "CNAME" 5,
    /// Start of a zone (RFC 1035 3.3.13).
    Soa "SOA" 6,
    /// Mail server (RFC 1035 3.3.9).
    Mx "MX" 15,
    /// Text (RFC 1035 3.3.14).
    Txt "TXT" 16,
    /// IPv6 address (RFC 3596 2.1).
    Aaaa "AAAA" 28,
    /// Signature (RFC 4034 3).
    Rrsig "RRSIG" 46,
    /// Public key (RFC 4034 2).
    Dnskey "DNSKEY" 48,
}
