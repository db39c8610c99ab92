//! FRR's `vrrpd` and stayd as each other's master and backup, in version 3.
//!
//! FRR adds no address: the administrator makes a macvlan with the router's hardware address and the virtual addresses, and
//! `vrrpd` has `zebra` take it down and up (`protodown`). Both run as plain processes in the director's namespaces, with files
//! in its own `/run`.

use std::fmt::Write as _;
use std::path::Path;

use lab::wait;
use lab::{Daemon, Error, Host, Process, Result};

use crate::stage::{Expected, Family, INTERVAL, LIMIT, PRIORITIES, SLACK, Stage, complaints, with_casts};

const DAEMONS: &str = "/usr/lib/frr";

/// The interface with the virtual addresses.
const MACVLAN: &str = "vrrp-51";

#[derive(Clone, Copy, Debug)]
enum Router {
    Stayd,
    Frr,
}

const CASTS: [[Router; 2]; 2] = [[Router::Stayd, Router::Frr], [Router::Frr, Router::Stayd]];

/// The virtual addresses in the order in which they are advertised, without their prefix lengths.
const fn virtual_addresses(family: Family) -> [&'static str; 2] {
    match family {
        Family::V4 => [family.vip(), "192.168.0.11"],
        Family::V6 => ["fe80::10", family.vip()],
    }
}

const fn mac(family: Family) -> &'static str {
    match family {
        Family::V4 => "00:00:5e:00:01:33",
        Family::V6 => "00:00:5e:00:02:33",
    }
}

fn start_stayd(stage: &Stage, director: usize, version: u8, settings: &str) -> Result<Process> {
    let [first, second] = virtual_addresses(stage.family);
    let priority = PRIORITIES[director];
    let text = format!(
        "vrrp_instance VI {{\n  state BACKUP\n  interface eth0\n  virtual_router_id 51\n  priority \
         {priority}\n  advert_int 1\n  version {version}\n{settings}\n  virtual_ipaddress {{\n    {first}\n    {second}\n  }}\n}}\n"
    );
    stage.directors[director].start_daemon(Daemon::Stayd, &text)
}

/// Makes the macvlan anew, as an administrator does who follows FRR's manual.
fn make_macvlan(host: &Host, family: Family) -> Result {
    // There is one after a crash.
    host.run("ip", &["link", "del", MACVLAN])?;
    host.check("ip", &["link", "add", MACVLAN, "link", "eth0", "type", "macvlan", "mode", "bridge"])?;
    host.check("ip", &["link", "set", MACVLAN, "address", mac(family)])?;
    if family == Family::V4 {
        // Nobody is to be told by eth0 of addresses elsewhere.
        host.sysctl("ipv4/conf/eth0/arp_ignore", "1")?;
        host.sysctl("ipv4/conf/eth0/arp_announce", "2")?;
    } else {
        // The kernel gives it the link-local address from which FRR sends.
        host.sysctl(&format!("ipv6/conf/{MACVLAN}/accept_dad"), "0")?;
        host.sysctl(&format!("ipv6/conf/{MACVLAN}/disable_ipv6"), "0")?;
    }
    for address in virtual_addresses(family) {
        let length = if family == Family::V4 { 24 } else { 64 };
        host.check("ip", &["addr", "add", &format!("{address}/{length}"), "dev", MACVLAN])?;
    }
    host.check("ip", &["link", "set", MACVLAN, "up"]).map(drop)
}

fn start_frr(stage: &Stage, director: usize) -> Result<Process> {
    for program in ["zebra", "vrrpd"].map(|name| format!("{DAEMONS}/{name}")) {
        if !Path::new(&program).exists() {
            return Err(Error::NotInstalled { program, package: "frr" });
        }
    }
    let (host, family) = (&stage.directors[director], stage.family);
    make_macvlan(host, family)?;
    host.check("install", &["-d", "-o", "frr", "-g", "frr", "/run/frr"])?;
    let kind = if family == Family::V4 { "ip" } else { "ipv6" };
    let mut vrrpd = format!(
        "debug vrrp protocol\ndebug vrrp packets\ninterface eth0\n vrrp 51 version 3\n vrrp 51 priority {}\n vrrp 51 \
         advertisement-interval 1000\n",
        PRIORITIES[director]
    );
    for address in virtual_addresses(family) {
        let _ = writeln!(vrrpd, " vrrp 51 {kind} {address}");
    }
    let start = |name: &str, text: &str| {
        // It drops root's rights before it reads.
        let file = format!("/run/frr/{name}.conf");
        let written = host.write(&format!("{name}.conf"), text)?.display().to_string();
        host.check("install", &["-o", "frr", "-g", "frr", &written, &file])?;
        host.start(name, &format!("{DAEMONS}/{name}"), &["-f", &file, "--log", "stdout", "-A", "127.0.0.1"])
    };
    start("zebra", "")?;
    let socket = || Ok(host.run("test", &["-S", "/run/frr/zserv.api"])?.exit);
    let ready = |exit: &Option<_>| *exit == Some(lab::site::ExitView::Code(0));
    wait::until("zebra's socket", LIMIT, socket, ready)?;
    start("vrrpd", &vrrpd)
}

/// The story of one family.
fn beside_frr(family: Family, settings: &str, vmac: bool) -> Result {
    with_casts(&CASTS, family, |stage, cast: [Router; 2]| {
        let where_is = |director: usize| match cast[director] {
            Router::Stayd if !vmac => stage.mac(director),
            Router::Stayd | Router::Frr => Ok(mac(family).to_owned()),
        };
        let start = |director: usize| match cast[director] {
            Router::Stayd => start_stayd(stage, director, 3, settings),
            Router::Frr => start_frr(stage, director),
        };
        // Over IPv6 FRR 8.4 does not send the first advert of a new master, as the interface has no address yet, and its only
        // announcement is lost now and then; a client that has forgotten the address meanwhile takes no unasked answer (RFC 4861
        // 7.2.5), and has to ask whoever comes next.
        let clumsy = cast.map(|router| matches!(router, Router::Frr) && family == Family::V6);
        let late = if clumsy[1] { INTERVAL + SLACK } else { SLACK };
        let expected =
            Expected { macs: [where_is(0)?, where_is(1)?], asks: [clumsy.contains(&true); 2], late };
        for log in stage.over_and_back(start, &expected)? {
            assert_eq!(complaints(&log), [""; 0], "{cast:?}");
        }
        Ok(())
    })
}

#[test]
fn version_3_over_ipv4() -> Result {
    beside_frr(Family::V4, "", false)
}

#[test]
fn version_3_over_ipv6() -> Result {
    beside_frr(Family::V6, "", false)
}

#[test]
fn vmac_of_ipv4() -> Result {
    beside_frr(Family::V4, "  use_vmac", true)
}

#[test]
fn vmac_of_ipv6() -> Result {
    beside_frr(Family::V6, "  use_vmac", true)
}

#[test]
fn another_version_is_told_by_both_and_leaves_two_masters() -> Result {
    with_casts(&CASTS[..1], Family::V4, |stage, _| {
        let old = "  authentication {\n    auth_type PASS\n    auth_pass root123\n  }";
        let processes = [start_stayd(stage, 0, 2, old)?, start_frr(stage, 1)?];
        for (director, process) in stage.directors.iter().zip(&processes) {
            process.wait_until_log("a complaint", LIMIT, |log| !complaints(log).is_empty())?;
            println!("{}: {:?}", director.name(), complaints(&process.log()?));
        }
        Ok(())
    })
}
