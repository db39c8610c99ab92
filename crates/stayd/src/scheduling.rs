//! How a process is called, and how the kernel schedules it: nice value, real-time priority and its limit, processors,
//! memory that is not swapped out.
//!
//! **A refusal costs the setting, never the process**: what the kernel does not grant is told, and the rest applies.

use std::ffi::CString;
use std::io;
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use config::model::{AutoPriority, DaemonSpec, ProcessSpec};
use nix::errno::Errno;
use nix::sched::{CpuSet, sched_setaffinity};
use nix::sys::mman::{MlockAllFlags, mlockall, munlockall};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

/// What has been applied, so that a reload changes only what the file changes.
#[derive(Default)]
pub struct Scheduling {
    applied: ProcessSpec,
    rise: Rise,
    /// The real-time priority to which the process has raised itself; 0: it has not.
    raised: u8,
    prompt: bool,
}

/// For how long a prompt process computes at a time. What it does at a takeover takes less.
const TURN: Duration = Duration::from_micros(100);

/// `max_auto_priority`: how a process that was scheduled late raises itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Rise {
    /// Up to this real-time priority; 0: not at all.
    most: u8,
    /// When it is as late as this.
    late: Duration,
}

impl Rise {
    /// What the file says.
    pub const fn of(daemon: &DaemonSpec) -> Self {
        let most = match daemon.auto_priority {
            AutoPriority::Unset | AutoPriority::Never => 0,
            AutoPriority::UpTo(most) => most,
        };
        Self { most, late: daemon.auto_priority_delay }
    }
}

impl Scheduling {
    /// For a process that is to run as soon as it has something to do, and then not for long; or no longer so. **It gets no
    /// more of the processor than others**: who computes in shorter turns has his next one earlier (Linux 6.12).
    pub fn be_prompt(&mut self, prompt: bool) {
        if self.prompt != prompt {
            self.prompt = prompt;
            set_turns(if prompt { TURN } else { Duration::ZERO });
        }
    }

    /// Makes this process be scheduled as the file says. Returns what the kernel refused.
    pub fn apply(&mut self, spec: &ProcessSpec) -> Vec<String> {
        let before = std::mem::replace(&mut self.applied, spec.clone());
        let mut failures = Vec::new();
        let mut note = |what: &str, result: io::Result<()>| {
            failures.extend(result.err().map(|error| format!("cannot set {what}: {error}")));
        };
        if spec.name != before.name {
            name_process(spec.name.as_deref());
        }
        if spec.realtime.is_some()
            && (spec.realtime, spec.realtime_limit) != (before.realtime, before.realtime_limit)
        {
            note("the limit of computing without a pause", set_realtime_limit(spec.realtime_limit));
        }
        if spec.realtime != before.realtime {
            if let Some(priority) = spec.realtime {
                note(
                    "the real-time priority",
                    set_policy(libc::SCHED_RR | libc::SCHED_RESET_ON_FORK, priority),
                );
            } else {
                note("the ordinary priority", set_policy(libc::SCHED_OTHER, 0));
                if self.prompt {
                    set_turns(TURN);
                }
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

    /// Sets how the process raises itself.
    pub const fn set_rise(&mut self, rise: Rise) {
        self.rise = rise;
    }

    /// The process was scheduled late by this: raises it by one, where the file allows that and gives it no real-time
    /// priority itself. Returns what is to be told.
    #[inline]
    pub fn late(&mut self, by: Duration) -> Option<String> {
        if self.rise.most == 0 { None } else { self.too_late(by) }
    }

    #[inline(never)]
    fn too_late(&mut self, by: Duration) -> Option<String> {
        if self.raised >= self.rise.most || by < self.rise.late || self.applied.realtime.is_some() {
            return None;
        }
        let priority = self.raised + 1;
        let raise = set_realtime_limit(self.applied.realtime_limit)
            .and_then(|()| set_policy(libc::SCHED_RR | libc::SCHED_RESET_ON_FORK, priority));
        Some(match raise {
            Ok(()) => {
                self.raised = priority;
                format!("scheduled {by:?} late: goes on with real-time priority {priority}")
            }
            Err(error) => {
                self.rise = Rise::default();
                format!("scheduled {by:?} late, and cannot get real-time priority {priority}: {error}")
            }
        })
    }

    /// Gives a process that is about to wait for something the real-time priority back that it lost by computing for too
    /// long: it is to wake up with it.
    #[inline]
    pub fn restore(&self) {
        if let Some(priority) = self.applied.realtime.or((self.raised > 0).then_some(self.raised))
            && RELAXED.load(Ordering::Relaxed)
            && RELAXED.swap(false, Ordering::SeqCst)
        {
            // What was granted before is granted again; if not, the ordinary priority has to do.
            let _ = set_policy(libc::SCHED_RR | libc::SCHED_RESET_ON_FORK, priority);
            // The kernel has moved it a second away.
            let _ = set_soft_limit(self.applied.realtime_limit / 2);
        }
    }
}

/// Gives this process a name in `ps`; without one, the program's: exporters look for that, where a process that was started
/// by way of /proc/self/exe would be called `exe`.
pub fn name_process(name: Option<&str>) {
    let program = std::env::args().next().unwrap_or_default();
    let name = name.unwrap_or_else(|| program.rsplit('/').next().unwrap_or_default());
    if let Ok(name) = CString::new(name) {
        // A wrong name hurts nobody.
        let _ = nix::sys::prctl::set_name(&name);
    }
}

/// Whether this process has lost its real-time priority until it waits for something.
static RELAXED: AtomicBool = AtomicBool::new(false);

/// keepalived's rule is SIGXCPU at half of it, and the end at all of it. Here this process goes on at the ordinary priority,
/// under which the kernel counts no longer, and **there is no end**: where a tick of the kernel is longer than the other half,
/// or one system call is, the end would come before the signal.
fn set_realtime_limit(limit: Duration) -> io::Result<()> {
    let relax = || {
        let parameter = libc::sched_param { sched_priority: 0 };
        // SAFETY: the parameter lives as long as the call, which only reads it.
        unsafe { libc::sched_setscheduler(0, libc::SCHED_OTHER, &raw const parameter) };
        RELAXED.store(true, Ordering::SeqCst);
    };
    // SAFETY: a system call and an atomic store are all that it does. A second one of these would do no harm.
    unsafe { signal_hook::low_level::register(libc::SIGXCPU, relax) }?;
    set_soft_limit(limit / 2)
}

fn set_soft_limit(limit: Duration) -> io::Result<()> {
    let micros = u64::try_from(limit.as_micros()).unwrap_or(u64::MAX).max(1);
    // What was there before us stays the end.
    let (_, hard) = getrlimit(Resource::RLIMIT_RTTIME)?;
    Ok(setrlimit(Resource::RLIMIT_RTTIME, micros.min(hard), hard)?)
}

fn set_policy(policy: libc::c_int, priority: u8) -> io::Result<()> {
    let parameter = libc::sched_param { sched_priority: priority.into() };
    // SAFETY: the parameter lives as long as the call, which only reads it.
    Errno::result(unsafe { libc::sched_setscheduler(0, policy, &raw const parameter) })?;
    Ok(())
}

/// Asks for turns of this length at the ordinary priority; zero: of the usual one. Nobody is told of a refusal: nobody has
/// asked for it.
fn set_turns(turn: Duration) {
    let Some(mut attributes) = attributes() else { return };
    if attributes.sched_policy == libc::SCHED_OTHER.cast_unsigned() {
        attributes.sched_runtime = u64::try_from(turn.as_nanos()).unwrap_or_default();
        // SAFETY: the call reads the structure, which lives as long as it and says its own size.
        unsafe { libc::syscall(libc::SYS_sched_setattr, 0, &raw const attributes, 0) };
    }
}

/// How the kernel schedules this thread.
fn attributes() -> Option<libc::sched_attr> {
    // SAFETY: all zeros is a value of it.
    let mut attributes: libc::sched_attr = unsafe { mem::zeroed() };
    let size = mem::size_of::<libc::sched_attr>();
    // SAFETY: the call writes at most `size` bytes to the structure.
    let result = unsafe { libc::syscall(libc::SYS_sched_getattr, 0, &raw mut attributes, size, 0) };
    (result == 0).then_some(attributes)
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
    fn a_prompt_process_has_short_turns_and_stays_as_nice_as_it_was() {
        let before = attributes().unwrap();
        let mut scheduling = Scheduling::default();
        scheduling.be_prompt(true);
        let shown = || attributes().map(|now| (now.sched_runtime, now.sched_nice)).unwrap();
        // A kernel that knows no such turns shows none.
        let turn = if before.sched_runtime == 0 { 0 } else { 100_000 };
        assert_eq!(shown(), (turn, before.sched_nice));
        scheduling.apply(&ProcessSpec { nice: Some(7), ..ProcessSpec::default() });
        assert_eq!(shown(), (turn, 7));
        if scheduling.apply(&ProcessSpec { realtime: Some(7), ..ProcessSpec::default() }).is_empty() {
            scheduling.apply(&ProcessSpec::default());
            assert_eq!(shown().0, turn, "back from real time");
        }
        scheduling.be_prompt(false);
        assert_eq!(shown().0, before.sched_runtime, "no longer prompt");
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

    #[test]
    fn a_process_that_was_late_rises_as_far_as_the_file_allows() {
        let mut scheduling = Scheduling::default();
        let late = Duration::from_millis(20);
        assert_eq!(scheduling.late(late), None, "nothing allows it");
        let daemon = DaemonSpec {
            auto_priority: AutoPriority::UpTo(2),
            auto_priority_delay: Duration::from_millis(10),
            ..DaemonSpec::default()
        };
        scheduling.set_rise(Rise::of(&daemon));
        assert_eq!(scheduling.late(Duration::from_millis(9)), None);
        let told = scheduling.late(late).unwrap();
        if !nix::unistd::geteuid().is_root() && told.contains("cannot") {
            return assert_eq!(scheduling.late(late), None, "it does not try again");
        }
        assert_eq!(stat()[1..], [1, libc::SCHED_RR.into()]);
        assert!(scheduling.late(late).is_some() && scheduling.late(late).is_none());
        assert_eq!(stat()[1..], [2, libc::SCHED_RR.into()]);
    }

    #[test]
    fn a_process_that_computes_for_too_long_loses_real_time_until_it_waits() {
        loses_real_time(Duration::from_millis(400));
    }

    #[test]
    fn a_limit_shorter_than_the_kernel_s_ticks_takes_real_time_from_a_process_and_not_its_life() {
        loses_real_time(ProcessSpec::default().realtime_limit);
    }

    /// Twice: the kernel treats the first time and later ones differently, and ends this test where the signal does not help.
    fn loses_real_time(realtime_limit: Duration) {
        let mut scheduling = Scheduling::default();
        let spec = ProcessSpec { realtime: Some(3), realtime_limit, ..ProcessSpec::default() };
        if !scheduling.apply(&spec).is_empty() {
            assert!(!nix::unistd::geteuid().is_root());
            return eprintln!("real-time priority is not granted here");
        }
        for _ in 0..2 {
            let start = std::time::Instant::now();
            while !RELAXED.load(Ordering::SeqCst) {
                assert!(start.elapsed() < Duration::from_secs(5), "nothing was taken");
            }
            assert_eq!(stat()[1..], [0, libc::SCHED_OTHER.into()]);
            scheduling.restore();
            std::thread::sleep(Duration::from_millis(1));
            assert_eq!(stat()[1..], [3, libc::SCHED_RR.into()]);
        }
    }
}
