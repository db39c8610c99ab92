//! What drives keepalived drives stayd: the same configuration, arguments and signals, side by side, and what comes back
//! read with one parser.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use lab::site::ExitView;
use lab::wait::{self, seconds};
use lab::{Daemon, Host, Lab, Lan, Process, Result};
use serde_json::Value;

const BOTH: [Daemon; 2] = [Daemon::Keepalived, Daemon::Stayd];

/// A master with everything that exporters read, an instance that a peer outdoes, and one in a version 3 of IPv6.
const FILE: &str = "\
global_defs {
  router_id contract
  script_user root
  enable_script_security
}
vrrp_script chk {
  script \"/usr/bin/true\"
  interval 1
  timeout 2
  weight 5
}
vrrp_sync_group G {
  group {
    VI_1
  }
}
vrrp_instance VI_1 {
  state MASTER
  interface eth0
  virtual_router_id 51
  priority 100
  authentication {
    auth_type PASS
    auth_pass secret
  }
  virtual_ipaddress {
    192.168.0.10/24 brd 192.168.0.255
    192.168.0.11 dev eth0 label eth0:1
  }
  virtual_ipaddress_excluded {
    192.168.0.12
  }
  virtual_routes {
    10.5.0.0/24 via 192.168.0.1 dev eth0
  }
  virtual_rules {
    from 10.5.0.0/24 table 100 preference 77
  }
  notify \"/usr/bin/true all\"
  notify_master \"/usr/bin/true master\"
}
vrrp_instance VI_2 {
  interface eth0
  virtual_router_id 52
  priority 90
  version 3
  advert_int 0.5
  preempt_delay 7
  garp_master_delay 2
  virtual_ipaddress {
    192.168.0.20
  }
}
vrrp_instance VI_6 {
  interface eth0
  virtual_router_id 53
  priority 90
  version 3
  track_script {
    chk
  }
  virtual_ipaddress {
    fe80::9
    2001:db8::9/64
  }
}
";

const PEER: &str = "\
vrrp_instance VI_2 {
  interface eth0
  virtual_router_id 52
  priority 200
  version 3
  advert_int 0.3
  virtual_ipaddress {
    192.168.0.20
  }
}
";

/// A director on a LAN of its own, with a peer that is keepalived.
struct Side {
    daemon: Daemon,
    _lan: Lan,
    host: Host,
    process: Process,
    folder: PathBuf,
}

impl Side {
    /// Starts it all; the folder is empty, and the daemon's `TMPDIR`.
    fn start(lab: &Lab, daemon: Daemon) -> Result<Self> {
        let short = &daemon.name()[..2];
        let (host, peer) = (lab.host(&format!("d-{short}"))?, lab.host(&format!("p-{short}"))?);
        let lan = lab.lan(&format!("lan-{short}"))?;
        host.connect(&lan, "eth0", &["192.168.0.2/24", "fe80::2/64"])?;
        peer.connect(&lan, "eth0", &["192.168.0.3/24"])?;
        peer.start_daemon(Daemon::Keepalived, PEER)?;
        peer.wait_for_address("192.168.0.20", seconds(20))?;
        let options = ["-nlP", "--no-syslog", "--use-file"];
        let ready = ("/run/vrrp.pid", seconds(20));
        let (process, folder) = host.start_for_dumps(daemon, &options, FILE, ready)?;
        Ok(Self { daemon, _lan: lan, host, process, folder })
    }

    /// Waits until all is as it will stay.
    fn settle(&self) -> Result {
        for address in ["192.168.0.12", "2001:db8::9"] {
            self.host.wait_for_address(address, seconds(20))?;
        }
        Ok(())
    }

    fn pid(&self, name: &str) -> Result<String> {
        Ok(self.host.check("cat", &[&format!("/run/{name}.pid")])?.trim().to_owned())
    }

    /// Sends a signal by its keepalived name to a process, and waits for a file that was not there.
    fn dump(&self, pid: &str, signal: &str, name: &str) -> Result<String> {
        let path = self.folder.join(name);
        // There may be one of the signal before.
        drop(fs::remove_file(&path));
        let program = self.daemon.path()?.display().to_string();
        let number = self.host.check(&program, &[&format!("--signum={signal}")])?.trim().to_owned();
        self.host.check("kill", &[&format!("-{number}"), pid])?;
        // keepalived's text files appear before they are written; all end with a line.
        let what = format!("{name} of {}", self.daemon.name());
        let mut before = String::new();
        wait::for_some(&what, seconds(5), || {
            let text = fs::read_to_string(&path).unwrap_or_default();
            let whole = !text.is_empty() && text == before;
            before.clone_from(&text);
            Ok(whole.then_some(text))
        })
    }
}

/// The sides, once they have settled.
fn sides(lab: &Lab) -> Result<Vec<Side>> {
    let sides = BOTH.into_iter().map(|daemon| Side::start(lab, daemon)).collect::<Result<Vec<_>>>()?;
    for side in &sides {
        side.settle()?;
    }
    Ok(sides)
}

/// Objects such as ` VRRP Instance = VI_1` with their lines, as exporters take a dump apart.
fn objects(text: &str) -> BTreeMap<String, Vec<String>> {
    let mut objects = BTreeMap::<String, Vec<String>>::new();
    let mut current = None;
    for line in text.lines() {
        if line.starts_with("   ") {
            if let Some(object) = current.as_ref().and_then(|name: &String| objects.get_mut(name)) {
                object.push(line.to_owned());
            }
        } else {
            let shown = ["VRRP Instance = ", "VRRP Sync Group = ", "VRRP Script = "];
            current = shown.iter().any(|kind| line.trim_start().starts_with(kind)).then(|| line.to_owned());
            objects.extend(current.iter().map(|name| (name.clone(), Vec::new())));
        }
    }
    objects
}

/// Lines that cannot be the same: times, addresses of this host, numbers of sockets, and a password that keepalived 2.2.7
/// still shows. Of those that are no socket's, the label stays.
fn comparable(lines: &[String]) -> Vec<String> {
    let labels = [
        "Last transition =",
        "Read timeout =",
        "Master down timer =",
        "Using src_ip = fe80",
        "Password =",
        "Multicast address ff02",
    ];
    let lines =
        lines.iter().map(|line| line.trim_start().to_owned()).filter(|line| !line.starts_with("fd_in "));
    lines
        .map(|line| {
            labels.iter().find(|label| line.starts_with(**label)).map_or(line.clone(), ToString::to_string)
        })
        .collect()
}

#[test]
fn the_dumps_that_signals_ask_for_say_the_same_to_the_same_parser() -> Result {
    let lab = Lab::native()?;
    let sides = sides(&lab)?;
    let mut data = Vec::new();
    let mut stats = Vec::new();
    let mut json = Vec::<Value>::new();
    for side in &sides {
        let pid = side.pid("keepalived")?;
        data.push(objects(&side.dump(&pid, "DATA", "keepalived.data")?));
        assert!(side.folder.join("keepalived_parent.data").exists(), "{}", side.daemon.name());
        stats.push(side.dump(&pid, "STATS", "keepalived.stats")?);
        json.push(serde_json::from_str(&side.dump(&pid, "JSON", "keepalived.json")?).unwrap());
    }
    assert_eq!(data[0].keys().collect::<Vec<_>>(), data[1].keys().collect::<Vec<_>>());
    assert_eq!(data[0].len(), 5, "three instances, a group and a script: {:?}", data[0].keys());
    for (name, lines) in &data[0] {
        assert_eq!(comparable(lines), comparable(&data[1][name]), "{name}");
    }
    let shape = |text: &str| -> Vec<String> {
        text.lines().map(|line| line.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned()).collect()
    };
    assert_eq!(shape(&stats[0]), shape(&stats[1]));
    for text in &stats {
        let became = |text: &str| text.lines().filter(|line| *line == "  Became master: 1").count();
        assert_eq!(became(text), 2, "{text}");
    }
    same_json(&json[0], &json[1]);
    lab.close()
}

/// Whether consumers get the same keys and values, but for times, counts and the password.
fn same_json(keepalived: &Value, stayd: &Value) {
    let (theirs, ours) = (keepalived.as_array().unwrap(), stayd.as_array().unwrap());
    assert_eq!(theirs.len(), ours.len());
    for (theirs, ours) in theirs.iter().zip(ours) {
        for part in ["data", "stats"] {
            let (theirs, ours) = (theirs[part].as_object().unwrap(), ours[part].as_object().unwrap());
            assert_eq!(theirs.keys().collect::<Vec<_>>(), ours.keys().collect::<Vec<_>>());
            for (key, value) in theirs {
                let varies = ["last_transition", "auth_data", "advert_rcvd", "advert_sent"];
                if varies.contains(&key.as_str()) {
                    assert_eq!(value.is_u64(), ours[key].is_u64(), "{key}");
                } else {
                    assert_eq!(*value, ours[key], "{key} of {}", theirs.get("iname").unwrap_or(&Value::Null));
                }
            }
        }
    }
}

#[test]
fn a_child_answers_signals_itself_and_counters_can_be_cleared() -> Result {
    let lab = Lab::native()?;
    for side in sides(&lab)? {
        let name = side.daemon.name();
        let child = side.pid("vrrp")?;
        side.dump(&child, "DATA", "keepalived.data")?;
        side.dump(&child, "JSON", "keepalived.json")?;
        assert!(!side.folder.join("keepalived_parent.data").exists(), "{name}: only the child was asked");
        let before = side.dump(&child, "STATS_CLEAR", "keepalived.stats")?;
        assert!(before.contains("  Became master: 1\n"), "{name}: {before}");
        let after = side.dump(&child, "STATS", "keepalived.stats")?;
        assert!(!after.contains("  Became master: 1\n"), "{name}: {after}");
    }
    lab.close()
}

#[test]
fn processes_and_pid_files_are_where_they_are_looked_for_and_a_stop_takes_them_along() -> Result {
    let lab = Lab::native()?;
    for side in sides(&lab)? {
        let name = side.daemon.name();
        let tree = side.process.tree()?;
        let pids = [side.pid("keepalived")?, side.pid("vrrp")?];
        assert_eq!(pids[0], side.process.pid().to_string(), "{name}");
        assert!(tree.contains(&pids[1].parse().unwrap()), "{name}: {} in {tree:?}", pids[1]);
        for pid in pids {
            let arguments = fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap();
            let arguments: Vec<_> = arguments.split('\0').skip(1).collect();
            assert_eq!(arguments[..3], ["-nlP", "--no-syslog", "--use-file"], "{name}");
        }
        let (_, exit) = side.process.stop(seconds(5))?;
        assert_eq!(exit, ExitView::Code(0), "{name}");
        assert_eq!(side.host.check("find", &["/run", "-name", "*.pid"])?, "", "{name}");
    }
    lab.close()
}

#[test]
fn questions_on_the_command_line_have_the_same_answers() -> Result {
    let lab = Lab::native()?;
    let host = lab.host("d1")?;
    for name in ["STOP", "RELOAD", "DATA", "STATS", "STATS_CLEAR", "JSON", "TDUMP", "stop", "SIGTERM", ""] {
        let mut answers = Vec::new();
        for daemon in BOTH {
            let output = host.run(&daemon.path()?.display().to_string(), &[&format!("--signum={name}")])?;
            answers.push((output.exit, output.stdout));
        }
        assert_eq!(answers[0], answers[1], "--signum={name}");
    }
    for daemon in BOTH {
        let output = host.run(&daemon.path()?.display().to_string(), &["-v"])?;
        assert_eq!((output.exit, output.stdout.as_str()), (Some(ExitView::Code(0)), ""));
        let first = output.stderr.lines().next().unwrap();
        assert!(first.starts_with("Keepalived v2.2.7 ("), "{first}");
        assert!(output.stderr.contains("configure options: "), "{}", output.stderr);
        assert!(output.stderr.contains("--enable-json"), "{}", output.stderr);
    }
    lab.close()
}
