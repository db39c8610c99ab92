//! `DNS_CHECK`.

use checker::{CheckSpec, DnsProbe, DnsType, ProbeSpec};

use super::super::Lowering;
use super::super::real_server::CheckContext;
use crate::diagnostic::{Code, Diagnostic};
use crate::resolve::Entry;

impl Lowering<'_> {
    pub(super) fn dns(&mut self, entry: &Entry<'_>, context: &CheckContext<'_>) -> Option<CheckSpec> {
        let (mut record, mut name) = (DnsType::Soa, None);
        for entry in entry.entries() {
            match entry.name() {
                "type" => record = entry.choice().and_then(DnsType::of_name).unwrap_or(record),
                "name" if name.is_some() => {
                    let message = "a second `name` in the same question";
                    let diagnostic = Diagnostic::warning(Code::Duplicate, entry.value_span(), message);
                    self.report(diagnostic.label("ignored: the first one counts").first(entry.first));
                }
                "name" if has_empty_label(entry.text()) => {
                    let message = format!("`{}` is no domain name: a label of it is empty", entry.text());
                    let diagnostic = Diagnostic::warning(Code::BadValue, entry.value_span(), message);
                    self.report(diagnostic.label("ignored"));
                }
                "name" => name = Some(entry.text().to_owned()),
                _ => {}
            }
        }
        let name = name.unwrap_or_default();
        self.connecting(entry, context, super::DNS, |connection| {
            ProbeSpec::Dns(DnsProbe { connection, record, name }.into())
        })
    }
}

/// Whether there is nothing before a dot; the dot at the end, and the root, are all right.
fn has_empty_label(name: &str) -> bool {
    let labels = name.strip_suffix('.').unwrap_or(name);
    !labels.is_empty() && labels.split('.').any(str::is_empty)
}
