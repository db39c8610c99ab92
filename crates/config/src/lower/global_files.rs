//! `global_defs`: files, pipes, SNMP, D-Bus, packet filters.

use super::Lowering;
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{FifoSpec, Identity, IpsetNames, IptablesSpec, ReloadFile};
use crate::resolve::Entry;

impl Lowering<'_> {
    /// Settings of files; false if it is none.
    pub(super) fn file_setting(&mut self, entry: &Entry<'_>) -> bool {
        let files = &mut self.model.globals.files;
        let path = |path: &mut String| entry.text().clone_into(path);
        let text = || entry.choice().map(str::to_owned);
        match entry.name() {
            "umask" => self.umask(entry),
            "state_dump_file" => path(&mut files.state_dump),
            "stats_dump_file" => path(&mut files.stats_dump),
            "json_dump_file" => path(&mut files.json_dump),
            "json_version" => files.json_version = entry.integer().unwrap_or(1),
            "data_use_instance" => files.use_instance = entry.switch(),
            "config_save_dir" => files.config_save_dir = text(),
            "tmp_config_directory" => files.tmp_config_dir = text(),
            "iproute_usr_dir" => path(&mut files.iproute_usr_dir),
            "iproute_etc_dir" => path(&mut files.iproute_etc_dir),
            "reload_check_config" => {
                files.reload.check_log = Some(text().unwrap_or_else(|| "/dev/null".to_owned()));
            }
            "reload_time_file" => files.reload.time_file = text(),
            "reload_repeat" => files.reload.repeat = true,
            "reload_file" => files.reload.file = text().map_or(ReloadFile::BesidePidFile, ReloadFile::Path),
            _ => return false,
        }
        true
    }

    /// Settings of SNMP and D-Bus; false if it is none.
    pub(super) fn management_setting(&mut self, entry: &Entry<'_>) -> bool {
        let (snmp, dbus) = (&mut self.model.globals.snmp, &mut self.model.globals.dbus);
        match entry.name() {
            "snmp_socket" if snmp.socket.is_some() => self.second(entry),
            "snmp_socket" => snmp.socket = Some(entry.text().to_owned()),
            "enable_traps" => snmp.traps = true,
            "enable_snmp_vrrp" => snmp.vrrp = true,
            "enable_snmp_checker" => snmp.checker = true,
            "enable_snmp_rfc" => (snmp.rfc_v2, snmp.rfc_v3) = (true, true),
            "enable_snmp_rfcv2" => snmp.rfc_v2 = true,
            "enable_snmp_rfcv3" => snmp.rfc_v3 = true,
            "snmp_vs_stats_update_interval" => {
                snmp.virtual_server_age = entry.time().unwrap_or(snmp.virtual_server_age);
            }
            "snmp_rs_stats_update_interval" => snmp.real_server_age = entry.time(),
            "enable_dbus" => dbus.enabled = true,
            "dbus_service_name" => entry.text().clone_into(&mut dbus.service_name),
            "dbus_no_interface_name" => entry.text().clone_into(&mut dbus.no_interface_name),
            _ => return false,
        }
        true
    }

    /// Settings of packet filters; false if it is none.
    pub(super) fn firewall_setting(&mut self, entry: &Entry<'_>) -> bool {
        let firewall = &mut self.model.globals.firewall;
        let mut names = entry.args().iter().map(|word| word.text.to_string());
        match entry.name() {
            "vrrp_iptables" => {
                firewall.iptables = Some(match names.next() {
                    Some(input) => IptablesSpec { input, output: names.next() },
                    None => IptablesSpec { input: "INPUT".to_owned(), output: Some("OUTPUT".to_owned()) },
                });
            }
            "vrrp_ipsets" => firewall.ipsets = names.next().map(|first| ipsets(first, names)),
            "nftables" if firewall.nftables.asked_for => self.second(entry),
            "nftables" => {
                firewall.nftables.asked_for = true;
                if let Some(table) = names.next() {
                    firewall.nftables.table = table;
                }
            }
            "nftables_priority" => firewall.nftables.priority = entry.integer().unwrap_or(-1),
            "nftables_ifindex" => firewall.nftables.by_index = true,
            "nftables_counters" => firewall.nftables.counters = true,
            _ => return false,
        }
        true
    }

    /// Settings of pipes; false if it is none.
    pub(super) fn fifo_setting(&mut self, entry: &Entry<'_>) -> bool {
        match entry.name() {
            "fifo_write_vrrp_states_on_reload" => self.model.globals.fifos.states_on_reload = true,
            "notify_fifo" | "vrrp_notify_fifo" | "lvs_notify_fifo" => self.fifo(entry),
            "notify_fifo_script" | "vrrp_notify_fifo_script" | "lvs_notify_fifo_script" => {
                if self.fifo_of(entry.name()).script.is_some() {
                    self.second(entry);
                } else {
                    let script = self.fifo_script(entry);
                    self.fifo_of(entry.name()).script = script;
                }
            }
            _ => return false,
        }
        true
    }

    fn fifo_of(&mut self, keyword: &str) -> &mut FifoSpec {
        let fifos = &mut self.model.globals.fifos;
        if keyword.starts_with("vrrp_") {
            &mut fifos.vrrp
        } else if keyword.starts_with("lvs_") {
            &mut fifos.lvs
        } else {
            &mut fifos.all
        }
    }

    fn fifo(&mut self, entry: &Entry<'_>) {
        let owner = entry.args().get(1).map(|user| Identity {
            user: user.text.to_string(),
            group: entry.args().get(2).map(|group| group.text.to_string()),
        });
        let path = entry.text().to_owned();
        let fifo = self.fifo_of(entry.name());
        if fifo.path.is_some() {
            return self.second(entry);
        }
        (fifo.path, fifo.owner) = (Some(path), owner);
    }

    fn umask(&mut self, entry: &Entry<'_>) {
        let word = entry.text();
        let octal = u32::from_str_radix(word, 8).ok().filter(|mask| *mask <= 0o777);
        let named =
            || word.split('|').map(|name| permission(name.trim())).try_fold(0, |all, one| Some(all | one?));
        if let Some(mask) = octal.or_else(named) {
            self.model.globals.files.umask = mask;
            return;
        }
        let message = format!("`umask` takes an octal number or names such as `IRGRP|IROTH`, not `{word}`");
        let diagnostic = Diagnostic::warning(Code::BadValue, entry.value_span(), message)
            .label("ignored; the default is 0177");
        self.report(diagnostic);
    }
}

/// The bits of a name such as `IRGRP` or `IRWXO`.
fn permission(name: &str) -> Option<u32> {
    let name = name.strip_prefix('I')?;
    let shift = match name.strip_prefix("RWX") {
        Some(who) => return Some(0o7 << shift(who, ["U", "G", "O"])?),
        None => shift(name.get(1..)?, ["USR", "GRP", "OTH"])?,
    };
    let bit = match name.get(..1)? {
        "R" => 4,
        "W" => 2,
        "X" => 1,
        _ => return None,
    };
    Some(bit << shift)
}

fn shift(who: &str, names: [&str; 3]) -> Option<u32> {
    let index = names.iter().position(|name| *name == who)?;
    [6, 3, 0].get(index).copied()
}

fn ipsets(first: String, mut names: impl Iterator<Item = String>) -> IpsetNames {
    let mut next = |suffix: &str| names.next().unwrap_or_else(|| format!("{first}{suffix}"));
    let (v6, v6_interfaces) = (next("6"), next("_if6"));
    let (igmp, mld, nd) = (next("_igmp"), next("_mld"), next("_nd"));
    IpsetNames { v4: first, v6, v6_interfaces, igmp, mld, nd }
}
