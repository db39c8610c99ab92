//! Dumps of a busy director while somebody reads them without pause: nobody ever sees part of a file, each signal has its
//! file, and the adverts keep their time.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use lab::wait::{self, seconds};
use lab::{Daemon, Host, Lab, Lan, Process, Result};

const INSTANCES: usize = 100;
const ROUNDS: usize = 50;

/// Which signal asks for which file; glibc and musl number the JSON signal differently, and scripts send either.
const FILES: [(&str, &str); 4] = [
    ("-USR1", "keepalived.data"),
    ("-USR2", "keepalived.stats"),
    ("-36", "keepalived.json"),
    ("-37", "keepalived.json"),
];

fn configuration(priority: u8) -> String {
    let instance = |number: usize| {
        format!(
            "vrrp_instance V{number} {{\n  interface eth0\n  virtual_router_id {number}\n  priority {priority}\n  \
             virtual_ipaddress {{\n    10.7.0.{number}\n  }}\n}}\n"
        )
    };
    (1..=INSTANCES).map(instance).collect()
}

struct Director {
    host: Host,
    process: Process,
    folder: PathBuf,
}

impl Director {
    fn start(lab: &Lab, lan: &Lan, name: &str, address: &str, priority: u8) -> Result<Self> {
        let host = lab.host(name)?;
        host.connect(lan, "eth0", &[address])?;
        let ready = ("/run/vrrp.pid", seconds(30));
        let (process, folder) =
            host.start_for_dumps(Daemon::Stayd, &["-nlGP", "-f"], &configuration(priority), ready)?;
        Ok(Self { host, process, folder })
    }

    /// The time from the signal to its file.
    fn ask(&self, signal: &str, name: &str) -> Result<Duration> {
        let path = self.folder.join(name);
        let which = || fs::metadata(&path).ok().map(|metadata| (metadata.ino(), metadata.mtime_nsec()));
        let before = which();
        let asked = Instant::now();
        self.host.check("kill", &[signal, &self.process.pid().to_string()])?;
        while which() == before {
            assert!(asked.elapsed() < seconds(20), "{signal} brings no new {name}");
            std::thread::yield_now();
        }
        Ok(asked.elapsed())
    }

    fn stats(&self) -> Result<String> {
        self.ask("-USR2", "keepalived.stats")?;
        Ok(fs::read_to_string(self.folder.join("keepalived.stats")).unwrap())
    }
}

/// What is not whole in a file that is read at any moment.
fn fault(path: &Path) -> Option<String> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => return Some(error.to_string()),
    };
    let whole = match path.extension()?.to_str()? {
        "data" => {
            let interfaces =
                text.split_once("------< Interfaces >------\n").map(|(_, interfaces)| interfaces);
            let names = interfaces.unwrap_or_default().matches(" Name = ").count();
            text.matches(" VRRP Instance = ").count() == INSTANCES && names >= 2 && text.ends_with('\n')
        }
        "stats" => {
            text.matches("VRRP Instance: ").count() == INSTANCES
                && text.lines().rev().nth(2) == Some("  Priority Zero:")
                && text.ends_with('\n')
        }
        _ => serde_json::from_str::<Vec<serde_json::Value>>(&text).is_ok_and(|all| all.len() == INSTANCES),
    };
    (!whole).then(|| format!("{} bytes, the last {:?}", text.len(), text.lines().last()))
}

#[test]
fn who_reads_without_pause_never_sees_part_of_a_dump_and_no_advert_is_late() -> Result {
    let lab = Lab::native()?;
    let lan = lab.lan("lan")?;
    let master = Director::start(&lab, &lan, "d1", "192.168.0.1/24", 200)?;
    let peer = Director::start(&lab, &lan, "d2", "192.168.0.2/24", 100)?;
    let masters = |text: &String| text.matches("Became master: 1\n").count() == INSTANCES;
    wait::until("the masters", seconds(30), || master.stats(), masters)?;
    for (signal, name) in FILES {
        master.ask(signal, name)?;
    }

    let (done, reads) = (AtomicBool::new(false), std::sync::atomic::AtomicUsize::new(0));
    let mut times = vec![Vec::new(); FILES.len()];
    let faults = std::thread::scope(|scope| -> Result<Vec<String>> {
        let reader = scope.spawn(|| {
            let mut faults = Vec::new();
            while !done.load(Ordering::Relaxed) {
                for (_, name) in &FILES[..3] {
                    faults.extend(fault(&master.folder.join(name)).map(|fault| format!("{name}: {fault}")));
                    reads.fetch_add(1, Ordering::Relaxed);
                }
            }
            faults
        });
        let rounds = (0..ROUNDS).try_for_each(|_| {
            FILES.iter().zip(&mut times).try_for_each(|((signal, name), times)| {
                times.push(master.ask(signal, name)?);
                Ok(())
            })
        });
        done.store(true, Ordering::Relaxed);
        let faults = reader.join().unwrap();
        rounds.map(|()| faults)
    })?;
    for ((signal, name), times) in FILES.iter().zip(&mut times) {
        times.sort();
        let (median, last) = (times[ROUNDS / 2], times[ROUNDS - 1]);
        println!("{signal}: {name} after {median:?} at the median, {last:?} at most");
    }
    println!("{} reads", reads.load(Ordering::Relaxed));
    assert!(faults.is_empty(), "{} faults: {:?}", faults.len(), &faults[..faults.len().min(3)]);
    // Whoever had waited in vain for an advert would have become master.
    let (here, there) = (master.stats()?, peer.stats()?);
    assert_eq!(here.matches("Released master: 0\n").count(), INSTANCES, "{here}");
    assert_eq!(there.matches("Became master: 0\n").count(), INSTANCES, "{there}");
    lab.close()
}
