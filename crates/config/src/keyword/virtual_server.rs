//! `virtual_server_group`, `virtual_server` and `real_server`.

use super::check::CHECKERS;
use super::{
    Alias, AliasKind, Block, Body, FORWARDING, Header, INT, Keyword, LONG_TIMER, LONG_TIMER_OR_ZERO, Missing,
    SWITCH, TIMER, Takes, UINT, Value, alias, kw, later, one, wants,
};

pub static VIRTUAL_SERVER_GROUP: Block = Block {
    name: "virtual_server_group",
    header: Header::Name(Missing::Fatal),
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
    kw("ip_family", one(Value::choice(&["inet", "inet6"])), "Family of a server that is a firewall mark.")
        .default("that of the real servers")
        .since("1.2.20"),
    kw("lb_algo", one(Value::choice(SCHEDULERS)), "How connections are spread: the kernel's name of the scheduler.")
        .default("wlc")
        .fallback("wlc")
        .since("0.5.3"),
    kw(
        "lb_kind",
        METHOD,
        "How packets reach the real servers: `NAT` rewrites addresses, `DR` changes the MAC address only, `TUN` \
         wraps packets.",
    )
    .default("NAT")
    .since("0.5.3"),
    kw("ops", Takes::Flag, "Spreads each datagram by itself; for UDP and firewall marks.").since("1.2.8"),
    kw("hashed", Takes::Flag, "A flag of the scheduler that no scheduler has.").since("1.3.0"),
    kw("flag-1", Takes::Flag, "First flag of the scheduler.").since("1.3.0"),
    kw("flag-2", Takes::Flag, "Second flag of the scheduler.").since("1.3.0"),
    kw("flag-3", Takes::Flag, "Third flag of the scheduler.").since("1.3.0"),
    kw("sh-port", Takes::Flag, "The scheduler sh takes the source port into account. After `lb_algo sh`.").since("1.3.0"),
    kw("sh-fallback", Takes::Flag, "The scheduler sh goes to another server if its choice is down. After `lb_algo sh`.")
        .since("1.3.0"),
    kw("mh-port", Takes::Flag, "The scheduler mh takes the source port into account. After `lb_algo mh`.").since("2.0.20"),
    kw("mh-fallback", Takes::Flag, "The scheduler mh goes to another server if its choice is down. After `lb_algo mh`.")
        .since("2.0.20"),
    kw("persistence_engine", one(Value::Short(15)), "What makes requests belong together, for example `sip`.")
        .since("1.2.20"),
    kw(
        "persistence_timeout",
        Takes::Maybe(Value::secs(1, 2_678_400)),
        "A client keeps its real server for so long after its last connection; 360 if no number is given.",
    )
    .since("0.5.3"),
    kw(
        "persistence_granularity",
        one(Value::Text),
        "Clients that are the same under this netmask (IPv6: prefix length) keep the same real server.",
    )
    .default("255.255.255.255, or 128")
    .since("0.5.7"),
    kw("protocol", one(Value::Choice { words: &["TCP", "UDP", "SCTP"], exact: false }), "Protocol of the service.")
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
    kw("retry", one(Value::int(1, UINT)), "So many failed checks in a row are forgiven.")
        .default("1; DNS_CHECK 3, MISC_CHECK 0")
        .since("1.3.7"),
    kw("delay_before_retry", one(LONG_TIMER_OR_ZERO), "Seconds from a forgiven failure to the next check.")
        .default("1; HTTP_GET and SSL_GET 3, DNS_CHECK delay_loop")
        .since("1.3.7"),
    kw("warmup", one(LONG_TIMER_OR_ZERO), "The first check comes at a random time within so many seconds.")
        .default("delay_loop")
        .since("1.3.7"),
    kw("inhibit_on_failure", Takes::Flag, "Keeps a failed real server in the table, with weight 0.")
        .since("1.3.7"),
    later("ha_suspend", Takes::Flag, "Checks only while this host has the virtual server's address.")
        .since("1.0.0"),
    kw("alpha", Takes::Flag, "Takes real servers as down until their checks have succeeded.").since("1.1.16"),
    kw("weight", one(Value::int(1, INT)), "Weight of real servers that do not say it themselves.")
        .default("1")
        .since("1.3.7"),
    later(
        "virtualhost",
        Takes::One(Value::Text, Missing::Reported),
        "Name of the web server that HTTP_GET and SSL_GET ask for.",
    )
    .since("0.5.8"),
];

const QUORUM: &[Keyword] = &[
    kw("omega", Takes::Flag, "Reports real servers and quorum as down when the daemon stops.")
        .since("1.1.16"),
    kw("quorum", one(Value::int(1, UINT)), "Weight of working real servers that the service needs.")
        .default("1")
        .fallback("1")
        .since("1.1.16"),
    kw("hysteresis", one(Value::int(0, UINT)), "By how much that weight has to be passed, either way.")
        .default("0")
        .since("1.1.16"),
    later("quorum_up", SCRIPT, "A command to run when the quorum is reached.").since("1.1.16"),
    later("quorum_down", SCRIPT, "A command to run when the quorum is lost.").since("1.1.16"),
    later("snmp_name", wants(Value::Text), "Name in SNMP.").since("2.2.3"),
    later("smtp_alert", SWITCH, "Mails changes of the quorum.").default("smtp_alert_checker").since("2.0.0"),
    kw(
        "sorry_server",
        Takes::Words { syntax: "ADDRESS [PORT]", least: 1, missing: Missing::Fatal },
        "Serves while the quorum is lost.",
    )
    .since("0.5.3"),
    kw(
        "sorry_server_inhibit",
        Takes::Flag,
        "Keeps it in the table with weight 0 while it does not serve. After `sorry_server`.",
    )
    .since("1.2.13"),
    kw("sorry_server_lvs_method", METHOD, "How packets reach it. After `sorry_server`.")
        .default("lb_kind")
        .since("1.3.6"),
    kw("real_server", Takes::Block(&REAL_SERVER), "A host that serves.").since("0.5.3"),
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
    kw("weight", one(Value::int(0, INT)), "Its share of new connections; 0: it gets none.")
        .default("the virtual server's")
        .since("0.5.3"),
    kw("lvs_method", METHOD, "How packets reach it.").default("the virtual server's").since("1.3.6"),
    kw(
        "uthreshold",
        one(Value::int(0, UINT)),
        "It gets no new connection while it has more than so many; 0: no limit.",
    )
    .default("0")
    .since("1.1.13"),
    kw(
        "lthreshold",
        one(Value::int(0, UINT)),
        "An overloaded server gets connections again when it has fewer than so many.",
    )
    .default("0 (three quarters of uthreshold)")
    .since("1.1.13"),
    kw("inhibit_on_failure", SWITCH, "Keeps it in the table with weight 0 when it fails.")
        .default("the virtual server's")
        .since("0.6.8"),
    later("notify_up", SCRIPT, "A command to run when it works again.").since("1.0.0"),
    later("notify_down", SCRIPT, "A command to run when it fails.").since("1.0.0"),
    kw("alpha", SWITCH, "Takes it as down until its checks have succeeded.")
        .default("the virtual server's")
        .since("1.3.7"),
    kw("retry", one(Value::int(1, UINT)), "So many failed checks in a row are forgiven.")
        .default("the virtual server's")
        .since("1.3.7"),
    kw("delay_before_retry", one(LONG_TIMER_OR_ZERO), "Seconds from a forgiven failure to the next check.")
        .default("the virtual server's")
        .since("1.3.7"),
    kw("warmup", one(LONG_TIMER_OR_ZERO), "The first check comes at a random time within so many seconds.")
        .default("the virtual server's")
        .since("1.3.7"),
    kw("connect_timeout", one(TIMER), "Seconds that a check may take to connect.")
        .default("the virtual server's")
        .since("2.0.13"),
    kw("delay_loop", one(LONG_TIMER), "Seconds from one check to the next.")
        .default("the virtual server's")
        .since("1.3.7"),
    later("smtp_alert", SWITCH, "Mails changes of its state.")
        .default("smtp_alert_checker; true if unset")
        .since("2.0.0"),
    later(
        "virtualhost",
        Takes::One(Value::Text, Missing::Reported),
        "Name of the web server that HTTP_GET and SSL_GET ask for.",
    )
    .default("the virtual server's")
    .since("1.3.6"),
    later("snmp_name", wants(Value::Text), "Name in SNMP.").since("2.2.3"),
];
