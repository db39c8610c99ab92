//! `DNS_CHECK`.

use checker::{CheckSpec, DnsProbe, DnsType, ProbeSpec};

use super::super::Lowering;
use super::super::real_server::CheckContext;
use crate::diagnostic::{Code, Diagnostic};
use crate::resolve::Entry;

impl Lowering<'_> {
    pub(super) fn dns(&mut self, entry: &Entry<'_>, context: &CheckContext<'_>) -> Option<CheckSpec> {
        let (mut record, mut name) = (DnsType::Soa, String::new());
        for entry in entry.entries() {
            match entry.name() {
                "type" => record = entry.choice().and_then(DnsType::of_name).unwrap_or(record),
                "name" if has_empty_label(entry.text()) => {
                    let message = format!("`{}` is no domain name: a label of it is empty", entry.text());
                    let diagnostic = Diagnostic::warning(Code::BadValue, entry.value_span(), message);
                    self.report(diagnostic.label("ignored"));
                }
                "name" => entry.text().clone_into(&mut name),
                _ => {}
            }
        }
        self.connecting(entry, context, super::DNS, |connection| {
            ProbeSpec::Dns(DnsProbe { connection, record, name })
        })
    }
}

/// Whether there is nothing before a dot; the dot at the end, and the root, are all right.
fn has_empty_label(name: &str) -> bool {
    let labels = name.strip_suffix('.').unwrap_or(name);
    !labels.is_empty() && labels.split('.').any(str::is_empty)
}
