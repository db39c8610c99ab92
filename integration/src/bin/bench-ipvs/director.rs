//! A daemon under measurement: its file, its process, and a look at its table that costs next to nothing.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use ipvs::netlink::Client;
use ipvs::{DestKey, DestSpec, Protocol, ServiceKey};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::Result;

/// How many virtual servers, and how many real servers each has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shape {
    pub virtual_servers: u32,
    pub real_servers: u32,
}

/// As users have them: 2277 virtual servers with 37 205 real ones, not 38 709.
const MOST: u32 = 37_205;

impl Shape {
    /// How many real servers the virtual server of this number has.
    pub fn of(self, number: u32) -> u32 {
        let all = self.virtual_servers * self.real_servers;
        let missing = all.saturating_sub(MOST);
        if number >= self.virtual_servers - missing { self.real_servers - 1 } else { self.real_servers }
    }

    fn last(self) -> u32 {
        self.virtual_servers - 1
    }
}

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(2);

/// A running daemon.
pub struct Director {
    pub child: Child,
    pub client: Client,
    shape: Shape,
    file: PathBuf,
}

impl Director {
    /// Starts a daemon; how long it then took until the whole table was there.
    pub fn start(daemon: &Path, shape: Shape) -> Result<(Self, Duration)> {
        let file = PathBuf::from("/run/bench.conf");
        fs::write(&file, text(shape, 1))?;
        let mut client = Client::open()?;
        let begin = Instant::now();
        let child = spawn(daemon, &file)?;
        let last = dest(shape.of(shape.last()) - 1);
        wait(|| Ok(look(&mut client, shape.last())?.is_some_and(|dests| dests.contains_key(&last))))?;
        let took = begin.elapsed();
        let wanted: u32 = (0..shape.virtual_servers).map(|number| shape.of(number)).sum();
        let table = fs::read_to_string("/proc/net/ip_vs")?;
        let present = table.lines().filter(|line| line.starts_with("  ->")).count() - 1;
        if present != usize::try_from(wanted)? {
            return Err(format!("{present} destinations instead of {wanted}").into());
        }
        Ok((Self { child, client, shape, file }, took))
    }

    /// Has it read a file in which one server has another weight; how long until the kernel has it too.
    pub fn reload(&mut self, weight: u32) -> Result<Duration> {
        fs::write(&self.file, text(self.shape, weight))?;
        let begin = Instant::now();
        kill(Pid::from_raw(i32::try_from(self.child.id())?), Signal::SIGHUP)?;
        let (middle, key) = (self.shape.virtual_servers / 2, dest(0));
        let client = &mut self.client;
        wait(|| {
            let dests = look(client, middle)?;
            Ok(dests.and_then(|dests| dests.get(&key).map(|spec| spec.weight)) == Some(weight))
        })?;
        Ok(begin.elapsed())
    }

    /// Ends it; how long that took.
    pub fn stop(mut self) -> Result<Duration> {
        let begin = Instant::now();
        kill(Pid::from_raw(i32::try_from(self.child.id())?), Signal::SIGTERM)?;
        self.child.wait()?;
        let took = begin.elapsed();
        let left = fs::read_to_string("/proc/net/ip_vs")?.lines().count() - 3;
        if left > 0 {
            eprintln!("{left} lines are left in the table");
        }
        Ok(took)
    }
}

/// Starts a daemon with this file, and nothing to write to.
pub fn spawn(daemon: &Path, file: &Path) -> Result<Child> {
    let mut command = Command::new(daemon);
    command.args(["-n", "-l", "-G", "-f"]).arg(file);
    command.args(["-p", "/run/b.pid", "-r", "/run/b-v.pid", "-c", "/run/b-c.pid", "-b", "/run/b-b.pid"]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    Ok(command.spawn()?)
}

/// Looks until it is so.
pub fn wait(mut enough: impl FnMut() -> Result<bool>) -> Result<()> {
    let begin = Instant::now();
    while !enough()? {
        if begin.elapsed() > Duration::from_secs(60) {
            return Err("nothing of the kind within a minute".into());
        }
        thread::sleep(PAUSE);
    }
    Ok(())
}

/// The destinations of one service, if it is there.
fn look(client: &mut Client, number: u32) -> Result<Option<BTreeMap<DestKey, DestSpec>>> {
    let key =
        ServiceKey::Address { protocol: Protocol::Tcp, address: virtual_address(number).into(), port: 80 };
    // The cheaper question first: most looks find nothing.
    if client.service(&key)?.is_none() {
        return Ok(None);
    }
    let dests = client.dests(&key)?;
    Ok(Some(dests.into_iter().map(|(key, (spec, _))| (key, spec)).collect()))
}

fn virtual_address(number: u32) -> Ipv4Addr {
    Ipv4Addr::from_bits(0x0a00_0000 + number)
}

fn dest(number: u32) -> DestKey {
    DestKey { address: Ipv4Addr::from_bits(0xac10_0000 + number).into(), port: 80 }
}

/// A configuration; a server amid it has this weight, all others 1. No check runs within the measurement.
fn text(shape: Shape, weight: u32) -> String {
    let mut text = "global_defs {\n  router_id bench\n}\n".to_owned();
    for number in 0..shape.virtual_servers {
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "virtual_server {} 80 {{\n  delay_loop 100000\n  lvs_sched rr\n  lvs_method DR\n  protocol TCP\n",
            virtual_address(number)
        );
        for server in 0..shape.of(number) {
            let weight = if number == shape.virtual_servers / 2 && server == 0 { weight } else { 1 };
            let _ = write!(
                text,
                "  real_server {} 80 {{\n    weight {weight}\n    TCP_CHECK {{\n      connect_timeout 3\n      \
                 retry 2\n      delay_before_retry 1\n    }}\n  }}\n",
                dest(server).address
            );
        }
        text += "}\n";
    }
    text
}
