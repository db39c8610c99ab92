//! Where a check connects.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use checker::{Connection, Source};

use super::super::Lowering;
use super::super::real_server::CheckContext;
use crate::diagnostic::{Code, Diagnostic};
use crate::resolve::Entry;

/// Where a probe goes, as its lines say.
#[derive(Default)]
pub struct Target<'e> {
    address: Option<IpAddr>,
    port: Option<u16>,
    bind: Option<(IpAddr, &'e Entry<'e>)>,
    bind_port: u16,
    interface: Option<String>,
    fwmark: u32,
}

impl<'e> Target<'e> {
    pub fn line(&mut self, entry: &'e Entry<'e>) {
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
    /// The connection of a check, or of a `host` in one; `None` if it cannot be made.
    pub(super) fn connection(
        &mut self,
        entry: &Entry<'_>,
        target: &Target<'_>,
        timeout: Option<Duration>,
        context: &CheckContext<'_>,
    ) -> Option<Connection> {
        let address = target.address.unwrap_or(context.address);
        let port = target.port.unwrap_or(context.port);
        if port == 0 && entry.name() != "PING_CHECK" {
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
        let source = Source {
            address: self.bind_address(entry, target, address),
            port: target.bind_port,
            interface: target.interface.clone(),
            fwmark: target.fwmark,
        };
        let timeout = timeout.unwrap_or(Duration::from_secs(5));
        Some(Connection::new(SocketAddr::new(address, port), timeout.into()).from(source))
    }

    fn bind_address(&mut self, check: &Entry<'_>, target: &Target<'_>, address: IpAddr) -> Option<IpAddr> {
        let (bind, entry) = target.bind?;
        if bind.is_ipv4() == address.is_ipv4() {
            return Some(bind);
        }
        let message = "`bindto` is of another family than the target";
        // keepalived compares them everywhere but here.
        let diagnostic = if matches!(check.name(), "SMTP_CHECK" | "host") {
            Diagnostic::quiet(Code::WrongFamily, entry.value_span(), message)
        } else {
            Diagnostic::warning(Code::WrongFamily, entry.value_span(), message)
        };
        self.report(diagnostic.label("ignored"));
        None
    }
}
