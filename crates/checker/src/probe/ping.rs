//! `PING_CHECK`: is an ICMP echo request answered?
//!
//! **Only the answer to this request counts**: it comes from the target, and repeats the sequence number and the random
//! bytes of the request. The socket is one for echoes (`IPPROTO_ICMP`, `SOCK_DGRAM`), which the kernel feeds with its own
//! answers alone; where `net.ipv4.ping_group_range` does not let us have one, it is a raw one, and the sysctl stays as it is
//! (keepalived widens it, for everybody on the host).

use std::net::SocketAddr;
use std::ops::ControlFlow;

use super::connect::Kind;
use super::datagram;
use crate::outcome::Outcome;
use crate::spec::{Connection, Source};

/// Header of an echo: type, code, checksum, id, sequence number (RFC 792, RFC 4443 4.1).
const HEADER: usize = 8;
/// Bytes after it, as many as keepalived sends.
const DATA: usize = 128;
/// An answer behind the longest header of IPv4, which a raw socket shows.
const LONGEST: usize = 60 + HEADER + DATA;

/// Sends one request, and waits for its answer.
pub(super) async fn probe(connection: &Connection) -> Outcome {
    let request = Request::new(connection.target.is_ipv6(), fastrand::u32(..), fastrand::u128(..));
    // A port would be an id for the socket.
    let target = SocketAddr::new(connection.target.ip(), 0);
    let source = Source { port: 0, ..connection.source().clone() };
    let connection = Connection { target, ..connection.clone() }.from(source);
    let judge = |kind: Kind, packet: &[u8]| {
        if request.is_answered_by(kind, packet) {
            ControlFlow::Break(Outcome::Success)
        } else {
            ControlFlow::Continue(())
        }
    };
    datagram::ask(&connection, Kind::Ping, &request.bytes, &mut [0; LONGEST], judge).await
}

/// An echo request, and what its answer has to have.
struct Request {
    bytes: [u8; HEADER + DATA],
    answer: u8,
}

impl Request {
    fn new(is_ipv6: bool, id: u32, token: u128) -> Self {
        let mut bytes = [b'.'; HEADER + DATA];
        let (question, answer) = if is_ipv6 { (128, 129) } else { (8, 0) };
        bytes[..4].copy_from_slice(&[question, 0, 0, 0]);
        bytes[4..8].copy_from_slice(&id.to_be_bytes());
        bytes[8..24].copy_from_slice(&token.to_be_bytes());
        if !is_ipv6 {
            // For IPv6 the kernel does it.
            let sum = checksum(&bytes);
            bytes[2..4].copy_from_slice(&sum.to_be_bytes());
        }
        Self { bytes, answer }
    }

    /// Where the socket is one for echoes, the kernel has put its own id there, and looked for it and at the checksum.
    fn is_answered_by(&self, kind: Kind, packet: &[u8]) -> bool {
        // An echo over IPv6 and an answer never begin like this.
        let header = match packet.first() {
            Some(first) if first >> 4 == 4 => usize::from(first & 0xf) * 4,
            _ => 0,
        };
        packet.get(header..).is_some_and(|echo| {
            echo.len() == self.bytes.len()
                && echo[..2] == [self.answer, 0]
                && echo[6..] == self.bytes[6..]
                && (kind == Kind::Ping || echo[4..6] == self.bytes[4..6])
                && (header == 0 || checksum(echo) == 0)
        })
    }
}

/// RFC 1071.
fn checksum(bytes: &[u8]) -> u16 {
    let words = bytes.chunks(2).map(|word| match *word {
        [high, low] => u32::from(u16::from_be_bytes([high, low])),
        [high] => u32::from(high) << 8,
        _ => 0,
    });
    let mut sum: u32 = words.sum();
    while sum >> 16 != 0 {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    u16::try_from(sum).map_or(0, |sum| !sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(request: &Request) -> Vec<u8> {
        let mut bytes = request.bytes.to_vec();
        bytes[0] = request.answer;
        bytes[2..4].fill(0);
        let sum = checksum(&bytes);
        bytes[2..4].copy_from_slice(&sum.to_be_bytes());
        bytes
    }

    /// As a raw socket shows it, with options in its header.
    fn with_header(echo: &[u8]) -> Vec<u8> {
        let mut packet = vec![0; 24];
        packet[0] = 0x46;
        packet.extend(echo);
        packet
    }

    #[test]
    fn the_checksum_of_a_request_is_right() {
        assert_eq!(checksum(&Request::new(false, 7, 9).bytes), 0);
    }

    #[test]
    fn only_its_own_answer_answers_a_request() {
        for (is_ipv6, kind) in
            [(false, Kind::Ping), (false, Kind::RawPing), (true, Kind::Ping), (true, Kind::RawPing)]
        {
            let request = Request::new(is_ipv6, 0x0001_0002, 3);
            let whole = answer(&request);
            assert!(request.is_answered_by(kind, &whole));
            assert!(!request.is_answered_by(kind, &request.bytes), "the request itself");
            for other in [Request::new(is_ipv6, 0x0001_0003, 3), Request::new(is_ipv6, 0x0001_0002, 4)] {
                assert!(!request.is_answered_by(kind, &answer(&other)));
            }
            for length in 0..whole.len() {
                assert!(!request.is_answered_by(kind, &whole[..length]), "{length} bytes of it");
            }
            assert!(!request.is_answered_by(kind, &[&whole[..], b"more"].concat()), "more of it");
            let mut code = whole;
            code[1] = 7;
            assert!(!request.is_answered_by(kind, &code), "another code");
        }
    }

    #[test]
    fn an_id_is_that_of_the_request_unless_the_kernel_has_put_its_own_there() {
        for is_ipv6 in [false, true] {
            let request = Request::new(is_ipv6, 0x0001_0002, 3);
            let other = answer(&Request::new(is_ipv6, 0x0007_0002, 3));
            assert!(request.is_answered_by(Kind::Ping, &other));
            assert!(!request.is_answered_by(Kind::RawPing, &other));
        }
    }

    #[test]
    fn the_header_of_ipv4_before_an_answer_is_passed_over() {
        let request = Request::new(false, 1, 2);
        let packet = with_header(&answer(&request));
        assert!(request.is_answered_by(Kind::RawPing, &packet));
        assert!(!request.is_answered_by(Kind::RawPing, &packet[..24]));
        assert!(!request.is_answered_by(Kind::RawPing, &[0x4f]));
    }

    #[test]
    fn behind_a_header_nobody_has_looked_at_the_checksum() {
        let request = Request::new(false, 1, 2);
        let mut echo = answer(&request);
        echo[2] ^= 1;
        assert!(!request.is_answered_by(Kind::RawPing, &with_header(&echo)));
    }
}
