//! TCP checks that are under way together.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::SocketAddr;
use std::time::Duration;

use checker::probe::Connector;
use checker::{Connection, Failure, Outcome, RunId, Source};
use clock::Instant;
use socket2::{Domain, Socket, Type};
use tokio::net::TcpListener;

const START: Instant = Instant::from_micros(0);

fn to(target: SocketAddr) -> Connection {
    Connection::new(target, Duration::from_secs(5).into())
}

/// An address where nobody answers: the queue of its listener is full.
fn silent() -> (SocketAddr, Vec<Socket>) {
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    listener.bind(&"127.0.0.1:0".parse::<SocketAddr>().unwrap().into()).unwrap();
    listener.listen(0).unwrap();
    let address = listener.local_addr().unwrap().as_socket().unwrap();
    let mut sockets = vec![listener];
    for _ in 0..4 {
        let socket = Socket::new(Domain::IPV4, Type::STREAM.nonblocking(), None).unwrap();
        // In progress, and most of them for ever.
        drop(socket.connect(&address.into()));
        sockets.push(socket);
    }
    (address, sockets)
}

async fn all(connector: &mut Connector, count: usize) -> Vec<(RunId, Outcome)> {
    let mut ended = Vec::new();
    while ended.len() < count {
        ended.extend(connector.ready().await);
    }
    ended.sort_unstable_by_key(|(run, _)| *run);
    ended
}

#[tokio::test]
async fn each_of_many_connections_has_its_own_outcome() {
    let open = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let mut connector = Connector::new().unwrap();
    let mut expected = Vec::new();
    for number in 0..600 {
        let (target, outcome) = if number % 3 == 0 {
            (closed, Outcome::Failure(Failure::Refused))
        } else {
            (open.local_addr().unwrap(), Outcome::Success)
        };
        assert_eq!(connector.start(START, RunId(number), &to(target)), None);
        expected.push((RunId(number), outcome));
        if number % 100 == 99 {
            // So that the queue of the listener does not fill up.
            while tokio::time::timeout(Duration::from_millis(20), open.accept()).await.is_ok() {}
        }
    }
    assert_eq!(all(&mut connector, expected.len()).await, expected);
    assert_eq!(connector.next_deadline(), None);
}

#[tokio::test]
async fn a_connection_that_nobody_answers_ends_at_its_deadline() {
    let (address, _sockets) = silent();
    let mut connector = Connector::new().unwrap();
    assert_eq!(connector.start(START, RunId(1), &to(address)), None);
    let deadline = START + Duration::from_secs(5);
    assert_eq!(connector.next_deadline(), Some(deadline));
    assert_eq!(connector.expire(deadline - Duration::from_micros(1)), []);
    assert_eq!(connector.expire(deadline), [(RunId(1), Outcome::Failure(Failure::TimedOut))]);
    assert_eq!(connector.next_deadline(), None);
}

#[tokio::test]
async fn a_run_that_is_given_up_has_no_outcome() {
    let open = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = open.local_addr().unwrap();
    let mut connector = Connector::new().unwrap();
    for number in 1..=2 {
        assert_eq!(connector.start(START, RunId(number), &to(target)), None);
    }
    connector.cancel(RunId(1));
    assert_eq!(all(&mut connector, 1).await, [(RunId(2), Outcome::Success)]);
    assert_eq!(connector.next_deadline(), None);
}

#[tokio::test]
async fn what_is_wrong_at_once_is_said_at_once() {
    let mut connector = Connector::new().unwrap();
    let unknown = to("127.0.0.1:9".parse().unwrap())
        .from(Source { interface: Some("nosuchlink".into()), ..Source::default() });
    assert!(matches!(connector.start(START, RunId(1), &unknown), Some(Outcome::Unknown(_))));
    assert_eq!(connector.next_deadline(), None);
}
