//! The states of the checks of a virtual server.

use serde::{Deserialize, Serialize};

use crate::check::CheckState;

/// The states of all checks of a virtual server, in one piece: real server by real server, in the order of the
/// configuration.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct States {
    all: Box<[CheckState]>,
    /// Where those of each real server end; empty: each has one.
    ends: Box<[u32]>,
}

impl States {
    /// Of how many real servers they are.
    pub(crate) const fn servers(&self) -> usize {
        if self.ends.is_empty() { self.all.len() } else { self.ends.len() }
    }

    /// Those of one real server; none: there is none with this index.
    pub(crate) fn of(&self, server: usize) -> &[CheckState] {
        self.range(server).and_then(|(begin, end)| self.all.get(begin..end)).unwrap_or_default()
    }

    /// One of one real server.
    pub(crate) fn get_mut(&mut self, server: usize, check: usize) -> Option<&mut CheckState> {
        let (begin, end) = self.range(server)?;
        self.all.get_mut(begin..end)?.get_mut(check)
    }

    /// Those of each real server.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &[CheckState]> {
        (0..self.servers()).map(|server| self.of(server))
    }

    fn range(&self, server: usize) -> Option<(usize, usize)> {
        if self.ends.is_empty() {
            return Some((server, server + 1));
        }
        let end = |server: usize| self.ends.get(server).and_then(|end| usize::try_from(*end).ok());
        let begin = if server == 0 { 0 } else { end(server - 1)? };
        Some((begin, end(server)?))
    }
}

impl From<Vec<Vec<CheckState>>> for States {
    fn from(servers: Vec<Vec<CheckState>>) -> Self {
        let mut ends = Vec::new();
        if servers.iter().any(|states| states.len() != 1) {
            let mut end = 0_u32;
            ends.reserve_exact(servers.len());
            ends.extend(servers.iter().map(|states| {
                // There is no configuration of so many checks.
                end = end.saturating_add(u32::try_from(states.len()).unwrap_or(u32::MAX));
                end
            }));
        }
        // Room for what grows would leave holes in memory.
        let mut all = Vec::with_capacity(servers.iter().map(Vec::len).sum());
        all.extend(servers.into_iter().flatten());
        Self { all: all.into(), ends: ends.into() }
    }
}

#[cfg(test)]
mod tests {
    use clock::Instant;

    use super::*;
    use crate::check::Standing;

    fn state(micros: u64) -> CheckState {
        CheckState::new(Standing::Up, false, Instant::from_micros(micros))
    }

    #[test]
    fn each_server_has_its_own() {
        let servers = vec![vec![state(1)], vec![], vec![state(2), state(3)]];
        let mut states = States::from(servers.clone());
        assert_eq!(states.iter().collect::<Vec<_>>(), servers);
        assert_eq!((states.of(2), states.of(3)), (&servers[2][..], &[][..]));
        assert_eq!(states.get_mut(2, 1), Some(&mut state(3)));
        assert_eq!(states.get_mut(1, 0), None);
        assert_eq!(states.get_mut(3, 0), None);
    }
    #[test]
    fn where_each_has_one_they_are_counted_all_the_same() {
        let servers = vec![vec![state(1)], vec![state(2)]];
        let mut states = States::from(servers.clone());
        assert_eq!(
            (states.servers(), states.iter().collect::<Vec<_>>()),
            (2, servers.iter().map(Vec::as_slice).collect())
        );
        assert_eq!(states.get_mut(1, 0), Some(&mut state(2)));
        assert_eq!(states.of(2), []);
        assert_eq!(States::from(vec![]).servers(), 0);
    }
}
