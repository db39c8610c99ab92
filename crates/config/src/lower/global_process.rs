//! `global_defs` and the root: how the daemon's processes are called, scheduled and placed.

use std::collections::BTreeSet;
use std::time::Duration;

use super::Lowering;
use crate::diagnostic::{Code, Diagnostic};
use crate::keyword::parse_integer;
use crate::model::{AutoPriority, DaemonSpec, IpvsNamespace, ProcessSpec};
use crate::resolve::Entry;

impl Lowering<'_> {
    /// Keywords outside every block.
    pub(super) fn root_setting(&mut self, entry: &Entry<'_>) {
        let daemon = &mut self.model.globals.daemon;
        let text = || entry.choice().map(str::to_owned);
        match entry.name() {
            "net_namespace" if daemon.namespace.is_some() => self.second(entry),
            "instance" if daemon.instance.is_some() => self.second(entry),
            "net_namespace" => {
                daemon.namespace = text();
                daemon.use_pid_dir = true;
            }
            "net_namespace_ipvs" => {
                daemon.ipvs_namespace = text().map_or(IpvsNamespace::Initial, IpvsNamespace::Named);
            }
            "namespace_with_ipsets" => daemon.namespace_with_ipsets = true,
            "use_pid_dir" => daemon.use_pid_dir = true,
            "instance" => {
                daemon.instance = text();
                daemon.use_pid_dir = true;
            }
            "child_wait_time" => daemon.child_wait = entry.seconds().unwrap_or(daemon.child_wait),
            "linkbeat_use_polling" => self.model.linkbeat.all = true,
            _ => {}
        }
    }

    /// Settings of processes; false if it is none.
    pub(super) fn process_setting(&mut self, entry: &Entry<'_>) -> bool {
        let daemon = &mut self.model.globals.daemon;
        match entry.name() {
            "process_names" => daemon.process_names = true,
            "process_name" => daemon.process_name = entry.choice().map(str::to_owned),
            "max_auto_priority" => {
                daemon.auto_priority = match entry.integer::<i64>() {
                    None => AutoPriority::UpTo(99),
                    Some(priority) => u8::try_from(priority).map_or(AutoPriority::Never, AutoPriority::UpTo),
                };
            }
            "min_auto_priority_delay" => {
                daemon.auto_priority_delay = micros(entry).unwrap_or(daemon.auto_priority_delay);
            }
            "process_monitor_rcv_bufs" => daemon.process_monitor_buffer.bytes = entry.integer(),
            "process_monitor_rcv_bufs_force" => daemon.process_monitor_buffer.force = entry.switch(),
            "random_seed" => daemon.random_seed = entry.integer(),
            "vrrp_cpu_affinity" | "checker_cpu_affinity" | "bfd_cpu_affinity" => {
                let processors = self.processors(entry);
                if let Some((process, _)) = process(&mut self.model.globals.daemon, entry.name()) {
                    process.processors = processors;
                }
            }
            name => return process(daemon, name).is_some_and(|(process, what)| set(process, what, entry)),
        }
        true
    }

    /// Processors of a list; one that is none makes keepalived ignore them all.
    fn processors(&mut self, entry: &Entry<'_>) -> BTreeSet<u32> {
        let online = i64::from(self.host.processors());
        let mut processors = BTreeSet::new();
        let mut usable = true;
        for word in entry.args() {
            match parse_integer(&word.text) {
                Some(number) if number >= online => {
                    usable = false;
                    let message = format!(
                        "there is no processor {}; they are numbered from 0 to {}",
                        word.text,
                        online - 1
                    );
                    let diagnostic = Diagnostic::warning(Code::OutOfRange, word.span, message)
                        .label("the line is ignored");
                    self.report(diagnostic);
                }
                // What is no number was reported by the table.
                number => match number.and_then(|number| u32::try_from(number).ok()) {
                    Some(number) => {
                        processors.insert(number);
                    }
                    None => usable = false,
                },
            }
        }
        if usable { processors } else { BTreeSet::new() }
    }
}

/// The process that a keyword is about, and what it says of it.
fn process<'m>(
    daemon: &'m mut DaemonSpec,
    name: &'static str,
) -> Option<(&'m mut ProcessSpec, &'static str)> {
    let (prefix, what) = name.split_once('_')?;
    match prefix {
        "vrrp" => Some((&mut daemon.vrrp, what)),
        "checker" | "lvs" => Some((&mut daemon.checker, what)),
        "bfd" => Some((&mut daemon.bfd, what)),
        _ => None,
    }
}

/// Sets what a keyword without its prefix says; false if it says something else.
fn set(process: &mut ProcessSpec, what: &str, entry: &Entry<'_>) -> bool {
    match what {
        "process_name" => process.name = entry.choice().map(str::to_owned),
        "priority" => process.nice = entry.integer(),
        "rt_priority" => process.realtime = entry.integer(),
        "no_swap" => process.no_swap = true,
        "rlimit_rttime" => {
            // Half of it is the soft limit, which has to be something.
            let limit = micros(entry).map(|limit| limit.max(Duration::from_micros(2)));
            process.realtime_limit = limit.unwrap_or(process.realtime_limit);
        }
        "netlink_cmd_rcv_bufs" => process.command_buffer.bytes = entry.integer(),
        "netlink_cmd_rcv_bufs_force" => process.command_buffer.force = entry.switch(),
        "netlink_monitor_rcv_bufs" => process.monitor_buffer.bytes = entry.integer(),
        "netlink_monitor_rcv_bufs_force" => process.monitor_buffer.force = entry.switch(),
        _ => return false,
    }
    true
}

fn micros(entry: &Entry<'_>) -> Option<Duration> {
    entry.integer().map(Duration::from_micros)
}
