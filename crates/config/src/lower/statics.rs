//! Blocks of the root beside instances and servers: static addresses, routes and rules, and lists of interfaces.

use std::collections::BTreeSet;
use std::time::Duration;

use vrrp::{AnnounceGroup, Held, LinkDelays};

use super::Lowering;
use crate::diagnostic::{Code, Diagnostic, Effect};
use crate::keyword::{Datum, Value, ValueError};
use crate::lex::Word;
use crate::model::LinkbeatMethod;
use crate::resolve::Entry;

/// What is there whatever the state of VRRP, each kind in the order of the file.
#[derive(Default)]
pub struct Statics {
    addresses: Vec<Held>,
    routes: Vec<Held>,
    rules: Vec<Held>,
}

impl Lowering<'_> {
    /// Addresses come before routes, which may need them, and rules last.
    pub(super) fn complete_statics(&mut self) {
        let Statics { addresses, routes, rules } = std::mem::take(&mut self.statics);
        self.model.vrrp.statics = [addresses, routes, rules].concat();
    }

    /// A `track_group`: its members are looked at when all instances are known.
    pub(super) fn track_group(&mut self, entry: &Entry<'_>) {
        if let Some((_, first)) = self.track_groups.get(entry.text()) {
            let message = format!("a second `track_group {}`", entry.text());
            let diagnostic = Diagnostic::warning(Code::Duplicate, entry.value_span(), message)
                .label("the whole group is ignored")
                .related(*first, "the first is here");
            return self.report(diagnostic);
        }
        let members = entry
            .entries()
            .iter()
            .filter(|inner| inner.name() == "group")
            .flat_map(Entry::names)
            .map(|word| (word.text.to_string(), word.span))
            .collect();
        self.track_groups.insert(entry.text().to_owned(), (members, entry.value_span()));
    }

    /// The members of `track_group`s that exist.
    pub(super) fn complete_track_groups(&mut self) {
        for (name, (members, span)) in std::mem::take(&mut self.track_groups) {
            let known = |member: &str| self.model.vrrp.instances.iter().any(|spec| spec.name == member);
            let seen = |member: &str| self.instances.iter().any(|seen| seen.name == member);
            let usable: Vec<_> = members
                .iter()
                .filter(|(member, _)| known(member))
                .map(|(member, _)| member.clone())
                .collect();
            let missing: Vec<_> = members.iter().filter(|(member, _)| !seen(member)).cloned().collect();
            for (member, span) in missing {
                let message = format!("there is no `vrrp_instance {member}`");
                self.report(Diagnostic::quiet(Code::Undefined, span, message).label("ignored"));
            }
            if usable.is_empty() {
                let message = format!("`track_group {name}` has no instance");
                let diagnostic = Diagnostic::note(Code::MissingSetting, span, message)
                    .label("ignored")
                    .hint("list instances in its block `group`");
                self.report(diagnostic);
            } else {
                self.model.vrrp.track_groups.insert(name, usable);
            }
        }
    }

    pub(super) fn static_addresses(&mut self, entry: &Entry<'_>) {
        for node in entry.lines() {
            let Some(line) = self.address_line(node, true) else { continue };
            let default = self.model.globals.vrrp.default_interface.clone();
            if line.interface.is_none()
                && self.knows_interfaces
                && self.host.interface(&default).is_none()
                && let Some(word) = node.words.first()
            {
                let message = format!("no interface for {}: there is no `{default}`", line.address);
                let diagnostic =
                    Diagnostic::error(Code::UnknownInterface, Effect::Unusable, word.span, message)
                        .label("the daemon does not start with this")
                        .hint("name one with `dev`, or `default_interface` in global_defs");
                self.report(diagnostic);
                continue;
            }
            self.statics.addresses.push(line.on(&default).into());
        }
    }

    pub(super) fn static_routes(&mut self, entry: &Entry<'_>) {
        let routes = self.routes(entry.lines(), true);
        self.statics.routes.extend(routes.into_iter().map(Held::from));
    }

    pub(super) fn static_rules(&mut self, entry: &Entry<'_>) {
        let rules = self.rules(entry.lines(), true);
        self.statics.rules.extend(rules.into_iter().map(Held::from));
    }

    pub(super) fn garp_group(&mut self, entry: &Entry<'_>) {
        let mut group = AnnounceGroup {
            interfaces: BTreeSet::new(),
            numbered: false,
            garp_interval: Duration::ZERO,
            gna_interval: Duration::ZERO,
        };
        let mut interval = false;
        for entry in entry.entries() {
            match entry.name() {
                "garp_interval" => {
                    interval = true;
                    group.garp_interval = entry.time().unwrap_or_default();
                }
                "gna_interval" => {
                    interval = true;
                    group.gna_interval = entry.time().unwrap_or_default();
                }
                "interface" => {
                    entry.args().iter().take(1).for_each(|word| self.garp_interface(word, &mut group));
                }
                "interfaces" => {
                    group.numbered = true;
                    entry.names().for_each(|word| self.garp_interface(word, &mut group));
                }
                _ => {}
            }
        }
        if interval {
            self.model.vrrp.announce_groups.push(group);
            return;
        }
        let diagnostic =
            Diagnostic::warning(Code::MissingSetting, entry.word.span, "a `garp_group` without interval")
                .label("ignored")
                .hint("write `garp_interval` or `gna_interval` in it");
        self.report(diagnostic);
    }

    fn garp_interface(&mut self, word: &Word, group: &mut AnnounceGroup) {
        if !self.interface_exists(&word.text, word.span, "") {
            return;
        }
        if let Some(first) = self.garp_interfaces.insert(word.text.to_string(), word.span) {
            let message = format!("`{}` is in a `garp_group` already", word.text);
            let diagnostic = Diagnostic::warning(Code::Duplicate, word.span, message).label("ignored");
            self.report(diagnostic.first(Some(first)));
        } else {
            group.interfaces.insert(word.text.to_string());
        }
    }

    pub(super) fn linkbeat_interfaces(&mut self, entry: &Entry<'_>) {
        for node in entry.lines() {
            let Some(name) = node.words.first() else { continue };
            let known = self.listed_interface(name);
            let mut method = LinkbeatMethod::Any;
            for word in node.words.iter().skip(1) {
                match word.text.as_str() {
                    "MII" => method = LinkbeatMethod::Mii,
                    "ETHTOOL" => method = LinkbeatMethod::Ethtool,
                    "IOCTL" => method = LinkbeatMethod::Ioctl,
                    _ => self.unknown_option(word, "linkbeat_interfaces", &["MII", "ETHTOOL", "IOCTL"]),
                }
            }
            if known {
                self.model.linkbeat.interfaces.insert(name.text.to_string(), method);
            }
        }
    }

    pub(super) fn interface_delays(&mut self, entry: &Entry<'_>) {
        for node in entry.lines() {
            let Some(name) = node.words.first() else { continue };
            let known = self.listed_interface(name);
            let mut delays = node.words.iter().skip(1).take(2).map(|word| self.delay(word));
            let (down, up) = (delays.next().flatten(), delays.next().flatten());
            drop(delays);
            if known && (down.is_some() || up.is_some()) {
                let delays = LinkDelays { down: down.unwrap_or_default(), up: up.unwrap_or_default() };
                self.model.vrrp.link_delays.insert(name.text.to_string(), delays);
            }
        }
    }

    fn delay(&mut self, word: &Word) -> Option<Duration> {
        let value = Value::time(0, 255_000_000);
        match value.parse(&word.text) {
            Ok(Datum::Time(time)) | Err(ValueError::Adjusted(Datum::Time(time))) => Some(time),
            _ => {
                let message = format!("a delay is {}, not `{}`", value.describe(), word.text);
                self.report(Diagnostic::warning(Code::BadValue, word.span, message).label("ignored"));
                None
            }
        }
    }

    /// An interface of a list; keepalived counts one that does not exist less than other problems.
    fn listed_interface(&mut self, name: &Word) -> bool {
        let lenient = self.model.globals.dynamic_interfaces || !self.knows_interfaces;
        if lenient || self.host.interface(&name.text).is_some() {
            return true;
        }
        let message = format!("there is no interface `{}`", name.text);
        let diagnostic = Diagnostic {
            effect: Effect::Interface,
            ..Diagnostic::warning(Code::UnknownInterface, name.span, message)
        };
        let diagnostic = diagnostic
            .label("ignored")
            .hint("correct the name, or write `dynamic_interfaces` in global_defs if it comes later");
        self.report(diagnostic);
        false
    }
}
