//! What an advert costs, sent and received.
//!
//! Masters of each daemon send on LANs of their own, with nobody else there. Backups of both daemons hear the same
//! adverts of a third router, so that their work is the same. All run at the same time; what is counted is the time that
//! all processes of a daemon ran for in a period, and the packets of its interfaces. An idle daemon's cost is in it.
//! What one advert a second costs depends on where each wake-up happens to run, and in which order they are woken: there
//! are several of each daemon, in an order that favours neither, and the period is longer.

use std::fmt::Write as _;
use std::thread;
use std::time::Duration;

use lab::wait::{self, seconds};
use lab::{Daemon, Host, Lab, Lan, Process, Result};

use crate::DAEMONS;
use crate::figures::met;
use crate::load::{cpu_time, packets};

const SIZES: [u32; 4] = [1, 100, 250, 1000];
/// Virtual routers to a LAN, at most.
const PER_LAN: u32 = 250;
/// Daemons that stand for one where there is a single virtual router.
const SAMPLE: [Daemon; 6] =
    [Daemon::Keepalived, Daemon::Stayd, Daemon::Stayd, Daemon::Keepalived, Daemon::Keepalived, Daemon::Stayd];
/// How much longer these are watched.
const SAMPLE_PERIODS: u32 = 4;
/// After becoming master: the second burst of announcements comes after five seconds.
const SETTLING: Duration = Duration::from_secs(7);

/// A running daemon.
struct Router {
    daemon: Daemon,
    host: Host,
    process: Process,
}

/// Counters at one moment.
#[derive(Clone, Copy)]
struct Reading {
    nanos: u64,
    packets: [u64; 2],
}

/// What a daemon's masters and backups cost.
struct Cost {
    per_sent: f64,
    per_received: f64,
    sent: u64,
    received: u64,
}

pub fn measure(period: Duration) -> Result<String> {
    let mut table = "\
| virtual routers | adverts sent / received by each | keepalived, us per advert sent | stayd | target | keepalived, us per advert received | stayd | target |
|---|---|---|---|---|---|---|---|
"
    .to_owned();
    for size in SIZES {
        eprintln!("cost of {size} masters and {size} backups");
        let [keepalived, stayd] = costs(size, period)?;
        // Writing to a string cannot fail.
        let _ = writeln!(
            table,
            "| {size} | {} / {} | {:.1} | {:.1} | {} | {:.1} | {:.1} | {} |",
            stayd.sent,
            stayd.received,
            keepalived.per_sent,
            stayd.per_sent,
            met(stayd.per_sent <= keepalived.per_sent),
            keepalived.per_received,
            stayd.per_received,
            met(stayd.per_received <= keepalived.per_received),
        );
    }
    Ok(table)
}

fn costs(size: u32, period: Duration) -> Result<[Cost; 2]> {
    let lab = Lab::native()?;
    let lans = size.div_ceil(PER_LAN);
    let make = |prefix: &str| -> Result<Vec<Lan>> {
        (0..lans).map(|number| lab.lan(&format!("{prefix}{number}"))).collect()
    };
    let common: Vec<Lan> = make("c")?;
    let (daemons, period): (&[Daemon], _) =
        if size == 1 { (&SAMPLE, period * SAMPLE_PERIODS) } else { (&DAEMONS, period) };
    let mut masters = Vec::new();
    for (number, daemon) in daemons.iter().enumerate() {
        let own: Vec<Lan> = make(&format!("o{number}-"))?;
        masters.push(start(&lab, *daemon, &format!("m{number}"), &own, 20, size, 200)?);
    }
    let _feed = start(&lab, Daemon::Keepalived, "f", &common, 20, size, 200)?;
    let mut backups = Vec::new();
    for (daemon, number) in daemons.iter().zip(21..) {
        backups.push(start(&lab, *daemon, &format!("b{number}"), &common, number, size, 100)?);
    }
    for router in &masters {
        wait_for_rate(router, 1, size)?;
    }
    for router in &backups {
        wait_for_rate(router, 0, size)?;
    }
    thread::sleep(SETTLING);
    let read_all = |routers: &[Router]| routers.iter().map(read).collect::<Result<Vec<_>>>();
    let (masters_before, backups_before) = (read_all(&masters)?, read_all(&backups)?);
    thread::sleep(period);
    let (masters_after, backups_after) = (read_all(&masters)?, read_all(&backups)?);
    lab.close()?;
    Ok(DAEMONS.map(|daemon| {
        let (sent, per_sent) = used(&masters, daemon, &masters_before, &masters_after, 1);
        let (received, per_received) = used(&backups, daemon, &backups_before, &backups_after, 0);
        Cost { per_sent, per_received, sent, received }
    }))
}

/// Packets of all routers of a daemon in a direction, and microseconds for each.
fn used(
    routers: &[Router],
    daemon: Daemon,
    before: &[Reading],
    after: &[Reading],
    direction: usize,
) -> (u64, f64) {
    let (mut packets, mut nanos) = (0, 0);
    for ((router, before), after) in routers.iter().zip(before).zip(after) {
        if router.daemon == daemon {
            packets += after.packets[direction] - before.packets[direction];
            nanos += after.nanos - before.nanos;
        }
    }
    let micros = Duration::from_nanos(nanos).as_secs_f64() * 1e6;
    (packets, micros / f64::from(u32::try_from(packets).unwrap_or(u32::MAX).max(1)))
}

fn start(
    lab: &Lab,
    daemon: Daemon,
    role: &str,
    lans: &[Lan],
    number: u32,
    size: u32,
    priority: u8,
) -> Result<Router> {
    let host = lab.host(&format!("{role}-{}", &daemon.name()[..1]))?;
    for (index, lan) in lans.iter().enumerate() {
        host.connect(lan, &format!("eth{index}"), &[&format!("172.16.{index}.{number}/24")])?;
    }
    let process = host.start_daemon(daemon, &configuration(size, priority))?;
    Ok(Router { daemon, host, process })
}

fn configuration(size: u32, priority: u8) -> String {
    let mut text = "global_defs {\n  router_id bench\n}\n".to_owned();
    for number in 0..size {
        let (lan, vrid) = (number / PER_LAN, number % PER_LAN + 1);
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "\
vrrp_instance V{number} {{
  state BACKUP
  interface eth{lan}
  version 3
  virtual_router_id {vrid}
  priority {priority}
  advert_int 1
  virtual_ipaddress {{
    10.0.{lan}.{vrid}
  }}
}}
"
        );
    }
    text
}

/// Waits until so many packets a second come in (0) or go out (1), and hardly more.
fn wait_for_rate(router: &Router, direction: usize, size: u32) -> Result {
    const LOOK: Duration = Duration::from_secs(1);
    let name = router.host.name().to_owned();
    let (least, most) = (u64::from(size) * 95 / 100, u64::from(size) * 110 / 100 + 2);
    let rate = || {
        let before = packets(&router.host)?;
        thread::sleep(LOOK);
        Ok(packets(&router.host)?[direction] - before[direction])
    };
    wait::until(&format!("{size} adverts a second at {name}"), seconds(90), rate, |rate| {
        (least..=most).contains(rate)
    })?;
    Ok(())
}

fn read(router: &Router) -> Result<Reading> {
    Ok(Reading { nanos: cpu_time(&router.process)?, packets: packets(&router.host)? })
}
