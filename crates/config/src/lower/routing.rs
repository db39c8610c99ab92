//! What lines of routes and of rules have in common: their words are read one after the other, as iproute2 reads them.
//!
//! **A line with a word that cannot be used is ignored as a whole**, as in keepalived: half a route leads elsewhere.

use std::net::IpAddr;
use std::slice::Iter;

use vrrp::{Family, Prefix, Realms};

use super::Lowering;
use crate::diagnostic::{Code, Diagnostic, Effect};
use crate::host::RoutingNames;
use crate::keyword::{parse_integer, parse_unsigned};
use crate::lex::Word;
use crate::parse::Node;
use crate::source::Span;
use crate::suggest;

/// The line is ignored, and was reported.
pub struct Ignored;

/// The words of a line that are still to be read.
pub struct Words<'t> {
    rest: Iter<'t, Word>,
    /// From its first to its last word.
    pub whole: Span,
    /// Whether the line stands outside VRRP, where it can have a track group.
    pub fixed: bool,
    /// "a route", "a rule".
    pub what: &'static str,
    /// What becomes of something with a bad word.
    pub loss: &'static str,
}

/// What becomes of a line with a bad word.
pub const LINE_LOST: &str = "the line is ignored";

impl<'t> Words<'t> {
    /// The words of a line; `None` if it has none.
    pub fn new(node: &'t Node<'_>, fixed: bool, what: &'static str) -> Option<Self> {
        let (first, last) = (node.words.first()?, node.words.last()?);
        Some(Self { rest: node.words.iter(), whole: first.span.to(last.span), fixed, what, loss: LINE_LOST })
    }

    /// The next word.
    pub fn next(&mut self) -> Option<&'t Word> {
        self.rest.next()
    }

    /// Passes over what is left.
    pub fn skip_rest(&mut self) {
        self.rest = [].iter();
    }

    /// The next word if it is one of these.
    pub fn next_of(&mut self, texts: &[&str]) -> Option<&'t Word> {
        let word = self.rest.as_slice().first()?;
        if texts.contains(&word.text.as_str()) { self.rest.next() } else { None }
    }
}

impl Lowering<'_> {
    /// The word that an option needs; keepalived ends without it.
    pub(super) fn value_of<'t>(&mut self, option: &Word, words: &mut Words<'t>) -> Result<&'t Word, Ignored> {
        words.next().ok_or_else(|| {
            let message = format!("`{}` needs a value", option.text);
            let diagnostic = Diagnostic::error(Code::MissingParameter, Effect::Fatal, option.span, message)
                .label("the daemon does not start without it");
            self.report(diagnostic);
            Ignored
        })
    }

    /// Reports a value of the wrong kind.
    pub(super) fn bad_value(
        &mut self,
        words: &Words<'_>,
        option: &Word,
        expected: &str,
        value: &Word,
    ) -> Ignored {
        let message = format!("`{}` takes {expected}, not `{}`", option.text, value.text);
        self.report(Diagnostic::warning(Code::BadValue, value.span, message).label(words.loss));
        Ignored
    }

    /// Reports a value that keepalived takes, and makes something else of.
    pub(super) fn senseless_value(&mut self, option: &Word, expected: &str, value: &Word) -> Ignored {
        let message = format!("`{}` takes {expected}, not `{}`", option.text, value.text);
        let diagnostic = Diagnostic::quiet(Code::OutOfRange, value.span, message)
            .label("the line is ignored; keepalived uses another number");
        self.report(diagnostic);
        Ignored
    }

    /// A number from 0 to `most`.
    pub(super) fn number_of(
        &mut self,
        option: &Word,
        words: &mut Words<'_>,
        most: u32,
    ) -> Result<u32, Ignored> {
        let value = self.value_of(option, words)?;
        self.number_in(words, option, value, most)
    }

    /// The same, of a word that was read.
    pub(super) fn number_in(
        &mut self,
        words: &Words<'_>,
        option: &Word,
        value: &Word,
        most: u32,
    ) -> Result<u32, Ignored> {
        let number = parse_integer(&value.text).and_then(|number| u32::try_from(number).ok());
        number.filter(|number| *number <= most).ok_or_else(|| {
            let expected = match most {
                u32::MAX => "a whole number from 0 up".to_owned(),
                most => format!("a whole number from 0 to {most}"),
            };
            self.bad_value(words, option, &expected, value)
        })
    }

    /// A number, or a name that iproute2's files give it.
    pub(super) fn named_number(
        &mut self,
        words: &Words<'_>,
        names: RoutingNames,
        option: &Word,
        value: &Word,
    ) -> Result<u32, Ignored> {
        let most = names.most();
        if let Some(number) = self.lookup(names, &value.text).filter(|number| *number <= most) {
            return Ok(number);
        }
        let expected = format!("a number up to {most}, or a name of {}", names.file());
        Err(self.bad_value(words, option, &expected, value))
    }

    fn lookup(&self, names: RoutingNames, text: &str) -> Option<u32> {
        let number = if names == RoutingNames::DsFields || names == RoutingNames::Groups {
            parse_unsigned(text)
        } else {
            parse_integer(text)
                .filter(|_| !text.is_empty())
                .map(|number| u64::try_from(number).unwrap_or(u64::MAX))
        };
        match number {
            Some(number) => u32::try_from(number).ok(),
            None => {
                names.builtin(text).or_else(|| self.host.routing_number(names, text, self.iproute_folders()))
            }
        }
    }

    /// The number of a group of interfaces.
    pub(super) fn group_number(&self, name: &str) -> Option<u32> {
        self.lookup(RoutingNames::Groups, name)
    }

    /// The number of a scope.
    pub(super) fn scope_number(&self, name: &str) -> Option<u8> {
        self.lookup(RoutingNames::Scopes, name).and_then(|number| u8::try_from(number).ok())
    }

    /// Where iproute2's files are looked for.
    fn iproute_folders(&self) -> [&str; 2] {
        let files = &self.model.globals.files;
        [&files.iproute_etc_dir, &files.iproute_usr_dir]
    }

    /// `table`.
    pub(super) fn table_of(&mut self, option: &Word, words: &mut Words<'_>) -> Result<u32, Ignored> {
        let value = self.value_of(option, words)?;
        if let Some(number) = parse_integer(&value.text) {
            let expected = "the number of a table, from 0 up";
            return u32::try_from(number).map_err(|_| self.senseless_value(option, expected, value));
        }
        self.lookup(RoutingNames::Tables, &value.text).ok_or_else(|| {
            self.bad_value(words, option, "a routing table: its number, or a name of rt_tables", value)
        })
    }

    /// `realms [FROM/]TO`.
    pub(super) fn realms_of(&mut self, option: &Word, words: &mut Words<'_>) -> Result<Realms, Ignored> {
        let value = self.value_of(option, words)?;
        let realm = |text: &str| {
            self.lookup(RoutingNames::Realms, text).and_then(|number| u16::try_from(number).ok())
        };
        let realms = match value.text.split_once('/') {
            Some((from, to)) => realm(from).zip(realm(to)).map(|(from, to)| Realms { from, to }),
            None => realm(&value.text).map(|to| Realms { from: 0, to }),
        };
        realms
            .ok_or_else(|| self.bad_value(words, option, "`[FROM/]TO`, numbers or names of rt_realms", value))
    }

    /// An address that stands by itself.
    pub(super) fn address_of(
        &mut self,
        option: &Word,
        words: &mut Words<'_>,
    ) -> Result<(IpAddr, Span), Ignored> {
        // keepalived takes the family before it, and has no use for it.
        words.next_of(&["inet", "inet6"]);
        let value = self.value_of(option, words)?;
        match value.text.parse() {
            Ok(address) => Ok((address, value.span)),
            Err(_) => Err(self.bad_value(words, option, "an IP address", value)),
        }
    }

    /// An address with a prefix length, or everything.
    pub(super) fn prefix_of(
        &mut self,
        option: &Word,
        words: &mut Words<'_>,
    ) -> Result<(Destination, Span), Ignored> {
        let value = self.value_of(option, words)?;
        match self.route_prefix(value) {
            Some(destination) => Ok((destination, value.span)),
            None => Err(self.bad_value(words, option, "an address with prefix length", value)),
        }
    }

    /// What `ADDRESS[/LENGTH]`, `default` and the like stand for; a length that cannot be is reported and not used.
    pub(super) fn route_prefix(&mut self, word: &Word) -> Option<Destination> {
        match word.text.as_str() {
            "default" | "any" | "all" => return Some(Destination::Everything),
            "default6" => return Some(Destination::Prefix(Prefix::everything(Family::V6))),
            _ => {}
        }
        let (address, len) = match word.text.split_once('/') {
            Some((address, len)) => (address, Some(len)),
            None => (word.text.as_str(), None),
        };
        let address: IpAddr = address.parse().ok()?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let Some(text) = len else { return Some(Destination::Prefix(Prefix { address, len: most })) };
        let known = parse_integer(text).and_then(|len| u8::try_from(len).ok()).filter(|len| *len <= most);
        let len = known.unwrap_or_else(|| {
            let message = format!("the prefix length goes from 0 to {most}, not `{text}`");
            let diagnostic =
                Diagnostic::warning(Code::OutOfRange, word.span, message).label(format!("{most} is used"));
            self.report(diagnostic);
            most
        });
        Some(Destination::Prefix(Prefix { address, len }))
    }

    /// An interface that exists, or may come later.
    pub(super) fn interface_of(&mut self, option: &Word, words: &mut Words<'_>) -> Result<String, Ignored> {
        let value = self.value_of(option, words)?;
        if self.interface_exists(&value.text, value.span, "") {
            Ok(value.text.to_string())
        } else {
            Err(Ignored)
        }
    }

    /// `track_group NAME`, of lines outside VRRP.
    pub(super) fn track_group_of(
        &mut self,
        option: &Word,
        words: &mut Words<'_>,
    ) -> Result<Option<String>, Ignored> {
        let group = self.value_of(option, words)?;
        if self.track_groups.contains_key(group.text.as_str()) {
            return Ok(Some(group.text.to_string()));
        }
        self.undefined("track_group", group, "it follows nothing");
        Ok(None)
    }

    /// `inet` and `inet6` say a family; keepalived loses the word after them.
    pub(super) fn family_word(&mut self, word: &Word) -> Family {
        let message = format!("keepalived drops the word after `{}`", word.text);
        let diagnostic = Diagnostic::warning(Code::Conflict, word.span, message)
            .label("stayd keeps it")
            .hint("leave it out: the addresses say the family");
        self.report(diagnostic);
        if word.text == "inet6" { Family::V6 } else { Family::V4 }
    }

    /// Two families in one line.
    pub(super) fn mixed_families(&mut self, words: &Words<'_>, span: Span) -> Ignored {
        let message = format!("{} is of one family: IPv4 or IPv6", words.what);
        let diagnostic = Diagnostic::warning(Code::WrongFamily, span, message).label(words.loss);
        self.report(diagnostic);
        Ignored
    }

    /// A word that no option is called.
    pub(super) fn unknown_word(&mut self, words: &Words<'_>, word: &Word, known: &[&'static str]) -> Ignored {
        let message = format!("{} does not know `{}`", words.what, word.text);
        let mut diagnostic =
            Diagnostic::warning(Code::UnknownOption, word.span, message).label("the line is ignored");
        if let Some(near) = suggest::nearest(&word.text, known.iter().copied()) {
            diagnostic = diagnostic.hint(format!("did you mean `{near}`?"));
        } else {
            diagnostic = diagnostic.hint("remove it and its value; a comment starts with `#`");
        }
        self.report(diagnostic);
        Ignored
    }
}

/// Where packets go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Destination {
    /// `default`: everything, of whatever family the line is.
    Everything,
    /// One prefix.
    Prefix(Prefix),
}

impl Destination {
    /// Its family, if it says one.
    pub const fn family(self) -> Option<Family> {
        match self {
            Self::Everything => None,
            Self::Prefix(prefix) => Some(prefix.family()),
        }
    }

    /// The prefix in a line of this family.
    pub const fn within(self, family: Family) -> Prefix {
        match self {
            Self::Everything => Prefix::everything(family),
            Self::Prefix(prefix) => prefix,
        }
    }
}
