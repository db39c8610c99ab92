//! `vrrp_instance`: what its lines say.
//!
//! **Lines are taken in the order of the file, as keepalived takes them**: the first address of any kind settles the
//! family, and what does not fit it later is reported. What the lines mean together is settled in
//! [`instance_check`](super::instance_check).

use std::net::IpAddr;
use std::time::Duration;

use vrrp::{
    ExtraInterfaces, Family, InitialState, InterfaceTrack, Peer, Priority, RouteSpec, RuleSpec, Track,
    Version, VirtualRouterId,
};

use super::Lowering;
use super::address::AddressLine;
use super::authentication::{AuthType, HmacDraft};
use super::command::Runner;
use super::globals::version;
use super::tracker::Kind;
use super::vmac::VmacDraft;
use crate::diagnostic::{Code, Diagnostic, Effect};
use crate::lex::Word;
use crate::model::{InstanceEvents, NotifyDeleted};
use crate::parse::Node;
use crate::resolve::Entry;
use crate::source::Span;

/// An instance by name, usable or not, for what refers to it.
pub struct Seen {
    pub name: String,
    pub span: Span,
}

/// `old_unicast_checksum`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OldChecksum {
    Always,
    Never,
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
    pub fault_no_peer: Option<Span>,
    pub check_unicast_src: bool,
    pub peer_limits: bool,
    pub old_checksum: Option<OldChecksum>,
    pub checksum_as_v2: bool,
    pub unicast_ttl: Option<(u8, Span)>,
    pub source: Option<IpAddr>,
    pub track_source: Option<Span>,
    pub hmac: Option<HmacDraft>,
    pub routes: Vec<RouteSpec>,
    pub rules: Vec<RuleSpec>,
    pub group: Option<(IpAddr, Span)>,
    pub strict: bool,
    pub accept: Option<Span>,
    pub no_accept: bool,
    pub skip_check_adv_addr: bool,
    pub lower_prio_no_advert: Option<(bool, Span)>,
    pub higher_prio_send_advert: Option<(bool, Span)>,
    pub owner_ignore_adverts: Option<bool>,
    pub timer_expired_backup: Option<Priority>,
    pub garp_delay: Option<Duration>,
    pub garp_repeat: Option<u32>,
    pub garp_refresh: Option<Duration>,
    pub garp_refresh_repeat: Option<u32>,
    pub garp_lower_delay: Option<(Duration, Span)>,
    pub garp_lower_repeat: Option<(u32, Span)>,
    pub track_interfaces: Vec<(InterfaceTrack, Span)>,
    pub tracks: Vec<Track>,
    pub dont_track_primary: bool,
    pub extra_interfaces: Option<ExtraInterfaces>,
    /// Whether it stands there, also with a period of 0.
    pub extra_given: bool,
    pub receive_buffer: Option<u32>,
    pub vmac: Option<VmacDraft>,
    pub vmac_addresses: bool,
    pub vmac_xmit_base: Option<Span>,
    pub promote_secondaries: Option<Span>,
    pub vrf: Option<Span>,
    pub smtp_alert: Option<bool>,
    pub priority_changes: Option<bool>,
    pub linkbeat: bool,
    pub sync_daemon: Option<String>,
    pub events: InstanceEvents,
}

impl Lowering<'_> {
    pub(super) fn instance(&mut self, entry: &Entry<'_>) {
        let (Some(name), None) = (entry.args().first(), entry.args().get(1)) else {
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
            check_unicast_src: self.defaults.check_unicast_src,
            checksum_as_v2: self.defaults.checksum_as_v2,
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
            "auth_hmac" => draft.hmac = Some(self.hmac(entry)),
            "owner_ignore_adverts" => draft.owner_ignore_adverts = Some(entry.switch()),
            "timer_expired_backup" => {
                draft.timer_expired_backup = Priority::new(entry.integer().unwrap_or(254));
            }
            "virtual_ipaddress" => self.virtual_addresses(draft, entry),
            "virtual_ipaddress_excluded" => {
                let lines = self.address_lines(entry.lines());
                draft.excluded.extend(lines);
            }
            "no_virtual_ipaddress" => draft.no_addresses = true,
            "virtual_routes" => draft.routes.extend(self.routes(entry.lines(), false)),
            "virtual_rules" => draft.rules.extend(self.rules(entry.lines(), false)),
            "track_interface" => self.track_interfaces(entry, &mut draft.track_interfaces),
            "dont_track_primary" => draft.dont_track_primary = true,
            "accept" => (draft.accept, draft.no_accept) = (Some(entry.word.span), false),
            "no_accept" => (draft.accept, draft.no_accept) = (None, true),
            "mcast_src_ip" => self.source(draft, entry),
            "unicast_src_ip" => {
                draft.unicast.get_or_insert(entry.span());
                self.source(draft, entry);
            }
            "mcast_dst_ip" => self.destination(draft, entry),
            "unicast_peer" => self.peers(draft, entry),
            "unicast_fault_no_peer" => draft.fault_no_peer = Some(entry.word.span),
            "check_unicast_src" => {
                draft.check_unicast_src = true;
                draft.unicast.get_or_insert(entry.span());
            }
            "old_unicast_checksum" => {
                draft.old_checksum = Some(match entry.choice() {
                    Some(_) => OldChecksum::Never,
                    None => OldChecksum::Always,
                });
                draft.unicast.get_or_insert(entry.span());
            }
            "v3_checksum_as_v2" => draft.checksum_as_v2 = entry.switch(),
            "unicast_ttl" => draft.unicast_ttl = entry.integer().map(|ttl| (ttl, entry.span())),
            "native_ipv6" => self.native_ipv6(draft, entry),
            _ => self.instance_extra(draft, entry),
        }
    }

    /// Announcements, and interfaces of its own.
    fn instance_extra(&mut self, draft: &mut Draft, entry: &Entry<'_>) {
        match entry.name() {
            "garp_master_delay" => draft.garp_delay = entry.seconds(),
            "garp_master_repeat" => draft.garp_repeat = entry.integer(),
            "garp_master_refresh" => draft.garp_refresh = entry.seconds(),
            "garp_master_refresh_repeat" => draft.garp_refresh_repeat = entry.integer(),
            "garp_lower_prio_delay" => draft.garp_lower_delay = entry.seconds().map(|it| (it, entry.span())),
            "garp_lower_prio_repeat" => {
                draft.garp_lower_repeat = entry.integer().map(|it| (it, entry.span()));
            }
            "garp_extra_if" => {
                draft.extra_interfaces = self.extra_interfaces(entry);
                draft.extra_given = true;
            }
            "track_src_ip" => draft.track_source = Some(entry.word.span),
            "use_vmac" => draft.vmac = Some(self.vmac(&draft.name, entry)),
            "use_ipvlan" => draft.vmac = Some(self.ipvlan(draft, entry)),
            "use_vmac_addr" => draft.vmac_addresses = true,
            "vmac_xmit_base" => draft.vmac_xmit_base = Some(entry.word.span),
            "vrf" => {
                draft.vrf = Some(entry.span());
                // After `interface` it is ignored unseen (keepalived).
                if draft.interface.is_none() {
                    self.interface_exists(entry.text(), entry.value_span(), "");
                }
            }
            "promote_secondaries" => draft.promote_secondaries = Some(entry.word.span),
            "kernel_rx_buf_size" => draft.receive_buffer = entry.integer(),
            _ => self.instance_event(draft, entry),
        }
    }

    /// What the instance follows, and what its changes cause.
    fn instance_event(&mut self, draft: &mut Draft, entry: &Entry<'_>) {
        if let Some(kind) = Kind::of_block(entry.name()) {
            return self.tracks(kind, entry, &mut draft.tracks);
        }
        let events = &mut draft.events;
        match entry.name() {
            "notify_master" => self.set_notify(entry, |notify| &mut notify.master, &mut events.notify),
            "notify_backup" => self.set_notify(entry, |notify| &mut notify.backup, &mut events.notify),
            "notify_fault" => self.set_notify(entry, |notify| &mut notify.fault, &mut events.notify),
            "notify_stop" => self.set_notify(entry, |notify| &mut notify.stop, &mut events.notify),
            "notify" => self.set_notify(entry, |notify| &mut notify.any, &mut events.notify),
            "notify_deleted" if entry.args().is_empty() => events.deleted = NotifyDeleted::Deleted,
            "notify_deleted" => {
                events.deleted =
                    self.notify(entry, Runner::Vrrp).map_or(NotifyDeleted::Deleted, NotifyDeleted::Run);
            }
            "notify_master_rx_lower_pri" if !entry.args().is_empty() => {
                events.rx_lower_priority = self.notify(entry, Runner::Vrrp);
            }
            "smtp_alert" => draft.smtp_alert = Some(entry.switch()),
            "notify_priority_changes" => {
                draft.priority_changes = Some(entry.switch());
                self.own_priority_changes.insert(draft.name.clone());
            }
            "debug" => events.debug = entry.integer().unwrap_or(0),
            "lvs_sync_daemon_interface" => {
                draft.sync_daemon = Some(entry.text().to_owned());
            }
            "linkbeat_use_polling" => draft.linkbeat = true,
            // What has a value that makes no difference was checked by the table.
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
    pub(super) fn family_fits(&mut self, draft: &mut Draft, address: IpAddr, span: Span) -> bool {
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
            let limits = self.peer_options(node.words.get(1..).unwrap_or_default());
            if draft.peers.iter().any(|peer| peer.address == address) {
                let message = format!("the peer `{address}` a second time");
                let diagnostic = Diagnostic::quiet(Code::Duplicate, word.span, message).label("ignored");
                self.report(diagnostic.first(entry.first_line(word)));
                continue;
            }
            draft.peer_limits |= limits.is_some();
            let (min_ttl, max_ttl) = limits.unwrap_or((0, 255));
            draft.peers.push(Peer { address, min_ttl, max_ttl });
        }
    }

    /// The limits of a peer's TTL, if it has any.
    fn peer_options(&mut self, words: &[Word]) -> Option<(u8, u8)> {
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
                    let ttl = self.bounded(value, &option.text, 0, 255);
                    if let Some(ttl) = ttl.and_then(|ttl| u8::try_from(ttl).ok()) {
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
        limits.2.map(|_| (limits.0, limits.1))
    }

    /// `garp_extra_if` and `vrrp_garp_extra_if`; a period of 0 is none.
    pub(super) fn extra_interfaces(&mut self, entry: &Entry<'_>) -> Option<ExtraInterfaces> {
        let (all, rest) = match entry.args() {
            [first, rest @ ..] if first.text == "all" => (true, rest),
            rest => (false, rest),
        };
        let Some(word) = rest.first() else {
            let message = format!("`{}` needs a number of seconds", entry.name());
            self.report(Diagnostic::warning(Code::MissingParameter, entry.span(), message).label("ignored"));
            return None;
        };
        let seconds = self.bounded(word, entry.name(), 0, 86_400)?;
        let every = Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
        (!every.is_zero()).then_some(ExtraInterfaces { all, every })
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
            let diagnostic = Diagnostic::warning(Code::Duplicate, entry.span(), message);
            self.report(diagnostic.label("ignored: the first one counts").first(entry.first));
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
