//! Entries to the model: what values mean together.
//!
//! **What can be used is used**: an entry that cannot is reported and left out, and the rest goes on. The order is
//! keepalived's: `global_defs` first, wherever they stand; then everything else in the order of the file, so that what
//! is followed has to be defined before what follows it.

mod address;
mod authentication;
mod bfd;
mod check;
mod command;
mod encapsulation;
mod global_files;
mod global_process;
mod globals;
mod instance;
mod instance_check;
mod lvs_globals;
mod options;
mod real_server;
mod route;
mod routing;
mod rule;
mod server_group;
mod statics;
mod sync_group;
mod tracker;
mod virtual_server;
mod virtual_server_check;
mod vmac;

use std::collections::{BTreeMap, BTreeSet};

use ipvs::ServiceKey;

use crate::diagnostic::{Code, Diagnostic, Effect, Report};
use crate::host::{Host, NamespaceFacts};
use crate::model::{Defaults, Model};
use crate::parse::{Events, parse};
use crate::read::{Line, is_folded, unfold};
use crate::resolve::{Entry, Memory, Table, resolve};
use crate::source::{SourceMap, Span};
use server_group::ServerGroup;
use tracker::Trackers;

/// A block, or several of one line each: each is read when its turn comes, and then forgotten.
pub struct Apart<'l> {
    /// How many entries stand before it.
    pub before: usize,
    pub lines: &'l [Line],
}

/// Makes the model.
pub fn lower(
    entries: &[Entry<'_>],
    apart: &[Apart<'_>],
    memory: &mut Memory,
    sources: &SourceMap,
    host: &dyn Host,
    diagnostics: &mut Report,
) -> Model {
    let mut lowering = Lowering {
        sources,
        host,
        diagnostics,
        model: Model::default(),
        defaults: Defaults::default(),
        trackers: Trackers::default(),
        track_groups: BTreeMap::new(),
        statics: statics::Statics::default(),
        next_preference: rule::NextPreference::default(),
        own_priority_changes: BTreeSet::new(),
        garp_interfaces: BTreeMap::new(),
        vmacs: BTreeMap::new(),
        server_groups: BTreeMap::new(),
        instances: Vec::new(),
        scripts_found: ScriptsFound::default(),
        script_user: command::DefaultUser::Unset,
        knows_interfaces: true,
        interface_missing: false,
    };
    lowering.namespace(entries);
    let globals = entries.iter().filter(|entry| entry.name() == "global_defs");
    lowering.globals(globals.flat_map(Entry::entries));
    lowering.lvs_globals(entries);
    lowering.foresee_trackers(entries);
    lowering.groups_of_servers(entries);
    let text: usize = apart.iter().flat_map(|apart| apart.lines).map(|line| line.as_str().len()).sum();
    lowering.model.reserve(text);
    let mut apart = apart.iter().peekable();
    for (index, entry) in entries.iter().enumerate() {
        while let Some(block) = apart.next_if(|block| block.before <= index) {
            lowering.apart(block, memory);
        }
        lowering.entry(entry);
    }
    for block in apart {
        lowering.apart(block, memory);
    }
    lowering.look_for_scripts();
    lowering.compare_instances();
    lowering.sync_groups(entries);
    lowering.complete_track_groups();
    lowering.complete_statics();
    lowering.report_script_security();
    lowering.model.globals.defaults = lowering.defaults;
    lowering.model
}

struct Lowering<'a> {
    sources: &'a SourceMap,
    host: &'a dyn Host,
    diagnostics: &'a mut Report,
    model: Model,
    defaults: Defaults,
    trackers: Trackers,
    /// The `track_group`s by name: their members, and where they are defined.
    track_groups: BTreeMap<String, (Vec<(String, Span)>, Span)>,
    statics: statics::Statics,
    /// Preferences of rules that name none.
    next_preference: rule::NextPreference,
    /// Instances that say themselves whether changes of their priority are told.
    own_priority_changes: BTreeSet<String>,
    /// Interfaces of the `garp_group`s.
    garp_interfaces: BTreeMap<String, Span>,
    /// Names of VMAC interfaces, and of the instances that have them.
    vmacs: BTreeMap<String, String>,
    server_groups: BTreeMap<String, ServerGroup>,
    /// Every `vrrp_instance` with a name, usable or not.
    instances: Vec<instance::Seen>,
    scripts_found: ScriptsFound,
    script_user: command::DefaultUser,
    /// Whether facts about interfaces are those of the configuration's namespace.
    knows_interfaces: bool,
    /// Whether an interface is missing, so that keepalived's VRRP process ends before it looks at scripts.
    interface_missing: bool,
}

/// The first script of each kind that would be run.
#[derive(Default)]
struct ScriptsFound {
    system: Option<Span>,
    vrrp: Option<Span>,
    checks: Option<Span>,
    lvs_fifo: Option<Span>,
    any_fifo: Option<Span>,
}

/// IPVS services by the configuration that made them.
type Services = Vec<ServiceKey>;

impl Lowering<'_> {
    fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    fn apart(&mut self, apart: &Apart<'_>, memory: &mut Memory) {
        let each = if apart.lines.first().is_some_and(is_folded) { 1 } else { apart.lines.len().max(1) };
        for block in apart.lines.chunks(each) {
            self.block(block, memory);
        }
    }

    fn block(&mut self, lines: &[Line], memory: &mut Memory) {
        let lines = unfold(lines);
        let events = Events::of(&lines, self.diagnostics);
        let tree = parse(&events, &Table, self.diagnostics);
        let mut entries = Vec::new();
        resolve(&tree, &mut entries, memory, self.diagnostics);
        for entry in &entries {
            self.entry(entry);
        }
    }

    fn entry(&mut self, entry: &Entry<'_>) {
        match entry.name() {
            "vrrp_instance" => self.instance(entry),
            "virtual_server" => self.virtual_server(entry),
            "vrrp_script" => self.script(entry),
            "track_file" => self.track_file(entry),
            "vrrp_track_process" => self.track_process(entry),
            "SSL" => self.tls(entry),
            "bfd_instance" => self.bfd_instance(entry),
            "track_group" => self.track_group(entry),
            "static_ipaddress" => self.static_addresses(entry),
            "static_routes" => self.static_routes(entry),
            "static_rules" => self.static_rules(entry),
            "garp_group" => self.garp_group(entry),
            "linkbeat_interfaces" => self.linkbeat_interfaces(entry),
            "interface_up_down_delays" => self.interface_delays(entry),
            // Read before: global_defs and virtual_server_group. Read after: vrrp_sync_group.
            _ => self.root_setting(entry),
        }
    }

    /// keepalived enters its namespace before it looks at anything else, and ends if there is none.
    fn namespace(&mut self, entries: &[Entry<'_>]) {
        let Some(entry) = entries.iter().find(|entry| entry.name() == "net_namespace") else { return };
        let facts = self.host.enter_namespace(entry.text());
        self.knows_interfaces = facts == NamespaceFacts::Entered;
        if facts != NamespaceFacts::Missing {
            return;
        }
        let message = format!("there is no network namespace `{}`", entry.text());
        let diagnostic =
            Diagnostic::error(Code::UnknownNamespace, Effect::NoNamespace, entry.value_span(), message)
                .label("the daemon ends here with status 0, and so does a test")
                .hint("make it first: `ip netns add NAME`");
        self.report(diagnostic);
    }

    /// Whether an interface may be used; reports it if it does not exist and may not come later.
    fn interface_exists(&mut self, name: &str, span: Span, what: &str) -> bool {
        let lenient = self.model.globals.dynamic_interfaces || !self.knows_interfaces;
        if lenient || self.host.interface(name).is_some() {
            return true;
        }
        self.interface_missing = true;
        let message = format!("there is no interface `{name}`{what}");
        let diagnostic = Diagnostic::error(Code::UnknownInterface, Effect::Unusable, span, message)
            .label("the daemon does not start with this")
            .hint("correct the name, or write `dynamic_interfaces` in global_defs if it comes later");
        self.report(diagnostic);
        false
    }
}
