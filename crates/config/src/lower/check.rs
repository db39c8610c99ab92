//! Checkers within `real_server`.
//!
//! **Every checker becomes a probe, or says that it does not**: until there are more kinds of probe, those that connect
//! are a TCP probe of the same target with their own times, the others none.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use checker::{CheckSpec, Connection, ProbeSpec, RealServerSpec};

use super::Lowering;
use super::command::Runner;
use super::real_server::CheckContext;
use super::tracker::Kind;
use super::virtual_server::Timing;
use crate::diagnostic::{Code, Diagnostic};
use crate::host::ScriptFacts;
use crate::model::{CheckDetail, Command, HttpSpec, MiscSpec, RealServerEvents, UrlSpec};
use crate::resolve::Entry;

/// Where a probe goes, as its lines say.
#[derive(Default)]
struct Target<'e> {
    address: Option<IpAddr>,
    port: Option<u16>,
    bind: Option<(IpAddr, &'e Entry<'e>)>,
    bind_port: u16,
    interface: Option<String>,
    fwmark: u32,
}

impl<'e> Target<'e> {
    fn line(&mut self, entry: &'e Entry<'e>) {
        match entry.name() {
            "connect_ip" => self.address = entry.address(),
            "connect_port" => self.port = entry.integer(),
            "bindto" => self.bind = entry.address().map(|address| (address, entry)),
            "bind_port" => self.bind_port = entry.integer().unwrap_or(0),
            "bind_if" => self.interface = entry.choice().map(str::to_owned),
            "fwmark" => self.fwmark = entry.integer().unwrap_or(0),
            _ => {}
        }
    }
}

impl Lowering<'_> {
    /// Adds the check that an entry of a real server stands for, if it is one.
    pub(super) fn check(
        &mut self,
        entry: &Entry<'_>,
        context: &CheckContext<'_>,
        server: &mut RealServerSpec,
        events: &mut RealServerEvents,
    ) {
        let (detail, port, retry_delay) = match entry.name() {
            "TCP_CHECK" => (Some(CheckDetail::Tcp), context.port, 1),
            "HTTP_GET" | "SSL_GET" => (self.http(entry, context), context.port, 3),
            "SMTP_CHECK" => (Some(smtp(entry)), 25, 1),
            "MISC_CHECK" => return events.checks.extend(self.misc(entry, context)),
            "FILE_CHECK" => return self.followed(entry, events, Kind::File, "track_file"),
            "BFD_CHECK" => return self.followed(entry, events, Kind::Bfd, "name"),
            "UDP_CHECK" => {
                self.udp(entry);
                return events.checks.push(CheckDetail::Other(entry.name().to_owned()));
            }
            "DNS_CHECK" | "PING_CHECK" => {
                return events.checks.push(CheckDetail::Other(entry.name().to_owned()));
            }
            _ => return,
        };
        let Some(detail) = detail else { return };
        if let Some(check) = self.connecting(entry, context, port, Duration::from_secs(retry_delay)) {
            server.checks.push(check);
            events.checks.push(detail);
        }
    }

    /// A probe that connects; `port` and `retry_delay` are what its kind has by default.
    fn connecting<'e>(
        &mut self,
        entry: &'e Entry<'e>,
        context: &CheckContext<'_>,
        port: u16,
        retry_delay: Duration,
    ) -> Option<CheckSpec> {
        let (mut timing, mut target) = (Timing::default(), Target::default());
        let (mut alpha, mut log_all) = (context.alpha, self.defaults.log_all_failures);
        for entry in entry.entries() {
            match entry.name() {
                _ if timing.line(entry) => {}
                "alpha" => alpha = entry.switch(),
                "log_all_failures" => log_all = entry.switch(),
                "host" => {
                    for entry in entry.entries() {
                        if !timing.line(entry) {
                            target.line(entry);
                        }
                    }
                }
                _ => target.line(entry),
            }
        }
        let timing = timing.within(context.timing);
        let address = target.address.unwrap_or(context.address);
        let port = target.port.unwrap_or(port);
        if port == 0 {
            let message = format!("`{}` of a real server without port", entry.name());
            let diagnostic = Diagnostic::quiet(Code::MissingSetting, entry.word.span, message)
                .label("it connects to port 0, and never succeeds")
                .hint("give it a `connect_port`");
            self.report(diagnostic);
        }
        let link_local = matches!(address, IpAddr::V6(address) if address.is_unicast_link_local());
        if link_local && target.interface.is_none() {
            let message = format!("`{}` of a link-local address without `bind_if`", entry.name());
            let diagnostic = Diagnostic::warning(Code::MissingSetting, entry.word.span, message)
                .label("the check is ignored, and the server counts as up")
                .hint("name the interface with `bind_if`");
            self.report(diagnostic);
            return None;
        }
        let source_address = self.bind_address(&target, address);
        let delay_loop = timing.delay_loop.unwrap_or(Duration::from_secs(60));
        Some(CheckSpec {
            probe: ProbeSpec::Tcp(Connection {
                target: SocketAddr::new(address, port),
                source_address,
                source_port: target.bind_port,
                interface: target.interface,
                fwmark: target.fwmark,
                timeout: timing.connect_timeout.unwrap_or(Duration::from_secs(5)),
            }),
            delay_loop,
            retry: timing.retry.unwrap_or(1),
            delay_before_retry: timing.delay_before_retry.unwrap_or(retry_delay),
            warmup: timing.warmup.unwrap_or(delay_loop),
            alpha,
            log_all_failures: log_all,
        })
    }

    fn bind_address(&mut self, target: &Target<'_>, address: IpAddr) -> Option<IpAddr> {
        let (bind, entry) = target.bind?;
        if bind.is_ipv4() == address.is_ipv4() {
            return Some(bind);
        }
        let diagnostic = Diagnostic::warning(
            Code::WrongFamily,
            entry.value_span(),
            "`bindto` is of another family than the target",
        )
        .label("ignored");
        self.report(diagnostic);
        None
    }

    fn http(&mut self, entry: &Entry<'_>, context: &CheckContext<'_>) -> Option<CheckDetail> {
        let mut http = HttpSpec {
            tls: entry.name() == "SSL_GET",
            host: context.host.map(str::to_owned),
            protocol: "1.0".to_owned(),
            sni: false,
            urls: Vec::new(),
        };
        for entry in entry.entries() {
            match entry.name() {
                "virtualhost" => http.host = entry.choice().map(str::to_owned),
                "http_protocol" => http.protocol = entry.text().to_uppercase(),
                "enable_sni" => http.sni = entry.switch(),
                "url" => http.urls.extend(self.url(entry)),
                _ => {}
            }
        }
        if http.urls.is_empty() {
            let message = format!("`{}` without any usable `url`", entry.name());
            let diagnostic = Diagnostic::warning(Code::MissingSetting, entry.word.span, message)
                .label("the check is ignored, and the server counts as up")
                .hint("write `url { path /PATH }` in it");
            self.report(diagnostic);
            return None;
        }
        Some(CheckDetail::Http(http))
    }

    fn url(&mut self, entry: &Entry<'_>) -> Option<UrlSpec> {
        let mut url = UrlSpec { path: String::new(), digest: None, status: Vec::new(), host: None };
        for entry in entry.entries() {
            match entry.name() {
                "path" => entry.text().clone_into(&mut url.path),
                "digest" => url.digest = self.digest(entry),
                "status_code" => self.status_codes(entry, &mut url.status),
                "virtualhost" => url.host = entry.choice().map(str::to_owned),
                _ => {}
            }
        }
        if url.path.is_empty() {
            let diagnostic =
                Diagnostic::warning(Code::MissingSetting, entry.word.span, "a `url` without `path`")
                    .label("ignored")
                    .hint("write `path /PATH` in it");
            self.report(diagnostic);
            return None;
        }
        if url.status.is_empty() {
            url.status.push((200, 299));
        }
        Some(url)
    }

    fn digest(&mut self, entry: &Entry<'_>) -> Option<[u8; 16]> {
        let text = entry.text();
        let mut digest = [0; 16];
        let valid = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !valid {
            let message = format!("`digest` takes 32 hexadecimal digits, not `{text}`");
            let diagnostic = Diagnostic::warning(Code::BadValue, entry.value_span(), message)
                .label("ignored: the content of the page is not compared")
                .hint("`genhash` prints the digest of a page");
            self.report(diagnostic);
            return None;
        }
        for (byte, at) in digest.iter_mut().zip((0..32).step_by(2)) {
            *byte = text.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok())?;
        }
        Some(digest)
    }

    fn status_codes(&mut self, entry: &Entry<'_>, status: &mut Vec<(u16, u16)>) {
        let code = |text: &str| text.parse::<u16>().ok().filter(|code| (100..=999).contains(code));
        for word in entry.args {
            let (first, last) = word.text.split_once('-').unwrap_or((&word.text, &word.text));
            if let Some(range) = code(first).zip(code(last)).filter(|(first, last)| first <= last) {
                status.push(range);
            } else {
                let message = format!("`status_code` takes numbers from 100 to 999, not `{}`", word.text);
                self.report(Diagnostic::warning(Code::BadValue, word.span, message).label("ignored"));
            }
        }
    }

    fn misc(&mut self, entry: &Entry<'_>, context: &CheckContext<'_>) -> Option<CheckDetail> {
        let (mut argv, mut path, mut timeout, mut dynamic) = (None, None, None, false);
        let (mut user, mut delay_loop) = (None, context.timing.delay_loop);
        for entry in entry.entries() {
            match entry.name() {
                "misc_path" => {
                    argv = self.quoted_command(entry);
                    path = Some(entry.value_span());
                }
                "misc_timeout" => timeout = entry.time(),
                "misc_dynamic" => dynamic = true,
                "user" => user = Some(entry),
                "delay_loop" => delay_loop = entry.time(),
                _ => {}
            }
        }
        let (Some(argv), Some(path)) = (argv.filter(|argv| !argv.is_empty()), path) else {
            let diagnostic = Diagnostic::warning(
                Code::MissingSetting,
                entry.word.span,
                "`MISC_CHECK` without `misc_path`",
            )
            .label("the check is ignored, and the server counts as up")
            .hint("write `misc_path \"COMMAND ARGUMENTS\"` in it");
            self.report(diagnostic);
            return None;
        };
        let identity = match user {
            Some(user) => Some(self.user(user)?),
            None => self.default_identity(entry)?,
        };
        let program = argv.first()?;
        match self.host.script(program) {
            ScriptFacts::NotFound => {
                let message = format!("there is no executable script `{program}`");
                let diagnostic = Diagnostic::quiet(Code::ScriptNotFound, path, message)
                    .label("the check is ignored, and the server counts as up; keepalived does not say so")
                    .hint("correct the path, or make the file executable");
                self.report(diagnostic);
                return None;
            }
            ScriptFacts::Found { insecure } if self.is_closed_to(insecure, identity.as_ref()) => {
                let message = format!("others than root can change `{program}`");
                let diagnostic = Diagnostic::quiet(Code::ScriptSecurity, path, message)
                    .label("not run as root, because of enable_script_security");
                self.report(diagnostic);
                return None;
            }
            ScriptFacts::Found { .. } => self.found(Runner::Checks, path),
        }
        let timeout = timeout.or(delay_loop).unwrap_or(Duration::from_secs(60));
        Some(CheckDetail::Misc(MiscSpec { command: Command { argv, identity }, timeout, dynamic }))
    }

    /// A check that follows something defined elsewhere.
    fn followed(&mut self, entry: &Entry<'_>, events: &mut RealServerEvents, kind: Kind, needs: &str) {
        let mut complete = false;
        for entry in entry.entries() {
            match entry.name() {
                name if name == needs => complete = self.track_line(kind, entry.args.first(), None).is_some(),
                "weight" => {
                    self.weight(entry.args, crate::keyword::INT, &["reverse", "noreverse"]);
                }
                _ => {}
            }
        }
        if complete {
            events.checks.push(CheckDetail::Other(entry.name().to_owned()));
            return;
        }
        let message = format!("`{}` without a usable `{needs}`", entry.name());
        let diagnostic = Diagnostic::warning(Code::MissingSetting, entry.word.span, message)
            .label("the check is ignored, and the server counts as up");
        self.report(diagnostic);
    }

    fn udp(&mut self, entry: &Entry<'_>) {
        for entry in entry.entries() {
            let wild = match entry.name() {
                "payload" => false,
                "require_reply" => true,
                _ => continue,
            };
            let digit = |c: char| c.is_ascii_hexdigit() || (wild && matches!(c, 'x' | 'X'));
            if let Some(word) = entry.args.iter().find(|word| !word.text.chars().all(digit)) {
                let message = format!("`{}` takes hexadecimal digits, not `{}`", entry.name(), word.text);
                self.report(Diagnostic::warning(Code::BadValue, word.span, message).label("ignored"));
            }
        }
    }
}

fn smtp(entry: &Entry<'_>) -> CheckDetail {
    let line = entry.entries().iter().rfind(|entry| entry.name() == "helo_name");
    let name = line.and_then(|entry| entry.choice()).unwrap_or("smtpchecker.keepalived.org");
    CheckDetail::Smtp { helo: name.to_owned() }
}
