//! How the kernel schedules the processes: as keepalived's, and without the end that real time has in store for those.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use lab::wait::{self, seconds};
use lab::{Daemon, Host, Lab, Lan, Process, Result};
use nix::sys::signal::Signal;

/// An instance and a virtual server without a check.
const BLOCKS: &str = "\
vrrp_instance V {
  interface eth0
  virtual_router_id 51
  priority 200
  virtual_ipaddress {
    192.168.0.10
  }
}
virtual_server 192.168.0.10 80 {
  lb_algo rr
  lb_kind DR
  real_server 192.168.0.30 80 {
  }
}
";

/// What the file can say of a process, `@` standing for its name.
const SETTINGS: [&str; 4] = [
    "",
    "@_priority -3\n@_no_swap\n@_cpu_affinity 0",
    "@_rt_priority 7\n@_rlimit_rttime 900000",
    "@_rt_priority 7\n@_priority 4\n@_no_swap\nprocess_names",
];

fn host(lab: &Lab, lan: &Lan, name: &str) -> Result<Host> {
    let host = lab.director(name)?;
    host.connect(lan, "eth0", &["192.168.0.20/24"])?;
    Ok(host)
}

fn pid(host: &Host, daemon: Daemon, role: &str) -> Result<String> {
    Ok(host.check("cat", &[&format!("/run/{}{role}.pid", daemon.name())])?.trim().to_owned())
}

/// How a process is scheduled, called and limited, and whether its memory is locked. Of the time that it may compute at a
/// real-time priority, only when it gets the signal: keepalived's process is killed later, ours is not.
fn schedule(host: &Host, pid: &str) -> Result<String> {
    let shown = host.check("ps", &["--no-headers", "-o", "ni,cls,rtprio,comm", "-p", pid])?;
    let mut text = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    for line in host.check("cat", &[&format!("/proc/{pid}/status")])?.lines() {
        match line.split_once(":\t") {
            Some(("VmLck", size)) => text += if size.trim() == "0 kB" { "; not locked" } else { "; locked" },
            Some(("Cpus_allowed_list", list)) => {
                let _ = write!(text, "; on {list}");
            }
            _ => {}
        }
    }
    for line in host.check("cat", &[&format!("/proc/{pid}/limits")])?.lines() {
        let (name, values) = line.split_at_checked(25).unwrap_or_default();
        let values: Vec<_> = values.split_whitespace().collect();
        match (name.trim(), values.as_slice()) {
            ("Max realtime timeout", [soft, ..]) => {
                let _ = write!(text, "; {soft} us of real time");
            }
            (
                "Max core file size"
                | "Max locked memory"
                | "Max realtime priority"
                | "Max nice priority"
                | "Max stack size",
                [soft, hard, ..],
            ) => {
                let _ = write!(text, "; {name}{soft} {hard}", name = name.trim_start_matches("Max "));
            }
            _ => {}
        }
    }
    Ok(text)
}

#[test]
fn all_processes_are_scheduled_as_keepalived_s() -> Result {
    let lab = Lab::with_ipvs()?;
    let lan = lab.lan("lan")?;
    let host = host(&lab, &lan, "d1")?;
    for settings in SETTINGS {
        let of = |name| settings.replace('@', name);
        let text = format!("global_defs {{\n{}\n{}\n}}\n{BLOCKS}", of("vrrp"), of("checker"));
        let mut seen = BTreeMap::new();
        for daemon in [Daemon::Keepalived, Daemon::Stayd] {
            let process = host.start_daemon(daemon, &text)?;
            host.wait_for_address("192.168.0.10", seconds(30))?;
            host.wait_for_ipvs("the table", seconds(30), |table| table.contains("192.168.0.30"))?;
            for role in ["", "-vrrp", "-checkers"] {
                let schedule = schedule(&host, &pid(&host, daemon, role)?)?;
                println!("{settings:?} {}{role}: {schedule}", daemon.name());
                seen.entry(role).or_insert_with(Vec::new).push(schedule.replace("stayd", "keepalived"));
            }
            process.stop(seconds(20))?;
            host.wait_for_no_address("192.168.0.10", seconds(10))?;
        }
        for (role, schedules) in seen {
            assert_eq!(schedules[1], schedules[0], "process {role:?} with {settings:?}");
        }
    }
    lab.close()
}

/// A director with many addresses, all master.
fn many(instances: usize) -> String {
    let mut text = "global_defs {\n  vrrp_rt_priority 20\n}\n".to_owned();
    for number in 0..instances {
        let _ = write!(
            text,
            "vrrp_instance V{number} {{\n  interface eth0\n  virtual_router_id {}\n  priority 200\n  \
             virtual_ipaddress {{\n    10.1.{number}.1\n    10.2.{number}.1\n    10.3.{number}.1\n  }}\n}}\n",
            number + 1
        );
    }
    text
}

fn wait_for_many(host: &Host, process: &Process, instances: usize) -> Result {
    let count = || {
        let held = host.addresses()?;
        Ok(held.iter().filter(|view| view.address.addr().to_string().starts_with("10.")).count())
    };
    wait::until("all virtual addresses", seconds(30), count, |held| *held == instances * 3)?;
    let log = process.log()?;
    assert!(!log.contains("ended unexpectedly"), "{log}");
    Ok(())
}

/// keepalived's VRRP process dies at each of these steps, and the one that replaces it does too.
#[test]
fn a_large_configuration_costs_a_process_in_real_time_its_life_neither_at_the_start_nor_at_reloads() -> Result
{
    let lab = Lab::native()?;
    let lan = lab.lan("lan")?;
    let host = host(&lab, &lan, "d1")?;
    let process = host.start_daemon(Daemon::Stayd, &many(200))?;
    wait_for_many(&host, &process, 200)?;
    let first = pid(&host, Daemon::Stayd, "-vrrp")?;
    for instances in [100, 200, 150] {
        host.write("stayd.conf", &many(instances))?;
        process.signal(Signal::SIGHUP)?;
        wait_for_many(&host, &process, instances)?;
        assert_eq!(pid(&host, Daemon::Stayd, "-vrrp")?, first);
        // While it works it may be without.
        let shown = || schedule(&host, &first);
        wait::until("real time", seconds(5), shown, |schedule| schedule.starts_with("- RR 20 "))?;
    }
    process.stop(seconds(20))?;
    lab.close()
}
