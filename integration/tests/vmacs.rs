//! VMACs on the wire, and those that a killed daemon leaves behind: beside keepalived.

use std::collections::BTreeSet;
use std::net::IpAddr;

use lab::wait::{self, seconds};
use lab::{Daemon, Host, Lab, Lan, Result};

const DAEMONS: [Daemon; 2] = [Daemon::Keepalived, Daemon::Stayd];

/// A host with two interfaces; those of one lab are alike.
fn director(lab: &Lab, daemon: Daemon) -> Result<(Host, Lan)> {
    let name = daemon.name();
    let (first, second) = (lab.lan(&format!("{}a", &name[..1]))?, lab.lan(&format!("{}b", &name[..1]))?);
    let host = lab.host(&name[..1])?;
    host.connect(&first, "eth0", &["10.1.0.1/24", "fe80::1/64", "fe80::7/64"])?;
    host.connect(&second, "eth1", &["10.2.0.1/24", "fe80::2:1/64"])?;
    Ok((host, first))
}

fn file(vrid: u8, interface: &str, body: &str) -> String {
    format!(
        "vrrp_instance VI {{\n  state MASTER\n  interface {interface}\n  virtual_router_id {vrid}\n  priority 200\n  \
         version 3\n  advert_int 0.2\n{body}\n}}\n"
    )
}

type Sights = BTreeSet<(&'static str, [u8; 6], IpAddr)>;

/// What a master of this configuration sends, and from which MAC address.
fn sights(body: &str, daemon: Daemon, vips: &[&str]) -> Result<Sights> {
    let lab = Lab::native()?;
    let (host, lan) = director(&lab, daemon)?;
    let wire = lan.capture()?;
    let process = host.start_daemon(daemon, &file(51, "eth0", body))?;
    let look = || {
        let adverts = wire.adverts().into_iter().map(|advert| ("advert", advert.mac, advert.source));
        let announcements =
            wire.announcements().into_iter().map(|one| ("announcement", one.mac, one.address));
        Ok(adverts.chain(announcements).collect::<Sights>())
    };
    let complete = |seen: &Sights| {
        let announced = |vip: &&str| {
            seen.iter().any(|(what, _, address)| *what == "announcement" && address.to_string() == **vip)
        };
        vips.iter().all(announced) && seen.iter().any(|(what, ..)| *what == "advert")
    };
    let seen = wait::until("adverts and announcements", seconds(15), look, complete)?;
    process.stop(seconds(5))?;
    lab.close()?;
    Ok(seen)
}

/// Both daemons send the same from the same; adverts and announcements come from these.
fn same_on_the_wire(body: &str, vips: &[&str], adverts: Option<[u8; 6]>, announcements: [u8; 6]) -> Result {
    let [theirs, ours] = [sights(body, DAEMONS[0], vips)?, sights(body, DAEMONS[1], vips)?];
    assert_eq!(ours, theirs);
    for (what, mac, address) in &ours {
        match *what {
            "advert" => assert!(adverts.is_none_or(|from| from == *mac), "{what} of {address} from {mac:x?}"),
            _ => assert_eq!(*mac, announcements, "{what} of {address}"),
        }
    }
    let virtual_mac = |mac: &[u8; 6]| mac.starts_with(&[0, 0, 0x5e, 0]);
    let from_below = ours.iter().filter(|(what, mac, _)| *what == "advert" && !virtual_mac(mac)).count();
    assert_eq!(from_below > 0, adverts.is_none(), "{ours:?}");
    Ok(())
}

const V4: [u8; 6] = [0, 0, 0x5e, 0, 1, 51];
const V6: [u8; 6] = [0, 0, 0x5e, 0, 2, 51];

#[test]
fn a_vmac_of_ipv4_sends_everything_from_its_mac_address() -> Result {
    same_on_the_wire(
        "  use_vmac\n  virtual_ipaddress {\n    10.1.0.100/24\n  }",
        &["10.1.0.100"],
        Some(V4),
        V4,
    )
}

#[test]
fn a_vmac_of_ipv4_with_vmac_xmit_base_sends_adverts_from_the_interface_below() -> Result {
    let body = "  use_vmac\n  vmac_xmit_base\n  virtual_ipaddress {\n    10.1.0.100/24\n  }";
    same_on_the_wire(body, &["10.1.0.100"], None, V4)
}

#[test]
fn a_vmac_of_ipv6_sends_everything_from_its_mac_address() -> Result {
    let body = "  use_vmac\n  virtual_ipaddress {\n    fe80::100\n    2001:db8::100/64\n  }";
    same_on_the_wire(body, &["fe80::100", "2001:db8::100"], Some(V6), V6)
}

#[test]
fn a_vmac_of_ipv6_with_vmac_xmit_base_sends_adverts_from_the_interface_below() -> Result {
    let body =
        "  use_vmac\n  vmac_xmit_base\n  virtual_ipaddress {\n    fe80::100\n    2001:db8::100/64\n  }";
    same_on_the_wire(body, &["fe80::100", "2001:db8::100"], None, V6)
}

#[test]
fn an_ipv6_address_under_use_vmac_addr_is_announced_from_a_mac_address_of_its_own() -> Result {
    let body = "  use_vmac\n  use_vmac_addr\n  virtual_ipaddress {\n    10.1.0.100/24\n  }\n  \
                virtual_ipaddress_excluded {\n    2001:db8::100/64\n  }";
    let [theirs, ours] = DAEMONS.map(|daemon| sights(body, daemon, &["10.1.0.100", "2001:db8::100"]));
    let (theirs, ours) = (theirs?, ours?);
    assert_eq!(ours, theirs);
    let macs: BTreeSet<_> = ours.iter().map(|(what, mac, _)| (*what, *mac)).collect();
    assert_eq!(macs, [("advert", V4), ("announcement", V4), ("announcement", V6)].into());
    Ok(())
}

/// Interfaces that stand on others, with their numbers and their addresses.
fn upper(host: &Host) -> Result<String> {
    let links = host.check("sh", &["-c", "ip -o link show type macvlan; ip -o addr | grep -v ' lo  *'"])?;
    let name = |line: &str| {
        let mut words = line.split_whitespace();
        let (number, name) = (words.next()?, words.next()?);
        let name = name.trim_end_matches(':').to_owned();
        let rest = if line.contains(" inet ") { words.nth(1)?.to_owned() } else { number.to_owned() };
        Some(format!("{name} {rest}"))
    };
    Ok(links.lines().filter_map(name).filter(|line| !line.starts_with("eth")).collect::<Vec<_>>().join("\n"))
}

const VMAC: &str = "  use_vmac\n  virtual_ipaddress {\n    10.1.0.100/24\n  }";

/// A host whose daemon was killed as master with a VMAC, and the interfaces as it left them.
fn bereft(lab: &Lab, daemon: Daemon) -> Result<(Host, String)> {
    let (host, _) = director(lab, daemon)?;
    let killed = host.start_daemon(daemon, &file(51, "eth0", VMAC))?;
    host.wait_for_address("10.1.0.100", seconds(15))?;
    killed.kill()?;
    host.check("sh", &["-c", "rm -f /run/*.pid"])?;
    let left = upper(&host)?;
    assert!(left.contains("vrrp.51@eth0") && left.contains("10.1.0.100/24"), "{left}");
    Ok((host, left))
}

#[test]
fn the_vmac_of_a_killed_daemon_is_its_successor_s_and_goes_with_it() -> Result {
    for daemon in DAEMONS {
        let lab = Lab::native()?;
        let (host, left) = bereft(&lab, daemon)?;
        let successor = host.start_daemon(daemon, &file(51, "eth0", VMAC))?;
        // The log goes on where the killed one's ends.
        let word = if daemon == Daemon::Stayd { "-> MASTER" } else { "Entering MASTER STATE" };
        successor.wait_until_log("master again", seconds(15), |log| log.matches(word).count() == 2)?;
        wait::until("the same interface", seconds(10), || upper(&host), |now| *now == left)?;
        successor.stop(seconds(5))?;
        assert_eq!(upper(&host)?, "", "{}", daemon.name());
        lab.close()?;
    }
    Ok(())
}

#[test]
fn a_vmac_that_the_successor_has_no_use_for_is_removed_where_keepalived_leaves_it() -> Result {
    for (daemon, stays) in [(Daemon::Keepalived, true), (Daemon::Stayd, false)] {
        let lab = Lab::native()?;
        let (host, _) = bereft(&lab, daemon)?;
        let successor = host.start_daemon(daemon, &file(52, "eth0", VMAC))?;
        let look = || upper(&host);
        let taken =
            |now: &String| now.contains("vrrp.52 10.1.0.100/24") && now.contains("vrrp.51@eth0") == stays;
        wait::until("the VMAC of the new file", seconds(15), look, taken)?;
        successor.stop(seconds(5))?;
        assert_eq!(upper(&host)?.contains("vrrp.51@eth0"), stays);
        lab.close()?;
    }
    Ok(())
}

#[test]
fn a_vmac_that_belongs_elsewhere_now_is_made_there_under_the_same_name() -> Result {
    let lab = Lab::native()?;
    let (host, _) = bereft(&lab, Daemon::Stayd)?;
    let successor = host.start_daemon(Daemon::Stayd, &file(51, "eth1", VMAC))?;
    let moved = |now: &String| now.contains("vrrp.51@eth1") && now.contains("vrrp.51 10.1.0.100/24");
    let now = wait::until("the VMAC on the other interface", seconds(15), || upper(&host), moved)?;
    assert!(!now.contains("@eth0"), "{now}");
    successor.stop(seconds(5))?;
    lab.close()
}

#[test]
fn the_name_of_a_vmac_that_somebody_else_has_is_left_to_him() -> Result {
    let mut seen = Vec::new();
    for daemon in DAEMONS {
        let lab = Lab::native()?;
        let (host, _) = director(&lab, daemon)?;
        for foreign in [
            "vrrp.51 link eth0 address 00:00:5e:00:01:77 type macvlan mode private",
            "other link eth0 address 00:00:5e:00:01:33 type macvlan mode bridge",
        ] {
            host.check("sh", &["-c", &format!("ip link add {foreign}")])?;
        }
        let before = upper(&host)?;
        let process = host.start_daemon(daemon, &file(51, "eth0", VMAC))?;
        host.wait_for_address("10.1.0.100", seconds(15))?;
        seen.push(upper(&host)?);
        process.stop(seconds(5))?;
        assert!(daemon == Daemon::Keepalived || upper(&host)? == before, "what is foreign stays: {before}");
        lab.close()?;
    }
    assert!(seen[0].contains("vrrp1.51 10.1.0.100/24"), "{}", seen[0]);
    assert_eq!(seen[1], seen[0]);
    Ok(())
}

#[test]
fn an_interface_that_somebody_else_made_and_that_fits_is_used_and_stays() -> Result {
    let lab = Lab::native()?;
    let (host, _) = director(&lab, Daemon::Stayd)?;
    host.check(
        "sh",
        &["-c", "ip link add mine link eth0 address 00:00:5e:00:01:33 type macvlan mode private"],
    )?;
    let before = upper(&host)?;
    let process = host.start_daemon(Daemon::Stayd, &file(51, "eth0", VMAC))?;
    wait::until("the address", seconds(15), || upper(&host), |now| now.contains("mine 10.1.0.100/24"))?;
    process.stop(seconds(5))?;
    assert_eq!(upper(&host)?, before);
    lab.close()
}

#[test]
fn settings_below_a_vmac_are_put_back_after_a_kill_of_all_where_keepalived_leaves_them() -> Result {
    for (daemon, after) in [(Daemon::Keepalived, "1\n1\n"), (Daemon::Stayd, "0\n0\n")] {
        let lab = Lab::native()?;
        let (host, _) = bereft(&lab, daemon)?;
        let settings = || {
            let names = ["arp_ignore", "arp_filter"].map(|name| format!("net.ipv4.conf.eth0.{name}"));
            host.check("sysctl", &["-n", &names[0], &names[1]])
        };
        assert_eq!(settings()?, "1\n1\n", "{}, killed", daemon.name());
        let successor = host.start_daemon(daemon, &file(51, "eth0", VMAC))?;
        let word = if daemon == Daemon::Stayd { "-> MASTER" } else { "Entering MASTER STATE" };
        successor.wait_until_log("master again", seconds(15), |log| log.matches(word).count() == 2)?;
        successor.stop(seconds(5))?;
        assert_eq!(settings()?, after, "{}, stopped", daemon.name());
        assert_eq!(host.check("sh", &["-c", "ls /run | grep found || true"])?, "");
        lab.close()?;
    }
    Ok(())
}
