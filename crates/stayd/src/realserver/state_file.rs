//! The state file.
//!
//! It lies in `/run`, which a reboot empties together with the kernel. **Whoever changes it holds its lock from before it
//! is read until after it is written**, and puts a new file in its place, so that a reader without the lock sees a whole
//! one. The lock is on a file of its own, since the file itself is replaced, and removed when nothing is left to remember.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use thiserror::Error;

use super::ledger::Ledger;

/// Why there is no record.
#[derive(Debug, Error)]
pub enum Error {
    #[error("no permission to write {}: this takes root, or CAP_NET_ADMIN and a state file elsewhere (--state)", .0.display())]
    Permission(PathBuf),
    #[error("cannot lock {}: {}", .0.display(), .1)]
    Lock(PathBuf, #[source] io::Error),
    #[error("cannot read {}: {}", .0.display(), .1)]
    Read(PathBuf, #[source] io::Error),
    #[error(
        "cannot understand {}: {}; without it nobody knows what start added and found, so put that right by hand and remove it",
        .0.display(), .1
    )]
    Understand(PathBuf, #[source] serde_json::Error),
    #[error("cannot write {}: {}", .0.display(), .1)]
    Write(PathBuf, #[source] io::Error),
}

/// The locked state file.
#[derive(Debug)]
pub struct StateFile {
    path: PathBuf,
    _lock: Flock<File>,
}

impl StateFile {
    /// Locks the file, after whoever else has locked it. Makes its folder if need be.
    ///
    /// # Errors
    /// [`Error::Lock`], [`Error::Permission`].
    pub fn lock(path: &Path) -> Result<Self, Error> {
        let lock = beside(path, "lock");
        let locked = take(&lock).map_err(|error| denied(&lock, error, Error::Lock))?;
        Ok(Self { path: path.to_owned(), _lock: locked })
    }

    /// What it says; nothing if it is not there.
    ///
    /// # Errors
    /// [`Error::Read`], [`Error::Understand`].
    pub fn read(&self) -> Result<Ledger, Error> {
        read(&self.path)
    }

    /// Replaces it, or removes it if there is nothing to remember.
    ///
    /// # Errors
    /// [`Error::Write`], [`Error::Permission`]; what it said before it still says.
    pub fn write(&self, ledger: &Ledger) -> Result<(), Error> {
        let written = if ledger.is_empty() { remove(&self.path) } else { replace(&self.path, ledger) };
        written.map_err(|error| denied(&self.path, error, Error::Write))
    }
}

/// What the file says now, for somebody who only looks; nothing if it is not there.
///
/// # Errors
/// [`Error::Read`], [`Error::Understand`].
pub fn read(path: &Path) -> Result<Ledger, Error> {
    match fs::read(path) {
        Ok(bytes) => {
            serde_json::from_slice(&bytes).map_err(|error| Error::Understand(path.to_owned(), error))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Ledger::default()),
        Err(error) => Err(Error::Read(path.to_owned(), error)),
    }
}

fn denied(path: &Path, error: io::Error, otherwise: fn(PathBuf, io::Error) -> Error) -> Error {
    let path = path.to_owned();
    if error.kind() == io::ErrorKind::PermissionDenied {
        Error::Permission(path)
    } else {
        otherwise(path, error)
    }
}

fn take(path: &Path) -> io::Result<Flock<File>> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut file = File::options().write(true).create(true).truncate(false).open(path)?;
    loop {
        match Flock::lock(file, FlockArg::LockExclusive) {
            Ok(locked) => return Ok(locked),
            Err((unlocked, Errno::EINTR)) => file = unlocked,
            Err((_, error)) => return Err(error.into()),
        }
    }
}

fn replace(path: &Path, ledger: &Ledger) -> io::Result<()> {
    let new = beside(path, "new");
    let mut file = File::create(&new)?;
    serde_json::to_writer_pretty(&mut file, ledger)?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    fs::rename(&new, path)
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(suffix);
    name.into()
}

#[cfg(test)]
mod tests {
    use super::super::step::{Item, Step};
    use super::*;

    fn ledger() -> Ledger {
        let mut ledger = Ledger::default();
        ledger.note(Step::Add(Item::Address("192.168.0.10".parse().unwrap())));
        ledger
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn what_is_written_is_read_again_and_an_empty_record_is_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/in/state.json");
        let file = StateFile::lock(&path).unwrap();
        assert_eq!(file.read().unwrap(), Ledger::default());
        file.write(&ledger()).unwrap();
        assert_eq!(file.read().unwrap(), ledger());
        assert_eq!(names(path.parent().unwrap()), ["state.json", "state.json.lock"]);
        for _ in 0..2 {
            file.write(&Ledger::default()).unwrap();
            assert_eq!(names(path.parent().unwrap()), ["state.json.lock"]);
        }
    }

    #[test]
    fn a_file_that_cannot_be_replaced_says_what_it_said() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.json");
        let file = StateFile::lock(&path).unwrap();
        file.write(&ledger()).unwrap();
        fs::create_dir(folder.path().join("state.json.new")).unwrap();
        let mut other = ledger();
        other.note(Step::Keep(Item::Address("192.168.0.11".parse().unwrap())));
        assert!(matches!(file.write(&other), Err(Error::Write(at, _)) if at == path));
        assert_eq!(file.read().unwrap(), ledger());
    }

    #[test]
    fn who_comes_second_reads_what_the_first_has_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.json");
        let first = StateFile::lock(&path).unwrap();
        let second = std::thread::spawn({
            let path = path.clone();
            move || StateFile::lock(&path).unwrap().read().unwrap()
        });
        first.write(&ledger()).unwrap();
        drop(first);
        assert_eq!(second.join().unwrap(), ledger());
    }

    #[test]
    fn a_file_that_is_held_cannot_be_locked_a_second_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.json");
        let _held = StateFile::lock(&path).unwrap();
        let again = File::open(beside(&path, "lock")).unwrap();
        assert!(Flock::lock(again, FlockArg::LockExclusiveNonblock).is_err());
    }

    #[test]
    fn a_file_that_makes_no_sense_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.json");
        fs::write(&path, "{\"added\":").unwrap();
        let error = read(&path).unwrap_err().to_string();
        assert!(error.contains("state.json: EOF while parsing"), "{error}");
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let error = StateFile::lock(Path::new("/proc/nowhere/state.json")).unwrap_err().to_string();
        assert!(error.starts_with("cannot lock /proc/nowhere/state.json.lock: "), "{error}");
    }
}
