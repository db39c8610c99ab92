//! `virtual_server`.
//!
//! **What keepalived fills in or puts right is filled in and put right the same way, and said**: a missing protocol is
//! UDP, a missing scheduler wlc, a missing method NAT, a service of all ports is persistent, a quorum is at most the
//! weight that there is.

use std::net::IpAddr;
use std::time::Duration;

use checker::{SorryServerSpec, VirtualServerSpec};
use ipvs::{
    DestKey, DestSpec, Family, Forwarding, Granularity, Persistence, Protocol, SchedulerFlags, ServiceKey,
    ServiceSpec, Tunnel, TunnelChecksum,
};

use super::command::Runner;
use super::server_group::ServerGroup;
use super::{Lowering, Services};
use crate::diagnostic::{Code, Diagnostic, Effect};
use crate::keyword::parse_integer;
use crate::lex::Word;
use crate::model::ServerEvents;
use crate::resolve::Entry;
use crate::source::Span;

/// What a virtual server is reached by.
pub enum Target {
    Address { address: IpAddr, port: u16 },
    Mark(u32),
    Group(ServerGroup),
}

impl Target {
    fn family(&self) -> Option<Family> {
        match self {
            Self::Address { address, .. } => Some(Family::of(*address)),
            Self::Mark(_) => None,
            Self::Group(group) => group.family(),
        }
    }

    /// Whether a port makes no sense: there are only firewall marks.
    fn is_mark(&self) -> bool {
        match self {
            Self::Address { .. } => false,
            Self::Mark(_) => true,
            Self::Group(group) => !group.has_addresses(),
        }
    }

    fn has_marks(&self) -> bool {
        match self {
            Self::Address { .. } => false,
            Self::Mark(_) => true,
            Self::Group(group) => group.has_marks(),
        }
    }

    /// The ports that it serves.
    fn ports(&self) -> Vec<u16> {
        match self {
            Self::Address { port, .. } => vec![*port],
            Self::Mark(_) => Vec::new(),
            Self::Group(group) => group.ports(),
        }
    }
}

/// What checks take over from server to server.
#[derive(Clone, Copy, Default)]
pub struct Timing {
    pub delay_loop: Option<Duration>,
    pub retry: Option<u32>,
    pub delay_before_retry: Option<Duration>,
    pub warmup: Option<Duration>,
    pub connect_timeout: Option<Duration>,
}

impl Timing {
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
    flags: SchedulerFlags,
    ops: Option<Span>,
    pub forwarding: Option<Forwarding>,
    protocol: Option<(Protocol, Span)>,
    persistence: Option<u32>,
    granularity: Option<(&'e str, Span)>,
    engine: Option<String>,
    pub timing: Timing,
    pub inhibit: bool,
    pub alpha: bool,
    pub omega: bool,
    pub weight: u32,
    pub host: Option<String>,
    quorum: Option<(u32, Span)>,
    hysteresis: Option<(u32, Span)>,
    sorry: Option<Sorry>,
    events: ServerEvents,
}

struct Sorry {
    address: IpAddr,
    port: Option<u16>,
    span: Span,
    inhibit: bool,
    forwarding: Option<Forwarding>,
}

impl Lowering<'_> {
    pub(super) fn virtual_server(&mut self, entry: &Entry<'_>) {
        let Some(target) = self.target(entry.args) else { return };
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
            timing: Timing::default(),
            inhibit: false,
            alpha: false,
            omega: false,
            weight: 1,
            host: None,
            quorum: None,
            hysteresis: None,
            sorry: None,
            events: ServerEvents { smtp_alert, ..ServerEvents::default() },
        };
        for entry in entry.entries().iter().filter(|entry| entry.name() != "real_server") {
            self.server_line(&mut draft, entry);
        }
        self.complete_server(draft, entry);
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
                        .label("keepalived crashes here");
                self.report(diagnostic);
                None
            }
            ("fwmark", Some(mark)) => self.mark(mark).map(Target::Mark),
            ("group", Some(name)) => {
                let group = self.server_groups.get(&name.text).cloned().map(Target::Group);
                if group.is_none() {
                    let message = format!("there is no usable `virtual_server_group {}`", name.text);
                    let diagnostic = Diagnostic::quiet(Code::Undefined, name.span, message)
                        .label("the virtual server is ignored; keepalived does not say so");
                    self.report(diagnostic);
                }
                group
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
            "lb_kind" => draft.forwarding = self.forwarding(entry.args).or(draft.forwarding),
            "ops" => draft.ops = Some(entry.word.span),
            "flag-1" => draft.flags.flag_1 = true,
            "flag-2" => draft.flags.flag_2 = true,
            "flag-3" => draft.flags.flag_3 = true,
            "hashed" | "sh-port" | "sh-fallback" | "mh-port" | "mh-fallback" => {
                self.scheduler_flag(draft, entry)
            }
            "persistence_engine" => draft.engine = entry.choice().map(str::to_owned),
            "persistence_timeout" => draft.persistence = Some(entry.integer().unwrap_or(360)),
            "persistence_granularity" => draft.granularity = Some((entry.text(), span)),
            "protocol" => draft.protocol = entry.choice().map(|name| (protocol(name), span)),
            "inhibit_on_failure" => draft.inhibit = true,
            "alpha" => draft.alpha = true,
            "omega" => draft.omega = true,
            "weight" => draft.weight = entry.integer().unwrap_or(1),
            "virtualhost" => draft.host = entry.choice().map(str::to_owned),
            "quorum" => draft.quorum = entry.integer().map(|quorum| (quorum, span)),
            "hysteresis" => draft.hysteresis = entry.integer().map(|hysteresis| (hysteresis, span)),
            "quorum_up" => draft.events.quorum_up = self.notify(entry, Runner::Checks),
            "quorum_down" => draft.events.quorum_down = self.notify(entry, Runner::Checks),
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

    /// `NAT`, `DR` or `TUN` with its options.
    pub(super) fn forwarding(&mut self, words: &[Word]) -> Option<Forwarding> {
        let method = words.first()?;
        let bad = |lowering: &mut Self, word: &Word, message: String, hint: Option<String>| {
            let mut diagnostic =
                Diagnostic::warning(Code::BadValue, word.span, message).label("the line is ignored");
            diagnostic.hint = hint;
            lowering.report(diagnostic);
            None
        };
        if !["NAT", "DR", "TUN"].contains(&method.text.as_str()) {
            let near = crate::suggest::nearest(&method.text, ["NAT", "DR", "TUN"]);
            let hint = near.map(|near| format!("did you mean `{near}`?"));
            return bad(
                self,
                method,
                format!("the method is `NAT`, `DR` or `TUN`, not `{}`", method.text),
                hint,
            );
        }
        let (mut kind, mut port, mut checksum) = (None, None, None);
        let mut rest = words.iter().skip(1);
        while let Some(word) = rest.next() {
            match word.text.as_str() {
                "type" => kind = rest.next(),
                "port" => match rest.next() {
                    Some(word) => port = Some((word, self.port(word)?)),
                    None => {
                        self.missing_option_value(word);
                        return None;
                    }
                },
                "nocsum" => checksum = Some((word, TunnelChecksum::None)),
                "csum" => checksum = Some((word, TunnelChecksum::Full)),
                "remcsum" => checksum = Some((word, TunnelChecksum::Remote)),
                other => return bad(self, word, format!("a method does not know `{other}`"), None),
            }
        }
        let checksum_mode = checksum.map(|(_, mode)| mode).unwrap_or_default();
        match (method.text.as_str(), kind.map_or("ipip", |kind| kind.text.as_str()), port) {
            ("NAT", ..) => Some(Forwarding::Masquerade),
            ("DR", ..) => Some(Forwarding::DirectRoute),
            (_, "gue", Some((_, port))) => {
                Some(Forwarding::Tunnel(Tunnel::Gue { port, checksum: checksum_mode }))
            }
            (_, "gre", None) => Some(Forwarding::Tunnel(Tunnel::Gre { checksum: checksum_mode })),
            (_, "ipip", None) => match checksum {
                Some((word, mode)) if mode != TunnelChecksum::None => {
                    bad(self, word, "IP in IP has no checksum".to_owned(), None)
                }
                _ => Some(Forwarding::Tunnel(Tunnel::Ipip)),
            },
            (_, "gue", None) => {
                bad(self, method, "a `gue` tunnel needs a port".to_owned(), Some("write `port PORT`".into()))
            }
            (_, "gre" | "ipip", Some((word, _))) => {
                bad(self, word, "only `gue` tunnels have a port".to_owned(), None)
            }
            (_, other, _) => {
                let message = format!("a tunnel is of the type `ipip`, `gue` or `gre`, not `{other}`");
                bad(self, kind.unwrap_or(method), message, None)
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
        let port = match entry.args.get(1).filter(|word| parse_integer(&word.text) != Some(0)) {
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
        } else if let Some(forwarding) = self.forwarding(entry.args) {
            sorry.forwarding = Some(forwarding);
        }
    }

    fn complete_server(&mut self, mut draft: Draft<'_>, entry: &Entry<'_>) {
        let span = draft.span;
        let forwarding = draft.forwarding.unwrap_or(Forwarding::Masquerade);
        let ports = draft.target.ports();
        let (mut real_servers, mut events) = (Vec::new(), Vec::new());
        for entry in entry.entries().iter().filter(|entry| entry.name() == "real_server") {
            self.real_server(&mut draft, entry, forwarding, &ports, &mut real_servers, &mut events);
        }
        if real_servers.is_empty() {
            let diagnostic =
                Diagnostic::warning(Code::MissingSetting, span, "a virtual server without real servers")
                    .label("it is ignored")
                    .hint("list the hosts that serve: `real_server ADDRESS PORT { ... }`");
            return self.report(diagnostic);
        }
        self.say_defaults(&draft);
        let protocol = self.settle_protocol(&draft);
        let family = draft.family.unwrap_or(Family::V4);
        let services: Services = match &draft.target {
            Target::Address { address, port } => {
                vec![ServiceKey::Address { protocol, address: *address, port: *port }]
            }
            Target::Mark(mark) => vec![ServiceKey::Fwmark { mark: *mark, family }],
            Target::Group(group) => group.services(protocol, family),
        };
        let persistence = self.settle_persistence(&draft, family, &ports);
        let one_packet = self.settle_ops(&draft, protocol);
        let total: u64 =
            real_servers.iter().map(|server: &checker::RealServerSpec| u64::from(server.dest.weight)).sum();
        let (quorum, hysteresis) = self.settle_quorum(&draft, total);
        let sorry_server = self.settle_sorry(&draft, forwarding, &ports, &mut real_servers);
        let name = entry.args.iter().take(2).map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ");
        self.model.virtual_servers.push(VirtualServerSpec {
            name,
            services,
            service: ServiceSpec {
                scheduler: draft.scheduler.unwrap_or_else(|| "wlc".to_owned()),
                flags: SchedulerFlags { one_packet, ..draft.flags },
                persistence,
            },
            quorum,
            hysteresis,
            alpha: draft.alpha,
            omega: draft.omega,
            sorry_server,
            real_servers,
        });
        self.model.server_events.push(ServerEvents { real_servers: events, ..draft.events });
    }

    fn default_used(&mut self, span: Span, what: &str, used: &str, hint: &str) {
        let diagnostic =
            Diagnostic::warning(Code::MissingSetting, span, format!("a virtual server without {what}"))
                .label(format!("{used} is used"))
                .hint(hint);
        self.report(diagnostic);
    }

    fn say_defaults(&mut self, draft: &Draft<'_>) {
        if draft.scheduler.is_none() {
            self.default_used(draft.span, "scheduler", "`wlc`", "write `lb_algo` with the scheduler");
        }
        if draft.forwarding.is_none() {
            self.default_used(draft.span, "forwarding method", "`NAT`", "write `lb_kind NAT`, `DR` or `TUN`");
        }
    }

    fn settle_protocol(&mut self, draft: &Draft<'_>) -> Protocol {
        match draft.protocol {
            Some((_, span)) if draft.target.is_mark() => {
                let diagnostic =
                    Diagnostic::warning(Code::Conflict, span, "a firewall mark stands for any protocol")
                        .label("ignored");
                self.report(diagnostic);
                Protocol::Tcp
            }
            Some((protocol, _)) => protocol,
            None if draft.target.is_mark() => Protocol::Tcp,
            None => {
                self.default_used(draft.span, "protocol", "UDP", "write `protocol TCP` or `protocol UDP`");
                Protocol::Udp
            }
        }
    }

    fn settle_persistence(
        &mut self,
        draft: &Draft<'_>,
        family: Family,
        ports: &[u16],
    ) -> Option<Persistence> {
        let granularity = draft.granularity.and_then(|(word, span)| self.granularity(family, word, span));
        let timeout = match draft.persistence {
            Some(timeout) => timeout,
            None if ports.contains(&0) => {
                let diagnostic = Diagnostic::warning(
                    Code::MissingSetting,
                    draft.span,
                    "a service of all ports has to be persistent",
                )
                .label("persistence of 360 s is used")
                .hint("write the port, or `persistence_timeout SECONDS`");
                self.report(diagnostic);
                360
            }
            None => {
                if let Some((_, span)) = draft.granularity {
                    let message = "`persistence_granularity` without `persistence_timeout`";
                    self.report(Diagnostic::quiet(Code::Conflict, span, message).label("it has no effect"));
                }
                return None;
            }
        };
        let granularity = granularity.unwrap_or(Granularity::single(family));
        Some(Persistence { timeout, granularity, engine: draft.engine.clone() })
    }

    fn granularity(&mut self, family: Family, word: &str, span: Span) -> Option<Granularity> {
        let found = match family {
            Family::V6 => {
                word.parse().ok().filter(|length| (1..=128).contains(length)).map(Granularity::Prefix)
            }
            Family::V4 => netmask(word).map(Granularity::Mask),
        };
        if found.is_none() {
            let expected =
                if family == Family::V4 { "an IPv4 netmask" } else { "a prefix length from 1 to 128" };
            let message = format!("`persistence_granularity` takes {expected}, not `{word}`");
            self.report(Diagnostic::warning(Code::BadValue, span, message).label("ignored"));
        } else if family == Family::V4 && !word.contains('.') && !word.starts_with("0x") {
            let mask = netmask(word).map(std::net::Ipv4Addr::from_bits);
            let mask = mask.map(|mask| mask.to_string()).unwrap_or_default();
            let diagnostic =
                Diagnostic::quiet(Code::BadValue, span, format!("`{word}` is the netmask {mask}"))
                    .label("used, as in keepalived")
                    .hint("write the netmask out: a prefix of 24 bits is 255.255.255.0");
            self.report(diagnostic);
        }
        found
    }

    fn settle_ops(&mut self, draft: &Draft<'_>, protocol: Protocol) -> bool {
        let Some(span) = draft.ops else { return false };
        if protocol == Protocol::Udp || draft.target.has_marks() {
            return true;
        }
        let diagnostic = Diagnostic::warning(Code::Conflict, span, "`ops` is for UDP and for firewall marks")
            .label("ignored");
        self.report(diagnostic);
        false
    }

    fn settle_quorum(&mut self, draft: &Draft<'_>, total: u64) -> (u32, u32) {
        let (mut quorum, span) = draft.quorum.unwrap_or((1, draft.span));
        if u64::from(quorum) > total {
            // keepalived would make it 0, which no server can miss; 1 is what can be lost.
            let least = u32::try_from(total).unwrap_or(u32::MAX).max(1);
            let message = format!("a quorum of {quorum}, and real servers of the weight {total} altogether");
            let diagnostic = Diagnostic::warning(Code::Adjusted, span, message)
                .label(format!("a quorum of {least} is used"))
                .hint("the quorum counts weights, not servers");
            self.report(diagnostic);
            quorum = least;
        }
        let (hysteresis, span) = draft.hysteresis.unwrap_or((0, draft.span));
        if hysteresis < quorum {
            return (quorum, hysteresis);
        }
        let message = format!("a hysteresis of {hysteresis}, which is not below the quorum of {quorum}");
        let diagnostic =
            Diagnostic::warning(Code::Adjusted, span, message).label(format!("{} is used", quorum - 1));
        self.report(diagnostic);
        (quorum, quorum - 1)
    }

    fn settle_sorry(
        &mut self,
        draft: &Draft<'_>,
        forwarding: Forwarding,
        ports: &[u16],
        real_servers: &mut [checker::RealServerSpec],
    ) -> Option<SorryServerSpec> {
        let sorry = draft.sorry.as_ref()?;
        let forwarding = sorry.forwarding.unwrap_or(forwarding);
        let family = draft.family.unwrap_or(Family::of(sorry.address));
        if family != Family::of(sorry.address) && !matches!(forwarding, Forwarding::Tunnel(_)) {
            let diagnostic =
                Diagnostic::warning(Code::WrongFamily, sorry.span, "the sorry server is of another family")
                    .label("there is no sorry server");
            self.report(diagnostic);
            return None;
        }
        let port = sorry.port.unwrap_or(if let [port] = ports { *port } else { 0 });
        let key = DestKey { address: sorry.address, port };
        let mut inhibit = sorry.inhibit;
        let twin = real_servers.iter().find(|server| server.key == key);
        if let Some(twin) = twin.filter(|twin| twin.inhibit_on_failure != inhibit) {
            let diagnostic = Diagnostic::warning(
                Code::Conflict,
                sorry.span,
                "a real server is the sorry server, and inhibits otherwise",
            )
            .label("both inhibit alike");
            self.report(diagnostic);
            inhibit = twin.inhibit_on_failure;
        }
        let dest = DestSpec { weight: 1, forwarding, upper_threshold: 0, lower_threshold: 0 };
        Some(SorryServerSpec { key, dest, inhibit })
    }
}

fn protocol(name: &str) -> Protocol {
    match name {
        "UDP" => Protocol::Udp,
        "SCTP" => Protocol::Sctp,
        _ => Protocol::Tcp,
    }
}

/// A netmask in the forms of inet_aton(3): one to four numbers, of which the last fills what is left.
fn netmask(word: &str) -> Option<u32> {
    let number = |text: &str| match text.strip_prefix("0x").or(text.strip_prefix("0X")) {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None if text.len() > 1 && text.starts_with('0') => u32::from_str_radix(text, 8).ok(),
        None => text.parse().ok(),
    };
    let parts: Vec<u32> = word.split('.').map(number).collect::<Option<_>>()?;
    let (last, leading) = parts.split_last()?;
    if leading.len() > 3 || leading.iter().any(|part| *part > 255) {
        return None;
    }
    let room = 32 - 8 * u32::try_from(leading.len()).ok()?;
    if u64::from(*last) >= 1_u64 << room {
        return None;
    }
    let high = leading.iter().fold(0_u64, |mask, part| mask << 8 | u64::from(*part));
    u32::try_from(high << room | u64::from(*last)).ok()
}

#[cfg(test)]
mod tests {
    use super::netmask;

    #[test]
    fn a_netmask_is_read_as_the_c_library_reads_it() {
        assert_eq!(netmask("255.255.255.0"), Some(0xffff_ff00));
        assert_eq!(netmask("255.0.255.0"), Some(0xff00_ff00));
        assert_eq!(netmask("0xffffff00"), Some(0xffff_ff00));
        assert_eq!(netmask("24"), Some(24));
        assert_eq!(netmask("255.1"), Some(0xff00_0001));
        for word in ["/24", "a", "256.0.0.0", "1.2.3.4.5", "", "1.2.3.256"] {
            assert_eq!(netmask(word), None, "{word}");
        }
    }
}
