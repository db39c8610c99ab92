//! `encap` of routes.

use std::net::IpAddr;

use vrrp::Encapsulation;

use super::Lowering;
use super::routing::{Ignored, Words};
use crate::keyword::parse_unsigned;
use crate::lex::Word;

/// What an IP tunnel says, of either family.
#[derive(Default)]
struct Tunnel {
    id: Option<u64>,
    destination: Option<IpAddr>,
    source: Option<IpAddr>,
    class: Option<u8>,
    hops: Option<u8>,
    flags: Option<u16>,
}

const IP: &[&str] = &["id", "dst", "src", "tos", "ttl", "flags"];
const IP6: &[&str] = &["id", "dst", "src", "tc", "hoplimit", "flags"];
/// Labels have 20 bits (RFC 3032 2.1).
const MPLS_LABELS: u32 = 1 << 20;

impl Lowering<'_> {
    /// What follows `encap`.
    pub(super) fn encapsulation(
        &mut self,
        option: &Word,
        words: &mut Words<'_>,
    ) -> Result<Encapsulation, Ignored> {
        let kind = self.value_of(option, words)?;
        match kind.text.as_str() {
            "ip" => {
                let tunnel = self.tunnel(words, IP)?;
                Ok(Encapsulation::Ip {
                    id: tunnel.id,
                    destination: tunnel.destination.and_then(v4),
                    source: tunnel.source.and_then(v4),
                    tos: tunnel.class,
                    ttl: tunnel.hops,
                    flags: tunnel.flags,
                })
            }
            "ip6" => {
                let tunnel = self.tunnel(words, IP6)?;
                Ok(Encapsulation::Ip6 {
                    id: tunnel.id,
                    destination: tunnel.destination.and_then(v6),
                    source: tunnel.source.and_then(v6),
                    traffic_class: tunnel.class,
                    hop_limit: tunnel.hops,
                    flags: tunnel.flags,
                })
            }
            "mpls" => self.mpls(kind, words),
            "ila" => self.ila(kind, words),
            _ => Err(self.bad_value(words, option, "`ip`, `ip6`, `mpls` or `ila`", kind)),
        }
    }

    fn tunnel(&mut self, words: &mut Words<'_>, known: &[&str]) -> Result<Tunnel, Ignored> {
        let mut tunnel = Tunnel::default();
        while let Some(word) = words.next_of(known) {
            match word.text.as_str() {
                "id" => tunnel.id = Some(self.tunnel_number(word, words, u64::MAX)?),
                "dst" => tunnel.destination = Some(self.tunnel_address(word, words, known == IP)?),
                "src" => tunnel.source = Some(self.tunnel_address(word, words, known == IP)?),
                "flags" => {
                    tunnel.flags = u16::try_from(self.tunnel_number(word, words, u16::MAX.into())?).ok();
                }
                "tos" | "tc" => {
                    tunnel.class = u8::try_from(self.tunnel_number(word, words, u8::MAX.into())?).ok();
                }
                _ => tunnel.hops = u8::try_from(self.tunnel_number(word, words, u8::MAX.into())?).ok(),
            }
        }
        Ok(tunnel)
    }

    fn tunnel_number(&mut self, option: &Word, words: &mut Words<'_>, most: u64) -> Result<u64, Ignored> {
        let value = self.value_of(option, words)?;
        parse_unsigned(&value.text).filter(|number| *number <= most).ok_or_else(|| {
            let expected = match most {
                u64::MAX => "a whole number from 0 up".to_owned(),
                most => format!("a whole number from 0 to {most}"),
            };
            self.bad_value(words, option, &expected, value)
        })
    }

    fn tunnel_address(&mut self, option: &Word, words: &mut Words<'_>, v4: bool) -> Result<IpAddr, Ignored> {
        let value = self.value_of(option, words)?;
        let address = value.text.parse().ok().filter(|address: &IpAddr| address.is_ipv4() == v4);
        let expected = if v4 { "an IPv4 address" } else { "an IPv6 address" };
        address.ok_or_else(|| self.bad_value(words, option, expected, value))
    }

    fn mpls(&mut self, option: &Word, words: &mut Words<'_>) -> Result<Encapsulation, Ignored> {
        let value = self.value_of(option, words)?;
        let label = |text: &str| text.parse().ok().filter(|label: &u32| *label < MPLS_LABELS);
        let labels: Option<Vec<_>> = value.text.split('/').map(label).collect();
        match labels {
            Some(labels) => Ok(Encapsulation::Mpls(labels)),
            None => Err(self.bad_value(words, option, "labels such as `100/200`", value)),
        }
    }

    fn ila(&mut self, option: &Word, words: &mut Words<'_>) -> Result<Encapsulation, Ignored> {
        let value = self.value_of(option, words)?;
        let groups: Option<Vec<_>> =
            value.text.split(':').map(|group| u16::from_str_radix(group, 16).ok()).collect();
        match groups.as_deref() {
            Some(&[a, b, c, d]) => {
                let locator = [a, b, c, d].iter().fold(0, |locator, group| locator << 16 | u64::from(*group));
                Ok(Encapsulation::Ila(locator))
            }
            _ => Err(self.bad_value(words, option, "a locator such as `2001:db8:0:1`", value)),
        }
    }
}

fn v4(address: IpAddr) -> Option<std::net::Ipv4Addr> {
    match address {
        IpAddr::V4(address) => Some(address),
        IpAddr::V6(_) => None,
    }
}

fn v6(address: IpAddr) -> Option<std::net::Ipv6Addr> {
    match address {
        IpAddr::V6(address) => Some(address),
        IpAddr::V4(_) => None,
    }
}
