//! `virtual_server_group`, `virtual_server` and `real_server`.

use super::check::CHECKERS;
use super::{
    Alias, AliasKind, Block, Body, FORWARDING, Header, INT, Keyword, LONG_TIMER, LONG_TIMER_OR_ZERO, Missing,
    SWITCH, TIMER, Takes, UINT, Value, alias, kw, later, one, wants,
};

pub static VIRTUAL_SERVER_GROUP: Block = Block {
    name: "virtual_server_group",
    header: Header::OnlyName(Missing::Fatal),
    body: Body::Lines("ADDRESS[/LENGTH|-END] [PORT], or fwmark NUMBER [inet|inet6]"),
};

pub static VIRTUAL_SERVER: Block = Block {
    name: "virtual_server",
    header: Header::Words { syntax: "ADDRESS [PORT], fwmark NUMBER, or group NAME", missing: Missing::Fatal },
    body: Body::Keywords(&[BALANCING, CHECKING, QUORUM], ALIASES),
};

const ALIASES: &[Alias] = &[
    alias("lvs_sched", "lb_algo", AliasKind::Synonym),
    alias("lvs_method", "lb_kind", AliasKind::Synonym),
    alias("protocal", "protocol", AliasKind::Slip("ignores the line and makes the service UDP")),
];

const METHOD: Takes = Takes::Words { syntax: FORWARDING, least: 1, missing: Missing::Fatal };
const SCRIPT: Takes = Takes::Script(Missing::Fatal);

/// The schedulers that keepalived knows.
pub const SCHEDULERS: &[&str] =
    &["rr", "wrr", "lc", "wlc", "lblc", "sh", "mh", "dh", "fo", "ovf", "lblcr", "sed", "nq", "twos"];

const BALANCING: &[Keyword] = &[
    kw(
        "ip_family",
        one(Value::choice(&["inet", "inet6"])),
        "Family of a server that is a firewall mark, or of a group of them; others have that of their \
         address.",
    )
    .default("that of the real servers")
    .since("1.2.20"),
    kw(
        "lb_algo",
        one(Value::choice(SCHEDULERS)),
        "How connections are spread, by the kernel's name of the scheduler: `rr` in turn, `wrr` in \
         turn by weight, `lc` to the least loaded, `wlc` the same by weight, `sh` and `mh` by client \
         address, `dh` by destination, `fo` the highest weight only.",
    )
    .default("wlc")
    .fallback("wlc")
    .since("0.5.3"),
    kw(
        "lb_kind",
        METHOD,
        "How packets reach the real servers: `NAT` rewrites addresses, `DR` changes the MAC address \
         only (the real server needs the virtual address too: `stayd realserver`), `TUN` wraps \
         packets.",
    )
    .default("NAT")
    .since("0.5.3"),
    kw(
        "ops",
        Takes::Flag,
        "Spreads each datagram by itself instead of by connection; only for UDP and firewall marks.",
    )
    .since("1.2.8"),
    kw(
        "hashed",
        Takes::Flag,
        "A flag for the scheduler that no scheduler has: it is reported and has no effect.",
    )
    .since("1.3.0"),
    kw("flag-1", Takes::Flag, "First flag of the scheduler; what it means is the scheduler's affair.")
        .since("1.3.0"),
    kw("flag-2", Takes::Flag, "Second flag of the scheduler; what it means is the scheduler's affair.")
        .since("1.3.0"),
    kw("flag-3", Takes::Flag, "Third flag of the scheduler; what it means is the scheduler's affair.")
        .since("1.3.0"),
    kw(
        "sh-port",
        Takes::Flag,
        "Has the scheduler sh take the source port into account. It has to stand after `lb_algo sh`.",
    )
    .since("1.3.0"),
    kw(
        "sh-fallback",
        Takes::Flag,
        "Has the scheduler sh go to another server if its choice is down. It has to stand after \
         `lb_algo sh`.",
    )
    .since("1.3.0"),
    kw(
        "mh-port",
        Takes::Flag,
        "Has the scheduler mh take the source port into account. It has to stand after `lb_algo mh`.",
    )
    .since("2.0.20"),
    kw(
        "mh-fallback",
        Takes::Flag,
        "Has the scheduler mh go to another server if its choice is down. It has to stand after \
         `lb_algo mh`.",
    )
    .since("2.0.20"),
    kw(
        "persistence_engine",
        one(Value::Short(15)),
        "Kernel module that says which requests belong together beyond the client's address, for \
         example `sip`.",
    )
    .since("1.2.20"),
    kw(
        "persistence_timeout",
        Takes::Maybe(Value::secs(1, 2_678_400)),
        "A client keeps its real server for so long after its last connection; 360 seconds if no \
         number is given. Without the keyword each connection is spread anew.",
    )
    .since("0.5.3"),
    kw(
        "persistence_granularity",
        one(Value::Text),
        "Clients that are the same under this netmask (IPv6: prefix length) keep the same real \
         server. IPv4 takes a mask such as 255.255.255.0, no length.",
    )
    .default("255.255.255.255, or 128")
    .since("0.5.7"),
    kw(
        "protocol",
        one(Value::Choice { words: &["TCP", "UDP", "SCTP"], exact: false }),
        "Protocol of the service. Firewall marks have none.",
    )
    .default("UDP")
    .fallback("UDP")
    .since("0.5.3"),
];

const CHECKING: &[Keyword] = &[
    kw("delay_loop", one(LONG_TIMER), "Seconds from one check of a real server to the next.")
        .default("60")
        .since("0.5.3"),
    kw("connect_timeout", one(TIMER), "Seconds that a check may take to connect.")
        .default("5")
        .since("2.0.13"),
    kw(
        "retry",
        one(Value::int(1, UINT)),
        "So many failed checks in a row are forgiven: the next one takes the real server out.",
    )
    .default("1; DNS_CHECK 3, MISC_CHECK 0")
    .since("1.3.7"),
    kw("delay_before_retry", one(LONG_TIMER_OR_ZERO), "Seconds from a forgiven failure to the next check.")
        .default("1; HTTP_GET and SSL_GET 3, DNS_CHECK delay_loop")
        .since("1.3.7"),
    kw(
        "warmup",
        one(LONG_TIMER_OR_ZERO),
        "The first check comes at a random time within so many seconds, so that not all start at once.",
    )
    .default("delay_loop")
    .since("1.3.7"),
    kw(
        "inhibit_on_failure",
        Takes::Flag,
        "Keeps a failed real server in the table with weight 0, so that its connections go on. \
         Otherwise it is removed.",
    )
    .since("1.3.7"),
    kw(
        "ha_suspend",
        Takes::Flag,
        "Checks the real servers only while this host has the virtual server's address; of a group, \
         any of its addresses. Meanwhile they stay as they are.",
    )
    .since("1.0.0"),
    kw(
        "alpha",
        Takes::Flag,
        "Takes real servers as down until their checks have succeeded. Otherwise they are up until a \
         check fails.",
    )
    .since("1.1.16"),
    kw(
        "weight",
        one(Value::int(1, INT)),
        "Weight of real servers that do not say it themselves: their share of new connections.",
    )
    .default("1")
    .since("1.3.7"),
    kw(
        "virtualhost",
        Takes::One(Value::Text, Missing::Reported),
        "Name of the web server that HTTP_GET and SSL_GET ask for, unless real server, check or page \
         name another.",
    )
    .since("0.5.8"),
];

const QUORUM: &[Keyword] = &[
    kw(
        "omega",
        Takes::Flag,
        "Reports real servers and quorum as down when the daemon stops, by their scripts, pipes and \
         mails.",
    )
    .since("1.1.16"),
    kw(
        "quorum",
        one(Value::int(1, UINT)),
        "Weight of working real servers that the service needs. More than there is weight is reported \
         and lowered.",
    )
    .default("1")
    .fallback("1")
    .since("1.1.16"),
    kw(
        "hysteresis",
        one(Value::int(0, UINT)),
        "By how much the quorum has to be passed, either way, to count as reached or lost. It has to \
         be less than the quorum.",
    )
    .default("0")
    .since("1.1.16"),
    kw("quorum_up", SCRIPT, "A command to run when the quorum is reached. It gets no further arguments.")
        .since("1.1.16")
        .once()
        .once(),
    kw("quorum_down", SCRIPT, "A command to run when the quorum is lost. It gets no further arguments.")
        .since("1.1.16")
        .once()
        .once(),
    kw(
        "drain_timeout",
        one(Value::secs(0, 2_678_400)),
        "A real server that a reload takes out of the file gets no new connections and stays in the table until its last \
         connection ends, at most for so many seconds; so does the whole virtual server. Meanwhile `sh` and `mh` may fall \
         back: their clients get another one (those of `dh` are refused). With persistence its clients come back to it, \
         unless the sysctl `net.ipv4.vs.expire_quiescent_template` is 1. 0: it is removed at once, as keepalived does.",
    )
    .default("0")
    .ours(),
    later("snmp_name", wants(Value::Text), "Name of the virtual server in SNMP.").since("2.2.3"),
    kw("smtp_alert", SWITCH, "Whether changes of the quorum are mailed.")
        .default("smtp_alert_checker")
        .since("2.0.0"),
    kw(
        "sorry_server",
        Takes::Words { syntax: "ADDRESS [PORT]", least: 1, missing: Missing::Fatal },
        "A server that serves, alone, while the quorum is lost. Without one, the real servers that \
         work go on serving.",
    )
    .since("0.5.3"),
    kw(
        "sorry_server_inhibit",
        Takes::Flag,
        "Keeps the sorry server in the table with weight 0 while it does not serve. It has to stand \
         after `sorry_server`.",
    )
    .since("1.2.13"),
    kw(
        "sorry_server_lvs_method",
        METHOD,
        "How packets reach the sorry server. It has to stand after `sorry_server`.",
    )
    .default("lb_kind")
    .since("1.3.6"),
    kw(
        "real_server",
        Takes::Block(&REAL_SERVER),
        "A host that serves, with its checks; all of them have to succeed. Without any check it is \
         always up. Without a port it has that of the virtual server.",
    )
    .since("0.5.3"),
];

pub static REAL_SERVER: Block = Block {
    name: "real_server",
    header: Header::Words { syntax: "ADDRESS [PORT]", missing: Missing::Fatal },
    body: Body::Keywords(&[REAL, CHECKERS], REAL_ALIASES),
};

const REAL_ALIASES: &[Alias] = &[
    alias("notice_down", "notify_down", AliasKind::Slip("ignores the line")),
    alias("SMTP_CHEKC", "SMTP_CHECK", AliasKind::Slip("ignores the line and does not check the server")),
];

const REAL: &[Keyword] = &[
    kw("weight", one(Value::int(0, INT)), "The real server's share of new connections; 0: it gets none.")
        .default("the virtual server's")
        .since("0.5.3"),
    kw("lvs_method", METHOD, "How packets reach this real server, where that is not as `lb_kind` says.")
        .default("the virtual server's")
        .since("1.3.6"),
    kw(
        "uthreshold",
        one(Value::int(0, UINT)),
        "The real server gets no new connection while it has more than so many; 0: no limit.",
    )
    .default("0")
    .since("1.1.13"),
    kw(
        "lthreshold",
        one(Value::int(0, UINT)),
        "A real server that was beyond `uthreshold` gets connections again when it has fewer than so \
         many.",
    )
    .default("0 (three quarters of uthreshold)")
    .since("1.1.13"),
    kw(
        "inhibit_on_failure",
        SWITCH,
        "Keeps the real server in the table with weight 0 when it fails, so that its connections go \
         on. Otherwise it is removed.",
    )
    .default("the virtual server's")
    .since("0.6.8"),
    kw(
        "drain_timeout",
        one(Value::secs(0, 2_678_400)),
        "When a reload takes the real server out of the file, it gets no new connections and stays in the table until its \
         last connection ends, at most for so many seconds. 0: it is removed at once, as keepalived does.",
    )
    .default("the virtual server's")
    .ours(),
    kw("notify_up", SCRIPT, "A command to run when the real server works again.").since("1.0.0").once(),
    kw("notify_down", SCRIPT, "A command to run when the real server fails.").since("1.0.0").once(),
    kw("alpha", SWITCH, "Takes the real server as down until its checks have succeeded.")
        .default("the virtual server's")
        .since("1.3.7"),
    kw(
        "retry",
        one(Value::int(1, UINT)),
        "So many failed checks in a row are forgiven: the next one takes the real server out.",
    )
    .default("the virtual server's")
    .since("1.3.7"),
    kw("delay_before_retry", one(LONG_TIMER_OR_ZERO), "Seconds from a forgiven failure to the next check.")
        .default("the virtual server's")
        .since("1.3.7"),
    kw(
        "warmup",
        one(LONG_TIMER_OR_ZERO),
        "The first check comes at a random time within so many seconds, so that not all start at once.",
    )
    .default("the virtual server's")
    .since("1.3.7"),
    kw("connect_timeout", one(TIMER), "Seconds that a check may take to connect.")
        .default("the virtual server's")
        .since("2.0.13"),
    kw("delay_loop", one(LONG_TIMER), "Seconds from one check of this real server to the next.")
        .default("the virtual server's")
        .since("1.3.7"),
    kw(
        "smtp_alert",
        SWITCH,
        "Whether changes of state of this real server are mailed. Unlike elsewhere they are unless \
         something says no.",
    )
    .default("smtp_alert_checker; true if unset")
    .since("2.0.0"),
    kw(
        "virtualhost",
        Takes::One(Value::Text, Missing::Reported),
        "Name of the web server that HTTP_GET and SSL_GET ask for, unless check or page name another.",
    )
    .default("the virtual server's")
    .since("1.3.6"),
    later("snmp_name", wants(Value::Text), "Name of the real server in SNMP.").since("2.2.3"),
];
