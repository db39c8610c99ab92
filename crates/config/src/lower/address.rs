//! Lines of addresses: `virtual_ipaddress`, `virtual_ipaddress_excluded`, `static_ipaddress`.
//!
//! **One line is one address**: what cannot be part of it is reported and left out, and if the address cannot be what
//! the line says, the whole line is.

use std::net::{IpAddr, Ipv4Addr};

use vrrp::{AddressFlags, VirtualAddress};

use super::Lowering;
use crate::diagnostic::{Code, Diagnostic};
use crate::keyword::parse_integer;
use crate::lex::Word;
use crate::parse::Node;

/// The words that may follow an address.
const OPTIONS: &[&str] = &[
    "dev",
    "scope",
    "brd",
    "broadcast",
    "label",
    "peer",
    "home",
    "-nodad",
    "mngtmpaddr",
    "noprefixroute",
    "autojoin",
    "preferred_lft",
    "no_track",
    "use_vmac",
    "track_group",
];

/// An address line whose interface may still have to come from its block.
pub struct AddressLine {
    pub address: IpAddr,
    prefix_len: u8,
    pub interface: Option<String>,
    label: Option<String>,
    scope: u8,
    broadcast: Option<Ipv4Addr>,
    peer: Option<IpAddr>,
    /// Seconds, or forever; what holds by default depends on the prefix length.
    preferred_lifetime: Option<Lifetime>,
    flags: AddressFlags,
    no_track: bool,
    use_vmac: bool,
    track_group: Option<String>,
}

/// `preferred_lft`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Lifetime {
    Forever,
    Seconds(u32),
}

impl AddressLine {
    /// The address, on its own interface or else on `interface`.
    pub fn on(self, interface: &str) -> VirtualAddress {
        let interface = self.interface.unwrap_or_else(|| interface.to_owned());
        let bare = VirtualAddress::new(self.address, self.prefix_len, interface);
        VirtualAddress {
            label: self.label,
            scope: self.scope,
            broadcast: self.broadcast,
            peer: self.peer,
            preferred_lifetime: match self.preferred_lifetime {
                _ if self.address.is_ipv4() => None,
                None => bare.preferred_lifetime,
                Some(Lifetime::Forever) => None,
                Some(Lifetime::Seconds(seconds)) => Some(seconds),
            },
            flags: self.flags,
            track: !self.no_track,
            use_vmac: self.use_vmac,
            track_group: self.track_group,
            ..bare
        }
    }
}

/// What the options of a line say.
#[derive(Default)]
struct Options<'t> {
    device: Option<&'t Word>,
    broadcast: Option<&'t Word>,
    label: Option<&'t Word>,
    scope: Option<&'t Word>,
    peer: Option<&'t Word>,
    lifetime: Option<&'t Word>,
    flags: AddressFlags,
    no_track: bool,
    use_vmac: bool,
    track_group: Option<String>,
}

impl Lowering<'_> {
    /// Reads a line; `None` if there is no address in it that can be used. `fixed` is whether the address stands
    /// outside VRRP, where it can have a track group.
    pub(super) fn address_line(&mut self, node: &Node<'_>, fixed: bool) -> Option<AddressLine> {
        let first = node.words.first()?;
        let (text, length) =
            first.text.split_once('/').map_or((first.text.as_str(), None), |(a, l)| (a, Some(l)));
        let Ok(address) = text.parse::<IpAddr>() else {
            self.report_no_address(first);
            return None;
        };
        let most: u8 = if address.is_ipv4() { 32 } else { 128 };
        let mut line = AddressLine {
            address,
            prefix_len: self.prefix_length(first, length, most),
            interface: None,
            label: None,
            scope: 0,
            broadcast: None,
            peer: None,
            preferred_lifetime: None,
            flags: AddressFlags::default(),
            no_track: false,
            use_vmac: false,
            track_group: None,
        };
        let mut options = self.address_options(node.words.get(1..)?, fixed)?;
        self.apply(&mut line, &options, length.is_some(), first)?;
        (line.flags, line.no_track) = (options.flags, options.no_track);
        (line.use_vmac, line.track_group) = (options.use_vmac, options.track_group.take());
        Some(line)
    }

    fn report_no_address(&mut self, word: &Word) {
        let message = format!("`{}` is not an IP address", word.text);
        let mut diagnostic =
            Diagnostic::warning(Code::BadValue, word.span, message).label("the line is ignored");
        let octets: Vec<_> = word.text.split(['.', '/']).collect();
        let number = |octet: &&str| octet.bytes().all(|byte| byte.is_ascii_digit());
        if OPTIONS.contains(&word.text.as_str()) {
            diagnostic = diagnostic.hint("the address comes first on the line, its options after it");
        } else if word.text.ends_with([',', ';']) || word.text.contains(',') {
            diagnostic = diagnostic.hint("one address on a line, without commas and semicolons");
        } else if octets.len() >= 4 && octets.iter().all(number) {
            diagnostic = diagnostic
                .hint("the four numbers of an IPv4 address go from 0 to 255 and have no leading zeros");
        } else {
            diagnostic =
                diagnostic.hint("one address on a line: ADDRESS[/LENGTH]; a comment starts with `#`");
        }
        self.report(diagnostic);
    }

    pub(super) fn prefix_length(&mut self, word: &Word, length: Option<&str>, most: u8) -> u8 {
        let Some(length) = length else { return most };
        if length.is_empty() {
            let diagnostic =
                Diagnostic::quiet(Code::BadValue, word.span, "`/` without a prefix length after it")
                    .label(format!("{most} is used; keepalived takes 0"));
            self.report(diagnostic);
            return most;
        }
        if let Some(length) = parse_integer(length)
            .and_then(|length| u8::try_from(length).ok())
            .filter(|length| *length <= most)
        {
            length
        } else {
            let message = format!("the prefix length goes from 0 to {most}, not `{length}`");
            let diagnostic =
                Diagnostic::warning(Code::OutOfRange, word.span, message).label(format!("{most} is used"));
            self.report(diagnostic);
            most
        }
    }

    /// The options; `None` if one lacks its value, which drops the address.
    fn address_options<'t>(&mut self, words: &'t [Word], fixed: bool) -> Option<Options<'t>> {
        let mut options = Options::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let slot = match word.text.as_str() {
                "dev" if options.device.is_some() => {
                    let diagnostic = Diagnostic::warning(Code::Duplicate, word.span, "`dev` a second time")
                        .label("the address is ignored")
                        .first(options.device.map(|device| device.span));
                    self.report(diagnostic);
                    return None;
                }
                "dev" => &mut options.device,
                "scope" => &mut options.scope,
                "brd" | "broadcast" => &mut options.broadcast,
                "label" => &mut options.label,
                "peer" => &mut options.peer,
                "track_group" if fixed => {
                    let group = self.option_value(word, words.next())?;
                    if self.track_groups.contains_key(group.text.as_str()) {
                        options.track_group = Some(group.text.to_string());
                    } else {
                        self.undefined("track_group", group, "the address follows nothing");
                    }
                    continue;
                }
                "preferred_lft" => &mut options.lifetime,
                "use_vmac" if !fixed => {
                    options.use_vmac = true;
                    continue;
                }
                "no_track" => {
                    options.no_track = true;
                    continue;
                }
                flag if set_flag(&mut options.flags, flag) => continue,
                _ => {
                    self.report_address_option(word, fixed);
                    continue;
                }
            };
            *slot = words.next();
            if slot.is_none() {
                return self.option_value(word, None).and(None);
            }
        }
        Some(options)
    }

    fn report_address_option(&mut self, word: &Word, fixed: bool) {
        if word.text.split('/').next().is_some_and(|text| text.parse::<IpAddr>().is_ok()) {
            let diagnostic =
                Diagnostic::warning(Code::UnknownOption, word.span, "a second address on the line")
                    .label("ignored")
                    .hint("write each address on a line of its own");
            return self.report(diagnostic);
        }
        let known: Vec<_> = OPTIONS
            .iter()
            .copied()
            .filter(|option| *option != if fixed { "use_vmac" } else { "track_group" })
            .collect();
        self.unknown_option(word, "an address", &known);
    }

    fn option_value<'t>(&mut self, option: &Word, value: Option<&'t Word>) -> Option<&'t Word> {
        if value.is_none() {
            let message = format!("`{}` needs a value", option.text);
            let diagnostic = Diagnostic::warning(Code::MissingParameter, option.span, message)
                .label("the address is ignored");
            self.report(diagnostic);
        }
        value
    }

    fn apply(
        &mut self,
        line: &mut AddressLine,
        options: &Options<'_>,
        has_length: bool,
        first: &Word,
    ) -> Option<()> {
        if let Some(device) = options.device {
            let what = format!(" for the address {}", line.address);
            if self.interface_exists(&device.text, device.span, &what) {
                line.interface = Some(device.text.to_string());
            } else {
                return None;
            }
        }
        if let Some(label) = options.label {
            line.label = self.address_label(line.address, label)?;
        }
        if let Some(scope) = options.scope {
            line.scope = self.address_scope(line.address, scope);
        }
        if options.peer.is_some() && has_length {
            let diagnostic = Diagnostic::warning(
                Code::Conflict,
                first.span,
                "a prefix length belongs to the `peer` address",
            )
            .label("ignored");
            self.report(diagnostic);
            line.prefix_len = if line.address.is_ipv4() { 32 } else { 128 };
        }
        if let Some(peer) = options.peer {
            self.peer(line, peer);
        }
        if let Some(lifetime) = options.lifetime {
            line.preferred_lifetime = self.lifetime(lifetime);
        }
        match (options.broadcast, options.peer) {
            (Some(broadcast), Some(_)) => {
                let diagnostic = Diagnostic::warning(
                    Code::Conflict,
                    broadcast.span,
                    "a broadcast address excludes `peer`",
                )
                .label("the broadcast address is ignored");
                self.report(diagnostic);
            }
            (Some(broadcast), None) => line.broadcast = self.broadcast(line, broadcast)?,
            (None, _) => {}
        }
        Some(())
    }

    /// The other end of a point-to-point link; its prefix length is that of the address.
    fn peer(&mut self, line: &mut AddressLine, word: &Word) {
        let (text, length) = word
            .text
            .split_once('/')
            .map_or((word.text.as_str(), None), |(text, length)| (text, Some(length)));
        let Some(peer) = text.parse().ok().filter(|peer: &IpAddr| peer.is_ipv4() == line.address.is_ipv4())
        else {
            let family = if line.address.is_ipv4() { "IPv4" } else { "IPv6" };
            let message = format!("`{}` is not an {family} address", word.text);
            let diagnostic =
                Diagnostic::warning(Code::BadValue, word.span, message).label("the peer is ignored");
            return self.report(diagnostic);
        };
        line.peer = Some(peer);
        if length.is_some() {
            let most = if peer.is_ipv4() { 32 } else { 128 };
            line.prefix_len = self.prefix_length(word, length, most);
        }
    }

    /// Seconds, or `forever`.
    fn lifetime(&mut self, word: &Word) -> Option<Lifetime> {
        if word.text == "forever" {
            return Some(Lifetime::Forever);
        }
        let seconds = parse_integer(&word.text).and_then(|seconds| u32::try_from(seconds).ok());
        if seconds.is_none() {
            let message = format!("`preferred_lft` takes whole seconds or `forever`, not `{}`", word.text);
            self.report(Diagnostic::warning(Code::BadValue, word.span, message).label("ignored"));
        }
        seconds.map(Lifetime::Seconds)
    }

    /// The label; `None` drops the address.
    #[expect(
        clippy::option_option,
        reason = "outer: whether the address is kept; inner: whether it has a label"
    )]
    fn address_label(&mut self, address: IpAddr, label: &Word) -> Option<Option<String>> {
        if address.is_ipv6() {
            let diagnostic = Diagnostic::warning(Code::Conflict, label.span, "IPv6 addresses have no label")
                .label("the label is ignored");
            self.report(diagnostic);
            return Some(None);
        }
        if label.text.len() > 15 {
            let message = format!("the label `{}` is longer than 15 bytes", label.text);
            let diagnostic =
                Diagnostic::warning(Code::BadValue, label.span, message).label("the address is ignored");
            self.report(diagnostic);
            return None;
        }
        Some(Some(label.text.to_string()))
    }

    fn address_scope(&mut self, address: IpAddr, scope: &Word) -> u8 {
        let Some(number) = self.scope_number(&scope.text) else {
            let message = format!("`{}` is not a scope", scope.text);
            let diagnostic = Diagnostic::warning(Code::BadValue, scope.span, message)
                .label("ignored; the scope is global")
                .hint("scopes are `global`, `site`, `link`, `host` or a number up to 255");
            self.report(diagnostic);
            return 0;
        };
        if address.is_ipv6() {
            let diagnostic =
                Diagnostic::warning(Code::Conflict, scope.span, "the scope of an IPv6 address is part of it")
                    .label("the scope is ignored");
            self.report(diagnostic);
            return 0;
        }
        number
    }

    /// The broadcast address; `None` drops the line.
    #[expect(
        clippy::option_option,
        reason = "outer: whether the address is kept; inner: whether it has a broadcast"
    )]
    fn broadcast(&mut self, line: &AddressLine, word: &Word) -> Option<Option<Ipv4Addr>> {
        let (IpAddr::V4(address), sign) = (line.address, word.text.as_str()) else {
            let diagnostic = Diagnostic::warning(Code::Conflict, word.span, "IPv6 has no broadcast address")
                .label("the address is ignored");
            self.report(diagnostic);
            return None;
        };
        if sign == "+" || sign == "-" {
            if line.prefix_len > 30 {
                let message = format!("a prefix of {} bits has no broadcast address", line.prefix_len);
                let diagnostic = Diagnostic::warning(Code::Conflict, word.span, message)
                    .label("ignored")
                    .hint("give the address a prefix length of at most 30");
                self.report(diagnostic);
                return Some(None);
            }
            let host_bits = u32::MAX.checked_shr(u32::from(line.prefix_len)).unwrap_or(0);
            let bits =
                if sign == "+" { address.to_bits() | host_bits } else { address.to_bits() & !host_bits };
            return Some(Some(Ipv4Addr::from_bits(bits)));
        }
        if let Ok(broadcast) = sign.parse() {
            Some(Some(broadcast))
        } else {
            let message = format!("`{sign}` is not an IPv4 address");
            let diagnostic = Diagnostic::warning(Code::BadValue, word.span, message)
                .label("the line is ignored")
                .hint("write an address, `+` for all host bits set, or `-` for none");
            self.report(diagnostic);
            None
        }
    }
}

/// Sets a flag of the kernel; false if it is none.
fn set_flag(flags: &mut AddressFlags, word: &str) -> bool {
    match word {
        "home" => flags.home = true,
        "-nodad" => flags.dad = true,
        "mngtmpaddr" => flags.manage_temporary = true,
        "noprefixroute" => flags.no_prefix_route = true,
        "autojoin" => flags.auto_join = true,
        _ => return false,
    }
    true
}
