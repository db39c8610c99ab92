//! The network namespace that the daemon runs in: `net_namespace` and `-s`.
//!
//! **A namespace is entered before anything else is looked at**, by the one thread that there is then; what is started
//! later is born in it.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, setns, unshare};

/// Where `ip netns` keeps its names.
const NAMES: &str = "/run/netns";

/// The namespace of the calling thread.
const HERE: &str = "/proc/thread-self/ns/net";

/// Where the namespace of this name is.
pub fn place(name: &str) -> PathBuf {
    Path::new(NAMES).join(name)
}

/// Whether there is one of this name.
pub fn exists(name: &str) -> bool {
    !name.is_empty() && place(name).exists()
}

/// Enters it, unless this process is in it already.
///
/// # Errors
/// There is none of this name, or the privilege to enter it is missing.
pub fn enter(name: &str) -> io::Result<()> {
    let there = File::open(place(name))?;
    let (here, there_is) = (fs::metadata(HERE)?, there.metadata()?);
    if (here.dev(), here.ino()) != (there_is.dev(), there_is.ino()) {
        setns(&there, CloneFlags::CLONE_NEWNET)?;
    }
    Ok(())
}

/// Where the default namespace is, that of process 1.
pub fn default() -> PathBuf {
    PathBuf::from("/proc/1/ns/net")
}

/// Does `work` in the namespace at this place; sockets that it opens stay there.
///
/// # Errors
/// It cannot be entered, or cannot be left again: then this thread is in the wrong one, and has to end.
pub fn within<T>(place: &Path, work: impl FnOnce() -> T) -> io::Result<T> {
    let (here, there) = (File::open(HERE)?, File::open(place)?);
    setns(&there, CloneFlags::CLONE_NEWNET)?;
    let done = work();
    setns(&here, CloneFlags::CLONE_NEWNET)?;
    Ok(done)
}

/// A folder that this process and its children see in the place of another.
#[derive(Debug)]
pub struct Cover {
    over: PathBuf,
}

impl Cover {
    /// Has `folder` be seen at `over` by this process and what it starts.
    ///
    /// # Errors
    /// The privilege for that is missing.
    pub fn put(folder: &Path, over: &Path) -> io::Result<Self> {
        unshare(CloneFlags::CLONE_NEWNS)?;
        let none = None::<&str>;
        // Mounts of others go on to be seen here, ours are not seen there.
        mount(none, "/", none, MsFlags::MS_SLAVE | MsFlags::MS_REC, none)?;
        mount(Some(folder), over, none, MsFlags::MS_BIND, none)?;
        Ok(Self { over: over.to_owned() })
    }
}

impl Drop for Cover {
    fn drop(&mut self) {
        // Without it nothing is left that could be wrong: the mounts of this process end with it.
        let _ = umount2(&self.over, MntFlags::MNT_DETACH);
    }
}
