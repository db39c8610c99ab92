//! GRPC_CHECK against servers on the loopback, good and bad.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod servers;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use checker::probe::{Resources, probe};
use checker::{
    Connection, Failure, GrpcHealth, GrpcProbe, GrpcStatus, Outcome, ProbeSpec, TlsCheckSpec, TlsFault,
};
use h2::server::SendResponse;
use http::{HeaderMap, Request, Response};
use openssl::ssl::{AlpnError, Ssl, SslAcceptor, SslContext, SslMethod};
use openssl::x509::X509;
use servers::{HURRY, Server, certificate, closed_port, serve, to};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_openssl::SslStream;

fn grpc(connection: Connection) -> GrpcProbe {
    GrpcProbe { connection, service: String::new(), authority: None, tls: None }
}

async fn ask(spec: GrpcProbe) -> Outcome {
    probe(&ProbeSpec::Grpc(Box::new(spec)), &Resources::linked(None)).await
}

/// What a server does with a request after it has read all of it.
#[derive(Clone)]
enum Answer {
    /// This message, and this status in the trailers.
    Message(Vec<u8>, &'static str),
    /// A message without trailers.
    Bare(Vec<u8>),
    /// This status and nothing else.
    Refuse(&'static str),
    Http(u16),
    Reset,
    /// Nothing, ever.
    Silence,
    /// Data without an end.
    Flood,
}

/// What was asked: the request, and its body.
type Asked = Arc<Mutex<Vec<(Request<()>, Vec<u8>)>>>;

async fn respond(mut to: SendResponse<Bytes>, answer: Answer) {
    let head = |code: u16| {
        Response::builder().status(code).header("content-type", "application/grpc").body(()).unwrap()
    };
    let trailers = |status: &'static str| {
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", status.parse().unwrap());
        trailers
    };
    match answer {
        Answer::Message(message, status) => {
            let mut body = to.send_response(head(200), false).unwrap();
            body.send_data(message.into(), false).unwrap();
            body.send_trailers(trailers(status)).unwrap();
        }
        Answer::Bare(message) => {
            let mut body = to.send_response(head(200), false).unwrap();
            body.send_data(message.into(), true).unwrap();
        }
        Answer::Refuse(status) => {
            let mut response = head(200);
            response.headers_mut().insert("grpc-status", status.parse().unwrap());
            to.send_response(response, true).unwrap();
        }
        Answer::Http(code) => drop(to.send_response(head(code), true).unwrap()),
        Answer::Reset => to.send_reset(h2::Reason::ENHANCE_YOUR_CALM),
        Answer::Silence => std::future::pending().await,
        Answer::Flood => {
            let mut body = to.send_response(head(200), false).unwrap();
            while body.send_data(vec![0; 1000].into(), false).is_ok() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
    }
}

async fn speak<T: AsyncRead + AsyncWrite + Unpin>(stream: T, answer: Answer, asked: Asked) {
    let Ok(mut connection) = h2::server::handshake(stream).await else { return };
    while let Some(Ok((request, respond_to))) = connection.accept().await {
        let (answer, asked) = (answer.clone(), Arc::clone(&asked));
        tokio::spawn(async move {
            let (head, mut body) = request.into_parts();
            let mut bytes = Vec::new();
            while let Some(Ok(more)) = body.data().await {
                bytes.extend_from_slice(&more);
            }
            asked.lock().unwrap().push((Request::from_parts(head, ()), bytes));
            respond(respond_to, answer).await;
        });
    }
}

async fn server(answer: Answer) -> (Server, Asked) {
    let asked = Asked::default();
    let kept = Arc::clone(&asked);
    (serve(move |stream| speak(stream, answer.clone(), Arc::clone(&kept))).await, asked)
}

fn says(status: u8) -> Answer {
    Answer::Message(vec![0, 0, 0, 0, 2, 8, status], "0")
}

async fn verdict(answer: Answer) -> Outcome {
    let (server, _) = server(answer).await;
    ask(grpc(to(server.target))).await
}

fn failed(failure: Failure) -> Outcome {
    Outcome::Failure(failure)
}

#[tokio::test]
async fn a_server_that_says_serving_is_up_and_one_that_says_anything_else_is_down() {
    assert_eq!(verdict(says(1)).await, Outcome::Success);
    assert_eq!(verdict(says(2)).await, failed(Failure::NotServing(GrpcHealth::NotServing)));
    assert_eq!(verdict(says(3)).await, failed(Failure::NotServing(GrpcHealth::ServiceUnknown)));
    assert_eq!(verdict(says(0)).await, failed(Failure::NotServing(GrpcHealth::Unknown)));
}

#[tokio::test]
async fn the_call_is_the_one_of_the_health_protocol() {
    let (server, asked) = server(says(1)).await;
    let spec = GrpcProbe {
        service: "shop.v1.Cart".into(),
        authority: Some("shop.example".into()),
        ..grpc(to(server.target))
    };
    assert_eq!(ask(spec).await, Outcome::Success);
    assert_eq!(ask(grpc(to(server.target))).await, Outcome::Success);
    let asked = asked.lock().unwrap();
    let (named, body) = &asked[0];
    assert_eq!(named.method(), "POST");
    assert_eq!(named.uri(), "http://shop.example/grpc.health.v1.Health/Check");
    assert_eq!(named.headers()["te"], "trailers");
    assert_eq!(named.headers()["content-type"], "application/grpc");
    assert_eq!(body[..], [&[0, 0, 0, 0, 14, 0x0a, 12], &b"shop.v1.Cart"[..]].concat());
    let (whole, body) = &asked[1];
    assert_eq!(whole.uri().authority().unwrap().as_str(), server.target.to_string());
    assert_eq!(body[..], [0; 5]);
}

#[tokio::test]
async fn a_server_that_refuses_the_call_is_down_with_its_reason() {
    let refused = |code| failed(Failure::GrpcStatus(GrpcStatus(code)));
    assert_eq!(verdict(Answer::Refuse("12")).await, refused(12));
    assert_eq!(verdict(Answer::Refuse("5")).await, refused(5));
    assert_eq!(verdict(Answer::Message(vec![0, 0, 0, 0, 2, 8, 1], "14")).await, refused(14));
    assert_eq!(verdict(Answer::Http(503)).await, failed(Failure::GrpcHttp(503)));
    let text = Failure::GrpcStatus(GrpcStatus(12)).to_string();
    assert_eq!(text, "the gRPC status is 12 (UNIMPLEMENTED: it has no health service)");
}

#[tokio::test]
async fn an_answer_without_status_or_of_another_form_is_none() {
    for answer in [
        Answer::Bare(vec![0, 0, 0, 0, 2, 8, 1]),
        Answer::Refuse("zero"),
        Answer::Refuse("0"),
        Answer::Message(b"hello".to_vec(), "0"),
        Answer::Message(vec![1, 0, 0, 0, 2, 8, 1], "0"),
    ] {
        assert_eq!(verdict(answer).await, failed(Failure::NotGrpc));
    }
}

#[tokio::test]
async fn a_server_that_resets_the_stream_is_down_with_its_code() {
    assert_eq!(verdict(Answer::Reset).await, failed(Failure::Http2(11)));
}

#[tokio::test]
async fn a_server_that_says_nothing_or_too_much_is_down_in_bounded_time_and_memory() {
    let (silent, _) = server(Answer::Silence).await;
    let hurried = |target| grpc(Connection { timeout: HURRY.into(), ..to(target) });
    assert_eq!(ask(hurried(silent.target)).await, failed(Failure::TimedOut));
    assert_eq!(verdict(Answer::Flood).await, failed(Failure::TooLong));
    let mute = serve(|stream| async move {
        let _held = stream;
        std::future::pending::<()>().await;
    })
    .await;
    assert_eq!(ask(hurried(mute.target)).await, failed(Failure::TimedOut));
}

#[tokio::test]
async fn what_does_not_speak_http_2_is_down() {
    let (_socket, nobody) = closed_port();
    assert_eq!(ask(grpc(to(nobody))).await, failed(Failure::Refused));
    let web = serve(|mut stream| async move {
        let mut buffer = [0; 1000];
        let _ = stream.read(&mut buffer).await;
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").await;
        let _ = stream.read(&mut buffer).await;
    })
    .await;
    assert_eq!(ask(grpc(to(web.target))).await, failed(Failure::NotGrpc));
    let closes = serve(|mut stream| async move {
        let _ = stream.read(&mut [0; 1000]).await;
    })
    .await;
    let outcome = ask(grpc(to(closes.target))).await;
    assert!([Failure::Closed, Failure::Reset].map(Outcome::Failure).contains(&outcome), "{outcome:?}");
}

/// A certificate for this name, and what accepts with it and speaks `protocol`.
fn tls(name: &str, protocol: &'static [u8]) -> (X509, SslContext) {
    let (key, certificate) = certificate::self_signed(name, 0);
    let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls()).unwrap();
    acceptor.set_certificate(&certificate).unwrap();
    acceptor.set_private_key(&key).unwrap();
    acceptor.set_alpn_select_callback(move |_, offered| {
        openssl::ssl::select_next_proto(protocol, offered).ok_or(AlpnError::ALERT_FATAL)
    });
    (certificate, acceptor.build().into_context())
}

async fn over_tls(context: SslContext) -> Server {
    serve(move |stream| {
        let ssl = Ssl::new(&context).unwrap();
        async move {
            let mut stream = SslStream::new(ssl, stream).unwrap();
            if std::pin::Pin::new(&mut stream).accept().await.is_ok() {
                speak(stream, says(1), Asked::default()).await;
            }
        }
    })
    .await
}

#[tokio::test]
async fn over_tls_the_certificate_counts_if_that_is_asked_for() {
    let (certificate, context) = tls("shop.example", b"\x02h2");
    let server = over_tls(context).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca");
    std::fs::write(&file, certificate.to_pem().unwrap()).unwrap();
    let spec = |authority: Option<&str>, verify| GrpcProbe {
        authority: authority.map(str::to_owned),
        tls: Some(TlsCheckSpec { verify, ca: Some(file.display().to_string()), ..TlsCheckSpec::default() }),
        ..grpc(to(server.target))
    };
    assert_eq!(ask(spec(None, false)).await, Outcome::Success);
    assert_eq!(ask(spec(Some("shop.example:443"), true)).await, Outcome::Success);
    let other = failed(Failure::Tls(TlsFault::OtherName));
    assert_eq!(ask(spec(Some("other.example"), true)).await, other);
    assert_eq!(ask(spec(None, true)).await, other, "the address");
}

#[tokio::test]
async fn a_server_that_does_not_speak_tls_or_not_h2_over_it_is_down() {
    let (_, context) = tls("shop.example", b"\x08http/1.1");
    let secure = |target| GrpcProbe { tls: Some(TlsCheckSpec::default()), ..grpc(to(target)) };
    let outcome = ask(secure(over_tls(context).await.target)).await;
    assert_eq!(outcome, failed(Failure::Tls(TlsFault::Alert(120))), "no_application_protocol");
    let (plain, _) = server(says(1)).await;
    let outcome = ask(secure(plain.target)).await;
    assert!(matches!(outcome, Outcome::Failure(Failure::Tls(_) | Failure::Closed)), "{outcome:?}");
}

/// A run that is dropped leaves nothing behind.
#[tokio::test]
async fn a_probe_that_is_dropped_ends_its_connection() {
    let (ended, mut end) = tokio::sync::mpsc::channel::<()>(1);
    let server = serve(move |mut stream| {
        let ended = ended.clone();
        async move {
            let mut buffer = [0; 100];
            while stream.read(&mut buffer).await.is_ok_and(|count| count > 0) {}
            ended.send(()).await.unwrap();
        }
    })
    .await;
    let task = tokio::spawn(ask(grpc(to(server.target))));
    tokio::time::sleep(HURRY).await;
    task.abort();
    assert_eq!(end.recv().await, Some(()));
}
