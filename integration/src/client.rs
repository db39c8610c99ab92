//! The AMQP client: publishes and consumes through the VIP without pause, and keeps a journal of it.
//!
//! The program is `lab-client`; here is what a story makes of its journal. **A message counts as kept only when its
//! confirm and its delivery are both in the journal**, written by the client at the moment it learned of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use clock::Instant;
use serde::{Deserialize, Serialize};

use crate::error::{Doing as _, Error, Result};
use crate::host::Host;
use crate::lab::binary;
use crate::process::Process;
use crate::wait;

/// How long the client may take, once asked to stop, to fetch what is still in the queue.
pub const DRAIN_LIMIT: Duration = Duration::from_secs(20);

/// A line of the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When, on the time line of captures.
    pub at: Instant,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// What can happen to the client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub enum Event {
    /// It has a connection, and its queue.
    Connected,
    /// The broker has taken charge of a message.
    Confirmed {
        /// The message's number.
        id: u64,
    },
    /// It has received a message.
    Consumed {
        /// The message's number.
        id: u64,
    },
    /// Its connection is gone, or of no use, or could not be made.
    Lost {
        /// Why.
        why: String,
    },
    /// It was asked to stop and has done so.
    Stopped,
}

/// A running client.
#[derive(Debug)]
pub struct AmqpClient {
    process: Process,
    journal: PathBuf,
}

impl AmqpClient {
    /// Starts a client on `host` that talks to `server` (address and port).
    ///
    /// # Errors
    ///
    /// If it cannot be started.
    pub fn start(host: &Host, server: &str) -> Result<Self> {
        // An attempt at a dead director must not outlive the client's patience by much.
        host.sysctl("ipv4/tcp_syn_retries", "1")?;
        host.sysctl("ipv4/tcp_retries2", "4")?;
        let program = binary("lab-client")?.display().to_string();
        let journal = host.folder().join("journal.jsonl");
        let path = journal.display().to_string();
        let process = host.start("client", &program, &["--server", server, "--journal", &path])?;
        Ok(Self { process, journal })
    }

    /// What it has written so far.
    ///
    /// # Errors
    ///
    /// If a line is damaged.
    pub fn journal(&self) -> Result<Journal> {
        let text = match fs::read_to_string(&self.journal) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            text => text.doing(|| format!("reading {}", self.journal.display()))?,
        };
        // The last line may not be whole yet.
        let whole = text.rfind('\n').and_then(|end| text.get(..end)).unwrap_or_default();
        let entries = whole
            .lines()
            .map(|line| {
                serde_json::from_str(line).map_err(|error| Error::Unmet(format!("journal: {line}: {error}")))
            })
            .collect::<Result<_>>()?;
        Ok(Journal { entries })
    }

    /// Waits until it has both confirmed and consumed a message at `moment` or later, and returns when.
    ///
    /// # Errors
    ///
    /// If it has not within `limit`.
    pub fn wait_for_service(&self, moment: Instant, limit: Duration) -> Result<Instant> {
        wait::for_some("the client to be served", limit, || Ok(self.journal()?.served_after(moment)))
    }

    /// Stops it: it publishes no more, fetches what is left, and ends.
    ///
    /// # Errors
    ///
    /// If it does not end.
    pub fn stop(&self) -> Result<Journal> {
        self.process.stop(DRAIN_LIMIT + wait::seconds(10))?;
        self.journal()
    }
}

/// A journal.
#[derive(Clone, Debug)]
pub struct Journal {
    entries: Vec<Entry>,
}

impl Journal {
    /// How many messages the brokers took charge of.
    pub fn confirmed(&self) -> usize {
        self.confirmed_ids().len()
    }

    /// The messages that were confirmed and never consumed.
    pub fn lost(&self) -> Vec<u64> {
        let consumed: BTreeSet<u64> = self.consumed_ids().into_keys().collect();
        self.confirmed_ids().difference(&consumed).copied().collect()
    }

    /// How many messages were consumed more than once, as a broker may deliver them after a failure.
    pub fn duplicates(&self) -> usize {
        self.consumed_ids().values().filter(|&&times| times > 1).count()
    }

    /// The longest time between `from` and `to` in which no message was confirmed, or none consumed.
    pub fn without_service(&self, from: Instant, to: Instant) -> Duration {
        let publishing = self.longest_gap(from, to, |event| matches!(event, Event::Confirmed { .. }));
        let consuming = self.longest_gap(from, to, |event| matches!(event, Event::Consumed { .. }));
        publishing.max(consuming)
    }

    /// When a message had been confirmed and one consumed, both at `moment` or later.
    fn served_after(&self, moment: Instant) -> Option<Instant> {
        let first = |kind: fn(&Event) -> bool| {
            self.entries.iter().find(|entry| entry.at >= moment && kind(&entry.event)).map(|entry| entry.at)
        };
        let published = first(|event| matches!(event, Event::Confirmed { .. }))?;
        let consumed = first(|event| matches!(event, Event::Consumed { .. }))?;
        Some(published.max(consumed))
    }

    fn longest_gap(&self, from: Instant, to: Instant, kind: impl Fn(&Event) -> bool) -> Duration {
        let inside = self.entries.iter().filter(|entry| (from..to).contains(&entry.at) && kind(&entry.event));
        let mut last = from;
        let mut longest = Duration::ZERO;
        for at in inside.map(|entry| entry.at).chain([to]) {
            longest = longest.max(at.saturating_since(last));
            last = at;
        }
        longest
    }

    fn confirmed_ids(&self) -> BTreeSet<u64> {
        self.entries
            .iter()
            .filter_map(|entry| match entry.event {
                Event::Confirmed { id } => Some(id),
                _ => None,
            })
            .collect()
    }

    fn consumed_ids(&self) -> BTreeMap<u64, usize> {
        let mut times = BTreeMap::new();
        for entry in &self.entries {
            if let Event::Consumed { id } = entry.event {
                *times.entry(id).or_default() += 1;
            }
        }
        times
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn journal(events: &[(u64, Event)]) -> Journal {
        let entries =
            events.iter().map(|(second, event)| Entry { at: at(*second), event: event.clone() }).collect();
        Journal { entries }
    }

    fn at(second: u64) -> Instant {
        Instant::from_micros(second * 1_000_000)
    }

    #[test]
    fn a_message_that_was_confirmed_and_never_consumed_is_lost() {
        let journal = journal(&[
            (1, Event::Confirmed { id: 1 }),
            (2, Event::Consumed { id: 1 }),
            (3, Event::Consumed { id: 1 }),
            (3, Event::Confirmed { id: 2 }),
            (4, Event::Consumed { id: 3 }),
        ]);
        assert_eq!((journal.confirmed(), journal.lost(), journal.duplicates()), (2, vec![2], 1));
    }

    #[test]
    fn the_time_without_service_is_the_longest_in_which_either_half_stood_still() {
        let journal = journal(&[
            (1, Event::Confirmed { id: 1 }),
            (1, Event::Consumed { id: 1 }),
            (4, Event::Confirmed { id: 2 }),
            (6, Event::Consumed { id: 2 }),
        ]);
        assert_eq!(journal.without_service(at(0), at(7)), wait::seconds(5));
        assert_eq!(journal.without_service(at(0), at(20)), wait::seconds(16));
        assert_eq!(journal.served_after(at(2)), Some(at(6)));
        assert_eq!(journal.served_after(at(5)), None);
    }

    #[test]
    fn a_line_of_the_journal_is_flat() {
        let entry = Entry { at: at(1), event: Event::Confirmed { id: 7 } };
        let line = serde_json::to_string(&entry).unwrap();
        assert_eq!(line, r#"{"at":1000000,"event":"confirmed","id":7}"#);
        assert_eq!(serde_json::from_str::<Entry>(&line).unwrap(), entry);
    }
}
