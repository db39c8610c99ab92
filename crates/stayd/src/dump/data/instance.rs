//! One instance.

use config::model::{InstanceEvents, NotifyDeleted};
use vrrp::{Authentication, InstanceSpec, InstanceStatus, StateName, Track, TrackerKind, Transport, Version};

use super::{Page, enabled, yes};
use crate::dump::VrrpView;

pub(super) fn page(page: &mut Page, view: &VrrpView<'_>, spec: &InstanceSpec, status: &InstanceStatus) {
    page.object("VRRP Instance", &spec.name);
    page.attribute("VRRP Version", spec.version.get());
    if spec.family == vrrp::Family::V6 {
        page.line("   Using Native IPv6");
    }
    let group = view.router.sync_groups.iter().find(|group| group.members.contains(&spec.name));
    page.maybe("Sync group", group.map(|group| &group.name));
    state(page, view, spec, status);
    interface(page, view, spec, status);
    announcements(page, spec);
    election(page, spec, status);
    authentication(page, spec);
    let events = view.model.vrrp_events.get(&spec.name).cloned().unwrap_or_default();
    if events.debug > 0 {
        page.attribute("Debug level", events.debug);
    }
    held(page, view, spec, status);
    trackers(page, spec);
    notifications(page, view, &events);
}

fn state(page: &mut Page, view: &VrrpView<'_>, spec: &InstanceSpec, status: &InstanceStatus) {
    page.attribute("State", status.state);
    if let (StateName::Backup, Some((source, priority))) = (status.state, status.master) {
        page.attribute("Master router", source);
        page.attribute("Master priority", priority);
        if spec.version == Version::V3 {
            let seconds = status.master_interval.duration().as_secs_f64();
            page.attribute("Master advert int", format_args!("{seconds:.2} sec"));
        }
    }
    let flagged = spec.vmac.is_some() || spec.source.is_some() || !spec.track_primary || spec.nopreempt;
    let unicast = spec.transport.is_unicast();
    page.line(if flagged || unicast { "   Flags:" } else { "   Flags: none" });
    if unicast {
        page.line("     Using unicast");
    }
    page.attribute("Wantstate", status.state);
    page.attribute("Number of config faults", 0);
    page.attribute("Number of interface and track script faults", status.faults);
    page.attribute("Number of track scripts init", u8::from(status.pending));
    if let Some(since) = status.since {
        page.attribute("Last transition", view.calendar.text(since));
    }
    match status.due {
        Some(due) => page.attribute("Read timeout", view.calendar.text(due)),
        None => page.attribute("Read timeout", "DISABLED"),
    }
    page.attribute("Master down timer", format_args!("{} usecs", status.down_interval.as_micros()));
}

fn interface(page: &mut Page, view: &VrrpView<'_>, spec: &InstanceSpec, status: &InstanceStatus) {
    if let Some(vmac) = &spec.vmac {
        let up = view.links.iter().any(|link| link.name == vmac.name && link.up);
        page.line(format_args!(
            "   Use VMAC, i/f name {}, is_up = {up}, xmit_base = {}",
            vmac.name, vmac.transmit_on_base
        ));
        let base = if vmac.transmit_on_base { ", xmit base i/f" } else { "" };
        page.attribute("Interface", format_args!("{}, vmac on {}{base}", vmac.name, spec.interface));
    } else {
        page.attribute("Interface", &spec.interface);
    }
    if !spec.track_primary {
        page.line("   VRRP interface tracking disabled");
    }
    if spec.skip_check_adv_addr {
        page.line("   Skip checking advert IP addresses");
    }
    if spec.strict {
        page.line("   Enforcing strict VRRP compliance");
    }
    let configured = if spec.source.is_some() { " (from configuration)" } else { "" };
    match status.source {
        Some(source) => page.attribute("Using src_ip", format_args!("{source}{configured}")),
        None => page.attribute("Using src_ip", "(none)"),
    }
    if let Transport::Multicast { group } = spec.transport {
        match status.interface.filter(|_| group.is_ipv6()) {
            Some(index) => page.line(format_args!("   Multicast address {group}, ifindex {index}")),
            None => page.line(format_args!("   Multicast address {group}")),
        }
    }
}

fn announcements(page: &mut Page, spec: &InstanceSpec) {
    let announce = &spec.announce;
    page.attribute("Gratuitous ARP delay", announce.delay.as_secs_f64());
    page.attribute("Gratuitous ARP repeat", announce.repeat);
    page.attribute("Gratuitous ARP refresh", announce.refresh.as_secs());
    page.attribute("Gratuitous ARP refresh repeat", announce.refresh_repeat);
    page.attribute("Gratuitous ARP lower priority delay", announce.lower_priority_delay.as_secs());
    page.attribute("Gratuitous ARP lower priority repeat", announce.lower_priority_repeat);
    page.attribute("Down timer adverts", spec.down_timer_adverts);
    page.attribute("Send advert after receive lower priority advert", !spec.lower_prio_no_advert);
    page.attribute("Send advert after receive higher priority advert", spec.higher_prio_send_advert);
}

fn election(page: &mut Page, spec: &InstanceSpec, status: &InstanceStatus) {
    page.attribute("Virtual Router ID", spec.vrid.get());
    page.attribute("Priority", spec.priority.get());
    page.attribute("Effective priority", status.priority.get());
    page.attribute("Total priority", status.priority.get());
    let interval = spec.advert_interval.duration();
    match spec.version {
        Version::V2 => page.attribute("Advert interval", format_args!("{} sec", interval.as_secs())),
        Version::V3 => page.attribute("Advert interval", format_args!("{} milli-sec", interval.as_millis())),
    }
    if spec.version == Version::V3 && status.state == StateName::Backup {
        let interval = status.master_interval.duration().as_millis();
        page.attribute("Master advert interval", format_args!("{interval} milli-sec"));
    }
    page.attribute("Accept", enabled(spec.accept));
    page.attribute("Preempt", enabled(!spec.nopreempt));
    if !spec.preempt_delay.is_zero() {
        page.attribute("Preempt delay", format_args!("{} secs", spec.preempt_delay.as_secs_f64()));
    }
    page.attribute("Promote_secondaries", enabled(spec.promote_secondaries));
}

fn authentication(page: &mut Page, spec: &InstanceSpec) {
    let kind = match spec.authentication {
        Authentication::None => "none",
        Authentication::Password(_) => "SIMPLE_PASSWORD",
        Authentication::Ah { .. } => "IPSEC_AH",
    };
    if spec.version == Version::V2 {
        page.attribute("Authentication type", kind);
    }
    // Newer keepalived does not show it either.
    if matches!(spec.authentication, Authentication::Password(_)) {
        page.attribute("Password", "********");
    }
    page.maybe("Kernel rx buffer size", spec.receive_buffer);
}

fn held(page: &mut Page, view: &VrrpView<'_>, spec: &InstanceSpec, status: &InstanceStatus) {
    let [advertised, excluded, routes, rules] = view.held(spec, status);
    page.list(&format!("Virtual IP ({}):", advertised.len()), advertised);
    page.list("Virtual IP Excluded :", excluded);
    if let Transport::Unicast { peers, ttl, check_source } = &spec.transport {
        page.attribute("Unicast TTL", ttl);
        page.line(format_args!("   Check unicast src : {}", yes(*check_source)));
        let peers = peers.iter();
        let peer =
            |peer: &vrrp::Peer| format!("{} min_ttl {} max_ttl {}", peer.address, peer.min_ttl, peer.max_ttl);
        page.list("Unicast Peer :", peers.map(peer));
        let old = spec.checksum_v3 == vrrp::ChecksumV3::OldUnicast;
        page.attribute("Unicast checksum compatibility", yes(old));
    }
    page.list("Virtual Routes :", routes);
    page.list("Virtual Rules :", rules);
}

fn trackers(page: &mut Page, spec: &InstanceSpec) {
    let interfaces = spec.track_interfaces.iter();
    page.list(
        "Tracked interfaces :",
        interfaces.map(|track| format!("{} weight {}", track.interface, track.weight)),
    );
    let of = |kind: TrackerKind, comma: &'static str| {
        let tracks = spec.tracks.iter().filter(move |track| track.tracker.kind == kind);
        tracks.map(move |Track { tracker, weight, reverse }| {
            let reverse = if *reverse { " reverse" } else { "" };
            format!("{}{comma} weight {weight}{reverse}", tracker.name)
        })
    };
    page.list("Tracked scripts :", of(TrackerKind::Script, ""));
    page.list("Tracked files :", of(TrackerKind::File, ","));
    page.list("Tracked processes :", of(TrackerKind::Process, ","));
    page.list("Tracked BFDs :", of(TrackerKind::Bfd, ""));
}

fn notifications(page: &mut Page, view: &VrrpView<'_>, events: &InstanceEvents) {
    page.attribute("Using smtp notification", yes(events.smtp_alert));
    let deleted = match &events.deleted {
        NotifyDeleted::Fault => "Fault",
        NotifyDeleted::Deleted | NotifyDeleted::Run(_) => "Deleted",
    };
    page.attribute("Notify deleted", deleted);
    page.scripts(view, &events.notify);
    if let NotifyDeleted::Run(command) = &events.deleted {
        page.script(view, "Deleted", Some(command));
    }
    page.script(view, "Master rx lower pri", events.rx_lower_priority.as_ref());
    page.attribute("Notify priority changes", events.priority_changes);
}
