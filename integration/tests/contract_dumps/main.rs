//! The dumps of virtual servers and of the settings of the whole: line for line beside keepalived's, over many
//! configurations, read by one parser.

use std::fs;
use std::path::PathBuf;

use lab::wait::{self, seconds};
use lab::{Daemon, Host, Lab, Lan, Listener, Process, Result};

const BOTH: [Daemon; 2] = [Daemon::Keepalived, Daemon::Stayd];

/// What keepalived says of itself, of the past and of what it will do again, by the beginning of the line.
const NOT_OURS: [&str; 4] = ["libnftnl version", "Failed URL", "Last ran", "Last status"];

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

/// A password as ours is shown, and the options of a pattern, of which keepalived shows all where there is one.
fn shown(line: &str) -> String {
    if line.starts_with(" Password : ") {
        return " Password : ********".to_owned();
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
        let (process, folder) = host.start_for_dumps(daemon, "-nlG", text, (pid_file, seconds(20)))?;
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
