//! One instance.

use std::net::{IpAddr, Ipv4Addr};

use config::model::{InstanceEvents, NotifyDeleted};
use vrrp::{
    Authentication, ChecksumV3, InstanceSpec, InstanceStatus, IpvlanMode, StateName, TrackerKind, Transport,
    Version, VmacKind, VmacSpec,
};

use super::trackers::followed_as;
use super::{Page, enabled, reversed, sockets, yes};
use crate::dump::VrrpView;

/// Of unicast adverts over IPv6, where nothing is written.
const UNICAST_HOP_LIMIT: u8 = 64;

pub(super) fn page(page: &mut Page, view: &VrrpView<'_>, spec: &InstanceSpec, status: &InstanceStatus) {
    page.object("VRRP Instance", &spec.name);
    page.attribute("VRRP Version", spec.version.get());
    if spec.family == vrrp::Family::V6 {
        page.line("   Using Native IPv6");
    }
    let group = view.router.sync_groups.iter().find(|group| group.members.contains(&spec.name));
    page.maybe("Sync group", group.map(|group| &group.name));
    let events = view.model.vrrp_events.get(&spec.name).cloned().unwrap_or_default();
    state(page, view, spec, status, &events);
    interface(page, view, spec, status);
    announcements(page, spec);
    election(page, spec, status);
    authentication(page, spec);
    if events.debug > 0 {
        page.attribute("Debug level", events.debug);
    }
    held(page, view, spec, status);
    trackers(page, spec);
    notifications(page, view, &events);
}

fn state(
    page: &mut Page,
    view: &VrrpView<'_>,
    spec: &InstanceSpec,
    status: &InstanceStatus,
    events: &InstanceEvents,
) {
    page.attribute("State", status.state);
    if status.state == StateName::Backup {
        // Before the first advert keepalived shows the address that adverts go to.
        let nobody = match spec.transport {
            Transport::Multicast { group } => group,
            Transport::Unicast { .. } => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        };
        let (source, priority) = status.master.unwrap_or((nobody, 0));
        page.attribute("Master router", source);
        page.attribute("Master priority", priority);
        if spec.version == Version::V3 {
            let seconds = status.master_interval.duration().as_secs_f64();
            page.attribute("Master advert int", format_args!("{seconds:.2} sec"));
        }
    }
    flags(page, spec, events);
    page.attribute("Wantstate", status.state);
    page.attribute("Number of config faults", 0);
    // An interface that is not there has no address to send from either, which keepalived counts by itself.
    let sourceless = status.interface.is_none() && status.source.is_none();
    page.attribute("Number of interface and track script faults", status.faults + u32::from(sourceless));
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

/// Only some of the flags have a line of their own.
fn flags(page: &mut Page, spec: &InstanceSpec, events: &InstanceEvents) {
    let unicast = spec.transport.is_unicast();
    let silent = spec.vmac.is_some()
        || spec.vmac_addresses
        || spec.source.is_some()
        || !spec.track_primary
        || spec.nopreempt
        || spec.skip_check_adv_addr
        || spec.promote_secondaries
        || events.polled;
    if !silent && !unicast && !events.fault_without_peers {
        return page.line("   Flags: none");
    }
    page.line("   Flags:");
    if unicast {
        page.line("     Using unicast");
    }
    if events.fault_without_peers {
        page.line("     If unicast go to fault state if no peers");
    }
}

fn interface(page: &mut Page, view: &VrrpView<'_>, spec: &InstanceSpec, status: &InstanceStatus) {
    if let Some(vmac) = &spec.vmac {
        made(page, view, spec, vmac);
    }
    if spec.vmac_addresses {
        page.line("   Use VMAC for VIPs on other interfaces");
    }
    match &spec.vmac {
        None => page.attribute("Interface", &spec.interface),
        Some(vmac) => {
            let base = view.bases.get(&vmac.name).unwrap_or(&spec.interface);
            let kind = if matches!(vmac.kind, VmacKind::Macvlan(_)) { "vmac" } else { "ipvlan" };
            let transmits = if vmac.transmit_on_base { ", xmit base i/f" } else { "" };
            page.attribute("Interface", format_args!("{}, {kind} on {base}{transmits}", vmac.name));
            page.maybe("Configured interface", (*base != spec.interface).then_some(&spec.interface));
        }
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
        let own = view.link(VrrpView::interface(spec)).map(|link| link.index);
        match own.or(status.interface).filter(|_| group.is_ipv6()) {
            Some(index) => page.line(format_args!("   Multicast address {group}, ifindex {index}")),
            None => page.line(format_args!("   Multicast address {group}")),
        }
    }
}

/// The interface that is made for it.
fn made(page: &mut Page, view: &VrrpView<'_>, spec: &InstanceSpec, vmac: &VmacSpec) {
    let running = (libc::IFF_UP | libc::IFF_RUNNING).cast_unsigned();
    let up = view.link(&vmac.name).is_some_and(|link| link.flags & running == running);
    match vmac.kind {
        VmacKind::Macvlan(_) => page.line(format_args!(
            "   Use VMAC, i/f name {}, is_up = {up}, xmit_base = {}",
            vmac.name, vmac.transmit_on_base
        )),
        VmacKind::Ipvlan { mode, address } => {
            let address = address.map(|(address, length)| {
                let host = if spec.family == vrrp::Family::V4 { 32 } else { 128 };
                let length = if length == host { String::new() } else { format!("/{length}") };
                format!(", i/f address = {address}{length}")
            });
            let mode = match mode {
                IpvlanMode::Bridge => "bridge",
                IpvlanMode::Private => "private",
                IpvlanMode::Vepa => "vepa",
            };
            page.line(format_args!(
                "   Use IPVLAN, i/f {}, is_up = {up}{}, type {mode}",
                vmac.name,
                address.unwrap_or_default()
            ));
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
        page.attribute("Password", super::HIDDEN);
    }
    page.maybe("Kernel rx buffer size", spec.receive_buffer);
}

fn held(page: &mut Page, view: &VrrpView<'_>, spec: &InstanceSpec, status: &InstanceStatus) {
    let [advertised, excluded, routes, rules] = view.held(spec, status);
    page.list(&format!("Virtual IP ({}):", advertised.len()), advertised);
    page.list("Virtual IP Excluded :", excluded);
    if let Transport::Unicast { peers, ttl, check_source } = &spec.transport {
        // keepalived shows none of its own for IPv6.
        let usual = spec.family == vrrp::Family::V6 && *ttl == UNICAST_HOP_LIMIT;
        page.maybe("Unicast TTL", (!usual).then_some(ttl));
        page.line(format_args!("   Check unicast src : {}", yes(*check_source)));
        let peers = peers.iter();
        let peer =
            |peer: &vrrp::Peer| format!("{} min_ttl {} max_ttl {}", peer.address, peer.min_ttl, peer.max_ttl);
        page.list("Unicast Peer :", peers.map(peer));
        let compatibility = match spec.checksum_v3 {
            ChecksumV3::Detect | ChecksumV3::AsV2 => "no",
            ChecksumV3::PseudoHeader => "never",
            ChecksumV3::OldUnicast => "config",
        };
        page.attribute("Unicast checksum compatibility", compatibility);
    }
    let (receives, sends) = sockets::numbers(view, spec, status);
    page.line(format_args!("   fd_in {receives}, fd_out {sends}"));
    page.list("Virtual Routes :", routes);
    page.list("Virtual Rules :", rules);
}

fn trackers(page: &mut Page, spec: &InstanceSpec) {
    let interfaces = spec.track_interfaces.iter();
    page.list(
        "Tracked interfaces :",
        interfaces
            .map(|track| format!("{} weight {}{}", track.interface, track.weight, reversed(track.reverse))),
    );
    for (heading, kind, mark) in [
        ("Tracked scripts :", TrackerKind::Script, ""),
        ("Tracked files :", TrackerKind::File, ","),
        ("Tracked processes :", TrackerKind::Process, ","),
        ("Tracked BFDs :", TrackerKind::Bfd, ":"),
    ] {
        let tracks = spec.tracks.iter().filter(|track| track.tracker.kind == kind);
        page.list(heading, tracks.map(|track| followed_as(track, mark)));
    }
}

fn notifications(page: &mut Page, view: &VrrpView<'_>, events: &InstanceEvents) {
    page.attribute("Using smtp notification", yes(events.smtp_alert));
    let deleted = match &events.deleted {
        NotifyDeleted::Fault => "Fault",
        NotifyDeleted::Deleted | NotifyDeleted::Run(_) => "Deleted",
    };
    page.attribute("Notify deleted", deleted);
    let command = match &events.deleted {
        NotifyDeleted::Run(command) => Some(command),
        NotifyDeleted::Fault | NotifyDeleted::Deleted => None,
    };
    page.scripts_with(view, &events.notify, command);
    page.script(view, "Master rx lower pri", events.rx_lower_priority.as_ref());
    page.attribute("Notify priority changes", events.priority_changes);
}
