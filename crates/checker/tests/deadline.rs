//! A server that works, but slowly: each check has one end, however the server keeps it waiting, and closes its socket there.
//!
//! Time is tokio's paused one, which goes on when nobody has anything to do: what a server on the loopback has sent is there
//! before that.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod servers;

use std::time::Duration;

use checker::probe::{Resources, probe};
use checker::{
    AmqpLogin, AmqpProbe, Connection, Failure, GrpcProbe, Outcome, PageFault, ProbeSpec, SmtpProbe,
};
use servers::{page, serve, to};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

/// `connect_timeout`.
const LIMIT: Duration = Duration::from_secs(10);
/// What a slow server takes for everything, just within it.
const PAUSE: Duration = Duration::from_secs(9);
/// Timers tick once in a millisecond, and each step has its own.
const TICKS: Duration = Duration::from_millis(20);

/// The verdict on a server that says these one after the other, each after [`PAUSE`], and then the last of them again and
/// again; and how long it took. By then the connection is closed.
async fn ask(spec: impl FnOnce(Connection) -> ProbeSpec, says: Vec<&'static [u8]>) -> (Outcome, Duration) {
    let (left, mut leaving) = mpsc::unbounded_channel();
    let server = serve(move |stream: TcpStream| {
        let (says, left) = (says.clone(), left.clone());
        async move {
            // No time goes by in which the kernel would send what it holds back.
            stream.set_nodelay(true).unwrap();
            let (mut from, mut to) = stream.into_split();
            let speaks = async {
                let last = *says.last().unwrap();
                for words in says.into_iter().chain(std::iter::repeat(last)) {
                    sleep(PAUSE).await;
                    if to.write_all(words).await.is_err() {
                        break;
                    }
                }
            };
            let hears = async { while from.read(&mut [0; 1000]).await.is_ok_and(|count| count > 0) {} };
            tokio::select! { () = speaks => (), () = hears => () }
            left.send(Instant::now()).unwrap();
        }
    })
    .await;
    let begin = Instant::now();
    let connection = Connection { timeout: LIMIT.into(), ..to(server.target) };
    let outcome = probe(&spec(connection), &Resources::linked(None)).await;
    let took = begin.elapsed();
    assert!(leaving.recv().await.unwrap() <= begin + took + TICKS, "the connection is left open");
    (outcome, took)
}

/// Asserts that a probe ended then.
#[track_caller]
fn at(took: Duration, seconds: u64) {
    let expected = Duration::from_secs(seconds);
    assert!((expected..expected + TICKS).contains(&took), "{took:?}, not {expected:?}");
}

fn web(connection: Connection) -> ProbeSpec {
    ProbeSpec::Http(page(connection).into())
}

fn mail(connection: Connection) -> ProbeSpec {
    ProbeSpec::Smtp(SmtpProbe { connection, helo: "checker.example".into() }.into())
}

fn broker(connection: Connection) -> ProbeSpec {
    ProbeSpec::Amqp(AmqpProbe { connection, login: Some(AmqpLogin::default()) }.into())
}

fn call(connection: Connection) -> ProbeSpec {
    ProbeSpec::Grpc(GrpcProbe { connection, service: String::new(), authority: None, tls: None }.into())
}

#[tokio::test(start_paused = true)]
async fn a_page_that_drips_has_ten_times_the_timeout() {
    let endless = Outcome::Failure(Failure::Page { url: 0, fault: PageFault::Endless });
    for says in
        [vec![&b"HTTP/1.0 200 OK\r\n"[..], b"X-Field: value\r\n"], vec![b"HTTP/1.0 200 OK\r\n\r\n", b"x"]]
    {
        let (outcome, took) = ask(web, says).await;
        assert_eq!(outcome, endless);
        at(took, 100);
    }
}

#[tokio::test(start_paused = true)]
async fn each_reply_of_a_mail_server_has_the_timeout_whatever_drips() {
    let (outcome, took) = ask(mail, vec![b"220 hello\r\n", b"250 ok\r\n", b"221 bye\r\n"]).await;
    assert_eq!(outcome, Outcome::Success);
    at(took, 27);
    for (says, seconds) in [
        (vec![&b"2"[..]], 10),
        (vec![b"220-more\r\n"], 10),
        (vec![b"220 hello\r\n", b"250-more\r\n"], 19),
        (vec![b"220 hello\r\n", b"250 ok\r\n", b"221-more\r\n"], 28),
    ] {
        let (outcome, took) = ask(mail, says).await;
        assert_eq!(outcome, Outcome::Failure(Failure::TimedOut));
        at(took, seconds);
    }
}

#[tokio::test(start_paused = true)]
async fn each_answer_of_a_broker_has_the_timeout_whatever_drips() {
    const START: &[u8] = b"\x01\0\0\0\0\0\x1c\0\x0a\0\x0a\0\x09\0\0\0\0\0\0\0\x05PLAIN\0\0\0\x05en_US\xce";
    const TUNE: &[u8] = b"\x01\0\0\0\0\0\x0c\0\x0a\0\x1e\x07\xff\0\x02\0\0\0\x3c\xce";
    const OPEN_OK: &[u8] = b"\x01\0\0\0\0\0\x05\0\x0a\0\x29\0\xce";
    const CLOSE_OK: &[u8] = b"\x01\0\0\0\0\0\x04\0\x0a\0\x33\xce";
    const HEARTBEAT: &[u8] = b"\x08\0\0\0\0\0\0\xce";
    let (outcome, took) = ask(broker, vec![START, TUNE, OPEN_OK, CLOSE_OK]).await;
    assert_eq!(outcome, Outcome::Success);
    at(took, 36);
    for (says, seconds) in [
        (vec![HEARTBEAT], 10),
        (vec![START, HEARTBEAT], 19),
        (vec![START, TUNE, OPEN_OK, HEARTBEAT], 37),
        (vec![&START[..1], &START[1..2], b"\0"], 10),
    ] {
        let (outcome, took) = ask(broker, says).await;
        assert_eq!(outcome, Outcome::Failure(Failure::TimedOut));
        at(took, seconds);
    }
}

#[tokio::test(start_paused = true)]
async fn the_answer_of_a_grpc_server_has_the_timeout_whatever_drips() {
    const SETTINGS: &[u8] = b"\0\0\0\x04\0\0\0\0\0";
    const PING: &[u8] = b"\0\0\x08\x06\0\0\0\0\0keepwait";
    for says in [vec![SETTINGS, PING], vec![&SETTINGS[..3], b"\x04"]] {
        let (outcome, took) = ask(call, says).await;
        assert_eq!(outcome, Outcome::Failure(Failure::TimedOut));
        at(took, 10);
    }
}
