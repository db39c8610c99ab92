//! `make bench-config`: how long `stayd -t` takes to read a configuration, beside `keepalived -t` in the same run.
//!
//! Both read the same generated files, in turn, in a network namespace of their own that has the interface named in
//! them. What counts is the wall time of the whole process. **The status says only whether everything ran**: a machine
//! that is busy must not fail a build, so targets are printed as met or not, and nothing more.

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use clap::Parser;
use lab::Daemon;
use nix::sched::{CloneFlags, unshare};
use rtnetlink::{LinkUnspec, LinkVeth};

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

/// Times both daemons reading configurations of several sizes.
#[derive(Parser)]
struct Args {
    /// How often each daemon reads each file; the small one is read ten times as often.
    #[arg(long, default_value_t = 15)]
    runs: u32,
}

/// A generated file, and how many times faster than keepalived stayd shall read it.
struct Case {
    virtual_servers: u32,
    real_servers: u32,
    target: Option<f64>,
}

const fn case(virtual_servers: u32, real_servers: u32, target: Option<f64>) -> Case {
    Case { virtual_servers, real_servers, target }
}

const CASES: &[Case] = &[
    case(2, 3, Some(2.0)),
    case(1000, 5, None),
    case(200, 50, Some(3.0)),
    case(5000, 2, Some(3.0)),
    // With 200 x 50, a series of files that differ in nothing but their length.
    case(100, SERIES, None),
    case(400, SERIES, None),
    case(800, SERIES, None),
    // As many real servers of a single virtual server.
    case(1, 40_000, None),
];

/// Real servers to a virtual server in the series.
const SERIES: u32 = 50;
/// By how much the cost of a real server may differ within the series if growth is linear.
const LINEAR: f64 = 1.5;

/// What was measured of a case.
struct Measured {
    keepalived: Duration,
    stayd: Duration,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench-config: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<()> {
    let programs = [Daemon::Keepalived.path()?, Daemon::Stayd.path()?];
    unshare(CloneFlags::CLONE_NEWNET)
        .map_err(|error| format!("no network namespace of its own ({error}): run it as root"))?;
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(make_interface())?;
    let folder = std::env::temp_dir().join(format!("stayd-bench-{}", std::process::id()));
    std::fs::create_dir(&folder)?;
    let measured = measure_all(args, &programs, &folder);
    std::fs::remove_dir_all(&folder)?;
    println!("{}", table(&measured?));
    Ok(())
}

/// The interface that the files name.
async fn make_interface() -> Result<()> {
    let (connection, handle, _) = rtnetlink::new_connection()?;
    tokio::spawn(connection);
    handle.link().add(LinkVeth::new("eth0", "eth1").build()).execute().await?;
    for name in ["eth0", "eth1"] {
        handle.link().set(LinkUnspec::new_with_name(name).up().build()).execute().await?;
    }
    Ok(())
}

fn measure_all(args: &Args, programs: &[PathBuf; 2], folder: &Path) -> Result<Vec<Measured>> {
    let one = |case: &Case| {
        let path = folder.join(format!("{}x{}.conf", case.virtual_servers, case.real_servers));
        std::fs::write(&path, text(case))?;
        eprintln!("reading {} virtual servers of {} real servers", case.virtual_servers, case.real_servers);
        measure(programs, &path, if case.virtual_servers == 2 { args.runs * 10 } else { args.runs })
    };
    CASES.iter().map(one).collect()
}

/// Medians; the programs take turns, so that what else the machine does falls on both.
fn measure(programs: &[PathBuf; 2], path: &Path, runs: u32) -> Result<Measured> {
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..runs.max(1) {
        for (program, times) in programs.iter().zip(&mut times) {
            times.push(time(program, path)?);
        }
    }
    let [keepalived, stayd] = times.map(|mut times| {
        times.sort_unstable();
        times.get(times.len() / 2).copied().unwrap_or_default()
    });
    Ok(Measured { keepalived, stayd })
}

/// Wall time of a test that finds nothing wrong.
fn time(program: &Path, path: &Path) -> Result<Duration> {
    let mut command = Command::new(program);
    command.arg("-t").arg("-f").arg(path).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let start = Instant::now();
    let status = command.status()?;
    let time = start.elapsed();
    if status.success() {
        Ok(time)
    } else {
        Err(format!("{} -t -f {} ends with {status}", program.display(), path.display()).into())
    }
}

/// The configuration of a director.
fn text(case: &Case) -> String {
    let mut text = "\
global_defs {
  router_id bench
}
vrrp_instance VI_1 {
  interface eth0
  virtual_router_id 51
  priority 100
  virtual_ipaddress {
    192.0.2.1/24
  }
}
"
    .to_owned();
    let mut real_servers = String::new();
    for index in 0..case.real_servers {
        let [.., third, fourth] = index.to_be_bytes();
        // Writing to a string cannot fail.
        let _ = write!(
            real_servers,
            "  real_server 172.16.{third}.{fourth} 80 {{
    weight 1
    TCP_CHECK {{
      connect_timeout 3
      retry 2
      delay_before_retry 1
    }}
  }}
"
        );
    }
    for index in 0..case.virtual_servers {
        let [_, second, third, fourth] = index.to_be_bytes();
        let _ = write!(
            text,
            "virtual_server 10.{second}.{third}.{fourth} 80 {{
  delay_loop 6
  lvs_sched rr
  lvs_method DR
  protocol TCP
{real_servers}}}
"
        );
    }
    text
}

/// What was measured, in Markdown.
fn table(measured: &[Measured]) -> String {
    let mut table = "\
| virtual x real servers | keepalived -t, ms | stayd -t, ms | times faster | target | us per real server |
|---|---|---|---|---|---|
"
    .to_owned();
    let per_server = |case: &Case, measured: &Measured| {
        measured.stayd.as_secs_f64() * 1e6 / f64::from(case.virtual_servers * case.real_servers)
    };
    for (case, measured) in CASES.iter().zip(measured) {
        let (keepalived, stayd) = (measured.keepalived.as_secs_f64(), measured.stayd.as_secs_f64());
        let ratio = keepalived / stayd;
        let target = match case.target {
            Some(target) if ratio >= target => format!("{target}: met"),
            Some(target) => format!("{target}: NOT met"),
            None => String::new(),
        };
        let _ = writeln!(
            table,
            "| {} x {} | {:.1} | {:.1} | {ratio:.1} | {target} | {:.1} |",
            case.virtual_servers,
            case.real_servers,
            keepalived * 1e3,
            stayd * 1e3,
            per_server(case, measured),
        );
    }
    let series = CASES.iter().zip(measured).filter(|(case, _)| case.real_servers == SERIES);
    let costs: Vec<f64> = series.map(|(case, measured)| per_server(case, measured)).collect();
    let (least, most) =
        costs.iter().fold((f64::MAX, 0.0_f64), |(least, most), cost| (least.min(*cost), most.max(*cost)));
    let _ = write!(
        table,
        "\nGrowth from 5000 to 40 000 real servers: a real server costs {least:.1} to {most:.1} us: {} (up to {LINEAR} times).",
        if most <= least * LINEAR { "linear" } else { "NOT linear" },
    );
    table
}
