//! Processes that have to run, so many of them, and what counts as one.

use std::time::Duration;

use clock::Instant;

/// How many processes are right, and for how long a change must last to count.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct QuorumSpec {
    /// At least so many.
    pub least: u32,
    /// At most so many; none: any number.
    pub most: Option<u32>,
    /// Before a loss counts.
    pub loss_delay: Duration,
    /// Before a return counts.
    pub gain_delay: Duration,
}

/// Whether the right number of processes runs.
///
/// **A change counts when it has lasted for its delay**; one that is undone before never was.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Quorum {
    spec: QuorumSpec,
    count: u32,
    /// What was reported last; none before the first count.
    told: Option<bool>,
    change_at: Option<Instant>,
}

impl Quorum {
    /// Nothing is known yet.
    pub const fn new(spec: QuorumSpec) -> Self {
        Self { spec, count: 0, told: None, change_at: None }
    }

    /// A reload.
    pub fn configure(&mut self, now: Instant, spec: QuorumSpec) {
        self.spec = spec;
        self.counted(now, self.count);
    }

    /// So many run now.
    pub fn counted(&mut self, now: Instant, count: u32) {
        self.count = count;
        let right = self.is_right();
        self.change_at = match (self.told, self.change_at) {
            (None, _) => Some(now),
            (Some(told), _) if told == right => None,
            (Some(_), Some(at)) => Some(at),
            (Some(_), None) => Some(now + if right { self.spec.gain_delay } else { self.spec.loss_delay }),
        };
    }

    /// When [`report`](Self::report) may have something to say; none: not before another count.
    pub const fn next_deadline(&self) -> Option<Instant> {
        self.change_at
    }

    /// What is to be told now: whether the number is right, if that has changed.
    pub fn report(&mut self, now: Instant) -> Option<bool> {
        if self.change_at.is_none_or(|at| at > now) {
            return None;
        }
        self.change_at = None;
        self.told = Some(self.is_right());
        self.told
    }

    fn is_right(&self) -> bool {
        self.count >= self.spec.least && self.spec.most.is_none_or(|most| self.count <= most)
    }
}

/// What a process has to look like.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProcessPattern {
    /// The program: its name, or with `full` what its command line begins with.
    pub program: String,
    /// Its parameters.
    pub parameters: Vec<String>,
    /// How they are compared.
    pub matching: ParameterMatch,
    /// Whether the command line is looked at, and not the name that the kernel keeps.
    pub full: bool,
}

/// How parameters are compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ParameterMatch {
    /// Not at all.
    Any,
    /// They are the same.
    Exact,
    /// They begin so; of the last one its beginning is enough.
    Initial,
    /// They appear among them, in this order and next to each other.
    Partial,
}

/// Longest name that the kernel keeps of a process.
const LONGEST_NAME: usize = 15;

/// What /proc says of a process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CommandLine<'a> {
    /// Its name, `comm`.
    pub name: &'a [u8],
    /// Its arguments, `cmdline`: each ended by a zero byte.
    pub arguments: &'a [u8],
}

impl ProcessPattern {
    /// Whether a process is such a one.
    pub fn matches(&self, process: CommandLine<'_>) -> bool {
        if !self.full {
            let wanted = self.program.rsplit('/').next().unwrap_or_default().as_bytes();
            return process.name == wanted.get(..LONGEST_NAME).unwrap_or(wanted);
        }
        let text = process.arguments.strip_suffix(&[0]).unwrap_or(process.arguments);
        let mut words = text.split(|byte| *byte == 0);
        if words.next() != Some(self.program.as_bytes()) {
            return false;
        }
        let given: Vec<_> = words.collect();
        let wanted: Vec<_> = self.parameters.iter().map(String::as_bytes).collect();
        match self.matching {
            ParameterMatch::Any => true,
            ParameterMatch::Exact => given == wanted,
            ParameterMatch::Initial => match wanted.split_last() {
                None => true,
                Some((last, before)) => {
                    given.starts_with(before)
                        && given.get(before.len()).is_some_and(|word| word.starts_with(last))
                }
            },
            ParameterMatch::Partial => {
                wanted.is_empty() || given.windows(wanted.len()).any(|window| window == wanted)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn after(seconds: u64) -> Instant {
        Instant::from_micros(seconds * 1_000_000)
    }

    const fn quorum(least: u32, most: Option<u32>, loss: u64, gain: u64) -> Quorum {
        Quorum::new(QuorumSpec {
            least,
            most,
            loss_delay: Duration::from_secs(loss),
            gain_delay: Duration::from_secs(gain),
        })
    }

    #[test]
    fn the_first_count_is_reported_at_once() {
        let mut quorum = quorum(1, None, 5, 5);
        assert_eq!(quorum.next_deadline(), None);
        quorum.counted(after(0), 0);
        assert_eq!(quorum.report(after(0)), Some(false));
    }

    #[test]
    fn a_loss_and_a_return_wait_for_their_delays() {
        let mut quorum = quorum(2, None, 3, 7);
        quorum.counted(after(0), 2);
        assert_eq!(quorum.report(after(0)), Some(true));
        quorum.counted(after(1), 1);
        assert_eq!((quorum.report(after(1)), quorum.next_deadline()), (None, Some(after(4))));
        assert_eq!(quorum.report(after(4)), Some(false));
        quorum.counted(after(5), 2);
        assert_eq!((quorum.report(after(11)), quorum.report(after(12))), (None, Some(true)));
    }

    #[test]
    fn a_loss_that_is_undone_in_time_never_was() {
        let mut quorum = quorum(1, None, 3, 0);
        quorum.counted(after(0), 1);
        quorum.report(after(0));
        quorum.counted(after(1), 0);
        quorum.counted(after(3), 1);
        assert_eq!((quorum.next_deadline(), quorum.report(after(9))), (None, None));
    }

    #[test]
    fn further_losses_do_not_put_it_off() {
        let mut quorum = quorum(3, None, 3, 0);
        quorum.counted(after(0), 3);
        quorum.report(after(0));
        quorum.counted(after(1), 2);
        quorum.counted(after(3), 1);
        assert_eq!(quorum.report(after(4)), Some(false));
    }

    #[test]
    fn there_can_be_too_many() {
        let mut none = quorum(0, Some(0), 0, 0);
        none.counted(after(0), 0);
        assert_eq!(none.report(after(0)), Some(true));
        none.counted(after(1), 1);
        assert_eq!(none.report(after(1)), Some(false));
    }

    fn pattern(program: &str, parameters: &[&str], matching: ParameterMatch, full: bool) -> ProcessPattern {
        let parameters = parameters.iter().map(|word| (*word).to_owned()).collect();
        ProcessPattern { program: program.to_owned(), parameters, matching, full }
    }

    const HAPROXY: CommandLine<'_> =
        CommandLine { name: b"haproxy", arguments: b"/sbin/haproxy\0-W\0-f\0x.cfg\0" };

    #[test]
    fn a_name_is_compared_as_far_as_the_kernel_keeps_it() {
        assert!(pattern("haproxy", &[], ParameterMatch::Any, false).matches(HAPROXY));
        assert!(pattern("/sbin/haproxy", &[], ParameterMatch::Any, false).matches(HAPROXY), "it has no path");
        assert!(!pattern("haprox", &[], ParameterMatch::Any, false).matches(HAPROXY));
        let long = CommandLine { name: b"a-very-long-pro", arguments: b"" };
        assert!(pattern("a-very-long-program", &[], ParameterMatch::Any, false).matches(long));
    }

    #[test]
    fn parameters_match_as_a_whole_from_the_start_or_anywhere() {
        use ParameterMatch::{Any, Exact, Initial, Partial};
        let matches = |parameters: &[&str], matching| {
            pattern("/sbin/haproxy", parameters, matching, true).matches(HAPROXY)
        };
        assert!(matches(&[], Any) && !matches(&[], Exact));
        assert!(matches(&["-W", "-f", "x.cfg"], Exact) && !matches(&["-W"], Exact));
        assert!(matches(&["-W", "-f"], Initial) && matches(&["-W", "-f", "x."], Initial));
        assert!(!matches(&["-f"], Initial) && matches(&["-f", "x.cfg"], Partial));
        assert!(!matches(&["-f", "-W"], Partial));
        assert!(!pattern("haproxy", &[], Any, true).matches(HAPROXY), "the path belongs to the command line");
    }
}
