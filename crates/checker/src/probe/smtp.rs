//! `SMTP_CHECK`: does a mail server greet, take HELO, and let go at QUIT?
//!
//! As with keepalived (2.2.7, measured), the greeting has to be 220 and the answer to HELO 250, any reply to QUIT will do,
//! but there has to be one, and each answer has the whole `connect_timeout`, so that the conversation ends within
//! [`STEPS`] of them. Beyond it, replies of several lines are understood (RFC 5321 4.2.1), as is a code without text, and
//! time runs for an answer, not for each of its bytes.

use super::stream::{Received, Stream};
use super::within;
use crate::outcome::{Failure, Outcome, SmtpStep};
use crate::spec::SmtpProbe;

/// Longest line of a reply, its end included (RFC 5321 4.5.3.1.5).
const LINE: usize = 512;
/// More lines than any reply has.
const LINES: usize = 32;
/// What has its time: the connection and three replies.
const STEPS: u32 = 4;

/// Talks to the server once.
pub(super) async fn probe(spec: &SmtpProbe) -> Outcome {
    match within(spec.connection.timeout.get() * STEPS, talk(spec)).await {
        Ok(()) => Outcome::Success,
        Err(outcome) => outcome,
    }
}

async fn talk(spec: &SmtpProbe) -> Result<(), Outcome> {
    let mut stream = Stream::connect(&spec.connection).await?;
    let mut received = Received::with_room(LINE);
    expect(&mut stream, &mut received, SmtpStep::Greeting, Some(220)).await?;
    stream.send(format!("HELO {}\r\n", spec.helo).as_bytes()).await?;
    expect(&mut stream, &mut received, SmtpStep::Helo, Some(250)).await?;
    stream.send(b"QUIT\r\n").await?;
    expect(&mut stream, &mut received, SmtpStep::Quit, None).await
}

/// Waits for a reply, which has to have this code.
async fn expect(
    stream: &mut Stream,
    received: &mut Received,
    step: SmtpStep,
    wanted: Option<u16>,
) -> Result<(), Outcome> {
    let (mut lines, mut first) = (0, None);
    let reply = |received: &mut Received| {
        while let Some(end) = received.bytes().iter().position(|byte| *byte == b'\n') {
            let line = line(received.bytes().get(..end).unwrap_or_default());
            received.consume(end + 1);
            let (code, is_last) = line.ok_or(Failure::NotSmtp(step))?;
            if *first.get_or_insert(code) != code {
                return Err(Failure::NotSmtp(step));
            }
            if is_last {
                return Ok(Some(code));
            }
            lines += 1;
            if lines == LINES {
                return Err(Failure::TooLong);
            }
        }
        Ok(None)
    };
    let code = stream.receive(received, reply).await?;
    match wanted {
        Some(wanted) if code != wanted => Err(Outcome::Failure(Failure::SmtpCode(step, code))),
        _ => Ok(()),
    }
}

/// The code of a line, and whether it is the last of its reply.
fn line(line: &[u8]) -> Option<(u16, bool)> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let (code, text) = line.split_first_chunk::<3>()?;
    let code =
        std::str::from_utf8(code).ok().filter(|code| code.bytes().all(|byte| byte.is_ascii_digit()))?;
    let is_last = match text.first() {
        None | Some(b' ') => true,
        Some(b'-') => false,
        Some(_) => return None,
    };
    Some((code.parse().ok()?, is_last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_code_and_what_follows_says_whether_there_are_more() {
        for (text, is) in [
            ("220 hello\r", Some((220, true))),
            ("220 hello", Some((220, true))),
            ("220\r", Some((220, true))),
            ("220-hello\r", Some((220, false))),
            ("220\thello\r", None),
            ("2200 hello\r", None),
            ("22\r", None),
            ("+20 hello\r", None),
            ("", None),
            ("\u{661}\u{662}0 hello\r", None),
        ] {
            assert_eq!(line(text.as_bytes()), is, "{text:?}");
        }
    }
}
