//! `global_defs`: names, mail, processes' common settings, scripts.

use super::global_system::SYSTEM;
use super::global_vrrp::VRRP;
use super::{
    Alias, AliasKind, Block, Body, Header, Keyword, Missing, SWITCH, Takes, Value, alias, kw, later, one,
    wants,
};

/// `global_defs`.
pub static GLOBAL_DEFS: Block = Block {
    name: "global_defs",
    header: Header::Nothing,
    body: Body::Keywords(&[GENERAL, VRRP, SYSTEM], ALIASES),
};

const ALIASES: &[Alias] = &[
    alias("lvs_process_name", "checker_process_name", AliasKind::Older),
    alias("lvs_flush_onstop", "lvs_flush_on_stop", AliasKind::Older),
    alias("vrrp_vmac_garp_intvl", "vrrp_garp_extra_if", AliasKind::Deprecated),
    alias("vrrp_rlimit_rtime", "vrrp_rlimit_rttime", AliasKind::Older),
    alias("checker_rlimit_rtime", "checker_rlimit_rttime", AliasKind::Older),
    alias("bfd_rlimit_rtime", "bfd_rlimit_rttime", AliasKind::Older),
    alias("enable_snmp_keepalived", "enable_snmp_vrrp", AliasKind::Older),
    alias("smtp_connect_time", "smtp_connect_timeout", AliasKind::Slip("ignores the line and waits 30 s")),
];

const NAME15: Takes = one(Value::Short(15));
const SCRIPT: Takes = Takes::Script(Missing::Reported);
const FIFO: Takes = Takes::Words { syntax: "PATH [USER [GROUP]]", least: 1, missing: Missing::Reported };

const GENERAL: &[Keyword] = &[
    later("process_names", Takes::Flag, "Gives each process a name of its own, as `ps` shows it.").since("2.0.16"),
    later("process_name", NAME15, "Name of the parent process, as `ps` shows it.").since("2.0.16"),
    later("vrrp_process_name", NAME15, "Name of the VRRP process.").since("2.0.16"),
    later("checker_process_name", NAME15, "Name of the checker process.").since("2.2.0"),
    later("bfd_process_name", NAME15, "Name of the BFD process.").since("2.0.16"),
    later(
        "use_symlink_paths",
        SWITCH,
        "Runs scripts under the name that the configuration gives, not the one that its symbolic links lead to.",
    )
    .default("false")
    .since("2.3.0"),
    later("set_supplementary_groups", SWITCH, "Gives scripts all groups of their user, not only the first.")
        .default("false")
        .since("2.4.4"),
    kw(
        "router_id",
        Takes::One(Value::Text, Missing::Reported),
        "Name of this host in mails and SNMP traps; the directors of a pair should have different ones.",
    )
    .default("the host's name")
    .since("1.1.8"),
    later(
        "notification_email_from",
        Takes::One(Value::Text, Missing::Reported),
        "Sender of the mails about changes of state.",
    )
    .default("USER@HOST")
    .since("0.5.3"),
    later(
        "smtp_server",
        Takes::Words { syntax: "ADDRESS|NAME [PORT]", least: 1, missing: Missing::Fatal },
        "The mail server that takes the mails about changes of state; port 25 unless given.",
    )
    .since("0.5.3"),
    later("smtp_helo_name", Takes::Maybe(Value::Text), "Name given to the mail server in HELO.")
        .default("the host's name")
        .since("1.2.20"),
    later(
        "smtp_connect_timeout",
        one(Value::Integer { least: 1, most: 4294, unit: "seconds", outside: super::Outside::Raised }),
        "How long to wait for the mail server.",
    )
    .default("30")
    .since("0.5.3"),
    later(
        "notification_email",
        Takes::Block(&NOTIFICATION_EMAIL),
        "Who gets mails about changes of state; as many addresses as you like.",
    )
    .since("0.5.3"),
    later("smtp_alert", SWITCH, "Whether changes of state are mailed, for all kinds of objects that do not say it themselves.")
        .since("2.0.0"),
    later("smtp_alert_vrrp", SWITCH, "The same for VRRP instances and sync groups; goes before `smtp_alert`.").since("2.0.0"),
    later("smtp_alert_checker", SWITCH, "The same for virtual and real servers; goes before `smtp_alert`.").since("2.0.0"),
    later("no_email_faults", Takes::Flag, "Sends no mail when a VRRP instance enters FAULT.").since("2.0.0"),
    later("no_checker_emails", SWITCH, "Mails when a real server goes up or down, not for each of its checks.")
        .default("false")
        .since("2.0.0"),
    later("startup_script", SCRIPT, "A command that is run, and waited for, before anything else is started.")
        .since("2.1.0"),
    later("startup_script_timeout", wants(Value::secs(1, 1000)), "How long `startup_script` may take.")
        .default("10")
        .since("2.1.0"),
    later("shutdown_script", SCRIPT, "A command that is run after everything else has stopped.").since("2.1.0"),
    later("shutdown_script_timeout", wants(Value::secs(1, 1000)), "How long `shutdown_script` may take.")
        .default("10")
        .since("2.1.0"),
    kw(
        "script_user",
        Takes::Words { syntax: "USER [GROUP]", least: 1, missing: Missing::Reported },
        "User, and group, that scripts run as unless they name their own.",
    )
    .default("keepalived_script if that user exists, else root")
    .since("1.3.0"),
    kw(
        "enable_script_security",
        Takes::Flag,
        "Runs no script as root that another user could change. Without it scripts are run and a test of the \
         configuration gives status 6.",
    )
    .since("1.3.0"),
    kw("checker_log_all_failures", SWITCH, "Logs every failed check, not only the first and the last of a row.")
        .default("false")
        .since("2.0.11"),
    later("rs_init_notifies", SWITCH, "Runs `notify_up` and `notify_down` of real servers for their first state as well.")
        .default("false")
        .since("2.0.0"),
    kw(
        "dynamic_interfaces",
        Takes::Maybe(Value::choice(&["allow_if_changes"])),
        "Accepts interfaces that do not exist yet; with `allow_if_changes` also that they come back as another kind.",
    )
    .since("2.0.0"),
    kw(
        "default_interface",
        wants(Value::Interface),
        "Interface of static addresses that name none. It has to stand before them.",
    )
    .default("eth0")
    .since("1.2.24"),
    later("lvs_timeouts", LVS_TIMEOUTS, "How long IPVS remembers idle connections, in seconds.").since("1.2.24"),
    later("lvs_flush", Takes::Flag, "Empties the whole IPVS table at start.").since("1.2.23"),
    later(
        "lvs_flush_on_stop",
        Takes::Maybe(Value::choice(&["VS"])),
        "Empties the whole IPVS table at stop, or, with `VS`, removes our virtual servers without their real servers \
         one by one.",
    )
    .since("2.2.0"),
    later("lvs_sync_daemon", SYNC_DAEMON, "Starts the kernel's synchronisation of connections between directors.")
        .since("1.2.20"),
    later("notify_fifo", FIFO, "A named pipe that gets a line for every change of state.").since("1.3.6"),
    later("notify_fifo_script", SCRIPT, "A command that is started with the name of the pipe, to read it.").since("1.3.6"),
    later("vrrp_notify_fifo", FIFO, "The same for changes of VRRP only.").since("1.3.6"),
    later("vrrp_notify_fifo_script", SCRIPT, "The reader of `vrrp_notify_fifo`.").since("1.3.6"),
    later("lvs_notify_fifo", FIFO, "The same for changes of virtual and real servers only.").since("1.3.6"),
    later("lvs_notify_fifo_script", SCRIPT, "The reader of `lvs_notify_fifo`.").since("1.3.6"),
    later("fifo_write_vrrp_states_on_reload", Takes::Flag, "Writes every state to the pipe again after a reload.")
        .since("2.2.5"),
];

const LVS_TIMEOUTS: Takes =
    Takes::Words { syntax: "[tcp SECS] [tcpfin SECS] [udp SECS]", least: 1, missing: Missing::Reported };

const SYNC_DAEMON: Takes = Takes::Words {
    syntax: "INTERFACE [inst INSTANCE] [id 0-255] [maxlen N] [port N] [ttl N] [group ADDRESS]",
    least: 1,
    missing: Missing::Reported,
};

static NOTIFICATION_EMAIL: Block =
    Block { name: "notification_email", header: Header::NothingElse, body: Body::Words("mail addresses") };
