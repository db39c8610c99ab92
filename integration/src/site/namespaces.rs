//! The namespaces that make a host: network, host name and mounts.
//!
//! **A host touches nothing of the machine it is on**: its interfaces are born in its own network namespace, and its
//! `/tmp` and `/run` are its own, so that two directors with the same default pid, dump and socket paths do not meet.

use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, setns, unshare};
use nix::unistd::{sethostname, setsid};

/// Where `ip netns` looks for names.
pub const NAMES: &str = "/run/netns";

/// One host's namespaces; they end when this is dropped and the last process in them is gone.
#[derive(Debug)]
pub struct Namespaces {
    name: String,
    net: OwnedFd,
    uts: OwnedFd,
    mounts: OwnedFd,
}

impl Namespaces {
    /// Makes the namespaces of a host. `name` is what `ip netns` will call it; the directories in `shared` stay
    /// visible even where they lie under `/tmp` or `/run`.
    pub fn create(name: &str, hostname: &str, shared: &[PathBuf]) -> io::Result<Self> {
        in_thread(|| {
            unshare(CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWUTS)?;
            sethostname(hostname)?;
            let net = own("net")?;
            let uts = own("uts")?;
            publish(name)?;
            let made = unshare(CloneFlags::CLONE_NEWNS)
                .map_err(io::Error::from)
                .and_then(|()| furnish(shared))
                .and_then(|()| own("mnt"));
            match made {
                Ok(mounts) => Ok(Self { name: name.to_owned(), net, uts, mounts }),
                Err(error) => {
                    retract(&Path::new(NAMES).join(name));
                    Err(error)
                }
            }
        })
    }

    /// What `ip netns` calls it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The network namespace.
    pub fn net(&self) -> BorrowedFd<'_> {
        self.net.as_fd()
    }

    /// Does `work` inside the network namespace, in a thread of its own. Sockets that it opens stay there.
    pub fn within<T: Send>(&self, work: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
        in_thread(|| {
            setns(&self.net, CloneFlags::CLONE_NEWNET)?;
            work()
        })
    }

    /// Makes `command` start inside, as the leader of a session of its own.
    pub fn prepare(&self, command: &mut Command) -> io::Result<()> {
        let (net, uts, mounts) = (self.net.try_clone()?, self.uts.try_clone()?, self.mounts.try_clone()?);
        // SAFETY: setns and setsid are plain system calls: safe between fork and exec, where no lock may be taken
        // and nothing allocated.
        unsafe {
            command.pre_exec(move || {
                setns(&net, CloneFlags::CLONE_NEWNET)?;
                setns(&uts, CloneFlags::CLONE_NEWUTS)?;
                setns(&mounts, CloneFlags::CLONE_NEWNS)?;
                setsid()?;
                Ok(())
            });
        }
        Ok(())
    }
}

impl Drop for Namespaces {
    fn drop(&mut self) {
        retract(&Path::new(NAMES).join(&self.name));
    }
}

/// A namespace belongs to a thread; what one changes ends with it.
fn in_thread<T: Send>(work: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
    std::thread::scope(|scope| {
        scope.spawn(work).join().unwrap_or_else(|_| Err(io::Error::other("a thread of the lab panicked")))
    })
}

fn own(kind: &str) -> io::Result<OwnedFd> {
    Ok(File::open(format!("/proc/thread-self/ns/{kind}"))?.into())
}

/// Gives this thread's network namespace a name, by the rules of `ip netns`: the directory is a shared mount, so that a
/// name that is taken away is gone from every copy of the mount table.
fn publish(name: &str) -> io::Result<()> {
    fs::create_dir_all(NAMES)?;
    let none = None::<&str>;
    let shared = MsFlags::MS_SHARED | MsFlags::MS_REC;
    if mount(none, NAMES, none, shared, none).is_err() {
        mount(Some(NAMES), NAMES, none, MsFlags::MS_BIND | MsFlags::MS_REC, none)?;
        mount(none, NAMES, none, shared, none)?;
    }
    let path = Path::new(NAMES).join(name);
    File::create_new(&path)?;
    mount(Some("/proc/thread-self/ns/net"), &path, none, MsFlags::MS_BIND, none).map_err(|error| {
        retract(&path);
        error.into()
    })
}

/// Takes a name away again. There is nobody to tell if that fails, and the next lab's sweep tries again.
pub fn retract(path: &Path) {
    let _ = umount2(path, MntFlags::MNT_DETACH);
    let _ = fs::remove_file(path);
}

/// Turns this thread's new mount namespace into a host's: private `/tmp` and `/run`, and a `/sys` that shows its own
/// interfaces.
fn furnish(shared: &[PathBuf]) -> io::Result<()> {
    let none = None::<&str>;
    mount(none, "/", none, MsFlags::MS_PRIVATE | MsFlags::MS_REC, none)?;
    // This copy of the names would keep every other namespace alive.
    umount2(NAMES, MntFlags::MNT_DETACH)?;
    let covered = ["/tmp", "/run"];
    let hidden: Vec<(&PathBuf, File)> = shared
        .iter()
        .filter(|path| covered.iter().any(|cover| path.starts_with(cover)))
        .map(|path| Ok((path, File::open(path)?)))
        .collect::<io::Result<_>>()?;
    for cover in covered {
        mount(Some("lab"), cover, Some("tmpfs"), MsFlags::MS_NOSUID | MsFlags::MS_NODEV, Some("mode=1777"))?;
    }
    for (path, open) in hidden {
        fs::create_dir_all(path)?;
        let source = format!("/proc/self/fd/{}", open.as_raw_fd());
        mount(Some(source.as_str()), path, none, MsFlags::MS_BIND | MsFlags::MS_REC, none)?;
    }
    mount(Some("lab"), "/sys", Some("sysfs"), MsFlags::empty(), none)?;
    Ok(())
}
