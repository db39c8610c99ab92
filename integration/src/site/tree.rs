//! Process trees, as `/proc` shows them, and their sudden death.
//!
//! **Everything is stopped before anything is killed**, so that no parent sees a child die, restarts it, or cleans up
//! after it: what is left is what a power failure leaves.

use std::collections::BTreeSet;
use std::os::fd::{AsFd, AsRawFd};
use std::time::{Duration, Instant};
use std::{fs, io, thread};

use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;

/// How long dying may take; a process in an uninterruptible sleep is reported after that.
const LIMIT: Duration = Duration::from_secs(10);

/// A process as its `stat` file shows it.
struct Entry {
    pid: u32,
    parent: u32,
    state: u8,
}

impl Entry {
    fn is_dead(&self) -> bool {
        matches!(self.state, b'Z' | b'X')
    }
}

/// `root` and its descendants, parents first. Zombies are left out: they are dead.
pub fn descendants(root: u32) -> Vec<u32> {
    let processes = alive();
    let mut tree: Vec<u32> = processes.iter().filter(|p| p.pid == root).map(|p| p.pid).collect();
    let mut next = 0;
    while let Some(&parent) = tree.get(next) {
        tree.extend(processes.iter().filter(|p| p.parent == parent).map(|p| p.pid));
        next += 1;
    }
    tree
}

/// Every process whose network namespace is `net`.
pub fn inhabitants(net: impl AsFd) -> io::Result<Vec<u32>> {
    let home = fs::metadata(format!("/proc/self/fd/{}", net.as_fd().as_raw_fd()))?;
    let here = |pid: u32| {
        use std::os::unix::fs::MetadataExt as _;
        fs::metadata(format!("/proc/{pid}/ns/net"))
            .is_ok_and(|net| net.ino() == home.ino() && net.dev() == home.dev())
    };
    Ok(alive().iter().map(|p| p.pid).filter(|&pid| here(pid)).collect())
}

/// Stops and then kills all that `find` finds, and waits until they are gone or zombies.
pub fn kill_all(find: impl Fn() -> Vec<u32>) -> io::Result<()> {
    let mut stopped = BTreeSet::new();
    // A process that was forking while its parent was stopped shows up in the next round.
    loop {
        let found: Vec<u32> = find().into_iter().filter(|&pid| stopped.insert(pid)).collect();
        if found.is_empty() {
            break;
        }
        for pid in found {
            signal(pid, Signal::SIGSTOP);
        }
    }
    for &pid in &stopped {
        signal(pid, Signal::SIGKILL);
    }
    let deadline = Instant::now() + LIMIT;
    loop {
        let left: Vec<u32> = alive().iter().map(|p| p.pid).filter(|pid| stopped.contains(pid)).collect();
        if left.is_empty() {
            return Ok(());
        }
        if Instant::now() > deadline {
            return Err(io::Error::other(format!("processes {left:?} survive SIGKILL")));
        }
        thread::sleep(Duration::from_millis(1));
    }
}

/// A process that is gone already needs no signal.
fn signal(pid: u32, signal: Signal) {
    if let Ok(pid) = i32::try_from(pid) {
        let _ = kill(Pid::from_raw(pid), signal);
    }
}

/// As init of the guest, collects the dead orphans that it inherited; anywhere else they have another init. A zombie
/// would make a daemon believe that the process in its old pid file is alive.
pub fn reap_orphans(is_own: impl Fn(u32) -> bool) {
    if std::process::id() != 1 {
        return;
    }
    let orphans = processes().into_iter().filter(|p| p.parent == 1 && p.is_dead() && !is_own(p.pid));
    for pid in orphans.filter_map(|p| i32::try_from(p.pid).ok()) {
        // One that somebody else has just collected needs nothing more.
        let _ = waitpid(Pid::from_raw(pid), Some(WaitPidFlag::WNOHANG));
    }
}

/// All processes but zombies.
fn alive() -> Vec<Entry> {
    let mut all = processes();
    all.retain(|process| !process.is_dead());
    all
}

fn processes() -> Vec<Entry> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let mut all: Vec<Entry> = entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(|pid: u32| parse(pid, &fs::read_to_string(format!("/proc/{pid}/stat")).ok()?))
        .collect();
    all.sort_by_key(|process| process.pid);
    all
}

/// The name, in parentheses, may hold anything: what follows the last one is what counts.
fn parse(pid: u32, stat: &str) -> Option<Entry> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace();
    let state = *fields.next()?.as_bytes().first()?;
    let parent = fields.next()?.parse().ok()?;
    Some(Entry { pid, parent, state })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_name_may_hold_parentheses_and_spaces() {
        let entry = parse(7, "7 (a) b (c) S 3 7 7 0 -1").expect("a stat line");
        assert_eq!((entry.pid, entry.parent, entry.state), (7, 3, b'S'));
    }
}
