//! Which destinations the services of a table have, from `/proc/net/ip_vs`: 4 KiB of it cost one system call, where the
//! family takes three for each service.
//!
//! Marks are left out there: the file does not say of which family their packets are.
//!
//! **A glance at it says that nothing has changed, but not what**: it shows services, schedulers, persistence, destinations,
//! their methods and weights, but neither thresholds nor the flags of schedulers and tunnels. It is read in pieces, between
//! which the table may change, so that two glances that differ mean little.

use std::collections::BTreeMap;
use std::fs::File;
use std::hash::{DefaultHasher, Hasher};
use std::io::{self, BufRead, BufReader, Read, Seek};
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

    /// What a [`Glance`] shows.
    pub(super) fn glance(&mut self) -> io::Result<Glance> {
        self.0.rewind()?;
        glance(BufReader::new(&self.0))
    }
}

/// What the table looks like, but for its connections. Two that are alike are of the same table as far as they show it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Glance(u64);

fn glance(mut text: impl BufRead) -> io::Result<Glance> {
    let (mut line, mut hasher) = (Vec::new(), DefaultHasher::new());
    while text.read_until(b'\n', &mut line)? > 0 {
        hasher.write(without_counts(&line));
        hasher.write_u8(b'\n');
        line.clear();
    }
    Ok(Glance(hasher.finish()))
}

/// Without the last two columns of a destination: its connections.
fn without_counts(line: &[u8]) -> &[u8] {
    if !line.starts_with(b"  ->") {
        return line.trim_ascii_end();
    }
    let without_word = |line: &[u8]| line.iter().rposition(u8::is_ascii_whitespace).unwrap_or(0);
    let line = line.trim_ascii_end();
    let line = line[..without_word(line)].trim_ascii_end();
    line[..without_word(line)].trim_ascii_end()
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
    fn a_glance_sees_all_but_the_connections() {
        let of = |text: &str| glance(text.as_bytes()).unwrap();
        let seen = of(TEXT);
        let line = "AC100001:0050      Route   1      0          0         ";
        for same in [
            "AC100001:0050      Route   1      12345      0         ",
            "AC100001:0050      Route   1      1          12        ",
        ] {
            assert_eq!(of(&TEXT.replace(line, same)), seen, "{same}");
        }
        for other in [
            "AC100002:0050      Route   1      0          0         ",
            "AC100001:0051      Route   1      0          0         ",
            "AC100001:0050      Tunnel  1      0          0         ",
            "AC100001:0050      Route   0      0          0         ",
            "AC100001:0050      Route   10     0          0         ",
        ] {
            assert_ne!(of(&TEXT.replace(line, other)), seen, "{other}");
        }
        for (before, after) in [
            ("0050 rr", "0050 wrr"),
            ("rr  \n", "rr ops \n"),
            ("persistent 300", "persistent 301"),
            ("300 FFFFFFFF", "300 FFFFFF00"),
            ("FWM  00000007", "FWM  00000008"),
            ("UDP  [2001:0db8:0000:0000:0000:0000:0000:0001]:0035 wlc persistent 300 FFFFFFFF\n", ""),
            ("  -> AC100009:0000      Tunnel  1      0          0         \n", ""),
        ] {
            assert_ne!(of(&TEXT.replacen(before, after, 1)), seen, "{before}");
        }
    }

    #[test]
    fn a_line_of_another_form_makes_the_whole_file_unknown() {
        assert_eq!(services(&TEXT.replace("UDP", "DCCP")), None);
        assert_eq!(services(&TEXT.replace("AC100001:0050", "AC100001")), None);
        assert_eq!(services(&TEXT.replace("  -> AC100001:0050      Route   1      0          0", "x")), None);
    }
}
