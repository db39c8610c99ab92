//! TLS towards real servers.
//!
//! **The library is the system's OpenSSL, as keepalived's is**, so that a server which keepalived takes for working is one
//! here: what versions, algorithms and key lengths are allowed is decided by that library's defaults and its
//! `openssl.cnf`, for both alike. rustls would be safer code, but knows neither TLS 1.0 and 1.1 nor the exchange of keys
//! with RSA, and many a real server that is checked behind a director is as old as that.
//!
//! The certificate of a server is looked at only with `tls_verify`.

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use foreign_types::ForeignTypeRef;
use openssl::error::ErrorStack;
use openssl::pkey::PKey;
use openssl::ssl::{Error, Ssl, SslContext, SslFiletype, SslMethod, SslVerifyMode};
use openssl::x509::X509VerifyResult;
use tokio::io::AsyncWrite;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_openssl::SslStream;

use super::http::Fault;
use super::resources::{Library, NoLibrary, Resources};
use crate::outcome::{Cause, LocalError, PageFault, Step, TlsFault};
use crate::spec::{HttpProbe, Sni, TlsCheckSpec, TlsSpec, UrlSpec};

/// The contexts of a configuration: one for each way in which its checks use TLS, made when it is first needed.
#[derive(Debug)]
pub(super) struct Contexts {
    shared: TlsSpec,
    library: Library,
    made: Mutex<BTreeMap<TlsCheckSpec, Option<SslContext>>>,
}

impl Contexts {
    pub(super) fn new(shared: TlsSpec, library: Library) -> Self {
        Self { shared, library, made: Mutex::default() }
    }

    fn get(&self, check: &TlsCheckSpec) -> Result<SslContext, Cause> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if !made.contains_key(check) {
            (self.library)().map_err(|NoLibrary| Cause::NoTls)?;
            made.insert(check.clone(), context(&self.shared, check).ok());
        }
        made.get(check).cloned().flatten().ok_or(Cause::Certificate)
    }
}

/// What `SSL` names is left out where it is of no use, as in keepalived; what a check names has to be there.
fn context(shared: &TlsSpec, check: &TlsCheckSpec) -> Result<SslContext, ErrorStack> {
    let mut builder = SslContext::builder(SslMethod::tls_client())?;
    if check.certificate.is_none() {
        if let Some(file) = &shared.certificate {
            let _left_out = builder.set_certificate_chain_file(file);
        }
        if let Some(file) = &shared.key {
            let _left_out =
                key(file, shared.password.as_deref()).and_then(|key| builder.set_private_key(&key));
        }
    }
    if let Some(file) = &check.certificate {
        builder.set_certificate_chain_file(file)?;
        match &check.key {
            Some(file) => builder.set_private_key(&*key(file, shared.password.as_deref())?)?,
            None => builder.set_private_key_file(file, SslFiletype::PEM)?,
        }
        builder.check_private_key()?;
    }
    if check.verify {
        builder.set_verify(SslVerifyMode::PEER);
        match (&check.ca, &shared.ca) {
            (Some(file), _) | (None, Some(file)) => builder.set_ca_file(file)?,
            (None, None) => builder.set_default_verify_paths()?,
        }
    } else {
        builder.set_verify(SslVerifyMode::NONE);
    }
    Ok(builder.build())
}

fn key(file: &str, password: Option<&str>) -> Result<PKey<openssl::pkey::Private>, ErrorStack> {
    let text = std::fs::read(file).unwrap_or_default();
    // With a callback in any case: without one the library would ask at the terminal.
    let password = password.unwrap_or_default().as_bytes();
    PKey::private_key_from_pem_callback(&text, |buffer| {
        let length = password.len().min(buffer.len());
        buffer[..length].copy_from_slice(&password[..length]);
        Ok(length)
    })
}

/// How one connection uses TLS.
pub(super) struct Session<'s> {
    pub(super) check: &'s TlsCheckSpec,
    /// The name that is sent.
    pub(super) sni: Option<&'s str>,
    /// The name that the certificate has to be for, unless the check or `sni` says another; none: the address.
    pub(super) host: Option<&'s str>,
    pub(super) target: IpAddr,
    pub(super) timeout: Duration,
    /// What is to be spoken (ALPN, RFC 7301), each with its length before it; none: nothing is said of it.
    pub(super) protocols: &'static [u8],
}

impl<'s> Session<'s> {
    /// For a page.
    pub(super) fn of(http: &'s HttpProbe, url: &'s UrlSpec) -> Self {
        let host = http.host(url).map(without_port);
        let sni = match &http.sni {
            Sni::Omitted => None,
            Sni::Host => host,
            Sni::Name(name) => Some(name.as_str()),
        };
        let (target, timeout) = (http.connection.target.ip(), http.connection.timeout.get());
        Self { check: &http.tls_check, sni, host, target, timeout, protocols: &[] }
    }

    fn open(&self, context: &SslContext) -> Result<Ssl, ErrorStack> {
        let mut ssl = Ssl::new(context)?;
        if let Some(name) = self.sni {
            ssl.set_hostname(name)?;
        }
        if !self.protocols.is_empty() {
            ssl.set_alpn_protos(self.protocols)?;
        }
        if self.check.verify {
            match self.check.name.as_deref().or(self.sni).or(self.host) {
                Some(name) => match name.parse::<IpAddr>() {
                    Ok(address) => ssl.param_mut().set_ip(address)?,
                    Err(_name) => ssl.param_mut().set_host(name)?,
                },
                None => ssl.param_mut().set_ip(self.target)?,
            }
        }
        Ok(ssl)
    }
}

/// The stream after a handshake.
pub(super) async fn connect(
    stream: TcpStream,
    session: &Session<'_>,
    resources: &Resources,
) -> Result<SslStream<TcpStream>, Fault> {
    let unprepared = |cause| Fault::Local(LocalError { step: Step::Tls, cause });
    let context = resources.tls().get(session.check).map_err(unprepared)?;
    let ssl = session.open(&context).map_err(|_error| unprepared(Cause::Certificate))?;
    let mut stream = SslStream::new(ssl, stream).map_err(|_error| unprepared(Cause::Certificate))?;
    let shaken = timeout(session.timeout, Pin::new(&mut stream).connect()).await;
    match shaken.map_err(|_elapsed| PageFault::TimedOut)? {
        Ok(()) => Ok(stream),
        Err(error) => Err(handshake(&error, stream.ssl().verify_result()).into()),
    }
}

/// A `virtualhost` may name a port, which no certificate does.
pub(super) fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if !name.contains(':') && port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

/// Whether the server gave notice that the connection ends (`close_notify`). The library takes an end without notice for an
/// ordinary one where it reads through callbacks, as here.
pub(super) fn gave_notice(stream: &SslStream<TcpStream>) -> bool {
    // SAFETY: the session lives as long as the stream that is borrowed, and the call only reads it.
    let state = unsafe { openssl_sys::SSL_get_shutdown(stream.ssl().as_ptr()) };
    state & openssl_sys::SSL_RECEIVED_SHUTDOWN != 0
}

/// Tells the server that the connection ends here, without waiting for anything.
pub(super) async fn say_goodbye(stream: &mut SslStream<TcpStream>) {
    std::future::poll_fn(|context| {
        let _whatever = Pin::new(&mut *stream).poll_shutdown(context);
        Poll::Ready(())
    })
    .await;
}

fn handshake(error: &Error, verified: X509VerifyResult) -> PageFault {
    if let Some(error) = error.io_error() {
        return match error.kind() {
            io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => PageFault::Reset,
            _ => PageFault::Broken(error.raw_os_error().unwrap_or(0)),
        };
    }
    let fault = of_library(error);
    if reason(error) == Some("certificate verify failed") {
        return certificate(verified).into();
    }
    fault.unwrap_or(TlsFault::ClosedEarly).into()
}

/// The numbers are those of `x509_vfy.h`.
fn certificate(result: X509VerifyResult) -> TlsFault {
    match result.as_raw() {
        9 | 10 => TlsFault::Expired,
        2 | 18..=21 | 24 => TlsFault::Untrusted,
        62..=64 => TlsFault::OtherName,
        other => TlsFault::Certificate(other),
    }
}

fn reason(error: &Error) -> Option<&'static str> {
    error.ssl_error()?.errors().first()?.reason()
}

/// `None`: the library has no complaint of its own, the connection just ended.
fn of_library(error: &Error) -> Option<TlsFault> {
    let first = error.ssl_error()?.errors().first()?;
    let code = first.reason_code();
    Some(match first.reason() {
        Some("unexpected eof while reading") => TlsFault::ClosedEarly,
        Some("wrong version number" | "http request" | "packet length too long" | "bad record type") => {
            TlsFault::NotTls
        }
        Some(
            "unsupported protocol"
            | "no protocols available"
            | "no ciphers available"
            | "wrong ssl version"
            // So ends an offer of TLS 1.0, whose signatures are no longer allowed.
            | "legacy sigalg disallowed or unsupported",
        ) => TlsFault::NothingInCommon,
        // OpenSSL's reasons for alerts are 1000 and the number of the alert.
        _ => match u8::try_from(code - 1000) {
            Ok(alert) => TlsFault::Alert(alert),
            Err(_other) => TlsFault::Other(code),
        },
    })
}

/// What an error of an established stream means, if it is one of TLS.
pub(super) fn fault(error: &io::Error) -> Option<TlsFault> {
    error.get_ref()?.downcast_ref().and_then(of_library)
}

/// Whether a connection ended without `close_notify`.
pub(super) fn is_without_notice(error: &io::Error) -> bool {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    inner.is_some_and(|inner| reason(inner) == Some("unexpected eof while reading"))
}
