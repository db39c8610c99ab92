//! Configurations made from the keyword table: every block and keyword of it, with values that mostly fit.
//!
//! **A seed always gives the same text.** Most files are right or nearly so, so that what a mutation breaks is what
//! decides; references (of groups to instances, of checks to files) mostly have something to refer to.

use std::collections::BTreeSet;

use config::keyword::{self, Block, Body, Keyword, Takes};
use fastrand::Rng;

use crate::samples::{self, Draw};

/// A file.
pub fn file(rng: &mut Rng) -> String {
    let mut writer = Writer {
        rng,
        text: String::new(),
        depth: 0,
        next_brace: false,
        used: 0,
        defined: BTreeSet::new(),
        port: String::new(),
    };
    writer.next_brace = writer.chance(10);
    writer.file();
    writer.text
}

struct Writer<'r> {
    rng: &'r mut Rng,
    text: String,
    depth: usize,
    /// Whether `{` stands on the next line.
    next_brace: bool,
    /// A number for what has to be unique.
    used: u32,
    /// Names of blocks that are there already.
    defined: BTreeSet<String>,
    /// The port of the virtual server around.
    port: String,
}

/// Blocks outside all others, in the order in which references need them, with how likely each is (in percent) and how
/// many there can be.
const PARTS: &[(&str, u32, usize)] = &[
    ("static_ipaddress", 10, 1),
    ("static_routes", 8, 1),
    ("static_rules", 8, 1),
    ("garp_group", 5, 1),
    ("linkbeat_interfaces", 4, 1),
    ("interface_up_down_delays", 4, 1),
    ("vrrp_script", 25, 2),
    ("vrrp_track_process", 10, 2),
    ("track_file", 12, 2),
    ("bfd_instance", 10, 2),
    ("vrrp_instance", 75, 3),
    ("vrrp_sync_group", 12, 1),
    ("track_group", 3, 1),
    ("SSL", 4, 1),
    ("virtual_server_group", 15, 2),
    ("virtual_server", 55, 3),
];

/// What a block cannot do without.
fn needs(block: &str) -> &'static [&'static str] {
    match block {
        "vrrp_instance" => &["interface", "virtual_router_id", "virtual_ipaddress"],
        "vrrp_sync_group" | "track_group" => &["group"],
        "vrrp_script" => &["script"],
        "vrrp_track_process" => &["process"],
        "track_file" => &["file"],
        "bfd_instance" => &["neighbor_ip"],
        "garp_group" => &["garp_interval", "interface"],
        "authentication" => &["auth_type", "auth_pass"],
        "virtual_server" => &["protocol", "lb_algo", "lb_kind"],
        "HTTP_GET" | "SSL_GET" => &["url"],
        "url" => &["path"],
        "MISC_CHECK" => &["misc_path"],
        "FILE_CHECK" => &["track_file"],
        "BFD_CHECK" => &["name"],
        _ => &[],
    }
}

/// How many other keywords a block has at most.
fn extras(block: &str) -> usize {
    match block {
        "global_defs" | "vrrp_instance" | "virtual_server" => 6,
        "real_server" | "url" => 3,
        _ => 2,
    }
}

/// Keywords that decide the status whatever else the file says, and words that 2.2.7 understands otherwise than later
/// releases: what stands in them would hide all other differences.
const LEFT_OUT: &[(&str, &str)] = &[
    ("", "net_namespace"),
    ("", "net_namespace_ipvs"),
    ("global_defs", "include_check"),
    ("url", "regex_options"),
    ("url", "regex_min_offset"),
    ("url", "regex_max_offset"),
];

/// Keywords that are right only beside others, or that make others wrong: seldom written.
const SELDOM: &[&str] = &[
    "interfaces",
    "vmac_xmit_base",
    "use_vmac_addr",
    "unicast_src_ip",
    "unicast_ttl",
    "check_unicast_src",
    "old_unicast_checksum",
    "unicast_peer",
    "vrf",
    "lvs_sync_daemon_interface",
    "linkbeat_use_polling",
    "hashed",
    "flag-1",
    "flag-2",
    "flag-3",
    "sh-port",
    "sh-fallback",
    "mh-port",
    "mh-fallback",
    "ops",
    "ip_family",
    "persistence_granularity",
    "persistence_engine",
    "sorry_server_inhibit",
    "sorry_server_lvs_method",
    "quorum",
    "hysteresis",
    "vrrp_strict",
    "strict_mode",
    "authentication",
    "version",
    "vrrp_version",
    "native_ipv6",
    "no_accept",
    "accept",
    "mcast_dst_ip",
    "track_script",
    "track_file",
    "track_process",
    "track_bfd",
    "FILE_CHECK",
    "BFD_CHECK",
    "vrrp_iptables",
    "vrrp_ipsets",
    "lvs_sync_daemon",
    "nopreempt",
    "preempt_delay",
    "bind_port",
    "auth_pass",
    "regex_stack",
    "regex_no_match",
    "lthreshold",
    "digest",
    "default_interface",
    "dynamic_interfaces",
    "lvs_flush_onstop",
    "dont_track_primary",
];

/// What a keyword refers to, which has to be there.
fn refers(keyword: &str) -> Option<&'static [&'static str]> {
    Some(match keyword {
        "track_script" => &["s1", "s2"],
        "track_process" => &["p1", "p2"],
        "track_file" | "FILE_CHECK" => &["f1", "f2"],
        "track_bfd" | "BFD_CHECK" => &["b1", "b2"],
        _ => return None,
    })
}

/// Whether Debian's keepalived knows a keyword.
fn is_known(block: &Block, entry: &Keyword) -> bool {
    let release: Vec<u32> = entry.since.split('.').filter_map(|part| part.parse().ok()).collect();
    !block.is_ours()
        && entry.since != keyword::OURS
        && release <= vec![2, 2, 7]
        && !LEFT_OUT.contains(&(block.name, entry.name))
}

impl Writer<'_> {
    fn draw(&mut self) -> Draw<'_> {
        Draw { rng: &mut *self.rng, used: self.used, defined: &self.defined, port: &self.port }
    }

    fn chance(&mut self, percent: u32) -> bool {
        self.rng.u32(0..100) < percent
    }

    fn line(&mut self, line: &str) {
        self.text.push_str(&"  ".repeat(self.depth));
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn file(&mut self) {
        if self.chance(5) {
            let plain: Vec<_> = keyword::ROOT
                .keywords()
                .filter(|keyword| keyword.block().is_none() && is_known(&keyword::ROOT, keyword))
                .collect();
            if let Some(keyword) = self.pick(&plain) {
                self.keyword(&keyword::ROOT, keyword);
            }
        }
        if self.chance(85) {
            self.named("global_defs");
        }
        for (name, likely, most) in PARTS {
            if self.chance(*likely) {
                for _ in 0..self.rng.usize(1..=*most) {
                    self.named(name);
                }
            }
        }
    }

    fn pick<T: Copy>(&mut self, list: &[T]) -> Option<T> {
        self.rng.choice(list.iter().copied())
    }

    /// A block of the root.
    fn named(&mut self, name: &str) {
        if let Some(found) = keyword::ROOT.find(name) {
            self.keyword(&keyword::ROOT, found.keyword);
        }
    }

    fn keyword(&mut self, block: &Block, keyword: &Keyword) {
        self.used += 1;
        if let Takes::Block(inner) = keyword.takes {
            let header = samples::header(inner, self.draw());
            if std::ptr::eq(block, &raw const keyword::ROOT) {
                self.defined.insert(header.clone());
            }
            if inner.name == "virtual_server" {
                let port = header.split_once(' ').filter(|(address, _)| address.contains(['.', ':']));
                self.port = port.map_or_else(String::new, |(_, port)| port.to_owned());
                if header.starts_with("group") {
                    "80".clone_into(&mut self.port);
                }
            }
            return self.block(keyword.name, &header, inner);
        }
        let value = samples::value(block, keyword, self.draw());
        let line = format!("{} {value}", keyword.name);
        self.line(line.trim_end());
    }

    fn block(&mut self, keyword: &str, header: &str, block: &'static Block) {
        let line = format!("{keyword} {header}");
        if self.next_brace {
            self.line(line.trim_end());
            self.line("{");
        } else {
            self.line(&format!("{} {{", line.trim_end()));
        }
        self.depth += 1;
        match block.body {
            Body::Keywords(..) => self.keywords(block),
            Body::Lines(_) | Body::Words(_) => {
                let once = block.name.contains("track_") || block.name == "garp_group/interfaces";
                let most = if once { 1 } else { 3 };
                for _ in 0..self.rng.usize(1..=most) {
                    self.used += 1;
                    let line = samples::line(block.name, self.draw());
                    self.line(&line);
                }
            }
        }
        self.depth -= 1;
        self.line("}");
    }

    fn is_wanted(&mut self, keyword: &Keyword) -> bool {
        match refers(keyword.name) {
            Some(names) if names.iter().any(|name| self.defined.contains(*name)) => true,
            _ if SELDOM.contains(&keyword.name) => self.chance(8),
            _ => true,
        }
    }

    fn keywords(&mut self, block: &'static Block) {
        if block.name == "global_defs" && self.chance(90) {
            // Else every script is a breach of security, which outranks what else is wrong.
            self.line("enable_script_security");
            self.line("script_user root");
        }
        let known: Vec<_> = block.keywords().filter(|keyword| is_known(block, keyword)).collect();
        for name in needs(block.name) {
            let pointless = *name == "protocol" && self.port.is_empty();
            if let Some(found) = block.find(name).filter(|_| !pointless && !self.chance(2)) {
                self.keyword(block, found.keyword);
            }
        }
        for _ in 0..self.rng.usize(0..=extras(block.name)) {
            if let Some(keyword) = self.pick(&known)
                && (!needs(block.name).contains(&keyword.name) || self.chance(5))
                && keyword.name != "real_server"
                && self.is_wanted(keyword)
            {
                self.keyword(block, keyword);
            }
        }
        if block.name == "virtual_server"
            && let Some(found) = block.find("real_server")
        {
            let count = if self.chance(3) { 0 } else { self.rng.usize(1..=3) };
            for _ in 0..count {
                self.keyword(block, found.keyword);
            }
        }
    }
}
