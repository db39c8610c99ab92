//! Lines of routes and rules: `virtual_routes`, `static_routes`, `virtual_rules`, `static_rules`.
//!
//! They have no effect yet; **what keepalived would report about them is reported**, word by word.

use std::net::IpAddr;

use super::Lowering;
use crate::diagnostic::{Code, Diagnostic, Effect};
use crate::keyword::parse_integer;
use crate::lex::Word;
use crate::parse::Node;
use crate::source::Span;

/// What follows an option.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Takes {
    Nothing,
    /// Any word.
    Word,
    Number,
    Address,
    /// An address with a prefix length.
    Prefix,
    Interface,
    Table,
    /// `A-B`.
    Range,
    /// `lock`, then a number.
    Metric,
    TrackGroup,
}

type Options = &'static [(&'static str, Takes)];

const ROUTE: Options = &[
    ("to", Takes::Prefix),
    ("src", Takes::Address),
    ("via", Takes::Address),
    ("gw", Takes::Address),
    ("or", Takes::Address),
    ("from", Takes::Prefix),
    ("tos", Takes::Word),
    ("dsfield", Takes::Word),
    ("table", Takes::Table),
    ("protocol", Takes::Word),
    ("scope", Takes::Word),
    ("metric", Takes::Number),
    ("priority", Takes::Number),
    ("preference", Takes::Number),
    ("dev", Takes::Interface),
    ("oif", Takes::Interface),
    ("vrf", Takes::Interface),
    ("weight", Takes::Number),
    ("expires", Takes::Number),
    ("mtu", Takes::Metric),
    ("advmss", Takes::Metric),
    ("rtt", Takes::Metric),
    ("rttvar", Takes::Metric),
    ("reordering", Takes::Metric),
    ("cwnd", Takes::Metric),
    ("ssthresh", Takes::Metric),
    ("rto_min", Takes::Metric),
    ("congctl", Takes::Metric),
    ("window", Takes::Number),
    ("hoplimit", Takes::Number),
    ("initcwnd", Takes::Number),
    ("initrwnd", Takes::Number),
    ("realms", Takes::Word),
    ("features", Takes::Word),
    ("quickack", Takes::Number),
    ("pref", Takes::Word),
    ("ttl-propagate", Takes::Word),
    ("encap", Takes::Word),
    ("track_group", Takes::TrackGroup),
    ("onlink", Takes::Nothing),
    ("no_track", Takes::Nothing),
    ("fastopen_no_cookie", Takes::Nothing),
    ("nexthop", Takes::Nothing),
    ("add", Takes::Nothing),
    ("prepend", Takes::Nothing),
    ("append", Takes::Nothing),
    ("inet", Takes::Nothing),
    ("inet6", Takes::Nothing),
    ("unicast", Takes::Nothing),
    ("local", Takes::Nothing),
    ("broadcast", Takes::Nothing),
    ("anycast", Takes::Nothing),
    ("multicast", Takes::Nothing),
    ("throw", Takes::Nothing),
    ("unreachable", Takes::Nothing),
    ("prohibit", Takes::Nothing),
    ("blackhole", Takes::Nothing),
    ("nat", Takes::Nothing),
];

/// Words of an encapsulation, which follow `encap`.
const ENCAPSULATION: &[&str] = &["id", "dst", "src", "tos", "ttl", "hoplimit", "flags", "mpls", "tc"];

const RULE: Options = &[
    ("from", Takes::Prefix),
    ("to", Takes::Prefix),
    ("table", Takes::Table),
    ("lookup", Takes::Table),
    ("goto", Takes::Number),
    ("preference", Takes::Number),
    ("order", Takes::Number),
    ("priority", Takes::Number),
    ("tos", Takes::Word),
    ("dsfield", Takes::Word),
    ("fwmark", Takes::Word),
    ("realms", Takes::Word),
    ("suppress_prefixlength", Takes::Number),
    ("sup_pl", Takes::Number),
    ("suppress_ifgroup", Takes::Word),
    ("sup_group", Takes::Word),
    ("dev", Takes::Interface),
    ("iif", Takes::Interface),
    ("oif", Takes::Interface),
    ("tunnel-id", Takes::Word),
    ("uidrange", Takes::Range),
    ("protocol", Takes::Word),
    ("ipproto", Takes::Word),
    ("sport", Takes::Range),
    ("dport", Takes::Range),
    ("type", Takes::Word),
    ("track_group", Takes::TrackGroup),
    ("l3mdev", Takes::Nothing),
    ("not", Takes::Nothing),
    ("nop", Takes::Nothing),
    ("blackhole", Takes::Nothing),
    ("prohibit", Takes::Nothing),
    ("unreachable", Takes::Nothing),
    ("no_track", Takes::Nothing),
    ("inet", Takes::Nothing),
    ("inet6", Takes::Nothing),
];

const ACTIONS: &[&str] =
    &["table", "lookup", "goto", "nop", "blackhole", "prohibit", "unreachable", "type", "l3mdev"];
const PREFERENCES: &[&str] = &["preference", "order", "priority"];

/// A line while it is read.
struct Walk<'t> {
    words: std::slice::Iter<'t, Word>,
    /// Options seen.
    seen: Vec<&'t str>,
    fixed: bool,
    what: &'static str,
}

impl Lowering<'_> {
    /// Lines of routes; `fixed` are those outside VRRP.
    pub(super) fn routes(&mut self, nodes: &[&Node<'_>], fixed: bool) {
        for node in nodes {
            self.route(node, fixed);
        }
    }

    fn route(&mut self, node: &Node<'_>, fixed: bool) {
        let Some(first) = node.words.first() else { return };
        let whole = node.words.last().map_or(first.span, |last| first.span.to(last.span));
        let mut walk = Walk { words: node.words.iter(), seen: Vec::new(), fixed, what: "a route" };
        let mut destination = false;
        let mut nexthops = false;
        while let Some(word) = walk.words.next() {
            let text = word.text.as_str();
            let encapsulated = walk.seen.contains(&"encap") && ENCAPSULATION.contains(&text);
            if encapsulated {
                walk.words.next();
            } else if !destination && is_destination(text) {
                destination = true;
                self.prefix(word);
            } else if text == "nexthop" {
                nexthops = true;
            } else if !self.option(ROUTE, word, &mut walk) {
                return;
            }
            destination |= text == "to";
        }
        let has = |option: &str| walk.seen.contains(&option);
        if has("gw") || has("or") {
            let old = if has("gw") { ("gw", "via") } else { ("or", "nexthop") };
            let message = format!("`{}` is an old form of `{}`", old.0, old.1);
            let diagnostic =
                Diagnostic::warning(Code::Deprecated, whole, message).hint(format!("write `{}`", old.1));
            self.report(diagnostic);
        }
        if !destination {
            let diagnostic = Diagnostic::warning(Code::MissingSetting, whole, "a route without destination")
                .label("the line is ignored")
                .hint("start the line with the destination: `10.0.0.0/8 via ...` or `default via ...`");
            return self.report(diagnostic);
        }
        if has("no_track") {
            return;
        }
        if has("protocol") {
            let diagnostic = Diagnostic::warning(
                Code::Conflict,
                whole,
                "a route that is watched cannot have another `protocol`",
            )
            .label("the protocol is ignored")
            .hint("write `no_track` as well");
            self.report(diagnostic);
        }
        if nexthops || !(has("dev") || has("oif")) {
            let diagnostic = Diagnostic::warning(
                Code::MissingSetting,
                whole,
                "a route without interface cannot be watched",
            )
            .label("it is not put back if somebody removes it")
            .hint("name its interface with `dev`, or write `no_track`");
            self.report(diagnostic);
        }
    }

    /// Lines of rules; `fixed` are those outside VRRP.
    pub(super) fn rules(&mut self, nodes: &[&Node<'_>], fixed: bool) {
        for node in nodes {
            let Some(first) = node.words.first() else { continue };
            let whole = node.words.last().map_or(first.span, |last| first.span.to(last.span));
            let mut walk = Walk { words: node.words.iter(), seen: Vec::new(), fixed, what: "a rule" };
            let mut usable = true;
            while let Some(word) = walk.words.next() {
                usable = usable && self.option(RULE, word, &mut walk);
            }
            if usable {
                self.finish_rule(&walk.seen, whole);
            }
        }
    }

    fn finish_rule(&mut self, seen: &[&str], whole: Span) {
        if !seen.iter().any(|option| ACTIONS.contains(option)) {
            let diagnostic = Diagnostic::warning(Code::MissingSetting, whole, "a rule without action")
                .label("the line is ignored")
                .hint("say what happens: `table TABLE`, `goto PREFERENCE`, `blackhole` ...");
            self.report(diagnostic);
        } else if !seen.iter().any(|option| PREFERENCES.contains(option)) {
            let diagnostic = Diagnostic::warning(Code::MissingSetting, whole, "a rule without preference")
                .label("it gets one from 16384 down")
                .hint("say where it stands among the rules: `preference NUMBER`");
            self.report(diagnostic);
        }
    }

    /// Reads an option and what follows it; false if the line cannot be used.
    fn option<'t>(&mut self, options: Options, word: &'t Word, walk: &mut Walk<'t>) -> bool {
        let text = word.text.as_str();
        let found =
            options.iter().find(|(name, takes)| *name == text && (walk.fixed || *takes != Takes::TrackGroup));
        let Some((_, takes)) = found else {
            let known: Vec<_> = options.iter().map(|(name, _)| *name).collect();
            let mut diagnostic = Diagnostic::warning(
                Code::UnknownOption,
                word.span,
                format!("{} does not know `{text}`", walk.what),
            )
            .label("the line is ignored");
            if let Some(near) = crate::suggest::nearest(text, known) {
                diagnostic = diagnostic.hint(format!("did you mean `{near}`?"));
            }
            self.report(diagnostic);
            return false;
        };
        walk.seen.push(text);
        if matches!(text, "inet" | "inet6") {
            let diagnostic = Diagnostic::warning(
                Code::Conflict,
                word.span,
                format!("keepalived drops the word after `{text}`"),
            )
            .label("stayd keeps it")
            .hint("leave it out: the addresses say the family");
            self.report(diagnostic);
        }
        if *takes == Takes::Nothing {
            return true;
        }
        let mut value = walk.words.next();
        let skipped = |word: &Word| match takes {
            Takes::Metric => word.text == "lock",
            Takes::Address => word.text == "inet" || word.text == "inet6",
            _ => false,
        };
        if value.is_some_and(skipped) {
            value = walk.words.next();
        }
        let Some(value) = value else {
            let message = format!("`{text}` needs a value");
            let diagnostic = Diagnostic::error(Code::MissingParameter, Effect::Fatal, word.span, message)
                .label("the daemon does not start without it");
            self.report(diagnostic);
            return false;
        };
        self.option_word(*takes, text, value)
    }

    fn option_word(&mut self, takes: Takes, option: &str, value: &Word) -> bool {
        let text = value.text.as_str();
        let expected = match takes {
            Takes::Nothing | Takes::Word | Takes::Metric => return true,
            Takes::Number if parse_integer(text).is_some() => return true,
            Takes::Number => "a number",
            Takes::Address if text.parse::<IpAddr>().is_ok() => return true,
            Takes::Address => "an IP address",
            Takes::Prefix if is_destination(text) => {
                self.prefix(value);
                return true;
            }
            Takes::Prefix => "an address with prefix length",
            Takes::Interface => {
                return self.interface_exists(text, value.span, "");
            }
            Takes::Table => {
                let known = parse_integer(text).is_some()
                    || matches!(text, "default" | "main" | "local")
                    || self.host.routing_table(text).is_some();
                if known {
                    return true;
                }
                "a routing table: its number, or a name of rt_tables"
            }
            Takes::Range => {
                let number = |text: &str| parse_integer(text).is_some() && !text.is_empty();
                if text.split_once('-').is_some_and(|(from, to)| number(from) && number(to)) {
                    return true;
                }
                "a range of numbers"
            }
            Takes::TrackGroup => {
                if !self.track_groups.iter().any(|group| group == text) {
                    self.undefined("track_group", value, "it follows nothing");
                }
                return true;
            }
        };
        let message = format!("`{option}` takes {expected}, not `{text}`");
        let mut diagnostic =
            Diagnostic::warning(Code::BadValue, value.span, message).label("the line is ignored");
        if takes == Takes::Range && parse_integer(text).is_some() {
            diagnostic = diagnostic.hint(format!("write `{text}-{text}`"));
        }
        self.report(diagnostic);
        false
    }

    fn prefix(&mut self, word: &Word) {
        let Some((address, length)) = word.text.split_once('/') else { return };
        let most = if address.contains(':') { 128 } else { 32 };
        self.bounded_prefix(word, length, most);
    }

    fn bounded_prefix(&mut self, word: &Word, length: &str, most: i64) {
        if !parse_integer(length).is_some_and(|length| (0..=most).contains(&length)) {
            let message = format!("the prefix length goes from 0 to {most}, not `{length}`");
            self.report(
                Diagnostic::warning(Code::OutOfRange, word.span, message).label(format!("{most} is used")),
            );
        }
    }
}

fn is_destination(text: &str) -> bool {
    matches!(text, "default" | "default6" | "any" | "all")
        || text.split('/').next().is_some_and(|address| address.parse::<IpAddr>().is_ok())
}
