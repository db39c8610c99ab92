//! What processes cost, as the kernel counts it.

use std::fs;

use lab::{Error, Host, Process, Result};

/// Nanoseconds that a daemon's processes have run for: utime and stime together, finer than `stat` shows them.
pub fn cpu_time(process: &Process) -> Result<u64> {
    let mut total = 0;
    for pid in process.tree()? {
        let tasks = fs::read_dir(format!("/proc/{pid}/task"));
        for task in tasks.map_err(|error| unread(pid, &error))?.flatten() {
            let text = fs::read_to_string(task.path().join("schedstat"));
            let text = text.map_err(|error| unread(pid, &error))?;
            total += text.split(' ').next().and_then(|ran| ran.parse::<u64>().ok()).unwrap_or_default();
        }
    }
    Ok(total)
}

fn unread(pid: u32, error: &std::io::Error) -> Error {
    Error::Unmet(format!("process {pid} shows what it has used: {error}"))
}

/// Packets that a host's interfaces have received and sent, but for the loopback's.
pub fn packets(host: &Host) -> Result<[u64; 2]> {
    let text = host.check("cat", &["/proc/net/dev"])?;
    let mut totals = [0, 0];
    for line in text.lines() {
        let Some((name, numbers)) = line.split_once(':') else { continue };
        if name.trim() == "lo" {
            continue;
        }
        let numbers: Vec<u64> = numbers.split_whitespace().filter_map(|number| number.parse().ok()).collect();
        for (total, field) in totals.iter_mut().zip([1, 9]) {
            *total += numbers.get(field).copied().unwrap_or_default();
        }
    }
    Ok(totals)
}
