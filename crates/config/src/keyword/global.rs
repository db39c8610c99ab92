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
    kw(
        "process_names",
        Takes::Flag,
        "Gives each process a name of its own in `ps`: keepalived_vrrp, keepalived_lvs and \
         keepalived_bfd. Otherwise all are called as the program.",
    )
    .since("2.0.16"),
    kw("process_name", NAME15, "Name of the parent process, as `ps` shows it.").since("2.0.16"),
    kw("vrrp_process_name", NAME15, "Name of the VRRP process, as `ps` shows it.").since("2.0.16"),
    kw("checker_process_name", NAME15, "Name of the checker process, as `ps` shows it.").since("2.2.0"),
    later("bfd_process_name", NAME15, "Name of the BFD process, as `ps` shows it.").since("2.0.16"),
    kw(
        "use_symlink_paths",
        SWITCH,
        "Runs scripts under the name that the configuration gives, not under the one that its \
         symbolic links lead to. stayd always does.",
    )
    .default("false")
    .since("2.3.0"),
    kw("set_supplementary_groups", SWITCH, "Gives scripts all groups of their user, not only the first.")
        .default("false")
        .since("2.4.4"),
    kw(
        "router_id",
        Takes::One(Value::Text, Missing::Reported),
        "Name of this host in mails and SNMP traps. The directors of a pair should have different ones.",
    )
    .default("the host's name")
    .since("1.1.8"),
    kw(
        "notification_email_from",
        Takes::One(Value::Text, Missing::Reported),
        "Sender of the mails about changes of state.",
    )
    .default("USER@HOST")
    .since("0.5.3"),
    kw(
        "smtp_server",
        Takes::Words { syntax: "ADDRESS|NAME [PORT]", least: 1, missing: Missing::Fatal },
        "Address or name of the mail server that takes the mails about changes of state, and its \
         port; port 25 unless given. Without it no mail is sent.",
    )
    .since("0.5.3"),
    kw(
        "smtp_helo_name",
        Takes::Maybe(Value::Text),
        "Name by which this host introduces itself to the mail server (HELO).",
    )
    .default("the host's name")
    .since("1.2.20"),
    kw(
        "smtp_connect_timeout",
        one(Value::Integer { least: 1, most: 4294, unit: "seconds", outside: super::Outside::Raised }),
        "How long to wait for the mail server to take a connection, and then for each of its answers.",
    )
    .default("30")
    .since("0.5.3"),
    kw(
        "notification_email",
        Takes::Block(&NOTIFICATION_EMAIL),
        "Who gets mails about changes of state; as many addresses as one likes. Without it no mail is \
         sent.",
    )
    .since("0.5.3"),
    kw(
        "smtp_alert",
        SWITCH,
        "Whether changes of state are mailed, for all instances, groups and servers that do not say \
         it themselves. Unset it means no, but yes for real servers.",
    )
    .since("2.0.0"),
    kw(
        "smtp_alert_vrrp",
        SWITCH,
        "Whether changes of state of VRRP instances and sync groups are mailed; goes before \
         `smtp_alert`.",
    )
    .since("2.0.0"),
    kw(
        "smtp_alert_checker",
        SWITCH,
        "Whether changes of state of virtual and real servers are mailed; goes before `smtp_alert`.",
    )
    .since("2.0.0"),
    kw("no_email_faults", Takes::Flag, "Sends no mail when a VRRP instance enters FAULT.").since("2.0.0"),
    kw(
        "no_checker_emails",
        SWITCH,
        "Sends a mail when a real server goes up or down, but not for each of its checks.",
    )
    .default("false")
    .since("2.0.0"),
    kw("startup_script", SCRIPT, "A command that is run, and waited for, before anything else is started.")
        .since("2.1.0")
        .once()
        .once(),
    kw(
        "startup_script_timeout",
        wants(Value::secs(1, 1000)),
        "How long `startup_script` may take before it is ended.",
    )
    .default("10")
    .since("2.1.0"),
    kw(
        "shutdown_script",
        SCRIPT,
        "A command that is run, and waited for, after everything else has stopped.",
    )
    .since("2.1.0")
    .once()
    .once(),
    kw(
        "shutdown_script_timeout",
        wants(Value::secs(1, 1000)),
        "How long `shutdown_script` may take before it is ended.",
    )
    .default("10")
    .since("2.1.0"),
    kw(
        "script_user",
        Takes::Words { syntax: "USER [GROUP]", least: 1, missing: Missing::Reported },
        "User, and group, that scripts run as unless they name their own. It holds for scripts that \
         follow and for those before it.",
    )
    .default("keepalived_script if that user exists, else root")
    .since("1.3.0"),
    kw(
        "enable_script_security",
        Takes::Flag,
        "Runs no script as root that another user could change, because the file or a folder above it \
         is writable for others. Without it such scripts are run, and a test of the configuration \
         gives status 6 if there is any script.",
    )
    .since("1.3.0"),
    kw(
        "checker_log_all_failures",
        SWITCH,
        "Logs every failed check, not only the first and the last of a row.",
    )
    .default("false")
    .since("2.0.11"),
    kw(
        "rs_init_notifies",
        SWITCH,
        "Runs `notify_up` and `notify_down` of real servers for the first result of their checks as \
         well, not only for changes.",
    )
    .default("false")
    .since("2.0.0"),
    kw(
        "dynamic_interfaces",
        Takes::Maybe(Value::choice(&["allow_if_changes"])),
        "Accepts interfaces that do not exist yet: their instances are in FAULT until they come. With \
         `allow_if_changes` an interface may come back as another kind. Without it the daemon does \
         not start when an interface is missing.",
    )
    .since("2.0.0"),
    kw(
        "default_interface",
        wants(Value::Interface),
        "Interface of static addresses that name none. It has to stand before them.",
    )
    .default("eth0")
    .since("1.2.24"),
    kw(
        "lvs_timeouts",
        LVS_TIMEOUTS,
        "How long IPVS remembers idle TCP connections, TCP connections after FIN, and UDP exchanges, \
         each in seconds from 0 to 2678400. What is not given stays as the kernel has it.",
    )
    .since("1.2.24"),
    kw(
        "lvs_flush",
        Takes::Flag,
        "Empties the whole IPVS table at start, also of what others put there. Without it entries \
         that are found are taken over.",
    )
    .since("1.2.23"),
    kw(
        "lvs_flush_on_stop",
        Takes::Maybe(Value::choice(&["VS"])),
        "Empties the whole IPVS table at stop, also of what others put there; with `VS` it removes \
         our virtual servers with all that is in them. Otherwise our real and virtual servers are \
         removed one by one.",
    )
    .since("2.2.0"),
    kw(
        "lvs_sync_daemon",
        SYNC_DAEMON,
        "Has the kernel send its table of connections over an interface to the other directors, so \
         that connections survive a failover. With `inst` this host sends while that instance is \
         master and receives otherwise; without it, it does both. `id` defaults to the instance's \
         number or 0; port, ttl, group and maxlen to the kernel's values.",
    )
    .since("1.2.20"),
    kw(
        "notify_fifo",
        FIFO,
        "A named pipe that gets a line for every change of state, of VRRP and of servers. It is made \
         if it does not exist.",
    )
    .since("1.3.6")
    .once()
    .once(),
    kw(
        "notify_fifo_script",
        SCRIPT,
        "A command that is started once to read `notify_fifo`, whose name is added to its arguments.",
    )
    .since("1.3.6")
    .once()
    .once(),
    kw(
        "vrrp_notify_fifo",
        FIFO,
        "A named pipe that gets a line for every change of state of VRRP instances and groups only.",
    )
    .since("1.3.6")
    .once()
    .once(),
    kw(
        "vrrp_notify_fifo_script",
        SCRIPT,
        "A command that is started once to read `vrrp_notify_fifo`, whose name is added to its \
         arguments.",
    )
    .since("1.3.6")
    .once()
    .once(),
    kw(
        "lvs_notify_fifo",
        FIFO,
        "A named pipe that gets a line for every change of state of virtual and real servers only.",
    )
    .since("1.3.6")
    .once()
    .once(),
    kw(
        "lvs_notify_fifo_script",
        SCRIPT,
        "A command that is started once to read `lvs_notify_fifo`, whose name is added to its arguments.",
    )
    .since("1.3.6")
    .once()
    .once(),
    kw(
        "fifo_write_vrrp_states_on_reload",
        Takes::Flag,
        "Writes the state of every VRRP instance to the pipes again after a reload, changed or not.",
    )
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
