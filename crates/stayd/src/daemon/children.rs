//! The children: which of them are to run, what they are told, and what their ends mean.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use checker::{Followed, ProbeSpec, VirtualServerSpec};
use config::model::{IpvsNamespace, Model, Packed};
use vrrp::{StateName, TrackerId, TrackerKind, TrackerState};

use super::child::{Child, Ended};
use super::kept::Kept;
use super::{Daemon, Role};
use crate::configuration::Configuration;
use crate::exit::Exit;
use crate::ipc::{self, Scripts, ToChecker, ToVrrp};
use crate::namespace;
use crate::notify::Users;
use crate::scheduling::Rise;

impl Daemon {
    pub(super) fn is_wanted(&self, role: Role) -> bool {
        let all = self.options.all;
        match role {
            Role::Vrrp => {
                let router = &self.configuration.vrrp;
                let some = !router.instances.is_empty() || !router.statics.is_empty();
                self.options.wants_vrrp() && (all || some)
            }
            Role::Checker => {
                // The sync daemon of an instance that is not there has nobody to follow.
                let exists = |name: &String| {
                    self.configuration.vrrp.instances.iter().any(|instance| instance.name == *name)
                };
                let sync_daemon = self.configuration.rest.lvs.sync_daemon.as_ref();
                let syncs = sync_daemon.is_some_and(|daemon| daemon.instance.as_ref().is_none_or(exists));
                self.options.wants_checker()
                    && (all || syncs || !self.configuration.virtual_servers.is_empty())
            }
        }
    }

    pub(super) fn spawn(&mut self, role: Role, resume: bool) {
        self.generation += 1;
        let first = if role == Role::Checker { self.first.take() } else { None };
        let has_configuration = first.is_some();
        let child = match first {
            Some(first) => Child::adopt(first, self.generation, &self.sender),
            None => Child::spawn(role, self.generation, &self.pid_files.child(role), &self.sender),
        };
        match child {
            Ok(child) => {
                self.idents.set_pid(role.name(), child.pid);
                tracing::info!("started the {} process, pid {}", role.name(), child.pid);
                self.children.insert(role, child);
            }
            Err(error) => {
                tracing::error!("cannot start the {} process: {error}", role.name());
                self.backoffs.entry(role).or_default().died(Duration::ZERO);
                return;
            }
        }
        self.send_found(role);
        if resume {
            self.send_snapshot(role);
        }
        self.send_track(role);
        self.awaited.push(role);
        if has_configuration {
            self.send_checker_settings();
        } else {
            self.send_configuration(role);
        }
    }

    /// Also to the first one: another run may have been killed.
    fn send_found(&mut self, role: Role) {
        if let (Role::Vrrp, Some(child)) = (role, self.children.get(&role))
            && !self.found.settings().is_empty()
        {
            child.send(&ToVrrp::Found(self.found.settings().clone()));
        }
    }

    fn send_snapshot(&mut self, role: Role) {
        let Some(child) = self.children.get(&role) else { return };
        match role {
            Role::Vrrp => {
                if !self.instances.is_empty() {
                    child.send(&ToVrrp::Resume(self.instances.values().cloned().collect()));
                }
            }
            Role::Checker => {
                if let Some(message) = self.kept.message(&self.configuration.virtual_servers) {
                    child.send(&message);
                }
            }
        }
    }

    /// Before the configuration: an instance shall not start from less than is known.
    pub(super) fn send_track(&self, role: Role) {
        let Some(child) = self.children.get(&role) else { return };
        if role == Role::Vrrp {
            for (name, up) in self.linkbeats.states() {
                child.send(&ToVrrp::Linkbeat(name.clone(), *up));
            }
        }
        for (tracker, state) in self.trackers.states().clone() {
            match role {
                Role::Vrrp => child.send(&ToVrrp::Track { tracker, state }),
                Role::Checker => {
                    if let Some(message) = to_checker(&tracker, state) {
                        child.send(&message);
                    }
                }
            }
        }
    }

    pub(super) fn send_configuration(&self, role: Role) {
        let Some(child) = self.children.get(&role) else { return };
        match role {
            Role::Vrrp => {
                let globals = &self.configuration.rest.globals;
                let named = globals.daemon.named(&globals.daemon.vrrp, "keepalived_vrrp");
                child.send(&ToVrrp::Schedule(named, Rise::of(&globals.daemon)));
                child.send(&ToVrrp::Filter(globals.firewall.nftables.clone()));
                let vrrp = &globals.vrrp;
                child.send(&ToVrrp::Buffers(vrrp.receive_buffer, vrrp.receive_buffer_packets));
                child.send(&ToVrrp::Configure(Box::new(self.configuration.vrrp.clone())));
            }
            Role::Checker => {
                self.send_checker_settings();
                let Configuration { virtual_servers: servers, rest, .. } = &self.configuration;
                child.send(&ToChecker::Configure {
                    servers: servers.clone(),
                    lvs: Box::new(rest.lvs.clone()),
                    marked: self.marked.clone(),
                    seed: self.configuration.seed(),
                    scripts: check_scripts(rest, servers),
                });
            }
        }
    }

    /// What the checker process is told before its virtual servers.
    fn send_checker_settings(&self) {
        let Some(child) = self.children.get(&Role::Checker) else { return };
        self.tell_sync_daemon();
        let daemon = &self.configuration.rest.globals.daemon;
        let place = match &daemon.ipvs_namespace {
            IpvsNamespace::Same => None,
            IpvsNamespace::Initial => Some(namespace::default()),
            IpvsNamespace::Named(name) => Some(namespace::place(name)),
        };
        if let Some(place) = place {
            child.send(&ToChecker::Place(place));
        }
        let named = daemon.named(&daemon.checker, "keepalived_lvs");
        child.send(&ToChecker::Schedule(named, Rise::of(daemon)));
    }

    /// Tells the checker process whether the instance of `lvs_sync_daemon` is master.
    pub(super) fn tell_sync_daemon(&self) {
        let sync_daemon = self.configuration.rest.lvs.sync_daemon.as_ref();
        if let Some(instance) = sync_daemon.and_then(|daemon| daemon.instance.as_ref())
            && let Some(child) = self.children.get(&Role::Checker)
        {
            child.send(&ToChecker::Master(self.states.get(instance) == Some(&StateName::Master)));
        }
    }

    pub(super) fn send_stop(&mut self, role: Role) {
        if let Some(child) = self.children.get_mut(&role) {
            child.stopping = true;
            match role {
                Role::Vrrp => child.send(&ToVrrp::Stop),
                Role::Checker => child.send(&ToChecker::Stop),
            }
        }
    }

    pub(super) fn child_ended(&mut self, role: Role, ended: Ended) {
        let Some(child) = self.children.remove(&role) else { return };
        let name = role.name();
        if child.stopping {
            tracing::info!("the {name} process has ended: {ended}");
            self.forget(role);
            if self.ending.is_some() {
                self.stop_next();
            } else if self.is_wanted(role) {
                self.spawn(role, false);
            }
            return;
        }
        tracing::error!("the {name} process ended unexpectedly: {ended}");
        if let Ended::Exit(exit) = ended
            && exit.is_permanent()
        {
            self.forget(role);
            self.end(exit);
            return;
        }
        if self.options.dont_respawn {
            self.forget(role);
            self.end(Exit::Normal);
            return;
        }
        self.backoffs.entry(role).or_default().died(child.started.elapsed());
        if self.awaited.contains(&role) {
            // What waits for it would wait until it is started again.
            self.reload_done();
        }
    }

    /// What an ended process knew is of no use to a later one.
    fn forget(&mut self, role: Role) {
        match role {
            Role::Vrrp => {
                self.instances.clear();
                self.found.set(BTreeMap::new());
                self.states.clear();
            }
            Role::Checker => self.kept = Kept::default(),
        }
    }
}

/// What the checker process needs to know of the host to run commands: looking users up can take long, so that we do.
pub(super) fn check_scripts(rest: &Model, servers: &Packed<VirtualServerSpec>) -> Scripts {
    let mut users = Users::new(rest);
    let servers = servers.iter().flat_map(|server| server.real_servers);
    let scripts = servers.flat_map(|server| server.checks).filter_map(|check| match check.probe {
        ProbeSpec::Misc(script) => Some(script),
        _ => None,
    });
    let identities: BTreeSet<_> = scripts.map(|script| ipc::script_identity(&script)).collect();
    let users = identities.into_iter().filter_map(|identity| {
        let user = users.user(identity.as_ref())?;
        Some((identity, user))
    });
    Scripts { users: users.collect(), umask: rest.globals.files.umask }
}

/// What real servers may follow, for their process.
pub(super) fn to_checker(tracker: &TrackerId, state: TrackerState) -> Option<ToChecker> {
    match (tracker.kind, state) {
        (TrackerKind::File, TrackerState::Value(value)) => {
            Some(ToChecker::Follow { what: Followed::File(tracker.name.clone()), value })
        }
        _ => None,
    }
}
