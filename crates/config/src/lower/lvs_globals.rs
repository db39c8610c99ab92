//! `global_defs`, as far as it is about virtual servers and their checks, and `SSL`.
//!
//! **Of two lines with the same keyword the later counts, but for `lvs_sync_daemon` and `nftables_ipvs`**, of which
//! keepalived takes the first and reports the others.

use std::net::IpAddr;

use checker::TlsSpec;
use ipvs::SyncDaemonSpec;

use super::Lowering;
use crate::diagnostic::{Code, Diagnostic};
use crate::keyword::parse_integer;
use crate::lex::Word;
use crate::model::FlushOnStop;
use crate::resolve::Entry;

const TIMEOUTS: &[&str] = &["tcp", "tcpfin", "udp"];
const SYNC_OPTIONS: &[&str] = &["inst", "id", "maxlen", "port", "ttl", "group"];

impl Lowering<'_> {
    pub(super) fn lvs_globals(&mut self, entries: &[Entry<'_>]) {
        let blocks = entries.iter().filter(|entry| entry.name() == "global_defs");
        for entry in blocks.flat_map(Entry::entries) {
            let lvs = &mut self.model.lvs;
            match entry.name() {
                "lvs_timeouts" => self.lvs_timeouts(entry),
                "lvs_sync_daemon" => self.sync_daemon(entry, entries),
                "lvs_flush" => lvs.flush = true,
                "lvs_flush_on_stop" => {
                    let ours = entry.choice().is_some();
                    lvs.flush_on_stop = if ours { FlushOnStop::Services } else { FlushOnStop::Everything };
                }
                "nftables_ipvs" if lvs.nftables.enabled => self.second(entry),
                "nftables_ipvs" => {
                    lvs.nftables.enabled = true;
                    if let Some(table) = entry.choice() {
                        table.clone_into(&mut lvs.nftables.table);
                    }
                }
                "nftables_ipvs_priority" => {
                    lvs.nftables.priority = entry.integer().unwrap_or(lvs.nftables.priority);
                }
                "nftables_ipvs_start_fwmark" => {
                    lvs.nftables.first_mark = entry.integer().unwrap_or(lvs.nftables.first_mark);
                }
                "rs_init_notifies" => lvs.init_notifies = entry.switch(),
                "checker_log_all_failures" => lvs.log_all_failures = entry.switch(),
                _ => {}
            }
        }
    }

    /// Of these keywords keepalived takes the first, and reports another.
    pub(super) fn second(&mut self, entry: &Entry<'_>) {
        let message = format!("a second `{}`", entry.name());
        let diagnostic = Diagnostic::warning(Code::Duplicate, entry.span(), message);
        self.report(diagnostic.label("ignored: the first one counts").first(entry.first));
    }

    fn lvs_timeouts(&mut self, entry: &Entry<'_>) {
        let mut any = false;
        let mut words = entry.args().iter();
        while let Some(word) = words.next() {
            if !TIMEOUTS.contains(&word.text.as_str()) {
                self.unknown_option(word, "lvs_timeouts", TIMEOUTS);
                any = true;
                continue;
            }
            let Some(value) = words.next() else {
                if any {
                    self.missing_option_value(word);
                }
                break;
            };
            any = true;
            let secs = self.bounded(value, &word.text, 0, 2_678_400);
            let Some(secs) = secs.and_then(|secs| u32::try_from(secs).ok()) else { continue };
            let timeouts = &mut self.model.lvs.timeouts;
            match word.text.as_str() {
                "tcp" => timeouts.tcp = secs,
                "tcpfin" => timeouts.tcp_fin = secs,
                _ => timeouts.udp = secs,
            }
        }
        if !any {
            let diagnostic =
                Diagnostic::warning(Code::MissingParameter, entry.word.span, "`lvs_timeouts` needs a time")
                    .label("ignored")
                    .hint("write for example `lvs_timeouts tcp 900`");
            self.report(diagnostic);
        }
    }

    fn sync_daemon(&mut self, entry: &Entry<'_>, entries: &[Entry<'_>]) {
        if self.model.lvs.sync_daemon.is_some() {
            return self.second(entry);
        }
        let mut daemon = SyncDaemonSpec::on(entry.text());
        let mut id = None;
        let mut words = entry.args().iter().skip(1).peekable();
        // The older form: the instance, then its number.
        if let Some(word) = words.next_if(|word| !SYNC_OPTIONS.contains(&word.text.as_str())) {
            daemon.instance = Some(word.text.to_string());
            if let Some(word) = words.next_if(|word| !SYNC_OPTIONS.contains(&word.text.as_str())) {
                let diagnostic =
                    Diagnostic::warning(Code::Deprecated, word.span, "the number of the instance by itself")
                        .label("taken as `id`")
                        .hint(format!("write `id {}`", word.text));
                self.report(diagnostic);
                id = parse_integer(&word.text).and_then(|id| u8::try_from(id).ok());
            }
        }
        while let Some(word) = words.next() {
            let option = word.text.as_str();
            if !SYNC_OPTIONS.contains(&option) {
                self.unknown_option(word, "lvs_sync_daemon", SYNC_OPTIONS);
                continue;
            }
            let Some(value) = words.next() else {
                self.missing_option_value(word);
                break;
            };
            match option {
                "inst" => daemon.instance = Some(value.text.to_string()),
                "id" => id = self.small(value, option, 0, 255).or(id),
                "maxlen" => daemon.max_len = self.small(value, option, 1, 65507).or(daemon.max_len),
                "port" => daemon.port = self.port(value).unwrap_or(daemon.port),
                "ttl" => daemon.ttl = self.small(value, option, 1, 255).unwrap_or(daemon.ttl),
                _ => daemon.group = self.multicast_group(value).unwrap_or(daemon.group),
            }
        }
        let router = || daemon.instance.as_deref().and_then(|name| virtual_router_id(entries, name));
        daemon.id = id.or_else(router).unwrap_or(0);
        self.model.lvs.sync_daemon = Some(daemon);
    }

    fn small<N: TryFrom<i64>>(&mut self, word: &Word, what: &str, least: i64, most: i64) -> Option<N> {
        self.bounded(word, what, least, most).and_then(|number| N::try_from(number).ok())
    }

    fn multicast_group(&mut self, word: &Word) -> Option<IpAddr> {
        let group = word.text.parse().ok().filter(IpAddr::is_multicast);
        if group.is_none() {
            let message = format!("`group` takes a multicast address, not `{}`", word.text);
            self.report(Diagnostic::warning(Code::BadValue, word.span, message).label("ignored"));
        }
        group
    }

    /// `SSL`. keepalived takes the last of several blocks, and reports the others.
    pub(super) fn tls(&mut self, entry: &Entry<'_>) {
        let mut tls = TlsSpec::default();
        for entry in entry.entries() {
            let value = entry.choice().map(str::to_owned);
            match entry.name() {
                "password" => tls.password = value,
                "ca" => tls.ca = value,
                "certificate" => tls.certificate = value,
                "key" => tls.key = value,
                _ => {}
            }
        }
        if self.model.lvs.tls.replace(tls).is_some() {
            let diagnostic = Diagnostic::warning(Code::Duplicate, entry.word.span, "a second `SSL`");
            self.report(diagnostic.label("it replaces the first one").first(entry.first));
        }
    }
}

/// The number of an instance, wherever it is defined.
fn virtual_router_id(entries: &[Entry<'_>], name: &str) -> Option<u8> {
    let named = |entry: &&Entry<'_>| entry.name() == "vrrp_instance" && entry.text() == name;
    let lines = entries.iter().find(named)?.entries();
    lines.iter().rfind(|entry| entry.name() == "virtual_router_id")?.integer()
}
