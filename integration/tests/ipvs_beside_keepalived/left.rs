//! Tables that outlive the daemon that made them (`-I`), and what one does that starts over them, without `lvs_flush`.

use lab::wait::{self, seconds};
use lab::{Daemon, Host, Lab, Process, Result};
use nix::sys::signal::Signal;

use crate::{DECIDE, Pair, differences, file, stage};

/// What others have put into the table before: a service, and a destination of a service that the file has too.
const OF_OTHERS: [&str; 4] = [
    "-A -t 10.9.0.1:80 -s wrr",
    "-A -t 10.9.9.9:80 -s rr",
    "-a -t 10.9.0.1:80 -r 192.168.0.4:80 -m -w 5",
    "-a -t 10.9.9.9:80 -r 192.168.0.4:80 -m -w 1",
];

const OF_OTHERS_ALONE: [&str; 2] = [OF_OTHERS[1], OF_OTHERS[3]];

/// Both with what a stop takes back even with `-I`, and a wish to flush, which `-I` goes before.
const GLOBALS: &str = "global_defs {\n  lvs_timeouts tcp 7200 tcpfin 100 udp 200\n  lvs_sync_daemon eth0 id 11\n  \
                       lvs_flush_on_stop\n}\n";

/// Where a server that has come back, or a sorry server that is not wanted any more, is in the table that is left.
const SET_RIGHT: [&str; 6] = ["10.9.0.2", "10.9.0.3", "10.9.0.4", "10.9.0.5", "10.9.0.6", "10.9.0.9"];

fn services(host: &Host) -> Result<Vec<String>> {
    let mut lines: Vec<_> = host.ipvs_table()?.lines().map(|line| line.trim().to_owned()).collect();
    lines.sort_unstable();
    Ok(lines)
}

/// The destination of a line.
fn server_of(line: &str) -> &str {
    line.split_once(" -r ").map_or("", |(_, server)| server.split(' ').next().unwrap_or(""))
}

/// Starts a daemon that is to leave its table.
fn start(host: &Host, daemon: Daemon, text: &str) -> Result<Process> {
    let (name, path) = (daemon.name(), daemon.path()?.display().to_string());
    let file = host.write(&format!("{name}.conf"), text)?.display().to_string();
    let [parent, vrrp, checkers] = ["", "-vrrp", "-checkers"].map(|role| format!("/run/{name}{role}.pid"));
    let args = ["-n", "-l", "-D", "-G", "-I", "-f", &file, "-p", &parent, "-r", &vrrp, "-c", &checkers];
    host.start(name, &path, &args)
}

impl Pair {
    fn services(&self) -> Result<[Vec<String>; 2]> {
        Ok([services(&self.hosts[0])?, services(&self.hosts[1])?])
    }

    /// Starts both, and waits until a number in a file has gone through them and back: they are at work.
    fn start_over(&mut self, start: impl Fn(&Host, Daemon) -> Result<Process>) -> Result {
        self.processes.clear();
        for (host, daemon) in self.hosts.iter().zip([Daemon::Keepalived, Daemon::Stayd]) {
            self.processes.push(start(host, daemon)?);
        }
        for (host, process) in self.hosts.iter().zip(&self.processes) {
            // The sync daemon is the sign of a start whose file is read, and the number written by it.
            let look = || host.check("ipvsadm", &["-L", "--daemon"]);
            wait::until("the sync daemon", seconds(30), look, |seen| seen.contains("master"))?;
            for (number, weight) in [(1, 1), (0, 3)] {
                let line = format!("-t 10.9.0.13:80 -r 192.168.1.3:80 -m -w {weight}");
                let look = || {
                    // Written anew at each look: a first one may come before the file is watched.
                    host.check("sh", &["-c", &format!("echo {number} >/run/weight")])?;
                    services(host)
                };
                let there = |table: &Vec<String>| table.iter().any(|it| it.ends_with(&line));
                wait::until(&format!("the weight {weight}"), seconds(30), look, there)?;
            }
            assert_eq!(process.status()?, None);
        }
        Ok(())
    }

    fn settle_as(&self, what: &str, tables: &[Vec<String>; 2]) -> Result {
        let look = || {
            let now = self.services()?;
            Ok([differences(&tables[0], &now[0]), differences(&tables[1], &now[1])])
        };
        wait::until(what, seconds(30), look, |changes| changes.iter().all(Vec::is_empty))?;
        println!("{what}: {} lines as they were", tables[0].len());
        Ok(())
    }

    /// Has both end; returns what is left.
    fn end(&self) -> Result<[Vec<String>; 2]> {
        for process in &self.processes {
            process.signal(Signal::SIGTERM)?;
        }
        for process in &self.processes {
            process.wait_for_exit(seconds(30))?;
        }
        self.services()
    }
}

#[test]
fn what_is_left_with_dont_release_ipvs_is_the_table_as_it_was_and_a_start_over_it_keeps_it() -> Result {
    let lab = Lab::with_ipvs()?;
    let (hosts, server) = stage(&lab)?;
    for host in &hosts {
        for line in OF_OTHERS {
            host.check("ipvsadm", &line.split(' ').collect::<Vec<_>>())?;
        }
    }
    let mut ports = DECIDE.iter().map(|port| server.listen(*port).map(Some)).collect::<Result<Vec<_>>>()?;
    let text = format!("{GLOBALS}{}", file());
    let leaving = |host: &Host, daemon: Daemon| start(host, daemon, &text);
    let mut pair = Pair { hosts, processes: Vec::new(), last: std::cell::RefCell::default() };
    pair.start_over(leaving)?;
    for host in &pair.hosts {
        // Alpha servers come last.
        host.wait_for_ipvs("everything up", seconds(30), |table| {
            (1..=3).all(|number| {
                table.contains(&format!("-t 10.9.0.7:80 -r 192.168.1.{number}:80"))
                    && table.contains(&format!("-t 10.9.0.8:80 -r 192.168.1.{number}:80 -m -w 1"))
            })
        })?;
    }
    pair.alike("start over what others have")?;
    let whole = pair.services()?;
    for line in OF_OTHERS {
        assert!(whole.iter().all(|table| table.iter().any(|it| it == line)), "{line}: {whole:?}");
    }
    assert_eq!(pair.end()?, whole, "the stop");
    pair.alike("stop")?;

    pair.start_over(leaving)?;
    pair.settle_as("start over what was left", &whole)?;
    pair.alike("start over what was left")?;
    ports[0] = None;
    ports[1] = None;
    for host in &pair.hosts {
        host.wait_for_ipvs("two servers to be out", seconds(30), |table| {
            let is_of_them =
                |line: &&str| [".1:", ".2:", "::1]:", "::2]:"].iter().any(|it| server_of(line).contains(it));
            table.lines().filter(is_of_them).all(|line| line.contains(" -w 0"))
        })?;
    }
    pair.alike("two servers fail")?;
    let failed = pair.services()?;
    assert_ne!(failed, whole);
    assert_eq!(pair.end()?, failed, "the stop with servers that have failed");

    pair.start_over(leaving)?;
    pair.settle_as("start over it, and the servers are still down", &failed)?;
    assert_eq!(pair.end()?, failed, "the stop after that");

    // Back meanwhile: keepalived leaves what it finds, see docs/differences.md.
    for (port, number) in ports.iter_mut().zip(DECIDE).take(2) {
        *port = Some(server.listen(number)?);
    }
    let releasing = text.replace("  lvs_flush_on_stop\n", "");
    pair.start_over(|host, daemon| host.start_daemon(daemon, &releasing))?;
    let look = || {
        let [theirs, ours] = pair.services()?;
        Ok((differences(&whole[1], &ours), differences(&theirs, &ours)))
    };
    let of_found = |line: &String| SET_RIGHT.iter().any(|it| line.contains(&format!(" {it}:80 -r ")));
    let (_, found) = wait::until("the table of the file", seconds(30), look, |(missing, differences)| {
        missing.is_empty() && differences.iter().all(of_found)
    })?;
    println!("the servers are back:\n{}", found.join("\n"));
    // Released, whoever made it. stayd leaves a service for the sake of what others have in it.
    assert_eq!(pair.end()?.map(|left| left.concat()), [OF_OTHERS_ALONE.concat(), OF_OTHERS.concat()]);
    drop(ports);
    lab.close()
}

/// A virtual server whose servers begin down; the first says nothing for a while and then is down, the second is up.
fn beginning_down(number: u8, settings: &str, servers: u8) -> String {
    let targets = [("192.168.5.1", 80), ("192.168.0.2", DECIDE[2])];
    let real = (1..=servers).zip(targets).map(|(number, (address, port))| {
        format!(
            "  real_server 192.168.1.{number} 80 {{\n    weight {number}\n    TCP_CHECK {{\n      connect_ip {address}\n      \
             connect_port {port}\n      connect_timeout 20\n      retry 0\n    }}\n  }}\n"
        )
    });
    let real: String = real.collect();
    format!(
        "virtual_server 10.9.0.{number} 80 {{\n  delay_loop 1\n  alpha\n  protocol TCP\n  lb_algo wrr\n  lb_kind NAT\n{settings}{real}}}\n"
    )
}

#[test]
fn servers_that_begin_down_stay_in_a_table_that_was_left_until_they_are_judged() -> Result {
    const SORRY: &str = "  sorry_server 192.168.1.9 80\n";
    const INHIBIT: &str = "  inhibit_on_failure\n";
    let lab = Lab::with_ipvs()?;
    let (hosts, server) = stage(&lab)?;
    server.sysctl("ipv4/ip_forward", "1")?;
    server.check("ip", &["route", "add", "blackhole", "192.168.5.0/24"])?;
    let listener = server.listen(DECIDE[2])?;
    // Settings, how many servers, and the weights of those that the table has.
    let cases = [
        ("", 2, vec![(1, 1), (2, 2)]),
        (INHIBIT, 2, vec![(1, 1), (2, 2)]),
        (INHIBIT, 2, vec![(1, 0), (2, 0)]),
        (SORRY, 2, vec![(1, 1), (2, 2)]),
        (SORRY, 2, vec![(9, 1)]),
        ("  quorum 3\n  sorry_server 192.168.1.9 80\n", 2, vec![(1, 1), (2, 2)]),
        ("", 2, vec![]),
        ("", 1, vec![(1, 1)]),
        (SORRY, 1, vec![(1, 1)]),
        ("  inhibit_on_failure\n  sorry_server 192.168.1.9 80\n", 1, vec![(1, 1)]),
    ];
    let text: String =
        (1..).zip(&cases).map(|(n, (settings, servers, _))| beginning_down(n, settings, *servers)).collect();
    for host in &hosts {
        host.check("ip", &["route", "add", "192.168.5.0/24", "via", "192.168.0.2"])?;
        for (number, (_, _, weights)) in (1..).zip(&cases) {
            let line = format!("-A -t 10.9.0.{number}:80 -s wrr");
            host.check("ipvsadm", &line.split(' ').collect::<Vec<_>>())?;
            for (server, weight) in weights {
                let line = format!("-a -t 10.9.0.{number}:80 -r 192.168.1.{server}:80 -m -w {weight}");
                host.check("ipvsadm", &line.split(' ').collect::<Vec<_>>())?;
            }
        }
    }
    let mut pair = Pair { hosts, processes: Vec::new(), last: std::cell::RefCell::default() };
    for (host, daemon) in pair.hosts.iter().zip([Daemon::Keepalived, Daemon::Stayd]) {
        pair.processes.push(start(host, daemon, &text)?);
    }
    for host in &pair.hosts {
        host.wait_for_ipvs("the second server to be judged", seconds(10), |table| {
            [3, 5, 7].iter().all(|n| table.contains(&format!("-t 10.9.0.{n}:80 -r 192.168.1.2:80 -m -w 2")))
        })?;
    }
    let [theirs, ours] = pair.services()?;
    assert_eq!(differences(&theirs, &ours), [""; 0]);
    let log = pair.processes[1].log()?;
    // Only the sorry servers have gone, when there was somebody else.
    let gone: Vec<_> = log.lines().filter(|line| line.contains("IPVS: -d")).collect();
    assert!(gone.iter().all(|line| line.contains("-r 192.168.1.9:80")), "{gone:#?}");

    let look = || services(&pair.hosts[1]);
    let judged = |table: &Vec<String>| {
        table.iter().all(|line| !line.contains("-r 192.168.1.1:80") || line.ends_with("-w 0"))
    };
    let ours = wait::until("the first server to be judged", seconds(60), look, judged)?;
    let sorry =
        |n: u8| ours.iter().any(|line| *line == format!("-a -t 10.9.0.{n}:80 -r 192.168.1.9:80 -m -w 1"));
    assert_eq!([4, 5, 6, 9, 10].map(sorry), [false, false, true, true, true], "{ours:#?}");
    drop(listener);
    lab.close()
}
