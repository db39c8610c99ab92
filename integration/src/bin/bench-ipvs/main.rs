//! `make bench-ipvs`: what stayd costs as a director, beside keepalived in the same run and the same kernel.
//!
//! Beside Debian's keepalived a newer one can run along (`--newest PATH`); targets are then measured by that.
//!
//! The outer program boots the lab's kernel and starts itself on a host in it, once for each daemon and case, so that nothing
//! is measured over a line. Each case has a fresh network namespace: destinations that were deleted stay in the kernel's
//! trash for a minute and slow every later addition. **The status says only whether everything ran**: a machine that is
//! busy must not fail a build, so targets are printed as met or not, and nothing more.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum};
use lab::{Daemon, Host, Lab};

mod director;
mod inside;
mod load;
mod report;
mod tree;

use director::Shape;

/// What can go wrong ends the run.
pub type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

/// What one run inside measured: names and numbers.
pub type Figures = BTreeMap<String, f64>;

/// Measures both daemons as directors.
#[derive(Parser)]
struct Args {
    /// What to measure.
    #[arg(long, value_enum, value_delimiter = ' ', default_values_t = Part::ALL)]
    parts: Vec<Part>,
    /// A newer keepalived, to be measured as well.
    #[arg(long)]
    newest: Option<PathBuf>,
    #[command(subcommand)]
    inside: Option<Inside>,
}

/// Who is measured.
pub struct Contender {
    /// As the report names it.
    pub name: &'static str,
    path: PathBuf,
    /// Its number of reloads, of those of a [`Case`].
    reloads: usize,
}

impl Contender {
    /// In the order of the report: stayd is the last.
    fn all(newest: Option<&PathBuf>) -> Result<Vec<Self>> {
        let installed = Self { name: "keepalived", path: Daemon::Keepalived.path()?, reloads: 0 };
        let newest = newest.map(|path| Self { name: "newest keepalived", path: path.clone(), reloads: 1 });
        let ours = Self { name: "stayd", path: Daemon::Stayd.path()?, reloads: 2 };
        Ok([Some(installed), newest, Some(ours)].into_iter().flatten().collect())
    }
}

/// What can be measured.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Part {
    /// From exec to the whole table, and the memory then.
    Start,
    /// From SIGHUP to the one change of a reload, the processor time of it, and the memory after one and after many.
    Reload,
    /// From SIGTERM to the end.
    Stop,
    /// Processor time of TCP checks.
    Checks,
    /// From a port's closing to the removal of its server.
    Detect,
}

impl Part {
    const ALL: [Self; 5] = [Self::Start, Self::Reload, Self::Stop, Self::Checks, Self::Detect];
}

/// What the program does in the lab's kernel.
#[derive(Subcommand)]
enum Inside {
    /// Starts a daemon, reloads it, stops it.
    Life { daemon: PathBuf, virtual_servers: u32, real_servers: u32, reloads: u32 },
    /// Starts a daemon, and stops it.
    Start { daemon: PathBuf, virtual_servers: u32, real_servers: u32 },
    /// Has a daemon check this many servers a second.
    Checks { daemon: PathBuf, rate: u32 },
    /// Does what the checks come to, and nothing else, from one loop.
    Least { rate: u32 },
    /// The process of that.
    Connect { rate: u32 },
    /// Closes ports under a daemon.
    Detect { daemon: PathBuf },
}

/// A case of the parts that are about a whole life.
pub struct Case {
    /// Its size.
    pub shape: Shape,
    /// Reloads: of Debian's keepalived, of a newer one, of stayd.
    pub reloads: [u32; 3],
    /// By how much stayd shall start faster.
    pub start_target: Option<f64>,
    /// Memory of keepalived's lean build (without SNMP, D-Bus, nftables and regex) as once measured, in MiB.
    pub lean_memory: Option<f64>,
}

/// From small to as large as users have them.
pub const CASES: [Case; 4] = [
    Case {
        shape: Shape { virtual_servers: 1000, real_servers: 5 },
        reloads: [3, 3, 100],
        start_target: None,
        lean_memory: Some(7.9),
    },
    Case {
        shape: Shape { virtual_servers: 200, real_servers: 50 },
        reloads: [3, 3, 10],
        start_target: None,
        lean_memory: Some(10.8),
    },
    Case {
        shape: Shape { virtual_servers: 5000, real_servers: 2 },
        reloads: [3, 3, 10],
        start_target: Some(8.0),
        lean_memory: Some(12.0),
    },
    // 37 205 real servers to 2277 virtual ones: some have one less. The reload of Debian's keepalived takes minutes.
    Case {
        shape: Shape { virtual_servers: 2277, real_servers: 17 },
        reloads: [0, 3, 3],
        start_target: None,
        lean_memory: None,
    },
];

/// How often each daemon is started with a case.
const STARTS: usize = 5;

/// Checks a second.
pub const RATES: [u32; 2] = [1000, 5000];

/// The longest that one run inside may take.
const LIMIT: Duration = Duration::from_secs(120);

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench-ipvs: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<()> {
    let figures = match &args.inside {
        None => return outside(&args.parts, &Contender::all(args.newest.as_ref())?),
        Some(Inside::Life { daemon, virtual_servers, real_servers, reloads }) => {
            let shape = Shape { virtual_servers: *virtual_servers, real_servers: *real_servers };
            inside::life(daemon, shape, *reloads)?
        }
        Some(Inside::Start { daemon, virtual_servers, real_servers }) => {
            let shape = Shape { virtual_servers: *virtual_servers, real_servers: *real_servers };
            inside::start(daemon, shape)?
        }
        Some(Inside::Checks { daemon, rate }) => inside::checks(daemon, *rate)?,
        Some(Inside::Least { rate }) => inside::least(*rate)?,
        Some(Inside::Connect { rate }) => inside::connect(*rate)?,
        Some(Inside::Detect { daemon }) => inside::detect(daemon)?,
    };
    for (name, figure) in figures {
        println!("{name}={figure}");
    }
    Ok(())
}

fn outside(parts: &[Part], contenders: &[Contender]) -> Result<()> {
    let wants = |part| parts.contains(&part);
    if wants(Part::Start) || wants(Part::Reload) || wants(Part::Stop) {
        let mut lives = Vec::new();
        for case in &CASES {
            let mut row = Vec::new();
            for contender in contenders {
                let reloads = case.reloads.get(contender.reloads).filter(|_| wants(Part::Reload));
                let reloads = reloads.copied().unwrap_or_default();
                let Shape { virtual_servers, real_servers } = case.shape;
                let numbers = [virtual_servers, real_servers, reloads].map(|number| number.to_string());
                row.push(in_fresh_kernel(Some(contender), "life", &numbers)?);
            }
            if wants(Part::Start) {
                start_again(contenders, case.shape, &mut row)?;
            }
            lives.push(row);
        }
        println!("{}", report::lives(contenders, &lives, wants));
    }
    if wants(Part::Checks) {
        let mut rates = Vec::new();
        for rate in RATES {
            let rate = [rate.to_string()];
            let mut row = Vec::new();
            for contender in contenders {
                row.push(in_fresh_kernel(Some(contender), "checks", &rate)?);
            }
            row.push(in_fresh_kernel(None, "least", &rate)?);
            rates.push(row);
        }
        println!("{}", report::checks(contenders, &rates));
    }
    if wants(Part::Detect) {
        let detect = |contender| in_fresh_kernel(Some(contender), "detect", &[]);
        let rows = contenders.iter().map(detect).collect::<Result<Vec<_>>>()?;
        println!("{}", report::detect(contenders, &rows));
    }
    Ok(())
}

/// Starts each in turn as often as it takes for [`STARTS`], and makes the figure the median: a start is short, and one of them
/// may meet something else that the machine does.
fn start_again(contenders: &[Contender], shape: Shape, row: &mut [Figures]) -> Result<()> {
    let numbers = [shape.virtual_servers, shape.real_servers].map(|number| number.to_string());
    let start = |figures: &Figures| figures.get("start").copied().unwrap_or(f64::NAN);
    let mut all: Vec<Vec<f64>> = row.iter().map(|figures| vec![start(figures)]).collect();
    for _ in 1..STARTS {
        for (contender, starts) in contenders.iter().zip(&mut all) {
            starts.push(start(&in_fresh_kernel(Some(contender), "start", &numbers)?));
        }
    }
    for (figures, starts) in row.iter_mut().zip(all) {
        figures.insert("start".into(), inside::median(starts));
    }
    Ok(())
}

/// One run inside, on a director of its own.
fn in_fresh_kernel(contender: Option<&Contender>, what: &str, numbers: &[String]) -> Result<Figures> {
    let name = contender.map_or("a bare loop", |contender| contender.name);
    eprintln!("{name}: {what} {}", numbers.join(" "));
    let lab = Lab::with_ipvs()?;
    let lan = lab.lan("lan")?;
    let director = lab.director("d1")?;
    director.connect(&lan, "eth0", &["192.168.0.20/24"])?;
    let figures = ask(&director, contender, what, numbers);
    lab.close()?;
    eprintln!("  {:.3?}", figures.as_ref().map_err(ToString::to_string));
    figures
}

fn ask(director: &Host, contender: Option<&Contender>, what: &str, numbers: &[String]) -> Result<Figures> {
    let program = std::env::current_exe()?.display().to_string();
    let path = contender.map(|contender| contender.path.display().to_string());
    let mut words = vec![what];
    words.extend(path.as_deref());
    words.extend(numbers.iter().map(String::as_str));
    let output = director.run_for(&program, &words, LIMIT)?;
    if output.exit != Some(lab::site::ExitView::Code(0)) {
        return Err(format!("{what}: {:?} {}{}", output.exit, output.stdout, output.stderr).into());
    }
    let figures = output.stdout.lines().filter_map(|line| line.split_once('='));
    figures.map(|(name, figure)| Ok((name.to_owned(), figure.parse()?))).collect()
}

impl std::fmt::Display for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Start => "start",
            Self::Reload => "reload",
            Self::Stop => "stop",
            Self::Checks => "checks",
            Self::Detect => "detect",
        })
    }
}
