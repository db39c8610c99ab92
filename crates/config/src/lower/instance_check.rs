//! `vrrp_instance`: what its lines mean together.
//!
//! **What keepalived puts right is put right the same way, and said**; what it cannot run without (a VRID, an interface,
//! in version 3 and in strict mode an address) is an error.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use vrrp::{
    AnnounceSpec, Authentication, Centiseconds, ChecksumV3, Family, InitialState, InstanceSpec, Priority,
    Transport, Version, VirtualAddress,
};

use super::Lowering;
use super::address::AddressLine;
use super::authentication::AuthType;
use super::instance::{Draft, OldChecksum};
use crate::diagnostic::{Code, Diagnostic, Effect};
use crate::source::Span;

/// An advert has room for so many addresses.
const MAX_ADVERTISED: usize = 255;

impl Lowering<'_> {
    /// Makes the instance of a draft; `place` is where its name stands.
    pub(super) fn complete_instance(&mut self, mut draft: Draft, place: Span) {
        let version = match draft.family {
            Some(Family::V6) => Version::V3,
            _ => draft.version.unwrap_or(self.defaults.version),
        };
        let family = draft.family.unwrap_or(Family::V4);
        let asks_for_master = draft.state.is_some_and(|(state, _)| state == InitialState::Master);
        // A master without priority is the owner of the addresses for keepalived.
        let unset = if asks_for_master { Priority::OWNER } else { Priority::DEFAULT };
        let priority = draft.priority.unwrap_or(unset);
        let advert_interval = self.settle_interval(draft.advert, version);
        let auth_hmac = self.settle_hmac(&mut draft, advert_interval);
        let authentication = self.settle_authentication(&mut draft, version, family);
        let initial_state = self.settle_state(&draft, priority);
        self.settle_preemption(&mut draft, priority, initial_state);
        self.settle_strictness(&mut draft, version, family);
        let announce = self.settle_announcements(&mut draft, family);
        self.settle_vmac(&mut draft);
        let transport = self.settle_transport(&draft, family);
        self.require_addresses(&draft, version, place);
        let (vrid, interface) = (self.require_vrid(&draft, place), self.require_interface(&draft, place));
        let (Some(vrid), Some(interface)) = (vrid, interface) else { return };
        let track_interfaces = self.settle_tracks(&mut draft, &interface, priority);
        let (addresses, excluded) = self.settle_addresses(&mut draft, &interface);
        let vmac = self.complete_vmac(&mut draft, vrid, family);
        self.settle_events(&mut draft, &interface);
        let defaults = &self.defaults;
        let strict = draft.strict;
        let spec = InstanceSpec {
            version,
            initial_state,
            priority,
            advert_interval,
            down_timer_adverts: match draft.down_timer_adverts {
                _ if strict => 3,
                Some((count, _)) => count,
                None => defaults.down_timer_adverts,
            },
            nopreempt: draft.nopreempt.is_some(),
            preempt_delay: draft.preempt_delay.map_or(Duration::ZERO, |(delay, _)| delay),
            transport,
            source: draft.source,
            track_source: draft.track_source.is_some(),
            authentication,
            auth_hmac,
            checksum_v3: match draft.old_checksum {
                _ if draft.checksum_as_v2 => ChecksumV3::AsV2,
                None => ChecksumV3::Detect,
                Some(OldChecksum::Never) => ChecksumV3::PseudoHeader,
                Some(OldChecksum::Always) => ChecksumV3::OldUnicast,
            },
            addresses,
            excluded,
            routes: std::mem::take(&mut draft.routes),
            rules: std::mem::take(&mut draft.rules),
            promote_secondaries: draft.promote_secondaries.is_some() && vmac.is_none(),
            vmac,
            vmac_addresses: draft.vmac_addresses,
            receive_buffer: draft.receive_buffer,
            announce,
            track_interfaces,
            tracks: std::mem::take(&mut draft.tracks),
            track_primary: !draft.dont_track_primary,
            skip_check_adv_addr: draft.skip_check_adv_addr,
            lower_prio_no_advert: strict
                || draft.lower_prio_no_advert.map_or(defaults.lower_prio_no_advert, |(value, _)| value),
            higher_prio_send_advert: !strict
                && draft.higher_prio_send_advert.map_or(defaults.higher_prio_send_advert, |(value, _)| value),
            owner_ignore_adverts: strict
                || draft.owner_ignore_adverts.unwrap_or(defaults.owner_ignore_adverts),
            timer_expired_backup: draft.timer_expired_backup.filter(|_| draft.nopreempt.is_some()),
            strict,
            accept: draft.accept.is_some() || !(strict || draft.no_accept),
            ..InstanceSpec::new(draft.name.clone(), interface, vrid, family)
        };
        self.model.vrrp_events.insert(draft.name, draft.events);
        self.model.vrrp.instances.push(spec);
    }

    /// Reports two settings of which the one at `span` gives way.
    fn conflict(&mut self, span: Span, message: &str, label: &str, hint: &str) {
        let diagnostic = Diagnostic::warning(Code::Conflict, span, message).label(label);
        self.report(if hint.is_empty() { diagnostic } else { diagnostic.hint(hint) });
    }

    fn settle_authentication(
        &mut self,
        draft: &mut Draft,
        version: Version,
        family: Family,
    ) -> Authentication {
        let Some((kind, span)) = draft.auth_type else { return Authentication::None };
        let why = if draft.strict {
            "strict mode has no authentication"
        } else if version == Version::V3 {
            "VRRP version 3 has no authentication"
        } else if kind == AuthType::Ah && family == Family::V6 {
            "IPv6 has no authentication header"
        } else if draft.auth_pass.is_none() {
            "authentication without a password"
        } else {
            ""
        };
        if !why.is_empty() {
            draft.auth_type = None;
            let hint = if draft.auth_pass.is_none() {
                "write `auth_pass PASSWORD`, the same on all routers, or remove the block `authentication`"
            } else {
                "remove the block `authentication`"
            };
            self.conflict(span, why, "adverts are not authenticated", hint);
            return Authentication::None;
        }
        match (kind, draft.auth_pass) {
            (_, None) => Authentication::None,
            (AuthType::Ah, Some(key)) => Authentication::Ah { key },
            (AuthType::Pass, Some(password)) => Authentication::Password(password),
        }
    }

    fn settle_state(&mut self, draft: &Draft, priority: Priority) -> InitialState {
        let owner = priority.is_owner();
        let Some((state, span)) = draft.state else {
            return InitialState::Unset;
        };
        if draft.strict && owner != (state == InitialState::Master) {
            let hint =
                "in strict mode priority 255 goes with `state MASTER`, and any other with `state BACKUP`";
            self.conflict(
                span,
                "this state and this priority do not go together",
                "the priority decides",
                hint,
            );
            return InitialState::Unset;
        }
        let header = draft.auth_type.is_some_and(|(kind, _)| kind == AuthType::Ah);
        if header && state == InitialState::Master && !owner {
            self.conflict(
                span,
                "`state MASTER` does not go with `auth_type AH`",
                "taken as `BACKUP`",
                "write `state BACKUP`",
            );
            return InitialState::Backup;
        }
        state
    }

    fn settle_preemption(&mut self, draft: &mut Draft, priority: Priority, state: InitialState) {
        let master = match state {
            InitialState::Master => true,
            InitialState::Backup => false,
            InitialState::Unset => priority.is_owner(),
        };
        if let Some(span) = draft.nopreempt {
            if priority.is_owner() {
                let hint = "an owner always takes over: leave it out, or lower the priority";
                self.conflict(span, "`nopreempt` does not go with priority 255", "ignored", hint);
                draft.nopreempt = None;
            } else if master {
                let hint = "write `state BACKUP` on all routers: the priority alone decides who starts";
                self.conflict(span, "`nopreempt` does not go with `state MASTER`", "ignored", hint);
                draft.nopreempt = None;
            }
        }
        let Some((delay, span)) = draft.preempt_delay else { return };
        let why = if draft.strict {
            "`preempt_delay` does not go with strict mode"
        } else if draft.nopreempt.is_some() {
            "`preempt_delay` does not go with `nopreempt`"
        } else if master {
            "`preempt_delay` does not go with `state MASTER`"
        } else {
            return;
        };
        draft.preempt_delay = None;
        if !delay.is_zero() {
            self.conflict(span, why, "ignored", "it needs `state BACKUP` and the right to take over");
        }
    }

    fn settle_strictness(&mut self, draft: &mut Draft, version: Version, family: Family) {
        if !draft.strict {
            return;
        }
        if let Some(span) = draft.accept
            && version == Version::V2
        {
            let message =
                "strict VRRP version 2 does not accept packets to addresses that are not the router's own";
            self.conflict(span, message, "ignored", "remove the line");
        }
        if let Some((count, span)) = draft.down_timer_adverts.take()
            && count != 3
        {
            self.conflict(span, "strict mode waits for 3 adverts", "ignored", "remove the line");
        }
        if let Some((true, span)) = draft.higher_prio_send_advert {
            self.conflict(span, "strict mode gives way at once", "ignored", "remove the line");
        }
        if let Some((false, span)) = draft.lower_prio_no_advert {
            self.conflict(
                span,
                "strict mode never answers adverts of lower priority",
                "ignored",
                "remove the line",
            );
        }
        if family == Family::V6
            && let Some((line, span)) = draft.addresses.first()
            && !matches!(line.address, IpAddr::V6(address) if address.is_unicast_link_local())
        {
            let hint = "put the link-local address of the virtual router first";
            let message = "the first address of an IPv6 virtual router is a link-local one";
            self.conflict(*span, message, "used all the same", hint);
        }
    }

    /// Rounded to what an advert can say: seconds in version 2, hundredths up to 40.95 s in version 3.
    fn settle_interval(&mut self, advert: Option<(Duration, Span)>, version: Version) -> Centiseconds {
        let Some((asked, span)) = advert else { return Centiseconds::from_secs(1) };
        let micros = asked.as_micros();
        let nearest = |unit: u128| u16::try_from((micros + unit / 2) / unit).unwrap_or(u16::MAX).max(1);
        let (interval, what) = match version {
            Version::V2 => {
                let seconds = u8::try_from(nearest(1_000_000)).unwrap_or(u8::MAX);
                (Centiseconds::from_secs(seconds), "VRRP version 2 has intervals of whole seconds")
            }
            Version::V3 => {
                let interval = Centiseconds::new(nearest(10_000)).min(Centiseconds::MAX_V3);
                (interval, "VRRP version 3 has intervals of hundredths of a second, up to 40.95 s")
            }
        };
        if interval.duration() != asked {
            let diagnostic =
                Diagnostic::warning(Code::Adjusted, span, what).label(format!("{interval} is used"));
            self.report(diagnostic);
        }
        interval
    }

    fn settle_announcements(&mut self, draft: &mut Draft, family: Family) -> AnnounceSpec {
        if draft.strict {
            let spans = [draft.garp_lower_delay.map(|it| it.1), draft.garp_lower_repeat.map(|it| it.1)];
            for span in spans.into_iter().flatten() {
                let message = "strict mode does not announce after adverts of lower priority";
                self.conflict(span, message, "ignored", "remove the line");
            }
            draft.garp_lower_delay = draft.garp_lower_delay.map(|(_, span)| (Duration::ZERO, span));
            draft.garp_lower_repeat = draft.garp_lower_repeat.map(|(_, span)| (0, span));
        }
        let defaults = &self.defaults;
        let (lower_delay, lower_repeat) = if draft.strict {
            (Duration::ZERO, 0)
        } else {
            (defaults.garp_lower_delay, defaults.garp_lower_repeat)
        };
        AnnounceSpec {
            repeat: draft.garp_repeat.unwrap_or(defaults.garp_repeat),
            delay: draft.garp_delay.unwrap_or(defaults.garp_delay),
            refresh: draft.garp_refresh.unwrap_or(defaults.garp_refresh),
            refresh_repeat: draft.garp_refresh_repeat.unwrap_or(defaults.garp_refresh_repeat),
            lower_priority_repeat: draft.garp_lower_repeat.map_or(lower_repeat, |(repeat, _)| repeat),
            lower_priority_delay: draft.garp_lower_delay.map_or(lower_delay, |(delay, _)| delay),
            spacing: if family == Family::V4 { defaults.garp_interval } else { defaults.gna_interval },
            extra_interfaces: if draft.extra_given {
                draft.extra_interfaces
            } else {
                defaults.extra_interfaces
            },
        }
    }

    fn settle_vmac(&mut self, draft: &mut Draft) {
        let span = draft.vmac.as_ref().filter(|vmac| vmac.is_macvlan()).map(|vmac| vmac.span);
        match (span, draft.vmac_xmit_base) {
            (None, Some(span)) => {
                self.conflict(
                    span,
                    "`vmac_xmit_base` without `use_vmac`",
                    "ignored",
                    "write `use_vmac`, or remove the line",
                );
            }
            (Some(span), None) if !draft.peers.is_empty() => {
                let hint = "write `vmac_xmit_base`";
                self.conflict(span, "unicast with `use_vmac` needs `vmac_xmit_base`", "taken as given", hint);
                draft.vmac_xmit_base = Some(span);
            }
            (None, None) if !draft.peers.is_empty() => {
                // keepalived asks for what it then refuses.
                if let Some(vmac) = &draft.vmac {
                    let hint = "remove `use_ipvlan`, or use multicast";
                    self.conflict(vmac.span, "unicast from an ipvlan", "taken as it is", hint);
                }
            }
            _ => {}
        }
        if let Some(vmac) = &draft.vmac
            && vmac.lacks_address()
            && draft.family != Some(Family::V6)
        {
            let hint = "write an address of the subnet after `use_ipvlan`";
            let message = "an ipvlan over IPv4 needs an address of its own";
            self.conflict(vmac.span, message, "the instance is in FAULT", hint);
        }
        if let (Some(_), Some(span)) = (&draft.interface, draft.vrf) {
            let hint = "remove one of the two";
            self.conflict(span, "`vrf` is for instances without `interface`", "ignored", hint);
        }
        if let (Some(_), Some(span)) = (span, draft.promote_secondaries) {
            self.conflict(
                span,
                "`use_vmac` promotes secondary addresses by itself",
                "ignored",
                "remove the line",
            );
        }
    }

    /// What its changes cause, and how its link is learnt.
    fn settle_events(&mut self, draft: &mut Draft, interface: &str) {
        let events = &mut draft.events;
        events.smtp_alert = draft.smtp_alert.or(self.defaults.alert_vrrp).unwrap_or(false);
        events.priority_changes = draft.priority_changes.unwrap_or(self.defaults.priority_changes);
        if let (Some(interface), None) = (draft.sync_daemon.take(), &self.model.lvs.sync_daemon) {
            let daemon = ipvs::SyncDaemonSpec {
                instance: Some(draft.name.clone()),
                id: draft.vrid.map_or(0, vrrp::VirtualRouterId::get),
                ..ipvs::SyncDaemonSpec::on(interface)
            };
            self.model.lvs.sync_daemon = Some(daemon);
        }
        events.fault_without_peers = draft.fault_no_peer.is_some();
        events.polled = draft.linkbeat;
        if draft.linkbeat {
            self.model.linkbeat.interfaces.entry(interface.to_owned()).or_default();
        }
    }

    fn settle_transport(&mut self, draft: &Draft, family: Family) -> Transport {
        let default = match family {
            Family::V4 => IpAddr::V4(self.defaults.multicast_v4),
            Family::V6 => IpAddr::V6(self.defaults.multicast_v6),
        };
        if !draft.peers.is_empty() {
            if let Some((_, span)) = draft.group {
                self.conflict(
                    span,
                    "`mcast_dst_ip` does not go with `unicast_peer`",
                    "ignored",
                    "remove one of the two",
                );
            }
            // keepalived leaves the hop limit of IPv6 to the kernel, whose own default this is.
            let default = match family {
                Family::V4 => 255,
                Family::V6 => 64,
            };
            let ttl = draft.unicast_ttl.map_or(default, |(ttl, _)| ttl);
            let check_source = draft.check_unicast_src || draft.peer_limits;
            return Transport::Unicast { peers: draft.peers.clone(), ttl, check_source };
        }
        if let Some((_, span)) = draft.unicast_ttl {
            self.conflict(
                span,
                "`unicast_ttl` without `unicast_peer`",
                "ignored",
                "list the other routers in `unicast_peer`, or remove the line",
            );
        }
        // Whether anything else speaks of unicast or not (keepalived).
        if draft.fault_no_peer.is_some() {
            let ttl = if family == Family::V4 { 255 } else { 64 };
            return Transport::Unicast { peers: Vec::new(), ttl, check_source: false };
        }
        if let Some(span) = draft.unicast {
            let diagnostic = Diagnostic::warning(
                Code::MissingSetting,
                span,
                "unicast without any `unicast_peer`",
            )
            .label("the instance uses multicast")
            .hint("list the other routers in `unicast_peer`, or use `mcast_src_ip` for the source address");
            self.report(diagnostic);
        }
        Transport::Multicast { group: draft.group.map_or(default, |(group, _)| group) }
    }

    fn require_addresses(&mut self, draft: &Draft, version: Version, place: Span) {
        if !draft.addresses.is_empty() || (draft.no_addresses && !draft.strict) {
            return;
        }
        let message = format!("`vrrp_instance {}` has no usable address", draft.name);
        let diagnostic = if draft.strict || version == Version::V3 {
            Diagnostic::error(Code::MissingSetting, Effect::Unusable, place, message)
                .label("the daemon does not start with this")
        } else {
            Diagnostic::warning(Code::MissingSetting, place, message).label("it elects a master of nothing")
        };
        self.report(diagnostic.hint("list the virtual addresses in `virtual_ipaddress`, one on a line"));
    }

    fn require_vrid(&mut self, draft: &Draft, place: Span) -> Option<vrrp::VirtualRouterId> {
        if draft.vrid.is_none() {
            let message = format!("`vrrp_instance {}` has no usable `virtual_router_id`", draft.name);
            let diagnostic = Diagnostic::error(Code::MissingSetting, Effect::Unusable, place, message)
                .label("the daemon does not start with this")
                .hint("write `virtual_router_id` with a number from 1 to 255 that is unused in this network");
            self.report(diagnostic);
        }
        draft.vrid
    }

    fn require_interface(&mut self, draft: &Draft, place: Span) -> Option<String> {
        if draft.interface.is_none() {
            let message = format!("`vrrp_instance {}` has no usable `interface`", draft.name);
            let diagnostic = Diagnostic::error(Code::MissingSetting, Effect::Unusable, place, message)
                .label("the daemon does not start with this")
                .hint(
                    "write `interface` with the name of the interface that is connected to the other router",
                );
            self.report(diagnostic);
        }
        draft.interface.as_ref().map(|(name, _)| name.clone())
    }

    fn settle_tracks(
        &mut self,
        draft: &mut Draft,
        interface: &str,
        priority: Priority,
    ) -> Vec<vrrp::InterfaceTrack> {
        let mut tracks = Vec::new();
        for (track, span) in std::mem::take(&mut draft.track_interfaces) {
            if track.interface == interface {
                let hint = "the instance follows its own interface anyway";
                self.conflict(span, "this is the instance's own interface", "ignored", hint);
            } else if priority.is_owner() && track.weight != 0 {
                let hint = "the priority of an owner never changes";
                self.conflict(span, "a weight does not go with priority 255", "ignored", hint);
            } else {
                tracks.push(track);
            }
        }
        tracks
    }

    /// The addresses, none twice; what an advert has no room for is held all the same.
    fn settle_addresses(
        &mut self,
        draft: &mut Draft,
        interface: &str,
    ) -> (Vec<VirtualAddress>, Vec<VirtualAddress>) {
        let mut seen = BTreeMap::new();
        let mut unique = |lowering: &mut Self, lines: Vec<(AddressLine, Span)>| {
            let mut addresses = Vec::new();
            for (line, span) in lines {
                let address = line.on(interface);
                let key = (address.address, address.prefix_len, address.interface.clone());
                if let Some(first) = seen.get(&key).copied() {
                    let message = format!("the address {} a second time in this instance", address.address);
                    let diagnostic = Diagnostic::quiet(Code::Duplicate, span, message).label("ignored");
                    lowering.report(diagnostic.first(Some(first)));
                } else {
                    seen.insert(key, span);
                    addresses.push(address);
                }
            }
            addresses
        };
        let lines = std::mem::take(&mut draft.addresses);
        let first_span = lines.first().map(|(_, span)| *span);
        let mut addresses = unique(self, lines);
        let mut excluded = unique(self, std::mem::take(&mut draft.excluded));
        if addresses.len() > MAX_ADVERTISED
            && let Some(span) = first_span
        {
            let message = format!("{} addresses; an advert has room for {MAX_ADVERTISED}", addresses.len());
            let hint = "move some to virtual_ipaddress_excluded";
            self.conflict(span, &message, "the others are held, but not advertised", hint);
            excluded.splice(0..0, addresses.split_off(MAX_ADVERTISED));
        }
        (addresses, excluded)
    }
}
