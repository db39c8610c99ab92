//! What a killed daemon, or a killed process of one, leaves in the kernel, and what its successor makes of it.

use lab::wait::{self, seconds};
use lab::{Daemon, Host, Lab, Result};

fn director(lab: &Lab) -> Result<Host> {
    let lan = lab.lan("lan")?;
    let host = lab.host("d1")?;
    host.connect(&lan, "eth0", &["10.1.0.1/24", "2001:db8:1::1/64", "fe80::1/64"])?;
    Ok(host)
}

fn file(globals: &str, body: &str) -> String {
    format!(
        "{globals}\nvrrp_instance VI {{\n  state MASTER\n  interface eth0\n  virtual_router_id 51\n  priority 250\n  \
         advert_int 1\n{body}\n}}\n"
    )
}

/// Addresses, routes and rules as the kernel shows them.
fn holdings(host: &Host) -> Result<String> {
    host.check(
        "sh",
        &["-c", "ip -o addr; ip route show table all; ip -6 route show table all; ip rule; ip -6 rule"],
    )
}

#[test]
fn what_a_killed_daemon_left_and_nobody_wants_is_removed_and_what_is_foreign_stays() -> Result {
    let lab = Lab::native()?;
    let host = director(&lab)?;
    let before = file(
        "static_ipaddress {\n  10.1.0.60/24 dev eth0\n}\nstatic_routes {\n  198.51.100.0/24 via 10.1.0.2 dev eth0\n  \
         2001:db8:60::/48 via 2001:db8:1::2 dev eth0\n}\nstatic_rules {\n  from 10.60.0.0/16 table 60 preference \
         1060\n}",
        "  virtual_ipaddress {\n    10.1.0.100/24\n    10.1.0.101/24\n  }\n  virtual_routes {\n    192.0.2.0/24 via \
         10.1.0.2 dev eth0\n  }\n  virtual_rules {\n    from 10.61.0.0/16 table 61 preference 1061\n  }",
    );
    let after = file(
        "static_routes {\n  198.51.100.0/24 via 10.1.0.2 dev eth0\n}",
        "  virtual_ipaddress {\n    10.1.0.101/24\n  }",
    );
    let stale = ["10.1.0.60/", "10.1.0.100/", "2001:db8:60::", "192.0.2.0/24", "1060:", "1061:"];
    let kept = ["10.1.0.101/", "198.51.100.0/24"];
    let foreign = ["10.1.0.77/", "203.0.113.0/24", "1077:"];

    let killed = host.start_daemon(Daemon::Stayd, &before)?;
    let all_there = |text: &String| stale.iter().chain(&kept).all(|one| text.contains(one));
    wait::until("everything installed", seconds(15), || holdings(&host), all_there)?;
    killed.kill()?;
    let left = holdings(&host)?;
    assert!(all_there(&left), "nobody was there to clean up: {left}");
    for command in [
        "ip addr add 10.1.0.77/24 dev eth0",
        "ip route add 203.0.113.0/24 via 10.1.0.3 proto 77",
        "ip rule add from 10.77.0.0/16 table 77 preference 1077 protocol 77",
    ] {
        host.check("sh", &["-c", command])?;
    }

    let successor = host.start_daemon(Daemon::Stayd, &after)?;
    let clean = |text: &String| {
        kept.iter().all(|one| text.contains(one)) && !stale.iter().any(|one| text.contains(one))
    };
    wait::until("the leftovers gone", seconds(15), || holdings(&host), clean)?;
    let now = holdings(&host)?;
    assert!(foreign.iter().all(|one| now.contains(one)), "foreign things are left alone: {now}");
    successor.wait_for_log("removed what an earlier run left: 10.1.0.60/24", seconds(1))?;
    successor.stop(seconds(5))?;
    lab.close()
}

#[test]
fn beside_another_daemon_of_its_kind_nothing_is_taken_for_a_leftover() -> Result {
    let lab = Lab::native()?;
    let host = director(&lab)?;
    let first = host.start_daemon(Daemon::Keepalived, &file("", "  virtual_routes {\n    192.0.2.0/24 via 10.1.0.2 dev eth0\n  }\n  virtual_ipaddress {\n    10.1.0.100/24\n  }"))?;
    host.wait_for_address("10.1.0.100", seconds(15))?;
    let second = host.start_daemon(
        Daemon::Stayd,
        &file("", "  virtual_ipaddress {\n    10.1.0.101/24\n  }")
            .replace("virtual_router_id 51", "virtual_router_id 52"),
    )?;
    host.wait_for_address("10.1.0.101", seconds(15))?;
    let now = holdings(&host)?;
    assert!(now.contains("10.1.0.100/") && now.contains("192.0.2.0/24"), "{now}");
    second.wait_for_log("leftovers of earlier runs stay", seconds(1))?;
    for daemon in [second, first] {
        daemon.stop(seconds(5))?;
    }
    lab.close()
}

#[test]
fn settings_that_a_crashed_process_had_changed_are_put_back_at_the_end() -> Result {
    let lab = Lab::native()?;
    let host = director(&lab)?;
    host.sysctl("ipv4/conf/all/rp_filter", "2")?;
    let settings = || {
        let names = ["eth0/arp_ignore", "eth0/arp_filter", "all/rp_filter", "eth0/promote_secondaries"];
        let paths = names.map(|name| format!("/proc/sys/net/ipv4/conf/{name}"));
        host.check("grep", &[&["."], &paths.each_ref().map(String::as_str)[..]].concat())
    };
    let original = settings()?;
    let stayd = host.start_daemon(
        Daemon::Stayd,
        &file("", "  use_vmac\n  promote_secondaries\n  virtual_ipaddress {\n    10.1.0.100/24\n  }"),
    )?;
    host.wait_for_address("10.1.0.100", seconds(15))?;
    let changed = settings()?;
    assert_ne!(changed, original, "a VMAC needs other settings");
    let pid = host.check("cat", &["/run/stayd-vrrp.pid"])?;
    host.check("kill", &["-9", pid.trim()])?;
    stayd.wait_for_log("resumed after a restart of the process", seconds(15))?;
    assert_eq!(settings()?, changed);
    stayd.stop(seconds(10))?;
    assert_eq!(settings()?, original);
    lab.close()
}
