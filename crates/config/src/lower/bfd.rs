//! `bfd_instance`: whether it could run, so that what follows it is right.

use super::Lowering;
use super::tracker::Kind;
use crate::diagnostic::{Code, Diagnostic};
use crate::resolve::Entry;

impl Lowering<'_> {
    pub(super) fn bfd_instance(&mut self, entry: &Entry<'_>) {
        let (mut neighbor, mut source) = (None, None);
        for entry in entry.entries() {
            match entry.name() {
                "neighbor_ip" => neighbor = entry.address(),
                "source_ip" => source = entry.address().map(|address| (address, entry.value_span())),
                "weight" => {
                    self.weight(entry.args, 253, &["reverse"]);
                }
                _ => {}
            }
        }
        let mut usable = true;
        if let (Some(neighbor), Some((source, span))) = (neighbor, source)
            && neighbor.is_ipv4() != source.is_ipv4()
        {
            usable = false;
            let diagnostic = Diagnostic::warning(
                Code::WrongFamily,
                span,
                "`source_ip` and `neighbor_ip` differ in family",
            )
            .label("the session is ignored");
            self.report(diagnostic);
        }
        if usable {
            self.finish_tracker(Kind::Bfd, entry, neighbor.is_some(), "neighbor_ip");
        } else {
            self.define_tracker(Kind::Bfd, entry.text(), false);
        }
    }
}
