//! `virtual_server`: what its lines mean together.
//!
//! **What keepalived fills in or puts right is filled in and put right the same way, and said**: a missing protocol is
//! UDP, a missing scheduler wlc, a missing method NAT, a service of all ports is persistent, a quorum is at most the
//! weight that there is.

use checker::{RealServerSpec, SorryServerSpec, VirtualServerSpec};
use ipvs::{
    DestKey, DestSpec, Family, Forwarding, Granularity, Persistence, Protocol, SchedulerFlags, ServiceKey,
    ServiceSpec,
};

use super::virtual_server::{Draft, Target};
use super::{Lowering, Services};
use crate::diagnostic::{Code, Diagnostic};
use crate::model::ServerEvents;
use crate::resolve::Entry;
use crate::source::Span;

impl Lowering<'_> {
    /// Makes the virtual server of a draft, with the real servers of its block; false if there is none.
    pub(super) fn complete_server(&mut self, mut draft: Draft<'_>, entry: &Entry<'_>) -> bool {
        let span = draft.span;
        let forwarding = draft.forwarding.unwrap_or(Forwarding::Masquerade);
        let ports = draft.target.ports();
        let (mut real_servers, mut events) = (Vec::new(), Vec::new());
        for entry in entry.entries().iter().filter(|entry| entry.name() == "real_server") {
            self.real_server(&mut draft, entry, forwarding, &ports, &mut real_servers, &mut events);
        }
        if matches!(draft.target, Target::NoGroup) {
            return false;
        }
        if real_servers.is_empty() {
            let diagnostic =
                Diagnostic::warning(Code::MissingSetting, span, "a virtual server without real servers")
                    .label("it is ignored")
                    .hint("list the hosts that serve: `real_server ADDRESS PORT { ... }`");
            self.report(diagnostic);
            return false;
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
            Target::NoGroup => Vec::new(),
        };
        let persistence = self.settle_persistence(&draft, family, &ports);
        let one_packet = self.settle_ops(&draft, protocol);
        let total: u64 =
            real_servers.iter().map(|server: &RealServerSpec| u64::from(server.dest.weight)).sum();
        let ha_suspend = self.settle_suspension(&draft);
        let (quorum, hysteresis) = self.settle_quorum(&draft, total);
        let sorry_server = self.settle_sorry(&draft, forwarding, &ports, &mut real_servers);
        let name = entry.args().iter().take(2).map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ");
        let spec = VirtualServerSpec {
            name,
            snmp_name: draft.snmp_name,
            group: draft.target.group().map(Box::from),
            services,
            service: ServiceSpec {
                scheduler: draft.scheduler.map_or_else(|| "wlc".into(), Into::into),
                flags: SchedulerFlags { one_packet, ..draft.flags },
                persistence,
            },
            quorum,
            hysteresis,
            alpha: draft.alpha,
            ha_suspend,
            omega: draft.omega,
            sorry_server,
            real_servers,
        };
        let events = ServerEvents {
            real_servers: events,
            timing: draft.timing,
            virtual_host: draft.host,
            forwarding: draft.forwarding,
            inhibit_on_failure: draft.inhibit,
            ..draft.events
        };
        let model = &mut self.model;
        model.independence.note(&spec);
        let kept = model.virtual_servers.push(&spec).and_then(|()| model.server_events.push(&events));
        if let Err(error) = kept {
            let message = format!("the virtual server cannot be kept: {error}");
            self.report(Diagnostic::warning(Code::TooLong, span, message).label("it is ignored"));
            return false;
        }
        true
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
                        .label("ignored")
                        .hint("remove the line");
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

    fn settle_suspension(&mut self, draft: &Draft<'_>) -> bool {
        let Some(span) = draft.ha_suspend else { return false };
        if matches!(draft.target, Target::Mark(_)) {
            let message = "`ha_suspend` looks for an address, and a firewall mark has none";
            self.report(Diagnostic::warning(Code::Conflict, span, message).label("ignored"));
            return false;
        }
        true
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
        real_servers: &mut [RealServerSpec],
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
        let port = self.sorry_port(draft, sorry.port, forwarding, ports, sorry.span);
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

    /// The port of the sorry server: only `NAT` can give it another than the service's.
    fn sorry_port(
        &mut self,
        draft: &Draft<'_>,
        port: Option<u16>,
        forwarding: Forwarding,
        ports: &[u16],
        span: Span,
    ) -> u16 {
        let common = if let [port] = ports { *port } else { 0 };
        let Some(port) = port else { return common };
        let elsewhere = draft.target.has_marks() || ports.iter().any(|wanted| *wanted != port);
        if forwarding == Forwarding::Masquerade || !elsewhere {
            return port;
        }
        let used = if matches!(draft.target, Target::Group(_)) { port } else { common };
        let diagnostic = Diagnostic::warning(
            Code::Conflict,
            span,
            format!("the sorry server has the port {port}, and the virtual server others or none"),
        )
        .label("the port is ignored")
        .hint("only `NAT` changes the port");
        self.report(diagnostic);
        used
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
