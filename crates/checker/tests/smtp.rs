//! SMTP_CHECK against servers on the loopback, good and bad.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod servers;

use std::time::Duration;

use checker::probe::{Resources, probe};
use checker::{Connection, Failure, Outcome, ProbeSpec, SmtpProbe, SmtpStep};
use servers::{HURRY, PATIENCE, closed_port, serve, to};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

async fn ask(connection: Connection) -> Outcome {
    probe(
        &ProbeSpec::Smtp(SmtpProbe { connection, helo: "checker.example".into() }.into()),
        &Resources::linked(None),
    )
    .await
}

/// A server that says these three things, each after it was spoken to but the first. What it heard comes back.
async fn says(answers: [&'static [u8]; 3]) -> (Outcome, Vec<String>) {
    let (heard, lines) = tokio::sync::oneshot::channel();
    let mut heard = Some(heard);
    let server = serve(move |stream| {
        let heard = heard.take().unwrap();
        async move {
            let mut stream = BufReader::new(stream);
            let mut lines = Vec::new();
            for answer in answers {
                stream.write_all(answer).await.unwrap();
                let mut line = String::new();
                if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
                    break;
                }
                lines.push(line);
            }
            heard.send(lines).unwrap();
        }
    })
    .await;
    (ask(to(server.target)).await, lines.await.unwrap())
}

fn code(step: SmtpStep, code: u16) -> Outcome {
    Outcome::Failure(Failure::SmtpCode(step, code))
}

fn no_smtp(step: SmtpStep) -> Outcome {
    Outcome::Failure(Failure::NotSmtp(step))
}

#[tokio::test]
async fn a_mail_server_is_greeted_and_left() {
    let (outcome, heard) = says([b"220 hello\r\n", b"250 ok\r\n", b"221 bye\r\n"]).await;
    assert_eq!(outcome, Outcome::Success);
    assert_eq!(heard, ["HELO checker.example\r\n", "QUIT\r\n"]);
}

#[tokio::test]
async fn replies_may_have_several_lines_and_bare_line_ends() {
    for answers in [
        [&b"220-a\r\n220-b\r\n220 c\r\n"[..], b"250-a\r\n250 b\r\n", b"221 bye\r\n"],
        [b"220 a\n", b"250 b\n", b"221 c\n"],
        [b"220\r\n", b"250\r\n", b"221\r\n"],
    ] {
        assert_eq!(says(answers).await.0, Outcome::Success);
    }
}

#[tokio::test]
async fn a_wrong_code_is_a_failure_but_at_the_end() {
    let (outcome, heard) = says([b"421 no\r\n", b"", b""]).await;
    assert_eq!((outcome, heard), (code(SmtpStep::Greeting, 421), vec![]));
    let (outcome, heard) = says([b"220 a\r\n", b"251 no\r\n", b""]).await;
    assert_eq!((outcome, heard.len()), (code(SmtpStep::Helo, 251), 1));
    assert_eq!(says([b"220 a\r\n", b"250 b\r\n", b"500 what\r\n"]).await.0, Outcome::Success);
}

#[tokio::test]
async fn what_is_no_reply_is_a_failure() {
    for greeting in [&b"hello\r\n"[..], b"2200 a\r\n", b"220\ta\r\n", b"\r\n220 a\r\n", b"220-a\r\n421 b\r\n"]
    {
        assert_eq!(says([greeting, b"", b""]).await.0, no_smtp(SmtpStep::Greeting), "{greeting:?}");
    }
    assert_eq!(says([b"220 a\r\n", b"ok\r\n", b""]).await.0, no_smtp(SmtpStep::Helo));
}

#[tokio::test]
async fn a_port_that_is_closed_is_refused() {
    let (_socket, target) = closed_port();
    assert_eq!(ask(to(target)).await, Outcome::Failure(Failure::Refused));
}

#[tokio::test]
async fn a_server_that_says_nothing_times_out() {
    let server = serve(|stream| async move {
        let _open = stream;
        std::future::pending::<()>().await;
    })
    .await;
    let connection = Connection { timeout: HURRY.into(), ..to(server.target) };
    assert_eq!(ask(connection).await, Outcome::Failure(Failure::TimedOut));
}

#[tokio::test]
async fn a_server_that_drips_times_out_however_long_it_goes_on() {
    let server = serve(|mut stream: TcpStream| async move {
        while stream.write_all(b"2").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    let connection = Connection { timeout: HURRY.into(), ..to(server.target) };
    assert_eq!(ask(connection).await, Outcome::Failure(Failure::TimedOut));
}

#[tokio::test]
async fn each_answer_has_its_own_time() {
    let server = serve(|stream: TcpStream| async move {
        let mut stream = BufReader::new(stream);
        for answer in ["220 a\r\n", "250 b\r\n", "221 c\r\n"] {
            tokio::time::sleep(Duration::from_millis(700)).await;
            stream.write_all(answer.as_bytes()).await.unwrap();
            stream.read_line(&mut String::new()).await.unwrap();
        }
    })
    .await;
    let connection = Connection { timeout: Duration::from_secs(2).into(), ..to(server.target) };
    assert_eq!(ask(connection).await, Outcome::Success);
}

#[tokio::test]
async fn a_server_that_leaves_early_has_closed_or_reset() {
    for (steps, resets) in [(0, false), (1, false), (2, false), (0, true), (1, true)] {
        let server = serve(move |stream| async move {
            let mut stream = BufReader::new(stream);
            for answer in &["220 a\r\n", "250 b\r\n"][..steps] {
                stream.write_all(answer.as_bytes()).await.unwrap();
                stream.read_line(&mut String::new()).await.unwrap();
            }
            if resets {
                stream.get_ref().set_zero_linger().unwrap();
            } else {
                // Only its half.
                stream.shutdown().await.unwrap();
                stream.read_line(&mut String::new()).await.unwrap();
            }
        })
        .await;
        let expected = if resets { Failure::Reset } else { Failure::Closed };
        assert_eq!(ask(to(server.target)).await, Outcome::Failure(expected), "after {steps} answers");
    }
}

#[tokio::test]
async fn a_line_without_end_and_a_reply_without_end_are_too_long() {
    for text in [&[b'2'; 1000][..], b"220-more\r\n"] {
        let server =
            serve(move |mut stream: TcpStream| async move { while stream.write_all(text).await.is_ok() {} })
                .await;
        assert_eq!(ask(to(server.target)).await, Outcome::Failure(Failure::TooLong));
    }
    assert!(HURRY < PATIENCE);
}
