//! What pipes are told of several instances and sync groups, line for line and in whose order: the same life of one host with
//! keepalived, then with stayd.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use lab::wait::seconds;
use lab::{Daemon, Host, Lab, Lan, Process, Result};
use nix::sys::signal::Signal;

/// Times of the same line may differ by so much: keepalived's own do, on a busy machine.
const TOLERANCE: f64 = 0.5;

struct Stage {
    lab: Lab,
    host: Host,
    neighbour: Host,
    _lans: [Lan; 2],
}

impl Stage {
    fn enter() -> Result<Self> {
        let lab = Lab::native()?;
        let lans = [lab.lan("lan")?, lab.lan("other")?];
        let (host, neighbour) = (lab.host("d1")?, lab.host("d2")?);
        host.connect(&lans[0], "eth0", &["192.168.0.20/24"])?;
        host.connect(&lans[1], "eth1", &["192.168.1.20/24"])?;
        neighbour.connect(&lans[0], "eth0", &["192.168.0.30/24"])?;
        Ok(Self { lab, host, neighbour, _lans: lans })
    }

    /// Starts a daemon whose pipe is read from before its first line to after its last.
    fn start(&self, daemon: Daemon, blocks: &str) -> Result<Life<'_>> {
        let pipe = format!("{}/pipe-{}", self.host.folder().display(), daemon.name());
        self.host.check("mkfifo", &[&pipe])?;
        // Open for writing too, so that it does not end while the daemon reads its configuration anew.
        let reads = format!("exec <>{pipe}; while read -r line; do echo \"$(date +%s.%N) $line\"; done");
        let reader = self.host.start(&format!("reader-{}", daemon.name()), "sh", &["-c", &reads])?;
        let mut life = Life { stage: self, daemon, pipe, reader, process: None };
        life.process = Some(self.host.start_daemon(daemon, &life.configuration(blocks))?);
        Ok(life)
    }

    fn link(&self, interface: &str, state: &str) -> Result {
        self.host.check("ip", &["link", "set", interface, state]).map(drop)
    }
}

/// One daemon from start to stop.
struct Life<'a> {
    stage: &'a Stage,
    daemon: Daemon,
    pipe: String,
    reader: Process,
    process: Option<Process>,
}

impl Life<'_> {
    fn configuration(&self, blocks: &str) -> String {
        format!("global_defs {{\n  script_user root\n  vrrp_notify_fifo {}\n}}\n{blocks}", self.pipe)
    }

    fn reload(&self, blocks: &str) -> Result {
        self.stage.host.write(&format!("{}.conf", self.daemon.name()), &self.configuration(blocks))?;
        match &self.process {
            Some(process) => process.signal(Signal::SIGHUP).map(drop),
            None => Ok(()),
        }
    }

    /// Waits until there are so many lines with this beginning.
    fn told(&self, what: &str, times: usize) -> Result {
        let enough = |log: &str| {
            log.lines()
                .filter(|line| line.split_once(' ').is_some_and(|(_, it)| it.starts_with(what)))
                .count()
                >= times
        };
        self.reader.wait_until_log(&format!("{times} x {what}"), seconds(20), enough)
    }

    /// Stops the daemon; all lines, and the seconds from the first one to each.
    fn end(self, last: &str) -> Result<Vec<(f64, String)>> {
        if let Some(process) = &self.process {
            process.stop(seconds(10))?;
        }
        self.told(last, 1)?;
        let log = self.reader.log()?;
        self.reader.kill()?;
        let timed = log.lines().filter_map(|line| line.split_once(' '));
        let timed: Vec<_> =
            timed.map(|(time, line)| (time.parse().unwrap_or_default(), line.to_owned())).collect();
        let first: f64 = timed.first().map(|(time, _)| *time).unwrap_or_default();
        Ok(timed.into_iter().map(|(time, line)| (time - first, line)).collect())
    }
}

/// Lets both live the same life, and compares what their pipes were told, and when.
fn beside_keepalived(live: impl Fn(&Stage, Daemon) -> Result<Vec<(f64, String)>>) -> Result {
    let stage = Stage::enter()?;
    let theirs = live(&stage, Daemon::Keepalived)?;
    let ours = live(&stage, Daemon::Stayd)?;
    for (time, line) in &ours {
        println!("{time:6.3} {line}");
    }
    let lines = |told: &[(f64, String)]| told.iter().map(|(_, line)| line.clone()).collect::<Vec<_>>();
    assert_eq!(lines(&ours), lines(&theirs), "{}", stage.lab.diff(&lines(&theirs), &lines(&ours))?);
    for ((our_time, line), (their_time, _)) in ours.iter().zip(&theirs) {
        assert!((our_time - their_time).abs() < TOLERANCE, "{line}: {our_time} s, keepalived {their_time} s");
    }
    stage.lab.close()
}

fn instance(name: &str, interface: &str, vrid: u8, priority: u8, more: &str) -> String {
    format!(
        "vrrp_instance {name} {{\n  interface {interface}\n  virtual_router_id {vrid}\n  priority {priority}\n  \
         virtual_ipaddress {{\n    192.168.0.{vrid} dev eth0\n  }}\n{more}}}\n"
    )
}

fn group(name: &str, members: &[&str]) -> String {
    format!("vrrp_sync_group {name} {{\n  group {{\n    {}\n  }}\n}}\n", members.join("\n    "))
}

#[test]
fn owners_in_groups_and_alone_become_masters_when_and_in_the_order_that_keepalived_s_do() -> Result {
    let (master, backup) = ("  state MASTER\n", "  state BACKUP\n");
    // No two timers end at the same moment. With adverts every 2 s an owner waits 6 s for another master.
    let slow_backup = "  state BACKUP\n  advert_int 2\n";
    let blocks = [
        instance("PLAIN1", "eth0", 51, 255, ""),
        instance("PLAIN2", "eth1", 52, 255, "  advert_int 2\n"),
        instance("ASKING1", "eth0", 53, 255, master),
        instance("ASKING2", "eth1", 54, 255, master),
        instance("SHY1", "eth0", 55, 255, master),
        instance("SHY2", "eth1", 56, 255, slow_backup),
        instance("MIXED1", "eth0", 57, 255, ""),
        instance("MIXED2", "eth1", 58, 100, ""),
        instance("LONE", "eth0", 59, 255, ""),
        instance("LONELY", "eth0", 60, 255, backup),
        group("PLAIN", &["PLAIN1", "PLAIN2"]),
        group("ASKING", &["ASKING1", "ASKING2"]),
        group("SHY", &["SHY1", "SHY2"]),
        group("MIXED", &["MIXED1", "MIXED2"]),
    ]
    .concat();
    beside_keepalived(|stage, daemon| {
        let life = stage.start(daemon, &blocks)?;
        life.told("GROUP \"SHY\" MASTER", 1)?;
        life.end("GROUP \"MIXED\" STOP")
    })
}

#[test]
fn owners_wait_for_their_down_timers_after_a_fault_and_do_not_after_a_script_is_awaited() -> Result {
    let script = "vrrp_script slow {\n  script \"/bin/sleep 1\"\n  interval 30\n}\n\
                  vrrp_script bad {\n  script \"/usr/bin/timeout 0.5 /bin/sleep 5\"\n  interval 30\n}\n";
    let awaits = |name: &str| format!("  track_script {{\n    {name}\n  }}\n");
    let follows = "  track_interface {\n    eth1\n  }\n";
    let blocks = [
        script.to_owned(),
        instance("FOLLOWING", "eth0", 51, 255, follows),
        instance("AWAITING1", "eth0", 52, 255, &awaits("slow")),
        instance("AWAITING2", "eth0", 53, 255, ""),
        instance("FAILING1", "eth0", 54, 100, ""),
        instance("FAILING2", "eth0", 55, 100, &awaits("bad")),
        instance("OTHER", "eth0", 56, 100, &awaits("slow")),
        group("AWAITING", &["AWAITING1", "AWAITING2"]),
        group("FAILING", &["FAILING1", "FAILING2"]),
    ]
    .concat();
    beside_keepalived(|stage, daemon| {
        let life = stage.start(daemon, &blocks)?;
        life.told("INSTANCE \"OTHER\" MASTER", 1)?;
        stage.link("eth1", "down")?;
        life.told("INSTANCE \"FOLLOWING\" FAULT", 1)?;
        stage.link("eth1", "up")?;
        life.told("INSTANCE \"FOLLOWING\" MASTER", 2)?;
        life.end("GROUP \"FAILING\" STOP")
    })
}

#[test]
fn groups_and_instances_are_told_of_in_keepalived_s_order_at_starts_reloads_faults_and_the_end() -> Result {
    // Priorities so far apart that down timers end one after the other.
    let deleted = "  notify_deleted\n";
    let follows = "  notify_deleted\n  track_interface {\n    eth1\n  }\n";
    let (a1, a2) = (instance("A1", "eth0", 51, 110, ""), instance("A2", "eth0", 52, 20, deleted));
    let (b1, b2) = (instance("B1", "eth1", 53, 130, deleted), instance("B2", "eth1", 54, 60, ""));
    let (c1, c2) = (instance("C1", "eth0", 57, 240, ""), instance("C2", "eth0", 58, 200, deleted));
    let (l1, l2) = (instance("L1", "eth0", 55, 150, ""), instance("L2", "eth0", 56, 180, ""));
    let l3 = instance("L3", "eth1", 59, 220, deleted);
    let owner = instance("O", "eth0", 60, 255, deleted);
    let (a, b, c) = (group("A", &["A1", "A2"]), group("B", &["B1", "B2"]), group("C", &["C1", "C2"]));
    let start = [&*owner, &a1, &l1, &b1, &b, &l2, &a2, &b2, &a].concat();
    // The owner and L2 go, C and L3 come, L1 follows an interface.
    let l1_follows = instance("L1", "eth0", 55, 150, follows);
    let second = [&*c, &c2, &a1, &b1, &l3, &l1_follows, &a2, &b2, &a, &b, &c1].concat();
    // C and B go with all they have, the owner comes again, and L2.
    let third = [&*l2, &a2, &l1, &l3, &owner, &a1, &a].concat();
    beside_keepalived(|stage, daemon| {
        stage.link("eth1", "down")?;
        let life = stage.start(daemon, &start)?;
        life.told("GROUP \"A\" MASTER", 1)?;
        life.reload(&second)?;
        life.told("GROUP \"C\" MASTER", 1)?;
        stage.link("eth1", "up")?;
        life.told("GROUP \"B\" MASTER", 1)?;
        stage.link("eth1", "down")?;
        life.told("GROUP \"B\" FAULT", 2)?;
        life.reload(&third)?;
        life.told("INSTANCE \"L1\" MASTER", 3)?;
        stage.link("eth1", "up")?;
        life.told("INSTANCE \"L3\" MASTER", 2)?;
        life.end("GROUP \"A\" STOP")
    })
}

#[test]
fn an_advert_of_lower_priority_is_told_of_its_master_only_and_runs_its_own_script_only() -> Result {
    let stage = Stage::enter()?;
    let log = stage.host.write("notified", "")?.display().to_string();
    let script = stage.host.write("script.sh", &format!("#!/bin/sh\necho \"$*\" >>{log}\n"))?;
    let script = script.display().to_string();
    stage.host.check("chmod", &["755", &script])?;
    let more = format!(
        "  notify \"{script} any\"\n  notify_master \"{script} master\"\n  notify_master_rx_lower_pri \"{script} lower\"\n"
    );
    let together =
        format!("vrrp_sync_group G {{\n  group {{\n    V1\n    V2\n  }}\n  notify \"{script} group\"\n}}\n");
    let blocks =
        [instance("V1", "eth0", 51, 100, &more), instance("V2", "eth1", 52, 110, &more), together].concat();
    let mut seen = Vec::new();
    for daemon in [Daemon::Keepalived, Daemon::Stayd] {
        stage.host.write("notified", "")?;
        let life = stage.start(daemon, &blocks)?;
        life.told("GROUP \"G\" MASTER", 1)?;
        // As many lines as adverts: also one that gives the mastership up is of lower priority, but is no contender.
        for (count, priority) in [(1, 50), (1, 0), (2, 99), (3, 1)] {
            send(&stage.neighbour, priority)?;
            life.told("INSTANCE \"V1\" MASTER_RX_LOWER_PRI", count)?;
            // stayd tells of ten in an interval at most (docs/differences.md).
            std::thread::sleep(Duration::from_millis(150));
        }
        let lines: Vec<_> = life.end("GROUP \"G\" STOP")?.into_iter().map(|(_, line)| line).collect();
        let ran = stage.host.check("cat", &[&log])?;
        // Who of two scripts of the same moment writes first is nobody's promise.
        let mut ran: Vec<_> = ran.lines().map(str::to_owned).collect();
        ran.sort();
        seen.push((lines, ran));
    }
    println!("{:#?}", seen[1]);
    assert_eq!(seen[1], seen[0]);
    assert_eq!(seen[1].1.iter().filter(|line| line.starts_with("lower")).count(), 3);
    stage.lab.close()
}

/// The neighbour sends an advert of the instance V1.
fn send(neighbour: &Host, priority: u8) -> Result {
    let advert = vrrp::Advert {
        version: vrrp::Version::V2,
        vrid: vrrp::VirtualRouterId::new(51).ok_or_else(|| lab::Error::Unmet("51 is a VRID".into()))?,
        priority,
        interval: vrrp::Centiseconds::from_secs(1),
        addresses: vec![IpAddr::V4(Ipv4Addr::new(192, 168, 0, 51))],
        authentication: vrrp::AuthenticationData::None,
    };
    let (source, group) = (Ipv4Addr::new(192, 168, 0, 30), Ipv4Addr::new(224, 0, 0, 18));
    let bytes = advert.to_bytes(source.into(), group.into());
    let bytes = bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    let program = include_str!("malformed/send.py");
    neighbour.check("python3", &["-c", program, &source.to_string(), "255", &bytes]).map(drop)
}
