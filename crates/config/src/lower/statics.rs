//! Blocks of the root beside instances and servers: static addresses, routes and rules, and lists of interfaces.

use super::Lowering;
use crate::diagnostic::{Code, Diagnostic, Effect};
use crate::keyword::{Value, ValueError};
use crate::lex::Word;
use crate::resolve::Entry;

impl Lowering<'_> {
    pub(super) fn static_addresses(&mut self, entry: &Entry<'_>) {
        for node in entry.lines() {
            let Some(line) = self.address_line(node, true) else { continue };
            let default = &self.defaults.interface;
            if line.interface.is_none()
                && self.knows_interfaces
                && self.host.interface(default).is_none()
                && let Some(word) = node.words.first()
            {
                let message = format!("no interface for {}: there is no `{default}`", line.address);
                let diagnostic =
                    Diagnostic::error(Code::UnknownInterface, Effect::Unusable, word.span, message)
                        .label("the daemon does not start with this")
                        .hint("name one with `dev`, or `default_interface` in global_defs");
                self.report(diagnostic);
            }
        }
    }

    pub(super) fn static_routes(&mut self, entry: &Entry<'_>) {
        self.routes(entry.lines(), true);
    }

    pub(super) fn static_rules(&mut self, entry: &Entry<'_>) {
        self.rules(entry.lines(), true);
    }

    pub(super) fn garp_group(&mut self, entry: &Entry<'_>) {
        let mut interval = false;
        for entry in entry.entries() {
            match entry.name() {
                "garp_interval" | "gna_interval" => interval = true,
                "interface" => entry.args.iter().take(1).for_each(|word| self.garp_interface(word)),
                "interfaces" => entry.names().for_each(|word| self.garp_interface(word)),
                _ => {}
            }
        }
        if !interval {
            let diagnostic =
                Diagnostic::warning(Code::MissingSetting, entry.word.span, "a `garp_group` without interval")
                    .label("ignored")
                    .hint("write `garp_interval` or `gna_interval` in it");
            self.report(diagnostic);
        }
    }

    fn garp_interface(&mut self, word: &Word) {
        if !self.interface_exists(&word.text, word.span, "") {
            return;
        }
        if !self.garp_interfaces.insert(word.text.to_string()) {
            let message = format!("`{}` is in a `garp_group` already", word.text);
            self.report(Diagnostic::warning(Code::Duplicate, word.span, message).label("ignored"));
        }
    }

    pub(super) fn linkbeat_interfaces(&mut self, entry: &Entry<'_>) {
        for node in entry.lines() {
            let Some(name) = node.words.first() else { continue };
            self.listed_interface(name);
            for word in node.words.iter().skip(1) {
                if !["MII", "ETHTOOL", "IOCTL"].contains(&word.text.as_str()) {
                    self.unknown_option(word, "linkbeat_interfaces", &["MII", "ETHTOOL", "IOCTL"]);
                }
            }
        }
    }

    pub(super) fn interface_delays(&mut self, entry: &Entry<'_>) {
        for node in entry.lines() {
            let Some(name) = node.words.first() else { continue };
            self.listed_interface(name);
            for word in node.words.iter().skip(1).take(2) {
                let value = Value::time(0, 255_000_000);
                let result = value.parse(&word.text);
                if matches!(result, Err(ValueError::Kind | ValueError::Range)) {
                    let message = format!("a delay is {}, not `{}`", value.describe(), word.text);
                    self.report(Diagnostic::warning(Code::BadValue, word.span, message).label("ignored"));
                }
            }
        }
    }

    /// An interface of a list; keepalived counts one that does not exist less than other problems.
    fn listed_interface(&mut self, name: &Word) {
        let lenient = self.model.globals.dynamic_interfaces || !self.knows_interfaces;
        if lenient || self.host.interface(&name.text).is_some() {
            return;
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
    }
}
