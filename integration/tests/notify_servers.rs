//! What scripts and pipes are told of virtual and real servers, first by keepalived, then by stayd.

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
