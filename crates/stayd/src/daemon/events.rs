//! What the parent hears, and what it does then.

use sd_notify::NotifyState;
use vrrp::{StateName, Subject, What};

use super::children::to_checker;
use super::signals::Order;
use super::{Daemon, Event, Role, tell_systemd};
use crate::exit::Exit;
use crate::ipc::{Dump, FromChecker, FromVrrp, Side, ToVrrp};
use crate::{log, memory};

impl Daemon {
    pub(super) fn handle(&mut self, event: Event) {
        match event {
            Event::Vrrp(generation, message) => {
                if self.is_current(Role::Vrrp, generation) {
                    self.hear_vrrp(message);
                }
            }
            Event::Checker(generation, message) => {
                if self.is_current(Role::Checker, generation) {
                    self.hear_checker(message);
                }
            }
            Event::Stderr(role, line) => tracing::error!(process = role.name(), "{line}"),
            Event::Ended(generation, role, ended) => {
                if self.is_current(role, generation) {
                    self.child_ended(role, ended);
                    self.saved_before(role);
                }
            }
            Event::Track(serial, tracker, state) => {
                if self.trackers.heard(serial, &tracker, state) {
                    if let Some(child) = self.children.get(&Role::Checker)
                        && let Some(message) = to_checker(&tracker, state)
                    {
                        child.send(&message);
                    }
                    if let Some(child) = self.children.get(&Role::Vrrp) {
                        child.send(&ToVrrp::Track { tracker, state });
                    }
                }
            }
            Event::Linkbeat(name, up) => {
                if self.linkbeats.heard(&name, up) {
                    tracing::info!(
                        "the driver of {name} says that its link is {}",
                        if up { "up" } else { "down" }
                    );
                    if let Some(child) = self.children.get(&Role::Vrrp) {
                        child.send(&ToVrrp::Linkbeat(name, up));
                    }
                }
            }
            Event::ReloadTime => self.read_reload_time(),
            Event::Order(Order::Stop) => self.end(Exit::Normal),
            Event::Order(Order::Reload) => self.reload(),
            Event::Order(Order::Dump(dump)) => self.ask_for(dump),
        }
    }

    pub(super) fn is_current(&self, role: Role, generation: u64) -> bool {
        self.children.get(&role).is_some_and(|child| child.generation == generation)
    }

    fn hear_vrrp(&mut self, message: FromVrrp) {
        match message {
            FromVrrp::Configured => self.child_ready(Role::Vrrp),
            FromVrrp::Transition(transition) => {
                tracing::info!(process = "vrrp", "{transition}");
                self.notifier.transition(&transition);
                if let Subject::Instance(name) = transition.subject {
                    if transition.to == StateName::Stop {
                        self.states.remove(&name);
                    } else {
                        self.states.insert(name, transition.to);
                    }
                    self.tell_sync_daemon();
                }
                if self.awaited.is_empty() {
                    self.tell_status();
                }
            }
            FromVrrp::Event(event) => {
                tracing::info!(process = "vrrp", "{event}");
                match event.what {
                    What::LowerMaster { .. } => self.notifier.lower_priority_heard(&event.instance),
                    What::PriorityChanged { to, .. } => {
                        self.notifier.priority_changed(&event.instance, to.get());
                    }
                    _ => {}
                }
            }
            FromVrrp::Snapshots(snapshots) => {
                for snapshot in snapshots {
                    self.instances.insert(snapshot.key.clone(), snapshot);
                }
            }
            FromVrrp::Found(settings) => self.found.set(settings),
            FromVrrp::Report { asked, instances, sockets } => {
                self.write_vrrp(asked, &instances, &sockets);
                if matches!(asked, Dump::Saved(Side::Before, _)) {
                    self.saved_before(Role::Vrrp);
                }
            }
            FromVrrp::Reload => self.reload(),
            FromVrrp::Line(line) => log::line("vrrp", &line),
        }
    }

    fn hear_checker(&mut self, message: FromChecker) {
        match message {
            FromChecker::Configured => self.child_ready(Role::Checker),
            // One about the configuration before is followed by another soon.
            FromChecker::Snapshot(_) if self.awaited.contains(&Role::Checker) => {}
            FromChecker::Snapshot(snapshot) => {
                if self.kept.hear(snapshot) {
                    memory::let_go_of_code();
                }
            }
            FromChecker::Report(asked, knowledge, last) => {
                self.write_checker(asked, knowledge, &last);
                if matches!(asked, Dump::Saved(Side::Before, _)) {
                    self.saved_before(Role::Checker);
                }
            }
            FromChecker::Reload => self.reload(),
            FromChecker::Changed(changes) => {
                for change in &changes {
                    self.notifier.server_changed(change);
                }
            }
            FromChecker::Line(line) => log::line("checker", &line),
        }
    }

    /// A child has put its configuration into effect; when all have, the daemon is ready.
    fn child_ready(&mut self, role: Role) {
        self.awaited.retain(|awaited| *awaited != role);
        if role == Role::Checker {
            self.notifier.settled();
        }
        memory::give_back();
        if self.awaited.is_empty() && self.ending.is_none() {
            memory::let_go_of_code();
            tell_systemd(&[NotifyState::Ready]);
            self.tell_status();
            self.reload_done();
        }
    }
}
