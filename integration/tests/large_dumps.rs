//! Dumps of a master with 300 virtual servers of 100 real servers each, asked for again and again: whoever reads at any
//! moment sees a whole file, with keepalived's labels, and no advert is late.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use lab::wait::{self, seconds};
use lab::{Daemon, Host, Lab, Lan, Process, Result, configuration};

const SERVICES: usize = 300;
const SERVERS: usize = 100;
const ROUNDS: usize = 10;

/// Of the master's adverts.
const INTERVAL: Duration = Duration::from_secs(1);

const INSTANCE: &str = "vrrp_instance V {
  state MASTER
  interface eth0
  virtual_router_id 51
  priority 255
  advert_int 1
  virtual_ipaddress {
    192.168.0.10
  }
}
";

/// Of each service, one server is checked, and nobody answers.
fn text() -> String {
    let check = "    TCP_CHECK {\n      connect_timeout 1\n    }\n";
    INSTANCE.to_owned() + &configuration::many([SERVICES, SERVERS], "  delay_loop 5\n", check)
}

/// The files that one signal brings.
const FILES: [&str; 3] = ["keepalived.data", "keepalived_parent.data", "keepalived_check.data"];

struct Director {
    daemon: Daemon,
    host: Host,
    process: Process,
    folder: PathBuf,
}

impl Director {
    fn start(lab: &Lab, lan: &Lan, daemon: Daemon, text: &str) -> Result<Self> {
        let host = lab.director(&format!("d-{}", &daemon.name()[..1]))?;
        host.connect(lan, "eth0", &["192.168.0.2/24"])?;
        let (process, folder) =
            host.start_for_dumps(daemon, &["-nlG", "-f"], text, ("/run/vrrp.pid", seconds(60)))?;
        host.wait_for_ipvs("all servers", seconds(240), |table| {
            table.lines().filter(|line| line.starts_with("-a")).count() >= SERVICES * (SERVERS - 1)
        })?;
        host.wait_for_address("192.168.0.10", seconds(60))?;
        Ok(Self { daemon, host, process, folder })
    }

    fn signal(&self, name: &str) -> Result {
        self.host.check("kill", &[name, &self.process.pid().to_string()]).map(drop)
    }

    /// Which file has the name now.
    fn which(&self, name: &str) -> Option<(u64, i64)> {
        fs::metadata(self.folder.join(name)).ok().map(|metadata| (metadata.ino(), metadata.mtime_nsec()))
    }

    /// The time from a signal to its last file.
    fn ask(&self) -> Result<Duration> {
        let before = FILES.map(|name| self.which(name));
        let asked = Instant::now();
        self.signal("-USR1")?;
        let all = || Ok(FILES.iter().zip(&before).all(|(name, before)| self.which(name) != *before));
        wait::until("the files", seconds(60), all, |all| *all)?;
        Ok(asked.elapsed())
    }

    /// The labels of a file once it is whole.
    fn labels(&self, name: &str) -> Result<BTreeSet<String>> {
        let path = self.folder.join(name);
        let whole = || Ok(fault(&path).is_none().then(|| fs::read_to_string(&path).unwrap()));
        let text = wait::for_some(&format!("{name} of {}", self.daemon.name()), seconds(60), whole)?;
        Ok(text.lines().filter_map(label).collect())
    }
}

/// What a line is about: what stands before its value.
fn label(line: &str) -> Option<String> {
    // An address of a server or of a service is a value.
    let line = if line.starts_with(" [") { " [VS] -> [RS]" } else { line };
    let own = ["libnftnl version", "fd_in "].iter().any(|own| line.trim_start().starts_with(own));
    let (label, _) = line.split_once(" = ").unwrap_or((line, ""));
    (!own).then(|| label.to_owned())
}

/// What is not whole in a file that is read at any moment.
fn fault(path: &Path) -> Option<String> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => return Some(error.to_string()),
    };
    let whole = match path.file_name()?.to_str()? {
        "keepalived.data" => text.contains(" VRRP Instance = V\n") && text.contains(" Name = eth0\n"),
        "keepalived_parent.data" => text.contains("\n umask = "),
        _ => {
            text.matches("\n VS VIP = ").count() == SERVICES
                && text.matches("\n   RIP = ").count() == SERVICES * SERVERS
                && text.matches("\n   Keepalive method = TCP_CHECK\n").count() == SERVICES
        }
    };
    let whole = whole && text.ends_with('\n');
    (!whole).then(|| format!("{} bytes, the last {:?}", text.len(), text.lines().last()))
}

#[test]
fn dumps_of_thirty_thousand_real_servers_are_whole_whenever_they_are_read_and_delay_no_advert() -> Result {
    let lab = Lab::with_ipvs()?;
    let (theirs, ours) = (lab.lan("lan-k")?, lab.lan("lan-s")?);
    let text = text();
    let director = Director::start(&lab, &theirs, Daemon::Keepalived, &text)?;
    director.ask()?;
    let labels: Vec<_> = FILES.iter().map(|name| director.labels(name)).collect::<Result<_>>()?;
    director.process.kill()?;
    director.host.kill_all()?;

    let wire = ours.capture()?;
    let director = Director::start(&lab, &ours, Daemon::Stayd, &text)?;
    director.ask()?;
    for (name, theirs) in FILES.iter().zip(&labels) {
        let [theirs, ours] =
            [theirs, &director.labels(name)?].map(|set| set.iter().cloned().collect::<Vec<_>>());
        assert!(theirs == ours, "{name}: {}", lab.diff(&theirs, &ours)?);
    }

    let (began, done, reads) = (Instant::now(), AtomicBool::new(false), AtomicUsize::new(0));
    let faults = std::thread::scope(|scope| -> Result<Vec<String>> {
        let reader = scope.spawn(|| {
            let mut faults = Vec::new();
            while !done.load(Ordering::Relaxed) {
                for name in FILES {
                    faults.extend(fault(&director.folder.join(name)).map(|fault| format!("{name}: {fault}")));
                    reads.fetch_add(1, Ordering::Relaxed);
                }
            }
            faults
        });
        let rounds = (0..ROUNDS).try_for_each(|round| {
            // Some more, for which nobody waits.
            for signal in ["-USR2", "-36", "-USR1"].iter().take(round % 4) {
                director.signal(signal)?;
            }
            let took = director.ask()?;
            println!("round {round}: all files after {took:?}");
            Ok(())
        });
        done.store(true, Ordering::Relaxed);
        let faults = reader.join().unwrap();
        rounds.map(|()| faults)
    })?;
    let ended = Instant::now();
    let size = fs::metadata(director.folder.join(FILES[2])).unwrap().len();
    println!("{} reads; the largest file has {size} bytes", reads.load(Ordering::Relaxed));
    assert!(faults.is_empty(), "{} faults: {:?}", faults.len(), &faults[..faults.len().min(3)]);

    let adverts: Vec<_> = wire.adverts().iter().map(|advert| advert.at).collect();
    let pauses = adverts.windows(2).map(|pair| pair[1].saturating_since(pair[0]));
    let longest = pauses.max().unwrap_or_default();
    println!("{} adverts, the longest pause {longest:?}, in {:?}", adverts.len(), ended - began);
    assert!(adverts.len() >= 3, "{}", adverts.len());
    assert!(longest < INTERVAL * 2, "an advert was late by more than its interval: {longest:?}");
    lab.close()
}
