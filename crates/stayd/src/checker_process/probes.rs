//! The probes under way. **Each is a task of its own**: one that hangs costs a socket and a timer, and nobody waits for it.

use std::collections::BTreeMap;
use std::sync::Arc;

use checker::probe::Resources;
use checker::{Outcome, ProbeSpec, RunId};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::AbortHandle;

use super::scripts::Runner;
use crate::ipc::Scripts;

pub(super) struct Probes {
    resources: Arc<Resources>,
    running: BTreeMap<RunId, AbortHandle>,
    done: UnboundedSender<(RunId, Outcome)>,
    results: UnboundedReceiver<(RunId, Outcome)>,
    scripts: Runner,
}

impl Probes {
    pub(super) fn new() -> Self {
        let (done, results) = unbounded_channel();
        Self { resources: Arc::default(), running: BTreeMap::new(), done, results, scripts: Runner::new() }
    }

    /// What the probes that start from now on share.
    pub(super) fn share(&mut self, resources: Resources) {
        self.resources = Arc::new(resources);
    }

    pub(super) fn start(&mut self, run: RunId, probe: ProbeSpec) {
        let done = self.done.clone();
        let resources = Arc::clone(&self.resources);
        let script = self.scripts.start();
        let task = tokio::spawn(async move {
            let outcome = match &probe {
                ProbeSpec::Misc(spec) => script.run(spec).await,
                probe => checker::probe::probe(probe, &resources).await,
            };
            // Nobody listens any more when the process ends.
            let _ = done.send((run, outcome));
        });
        self.running.insert(run, task.abort_handle());
    }

    pub(super) fn cancel(&mut self, run: RunId) {
        if let Some(task) = self.running.remove(&run) {
            task.abort();
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

    /// The next outcome. A probe that was cancelled has none.
    pub(super) async fn next(&mut self) -> (RunId, Outcome) {
        loop {
            match self.results.recv().await {
                Some((run, outcome)) if self.running.remove(&run).is_some() => return (run, outcome),
                Some(_) => {}
                None => std::future::pending().await,
            }
        }
    }
}
