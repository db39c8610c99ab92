//! `HTTP_GET` and `SSL_GET`: are the pages as they should be?
//!
//! **Every run asks for all pages, in order and one connection each, and ends at the first that is not as expected.** An
//! answer is read to the end of the connection, whatever length it announces, as keepalived does (2.2.7, measured); then
//! its status, its digest and its text are looked at. Redirects are not followed.
//!
//! Time is bounded twice for a page: `connect_timeout` for the connection, for the handshake and from one read to the next,
//! as in keepalived, and [`PATIENCE`] times as much for all of it, where keepalived waits for ever.

mod pattern;
mod request;
mod response;

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use super::connect::connect;
use super::resources::Resources;
use super::tls;
use crate::outcome::{Failure, LocalError, Outcome, PageFault, TlsFault};
use crate::spec::{HttpProbe, RegexSpec, UrlSpec};

pub use response::{Response, Wanted};

/// A page may take this many times `connect_timeout`.
const PATIENCE: u32 = 10;
const READ_AT_ONCE: usize = 16 * 1024;

/// Why there is no success.
#[derive(Debug)]
pub(super) enum Fault {
    Connect(Outcome),
    Page(PageFault),
    Local(LocalError),
}

impl<F: Into<PageFault>> From<F> for Fault {
    fn from(fault: F) -> Self {
        Self::Page(fault.into())
    }
}

impl Fault {
    fn of_url(self, index: usize) -> Outcome {
        match self {
            Self::Connect(outcome) => outcome,
            Self::Local(error) => Outcome::Unknown(error),
            Self::Page(fault) => {
                Outcome::Failure(Failure::Page { url: u16::try_from(index).unwrap_or(u16::MAX), fault })
            }
        }
    }
}

/// Asks for all pages.
pub(super) async fn probe(http: &HttpProbe, resources: &Resources) -> Outcome {
    for (index, url) in http.urls.iter().enumerate() {
        if let Err(fault) = in_time(http, page(http, url, resources)).await {
            return fault.of_url(index);
        }
    }
    Outcome::Success
}

/// Asks for one page, whatever it has to be like, and hands every piece of the answer to `see` as it comes.
///
/// # Errors
/// How the probe would end.
pub async fn fetch(
    http: &HttpProbe,
    url: &UrlSpec,
    resources: &Resources,
    see: &mut (dyn FnMut(&[u8]) + Send),
) -> Result<Response, Outcome> {
    let wanted = Wanted { digest: true, text: false };
    in_time(http, ask(http, url, resources, wanted, see)).await.map_err(|fault| fault.of_url(0))
}

/// Ends what a page takes, whatever it is at.
async fn in_time<T>(http: &HttpProbe, asked: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    let patience = http.connection.timeout.get() * PATIENCE;
    timeout(patience, asked).await.unwrap_or_else(|_elapsed| Err(PageFault::Endless.into()))
}

async fn page(http: &HttpProbe, url: &UrlSpec, resources: &Resources) -> Result<(), Fault> {
    let wanted = Wanted { digest: url.digest.is_some(), text: url.regex.is_some() };
    let response = ask(http, url, resources, wanted, &mut |_| {}).await?;
    let status = response.status().ok_or(PageFault::NoStatus)?;
    if !url.status.iter().any(|(first, last)| (*first..=*last).contains(&status)) {
        return Err(PageFault::Status(status).into());
    }
    if url.digest.is_some_and(|digest| digest != response.digest()) {
        return Err(PageFault::Digest(response.digest()).into());
    }
    match &url.regex {
        Some(regex) => search(regex.clone(), response.into_text()).await,
        None => Ok(()),
    }
}

/// A search can take long, and this thread has other probes to serve.
async fn search(regex: RegexSpec, text: Vec<u8>) -> Result<(), Fault> {
    let searched = tokio::task::spawn_blocking(move || pattern::search(&regex, &text)).await;
    searched.unwrap_or_else(|_panicked| Err(PageFault::NotFound.into()))
}

async fn ask(
    http: &HttpProbe,
    url: &UrlSpec,
    resources: &Resources,
    wanted: Wanted,
    see: &mut (dyn FnMut(&[u8]) + Send),
) -> Result<Response, Fault> {
    let connection = &http.connection;
    let connected = timeout(connection.timeout.get(), connect(connection)).await;
    let stream = connected
        .map_err(|_elapsed| Fault::Connect(Outcome::Failure(Failure::TimedOut)))?
        .map_err(Fault::Connect)?;
    let target: SocketAddr = connection.target;
    let request = request::request(http.version, &url.path, http.host(url), target);
    let mut exchange = Exchange { wanted, see, limit: connection.timeout.get() };
    if !http.tls {
        let mut stream = stream;
        return exchange.run(&mut stream, &request).await;
    }
    let mut stream = tls::connect(stream, &tls::Session::of(http, url), resources).await?;
    let response = exchange.run(&mut stream, &request).await?;
    if url.tls_compliant && !tls::gave_notice(&stream) {
        return Err(TlsFault::NoNotice.into());
    }
    tls::say_goodbye(&mut stream).await;
    Ok(response)
}

struct Exchange<'a> {
    wanted: Wanted,
    see: &'a mut (dyn FnMut(&[u8]) + Send),
    limit: Duration,
}

impl Exchange<'_> {
    async fn run<S: AsyncRead + AsyncWrite + Unpin + Send>(
        &mut self,
        stream: &mut S,
        request: &[u8],
    ) -> Result<Response, Fault> {
        let written = timeout(self.limit, async {
            stream.write_all(request).await?;
            stream.flush().await
        });
        written.await.map_err(|_elapsed| PageFault::TimedOut)?.map_err(|error| fault(&error))?;
        let mut response = Response::new(self.wanted);
        let mut buffer = vec![0; READ_AT_ONCE];
        loop {
            let read = timeout(self.limit, stream.read(&mut buffer)).await;
            let bytes = match read.map_err(|_elapsed| PageFault::TimedOut)? {
                Ok(length) => &buffer[..length],
                Err(error) if tls::is_without_notice(&error) => &[],
                Err(error) => return Err(fault(&error)),
            };
            if bytes.is_empty() {
                return if response.has_head() { Ok(response) } else { Err(PageFault::ClosedEarly.into()) };
            }
            (self.see)(bytes);
            response.push(bytes)?;
        }
    }
}

/// What an error of an established connection means.
fn fault(error: &io::Error) -> Fault {
    if let Some(fault) = tls::fault(error) {
        return fault.into();
    }
    match error.kind() {
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => PageFault::Reset.into(),
        io::ErrorKind::TimedOut => PageFault::TimedOut.into(),
        io::ErrorKind::UnexpectedEof => PageFault::ClosedEarly.into(),
        _ => PageFault::Broken(error.raw_os_error().unwrap_or(0)).into(),
    }
}
