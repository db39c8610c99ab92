//! `vrrp_instance`: what its lines say.
//!
//! **Lines are taken in the order of the file, as keepalived takes them**: the first address of any kind settles the
//! family, and what does not fit it later is reported. What the lines mean together is settled in
//! [`instance_check`](super::instance_check).

use std::net::IpAddr;
use std::time::Duration;

use vrrp::{Family, InitialState, InterfaceTrack, Peer, Priority, Version, VirtualRouterId};

use super::Lowering;
use super::address::AddressLine;
use super::command::Runner;
use super::globals::version;
use super::tracker::Kind;
use crate::diagnostic::{Code, Diagnostic, Effect};
use crate::lex::Word;
use crate::model::InstanceEvents;
use crate::parse::Node;
use crate::resolve::Entry;
use crate::source::Span;

/// An instance by name, usable or not, for what refers to it.
pub struct Seen {
    pub name: String,
    pub span: Span,
}

/// How an instance authenticates.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AuthType {
    Pass,
    Ah,
}

/// What the lines of an instance say, each with its place where something can be wrong with it.
#[derive(Default)]
pub struct Draft {
    pub name: String,
    pub state: Option<(InitialState, Span)>,
    pub interface: Option<(String, Span)>,
    pub vrid: Option<VirtualRouterId>,
    pub priority: Option<Priority>,
    pub advert: Option<(Duration, Span)>,
    pub version: Option<Version>,
    pub family: Option<Family>,
    pub addresses: Vec<(AddressLine, Span)>,
    pub excluded: Vec<(AddressLine, Span)>,
    pub no_addresses: bool,
    pub nopreempt: Option<Span>,
    pub preempt_delay: Option<(Duration, Span)>,
    pub down_timer_adverts: Option<(u8, Span)>,
    pub auth_type: Option<(AuthType, Span)>,
    pub auth_pass: Option<[u8; 8]>,
    pub peers: Vec<Peer>,
    /// The first line that is about unicast.
    pub unicast: Option<Span>,
    pub fault_no_peer: bool,
    pub unicast_ttl: Option<(u8, Span)>,
    pub source: Option<IpAddr>,
    pub group: Option<(IpAddr, Span)>,
    pub strict: bool,
    pub accept: Option<Span>,
    pub skip_check_adv_addr: bool,
    pub lower_prio_no_advert: Option<(bool, Span)>,
    pub higher_prio_send_advert: Option<(bool, Span)>,
    pub garp_delay: Option<Duration>,
    pub garp_repeat: Option<u32>,
    pub garp_refresh: Option<Duration>,
    pub garp_refresh_repeat: Option<u32>,
    pub garp_lower_delay: Option<(Duration, Span)>,
    pub garp_lower_repeat: Option<(u32, Span)>,
    pub track_interfaces: Vec<(InterfaceTrack, Span)>,
    pub dont_track_primary: bool,
    pub vmac: Option<Span>,
    pub vmac_xmit_base: Option<Span>,
    pub promote_secondaries: Option<Span>,
    pub vrf: Option<Span>,
    pub events: InstanceEvents,
}

impl Lowering<'_> {
    pub(super) fn instance(&mut self, entry: &Entry<'_>) {
        let (Some(name), None) = (entry.args.first(), entry.args.get(1)) else {
            let diagnostic =
                Diagnostic::warning(Code::BadValue, entry.span(), "an instance has one word as its name")
                    .label("the whole instance is ignored")
                    .hint("join the words with `_` or `-`");
            return self.report(diagnostic);
        };
        if let Some(first) = self.instances.iter().find(|seen| seen.name == name.text) {
            let message = format!("a second `vrrp_instance {}`", name.text);
            let diagnostic = Diagnostic::warning(Code::Duplicate, name.span, message)
                .label("the whole instance is ignored")
                .related(first.span, "the first is here");
            return self.report(diagnostic);
        }
        self.instances.push(Seen { name: name.text.to_string(), span: name.span });
        let mut draft = Draft {
            name: name.text.to_string(),
            strict: self.defaults.strict,
            skip_check_adv_addr: self.defaults.skip_check_adv_addr,
            ..Draft::default()
        };
        for entry in entry.entries() {
            self.instance_line(&mut draft, entry);
        }
        self.complete_instance(draft, name.span);
    }

    fn instance_line(&mut self, draft: &mut Draft, entry: &Entry<'_>) {
        let span = entry.value_span();
        match entry.name() {
            "state" => self.state(draft, entry),
            "interface" => self.interface(draft, entry),
            "virtual_router_id" => draft.vrid = entry.integer().and_then(VirtualRouterId::new),
            "priority" => draft.priority = entry.integer().and_then(Priority::new),
            "advert_int" => draft.advert = entry.time().map(|time| (time, span)),
            "version" => self.version(draft, entry),
            "preempt" => draft.nopreempt = None,
            "nopreempt" => draft.nopreempt = Some(entry.word.span),
            "preempt_delay" => draft.preempt_delay = entry.time().map(|time| (time, entry.span())),
            "down_timer_adverts" => draft.down_timer_adverts = entry.integer().map(|count| (count, span)),
            "strict_mode" => draft.strict = entry.switch(),
            "skip_check_adv_addr" => draft.skip_check_adv_addr = entry.switch(),
            "lower_prio_no_advert" => draft.lower_prio_no_advert = Some((entry.switch(), entry.span())),
            "higher_prio_send_advert" => draft.higher_prio_send_advert = Some((entry.switch(), entry.span())),
            "authentication" => self.authentication(draft, entry),
            "virtual_ipaddress" => self.virtual_addresses(draft, entry),
            "virtual_ipaddress_excluded" => {
                let lines = self.address_lines(entry.lines());
                draft.excluded.extend(lines);
            }
            "no_virtual_ipaddress" => draft.no_addresses = true,
            "virtual_routes" => self.routes(entry.lines(), false),
            "virtual_rules" => self.rules(entry.lines(), false),
            "track_interface" => self.track_interfaces(entry, &mut draft.track_interfaces),
            "dont_track_primary" => draft.dont_track_primary = true,
            "accept" => draft.accept = Some(entry.word.span),
            "no_accept" => draft.accept = None,
            "mcast_src_ip" => self.source(draft, entry),
            "unicast_src_ip" => {
                draft.unicast.get_or_insert(entry.span());
                self.source(draft, entry);
            }
            "mcast_dst_ip" => self.destination(draft, entry),
            "unicast_peer" => self.peers(draft, entry),
            "unicast_fault_no_peer" => draft.fault_no_peer = true,
            "check_unicast_src" | "old_unicast_checksum" => {
                draft.unicast.get_or_insert(entry.span());
            }
            "unicast_ttl" => draft.unicast_ttl = entry.integer().map(|ttl| (ttl, entry.span())),
            "native_ipv6" => self.native_ipv6(draft, entry),
            _ => self.instance_extra(draft, entry),
        }
    }

    /// Announcements, events, and interfaces of its own.
    fn instance_extra(&mut self, draft: &mut Draft, entry: &Entry<'_>) {
        let events = &mut draft.events;
        match entry.name() {
            "garp_master_delay" => draft.garp_delay = entry.seconds(),
            "garp_master_repeat" => draft.garp_repeat = entry.integer(),
            "garp_master_refresh" => draft.garp_refresh = entry.seconds(),
            "garp_master_refresh_repeat" => draft.garp_refresh_repeat = entry.integer(),
            "garp_lower_prio_delay" => draft.garp_lower_delay = entry.seconds().map(|it| (it, entry.span())),
            "garp_lower_prio_repeat" => {
                draft.garp_lower_repeat = entry.integer().map(|it| (it, entry.span()));
            }
            "garp_extra_if" => self.extra_interfaces(entry),
            "track_script" => self.track_scripts(entry, &mut events.track_scripts),
            "track_file" | "track_process" | "track_bfd" => {
                if let Some(kind) = Kind::of_block(entry.name()) {
                    self.track_others(kind, entry);
                }
            }
            "notify_master" => self.set_notify(entry, |notify| &mut notify.master, &mut events.notify),
            "notify_backup" => self.set_notify(entry, |notify| &mut notify.backup, &mut events.notify),
            "notify_fault" => self.set_notify(entry, |notify| &mut notify.fault, &mut events.notify),
            "notify_stop" => self.set_notify(entry, |notify| &mut notify.stop, &mut events.notify),
            "notify" => self.set_notify(entry, |notify| &mut notify.any, &mut events.notify),
            "notify_deleted" | "notify_master_rx_lower_pri" if !entry.args.is_empty() => {
                self.notify(entry, Runner::Vrrp);
            }
            "smtp_alert" => events.smtp_alert = entry.switch(),
            "use_vmac" => {
                draft.vmac = Some(entry.word.span);
                self.vmac(&draft.name, entry);
            }
            "vmac_xmit_base" => draft.vmac_xmit_base = Some(entry.word.span),
            "vrf" => {
                draft.vrf = Some(entry.span());
                self.interface_exists(entry.text(), entry.value_span(), "");
            }
            "promote_secondaries" => draft.promote_secondaries = Some(entry.word.span),
            // The rest has values that the table has checked, and no effect yet.
            _ => {}
        }
    }

    fn state(&mut self, draft: &mut Draft, entry: &Entry<'_>) {
        let span = entry.value_span();
        let state = match entry.text() {
            "MASTER" => InitialState::Master,
            "BACKUP" => InitialState::Backup,
            other => {
                let message = format!("`state` is `MASTER` or `BACKUP`, not `{other}`");
                let mut diagnostic =
                    Diagnostic::warning(Code::BadValue, span, message).label("taken as `BACKUP`");
                if let Some(near) = crate::suggest::nearest(other, ["MASTER", "BACKUP"]) {
                    diagnostic = diagnostic.hint(format!("did you mean `{near}`?"));
                }
                self.report(diagnostic);
                InitialState::Backup
            }
        };
        if let (InitialState::Backup, Some((InitialState::Master, first))) = (state, draft.state) {
            let diagnostic = Diagnostic::warning(Code::Conflict, span, "`BACKUP` after `MASTER`")
                .label("ignored")
                .related(first, "MASTER here");
            return self.report(diagnostic);
        }
        draft.state = Some((state, span));
    }

    fn interface(&mut self, draft: &mut Draft, entry: &Entry<'_>) {
        let Some(name) = entry.choice() else { return };
        let span = entry.value_span();
        if self.host.interface(name).is_some_and(|facts| facts.loopback) {
            let message = format!("VRRP cannot run on the loopback interface `{name}`");
            let diagnostic = Diagnostic::warning(Code::BadValue, span, message)
                .label("ignored")
                .hint("name the interface that is connected to the other router");
            return self.report(diagnostic);
        }
        self.interface_exists(name, span, "");
        draft.interface = Some((name.to_owned(), span));
    }

    fn version(&mut self, draft: &mut Draft, entry: &Entry<'_>) {
        let asked = version(entry);
        let deduced = if draft.family == Some(Family::V6) { Some(Version::V3) } else { draft.version };
        if let Some(known) = deduced.filter(|known| *known != asked) {
            let message = format!("version {} after version {} was settled", asked.get(), known.get());
            let diagnostic = Diagnostic::warning(Code::Conflict, entry.value_span(), message)
                .label("ignored")
                .hint("IPv6 has version 3 only; for IPv4 write one `version` line");
            return self.report(diagnostic);
        }
        draft.version = Some(asked);
    }

    /// Whether an address is of the instance's family, which the first one settles.
    fn family_fits(&mut self, draft: &mut Draft, address: IpAddr, span: Span) -> bool {
        let family = Family::of(address);
        if *draft.family.get_or_insert(family) == family {
            return true;
        }
        let is =
            if family == Family::V6 { "an IPv6 address in an IPv4" } else { "an IPv4 address in an IPv6" };
        let diagnostic = Diagnostic::warning(Code::WrongFamily, span, format!("{is} instance"))
            .label("ignored")
            .hint("a virtual router has one family: use a second instance, or virtual_ipaddress_excluded");
        self.report(diagnostic);
        false
    }

    fn address_lines(&mut self, nodes: &[&Node<'_>]) -> Vec<(AddressLine, Span)> {
        let line = |node: &&Node<'_>| Some((self.address_line(node, false)?, node.words.first()?.span));
        nodes.iter().filter_map(line).collect()
    }

    fn virtual_addresses(&mut self, draft: &mut Draft, entry: &Entry<'_>) {
        for (line, span) in self.address_lines(entry.lines()) {
            if self.family_fits(draft, line.address, span) {
                draft.addresses.push((line, span));
            }
        }
    }

    fn source(&mut self, draft: &mut Draft, entry: &Entry<'_>) {
        if let Some(address) = entry.address()
            && self.family_fits(draft, address, entry.value_span())
        {
            draft.source = Some(address);
        }
    }

    fn destination(&mut self, draft: &mut Draft, entry: &Entry<'_>) {
        let (Some(group), span) = (entry.address(), entry.value_span()) else { return };
        if !group.is_multicast() {
            let message = format!("`{group}` is not a multicast address");
            return self.report(Diagnostic::warning(Code::BadValue, span, message).label("ignored"));
        }
        if self.family_fits(draft, group, span) {
            draft.group = Some((group, span));
        }
    }

    fn native_ipv6(&mut self, draft: &mut Draft, entry: &Entry<'_>) {
        if draft.family == Some(Family::V4) {
            let diagnostic =
                Diagnostic::warning(Code::Conflict, entry.word.span, "`native_ipv6` after IPv4 addresses")
                    .label("ignored");
            return self.report(diagnostic);
        }
        draft.family = Some(Family::V6);
    }

    fn peers(&mut self, draft: &mut Draft, entry: &Entry<'_>) {
        draft.unicast.get_or_insert(entry.word.span);
        for node in entry.lines() {
            let Some(word) = node.words.first() else { continue };
            let Some(address) = crate::keyword::parse_address(&word.text) else {
                let message = format!("`{}` is not an IP address", word.text);
                self.report(
                    Diagnostic::warning(Code::BadValue, word.span, message).label("the peer is ignored"),
                );
                continue;
            };
            if !self.family_fits(draft, address, word.span) {
                continue;
            }
            self.peer_options(node.words.get(1..).unwrap_or_default());
            if draft.peers.iter().any(|peer| peer.address == address) {
                let message = format!("the peer `{address}` a second time");
                self.report(Diagnostic::quiet(Code::Duplicate, word.span, message).label("ignored"));
                continue;
            }
            draft.peers.push(Peer::new(address));
        }
    }

    fn peer_options(&mut self, words: &[Word]) {
        let mut limits = (0, 255, None);
        for pair in words.chunks(2) {
            let [option, value] = pair else {
                if let Some(option) = pair.first() {
                    if option.text.parse::<IpAddr>().is_ok() {
                        let diagnostic = Diagnostic::warning(
                            Code::UnknownOption,
                            option.span,
                            "a second peer on the line",
                        )
                        .label("ignored")
                        .hint("write each peer on a line of its own");
                        self.report(diagnostic);
                    } else {
                        self.missing_option_value(option);
                    }
                }
                continue;
            };
            match option.text.as_str() {
                "min_ttl" | "max_ttl" => {
                    self.not_yet(option);
                    if let Some(ttl) = self.bounded(value, &option.text, 0, 255) {
                        if option.text == "min_ttl" {
                            limits.0 = ttl;
                        } else {
                            limits.1 = ttl;
                        }
                        limits.2 = Some(value.span);
                    }
                }
                _ => self.unknown_option(option, "a peer", &["min_ttl", "max_ttl"]),
            }
        }
        if let (least, most, Some(span)) = limits
            && least > most
        {
            let message = format!("min_ttl {least} is greater than max_ttl {most}");
            self.report(
                Diagnostic::warning(Code::Conflict, span, message).label("no packet would be accepted"),
            );
        }
    }

    fn authentication(&mut self, draft: &mut Draft, entry: &Entry<'_>) {
        for entry in entry.entries() {
            let span = entry.value_span();
            match (entry.name(), entry.text()) {
                ("auth_type", "PASS") => draft.auth_type = Some((AuthType::Pass, span)),
                ("auth_type", "AH") => draft.auth_type = Some((AuthType::Ah, span)),
                ("auth_type", other) => {
                    let message = format!("`auth_type` is `PASS` or `AH`, not `{other}`");
                    let mut diagnostic = Diagnostic::warning(Code::BadValue, span, message)
                        .label("adverts are not authenticated");
                    if let Some(near) = crate::suggest::nearest(other, ["PASS", "AH"]) {
                        diagnostic = diagnostic.hint(format!("did you mean `{near}`?"));
                    }
                    self.report(diagnostic);
                }
                ("auth_pass", text) => draft.auth_pass = self.password(text, span),
                _ => {}
            }
        }
    }

    /// The password as it goes into adverts; the bytes are those of the file.
    fn password(&mut self, text: &str, span: Span) -> Option<[u8; 8]> {
        let bytes = self.sources.bytes(text, span);
        if bytes.len() > 8 {
            let message = format!("`auth_pass` has {} bytes; adverts have room for 8", bytes.len());
            let diagnostic = Diagnostic::warning(Code::Adjusted, span, message)
                .label("only the first 8 bytes count")
                .hint("use a password of at most 8 bytes, the same on all routers");
            self.report(diagnostic);
        }
        let mut password = [0; 8];
        for (to, from) in password.iter_mut().zip(&bytes) {
            *to = *from;
        }
        (!bytes.is_empty()).then_some(password)
    }

    fn vmac(&mut self, instance: &str, entry: &Entry<'_>) {
        let mut named = false;
        let mut words = entry.args.iter();
        while let Some(word) = words.next() {
            let is_mac = word.text.split(':').count() >= 5;
            if word.text == "group" {
                words.next();
                continue;
            }
            if is_mac || word.text == "name" || word.text == "netlink_notify_msg" {
                continue;
            }
            let message = if named {
                "a second name of an interface".to_owned()
            } else if word.text.len() > 15 {
                format!("`{}` is longer than the 15 bytes that a name may have", word.text)
            } else if let Some(other) = self.vmacs.get(word.text.as_str()) {
                format!("the instance `{other}` has the interface `{}` already", word.text)
            } else {
                named = true;
                self.vmacs.insert(word.text.to_string(), instance.to_owned());
                continue;
            };
            self.report(Diagnostic::warning(Code::BadValue, word.span, message).label("ignored"));
        }
    }

    /// `garp_extra_if` and `vrrp_garp_extra_if`.
    pub(super) fn extra_interfaces(&mut self, entry: &Entry<'_>) {
        let rest = match entry.args {
            [first, rest @ ..] if first.text == "all" => rest,
            all => all,
        };
        if let Some(word) = rest.first() {
            self.bounded(word, entry.name(), 0, 86_400);
        } else {
            let message = format!("`{}` needs a number of seconds", entry.name());
            self.report(Diagnostic::warning(Code::MissingParameter, entry.span(), message).label("ignored"));
        }
    }

    /// Sets a script of a group or instance, which keepalived takes only once.
    pub(super) fn set_notify(
        &mut self,
        entry: &Entry<'_>,
        slot: impl Fn(&mut crate::model::NotifySpec) -> &mut Option<crate::model::Command>,
        notify: &mut crate::model::NotifySpec,
    ) {
        let command = self.notify(entry, Runner::Vrrp);
        let slot = slot(notify);
        if slot.is_some() {
            let message = format!("a second `{}`", entry.name());
            self.report(Diagnostic::warning(Code::Duplicate, entry.span(), message).label("ignored"));
        } else {
            *slot = command;
        }
    }

    /// The same VRID twice in one network cannot work.
    pub(super) fn compare_instances(&mut self) {
        let place = |lowering: &Self, name: &str| {
            lowering.instances.iter().find(|it| it.name == name).map(|it| it.span)
        };
        let mut found = Vec::new();
        for (index, second) in self.model.vrrp.instances.iter().enumerate() {
            let clash = |first: &&vrrp::InstanceSpec| {
                first.key() == second.key() && first.transport_key() == second.transport_key()
            };
            if let Some(first) = self.model.vrrp.instances.iter().take(index).find(clash)
                && let (Some(here), Some(there)) = (place(self, &second.name), place(self, &first.name))
            {
                let message = format!(
                    "`{}` and `{}` both use virtual_router_id {} on `{}`",
                    first.name, second.name, second.vrid, second.interface
                );
                found.push(
                    Diagnostic::error(Code::Duplicate, Effect::Unusable, here, message)
                        .label("the daemon does not start with this")
                        .related(there, "the other one")
                        .hint("give each virtual router of a network a number of its own"),
                );
            }
        }
        for diagnostic in found {
            self.report(diagnostic);
        }
    }
}

/// What distinguishes instances of one VRID and interface for keepalived beyond their key.
trait TransportKey {
    fn transport_key(&self) -> Option<IpAddr>;
}

impl TransportKey for vrrp::InstanceSpec {
    /// Unicast instances may share a VRID if their sources differ, multicast ones if their groups do.
    fn transport_key(&self) -> Option<IpAddr> {
        match &self.transport {
            vrrp::Transport::Multicast { group } => Some(*group),
            vrrp::Transport::Unicast { .. } => self.source,
        }
    }
}
