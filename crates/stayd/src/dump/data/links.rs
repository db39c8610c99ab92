//! The interfaces, as far as they matter to VRRP.

use std::net::IpAddr;

use vrrp::LinkView;

use super::Page;
use crate::dump::VrrpView;

pub(super) fn page(page: &mut Page, view: &VrrpView<'_>) {
    if !view.links.is_empty() {
        page.section("Interfaces");
    }
    let mut links: Vec<_> = view.links.iter().collect();
    links.sort_by_key(|link| link.index);
    for link in links {
        page.object("Name", &link.name);
        page.line(format_args!("   index = {}", link.index));
        page.attribute("IPv4 address", first(link, IpAddr::is_ipv4));
        page.attribute("IPv6 address", first(link, IpAddr::is_ipv6));
        if link.mac.iter().any(|byte| *byte != 0) {
            let mac: Vec<_> = link.mac.iter().map(|byte| format!("{byte:02x}")).collect();
            page.attribute("MAC", mac.join(":"));
        }
        page.attribute("State", if link.up { "UP, RUNNING" } else { "DOWN" });
        let instances = view.router.instances.iter().filter_map(|instance| {
            let own = VrrpView::interface(instance) == link.name || instance.interface == link.name;
            let tracked = instance.track_interfaces.iter().find(|track| track.interface == link.name);
            let weight = tracked.map(|track| track.weight).or_else(|| own.then_some(0))?;
            Some(format!("{}, weight {weight}", instance.name))
        });
        page.list("Tracking VRRP instances :", instances);
    }
}

fn first(link: &LinkView, of_family: impl Fn(&IpAddr) -> bool) -> String {
    let mut addresses = link.addresses.iter().map(|address| address.address);
    addresses.find(of_family).map_or_else(|| "(none)".to_owned(), |address| address.to_string())
}
