//! Polls the link of the interfaces that `linkbeat_interfaces` and `linkbeat_use_polling` name, each second as keepalived
//! does, and tells what changed.
//!
//! **The VRRP process never asks a driver**, which may take its time; an interface counts as up there if the kernel and its
//! driver both say so.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use config::model::{LinkbeatMethod, LinkbeatSpec};
use net::linkbeat::{Linkbeat, Method};
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;
use vrrp::RouterSpec;

use crate::daemon::Event;

const PERIOD: Duration = Duration::from_secs(1);

/// Everything that is polled.
pub struct Linkbeats {
    events: UnboundedSender<Event>,
    polled: BTreeMap<String, Method>,
    states: BTreeMap<String, bool>,
    task: Option<JoinHandle<()>>,
}

impl Drop for Linkbeats {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Linkbeats {
    /// Polls nothing yet.
    pub const fn new(events: UnboundedSender<Event>) -> Self {
        Self { events, polled: BTreeMap::new(), states: BTreeMap::new(), task: None }
    }

    fn stop(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
        }
    }

    /// Polls what this configuration names.
    pub fn configure(&mut self, spec: &LinkbeatSpec, router: &RouterSpec) {
        let polled = polled(spec, router);
        if polled == self.polled {
            return;
        }
        self.stop();
        self.states.retain(|name, _| polled.contains_key(name));
        self.polled.clone_from(&polled);
        if polled.is_empty() {
            return;
        }
        match Linkbeat::open() {
            Ok(linkbeat) => {
                self.task = Some(tokio::spawn(poll(linkbeat, polled, self.events.clone())));
            }
            Err(error) => tracing::error!("cannot poll the link of interfaces: {error}"),
        }
    }

    /// Takes in what was polled; `false` if it is old news.
    pub fn heard(&mut self, name: &str, up: bool) -> bool {
        self.polled.contains_key(name) && self.states.insert(name.to_owned(), up) != Some(up)
    }

    /// All that is known.
    pub const fn states(&self) -> &BTreeMap<String, bool> {
        &self.states
    }
}

fn polled(spec: &LinkbeatSpec, router: &RouterSpec) -> BTreeMap<String, Method> {
    let used = router.instances.iter().flat_map(|instance| instance.interfaces());
    let all: BTreeSet<&str> = if spec.all { used.collect() } else { BTreeSet::new() };
    let method = |method: &LinkbeatMethod| match method {
        LinkbeatMethod::Any | LinkbeatMethod::Mii => Method::Mii,
        LinkbeatMethod::Ethtool => Method::Ethtool,
        LinkbeatMethod::Ioctl => Method::Flags,
    };
    let all = all.into_iter().map(|name| (name.to_owned(), Method::Mii));
    all.chain(spec.interfaces.iter().map(|(name, asked)| (name.clone(), method(asked)))).collect()
}

/// Ends when nobody listens any more. An interface that cannot be asked has the link that the kernel tells of.
async fn poll(mut linkbeat: Linkbeat, polled: BTreeMap<String, Method>, events: UnboundedSender<Event>) {
    let mut interval = tokio::time::interval(PERIOD);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut known: BTreeMap<String, bool> = BTreeMap::new();
    loop {
        interval.tick().await;
        let names = polled.clone();
        let round = tokio::task::spawn_blocking(move || {
            let look = |(name, from): (String, Method)| {
                let method = linkbeat.method(&name, from);
                let up = linkbeat.is_up(&name, method).unwrap_or(true);
                (name, up)
            };
            let states: BTreeMap<_, _> = names.into_iter().map(look).collect();
            (linkbeat, states)
        });
        let Ok((same, states)) = round.await else { return };
        linkbeat = same;
        for (name, up) in states {
            if known.insert(name.clone(), up) != Some(up) && events.send(Event::Linkbeat(name, up)).is_err() {
                return;
            }
        }
    }
}
