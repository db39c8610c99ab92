//! The command line: keepalived's, so that units and scripts go on working, and our own commands.
//!
//! **A word is one of our commands only where it comes first.** Anywhere else it is left over, and keepalived merely
//! mentions such words. Like getopt, which keepalived reads its options with, we take `-tFILE`, long options cut short,
//! and options given twice.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{ArgAction, Parser, Subcommand};

use crate::log::Facility;

/// The configuration that is read unless another is named.
pub const DEFAULT_FILE: &str = "/etc/keepalived/keepalived.conf";

/// Heading of keepalived's options that have no effect yet.
pub const WITHOUT_EFFECT: &str = "keepalived's options without effect yet";

/// What the command line asks for.
///
/// Options of keepalived that have no effect yet are accepted, and said to have none when the daemon starts.
#[derive(Parser, Debug)]
#[command(name = "stayd", version, disable_version_flag = true, args_conflicts_with_subcommands = true)]
#[command(about = "Keeps virtual addresses and virtual servers alive: VRRP, IPVS and health checks")]
#[command(
    long_about = "Keeps virtual addresses and virtual servers alive: VRRP, IPVS and health checks.\n\n\
    Without a command it is the daemon. The daemon takes keepalived's options and configuration."
)]
pub struct Cli {
    /// What to do instead of running the daemon.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The daemon's options.
    #[command(flatten)]
    pub options: Options,
    /// Words that are no options and belong to none.
    #[arg(skip)]
    pub left_over: Vec<OsString>,
}

/// The command line of the daemon.
#[derive(Parser, Debug)]
#[command(name = "stayd", disable_version_flag = true, args_override_self = true, infer_long_args = true)]
struct Daemon {
    #[command(flatten)]
    options: Options,
    #[arg(hide = true)]
    left_over: Vec<OsString>,
}

/// Our own commands.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Print every problem of a configuration
    Check(crate::check::Arguments),
    /// Tell what a keyword of the configuration, or a code of a problem, means
    Explain(crate::explain::Arguments),
    /// Show a configuration as it is understood
    Config(crate::config_command::Arguments),
    /// Tell what keepalived does on this host, whether stayd can do it, and the commands to switch and to go back
    ///
    /// It changes nothing. The exit status is 0 if stayd starts with the options and the file that keepalived has here and
    /// leaves nothing of them out; otherwise that of a test of the file, 5 if something is not supported, or 1 if stayd does
    /// not take the command line.
    Migrate(crate::migrate::Arguments),
    /// Write the documents that are made of the tables in this program
    #[command(hide = true)]
    Generate(crate::generate::Arguments),
    /// Print the MD5 of a page for `digest`, as keepalived's genhash does
    Genhash(crate::genhash::Arguments),
    /// On a real server: hold a virtual address for direct routing, without answering ARP for it
    Realserver(crate::realserver::Arguments),
}

/// The daemon's options, under keepalived's names.
#[derive(clap::Args, Clone, Debug)]
pub struct Options {
    /// Configuration file
    #[arg(
        short = 'f',
        long = "use-file",
        value_name = "FILE",
        default_value = DEFAULT_FILE,
        allow_hyphen_values = true
    )]
    pub file: PathBuf,
    /// Run VRRP only, no virtual servers
    #[arg(short = 'P', long)]
    pub vrrp: bool,
    /// Run virtual servers only, no VRRP
    #[arg(short = 'C', long)]
    pub check: bool,
    /// Log to standard error too
    #[arg(short = 'l', long)]
    pub log_console: bool,
    /// Log in more detail
    #[arg(short = 'D', long, action = ArgAction::Count)]
    pub log_detail: u8,
    /// Facility of what goes to the system's log: 0 to 7 and local0 to local7 are the same; also daemon (the usual) and user
    #[arg(short = 'S', long, value_name = "FACILITY", allow_hyphen_values = true)]
    pub log_facility: Option<String>,
    /// Log to a file too, /tmp/keepalived.log unless it is named
    #[arg(short = 'g', long, value_name = "FILE", num_args = 0..=1, require_equals = true)]
    #[expect(clippy::option_option, reason = "outer: whether it is given; inner: whether it names a file")]
    pub log_file: Option<Option<PathBuf>>,
    /// Nothing more: each line is written to the log file at once
    #[arg(long)]
    pub flush_log_file: bool,
    /// Do not log to the system's log
    #[arg(short = 'G', long)]
    pub no_syslog: bool,
    /// Stay in the foreground
    #[arg(short = 'n', long)]
    pub dont_fork: bool,
    /// Start every process, also one that the configuration has nothing for
    #[arg(long)]
    pub all: bool,
    /// End when a process dies, instead of starting it again
    #[arg(short = 'R', long)]
    pub dont_respawn: bool,
    /// Run in this network namespace of /run/netns, whatever `net_namespace` says
    #[arg(short = 's', long, value_name = "NAME", allow_hyphen_values = true)]
    pub namespace: Option<String>,
    #[command(flatten)]
    pub pid_files: PidFileOptions,
    /// Permissions that files are made without, whatever `umask` says
    #[arg(short = 'u', long, value_name = "MASK", allow_hyphen_values = true)]
    pub umask: Option<String>,
    /// Let processes that crash leave their memory in a file of any size
    #[arg(short = 'm', long)]
    pub core_dump: bool,
    /// Likewise, and tell the kernel where to (`core` unless it is named)
    #[arg(short = 'M', long, value_name = "PATTERN", num_args = 0..=1, require_equals = true)]
    #[expect(
        clippy::option_option,
        reason = "outer: whether it is given; inner: whether it names a pattern"
    )]
    pub core_dump_pattern: Option<Option<String>>,
    /// Pass over SIGINT, as a debugger wants
    #[arg(long)]
    pub ignore_sigint: bool,
    /// Log the configuration as it is understood
    #[arg(short = 'd', long)]
    pub dump_conf: bool,
    /// Run no BFD sessions
    #[arg(short = 'B', long = "no_bfd")]
    pub no_bfd: bool,
    /// At the end, leave the virtual addresses where they are and say nothing to the peers
    #[arg(short = 'V', long)]
    pub dont_release_vrrp: bool,
    /// Take virtual addresses away whenever another is master, also those that others have set: stayd always does
    #[arg(short = 'X', long)]
    pub release_vips: bool,
    /// Log every address that comes or goes
    #[arg(short = 'a', long)]
    pub address_monitoring: bool,
    /// At the end, leave the virtual servers in the kernel
    #[arg(short = 'I', long)]
    pub dont_release_ipvs: bool,
    #[command(flatten)]
    pub reading: Reading,
    /// Check the configuration, print every problem (to FILE if given) and end
    #[arg(short = 't', long, value_name = "FILE", num_args = 0..=1, require_equals = true)]
    #[expect(clippy::option_option, reason = "outer: whether it is given; inner: whether it names a file")]
    pub config_test: Option<Option<PathBuf>>,
    /// Print the version to standard error
    #[arg(short = 'v', long)]
    pub version: bool,
    /// Print the number of the signal for STOP, RELOAD, DATA, STATS, STATS_CLEAR or JSON
    #[arg(long, value_name = "SIGFUNC", allow_hyphen_values = true)]
    pub signum: Option<String>,
    /// keepalived's own way to hand the configuration to its children: from outside it has no effect there either
    #[arg(long, hide = true, allow_hyphen_values = true)]
    pub config_fd: Option<String>,
    #[command(flatten)]
    pub without_effect: WithoutEffect,
}

/// How a configuration is read.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct Reading {
    /// Identifies this host in lines that begin with @ID [default: the host's name up to the first dot]
    #[arg(short = 'i', long, value_name = "ID", allow_hyphen_values = true)]
    pub config_id: Option<String>,
    /// Have every include insist on its files, as `includea` does
    #[arg(short = 'e', long)]
    pub all_config: bool,
    /// Take every warning as an error: the test fails, the daemon does not start, a reload is refused
    #[arg(long)]
    pub strict: bool,
}

/// Options of keepalived that are accepted and have no effect yet.
#[derive(clap::Args, Clone, Debug)]
#[command(next_help_heading = WITHOUT_EFFECT)]
pub struct WithoutEffect {
    #[arg(short = 'x', long)]
    pub snmp: bool,
    #[arg(short = 'A', long, value_name = "ADDRESS", allow_hyphen_values = true)]
    pub snmp_agent_socket: Option<String>,
}

/// Where the pid files are; without a name, in /run or where the configuration says.
#[derive(clap::Args, Clone, Debug)]
pub struct PidFileOptions {
    /// Pid file of the parent process [default: /run/keepalived.pid]
    #[arg(id = "pid", short = 'p', long = "pid", value_name = "FILE", allow_hyphen_values = true)]
    pub parent: Option<PathBuf>,
    /// Pid file of the VRRP process [default: /run/vrrp.pid]
    #[arg(id = "vrrp_pid", short = 'r', long = "vrrp_pid", value_name = "FILE", allow_hyphen_values = true)]
    pub vrrp: Option<PathBuf>,
    /// Pid file of the checker process [default: /run/checkers.pid]
    #[arg(
        id = "checkers_pid",
        short = 'c',
        long = "checkers_pid",
        value_name = "FILE",
        allow_hyphen_values = true
    )]
    pub checkers: Option<PathBuf>,
    /// Pid file of the BFD process [default: /run/bfd.pid]
    #[arg(id = "bfd_pid", short = 'b', long = "bfd_pid", value_name = "FILE", allow_hyphen_values = true)]
    pub bfd: Option<PathBuf>,
}

impl Cli {
    /// Reads a command line, the program's name first.
    ///
    /// # Errors
    /// It makes no sense, or asks for help only.
    pub fn read(words: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let words: Vec<_> = words.into_iter().collect();
        let option = |word: &OsString| word.as_encoded_bytes().starts_with(b"-");
        if words.get(1).is_some_and(|first| !option(first)) {
            match Self::try_parse_from(&words) {
                Err(error) if is_left_over(&error) => {}
                result => return result,
            }
        }
        let mut words: Vec<_> = words.iter().map(|word| attach(word)).collect();
        let mut first_error = None;
        loop {
            let error = match Daemon::try_parse_from(&words) {
                // A question is answered whatever else stands there.
                Ok(Daemon { options, left_over }) if first_error.is_none() || options.is_question() => {
                    return Ok(Self { command: None, options, left_over });
                }
                Ok(_) => None,
                // Its help does not know our commands.
                Err(error) if error.kind() == ErrorKind::DisplayHelp => {
                    return Self::try_parse_from(["stayd", "--help"]);
                }
                Err(error) => Some(error),
            };
            let unknown = error.as_ref().and_then(unknown_option);
            let found = unknown.is_some_and(|unknown| take_out(&mut words, &unknown));
            let first = first_error.take().or(error);
            match first {
                Some(first) if !found => return Err(first),
                first => first_error = first,
            }
        }
    }

    /// Mentions the words that are left over.
    pub fn mention(&self) -> Option<String> {
        let words: Vec<_> = self.left_over.iter().map(|word| word.to_string_lossy()).collect();
        (!words.is_empty()).then(|| format!("words that are no options are passed over: {}", words.join(" ")))
    }
}

/// Whether the first word is neither one of our commands nor looks like one that is meant.
fn is_left_over(error: &clap::Error) -> bool {
    error.kind() == ErrorKind::InvalidSubcommand && error.get(ContextKind::SuggestedSubcommand).is_none()
}

/// The option that is none, if that is what is wrong.
fn unknown_option(error: &clap::Error) -> Option<String> {
    match (error.kind(), error.get(ContextKind::InvalidArg)) {
        (ErrorKind::UnknownArgument, Some(ContextValue::String(unknown))) => Some(unknown.clone()),
        _ => None,
    }
}

/// Takes an option out of the words: a long one with what is behind its `=`, or a letter among others. Whether it was found.
fn take_out(words: &mut Vec<OsString>, option: &str) -> bool {
    let is_it =
        |word: &str| word == option || word.strip_prefix(option).is_some_and(|rest| rest.starts_with('='));
    if let Some(at) = words.iter().position(|word| word.to_str().is_some_and(is_it)) {
        words.remove(at);
        return true;
    }
    let Some(letter) = option.strip_prefix('-').filter(|letter| letter.chars().count() == 1) else {
        return false;
    };
    let bundle = words.iter_mut().skip(1).find_map(|word| {
        let text = word.to_str().filter(|text| text.starts_with('-') && !text.starts_with("--"))?;
        let rest = text.replacen(letter, "", 1);
        (rest != text).then_some((word, rest))
    });
    let Some((word, rest)) = bundle else { return false };
    *word = rest.into();
    true
}

/// `-tFILE`, `-MPATTERN` and `-gFILE`, also at the end of other letters: clap wants `=` before a value that may be absent.
fn attach(word: &OsStr) -> OsString {
    const WITH_VALUE: &str = "frpcbSAsiu";
    const MAYBE: [char; 3] = ['t', 'M', 'g'];
    let split = || {
        let text = word.to_str()?;
        let letters = text.strip_prefix('-').filter(|letters| !letters.starts_with('-'))?;
        let at = letters.find(|c| MAYBE.contains(&c) || WITH_VALUE.contains(c))?;
        let file = letters.get(at..)?.strip_prefix(MAYBE).filter(|file| !file.is_empty())?;
        (!file.starts_with('=')).then(|| text.split_at(text.len() - file.len()))
    };
    split().map_or_else(|| word.to_owned(), |(letters, file)| format!("{letters}={file}").into())
}

impl Options {
    /// Whether it asks something and runs nothing.
    const fn is_question(&self) -> bool {
        self.version || self.signum.is_some()
    }

    /// The mask of `-u`, in C's notations of numbers; none if it is not given or makes no sense.
    pub fn umask(&self) -> Option<u32> {
        let text = self.umask.as_deref()?;
        let number = if let Some(digits) = text.strip_prefix("0x") {
            u32::from_str_radix(digits, 16)
        } else if text.starts_with('0') {
            u32::from_str_radix(text, 8)
        } else {
            text.parse()
        };
        number.ok().filter(|mask| *mask <= 0o777)
    }

    /// The facility of `-S`; that of daemons if it is not given or makes no sense.
    pub fn facility(&self) -> Facility {
        self.log_facility.as_deref().and_then(Facility::named).unwrap_or_default()
    }

    /// What is wrong with values of options: it is mentioned, and the option passed over.
    pub fn complaints(&self) -> Vec<String> {
        let mut complaints = Vec::new();
        if let Some(facility) = &self.log_facility
            && Facility::named(facility).is_none()
        {
            let known = "0 to 7, local0 to local7, daemon or user";
            complaints.push(format!("--log-facility takes {known}, not '{facility}': passed over"));
        }
        if let Some(umask) = &self.umask
            && self.umask().is_none()
        {
            complaints.push(format!("--umask takes a number up to 0777, not '{umask}': passed over"));
        }
        complaints
    }

    /// Whether this daemon runs VRRP.
    pub const fn wants_vrrp(&self) -> bool {
        !self.check
    }

    /// Whether this daemon runs virtual servers.
    pub const fn wants_checker(&self) -> bool {
        !self.vrrp
    }
}

impl WithoutEffect {
    /// The options given, as they are written.
    pub fn given(&self) -> Vec<&'static str> {
        let options = [(self.snmp, "--snmp"), (self.snmp_agent_socket.is_some(), "--snmp-agent-socket")];
        options.into_iter().filter(|(given, _)| *given).map(|(_, name)| name).collect()
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn read(line: &str) -> Result<Cli, clap::Error> {
        Cli::read(line.split(' ').map(OsString::from))
    }

    fn options(line: &str) -> Options {
        let cli = read(line).unwrap();
        assert!(cli.command.is_none() && cli.left_over.is_empty(), "{cli:?}");
        cli.options
    }

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
        Daemon::command().debug_assert();
    }

    #[test]
    fn short_options_may_be_bundled_as_kolla_does() {
        let options = options("stayd -nld -p /run/keepalived.pid");
        assert!(options.dont_fork && options.log_console && options.dump_conf);
        assert_eq!(options.pid_files.parent, Some(PathBuf::from("/run/keepalived.pid")));
    }

    #[test]
    fn neutron_s_command_line_is_understood() {
        let options = options("stayd -P -f /conf -p /pid -r /pid-vrrp -D");
        assert!(options.vrrp && options.wants_vrrp() && !options.wants_checker());
        assert_eq!((options.log_detail, options.pid_files.vrrp), (1, Some(PathBuf::from("/pid-vrrp"))));
    }

    #[test]
    fn long_options_have_keepalived_s_names() {
        let options = options(
            "stayd --dont-fork --log-console --log-detail --vrrp --check --use-file=/c --pid /p --checkers_pid=/k --config-id=A",
        );
        assert_eq!((options.file, options.reading.config_id), (PathBuf::from("/c"), Some("A".into())));
    }

    #[test]
    fn the_test_may_have_a_file() {
        assert_eq!(options("stayd -t -f /c").config_test, Some(None));
        assert_eq!(options("stayd --config-test=/log").config_test, Some(Some(PathBuf::from("/log"))));
        assert_eq!(options("stayd -f /c").config_test, None);
        // As getopt takes it.
        assert_eq!(options("stayd -t/log").config_test, Some(Some(PathBuf::from("/log"))));
        assert_eq!(options("stayd -t=/log").config_test, Some(Some(PathBuf::from("/log"))));
        let bundled = options("stayd -Dt/log -f /t");
        assert_eq!((bundled.log_detail, bundled.file), (1, PathBuf::from("/t")));
        assert_eq!(bundled.config_test, Some(Some(PathBuf::from("/log"))));
        assert_eq!(options("stayd -f/t").config_test, None);
    }

    #[test]
    fn the_pattern_of_core_dumps_may_be_absent_or_attached() {
        let pattern = |line| options(line).core_dump_pattern;
        assert_eq!(pattern("stayd -nM"), Some(None));
        assert_eq!(pattern("stayd -nM/core.%p"), Some(Some("/core.%p".into())));
        assert_eq!(pattern("stayd --core-dump-pattern=c"), Some(Some("c".into())));
    }

    #[test]
    fn options_without_effect_are_named() {
        assert_eq!(options("stayd -x -X -R").without_effect.given(), ["--snmp"]);
    }

    #[test]
    fn a_question_is_answered_beside_options_that_do_not_exist() {
        for line in ["stayd -v --nonsense", "stayd --nonsense=1 -v", "stayd -Zv", "stayd -v -Z -Z"] {
            assert!(read(line).unwrap().options.version, "{line}");
        }
        assert_eq!(read("stayd --signum=JSON --nonsense").unwrap().options.signum.as_deref(), Some("JSON"));
        assert!(read("stayd -Z -D").is_err());
    }

    #[test]
    fn what_stands_behind_an_option_is_its_value_whatever_it_looks_like() {
        let options = options("stayd --pid -v -f -t");
        assert!(!options.version && options.config_test.is_none());
        assert_eq!((options.pid_files.parent, options.file), (Some("-v".into()), PathBuf::from("-t")));
    }

    #[test]
    fn a_mask_is_a_number_as_c_writes_them() {
        let mask = |text: &str| options(&format!("stayd -u {text}")).umask();
        assert_eq!(
            [mask("077"), mask("8"), mask("0x1f"), mask("0")],
            [Some(0o77), Some(8), Some(0x1f), Some(0)]
        );
        assert_eq!([mask("zz"), mask("08"), mask("01000")], [None; 3]);
        assert_eq!(options("stayd -u zz -S 9").complaints().len(), 2);
        assert!(options("stayd -u 22 -S local3").complaints().is_empty());
    }

    #[test]
    fn an_unknown_option_is_an_error() {
        assert!(read("stayd --nonsense").is_err());
        assert!(read("stayd left --nonsense").is_err());
    }

    #[test]
    fn options_may_be_cut_short_and_given_twice() {
        let options = options("stayd --dont-f -f /a --use=/b -D -D -n");
        assert!(options.dont_fork);
        assert_eq!((options.log_detail, options.file), (2, PathBuf::from("/b")));
    }

    #[test]
    fn words_that_are_left_over_are_mentioned_and_nothing_else() {
        let cli = read("stayd foo -D check bar").unwrap();
        assert!(cli.command.is_none() && cli.options.log_detail == 1);
        assert_eq!(cli.mention().unwrap(), "words that are no options are passed over: foo check bar");
        assert_eq!(read("stayd -D").unwrap().mention(), None);
    }

    #[test]
    fn a_command_is_one_only_as_the_first_word() {
        assert!(matches!(read("stayd check /c").unwrap().command, Some(Command::Check(_))));
        let cli = read("stayd -f /c check").unwrap();
        assert!(cli.command.is_none(), "keepalived has no commands");
        assert_eq!(cli.left_over, ["check"]);
    }

    #[test]
    fn a_misspelt_command_does_not_start_a_daemon() {
        let error = read("stayd chekc /c").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidSubcommand);
        assert!(error.to_string().contains("'check'"), "{error}");
    }

    #[test]
    fn help_knows_options_and_commands() {
        for line in ["stayd --help", "stayd -D --help"] {
            let help = read(line).unwrap_err().to_string();
            assert!(
                help.contains("explain") && help.contains("--dont-fork") && !help.contains("generate"),
                "{help}"
            );
        }
    }
}
