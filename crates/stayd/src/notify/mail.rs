//! Mails about changes of state: one plain SMTP session (RFC 5321) for each, as keepalived's are.
//!
//! **A mail that cannot be sent is logged and forgotten**; nothing ever waits for one. No mail library is used: those speak
//! `EHLO`, and write headers of their own.

use std::cell::LazyCell;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use chrono::Local;
use config::model::MailSpec;
use thiserror::Error;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

use crate::host::local_name;

/// Sessions at a time: relays limit them.
const MOST_SESSIONS: usize = 8;
/// Mails that wait for a session; more are dropped.
const MOST_WAITING: usize = 1024;
/// A reply longer than this is none.
const LONGEST_REPLY: u64 = 8192;

/// Sends mails.
#[derive(Debug)]
pub struct Mailer {
    account: Option<Arc<Account>>,
    sessions: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

/// How mails are sent, with every default filled in.
#[derive(Debug)]
struct Account {
    server: (String, u16),
    helo: String,
    timeout: Duration,
    from: String,
    to: Vec<String>,
    router_id: String,
}

/// Why a mail was not sent.
#[derive(Debug, Error)]
enum Error {
    #[error("cannot reach {0}: {1}")]
    Unreachable(String, io::Error),
    #[error("no answer to {0} within the time allowed")]
    Timeout(&'static str),
    #[error("the connection broke at {0}: {1}")]
    Broken(&'static str, io::Error),
    #[error("the server refused {0}: {1}")]
    Refused(&'static str, String),
    #[error("the server refused every recipient, last: {0}")]
    NoRecipient(String),
}

impl Default for Mailer {
    fn default() -> Self {
        Self {
            account: None,
            sessions: Arc::new(Semaphore::new(MOST_SESSIONS)),
            waiting: Arc::new(Semaphore::new(MOST_WAITING)),
        }
    }
}

impl Mailer {
    /// Sends as this asks for from now on; what is on its way goes as it was.
    pub fn configure(&mut self, spec: &MailSpec, router_id: Option<&str>) {
        self.account = spec.server.clone().filter(|_| !spec.to.is_empty()).map(|server| {
            // Asks a name service, which may take its time: only where the file leaves something open.
            let host = LazyCell::new(local_name);
            Arc::new(Account {
                server,
                helo: spec.helo.clone().unwrap_or_else(|| (*host).clone()),
                timeout: spec.timeout,
                from: spec.from.clone().unwrap_or_else(|| format!("{}@{}", user_name(), *host)),
                to: spec.to.clone(),
                router_id: router_id.map_or_else(|| (*host).clone(), str::to_owned),
            })
        });
    }

    /// Sends a mail, in its own time.
    pub fn send(&self, subject: &str, body: &str) {
        let Some(account) = self.account.clone() else { return };
        let Ok(place) = self.waiting.clone().try_acquire_owned() else {
            tracing::warn!("too many mails wait for {}; not sent: {subject}", account.server.0);
            return;
        };
        let (subject, text) = (subject.to_owned(), account.text(subject, body));
        let sessions = self.sessions.clone();
        tokio::spawn(async move {
            let _place = place;
            let _session = sessions.acquire_owned().await;
            match account.deliver(&text).await {
                Ok(()) => tracing::info!("mailed: {subject}"),
                Err(error) => tracing::warn!("not mailed: {subject}: {error}"),
            }
        });
    }
}

fn user_name() -> String {
    let uid = nix::unistd::Uid::effective();
    nix::unistd::User::from_uid(uid).ok().flatten().map_or_else(|| uid.to_string(), |user| user.name)
}

/// The address proper of `Name <address>`.
fn bare(address: &str) -> &str {
    let inside = address.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
    inside.map_or(address, |(address, _)| address)
}

impl Account {
    /// Headers and body, with a dot before a dot at the start of a line (RFC 5321 4.5.2).
    fn text(&self, subject: &str, body: &str) -> String {
        let date = Local::now().to_rfc2822();
        let mut text = format!(
            "Date: {date}\r\nFrom: {}\r\nSubject: [{}] {subject}\r\nX-Mailer: Keepalived\r\nTo: {}\r\n\r\n",
            self.from,
            self.router_id,
            self.to.join(", "),
        );
        for line in body.lines() {
            text += if line.starts_with('.') { "." } else { "" };
            text += line;
            text += "\r\n";
        }
        text
    }

    async fn deliver(&self, text: &str) -> Result<(), Error> {
        let (host, port) = &self.server;
        let unreachable = |error| Error::Unreachable(format!("{host}:{port}"), error);
        let connected = tokio::time::timeout(self.timeout, TcpStream::connect((host.as_str(), *port))).await;
        let stream =
            connected.map_err(|_| unreachable(io::ErrorKind::TimedOut.into()))?.map_err(unreachable)?;
        let mut session = Session { stream: BufReader::new(stream), timeout: self.timeout };
        session.reply("the connection").await?;
        session.say("HELO", format!("HELO {}", self.helo)).await?;
        session.say("MAIL", format!("MAIL FROM:<{}>", bare(&self.from))).await?;
        let (mut taken, mut refused) = (0, String::new());
        for recipient in &self.to {
            match session.say("RCPT", format!("RCPT TO:<{}>", bare(recipient))).await {
                Ok(()) => taken += 1,
                Err(Error::Refused(_, answer)) => {
                    tracing::warn!("{host} does not take mail for {recipient}: {answer}");
                    refused = answer;
                }
                Err(error) => return Err(error),
            }
        }
        if taken == 0 {
            return Err(Error::NoRecipient(refused));
        }
        session.say("DATA", "DATA".to_owned()).await?;
        session.say("the text", format!("{text}.")).await?;
        // It has been taken, whatever becomes of this.
        let _ = session.say("QUIT", "QUIT".to_owned()).await;
        Ok(())
    }
}

/// A conversation.
struct Session {
    stream: BufReader<TcpStream>,
    timeout: Duration,
}

impl Session {
    async fn say(&mut self, what: &'static str, line: String) -> Result<(), Error> {
        let line = line + "\r\n";
        let written = tokio::time::timeout(self.timeout, self.stream.write_all(line.as_bytes())).await;
        written.map_err(|_| Error::Timeout(what))?.map_err(|error| Error::Broken(what, error))?;
        self.reply(what).await
    }

    /// A reply (RFC 5321 4.2): all lines of it; 2xx and 3xx are good.
    async fn reply(&mut self, what: &'static str) -> Result<(), Error> {
        let last = tokio::time::timeout(self.timeout, self.last_line()).await;
        let last = last.map_err(|_| Error::Timeout(what))?.map_err(|error| Error::Broken(what, error))?;
        if last.starts_with('2') || last.starts_with('3') { Ok(()) } else { Err(Error::Refused(what, last)) }
    }

    async fn last_line(&mut self) -> io::Result<String> {
        let mut limited = (&mut self.stream).take(LONGEST_REPLY);
        loop {
            let mut line = Vec::new();
            limited.read_until(b'\n', &mut line).await?;
            if !line.ends_with(b"\n") {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if line.get(3) != Some(&b'-') {
                return Ok(String::from_utf8_lossy(&line).trim_end().to_owned());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    /// A server that answers each line in turn, and what it was told; an empty answer is none.
    async fn serve(listener: TcpListener, answers: Vec<&'static str>) -> String {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = BufReader::new(stream);
        let (mut heard, mut in_text) = (String::new(), false);
        for (position, answer) in answers.into_iter().enumerate() {
            let mut line = String::new();
            while position > 0 && (line.is_empty() || in_text && line != ".\r\n") {
                line.clear();
                if stream.read_line(&mut line).await.unwrap() == 0 {
                    return heard;
                }
                heard += &line;
            }
            in_text = answer.starts_with("354");
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
        heard
    }

    async fn session(answers: Vec<&'static str>) -> (Result<(), Error>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let account = Account {
            server: ("127.0.0.1".to_owned(), listener.local_addr().unwrap().port()),
            helo: "lb1".to_owned(),
            timeout: Duration::from_secs(20),
            from: "Root <root@lb1>".to_owned(),
            to: vec!["a@example.com".to_owned(), "Bob <b@example.com>".to_owned()],
            router_id: "LB1".to_owned(),
        };
        let server = tokio::spawn(serve(listener, answers));
        let text = account.text("VRRP Instance V - Entering MASTER state", "one\n.two");
        let result = account.deliver(&text).await;
        (result, server.await.unwrap())
    }

    #[tokio::test]
    async fn a_mail_is_one_plain_session_with_keepalived_s_headers() {
        let ok = "250 ok\r\n";
        let (result, heard) =
            session(vec!["220-hello\r\n220 there\r\n", ok, ok, ok, ok, "354 go\r\n", ok, "221 bye\r\n"])
                .await;
        result.unwrap();
        let (before, after) = heard.split_once("Date: ").unwrap();
        assert_eq!(
            before,
            "HELO lb1\r\nMAIL FROM:<root@lb1>\r\nRCPT TO:<a@example.com>\r\nRCPT TO:<b@example.com>\r\nDATA\r\n"
        );
        let (date, after) = after.split_once("\r\n").unwrap();
        chrono::DateTime::parse_from_rfc2822(date).unwrap();
        assert_eq!(
            after,
            "From: Root <root@lb1>\r\nSubject: [LB1] VRRP Instance V - Entering MASTER state\r\n\
             X-Mailer: Keepalived\r\nTo: a@example.com, Bob <b@example.com>\r\n\r\none\r\n..two\r\n.\r\nQUIT\r\n"
        );
    }

    #[tokio::test]
    async fn one_recipient_that_is_refused_does_not_cost_the_other_its_mail() {
        let ok = "250 ok\r\n";
        let answers = vec!["220 hi\r\n", ok, ok, "550 no such user\r\n", ok, "354 go\r\n", ok, "221 bye\r\n"];
        assert!(session(answers).await.0.is_ok());
    }

    #[tokio::test]
    async fn what_the_server_refuses_is_told_in_its_words() {
        let (result, _) = session(vec!["220 hi\r\n", "250 ok\r\n", "451 later please\r\n"]).await;
        assert_eq!(result.unwrap_err().to_string(), "the server refused MAIL: 451 later please");
        let (result, _) = session(vec!["554 go away\r\n"]).await;
        assert_eq!(result.unwrap_err().to_string(), "the server refused the connection: 554 go away");
        let (result, _) =
            session(vec!["220 hi\r\n", "250 ok\r\n", "250 ok\r\n", "550 no\r\n", "550 nor him\r\n"]).await;
        assert_eq!(result.unwrap_err().to_string(), "the server refused every recipient, last: 550 nor him");
    }

    #[tokio::test]
    async fn a_server_that_hangs_up_is_an_error() {
        let (result, _) = session(vec!["220 hi\r\n"]).await;
        assert!(matches!(result, Err(Error::Broken("HELO", _))), "{result:?}");
    }

    #[tokio::test]
    async fn a_server_that_says_nothing_is_given_up() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let account = Account {
            server: ("127.0.0.1".to_owned(), listener.local_addr().unwrap().port()),
            helo: String::new(),
            timeout: Duration::from_millis(50),
            from: String::new(),
            to: vec![String::new()],
            router_id: String::new(),
        };
        let result = account.deliver("").await;
        assert_eq!(result.unwrap_err().to_string(), "no answer to the connection within the time allowed");
    }
}
