//! The same file and the same arguments, first with keepalived, then with stayd, on one host: exit statuses, addresses and
//! announcements.

use std::time::Duration;

use lab::pair::{Role, VIP};
use lab::site::ExitView;
use lab::wait::{self, seconds};
use lab::{Daemon, Host, Lab, Lan, Result, configuration, now};

const BOTH: [Daemon; 2] = [Daemon::Keepalived, Daemon::Stayd];

/// A host on a LAN.
fn director(lab: &Lab) -> Result<(Lan, Host)> {
    let lan = lab.lan("lan")?;
    let host = lab.host("d1")?;
    host.connect(&lan, "eth0", &["192.168.0.20/24"])?;
    Ok((lan, host))
}

/// A mistake, where it is, and what must be said about it.
struct Mistake {
    /// What is written wrong, in place of what.
    right: &'static str,
    wrong: &'static str,
    /// Line and column at which stayd finds it.
    place: &'static str,
    /// Part of what it says.
    says: &'static str,
}

const SERVICE: &str = "\
virtual_server 192.168.0.10 80 {
  protocol TCP
  lb_algo rr
  lb_kind DR
  real_server 192.168.0.2 80 {
    TCP_CHECK {
    }
  }
}
";

const SCRIPT: &str = "\
vrrp_script check {
  script \"/bin/false\"
}
";

/// The file in which the mistakes are made.
fn file() -> String {
    let text = configuration::vrrp(Role::Master, 2);
    let text = text.replace("interface eth0", "interface eth0\n  track_script {\n    check\n  }");
    format!("global_defs {{\n  enable_script_security\n  script_user root\n}}\n{SCRIPT}{text}{SERVICE}")
}

const MISTAKES: [Mistake; 5] = [
    Mistake { right: "  virtual_ipaddress {\n", wrong: "  virtual_ipaddress\n", place: "25:20", says: "`{`" },
    Mistake { right: "interface eth0", wrong: "interface eth7", place: "13:13", says: "eth7" },
    Mistake {
        right: "virtual_router_id 1\n",
        wrong: "virtual_router_id 0\n",
        place: "18:21",
        says: "1 to 255",
    },
    Mistake { right: "192.168.0.2 80", wrong: "192.168.0.2 70000", place: "33:27", says: "65535" },
    Mistake {
        right: "/bin/false",
        wrong: "/nonexistent/check.sh",
        place: "6:10",
        says: "/nonexistent/check.sh",
    },
];

#[test]
fn a_mistake_is_told_with_its_place_and_ends_a_test_with_keepalived_s_status() -> Result {
    let lab = Lab::native()?;
    let (_lan, host) = director(&lab)?;
    let before = host.addresses()?;
    for mistake in &MISTAKES {
        assert!(file().contains(mistake.right), "{} is in the file", mistake.right);
        let path = host.write("test.conf", &file().replacen(mistake.right, mistake.wrong, 1))?;
        let path = path.display().to_string();
        let mut exits = Vec::new();
        for daemon in BOTH {
            let output = host.run(&daemon.path()?.display().to_string(), &["-t", "-f", &path])?;
            println!("{} -t with {:?}: {:?}", daemon.name(), mistake.wrong, output.exit);
            if daemon == Daemon::Stayd {
                println!("{}", output.stderr);
                assert!(output.stderr.contains(&format!("test.conf:{}", mistake.place)), "{}", mistake.place);
                assert!(output.stderr.contains(mistake.says), "{}", mistake.says);
            }
            exits.push(output.exit);
        }
        assert_eq!(exits[0], exits[1], "{}", mistake.wrong);
    }
    assert_eq!(host.addresses()?, before);
    lab.close()
}

#[test]
fn a_file_that_keepalived_dies_of_ends_the_daemon_with_its_status_and_changes_nothing() -> Result {
    let lab = Lab::native()?;
    let (_lan, host) = director(&lab)?;
    let before = host.addresses()?;
    let plain = configuration::vrrp(Role::Master, 2);
    let fatal = [
        ("no such interface", plain.replace("eth0", "eth7")),
        ("VRID 0", plain.replace("virtual_router_id 1", "virtual_router_id 0")),
        ("no VRID", plain.replace("virtual_router_id 1", "")),
        ("a keyword without its word", plain.replace("interface eth0", "interface")),
        ("one VRID twice", format!("{plain}{}", plain.replace("VI_1", "VI_2"))),
    ];
    for (what, text) in fatal {
        let mut exits = Vec::new();
        for daemon in BOTH {
            let process = host.start_daemon(daemon, &text)?;
            exits.push(process.wait_for_exit(seconds(5))?);
        }
        println!("{what}: {exits:?}");
        assert_eq!(exits[0], exits[1], "{what}");
        assert_eq!(exits[1], ExitView::Code(2), "{what}");
    }
    assert_eq!(host.addresses()?, before);
    lab.close()
}

#[test]
fn without_a_file_the_daemon_ends_with_6_and_a_test_with_0() -> Result {
    let lab = Lab::native()?;
    let (_lan, host) = director(&lab)?;
    for daemon in BOTH {
        let program = daemon.path()?.display().to_string();
        let start = host.run(&program, &["-n", "-l", "-G", "-f", "/nonexistent/keepalived.conf"])?;
        assert_eq!(start.exit, Some(ExitView::Code(6)), "{}", daemon.name());
        assert!(start.stderr.contains("/nonexistent/keepalived.conf"), "{}", start.stderr);
        let test = host.run(&program, &["-t", "-f", "/nonexistent/keepalived.conf"])?;
        assert_eq!(test.exit, Some(ExitView::Code(0)), "{}", daemon.name());
    }
    lab.close()
}

#[test]
fn an_option_that_does_not_exist_ends_the_daemon_with_1() -> Result {
    let lab = Lab::native()?;
    let host = lab.host("d1")?;
    for daemon in BOTH {
        let output = host.run(&daemon.path()?.display().to_string(), &["--nonsense"])?;
        assert_eq!(output.exit, Some(ExitView::Code(1)), "{}", daemon.name());
        assert!(output.stderr.contains("nonsense"), "{}", output.stderr);
    }
    lab.close()
}

#[test]
fn a_kernel_without_ipvs_ends_the_daemon_with_1_if_virtual_servers_are_configured() -> Result {
    let lab = Lab::native()?;
    let host = lab.host("d1")?;
    if host.run("test", &["-e", "/proc/net/ip_vs"])?.exit == Some(ExitView::Code(0)) {
        println!("this kernel has IPVS: what happens without it cannot be seen here");
        return lab.close();
    }
    for daemon in BOTH {
        let process = host.start_daemon(daemon, SERVICE)?;
        assert_eq!(process.wait_for_exit(seconds(5))?, ExitView::Code(1), "{}", daemon.name());
    }
    lab.close()
}

/// What the kernel says of the addresses of a master with this `virtual_ipaddress` block.
fn addresses_of_master(host: &Host, daemon: Daemon, block: &str) -> Result<String> {
    let text =
        configuration::vrrp(Role::Master, 2).replace("priority 100", "priority 255").replace(VIP, block);
    let process = host.start_daemon(daemon, &text)?;
    host.wait_for_address("192.168.0.10", seconds(5))?;
    let addresses = host.check("ip", &["-d", "-o", "addr", "show"])?;
    process.stop(seconds(5))?;
    host.wait_for_no_address("192.168.0.10", seconds(5))?;
    // Without lifetimes and other numbers that tell nothing.
    let mut lines: Vec<_> =
        addresses.lines().map(|line| line.split('\\').next().unwrap_or(line).trim()).collect();
    lines.sort_unstable();
    Ok(lines.join("\n"))
}

#[test]
fn the_addresses_of_a_master_are_those_that_keepalived_would_set() -> Result {
    let lab = Lab::native()?;
    let (lan, host) = director(&lab)?;
    host.connect(&lan, "eth1", &["192.168.1.20/24"])?;
    for block in [
        "192.168.0.10",
        "192.168.0.10/24",
        "192.168.0.10/24 brd 192.168.0.255",
        "192.168.0.10/24 brd +",
        "192.168.0.10 dev eth1",
        "192.168.0.10 label eth0:vip",
        "192.168.0.10/24 dev eth1 scope link label eth1:1",
        "192.168.0.10 scope host\n192.168.0.11 scope site\n192.168.0.12 scope 100",
        "192.168.0.10/32\n192.168.0.10/25\n192.168.1.10/24",
    ] {
        let keepalived = addresses_of_master(&host, Daemon::Keepalived, block)?;
        let stayd = addresses_of_master(&host, Daemon::Stayd, block)?;
        println!("{block:?}:\n{stayd}");
        assert_eq!(stayd, keepalived, "{block:?}");
    }
    lab.close()
}

/// Tenths of a second after the first announcement of each announcement of the VIP, in 8 seconds.
fn announcements(lan: &Lan, host: &Host, daemon: Daemon, globals: &str) -> Result<Vec<u128>> {
    let wire = lan.capture()?;
    let text = configuration::vrrp(Role::Master, 2).replace("priority 100", "priority 255");
    let text = text.replace("global_defs {", &format!("global_defs {{\n{globals}\n"));
    let from = now();
    let process = host.start_daemon(daemon, &text)?;
    host.wait_for_address(VIP, seconds(5))?;
    std::thread::sleep(Duration::from_millis(7_500));
    process.stop(seconds(5))?;
    host.wait_for_no_address(VIP, seconds(5))?;
    let seen: Vec<_> = wire.announcements().into_iter().filter(|seen| seen.at >= from).collect();
    let first = seen.first().map_or(from, |seen| seen.at);
    // To the nearest tenth.
    Ok(seen.iter().map(|seen| (seen.at.saturating_since(first).as_millis() + 50) / 100).collect())
}

// Not the refreshes: 2.4.3 starts them one period after the second burst (its captures show it), and so does stayd; Debian's
// 2.2.7 starts them one period after the first. And not `vrrp_garp_interval`: stayd spaces all repeats of a burst, of which
// 2.2.7 sends two.
#[test]
fn announcements_come_when_and_as_often_as_keepalived_s() -> Result {
    let lab = Lab::native()?;
    let (lan, host) = director(&lab)?;
    for globals in ["", "vrrp_garp_master_delay 2\nvrrp_garp_master_repeat 3"] {
        let keepalived = announcements(&lan, &host, Daemon::Keepalived, globals)?;
        let stayd = announcements(&lan, &host, Daemon::Stayd, globals)?;
        println!("{globals:?}: {stayd:?}");
        assert_eq!(stayd, keepalived, "{globals:?}");
        assert!(!stayd.is_empty());
    }
    lab.close()
}

#[test]
fn tshark_dissects_our_adverts_and_announcements_without_a_complaint() -> Result {
    let lab = Lab::native()?;
    let (lan, host) = director(&lab)?;
    host.sysctl("ipv6/conf/eth0/disable_ipv6", "0")?;
    host.add_address("eth0", "fe80::20/64")?;
    let wire = lan.capture()?;
    let owner = |version| configuration::vrrp(Role::Master, version).replace("priority 100", "priority 255");
    let v6 = owner(3).replace(VIP, "fe80::10\n    fd00::10");
    for (text, address) in [(owner(2), VIP), (owner(3), VIP), (v6, "fd00::10")] {
        let process = host.start_daemon(Daemon::Stayd, &text)?;
        let from = now();
        wait::until(
            "an advert after the first",
            seconds(8),
            || Ok(wire.adverts()),
            |adverts| adverts.iter().filter(|advert| advert.at >= from).count() >= 2,
        )?;
        process.stop(seconds(5))?;
        host.wait_for_no_address(address, seconds(5))?;
    }
    let file = host.folder().join("wire.pcap").display().to_string();
    wire.save(std::path::Path::new(&file))?;
    let count = |filter: &str| -> Result<usize> {
        Ok(host.check("tshark", &["-r", &file, "-Y", filter])?.lines().count())
    };
    assert!(count("vrrp.version == 2")? >= 3 && count("vrrp.version == 3 && ip")? >= 3);
    assert!(count("vrrp.version == 3 && ipv6")? >= 3, "IPv6 too");
    assert_eq!(count("vrrp.prio == 0")?, 3, "each run ends with a release");
    assert!(count("arp.isgratuitous == 1")? >= 10 && count("icmpv6.type == 136")? >= 10);
    let complaints =
        host.check("tshark", &["-r", &file, "-Y", "_ws.malformed || _ws.expert.severity >= 0x400000", "-V"])?;
    assert_eq!(complaints, "", "{complaints}");
    lab.close()
}
