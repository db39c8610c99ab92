//! `global_defs`.
//!
//! **Of two lines with the same keyword the later counts**, also across several blocks.

use std::net::IpAddr;
use std::time::Duration;

use super::Lowering;
use super::command::DefaultUser;
use crate::diagnostic::{Code, Diagnostic};
use crate::keyword::parse_integer;
use crate::model::{BufferPolicy, Identity};
use crate::resolve::Entry;

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
        self.defaults.alerts_written = [alert, self.defaults.alert_vrrp, self.defaults.alert_checker];
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
        defaults.garp_lower_written = (set.lower_delay, set.lower_repeat);
        defaults.garp_lower_delay = set.lower_delay.unwrap_or(defaults.garp_delay);
        defaults.garp_lower_repeat = set.lower_repeat.unwrap_or(defaults.garp_repeat);
    }

    fn global(&mut self, entry: &Entry<'_>) {
        let defaults = &mut self.defaults;
        match entry.name() {
            "smtp_alert_vrrp" => defaults.alert_vrrp = Some(entry.switch()),
            "smtp_alert_checker" => defaults.alert_checker = Some(entry.switch()),
            "vrrp_strict" => defaults.strict = entry.switch(),
            "vrrp_skip_check_adv_addr" => defaults.skip_check_adv_addr = entry.switch(),
            "vrrp_check_unicast_src" => defaults.check_unicast_src = true,
            "v3_checksum_as_v2" => defaults.checksum_as_v2 = true,
            "vrrp_owner_ignore_adverts" => defaults.owner_ignore_adverts = entry.switch(),
            "vrrp_notify_priority_changes" => defaults.priority_changes = entry.switch(),
            "vrrp_lower_prio_no_advert" => defaults.lower_prio_no_advert = entry.switch(),
            "vrrp_higher_prio_send_advert" => defaults.higher_prio_send_advert = entry.switch(),
            "vrrp_garp_interval" => defaults.garp_interval = entry.time().unwrap_or_default(),
            "vrrp_gna_interval" => defaults.gna_interval = entry.time().unwrap_or_default(),
            "vrrp_garp_extra_if" => self.defaults.extra_interfaces = self.extra_interfaces(entry),
            "vrrp_down_timer_adverts" => defaults.down_timer_adverts = entry.integer().unwrap_or(3),
            "vrrp_version" => defaults.version = version(entry),
            "vrrp_mcast_group4" | "vrrp_mcast_group6" => self.multicast(entry),
            _ => {
                // Each of these knows its own keywords; those of IPVS are read by `lvs_globals`.
                let _ = self.mail_setting(entry)
                    || self.script_setting(entry)
                    || self.vrrp_setting(entry)
                    || self.process_setting(entry)
                    || self.fifo_setting(entry)
                    || self.file_setting(entry)
                    || self.management_setting(entry)
                    || self.firewall_setting(entry);
            }
        }
    }

    /// Settings of mails; false if it is none.
    fn mail_setting(&mut self, entry: &Entry<'_>) -> bool {
        let text = || entry.choice().map(str::to_owned);
        let mail = &mut self.model.globals.mail;
        match entry.name() {
            "notification_email_from" => mail.from = text(),
            "smtp_helo_name" => mail.helo = text(),
            "smtp_connect_timeout" => mail.timeout = entry.seconds().unwrap_or(mail.timeout),
            "no_email_faults" => mail.no_faults = true,
            "no_checker_emails" => mail.no_checkers = entry.switch(),
            "notification_email" => self.recipients(entry),
            "smtp_server" => self.smtp_server(entry),
            _ => return false,
        }
        true
    }

    /// Settings of scripts; false if it is none.
    fn script_setting(&mut self, entry: &Entry<'_>) -> bool {
        let globals = &mut self.model.globals;
        let scripts = &mut globals.system_scripts;
        match entry.name() {
            "script_user" => self.script_user(entry),
            "enable_script_security" => globals.script_security = true,
            "use_symlink_paths" => globals.script_symlinks = entry.switch(),
            "set_supplementary_groups" => globals.script_groups |= entry.switch(),
            "startup_script" => self.startup_script(entry),
            "shutdown_script" => self.shutdown_script(entry),
            "startup_script_timeout" => {
                scripts.startup_timeout = entry.seconds().unwrap_or(scripts.startup_timeout);
            }
            "shutdown_script_timeout" => {
                scripts.shutdown_timeout = entry.seconds().unwrap_or(scripts.shutdown_timeout);
            }
            _ => return false,
        }
        true
    }

    fn startup_script(&mut self, entry: &Entry<'_>) {
        let script = self.system_script(entry);
        if self.model.globals.system_scripts.startup.is_some() {
            return self.second(entry);
        }
        self.model.globals.system_scripts.startup = script;
    }

    fn shutdown_script(&mut self, entry: &Entry<'_>) {
        let script = self.system_script(entry);
        if self.model.globals.system_scripts.shutdown.is_some() {
            return self.second(entry);
        }
        self.model.globals.system_scripts.shutdown = script;
    }

    /// Settings of VRRP as a whole, and of this host; false if it is none.
    fn vrrp_setting(&mut self, entry: &Entry<'_>) -> bool {
        let globals = &mut self.model.globals;
        let vrrp = &mut globals.vrrp;
        match entry.name() {
            "router_id" => globals.router_id = entry.choice().map(str::to_owned),
            "dynamic_interfaces" => {
                globals.dynamic_interfaces = true;
                vrrp.interfaces_may_change |= entry.choice().is_some();
            }
            "default_interface" => entry.text().clone_into(&mut vrrp.default_interface),
            "disable_local_igmp" => self.model.vrrp.disable_local_igmp = true,
            "log_unknown_vrids" => self.model.vrrp.log_unknown_vrids = true,
            "vrrp_rx_bufs_policy" => self.buffer_policy(entry),
            "vrrp_rx_bufs_multiplier" => vrrp.receive_buffer_packets = entry.integer().unwrap_or(3),
            "vrrp_startup_delay" => self.model.vrrp.startup_delay = entry.time().unwrap_or_default(),
            "vrrp_delay_after_boot" => self.model.vrrp.delay_after_boot = entry.time().unwrap_or_default(),
            "vmac_prefix" if vrrp.vmac_prefix.is_some() => self.second(entry),
            "vmac_prefix" => vrrp.vmac_prefix = Some(entry.text().to_owned()),
            "vmac_addr_prefix" if vrrp.vmac_address_prefix.is_some() => self.second(entry),
            "vmac_addr_prefix" => vrrp.vmac_address_prefix = Some(entry.text().to_owned()),
            "include_check" => self.include_check(entry),
            _ => return false,
        }
        true
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
        self.model.globals.mail.to.extend(to);
    }

    fn smtp_server(&mut self, entry: &Entry<'_>) {
        let port = match entry.args().get(1) {
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
        let (user, group) = (entry.text(), entry.args().get(1));
        // `user :` and `user :group` ask for the user's other groups too.
        let user_name = user.trim_end_matches(':');
        let group_name = group.map(|word| word.text.trim_start_matches(':')).filter(|name| !name.is_empty());
        let unknown = if entry.args().len() > 2 {
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
                .label("scripts that name no user of their own are not run")
                .hint("name an existing user and group, or create them");
            return self.report(diagnostic);
        }
        self.script_user = DefaultUser::Known;
        self.model.globals.script_groups |=
            user.ends_with(':') || group.is_some_and(|word| word.text.starts_with(':'));
        let identity = Identity { user: user_name.to_owned(), group: group_name.map(str::to_owned) };
        self.model.globals.script_user = Some(identity);
    }

    fn buffer_policy(&mut self, entry: &Entry<'_>) {
        let word = entry.text();
        let policy = if word.eq_ignore_ascii_case("MTU") {
            BufferPolicy::Mtu
        } else if word.eq_ignore_ascii_case("ADVERT") {
            BufferPolicy::Advert
        } else if let Some(bytes) = parse_integer(word) {
            BufferPolicy::Bytes(u32::try_from(bytes).unwrap_or_default())
        } else {
            let message =
                format!("`{}` takes `MTU`, `ADVERT` or a number of bytes, not `{word}`", entry.name());
            let diagnostic =
                Diagnostic::warning(Code::BadValue, entry.value_span(), message).label("ignored");
            return self.report(diagnostic);
        };
        // A size goes before a policy, and `MTU` before `ADVERT`, whichever comes later.
        let rank = |policy| match policy {
            BufferPolicy::System => 0,
            BufferPolicy::Advert => 1,
            BufferPolicy::Mtu => 2,
            BufferPolicy::Bytes(_) => 3,
        };
        let current = &mut self.model.globals.vrrp.receive_buffer;
        if rank(policy) >= rank(*current) {
            *current = policy;
        }
    }

    fn include_check(&mut self, entry: &Entry<'_>) {
        const KNOWN: &[&str] = &["read", "match", "wildcard_match", "brace_match"];
        for word in entry.args() {
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
