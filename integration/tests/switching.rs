//! A running director is switched from keepalived to stayd and back again, while clients are served through it: each daemon
//! leaves its addresses and its table behind (`-V -I`), and the next one goes on with them. And a director whose daemon
//! is killed with all its processes, and started again.
//!
//! **No connection is cut, no new one is refused, the VIP is there at every moment, and the table is never empty.** Only
//! keepalived takes the VIP away when it starts; on the way back `lo` holds it meanwhile.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use lab::site::ExitView;
use lab::wait::{self, seconds};
use lab::{Daemon, Host, Lab, Lan, Process, Result};

const VIP: &str = "192.168.0.10";
const HELD: &str = "192.168.0.10/32";
const PORT: u16 = 8080;
/// Connections that stay open all the time.
const LONG: usize = 20;
const SERVERS: [(&str, &str); 2] = [("s0", "192.168.0.100"), ("s1", "192.168.0.101")];
const TRAFFIC: &str = include_str!("reload_traffic/traffic.py");

/// One file for both.
const FILE: &str = "global_defs {
  router_id d1
}
vrrp_instance VI_1 {
  state MASTER
  interface eth0
  virtual_router_id 1
  priority 100
  advert_int 1
  virtual_ipaddress {
    192.168.0.10
  }
}
virtual_server 192.168.0.10 8080 {
  protocol TCP
  lb_algo rr
  lb_kind DR
  delay_loop 1
  real_server 192.168.0.100 8080 {
    TCP_CHECK {
      retry 3
      connect_timeout 5
    }
  }
  real_server 192.168.0.101 8080 {
    TCP_CHECK {
      retry 3
      connect_timeout 5
    }
  }
}
";

/// As it stands in a unit; the pid files and their folder are the ones that both use when nothing is said.
fn start(director: &Host, log: &str, daemon: Daemon, file: &str) -> Result<Process> {
    let path = daemon.path()?.display().to_string();
    let process = director.start(log, &path, &["-n", "-l", "-D", "-G", "-V", "-I", "-f", file])?;
    let master = if daemon == Daemon::Stayd { "-> MASTER" } else { "Entering MASTER STATE" };
    process.wait_for_log(master, seconds(30))?;
    director.wait_for_ipvs("both servers", seconds(20), |table| {
        SERVERS.iter().all(|(_, address)| table.contains(&format!("-r {address}:{PORT} -g -w 1")))
    })?;
    Ok(process)
}

/// The real servers, each a host of its own.
fn start_servers(lab: &Lab, lan: &Lan) -> Result<Vec<Host>> {
    let mut hosts = Vec::new();
    for (name, address) in SERVERS {
        let host = lab.host(name)?;
        host.connect(lan, "eth0", &[&format!("{address}/24")])?;
        host.serve_vip(Daemon::Keepalived, VIP)?;
        let program = host.write("traffic.py", TRAFFIC)?;
        let words = ["-u", program.to_str().unwrap(), "serve", name, &PORT.to_string()];
        host.start("server", "/usr/bin/python3", &words)?.wait_for_log("ready", seconds(20))?;
        hosts.push(host);
    }
    Ok(hosts)
}

/// How a daemon ends.
#[derive(Clone, Copy)]
enum End {
    /// It is told to.
    Stopped,
    /// All its processes are killed at once.
    Killed,
}

impl End {
    fn apply(self, host: &Host, running: &Process) -> Result<ExitView> {
        match self {
            Self::Stopped => Ok(running.stop(seconds(20))?.1),
            Self::Killed => {
                // None of them is to see another one die.
                let pids: Vec<_> = running.tree()?.iter().map(u32::to_string).collect();
                for signal in ["-STOP", "-KILL"] {
                    let words: Vec<_> = [signal].into_iter().chain(pids.iter().map(String::as_str)).collect();
                    host.check("kill", &words)?;
                }
                running.wait_for_exit(seconds(20))
            }
        }
    }
}

/// One change of the daemon.
struct Step {
    log: &'static str,
    end: End,
    next: Daemon,
    /// Whether `lo` holds the VIP meanwhile.
    held: bool,
}

const STEPS: [Step; 4] = [
    Step { log: "switched", end: End::Stopped, next: Daemon::Stayd, held: false },
    Step { log: "stopped", end: End::Stopped, next: Daemon::Stayd, held: false },
    Step { log: "killed", end: End::Killed, next: Daemon::Stayd, held: false },
    Step { log: "back", end: End::Stopped, next: Daemon::Keepalived, held: true },
];

#[test]
fn a_director_goes_from_keepalived_to_stayd_and_back_without_a_connection_lost() -> Result {
    let lab = Lab::with_ipvs()?;
    let lan = lab.lan("lan")?;
    let director = lab.director("d1")?;
    director.connect(&lan, "eth0", &["192.168.0.20/24"])?;
    let _servers = start_servers(&lab, &lan)?;
    let client = lab.host("client")?;
    client.connect(&lan, "eth0", &["192.168.0.50/24"])?;
    let file = director.write("keepalived.conf", FILE)?.display().to_string();

    let mut running = start(&director, "before", Daemon::Keepalived, &file)?;
    // From here on, again and again: the servers in the table, and the interfaces that have the VIP.
    let script = "while :; do echo $(ipvsadm -S -n | grep -c -- '^-a') $(ip -o -4 addr show | grep -c ' 192.168.0.10/32 '); done";
    let watch = director.start("watch", "sh", &["-c", script])?;
    watch.wait_until_log("looks", seconds(20), |log| log.lines().count() > 2)?;
    let stop = client.folder().join("stop");
    let (port, count) = (PORT.to_string(), LONG.to_string());
    let program = client.write("traffic.py", TRAFFIC)?;
    let words =
        ["-u", program.to_str().unwrap(), "client", VIP, &port, &count, stop.to_str().unwrap(), "s0,s1"];
    let traffic = client.start("traffic", "/usr/bin/python3", &words)?;
    traffic.wait_for_log("ready", seconds(30))?;

    for step in &STEPS {
        if step.held {
            director.check("ip", &["address", "add", HELD, "dev", "lo"])?;
        }
        let exit = step.end.apply(&director, &running)?;
        let left = director.check("ip", &["-o", "address", "show", "dev", "eth0"])?;
        assert!(left.contains(HELD), "nothing is left behind: {exit:?}\n{left}");
        let begin = std::time::Instant::now();
        running = start(&director, step.log, step.next, &file)?;
        println!(
            "{}: {} is master, with both servers, after {:.1} s",
            step.log,
            step.next.name(),
            begin.elapsed().as_secs_f64()
        );
        wait::until(
            "the VIP on eth0",
            seconds(20),
            || director.check("ip", &["-o", "address", "show", "dev", "eth0"]),
            |addresses| addresses.contains(HELD),
        )?;
        if step.held {
            director.check("ip", &["address", "del", HELD, "dev", "lo"])?;
        }
    }

    client.write("stop", "")?;
    wait::until("the end of the traffic", seconds(60), || traffic.log(), |log| log.contains("end: "))?;
    let log = traffic.log()?;
    let figure = |name: &str| -> usize {
        let words: Vec<_> = log.lines().last().unwrap().split_whitespace().collect();
        let at = words.iter().position(|word| *word == name).unwrap();
        words[at + 1].parse().unwrap()
    };
    println!("{}", log.lines().last().unwrap());
    assert!(!log.contains("LOST") && !log.contains("REFUSED"), "{log}");
    assert_eq!((figure("long"), figure("silent")), (LONG, 0), "{log}");
    assert!(figure("new") >= 50 && figure("asked") >= 3 * LONG, "too little happened: {log}");

    let looks = watch.log()?;
    let whole = looks.rfind('\n').map_or("", |end| &looks[..end]);
    let seen: BTreeSet<_> = whole.lines().collect();
    println!(
        "servers in the table, and interfaces with the VIP, in {} looks: {seen:?}",
        whole.lines().count()
    );
    assert!(seen.iter().all(|look| ["2 1", "2 2"].contains(look)), "{seen:?}");
    lab.close()
}

/// An instance that is to have a peer.
fn instance(priority: u8) -> String {
    format!(
        "vrrp_instance VI_1 {{\n  interface eth0\n  virtual_router_id 1\n  priority {priority}\n  advert_int 1\n  \
         virtual_ipaddress {{\n    {VIP}\n  }}\n}}\n"
    )
}

/// Kills a master with all its processes, and starts it again. How often the VIP was looked for and not seen from then to
/// the end of `settle`.
fn looks_without(host: &Host, daemon: Daemon, settle: impl FnOnce(&Process) -> Result) -> Result<usize> {
    let (path, file) = (daemon.path()?.display().to_string(), host.write("killed.conf", &instance(100))?);
    let words = ["-nlDG", "-f", &file.display().to_string()];
    let process = host.start(&format!("{}-first", daemon.name()), &path, &words)?;
    host.wait_for_address(VIP, seconds(30))?;
    let script = "while :; do ip -o -4 addr show eth0 | grep -c ' 192.168.0.10/32 '; done";
    let watch = host.start(&format!("{}-watch", daemon.name()), "sh", &["-c", script])?;
    watch.wait_until_log("looks", seconds(20), |log| log.lines().count() > 2)?;
    End::Killed.apply(host, &process)?;
    assert!(host.holds(VIP)?, "{}: a process that is killed leaves everything", daemon.name());
    if daemon == Daemon::Keepalived {
        // It takes the numbers in them for itself, as long as somebody has not waited for the dead.
        host.check("sh", &["-c", "rm -f /run/*.pid"])?;
    }
    let again = host.start(&format!("{}-again", daemon.name()), &path, &words)?;
    settle(&again)?;
    let seen = watch.log()?;
    watch.kill()?;
    let without = seen.lines().filter(|line| *line == "0").count();
    println!("{}: {without} of {} looks saw no VIP", daemon.name(), seen.lines().count());
    again.stop(seconds(20))?;
    host.wait_for_no_address(VIP, seconds(20))?;
    Ok(without)
}

#[test]
fn a_daemon_whose_processes_were_all_killed_keeps_the_vip_that_it_finds_and_keepalived_removes_it() -> Result
{
    let lab = Lab::native()?;
    let lan = lab.lan("lan")?;
    let host = lab.host("d1")?;
    host.connect(&lan, "eth0", &["192.168.0.20/24"])?;
    let seen = looks_without(&host, Daemon::Keepalived, |process| {
        process.wait_for_log("Entering MASTER STATE", seconds(30))?;
        host.wait_for_address(VIP, seconds(20))
    })?;
    assert!(seen > 0, "keepalived takes it away until it is master");
    let seen = looks_without(&host, Daemon::Stayd, |process| process.wait_for_log("-> MASTER", seconds(30)))?;
    assert_eq!(seen, 0);
    lab.close()
}

#[test]
fn a_vip_that_was_left_goes_as_soon_as_another_master_is_heard() -> Result {
    let lab = Lab::native()?;
    let lan = lab.lan("lan")?;
    let (host, peer) = (lab.host("d1")?, lab.host("d2")?);
    host.connect(&lan, "eth0", &["192.168.0.20/24"])?;
    peer.connect(&lan, "eth0", &["192.168.0.30/24"])?;
    let (path, file) =
        (Daemon::Stayd.path()?.display().to_string(), host.write("left.conf", &instance(150))?);
    let words = ["-nlDG", "-f", &file.display().to_string()];
    let process = host.start("first", &path, &words)?;
    host.wait_for_address(VIP, seconds(30))?;
    End::Killed.apply(&host, &process)?;
    let other = peer.start_daemon(Daemon::Keepalived, &instance(100))?;
    peer.wait_for_address(VIP, seconds(30))?;
    assert!(host.holds(VIP)?, "the killed one still has it");

    // Of a lower priority than ours, and nevertheless a master: until we are one, the address is that one's alone.
    let again = host.start("again", &path, &words)?;
    again.wait_for_log("the addresses are there from an earlier run", seconds(30))?;
    again.wait_for_log("192.168.0.30 is heard; the addresses of an earlier run go", seconds(30))?;
    again.wait_for_log("-> MASTER", seconds(30))?;
    host.wait_for_address(VIP, seconds(20))?;
    peer.wait_for_no_address(VIP, seconds(20))?;
    drop((other, again));
    lab.close()
}
