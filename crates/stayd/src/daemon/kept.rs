//! What the checker process last said that it knows, for one that takes over from it.
//!
//! **It is about the servers that the process had**: from a reload until it has said something again, those are not the
//! configuration's.

use checker::VirtualServerSpec;
use config::model::Packed;

use crate::ipc::{Snapshot, ToChecker};

/// The newest snapshot.
#[derive(Debug, Default)]
pub struct Kept {
    snapshot: Option<Snapshot>,
    /// What it is about, if not what the configuration has.
    servers: Option<Packed<VirtualServerSpec>>,
}

impl Kept {
    /// The configuration has other servers from now on, and no longer these.
    pub fn outdate(&mut self, servers: Packed<VirtualServerSpec>) {
        self.servers.get_or_insert(servers);
    }

    /// Takes in a snapshot about the servers of the configuration, and says whether it is the first about them.
    pub fn hear(&mut self, snapshot: Snapshot) -> bool {
        let first = self.servers.take().is_some() || self.snapshot.is_none();
        self.snapshot = Some(snapshot);
        first
    }

    /// What a process is told that takes over, where the configuration has these servers.
    pub fn message(&self, servers: &Packed<VirtualServerSpec>) -> Option<ToChecker> {
        let knowledge = self.snapshot.clone()?;
        let servers = self.servers.as_ref().unwrap_or(servers).clone();
        Some(ToChecker::Resume { knowledge, servers })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many, of which nobody wants to see one.
    fn servers(count: usize) -> Packed<VirtualServerSpec> {
        let none = serde_bytes::Bytes::new(&[]);
        postcard::from_bytes(&postcard::to_allocvec(&(count, none, none)).unwrap()).unwrap()
    }

    /// How many servers the snapshot is about that a process is told of.
    fn told(kept: &Kept, now: usize) -> Option<(Snapshot, usize)> {
        match kept.message(&servers(now))? {
            ToChecker::Resume { knowledge, servers } => Some((knowledge, servers.len())),
            _ => None,
        }
    }

    #[test]
    fn a_snapshot_keeps_the_servers_that_it_is_about_until_one_about_the_new_ones_comes() {
        let mut kept = Kept::default();
        assert!(told(&kept, 1).is_none());
        assert!(kept.hear(vec![1]));
        assert_eq!(told(&kept, 1), Some((vec![1], 1)));
        kept.outdate(servers(1));
        // A second reload before the next snapshot.
        kept.outdate(servers(2));
        assert_eq!(told(&kept, 3), Some((vec![1], 1)));
        assert!(kept.hear(vec![2]));
        assert_eq!(told(&kept, 3), Some((vec![2], 3)));
        assert!(!kept.hear(vec![3]));
    }
}
