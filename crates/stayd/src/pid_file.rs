//! Pid files that are locked, not guessed at.
//!
//! **A pid file belongs to whoever holds its lock**: a number that a crash left behind never keeps a new process from
//! starting, whatever process has that number now. The lock is an open-file-description lock, as keepalived's is, so the
//! two see each other.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, Write};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

use nix::fcntl::{FcntlArg, fcntl};
use thiserror::Error;

/// Why a pid file could not be taken.
#[derive(Debug, Error)]
pub enum Error {
    /// Another process holds it.
    #[error("another process is running already: it holds {}", .0.display())]
    Held(PathBuf),
    /// It cannot be written.
    #[error("cannot write {}: {}", .0.display(), .1)]
    Write(PathBuf, #[source] io::Error),
}

/// A pid file of ours; removed when it is dropped.
#[derive(Debug)]
pub struct PidFile {
    path: PathBuf,
    /// Keeps the lock.
    file: File,
}

impl PidFile {
    /// Takes the file; what stands in it stays until [`PidFile::write`]. The lock passes to forked processes.
    ///
    /// # Errors
    /// [`Error::Held`] if another process runs with the same file, [`Error::Write`] otherwise.
    pub fn take(path: &Path) -> Result<Self, Error> {
        let failed = |error| Error::Write(path.to_owned(), error);
        loop {
            // Not truncated: it may be somebody else's.
            let file = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .open(path)
                .map_err(failed)?;
            if !lock(&file).map_err(failed)? {
                return Err(Error::Held(path.to_owned()));
            }
            // Between opening and locking, its holder may have removed it and ended.
            if is_at(&file, path).map_err(failed)? {
                return Ok(Self { path: path.to_owned(), file });
            }
        }
    }

    /// Has a forked process hold the file no longer, which must not keep the lock when its holder is gone. To be called
    /// there, and once: its copy of the file is then closed, and must not be used nor dropped.
    ///
    /// # Errors
    /// The system call's.
    pub fn close_copy(&self) -> io::Result<()> {
        Ok(nix::unistd::close(self.file.as_raw_fd())?)
    }

    /// Writes `pid`: one number and a newline, nothing else.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn write(&mut self, pid: u32) -> Result<(), Error> {
        let written = self.file.set_len(0).and_then(|()| self.file.rewind());
        let written = written.and_then(|()| writeln!(self.file, "{pid}"));
        written.map_err(|error| Error::Write(self.path.clone(), error))
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        // That somebody removed it before us is what we want too.
        let _ = fs::remove_file(&self.path);
    }
}

fn lock(file: &File) -> io::Result<bool> {
    let whole = libc::flock { l_type: WRITE_LOCK, l_whence: FROM_START, l_start: 0, l_len: 0, l_pid: 0 };
    match fcntl(file, FcntlArg::F_OFD_SETLK(&whole)) {
        Ok(_) => Ok(true),
        Err(nix::errno::Errno::EAGAIN | nix::errno::Errno::EACCES) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "1")]
const WRITE_LOCK: libc::c_short = libc::F_WRLCK as libc::c_short;
#[expect(clippy::cast_possible_truncation, reason = "0")]
const FROM_START: libc::c_short = libc::SEEK_SET as libc::c_short;

fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let ours = file.metadata()?;
    match fs::metadata(path) {
        Ok(there) => Ok((ours.dev(), ours.ino()) == (there.dev(), there.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pid_file_is_a_number_and_a_newline_and_is_removed_in_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stayd.pid");
        let mut file = PidFile::take(&path).unwrap();
        file.write(123_456).unwrap();
        file.write(4711).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "4711\n");
        drop(file);
        assert!(!path.exists());
    }

    #[test]
    fn a_stale_number_does_not_keep_anybody_from_starting() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stayd.pid");
        fs::write(&path, "1\nand more that a crash left\n").unwrap();
        PidFile::take(&path).unwrap().write(4711).unwrap();
        let mut file = PidFile::take(&path).unwrap();
        file.write(4712).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "4712\n");
    }

    #[test]
    fn a_file_that_is_held_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stayd.pid");
        let mut first = PidFile::take(&path).unwrap();
        first.write(1).unwrap();
        assert!(matches!(PidFile::take(&path), Err(Error::Held(held)) if held == path));
        assert_eq!(fs::read_to_string(&path).unwrap(), "1\n");
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let error = PidFile::take(Path::new("/nonexistent/stayd.pid")).unwrap_err();
        assert!(error.to_string().contains("/nonexistent/stayd.pid"), "{error}");
    }
}
