//! A named pipe that gets a line for every change of state.
//!
//! **A line is written whole or not at all, and nobody waits for a reader**: what does not fit into the pipe is lost, as
//! with keepalived, but counted and told.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use crate::script::User;

/// Access that keepalived gives a pipe, before the umask.
const MODE: u32 = 0o644;

/// An open pipe. It is removed when this is dropped, if this run of the daemon made it.
#[derive(Debug)]
pub struct Fifo {
    path: PathBuf,
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
                mkfifo(path, Mode::from_bits_truncate(MODE & !umask))?;
                made = true;
                fs::set_permissions(path, Permissions::from_mode(MODE & !umask))?;
                chown(path, Some(owner.uid().as_raw()), Some(owner.gid().as_raw()))?;
            }
            Err(error) => return Err(error),
        }
        // For reading too: with no reader there would be nothing to write to.
        let file = OpenOptions::new().read(true).write(true).custom_flags(libc::O_NONBLOCK).open(path)?;
        Ok(Self { path: path.to_owned(), file, made, lost: 0 })
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

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Fifo {
    fn drop(&mut self) {
        if self.made
            && let Err(error) = fs::remove_file(&self.path)
            && error.kind() != ErrorKind::NotFound
        {
            tracing::warn!("cannot remove {}: {error}", self.path.display());
        }
    }
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
