//! The dumps of virtual servers and of the settings of the whole: line for line beside keepalived's, over many
//! configurations, read by one parser.

use std::fs;
use std::path::PathBuf;

use lab::wait::{self, seconds};
use lab::{Daemon, Host, Lab, Lan, Listener, Process, Result};

const BOTH: [Daemon; 2] = [Daemon::Keepalived, Daemon::Stayd];

/// What keepalived says of itself, by the beginning of the line.
const NOT_OURS: [&str; 1] = ["libnftnl version"];

/// Every check and every kind of virtual server. What is at 7001 answers, nothing else does.
const SERVERS: &str = include_str!("servers.conf");

/// Every keyword of 2.2.7 within `virtual_server_group`, `virtual_server`, `real_server`, every check and `SSL`, but for
/// certificates. Nothing but 7001 answers; the first server's address is nowhere, so that its checks are suspended.
const EVERY: &str = include_str!("every.conf");

/// A daemon, and the folder of its dumps.
struct Side {
    daemon: Daemon,
    host: Host,
    process: Process,
    folder: PathBuf,
    /// What the checks find answering.
    listener: Option<Listener>,
}

/// A password as ours is shown, the options of a pattern, of which keepalived shows all where there is one, and no time but
/// that of what has not been.
fn shown(line: &str) -> String {
    if line.starts_with(" Password : ") {
        return " Password : ********".to_owned();
    }
    if line.starts_with("   Last ran = 1") {
        return "   Last ran = then".to_owned();
    }
    match line.split_once("Regex options: ") {
        Some((before, _)) => format!("{before}Regex options: some"),
        None => line.to_owned(),
    }
}

impl Side {
    /// On a LAN of its own, which is made before the first director, with a server that listens at 7001.
    fn start(lab: &Lab, lan: &Lan, daemon: Daemon, name: &str, text: &str) -> Result<Self> {
        let short = &daemon.name()[..1];
        let host = lab.director(&format!("{name}-{short}"))?;
        host.connect(lan, "eth0", &["192.168.0.5/24", "fd00::5/64"])?;
        let server = lab.host(&format!("s{name}-{short}"))?;
        server.connect(lan, "eth0", &["192.168.0.2/24", "fd00::2/64"])?;
        let listener = server.listen(7001)?;
        let mut side = Self::run(host, daemon, text, "/run/checkers.pid")?;
        side.listener = Some(listener);
        Ok(side)
    }

    fn run(host: Host, daemon: Daemon, text: &str, pid_file: &str) -> Result<Self> {
        let (process, folder) =
            host.start_for_dumps(daemon, &["-nlG", "-f"], text, (pid_file, seconds(20)))?;
        Ok(Self { daemon, host, process, folder, listener: None })
    }

    /// How the checker process is scheduled and called, and whether its memory is locked.
    fn schedule(&self) -> Result<String> {
        let pid = self.host.check("cat", &["/run/checkers.pid"])?.trim().to_owned();
        let locked = self.host.check("grep", &["VmLck", &format!("/proc/{pid}/status")])?;
        let locked = if locked.contains("\t       0 kB") { "not locked" } else { "locked" };
        let limit = self.host.check("grep", &["realtime timeout", &format!("/proc/{pid}/limits")])?;
        let shown = self.host.check("ps", &["--no-headers", "-o", "ni,cls,rtprio,comm", "-p", &pid])?;
        let words =
            |text: &str, most: usize| text.split_whitespace().take(most).collect::<Vec<_>>().join(" ");
        // The limit that the kernel tells of; ours has none that kills (docs/differences.md).
        Ok(format!("{locked}; {}; {}", words(&limit, 4), words(&shown, usize::MAX)))
    }

    /// Asks for the dump until it says what is waited for.
    fn dump(&self, name: &str, enough: impl Fn(&str) -> bool) -> Result<Vec<String>> {
        let path = self.folder.join(name);
        let look = || {
            drop(fs::remove_file(&path));
            self.host.check("kill", &["-USR1", &self.process.pid().to_string()])?;
            let mut before = String::new();
            wait::for_some(name, seconds(10), || {
                let text = fs::read_to_string(&path).unwrap_or_default();
                let whole = !text.is_empty() && text == before;
                before.clone_from(&text);
                Ok(whole.then_some(text))
            })
        };
        let what = format!("{name} of {} as it is to be", self.daemon.name());
        let text = wait::until(&what, seconds(30), look, |text| enough(text))?;
        let known = |line: &&str| !NOT_OURS.iter().any(|label| line.trim_start().starts_with(label));
        let text = text.replace(&self.host.folder().display().to_string(), "FOLDER");
        Ok(text.lines().filter(known).map(shown).collect())
    }
}

#[test]
fn the_dump_of_virtual_servers_has_the_lines_of_keepalived() -> Result {
    let lab = Lab::with_ipvs()?;
    let (mut dumps, mut schedules) = (Vec::new(), Vec::new());
    let lans = [lab.lan("lan-k")?, lab.lan("lan-s")?];
    for (daemon, lan) in BOTH.into_iter().zip(&lans) {
        let side = Side::start(&lab, lan, daemon, "vs", SERVERS)?;
        let ran = |text: &str| {
            text.contains("   Has run = yes")
                && !text.contains("   Has run = no")
                && text.contains("alive = 1")
        };
        let lines = side.dump("keepalived_check.data", ran)?;
        dumps.push(lines);
        schedules.push(side.schedule()?);
    }
    assert_eq!(schedules[0], schedules[1]);
    assert!(schedules[0].ends_with("RR 5 keepalived_lvs"), "{}", schedules[0]);
    assert!(dumps[0] == dumps[1], "{}", lab.diff(&dumps[0], &dumps[1])?);
    lab.close()
}

#[test]
fn every_keyword_of_servers_and_checks_shows_as_with_keepalived() -> Result {
    let lab = Lab::with_ipvs()?;
    let mut dumps = Vec::new();
    let lans = [lab.lan("lan-k")?, lab.lan("lan-s")?];
    for (daemon, lan) in BOTH.into_iter().zip(&lans) {
        let side = Side::start(&lab, lan, daemon, "every", EVERY)?;
        let ran = |text: &str| {
            let mut checks = text.split("   Enabled = ").skip(1);
            checks.all(|check| check.starts_with("no") || !check.contains("   Has run = no"))
        };
        dumps.push(side.dump("keepalived_check.data", ran)?);
    }
    assert!(dumps[0] == dumps[1], "{}", lab.diff(&dumps[0], &dumps[1])?);
    assert!(dumps[0].len() > 700, "{} lines", dumps[0].len());
    lab.close()
}

/// Pages and a command that do what files in the folder say.
const TURNS: &str = include_str!("turns.conf");

/// Answers 500 for a page whose file is there, otherwise 200.
const PAGES: &str = "\
import http.server, os, sys
class Pages(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(500 if os.path.exists(sys.argv[1] + self.path) else 200)
        self.send_header('Content-Length', '0')
        self.end_headers()
http.server.ThreadingHTTPServer(('127.0.0.1', 8080), Pages).serve_forever()
";

/// The lines of the checks, without those that count.
fn of_checks(lines: Vec<String>) -> Vec<String> {
    let checks = lines.into_iter().skip_while(|line| !line.contains("Health checkers"));
    checks.filter(|line| !line.contains("Retries iterations")).collect()
}

#[test]
fn what_checks_found_last_shows_as_with_keepalived_after_failures_and_recoveries() -> Result {
    let lab = Lab::with_ipvs()?;
    let lans = [lab.lan("lan-k")?, lab.lan("lan-s")?];
    let mut dumps = Vec::new();
    for (daemon, lan) in BOTH.into_iter().zip(&lans) {
        let host = lab.director(&format!("turns-{}", &daemon.name()[..1]))?;
        host.connect(lan, "eth0", &["192.168.0.5/24"])?;
        host.check("ip", &["link", "set", "lo", "up"])?;
        let folder = host.folder();
        let put = |name: &str, text: &str| host.write(name, text).map(drop);
        put("command", &format!("#!/bin/sh\nexit $(cat {}/status)\n", folder.display()))?;
        host.check("chmod", &["755", &folder.join("command").display().to_string()])?;
        put("status", "0")?;
        let pages = host.write("pages.py", PAGES)?.display().to_string();
        let _pages = host.start("pages", "python3", &[&pages, &folder.display().to_string()])?;
        let side = Side::run(host.clone(), daemon, TURNS, "/run/checkers.pid")?;
        let mut turn =
            |file: &str, text: Option<&str>, status: &str, lines: &[&str], none: &[&str]| -> Result {
                match text {
                    Some(text) => put(file, text)?,
                    None => drop(fs::remove_file(folder.join(file))),
                }
                // Whole at once: it is read all the time.
                put("new", status)?;
                fs::rename(folder.join("new"), folder.join("status"))
                    .map_err(|error| lab::Error::Story(format!("cannot rename a file: {error}")))?;
                let enough = |text: &str| {
                    lines.iter().all(|line| text.contains(line))
                        && !none.iter().any(|line| text.contains(line))
                };
                dumps.push((lines.join(", "), of_checks(side.dump("keepalived_check.data", enough)?)));
                Ok(())
            };
        turn("none", None, "0", &["Last status = 0"], &["Up = no", "Has run = no"])?;
        turn("b", Some(""), "1", &["Failed URL = /b", "Last status = 1"], &["Up = yes"])?;
        turn("b", None, "7", &["Last status = 7"], &["Up = no", "Failed URL"])?;
        turn("a", Some(""), "0", &["Failed URL = /a", "Last status = 0", "Up = no", "Up = yes"], &[])?;
        turn("a", None, "0", &["Last status = 0"], &["Up = no", "Failed URL"])?;
    }
    let (theirs, ours) = dumps.split_at(dumps.len() / 2);
    for ((turn, theirs), (_, ours)) in theirs.iter().zip(ours) {
        assert!(theirs == ours, "{turn}: {}", lab.diff(theirs, ours)?);
        assert!(theirs.iter().any(|line| line == "   Last ran = then"), "{theirs:?}");
    }
    lab.close()
}

#[test]
fn the_certificate_of_ssl_get_shows_as_with_keepalived() -> Result {
    let lab = Lab::with_ipvs()?;
    let lans = [lab.lan("lan-k")?, lab.lan("lan-s")?];
    let mut dumps = Vec::new();
    for (daemon, lan) in BOTH.into_iter().zip(&lans) {
        for (name, lines) in [
            ("all", "ca FOLDER/cert.pem\n  certificate FOLDER/cert.pem\n  key FOLDER/key.pem"),
            ("pass", "password secret\n  certificate FOLDER/cert.pem\n  key FOLDER/secret.pem"),
            ("some", "certificate FOLDER/cert.pem\n  key FOLDER/key.pem"),
            ("none", ""),
        ] {
            let host = lab.director(&format!("{name}-{}", &daemon.name()[..1]))?;
            host.connect(lan, "eth0", &["192.168.0.5/24"])?;
            let folder = host.folder().display().to_string();
            let make = format!(
                "cd {folder} && openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 30 -subj /CN=x \
                 && openssl rsa -aes128 -passout pass:secret -in key.pem -out secret.pem"
            );
            host.check("sh", &["-c", &make])?;
            let text = format!("SSL {{\n  {lines}\n}}\n{SSL_GET}");
            let side = Side::run(host, daemon, &text, "/run/checkers.pid")?;
            let ran = |text: &str| text.contains("Failed URL = /a");
            dumps.push((name, side.dump("keepalived_check.data", ran)?));
            side.process.stop(seconds(20))?;
        }
    }
    let (theirs, ours) = dumps.split_at(dumps.len() / 2);
    for ((name, theirs), (_, ours)) in theirs.iter().zip(ours) {
        assert!(theirs == ours, "{name}: {}", lab.diff(theirs, ours)?);
        assert_eq!(theirs.iter().any(|line| line.starts_with(" Key file : ")), *name != "none", "{theirs:?}");
    }
    lab.close()
}

const SSL_GET: &str = "virtual_server 10.0.0.1 443 {
  delay_loop 2
  lvs_sched rr
  lvs_method NAT
  protocol TCP
  real_server 192.168.0.5 1 {
    SSL_GET {
      url {
        path /a
        status_code 200
      }
      connect_timeout 1
      warmup 0
    }
  }
}
";

/// Nearly every setting of the whole that keepalived 2.2.7 shows.
const SETTINGS: &str = include_str!("settings.conf");

#[test]
fn the_parent_shows_every_setting_of_the_whole_as_keepalived_does() -> Result {
    let lab = Lab::native()?;
    for (name, text) in [
        ("usual", "global_defs {\n  router_id here\n}\n"),
        // No name service knows this host.
        ("none", "\n"),
        ("all", SETTINGS),
    ] {
        let mut dumps = Vec::new();
        for daemon in BOTH {
            let host = lab.host(&format!("{name}-{}", &daemon.name()[..1]))?;
            for line in ["link set lo up", "link add eth0 type veth peer name other"] {
                host.check("ip", &line.split(' ').collect::<Vec<_>>())?;
            }
            let pid_file =
                if name == "all" { "/run/keepalived/keepalived_one.pid" } else { "/run/keepalived.pid" };
            let side = Side::run(host, daemon, text, pid_file)?;
            dumps.push(side.dump("keepalived_parent.data", |text| text.contains(" umask = "))?);
        }
        assert!(dumps[0] == dumps[1], "{name}: {}", lab.diff(&dumps[0], &dumps[1])?);
        let least = if name == "all" { 95 } else { 70 };
        assert!(dumps[0].len() > least, "{name}: {:?}", dumps[0]);
    }
    lab.close()
}
