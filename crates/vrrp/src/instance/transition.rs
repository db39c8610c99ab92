//! Changes of state: what happens on leaving one and on entering the next.
//!
//! **Order**: the notification first, so that whatever follows is explained; then the effects of leaving: an advert of
//! priority 0 before the addresses go; then those of entering: the first advert, then the addresses, which are announced
//! when the kernel has confirmed them.

use clock::Instant;

use super::{Backup, Context, Instance, Master, Readiness, State};
use crate::event::{FaultCause, StateName, Why};

impl Instance {
    /// Leaves the present state for `to`.
    pub(super) fn transition(&mut self, cx: &mut Context<'_>, to: StateName, why: Why) {
        let from = self.state_name();
        if to == StateName::Master {
            self.forget_rival(cx);
        }
        self.notify(cx, from, to, why.clone());
        self.told.clear();
        self.since = Some(cx.now);
        if from == StateName::Master {
            self.leave_master(cx, to);
        }
        if to != StateName::Backup && self.keeps {
            // Whatever is confirmed from now on is news.
            self.keeps = false;
            self.hold.forget();
        }
        match to {
            StateName::Master => self.enter_master(cx),
            StateName::Backup => self.enter_backup(cx),
            StateName::Fault => self.state = State::Fault { causes: causes_of(why) },
            StateName::Init | StateName::Stop => self.state = State::Stopped,
        }
        // Level, not edge: in every state but Master the addresses shall be absent, whoever made them; only what was there
        // at the start stays until the first decision.
        self.want(cx);
    }

    fn leave_master(&mut self, cx: &mut Context<'_>, to: StateName) {
        self.counters.released_master += 1;
        // To a better master nothing is released: it has taken the addresses already (RFC 9568 6.4.3).
        let reachable = cx.links.named(&self.spec.interface).is_some_and(|link| link.up);
        if to != StateName::Backup && reachable {
            self.send(cx, 0);
        }
        cx.announcer.forget(self.id);
    }

    fn enter_master(&mut self, cx: &mut Context<'_>) {
        self.counters.became_master += 1;
        self.state = State::Master(Master {
            advert_at: cx.now + self.spec.advert_interval.duration(),
            last_sent: cx.now,
            second_burst_at: None,
            extra_at: None,
            refresh_at: None,
            lower_burst_at: None,
            last_contended: None,
        });
        self.advertise(cx);
        self.schedule_announcements(cx.now);
    }

    fn enter_backup(&mut self, cx: &mut Context<'_>) {
        self.state = State::Backup(Backup {
            takeover_at: Instant::ZERO,
            waited: std::time::Duration::ZERO,
            released: false,
            readiness: Readiness::Unready,
            master_interval: self.spec.advert_interval,
            master: None,
            master_priority: 0,
            tolerated_until: None,
        });
        self.restart_down_timer(cx);
    }

    /// Sets the timers of the announcements after the first burst (keepalived: the second burst after
    /// `garp_master_delay`, refreshes from `garp_master_refresh` after that).
    pub(super) fn schedule_announcements(&mut self, now: Instant) {
        let spec = &self.spec.announce;
        if let State::Master(master) = &mut self.state {
            master.second_burst_at = (!spec.delay.is_zero()).then(|| now + spec.delay);
            master.extra_at = spec.extra_interfaces.map(|extra| now + extra.every);
            master.refresh_at = (!spec.refresh.is_zero()).then(|| now + spec.delay + spec.refresh);
        }
    }
}

fn causes_of(why: Why) -> std::collections::BTreeSet<FaultCause> {
    match why {
        Why::Fault(causes) => causes.into_iter().collect(),
        Why::Startup
        | Why::Owner
        | Why::MasterSilent { .. }
        | Why::MasterReleased
        | Why::BetterMaster { .. }
        | Why::Recovered
        | Why::SyncGroup { .. }
        | Why::Stalled { .. }
        | Why::Resumed
        | Why::Removed
        | Why::Stopping => std::collections::BTreeSet::new(),
    }
}
