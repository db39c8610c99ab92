//! What a daemon's processes take: processor time and memory.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use crate::Result;

/// A process and those that it started.
fn tree(pid: u32) -> Vec<u32> {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    let children = children.split_whitespace().filter_map(|pid| pid.parse().ok()).flat_map(tree);
    std::iter::once(pid).chain(children).collect()
}

/// Processor seconds that a process, its descendants and those of them that have ended have taken.
pub fn processor_seconds(pid: u32) -> Result<f64> {
    let ticks = nix::unistd::sysconf(nix::unistd::SysconfVar::CLK_TCK)?.unwrap_or(100);
    let mut sum = 0_u32;
    for pid in tree(pid) {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // After the name, which may hold anything: state is the first, utime the twelfth, and three more.
        let Some((_, fields)) = stat.rsplit_once(") ") else { continue };
        sum += fields.split(' ').skip(11).take(4).filter_map(|field| field.parse::<u32>().ok()).sum::<u32>();
    }
    Ok(f64::from(sum) / f64::from(i32::try_from(ticks)?))
}

/// How often the processes touched a page of memory that they had not touched before.
pub fn faults(pid: u32) -> f64 {
    let of = |pid: u32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // After the name, minflt is the eighth.
        stat.rsplit_once(") ").and_then(|(_, fields)| fields.split(' ').nth(7)?.parse::<f64>().ok())
    };
    tree(pid).into_iter().filter_map(of).sum()
}

/// Proportional memory of all processes, in MiB.
pub fn memory(pid: u32) -> Result<f64> {
    let mut sum = 0_u32;
    for pid in tree(pid) {
        let smaps = fs::read_to_string(format!("/proc/{pid}/smaps"))?;
        let lines = smaps.lines().filter_map(|line| line.strip_prefix("Pss:"));
        sum += lines.filter_map(|line| line.split_whitespace().next()?.parse::<u32>().ok()).sum::<u32>();
    }
    Ok(f64::from(sum) / 1024.0)
}

/// The same when what follows a start or a reload is over: stayd's checker process then has told its parent what it knows, for
/// a successor, and has looked at the table again.
pub fn memory_at_rest(pid: u32) -> Result<f64> {
    thread::sleep(Duration::from_secs(5));
    memory(pid)
}

/// Waits until the processes have taken no time for a while, and returns what they have taken.
pub fn idle(pid: u32) -> Result<f64> {
    let (mut before, mut since) = (processor_seconds(pid)?, Instant::now());
    let begin = since;
    while since.elapsed() < Duration::from_millis(400) {
        thread::sleep(Duration::from_millis(50));
        let now = processor_seconds(pid)?;
        if now > before + 0.005 {
            (before, since) = (now, Instant::now());
        }
        if begin.elapsed() > Duration::from_secs(30) {
            return Err("the daemon does not come to rest".into());
        }
    }
    Ok(before)
}
