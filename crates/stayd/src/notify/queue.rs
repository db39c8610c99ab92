//! The scripts of one object, in the order in which its state changed.
//!
//! **A later state is told only when the scripts for the former have ended**, or after [`PATIENCE`]: a script that hangs
//! must not keep the news of a failover from the others. The scripts of one change run side by side, as those of different
//! objects do. keepalived starts all of them at once, and its users see them overtake each other.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;

use crate::script::Job;

/// How long a change of state waits for the scripts of the one before.
const PATIENCE: Duration = Duration::from_secs(10);

/// Changes that wait. Of more the oldest are dropped: what an object is now matters more than how it came there.
const MOST_WAITING: usize = 32;

/// Scripts of one change of state.
type Batch = Vec<Job>;

/// One object's queue.
#[derive(Clone, Default)]
pub struct Queue {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Batch>,
    /// A task delivers.
    busy: bool,
}

impl Queue {
    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Delivers a change when those before it are delivered. `permits`: how many changes may be delivered at a time, of
    /// all objects.
    pub fn push(&self, name: &str, batch: Batch, permits: &Arc<Semaphore>) {
        if batch.is_empty() {
            return;
        }
        let (start, dropped) = self.with(|state| {
            state.waiting.push_back(batch);
            let dropped = state.waiting.len() > MOST_WAITING;
            if dropped {
                state.waiting.pop_front();
            }
            (!std::mem::replace(&mut state.busy, true), dropped)
        });
        if dropped {
            tracing::warn!(
                "{name}: its state changes faster than its scripts end; one change was not told to them"
            );
        }
        if start {
            let first = self.with(|state| state.waiting.pop_front()).unwrap_or_default();
            // In the ordinary case there is no wait: the scripts are started before anything else is told.
            let first = match permits.clone().try_acquire_owned() {
                Ok(permit) => First::Started(Some(permit), start_all(first)),
                Err(_) => First::Waits(first),
            };
            tokio::spawn(deliver(self.clone(), name.to_owned(), permits.clone(), first));
        }
    }

    /// Starts everything that waits, now, and hands out what the last change waits for.
    pub fn flush(&self, last: Batch) -> Vec<JoinHandle<()>> {
        let waiting = self.with(|state| std::mem::take(&mut state.waiting));
        for batch in waiting {
            drop(start_all(batch));
        }
        start_all(last)
    }
}

/// The change that a queue starts with.
enum First {
    Started(Option<OwnedSemaphorePermit>, Vec<JoinHandle<()>>),
    Waits(Batch),
}

async fn deliver(queue: Queue, name: String, permits: Arc<Semaphore>, mut next: First) {
    loop {
        let (permit, running) = match next {
            First::Started(permit, running) => (permit, running),
            First::Waits(batch) => (permits.clone().acquire_owned().await.ok(), start_all(batch)),
        };
        let all = async {
            for script in running {
                let _ = script.await;
            }
        };
        if tokio::time::timeout(PATIENCE, all).await.is_err() && queue.with(|state| !state.waiting.is_empty())
        {
            tracing::warn!(
                "{name}: a notify script still runs after {} s; the next state is told all the same",
                PATIENCE.as_secs()
            );
        }
        drop(permit);
        let waiting = queue.with(|state| {
            let waiting = state.waiting.pop_front();
            state.busy = waiting.is_some();
            waiting
        });
        match waiting {
            Some(batch) => next = First::Waits(batch),
            None => return,
        }
    }
}

/// Starts the scripts in their order. Each is watched until its end, whoever waits for it.
fn start_all(batch: Batch) -> Vec<JoinHandle<()>> {
    let started = batch.into_iter().filter_map(|job| match job.start() {
        Ok(run) => {
            let program = job.argv.first().cloned().unwrap_or_default();
            Some(tokio::spawn(async move {
                let outcome = run.wait(None, std::future::pending()).await;
                if !outcome.is_success() {
                    tracing::info!("notify script {program}: {outcome}");
                }
            }))
        }
        Err(error) => {
            tracing::error!("{error}");
            None
        }
    });
    started.collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::script::User;

    fn shell(text: &str) -> Job {
        Job { argv: ["/bin/sh", "-c", text].map(str::to_owned).to_vec(), user: User::ours(), umask: 0o177 }
    }

    async fn lines(path: &Path, count: usize) -> Vec<String> {
        loop {
            let text = std::fs::read_to_string(path).unwrap_or_default();
            if text.lines().count() >= count {
                return text.lines().map(str::to_owned).collect();
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    #[tokio::test]
    async fn a_slow_script_is_not_overtaken_by_the_next_state() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("log");
        let (queue, permits) = (Queue::default(), Arc::new(Semaphore::new(1)));
        let say = |word: &str, first: &str| shell(&format!("{first} echo {word} >>{}", file.display()));
        queue.push("x", vec![say("one", "sleep 0.3;")], &permits);
        queue.push("x", vec![say("two", "sleep 0.1;")], &permits);
        queue.push("x", vec![say("three", "")], &permits);
        assert_eq!(lines(&file, 3).await, ["one", "two", "three"]);
    }

    #[tokio::test]
    async fn at_the_end_nothing_waits() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("log");
        let (queue, permits) = (Queue::default(), Arc::new(Semaphore::new(1)));
        let started = folder.path().join("started");
        queue.push("x", vec![shell(&format!("touch {}; exec sleep 1000", started.display()))], &permits);
        queue.push("x", vec![shell(&format!("echo two >>{}", file.display()))], &permits);
        for script in queue.flush(vec![shell(&format!("sleep 0.1; echo stop >>{}", file.display()))]) {
            script.await.unwrap();
        }
        assert_eq!(lines(&file, 2).await, ["two", "stop"]);
        // The script that hangs ends with us.
        while !started.exists() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    #[tokio::test]
    async fn a_flood_of_changes_leaves_the_newest() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("log");
        let (queue, permits) = (Queue::default(), Arc::new(Semaphore::new(1)));
        queue.push("x", vec![shell("sleep 0.3")], &permits);
        for number in 0..100 {
            queue.push("x", vec![shell(&format!("echo {number} >>{}", file.display()))], &permits);
        }
        let told = lines(&file, MOST_WAITING).await;
        assert_eq!(told.len(), MOST_WAITING);
        assert_eq!(told.last().map(String::as_str), Some("99"));
    }
}
