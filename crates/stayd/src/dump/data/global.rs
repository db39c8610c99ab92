//! The section that every file begins with.

use std::fmt::Display;
use std::sync::LazyLock;
use std::time::Duration;

use config::model::{
    AutoPriority, BufferPolicy, Command, FifoSpec, FlushOnStop, Globals, Identity, IpvsNamespace, LvsGlobals,
    Model, ProcessSpec, ReloadFile, SocketBuffer,
};

use vrrp::RouterSpec;

use super::Page;
use crate::dump::{Users, quoted};
use crate::host::full_name;

/// What keepalived shows for a number that is not given.
const NOT_GIVEN: &str = "4294967295";

/// What the section shows.
pub(super) struct Shared<'a> {
    pub(super) model: &'a Model,
    pub(super) router: &'a RouterSpec,
    pub(super) users: &'a Users<'a>,
    /// It is not the VRRP process's file: in keepalived only that process knows everything.
    pub(super) parent: bool,
    /// Whose file it is; none: the parent's.
    pub(super) own: Option<&'a ProcessSpec>,
}

pub(super) fn page(page: &mut Page, shared: &Shared<'_>) {
    let (model, globals) = (shared.model, &shared.model.globals);
    page.section("Global definitions");
    maybe(page, "Config save dir", globals.files.config_save_dir.as_ref());
    daemon(page, globals);
    mail(page, globals);
    page.object("Checkers log all failures", model.lvs.log_all_failures);
    reload(page, globals);
    scripts(page, shared);
    page.object("Dynamic interfaces", globals.dynamic_interfaces);
    if globals.dynamic_interfaces {
        page.object("Allow interface changes", globals.vrrp.interfaces_may_change);
    }
    if globals.mail.no_faults {
        page.object("Send emails for fault transitions", "off");
    }
    if !shared.parent {
        page.object("Default interface", &globals.vrrp.default_interface);
    }
    lvs(page, &model.lvs, shared.router.disable_local_igmp);
    for (label, fifo) in [
        ("Global notify fifo", &globals.fifos.all),
        ("VRRP notify fifo", &globals.fifos.vrrp),
        ("LVS notify fifo", &globals.fifos.lvs),
    ] {
        // The VRRP process shows its scripts as they run: with the pipe.
        let runs = !shared.parent && label != "LVS notify fifo";
        named_pipe(page, label, fifo, (runs, shared.users));
    }
    page.object("FIFO write vrrp states on reload", globals.fifos.states_on_reload);
    vrrp(page, shared);
    page.object("Max auto priority", most(globals.daemon.auto_priority));
    page.object(
        "Min auto priority delay",
        format_args!("{} usecs", globals.daemon.auto_priority_delay.as_micros()),
    );
    process(page, "VRRP", &globals.daemon.vrrp);
    process(page, "Checker", &globals.daemon.checker);
    process(page, "BFD", &globals.daemon.bfd);
    management(page, globals);
    page.line(format_args!(" Script security {}", super::enabled(globals.script_security)));
    page.line(format_args!(" Default script uid:gid {}", user(shared.users, None)));
    let daemon = &globals.daemon;
    for (label, buffer) in [
        ("vrrp_netlink_cmd_rcv_bufs", daemon.vrrp.command_buffer),
        ("vrrp_netlink_monitor_rcv_bufs", daemon.vrrp.monitor_buffer),
        ("process_monitor_rcv_bufs", daemon.process_monitor_buffer),
        ("lvs_netlink_cmd_rcv_bufs", daemon.checker.command_buffer),
        ("lvs_netlink_monitor_rcv_bufs", daemon.checker.monitor_buffer),
    ] {
        socket(page, label, buffer);
    }
    page.object("rs_init_notifies", u8::from(model.lvs.init_notifies));
    page.object("no_checker_emails", u8::from(globals.mail.no_checkers));
    match globals.vrrp.receive_buffer {
        BufferPolicy::System => {}
        BufferPolicy::Mtu => page.object("rx_bufs_policy", "MTU"),
        BufferPolicy::Advert => page.object("rx_bufs_policy", "ADVERT"),
        BufferPolicy::Bytes(bytes) => page.object("rx_bufs_size", bytes),
    }
    page.object("rx_bufs_multiples", globals.vrrp.receive_buffer_packets);
    page.object("umask", format_args!("0{:o}", globals.files.umask));
    if !shared.router.startup_delay.is_zero() {
        page.object("vrrp_startup_delay", shared.router.startup_delay.as_secs_f64());
    }
    if let Some((own, priority)) = shared.own.and_then(|own| Some((own, own.realtime?))) {
        page.object("current realtime priority", priority);
        page.object("current realtime time limit", own.realtime_limit.as_micros());
    }
    if shared.router.log_unknown_vrids {
        page.line(" log_unknown_vrids");
    }
    maybe(page, "VMAC prefix", globals.vrrp.vmac_prefix.as_ref());
    maybe(page, "VMAC address prefix", globals.vrrp.vmac_address_prefix.as_ref());
}

fn daemon(page: &mut Page, globals: &Globals) {
    let daemon = &globals.daemon;
    page.object("Network namespace", daemon.namespace.as_deref().unwrap_or("(default)"));
    page.object(
        "Network namespace ipvs",
        match &daemon.ipvs_namespace {
            IpvsNamespace::Same => "(main namespace)",
            IpvsNamespace::Initial => "(default)",
            IpvsNamespace::Named(name) => name,
        },
    );
    maybe(page, "Instance name", daemon.instance.as_ref());
    maybe(page, "Parent process name", daemon.process_name.as_ref());
    maybe(page, "VRRP process name", daemon.named(&daemon.vrrp, "keepalived_vrrp").name);
    maybe(page, "LVS process name", daemon.named(&daemon.checker, "keepalived_lvs").name);
    maybe(page, "BFD process name", daemon.named(&daemon.bfd, "keepalived_bfd").name);
    page.object("Router ID", globals.router_id.as_deref().unwrap_or_else(|| host_name()));
}

/// The name service is asked once: it may take its time.
fn host_name() -> &'static str {
    static NAME: LazyLock<String> = LazyLock::new(|| full_name().unwrap_or_else(|| "[unknown]".to_owned()));
    &NAME
}

fn mail(page: &mut Page, globals: &Globals) {
    let mail = &globals.mail;
    if let Some((server, port)) = &mail.server {
        page.object("Smtp server", server);
        page.object("Smtp server port", port);
    }
    maybe(page, "Smtp HELO name", mail.helo.as_ref());
    if mail.server.is_some() {
        page.object("Smtp server connection timeout", mail.timeout.as_secs());
    }
    maybe(page, "Email notification from", mail.from.as_ref());
    if !mail.to.is_empty() {
        page.line(" Email notification to:");
    }
    for to in &mail.to {
        page.line(format_args!("   {to}"));
    }
    let labels = ["Default smtp_alert", "Default smtp_alert_vrrp", "Default smtp_alert_checker"];
    for (label, alert) in labels.into_iter().zip(globals.defaults.alerts_written) {
        page.object(label, alert.map_or("unset", |on| if on { "on" } else { "off" }));
    }
}

fn reload(page: &mut Page, globals: &Globals) {
    let reload = &globals.files.reload;
    match &reload.check_log {
        Some(log) => page.line(format_args!(" Test config before reload, log to {log}")),
        None => page.line(" No test config before reload"),
    }
    if let Some(file) = &reload.time_file {
        let repeat = if reload.repeat { " (repeat)" } else { "" };
        page.object("Reload time file", format_args!("{file}{repeat}"));
        page.line(" No reload scheduled");
    }
    if let ReloadFile::Path(path) = &reload.file {
        page.object("Reload_file", path);
    }
    maybe(page, "config save directory", globals.files.tmp_config_dir.as_ref());
}

fn scripts(page: &mut Page, shared: &Shared<'_>) {
    let scripts = &shared.model.globals.system_scripts;
    let words = |command: &Command| {
        format!("{}, uid:gid {}", quoted(command), user(shared.users, command.identity.as_ref()))
    };
    if let Some(command) = &scripts.startup {
        let timeout = scripts.startup_timeout.as_secs();
        page.object("Startup script", format_args!("{}, timeout {timeout}", words(command)));
    }
    if let Some(command) = &scripts.shutdown {
        let timeout = scripts.shutdown_timeout.as_secs();
        page.object("Shutdown script", format_args!("{} timeout {timeout}", words(command)));
    }
}

fn lvs(page: &mut Page, lvs: &LvsGlobals, no_local_igmp: bool) {
    // keepalived calls the third one TCP too.
    for (label, timeout) in [
        ("LVS TCP timeout", lvs.timeouts.tcp),
        ("LVS TCP FIN timeout", lvs.timeouts.tcp_fin),
        ("LVS TCP timeout", lvs.timeouts.udp),
    ] {
        maybe(page, label, Some(timeout).filter(|timeout| *timeout > 0));
    }
    page.object("Disable local IGMP", super::yes(no_local_igmp));
    if let Some(sync) = &lvs.sync_daemon {
        maybe(page, "LVS syncd vrrp name", sync.instance.as_ref());
        page.object("LVS syncd interface", &sync.interface);
        page.object("LVS syncd syncid", sync.id);
        maybe(page, "LVS syncd maxlen", sync.max_len);
        page.line(format_args!(" LVS mcast group {}", sync.group));
        page.object("LVS syncd mcast port", sync.port);
        page.object("LVS syncd mcast ttl", sync.ttl);
    }
    page.object("LVS flush", lvs.flush);
    page.object(
        "LVS flush on stop",
        match lvs.flush_on_stop {
            FlushOnStop::Entries => "disabled",
            FlushOnStop::Services => "VS",
            FlushOnStop::Everything => "full",
        },
    );
}

fn vrrp(page: &mut Page, shared: &Shared<'_>) {
    let globals = &shared.model.globals;
    let defaults = &globals.defaults;
    page.object("VRRP notify priority changes", defaults.priority_changes);
    page.object("VRRP IPv4 mcast group", defaults.multicast_v4);
    page.object("VRRP IPv6 mcast group", defaults.multicast_v6);
    page.object("Gratuitous ARP delay", defaults.garp_delay.as_secs());
    page.object("Gratuitous ARP repeat", defaults.garp_repeat);
    page.object("Gratuitous ARP refresh timer", defaults.garp_refresh.as_secs());
    page.object("Gratuitous ARP refresh repeat", defaults.garp_refresh_repeat);
    let written = |given: Option<u64>, resolved: u64| match given {
        None if shared.parent => NOT_GIVEN.to_owned(),
        None => resolved.to_string(),
        Some(given) => given.to_string(),
    };
    let (delay, repeat) = defaults.garp_lower_written;
    let delay = written(delay.map(|delay| delay.as_secs()), defaults.garp_lower_delay.as_secs());
    page.object("Gratuitous ARP lower priority delay", delay);
    let repeat = written(repeat.map(u64::from), defaults.garp_lower_repeat.into());
    page.object("Gratuitous ARP lower priority repeat", repeat);
    page.object("Num adverts before down", defaults.down_timer_adverts);
    let extra = defaults.extra_interfaces;
    let which = if extra.is_some_and(|extra| extra.all) { "i/f" } else { "VMAC" };
    let every = extra.map_or(0, |extra| extra.every.as_secs());
    page.object(&format!("Gratuitous ARP for each secondary {which}"), format_args!("{every}s"));
    page.object("Send advert after receive lower priority advert", !defaults.lower_prio_no_advert);
    page.object("Send advert after receive higher priority advert", defaults.higher_prio_send_advert);
    let seconds = |interval: Duration| format!("{:.6}", interval.as_secs_f64());
    page.object("Gratuitous ARP interval", seconds(defaults.garp_interval));
    page.object("Gratuitous NA interval", seconds(defaults.gna_interval));
    page.object(
        "VRRP default protocol version",
        match defaults.version {
            vrrp::Version::V2 => 2,
            vrrp::Version::V3 => 3,
        },
    );
    let nftables = &globals.firewall.nftables;
    // What is not asked for is used nevertheless where an instance needs it.
    let asked_for = nftables.asked_for || globals.firewall.iptables.is_some();
    let needed = shared
        .router
        .instances
        .iter()
        .any(|instance| instance.vmac.is_some() || instance.vmac_addresses || !instance.accept);
    if asked_for || (needed && !shared.parent) {
        page.object("nftables table name", &nftables.table);
        page.object("nftables base chain priority", nftables.priority);
        let force = if nftables.by_index { "force" } else { "don't force" };
        page.line(format_args!(" nftables {force} use ifindex for link local IPv6"));
    }
    let ipvs = &shared.model.lvs.nftables;
    if ipvs.enabled {
        page.object("ipvs nftables table name", &ipvs.table);
        page.object("ipvs nftables base chain priority", ipvs.priority);
        page.object("ipvs nftables start fwmark", ipvs.first_mark);
    }
    page.line(format_args!(" nftables with{} counters", if nftables.counters { "" } else { "out" }));
    page.object("VRRP check unicast_src", defaults.check_unicast_src);
    page.object("VRRP skip check advert addresses", defaults.skip_check_adv_addr);
    page.object("VRRP strict mode", defaults.strict);
}

fn process(page: &mut Page, name: &str, spec: &ProcessSpec) {
    page.object(&format!("{name} process priority"), spec.nice.unwrap_or_default());
    page.object(&format!("{name} don't swap"), spec.no_swap);
    page.object(&format!("{name} realtime priority"), spec.realtime.unwrap_or_default());
    if !spec.processors.is_empty() {
        let numbers: String =
            spec.processors.iter().flat_map(|one| [one.to_string(), " ".to_owned()]).collect();
        page.object(&format!("{name} CPU Affinity"), numbers);
    }
    page.object(&format!("{name} realtime limit"), spec.realtime_limit.as_micros());
}

fn management(page: &mut Page, globals: &Globals) {
    let snmp = &globals.snmp;
    for (part, on) in [
        ("vrrp", snmp.vrrp),
        ("checker", snmp.checker),
        ("RFCv2", snmp.rfc_v2),
        ("RFCv3", snmp.rfc_v3),
        ("traps", snmp.traps),
    ] {
        page.line(format_args!(" SNMP {part} {}", super::enabled(on)));
    }
    page.object("SNMP socket", snmp.socket.as_deref().unwrap_or("default (unix:/var/agentx/master)"));
    page.line(format_args!(" DBus {}", super::enabled(globals.dbus.enabled)));
    let name = &globals.dbus.service_name;
    let usual = *name == config::model::DbusSpec::default().service_name;
    page.object("DBus service name", if usual { "" } else { name });
}

fn named_pipe(page: &mut Page, label: &str, fifo: &FifoSpec, (runs, users): (bool, &Users<'_>)) {
    let Some(path) = &fifo.path else { return };
    // Of root, unless the file says another: a pipe is no script.
    let owner = fifo.owner.as_ref().map_or_else(|| "0:0".to_owned(), |owner| user(users, Some(owner)));
    page.object(label, format_args!("{path}, uid:gid {owner}"));
    if let Some(script) = &fifo.script {
        let user = user(users, script.identity.as_ref());
        let pipe = if runs { format!(" '{path}'") } else { String::new() };
        page.object(&format!("{label} script"), format_args!("{}{pipe}, uid:gid {user}", quoted(script)));
    }
}

fn socket(page: &mut Page, label: &str, buffer: SocketBuffer) {
    page.object(label, buffer.bytes.unwrap_or_default());
    page.object(&format!("{label}_force"), u8::from(buffer.force));
}

fn user(users: &Users<'_>, identity: Option<&Identity>) -> String {
    users(identity).map_or_else(|| "unknown".to_owned(), |(uid, gid)| format!("{uid}:{gid}"))
}

fn maybe(page: &mut Page, label: &str, value: Option<impl Display>) {
    if let Some(value) = value {
        page.object(label, value);
    }
}

const fn most(priority: AutoPriority) -> i16 {
    match priority {
        AutoPriority::Unset => 0,
        AutoPriority::Never => -1,
        AutoPriority::UpTo(most) => most as i16,
    }
}
