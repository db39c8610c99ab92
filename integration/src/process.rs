//! A program that a story has started.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clock::Instant;
use nix::sys::signal::Signal;

use crate::capture::now;
use crate::error::{Doing as _, Result};
use crate::host::{Host, unexpected};
use crate::site::{ExitView, Request, Response};
use crate::wait;

/// A started program. Dropping this leaves it running: it ends with the lab.
#[derive(Debug)]
pub struct Process {
    host: Host,
    name: String,
    pid: u32,
    log: PathBuf,
}

impl Process {
    pub(crate) fn new(host: Host, name: &str, pid: u32, log: PathBuf) -> Self {
        Self { host, name: name.to_owned(), pid, log }
    }

    /// Its process id, on the kernel that it runs on.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Sends it a signal; returns when that was.
    ///
    /// # Errors
    ///
    /// If it has ended.
    pub fn signal(&self, signal: Signal) -> Result<Instant> {
        let at = now();
        self.host.done(Request::Signal { pid: self.pid, signal: signal as i32 })?;
        Ok(at)
    }

    /// Kills it and all its descendants with SIGKILL, at once: all are stopped first, so that nobody cleans up after
    /// anybody. Returns when that began.
    ///
    /// # Errors
    ///
    /// If one does not die.
    pub fn kill(&self) -> Result<Instant> {
        let at = now();
        self.host.done(Request::Kill { pid: self.pid })?;
        Ok(at)
    }

    /// Sends SIGTERM and waits until it has ended; returns when it was sent, and how it ended.
    ///
    /// # Errors
    ///
    /// If it has not ended within `limit`.
    pub fn stop(&self, limit: Duration) -> Result<(Instant, ExitView)> {
        let at = self.signal(Signal::SIGTERM)?;
        Ok((at, self.wait_for_exit(limit)?))
    }

    /// How it ended, if it has.
    ///
    /// # Errors
    ///
    /// If its site is gone.
    pub fn status(&self) -> Result<Option<ExitView>> {
        match self.host.ask(Request::Status { pid: self.pid })? {
            Response::Status(exit) => Ok(exit),
            other => Err(unexpected(&other)),
        }
    }

    /// Waits until it ends by itself.
    ///
    /// # Errors
    ///
    /// If it has not ended within `limit`.
    pub fn wait_for_exit(&self, limit: Duration) -> Result<ExitView> {
        wait::for_some(&format!("{} on {} to end", self.name, self.host.name()), limit, || self.status())
    }

    /// It and its descendants, parents first; empty once it has ended.
    ///
    /// # Errors
    ///
    /// If its site is gone.
    pub fn tree(&self) -> Result<Vec<u32>> {
        match self.host.ask(Request::Tree { pid: self.pid })? {
            Response::Tree(pids) => Ok(pids),
            other => Err(unexpected(&other)),
        }
    }

    /// The file that receives its output.
    pub fn log_path(&self) -> &Path {
        &self.log
    }

    /// Its output so far.
    ///
    /// # Errors
    ///
    /// If the file cannot be read.
    pub fn log(&self) -> Result<String> {
        let bytes = fs::read(&self.log).doing(|| format!("reading {}", self.log.display()))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Waits until its output contains `text`.
    ///
    /// # Errors
    ///
    /// If it has not within `limit`; the error shows the end of its output.
    pub fn wait_for_log(&self, text: &str, limit: Duration) -> Result {
        self.wait_until_log(&format!("{text:?}"), limit, |log| log.contains(text))
    }

    /// Waits until `enough` likes its output.
    ///
    /// # Errors
    ///
    /// As [`wait_for_log`](Self::wait_for_log).
    pub fn wait_until_log(&self, what: &str, limit: Duration, enough: impl Fn(&str) -> bool) -> Result {
        let what = format!("{what} in the log of {} on {}", self.name, self.host.name());
        wait::until(&what, limit, || Ok(Tail(self.log()?)), |tail| enough(&tail.0))?;
        Ok(())
    }
}

/// A log that is shown by its end.
struct Tail(String);

impl std::fmt::Debug for Tail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let lines: Vec<&str> = self.0.lines().collect();
        let end = lines.get(lines.len().saturating_sub(20)..).unwrap_or_default();
        write!(f, "\n{}", end.join("\n"))
    }
}
