//! How punctual adverts are while the rest of the daemon and of the host is busy.
//!
//! One master of each daemon sends for ten virtual routers every 0.1 s; how much longer than that two adverts of one
//! are apart is the lateness. The load: TCP connections as a checker makes them (both daemons' own need IPVS in the
//! kernel, which the lab's has not), signals that ask both for their dumps, and a tracking script of either that starts
//! fifty processes a second.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt as _;
use std::thread;
use std::time::{Duration, Instant};

use lab::wait::{self, seconds};
use lab::{Capture, Daemon, Error, Host, Lab, Process, Result};
use nix::sys::signal::Signal;
use socket2::{Domain, Socket, Type};

use crate::DAEMONS;
use crate::figures::{Series, met, millis};

const INTERVAL: i64 = 100_000;
/// No advert later than this, in microseconds.
const TARGET: i64 = 10_000;
const VIRTUAL_ROUTERS: u32 = 10;
/// TCP checks a second.
const CHECKS: u32 = 5_000;
/// How often both daemons are asked for their dumps.
const DUMP_EVERY: Duration = Duration::from_millis(200);
/// Where the checked server listens.
const PORT: u16 = 80;
const SETTLING: Duration = Duration::from_secs(7);

const SCRIPT: &str = "#!/bin/sh
i=0
while [ $i -lt 50 ]; do /bin/true & i=$((i+1)); done
wait
";

struct Phase {
    name: &'static str,
    loaded: bool,
    realtime: bool,
}

const PHASES: [Phase; 3] = [
    Phase { name: "quiet", loaded: false, realtime: false },
    Phase { name: "under load", loaded: true, realtime: false },
    Phase { name: "under load, `vrrp_rt_priority 50`", loaded: true, realtime: true },
];

pub fn measure(period: Duration) -> Result<String> {
    let mut table = "\
| load | daemon | adverts | p50, ms | p99, ms | max, ms | no later than 10 ms | at most keepalived's max |
|---|---|---|---|---|---|---|---|
"
    .to_owned();
    let (mut checks, mut stolen) = (Vec::new(), Vec::new());
    for phase in &PHASES {
        eprintln!("lateness, {}", phase.name);
        let before = steal()?;
        let (measured, done) = measure_phase(phase, period)?;
        stolen.push((steal()? - before).to_string());
        checks.extend(phase.loaded.then(|| done.to_string()));
        let yardstick = measured[0].max();
        for (daemon, series) in DAEMONS.iter().zip(&measured) {
            // Writing to a string cannot fail.
            let _ = writeln!(
                table,
                "| {} | {} | {} | {} | {} | {} | {} | {} |",
                phase.name,
                daemon.name(),
                series.len(),
                millis(series.percentile(50)),
                millis(series.percentile(99)),
                millis(series.max()),
                met(series.max() <= TARGET),
                if *daemon == Daemon::Stayd { met(series.max() <= yardstick) } else { "" },
            );
        }
    }
    let _ = write!(
        table,
        "\nTCP checks a second under load: {}. Processor time that the host of this machine gave to others instead, in ticks of \
         the kernel's clock: {}; nobody is punctual then.",
        checks.join(" and "),
        stolen.join(", ")
    );
    Ok(table)
}

/// Both daemons' lateness, and the connections that were made a second.
fn measure_phase(phase: &Phase, period: Duration) -> Result<([Series; 2], u64)> {
    let lab = Lab::native()?;
    let mut casts = Vec::new();
    for daemon in DAEMONS {
        let lan = lab.lan(&daemon.name()[..1])?;
        let host = lab.host(daemon.name())?;
        host.connect(&lan, "eth0", &["192.168.0.20/24"])?;
        casts.push((daemon, host, lan.capture()?));
    }
    let checking = lab.host("checker")?;
    let listener = checking.listen(PORT)?;
    if phase.loaded {
        let program = std::env::current_exe();
        let program = program.map_err(|error| Error::Unmet(format!("this program has a path: {error}")))?;
        checking.start("checks", &program.display().to_string(), &["--check", &CHECKS.to_string()])?;
    }
    let mut processes = Vec::new();
    for (daemon, host, _) in &casts {
        let script = host.write("bomb", SCRIPT)?;
        let executable = fs::set_permissions(&script, fs::Permissions::from_mode(0o755));
        executable.map_err(|error| Error::Unmet(format!("{}: {error}", script.display())))?;
        let text = configuration(phase, &script.display().to_string());
        processes.push(host.start_daemon(*daemon, &text)?);
    }
    for (_, host, wire) in &casts {
        let heard = || Ok(wire.last_advert_before(host, lab::now()).map(|advert| advert.at));
        wait::for_some(&format!("adverts of {}", host.name()), seconds(20), heard)?;
    }
    thread::sleep(SETTLING);
    let opened = opened(&checking)?;
    let from = lab::now();
    let start = Instant::now();
    while start.elapsed() < period {
        thread::sleep(DUMP_EVERY);
        if phase.loaded {
            for process in &processes {
                ask_for_dumps(process)?;
            }
        }
    }
    let checks = (self::opened(&checking)? - opened) / period.as_secs().max(1);
    let series = [0, 1].map(|index| lateness(&casts[index].2, &casts[index].1, from));
    drop(listener);
    drop(casts);
    lab.close()?;
    Ok((series, checks))
}

/// Time that a hypervisor gave to other machines while this one had something to do, in ticks.
fn steal() -> Result<u64> {
    let text = fs::read_to_string("/proc/stat").unwrap_or_default();
    let of_all = text.lines().next().and_then(|line| line.split_whitespace().nth(8)?.parse().ok());
    of_all.ok_or_else(|| Error::Unmet("the kernel counts stolen time".to_owned()))
}

fn ask_for_dumps(process: &Process) -> Result {
    process.signal(Signal::SIGUSR1)?;
    process.signal(Signal::SIGUSR2)?;
    Ok(())
}

/// TCP connections that a host has opened so far.
fn opened(host: &Host) -> Result<u64> {
    let text = host.check("cat", &["/proc/net/snmp"])?;
    let mut lines = text.lines().filter_map(|line| line.strip_prefix("Tcp: "));
    let names = lines.next().unwrap_or_default().split(' ');
    let numbers = lines.next().unwrap_or_default().split(' ');
    let found = names.zip(numbers).find(|(name, _)| *name == "ActiveOpens");
    let number = found.and_then(|(_, number)| number.parse().ok());
    number.ok_or_else(|| Error::Unmet("the kernel counts connections".to_owned()))
}

fn configuration(phase: &Phase, script: &str) -> String {
    let mut text = "global_defs {\n  router_id bench\n  script_user root\n".to_owned();
    if phase.realtime {
        text += "  vrrp_rt_priority 50\n";
    }
    text += "}\n";
    if phase.loaded {
        // Writing to a string cannot fail.
        let _ = write!(text, "vrrp_script bomb {{\n  script \"{script}\"\n  interval 1\n  weight 1\n}}\n");
    }
    let track = if phase.loaded { "  track_script {\n    bomb\n  }\n" } else { "" };
    for vrid in 1..=VIRTUAL_ROUTERS {
        let _ = write!(
            text,
            "\
vrrp_instance V{vrid} {{
  state MASTER
  interface eth0
  version 3
  virtual_router_id {vrid}
  priority 100
  advert_int 0.1
  virtual_ipaddress {{
    192.168.0.{}
  }}
{track}}}
",
            100 + vrid
        );
    }
    text
}

/// By how much adverts of one virtual router were further apart than the interval.
fn lateness(wire: &Capture, host: &Host, from: clock::Instant) -> Series {
    let mut last: BTreeMap<u8, clock::Instant> = BTreeMap::new();
    let mut late = Vec::new();
    for advert in wire.adverts() {
        if advert.at < from || !host.owns(advert.source) {
            continue;
        }
        if let Some(before) = last.insert(advert.vrid, advert.at) {
            late.push((advert.at.as_micros() - before.as_micros()).cast_signed() - INTERVAL);
        }
    }
    Series::new(late)
}

/// Makes and closes so many TCP connections a second, for ever.
pub fn check(rate: u32) -> ! {
    const TURN: Duration = Duration::from_millis(1);
    let start = Instant::now();
    let mut made = 0_u64;
    loop {
        let due = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX) * u64::from(rate) / 1_000;
        // What is overdue is left out: a checker has its limits too.
        made = made.max(due.saturating_sub(u64::from(rate) / 10));
        while made < due {
            // Its failure is as good a load.
            drop(connect());
            made += 1;
        }
        thread::sleep(TURN);
    }
}

/// Over the loopback a connection is there, or refused, before the call returns: nobody is waited for.
fn connect() -> std::io::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM.nonblocking(), None)?;
    match socket.connect(&SocketAddr::from((Ipv4Addr::LOCALHOST, PORT)).into()) {
        Err(error) if error.raw_os_error() != Some(libc::EINPROGRESS) => Err(error),
        _ => Ok(socket),
    }
}
