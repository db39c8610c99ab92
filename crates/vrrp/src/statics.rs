//! What is held whatever the state of the instances: `static_ipaddress`, `static_routes`, `static_rules`.

use std::collections::VecDeque;

use clock::Instant;

use crate::action::{Action, InstanceId};
use crate::event::{Event, What};
use crate::hold::Hold;
use crate::links::Links;
use crate::spec::Held;

/// What it may look at and fill while it handles one input.
pub(crate) struct Surroundings<'a> {
    pub(crate) now: Instant,
    pub(crate) links: &'a Links,
    pub(crate) actions: &'a mut VecDeque<Action>,
}

#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Statics {
    held: Vec<Held>,
    pub(crate) hold: Hold,
    stopped: bool,
}

impl Statics {
    /// Takes over another list. At the first one leftovers of an earlier run are taken as being there.
    pub(crate) fn configure(&mut self, cx: &mut Surroundings<'_>, held: &[Held]) {
        self.stopped = false;
        if self.held != held {
            let before = core::mem::replace(&mut self.held, held.to_vec());
            self.hold.drop_unlisted(before, held);
            self.want(cx);
        }
    }

    pub(crate) fn stop(&mut self, cx: &mut Surroundings<'_>) {
        if !self.stopped && !self.held.is_empty() {
            self.stopped = true;
            self.want(cx);
        }
    }

    /// Nothing is there, or will be confirmed to be gone.
    pub(crate) fn is_gone(&self) -> bool {
        self.held.is_empty() || self.stopped && !self.hold.is_pending()
    }

    pub(crate) fn links_changed(&mut self, cx: &mut Surroundings<'_>) {
        if !self.stopped && self.hold.look(cx.now, cx.links) {
            self.want(cx);
        }
    }

    pub(crate) fn lost(&mut self, cx: &mut Surroundings<'_>, gone: &[Held]) {
        if self.hold.lose(cx.now, gone) {
            self.want(cx);
        }
    }

    pub(crate) fn doubt(&mut self, cx: &mut Surroundings<'_>) {
        if self.hold.doubt(cx.now) {
            self.want(cx);
        }
    }

    pub(crate) fn tick(&mut self, cx: &mut Surroundings<'_>) {
        if self.hold.retry_at().is_some_and(|at| at <= cx.now) {
            self.want(cx);
        }
    }

    pub(crate) fn applied(&mut self, cx: &mut Surroundings<'_>, serial: u64, failed: Vec<(Held, i32)>) {
        let Some(settled) = self.hold.applied(cx.now, serial, failed) else { return };
        for held in settled.restored {
            emit(cx, What::Restored { held });
        }
        for (held, adding, errno) in settled.failed {
            emit(cx, What::HoldFailed { held, adding, errno });
        }
    }

    fn want(&mut self, cx: &mut Surroundings<'_>) {
        let want =
            self.hold.want(cx.now, cx.links, InstanceId::STATIC, self.held.clone(), !self.stopped, true);
        cx.actions.push_back(want);
    }
}

fn emit(cx: &mut Surroundings<'_>, what: What) {
    cx.actions.push_back(Action::Emit(Event { instance: "static".to_owned(), what }));
}
