//! The command line: keepalived's, so that units and scripts go on working, and our own commands.

use std::path::PathBuf;

use clap::{ArgAction, Parser, Subcommand};

/// What the command line asks for.
///
/// Options of keepalived that have no effect yet are accepted, and said to have none when the daemon starts.
#[derive(Parser, Debug)]
#[command(name = "stayd", version, disable_version_flag = true, args_conflicts_with_subcommands = true)]
#[command(about = "Keeps virtual addresses and virtual servers alive: VRRP, IPVS and health checks")]
pub struct Cli {
    /// What to do instead of running the daemon.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The daemon's options.
    #[command(flatten)]
    pub options: Options,
}

/// Our own commands.
#[derive(Subcommand, Debug)]
pub enum Command {
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
        default_value = "/etc/keepalived/keepalived.conf"
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
    /// Identifies this host in lines that begin with @ID
    #[arg(short = 'i', long, value_name = "ID")]
    pub config_id: Option<String>,
    /// Check the configuration, print every problem (to FILE if given) and end
    #[arg(short = 't', long, value_name = "FILE", num_args = 0..=1, require_equals = true)]
    #[expect(clippy::option_option, reason = "outer: whether it is given; inner: whether it names a file")]
    pub config_test: Option<Option<PathBuf>>,
    /// Print the version to standard error
    #[arg(short = 'v', long)]
    pub version: bool,
    #[command(flatten)]
    pub without_effect: WithoutEffect,
}

/// Options of keepalived that are accepted and have no effect yet.
#[derive(clap::Args, Clone, Debug)]
#[command(next_help_heading = "keepalived's options without effect yet")]
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
    #[arg(short = 'e', long)]
    pub all_config: bool,
    #[arg(short = 'u', long, value_name = "MASK")]
    pub umask: Option<String>,
    #[arg(long)]
    pub ignore_sigint: bool,
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
            (self.all_config, "--all-config"),
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

    fn options(line: &str) -> Options {
        Cli::try_parse_from(line.split(' ')).unwrap().options
    }

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
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
        assert_eq!((options.file, options.config_id), (PathBuf::from("/c"), Some("A".into())));
    }

    #[test]
    fn the_test_may_have_a_file() {
        assert_eq!(options("stayd -t -f /c").config_test, Some(None));
        assert_eq!(options("stayd --config-test=/log").config_test, Some(Some(PathBuf::from("/log"))));
        assert_eq!(options("stayd -f /c").config_test, None);
    }

    #[test]
    fn options_without_effect_are_named() {
        assert_eq!(options("stayd -R -S 3").without_effect.given(), ["--log-facility", "--dont-respawn"]);
    }

    #[test]
    fn an_unknown_option_is_an_error() {
        assert!(Cli::try_parse_from(["stayd", "--nonsense"]).is_err());
    }
}
