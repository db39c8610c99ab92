//! Which destinations the services of a table have, from `/proc/net/ip_vs`: 4 KiB of it cost one system call, where the
//! family takes three for each service.
//!
//! Marks are left out: the file does not say of which family their packets are.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::net::{IpAddr, Ipv4Addr};

use crate::table::{DestKey, Protocol, ServiceKey};

/// The file. **It shows the network namespace in which it was opened**, like the socket beside it.
const PATH: &str = "/proc/thread-self/net/ip_vs";

/// The file of one network namespace.
#[derive(Debug)]
pub(super) struct Outline(File);

impl Outline {
    /// Of the thread's namespace; none without `/proc`.
    pub(super) fn open() -> Option<Self> {
        File::open(PATH).ok().map(Self)
    }

    /// The destinations of every service with an address; none if the file is not as known.
    pub(super) fn read(&mut self) -> io::Result<Option<BTreeMap<ServiceKey, Vec<DestKey>>>> {
        let mut text = String::new();
        self.0.rewind()?;
        self.0.read_to_string(&mut text)?;
        Ok(services(&text))
    }
}

fn services(text: &str) -> Option<BTreeMap<ServiceKey, Vec<DestKey>>> {
    let (mut services, mut current) = (BTreeMap::new(), None);
    // Version, and the names of the columns.
    for line in text.lines().skip(3) {
        let mut words = line.split_ascii_whitespace();
        match (words.next()?, words.next()?) {
            ("->", place) => {
                let (address, port) = self::place(place)?;
                if let Some(key) = current {
                    services.entry(key).or_insert_with(Vec::new).push(DestKey { address, port });
                }
            }
            ("FWM", _) => current = None,
            (protocol, place) => {
                let (address, port) = self::place(place)?;
                let key = ServiceKey::Address { protocol: self::protocol(protocol)?, address, port };
                services.entry(key).or_insert_with(Vec::new);
                current = Some(key);
            }
        }
    }
    Some(services)
}

fn protocol(name: &str) -> Option<Protocol> {
    match name {
        "TCP" => Some(Protocol::Tcp),
        "UDP" => Some(Protocol::Udp),
        "SCTP" => Some(Protocol::Sctp),
        _ => None,
    }
}

/// `0A000001:0050`, `[2001:0db8:...]:0050`.
fn place(word: &str) -> Option<(IpAddr, u16)> {
    let (address, port) = word.rsplit_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let address = match address.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']')?.parse().ok()?,
        None => Ipv4Addr::from_bits(u32::from_str_radix(address, 16).ok()?).into(),
    };
    Some((address, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Linux 6.1 writes it.
    const TEXT: &str = "\
IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port Forward Weight ActiveConn InActConn
TCP  0A000001:0050 rr  
  -> AC100001:0050      Route   1      0          0         
  -> AC100000:1F90      Masq    0      0          0         
UDP  [2001:0db8:0000:0000:0000:0000:0000:0001]:0035 wlc persistent 300 FFFFFFFF
FWM  00000007 rr 
  -> AC100009:0000      Tunnel  1      0          0         
";

    #[test]
    fn services_are_read_with_their_destinations_and_marks_are_passed_over() {
        let service = |protocol, address: &str, port| ServiceKey::Address {
            protocol,
            address: address.parse().unwrap(),
            port,
        };
        let dest = |address: &str, port| DestKey { address: address.parse().unwrap(), port };
        let expected = BTreeMap::from([
            (service(Protocol::Tcp, "10.0.0.1", 80), vec![dest("172.16.0.1", 80), dest("172.16.0.0", 8080)]),
            (service(Protocol::Udp, "2001:db8::1", 53), vec![]),
        ]);
        assert_eq!(services(TEXT), Some(expected));
    }

    #[test]
    fn a_line_of_another_form_makes_the_whole_file_unknown() {
        assert_eq!(services(&TEXT.replace("UDP", "DCCP")), None);
        assert_eq!(services(&TEXT.replace("AC100001:0050", "AC100001")), None);
        assert_eq!(services(&TEXT.replace("  -> AC100001:0050      Route   1      0          0", "x")), None);
    }
}
