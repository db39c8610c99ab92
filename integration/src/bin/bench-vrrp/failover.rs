//! How much longer than the protocol asks for it takes until a backup is master.
//!
//! Two routers of one daemon and equal priority with `nopreempt`: whoever takes over stays, and the other one comes back
//! as its backup. The protocol's bound counts from the last advert of the old master on the wire: the
//! Active_Down_Interval after a silent one, the Skew_Time after one that resigns (RFC 9568 6.1).

use std::fmt::Write as _;
use std::net::IpAddr;
use std::thread;
use std::time::Duration;

use clock::Instant;
use lab::wait::{self, seconds};
use lab::{Capture, Daemon, Error, Host, Lab, Lan, Process, Result};

use crate::DAEMONS;
use crate::figures::{Series, met, millis};

/// The interval in text and in milliseconds.
const INTERVALS: [(&str, u64); 3] = [("1", 1_000), ("0.1", 100), ("0.01", 10)];
const VIP: &str = "192.168.0.10";
const PRIORITY: u64 = 100;
/// How much more often than at 1 s it happens at shorter intervals.
const MORE: u32 = 3;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Kill,
    Cut,
    Stop,
}

const KINDS: [Kind; 3] = [Kind::Kill, Kind::Cut, Kind::Stop];

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Kill => "master killed",
            Self::Cut => "its link cut",
            Self::Stop => "it stops",
        }
    }

    /// What the protocol asks for, from the last advert on.
    fn bound(self, interval: u64) -> u64 {
        let micros = interval * 1_000;
        let skew = micros * (256 - PRIORITY) / 256;
        match self {
            Self::Kill | Self::Cut => 3 * micros + skew,
            Self::Stop => skew,
        }
    }
}

/// What was measured: time over the bound until the first advert and until the first announcement of the VIP.
#[derive(Default)]
struct Overheads {
    adverts: Vec<i64>,
    announcements: Vec<i64>,
}

/// A router that runs, and how its process is known.
struct Router {
    host: Host,
    process: Process,
}

pub fn measure(runs: u32) -> Result<String> {
    let mut table = "\
| advert_int, s | event | times | keepalived, first advert: median / max, ms | stayd | keepalived, VIP announced: median / max, ms | stayd | target |
|---|---|---|---|---|---|---|---|
"
    .to_owned();
    for (text, interval) in INTERVALS {
        let runs = if interval == 1_000 { runs } else { runs * MORE };
        eprintln!("failover at an interval of {text} s, {runs} times each");
        // A short interval leaves no room for what others do: one kind of event after the other.
        let rounds: &[&[Kind]] =
            if interval == 1_000 { &[&KINDS] } else { &[&[Kind::Kill], &[Kind::Cut], &[Kind::Stop]] };
        for kinds in rounds {
            for (kind, overheads) in kinds.iter().zip(round(kinds, text, interval, runs)?) {
                line(&mut table, text, *kind, overheads);
            }
        }
    }
    Ok(table)
}

/// All of these kinds with both daemons, at the same time.
fn round(kinds: &[Kind], text: &str, interval: u64, runs: u32) -> Result<Vec<[Overheads; 2]>> {
    let lab = Lab::native()?;
    let mut casts = Vec::new();
    for (number, kind) in kinds.iter().enumerate() {
        for daemon in DAEMONS {
            let name = format!("{}{number}", &daemon.name()[..1]);
            let lan = lab.lan(&name)?;
            let hosts = [lab.host(&format!("{name}a"))?, lab.host(&format!("{name}b"))?];
            hosts[0].connect(&lan, "eth0", &["192.168.0.20/24"])?;
            hosts[1].connect(&lan, "eth0", &["192.168.0.21/24"])?;
            casts.push((*kind, daemon, lan, hosts));
        }
    }
    let configuration = &configuration(text);
    let measured: Vec<Result<Overheads>> = thread::scope(|scope| {
        let threads: Vec<_> = casts
            .into_iter()
            .map(|(kind, daemon, lan, hosts)| {
                scope.spawn(move || repeat(kind, daemon, &lan, hosts, configuration, interval, runs))
            })
            .collect();
        let panicked = || Err(Error::Story("a measurement panicked".to_owned()));
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| panicked())).collect()
    });
    let measured = measured.into_iter().collect::<Result<Vec<_>>>()?;
    lab.close()?;
    let mut measured = measured.into_iter();
    let pairs = core::iter::from_fn(|| Some([measured.next()?, measured.next()?]));
    Ok(pairs.collect())
}

fn configuration(interval: &str) -> String {
    format!(
        "\
global_defs {{
  router_id bench
}}
vrrp_instance VI_1 {{
  state BACKUP
  nopreempt
  interface eth0
  version 3
  virtual_router_id 1
  priority {PRIORITY}
  advert_int {interval}
  virtual_ipaddress {{
    {VIP}
  }}
}}
"
    )
}

fn repeat(
    kind: Kind,
    daemon: Daemon,
    lan: &Lan,
    hosts: [Host; 2],
    configuration: &str,
    interval: u64,
    runs: u32,
) -> Result<Overheads> {
    let start = |host: Host| -> Result<Router> {
        let process = host.start_daemon(daemon, configuration)?;
        Ok(Router { host, process })
    };
    let pause = Duration::from_millis(interval);
    let [first, second] = hosts;
    let wire = lan.capture()?;
    let from = lab::now();
    let mut master = start(first)?;
    wait_for_advert(&wire, &master.host, from)?;
    let mut backup = start(second)?;
    let mut entered = 1;
    let mut overheads = Overheads::default();
    for run in 0..runs {
        wait_for_backup(&backup, daemon, entered)?;
        // Heard of each other, and then at another point of the interval each time.
        thread::sleep(pause + Duration::from_millis(100) + pause * run / runs);
        let wire = lan.capture()?;
        thread::sleep(pause + pause / 5);
        let at = lab::now();
        match kind {
            Kind::Kill => drop(master.process.kill()?),
            Kind::Cut => master.host.cut("eth0")?,
            Kind::Stop => drop(master.process.signal(nix::sys::signal::Signal::SIGTERM)?),
        }
        let taken = wait_for_advert(&wire, &backup.host, at)?;
        let announced = wait::for_some("the VIP's announcement", seconds(10), || {
            Ok(wire.first_announcement_after(&backup.host, vip(), at))
        })?;
        let last = wire.last_advert_before(&master.host, taken);
        let last = last.ok_or_else(|| Error::Unmet("the master had been heard".to_owned()))?;
        let over = |moment: Instant| signed(moment) - signed(last.at) - kind.bound(interval).cast_signed();
        overheads.adverts.push(over(taken));
        overheads.announcements.push(over(announced.at));
        core::mem::swap(&mut master, &mut backup);
        // The one that is gone comes back; its log goes on.
        entered = count(&backup.process.log()?, daemon) + 1;
        match kind {
            Kind::Kill => {
                backup.host.remove_address("eth0", &format!("{VIP}/32"))?;
                // keepalived takes a killed one for running until its init has buried it.
                backup.host.check("sh", &["-c", "rm -f /run/*.pid"])?;
                backup = start(backup.host)?;
            }
            Kind::Cut => backup.host.heal("eth0")?,
            Kind::Stop => {
                backup.process.wait_for_exit(seconds(10))?;
                backup = start(backup.host)?;
            }
        }
    }
    Ok(overheads)
}

fn wait_for_advert(wire: &Capture, host: &Host, from: Instant) -> Result<Instant> {
    let what = format!("an advert of {}", host.name());
    wait::for_some(&what, seconds(15), || Ok(wire.first_advert_after(host, from).map(|advert| advert.at)))
}

fn wait_for_backup(router: &Router, daemon: Daemon, times: usize) -> Result {
    router.process.wait_until_log("the state BACKUP", seconds(15), |log| count(log, daemon) >= times)
}

fn count(log: &str, daemon: Daemon) -> usize {
    let words = match daemon {
        Daemon::Keepalived => "Entering BACKUP STATE",
        Daemon::Stayd => "-> BACKUP",
    };
    log.matches(words).count()
}

fn vip() -> IpAddr {
    IpAddr::from([192, 168, 0, 10])
}

fn signed(moment: Instant) -> i64 {
    moment.as_micros().cast_signed()
}

fn line(table: &mut String, interval: &str, kind: Kind, overheads: [Overheads; 2]) {
    let [keepalived, stayd] = overheads.map(|one| [Series::new(one.adverts), Series::new(one.announcements)]);
    let target = stayd[0].median() <= keepalived[0].median() && stayd[0].max() <= keepalived[0].max();
    let show = |series: &Series| format!("{} / {}", millis(series.median()), millis(series.max()));
    // Writing to a string cannot fail.
    let _ = writeln!(
        table,
        "| {interval} | {} | {} | {} | {} | {} | {} | {} |",
        kind.name(),
        stayd[0].len(),
        show(&keepalived[0]),
        show(&stayd[0]),
        show(&keepalived[1]),
        show(&stayd[1]),
        met(target),
    );
}
