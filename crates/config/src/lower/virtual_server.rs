//! `virtual_server`: what its lines say.
//!
//! **Lines are taken in the order of the file, as keepalived takes them**: a flag of a scheduler comes after its
//! scheduler, an option of the sorry server after the sorry server. What the lines mean together is settled in
//! [`virtual_server_check`](super::virtual_server_check).

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipvs::{DestKey, Family, Forwarding, Protocol, SchedulerFlags, Tunnel, TunnelChecksum};

use super::Lowering;
use super::command::Runner;
use super::server_group::ServerGroup;
use crate::diagnostic::{Code, Diagnostic, Effect};
use crate::keyword::parse_integer;
use crate::lex::Word;
use crate::model::{ServerEvents, TimingSpec};
use crate::resolve::Entry;
use crate::source::Span;

/// What a virtual server is reached by.
pub enum Target {
    Address {
        address: IpAddr,
        port: u16,
    },
    Mark(u32),
    Group(ServerGroup),
    /// A group that there is not: the lines are read, and nothing is served.
    NoGroup,
}

impl Target {
    /// Name of the group.
    pub fn group(&self) -> Option<&str> {
        match self {
            Self::Address { .. } | Self::Mark(_) | Self::NoGroup => None,
            Self::Group(group) => Some(group.name()),
        }
    }

    fn family(&self) -> Option<Family> {
        match self {
            Self::Address { address, .. } => Some(Family::of(*address)),
            Self::Mark(_) | Self::NoGroup => None,
            Self::Group(group) => group.family(),
        }
    }

    /// Whether a port makes no sense: there are only firewall marks.
    pub fn is_mark(&self) -> bool {
        match self {
            Self::Address { .. } | Self::NoGroup => false,
            Self::Mark(_) => true,
            Self::Group(group) => !group.has_addresses(),
        }
    }

    pub fn has_marks(&self) -> bool {
        match self {
            Self::Address { .. } | Self::NoGroup => false,
            Self::Mark(_) => true,
            Self::Group(group) => group.has_marks(),
        }
    }

    /// The ports that it serves.
    pub fn ports(&self) -> Vec<u16> {
        match self {
            Self::Address { port, .. } => vec![*port],
            Self::Mark(_) | Self::NoGroup => Vec::new(),
            Self::Group(group) => group.ports(),
        }
    }
}

impl TimingSpec {
    /// Takes a line about timing; false if it is about something else.
    pub fn line(&mut self, entry: &Entry<'_>) -> bool {
        match entry.name() {
            "delay_loop" => self.delay_loop = entry.time(),
            "retry" => self.retry = entry.integer(),
            "delay_before_retry" => self.delay_before_retry = entry.time(),
            "warmup" => self.warmup = entry.time(),
            "connect_timeout" => self.connect_timeout = entry.time(),
            _ => return false,
        }
        true
    }

    /// What `self` says, and `outer` where it says nothing.
    #[must_use]
    pub fn within(self, outer: Self) -> Self {
        Self {
            delay_loop: self.delay_loop.or(outer.delay_loop),
            retry: self.retry.or(outer.retry),
            delay_before_retry: self.delay_before_retry.or(outer.delay_before_retry),
            warmup: self.warmup.or(outer.warmup),
            connect_timeout: self.connect_timeout.or(outer.connect_timeout),
        }
    }
}

/// What the lines of a virtual server say.
pub struct Draft<'e> {
    pub target: Target,
    pub span: Span,
    pub family: Option<Family>,
    pub scheduler: Option<String>,
    pub flags: SchedulerFlags,
    pub ops: Option<Span>,
    pub forwarding: Option<Forwarding>,
    pub protocol: Option<(Protocol, Span)>,
    pub persistence: Option<u32>,
    pub granularity: Option<(&'e str, Span)>,
    pub engine: Option<String>,
    pub timing: TimingSpec,
    pub inhibit: bool,
    pub alpha: bool,
    /// Seconds.
    pub drain_timeout: u32,
    pub omega: bool,
    pub weight: u32,
    pub host: Option<String>,
    pub snmp_name: Option<Box<str>>,
    pub ha_suspend: Option<Span>,
    pub quorum: Option<(u32, Span)>,
    pub hysteresis: Option<(u32, Span)>,
    pub sorry: Option<Sorry>,
    pub events: ServerEvents,
    /// Of the real servers so far.
    pub keys: BTreeMap<DestKey, Span>,
}

/// `sorry_server` and its options.
pub struct Sorry {
    pub address: IpAddr,
    pub port: Option<u16>,
    pub span: Span,
    pub inhibit: bool,
    pub forwarding: Option<Forwarding>,
}

impl Lowering<'_> {
    pub(super) fn virtual_server(&mut self, entry: &Entry<'_>) {
        let Some(target) = self.target(entry.args()) else { return };
        let smtp_alert = self.defaults.alert_checker.unwrap_or(false);
        let mut draft = Draft {
            family: target.family(),
            target,
            span: entry.span(),
            scheduler: None,
            flags: SchedulerFlags::default(),
            ops: None,
            forwarding: None,
            protocol: None,
            persistence: None,
            granularity: None,
            engine: None,
            timing: TimingSpec::default(),
            inhibit: false,
            alpha: false,
            drain_timeout: 0,
            omega: false,
            weight: 1,
            host: None,
            snmp_name: None,
            ha_suspend: None,
            quorum: None,
            hysteresis: None,
            sorry: None,
            events: ServerEvents { smtp_alert, ..ServerEvents::default() },
            keys: BTreeMap::new(),
        };
        let script = self.scripts_found.checks;
        for entry in entry.entries().iter().filter(|entry| entry.name() != "real_server") {
            self.server_line(&mut draft, entry);
        }
        if !self.complete_server(draft, entry) {
            // Nobody would run its scripts.
            self.scripts_found.checks = script;
        }
    }

    /// The address, mark or group; `None` if the server cannot be used.
    fn target(&mut self, words: &[Word]) -> Option<Target> {
        let first = words.first()?;
        let second = words.get(1);
        match (first.text.as_str(), second) {
            ("fwmark" | "group", None) => {
                let message = format!("`{}` needs a value", first.text);
                let diagnostic =
                    Diagnostic::error(Code::MissingParameter, Effect::Fatal, first.span, message)
                        .label("the daemon does not start without it");
                self.report(diagnostic);
                None
            }
            ("fwmark", Some(mark)) => self.mark(mark).map(Target::Mark),
            ("group", Some(name)) => {
                let group = self.server_groups.get(name.text.as_str()).cloned();
                if group.is_none() {
                    let message = format!("there is no usable `virtual_server_group {}`", name.text);
                    let diagnostic = Diagnostic::quiet(Code::Undefined, name.span, message)
                        .label("the virtual server is ignored; keepalived does not say so");
                    self.report(diagnostic);
                }
                Some(group.map_or(Target::NoGroup, Target::Group))
            }
            _ => self.target_address(first, second),
        }
    }

    fn target_address(&mut self, first: &Word, port: Option<&Word>) -> Option<Target> {
        let plain = first.text.split(['/', '-']).next().unwrap_or_default();
        let Ok(address) = plain.parse::<IpAddr>() else {
            let message = format!("`{}` is not the address of a virtual server", first.text);
            let mut diagnostic = Diagnostic::warning(Code::BadValue, first.span, message)
                .label("the whole virtual server is ignored");
            if first.text.matches(':').count() == 1 {
                diagnostic = diagnostic.hint("separate the address and the port by a space");
            }
            self.report(diagnostic);
            return None;
        };
        if plain.len() != first.text.len() {
            let message = format!("only {address} is served");
            let diagnostic = Diagnostic::quiet(Code::BadValue, first.span, message)
                .label("the rest of the word is passed over")
                .hint("use a `virtual_server_group` for several addresses");
            self.report(diagnostic);
        }
        let port = match port {
            None => 0,
            Some(word) if parse_integer(&word.text) == Some(0) => 0,
            Some(word) => self.port(word)?,
        };
        Some(Target::Address { address, port })
    }

    fn server_line<'e>(&mut self, draft: &mut Draft<'e>, entry: &Entry<'e>) {
        if draft.timing.line(entry) {
            return;
        }
        let span = entry.value_span();
        match entry.name() {
            "ip_family" => self.ip_family(draft, entry),
            "lb_algo" => draft.scheduler = entry.choice().map(str::to_owned),
            // A line that is wrong has been reported; the default is what it becomes.
            "lb_kind" => {
                let asked =
                    self.forwarding(entry.args(), draft.forwarding, "`NAT` is used").or(draft.forwarding);
                draft.forwarding = Some(asked.unwrap_or(Forwarding::Masquerade));
            }
            "ops" => draft.ops = Some(entry.word.span),
            "flag-1" => draft.flags.flag_1 = true,
            "flag-2" => draft.flags.flag_2 = true,
            "flag-3" => draft.flags.flag_3 = true,
            "hashed" | "sh-port" | "sh-fallback" | "mh-port" | "mh-fallback" => {
                self.scheduler_flag(draft, entry);
            }
            "persistence_engine" => draft.engine = entry.choice().map(str::to_owned),
            "persistence_timeout" => draft.persistence = Some(entry.integer().unwrap_or(360)),
            "persistence_granularity" => draft.granularity = Some((entry.text(), span)),
            "protocol" => draft.protocol = entry.choice().map(|name| (protocol(name), span)),
            "inhibit_on_failure" => draft.inhibit = true,
            "alpha" => draft.alpha = true,
            "drain_timeout" => draft.drain_timeout = entry.integer().unwrap_or(0),
            "omega" => draft.omega = true,
            "weight" => draft.weight = entry.integer().unwrap_or(1),
            "virtualhost" => draft.host = entry.choice().map(str::to_owned),
            "snmp_name" => draft.snmp_name = entry.choice().map(Box::from),
            "ha_suspend" => draft.ha_suspend = Some(entry.word.span),
            "quorum" => draft.quorum = entry.integer().map(|quorum| (quorum, span)),
            "hysteresis" => draft.hysteresis = entry.integer().map(|hysteresis| (hysteresis, span)),
            "quorum_up" => draft.events.quorum_up = self.notify(entry, Runner::Checks).map(Box::new),
            "quorum_down" => draft.events.quorum_down = self.notify(entry, Runner::Checks).map(Box::new),
            "smtp_alert" => draft.events.smtp_alert = entry.switch(),
            "sorry_server" => self.sorry_server(draft, entry),
            "sorry_server_inhibit" | "sorry_server_lvs_method" => self.sorry_option(draft, entry),
            _ => {}
        }
    }

    fn ip_family(&mut self, draft: &mut Draft<'_>, entry: &Entry<'_>) {
        let family = if entry.choice() == Some("inet6") { Family::V6 } else { Family::V4 };
        if draft.target.family().is_some_and(|known| known != family) {
            let diagnostic = Diagnostic::warning(
                Code::WrongFamily,
                entry.value_span(),
                "the address is of the other family",
            )
            .label("ignored");
            return self.report(diagnostic);
        }
        draft.family = Some(family);
    }

    fn scheduler_flag(&mut self, draft: &mut Draft<'_>, entry: &Entry<'_>) {
        let name = entry.name();
        let wanted = name.split_once('-').map(|(scheduler, _)| scheduler);
        let scheduler = draft.scheduler.as_deref();
        match (wanted, scheduler) {
            (Some(wanted), Some(scheduler)) if wanted == scheduler => {
                if name.ends_with("port") {
                    draft.flags.flag_2 = true;
                } else {
                    draft.flags.flag_1 = true;
                }
            }
            // A flag that no scheduler has, and that is let pass beside those that have some.
            (None, Some("sh" | "mh")) => {}
            // keepalived passes over a flag of the other hashing scheduler.
            (Some(_), Some("sh" | "mh")) => {
                let message = format!("`{name}` is not a flag of the scheduler of this virtual server");
                self.report(Diagnostic::quiet(Code::Conflict, entry.word.span, message).label("ignored"));
            }
            (wanted, _) => {
                let wanted = wanted.unwrap_or("sh");
                let message = format!("`{name}` needs `lb_algo {wanted}` before it");
                self.report(Diagnostic::warning(Code::Conflict, entry.word.span, message).label("ignored"));
            }
        }
    }

    /// `NAT`, `DR` or `TUN` with its options. `inherited`: the method where the line says nothing; with options that are
    /// wrong, `TUN` is a tunnel of its kind, or else IP in IP, as with keepalived 2.2.7. `otherwise` is what happens if it
    /// is no method at all.
    pub(super) fn forwarding(
        &mut self,
        words: &[Word],
        inherited: Option<Forwarding>,
        otherwise: &str,
    ) -> Option<Forwarding> {
        let method = words.first()?;
        match method.text.as_str() {
            "NAT" => return Some(Forwarding::Masquerade),
            "DR" => return Some(Forwarding::DirectRoute),
            "TUN" => {}
            other => {
                let message = format!("the method is `NAT`, `DR` or `TUN`, not `{other}`");
                let mut diagnostic =
                    Diagnostic::warning(Code::BadValue, method.span, message).label(otherwise);
                let near = crate::suggest::nearest(other, ["NAT", "DR", "TUN"]);
                diagnostic.hint = near.map(|near| format!("did you mean `{near}`?"));
                self.report(diagnostic);
                return None;
            }
        }
        let tunnel = self.ipvs_tunnel(method, words.get(1..).unwrap_or_default());
        let inherited = match inherited {
            Some(Forwarding::Tunnel(tunnel)) => tunnel,
            _ => Tunnel::Ipip,
        };
        Some(Forwarding::Tunnel(tunnel.unwrap_or(inherited)))
    }

    /// The options behind `TUN`.
    fn ipvs_tunnel(&mut self, method: &Word, words: &[Word]) -> Option<Tunnel> {
        let bad = |lowering: &mut Self, word: &Word, message: &str, hint: Option<String>| {
            let mut diagnostic = Diagnostic::warning(Code::BadValue, word.span, message)
                .label("the tunnel is that of the virtual server, or IP in IP");
            diagnostic.hint = hint;
            lowering.report(diagnostic);
            None
        };
        let (mut kind, mut port, mut checksum) = (None, None, None);
        let mut rest = words.iter();
        while let Some(word) = rest.next() {
            match word.text.as_str() {
                "type" => {
                    kind = rest.next();
                    if kind.is_none() {
                        self.missing_option_value(word);
                        return None;
                    }
                }
                "port" => {
                    if let Some(word) = rest.next() {
                        port = Some((word, self.port(word)?));
                    } else {
                        self.missing_option_value(word);
                        return None;
                    }
                }
                "nocsum" => checksum = Some((word, TunnelChecksum::None)),
                "csum" => checksum = Some((word, TunnelChecksum::Full)),
                "remcsum" => checksum = Some((word, TunnelChecksum::Remote)),
                other => return bad(self, word, &format!("a tunnel does not know `{other}`"), None),
            }
        }
        let mode = checksum.map(|(_, mode)| mode).unwrap_or_default();
        match (kind.map_or("ipip", |kind| kind.text.as_str()), port, checksum) {
            ("gue", Some((_, port)), _) => Some(Tunnel::Gue { port, checksum: mode }),
            ("gue", None, _) => {
                bad(self, method, "a `gue` tunnel needs a port", Some("write `port PORT`".into()))
            }
            ("gre" | "ipip", Some((word, _)), _) => bad(self, word, "only `gue` tunnels have a port", None),
            ("gre", None, Some((word, TunnelChecksum::Remote))) => {
                bad(self, word, "only `gue` tunnels have remote checksums", None)
            }
            ("gre", None, _) => Some(Tunnel::Gre { checksum: mode }),
            ("ipip", None, Some((word, TunnelChecksum::Full | TunnelChecksum::Remote))) => {
                bad(self, word, "IP in IP has no checksum", None)
            }
            ("ipip", None, _) => Some(Tunnel::Ipip),
            (other, ..) => {
                let message = format!("a tunnel is of the type `ipip`, `gue` or `gre`, not `{other}`");
                bad(self, kind.unwrap_or(method), &message, None)
            }
        }
    }

    fn sorry_server(&mut self, draft: &mut Draft<'_>, entry: &Entry<'_>) {
        let span = entry.span();
        let Some(address) = crate::keyword::parse_address(entry.text()) else {
            let message = format!("`{}` is not an IP address", entry.text());
            let diagnostic = Diagnostic::warning(Code::BadValue, entry.value_span(), message)
                .label("there is no sorry server");
            return self.report(diagnostic);
        };
        let port = match entry.args().get(1).filter(|word| parse_integer(&word.text) != Some(0)) {
            Some(word) => match self.port(word) {
                Some(port) => Some(port),
                None => return,
            },
            None => None,
        };
        draft.sorry = Some(Sorry { address, port, span, inhibit: false, forwarding: None });
    }

    fn sorry_option(&mut self, draft: &mut Draft<'_>, entry: &Entry<'_>) {
        let Some(sorry) = &mut draft.sorry else {
            let message = format!("`{}` without `sorry_server` before it", entry.name());
            return self
                .report(Diagnostic::warning(Code::Conflict, entry.word.span, message).label("ignored"));
        };
        if entry.name() == "sorry_server_inhibit" {
            sorry.inhibit = true;
        } else if let Some(forwarding) =
            self.forwarding(entry.args(), draft.forwarding, "that of the real servers is used")
        {
            sorry.forwarding = Some(forwarding);
        }
    }
}

fn protocol(name: &str) -> Protocol {
    match name {
        "UDP" => Protocol::Udp,
        "SCTP" => Protocol::Sctp,
        _ => Protocol::Tcp,
    }
}
