//! `real_server`.
//!
//! **A destination stands in its table once, with a port that its forwarding method can serve.**

use std::net::IpAddr;

use checker::RealServerSpec;
use ipvs::{DestKey, DestSpec, Family, Forwarding};

use super::Lowering;
use super::command::Runner;
use super::virtual_server::{Draft, Target};
use crate::diagnostic::{Code, Diagnostic};
use crate::keyword::parse_integer;
use crate::model::{OwnSpec, RealServerEvents, TimingSpec};
use crate::resolve::Entry;
use crate::source::Span;

/// What a check needs to know of its real server.
pub struct CheckContext<'c> {
    pub address: IpAddr,
    /// As the file gives it, or that of the virtual server.
    pub port: u16,
    pub timing: TimingSpec,
    pub alpha: bool,
    pub host: Option<&'c str>,
}

impl Lowering<'_> {
    /// Adds a real server, if it can be used.
    pub(super) fn real_server(
        &mut self,
        draft: &mut Draft<'_>,
        entry: &Entry<'_>,
        forwarding: Forwarding,
        ports: &[u16],
        servers: &mut Vec<RealServerSpec>,
        events: &mut Vec<RealServerEvents>,
    ) {
        let Some((address, port)) = self.real_address(entry) else { return };
        let (span, family) = (entry.span(), Family::of(address));
        let forwarding = self.own_forwarding(entry, forwarding).unwrap_or(forwarding);
        let tunnel = matches!(forwarding, Forwarding::Tunnel(_));
        if *draft.family.get_or_insert(family) != family && !tunnel {
            let diagnostic = Diagnostic::warning(
                Code::WrongFamily,
                span,
                "the real server is of another family than the virtual server",
            )
            .label("it is ignored")
            .hint("only `TUN` reaches real servers of the other family");
            self.report(diagnostic);
            return self.checks_of_nobody(entry, address, port);
        }
        let key = DestKey { address, port: self.real_port(draft, port, forwarding, ports, span) };
        if let Some(first) = draft.keys.insert(key, span) {
            let message = format!("the real server {address} a second time");
            let diagnostic = Diagnostic::warning(Code::Duplicate, span, message);
            return self.report(diagnostic.label("the second one is ignored").first(Some(first)));
        }
        let smtp_alert = self.defaults.alert_checker.unwrap_or(true);
        let mut own = RealServerEvents { key, notify_up: None, notify_down: None, smtp_alert, own: None };
        let dest = DestSpec { weight: draft.weight, forwarding, upper_threshold: 0, lower_threshold: 0 };
        let mut server = RealServerSpec {
            key,
            snmp_name: None,
            dest,
            inhibit_on_failure: draft.inhibit,
            alpha: draft.alpha,
            drain_timeout: draft.drain_timeout,
            checks: Vec::new(),
            follows: Vec::new(),
        };
        let (mut timing, mut virtual_host) = (TimingSpec::default(), None);
        for entry in entry.entries() {
            match entry.name() {
                _ if timing.line(entry) => {}
                "weight" => server.dest.weight = entry.integer().unwrap_or(server.dest.weight),
                "uthreshold" => server.dest.upper_threshold = entry.integer().unwrap_or(0),
                "lthreshold" => server.dest.lower_threshold = entry.integer().unwrap_or(0),
                "inhibit_on_failure" => server.inhibit_on_failure = entry.switch(),
                "alpha" => server.alpha = entry.switch(),
                "drain_timeout" => server.drain_timeout = entry.integer().unwrap_or(0),
                "notify_up" => own.notify_up = self.notify(entry, Runner::Checks).map(Box::new),
                "notify_down" => own.notify_down = self.notify(entry, Runner::Checks).map(Box::new),
                "smtp_alert" => own.smtp_alert = entry.switch(),
                "virtualhost" => virtual_host = entry.choice().map(str::to_owned),
                "snmp_name" => server.snmp_name = entry.choice().map(Box::from),
                _ => {}
            }
        }
        // The port that checks go to is the one that is written, even where the table cannot have it.
        let written = port.or(ports.first().copied()).unwrap_or(0);
        let timing = timing.within(draft.timing);
        let is_own = timing != draft.timing || virtual_host.is_some();
        let host = virtual_host.as_deref().or(draft.host.as_deref());
        let context = CheckContext { address, port: written, timing, alpha: server.alpha, host };
        // Checks are its only blocks, and most servers have one: a file may have tens of thousands of them.
        let blocks = entry.entries().iter().filter(|entry| entry.keyword.block().is_some());
        server.checks.reserve_exact(blocks.count());
        for entry in entry.entries() {
            self.check(entry, &context, &mut server);
        }
        own.own = is_own.then(|| Box::new(OwnSpec { timing, virtual_host }));
        servers.push(server);
        events.push(own);
    }

    /// Reads the checks of a real server that is not used, for what is wrong in them; keepalived counts their scripts.
    fn checks_of_nobody(&mut self, entry: &Entry<'_>, address: IpAddr, port: Option<u16>) {
        let port = port.unwrap_or(0);
        let context = CheckContext { address, port, timing: TimingSpec::default(), alpha: false, host: None };
        let key = DestKey { address, port };
        let dest = DestSpec {
            weight: 0,
            forwarding: Forwarding::Masquerade,
            upper_threshold: 0,
            lower_threshold: 0,
        };
        let (checks, follows) = (Vec::new(), Vec::new());
        let mut nobody = RealServerSpec {
            key,
            snmp_name: None,
            dest,
            inhibit_on_failure: false,
            alpha: false,
            drain_timeout: 0,
            checks,
            follows,
        };
        for entry in entry.entries() {
            self.check(entry, &context, &mut nobody);
        }
    }

    fn real_address(&mut self, entry: &Entry<'_>) -> Option<(IpAddr, Option<u16>)> {
        let Some(address) = crate::keyword::parse_address(entry.text()) else {
            let message = format!("`{}` is not the address of a real server", entry.text());
            let mut diagnostic = Diagnostic::warning(Code::BadValue, entry.value_span(), message)
                .label("the whole real server is ignored");
            if entry.text().matches(':').count() == 1 {
                diagnostic = diagnostic.hint("separate the address and the port by a space");
            }
            self.report(diagnostic);
            return None;
        };
        match entry.args().get(1) {
            None => Some((address, None)),
            Some(word) if parse_integer(&word.text) == Some(0) => Some((address, None)),
            Some(word) => self.port(word).map(|port| (address, Some(port))),
        }
    }

    fn own_forwarding(&mut self, entry: &Entry<'_>, inherited: Forwarding) -> Option<Forwarding> {
        let line = entry.entries().iter().rfind(|entry| entry.name() == "lvs_method")?;
        self.forwarding(line.args(), Some(inherited), "that of the virtual server is used")
    }

    /// The port in the table: that of the service unless NAT can change it.
    fn real_port(
        &mut self,
        draft: &Draft<'_>,
        port: Option<u16>,
        forwarding: Forwarding,
        ports: &[u16],
        span: Span,
    ) -> u16 {
        let keeps_port = forwarding != Forwarding::Masquerade;
        match (&draft.target, port) {
            (Target::NoGroup, port) => port.unwrap_or(0),
            (Target::Mark(_), None) => 0,
            (Target::Group(group), _) if !group.has_addresses() && (keeps_port || port.is_none()) => {
                self.report_mark_port(port, span)
            }
            (Target::Mark(_), Some(_)) if keeps_port => self.report_mark_port(port, span),
            (Target::Address { port: wanted, .. }, Some(port)) if keeps_port && port != *wanted => {
                let message = format!("the port {port}, and {wanted} of the virtual server");
                let diagnostic = Diagnostic::warning(Code::Conflict, span, message)
                    .label(format!("{wanted} is used"))
                    .hint("only `NAT` changes the port");
                self.report(diagnostic);
                *wanted
            }
            (Target::Group(group), Some(port)) if keeps_port && group.has_marks() => {
                self.report_mark_port(Some(port), span);
                port
            }
            (Target::Group(_), Some(port)) if keeps_port && ports.iter().any(|wanted| *wanted != port) => {
                let message = format!("the port {port}, and others in the virtual server's group");
                let diagnostic = Diagnostic::warning(Code::Conflict, span, message)
                    .label("used all the same")
                    .hint("only `NAT` changes the port");
                self.report(diagnostic);
                port
            }
            (_, Some(port)) => port,
            (_, None) => {
                if let [port] = ports {
                    *port
                } else {
                    let diagnostic = Diagnostic::quiet(
                        Code::NotSupported,
                        span,
                        "a real server without port, and a group of several ports",
                    )
                    .label("the port 0 is used for all of them in this version of stayd")
                    .hint("use one group, and one virtual server, for each port");
                    self.report(diagnostic);
                    0
                }
            }
        }
    }

    fn report_mark_port(&mut self, port: Option<u16>, span: Span) -> u16 {
        if port.is_some() {
            let diagnostic = Diagnostic::warning(Code::Conflict, span, "a firewall mark stands for any port")
                .label("the port is ignored, but checks use it")
                .hint("leave it out, and give checks their `connect_port`");
            self.report(diagnostic);
        }
        0
    }
}
