//! What the tests share: a host, and for every keyword of the table lines that use it well and badly.

#![allow(dead_code, reason = "each test binary uses a part")]

pub mod interfaces;

use config::keyword::{self, Block, Body, Header, Keyword, Missing, Takes, Value};
use config::{Loaded, MemoryFiles, MemoryHost, Options, load};

/// Two interfaces, the user root, no scripts.
pub fn host() -> MemoryHost {
    let mut host = MemoryHost::with_interfaces(["eth0", "eth1"]);
    host.processors = 2;
    host
}

pub fn options() -> Options {
    Options { config_id: "node".into(), working_directory: "/etc/keepalived".into(), ..Options::default() }
}

/// Reads one file on [`host`].
pub fn read(text: &str) -> Loaded {
    load("keepalived.conf", &MemoryFiles::one("keepalived.conf", text), &host(), &options())
}

/// Reads one file on a host that has the script `/s/ok` as well.
pub fn read_with_script(text: &str) -> Loaded {
    load(
        "keepalived.conf",
        &MemoryFiles::one("keepalived.conf", text),
        &host().with_script("/s/ok"),
        &options(),
    )
}

/// How a line uses its keyword.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Use {
    /// As it should.
    Good,
    /// Without the word that it needs.
    Missing,
    /// With a value of the wrong kind, or out of range.
    Bad,
}

/// A file in which one line uses a keyword.
pub struct Case {
    pub block: &'static Block,
    pub keyword: &'static Keyword,
    pub usage: Use,
    /// Unique.
    pub name: String,
    pub text: String,
    /// The line of the keyword, from 1.
    pub line: usize,
    /// The word that is wrong, if one is.
    pub bad: Option<String>,
}

/// An instance `A` without its closing brace.
const INSTANCE: &str =
    "vrrp_instance A {\ninterface eth0\nvirtual_router_id 3\nvirtual_ipaddress {\n10.0.0.1\n}\n";
const OTHER: &str =
    "vrrp_instance B {\ninterface eth0\nvirtual_router_id 4\nvirtual_ipaddress {\n10.0.0.2\n}\n}\n";
const SERVER: &str = "virtual_server 10.0.0.1 80 {\nprotocol TCP\nlvs_sched rr\nlvs_method NAT\n";
const REAL: &str = "real_server 10.0.0.2 80 {\nweight 1\n";

/// What stands before and after a line of a block, so that the file is right without it.
pub fn around(block: &str, keyword: &str) -> (String, String) {
    // What a block cannot do without, unless it is the keyword itself: many may stand only once.
    let own = |name: &str, line: &str| if keyword == name { String::new() } else { format!("{line}\n") };
    let checker =
        |name: &str, inner: &str| (format!("{SERVER}{REAL}{name} {{\n{inner}"), "}\n}\n}\n".to_owned());
    let instance = format!("{INSTANCE}}}\n");
    match block {
        "" => (String::new(), instance),
        "global_defs" => ("global_defs {\n".to_owned(), format!("}}\n{instance}")),
        "track_group" => ("track_group T {\n".to_owned(), format!("}}\n{instance}")),
        "garp_group" => ("garp_group {\ngarp_interval 0.5\n".to_owned(), format!("}}\n{instance}")),
        "vrrp_sync_group" => {
            ("vrrp_sync_group S {\ngroup {\nA\nB\n}\n".to_owned(), format!("}}\n{instance}{OTHER}"))
        }
        "vrrp_script" => (
            format!("vrrp_script s {{\n{}", own("script", "script \"</etc/passwd\"")),
            format!("}}\n{instance}"),
        ),
        "vrrp_track_process" => {
            (format!("vrrp_track_process p {{\n{}", own("process", "process x")), format!("}}\n{instance}"))
        }
        "track_file" => {
            (format!("track_file f {{\n{}", own("file", "file /run/f")), format!("}}\n{instance}"))
        }
        "bfd_instance" => (
            format!("bfd_instance b {{\n{}", own("neighbor_ip", "neighbor_ip 192.0.2.9")),
            format!("}}\n{instance}"),
        ),
        "SSL" => ("SSL {\n".to_owned(), format!("}}\n{SERVER}{REAL}}}\n}}\n")),
        "vrrp_instance" if keyword == "vrf" => (INSTANCE.replace("interface eth0\n", ""), "}\n".to_owned()),
        "vrrp_instance" => (INSTANCE.to_owned(), "}\n".to_owned()),
        "authentication" => (format!("{INSTANCE}{block} {{\n"), "}\n}\n".to_owned()),
        "auth_hmac" => {
            let key = own("key", "key 1 0123456789abcdef0123456789abcdef");
            (format!("{INSTANCE}{block} {{\n{key}{}", own("active_key", "active_key 1")), "}\n}\n".to_owned())
        }
        "virtual_server" if matches!(keyword, "quorum" | "hysteresis") => {
            (format!("{SERVER}quorum 5\n"), format!("{REAL}weight 9\n}}\n}}\n"))
        }
        "virtual_server" => (SERVER.to_owned(), format!("{REAL}}}\n}}\n")),
        "real_server" => (format!("{SERVER}{REAL}"), "}\n}\n".to_owned()),
        "HTTP_GET" | "SSL_GET" => checker(block, "url {\npath /\n}\n"),
        "url" => (format!("{SERVER}{REAL}HTTP_GET {{\nurl {{\npath /\n"), "}\n}\n}\n}\n".to_owned()),
        "host" => (format!("{SERVER}{REAL}SMTP_CHECK {{\nhost {{\n"), "}\n}\n}\n}\n".to_owned()),
        "MISC_CHECK" => checker(block, &own("misc_path", "misc_path /none")),
        "FILE_CHECK" => {
            let file = "track_file f {\nfile /run/f\n}\n";
            (
                format!("{file}{SERVER}{REAL}FILE_CHECK {{\n{}", own("track_file", "track_file f")),
                "}\n}\n}\n".to_owned(),
            )
        }
        "BFD_CHECK" => {
            let session = "bfd_instance b {\nneighbor_ip 192.0.2.9\n}\n";
            (
                format!("{session}{SERVER}{REAL}BFD_CHECK {{\n{}", own("name", "name b")),
                "}\n}\n}\n".to_owned(),
            )
        }
        other => checker(other, ""),
    }
}

/// Something that has to stand before the line for it to be right.
pub fn before(block: &str, keyword: &str) -> &'static str {
    match (block, keyword) {
        ("virtual_server", "sh-port" | "sh-fallback") => "lvs_sched sh\n",
        ("virtual_server", "mh-port" | "mh-fallback") => "lvs_sched mh\n",
        ("virtual_server", "ops") => "protocol UDP\n",
        ("virtual_server", "sorry_server_inhibit" | "sorry_server_lvs_method") => {
            "sorry_server 10.0.0.9 80\n"
        }
        ("virtual_server", "persistence_granularity" | "persistence_engine") => "persistence_timeout 50\n",
        ("GRPC_CHECK", keyword) if keyword.starts_with("tls_") => "tls\n",
        (
            "url",
            "regex_no_match" | "regex_options" | "regex_min_offset" | "regex_max_offset" | "regex_stack",
        ) => "regex x\n",
        ("vrrp_instance", "vmac_xmit_base") => "use_vmac\n",
        (
            "vrrp_instance",
            "unicast_src_ip" | "check_unicast_src" | "old_unicast_checksum" | "unicast_ttl",
        ) => "unicast_peer {\n192.0.2.9\n}\n",
        ("authentication", "auth_type") => "auth_pass x\n",
        ("authentication", "auth_pass") => "auth_type PASS\n",
        _ => "",
    }
}

/// Values that no kind of value says by itself: a good line, and a bad one.
fn special(block: &str, keyword: &str) -> Option<(&'static str, Option<&'static str>)> {
    Some(match (block, keyword) {
        (_, "smtp_server") => ("127.0.0.1 25", Some("127.0.0.1 70000")),
        (_, "script_user" | "user") => ("root", Some("nobody-here")),
        (_, "lvs_timeouts") => ("tcp 900 udp 300", Some("tcp -1")),
        (_, "lvs_sync_daemon") => ("eth0 inst A id 5", Some("eth0 inst A id 300")),
        (_, "notify_fifo" | "vrrp_notify_fifo" | "lvs_notify_fifo") => ("/run/f", None),
        (_, "vrrp_garp_extra_if" | "garp_extra_if") => ("all 5", Some("all x")),
        (_, "include_check") => ("read match", Some("reed")),
        (_, "umask") => ("077", Some("rw")),
        (_, "vrrp_rx_bufs_policy") => ("MTU", Some("large")),
        (_, "vrrp_mcast_group4" | "mcast_dst_ip") => ("224.0.0.99", Some("192.0.2.1")),
        (_, "vrrp_mcast_group6") => ("ff02::99", Some("ff02")),
        (_, "vrrp_cpu_affinity" | "checker_cpu_affinity" | "bfd_cpu_affinity") => ("0 1", Some("9999")),
        (_, "state") => ("BACKUP", Some("SLAVE")),
        (_, "auth_type") => ("PASS", Some("pass")),
        (_, "auth_pass") => ("secret", Some("secretsecret")),
        ("auth_hmac", "active_key") => ("1", Some("0")),
        ("auth_hmac", "anti_replay") => ("monotonic", Some("nonsense")),
        ("auth_hmac", "mode") => ("permissive", Some("nonsense")),
        ("auth_hmac", "key") => ("1 0123456789abcdef0123456789abcdef", None),
        ("vrrp_script" | "bfd_instance", "weight") => ("-20", Some("x")),
        ("vrrp_track_process" | "track_file" | "FILE_CHECK", "weight") => ("20 reverse", Some("x")),
        (_, "init_file") => ("5 overwrite", Some("x")),
        (_, "process") => ("bash -x", None),
        (_, "use_vmac") => ("vmac1", Some("a-name-that-is-too-long")),
        (_, "notify_deleted") => ("\"/none a b\"", None),
        (_, "use_ipvlan") => ("192.0.2.50", None),
        (_, "lb_kind" | "lvs_method" | "sorry_server_lvs_method") => ("DR", Some("nat")),
        (_, "persistence_granularity") => ("255.255.255.0", Some("/24")),
        (_, "sorry_server") => ("10.0.0.9 80", Some("nowhere")),
        (_, "ip_family") => ("inet", Some("inet4")),
        (_, "bindto" | "connect_ip") => ("10.0.0.5", Some("nowhere")),
        (_, "digest") => ("0123456789abcdef0123456789abcdef", Some("0123")),
        (_, "status_code") => ("200 300-399", Some("ok")),
        (_, "regex_stack") => ("1 2", None),
        (_, "http_protocol") => ("1.1", Some("9")),
        (_, "payload" | "require_reply") => ("0011", Some("zz")),
        ("FILE_CHECK", "track_file") => ("f", Some("g")),
        ("BFD_CHECK", "name") => ("b", Some("c")),
        (_, "lb_algo") => ("wrr", Some("RR")),
        (_, "protocol") => ("SCTP", Some("ICMP")),
        (_, "vrrp_iptables" | "vrrp_ipsets" | "net_namespace" | "regex") => ("x", None),
        (_, "neighbor_ip" | "source_ip" | "mcast_src_ip" | "unicast_src_ip") => {
            ("192.0.2.7", Some("nowhere"))
        }
        _ => return None,
    })
}

/// A word of this kind, and one that is not.
fn values(value: Value, default: &str) -> (String, Option<String>) {
    match value {
        Value::Text => ("x".into(), None),
        Value::Short(most) => ("x".into(), Some("x".repeat(most + 1))),
        Value::Bool => ("on".into(), Some("perhaps".into())),
        Value::Integer { least, most, .. } => {
            // Something else than the default, so that it can be seen in the model.
            let good = [least + 3, least + 1, least, most]
                .into_iter()
                .find(|value| *value <= most && value.to_string() != default);
            (good.unwrap_or(least).to_string(), Some((least - 1).to_string()))
        }
        Value::Time { least, unit, .. } => ((least / unit + 2).to_string(), Some("soon".into())),
        Value::Address => ("192.0.2.7".into(), Some("nowhere".into())),
        Value::Choice { words, .. } => (words[0].into(), Some("nonsense".into())),
        Value::Interface => ("eth1".into(), Some("a-name-that-is-too-long".into())),
    }
}

/// The words after a keyword that opens a block, and the block.
fn opened(block: &Block) -> Option<(String, String)> {
    let header = match block.name {
        "virtual_server" | "real_server" => "10.0.0.7 80",
        _ => match block.header {
            Header::Nothing | Header::NothingElse => "",
            Header::Name(_) | Header::OnlyName(_) | Header::Words { .. } => "N",
        },
    };
    let inside = match (block.name, &block.body) {
        ("virtual_server", _) => "protocol TCP\nlvs_sched rr\nlvs_method NAT\nreal_server 10.0.0.3 80 {\n}\n",
        ("vrrp_instance", _) => "interface eth1\nvirtual_router_id 9\nvirtual_ipaddress {\n10.0.0.9\n}\n",
        ("vrrp_script", _) => "script \"</etc/passwd\"\n",
        ("vrrp_track_process", _) => "process x\n",
        ("track_file", _) => "file /run/f\n",
        ("bfd_instance", _) => "neighbor_ip 192.0.2.9\n",
        ("garp_group", _) => "garp_interval 0.5\ninterface eth1\n",
        ("HTTP_GET" | "SSL_GET", _) => "url {\npath /\n}\n",
        ("url", _) => "path /\n",
        ("virtual_server_group", _) => "10.0.0.8 80\n",
        ("MISC_CHECK", _) => "misc_path /none\n",
        // Groups and checks whose members have to exist elsewhere have cases of their own.
        ("vrrp_sync_group" | "FILE_CHECK" | "BFD_CHECK", _) => return None,
        ("track_script" | "vrrp_instance/track_file" | "track_process" | "track_bfd", _) => "",
        ("static_ipaddress" | "virtual_ipaddress_excluded", _) => "10.0.0.8 dev eth1\n",
        ("virtual_ipaddress", _) => "10.0.0.8\n",
        ("static_routes" | "virtual_routes", _) => "10.9.0.0/16 dev eth1\n",
        ("static_rules" | "virtual_rules", _) => "from 10.9.0.0/16 table 5 preference 5\n",
        ("unicast_peer", _) => "192.0.2.9\n",
        ("authentication", _) => "auth_type PASS\nauth_pass x\n",
        ("auth_hmac", _) => "key 1 0123456789abcdef0123456789abcdef\nactive_key 1\n",
        (_, Body::Words("names of VRRP instances")) => "A\n",
        (_, Body::Words("mail addresses")) => "a@example.org\n",
        ("track_interface" | "garp_group/interfaces" | "linkbeat_interfaces", _) => "eth1\n",
        ("interface_up_down_delays", _) => "eth1 2 3\n",
        _ => "",
    };
    Some((header.to_owned(), inside.to_owned()))
}

/// Every keyword in its block: once as it should be and, where that is possible, once without what it needs and once
/// with a bad value.
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for block in keyword::blocks() {
        for keyword in block.keywords() {
            keyword_cases(block, keyword, &mut cases);
        }
    }
    cases
}

fn keyword_cases(block: &'static Block, keyword: &'static Keyword, cases: &mut Vec<Case>) {
    let mut add = |usage: Use, words: &str, inside: Option<&str>, bad: Option<String>| {
        let (prefix, suffix) = around(block.name, keyword.name);
        let before = before(block.name, keyword.name);
        let line = prefix.lines().count() + before.lines().count() + 1;
        let line_text = format!("{} {words}", keyword.name);
        let body = inside.map_or(String::new(), |inside| format!(" {{\n{inside}}}"));
        cases.push(Case {
            block,
            keyword,
            usage,
            name: format!("{}/{} {usage:?}", block.name, keyword.name),
            text: format!("{prefix}{before}{}{body}\n{suffix}", line_text.trim_end()),
            line,
            bad,
        });
    };
    if let Takes::Block(inner) = keyword.takes {
        let Some((header, inside)) = opened(inner) else { return };
        add(Use::Good, &header, Some(&inside), None);
        if matches!(inner.header, Header::Name(_) | Header::OnlyName(_) | Header::Words { .. }) {
            add(Use::Missing, "", Some(&inside), None);
        }
        return;
    }
    let last = |words: &str| words.split(' ').next_back().map(str::to_owned);
    let special = special(block.name, keyword.name);
    let (good, bad) = match (special, keyword.takes) {
        (Some((good, bad)), _) => (good.to_owned(), bad.map(str::to_owned)),
        (None, Takes::Flag) => (String::new(), None),
        (None, Takes::One(value, _) | Takes::Maybe(value) | Takes::Many(value, _)) => {
            values(value, keyword.default)
        }
        (None, Takes::Script(_)) => ("\"/none a b\"".to_owned(), None),
        (None, Takes::Words { .. } | Takes::Block(_)) => {
            panic!("no sample for `{}` in `{}`", keyword.name, block.name)
        }
    };
    add(Use::Good, &good, None, None);
    if let Some(bad) = bad {
        add(Use::Bad, &bad, None, last(&bad));
    }
    if needs_words(keyword.takes) {
        add(Use::Missing, "", None, None);
    }
}

fn needs_words(takes: Takes) -> bool {
    matches!(
        takes,
        Takes::One(..)
            | Takes::Many(..)
            | Takes::Script(Missing::Fatal | Missing::Reported)
            | Takes::Words { least: 1.., .. }
    )
}
