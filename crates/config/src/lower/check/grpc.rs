//! `GRPC_CHECK`, which is ours.

use checker::{CheckSpec, GrpcProbe, ProbeSpec, TlsCheckSpec};

use super::super::Lowering;
use super::super::real_server::CheckContext;
use crate::diagnostic::{Code, Diagnostic};
use crate::resolve::Entry;

impl Lowering<'_> {
    pub(super) fn grpc(&mut self, entry: &Entry<'_>, context: &CheckContext<'_>) -> Option<CheckSpec> {
        let (mut service, mut authority, mut tls) = (String::new(), None, false);
        let mut tls_check = TlsCheckSpec::default();
        let mut of_tls = None;
        for entry in entry.entries() {
            let text = || entry.choice().map(str::to_owned);
            match entry.name() {
                "grpc_service" => service = text().unwrap_or_default(),
                "grpc_authority" => authority = text(),
                "tls" => tls = entry.switch(),
                "tls_verify" => tls_check.verify = entry.switch(),
                "tls_ca" => tls_check.ca = text(),
                "tls_name" => tls_check.name = text(),
                "tls_certificate" => tls_check.certificate = text(),
                "tls_key" => tls_check.key = text(),
                _ => {}
            }
            if entry.name().starts_with("tls_") {
                of_tls = Some(entry.word.span);
            }
        }
        if let Some(span) = of_tls.filter(|_| !tls) {
            let diagnostic = Diagnostic::warning(Code::Conflict, span, "a check that does not use TLS")
                .label("it has no effect")
                .hint("write `tls` in the check");
            self.report(diagnostic);
        }
        let tls = tls.then_some(tls_check);
        self.connecting(entry, context, super::MOST, |connection| {
            ProbeSpec::Grpc(Box::new(GrpcProbe { connection, service, authority, tls }))
        })
    }
}
