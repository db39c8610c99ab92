//! The life of the daemon as those see it who run it: in a container, with a system's log, and through reloads.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use lab::site::ExitView;
use lab::wait::{self, seconds};
use lab::{Daemon, Host, Lab, Process, Result};

const BOTH: [Daemon; 2] = [Daemon::Keepalived, Daemon::Stayd];

fn instance(addresses: &[&str]) -> String {
    let addresses = addresses.join("\n    ");
    format!(
        "vrrp_instance VI {{\n  state MASTER\n  interface eth0\n  virtual_router_id 51\n  priority 255\n  \
         virtual_ipaddress {{\n    {addresses}\n  }}\n}}\n"
    )
}

fn host(lab: &Lab, name: &str) -> Result<Host> {
    let host = lab.host(name)?;
    let lan = lab.lan(&format!("lan-{name}"))?;
    host.connect(&lan, "eth0", &["192.168.0.2/24"])?;
    Ok(host)
}

fn start(host: &Host, daemon: Daemon, text: &str, arguments: &[&str]) -> Result<Process> {
    let file = host.write("c.conf", text)?.display().to_string();
    let all: Vec<_> = arguments.iter().copied().chain(["-f", &file]).collect();
    host.start(daemon.name(), &daemon.path()?.display().to_string(), &all)
}

#[test]
fn as_process_1_of_a_container_it_waits_for_orphans_and_ends_when_told() -> Result {
    let lab = Lab::native()?;
    for daemon in BOTH {
        let host = host(&lab, &format!("c-{}", &daemon.name()[..1]))?;
        let file = host.write("c.conf", &instance(&["192.168.0.10"]))?.display().to_string();
        let program = daemon.path()?.display().to_string();
        // The shell is replaced: what is started is process 1.
        let line = ["--fork", "--pid", "--mount-proc", "--kill-child", &program, "-nlG", "-f", &file];
        let outer = host.start(daemon.name(), "unshare", &line)?;
        host.wait_for_address("192.168.0.10", seconds(20))?;
        let inner = outer.tree()?[1].to_string();
        // What this leaves behind belongs to process 1 of its pid namespace.
        let orphan = "sleep 0.2 & exec true";
        host.check("nsenter", &["-t", &inner, "-p", "-m", "sh", "-c", orphan])?;
        let dead = || {
            let listed = host.check("ps", &["--no-headers", "-o", "stat,comm", "--ppid", &inner])?;
            Ok(listed.lines().filter(|line| line.contains("sleep")).map(str::to_owned).collect::<Vec<_>>())
        };
        wait::until("the orphan to be gone", seconds(20), dead, Vec::is_empty)?;
        host.check("kill", &["-TERM", &inner])?;
        assert_eq!(outer.wait_for_exit(seconds(10))?, ExitView::Code(0), "{}", daemon.name());
        host.wait_for_no_address("192.168.0.10", seconds(5))?;
    }
    lab.close()
}

/// Lays a socket where a system's log is, as the host sees it.
fn system_log(host: &Host) -> Result<UnixDatagram> {
    let path = host.folder().join("log");
    let listener = UnixDatagram::bind(&path).unwrap();
    listener.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    let line = format!(
        "mkdir /run/dev && mount -t tmpfs dev /run/dev && mknod /run/dev/null c 1 3 && mknod /run/dev/zero c 1 5 && \
         mknod /run/dev/urandom c 1 9 && ln -s {} /run/dev/log && mount --move /run/dev /dev",
        path.display()
    );
    host.check("sh", &["-c", &line])?;
    Ok(listener)
}

/// Priority and name of a line: `<158>Nov 25 03:15:46 Keepalived_vrrp[12]: text`.
fn origin(line: &str) -> Option<(String, String)> {
    let (priority, rest) = line.strip_prefix('<')?.split_once('>')?;
    let name = rest.get("Nov 25 03:15:46 ".len()..)?.split_once('[')?.0;
    Some((priority.to_owned(), name.to_owned()))
}

#[test]
fn the_log_goes_to_the_facility_that_is_asked_for_under_keepalived_s_names() -> Result {
    let lab = Lab::native()?;
    for (arguments, facility) in [(&["-n", "-D"][..], 3), (&["-nD", "--log-facility=local3"][..], 19)] {
        for daemon in BOTH {
            let host = host(&lab, &format!("l{facility}-{}", &daemon.name()[..1]))?;
            let listener = system_log(&host)?;
            let text = format!("instance one\n{}", instance(&["192.168.0.10"]));
            let process = start(&host, daemon, &text, arguments)?;
            let mut origins = BTreeSet::new();
            let mut buffer = [0; 4096];
            // 8 x facility and 6 for what is said in passing.
            let info = (facility * 8 + 6).to_string();
            let wanted =
                ["Keepalived_one", "Keepalived_vrrp_one"].map(|name| (info.clone(), name.to_owned()));
            wait::until(
                &format!("lines of {} for facility {facility}", daemon.name()),
                seconds(20),
                || {
                    while let Ok(length) = listener.recv(&mut buffer) {
                        origins.extend(origin(&String::from_utf8_lossy(&buffer[..length])));
                    }
                    Ok(origins.clone())
                },
                |origins: &BTreeSet<_>| wanted.iter().all(|origin| origins.contains(origin)),
            )?;
            assert_eq!(process.log()?, "", "{}: what is logged is not printed", daemon.name());
            process.stop(seconds(10))?;
        }
    }
    lab.close()
}

#[test]
fn a_reload_comes_at_the_time_that_a_file_holds() -> Result {
    let lab = Lab::native()?;
    let with = |addresses: &[&str]| {
        format!(
            "global_defs {{\n  reload_time_file /run/when\n  reload_file /run/reloading\n}}\n{}",
            instance(addresses)
        )
    };
    let mut sides = Vec::new();
    for daemon in BOTH {
        let host = host(&lab, &format!("t-{}", &daemon.name()[..1]))?;
        let process = start(&host, daemon, &with(&["192.168.0.10"]), &["-nlG"])?;
        host.wait_for_address("192.168.0.10", seconds(20))?;
        host.write("c.conf", &with(&["192.168.0.10", "192.168.0.11"]))?;
        host.check("sh", &["-c", "date -d '+3 sec' +%H:%M:%S > /run/w; mv /run/w /run/when"])?;
        assert!(!host.holds("192.168.0.11")?, "{}", daemon.name());
        sides.push((host, process));
    }
    for (host, process) in &sides {
        host.wait_for_address("192.168.0.11", seconds(20))?;
        let left = || {
            host.check("find", &["/run/when", "/run/reloading", "-maxdepth", "0"])
                .or_else(|_| Ok(String::new()))
        };
        wait::until("the files of the reload to go", seconds(10), left, String::is_empty)?;
        process.stop(seconds(10))?;
    }
    lab.close()
}

#[test]
fn reloads_that_come_together_end_with_the_last_file_and_a_bad_one_changes_nothing() -> Result {
    let lab = Lab::native()?;
    let host = host(&lab, "d1")?;
    let process = start(&host, Daemon::Stayd, &instance(&["192.168.0.10"]), &["-nlG"])?;
    host.wait_for_address("192.168.0.10", seconds(20))?;
    for round in 20..60 {
        let address = format!("192.168.0.{round}");
        host.write("c.conf", &instance(&["192.168.0.10", &address]))?;
        process.signal(nix::sys::signal::Signal::SIGHUP)?;
    }
    host.wait_for_address("192.168.0.59", seconds(20))?;
    for round in 20..59 {
        host.wait_for_no_address(&format!("192.168.0.{round}"), seconds(10))?;
    }
    assert!(host.holds("192.168.0.10")?);

    // A second instance that cannot be: the first one is not touched either.
    let bad =
        instance(&["192.168.0.77"]) + "vrrp_instance B {\n  interface nowhere\n  virtual_router_id 1\n}\n";
    host.write("c.conf", &bad)?;
    process.signal(nix::sys::signal::Signal::SIGHUP)?;
    process.wait_for_log("reload refused", seconds(10))?;
    host.write("c.conf", &format!("instance other\n{}", instance(&["192.168.0.78"])))?;
    process.signal(nix::sys::signal::Signal::SIGHUP)?;
    process.wait_for_log("instance cannot change", seconds(10))?;
    assert!(host.holds("192.168.0.59")? && !host.holds("192.168.0.77")? && !host.holds("192.168.0.78")?);
    assert_eq!(process.stop(seconds(10))?.1, ExitView::Code(0));
    lab.close()
}

#[test]
fn addresses_are_told_and_released() -> Result {
    let lab = Lab::native()?;
    for daemon in BOTH {
        let host = host(&lab, &format!("p-{}", &daemon.name()[..1]))?;
        let process = start(&host, daemon, &instance(&["192.168.0.10"]), &["-nlGaX"])?;
        host.wait_for_address("192.168.0.10", seconds(20))?;
        host.add_address("eth0", "192.168.0.77/32")?;
        process.wait_until_log("the address that came", seconds(10), |log| {
            log.lines().any(|line| line.contains("192.168.0.77 added to eth0"))
        })?;
        host.cut("eth0")?;
        host.wait_for_no_address("192.168.0.10", seconds(10))?;
        assert!(host.holds("192.168.0.77")?, "{}", daemon.name());
        process.stop(seconds(10))?;
    }
    lab.close()
}
