//! The files that signals ask for: who is asked, and what is written when the answer is in.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use checker::{Knowledge, ProbeSpec, Scheduler};
use config::model::Identity;
use vrrp::InstanceStatus;

use super::{Daemon, Role};
use crate::dump::{self, Calendar, CheckerFacts, File, Part, Places, VrrpFacts, VrrpView};
use crate::ipc::{Dump, LastRun, SocketView, ToChecker, ToVrrp};
use crate::notify::Users;

impl Daemon {
    /// Asks the children for what they alone know, and writes the parent's own file.
    pub(super) fn ask_for(&self, dump: Dump) {
        if matches!(dump, Dump::Data | Dump::Log) {
            let model = &self.configuration.rest;
            let numbers = |identity: Option<&Identity>| self.numbers(identity);
            let text = dump::parent(&self.configuration.vrrp, model, &numbers);
            self.put(dump, Part::Parent, &text);
            if !model.bfd.is_empty() && !self.options.no_bfd {
                self.put(dump, Part::Bfd, &dump::bfd(&self.configuration.vrrp, model, &numbers));
            }
            if let Some(child) = self.children.get(&Role::Checker) {
                child.send(&ToChecker::Report(dump));
            }
        }
        if let Some(child) = self.children.get(&Role::Vrrp) {
            child.send(&ToVrrp::Report(dump));
        }
    }

    /// Writes what the VRRP process has said.
    pub(super) fn write_vrrp(&self, asked: Dump, statuses: &[InstanceStatus], sockets: &[SocketView]) {
        let links = match asked {
            Dump::Data | Dump::Log | Dump::Saved(..) => net::survey().unwrap_or_else(|error| {
                tracing::error!("cannot read the interfaces: {error}");
                Vec::new()
            }),
            Dump::Stats | Dump::StatsClear | Dump::Json => Vec::new(),
        };
        let watched = self.trackers.watched();
        let configuration = &self.configuration;
        let numbers = |identity: Option<&Identity>| self.numbers(identity);
        let view = VrrpView::new(
            (&configuration.vrrp, &configuration.rest),
            VrrpFacts { statuses, sockets, links: &links, found: self.found.settings(), watched: &watched },
            calendar(),
            &numbers,
        );
        match asked {
            Dump::Data | Dump::Log | Dump::Saved(..) => self.put(asked, Part::Vrrp, &dump::vrrp(&view)),
            Dump::Stats | Dump::StatsClear => self.write(File::Stats, &dump::stats(&view)),
            Dump::Json => {
                if let Some(text) = dump::json(&view) {
                    self.write(File::Json, &text);
                }
            }
        }
    }

    /// Writes what the checker process has said.
    pub(super) fn write_checker(
        &self,
        asked: Dump,
        knowledge: Knowledge,
        last: &BTreeMap<ProbeSpec, LastRun>,
    ) {
        if let Some(child) =
            self.children.get(&Role::Checker).filter(|_| self.awaited.contains(&Role::Checker))
        {
            // That was about the servers of the configuration before: once more, of those that it has then.
            child.send(&ToChecker::Report(asked));
            return;
        }
        let servers: Vec<_> = self.configuration.virtual_servers.iter().collect();
        let scheduler = match Scheduler::resume(net::now(), knowledge, servers.iter().cloned()) {
            Ok(scheduler) => scheduler,
            Err(error) => {
                tracing::error!("cannot tell what the checker process says of its checks: {error}");
                return;
            }
        };
        let model = &self.configuration.rest;
        let numbers = |identity: Option<&Identity>| self.numbers(identity);
        let events: Vec<_> = model.server_events.iter().collect();
        let served = (servers.as_slice(), events.as_slice(), model);
        let router = &self.configuration.vrrp;
        let facts = CheckerFacts {
            scheduler: &scheduler,
            last,
            trackers: self.trackers.states(),
            calendar: calendar(),
        };
        self.put(asked, Part::Checker, &dump::checker(router, served, &facts, &numbers));
    }

    /// Puts data where it is asked for: into a file, or line by line into the log.
    fn put(&self, asked: Dump, part: Part, text: &str) {
        match asked {
            Dump::Log => {}
            Dump::Saved(side, number) => return self.save(part, (side, number), text),
            _ => return self.write(File::Data(part), text),
        }
        for line in text.lines() {
            match part {
                Part::Parent => tracing::info!("{line}"),
                Part::Vrrp => tracing::info!(process = "vrrp", "{line}"),
                Part::Checker => tracing::info!(process = "checker", "{line}"),
                Part::Bfd => tracing::info!(process = "bfd", "{line}"),
            }
        }
    }

    /// The numbers of the user and group that a script runs as.
    fn numbers(&self, identity: Option<&Identity>) -> Option<(u32, u32)> {
        Users::new(&self.configuration.rest).user(identity).map(|user| user.numbers())
    }

    fn write(&self, file: File, text: &str) {
        let globals = &self.configuration.rest.globals;
        let folder = temporary_folder();
        let daemon = &globals.daemon;
        let names = [daemon.namespace.as_deref(), daemon.instance.as_deref()];
        let path = Places { files: &globals.files, folder: &folder, names }.path(file);
        if let Err(error) = dump::write(&path, text.as_bytes(), globals.files.umask) {
            tracing::error!("cannot write {}: {error}", path.display());
        }
    }
}

/// keepalived's rule: `TMPDIR` if it is absolute and exists.
fn temporary_folder() -> PathBuf {
    let named = std::env::var_os("TMPDIR").map(PathBuf::from);
    named
        .filter(|folder| folder.is_absolute() && folder.is_dir())
        .unwrap_or_else(|| Path::new("/tmp").to_owned())
}

fn calendar() -> Calendar {
    let unix = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Calendar { now: net::now(), unix_micros: i64::try_from(unix.as_micros()).unwrap_or_default() }
}
