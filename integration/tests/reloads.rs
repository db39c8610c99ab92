//! What a reload leaves behind beside what it does: the test before it, the file that exists meanwhile, and the folder of
//! saved configurations, each as with keepalived.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use lab::site::ExitView;
use lab::wait::{self, seconds};
use lab::{Daemon, Host, Lab, Lan, Process, Result};
use nix::sys::signal::Signal;

const BOTH: [Daemon; 2] = [Daemon::Keepalived, Daemon::Stayd];

const INSTANCE: &str = "
vrrp_instance VI {
  state MASTER
  interface eth0
  virtual_router_id 51
  priority 255
  notify \"FOLDER/told\"
  virtual_ipaddress {
    192.168.0.ADDRESS
  }
}
";

/// Files that 2.2.7's `-t` finds fault with: what the daemon could live with, and what would be its end.
const BAD: [&str; 4] = [
    "nonsense",
    "vrrp_instance B {\n  interface nowhere\n  virtual_router_id 9\n}",
    "vrrp_instance B {\n  interface eth0\n  virtual_router_id 900\n}",
    "vrrp_script s {\n  script \"/run/nothere\"\n  interval 1\n}",
];

struct Side {
    daemon: Daemon,
    host: Host,
    process: Process,
    folder: PathBuf,
    globals: String,
}

impl Side {
    fn start(host: Host, daemon: Daemon, globals: &str, rest: &str) -> Result<Self> {
        let folder = host.folder();
        let script =
            host.write("told", &format!("#!/bin/sh\necho \"$@\" >> {}/lines\n", folder.display()))?;
        fs::set_permissions(script, fs::Permissions::from_mode(0o755)).unwrap();
        let globals = format!(
            "global_defs {{\n  script_user root\n  enable_script_security\n  {globals}\n}}\n{rest}{INSTANCE}"
        );
        let text = globals.replace("ADDRESS", "10");
        let (process, _) =
            host.start_for_dumps(daemon, &["-nlGD", "-f"], &text, ("/run/vrrp.pid", seconds(20)))?;
        host.wait_for_address("192.168.0.10", seconds(20))?;
        let side = Self { daemon, host, process, folder, globals };
        wait::until("the first line", seconds(20), || Ok(side.told()), |told| told.lines().count() == 1)?;
        Ok(side)
    }

    /// What the script was told.
    fn told(&self) -> String {
        fs::read_to_string(self.folder.join("lines")).unwrap_or_default()
    }

    /// Changes the file: this address, and these lines at the end.
    fn change(&self, address: &str, more: &str) -> Result {
        let text = format!("{}{more}\n", self.globals.replace("ADDRESS", address));
        self.host.write("c.conf", &text.replace("FOLDER", &self.folder.display().to_string()))?;
        self.process.signal(Signal::SIGHUP)?;
        Ok(())
    }

    /// Waits until the daemon has said so many times that it does not take the new file.
    fn wait_for_refusals(&self, times: usize) -> Result {
        let words = match self.daemon {
            Daemon::Keepalived => "New config failed validation",
            Daemon::Stayd => "does not pass its test",
        };
        self.process.wait_until_log(words, seconds(10), |log| log.matches(words).count() == times)
    }

    fn stop(self) -> Result {
        assert_eq!(self.process.stop(seconds(10))?.1, ExitView::Code(0), "{}", self.daemon.name());
        self.host.wait_for_no_address("192.168.0.77", seconds(5))
    }
}

fn host(lab: &Lab, name: &str, daemon: Daemon) -> Result<Host> {
    let name = format!("{name}-{}", &daemon.name()[..1]);
    let host = lab.host(&name)?;
    host.connect(&lab.lan(&format!("lan-{name}"))?, "eth0", &["192.168.0.2/24"])?;
    Ok(host)
}

#[test]
fn where_reload_check_config_asks_for_it_only_a_file_that_passes_its_test_is_taken() -> Result {
    let lab = Lab::native()?;
    for daemon in BOTH {
        let globals = "reload_check_config FOLDER/test\n  reload_file FOLDER/marks/reloading";
        let host = host(&lab, "t", daemon)?;
        let marks = host.folder().join("marks");
        fs::create_dir(&marks).unwrap();
        let side = Side::start(host, daemon, globals, "")?;
        let (log, told, name) = (side.folder.join("test"), side.told(), daemon.name());
        assert!(!log.exists(), "{name} tests before there is a reload");
        for (times, bad) in (1..).zip(BAD) {
            let before = fs::metadata(&marks).unwrap();
            side.change("77", bad)?;
            side.wait_for_refusals(times)?;
            let text = fs::read_to_string(&log).unwrap();
            let subject = bad.split_whitespace().find(|word| text.contains(word));
            assert!(subject.is_some(), "{name} says of {bad}: {text}");
            assert!(times == 1 || !text.contains(BAD[0]), "{name} keeps what it said before: {text}");
            assert_eq!(fs::metadata(&log).unwrap().mode() & 0o777, 0o600, "{name}");
            // The file that says so came and went.
            let gone = || Ok(fs::read_dir(&marks).unwrap().count());
            wait::until("the reload to be over", seconds(5), gone, |left| *left == 0)?;
            let after = fs::metadata(&marks).unwrap();
            assert_ne!((before.mtime(), before.mtime_nsec()), (after.mtime(), after.mtime_nsec()), "{name}");
            assert!(side.host.holds("192.168.0.10")? && !side.host.holds("192.168.0.77")?, "{name}: {bad}");
        }
        assert_eq!(side.told(), told, "{name} tells scripts of what does not happen");

        side.change("77", "")?;
        side.host.wait_for_address("192.168.0.77", seconds(10))?;
        side.host.wait_for_no_address("192.168.0.10", seconds(10))?;
        assert_eq!(fs::read_to_string(&log).unwrap(), "", "{name}");
        side.stop()?;
    }
    lab.close()
}

#[test]
fn a_test_whose_file_cannot_be_written_is_not_passed() -> Result {
    let lab = Lab::native()?;
    for daemon in BOTH {
        let side = Side::start(host(&lab, "n", daemon)?, daemon, "reload_check_config FOLDER/no/test", "")?;
        side.change("77", "")?;
        let refused = |log: &str| log.contains("failed validation") || log.contains("reload refused");
        side.process.wait_until_log("the refusal", seconds(10), refused)?;
        assert!(side.host.holds("192.168.0.10")? && !side.host.holds("192.168.0.77")?, "{}", daemon.name());
        side.stop()?;
    }
    lab.close()
}

#[test]
fn without_reload_check_config_what_can_be_lived_with_is_taken() -> Result {
    let lab = Lab::native()?;
    for daemon in BOTH {
        let side = Side::start(host(&lab, "w", daemon)?, daemon, "router_id here", "")?;
        side.change("77", BAD[0])?;
        side.host.wait_for_address("192.168.0.77", seconds(10))?;
        side.host.wait_for_no_address("192.168.0.10", seconds(10))?;
        side.stop()?;
    }
    lab.close()
}

/// `+2 sec` and the like, in a form that the file may have.
fn time(host: &Host, moment: &str, form: &str) -> Result<String> {
    host.check("date", &["-d", moment, form])
}

#[test]
fn a_scheduled_reload_comes_again_or_once_and_not_if_its_time_is_past_or_taken_back() -> Result {
    let lab = Lab::native()?;
    let mut seen = Vec::new();
    for daemon in BOTH {
        let host = host(&lab, "s", daemon)?;
        let globals = "reload_time_file FOLDER/when\n  reload_repeat\n  #";
        let side = Side::start(host, daemon, globals, "")?;
        let host = &side.host;
        let when = side.folder.join("when");
        let write = |address: &str, globals: &str| {
            let text = side.globals.replace("ADDRESS", address).replace('#', globals);
            host.write("c.conf", &text.replace("FOLDER", &side.folder.display().to_string()))
        };
        let schedule = |moment: &str, form: &str| -> Result {
            host.write("new", &time(host, moment, form)?)?;
            fs::rename(side.folder.join("new"), &when).unwrap();
            Ok(())
        };
        // Whoever takes these for a time reloads at once, or at the time that is taken back.
        write("66", "")?;
        schedule("-2 sec", "+%y-%m-%d %H:%M:%S")?;
        host.write("when", "25:00:00\n")?;
        schedule("+2 sec", "+%H:%M:%S")?;
        fs::remove_file(&when).unwrap();
        // This is the time that counts: it comes after the one that was taken back.
        write("77", "")?;
        schedule("+4 sec", "+%Y-%m-%d %H:%M:%S")?;
        let mut held = Vec::new();
        let look = || {
            if host.holds("192.168.0.66")? {
                return Ok(Some("66"));
            }
            Ok(host.holds("192.168.0.77")?.then_some("77"))
        };
        held.push(wait::for_some("the reload", seconds(20), look)?);
        // With its day, the time does not come again.
        held.push(if when.exists() { "kept" } else { "gone" });
        write("78", "")?;
        schedule("+2 sec", "+%H:%M:%S")?;
        host.wait_for_address("192.168.0.78", seconds(20))?;
        held.push(if when.exists() { "kept" } else { "gone" });
        seen.push(held);
        side.stop()?;
    }
    assert_eq!(seen[0], ["77", "gone", "kept"]);
    assert_eq!(seen[0], seen[1]);
    lab.close()
}

#[test]
fn a_reload_that_waits_to_save_what_a_process_knew_goes_on_when_the_process_dies() -> Result {
    let lab = Lab::native()?;
    let side =
        Side::start(host(&lab, "d", Daemon::Stayd)?, Daemon::Stayd, "config_save_dir FOLDER/saved", "")?;
    let pid = side.host.check("cat", &["/run/vrrp.pid"])?.trim().to_owned();
    side.host.check("kill", &["-STOP", &pid])?;
    side.change("77", "")?;
    side.process.wait_for_log("reloading", seconds(10))?;
    side.host.check("kill", &["-KILL", &pid])?;
    side.host.wait_for_address("192.168.0.77", seconds(20))?;
    side.host.wait_for_no_address("192.168.0.10", seconds(20))?;
    let left = || side.process.tree().map(|tree| tree.len());
    assert_eq!(wait::until("one child", seconds(10), left, |count| *count == 2)?, 2);
    side.stop().and_then(|()| lab.close())
}

const SERVER: &str = "
virtual_server 10.0.0.1 80 {
  delay_loop 60
  lvs_sched rr
  lvs_method NAT
  protocol TCP
  real_server 192.168.0.2 1 {
    TCP_CHECK {
      warmup 0
      connect_timeout 1
    }
  }
}";

/// The names in the folder, with words for the numbers of processes; of files that are whole.
fn names(folder: &Path, pids: &[(String, &str)]) -> Vec<String> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        // Ours are written under another name, keepalived's are empty first.
        let whole = fs::read_to_string(entry.path()).is_ok_and(|text| text.ends_with('\n'));
        let last = name.rsplit('.').next().unwrap();
        if whole && (["pre", "post"].contains(&last) || last.parse::<u8>().is_ok()) {
            assert_eq!(entry.metadata().unwrap().mode() & 0o777, 0o600, "{name}");
            names.push(
                pids.iter()
                    .fold(name, |name, (pid, word)| name.replace(&format!(".{pid}."), &format!(".{word}."))),
            );
        }
    }
    names.sort();
    names
}

/// What can be the same of a file that is saved: no times, sockets and interfaces.
fn comparable(text: &str) -> Vec<String> {
    let text = text.split("------< VRRP Sockpool >------").next().unwrap_or_default();
    let text = text.split("------< Interfaces >------").next().unwrap_or_default();
    let not_ours = [
        "libnftnl version",
        "fd_in ",
        "No sockets allocated",
        "Last transition",
        "Read timeout",
        "Master down timer",
        "previous effective_weight",
        "Retries iterations",
        "reloaded",
    ];
    let known = |line: &&str| !not_ours.iter().any(|label| line.trim_start().starts_with(label));
    text.lines().filter(known).map(str::to_owned).collect()
}

fn started(lab: &Lab, lan: &Lan, daemon: Daemon) -> Result<Side> {
    let host = lab.director(&format!("s-{}", &daemon.name()[..1]))?;
    host.connect(lan, "eth0", &["192.168.0.2/24"])?;
    let side = Side::start(host, daemon, "config_save_dir FOLDER/saved", SERVER)?;
    let table = |table: &str| table.contains("10.0.0.1:80") && !table.contains("192.168.0.2:1");
    side.host.wait_for_ipvs("the server to be down", seconds(20), table)?;
    Ok(side)
}

#[test]
fn the_folder_of_saved_configurations_has_keepalived_s_files() -> Result {
    let lab = Lab::with_ipvs()?;
    let lans = [lab.lan("lan-k")?, lab.lan("lan-s")?];
    let mut saved = Vec::new();
    for (daemon, lan) in BOTH.into_iter().zip(&lans) {
        let side = started(&lab, lan, daemon)?;
        let pid = |file: &str| Ok(side.host.check("cat", &[file])?.trim().to_owned());
        let pids = [
            (side.process.pid().to_string(), "parent"),
            (pid("/run/vrrp.pid")?, "vrrp"),
            (pid("/run/checkers.pid")?, "checkers"),
        ];
        let folder = side.folder.join("saved");
        let mut count = Vec::new();
        count.push(names(&folder, &pids));
        for (address, files) in [("11", 6), ("77", 11)] {
            side.change(address, "")?;
            side.host.wait_for_address(&format!("192.168.0.{address}"), seconds(20))?;
            let look = || Ok(names(&folder, &pids));
            count.push(wait::until("the files", seconds(20), look, |names| names.len() >= files)?);
        }
        let texts = count[2].iter().filter(|name| !name.contains(".conf.")).map(|name| {
            let real = pids.iter().fold(name.clone(), |name, (pid, word)| {
                name.replace(&format!(".{word}."), &format!(".{pid}."))
            });
            let text = fs::read_to_string(folder.join(real)).unwrap();
            (name.clone(), comparable(&text.replace(&side.folder.display().to_string(), "FOLDER")))
        });
        let texts: Vec<_> = texts.collect();
        // What is kept can be run again, by either.
        for tester in BOTH {
            let program = tester.path()?.display().to_string();
            let conf = format!("{}/keepalived.conf.{}.1", folder.display(), pids[0].0);
            side.host.check(&program, &["-t", "-f", &conf])?;
            assert!(fs::read_to_string(&conf).unwrap().contains("192.168.0.11"));
        }
        saved.push((count, texts));
        side.stop()?;
    }
    assert_eq!(saved[0].0, saved[1].0);
    assert_eq!(saved[0].0[2].len(), 11, "{:?}", saved[0].0);
    for ((name, theirs), (_, ours)) in saved[0].1.iter().zip(&saved[1].1) {
        assert!(theirs == ours, "{name}: {}", lab.diff(theirs, ours)?);
        assert!(theirs.len() > 100, "{name}: {theirs:?}");
    }
    lab.close()
}
