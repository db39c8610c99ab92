//! The interfaces.

use std::collections::BTreeSet;
use std::net::IpAddr;

use config::model::LinkbeatMethod;
use net::LinkFacts;
use vrrp::{Family, Held, InstanceSpec, StateName, VmacKind, VmacLink};

use super::{Page, announce, reversed};
use crate::dump::VrrpView;

/// The weight that keepalived shows of an interface that the instance does not follow.
const NOT_FOLLOWED: i16 = 255;

pub(super) fn page(page: &mut Page, view: &VrrpView<'_>) {
    let known = &view.facts.links;
    let names = known.iter().map(|link| link.name.as_str()).collect::<BTreeSet<_>>();
    let wanted = view.router.instances.iter().flat_map(InstanceSpec::interfaces).collect::<BTreeSet<_>>();
    let missing: Vec<_> = wanted
        .difference(&names)
        .map(|name| LinkFacts { name: (*name).to_owned(), ..LinkFacts::default() })
        .collect();
    if !known.is_empty() || !missing.is_empty() {
        page.section("Interfaces");
    }
    let held = held(view);
    for link in known.iter().chain(&missing) {
        one(page, view, link, &held);
    }
}

/// The addresses that come and go with the configuration: an interface's own are the others.
fn held(view: &VrrpView<'_>) -> BTreeSet<IpAddr> {
    let of_instances = view.router.instances.iter().flat_map(InstanceSpec::held_addresses);
    let statics = view.router.statics.iter().filter_map(|held| match held {
        Held::Address(address) => Some(address),
        Held::Route(_) | Held::Rule(_) => None,
    });
    of_instances.chain(statics).map(|held| held.address).collect()
}

fn one(page: &mut Page, view: &VrrpView<'_>, link: &LinkFacts, held: &BTreeSet<IpAddr>) {
    page.object("Name", &link.name);
    let gone = if link.index == 0 { " (deleted)" } else { "" };
    page.line(format_args!("   index = {}{gone}", link.index));
    let own = || link.addresses.iter().filter(|address| !held.contains(address));
    addresses(page, "IPv4", own().filter(|address| address.is_ipv4()));
    addresses(page, "IPv6", own().filter(|address| is_link_local(address)));
    if link.mac.iter().any(|byte| *byte != 0) {
        page.attribute("MAC", mac(&link.mac));
        page.attribute("MAC broadcast", mac(&link.broadcast));
    }
    page.attribute("State", state(link));
    page.attribute("Seen up", u8::from(is_up(link)));
    page.line("   Delayed state change running = false");
    let delays = view.router.link_delays.get(&link.name).copied().unwrap_or_default();
    page.attribute("Up debounce timer", format_args!("{}us", delays.up.as_micros()));
    page.attribute("Down debounce timer", format_args!("{}us", delays.down.as_micros()));
    below(page, view, link);
    page.attribute("MTU", link.mtu);
    page.attribute("HW Type", hardware(link.hardware));
    let followers = followers(view, &link.name);
    page.line(format_args!("   {}", watched_by(view, link, !followers.is_empty())));
    announce::of_interface(page, view, &link.name);
    settings(page, view, link);
    page.list("Tracking VRRP instances :", followers);
}

fn addresses<'a>(page: &mut Page, family: &str, mut addresses: impl Iterator<Item = &'a IpAddr>) {
    let first = addresses.next().map_or_else(|| "(none)".to_owned(), ToString::to_string);
    page.attribute(&format!("{family} address"), first);
    page.list(&format!("Additional {family} addresses :"), addresses);
}

const fn is_link_local(address: &IpAddr) -> bool {
    match address {
        IpAddr::V4(_) => false,
        IpAddr::V6(address) => address.is_unicast_link_local(),
    }
}

fn mac(bytes: &[u8]) -> String {
    let bytes: Vec<_> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    bytes.join(":")
}

const fn has(link: &LinkFacts, flag: i32) -> bool {
    link.flags & flag.cast_unsigned() != 0
}

const fn is_up(link: &LinkFacts) -> bool {
    has(link, libc::IFF_UP) && has(link, libc::IFF_RUNNING)
}

fn state(link: &LinkFacts) -> String {
    let mut text = if has(link, libc::IFF_UP) { "UP" } else { "not UP" }.to_owned();
    text += if has(link, libc::IFF_RUNNING) { ", RUNNING" } else { ", not RUNNING" };
    for (shown, words) in [
        (!has(link, libc::IFF_BROADCAST), ", no broadcast"),
        (has(link, libc::IFF_LOOPBACK), ", loopback"),
        (has(link, libc::IFF_POINTOPOINT), ", point to point"),
        (has(link, libc::IFF_NOARP), ", no arp"),
        (!has(link, libc::IFF_MULTICAST), ", no multicast"),
    ] {
        if shown {
            text += words;
        }
    }
    text
}

/// What a macvlan or ipvlan lies on, and whether it is ours.
fn below(page: &mut Page, view: &VrrpView<'_>, link: &LinkFacts) {
    let base = link.below.and_then(|index| view.facts.links.iter().find(|link| link.index == index));
    let label = match link.kind.as_str() {
        "macvlan" => Some("VMAC"),
        "ipvlan" => Some("IPVLAN"),
        _ => None,
    };
    if let (Some(label), Some(base)) = (label, base) {
        page.line(format_args!(
            "   {label} type {}, underlying interface = {}, state = {}",
            mode(link),
            base.name,
            state(base)
        ));
    }
    if view.bases.contains_key(&link.name) {
        page.line("   I/f created by keepalived");
    }
}

fn mode(link: &LinkFacts) -> &'static str {
    match (link.kind.as_str(), link.mode.unwrap_or_default()) {
        ("macvlan" | "ipvlan", 1) => "private",
        ("macvlan" | "ipvlan", 2) => "vepa",
        ("macvlan", 4) | ("ipvlan", 0) => "bridge",
        ("macvlan", 8) => "passthru",
        _ => "unknown",
    }
}

/// `ARPHRD_*`, as far as keepalived names them.
fn hardware(number: u16) -> String {
    match number {
        libc::ARPHRD_ETHER => "ETHERNET".to_owned(),
        libc::ARPHRD_LOOPBACK => "LOOPBACK".to_owned(),
        libc::ARPHRD_INFINIBAND => "INFINIBAND".to_owned(),
        other => format!("UNKNOWN ({other})"),
    }
}

/// How changes of its link are learnt. Polling is for interfaces that somebody follows.
fn watched_by(view: &VrrpView<'_>, link: &LinkFacts, followed: bool) -> &'static str {
    let linkbeat = &view.model.linkbeat;
    let all = linkbeat.all.then_some(&LinkbeatMethod::Any);
    match linkbeat.interfaces.get(&link.name).or(all).filter(|_| followed) {
        None => "NIC netlink status update",
        Some(LinkbeatMethod::Any | LinkbeatMethod::Ethtool) => "NIC support ETHTOOL GLINK interface",
        Some(LinkbeatMethod::Mii) => "NIC support MII",
        Some(LinkbeatMethod::Ioctl) => "NIC ioctl refresh polling",
    }
}

/// The settings of the kernel that were changed, what they were before, and for how many.
fn settings(page: &mut Page, view: &VrrpView<'_>, link: &LinkFacts) {
    let name = link.name.as_str();
    let before = |setting: &str| {
        let key = ("ipv4".to_owned(), name.to_owned(), setting.to_owned());
        view.facts.found.get(&key).copied().unwrap_or_default()
    };
    let instances = || view.router.instances.iter();
    let own = view.bases.contains_key(name);
    let base = view.bases.values().any(|base| base == name);
    let is_changed_for = |vmac: &&VmacLink| {
        vmac.base == name && vmac.family == Family::V4 && matches!(vmac.kind, VmacKind::Macvlan(_))
    };
    let changed = view.vmacs.iter().filter(is_changed_for).count();
    page.line(format_args!("   Reset ARP config counter {changed}"));
    page.line(format_args!("   Original arp_ignore {}", before("arp_ignore")));
    page.line(format_args!("   Original arp_filter {}", before("arp_filter")));
    let promoted =
        instances().filter(|spec| spec.promote_secondaries && VrrpView::interface(spec) == name).count();
    if own || base || promoted > 0 || link.index == 0 {
        page.line(format_args!("   rp_filter {}", before("rp_filter")));
    }
    page.line(format_args!("   Original promote_secondaries {}", before("promote_secondaries")));
    page.line(format_args!("   Reset promote_secondaries counter {promoted}"));
    // keepalived looks when it announces IPv6 addresses on the interface.
    let announced = view.instances().filter(|(spec, status)| {
        let ipv6 = spec.held_addresses().any(|held| held.address.is_ipv6());
        status.state == StateName::Master && ipv6 && spec.interface == name
    });
    if let Some(since) = announced.filter_map(|(_, status)| status.since).max() {
        let forwards = if net::sysctl::read_flag("ipv6", name, "forwarding") { "" } else { "Not " };
        let at = view.calendar.text_of_check(Some(since));
        page.line(format_args!("   {forwards}IPv6 forwarding. Last checked {at}"));
    }
}

/// The instances that the interface matters to, with the weight it has for each: their own, those of their groups, and
/// those that static addresses and routes follow.
fn followers(view: &VrrpView<'_>, name: &str) -> Vec<String> {
    let router = &view.router;
    let mut followers = Vec::<(&str, i16, bool)>::new();
    let mut add = |instance, weight, reverse| {
        if followers.iter().all(|(known, ..)| *known != instance) {
            followers.push((instance, weight, reverse));
        }
    };
    for spec in &router.instances {
        let own = VrrpView::interface(spec) == name || spec.interface == name;
        let tracked = spec.track_interfaces.iter().find(|track| track.interface == name);
        if own {
            add(&spec.name, if spec.track_primary { 0 } else { NOT_FOLLOWED }, false);
        } else if let Some(track) = tracked {
            add(&spec.name, track.weight, track.reverse);
        } else if spec.interfaces().contains(name) {
            add(&spec.name, 0, false);
        }
    }
    for group in &router.sync_groups {
        for track in group.track_interfaces.iter().filter(|track| track.interface == name) {
            for member in &group.members {
                add(member, track.weight, track.reverse);
            }
        }
    }
    let on_it = |held: &&Held| match held {
        Held::Address(address) => address.interface == name,
        Held::Route(route) => route.interfaces().any(|interface| interface == name),
        Held::Rule(rule) => rule.interfaces().any(|interface| interface == name),
    };
    let groups = router.statics.iter().filter(on_it).filter_map(|held| match held {
        Held::Address(address) => address.track_group.as_ref(),
        Held::Route(route) => route.track_group.as_ref(),
        Held::Rule(rule) => rule.track_group.as_ref(),
    });
    for members in groups.filter_map(|group| router.track_groups.get(group)) {
        for member in members {
            add(member, 0, false);
        }
    }
    let line = |(instance, weight, reverse): (&str, i16, bool)| {
        format!("{instance}, weight {weight}{}", reversed(reverse))
    };
    followers.into_iter().map(line).collect()
}
