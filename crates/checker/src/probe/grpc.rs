//! `GRPC_CHECK`: does a gRPC server say that it serves?
//!
//! **Only the answer SERVING is success**: the call `grpc.health.v1.Health/Check` (grpc/grpc, `doc/health-checking.md`), over
//! HTTP/2 with or without TLS. A server that takes connections but does not know the call, or the service, is down, and the
//! reason says so. The connection, its handshake and the whole answer have `connect_timeout` each, so that a probe ends within
//! three of them; what a server can make us keep is bounded by the windows that we grant.

use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::task::Poll;

use bytes::{Buf, BufMut, Bytes};
use h2::client::{Connection as Http2, ResponseFuture, SendRequest};
use http::header::{CONTENT_TYPE, HeaderMap, TE, USER_AGENT};
use http::{Method, Request, StatusCode};
use tokio::io::{AsyncRead, AsyncWrite};

use super::connect::connect;
use super::http::Fault;
use super::resources::Resources;
use super::stream::broken;
use super::tls::{self, Session};
use super::within;
use crate::outcome::{Failure, GrpcHealth, GrpcStatus, Outcome, PageFault};
use crate::spec::GrpcProbe;

const CALL: &str = "/grpc.health.v1.Health/Check";
/// Before each message: whether it is compressed, and its length in four bytes (`doc/PROTOCOL-HTTP2.md`).
const PREFIX: usize = 5;
/// More than any answer: it is two bytes long.
const LARGEST: usize = 1024;
/// Headers and trailers in bytes, and what may come before we say that we have read it.
const HEADERS: u32 = 16 * 1024;
const WINDOW: u32 = 65_535;

/// Asks once.
pub(super) async fn probe(spec: &GrpcProbe, resources: &Resources) -> Outcome {
    match talk(spec, resources).await {
        Ok(GrpcHealth::Serving) => Outcome::Success,
        Ok(health) => Outcome::Failure(Failure::NotServing(health)),
        Err(outcome) => outcome,
    }
}

async fn talk(spec: &GrpcProbe, resources: &Resources) -> Result<GrpcHealth, Outcome> {
    let timeout = spec.connection.timeout.get();
    let stream = within(timeout, connect(&spec.connection)).await?;
    let target = spec.connection.target;
    let authority = spec.authority.clone().unwrap_or_else(|| target.to_string());
    let Some(check) = &spec.tls else { return within(timeout, ask(stream, spec, "http", &authority)).await };
    let session = Session {
        check,
        sni: spec.authority.as_deref().map(tls::without_port),
        host: spec.authority.as_deref().map(tls::without_port),
        target: target.ip(),
        timeout,
        protocols: b"\x02h2",
    };
    let stream = tls::connect(stream, &session, resources).await.map_err(|fault| of_tls(&fault))?;
    within(timeout, ask(stream, spec, "https", &authority)).await
}

/// What a handshake that failed means.
fn of_tls(fault: &Fault) -> Outcome {
    match fault {
        Fault::Connect(outcome) => *outcome,
        Fault::Local(error) => Outcome::Unknown(*error),
        Fault::Page(fault) => Outcome::Failure(match *fault {
            PageFault::TimedOut => Failure::TimedOut,
            PageFault::Reset => Failure::Reset,
            PageFault::Broken(errno) => Failure::Network(errno),
            PageFault::Tls(fault) => Failure::Tls(fault),
            _ => Failure::Closed,
        }),
    }
}

async fn ask<T: AsyncRead + AsyncWrite + Unpin>(
    stream: T,
    spec: &GrpcProbe,
    scheme: &str,
    authority: &str,
) -> Result<GrpcHealth, Outcome> {
    let mut builder = h2::client::Builder::new();
    builder.max_header_list_size(HEADERS).initial_window_size(WINDOW).enable_push(false);
    let (sender, mut connection) =
        builder.handshake::<_, Bytes>(stream).await.map_err(|error| fault(&error))?;
    let answer = {
        let mut exchange = pin!(exchange(sender, spec, scheme, authority));
        let both = std::future::poll_fn(|context| {
            if let Poll::Ready(answer) = exchange.as_mut().poll(context) {
                return Poll::Ready(answer);
            }
            match Pin::new(&mut connection).poll(context) {
                Poll::Ready(ended) => {
                    // Whatever came before the end may be an answer.
                    let why = ended.err().map_or(Outcome::Failure(Failure::Closed), |error| fault(&error));
                    match exchange.as_mut().poll(context) {
                        Poll::Ready(answer) => Poll::Ready(answer),
                        Poll::Pending => Poll::Ready(Err(why)),
                    }
                }
                Poll::Pending => Poll::Pending,
            }
        });
        both.await
    };
    say_goodbye(&mut connection).await;
    answer
}

async fn exchange(
    sender: SendRequest<Bytes>,
    spec: &GrpcProbe,
    scheme: &str,
    authority: &str,
) -> Result<GrpcHealth, Outcome> {
    let not_grpc = || Outcome::Failure(Failure::NotGrpc);
    let mut sender = sender.ready().await.map_err(|error| fault(&error))?;
    let request = Request::builder()
        .method(Method::POST)
        .uri(format!("{scheme}://{authority}{CALL}"))
        .header(TE, "trailers")
        .header(CONTENT_TYPE, "application/grpc")
        .header(USER_AGENT, "stayd")
        .body(())
        .map_err(|_malformed| not_grpc())?;
    let (response, mut body) = sender.send_request(request, false).map_err(|error| fault(&error))?;
    body.send_data(question(&spec.service), true).map_err(|error| fault(&error))?;
    answer(response).await
}

async fn answer(response: ResponseFuture) -> Result<GrpcHealth, Outcome> {
    let response = response.await.map_err(|error| fault(&error))?;
    if response.status() != StatusCode::OK {
        return Err(Outcome::Failure(Failure::GrpcHttp(response.status().as_u16())));
    }
    // Without a message the status is in the head ("Trailers-Only").
    if let Some(failure) = refused(response.headers()) {
        return Err(Outcome::Failure(failure));
    }
    let mut body = response.into_body();
    let mut message = Vec::new();
    while let Some(bytes) = body.data().await {
        let bytes = bytes.map_err(|error| fault(&error))?;
        if message.len() + bytes.len() > LARGEST {
            return Err(Outcome::Failure(Failure::TooLong));
        }
        // A window that does not open again ends only a stream that is too long anyway.
        let _ = body.flow_control().release_capacity(bytes.len());
        message.extend_from_slice(&bytes);
    }
    let trailers = body.trailers().await.map_err(|error| fault(&error))?;
    match trailers.as_ref().map(|trailers| (refused(trailers), trailers.contains_key("grpc-status"))) {
        Some((Some(failure), _)) => Err(Outcome::Failure(failure)),
        Some((None, true)) => health(&message).ok_or(Outcome::Failure(Failure::NotGrpc)),
        Some((None, false)) | None => Err(Outcome::Failure(Failure::NotGrpc)),
    }
}

/// The status of the call, unless it is 0 or missing.
fn refused(headers: &HeaderMap) -> Option<Failure> {
    let status = headers.get("grpc-status")?;
    match status.to_str().ok().and_then(|text| text.parse().ok()) {
        Some(0) => None,
        Some(code) => Some(Failure::GrpcStatus(GrpcStatus(code))),
        None => Some(Failure::NotGrpc),
    }
}

/// `HealthCheckRequest { string service = 1; }`, with its prefix.
fn question(service: &str) -> Bytes {
    let mut message = Vec::new();
    if !service.is_empty() {
        message.put_u8(1 << 3 | 2);
        put_varint(&mut message, service.len());
        message.put_slice(service.as_bytes());
    }
    let mut framed = Vec::with_capacity(PREFIX + message.len());
    framed.put_u8(0);
    framed.put_u32(u32::try_from(message.len()).unwrap_or(u32::MAX));
    framed.put_slice(&message);
    framed.into()
}

fn put_varint(buffer: &mut Vec<u8>, mut value: usize) {
    while value >= 0x80 {
        buffer.put_u8(u8::try_from(value & 0x7f).unwrap_or_default() | 0x80);
        value >>= 7;
    }
    buffer.put_u8(u8::try_from(value).unwrap_or_default());
}

/// `HealthCheckResponse { ServingStatus status = 1; }`, with its prefix; other fields are passed over.
fn health(mut framed: &[u8]) -> Option<GrpcHealth> {
    let compressed = framed.try_get_u8().ok()? != 0;
    let length = usize::try_from(framed.try_get_u32().ok()?).ok()?;
    if compressed || framed.len() != length {
        return None;
    }
    let mut status = 0;
    while framed.has_remaining() {
        let tag = varint(&mut framed)?;
        match (tag >> 3, tag & 7) {
            (1, 0) => status = varint(&mut framed)?,
            (_, 0) => drop(varint(&mut framed)?),
            (_, wire @ (1 | 2 | 5)) => {
                let length = match wire {
                    1 => 8,
                    5 => 4,
                    _ => usize::try_from(varint(&mut framed)?).ok()?,
                };
                framed = framed.get(length..)?;
            }
            _ => return None,
        }
    }
    Some(match status {
        1 => GrpcHealth::Serving,
        2 => GrpcHealth::NotServing,
        3 => GrpcHealth::ServiceUnknown,
        _ => GrpcHealth::Unknown,
    })
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = bytes.try_get_u8().ok()?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// Tells the server that the connection ends here, without waiting for anything.
async fn say_goodbye<T: AsyncRead + AsyncWrite + Unpin>(connection: &mut Http2<T, Bytes>) {
    std::future::poll_fn(|context| {
        let _whatever = Pin::new(&mut *connection).poll(context);
        Poll::Ready(())
    })
    .await;
}

fn fault(error: &h2::Error) -> Outcome {
    if let Some(error) = error.get_io() {
        if let Some(fault) = tls::fault(error) {
            return Outcome::Failure(Failure::Tls(fault));
        }
        return match error.kind() {
            // The library reports an end between two frames so, without an errno.
            io::ErrorKind::UnexpectedEof | io::ErrorKind::BrokenPipe => Outcome::Failure(Failure::Closed),
            io::ErrorKind::ConnectionReset => Outcome::Failure(Failure::Reset),
            _ if error.raw_os_error().is_none() => Outcome::Failure(Failure::NotGrpc),
            _ => broken(error),
        };
    }
    Outcome::Failure(match error.reason() {
        Some(reason) if error.is_remote() => Failure::Http2(reason.into()),
        _ => Failure::NotGrpc,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_question_is_a_message_of_one_field_or_of_none() {
        assert_eq!(question("")[..], [0, 0, 0, 0, 0]);
        assert_eq!(question("ab")[..], [0, 0, 0, 0, 4, 0x0a, 2, b'a', b'b']);
        let long = question(&"x".repeat(300));
        assert_eq!(long[..8], [0, 0, 0, 1, 47, 0x0a, 0xac, 0x02]);
    }

    #[test]
    fn an_answer_says_its_status_among_fields_that_nobody_knows() {
        assert_eq!(health(&[0, 0, 0, 0, 2, 8, 1]), Some(GrpcHealth::Serving));
        assert_eq!(health(&[0, 0, 0, 0, 2, 8, 2]), Some(GrpcHealth::NotServing));
        assert_eq!(health(&[0, 0, 0, 0, 2, 8, 3]), Some(GrpcHealth::ServiceUnknown));
        assert_eq!(health(&[0, 0, 0, 0, 0]), Some(GrpcHealth::Unknown));
        let strange = [0, 0, 0, 0, 13, 0x12, 1, b'x', 0x18, 0x80, 1, 0x25, 1, 2, 3, 4, 8, 1];
        assert_eq!(health(&strange), Some(GrpcHealth::Serving));
    }

    #[test]
    fn what_is_no_answer_is_seen() {
        for bytes in [
            &[][..],
            &[0, 0, 0, 0],
            &[1, 0, 0, 0, 2, 8, 1],
            &[0, 0, 0, 0, 3, 8, 1],
            &[0, 0, 0, 0, 1, 8, 1],
            &[0, 0, 0, 0, 1, 8],
            &[0, 0, 0, 0, 2, 0x0a, 9],
            &[0, 0, 0, 0, 1, 0x0b],
            &[0, 0, 0, 0, 11, 8, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255],
        ] {
            assert_eq!(health(bytes), None, "{bytes:?}");
        }
    }
}
