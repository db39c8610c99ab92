//! `bfd_instance`.

use std::time::Duration;

use bfd::SessionSpec;

use super::Lowering;
use super::tracker::Kind;
use crate::diagnostic::{Code, Diagnostic};
use crate::resolve::Entry;
use crate::source::Span;

/// keepalived has room for so many bytes.
const MAX_NAME: usize = 31;

impl Lowering<'_> {
    pub(super) fn bfd_instance(&mut self, entry: &Entry<'_>) {
        let name = entry.text();
        let (mut neighbor, mut source, mut weight) = (None, None, (0, false));
        for entry in entry.entries() {
            match entry.name() {
                "neighbor_ip" => neighbor = entry.address(),
                "source_ip" => source = entry.address().map(|address| (address, entry.value_span())),
                "weight" => {
                    let most = Kind::Bfd.weight();
                    weight = self.weight(entry.args(), most, &["reverse"]).unwrap_or(weight);
                }
                _ => {}
            }
        }
        let problem = self.bfd_problem(entry);
        if let Some(diagnostic) = problem {
            self.define_tracker(Kind::Bfd, name, false);
            return self.report(diagnostic);
        }
        let Some(neighbor) = neighbor else {
            return self.finish_tracker(Kind::Bfd, entry, false, "neighbor_ip");
        };
        if let Some((source, span)) = source
            && neighbor.is_ipv4() != source.is_ipv4()
        {
            self.define_tracker(Kind::Bfd, name, false);
            let message = "`source_ip` and `neighbor_ip` differ in family";
            let diagnostic =
                Diagnostic::warning(Code::WrongFamily, span, message).label("the session is ignored");
            return self.report(diagnostic);
        }
        let mut spec = SessionSpec::new(name, neighbor);
        spec.source = source.map(|(source, _)| source);
        spec.weight = i16::try_from(weight.0).unwrap_or(0);
        spec.reverse = weight.1;
        self.bfd_settings(&mut spec, entry);
        self.define_tracker(Kind::Bfd, name, true);
        self.model.bfd.push(spec);
    }

    /// Why a session cannot be, before what stands in it is looked at.
    fn bfd_problem(&self, entry: &Entry<'_>) -> Option<Diagnostic> {
        let (name, span) = (entry.text(), entry.value_span());
        if name.len() > MAX_NAME {
            let message = format!("`{name}` is longer than the {MAX_NAME} bytes that a name may have");
            let diagnostic = Diagnostic::warning(Code::BadValue, span, message);
            return Some(diagnostic.label("the session is ignored"));
        }
        self.model.bfd.iter().any(|session| session.name == name).then(|| {
            let message = format!("a second `bfd_instance {name}`");
            Diagnostic::warning(Code::Duplicate, span, message).label("the whole session is ignored")
        })
    }

    fn bfd_settings(&mut self, spec: &mut SessionSpec, entry: &Entry<'_>) {
        let (mut vrrp, mut checker) = (false, false);
        let mut hops = None;
        for entry in entry.entries() {
            let set = |time: &mut Duration| *time = entry.time().unwrap_or(*time);
            match entry.name() {
                "min_rx" => set(&mut spec.min_rx),
                "min_tx" => set(&mut spec.min_tx),
                "idle_tx" => set(&mut spec.idle_tx),
                "multiplier" => spec.multiplier = entry.integer().unwrap_or(spec.multiplier),
                "passive" => spec.passive = true,
                "ttl" => spec.ttl = entry.integer().unwrap_or(spec.ttl),
                "max_hops" => hops = entry.integer::<i64>().map(|hops| (hops, entry.value_span())),
                "multihop" => spec.multihop = entry.switch(),
                "vrrp" => vrrp = true,
                "checker" => checker = true,
                _ => {}
            }
        }
        if vrrp || checker {
            spec.followers = bfd::Followers { vrrp, checker };
        }
        if let Some((hops, span)) = hops {
            spec.max_hops = self.bfd_hops(hops, spec.ttl, span);
        }
    }

    /// `max_hops`, of which -1 is any number.
    fn bfd_hops(&mut self, hops: i64, ttl: u8, span: Span) -> Option<u8> {
        let hops = u8::try_from(hops).ok()?;
        if hops > ttl {
            let message = format!("`max_hops` {hops} is more than the `ttl` of {ttl}");
            let diagnostic = Diagnostic::quiet(Code::Adjusted, span, message).label(format!("{ttl} is used"));
            self.report(diagnostic);
        }
        Some(hops.min(ttl))
    }
}
