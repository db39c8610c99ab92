//! The command line: keepalived's, so that units and scripts go on working, and our own commands.
//!
//! **A word is one of our commands only where it comes first.** Anywhere else it is left over, and keepalived merely
//! mentions such words. Like getopt, which keepalived reads its options with, we take `-tFILE`, long options cut short,
//! and options given twice.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use clap::error::{ContextKind, ErrorKind};
use clap::{ArgAction, Parser, Subcommand};

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
        default_value = DEFAULT_FILE
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
    /// Do not log to the system's journal
    #[arg(short = 'G', long)]
    pub no_syslog: bool,
    /// Stay in the foreground
    #[arg(short = 'n', long)]
    pub dont_fork: bool,
    /// Pid file of the parent process
    #[arg(short = 'p', long = "pid", value_name = "FILE", default_value = "/run/keepalived.pid")]
    pub pid: PathBuf,
    /// Pid file of the VRRP process
    #[arg(short = 'r', long = "vrrp_pid", value_name = "FILE", default_value = "/run/vrrp.pid")]
    pub vrrp_pid: PathBuf,
    /// Pid file of the checker process
    #[arg(short = 'c', long = "checkers_pid", value_name = "FILE", default_value = "/run/checkers.pid")]
    pub checkers_pid: PathBuf,
    /// Pid file of the BFD process
    #[arg(short = 'b', long = "bfd_pid", value_name = "FILE", default_value = "/run/bfd.pid")]
    pub bfd_pid: PathBuf,
    /// At the end, leave the virtual addresses where they are and say nothing to the peers
    #[arg(short = 'V', long)]
    pub dont_release_vrrp: bool,
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
    #[arg(long, value_name = "SIGFUNC")]
    pub signum: Option<String>,
    #[command(flatten)]
    pub without_effect: WithoutEffect,
}

/// How a configuration is read.
#[derive(clap::Args, Clone, Debug)]
pub struct Reading {
    /// Identifies this host in lines that begin with @ID [default: the host's name up to the first dot]
    #[arg(short = 'i', long, value_name = "ID")]
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
    #[arg(short = 'B', long = "no_bfd")]
    pub no_bfd: bool,
    #[arg(long)]
    pub all: bool,
    #[arg(short = 'S', long, value_name = "FACILITY")]
    pub log_facility: Option<String>,
    #[arg(short = 'X', long)]
    pub release_vips: bool,
    #[arg(short = 'R', long)]
    pub dont_respawn: bool,
    #[arg(short = 'd', long)]
    pub dump_conf: bool,
    #[arg(short = 'a', long)]
    pub address_monitoring: bool,
    #[arg(short = 'x', long)]
    pub snmp: bool,
    #[arg(short = 'A', long, value_name = "ADDRESS")]
    pub snmp_agent_socket: Option<String>,
    #[arg(short = 's', long, value_name = "NAME")]
    pub namespace: Option<String>,
    #[arg(short = 'm', long)]
    pub core_dump: bool,
    #[arg(short = 'M', long, value_name = "PATTERN", num_args = 0..=1, require_equals = true)]
    #[expect(
        clippy::option_option,
        reason = "outer: whether it is given; inner: whether it names a pattern"
    )]
    pub core_dump_pattern: Option<Option<String>>,
    #[arg(short = 'u', long, value_name = "MASK")]
    pub umask: Option<String>,
    #[arg(long)]
    pub ignore_sigint: bool,
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
        match Daemon::try_parse_from(words.iter().map(|word| attach(word))) {
            Ok(Daemon { options, left_over }) => Ok(Self { command: None, options, left_over }),
            // Its help does not know our commands.
            Err(error) if error.kind() == ErrorKind::DisplayHelp => Self::try_parse_from(["stayd", "--help"]),
            Err(error) => Err(error),
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

/// `-tFILE` and `-MPATTERN`, also at the end of other letters: clap wants `=` before a value that may be absent.
fn attach(word: &OsStr) -> OsString {
    const WITH_VALUE: &str = "frpcbSAsiu";
    let split = || {
        let text = word.to_str()?;
        let letters = text.strip_prefix('-').filter(|letters| !letters.starts_with('-'))?;
        let at = letters.find(|c| "tM".contains(c) || WITH_VALUE.contains(c))?;
        let file = letters.get(at..)?.strip_prefix(['t', 'M']).filter(|file| !file.is_empty())?;
        (!file.starts_with('=')).then(|| text.split_at(text.len() - file.len()))
    };
    split().map_or_else(|| word.to_owned(), |(letters, file)| format!("{letters}={file}").into())
}

impl Options {
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
        let options = [
            (self.no_bfd, "--no_bfd"),
            (self.all, "--all"),
            (self.log_facility.is_some(), "--log-facility"),
            (self.release_vips, "--release-vips"),
            (self.dont_respawn, "--dont-respawn"),
            (self.dump_conf, "--dump-conf"),
            (self.address_monitoring, "--address-monitoring"),
            (self.snmp, "--snmp"),
            (self.snmp_agent_socket.is_some(), "--snmp-agent-socket"),
            (self.namespace.is_some(), "--namespace"),
            (self.core_dump, "--core-dump"),
            (self.core_dump_pattern.is_some(), "--core-dump-pattern"),
            (self.umask.is_some(), "--umask"),
            (self.ignore_sigint, "--ignore-sigint"),
        ];
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
        assert!(options.dont_fork && options.log_console && options.without_effect.dump_conf);
        assert_eq!(options.pid, PathBuf::from("/run/keepalived.pid"));
    }

    #[test]
    fn neutron_s_command_line_is_understood() {
        let options = options("stayd -P -f /conf -p /pid -r /pid-vrrp -D");
        assert!(options.vrrp && options.wants_vrrp() && !options.wants_checker());
        assert_eq!((options.log_detail, options.vrrp_pid), (1, PathBuf::from("/pid-vrrp")));
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
        let pattern = |line| options(line).without_effect.core_dump_pattern;
        assert_eq!(pattern("stayd -nM"), Some(None));
        assert_eq!(pattern("stayd -nM/core.%p"), Some(Some("/core.%p".into())));
        assert_eq!(pattern("stayd --core-dump-pattern=c"), Some(Some("c".into())));
    }

    #[test]
    fn options_without_effect_are_named() {
        assert_eq!(options("stayd -R -S 3").without_effect.given(), ["--log-facility", "--dont-respawn"]);
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
