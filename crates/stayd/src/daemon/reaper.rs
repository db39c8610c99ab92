//! Processes that nobody else waits for: what scripts leave behind, and, as process 1 of a container, everybody's orphans.
//!
//! **Our own are left to who started them**, who takes note of them within moments: a dead process that is still there at a
//! second look is an orphan's.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::time::Duration;

use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;
use tokio::signal::unix::{SignalKind, signal};

const SECOND_LOOK: Duration = Duration::from_secs(1);

/// Becomes the parent of orphans, and waits for them until the task is ended.
pub async fn run() {
    if let Err(error) = nix::sys::prctl::set_child_subreaper(true) {
        tracing::warn!("what scripts leave behind goes to another process: {error}");
    }
    let Ok(mut deaths) = signal(SignalKind::child()) else { return };
    while deaths.recv().await.is_some() {
        // Of many deaths at once one look is enough, and by then those of our own are done with.
        tokio::time::sleep(SECOND_LOOK).await;
        let mut dead = dead_children();
        while !dead.is_empty() {
            tokio::time::sleep(SECOND_LOOK).await;
            let still = dead_children();
            for pid in dead.intersection(&still) {
                // Who it was and how it ended concerns nobody.
                let _ = waitpid(Pid::from_raw(*pid), Some(WaitPidFlag::WNOHANG));
            }
            dead = dead_children();
        }
    }
}

/// Children of this process that have ended and have not been waited for.
fn dead_children() -> BTreeSet<i32> {
    let own = i32::try_from(std::process::id()).unwrap_or_default();
    let stat = |pid: &i32| fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let pids = children().unwrap_or_else(|_| numbers("/proc"));
    pids.into_iter().filter(|pid| is_dead_child(&stat(pid), own)).collect()
}

/// The children of this process, where the kernel lists them.
fn children() -> io::Result<Vec<i32>> {
    let mut children = Vec::new();
    for thread in numbers("/proc/self/task") {
        let list = fs::read_to_string(format!("/proc/self/task/{thread}/children"))?;
        children.extend(list.split_whitespace().filter_map(|pid| pid.parse::<i32>().ok()));
    }
    Ok(children)
}

fn numbers(folder: &str) -> Vec<i32> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// What `/proc/PID/stat` says: behind the name, which may hold anything, the state and the parent.
fn is_dead_child(stat: &str, parent: i32) -> bool {
    let Some((_, rest)) = stat.rsplit_once(')') else { return false };
    let mut fields = rest.split_whitespace();
    fields.next() == Some("Z") && fields.next().and_then(|field| field.parse().ok()) == Some(parent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_dead_are_waited_for_and_only_our_own() {
        assert!(is_dead_child("12 (a) Z 9 1) Z 7 1 1 0", 7));
        for other in ["12 (a) S 7 1 1 0", "12 (a) Z 8 1 1 0", "12 (Z 7) S 1 1", ""] {
            assert!(!is_dead_child(other, 7), "{other}");
        }
    }

    #[test]
    fn a_child_that_nobody_waits_for_is_seen_until_somebody_does() {
        let mut child = std::process::Command::new("/usr/bin/true").spawn().unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        while !dead_children().contains(&pid) {
            std::thread::yield_now();
        }
        child.wait().unwrap();
        assert!(!dead_children().contains(&pid));
    }
}
