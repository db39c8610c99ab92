//! Two owners of one address (keepalived): of two routers of priority 255 the one with the lower address yields at once;
//! the other, if that one does not, yields after a while by pretending to be none, until the address is free.

use std::net::IpAddr;
use std::time::Duration;

use clock::Instant;

use super::{Context, Instance, Told};
use crate::advert::Advert;
use crate::event::What;

/// Another owner of lower address, that ought to have yielded.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Rival {
    address: IpAddr,
    /// Since when it is heard.
    since: Instant,
    heard_at: Instant,
}

impl Instance {
    /// As master of priority 255 an advert of priority 255 was heard. After two adverts of our own and 1.2 times the
    /// longer interval it is believed.
    pub(super) fn meet_rival(&mut self, cx: &mut Context<'_>, source: IpAddr, advert: &Advert) {
        if !self.priority.is_owner() || advert.priority != self.priority.get() {
            return;
        }
        let (ours, theirs) = (self.spec.advert_interval.duration(), advert.interval.duration());
        let patience = ours * 2 + ours.max(theirs) * 6 / 5;
        self.tell_once(cx, Told::Rival(source), What::Rival { source });
        let since = match &self.rival {
            Some(rival) if rival.address == source && is_recent(rival, cx.now, patience) => rival.since,
            _ => cx.now,
        };
        self.rival = Some(Rival { address: source, since, heard_at: cx.now });
        if cx.now.saturating_since(since) >= patience {
            self.demoted = true;
            self.reweigh(cx);
        }
    }

    /// The address is free again: the owner is one.
    pub(super) fn forget_rival(&mut self, cx: &mut Context<'_>) {
        self.rival = None;
        if core::mem::take(&mut self.demoted) {
            self.reweigh(cx);
        }
    }
}

fn is_recent(rival: &Rival, now: Instant, patience: Duration) -> bool {
    now.saturating_since(rival.heard_at) < patience
}
