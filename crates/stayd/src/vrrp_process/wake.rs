//! What ends the wait of the loop: a socket, a signal, or the time.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::thread;
use std::time::Duration;

use clock::Instant;
use net::{Mirror, Receiver};
use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use vrrp::{Family, IfIndex, Protocol};

use super::parent::Parent;
use super::receivers::Key;
use crate::signals;

const PARENT: u64 = 0;
const LINKS: u64 = 1;
const SIGNAL: u64 = 2;
const TIMER: u64 = 3;
const ROUTES: u64 = 4;
/// Above the largest number of an interface come the families and protocols of its sockets.
const PACKETS: u64 = 1 << 32;
const PACKETS_V6: u64 = 1 << 33;
const PACKETS_AH: u64 = 1 << 34;

/// Enough for the sockets of a thousand interfaces in both families: a wake-up shows all that is waiting.
const MOST_EVENTS: usize = 2048;

/// How long a timer that would fire too early is left alone. A wake-up for nothing costs more than setting the timer,
/// and setting it for each of many adverts costs more than a wake-up.
const TIMER_STANDS: Duration = Duration::from_millis(100);
/// Wake-ups that follow each other faster than this belong to a burst of adverts,
const CLOSE: Duration = Duration::from_millis(1);
/// when there were so many of them;
const BURST: u32 = 2;
/// then more are awaited for so long before anybody looks.
const GATHERING: Duration = Duration::from_micros(250);

/// Why the loop woke up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Cause {
    Parent,
    Links,
    Routes,
    Packets(Key),
    Signal,
}

#[derive(Clone, Copy)]
enum Timer {
    Unset,
    Set { at: Instant, since: Instant },
    Fired,
}

pub(super) struct Wake {
    epoll: Epoll,
    timer: TimerFd,
    timer_at: Timer,
    signals: signals::ForChild,
    events: Vec<EpollEvent>,
    watching_backlog: bool,
    /// When the last wait ended.
    woken: Instant,
    /// Waits in a row that ended soon after the one before.
    close: u32,
}

impl Wake {
    pub(super) fn new(parent: &Parent, mirror: &Mirror, ignore_sigint: bool) -> io::Result<Self> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        // An absolute timer on the same clock as `net::now`: it cannot be late by what happens between two readings.
        let timer =
            TimerFd::new(ClockId::CLOCK_MONOTONIC, TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC)?;
        let signals = signals::ForChild::catch(ignore_sigint)?;
        epoll.add(parent, readable(PARENT))?;
        epoll.add(mirror, readable(LINKS))?;
        epoll.add(signals.stream(), readable(SIGNAL))?;
        epoll.add(timer.as_fd(), readable(TIMER))?;
        let events = vec![EpollEvent::empty(); MOST_EVENTS];
        Ok(Self {
            epoll,
            timer,
            timer_at: Timer::Unset,
            signals,
            events,
            watching_backlog: false,
            woken: net::now(),
            close: 0,
        })
    }

    /// Watches a receiving socket; closing it ends that.
    pub(super) fn watch_packets(&self, receiver: &Receiver, key: Key) -> io::Result<()> {
        let (interface, family, protocol) = key;
        let family = if family == Family::V6 { PACKETS_V6 } else { 0 };
        let protocol = if protocol == Protocol::Ah { PACKETS_AH } else { 0 };
        Ok(self.epoll.add(receiver, readable(PACKETS | family | protocol | u64::from(interface.get())))?)
    }

    /// Watches the kernel's notifications of routes and rules.
    pub(super) fn watch_routes(&self, descriptor: BorrowedFd<'_>) -> io::Result<()> {
        Ok(self.epoll.add(descriptor, readable(ROUTES))?)
    }

    /// What signals have asked for.
    pub(super) fn asked(&self) -> signals::Asked {
        self.signals.take()
    }

    /// Waits for something to do, at most until `deadline`, and says what there is in `causes`.
    ///
    /// **In a burst of adverts it lets some of them gather**: hearing them together costs a fraction of a wake-up for
    /// each, and they count from when the kernel received them.
    pub(super) fn wait(
        &mut self,
        deadline: Option<Instant>,
        parent: &Parent,
        causes: &mut Vec<Cause>,
    ) -> io::Result<()> {
        self.arm(deadline)?;
        self.watch_backlog(parent)?;
        if self.is_in_burst() && deadline.is_none_or(|at| at >= net::now() + CLOSE) {
            thread::sleep(GATHERING);
        }
        self.fill(causes, EpollTimeout::NONE)?;
        let now = net::now();
        self.close = if now < self.woken + CLOSE { self.close.saturating_add(1) } else { 0 };
        self.woken = now;
        Ok(())
    }

    /// Whether adverts come in such quick succession that several may wait.
    pub(super) fn is_in_burst(&self) -> bool {
        self.close >= BURST
    }

    /// Says in `causes` what there is to do right now.
    pub(super) fn look(&mut self, causes: &mut Vec<Cause>) -> io::Result<()> {
        self.fill(causes, EpollTimeout::ZERO)
    }

    fn fill(&mut self, causes: &mut Vec<Cause>, timeout: EpollTimeout) -> io::Result<()> {
        causes.clear();
        let count = match self.epoll.wait(&mut self.events, timeout) {
            Ok(count) => count,
            // Also when the process goes on after SIGSTOP: what waits then shows at the next look.
            Err(Errno::EINTR) => 0,
            Err(error) => return Err(error.into()),
        };
        for event in &self.events[..count] {
            if event.data() == TIMER {
                self.timer_at = Timer::Fired;
            }
            causes.extend(cause(event.data()));
        }
        Ok(())
    }

    /// A deadline that has moved away is mostly left to be looked at again when the timer fires.
    fn arm(&mut self, deadline: Option<Instant>) -> io::Result<()> {
        let deadline = match (self.timer_at, deadline) {
            (Timer::Set { at, since }, Some(deadline))
                if at == deadline || at < deadline && self.woken < since + TIMER_STANDS =>
            {
                return Ok(());
            }
            (Timer::Unset | Timer::Set { .. }, None) => return Ok(()),
            (Timer::Fired, None) => {
                // Else it stays readable.
                self.timer.unset()?;
                self.timer_at = Timer::Unset;
                return Ok(());
            }
            (_, Some(deadline)) => deadline,
        };
        // Zero would disarm it; a time that has passed fires at once.
        let at = Duration::from_micros(deadline.as_micros().max(1));
        let flags = TimerSetTimeFlags::TFD_TIMER_ABSTIME;
        self.timer.set(Expiration::OneShot(TimeSpec::from_duration(at)), flags)?;
        self.timer_at = Timer::Set { at: deadline, since: self.woken };
        Ok(())
    }

    /// While something waits to be handed over, the parent's being ready for it is news.
    fn watch_backlog(&mut self, parent: &Parent) -> io::Result<()> {
        let backlog = parent.has_backlog();
        if backlog != self.watching_backlog {
            let writable = if backlog { EpollFlags::EPOLLOUT } else { EpollFlags::empty() };
            self.epoll.modify(parent, &mut EpollEvent::new(EpollFlags::EPOLLIN | writable, PARENT))?;
            self.watching_backlog = backlog;
        }
        Ok(())
    }
}

fn readable(data: u64) -> EpollEvent {
    EpollEvent::new(EpollFlags::EPOLLIN, data)
}

fn cause(data: u64) -> Option<Cause> {
    match data {
        PARENT => Some(Cause::Parent),
        LINKS => Some(Cause::Links),
        ROUTES => Some(Cause::Routes),
        SIGNAL => Some(Cause::Signal),
        TIMER => None,
        packets => {
            let family = if packets & PACKETS_V6 == 0 { Family::V4 } else { Family::V6 };
            let interface = u32::try_from(packets & (PACKETS - 1)).ok().and_then(IfIndex::new)?;
            let protocol = if packets & PACKETS_AH == 0 { Protocol::Vrrp } else { Protocol::Ah };
            Some(Cause::Packets((interface, family, protocol)))
        }
    }
}
