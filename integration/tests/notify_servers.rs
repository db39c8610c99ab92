//! What scripts and pipes are told of virtual and real servers, first by keepalived, then by stayd.

use std::collections::BTreeMap;

use lab::wait::{self, seconds};
use lab::{Daemon, Host, Lab, Process, Result};

const BOTH: [Daemon; 2] = [Daemon::Keepalived, Daemon::Stayd];

const CONFIGURATION: &str = "\
global_defs {
  script_user root
  rs_init_notifies
  notify_fifo FOLDER/all
  lvs_notify_fifo FOLDER/lvs
}
virtual_server_group G {
  192.168.0.12 80
}
virtual_server 192.168.0.10 80 {
  protocol TCP
  omega
  SETTINGS
}
virtual_server fwmark 7 {
  SETTINGS
}
virtual_server group G {
  protocol UDP
  SETTINGS
}
";

const SETTINGS: &str = "\
  lb_algo rr
  lb_kind DR
  delay_loop 1
  quorum_up \"SCRIPT quorum up\"
  quorum_down \"SCRIPT quorum down\"
  real_server 192.168.0.2 80 {
    notify_up \"SCRIPT server up\"
    notify_down \"SCRIPT server down\"
    TCP_CHECK {
      connect_timeout 1
      retry 0
    }
  }
";

fn reader(host: &Host, pipe: &str, name: &str) -> Result<Process> {
    wait::until(
        pipe,
        seconds(5),
        || Ok(host.run("test", &["-p", pipe])?.exit),
        |exit| *exit == Some(lab::site::ExitView::Code(0)),
    )?;
    host.start(name, "cat", &[pipe])
}

fn sorted(text: &str) -> Vec<String> {
    let mut lines: Vec<_> = text.split_inclusive('\n').map(str::to_owned).collect();
    lines.sort();
    lines
}

#[test]
fn scripts_and_pipes_are_told_of_servers_what_keepalived_would_tell_them() -> Result {
    let lab = Lab::with_ipvs()?;
    let lan = lab.lan("lan")?;
    let (director, server) = (lab.director("d1")?, lab.host("mq1")?);
    director.connect(&lan, "eth0", &["192.168.0.20/24"])?;
    server.connect(&lan, "eth0", &["192.168.0.2/24"])?;
    let folder = director.folder().display().to_string();
    let log = director.write("notified", "")?.display().to_string();
    let script =
        director.write("script.sh", &format!("#!/bin/sh\necho \"$*\" >>{log}\n"))?.display().to_string();
    director.check("chmod", &["755", &script])?;
    let text =
        CONFIGURATION.replace("SETTINGS", SETTINGS).replace("SCRIPT", &script).replace("FOLDER", &folder);
    let mut told = Vec::new();
    for daemon in BOTH {
        let listener = server.listen(80)?;
        director.write("notified", "")?;
        let process = director.start_daemon(daemon, &text)?;
        let all = reader(&director, &format!("{folder}/all"), &format!("{}-all", daemon.name()))?;
        let lvs = reader(&director, &format!("{folder}/lvs"), &format!("{}-lvs", daemon.name()))?;
        std::thread::sleep(seconds(4));
        drop(listener);
        std::thread::sleep(seconds(4));
        let listener = server.listen(80)?;
        std::thread::sleep(seconds(4));
        process.stop(seconds(8))?;
        drop(listener);
        println!("{} {}", all.log()?.replace('\0', "@"), lvs.log()?.replace('\0', "@"));
        println!("{}", director.check("cat", &[&log])?);
        told.push((sorted(&all.log()?), sorted(&lvs.log()?), sorted(&director.check("cat", &[&log])?)));
    }
    lab.close()?;
    let [theirs, ours] = &told[..] else { panic!("two daemons") };
    assert_eq!((&ours.0, &ours.1), (&theirs.0, &theirs.1), "the pipes");
    // Of the scripts that omega runs at the stop, keepalived's last may be lost with it; stayd waits for its own.
    let missing: Vec<_> = {
        let mut rest = theirs.2.clone();
        ours.2
            .iter()
            .filter(|line| rest.iter().position(|it| it == *line).map(|at| rest.remove(at)).is_none())
            .collect()
    };
    assert!(ours.2.len() >= theirs.2.len(), "{:?} {:?}", theirs.2, ours.2);
    assert!(missing.len() <= 2 && missing.iter().all(|line| line.ends_with("down\n")), "{missing:?}");
    Ok(())
}

/// Two real servers behind a virtual one, and each change in the log of that virtual server, with the number of the
/// process: scripts that are started at the same time may write in another order.
fn in_order(name: &str, address: &str, settings: &str, ports: [u16; 2]) -> String {
    let real = |number: usize, port: u16| {
        format!(
            "  real_server 192.168.1.{number} 80 {{\n    notify_up \"SCRIPT {name} server {number} up\"\n    notify_down \
             \"SCRIPT {name} server {number} down\"\n    TCP_CHECK {{\n      connect_ip 192.168.0.2\n      connect_port \
             {port}\n      connect_timeout 5\n      retry 0\n    }}\n  }}\n"
        )
    };
    format!(
        "virtual_server {address} 80 {{\n  protocol TCP\n  lb_algo rr\n  lb_kind DR\n  delay_loop 1\n{settings}  quorum_up \
         \"SCRIPT {name} quorum up\"\n  quorum_down \"SCRIPT {name} quorum down\"\n{}{}}}\n",
        real(1, ports[0]),
        real(2, ports[1])
    )
}

const EARLY: [u16; 2] = [7001, 7002];
/// Of the virtual servers whose servers are down until a check succeeds.
const LATE: [u16; 2] = [7003, 7004];

const SERVICES: [(&str, &str, [u16; 2]); 9] = [
    ("one", "", EARLY),
    ("both", "  quorum 2\n", EARLY),
    ("sorry", "  quorum 2\n  sorry_server 192.168.1.9 80\n", EARLY),
    ("inhibit", "  inhibit_on_failure\n", EARLY),
    ("hysteresis", "  quorum 2\n  hysteresis 1\n", EARLY),
    ("omega", "  omega\n", EARLY),
    ("alpha", "  alpha\n", LATE),
    ("alpha-both", "  alpha\n  quorum 2\n", LATE),
    ("alpha-omega", "  alpha\n  omega\n  quorum 2\n", LATE),
];

/// What a virtual server's scripts were told, in the order in which they were started.
fn told(host: &Host, name: &str) -> Result<Vec<String>> {
    let text = host.run("cat", &[&format!("{}/told-{name}", host.folder().display())])?.stdout;
    let mut lines: Vec<(u32, &str)> = text
        .lines()
        .filter_map(|line| line.split_once(' '))
        .filter_map(|(process, line)| Some((process.parse().ok()?, line)))
        .collect();
    lines.sort_unstable();
    Ok(lines.into_iter().map(|(_, line)| line.to_owned()).collect())
}

#[test]
fn scripts_of_servers_and_quorums_start_in_the_order_in_which_keepalived_starts_them() -> Result {
    let lab = Lab::with_ipvs()?;
    let lan = lab.lan("lan")?;
    let server = lab.host("mq1")?;
    server.connect(&lan, "eth0", &["192.168.0.2/24"])?;
    let mut listeners = BTreeMap::new();
    for port in EARLY {
        listeners.insert(port, server.listen(port)?);
    }
    let (mut hosts, mut processes) = (Vec::new(), Vec::new());
    for (number, daemon) in BOTH.into_iter().enumerate() {
        let host = lab.director(&format!("d{number}"))?;
        host.connect(&lan, "eth0", &[&format!("192.168.0.2{number}/24")])?;
        host.check("ip", &["route", "add", "192.168.1.0/24", "dev", "eth0"])?;
        let folder = host.folder().display().to_string();
        let script =
            "#!/bin/sh\nlog=$1\nshift\necho \"$$ $*\" >>FOLDER/told-$log\n".replace("FOLDER", &folder);
        let script = host.write("tell.sh", &script)?.display().to_string();
        host.check("chmod", &["755", &script])?;
        let services = SERVICES.iter().zip(1..).map(|((name, settings, ports), number)| {
            in_order(name, &format!("10.9.0.{number}"), settings, *ports)
        });
        let text = format!("global_defs {{\n  script_user root\n}}\n{}", services.collect::<String>());
        processes.push(host.start_daemon(daemon, &text.replace("SCRIPT", &script))?);
        host.wait_for_ipvs("every service", seconds(30), |table| table.contains("10.9.0.9:80"))?;
        hosts.push(host);
    }
    let mut times = BTreeMap::new();
    let mut wait_for = |ports: [u16; 2], line: String| {
        let times = times.entry((ports, line.clone())).and_modify(|times| *times += 1).or_insert(1);
        for host in &hosts {
            for (name, ..) in SERVICES.iter().filter(|(.., of)| *of == ports) {
                let heard = |lines: &Vec<String>| lines.iter().filter(|it| **it == line).count() == *times;
                wait::until(&format!("{line} of {name}"), seconds(30), || told(host, name), heard)?;
            }
        }
        Ok::<_, lab::Error>(())
    };
    // Their first checks have failed; which of them first, nobody says.
    wait_for(LATE, "server 1 down".to_owned())?;
    wait_for(LATE, "server 2 down".to_owned())?;
    // One server after the other: of two that fail in the same round, either may be the first.
    let changes = [(1, false), (2, false), (2, true), (1, true)];
    let early = changes.map(|change| (EARLY, change));
    let late = [(1, true), (2, true)].iter().chain(&changes).map(|change| (LATE, *change));
    for (ports, (number, opens)) in early.into_iter().chain(late) {
        let port = ports[number - 1];
        if opens {
            listeners.insert(port, server.listen(port)?);
        } else {
            listeners.remove(&port);
        }
        wait_for(ports, format!("server {number} {}", if opens { "up" } else { "down" }))?;
    }
    let all = || {
        let of = |host| SERVICES.iter().map(|(name, ..)| told(host, name)).collect::<Result<Vec<_>>>();
        let mut all = [of(&hosts[0])?, of(&hosts[1])?];
        for (lines, (.., ports)) in all.iter_mut().flat_map(|lines| lines.iter_mut().zip(&SERVICES)) {
            if *ports == LATE {
                lines[..2].sort();
            }
        }
        Ok(all)
    };
    let [before, _] = wait::until("the same lines", seconds(30), all, |[theirs, ours]| theirs == ours)?;
    for process in &processes {
        process.stop(seconds(30))?;
    }
    let [theirs, ours] = all()?;
    for ((((name, settings, _), before), theirs), ours) in SERVICES.iter().zip(before).zip(theirs).zip(ours) {
        println!("{name}: {ours:?}");
        assert!(theirs.starts_with(&before) && ours.starts_with(&before), "{name}: {theirs:?} {ours:?}");
        let (theirs, ours) = (&theirs[before.len()..], &ours[before.len()..]);
        if settings.contains("omega") {
            // keepalived's may be lost with it; stayd waits for its own.
            assert_eq!(ours, ["server 1 down", "server 2 down", "quorum down"], "{name}");
            let mut rest = ours.iter();
            assert!(theirs.iter().all(|line| rest.any(|it| it == line)), "{name}: {theirs:?}");
        } else {
            assert_eq!((theirs, ours), (&[][..], &[][..]), "{name}");
        }
    }
    drop(listeners);
    lab.close()
}
