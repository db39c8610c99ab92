//! HTTP_GET and SSL_GET against a server on the loopback that misbehaves in each way.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod servers;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use checker::probe::{Resources, probe};
use checker::{
    Cause, Failure, HttpProbe, LocalError, Outcome, PageFault, ProbeSpec, RegexSpec, Step, TlsCheckSpec,
    TlsFault, TlsSpec, UrlSpec,
};
use openssl::ssl::{Ssl, SslAcceptor, SslMethod, SslOptions, SslVerifyMode, SslVersion};
use servers::{certificate, to};
use std::pin::Pin;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_openssl::SslStream;

const OK: &str = "HTTP/1.0 200 OK\r\n";
const MD5_OF_HELLO: &str = "5d41402abc4b2a76b9719d911017c592";

/// What the server does once it has read a request.
#[derive(Clone)]
enum Act {
    Send(Vec<u8>),
    /// The same piece for ever.
    Flood(Vec<u8>),
    /// The same byte, once every so often, for ever.
    Drip(u8, Duration),
    /// Nothing, until the other side leaves.
    Hold,
    Reset,
}

fn send(text: impl Into<Vec<u8>>) -> Act {
    Act::Send(text.into())
}

async fn perform<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, acts: &[Act]) -> std::io::Result<()> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        request.push(stream.read_u8().await?);
    }
    for act in acts {
        match act {
            Act::Send(bytes) => stream.write_all(bytes).await?,
            Act::Flood(bytes) => loop {
                stream.write_all(bytes).await?;
            },
            Act::Drip(byte, pause) => loop {
                stream.write_all(&[*byte]).await?;
                tokio::time::sleep(*pause).await;
            },
            Act::Hold => drop(stream.read(&mut [0]).await?),
            Act::Reset => {}
        }
    }
    Ok(())
}

/// A server that does the same for everyone.
async fn server(acts: Vec<Act>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let acts = acts.clone();
            tokio::spawn(async move {
                if acts.iter().any(|act| matches!(act, Act::Reset)) {
                    socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
                }
                // The other side may leave at any time.
                let _ = perform(&mut stream, &acts).await;
            });
        }
    });
    address
}

fn page(target: SocketAddr) -> HttpProbe {
    servers::page(to(target))
}

fn impatient(mut http: HttpProbe) -> HttpProbe {
    http.connection.timeout = Duration::from_millis(200).into();
    http
}

fn digest(mut http: HttpProbe, digest: &str) -> HttpProbe {
    let byte = |at: usize| u8::from_str_radix(&digest[at..at + 2], 16).unwrap();
    http.urls[0].digest = Some(std::array::from_fn(|index| byte(2 * index)));
    http
}

fn regex(mut http: HttpProbe, pattern: &str) -> HttpProbe {
    http.urls[0].regex = Some(RegexSpec {
        pattern: pattern.into(),
        no_match: false,
        options: std::collections::BTreeSet::new(),
        min_offset: 0,
        max_offset: None,
        stack: None,
    });
    http
}

async fn ask(http: HttpProbe) -> Outcome {
    probe(&ProbeSpec::Http(http.into()), &Resources::linked(None)).await
}

fn wrong(fault: PageFault) -> Outcome {
    Outcome::Failure(Failure::Page { url: 0, fault })
}

#[tokio::test]
async fn each_answer_has_the_verdict_that_keepalived_gives_it() {
    for (answer, expected) in [
        (format!("{OK}\r\nhello"), Outcome::Success),
        (format!("{OK}Content-Length: 50\r\n\r\nhello"), Outcome::Success),
        (format!("{OK}Content-Length: 3\r\n\r\nhello"), Outcome::Success),
        ("ICY 200 OK\r\n\r\n".into(), Outcome::Success),
        ("HTTP/1.0 302 x\r\nLocation: /\r\n\r\n".into(), wrong(PageFault::Status(302))),
        ("HTTP/1.0 404 x\r\n\r\n".into(), wrong(PageFault::Status(404))),
        ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n".into(), wrong(PageFault::Status(100))),
        ("HTTP/1.0 200\r\n\r\n".into(), wrong(PageFault::NoStatus)),
        ("garbage\r\n\r\n".into(), wrong(PageFault::NoStatus)),
        ("HTTP/1.0 200 OK\n\nhello".into(), wrong(PageFault::ClosedEarly)),
        (OK.into(), wrong(PageFault::ClosedEarly)),
        (String::new(), wrong(PageFault::ClosedEarly)),
        (format!("{OK}X: {}\r\n\r\nhello", "y".repeat(3900)), Outcome::Success),
        (format!("{OK}X: {}\r\n\r\nhello", "y".repeat(8000)), wrong(PageFault::HeadTooLong)),
    ] {
        let address = server(vec![send(answer.clone())]).await;
        assert_eq!(ask(page(address)).await, expected, "{answer}");
    }
}

#[tokio::test]
async fn digest_and_pattern_both_have_to_be_right() {
    let address = server(vec![send(format!("{OK}\r\nhel")), send("lo")]).await;
    let mut other = [0; 16];
    for (at, byte) in other.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&MD5_OF_HELLO[2 * at..2 * at + 2], 16).unwrap();
    }
    let zeros = "0".repeat(32);
    for (wanted, pattern, expected) in [
        (MD5_OF_HELLO, "ell", Outcome::Success),
        (MD5_OF_HELLO, "nope", wrong(PageFault::NotFound)),
        (&zeros, "ell", wrong(PageFault::Digest(other))),
    ] {
        assert_eq!(ask(regex(digest(page(address), wanted), pattern)).await, expected);
    }
}

#[tokio::test]
async fn a_chunked_body_is_digested_with_its_chunk_lines() {
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    let address = server(vec![send(chunked)]).await;
    assert_eq!(ask(digest(page(address), "79e9489e3bd3f0cb0158215341de046d")).await, Outcome::Success);
}

#[tokio::test]
async fn a_server_that_goes_silent_is_given_up_after_the_timeout() {
    for acts in [
        vec![Act::Hold],
        vec![send(OK), Act::Hold],
        vec![send(format!("{OK}Content-Length: 5\r\n\r\nhello")), Act::Hold],
    ] {
        let address = server(acts).await;
        assert_eq!(ask(impatient(page(address))).await, wrong(PageFault::TimedOut));
    }
}

#[tokio::test]
async fn a_body_that_drips_for_ever_is_given_up() {
    let address = server(vec![send(format!("{OK}\r\n")), Act::Drip(b'x', Duration::from_millis(5))]).await;
    assert_eq!(ask(impatient(page(address))).await, wrong(PageFault::Endless));
}

#[tokio::test]
async fn a_head_and_a_body_without_end_are_given_up() {
    let address = server(vec![send(OK), Act::Flood(b"X: y\r\n".repeat(1000))]).await;
    assert_eq!(ask(page(address)).await, wrong(PageFault::HeadTooLong));
    let address = server(vec![send(format!("{OK}\r\n")), Act::Flood(vec![b'x'; 8192])]).await;
    assert_eq!(ask(regex(impatient(page(address)), "y")).await, wrong(PageFault::Endless));
}

#[tokio::test]
async fn a_reset_after_the_body_is_a_failure() {
    let address = server(vec![send(format!("{OK}\r\nhello")), Act::Reset]).await;
    let outcome = ask(page(address)).await;
    assert_eq!(outcome, wrong(PageFault::Reset));
}

#[tokio::test]
async fn a_pattern_that_is_none_cannot_be_asked_for() {
    let address = server(vec![send(format!("{OK}\r\nhello"))]).await;
    let error = LocalError { step: Step::Pattern, cause: Cause::Pattern(4) };
    assert_eq!(ask(regex(page(address), "hel(")).await, Outcome::Unknown(error));
}

#[tokio::test]
async fn the_page_that_fails_is_named() {
    let address = server(vec![send(format!("{OK}\r\nhello"))]).await;
    let mut http = page(address);
    http.urls.push(UrlSpec { status: vec![(404, 404)], ..http.urls[0].clone() });
    let outcome = ask(http).await;
    assert_eq!(outcome, Outcome::Failure(Failure::Page { url: 1, fault: PageFault::Status(200) }));
    let Outcome::Failure(failure) = outcome else { panic!("{outcome:?}") };
    assert_eq!(failure.to_string(), "page 2: status code 200");
}

/// The alert of a server that does not speak the versions that it is offered (RFC 8446 section 6).
const PROTOCOL_VERSION: u8 = 70;

/// A certificate that signs itself, for a name, and its key: in files, and for a server.
struct Identity {
    folder: tempfile::TempDir,
    acceptor: Arc<SslAcceptor>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum TlsVersions {
    Ordinary,
    /// TLS 1.0 and nothing else.
    OnlyOld,
}

impl Identity {
    fn new(name: &str, insists: bool) -> Self {
        Self::valid(name, insists, 0, TlsVersions::Ordinary)
    }

    /// Valid from so many days from now on, for nine days.
    fn valid(name: &str, insists: bool, from: i64, versions: TlsVersions) -> Self {
        let (key, certificate) = certificate::self_signed(name, from);
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("c.pem"), certificate.to_pem().unwrap()).unwrap();
        let pem = key.private_key_to_pem_pkcs8_passphrase(openssl::symm::Cipher::aes_256_cbc(), b"secret");
        std::fs::write(folder.path().join("k.pem"), pem.unwrap()).unwrap();
        let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls()).unwrap();
        acceptor.set_private_key(&key).unwrap();
        acceptor.set_certificate(&certificate).unwrap();
        if versions == TlsVersions::OnlyOld {
            acceptor.set_min_proto_version(Some(SslVersion::TLS1)).unwrap();
            acceptor.set_max_proto_version(Some(SslVersion::TLS1)).unwrap();
            acceptor.clear_options(SslOptions::NO_TLSV1);
            acceptor.set_cipher_list("ALL:@SECLEVEL=0").unwrap();
        }
        if insists {
            acceptor.cert_store_mut().add_cert(certificate).unwrap();
            acceptor.set_verify(SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT);
        }
        Self { folder, acceptor: Arc::new(acceptor.build()) }
    }

    fn file(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    /// A server that ends its answer with or without notice.
    async fn server(&self, notice: bool) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let acceptor = Arc::clone(&self.acceptor);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let ssl = Ssl::new(acceptor.context()).unwrap();
                let mut stream = SslStream::new(ssl, stream).unwrap();
                if Pin::new(&mut stream).accept().await.is_ok() {
                    let _ = perform(&mut stream, &[send(format!("{OK}\r\nhello"))]).await;
                    if notice {
                        let _ = stream.shutdown().await;
                    }
                }
            }
        });
        address
    }
}

fn over_tls(target: SocketAddr) -> HttpProbe {
    HttpProbe { tls: true, ..digest(page(target), MD5_OF_HELLO) }
}

#[tokio::test]
async fn over_tls_a_certificate_is_not_looked_at_unless_that_is_asked_for() {
    let identity = Identity::new("web.example", false);
    let address = identity.server(true).await;
    let verified = |ca, name: &str| {
        let name = Some(name.to_owned());
        HttpProbe {
            tls_check: TlsCheckSpec { verify: true, ca, name, ..TlsCheckSpec::default() },
            ..over_tls(address)
        }
    };
    assert_eq!(ask(over_tls(address)).await, Outcome::Success);
    assert_eq!(ask(verified(Some(identity.file("c.pem")), "web.example")).await, Outcome::Success);
    let other_name = wrong(PageFault::Tls(TlsFault::OtherName));
    assert_eq!(ask(verified(Some(identity.file("c.pem")), "other.example")).await, other_name);
    assert_eq!(ask(verified(None, "web.example")).await, wrong(PageFault::Tls(TlsFault::Untrusted)));
    let unprepared = LocalError { step: Step::Tls, cause: Cause::Certificate };
    assert_eq!(ask(verified(Some("/none".into()), "web.example")).await, Outcome::Unknown(unprepared));
}

#[tokio::test]
async fn a_certificate_that_is_not_valid_now_is_a_failure_where_certificates_count() {
    for from in [-20, 20] {
        let identity = Identity::valid("web.example", false, from, TlsVersions::Ordinary);
        let address = identity.server(true).await;
        let check = TlsCheckSpec {
            verify: true,
            ca: Some(identity.file("c.pem")),
            name: Some("web.example".into()),
            ..TlsCheckSpec::default()
        };
        let verified = HttpProbe { tls_check: check, ..over_tls(address) };
        assert_eq!(
            ask(verified).await,
            wrong(PageFault::Tls(TlsFault::Expired)),
            "from {from} days from now on"
        );
        assert_eq!(ask(over_tls(address)).await, Outcome::Success);
    }
}

#[tokio::test]
async fn a_server_that_knows_only_tls_1_0_has_nothing_in_common_with_the_library() {
    let identity = Identity::valid("web.example", false, 0, TlsVersions::OnlyOld);
    let address = identity.server(true).await;
    let outcome = ask(over_tls(address)).await;
    // Which side refuses depends on what the library's own configuration allows.
    let refusals =
        [TlsFault::NothingInCommon, TlsFault::Alert(PROTOCOL_VERSION)].map(|fault| wrong(fault.into()));
    assert!(refusals.contains(&outcome), "{outcome:?}");
}

#[tokio::test]
async fn a_connection_that_ends_without_notice_is_a_failure_only_where_that_is_asked_for() {
    let identity = Identity::new("web.example", false);
    let (polite, rude) = (identity.server(true).await, identity.server(false).await);
    let compliant = |address| {
        let mut http = over_tls(address);
        http.urls[0].tls_compliant = true;
        http
    };
    assert_eq!(ask(over_tls(rude)).await, Outcome::Success);
    assert_eq!(ask(compliant(polite)).await, Outcome::Success);
    assert_eq!(ask(compliant(rude)).await, wrong(PageFault::Tls(TlsFault::NoNotice)));
}

#[tokio::test]
async fn the_certificate_of_the_configuration_is_shown_with_a_key_under_a_password() {
    let identity = Identity::new("web.example", true);
    let address = identity.server(true).await;
    let spec = TlsSpec {
        certificate: Some(identity.file("c.pem")),
        key: Some(identity.file("k.pem")),
        password: Some("secret".into()),
        ca: None,
    };
    let shown = probe(&ProbeSpec::Http(over_tls(address).into()), &Resources::linked(Some(&spec))).await;
    assert_eq!(shown, Outcome::Success);
    assert!(matches!(ask(over_tls(address)).await, Outcome::Failure(Failure::Page { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_slow_handshake_is_part_of_the_time_that_a_page_has() {
    let seconds = Duration::from_secs;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let acceptor = Arc::clone(&Identity::new("web.example", false).acceptor);
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        // No time goes by in which the kernel would send what it holds back.
        stream.set_nodelay(true).unwrap();
        tokio::time::sleep(seconds(9)).await;
        let mut stream = SslStream::new(Ssl::new(acceptor.context()).unwrap(), stream).unwrap();
        Pin::new(&mut stream).accept().await.unwrap();
        let _ = perform(&mut stream, &[send(format!("{OK}\r\n")), Act::Drip(b'x', seconds(9))]).await;
    });
    let mut slow = over_tls(address);
    slow.connection.timeout = seconds(10).into();
    let begin = tokio::time::Instant::now();
    assert_eq!(ask(slow).await, wrong(PageFault::Endless));
    assert_eq!(begin.elapsed().as_secs(), 100);
}

#[tokio::test]
async fn what_does_not_speak_tls_is_a_failure() {
    let address = server(vec![send("HTTP/1.0 400 Bad Request\r\n\r\n")]).await;
    // The server waits for an end of the head that a handshake does not have.
    assert_eq!(ask(impatient(over_tls(address))).await, wrong(PageFault::TimedOut));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"HTTP/1.0 400 Bad Request\r\n\r\n").await.unwrap();
        let _ = stream.read(&mut [0; 4096]).await;
    });
    assert_eq!(ask(over_tls(address)).await, wrong(PageFault::Tls(TlsFault::NotTls)));
}
