//! What scripts are told when a better master comes and goes: line for line the same by both daemons.

use std::path::Path;

use lab::wait;
use lab::{Daemon, Host, Result};

use crate::stage::{Family, LIMIT, Stage, with_casts};

const FILE: &str = "\
global_defs {
  script_user root
}
vrrp_instance V1 {
  interface eth0
  virtual_router_id 51
  priority 100
  virtual_ipaddress {
    192.168.0.10
  }
  SCRIPTS V1
}
vrrp_instance V2 {
  interface eth0
  virtual_router_id 52
  priority 120
  virtual_ipaddress {
    192.168.0.11
  }
  SCRIPTS V2
}
vrrp_sync_group G {
  group {
    V1
    V2
  }
  SCRIPTS G
}
";

/// The peer, which is better in one instance of the two.
const PEER: &str = "\
vrrp_instance P {
  interface eth0
  virtual_router_id 51
  priority 200
  virtual_ipaddress {
    192.168.0.10
  }
}
";

/// The file with every kind of script for each of its subjects.
fn text(script: &str) -> String {
    let mut text = FILE.to_owned();
    for subject in ["V1", "V2", "G"] {
        let kinds = ["master", "backup", "fault", "stop"];
        let lines = kinds.map(|kind| format!("notify_{kind} \"{script} {subject} {kind}\"\n  "));
        let all = format!("{}notify {script}", lines.concat());
        text = text.replace(&format!("SCRIPTS {subject}"), &all);
    }
    text
}

/// A host with a script that notes its arguments.
struct Noted<'a> {
    host: &'a Host,
    notes: String,
    seen: usize,
}

impl<'a> Noted<'a> {
    fn prepare(host: &'a Host) -> Result<(Self, String)> {
        let notes = host.write("notes", "")?.display().to_string();
        let script = host.write("note.sh", &format!("#!/bin/sh\necho \"$*\" >>{notes}\n"))?;
        let script = script.display().to_string();
        host.check("chmod", &["755", &script])?;
        assert!(Path::new(&script).is_absolute());
        Ok((Self { host, notes, seen: 0 }, script))
    }

    /// The next lines, in the order of the alphabet: scripts of one state run side by side.
    fn next(&mut self, count: usize) -> Result<Vec<String>> {
        let read =
            || Ok(self.host.check("cat", &[&self.notes])?.lines().map(str::to_owned).collect::<Vec<_>>());
        let what = format!("{count} notes after {}", self.seen);
        let lines = wait::until(&what, LIMIT, read, |lines| lines.len() >= self.seen + count)?;
        let mut new = lines[self.seen..].to_vec();
        self.seen = lines.len();
        new.sort();
        Ok(new)
    }
}

/// Two instances and their group: three subjects, each with its own script and the generic one.
const ALL: usize = 6;

fn phases(stage: &Stage, daemon: Daemon) -> Result<Vec<Vec<String>>> {
    let [host, peer] = &stage.directors;
    let (mut noted, script) = Noted::prepare(host)?;
    let process = host.start_daemon(daemon, &text(&script))?;
    let mut phases = vec![noted.next(ALL)?, noted.next(ALL)?];
    let better = peer.start_daemon(Daemon::Keepalived, PEER)?;
    phases.push(noted.next(ALL)?);
    better.stop(LIMIT)?;
    phases.push(noted.next(ALL)?);
    process.stop(LIMIT)?;
    phases.push(noted.next(ALL)?);
    Ok(phases)
}

#[test]
fn scripts_are_told_the_same_when_a_better_master_comes_and_goes() -> Result {
    let told = std::sync::Mutex::new(Vec::new());
    with_casts(&[Daemon::Keepalived, Daemon::Stayd], Family::V4, |stage, daemon| {
        let phases = phases(stage, daemon)?;
        told.lock().unwrap().push((daemon, phases));
        Ok(())
    })?;
    let told = told.into_inner().unwrap();
    let of = |wanted| &told.iter().find(|(daemon, _)| *daemon == wanted).unwrap().1;
    let states = ["start", "master", "a better master", "master again", "stop"];
    for ((state, keepalived), stayd) in states.iter().zip(of(Daemon::Keepalived)).zip(of(Daemon::Stayd)) {
        println!("{state}:\n  {}", stayd.join("\n  "));
        assert_eq!(stayd, keepalived, "{state}");
    }
    Ok(())
}
