//! The states of the checks of a virtual server.

use serde::{Deserialize, Serialize};

use crate::check::CheckState;

/// The states of all checks of a virtual server, in one piece: real server by real server, in the order of the
/// configuration.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct States {
    all: Box<[CheckState]>,
    /// Where those of each real server end.
    ends: Box<[u32]>,
}

impl States {
    /// Of how many real servers they are.
    pub(crate) const fn servers(&self) -> usize {
        self.ends.len()
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
        let end = |server: usize| self.ends.get(server).and_then(|end| usize::try_from(*end).ok());
        let begin = if server == 0 { 0 } else { end(server - 1)? };
        Some((begin, end(server)?))
    }
}

impl FromIterator<Vec<CheckState>> for States {
    fn from_iter<I: IntoIterator<Item = Vec<CheckState>>>(servers: I) -> Self {
        let (mut all, mut ends) = (Vec::new(), Vec::new());
        for states in servers {
            all.extend(states);
            // There is no configuration of so many checks.
            ends.push(u32::try_from(all.len()).unwrap_or(u32::MAX));
        }
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
        let servers = [vec![state(1)], vec![], vec![state(2), state(3)]];
        let mut states: States = servers.clone().into_iter().collect();
        assert_eq!(states.iter().collect::<Vec<_>>(), servers);
        assert_eq!((states.of(2), states.of(3)), (&servers[2][..], &[][..]));
        assert_eq!(states.get_mut(2, 1), Some(&mut state(3)));
        assert_eq!(states.get_mut(1, 0), None);
        assert_eq!(states.get_mut(3, 0), None);
    }
}
