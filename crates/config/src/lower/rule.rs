//! Lines of routing rules: `virtual_rules`, `static_rules`.

use vrrp::{Family, Mark, PROTOCOL_KEEPALIVED, Range, Realms, RuleAction, RuleSpec};

use super::Lowering;
use super::routing::{Destination, Ignored, Words};
use crate::diagnostic::{Code, Diagnostic};
use crate::host::RoutingNames;
use crate::keyword::{parse_integer, parse_unsigned};
use crate::lex::Word;
use crate::parse::Node;
use crate::source::Span;

/// The words that a rule knows.
const WORDS: &[&str] = &[
    "from",
    "to",
    "table",
    "lookup",
    "goto",
    "preference",
    "order",
    "priority",
    "tos",
    "dsfield",
    "fwmark",
    "realms",
    "suppress_prefixlength",
    "sup_pl",
    "suppress_ifgroup",
    "sup_group",
    "dev",
    "iif",
    "oif",
    "tunnel-id",
    "uidrange",
    "protocol",
    "ipproto",
    "sport",
    "dport",
    "type",
    "track_group",
    "l3mdev",
    "not",
    "nop",
    "blackhole",
    "prohibit",
    "unreachable",
    "no_track",
    "inet",
    "inet6",
];

/// Preferences that are given to rules without one, for each family from here down.
#[derive(Debug)]
pub struct NextPreference {
    v4: u32,
    v6: u32,
}

impl Default for NextPreference {
    fn default() -> Self {
        Self { v4: 16384, v6: 16384 }
    }
}

impl NextPreference {
    fn take(&mut self, family: Family) -> u32 {
        let next = match family {
            Family::V4 => &mut self.v4,
            Family::V6 => &mut self.v6,
        };
        let preference = *next;
        *next = next.saturating_sub(1);
        preference
    }
}

/// What a line has said so far.
#[derive(Default)]
struct Draft {
    family: Option<Family>,
    invert: bool,
    from: Option<Destination>,
    to: Option<Destination>,
    tos: u8,
    mark: Option<Mark>,
    incoming: Option<String>,
    outgoing: Option<String>,
    tunnel_id: Option<u64>,
    users: Option<Range<u32>>,
    ip_protocol: Option<u8>,
    source_ports: Option<Range<u16>>,
    destination_ports: Option<Range<u16>>,
    action: Option<(RuleAction, Span)>,
    preference: Option<u32>,
    realms: Option<Realms>,
    suppress_prefix_len: Option<u32>,
    suppress_interface_group: Option<u32>,
    protocol: Option<u8>,
    no_track: bool,
    track_group: Option<String>,
}

impl Lowering<'_> {
    /// Lines of rules; `fixed` are those outside VRRP.
    pub(super) fn rules(&mut self, nodes: &[&Node<'_>], fixed: bool) -> Vec<RuleSpec> {
        let mut rules = Vec::new();
        for node in nodes {
            let Some(mut words) = Words::new(node, fixed, "a rule") else { continue };
            rules.extend(self.rule(&mut words).ok());
        }
        rules
    }

    fn rule(&mut self, words: &mut Words<'_>) -> Result<RuleSpec, Ignored> {
        let mut draft = Draft::default();
        while let Some(word) = words.next() {
            self.rule_word(&mut draft, word, words)?;
        }
        self.complete_rule(draft, words)
    }

    fn rule_word(&mut self, draft: &mut Draft, word: &Word, words: &mut Words<'_>) -> Result<(), Ignored> {
        match word.text.as_str() {
            "from" => draft.from = Some(self.rule_prefix(draft, word, words)?),
            "to" => draft.to = Some(self.rule_prefix(draft, word, words)?),
            "not" => draft.invert = true,
            "table" | "lookup" => {
                let table = self.table_of(word, words)?;
                self.rule_action(draft, word, RuleAction::Table(table))?;
            }
            "goto" => {
                let target = self.number_of(word, words, u32::MAX)?;
                self.rule_action(draft, word, RuleAction::Goto(target))?;
            }
            "l3mdev" => self.rule_action(draft, word, RuleAction::Vrf)?,
            "nop" | "blackhole" | "prohibit" | "unreachable" => {
                self.named_action(draft, words, word, word)?;
            }
            "type" => {
                let value = self.value_of(word, words)?;
                self.named_action(draft, words, word, value)?;
            }
            "preference" | "order" | "priority" => {
                draft.preference = Some(self.number_of(word, words, u32::MAX)?);
            }
            "dev" | "iif" => draft.incoming = Some(self.interface_of(word, words)?),
            "oif" => draft.outgoing = Some(self.interface_of(word, words)?),
            "no_track" => draft.no_track = true,
            "track_group" if words.fixed => draft.track_group = self.track_group_of(word, words)?,
            "inet" | "inet6" => {
                let family = self.family_word(word);
                self.rule_family(draft, words, family, word.span)?;
            }
            _ => self.rule_selector(draft, word, words)?,
        }
        Ok(())
    }

    /// What else packets are chosen by, and what else is done with them.
    fn rule_selector(
        &mut self,
        draft: &mut Draft,
        word: &Word,
        words: &mut Words<'_>,
    ) -> Result<(), Ignored> {
        match word.text.as_str() {
            "tos" | "dsfield" => {
                let value = self.value_of(word, words)?;
                draft.tos =
                    u8::try_from(self.named_number(words, RoutingNames::DsFields, word, value)?).unwrap_or(0);
            }
            "fwmark" => draft.mark = Some(self.rule_mark(word, words)?),
            "realms" => draft.realms = Some(self.realms_of(word, words)?),
            "suppress_prefixlength" | "sup_pl" => {
                draft.suppress_prefix_len = Some(self.number_of(word, words, u32::MAX)?);
            }
            "suppress_ifgroup" | "sup_group" => {
                let value = self.value_of(word, words)?;
                draft.suppress_interface_group =
                    Some(self.named_number(words, RoutingNames::Groups, word, value)?);
            }
            "tunnel-id" => {
                let value = self.value_of(word, words)?;
                let Some(id) = parse_unsigned(&value.text) else {
                    return Err(self.bad_value(words, word, "a whole number from 0 up", value));
                };
                draft.tunnel_id = Some(id);
            }
            "uidrange" => {
                let value = self.value_of(word, words)?;
                let numbers =
                    range(value).ok_or_else(|| self.no_range(word, value, "the line is ignored"))?;
                let (first, last) = self.within(word, value, numbers, u32::MAX)?;
                draft.users = Some(Range { first, last });
            }
            "sport" => draft.source_ports = self.ports(word, words)?,
            "dport" => draft.destination_ports = self.ports(word, words)?,
            "protocol" => {
                let value = self.value_of(word, words)?;
                // keepalived knows numbers only, and ignores what is none.
                match parse_integer(&value.text).and_then(|number| u8::try_from(number).ok()) {
                    Some(number) => draft.protocol = Some(number),
                    None => self.ignored_value(word, "a number from 0 to 255", value),
                }
            }
            "ipproto" => {
                let value = self.value_of(word, words)?;
                match ip_protocol(&value.text) {
                    Some(number) => draft.ip_protocol = Some(number),
                    None => self.ignored_value(
                        word,
                        "a number up to 255 such as 6, or a name such as `tcp`",
                        value,
                    ),
                }
            }
            // keepalived takes a number by itself for that of the table.
            text => match parse_integer(text).and_then(|number| u32::try_from(number).ok()) {
                Some(table @ 1..) => self.rule_action(draft, word, RuleAction::Table(table))?,
                _ => return Err(self.unknown_word(words, word, WORDS)),
            },
        }
        Ok(())
    }

    /// A value without which the rule is used all the same.
    fn ignored_value(&mut self, option: &Word, expected: &str, value: &Word) {
        let message = format!("`{}` takes {expected}, not `{}`", option.text, value.text);
        self.report(Diagnostic::warning(Code::BadValue, value.span, message).label("ignored"));
    }

    fn rule_family(
        &mut self,
        draft: &mut Draft,
        words: &Words<'_>,
        family: Family,
        span: Span,
    ) -> Result<(), Ignored> {
        if *draft.family.get_or_insert(family) == family {
            return Ok(());
        }
        Err(self.mixed_families(words, span))
    }

    fn rule_prefix(
        &mut self,
        draft: &mut Draft,
        word: &Word,
        words: &mut Words<'_>,
    ) -> Result<Destination, Ignored> {
        let (prefix, span) = self.prefix_of(word, words)?;
        if let Some(family) = prefix.family() {
            self.rule_family(draft, words, family, span)?;
        }
        Ok(prefix)
    }

    fn named_action(
        &mut self,
        draft: &mut Draft,
        words: &Words<'_>,
        word: &Word,
        name: &Word,
    ) -> Result<(), Ignored> {
        let action = match name.text.as_str() {
            "nop" if word.text == "nop" => RuleAction::Nop,
            "blackhole" => RuleAction::Blackhole,
            "prohibit" => RuleAction::Prohibit,
            "unreachable" => RuleAction::Unreachable,
            _ => return Err(self.bad_value(words, word, "`blackhole`, `prohibit` or `unreachable`", name)),
        };
        self.rule_action(draft, word, action)
    }

    fn rule_action(&mut self, draft: &mut Draft, word: &Word, action: RuleAction) -> Result<(), Ignored> {
        if let Some((_, first)) = draft.action {
            let message = "a rule has one action";
            let diagnostic = Diagnostic::warning(Code::Conflict, word.span, message)
                .label("the line is ignored")
                .related(first, "the first is here");
            self.report(diagnostic);
            return Err(Ignored);
        }
        draft.action = Some((action, word.span));
        Ok(())
    }

    /// `MARK[/MASK]`, decimal, octal or hexadecimal.
    fn rule_mark(&mut self, word: &Word, words: &mut Words<'_>) -> Result<Mark, Ignored> {
        let value = self.value_of(word, words)?;
        let number = |text: &str| parse_unsigned(text).and_then(|number| u32::try_from(number).ok());
        let (text, bits) =
            value.text.split_once('/').map_or((value.text.as_str(), None), |(a, b)| (a, Some(b)));
        let pair = number(text).zip(bits.map_or(Some(u32::MAX), number));
        pair.map(|(mark, bits)| Mark { mark, mask: bits })
            .ok_or_else(|| self.bad_value(words, word, "`MARK[/MASK]`, such as `5` or `0x10/0xff`", value))
    }

    fn no_range(&mut self, word: &Word, value: &Word, effect: &'static str) -> Ignored {
        let message = format!("`{}` takes a range of numbers, not `{}`", word.text, value.text);
        let mut diagnostic = Diagnostic::warning(Code::BadValue, value.span, message).label(effect);
        if parse_integer(&value.text).is_some() {
            diagnostic = diagnostic.hint(format!("write `{0}-{0}`", value.text));
        }
        self.report(diagnostic);
        Ignored
    }

    fn within(
        &mut self,
        word: &Word,
        value: &Word,
        (first, last): (i64, i64),
        most: u32,
    ) -> Result<(u32, u32), Ignored> {
        let number = |number: i64| u32::try_from(number).ok().filter(|number| *number <= most);
        number(first).zip(number(last)).filter(|(first, last)| first <= last).ok_or_else(|| {
            let expected = format!("`FIRST-LAST`, both from 0 to {most}");
            self.senseless_value(word, &expected, value)
        })
    }

    /// What is no range is passed over, and the rest of the rule counts (keepalived).
    fn ports(&mut self, word: &Word, words: &mut Words<'_>) -> Result<Option<Range<u16>>, Ignored> {
        let value = self.value_of(word, words)?;
        let Some(numbers) = range(value) else {
            self.no_range(word, value, "ignored: the rule is for every port");
            return Ok(None);
        };
        let (first, last) = self.within(word, value, numbers, u16::MAX.into())?;
        let port = |port: u32| u16::try_from(port).unwrap_or(u16::MAX);
        Ok(Some(Range { first: port(first), last: port(last) }))
    }

    fn complete_rule(&mut self, draft: Draft, words: &Words<'_>) -> Result<RuleSpec, Ignored> {
        let whole = words.whole;
        let Some((action, place)) = draft.action else {
            let diagnostic = Diagnostic::warning(Code::MissingSetting, whole, "a rule without action")
                .label("the line is ignored")
                .hint("say what happens: `table TABLE`, `goto PREFERENCE`, `blackhole` ...");
            self.report(diagnostic);
            return Err(Ignored);
        };
        let family = draft.family.unwrap_or(Family::V4);
        if let (RuleAction::Goto(target), Some(preference)) = (action, draft.preference)
            && preference >= target
        {
            let message = format!("`goto {target}` in a rule of preference {preference}");
            let diagnostic = Diagnostic::warning(Code::Conflict, place, message)
                .label("the line is ignored")
                .hint("a rule can only go on to one of a greater preference");
            self.report(diagnostic);
            return Err(Ignored);
        }
        if draft.protocol.is_some_and(|protocol| protocol != PROTOCOL_KEEPALIVED) && !draft.no_track {
            let message = "a rule that is watched cannot have another `protocol`";
            let diagnostic = Diagnostic::warning(Code::Conflict, whole, message)
                .label("the protocol is ignored")
                .hint("write `no_track` as well");
            self.report(diagnostic);
        }
        let preference = draft.preference.unwrap_or_else(|| {
            let preference = self.next_preference.take(family);
            let diagnostic = Diagnostic::warning(Code::MissingSetting, whole, "a rule without preference")
                .label(format!("it gets {preference}"))
                .hint("say where it stands among the rules: `preference NUMBER`");
            self.report(diagnostic);
            preference
        });
        Ok(RuleSpec {
            family,
            invert: draft.invert,
            from: draft.from.map(|from| from.within(family)),
            to: draft.to.map(|to| to.within(family)),
            tos: draft.tos,
            mark: draft.mark,
            incoming: draft.incoming,
            outgoing: draft.outgoing,
            tunnel_id: draft.tunnel_id,
            users: draft.users,
            ip_protocol: draft.ip_protocol,
            source_ports: draft.source_ports,
            destination_ports: draft.destination_ports,
            action,
            preference,
            realms: draft.realms,
            suppress_prefix_len: draft.suppress_prefix_len,
            suppress_interface_group: draft.suppress_interface_group,
            protocol: if draft.no_track { draft.protocol } else { Some(PROTOCOL_KEEPALIVED) },
            track: !draft.no_track,
            track_group: draft.track_group,
        })
    }
}

/// The number of a protocol above IP: a number, or one of the names that /etc/protocols has for those in use.
fn ip_protocol(text: &str) -> Option<u8> {
    Some(match text {
        "ip" => 0,
        "icmp" => 1,
        "igmp" => 2,
        "ipip" | "ipencap" | "ip-encap" => 4,
        "tcp" => 6,
        "egp" => 8,
        "udp" => 17,
        "dccp" => 33,
        "ipv6" => 41,
        "rsvp" => 46,
        "gre" => 47,
        "esp" => 50,
        "ah" => 51,
        "ipv6-icmp" | "icmpv6" => 58,
        "ospf" | "ospfigp" => 89,
        "pim" => 103,
        "vrrp" => 112,
        "l2tp" => 115,
        "sctp" => 132,
        "udplite" => 136,
        _ => return parse_integer(text).filter(|_| !text.is_empty()).and_then(|it| u8::try_from(it).ok()),
    })
}

/// `FIRST-LAST`.
fn range(value: &Word) -> Option<(i64, i64)> {
    let number = |text: &str| parse_integer(text).filter(|_| !text.is_empty());
    value.text.split_once('-').and_then(|(first, last)| number(first).zip(number(last)))
}
