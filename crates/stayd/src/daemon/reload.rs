//! Reading the configuration again.
//!
//! **All of it or nothing**: what keepalived would die of, and what cannot change while the daemon runs, is refused, and
//! nothing changes. A request that comes while the children still take the last one in waits for them; of several that
//! wait, one is done.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use chrono::Utc;
use config::model::{Globals, ReloadFile};
use sd_notify::NotifyState;

use super::{Daemon, reload_time, tell_systemd};
use crate::configuration::Configuration;
use crate::host::ThisHost;
use crate::scheduling::name_process;

/// What is known of reloads.
#[derive(Debug, Default)]
pub struct Reloads {
    /// One is asked for, and waits until the one before is done.
    pub waiting: bool,
    /// The file that exists while one is under way.
    marker: Option<PathBuf>,
    /// The file that is watched for the time of one, by this task.
    time_file: Option<(String, tokio::task::JoinHandle<()>)>,
    /// When that is.
    pub at: Option<tokio::time::Instant>,
}

impl Daemon {
    /// Reads the configuration again, as soon as that can be.
    pub(super) fn reload(&mut self) {
        if self.ending.is_some() {
            return;
        }
        if self.saves.is_under_way() || self.awaited.iter().any(|role| self.children.contains_key(role)) {
            self.reloads.waiting = true;
            return;
        }
        tracing::info!("reloading");
        let monotonic = i128::from(net::now().as_micros());
        tell_systemd(&[NotifyState::Reloading, NotifyState::MonotonicUsec(monotonic)]);
        self.mark_reload();
        let host = ThisHost { settled: true };
        // What the running configuration says, as with keepalived: the new one is not to be trusted yet.
        let read = match &self.configuration.rest.globals.files.reload.check_log {
            Some(log) => Configuration::read_tested(&self.options, host, Path::new(log)),
            None => Configuration::read(&self.options, host),
        };
        let read = read.map_err(|_| None).and_then(|read| match fixed(&self.configuration, &read) {
            Some(what) => Err(Some(what)),
            None => Ok(read),
        });
        match read {
            Ok(configuration) => self.save_before(configuration),
            Err(what) => {
                if let Some(what) = what {
                    tracing::error!("{what} cannot change while the daemon runs: restart it");
                }
                tracing::error!("reload refused: the running configuration stays as it is");
                tell_systemd(&[
                    NotifyState::Ready,
                    NotifyState::Status("reload refused, the configuration before it is running"),
                ]);
                self.reload_done();
            }
        }
    }

    /// Puts another configuration into effect.
    pub(super) fn change_to(&mut self, configuration: Configuration) {
        let before = std::mem::replace(&mut self.configuration, configuration);
        self.kept.outdate(before.virtual_servers);
        name_process(self.configuration.rest.globals.daemon.process_name.as_deref());
        self.save_configuration();
        self.watch_reload_time();
        self.configure();
        self.save_after();
        self.notifier.reloaded();
    }

    /// The children have taken in what there was.
    pub(super) fn reload_done(&mut self) {
        if let Some(marker) = self.reloads.marker.take() {
            // That somebody removed it before us is what we want too.
            let _ = fs::remove_file(marker);
        }
        if std::mem::take(&mut self.reloads.waiting) {
            self.reload();
        }
    }

    /// Makes the file that exists while a reload is under way.
    fn mark_reload(&mut self) {
        let path = match &self.configuration.rest.globals.files.reload.file {
            ReloadFile::None => return,
            ReloadFile::BesidePidFile => self.pid_files.reload(),
            ReloadFile::Path(path) => PathBuf::from(path),
        };
        match OpenOptions::new().write(true).create(true).truncate(false).mode(0o644).open(&path) {
            Ok(_) => self.reloads.marker = Some(path),
            Err(error) => tracing::warn!("cannot make {}: {error}", path.display()),
        }
    }

    /// Watches the file that may hold the time of a reload.
    pub(super) fn watch_reload_time(&mut self) {
        let wanted = self.configuration.rest.globals.files.reload.time_file.clone();
        if self.reloads.time_file.as_ref().map(|(file, _)| file) == wanted.as_ref() {
            return;
        }
        if let Some((_, task)) = self.reloads.time_file.take() {
            task.abort();
        }
        self.reloads.at = None;
        self.reloads.time_file = wanted.map(|file| {
            let task = tokio::spawn(reload_time::watch(PathBuf::from(&file), self.sender.clone()));
            (file, task)
        });
    }

    /// Looks when the next reload is to be.
    pub(super) fn read_reload_time(&mut self) {
        let Some((file, _)) = &self.reloads.time_file else { return };
        let before = self.reloads.at.take();
        let Ok(text) = fs::read_to_string(file) else {
            if before.is_some() {
                tracing::info!("no reload is scheduled any more: {file} is gone");
            }
            return;
        };
        let now = Utc::now();
        let Some(at) = reload_time::parse(&text, now) else {
            let form = "HH:MM:SS, or YYYY-MM-DD HH:MM:SS in the future, with Z for UTC";
            tracing::warn!("{file} holds no time of a reload ({form}): {}", text.trim());
            return;
        };
        let due = tokio::time::Instant::now().checked_add((at - now).to_std().unwrap_or_default());
        let is_news = |before| due.is_none_or(|due| due.max(before) - due.min(before) > TOLERANCE);
        if before.is_none_or(is_news) {
            tracing::info!("a reload is scheduled for {}", at.with_timezone(&chrono::Local));
        }
        self.reloads.at = due;
    }

    /// The time that the file held has come.
    pub(super) fn scheduled_reload(&mut self) {
        self.reloads.at = None;
        let reload = &self.configuration.rest.globals.files.reload;
        if let Some(file) = &reload.time_file {
            // A time of a day that is over does not come again; 2.2.7 removes it then too.
            let comes_again = |text: String| reload_time::parse(&text, Utc::now()).is_some();
            if reload.repeat && fs::read_to_string(file).is_ok_and(comes_again) {
                self.read_reload_time();
            } else {
                let _ = fs::remove_file(file);
            }
        }
        self.reload();
    }
}

/// The wall clock and the other one differ by less while a file is read.
const TOLERANCE: std::time::Duration = std::time::Duration::from_millis(500);

/// What differs between two configurations and cannot change while the daemon runs.
fn fixed(before: &Configuration, after: &Configuration) -> Option<&'static str> {
    let igmp = before.vrrp.disable_local_igmp != after.vrrp.disable_local_igmp;
    let (before, after): (&Globals, &Globals) = (&before.rest.globals, &after.rest.globals);
    let (old, new) = (&before.daemon, &after.daemon);
    [
        (old.namespace != new.namespace, "net_namespace"),
        (old.ipvs_namespace != new.ipvs_namespace, "net_namespace_ipvs"),
        (old.instance != new.instance, "instance"),
        (igmp, "disable_local_igmp"),
    ]
    .into_iter()
    .find_map(|(differs, what)| differs.then_some(what))
}
