//! A virtual address as the command line gives it.

use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;

use thiserror::Error;

/// An address that a real server can hold on `lo`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Vip(pub IpAddr);

/// Why an argument is none.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum Error {
    #[error("not an IP address")]
    NoAddress,
    #[error("give the address alone: its prefix length is always that of a single host")]
    Prefix,
    #[error("{0} cannot be a virtual address")]
    Kind(&'static str),
    #[error("an IPv4 address written as IPv6; write {0}")]
    Mapped(Ipv4Addr),
}

impl FromStr for Vip {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let address = match (text.parse(), text.split_once('/')) {
            (Ok(address), _) => address,
            (Err(_), Some((address, _))) if address.parse::<IpAddr>().is_ok() => return Err(Error::Prefix),
            (Err(_), _) => return Err(Error::NoAddress),
        };
        if let IpAddr::V6(v6) = address
            && let Some(v4) = v6.to_ipv4_mapped()
        {
            return Err(Error::Mapped(v4));
        }
        let link_local = matches!(address, IpAddr::V6(v6) if v6.is_unicast_link_local());
        let kind = [
            (address.is_unspecified(), "the unspecified address"),
            (address.is_loopback(), "a loopback address"),
            (address.is_multicast(), "a multicast address"),
            (address == Ipv4Addr::BROADCAST, "the broadcast address"),
            (link_local, "a link-local address"),
        ];
        match kind.into_iter().find(|(is, _)| *is) {
            Some((_, kind)) => Err(Error::Kind(kind)),
            None => Ok(Self(address)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        text.parse::<Vip>().unwrap_err().to_string()
    }

    #[test]
    fn addresses_of_both_families_are_accepted() {
        for text in ["192.168.0.10", "2001:db8::10", "fd00::1", "169.254.1.1"] {
            assert_eq!(text.parse::<Vip>().map(|vip| vip.0.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn a_prefix_length_is_too_much() {
        for text in ["192.168.0.10/32", "192.168.0.10/24", "2001:db8::10/128"] {
            assert!(error(text).starts_with("give the address alone"), "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_said_to_be_none() {
        for text in
            ["", "mq1", "192.168.0", "192.168.0.256", "192.168.0.010", "2001:db8::g", "fe80::1%eth0", "x/32"]
        {
            assert_eq!(error(text), "not an IP address", "{text}");
        }
    }

    #[test]
    fn addresses_that_no_host_can_serve_are_refused() {
        for (text, kind) in [
            ("0.0.0.0", "the unspecified address"),
            ("::", "the unspecified address"),
            ("127.0.0.1", "a loopback address"),
            ("::1", "a loopback address"),
            ("224.0.0.18", "a multicast address"),
            ("ff02::12", "a multicast address"),
            ("255.255.255.255", "the broadcast address"),
            ("fe80::1", "a link-local address"),
        ] {
            assert_eq!(error(text), format!("{kind} cannot be a virtual address"), "{text}");
        }
    }

    #[test]
    fn an_ipv4_address_in_ipv6_clothes_is_told_how_to_dress() {
        assert_eq!(error("::ffff:192.168.0.10"), "an IPv4 address written as IPv6; write 192.168.0.10");
    }
}
