//! `keepalived.data` and its companions: everything that is configured and what has become of it, for people and for
//! parsers that look for ` VRRP Instance = ` and ` VRRP Script = `.
//!
//! One space before an object, three before what it has, five before the entries of a list. Of what keepalived shows of its
//! own insides (pointers, the times of its timers) the lines are there.

mod announce;
mod global;
mod instance;
mod links;
mod servers;
mod sessions;
mod sockets;
mod trackers;

use std::fmt::Display;

use checker::VirtualServerSpec;
use config::model::{Command, Model, NotifySpec, ServerEvents};
use global::Shared;
use vrrp::RouterSpec;

use super::{CheckerFacts, Users, VrrpView, held, quoted};

/// What stands for a password.
const HIDDEN: &str = "********";

/// A text with sections that are there only if they have something to say.
#[derive(Default)]
struct Page(String);

impl Page {
    fn section(&mut self, title: &str) {
        self.line(format_args!("------< {title} >------"));
    }

    fn line(&mut self, line: impl Display) {
        use std::fmt::Write;
        // Writing to a string does not fail.
        let _ = writeln!(self.0, "{line}");
    }

    fn object(&mut self, label: &str, value: impl Display) {
        self.line(format_args!(" {label} = {value}"));
    }

    fn attribute(&mut self, label: &str, value: impl Display) {
        self.line(format_args!("   {label} = {value}"));
    }

    fn maybe(&mut self, label: &str, value: Option<impl Display>) {
        if let Some(value) = value {
            self.attribute(label, value);
        }
    }

    fn list<T: Display>(&mut self, heading: &str, entries: impl IntoIterator<Item = T>) {
        let mut entries = entries.into_iter().peekable();
        if entries.peek().is_some() {
            self.line(format_args!("   {heading}"));
        }
        for entry in entries {
            self.line(format_args!("     {entry}"));
        }
    }

    fn scripts(&mut self, view: &VrrpView<'_>, notify: &NotifySpec) {
        self.scripts_with(view, notify, None);
    }

    /// With that of `notify_deleted`, which groups do not have.
    fn scripts_with(&mut self, view: &VrrpView<'_>, notify: &NotifySpec, deleted: Option<&Command>) {
        let scripts = [
            ("Backup", notify.backup.as_ref()),
            ("Master", notify.master.as_ref()),
            ("Fault", notify.fault.as_ref()),
            ("Stop", notify.stop.as_ref()),
            ("Deleted", deleted),
            ("Generic", notify.any.as_ref()),
        ];
        for (what, command) in scripts {
            self.script(view, what, command);
        }
    }

    fn script(&mut self, view: &VrrpView<'_>, what: &str, command: Option<&Command>) {
        if let Some(command) = command {
            let user = user(view, command.identity.as_ref());
            let label = format!("{what} state transition script");
            self.attribute(&label, format_args!("{}, uid:gid {user}", quoted(command)));
        }
    }
}

fn user(view: &VrrpView<'_>, identity: Option<&config::model::Identity>) -> String {
    (view.users)(identity).map_or_else(|| "unknown".to_owned(), |(uid, gid)| format!("{uid}:{gid}"))
}

/// What follows a weight that counts the other way round.
const fn reversed(reverse: bool) -> &'static str {
    if reverse { " reverse" } else { "" }
}

const fn yes(yes: bool) -> &'static str {
    if yes { "yes" } else { "no" }
}

const fn enabled(enabled: bool) -> &'static str {
    if enabled { "enabled" } else { "disabled" }
}

/// The parent's file.
pub fn parent(router: &RouterSpec, model: &Model, users: &Users<'_>) -> String {
    let mut page = Page::default();
    global::page(&mut page, &Shared { model, router, users, parent: true, own: None });
    page.0
}

/// The file of the BFD process.
pub fn bfd(router: &RouterSpec, model: &Model, users: &Users<'_>) -> String {
    let mut page = Page::default();
    let own = Some(&model.globals.daemon.bfd);
    global::page(&mut page, &Shared { model, router, users, parent: true, own });
    sessions::page(&mut page, &model.bfd);
    page.0
}

/// The checker process's file.
pub fn checker(
    router: &RouterSpec,
    (servers, events, model): (&[VirtualServerSpec], &[ServerEvents], &Model),
    facts: &CheckerFacts<'_>,
    users: &Users<'_>,
) -> String {
    let mut page = Page::default();
    // What only VRRP resolves is not given here, as in the parent.
    global::page(
        &mut page,
        &Shared { model, router, users, parent: true, own: Some(&model.globals.daemon.checker) },
    );
    if !servers.is_empty() {
        servers::page(&mut page, &servers::ServersView { model, servers, events, facts, users });
    }
    page.0
}

/// The VRRP process's file.
pub fn vrrp(view: &VrrpView<'_>) -> String {
    let mut page = Page::default();
    let (model, router) = (view.model, &view.router);
    global::page(
        &mut page,
        &Shared { model, router, users: view.users, parent: false, own: Some(&model.globals.daemon.vrrp) },
    );
    announce::page(&mut page, view);
    statics(&mut page, view);
    if !view.router.instances.is_empty() {
        page.section("VRRP Topology");
        for (spec, status) in view.instances() {
            instance::page(&mut page, view, spec, status);
        }
    }
    sockets::page(&mut page, view);
    trackers::groups(&mut page, view);
    trackers::scripts(&mut page, view);
    trackers::files(&mut page, view);
    trackers::processes(&mut page, view);
    trackers::sessions(&mut page, view);
    links::page(&mut page, view);
    page.0
}

fn statics(page: &mut Page, view: &VrrpView<'_>) {
    let (mut addresses, mut routes, mut rules) = (Vec::new(), Vec::new(), Vec::new());
    for held in &view.router.statics {
        match held {
            vrrp::Held::Address(address) => {
                let link = view.link(&address.interface);
                let set = link.is_some_and(|link| link.addresses.contains(&address.address));
                addresses.push(held::address(address, &view.bases, held::Presence { set, filtered: false }));
            }
            vrrp::Held::Route(route) => routes.push(held::route(route)),
            vrrp::Held::Rule(rule) => rules.push(held::rule(rule)),
        }
    }
    for (title, lines) in
        [("Static Addresses", addresses), ("Static Routes", routes), ("Static Rules", rules)]
    {
        if !lines.is_empty() {
            page.section(title);
        }
        for line in lines {
            page.line(format_args!("     {line}"));
        }
    }
    if !view.router.track_groups.is_empty() {
        page.section("Static Track groups");
    }
    for (name, members) in &view.router.track_groups {
        page.object("Static Track Group", name);
        page.list("VRRP member instances :", members);
    }
}
