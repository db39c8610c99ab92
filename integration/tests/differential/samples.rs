//! Words for every keyword and line: mostly right, of many forms, now and then wrong.

use std::collections::BTreeSet;

use config::keyword::{Block, Header, Keyword, Takes, Value};
use fastrand::Rng;

/// Where words are drawn from.
pub struct Draw<'r> {
    pub rng: &'r mut Rng,
    /// A number that is used once.
    pub used: u32,
    /// Names of blocks that are there already.
    pub defined: &'r BTreeSet<String>,
    /// The port of the virtual server around, for `@`.
    pub port: &'r str,
}

/// Names of blocks that others refer to.
const NAMES: &[&str] = &["A", "B", "C", "s1", "s2", "p1", "p2", "f1", "f2", "b1", "b2", "G1", "G2"];

impl Draw<'_> {
    /// One of some words. `#` in it is the number, `@` the port; a word that starts with `?` is wrong, and seldom drawn; a
    /// name that is not defined is seldom drawn.
    fn one_of(&mut self, words: &[&str]) -> String {
        let wrong = self.rng.u32(0..100) < 4;
        let refers =
            |word: &str| word.split(' ').all(|part| !NAMES.contains(&part) || self.defined.contains(part));
        let right: Vec<_> = words.iter().filter(|word| !word.starts_with('?') && refers(word)).collect();
        let word = if wrong || right.is_empty() { self.rng.choice(words) } else { self.rng.choice(right) };
        let word = word.copied().unwrap_or_default().trim_start_matches('?');
        let word = word.replace('#', &(self.used % 200 + 1).to_string());
        word.replace('@', self.port).trim_end().to_owned()
    }

    /// A name that is not taken yet, or seldom one that is.
    fn new_name(&mut self, words: &[&str]) -> String {
        let again = self.rng.u32(0..100) < 4;
        let free: Vec<_> = words.iter().filter(|word| !self.defined.contains(**word)).copied().collect();
        if again || free.is_empty() { self.one_of_any(words) } else { self.one_of_any(&free) }
    }

    fn one_of_any(&mut self, words: &[&str]) -> String {
        let word = self.rng.choice(words).copied().unwrap_or_default();
        word.replace('#', &(self.used % 200 + 1).to_string())
    }
}

/// What stands between the keyword of a block and its `{`.
pub fn header(block: &Block, mut draw: Draw<'_>) -> String {
    match block.name {
        "virtual_server" => draw.one_of(&[
            "10.0.0.# 80",
            "10.0.0.# 443",
            "10.0.0.# 53",
            "fwmark #",
            "group G1",
            "group G2",
            "?10.0.0.#",
            "?fd00::# 80",
            "?10.0.0.# 70000",
        ]),
        "real_server" => draw.one_of(&[
            "10.1.0.# @",
            "10.1.0.# @",
            "?10.1.0.# 8080",
            "?10.1.0.#",
            "?10.1.0.1 @",
            "?fd01::# @",
        ]),
        "virtual_server_group" => draw.new_name(&["G1", "G2"]),
        "vrrp_instance" => draw.new_name(&["A", "B", "C"]),
        "vrrp_script" => draw.new_name(&["s1", "s2"]),
        "vrrp_track_process" => draw.new_name(&["p1", "p2"]),
        "track_file" => draw.new_name(&["f1", "f2"]),
        "bfd_instance" => draw.new_name(&["b1", "b2"]),
        _ if matches!(block.header, Header::Nothing | Header::NothingElse) => String::new(),
        _ => draw.one_of(&["N#"]),
    }
}

/// A line of a block that has no keywords.
pub fn line(block: &str, mut draw: Draw<'_>) -> String {
    let words: &[&str] = match block {
        "virtual_ipaddress" => &[
            "192.0.2.#",
            "192.0.2.#/24",
            "192.0.2.#/24 dev eth0",
            "192.0.2.#/32 dev eth1 scope link",
            "192.0.2.#/24 brd 192.0.2.255 dev eth0 label eth0:#",
            "?192.0.2.# brd +",
            "?192.0.2.# dev nosuch0",
            "?192.0.2.# foo",
            "?2001:db8::#/64",
            "?192.0.2.300",
        ],
        "virtual_ipaddress_excluded" | "static_ipaddress" => &[
            "192.0.2.#/24 dev eth0",
            "192.0.2.#/24 dev eth1 scope global",
            "2001:db8::#/64 dev eth0",
            "2001:db8::#/64 dev eth1 home",
            "192.0.2.# peer 192.0.3.# dev eth0",
            "192.0.2.# dev eth0 no_track",
            "192.0.2.#",
        ],
        "static_routes" | "virtual_routes" => &[
            "10.9.#.0/24 via 192.0.2.9 dev eth0",
            "10.9.#.0/24 dev eth1",
            "src 192.0.2.1 to 10.9.#.0/24 dev eth0 metric 5",
            "default via 192.0.2.9 dev eth0 table #",
            "blackhole 10.9.#.0/24 no_track",
            "10.9.#.0/24 via 192.0.2.9 dev eth0 mtu 1400 scope global",
            "10.9.#.0/24 nexthop via 192.0.2.9 dev eth0 weight 2 nexthop via 192.0.2.8 dev eth1",
            "2001:db8:#::/48 via 2001:db8::9 dev eth0",
            "10.9.#.0/24 dev eth0 no_track",
            "?10.9.#.0/24 nonsense",
            "?10.9.#.0/24",
        ],
        "static_rules" | "virtual_rules" => &[
            "from 10.9.#.0/24 table 5 priority #",
            "to 10.9.#.0/24 lookup main preference #",
            "from 10.9.#.0/24 iif eth0 table 7 priority #",
            "?fwmark # table 9 priority #",
            "from 10.9.#.0/24 blackhole priority #",
            "from 2001:db8::/32 table 5 priority #",
            "?table 5",
        ],
        "track_group/group" | "vrrp_sync_group/group" => &["A", "B", "C", "?V1", "?nobody"],
        "track_interface" => {
            &["eth1", "eth1 weight 10", "eth1 weight -20", "?eth0", "?eth1 weight 300", "?nosuch0"]
        }
        "track_script" => &["s1", "s2", "s1 weight 10", "s1 weight 10 reverse", "?nosuch"],
        "vrrp_instance/track_file" => &["f1", "f2", "f1 weight 10", "f1 weight -5 reverse", "?nosuch"],
        "track_process" => &["p1", "p2", "p1 weight 10", "?nosuch"],
        "track_bfd" => &["b1", "b2", "b1 weight 10", "?nosuch"],
        "unicast_peer" => {
            &["192.0.2.#", "192.0.2.#", "?2001:db8::#", "192.0.2.# min_ttl 5 max_ttl 10", "?nowhere"]
        }
        "virtual_server_group" => &[
            "10.2.0.# 80",
            "10.2.0.#-250 80",
            "fwmark #",
            "10.2.#.0/24 80",
            "?fd02::# 80",
            "?10.2.0.#",
            "?10.2.0.# x",
        ],
        "linkbeat_interfaces" => &["eth0", "eth1 MII", "eth1 ETHTOOL", "?eth1 nonsense", "?nosuch0"],
        "interface_up_down_delays" => &["eth0 2 3", "eth1 2", "eth1 0.5 1.5", "eth1"],
        "garp_group/interfaces" => &["eth0", "eth1", "?nosuch0"],
        "notification_email" => &["a@example.org", "b@example.org c@example.org"],
        _ => &["x"],
    };
    draw.one_of(words)
}

/// The words after a keyword.
pub fn value(block: &Block, keyword: &Keyword, mut draw: Draw<'_>) -> String {
    if let Some(words) = special(block.name, keyword.name) {
        return draw.one_of(words);
    }
    match keyword.takes {
        Takes::Flag | Takes::Block(_) => String::new(),
        Takes::Maybe(_) if draw.rng.u32(0..100) < 40 => String::new(),
        Takes::One(value, _) | Takes::Maybe(value) => of_kind(value, &mut draw),
        Takes::Many(value, _) => {
            let count = draw.rng.usize(1..=2);
            (0..count).map(|_| of_kind(value, &mut draw)).collect::<Vec<_>>().join(" ")
        }
        Takes::Script(_) => draw.one_of(&[
            "/usr/bin/true",
            "\"/usr/bin/test -e /\"",
            "/usr/bin/true root",
            "\"/usr/bin/true a\" root root",
            "?/none",
        ]),
        Takes::Words { .. } => draw.one_of(&["x", "1", "eth0"]),
    }
}

fn of_kind(value: Value, draw: &mut Draw<'_>) -> String {
    match value {
        Value::Text | Value::Short(_) => draw.one_of(&["x", "name#", "\"two words\"", "a-b.c"]),
        Value::Bool => draw.one_of(&["on", "off", "true", "false", "yes", "no", "?ON"]),
        Value::Integer { least, most, .. } => match draw.rng.u32(0..100) {
            0 => least.saturating_sub(1).to_string(),
            1 => most.saturating_add(1).to_string(),
            2 => least.to_string(),
            3 => most.to_string(),
            _ => draw.rng.i64(least..=most.min(least.saturating_add(200))).to_string(),
        },
        Value::Time { least, unit, .. } => match draw.rng.u32(0..60) {
            0 => "0".to_owned(),
            1 => (least / unit).to_string(),
            2..=15 => draw.one_of(&["0.5", "1.25", "2.000001", "0.1"]),
            _ => (least / unit + draw.rng.u64(1..60)).to_string(),
        },
        Value::Address => draw.one_of(&["192.0.2.#", "?192.0.2.1", "10.1.0.1", "?2001:db8::#"]),
        Value::Choice { words, .. } if !words.is_empty() => draw.one_of(words),
        Value::Choice { .. } => String::new(),
        Value::Interface => draw.one_of(&["eth0", "eth0", "eth1", "?nosuch0"]),
    }
}

/// Words that no kind of value says by itself.
fn special(block: &str, keyword: &str) -> Option<&'static [&'static str]> {
    Some(match (block, keyword) {
        ("global_defs", "vrrp_strict" | "vrrp_skip_check_adv_addr") => &[""],
        ("global_defs", "vrrp_version") | ("vrrp_instance", "version") => &["2", "3"],
        ("vrrp_instance", "virtual_router_id") => &["#"],
        ("vrrp_instance", "interface") => {
            &["eth0", "eth0", "eth0", "eth0", "eth1", "eth1", "eth1", "?nosuch0"]
        }
        ("garp_group", "interface") => &["eth0", "eth1"],
        ("vrrp_instance", "state") => &["?MASTER", "BACKUP", "BACKUP", "?FAULT"],
        ("vrrp_instance", "advert_int") => &["1", "2", "?0.5", "?0.05", "?300", "?1.005"],
        ("vrrp_script" | "bfd_instance" | "vrrp_track_process" | "track_file" | "FILE_CHECK", "weight") => {
            &["10", "-20", "0", "?20 reverse", "?300"]
        }
        (_, "auth_type") => &["PASS", "PASS", "?AH", "?NONE", "?pass"],
        (_, "auth_pass") => &["secret", "12345678", "\"a b\"", "?far-too-long"],
        (_, "smtp_server") => &["127.0.0.1", "127.0.0.1 25", "?192.0.2.9 70000"],
        (_, "script_user" | "user") => &["root", "root root", "?nobody", "?no-such-user"],
        (_, "lvs_timeouts") => &["tcp 900", "tcp 900 tcpfin 30 udp 300", "?tcp -1", "?udp"],
        (_, "lvs_sync_daemon") => {
            &["eth0", "?eth0 A", "eth0 inst A id 5", "?eth0 id 300", "?eth0 A id 3 maxlen 1400"]
        }
        (_, "notify_fifo" | "vrrp_notify_fifo" | "lvs_notify_fifo") => &["/run/fifo", "/run/fifo root"],
        (_, "vrrp_garp_extra_if" | "garp_extra_if") => &["5", "all 5", "?all x"],
        (_, "umask") => &["077", "?0x1f", "IRUSR|IWUSR", "?rw"],
        (_, "vrrp_rx_bufs_policy") => &["MTU", "ADVERT", "?NO_SEND_RX", "1000", "?large"],
        (_, "vrrp_mcast_group4" | "mcast_dst_ip") => &["224.0.0.99", "224.0.0.18", "?192.0.2.1"],
        (_, "vrrp_mcast_group6") => &["ff02::12", "ff02::99", "?fe80::1"],
        (_, "vrrp_cpu_affinity" | "checker_cpu_affinity" | "bfd_cpu_affinity") => &["0", "0 1", "?9999"],
        ("vrrp_instance", "use_vmac") => &["", "vmac#", "?a-name-that-is-too-long"],
        ("vrrp_instance", "use_ipvlan") => &["192.0.2.50", "bridge 192.0.2.50", "?", "?bridge"],
        ("vrrp_script", "script") => {
            &["/usr/bin/true", "\"/usr/bin/true\"", "\"/usr/bin/test -e /\"", "\"</etc/passwd\"", "?/none"]
        }
        // 2.2.7 takes whole seconds.
        ("vrrp_script", "interval" | "timeout") => &["1", "5", "?0", "?x"],
        (_, "script") => &["/usr/bin/true"],
        (_, "init_file") => &["5", "5 overwrite", "", "?x"],
        (_, "process") => &["bash", "bash -x", "\"/bin/sh\" -c"],
        (_, "file") => &["/run/f#", "\"/run/f\""],
        (_, "protocol") => &["TCP", "TCP", "TCP", "UDP", "SCTP", "tcp", "?ICMP"],
        (_, "lb_algo") => {
            &["rr", "wrr", "lc", "wlc", "sh", "mh", "dh", "lblc", "sed", "nq", "fo", "ovf", "?RR"]
        }
        (_, "lb_kind" | "lvs_method" | "sorry_server_lvs_method") => {
            &["NAT", "DR", "TUN", "TUN type gue port 6080", "TUN type gre csum", "?TUN type gue", "?nat"]
        }
        (_, "persistence_granularity") => &["255.255.255.0", "64", "255.255.255.255", "?/24"],
        (_, "persistence_engine") => &["sip"],
        (_, "sorry_server") => &["10.1.0.9 @", "?10.1.0.9", "?fd01::9 80", "?nowhere"],
        (_, "quorum") => &["1", "1", "1", "?2", "?0", "?100"],
        (_, "hysteresis") => &["0", "?1", "?5"],
        (_, "bindto" | "connect_ip") => &["10.1.0.5", "?fd01::5", "?nowhere"],
        (_, "digest") => &["0123456789abcdef0123456789abcdef", "?0123"],
        (_, "status_code") => &["200", "200 300-399", "?200-199", "ok"],
        (_, "path") => &["/", "/index.html", "\"/a b\""],
        (_, "regex") => &["\"ok\"", "ok", "\"o+k\""],
        (_, "regex_stack") => &["1 2"],
        (_, "payload" | "require_reply") => &["0011", "00 11", "?zz"],
        ("MISC_CHECK", "misc_path") => &["/usr/bin/true", "\"/usr/bin/test -e /\"", "?/none"],
        ("FILE_CHECK", "track_file") => &["f1", "f2", "?nosuch"],
        ("BFD_CHECK", "name") => &["b1", "b2", "?nosuch"],
        ("DNS_CHECK", "name") => &["example.org", "."],
        ("bfd_instance", "neighbor_ip" | "source_ip") => &["192.0.2.#", "?2001:db8::#"],
        (_, "mcast_src_ip" | "unicast_src_ip") => &["?192.0.2.1", "192.0.2.#"],
        (_, "config_save_dir" | "tmp_config_directory") => &["/tmp"],
        _ => return None,
    })
}
