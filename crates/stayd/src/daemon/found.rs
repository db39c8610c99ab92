//! Settings of the kernel as the VRRP process found them before it changed them.
//!
//! **They outlive a kill of all processes** in a file beside the pid file, which is there for as long as a setting is changed:
//! the next run would take what it finds for the interfaces' own.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use net::sysctl::Setting;

use crate::dump;

pub(super) struct Found {
    path: PathBuf,
    settings: BTreeMap<Setting, i32>,
}

impl Found {
    /// What a run has left that was killed; nothing, if there was none.
    pub(super) fn left_at(path: PathBuf) -> Self {
        let settings = match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice::<Vec<_>>(&bytes).unwrap_or_else(|error| {
                tracing::warn!("{}: {error}", path.display());
                Vec::new()
            }),
            Err(error) => {
                if error.kind() != io::ErrorKind::NotFound {
                    tracing::warn!("cannot read {}: {error}", path.display());
                }
                Vec::new()
            }
        };
        Self { path, settings: settings.into_iter().collect() }
    }

    pub(super) const fn settings(&self) -> &BTreeMap<Setting, i32> {
        &self.settings
    }

    pub(super) fn set(&mut self, settings: BTreeMap<Setting, i32>) {
        self.settings = settings;
        if let Err(error) = write(&self.path, &self.settings) {
            tracing::warn!("cannot write {}: {error}", self.path.display());
        }
    }
}

/// The whole file, or none: what is half written would be read.
fn write(path: &Path, settings: &BTreeMap<Setting, i32>) -> io::Result<()> {
    if settings.is_empty() {
        return match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        };
    }
    dump::write(path, &serde_json::to_vec(&settings.iter().collect::<Vec<_>>())?, 0o022)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_found_is_there_after_a_kill_and_no_file_is_when_nothing_is_changed() {
        let path = std::env::temp_dir().join(format!("stayd-{}.found", std::process::id()));
        let settings = BTreeMap::from([(("ipv4".into(), "eth0".into(), "arp_ignore".into()), 2)]);
        Found::left_at(path.clone()).set(settings.clone());
        let mut left = Found::left_at(path.clone());
        assert_eq!(*left.settings(), settings);
        left.set(BTreeMap::new());
        assert!(!path.exists());
        assert!(Found::left_at(path).settings().is_empty());
    }
}
