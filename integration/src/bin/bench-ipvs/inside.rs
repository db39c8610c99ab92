//! What runs in the lab's kernel: one daemon, one case, and the figures of it.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::director::{Director, Shape, spawn, wait};
use crate::load::{self, Server};
use crate::{Figures, Result, tree};

/// Only the start.
pub fn start(daemon: &Path, shape: Shape) -> Result<Figures> {
    let (director, start) = Director::start(daemon, shape)?;
    director.stop()?;
    Ok(Figures::from([("start".into(), start.as_secs_f64())]))
}

/// Start, reloads and stop.
pub fn life(daemon: &Path, shape: Shape, reloads: u32) -> Result<Figures> {
    let mut figures = Figures::new();
    let (mut director, start) = Director::start(daemon, shape)?;
    figures.insert("start".into(), start.as_secs_f64());
    let pid = director.child.id();
    let started = tree::idle(pid)?;
    figures.insert("start_cpu".into(), started);
    figures.insert("memory".into(), tree::memory_at_rest(pid)?);
    figures.insert("faults".into(), tree::faults(pid));
    let mut walls = Vec::new();
    for reload in 0..reloads {
        walls.push(director.reload(2 + reload % 2)?.as_secs_f64());
        let rested = tree::idle(pid)?;
        if reload == 0 {
            figures.insert("memory_1".into(), tree::memory_at_rest(pid)?);
        }
        figures.insert("reload_cpu".into(), (rested - started) / f64::from(reload + 1));
    }
    if reloads > 0 {
        figures.insert("memory_n".into(), tree::memory_at_rest(pid)?);
        figures.insert("reload".into(), median(walls));
    }
    figures.insert("stop".into(), director.stop()?.as_secs_f64());
    Ok(figures)
}

/// The value in the middle.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// The port of all servers that are checked.
const PORT: u16 = 80;
/// How long is measured.
const WINDOW: Duration = Duration::from_secs(8);

/// Processor time of checks.
pub fn checks(daemon: &Path, rate: u32) -> Result<Figures> {
    let server = Server::open(PORT)?;
    let file = Path::new("/run/bench.conf");
    fs::write(file, text((0..rate).map(|number| (load::address(number).to_string(), PORT))))?;
    let mut child = spawn(daemon, file)?;
    // After 1 to 2 s every check has run once.
    thread::sleep(Duration::from_secs(4));
    let (cpu, checks, begin) =
        (tree::processor_seconds(child.id())?, server.accepted.load(Ordering::Relaxed), Instant::now());
    thread::sleep(WINDOW);
    let (took, cpu) = (begin.elapsed().as_secs_f64(), tree::processor_seconds(child.id())? - cpu);
    let checks = f64::from(server.accepted.load(Ordering::Relaxed) - checks);
    let memory = tree::memory(child.id())?;
    kill(Pid::from_raw(i32::try_from(child.id())?), Signal::SIGTERM)?;
    child.wait()?;
    Ok(Figures::from([
        ("cpu".into(), cpu / checks * 1000.0),
        ("rate".into(), checks / took),
        ("memory".into(), memory),
    ]))
}

/// The least that these checks can cost.
pub fn least(rate: u32) -> Result<Figures> {
    let server = Server::open(PORT)?;
    let cpu = |pid| tree::processor_seconds(pid);
    let accepted = || f64::from(server.accepted.load(Ordering::Relaxed));
    // A process of its own, so that its time is not mixed with the server's.
    let mut child = Command::new(std::env::current_exe()?).args(["connect", &rate.to_string()]).spawn()?;
    let pid = child.id();
    thread::sleep(Duration::from_secs(1));
    let (before, checks, begin) = (cpu(pid)?, accepted(), Instant::now());
    thread::sleep(WINDOW);
    let (took, cpu, checks) = (begin.elapsed().as_secs_f64(), cpu(pid)? - before, accepted() - checks);
    child.wait()?;
    Ok(Figures::from([("cpu".into(), cpu / checks * 1000.0), ("rate".into(), checks / took)]))
}

/// The bare loop of [`least`].
pub fn connect(rate: u32) -> Result<Figures> {
    load::connect_at(rate, PORT, WINDOW + Duration::from_secs(3))?;
    Ok(Figures::new())
}

/// How long until servers whose ports close are gone.
pub fn detect(daemon: &Path) -> Result<Figures> {
    let ports: Vec<u16> = (9000..9020).collect();
    let mut servers = ports.iter().map(|port| Server::open(*port)).collect::<Result<Vec<_>>>()?;
    let file = Path::new("/run/bench.conf");
    fs::write(file, text(ports.iter().map(|port| ("127.0.0.1".to_owned(), *port))))?;
    let mut child = spawn(daemon, file)?;
    let table = || fs::read_to_string("/proc/net/ip_vs");
    wait(|| Ok(table()?.lines().count() == 4 + ports.len()))?;
    thread::sleep(Duration::from_secs(3));
    let mut delays = Vec::new();
    for (server, port) in servers.iter_mut().zip(&ports) {
        server.close();
        let begin = Instant::now();
        let entry = format!(":{port:04X} ");
        wait(|| Ok(!table()?.contains(&entry)))?;
        delays.push(begin.elapsed().as_secs_f64());
    }
    kill(Pid::from_raw(i32::try_from(child.id())?), Signal::SIGTERM)?;
    child.wait()?;
    delays.sort_by(f64::total_cmp);
    Ok(Figures::from([
        ("min".into(), delays.first().copied().unwrap_or_default()),
        ("median".into(), median(delays.clone())),
        ("max".into(), delays.last().copied().unwrap_or_default()),
    ]))
}

/// A virtual server with these real servers, each checked every second.
fn text(servers: impl Iterator<Item = (String, u16)>) -> String {
    let mut all = String::new();
    for (address, port) in servers {
        // Writing to a string cannot fail.
        let _ = write!(
            all,
            "  real_server {address} {port} {{\n    TCP_CHECK {{\n      connect_timeout 3\n      retry 1\n      \
             delay_before_retry 1\n    }}\n  }}\n"
        );
    }
    format!(
        "global_defs {{\n  router_id bench\n}}\nvirtual_server 192.0.2.1 80 {{\n  delay_loop 1\n  lvs_sched rr\n  \
         lvs_method NAT\n  protocol TCP\n{all}}}\n"
    )
}
