//! `global_defs`.
//!
//! **Of two lines with the same keyword the later counts**, also across several blocks.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use super::Lowering;
use super::command::DefaultUser;
use crate::diagnostic::{Code, Diagnostic};
use crate::keyword::parse_integer;
use crate::model::Identity;
use crate::resolve::Entry;

/// What instances and servers take over unless they say otherwise.
#[derive(Debug)]
pub struct Defaults {
    pub version: vrrp::Version,
    pub multicast_v4: Ipv4Addr,
    pub multicast_v6: Ipv6Addr,
    pub garp_delay: Duration,
    pub garp_repeat: u32,
    pub garp_refresh: Duration,
    pub garp_refresh_repeat: u32,
    pub garp_lower_delay: Duration,
    pub garp_lower_repeat: u32,
    pub garp_interval: Duration,
    pub gna_interval: Duration,
    pub down_timer_adverts: u8,
    pub strict: bool,
    pub skip_check_adv_addr: bool,
    pub lower_prio_no_advert: bool,
    pub higher_prio_send_advert: bool,
    pub alert_vrrp: Option<bool>,
    pub alert_checker: Option<bool>,
    pub interface: String,
}

impl Default for Defaults {
    fn default() -> Self {
        let announce = vrrp::AnnounceSpec::default();
        Self {
            version: vrrp::Version::V2,
            multicast_v4: Ipv4Addr::new(224, 0, 0, 18),
            multicast_v6: Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x12),
            garp_delay: announce.delay,
            garp_repeat: announce.repeat,
            garp_refresh: announce.refresh,
            garp_refresh_repeat: announce.refresh_repeat,
            garp_lower_delay: announce.lower_priority_delay,
            garp_lower_repeat: announce.lower_priority_repeat,
            garp_interval: Duration::ZERO,
            gna_interval: Duration::ZERO,
            down_timer_adverts: 3,
            strict: false,
            skip_check_adv_addr: false,
            lower_prio_no_advert: false,
            higher_prio_send_advert: false,
            alert_vrrp: None,
            alert_checker: None,
            interface: "eth0".to_owned(),
        }
    }
}

/// Announcement settings that were written; the rest depends on each other.
#[derive(Default)]
struct Announce {
    minimal: bool,
    delay: Option<Duration>,
    repeat: Option<u32>,
    refresh: Option<Duration>,
    refresh_repeat: Option<u32>,
    lower_delay: Option<Duration>,
    lower_repeat: Option<u32>,
}

impl Lowering<'_> {
    pub(super) fn globals<'e, 't: 'e>(&mut self, entries: impl Iterator<Item = &'e Entry<'t>>) {
        let mut announce = Announce::default();
        let mut alert = None;
        for entry in entries {
            match entry.name() {
                "smtp_alert" => alert = Some(entry.switch()),
                "vrrp_min_garp" => announce.minimal = entry.switch(),
                "vrrp_garp_master_delay" => announce.delay = entry.seconds(),
                "vrrp_garp_master_repeat" => announce.repeat = entry.integer(),
                "vrrp_garp_master_refresh" => announce.refresh = entry.seconds(),
                "vrrp_garp_master_refresh_repeat" => announce.refresh_repeat = entry.integer(),
                "vrrp_garp_lower_prio_delay" => announce.lower_delay = entry.seconds(),
                "vrrp_garp_lower_prio_repeat" => announce.lower_repeat = entry.integer(),
                _ => self.global(entry),
            }
        }
        self.announce(&announce);
        self.defaults.alert_vrrp = self.defaults.alert_vrrp.or(alert);
        self.defaults.alert_checker = self.defaults.alert_checker.or(alert);
    }

    fn announce(&mut self, set: &Announce) {
        let minimal = |value: u64, least: u64| if set.minimal { least } else { value };
        let count = |value: u32, least: u32| if set.minimal { least } else { value };
        let defaults = &mut self.defaults;
        defaults.garp_delay = set.delay.unwrap_or(Duration::from_secs(minimal(5, 0)));
        defaults.garp_repeat = set.repeat.unwrap_or(count(5, 1));
        defaults.garp_refresh = set.refresh.unwrap_or(Duration::ZERO);
        defaults.garp_refresh_repeat = set.refresh_repeat.unwrap_or(count(1, 0));
        defaults.garp_lower_delay = set.lower_delay.unwrap_or(defaults.garp_delay);
        defaults.garp_lower_repeat = set.lower_repeat.unwrap_or(defaults.garp_repeat);
    }

    fn global(&mut self, entry: &Entry<'_>) {
        let text = || entry.choice().map(str::to_owned);
        let defaults = &mut self.defaults;
        let globals = &mut self.model.globals;
        match entry.name() {
            "router_id" => globals.router_id = text(),
            "notification_email_from" => globals.mail.from = text(),
            "smtp_helo_name" => globals.mail.helo = text(),
            "smtp_connect_timeout" => globals.mail.timeout = entry.seconds().unwrap_or(globals.mail.timeout),
            "no_email_faults" => globals.mail.no_faults = true,
            "no_checker_emails" => globals.mail.no_checkers = entry.switch(),
            "smtp_alert_vrrp" => defaults.alert_vrrp = Some(entry.switch()),
            "smtp_alert_checker" => defaults.alert_checker = Some(entry.switch()),
            "enable_script_security" => globals.script_security = true,
            "dynamic_interfaces" => globals.dynamic_interfaces = true,
            "vrrp_strict" => defaults.strict = entry.switch(),
            "vrrp_skip_check_adv_addr" => defaults.skip_check_adv_addr = entry.switch(),
            "vrrp_lower_prio_no_advert" => defaults.lower_prio_no_advert = entry.switch(),
            "vrrp_higher_prio_send_advert" => defaults.higher_prio_send_advert = entry.switch(),
            "vrrp_garp_interval" => defaults.garp_interval = entry.time().unwrap_or_default(),
            "vrrp_gna_interval" => defaults.gna_interval = entry.time().unwrap_or_default(),
            "vrrp_down_timer_adverts" => defaults.down_timer_adverts = entry.integer().unwrap_or(3),
            "vrrp_version" => defaults.version = version(entry),
            "default_interface" => entry.text().clone_into(&mut defaults.interface),
            "vrrp_mcast_group4" | "vrrp_mcast_group6" => self.multicast(entry),
            "notification_email" => self.recipients(entry),
            "smtp_server" => self.smtp_server(entry),
            "script_user" => self.script_user(entry),
            "startup_script" | "shutdown_script" => self.system_script(entry),
            "notify_fifo_script" | "vrrp_notify_fifo_script" | "lvs_notify_fifo_script" => {
                self.fifo_script(entry);
            }
            "vrrp_cpu_affinity" | "checker_cpu_affinity" | "bfd_cpu_affinity" => self.processors(entry),
            "vrrp_garp_extra_if" => self.extra_interfaces(entry),
            "vrrp_rx_bufs_policy" => self.buffer_policy(entry),
            "umask" => self.umask(entry),
            "include_check" => self.include_check(entry),
            // The rest has values that the table has checked, and no effect yet.
            _ => {}
        }
    }

    fn multicast(&mut self, entry: &Entry<'_>) {
        let name = entry.name();
        match entry.address() {
            Some(IpAddr::V4(group)) if name.ends_with('4') && group.is_multicast() => {
                self.defaults.multicast_v4 = group;
            }
            Some(IpAddr::V6(group)) if name.ends_with('6') && group.is_multicast() => {
                self.defaults.multicast_v6 = group;
                if group.segments()[0] != 0xff02 {
                    let message = format!("`{group}` is not a link-local group");
                    let diagnostic = Diagnostic::warning(Code::BadValue, entry.value_span(), message)
                        .label("used all the same")
                        .hint("VRRP stays on the link: use a group that starts with ff02:");
                    self.report(diagnostic);
                }
            }
            _ => {
                let family = if name.ends_with('4') { "IPv4" } else { "IPv6" };
                let message = format!("`{}` is not an {family} multicast address", entry.text());
                let diagnostic = Diagnostic::warning(Code::BadValue, entry.value_span(), message)
                    .label(format!("ignored; the default is {}", entry.keyword.default));
                self.report(diagnostic);
            }
        }
    }

    fn recipients(&mut self, entry: &Entry<'_>) {
        let to = entry.names().map(|word| word.text.to_string());
        let before = self.model.globals.mail.to.len();
        self.model.globals.mail.to.extend(to);
        if self.model.globals.mail.to.len() == before {
            let diagnostic =
                Diagnostic::warning(Code::MissingSetting, entry.word.span, "no mail address in the block")
                    .label("no mail is sent")
                    .hint("write the addresses between the braces, one on a line");
            self.report(diagnostic);
        }
    }

    fn smtp_server(&mut self, entry: &Entry<'_>) {
        let port = match entry.args.get(1) {
            None => 25,
            Some(word) => match self.port(word) {
                Some(port) => port,
                None => return,
            },
        };
        let server = entry.text();
        if server.parse::<IpAddr>().is_err() && !self.host.resolves(server) {
            let message = format!("the mail server `{server}` cannot be found");
            let diagnostic = Diagnostic::warning(Code::BadValue, entry.value_span(), message)
                .label("no mail is sent")
                .hint("give an address, or a name that this host can look up");
            return self.report(diagnostic);
        }
        self.model.globals.mail.server = Some((server.to_owned(), port));
    }

    fn script_user(&mut self, entry: &Entry<'_>) {
        let (user, group) = (entry.text(), entry.args.get(1));
        // `user :` and `user :group` ask for the user's other groups too.
        let user_name = user.trim_end_matches(':');
        let group_name = group.map(|word| word.text.trim_start_matches(':')).filter(|name| !name.is_empty());
        let unknown = if entry.args.len() > 2 {
            Some((entry.span(), "takes a user and a group only".to_owned()))
        } else if !self.host.has_user(user_name) {
            Some((entry.value_span(), format!("names a user `{user_name}` that does not exist")))
        } else {
            match (group, group_name) {
                (Some(word), Some(name)) if !self.host.has_group(name) => {
                    Some((word.span, format!("names a group `{name}` that does not exist")))
                }
                _ => None,
            }
        };
        if let Some((span, why)) = unknown {
            self.script_user = DefaultUser::Unknown;
            let diagnostic = Diagnostic::warning(Code::UnknownUser, span, format!("`script_user` {why}"))
                .label("scripts that name no user of their own are not run");
            return self.report(diagnostic);
        }
        self.script_user = DefaultUser::Known;
        let identity = Identity { user: user_name.to_owned(), group: group_name.map(str::to_owned) };
        self.model.globals.script_user = Some(identity);
    }

    fn processors(&mut self, entry: &Entry<'_>) {
        let online = i64::from(self.host.processors());
        for word in entry.args {
            if parse_integer(&word.text).is_some_and(|number| number >= online) {
                let message = format!(
                    "there is no processor {}; they are numbered from 0 to {}",
                    word.text,
                    online - 1
                );
                let diagnostic =
                    Diagnostic::warning(Code::OutOfRange, word.span, message).label("the line is ignored");
                self.report(diagnostic);
            }
        }
    }

    fn buffer_policy(&mut self, entry: &Entry<'_>) {
        let word = entry.text();
        let known = word.eq_ignore_ascii_case("MTU") || word.eq_ignore_ascii_case("ADVERT");
        if !known && parse_integer(word).is_none() {
            let message =
                format!("`{}` takes `MTU`, `ADVERT` or a number of bytes, not `{word}`", entry.name());
            self.report(Diagnostic::warning(Code::BadValue, entry.value_span(), message).label("ignored"));
        }
    }

    fn umask(&mut self, entry: &Entry<'_>) {
        let word = entry.text();
        let octal = u32::from_str_radix(word, 8).is_ok_and(|mask| mask <= 0o777);
        let name = |name: &str| {
            let name = name.trim();
            name.starts_with('I')
                && (name.len() == 5 || name.len() == 6)
                && name.ends_with(['R', 'P', 'H', 'U', 'G', 'O'])
        };
        if !octal && !word.split('|').all(name) {
            let message =
                format!("`umask` takes an octal number or names such as `IRGRP|IROTH`, not `{word}`");
            let diagnostic = Diagnostic::warning(Code::BadValue, entry.value_span(), message)
                .label("ignored; the default is 0177");
            self.report(diagnostic);
        }
    }

    fn include_check(&mut self, entry: &Entry<'_>) {
        const KNOWN: &[&str] = &["read", "match", "wildcard_match", "brace_match"];
        for word in entry.args {
            if !KNOWN.contains(&word.text.trim_start_matches(['+', '-'])) {
                self.unknown_option(word, "include_check", KNOWN);
            }
        }
    }
}

/// The version that a keyword with a checked value of 2 or 3 names.
pub fn version(entry: &Entry<'_>) -> vrrp::Version {
    if entry.integer() == Some(3) { vrrp::Version::V3 } else { vrrp::Version::V2 }
}
