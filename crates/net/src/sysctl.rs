//! Settings of the kernel under `/proc/sys/net`: those of an interface, and those of a whole family.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;

/// Instead of an interface: the setting is one of the family.
pub const FAMILY: &str = "";

fn path(family: &str, interface: &str, name: &str) -> PathBuf {
    if interface == FAMILY {
        return ["/proc/sys/net", family, name].iter().collect();
    }
    ["/proc/sys/net", family, "conf", interface, name].iter().collect()
}

/// What `sysctl` calls a setting.
pub fn dotted((family, interface, name): &Setting) -> String {
    if interface == FAMILY {
        return format!("net.{family}.{name}");
    }
    format!("net.{family}.conf.{interface}.{name}")
}

/// The value of `net.FAMILY.conf.INTERFACE.NAME`, or of `net.FAMILY.NAME` ([`FAMILY`]).
///
/// # Errors
/// The setting does not exist, or is no number.
pub fn read(family: &str, interface: &str, name: &str) -> io::Result<i32> {
    let text = fs::read_to_string(path(family, interface, name))?;
    text.trim().parse().map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

/// Whether a setting is there and not 0.
pub fn read_flag(family: &str, interface: &str, name: &str) -> bool {
    read(family, interface, name).is_ok_and(|value| value != 0)
}

/// Sets `net.FAMILY.conf.INTERFACE.NAME`, or `net.FAMILY.NAME` ([`FAMILY`]).
///
/// # Errors
/// The setting does not exist, or may not be written.
pub fn write(family: &str, interface: &str, name: &str, value: i32) -> io::Result<()> {
    fs::write(path(family, interface, name), value.to_string())
}

/// The names that a family has settings for: the interfaces of this network namespace, `all` and `default`.
///
/// # Errors
/// The family is not there.
pub fn interfaces(family: &str) -> io::Result<Vec<String>> {
    let folder: PathBuf = ["/proc/sys/net", family, "conf"].iter().collect();
    fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
}

/// A setting: family, interface (or [`FAMILY`]) and name.
pub type Setting = (String, String, String);

/// Settings that are changed while the daemon runs.
///
/// **What was found is put back** when a setting is not asked for any longer.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Overrides {
    found: BTreeMap<Setting, i32>,
}

impl Overrides {
    /// What was found before it was changed, for a process that replaces this one.
    pub const fn found(&self) -> &BTreeMap<Setting, i32> {
        &self.found
    }

    /// Takes over what a predecessor found: what stands there now is what that made of it.
    pub fn resume(&mut self, found: BTreeMap<Setting, i32>) {
        self.found = found;
    }

    /// Makes these settings be so, and those that were asked for before and are not now what they were. Returns what
    /// failed. A setting that does not exist, as that of an interface which is not there, is none.
    pub fn apply(&mut self, wanted: &BTreeMap<Setting, i32>) -> Vec<(Setting, io::Error)> {
        let mut failed = Vec::new();
        for (setting, value) in std::mem::take(&mut self.found) {
            if wanted.contains_key(&setting) {
                self.found.insert(setting, value);
            } else {
                set(setting, value, &mut failed);
            }
        }
        for (setting, value) in wanted {
            let (family, interface, name) = setting;
            match read(family, interface, name) {
                Ok(now) => {
                    self.found.entry(setting.clone()).or_insert(now);
                    if now != *value {
                        set(setting.clone(), *value, &mut failed);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => failed.push((setting.clone(), error)),
            }
        }
        failed
    }
}

fn set(setting: Setting, value: i32, failed: &mut Vec<(Setting, io::Error)>) {
    let (family, interface, name) = &setting;
    match write(family, interface, name, value) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => failed.push((setting, error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A setting that every host has, and that nobody asks for.
    fn setting() -> Setting {
        ("ipv4".to_owned(), "lo".to_owned(), "medium_id".to_owned())
    }

    #[test]
    fn what_a_predecessor_found_counts_and_not_what_it_made_of_it() {
        let now = read("ipv4", "lo", "medium_id").unwrap();
        let mut overrides = Overrides::default();
        overrides.resume(BTreeMap::from([(setting(), now + 1)]));
        // It stands as it is wanted already, so that nothing is written.
        assert!(overrides.apply(&BTreeMap::from([(setting(), now)])).is_empty());
        assert_eq!(overrides.found(), &BTreeMap::from([(setting(), now + 1)]));
    }

    #[test]
    fn a_setting_that_does_not_exist_is_not_found_and_no_failure() {
        let mut overrides = Overrides::default();
        let missing = ("ipv4".to_owned(), "no such interface".to_owned(), "arp_ignore".to_owned());
        assert!(overrides.apply(&BTreeMap::from([(missing, 1)])).is_empty());
        assert!(overrides.found().is_empty());
    }
}
