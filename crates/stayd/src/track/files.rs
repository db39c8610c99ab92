//! The files that instances follow, watched with inotify: on the directory, so that a file that is replaced or made anew is
//! still the one.
//!
//! **A file that is missing, unreadable or no number counts as 0**, as with keepalived.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, OpenOptions};
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use config::model::FileSpec;
use nix::errno::Errno;
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, WatchDescriptor};
use tokio::io::unix::AsyncFd;
use vrrp::{TrackerKind, TrackerState};

use super::Reporter;
use crate::ready;

/// No number is longer.
const LONGEST: u64 = 128;
/// How often a directory that is not there is looked for.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// `init_file`: makes the file, if that is asked for and it is not there.
pub fn create(spec: &FileSpec) {
    let Some(create) = spec.create else { return };
    if !create.overwrite && Path::new(&spec.path).exists() {
        return;
    }
    if let Err(error) = fs::write(&spec.path, format!("{}\n", create.value)) {
        tracing::error!("track_file {}: cannot make {}: {error}", spec.name, spec.path);
    }
}

/// Watches these files until the task is ended.
pub async fn watch(specs: Vec<FileSpec>, reporter: Reporter) {
    let mut files = Files { specs, values: BTreeMap::new(), reporter };
    files.read_all();
    loop {
        if let Err(error) = files.follow().await {
            tracing::error!("cannot watch files: {error}; reading them every {} s", LOOK_AGAIN.as_secs());
        }
        tokio::time::sleep(LOOK_AGAIN).await;
        files.read_all();
    }
}

struct Files {
    specs: Vec<FileSpec>,
    /// What was told of each.
    values: BTreeMap<String, i64>,
    reporter: Reporter,
}

impl Files {
    /// Until inotify fails.
    async fn follow(&mut self) -> io::Result<()> {
        let inotify = Inotify::init(InitFlags::IN_NONBLOCK | InitFlags::IN_CLOEXEC)?;
        let ready: AsyncFd<OwnedFd> = ready::watch(inotify.as_fd().try_clone_to_owned()?)?;
        let mut directories = BTreeMap::new();
        loop {
            let complete = self.watch_directories(&inotify, &mut directories);
            let again = async {
                if complete {
                    std::future::pending::<()>().await;
                } else {
                    tokio::time::sleep(LOOK_AGAIN).await;
                }
            };
            tokio::select! {
                guard = ready.readable() => {
                    guard?.clear_ready();
                    self.read_events(&inotify, &mut directories)?;
                }
                () = again => {}
            }
        }
    }

    /// Watches every directory that is not watched yet; whether all are.
    fn watch_directories(
        &mut self,
        inotify: &Inotify,
        directories: &mut BTreeMap<PathBuf, WatchDescriptor>,
    ) -> bool {
        let flags = AddWatchFlags::IN_CLOSE_WRITE
            | AddWatchFlags::IN_MOVE
            | AddWatchFlags::IN_DELETE
            | AddWatchFlags::IN_DELETE_SELF
            | AddWatchFlags::IN_MOVE_SELF;
        let mut complete = true;
        let wanted: Vec<_> = self.specs.iter().map(|spec| directory_of(&spec.path).to_owned()).collect();
        for directory in wanted {
            if directories.contains_key(&directory) {
                continue;
            }
            match inotify.add_watch(&directory, flags) {
                Ok(descriptor) => {
                    directories.insert(directory.clone(), descriptor);
                    // What was written before counts too.
                    self.read_where(|path| directory_of(path) == directory);
                }
                Err(_) => complete = false,
            }
        }
        complete
    }

    fn read_events(
        &mut self,
        inotify: &Inotify,
        directories: &mut BTreeMap<PathBuf, WatchDescriptor>,
    ) -> io::Result<()> {
        loop {
            let events = match inotify.read_events() {
                Ok(events) => events,
                Err(Errno::EAGAIN) => return Ok(()),
                Err(error) => return Err(error.into()),
            };
            for event in events {
                if event.mask.contains(AddWatchFlags::IN_Q_OVERFLOW) {
                    self.read_all();
                    continue;
                }
                let directory = directories.iter().find(|(_, descriptor)| **descriptor == event.wd);
                let Some(directory) = directory.map(|(directory, _)| directory.clone()) else { continue };
                if event.mask.intersects(AddWatchFlags::IN_MOVE_SELF) {
                    // It is another one from now on; the watch goes with it.
                    let _ = inotify.rm_watch(event.wd);
                }
                let gone =
                    AddWatchFlags::IN_IGNORED | AddWatchFlags::IN_MOVE_SELF | AddWatchFlags::IN_DELETE_SELF;
                if event.mask.intersects(gone) {
                    directories.remove(&directory);
                    self.read_where(|path| directory_of(path) == directory);
                } else if let Some(name) = event.name {
                    self.read_where(|path| {
                        directory_of(path) == directory
                            && Path::new(path).file_name() == Some(OsStr::new(&name))
                    });
                }
            }
        }
    }

    fn read_all(&mut self) {
        self.read_where(|_| true);
    }

    fn read_where(&mut self, concerned: impl Fn(&str) -> bool) {
        for spec in self.specs.iter().filter(|spec| concerned(&spec.path)) {
            let value = match read(Path::new(&spec.path)) {
                Ok(text) => track::number(&text).unwrap_or_else(|| {
                    tracing::warn!("track_file {}: {} holds no number; it counts as 0", spec.name, spec.path);
                    0
                }),
                Err(error) => {
                    if self.values.get(&spec.name).is_none_or(|value| *value != 0) {
                        tracing::info!("track_file {}: {}: {error}; it counts as 0", spec.name, spec.path);
                    }
                    0
                }
            };
            if self.values.insert(spec.name.clone(), value) != Some(value) {
                self.reporter.report(TrackerKind::File, &spec.name, TrackerState::Value(value));
            }
        }
    }
}

fn directory_of(path: &str) -> &Path {
    match Path::new(path).parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

/// The start of a regular file. Nothing else is opened for long: reading a pipe could take for ever.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    let mut text = Vec::new();
    file.take(LONGEST).read_to_end(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use config::model::FileCreate;
    use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

    use super::*;
    use crate::daemon::Event;

    fn spec(path: &Path) -> FileSpec {
        FileSpec {
            name: "f".to_owned(),
            path: path.display().to_string(),
            weight: 1,
            reverse: false,
            create: None,
        }
    }

    struct Scene {
        heard: UnboundedReceiver<Event>,
        task: tokio::task::JoinHandle<()>,
    }

    impl Scene {
        fn watch(path: &Path) -> Self {
            let (events, heard) = unbounded_channel();
            Self { heard, task: tokio::spawn(watch(vec![spec(path)], Reporter { events, serial: 1 })) }
        }

        async fn next(&mut self) -> i64 {
            match self.heard.recv().await {
                Some(Event::Track(1, tracker, TrackerState::Value(value))) => {
                    assert_eq!(tracker.name, "f");
                    value
                }
                _ => panic!("no report"),
            }
        }
    }

    impl Drop for Scene {
        fn drop(&mut self) {
            self.task.abort();
        }
    }

    #[tokio::test]
    async fn every_way_to_change_a_file_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "5\n").unwrap();
        let mut scene = Scene::watch(&path);
        assert_eq!(scene.next().await, 5);
        fs::write(&path, "-7").unwrap();
        assert_eq!(scene.next().await, -7, "written");
        fs::write(folder.path().join("new"), "8").unwrap();
        fs::rename(folder.path().join("new"), &path).unwrap();
        assert_eq!(scene.next().await, 8, "replaced");
        fs::write(&path, "nonsense").unwrap();
        assert_eq!(scene.next().await, 0, "no number");
        fs::write(&path, "9").unwrap();
        assert_eq!(scene.next().await, 9);
        fs::remove_file(&path).unwrap();
        assert_eq!(scene.next().await, 0, "removed");
        fs::write(&path, "10").unwrap();
        assert_eq!(scene.next().await, 10, "made anew");
    }

    #[tokio::test]
    async fn a_directory_that_goes_and_comes_is_followed() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("inner");
        let path = inner.join("file");
        let mut scene = Scene::watch(&path);
        assert_eq!(scene.next().await, 0);
        fs::create_dir(&inner).unwrap();
        fs::write(&path, "3").unwrap();
        assert_eq!(scene.next().await, 3);
        fs::rename(&inner, folder.path().join("other")).unwrap();
        assert_eq!(scene.next().await, 0);
    }

    #[tokio::test]
    async fn a_pipe_is_no_file_to_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipe");
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
        let mut scene = Scene::watch(&path);
        assert_eq!(scene.next().await, 0);
    }

    #[test]
    fn a_file_is_made_only_where_there_is_none_or_it_may_be_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let made = |value, overwrite| {
            create(&FileSpec { create: Some(FileCreate { value, overwrite }), ..spec(&path) });
            fs::read_to_string(&path).unwrap()
        };
        assert_eq!(made(5, false), "5\n");
        assert_eq!(made(6, false), "5\n");
        assert_eq!(made(7, true), "7\n");
    }
}
