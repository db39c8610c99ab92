//! A named pipe that gets a line for every change of state.
//!
//! **A line is written whole or not at all, and nobody waits for a reader**: what does not fit into the pipe is lost, as
//! with keepalived, but counted and told.
//!
//! A pipe is made, opened and removed as its owner, so that none of it takes a capability over the files of others: the
//! systemd unit leaves the daemon none.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::sys::stat::{FchmodatFlags, Mode, fchmodat};
use nix::unistd::{mkfifo, mkfifoat};

use crate::script::User;

/// Access that keepalived gives a pipe, before the umask.
const MODE: u32 = 0o644;

/// An open pipe. It is removed when this is dropped, if this run of the daemon made it.
#[derive(Debug)]
pub struct Fifo {
    path: PathBuf,
    owner: User,
    file: File,
    made: bool,
    lost: u64,
}

impl Fifo {
    /// Opens the pipe, and makes it if there is none. `made`: an earlier configuration of this run made it.
    ///
    /// # Errors
    /// Something else is there, or the pipe cannot be made or opened.
    pub fn open(path: &Path, owner: &User, umask: u32, mut made: bool) -> io::Result<Self> {
        match fs::metadata(path) {
            Ok(there) if there.file_type().is_fifo() => {}
            Ok(_) => {
                return Err(io::Error::new(ErrorKind::AlreadyExists, "what is there is not a named pipe"));
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                make(path, owner, Mode::from_bits_truncate(MODE & !umask))?;
                made = true;
            }
            Err(error) => return Err(error),
        }
        // For reading too: with no reader there would be nothing to write to.
        let open = || OpenOptions::new().read(true).write(true).custom_flags(libc::O_NONBLOCK).open(path);
        let file = open().or_else(|error| as_owner(error, owner, open))?;
        Ok(Self { path: path.to_owned(), owner: owner.clone(), file, made, lost: 0 })
    }

    /// Writes one line, if there is room for it.
    pub fn write(&mut self, line: &[u8]) {
        let path = self.path.display();
        match self.file.write_all(line) {
            Ok(()) => {
                if self.lost > 0 {
                    tracing::warn!("{path} is read again; {} lines were lost", self.lost);
                    self.lost = 0;
                }
            }
            Err(error) => {
                if self.lost == 0 {
                    let hint = if error.kind() == ErrorKind::WouldBlock { ": nobody reads it" } else { "" };
                    tracing::warn!("cannot write to {path}{hint} ({error}); lines are lost");
                }
                self.lost += 1;
            }
        }
    }

    /// Closes the pipe and leaves it where it is; whether this run made it.
    pub fn close(mut self) -> bool {
        std::mem::take(&mut self.made)
    }

    fn remove(&self) -> io::Result<()> {
        let remove = || fs::remove_file(&self.path);
        remove().or_else(|error| as_owner(error, &self.owner, remove))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Fifo {
    fn drop(&mut self) {
        if self.made
            && let Err(error) = self.remove()
            && error.kind() != ErrorKind::NotFound
        {
            tracing::warn!("cannot remove {}: {error}", self.path.display());
        }
    }
}

/// Once more as the pipe's owner, if we may not.
fn as_owner<T>(error: io::Error, owner: &User, act: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    if error.kind() == ErrorKind::PermissionDenied { owner.act(act) } else { Err(error) }
}

/// Makes a pipe that belongs to its owner, in a folder of the owner's or of ours.
fn make(path: &Path, owner: &User, access: Mode) -> io::Result<()> {
    let as_owner = owner.act(|| {
        mkfifo(path, access)?;
        fs::set_permissions(path, Permissions::from_mode(access.bits()))
    });
    match as_owner {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => make_elsewhere(path, owner, access),
        result => result,
    }
}

/// Makes a pipe in a folder where its owner may make nothing: in another one beside it, from which it is moved. Anybody
/// may write in that one, and nobody gets there: it lies in one of ours.
fn make_elsewhere(path: &Path, owner: &User, access: Mode) -> io::Result<()> {
    let mut closed = path.as_os_str().to_owned();
    closed.push(format!(".{}", std::process::id()));
    let closed = PathBuf::from(closed);
    let (open, name) = (closed.join("open"), "pipe");
    let result = (|| {
        DirBuilder::new().mode(0o700).create(&closed)?;
        DirBuilder::new().create(&open)?;
        fs::set_permissions(&open, Permissions::from_mode(0o777))?;
        let folder = File::open(&open)?;
        owner.act(|| {
            mkfifoat(&folder, name, access)?;
            Ok(fchmodat(&folder, name, access, FchmodatFlags::FollowSymlink)?)
        })?;
        fs::rename(open.join(name), path)
    })();
    // What of it is there.
    let _ = (fs::remove_file(open.join(name)), fs::remove_dir(&open), fs::remove_dir(&closed));
    result
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::unix::fs::MetadataExt;

    use super::*;

    fn reader(path: &Path) -> File {
        OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path).unwrap()
    }

    #[test]
    fn a_pipe_that_is_made_is_private_and_goes_with_the_daemon() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fifo");
        let fifo = Fifo::open(&path, &User::ours(), 0o177, false).unwrap();
        let there = fs::metadata(&path).unwrap();
        assert!(there.file_type().is_fifo());
        assert_eq!(there.mode() & 0o7777, 0o600);
        drop(fifo);
        assert!(!path.exists());
    }

    #[test]
    fn a_pipe_that_was_there_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fifo");
        mkfifo(&path, Mode::from_bits_truncate(0o660)).unwrap();
        drop(Fifo::open(&path, &User::ours(), 0o177, false).unwrap());
        assert!(path.exists());
    }

    #[test]
    fn a_pipe_that_is_closed_for_a_reload_stays_and_still_goes_at_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fifo");
        let made = Fifo::open(&path, &User::ours(), 0o177, false).unwrap().close();
        assert!(made && path.exists());
        drop(Fifo::open(&path, &User::ours(), 0o177, made).unwrap());
        assert!(!path.exists());
    }

    #[test]
    fn a_file_is_no_pipe() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "precious").unwrap();
        assert!(Fifo::open(&path, &User::ours(), 0o177, false).is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    }

    #[test]
    fn lines_beyond_the_pipe_s_room_are_lost_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fifo");
        let mut fifo = Fifo::open(&path, &User::ours(), 0o177, false).unwrap();
        let mut reader = reader(&path);
        let line = [b"x".repeat(99), b"\n".to_vec()].concat();
        for _ in 0..10_000 {
            fifo.write(&line);
        }
        assert!(fifo.lost > 0);
        let written = 10_000 - usize::try_from(fifo.lost).unwrap();
        let mut seen = vec![0; 1 << 21];
        let length = reader.read(&mut seen).unwrap();
        assert_eq!(length, written * line.len());
        fifo.write(b"again\n");
        assert_eq!(fifo.lost, 0);
    }
}
