//! What a configuration has, in a few lines for each part.

use std::fmt::Write as _;

use config::model::{Command, Model};
use vrrp::{InitialState, InstanceSpec, VirtualAddress};

/// Everything that a host is switched for; a line for each thing.
pub fn summary(model: &Model) -> String {
    let mut text = String::new();
    for instance in &model.vrrp.instances {
        text += &line(&vrrp_instance(instance));
    }
    for group in &model.vrrp.sync_groups {
        text += &line(&format!("vrrp_sync_group {}", group.name));
    }
    for (server, events) in model.virtual_servers.iter().zip(model.server_events.iter()) {
        let checks: usize = server.real_servers.iter().map(|real| real.checks.len()).sum();
        let mut what = format!(
            "virtual_server {}: {}, {}",
            server.name,
            count(server.real_servers.len(), "real server"),
            count(checks, "check")
        );
        if server.sorry_server.is_some() {
            what += ", a sorry server";
        }
        text += &line(&what);
        let keys: Vec<_> = server.real_servers.iter().map(|real| real.key.to_string()).collect();
        if !keys.is_empty() {
            text += &line(&format!("  {}", keys.join(", ")));
        }
        for (keyword, command) in [("quorum_up", &events.quorum_up), ("quorum_down", &events.quorum_down)] {
            text += &script(&format!("  {keyword}"), command.as_deref());
        }
    }
    for tracked in &model.scripts {
        text += &script(&format!("vrrp_script {}", tracked.name), Some(&tracked.command));
    }
    let notify = model.vrrp_events.iter().map(|(name, events)| (name, &events.notify));
    let groups = model.group_events.iter().map(|(name, events)| (name, &events.notify));
    for (name, notify) in notify.chain(groups) {
        let commands = [
            ("notify_master", &notify.master),
            ("notify_backup", &notify.backup),
            ("notify_fault", &notify.fault),
            ("notify_stop", &notify.stop),
            ("notify", &notify.any),
        ];
        for (keyword, command) in commands {
            text += &script(&format!("{keyword} of {name}"), command.as_ref());
        }
    }
    let scripts = &model.globals.system_scripts;
    text += &script("startup_script", scripts.startup.as_ref());
    text += &script("shutdown_script", scripts.shutdown.as_ref());
    let fifos = &model.globals.fifos;
    let named =
        [("notify_fifo", &fifos.all), ("vrrp_notify_fifo", &fifos.vrrp), ("lvs_notify_fifo", &fifos.lvs)];
    for (keyword, fifo) in named {
        if let Some(path) = &fifo.path {
            text += &line(&format!("{keyword}: {path}"));
        }
        text += &script(&format!("{keyword}_script"), fifo.script.as_ref());
    }
    for session in &model.bfd {
        text += &line(&format!("bfd_instance {}", session.name));
    }
    if text.is_empty() { line("nothing that can be run") } else { text }
}

fn vrrp_instance(instance: &InstanceSpec) -> String {
    let state = match instance.initial_state {
        InitialState::Master => "MASTER",
        InitialState::Unset if instance.claims() => "MASTER",
        InitialState::Backup | InitialState::Unset => "BACKUP",
    };
    let mut text = format!(
        "vrrp_instance {}: VRID {} on {}, {state}, priority {}",
        instance.name, instance.vrid, instance.interface, instance.priority
    );
    for (keyword, addresses) in [("", &instance.addresses), ("excluded ", &instance.excluded)] {
        let addresses: Vec<_> = addresses.iter().map(address).collect();
        if !addresses.is_empty() {
            let _ = write!(text, ", {keyword}{}", addresses.join(" "));
        }
    }
    text
}

/// As `ip address add` takes it.
pub fn address(virtual_address: &VirtualAddress) -> String {
    format!("{}/{}", virtual_address.address, virtual_address.prefix_len)
}

fn script(what: &str, command: Option<&Command>) -> String {
    command.map(|command| line(&format!("{what}: {}", command.argv.join(" ")))).unwrap_or_default()
}

fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

fn line(text: &str) -> String {
    format!("  {text}\n")
}
