//! DNS_CHECK and UDP_CHECK against servers on the loopback, good and bad.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod servers;

use checker::probe::{Resources, probe};
use checker::{
    Cause, Connection, DnsProbe, DnsType, Failure, LocalError, MaskedByte, Outcome, ProbeSpec, ReplySpec,
    Step, UdpProbe,
};
use servers::{HURRY, Server, Source, answer, free_udp_port, to};

async fn ask(connection: Connection) -> Outcome {
    named(connection, "example.com").await
}

async fn named(connection: Connection, name: &str) -> Outcome {
    probe(
        &ProbeSpec::Dns(DnsProbe { connection, record: DnsType::Soa, name: name.into() }.into()),
        &Resources::linked(None),
    )
    .await
}

fn hurried(server: &Server) -> Connection {
    Connection { timeout: HURRY.into(), ..to(server.target) }
}

/// The question as its own answer, with this response code.
fn answered(question: &[u8], code: u8) -> Vec<u8> {
    let mut answer = question.to_vec();
    answer[2] |= 0x80;
    answer[3] = 0x80 | code;
    answer
}

/// Answers that are none, each for its own reason.
fn no_answers(question: &[u8]) -> Vec<(Vec<u8>, Source)> {
    let good = answered(question, 0);
    let mut other_id = good.clone();
    other_id[0] ^= 1;
    vec![
        (other_id, Source::Server),
        (question.to_vec(), Source::Server),
        (good[..11].to_vec(), Source::Server),
        (vec![], Source::Server),
        (good, Source::Stranger),
    ]
}

#[tokio::test]
async fn a_name_server_that_answers_works_over_ipv4_and_ipv6() {
    for address in ["127.0.0.1", "::1"] {
        let server = answer(address, |question| vec![(answered(question, 0), Source::Server)]).await;
        assert_eq!(ask(to(server.target)).await, Outcome::Success, "{address}");
    }
}

#[tokio::test]
async fn a_response_code_is_a_failure() {
    for code in 1..16 {
        let server = answer("127.0.0.1", move |question| {
            vec![(answered(question, code), Source::Server), (answered(question, 0), Source::Server)]
        })
        .await;
        assert_eq!(ask(to(server.target)).await, Outcome::Failure(Failure::DnsCode(code)));
    }
    let text = [1, 2, 3, 4, 5, 9].map(|code| Failure::DnsCode(code).to_string());
    assert_eq!(text[2], "the DNS response code is 3 (NXDOMAIN)");
    assert_eq!(text[5], "the DNS response code is 9");
}

#[tokio::test]
async fn answers_to_others_and_from_others_are_passed_over() {
    let server = answer("127.0.0.1", |question| {
        let mut answers = no_answers(question);
        answers.push((answered(question, 0), Source::Server));
        answers
    })
    .await;
    assert_eq!(ask(to(server.target)).await, Outcome::Success);
    let server = answer("127.0.0.1", no_answers).await;
    assert_eq!(ask(hurried(&server)).await, Outcome::Failure(Failure::TimedOut));
}

#[tokio::test]
async fn a_long_answer_is_as_good_as_its_header() {
    let server = answer("127.0.0.1", |question| {
        vec![([answered(question, 0), vec![7; 3000]].concat(), Source::Server)]
    })
    .await;
    assert_eq!(ask(to(server.target)).await, Outcome::Success);
}

#[tokio::test]
async fn a_name_that_cannot_be_asked_for_says_nothing_of_the_server() {
    let target = free_udp_port("127.0.0.1");
    let error = LocalError { step: Step::Ask, cause: Cause::BadName };
    assert_eq!(named(to(target), "www..com").await, Outcome::Unknown(error));
}

#[tokio::test]
async fn a_refused_datagram_is_a_failure_at_once() {
    for address in ["127.0.0.1", "::1"] {
        let target = free_udp_port(address);
        assert_eq!(ask(to(target)).await, Outcome::Failure(Failure::Refused), "{address}");
        assert_eq!(send(to(target), None).await, Outcome::Failure(Failure::Refused), "{address}");
    }
}

async fn send(connection: Connection, reply: Option<ReplySpec>) -> Outcome {
    probe(
        &ProbeSpec::Udp(UdpProbe { connection, payload: Some(b"ping".to_vec()), reply }.into()),
        &Resources::linked(None),
    )
    .await
}

/// A reply that begins with the bytes, of which the low half of the first may be anything.
fn pattern(bytes: &[u8], least: u16, most: u16) -> ReplySpec {
    let mut pattern: Vec<_> = bytes.iter().map(|byte| MaskedByte { value: *byte, mask: 0xff }).collect();
    if let Some(first) = pattern.first_mut() {
        *first = MaskedByte { value: first.value & 0xf0, mask: 0xf0 };
    }
    ReplySpec { pattern, least, most }
}

async fn replying(reply: &'static [u8]) -> Server {
    answer("127.0.0.1", move |question| {
        assert_eq!(question, b"ping");
        vec![(reply.to_vec(), Source::Server)]
    })
    .await
}

#[tokio::test]
async fn silence_is_success_unless_a_reply_is_required() {
    let server = answer("127.0.0.1", |_| vec![]).await;
    assert_eq!(send(hurried(&server), None).await, Outcome::Success);
    let any = pattern(b"", 0, 255);
    assert_eq!(send(hurried(&server), Some(any)).await, Outcome::Failure(Failure::TimedOut));
}

#[tokio::test]
async fn any_reply_will_do_where_none_is_described() {
    for reply in [&b""[..], b"x", &[7; 1500]] {
        let server = replying(reply).await;
        assert_eq!(send(to(server.target), None).await, Outcome::Success);
        assert_eq!(send(to(server.target), Some(pattern(b"", 5, 255))).await, Outcome::Success);
    }
}

#[tokio::test]
async fn a_reply_is_compared_as_far_as_it_goes_and_within_its_lengths() {
    let wrong = Outcome::Failure(Failure::WrongReply);
    let length = |length| Outcome::Failure(Failure::ReplyLength(length));
    for (reply, least, most, is) in [
        (&b"pong"[..], 0, 255, Outcome::Success),
        (b"qong", 0, 255, Outcome::Success),
        (b"aong", 0, 255, wrong),
        (b"ping", 0, 255, wrong),
        (b"pong and more", 0, 255, Outcome::Success),
        (b"po", 0, 255, Outcome::Success),
        (b"", 0, 255, Outcome::Success),
        (b"po", 3, 255, length(2)),
        (b"pong!", 0, 4, length(5)),
        (b"pong", 4, 4, Outcome::Success),
        // No more is read than shows that it is too much.
        (b"pong and very much more", 0, 8, length(9)),
    ] {
        let server = replying(reply).await;
        assert_eq!(send(to(server.target), Some(pattern(b"pong", least, most))).await, is, "{reply:?}");
    }
}

#[tokio::test]
async fn the_first_reply_decides_and_that_of_another_is_none() {
    let server = answer("127.0.0.1", |_| {
        vec![
            (b"other".to_vec(), Source::Stranger),
            (b"wrong".to_vec(), Source::Server),
            (b"pong".to_vec(), Source::Server),
        ]
    })
    .await;
    let reply = Some(pattern(b"pong", 0, 255));
    assert_eq!(send(to(server.target), reply).await, Outcome::Failure(Failure::WrongReply));
}
