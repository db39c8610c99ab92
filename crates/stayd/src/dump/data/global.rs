//! The section that every file begins with.

use std::fmt::Display;

use config::model::{AutoPriority, FifoSpec, Globals, IpvsNamespace, Model, ProcessSpec};

use super::Page;

pub(super) fn page(page: &mut Page, globals: &Globals, model: &Model) {
    page.section("Global definitions");
    daemon(page, globals);
    mail(page, globals);
    page.object("Checkers log all failures", model.lvs.log_all_failures);
    page.object("Dynamic interfaces", globals.dynamic_interfaces);
    if globals.dynamic_interfaces {
        page.object("Allow interface changes", globals.vrrp.interfaces_may_change);
    }
    page.object("Default interface", &globals.vrrp.default_interface);
    page.object("Disable local IGMP", super::yes(globals.vrrp.disable_local_igmp));
    page.object("LVS flush", model.lvs.flush);
    fifo(page, "Global notify fifo", &globals.fifos.all);
    fifo(page, "VRRP notify fifo", &globals.fifos.vrrp);
    fifo(page, "LVS notify fifo", &globals.fifos.lvs);
    page.object("FIFO write vrrp states on reload", globals.fifos.states_on_reload);
    if globals.firewall.nftables.asked_for {
        page.object("nftables table name", &globals.firewall.nftables.table);
        page.object("nftables base chain priority", globals.firewall.nftables.priority);
    }
    page.object("Max auto priority", most(globals.daemon.auto_priority));
    page.object(
        "Min auto priority delay",
        format_args!("{} usecs", globals.daemon.auto_priority_delay.as_micros()),
    );
    process(page, "VRRP", &globals.daemon.vrrp);
    process(page, "Checker", &globals.daemon.checker);
    process(page, "BFD", &globals.daemon.bfd);
    for (part, on) in [
        ("vrrp", globals.snmp.vrrp),
        ("checker", globals.snmp.checker),
        ("RFCv2", globals.snmp.rfc_v2),
        ("RFCv3", globals.snmp.rfc_v3),
        ("traps", globals.snmp.traps),
    ] {
        page.line(format_args!(" SNMP {part} {}", super::enabled(on)));
    }
    page.line(format_args!(" DBus {}", super::enabled(globals.dbus.enabled)));
    page.line(format_args!(" Script security {}", super::enabled(globals.script_security)));
    page.object("rs_init_notifies", u8::from(model.lvs.init_notifies));
    page.object("no_checker_emails", u8::from(globals.mail.no_checkers));
    page.object("rx_bufs_multiples", globals.vrrp.receive_buffer_packets);
    page.object("umask", format_args!("0{:03o}", globals.files.umask));
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
    maybe(page, "VRRP process name", daemon.vrrp.name.as_ref());
    maybe(page, "LVS process name", daemon.checker.name.as_ref());
    maybe(page, "BFD process name", daemon.bfd.name.as_ref());
    maybe(page, "Router ID", globals.router_id.as_ref());
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
}

fn process(page: &mut Page, name: &str, spec: &ProcessSpec) {
    page.object(&format!("{name} process priority"), spec.nice.unwrap_or_default());
    page.object(&format!("{name} don't swap"), spec.no_swap);
    page.object(&format!("{name} realtime priority"), spec.realtime.unwrap_or_default());
    page.object(&format!("{name} realtime limit"), spec.realtime_limit.as_micros());
}

fn fifo(page: &mut Page, label: &str, fifo: &FifoSpec) {
    maybe(page, label, fifo.path.as_ref());
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
