//! The probes under way. **Each goes its own way**: one that hangs costs a socket and a timer, and nobody waits for it.
//!
//! TCP checks, of which there are the most, are the [`Connector`]'s; every other probe is a task of its own.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use checker::probe::{Connector, Resources};
use checker::{Outcome, ProbeSpec, RunId};
use clock::Instant;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::AbortHandle;

use super::last::LastRuns;
use super::scripts::Runner;
use crate::ipc::Scripts;
use crate::openssl;

/// Probes that have ended, and how.
pub(super) type Ended = Vec<(RunId, Outcome)>;

pub(super) struct Probes {
    resources: Arc<Resources>,
    connector: Connector,
    running: BTreeMap<RunId, AbortHandle>,
    done: UnboundedSender<(RunId, Outcome, ProbeSpec)>,
    results: UnboundedReceiver<(RunId, Outcome, ProbeSpec)>,
    scripts: Runner,
    /// Known before anybody waited for them.
    at_once: Ended,
    /// For dumps.
    pub(super) last: LastRuns,
}

impl Probes {
    pub(super) fn new() -> io::Result<Self> {
        let (done, results) = unbounded_channel();
        Ok(Self {
            resources: Arc::new(Resources::new(None, openssl::load)),
            connector: Connector::new()?,
            running: BTreeMap::new(),
            done,
            results,
            scripts: Runner::new(),
            at_once: Vec::new(),
            last: LastRuns::default(),
        })
    }

    /// What the probes that start from now on share.
    pub(super) fn share(&mut self, resources: Resources) {
        self.resources = Arc::new(resources);
    }

    pub(super) fn start(&mut self, now: Instant, run: RunId, probe: ProbeSpec) {
        if let ProbeSpec::Tcp(connection) = &probe {
            self.at_once.extend(self.connector.start(now, run, connection).map(|outcome| (run, outcome)));
            return;
        }
        let done = self.done.clone();
        let resources = Arc::clone(&self.resources);
        let script = self.scripts.start();
        let task = tokio::spawn(async move {
            let outcome = match &probe {
                ProbeSpec::Misc(spec) => script.run(spec).await,
                probe => checker::probe::probe(probe, &resources).await,
            };
            // Nobody listens any more when the process ends.
            let _ = done.send((run, outcome, probe));
        });
        self.running.insert(run, task.abort_handle());
    }

    pub(super) fn cancel(&mut self, run: RunId) {
        if let Some(task) = self.running.remove(&run) {
            task.abort();
        } else {
            self.connector.cancel(run);
            self.at_once.retain(|(at_once, _)| *at_once != run);
        }
    }

    /// Ends them all, and waits for what needs time to end.
    pub(super) async fn end(&mut self) {
        for task in std::mem::take(&mut self.running).into_values() {
            task.abort();
        }
        self.scripts.ended().await;
    }

    /// How commands are run from now on.
    pub(super) fn configure(&mut self, scripts: Scripts) {
        self.scripts.configure(scripts);
    }

    /// When [`expire`](Self::expire) is due.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.connector.next_deadline()
    }

    /// The connections whose time is over.
    pub(super) fn expire(&mut self, now: Instant) -> Ended {
        self.connector.expire(now)
    }

    /// The next outcomes. A probe that was cancelled has none.
    pub(super) async fn next(&mut self) -> Ended {
        if !self.at_once.is_empty() {
            return std::mem::take(&mut self.at_once);
        }
        loop {
            tokio::select! {
                ended = self.connector.ready() => return ended,
                result = self.results.recv() => match result {
                    Some((run, outcome, probe)) if self.running.remove(&run).is_some() => {
                        self.last.note(net::now(), probe, outcome);
                        return vec![(run, outcome)];
                    }
                    Some(_) => {}
                    None => std::future::pending().await,
                },
            }
        }
    }
}
