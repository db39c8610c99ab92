//! `config_save_dir`: a folder that keeps what was configured, and what came of it.
//!
//! It gets the configuration at the start and at each reload (`keepalived.conf.PID.N`), and what the children know right
//! before reload N and right after it (`keepalived_vrrp.PID.N.pre`, `.post`, and `keepalived_check`), as 2.2.7 writes
//! them. **A reload waits for what was before it**: a child that has the new configuration cannot tell it any more.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use config::print::Form;

use super::{Daemon, Role};
use crate::configuration::{self, Configuration};
use crate::dump::{self, Part};
use crate::host::ThisHost;
use crate::ipc::{Dump, Side, ToChecker, ToVrrp};

/// What is known of the folder.
#[derive(Debug, Default)]
pub struct Saves {
    /// The number of the next configuration that is saved.
    number: u32,
    /// A configuration that waits, and for whom.
    waiting: Option<(Configuration, Vec<Role>)>,
}

impl Saves {
    /// A configuration waits.
    pub const fn is_under_way(&self) -> bool {
        self.waiting.is_some()
    }
}

impl Daemon {
    /// Has what is known written down, and then puts a configuration into effect.
    pub(super) fn save_before(&mut self, configuration: Configuration) {
        let roles = self.ask_to_save(Side::Before, self.saves.number);
        if roles.is_empty() {
            return self.change_to(configuration);
        }
        self.saves.waiting = Some((configuration, roles));
    }

    /// What a child knew is written down, or lost with it.
    pub(super) fn saved_before(&mut self, role: Role) {
        if let Some((_, roles)) = &mut self.saves.waiting {
            roles.retain(|awaited| *awaited != role);
        }
        if let Some((configuration, _)) = self.saves.waiting.take_if(|(_, roles)| roles.is_empty())
            && self.ending.is_none()
        {
            self.change_to(configuration);
        }
    }

    /// Has what is known written down once the children have their configuration.
    pub(super) fn save_after(&self) {
        // That of the configuration that has been saved.
        self.ask_to_save(Side::After, self.saves.number.saturating_sub(1));
    }

    /// Asks the children; returns who will answer.
    fn ask_to_save(&self, side: Side, number: u32) -> Vec<Role> {
        if self.configuration.rest.globals.files.config_save_dir.is_none() {
            return Vec::new();
        }
        let dump = Dump::Saved(side, number);
        let running = self.children.iter().filter(|(_, child)| !child.stopping);
        running
            .map(|(role, child)| {
                match role {
                    Role::Vrrp => child.send(&ToVrrp::Report(dump)),
                    Role::Checker => child.send(&ToChecker::Report(dump)),
                }
                *role
            })
            .collect()
    }

    /// Writes down what a child has said.
    pub(super) fn save(&self, part: Part, (side, number): (Side, u32), text: &str) {
        let (role, name) = match part {
            Part::Vrrp => (Role::Vrrp, "vrrp"),
            Part::Checker => (Role::Checker, "check"),
            Part::Bfd | Part::Parent => return,
        };
        let end = match side {
            Side::Before => "pre",
            Side::After => "post",
        };
        if let Some(child) = self.children.get(&role) {
            self.put_aside(&format!("keepalived_{name}.{}.{number}.{end}", child.pid), text);
        }
    }

    /// Writes down the configuration, as it is understood.
    pub(super) fn save_configuration(&mut self) {
        if self.configuration.rest.globals.files.config_save_dir.is_none() {
            return;
        }
        let number = self.saves.number;
        self.saves.number += 1;
        let options = &self.options;
        let (_, text) = configuration::load_and_print(
            &options.file,
            &options.reading,
            ThisHost { settled: true },
            Form { full: false, redact: false },
        );
        self.put_aside(&format!("keepalived.conf.{}.{number}", std::process::id()), &text);
    }

    /// Puts a file into the folder, for the user alone.
    fn put_aside(&self, name: &str, text: impl AsRef<[u8]>) {
        let Some(folder) = &self.configuration.rest.globals.files.config_save_dir else { return };
        let path = Path::new(folder).join(name);
        if let Err(error) = make(folder).and_then(|()| dump::write(&path, text.as_ref(), 0o177)) {
            tracing::warn!("cannot write {}: {error}", path.display());
        }
    }
}

fn make(folder: &str) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}
