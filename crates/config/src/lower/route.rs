//! Lines of routes: `virtual_routes`, `static_routes`.

use std::net::IpAddr;
use std::time::Duration;

use vrrp::{
    Family, Metric, Nexthop, PROTOCOL_KEEPALIVED, Prefix, Realms, RouteCreate, RouteKind, RouteMetrics,
    RoutePreference, RouteSpec, Scope, Weight,
};

use super::Lowering;
use super::routing::{Destination, Ignored, Words};
use crate::diagnostic::{Code, Diagnostic};
use crate::host::RoutingNames;
use crate::keyword::{parse_decimal, parse_integer};
use crate::lex::Word;
use crate::parse::Node;
use crate::source::Span;

/// The words that a route knows.
const WORDS: &[&str] = &[
    "to",
    "src",
    "via",
    "gw",
    "or",
    "from",
    "tos",
    "dsfield",
    "table",
    "protocol",
    "scope",
    "metric",
    "priority",
    "preference",
    "dev",
    "oif",
    "vrf",
    "expires",
    "mtu",
    "advmss",
    "rtt",
    "rttvar",
    "reordering",
    "cwnd",
    "ssthresh",
    "rto_min",
    "congctl",
    "window",
    "hoplimit",
    "initcwnd",
    "initrwnd",
    "realms",
    "features",
    "quickack",
    "pref",
    "ttl-propagate",
    "encap",
    "track_group",
    "onlink",
    "no_track",
    "fastopen_no_cookie",
    "nexthop",
    "add",
    "prepend",
    "append",
    "inet",
    "inet6",
    "unicast",
    "local",
    "broadcast",
    "anycast",
    "multicast",
    "throw",
    "unreachable",
    "prohibit",
    "blackhole",
    "nat",
];

/// What a line has said so far.
#[derive(Default)]
struct Draft {
    kind: Option<RouteKind>,
    /// What `inet`, `inet6` or the first address says.
    family: Option<Family>,
    destination: Option<Destination>,
    source: Option<Prefix>,
    preferred_source: Option<IpAddr>,
    tos: u8,
    table: Option<u32>,
    vrf: Option<String>,
    protocol: Option<u8>,
    scope: Option<Scope>,
    metric: u32,
    /// The nexthop that the line names without `nexthop`.
    first: Nexthop,
    nexthops: Vec<Nexthop>,
    /// Whether `nexthop` stands in the line.
    several: bool,
    /// `gw` or `or`, of which keepalived says that they are old.
    old: Option<(&'static str, &'static str)>,
    metrics: RouteMetrics,
    realms: Option<Realms>,
    expires: Option<(Duration, Span)>,
    preference: Option<(RoutePreference, Span)>,
    ttl_propagate: Option<bool>,
    create: Option<RouteCreate>,
    no_track: bool,
    track_group: Option<String>,
}

impl Lowering<'_> {
    /// Lines of routes; `fixed` are those outside VRRP.
    pub(super) fn routes(&mut self, nodes: &[&Node<'_>], fixed: bool) -> Vec<RouteSpec> {
        let mut routes = Vec::new();
        for node in nodes {
            let Some(mut words) = Words::new(node, fixed, "a route") else { continue };
            routes.extend(self.route(&mut words).ok());
        }
        routes
    }

    fn route(&mut self, words: &mut Words<'_>) -> Result<RouteSpec, Ignored> {
        let mut draft = Draft::default();
        while let Some(word) = words.next() {
            if draft.destination.is_none()
                && let Some(destination) = self.route_prefix(word)
            {
                self.route_destination(&mut draft, words, destination, word.span)?;
            } else if word.text == "nexthop" {
                self.nexthops(&mut draft, words)?;
            } else {
                self.route_word(&mut draft, word, words)?;
            }
        }
        self.complete_route(draft, words)
    }

    fn route_destination(
        &mut self,
        draft: &mut Draft,
        words: &Words<'_>,
        destination: Destination,
        span: Span,
    ) -> Result<(), Ignored> {
        draft.destination = Some(destination);
        self.route_family(draft, words, destination.family(), span)
    }

    /// Notes the family of an address, which the first one settles.
    fn route_family(
        &mut self,
        draft: &mut Draft,
        words: &Words<'_>,
        family: Option<Family>,
        span: Span,
    ) -> Result<(), Ignored> {
        match family {
            Some(family) if *draft.family.get_or_insert(family) != family => {
                Err(self.mixed_families(words, span))
            }
            _ => Ok(()),
        }
    }

    fn route_word(&mut self, draft: &mut Draft, word: &Word, words: &mut Words<'_>) -> Result<(), Ignored> {
        match word.text.as_str() {
            "to" => {
                let (destination, span) = self.prefix_of(word, words)?;
                self.route_destination(draft, words, destination, span)?;
            }
            "from" => {
                let (source, span) = self.prefix_of(word, words)?;
                if source.family() == Some(Family::V4) {
                    let message = "only IPv6 routes have a source";
                    let diagnostic = Diagnostic::warning(Code::WrongFamily, span, message)
                        .label("the line is ignored")
                        .hint("use a routing rule with `from`, and a table for this route");
                    self.report(diagnostic);
                    return Err(Ignored);
                }
                self.route_family(draft, words, Some(Family::V6), span)?;
                draft.source = Some(source.within(Family::V6));
            }
            "src" => {
                let (address, span) = self.address_of(word, words)?;
                self.route_family(draft, words, Some(Family::of(address)), span)?;
                draft.preferred_source = Some(address);
            }
            "via" | "gw" => {
                let (address, span) = self.address_of(word, words)?;
                self.route_family(draft, words, Some(Family::of(address)), span)?;
                draft.first.gateway = Some(address);
                if word.text == "gw" {
                    draft.old = Some(("gw", "via"));
                }
            }
            "or" => {
                let (address, span) = self.address_of(word, words)?;
                self.route_family(draft, words, Some(Family::of(address)), span)?;
                draft.old = Some(("or", "nexthop"));
                draft.nexthops.push(Nexthop { gateway: Some(address), ..Nexthop::default() });
            }
            "dev" | "oif" => draft.first.interface = Some(self.interface_of(word, words)?),
            "vrf" => draft.vrf = Some(self.interface_of(word, words)?),
            "onlink" => draft.first.onlink = true,
            "encap" => draft.first.encapsulation = Some(self.encapsulation(word, words)?),
            "table" => draft.table = Some(self.table_of(word, words)?),
            "metric" | "priority" | "preference" => draft.metric = self.number_of(word, words, u32::MAX)?,
            "no_track" => draft.no_track = true,
            "track_group" if words.fixed => draft.track_group = self.track_group_of(word, words)?,
            "add" => draft.create = Some(RouteCreate::Add),
            "prepend" => draft.create = Some(RouteCreate::Prepend),
            "append" => draft.create = Some(RouteCreate::Append),
            "inet" | "inet6" => {
                let family = self.family_word(word);
                self.route_family(draft, words, Some(family), word.span)?;
            }
            other => match kind(other) {
                Some(kind) => draft.kind = Some(kind),
                None => self.route_property(draft, word, words)?,
            },
        }
        Ok(())
    }

    /// Properties of the route, as the kernel keeps them.
    fn route_property(
        &mut self,
        draft: &mut Draft,
        word: &Word,
        words: &mut Words<'_>,
    ) -> Result<(), Ignored> {
        match word.text.as_str() {
            "tos" | "dsfield" => draft.tos = self.byte(RoutingNames::DsFields, word, words)?,
            "protocol" => draft.protocol = Some(self.byte(RoutingNames::Protocols, word, words)?),
            "scope" => draft.scope = Some(Scope(self.byte(RoutingNames::Scopes, word, words)?)),
            "realms" => draft.realms = Some(self.realms_of(word, words)?),
            "expires" => {
                let seconds = self.number_of(word, words, u32::MAX)?;
                draft.expires = Some((Duration::from_secs(seconds.into()), word.span));
            }
            "pref" => {
                let value = self.value_of(word, words)?;
                let preference = match value.text.as_str() {
                    "low" => RoutePreference::Low,
                    "medium" => RoutePreference::Medium,
                    "high" => RoutePreference::High,
                    _ => return Err(self.bad_value(words, word, "`low`, `medium` or `high`", value)),
                };
                draft.preference = Some((preference, word.span));
            }
            "ttl-propagate" => {
                let value = self.value_of(word, words)?;
                match value.text.as_str() {
                    "enabled" => draft.ttl_propagate = Some(true),
                    "disabled" => draft.ttl_propagate = Some(false),
                    other => {
                        let message = format!("`ttl-propagate` takes `enabled` or `disabled`, not `{other}`");
                        let diagnostic =
                            Diagnostic::warning(Code::BadValue, value.span, message).label("ignored");
                        self.report(diagnostic);
                    }
                }
            }
            _ => self.route_metric(&mut draft.metrics, word, words)?,
        }
        Ok(())
    }

    fn byte(&mut self, names: RoutingNames, word: &Word, words: &mut Words<'_>) -> Result<u8, Ignored> {
        let value = self.value_of(word, words)?;
        let number = self.named_number(words, names, word, value)?;
        u8::try_from(number).map_err(|_| self.bad_value(words, word, "a number up to 255", value))
    }

    /// What is known of the path.
    fn route_metric(
        &mut self,
        metrics: &mut RouteMetrics,
        word: &Word,
        words: &mut Words<'_>,
    ) -> Result<(), Ignored> {
        match word.text.as_str() {
            "mtu" => metrics.mtu = Some(self.count_metric(word, words)?),
            "advmss" => metrics.advertised_mss = Some(self.count_metric(word, words)?),
            "reordering" => metrics.reordering = Some(self.count_metric(word, words)?),
            "cwnd" => metrics.congestion_window = Some(self.count_metric(word, words)?),
            "ssthresh" => metrics.slow_start_threshold = Some(self.count_metric(word, words)?),
            "rtt" => metrics.rtt = Some(self.time_metric(word, words)?),
            "rttvar" => metrics.rtt_variance = Some(self.time_metric(word, words)?),
            "rto_min" => metrics.rto_min = Some(self.time_metric(word, words)?),
            "congctl" => {
                let lock = words.next_of(&["lock"]).is_some();
                let value = self.value_of(word, words)?.text.to_string();
                metrics.congestion_control = Some(Metric { value, lock });
            }
            "window" => metrics.window = Some(self.number_of(word, words, u32::MAX)?),
            "initcwnd" => metrics.initial_congestion_window = Some(self.number_of(word, words, u32::MAX)?),
            "initrwnd" => metrics.initial_receive_window = Some(self.number_of(word, words, u32::MAX)?),
            "hoplimit" => {
                metrics.hop_limit = u8::try_from(self.number_of(word, words, 255)?).ok();
            }
            "quickack" => metrics.quick_ack = Some(self.number_of(word, words, 1)? == 1),
            "fastopen_no_cookie" => {
                metrics.fast_open_no_cookie = Some(self.number_of(word, words, 1)? == 1);
            }
            "features" => {
                let value = self.value_of(word, words)?;
                if value.text == "ecn" {
                    metrics.ecn = true;
                } else {
                    let message = format!("`features` knows `ecn` only, not `{}`", value.text);
                    let diagnostic =
                        Diagnostic::warning(Code::UnknownOption, value.span, message).label("ignored");
                    self.report(diagnostic);
                }
            }
            _ => return Err(self.unknown_word(words, word, WORDS)),
        }
        Ok(())
    }

    fn count_metric(&mut self, word: &Word, words: &mut Words<'_>) -> Result<Metric<u32>, Ignored> {
        let lock = words.next_of(&["lock"]).is_some();
        let value = self.number_of(word, words, u32::MAX)?;
        Ok(Metric { value, lock })
    }

    /// Milliseconds, or seconds with `s` after them.
    fn time_metric(&mut self, word: &Word, words: &mut Words<'_>) -> Result<Metric<Duration>, Ignored> {
        let lock = words.next_of(&["lock"]).is_some();
        let value = self.value_of(word, words)?;
        let text = value.text.as_str();
        let (number, unit) = match text.strip_suffix("ms") {
            Some(number) => (number, 1000),
            None => text.strip_suffix('s').map_or((text, 1000), |number| (number, 1_000_000)),
        };
        let Some((micros, _)) = parse_decimal(number, unit) else {
            return Err(self.bad_value(words, word, "milliseconds, or seconds such as `1.5s`", value));
        };
        Ok(Metric { value: Duration::from_micros(micros), lock })
    }

    /// `nexthop ...`, to the end of the line. keepalived leaves out the first that is wrong, and what follows it; a route
    /// of which nothing is left leads nowhere.
    fn nexthops(&mut self, draft: &mut Draft, words: &mut Words<'_>) -> Result<(), Ignored> {
        draft.several = true;
        loop {
            let mut nexthop = Nexthop::default();
            let end = loop {
                let Some(word) = words.next() else { break true };
                if word.text == "nexthop" {
                    break false;
                }
                if let Err(ignored) = self.nexthop_word(draft, &mut nexthop, word, words) {
                    words.skip_rest();
                    return if draft.nexthops.is_empty() { Err(ignored) } else { Ok(()) };
                }
            };
            draft.nexthops.push(nexthop);
            words.loss = "this nexthop and what follows it are ignored";
            if end {
                return Ok(());
            }
        }
    }

    fn nexthop_word(
        &mut self,
        draft: &mut Draft,
        nexthop: &mut Nexthop,
        word: &Word,
        words: &mut Words<'_>,
    ) -> Result<(), Ignored> {
        match word.text.as_str() {
            "via" => {
                let (address, span) = self.address_of(word, words)?;
                self.route_family(draft, words, Some(Family::of(address)), span)?;
                nexthop.gateway = Some(address);
            }
            "dev" | "oif" => nexthop.interface = Some(self.interface_of(word, words)?),
            "weight" => {
                let value = self.value_of(word, words)?;
                let weight = parse_integer(&value.text).and_then(|weight| u16::try_from(weight).ok());
                match weight.filter(|weight| (1..=256).contains(weight)) {
                    Some(weight) => nexthop.weight = Weight(weight),
                    None => return Err(self.bad_value(words, word, "a whole number from 1 to 256", value)),
                }
            }
            "onlink" => nexthop.onlink = true,
            "encap" => nexthop.encapsulation = Some(self.encapsulation(word, words)?),
            "realms" => nexthop.realms = Some(self.realms_of(word, words)?),
            other => {
                let message = if WORDS.contains(&other) {
                    format!("`{other}` has to stand before the first `nexthop`")
                } else {
                    format!("a nexthop does not know `{other}`")
                };
                let diagnostic = Diagnostic::warning(Code::UnknownOption, word.span, message)
                    .label(words.loss)
                    .hint("a nexthop knows `via`, `dev`, `weight`, `onlink`, `encap` and `realms`");
                self.report(diagnostic);
                return Err(Ignored);
            }
        }
        Ok(())
    }

    fn complete_route(&mut self, mut draft: Draft, words: &Words<'_>) -> Result<RouteSpec, Ignored> {
        let whole = words.whole;
        if let Some((old, new)) = draft.old {
            let message = format!("`{old}` is an old form of `{new}`");
            let diagnostic =
                Diagnostic::warning(Code::Deprecated, whole, message).hint(format!("write `{new}`"));
            self.report(diagnostic);
        }
        let Some(destination) = draft.destination else {
            let diagnostic = Diagnostic::warning(Code::MissingSetting, whole, "a route without destination")
                .label("the line is ignored")
                .hint("start the line with the destination: `10.0.0.0/8 via ...` or `default via ...`");
            self.report(diagnostic);
            return Err(Ignored);
        };
        let family = draft.family.unwrap_or(Family::V4);
        self.only_ipv6(family, draft.expires.map(|(_, span)| span), "expires")?;
        self.only_ipv6(family, draft.preference.map(|(_, span)| span), "pref")?;
        let kind = draft.kind.unwrap_or(RouteKind::Unicast);
        let protocol = self.route_protocol(&draft, whole);
        let track = !draft.no_track && self.can_be_watched(&draft, whole);
        let first = std::mem::take(&mut draft.first);
        if first != Nexthop::default() {
            // What the line says without `nexthop` is the first of several; `or` has no interface of its own.
            for nexthop in &mut draft.nexthops {
                nexthop.interface = nexthop.interface.take().or_else(|| first.interface.clone());
            }
            if first.gateway.is_some() || draft.nexthops.is_empty() {
                draft.nexthops.insert(0, first);
            }
        }
        Ok(RouteSpec {
            kind,
            destination: destination.within(family),
            source: draft.source,
            preferred_source: draft.preferred_source,
            tos: draft.tos,
            table: draft.table.unwrap_or(kind.default_table()),
            vrf: draft.vrf,
            protocol,
            scope: draft.scope,
            metric: draft.metric,
            nexthops: draft.nexthops,
            metrics: draft.metrics,
            realms: draft.realms,
            expires: draft.expires.map(|(time, _)| time),
            preference: draft.preference.map(|(preference, _)| preference),
            ttl_propagate: draft.ttl_propagate,
            create: draft.create.unwrap_or(match kind {
                RouteKind::Unicast => RouteCreate::Prepend,
                _ => RouteCreate::Add,
            }),
            track,
            track_group: draft.track_group,
        })
    }

    fn only_ipv6(&mut self, family: Family, span: Option<Span>, option: &str) -> Result<(), Ignored> {
        let (Family::V4, Some(span)) = (family, span) else { return Ok(()) };
        let message = format!("`{option}` is for IPv6 routes only");
        self.report(Diagnostic::warning(Code::WrongFamily, span, message).label("the line is ignored"));
        Err(Ignored)
    }

    fn route_protocol(&mut self, draft: &Draft, whole: Span) -> u8 {
        match draft.protocol {
            Some(protocol) if draft.no_track => protocol,
            Some(_) => {
                let message = "a route that is watched cannot have another `protocol`";
                let diagnostic = Diagnostic::warning(Code::Conflict, whole, message)
                    .label("the protocol is ignored")
                    .hint("write `no_track` as well");
                self.report(diagnostic);
                PROTOCOL_KEEPALIVED
            }
            None => PROTOCOL_KEEPALIVED,
        }
    }

    fn can_be_watched(&mut self, draft: &Draft, whole: Span) -> bool {
        if draft.first.interface.is_some() && !draft.several {
            return true;
        }
        let message = "a route without interface cannot be watched";
        let diagnostic = Diagnostic::warning(Code::MissingSetting, whole, message)
            .label("it is not put back if somebody removes it")
            .hint("name its interface with `dev`, or write `no_track`");
        self.report(diagnostic);
        false
    }
}

/// The kind of route that a word says.
fn kind(word: &str) -> Option<RouteKind> {
    Some(match word {
        "unicast" => RouteKind::Unicast,
        "local" => RouteKind::Local,
        "broadcast" => RouteKind::Broadcast,
        "anycast" => RouteKind::Anycast,
        "multicast" => RouteKind::Multicast,
        "throw" => RouteKind::Throw,
        "unreachable" => RouteKind::Unreachable,
        "prohibit" => RouteKind::Prohibit,
        "blackhole" => RouteKind::Blackhole,
        "nat" => RouteKind::Nat,
        _ => return None,
    })
}
