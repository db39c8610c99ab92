//! `DNS_CHECK`: does a name server answer a question?
//!
//! The question is keepalived's, byte for byte but for its random id: recursion desired, class IN, no EDNS. As there
//! (2.2.7, measured), an answer counts that comes from the server, has the id of the question and says that it is an
//! answer; everything else is waited past. Its response code decides, whatever else it holds, truncated or not.

use std::ops::ControlFlow;

use super::connect::Kind;
use super::datagram;
use crate::outcome::{Cause, Failure, LocalError, Outcome, Step};
use crate::spec::{DnsProbe, DnsType};

/// Length of the header of a message (RFC 1035 4.1.1), which is all that is looked at.
const HEADER: usize = 12;

/// Asks once.
pub(super) async fn probe(spec: &DnsProbe) -> Outcome {
    let id = fastrand::u16(..);
    let Some(question) = question(id, spec.record, &spec.name) else {
        return Outcome::Unknown(LocalError { step: Step::Ask, cause: Cause::BadName });
    };
    let judge = |_: Kind, answer: &[u8]| match response_code(id, answer) {
        Some(0) => ControlFlow::Break(Outcome::Success),
        Some(code) => ControlFlow::Break(Outcome::Failure(Failure::DnsCode(code))),
        None => ControlFlow::Continue(()),
    };
    datagram::ask(&spec.connection, Kind::Udp, &question, &mut [0; HEADER], judge).await
}

/// The message that asks (RFC 1035 4.1); `None` if the name cannot be written.
fn question(id: u16, record: DnsType, name: &str) -> Option<Vec<u8>> {
    let mut message = Vec::with_capacity(HEADER + name.len() + 6);
    message.extend(id.to_be_bytes());
    message.extend([0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 0]);
    let name = name.strip_suffix('.').unwrap_or(name);
    for label in name.split('.').filter(|_| !name.is_empty()) {
        let length = u8::try_from(label.len()).ok().filter(|length| (1..=63).contains(length))?;
        message.push(length);
        message.extend(label.as_bytes());
    }
    message.push(0);
    if message.len() - HEADER > 255 {
        return None;
    }
    message.extend(record.number().to_be_bytes());
    message.extend([0, 1]);
    Some(message)
}

/// The response code of an answer to our question; `None` if it is none.
fn response_code(id: u16, message: &[u8]) -> Option<u8> {
    let header: &[u8; HEADER] = message.first_chunk()?;
    let is_answer = header[2] & 0x80 != 0;
    (header[..2] == id.to_be_bytes() && is_answer).then_some(header[3] & 0x0f)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(name: &str) -> Option<Vec<u8>> {
        let message = question(7, DnsType::Soa, name)?;
        Some(message[HEADER..message.len() - 4].to_vec())
    }

    #[test]
    fn the_question_is_keepalived_s() {
        // Captured from 2.2.7: `type A`, `name www.example.com`.
        let captured = b"\x17\x12\x01\0\0\x01\0\0\0\0\0\0\x03www\x07example\x03com\0\0\x01\0\x01";
        assert_eq!(question(0x1712, DnsType::A, "www.example.com").unwrap(), captured);
        assert_eq!(question(0x1712, DnsType::A, "www.example.com.").unwrap(), captured);
    }

    #[test]
    fn the_root_has_no_label() {
        assert_eq!(name("").unwrap(), [0]);
        assert_eq!(name(".").unwrap(), [0]);
    }

    #[test]
    fn a_name_that_does_not_fit_is_not_asked_for() {
        let label = "a".repeat(63);
        let full = [&label[..], &label, &label, &label[..61]].join(".");
        assert_eq!(name(&full).unwrap().len(), 255);
        for bad in ["www..com", "..", ".com", &format!("{full}a"), &"a".repeat(64)] {
            assert_eq!(name(bad), None, "{bad}");
        }
    }

    #[test]
    fn only_a_whole_header_with_our_id_is_an_answer() {
        let answer = b"\0\x07\x81\x83\0\0\0\0\0\0\0\0";
        assert_eq!(response_code(7, answer), Some(3));
        assert_eq!(response_code(8, answer), None);
        assert_eq!(response_code(7, &answer[..11]), None);
        assert_eq!(response_code(7, b"\0\x07\x01\0\0\0\0\0\0\0\0\0"), None, "a question");
    }
}
