//! Whether this daemon is the only one of its kind in its network namespace.

use std::fs;
use std::path::Path;

use nix::unistd::{Pid, getpid, getppid};

/// Programs that mark what they install as we do.
const KIND: [&str; 2] = ["stayd", "keepalived"];

/// Another daemon that runs here: neither this process, nor its parent, nor a child of that one.
pub(super) fn neighbour() -> Option<Pid> {
    let (own, parent) = (getpid(), getppid());
    let here = fs::read_link("/proc/self/ns/net").ok()?;
    let processes = fs::read_dir("/proc").ok()?.flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok().map(Pid::from_raw));
    pids.filter(|pid| *pid != own && *pid != parent).find(|pid| {
        let folder = Path::new("/proc").join(pid.to_string());
        is_of_the_kind(&folder)
            && fs::read_link(folder.join("ns/net")).is_ok_and(|there| there == here)
            && parent_of(&folder) != Some(parent)
    })
}

fn is_of_the_kind(folder: &Path) -> bool {
    fs::read_link(folder.join("exe")).is_ok_and(|program| {
        // An upgrade while it runs leaves this mark.
        let name = program.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        KIND.contains(&name.trim_end_matches(" (deleted)"))
    })
}

fn parent_of(folder: &Path) -> Option<Pid> {
    let stat = fs::read_to_string(folder.join("stat")).ok()?;
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(1)?.parse().ok().map(Pid::from_raw)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parent_and_the_program_of_a_process_are_read() {
        let own = Path::new("/proc/self");
        assert_eq!(parent_of(own), Some(getppid()));
        assert!(!is_of_the_kind(Path::new("/proc/1/no such folder")));
    }
}
