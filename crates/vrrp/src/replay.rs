//! The newest sequence number of each sender: what is not newer is a replay.
//!
//! **Only who has a key gets into this table.** Configured peers stay in it; of others a limited number is remembered, and
//! the one that was silent longest is forgotten first.

use std::collections::BTreeMap;
use std::net::IpAddr;

use clock::Instant;

use crate::trailer::Sequence;

/// Senders that are not configured as peers and are remembered.
const MOST_STRANGERS: usize = 32;

#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Senders {
    newest: BTreeMap<IpAddr, (Sequence, Instant)>,
}

impl Senders {
    /// Whether this number is newer than all that came from `sender` before.
    pub(crate) fn is_new(&self, sender: IpAddr, sequence: Sequence) -> bool {
        self.newest.get(&sender).is_none_or(|(newest, _)| sequence > *newest)
    }

    /// Remembers an accepted number.
    pub(crate) fn accept(&mut self, now: Instant, sender: IpAddr, sequence: Sequence, peers: &[IpAddr]) {
        self.newest.insert(sender, (sequence, now));
        let strangers = || self.newest.iter().filter(|(address, _)| !peers.contains(address));
        if strangers().count() > MOST_STRANGERS
            && let Some((oldest, _)) = strangers().min_by_key(|(_, (_, at))| *at)
        {
            let oldest = *oldest;
            self.newest.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn address(last: u8) -> IpAddr {
        Ipv4Addr::new(10, 0, 0, last).into()
    }

    #[test]
    fn an_equal_or_smaller_number_is_no_new_one() {
        let mut senders = Senders::default();
        senders.accept(Instant::ZERO, address(1), Sequence(7), &[]);
        assert!(!senders.is_new(address(1), Sequence(6)));
        assert!(!senders.is_new(address(1), Sequence(7)));
        assert!(senders.is_new(address(1), Sequence(8)));
        assert!(senders.is_new(address(2), Sequence(1)));
    }

    #[test]
    fn of_too_many_senders_the_one_that_was_silent_longest_is_forgotten_but_no_peer() {
        let mut senders = Senders::default();
        senders.accept(Instant::ZERO, address(0), Sequence(9), &[address(0)]);
        for number in 1..=33 {
            let at = Instant::from_micros(u64::from(number));
            senders.accept(at, address(number), Sequence(9), &[address(0)]);
        }
        assert!(!senders.is_new(address(0), Sequence(9)), "a peer");
        assert!(senders.is_new(address(1), Sequence(9)), "forgotten");
        assert!(!senders.is_new(address(2), Sequence(9)));
    }
}
