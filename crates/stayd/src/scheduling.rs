//! How the kernel schedules a process: nice value, real-time priority, processors, memory that is not swapped out.
//!
//! **A refusal costs the setting, never the process**: what the kernel does not grant is told, and the rest applies.

use std::io;

use config::model::ProcessSpec;
use nix::errno::Errno;
use nix::sched::{CpuSet, sched_setaffinity};
use nix::sys::mman::{MlockAllFlags, mlockall, munlockall};
use nix::unistd::Pid;

/// What has been applied, so that a reload changes only what the file changes.
#[derive(Default)]
pub struct Scheduling {
    applied: ProcessSpec,
}

impl Scheduling {
    /// Makes this process be scheduled as the file says. Returns what the kernel refused.
    pub fn apply(&mut self, spec: &ProcessSpec) -> Vec<String> {
        let before = std::mem::replace(&mut self.applied, spec.clone());
        let mut failures = Vec::new();
        let mut note = |what: &str, result: io::Result<()>| {
            failures.extend(result.err().map(|error| format!("cannot set {what}: {error}")));
        };
        if spec.realtime != before.realtime {
            if let Some(priority) = spec.realtime {
                note(
                    "the real-time priority",
                    set_policy(libc::SCHED_RR | libc::SCHED_RESET_ON_FORK, priority),
                );
            } else {
                note("the ordinary priority", set_policy(libc::SCHED_OTHER, 0));
            }
        }
        if spec.nice != before.nice {
            note("the nice value", set_nice(spec.nice.unwrap_or_default()));
        }
        if spec.processors != before.processors {
            note("the processors", set_processors(spec));
        }
        if spec.no_swap != before.no_swap {
            let result = if spec.no_swap {
                mlockall(MlockAllFlags::MCL_CURRENT | MlockAllFlags::MCL_FUTURE)
            } else {
                munlockall()
            };
            note("what is kept in memory", result.map_err(io::Error::from));
        }
        failures
    }
}

fn set_policy(policy: libc::c_int, priority: u8) -> io::Result<()> {
    let parameter = libc::sched_param { sched_priority: priority.into() };
    // SAFETY: the parameter lives as long as the call, which only reads it.
    Errno::result(unsafe { libc::sched_setscheduler(0, policy, &raw const parameter) })?;
    Ok(())
}

fn set_nice(nice: i8) -> io::Result<()> {
    // SAFETY: the call takes numbers only.
    Errno::result(unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, nice.into()) })?;
    Ok(())
}

fn set_processors(spec: &ProcessSpec) -> io::Result<()> {
    let mut set = CpuSet::new();
    for number in 0..CpuSet::count() {
        if spec.processors.is_empty() || spec.processors.iter().any(|one| *one as usize == number) {
            set.set(number)?;
        }
    }
    Ok(sched_setaffinity(Pid::from_raw(0), &set)?)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;

    use super::*;

    /// Fields of `/proc/thread-self/stat` after the name: priority, nice, real-time priority, policy.
    fn stat() -> [i64; 3] {
        let text = fs::read_to_string("/proc/thread-self/stat").unwrap();
        let fields: Vec<&str> = text.rsplit_once(')').unwrap().1.split_whitespace().collect();
        [16, 37, 38].map(|index| fields[index].parse().unwrap())
    }

    fn allowed() -> String {
        let status = fs::read_to_string("/proc/thread-self/status").unwrap();
        let line = status.lines().find(|line| line.starts_with("Cpus_allowed_list:")).unwrap();
        line.split_whitespace().nth(1).unwrap().to_owned()
    }

    #[test]
    fn the_process_is_as_nice_as_the_file_says_and_runs_where_it_says() {
        let before = allowed();
        let mut scheduling = Scheduling::default();
        let first: u32 = before.split([',', '-']).next().unwrap().parse().unwrap();
        let spec =
            ProcessSpec { nice: Some(5), processors: BTreeSet::from([first]), ..ProcessSpec::default() };
        assert_eq!(scheduling.apply(&spec), Vec::<String>::new());
        assert_eq!(stat()[0], 5);
        assert_eq!(allowed(), first.to_string());

        assert_eq!(
            scheduling.apply(&ProcessSpec { nice: Some(5), ..ProcessSpec::default() }),
            Vec::<String>::new()
        );
        assert_eq!((stat()[0], allowed()), (5, before));
    }

    #[test]
    fn real_time_is_asked_of_the_kernel_and_taken_back_by_a_reload() {
        let mut scheduling = Scheduling::default();
        let spec = ProcessSpec { realtime: Some(7), ..ProcessSpec::default() };
        let failures = scheduling.apply(&spec);
        if nix::unistd::geteuid().is_root() {
            assert_eq!(failures, Vec::<String>::new());
            assert_eq!(stat()[1..], [7, libc::SCHED_RR.into()]);
        } else {
            assert!(failures.iter().all(|line| line.starts_with("cannot set the ")), "{failures:?}");
            assert!(!failures.is_empty() || stat()[1] == 7);
        }
        scheduling.apply(&ProcessSpec::default());
        assert_eq!(stat()[1..], [0, libc::SCHED_OTHER.into()]);
    }
}
