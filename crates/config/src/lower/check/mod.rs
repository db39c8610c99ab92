//! Checkers within `real_server`.
//!
//! **Every checker is kept with all that it asks.** One that can ask nothing is left out, and reported.

mod amqp;
mod connection;
mod dns;
mod follow;
mod grpc;
mod http;
mod misc;
mod udp;

use std::time::Duration;

use checker::{CheckSpec, Connection, ProbeSpec, RealServerSpec, SmtpProbe};

use super::Lowering;
use super::real_server::CheckContext;
use crate::model::TimingSpec;
use crate::resolve::Entry;
use connection::Target;

/// What a kind of check does unless lines say otherwise.
#[derive(Clone, Copy)]
struct Habits {
    retry: u32,
    /// none: the period.
    delay_before_retry: Option<Duration>,
}

const MOST: Habits = Habits { retry: 1, delay_before_retry: Some(Duration::from_secs(1)) };
const HTTP: Habits = Habits { delay_before_retry: Some(Duration::from_secs(3)), ..MOST };
const DNS: Habits = Habits { retry: 3, delay_before_retry: None };
const MISC: Habits = Habits { retry: 0, ..MOST };

/// The lines that checks have in common.
#[derive(Default)]
struct Lines<'e> {
    timing: TimingSpec,
    target: Target<'e>,
    alpha: Option<bool>,
    log_all: Option<bool>,
}

impl<'e> Lines<'e> {
    fn of(check: &'e Entry<'e>) -> Self {
        let mut lines = Self::default();
        for entry in check.entries() {
            match entry.name() {
                _ if lines.timing.line(entry) => {}
                "alpha" => lines.alpha = Some(entry.switch()),
                "log_all_failures" => lines.log_all = Some(entry.switch()),
                _ => lines.target.line(entry),
            }
        }
        lines
    }
}

impl Lowering<'_> {
    /// Adds the checks that an entry of a real server stands for; most entries stand for none.
    pub(super) fn check(
        &mut self,
        entry: &Entry<'_>,
        context: &CheckContext<'_>,
        server: &mut RealServerSpec,
    ) {
        let check = match entry.name() {
            "TCP_CHECK" => self.connecting(entry, context, MOST, ProbeSpec::Tcp),
            "PING_CHECK" => self.connecting(entry, context, MOST, ProbeSpec::Ping),
            "HTTP_GET" | "SSL_GET" => self.http(entry, context),
            "SMTP_CHECK" => return server.checks.extend(self.smtp(entry, context)),
            "DNS_CHECK" => self.dns(entry, context),
            "AMQP_CHECK" => self.amqp(entry, context),
            "GRPC_CHECK" => self.grpc(entry, context),
            "UDP_CHECK" => self.udp(entry, context),
            "MISC_CHECK" => self.misc(entry, context),
            "FILE_CHECK" => return server.follows.extend(self.follow_file(entry)),
            "BFD_CHECK" => return self.follow_session(entry, context, server),
            _ => return,
        };
        server.checks.extend(check);
    }

    /// A check that connects, if it can.
    fn connecting(
        &mut self,
        entry: &Entry<'_>,
        context: &CheckContext<'_>,
        habits: Habits,
        probe: impl FnOnce(Connection) -> ProbeSpec,
    ) -> Option<CheckSpec> {
        let lines = Lines::of(entry);
        let timeout = lines.timing.within(context.timing).connect_timeout;
        let connection = self.connection(entry, &lines.target, timeout, context)?;
        Some(self.scheduled(&lines, context, habits, probe(connection)))
    }

    fn scheduled(
        &self,
        lines: &Lines<'_>,
        context: &CheckContext<'_>,
        habits: Habits,
        probe: ProbeSpec,
    ) -> CheckSpec {
        let timing = lines.timing.within(context.timing);
        let delay_loop = timing.delay_loop.unwrap_or(Duration::from_secs(60));
        CheckSpec {
            probe,
            delay_loop: delay_loop.into(),
            retry: timing.retry.unwrap_or(habits.retry),
            delay_before_retry: timing
                .delay_before_retry
                .or(habits.delay_before_retry)
                .unwrap_or(delay_loop)
                .into(),
            warmup: timing.warmup.unwrap_or(delay_loop).into(),
            alpha: lines.alpha.unwrap_or(context.alpha),
            log_all_failures: lines.log_all.unwrap_or(self.model.lvs.log_all_failures),
            log_all_failures_written: lines.log_all == Some(true),
        }
    }

    /// The check itself, and one more for each `host` in it. A `host` takes over the times and the name, and goes to the
    /// real server unless it says otherwise (2.2.7, dumped; there its timeout is 0 unless it says otherwise).
    fn smtp(&mut self, entry: &Entry<'_>, context: &CheckContext<'_>) -> Vec<CheckSpec> {
        let name = entry.entries().iter().rfind(|entry| entry.name() == "helo_name");
        let helo = name.and_then(|entry| entry.choice()).unwrap_or("smtpchecker.keepalived.org");
        let probe = |connection| ProbeSpec::Smtp(SmtpProbe { connection, helo: helo.to_owned() }.into());
        let mut checks = Vec::from_iter(self.connecting(entry, context, MOST, probe));
        let lines = Lines::of(entry);
        for host in entry.entries().iter().filter(|entry| entry.name() == "host") {
            let Lines { target, timing, .. } = Lines::of(host);
            let timeout = timing.connect_timeout.or(context.timing.connect_timeout);
            if let Some(connection) = self.connection(host, &target, timeout, context) {
                checks.push(self.scheduled(&lines, context, MOST, probe(connection)));
            }
        }
        checks
    }
}
