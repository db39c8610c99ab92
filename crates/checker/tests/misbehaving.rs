//! Every check that talks over TCP against every way in which a server can misbehave: the verdict is a failure with its reason,
//! and it comes in time.
//!
//! What a check sees of a server that leaves depends on which comes first, its own bytes or the end: both are named then.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod servers;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use checker::probe::{Resources, probe};
use checker::{
    AmqpProbe, Connection, Failure, GrpcProbe, Outcome, PageFault, ProbeSpec, SmtpProbe, SmtpStep,
    TlsCheckSpec, TlsFault,
};
use servers::{HURRY, PATIENCE, serve, to};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Tcp,
    Http,
    Ssl,
    Smtp,
    Amqp,
    Grpc,
    GrpcTls,
}
use Kind::*;

const KINDS: [Kind; 7] = [Tcp, Http, Ssl, Smtp, Amqp, Grpc, GrpcTls];

impl Kind {
    fn spec(self, target: SocketAddr, timeout: Duration) -> ProbeSpec {
        let connection = Connection { timeout: timeout.into(), ..to(target) };
        let page = |tls| {
            let mut page = servers::page(connection.clone());
            (page.tls, page.urls[0].digest) = (tls, Some([0; 16]));
            page
        };
        let call =
            |tls| GrpcProbe { connection: connection.clone(), service: String::new(), authority: None, tls };
        match self {
            Tcp => ProbeSpec::Tcp(connection),
            Http => ProbeSpec::Http(page(false).into()),
            Ssl => ProbeSpec::Http(page(true).into()),
            Smtp => ProbeSpec::Smtp(SmtpProbe { connection, helo: "checker.example".into() }.into()),
            Amqp => ProbeSpec::Amqp(AmqpProbe { connection, login: None }.into()),
            Grpc => ProbeSpec::Grpc(call(None).into()),
            GrpcTls => ProbeSpec::Grpc(call(Some(TlsCheckSpec::default())).into()),
        }
    }
}

/// What a server does with a connection, whatever is said to it.
#[derive(Clone, Debug)]
enum Act {
    /// Says this and then nothing, and keeps the connection.
    Say(Vec<u8>),
    /// Says this once and then that without end, as fast as it is taken.
    Flood(Vec<u8>, Vec<u8>),
    /// Says this once and then that without end, byte by byte.
    Drip(Vec<u8>, Vec<u8>),
    Closes,
    HalfCloses,
    Resets,
}
use Act::*;

async fn act(mut stream: TcpStream, act: Act) -> std::io::Result<()> {
    match act {
        Say(bytes) => stream.write_all(&bytes).await?,
        Flood(first, again) => {
            stream.write_all(&first).await?;
            loop {
                stream.write_all(&again).await?;
            }
        }
        Drip(first, again) => {
            stream.set_nodelay(true)?;
            stream.write_all(&first).await?;
            for byte in again.iter().cycle() {
                stream.write_all(&[*byte]).await?;
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
        Closes => return Ok(()),
        HalfCloses => stream.shutdown().await?,
        Resets => return stream.set_zero_linger(),
    }
    while stream.read(&mut [0; 1000]).await? > 0 {}
    Ok(())
}

/// The verdict, and that it came within the time that the check has in all: ten times `timeout` for a page, less for the
/// others.
async fn verdict(kind: Kind, behaviour: Act, timeout: Duration) -> Outcome {
    let server = serve(move |stream| {
        let behaviour = behaviour.clone();
        // The other side may leave at any time.
        async move { drop(act(stream, behaviour).await) }
    })
    .await;
    let begin = Instant::now();
    let outcome = probe(&kind.spec(server.target, timeout), &Resources::linked(None)).await;
    assert!(begin.elapsed() < timeout * 10 + PATIENCE, "{kind:?}: {:?}", begin.elapsed());
    outcome
}

fn page(fault: impl Into<PageFault>) -> Outcome {
    Outcome::Failure(Failure::Page { url: 0, fault: fault.into() })
}

fn failed(failure: Failure) -> Outcome {
    Outcome::Failure(failure)
}

/// A fault of TLS, as each kind tells it.
fn tls(kind: Kind, fault: TlsFault) -> Outcome {
    if kind == Ssl { page(fault) } else { failed(Failure::Tls(fault)) }
}

/// Nothing comes that would be an answer.
fn timed_out(kind: Kind) -> Outcome {
    match kind {
        Tcp => Outcome::Success,
        Http | Ssl => page(PageFault::TimedOut),
        Smtp | Amqp | Grpc | GrpcTls => failed(Failure::TimedOut),
    }
}

/// The connection ends before there was an answer.
fn ended(kind: Kind) -> Vec<Outcome> {
    match kind {
        // It was there.
        Tcp => vec![Outcome::Success, failed(Failure::Reset)],
        Http => vec![page(PageFault::ClosedEarly), page(PageFault::Reset)],
        Ssl => vec![page(TlsFault::ClosedEarly), page(PageFault::Reset)],
        Smtp | Amqp | Grpc => vec![failed(Failure::Closed), failed(Failure::Reset)],
        GrpcTls => vec![failed(Failure::Tls(TlsFault::ClosedEarly)), failed(Failure::Reset)],
    }
}

#[tokio::test]
async fn a_server_that_takes_connections_and_says_nothing_is_down_after_the_timeout() {
    for kind in KINDS {
        assert_eq!(verdict(kind, Say(vec![]), HURRY).await, timed_out(kind), "{kind:?}");
    }
}

#[tokio::test]
async fn a_server_that_resets_or_closes_or_half_closes_is_down_at_once() {
    for kind in KINDS {
        for behaviour in [Resets, Closes, HalfCloses] {
            let outcome = verdict(kind, behaviour.clone(), PATIENCE).await;
            assert!(ended(kind).contains(&outcome), "{kind:?}, {behaviour:?}: {outcome:?}");
        }
    }
}

#[tokio::test]
async fn garbage_is_no_answer_whether_it_drips_or_floods() {
    let garbage = b"\xff\xffx\r\n garbage".to_vec();
    for kind in KINDS {
        for behaviour in [Drip(vec![], garbage.clone()), Flood(vec![], garbage.repeat(500))] {
            let floods = matches!(behaviour, Flood(..));
            let expected = match kind {
                Tcp => vec![Outcome::Success],
                Http if floods => vec![page(PageFault::HeadTooLong)],
                Http => vec![page(PageFault::Endless)],
                Ssl | GrpcTls => vec![tls(kind, TlsFault::NotTls)],
                Smtp => vec![failed(Failure::NotSmtp(SmtpStep::Greeting))],
                Amqp => vec![failed(Failure::NotAmqp)],
                Grpc => vec![failed(Failure::NotGrpc)],
            };
            let outcome = verdict(kind, behaviour.clone(), HURRY).await;
            assert!(expected.contains(&outcome), "{kind:?}, {behaviour:?}: {outcome:?}");
        }
    }
}

#[tokio::test]
async fn a_page_whose_head_or_body_has_no_end_is_given_up() {
    let head = b"HTTP/1.0 200 OK\r\n".to_vec();
    let field = b"X-Field: value\r\n".to_vec();
    let body = b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n".to_vec();
    let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for (behaviour, fault) in [
        (Flood(head.clone(), field.repeat(500)), PageFault::HeadTooLong),
        (Flood(head.clone(), vec![b'x'; 8192]), PageFault::HeadTooLong),
        (Drip(head, field), PageFault::Endless),
        (Flood(body.clone(), vec![b'x'; 8192]), PageFault::Endless),
        (Drip(body, vec![b'x']), PageFault::Endless),
        (Flood(chunked, b"1\r\nx\r\n".repeat(1000)), PageFault::Endless),
    ] {
        assert_eq!(verdict(Http, behaviour.clone(), HURRY).await, page(fault), "{behaviour:?}");
    }
}

#[tokio::test]
async fn a_greeting_without_end_is_given_up() {
    for (behaviour, failure) in [
        (Flood(vec![], b"220-more\r\n".repeat(100)), Failure::TooLong),
        (Flood(b"220 ".to_vec(), vec![b'x'; 8192]), Failure::TooLong),
        (Drip(vec![], b"220-more\r\n".to_vec()), Failure::TimedOut),
        (Drip(b"220 ".to_vec(), vec![b'x']), Failure::TimedOut),
        // Each step has its own time, and each is bounded.
        (Flood(b"220 hello\r\n".to_vec(), b"250-more\r\n".repeat(100)), Failure::TooLong),
        (Drip(b"220 hello\r\n250 ok\r\n".to_vec(), b"221-more\r\n".to_vec()), Failure::TimedOut),
    ] {
        assert_eq!(verdict(Smtp, behaviour.clone(), HURRY).await, failed(failure), "{behaviour:?}");
    }
}

#[tokio::test]
async fn frames_of_amqp_without_end_are_given_up() {
    let heartbeat = [8, 0, 0, 0, 0, 0, 0, 0xce];
    // A method that is longer than anybody's first word, and one that never gets its end.
    let (huge, slow) = ([1, 0, 0, 0x7f, 0xff, 0xff, 0xff], [1, 0, 0, 0, 0, 0x20, 0]);
    for (behaviour, failure) in [
        (Flood(vec![], heartbeat.repeat(1000)), Failure::TimedOut),
        (Drip(vec![], heartbeat.to_vec()), Failure::TimedOut),
        (Flood(huge.to_vec(), vec![0; 8192]), Failure::TooLong),
        (Drip(slow.to_vec(), vec![0]), Failure::TimedOut),
        (Flood(slow.to_vec(), vec![0; 8192]), Failure::NotAmqp),
    ] {
        assert_eq!(verdict(Amqp, behaviour.clone(), HURRY).await, failed(failure), "{behaviour:?}");
    }
}

/// A frame of HTTP/2 (RFC 9113 4.1).
fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let [_, _, a, b] = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&[0, a, b, kind, flags, 0, 0, 0, stream], payload].concat()
}

#[tokio::test]
async fn frames_of_http_2_without_end_are_given_up() {
    let settings = frame(4, 0, 0, &[]);
    let ok = frame(1, 4, 1, b"\x88");
    for (what, behaviour) in [
        ("settings", Flood(vec![], settings.repeat(500))),
        ("pings", Flood(settings.clone(), frame(6, 0, 0, &[7; 8]).repeat(500))),
        ("window updates", Flood(settings.clone(), frame(8, 0, 0, &[0, 0, 0, 1]).repeat(500))),
        ("unknown frames", Flood(settings.clone(), frame(0x7f, 0, 0, &[7; 8000]).repeat(10))),
        (
            "a head without end",
            Flood([settings.clone(), frame(1, 0, 1, b"\x88")].concat(), frame(9, 0, 1, &[0x88; 8000])),
        ),
        (
            "a body beyond the window",
            Flood([settings.clone(), ok.clone()].concat(), frame(0, 0, 1, &[0; 8000])),
        ),
        (
            "heads before the one that counts",
            Flood(settings.clone(), frame(1, 4, 1, b"\x08\x03100").repeat(500)),
        ),
        ("heads of streams that nobody has", Flood(settings.clone(), frame(1, 4, 3, b"\x88").repeat(500))),
        ("empty pieces of a body", Flood([settings.clone(), ok].concat(), frame(0, 0, 1, &[]).repeat(500))),
        (
            "streams that nobody asked for",
            Flood(settings.clone(), frame(5, 4, 1, b"\0\0\0\x02\x88").repeat(500)),
        ),
        ("a frame that drips", Drip(settings, frame(6, 0, 0, &[7; 8]))),
    ] {
        let outcome = verdict(Grpc, behaviour, HURRY).await;
        println!("{what}: {outcome:?}");
        assert!(matches!(outcome, Outcome::Failure(_)), "{what}: {outcome:?}");
    }
}

/// A record of TLS (RFC 8446 5.1).
fn record(kind: u8, version: u8, payload: &[u8]) -> Vec<u8> {
    let [high, low] = u16::try_from(payload.len()).unwrap().to_be_bytes();
    [&[kind, 3, version, high, low], payload].concat()
}

/// The first word of a server of this version, which knows how to renegotiate (RFC 5746).
fn server_hello(version: u8) -> Vec<u8> {
    const RENEGOTIATION_INFO: [u8; 7] = [0, 5, 0xff, 1, 0, 1, 0];
    let begin = [2, 0, 0, 38 + 7, 3, version];
    record(22, version, &[&begin[..], &[7; 32], &[0, 0, 0x2f, 0], &RENEGOTIATION_INFO].concat())
}

#[tokio::test]
async fn a_handshake_that_goes_wrong_is_a_failure_with_its_reason() {
    const HANDSHAKE_FAILURE: u8 = 40;
    let hello = server_hello(3);
    for kind in [Ssl, GrpcTls] {
        for (what, behaviour, expected) in [
            ("another protocol", Say(b"220 mail.example\r\n".to_vec()), tls(kind, TlsFault::NotTls)),
            (
                "an alert",
                Say(record(21, 3, &[2, HANDSHAKE_FAILURE])),
                tls(kind, TlsFault::Alert(HANDSHAKE_FAILURE)),
            ),
            (
                "a version that nobody allows any more",
                Say(server_hello(0)),
                tls(kind, TlsFault::NothingInCommon),
            ),
            ("it stalls before its first record ends", Say(hello[..20].to_vec()), timed_out(kind)),
            ("it stalls after its first record", Say(hello.clone()), timed_out(kind)),
            ("it drips", Drip(vec![22, 3, 3, 0x40, 0, 11, 0, 0x3f, 0xfc], vec![0]), timed_out(kind)),
        ] {
            assert_eq!(verdict(kind, behaviour, HURRY).await, expected, "{kind:?}: {what}");
        }
        for (what, behaviour) in [
            (
                "a message without end",
                Flood(hello.clone(), record(22, 3, &[&[11, 0xff, 0xff, 0xff][..], &[0; 8000]].concat())),
            ),
            ("empty records", Flood(hello.clone(), record(22, 3, &[]).repeat(1000))),
            ("warnings without end", Flood(vec![], record(21, 3, &[1, 90]).repeat(500))),
        ] {
            let outcome = verdict(kind, behaviour, HURRY).await;
            println!("{kind:?}: {what}: {outcome:?}");
            assert!(matches!(outcome, Outcome::Failure(_)), "{kind:?}: {what}: {outcome:?}");
        }
    }
}
