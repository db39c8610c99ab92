//! What a lab leaves behind if its story is killed, and how that goes away.
//!
//! A story that ends, well or badly, takes its lab down itself. One that is killed cannot: so each lab has a janitor, a
//! process that holds the other end of a pipe and removes the lab when the pipe closes. **Whoever dies, the lab goes.**
//! Should the janitor have been killed too, the next lab to open removes what it finds of owners that are dead.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use crate::site::{NAMES, inhabitants, kill_all, retract};

/// With what every lab's name begins; the owner's process id and a counter follow.
pub(crate) const PREFIX: &str = "stayd-lab-";

/// A lab's folder that holds this file was kept on purpose.
pub(crate) const KEPT: &str = "kept";

/// Where labs have their folders: `TMPDIR`, or `/var/tmp`.
pub(crate) fn folders() -> PathBuf {
    std::env::var_os("TMPDIR").map_or_else(|| PathBuf::from("/var/tmp"), PathBuf::from)
}

/// The janitor's whole life: waits for the end of its standard input, then removes the lab `name`.
///
/// # Errors
///
/// If something of it cannot be removed.
pub fn janitor(name: &str) -> io::Result<()> {
    // What is written there does not matter, nor how it ends.
    let _ = io::stdin().read_to_end(&mut Vec::new());
    if name.starts_with(PREFIX) { remove(name) } else { Err(io::Error::other("that is no lab's name")) }
}

/// Removes every lab whose owner is dead.
pub(crate) fn sweep() -> io::Result<()> {
    let mut labs: Vec<String> = entries(Path::new(NAMES));
    labs.extend(entries(&folders()));
    // The names of namespaces end in the host's.
    labs.iter()
        .filter_map(|entry| lab_of(entry))
        .filter(|(_, owner)| !is_alive(*owner))
        .try_for_each(|(lab, _)| remove(lab))
}

/// `stayd-lab-PID-COUNTER` and the process id in it.
fn lab_of(entry: &str) -> Option<(&str, u32)> {
    let mut parts = entry.strip_prefix(PREFIX)?.splitn(3, '-');
    let (owner, counter) = (parts.next()?, parts.next()?);
    let _: u32 = counter.parse().ok()?;
    let lab = entry.get(..PREFIX.len() + owner.len() + 1 + counter.len())?;
    Some((lab, owner.parse().ok()?))
}

fn is_alive(pid: u32) -> bool {
    Path::new("/proc").join(pid.to_string()).exists()
}

/// Ends the processes of a lab and removes its namespaces and its folder. What is not there is fine.
fn remove(lab: &str) -> io::Result<()> {
    let hosts = format!("{lab}-");
    for entry in entries(Path::new(NAMES)).iter().filter(|entry| entry.starts_with(&hosts)) {
        let name = Path::new(NAMES).join(entry);
        if let Ok(net) = File::open(&name) {
            kill_all(|| inhabitants(&net).unwrap_or_default())?;
        }
        retract(&name);
    }
    let folder = folders().join(lab);
    if folder.join(KEPT).exists() {
        return Ok(());
    }
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

/// The names in a directory that may be a lab's.
fn entries(directory: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.starts_with(PREFIX))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_owner_of_a_namespace_or_folder_is_in_its_name() {
        assert_eq!(lab_of("stayd-lab-12-0-switch"), Some(("stayd-lab-12-0", 12)));
        assert_eq!(lab_of("stayd-lab-12-3"), Some(("stayd-lab-12-3", 12)));
        assert_eq!(lab_of("stayd-lab-12-3-a-b"), Some(("stayd-lab-12-3", 12)));
        assert_eq!(lab_of("stayd-lab-x-3"), None);
        assert_eq!(lab_of("somebody-else"), None);
    }
}
