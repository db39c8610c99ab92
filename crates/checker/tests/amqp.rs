//! AMQP_CHECK against brokers on the loopback, good and bad.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod servers;

use checker::probe::{Resources, probe};
use checker::{AmqpLogin, AmqpProbe, Connection, Failure, Outcome, ProbeSpec};
use servers::{HURRY, serve, to};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

async fn ask(connection: Connection, login: Option<AmqpLogin>) -> Outcome {
    probe(&ProbeSpec::Amqp(AmqpProbe { connection, login }.into()), &Resources::linked(None)).await
}

fn method(id: u8, arguments: &[u8]) -> Vec<u8> {
    let size = u8::try_from(arguments.len() + 4).unwrap();
    [&[1, 0, 0, 0, 0, 0, size, 0, 10, 0, id], arguments, &[0xce]].concat()
}

fn start() -> Vec<u8> {
    method(10, b"\0\x09\0\0\0\0\0\0\0\x05PLAIN\0\0\0\x05en_US")
}

async fn frame(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut head = [0; 7];
    stream.read_exact(&mut head).await.ok()?;
    let mut rest = vec![0; usize::from(head[6]) + 256 * usize::from(head[5]) + 1];
    stream.read_exact(&mut rest).await.ok()?;
    assert_eq!(rest.pop(), Some(0xce));
    Some(rest)
}

/// A broker that says this after the header, and then answers each frame with the next.
async fn broker(first: Vec<u8>, answers: Vec<Vec<u8>>) -> servers::Server {
    serve(move |mut stream: TcpStream| {
        let (first, answers) = (first.clone(), answers.clone());
        async move {
            let mut header = [0; 8];
            stream.read_exact(&mut header).await.unwrap();
            assert_eq!(&header, b"AMQP\0\0\x09\x01");
            stream.write_all(&first).await.unwrap();
            for answer in answers {
                if frame(&mut stream).await.is_none() {
                    return;
                }
                stream.write_all(&answer).await.unwrap();
            }
            // Until the other end goes.
            while frame(&mut stream).await.is_some() {}
        }
    })
    .await
}

fn login() -> AmqpLogin {
    AmqpLogin { user: "me".into(), password: "secret".into(), vhost: "v".into() }
}

#[tokio::test]
async fn the_first_word_of_a_broker_is_enough_without_a_login() {
    let server = broker(start(), vec![]).await;
    assert_eq!(ask(to(server.target), None).await, Outcome::Success);
}

#[tokio::test]
async fn a_login_goes_through_the_whole_handshake() {
    let heard = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let ears = std::sync::Arc::clone(&heard);
    let server = serve(move |mut stream: TcpStream| {
        let ears = std::sync::Arc::clone(&ears);
        async move {
            stream.read_exact(&mut [0; 8]).await.unwrap();
            stream.write_all(&start()).await.unwrap();
            let heartbeat = [8, 0, 0, 0, 0, 0, 0, 0xce];
            let tune = [&heartbeat[..], &method(30, &[7, 255, 0, 2, 0, 0, 0, 60])].concat();
            for answer in [tune, vec![], method(41, &[0]), method(51, &[])] {
                let said = frame(&mut stream).await.unwrap();
                ears.lock().unwrap().push(said);
                stream.write_all(&answer).await.unwrap();
            }
        }
    })
    .await;
    assert_eq!(ask(to(server.target), Some(login())).await, Outcome::Success);
    let heard = heard.lock().unwrap();
    let ids: Vec<_> = heard.iter().map(|frame| (frame[1], frame[3])).collect();
    assert_eq!(ids, [(10, 11), (10, 31), (10, 40), (10, 50)]);
    assert!(heard[0].ends_with(b"\x05PLAIN\0\0\0\x0a\0me\0secret\x05en_US"));
    assert_eq!(heard[1][4..], [7, 255, 0, 2, 0, 0, 0, 0], "as proposed, without heartbeat");
    assert_eq!(heard[2][4..], *b"\x01v\0\0");
}

#[tokio::test]
async fn a_refusal_is_told_with_its_code() {
    let close = |code: u16| method(50, &[&code.to_be_bytes()[..], b"\x02no\0\0\0\0"].concat());
    let tune = method(30, &[0, 0, 0, 2, 0, 0, 0, 60]);
    for (answers, code) in [(vec![close(403)], 403), (vec![tune, vec![], close(530)], 530)] {
        let server = broker(start(), answers).await;
        assert_eq!(ask(to(server.target), Some(login())).await, Outcome::Failure(Failure::AmqpClosed(code)));
    }
}

#[tokio::test]
async fn another_protocol_or_version_is_a_failure() {
    let version = |major, minor| Failure::AmqpVersion { major, minor };
    for (word, failure) in [
        (b"AMQP\0\x01\0\0".to_vec(), version(1, 0)),
        (method(10, b"\0\x08"), version(0, 8)),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(), Failure::NotAmqp),
        (method(30, &[0; 8]), Failure::NotAmqp),
        (method(10, b""), Failure::NotAmqp),
        (vec![1, 0, 0, 0x7f, 0, 0, 0], Failure::TooLong),
    ] {
        let server = broker(word.clone(), vec![]).await;
        assert_eq!(ask(to(server.target), None).await, Outcome::Failure(failure), "{word:?}");
    }
}

#[tokio::test]
async fn a_broker_that_only_takes_connections_is_down() {
    let server = broker(vec![], vec![]).await;
    let connection = Connection { timeout: HURRY.into(), ..to(server.target) };
    assert_eq!(ask(connection, None).await, Outcome::Failure(Failure::TimedOut));
    let server = serve(|mut stream: TcpStream| async move {
        stream.read_exact(&mut [0; 8]).await.unwrap();
        stream.write_all(&start()[..9]).await.unwrap();
        stream.shutdown().await.unwrap();
        let _until_gone = stream.read(&mut [0]).await;
    })
    .await;
    assert_eq!(ask(to(server.target), None).await, Outcome::Failure(Failure::Closed));
}
