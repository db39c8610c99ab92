//! `AMQP_CHECK`: does a broker speak AMQP 0-9-1, and let us in?
//!
//! **A broker that takes connections but does not serve is down**: it has to answer the protocol header with
//! `connection.start` (AMQP 0-9-1, 2.2.4), which one that is stopped, starting or stuck does not. With a login the
//! handshake goes on to `open-ok`, and the connection is closed as the protocol wants it. Each answer has the whole
//! `connect_timeout`, and is bounded; the conversation ends within [`STEPS`] of them.

use super::stream::{Received, Stream};
use super::within;
use crate::outcome::{Failure, Outcome};
use crate::spec::{AmqpLogin, AmqpProbe};

const HEADER: [u8; 8] = *b"AMQP\0\0\x09\x01";
/// Type, channel and size before the payload of a frame (2.3.5).
const FRAME_HEAD: usize = 7;
const FRAME_END: u8 = 0xce;
const METHOD_FRAME: u8 = 1;
const HEARTBEAT_FRAME: u8 = 8;
/// More than any broker's first word, which lists what it can do.
const LARGEST: usize = 16 * 1024;
/// What has its time: the connection and four answers.
const STEPS: u32 = 5;

/// Methods of the class `connection`, 10.
const START: u16 = 10;
const START_OK: u16 = 11;
const TUNE: u16 = 30;
const TUNE_OK: u16 = 31;
const OPEN: u16 = 40;
const OPEN_OK: u16 = 41;
const CLOSE: u16 = 50;
const CLOSE_OK: u16 = 51;

/// Talks to the broker once.
pub(super) async fn probe(spec: &AmqpProbe) -> Outcome {
    match within(spec.connection.timeout.get() * STEPS, talk(spec)).await {
        Ok(()) => Outcome::Success,
        Err(outcome) => outcome,
    }
}

async fn talk(spec: &AmqpProbe) -> Result<(), Outcome> {
    let mut stream = Stream::connect(&spec.connection).await?;
    let mut received = Received::with_room(LARGEST);
    stream.send(&HEADER).await?;
    let start = expect(&mut stream, &mut received, START).await?;
    match start.first_chunk() {
        Some([0, 9]) => {}
        Some(&[major, minor]) => return Err(Outcome::Failure(Failure::AmqpVersion { major, minor })),
        None => return Err(Outcome::Failure(Failure::NotAmqp)),
    }
    let Some(login) = &spec.login else { return Ok(()) };
    stream.send(&method(START_OK, &start_ok(login))).await?;
    let tune = expect(&mut stream, &mut received, TUNE).await?;
    // Channels and frame size as the broker proposes, no heartbeat.
    let sizes = tune.get(..6).ok_or(Outcome::Failure(Failure::NotAmqp))?;
    stream.send(&method(TUNE_OK, &[sizes, &[0, 0]].concat())).await?;
    stream.send(&method(OPEN, &[short(&login.vhost), vec![0, 0]].concat())).await?;
    expect(&mut stream, &mut received, OPEN_OK).await?;
    stream.send(&method(CLOSE, &[0, 200, 0, 0, 0, 0, 0])).await?;
    expect(&mut stream, &mut received, CLOSE_OK).await.map(drop)
}

/// The arguments of the next method, which has to be this one.
async fn expect(stream: &mut Stream, received: &mut Received, wanted: u16) -> Result<Vec<u8>, Outcome> {
    let next = |received: &mut Received| {
        loop {
            let Some(frame) = frame(received.bytes())? else { return Ok(None) };
            let payload =
                received.bytes().get(FRAME_HEAD..FRAME_HEAD + frame.size).unwrap_or_default().to_vec();
            received.consume(FRAME_HEAD + frame.size + 1);
            if frame.kind == METHOD_FRAME {
                return Ok(Some(payload));
            }
        }
    };
    let payload = stream.receive(received, next).await?;
    let (id, arguments) = payload.split_first_chunk::<4>().ok_or(Outcome::Failure(Failure::NotAmqp))?;
    let [class_high, class_low, high, low] = *id;
    match (u16::from_be_bytes([class_high, class_low]), u16::from_be_bytes([high, low])) {
        (10, method) if method == wanted => Ok(arguments.to_vec()),
        (10, CLOSE) => {
            let code = arguments.first_chunk().map_or(0, |code| u16::from_be_bytes(*code));
            Err(Outcome::Failure(Failure::AmqpClosed(code)))
        }
        _ => Err(Outcome::Failure(Failure::NotAmqp)),
    }
}

struct Frame {
    kind: u8,
    size: usize,
}

/// The frame that begins here, once it is whole.
fn frame(bytes: &[u8]) -> Result<Option<Frame>, Failure> {
    let Some(kind) = bytes.first() else { return Ok(None) };
    if HEADER.starts_with(bytes.get(..4).unwrap_or(bytes)) {
        // A broker that does not like our version says which it likes (2.2.4).
        return match bytes.first_chunk() {
            Some(&[_, _, _, _, _, major, minor, _]) => Err(Failure::AmqpVersion { major, minor }),
            None => Ok(None),
        };
    }
    if ![METHOD_FRAME, HEARTBEAT_FRAME].contains(kind) {
        return Err(Failure::NotAmqp);
    }
    let Some(&[_, _, _, a, b, c, d]) = bytes.first_chunk::<FRAME_HEAD>() else { return Ok(None) };
    let size = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(usize::MAX);
    if size > LARGEST - FRAME_HEAD - 1 {
        return Err(Failure::TooLong);
    }
    match bytes.get(FRAME_HEAD + size) {
        None => Ok(None),
        Some(&FRAME_END) => Ok(Some(Frame { kind: *kind, size })),
        Some(_) => Err(Failure::NotAmqp),
    }
}

/// A frame with a method of the class `connection`.
fn method(id: u16, arguments: &[u8]) -> Vec<u8> {
    let payload = [&[0, 10], &id.to_be_bytes()[..], arguments].concat();
    [&[METHOD_FRAME, 0, 0], &long(&payload)[..], &[FRAME_END]].concat()
}

fn start_ok(login: &AmqpLogin) -> Vec<u8> {
    // RabbitMQ says why it refuses a login only to those who can hear it.
    let refusal = [short("authentication_failure_close"), vec![b't', 1]].concat();
    let properties = [short("capabilities"), vec![b'F'], long(&refusal)].concat();
    let response = format!("\0{}\0{}", login.user, login.password);
    [long(&properties), short("PLAIN"), long(response.as_bytes()), short("en_US")].concat()
}

/// A string with its length before it, in one byte; what is longer is cut.
fn short(text: &str) -> Vec<u8> {
    let length = u8::try_from(text.len()).unwrap_or(u8::MAX);
    [&[length], text.as_bytes().get(..usize::from(length)).unwrap_or_default()].concat()
}

/// Bytes with their length before them, in four.
fn long(bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    [&length.to_be_bytes(), bytes].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_taken_when_it_is_whole() {
        let whole = method(START, &[0, 9, 1, 2, 3]);
        for length in 0..whole.len() {
            assert!(frame(&whole[..length]).unwrap().is_none(), "{length} bytes");
        }
        let found = frame(&whole).unwrap().unwrap();
        assert_eq!((found.kind, found.size), (METHOD_FRAME, 9));
    }

    #[test]
    fn what_is_no_frame_is_seen_at_once() {
        assert_eq!(frame(b"HTTP/1.1").err(), Some(Failure::NotAmqp));
        assert_eq!(frame(&[1, 0, 0, 0xff, 0, 0, 0]).err(), Some(Failure::TooLong));
        assert_eq!(frame(&[1, 0, 0, 0, 0, 0, 1, 7, 7]).err(), Some(Failure::NotAmqp), "no end");
        let version = Failure::AmqpVersion { major: 1, minor: 0 };
        assert_eq!(frame(b"AMQP\x03\x01\0\0").err(), Some(version));
        assert!(frame(b"AMQ").unwrap().is_none());
    }
}
