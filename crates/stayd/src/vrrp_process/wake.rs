//! What ends the wait of the loop: a socket, a signal, or the time.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::thread;
use std::time::Duration;

use clock::Instant;
use net::{Mirror, Receiver};
use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::timerfd::{ClockId, TimerFd, TimerFlags};

use super::parent::Parent;
use crate::signals;

const PARENT: u64 = 0;
const LINKS: u64 = 1;
const SIGNAL: u64 = 2;
const TIMER: u64 = 3;
const ROUTES: u64 = 4;
/// From here on come the places of the receiving sockets.
const PACKETS: u64 = 5;

/// Enough for the sockets of a thousand interfaces in both families: a wake-up shows all that is waiting.
const MOST_EVENTS: usize = 2048;

/// How long a timer that would fire too early is left alone. A wake-up for nothing costs more than setting the timer,
/// and setting it for each of many adverts costs more than a wake-up.
const TIMER_STANDS: Duration = Duration::from_millis(100);
/// Wake-ups that follow each other faster than this belong to a burst of adverts,
const CLOSE: Duration = Duration::from_millis(1);
/// when there were so many of them;
const BURST: u32 = 2;
/// then more are awaited for so long before anybody looks,
const GATHERING: Duration = Duration::from_micros(250);
/// and after so many longer: who sends slowly sends for long.
const LONG_BURST: u32 = 6;
const LONG_GATHERING: Duration = Duration::from_millis(1);

/// Why the loop woke up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Cause {
    Parent,
    Links,
    Routes,
    Signal,
    Time,
    /// Packets at the receiving socket of this place.
    Packets(usize),
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
    /// What the last look has shown, in so many of these.
    events: Vec<EpollEvent>,
    shown: usize,
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
            shown: 0,
            watching_backlog: false,
            woken: net::now(),
            close: 0,
        })
    }

    /// Watches a receiving socket; closing it ends that.
    pub(super) fn watch_packets(&self, receiver: &Receiver, place: usize) -> io::Result<()> {
        Ok(self.epoll.add(receiver, readable(PACKETS + place as u64))?)
    }

    /// Watches the kernel's notifications of routes and rules.
    pub(super) fn watch_routes(&self, descriptor: BorrowedFd<'_>) -> io::Result<()> {
        Ok(self.epoll.add(descriptor, readable(ROUTES))?)
    }

    /// What signals have asked for.
    pub(super) fn asked(&self) -> signals::Asked {
        self.signals.take()
    }

    /// Waits for something to do, at most until `deadline`.
    ///
    /// **In a burst of adverts it lets some of them gather**: hearing them together costs a fraction of a wake-up for
    /// each, and they count from when the kernel received them.
    pub(super) fn wait(&mut self, deadline: Option<Instant>, parent: &Parent) -> io::Result<()> {
        self.arm(deadline)?;
        let backlog = parent.has_backlog();
        if backlog != self.watching_backlog {
            self.watch_backlog(parent, backlog)?;
        }
        let gathering = gathering(self.close);
        let slept = !gathering.is_zero() && deadline.is_none_or(|at| at >= net::now() + gathering + CLOSE);
        if slept {
            thread::sleep(gathering);
        }
        self.fill(EpollTimeout::NONE)?;
        let now = net::now();
        let close = if slept { gathering + CLOSE } else { CLOSE };
        self.close = if now < self.woken + close { self.close.saturating_add(1) } else { 0 };
        self.woken = now;
        Ok(())
    }

    /// Whether adverts come in such quick succession that several may wait.
    pub(super) fn is_in_burst(&self) -> bool {
        self.close >= BURST
    }

    /// When the last wait ended.
    pub(super) const fn woken(&self) -> Instant {
        self.woken
    }

    /// Looks for what there is to do right now.
    pub(super) fn look(&mut self) -> io::Result<()> {
        self.fill(EpollTimeout::ZERO)
    }

    /// How many causes the last wait or look has shown.
    pub(super) const fn shown(&self) -> usize {
        self.shown
    }

    /// One of them.
    pub(super) fn cause(&self, number: usize) -> Cause {
        match self.events[number].data() {
            PARENT => Cause::Parent,
            LINKS => Cause::Links,
            ROUTES => Cause::Routes,
            SIGNAL => Cause::Signal,
            TIMER => Cause::Time,
            place => Cause::Packets(usize::try_from(place - PACKETS).unwrap_or(usize::MAX)),
        }
    }

    /// [`Cause::Time`] was shown.
    pub(super) const fn time_came(&mut self) {
        self.timer_at = Timer::Fired;
    }

    /// Whether the time has come, and nothing else.
    pub(super) fn is_time_only(&self) -> bool {
        self.shown == 1 && self.cause(0) == Cause::Time
    }

    fn fill(&mut self, timeout: EpollTimeout) -> io::Result<()> {
        self.shown = match self.epoll.wait(&mut self.events, timeout) {
            Ok(count) => count,
            // Also when the process goes on after SIGSTOP: what waits then shows at the next look.
            Err(Errno::EINTR) => 0,
            Err(error) => return Err(error.into()),
        };
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
        set(&self.timer, deadline.as_micros().max(1))?;
        self.timer_at = Timer::Set { at: deadline, since: self.woken };
        Ok(())
    }

    /// While something waits to be handed over, the parent's being ready for it is news.
    #[cold]
    fn watch_backlog(&mut self, parent: &Parent, backlog: bool) -> io::Result<()> {
        let writable = if backlog { EpollFlags::EPOLLOUT } else { EpollFlags::empty() };
        self.epoll.modify(parent, &mut EpollEvent::new(EpollFlags::EPOLLIN | writable, PARENT))?;
        self.watching_backlog = backlog;
        Ok(())
    }
}

/// For how long more adverts are awaited after so many close wake-ups in a row.
const fn gathering(close: u32) -> Duration {
    if close < BURST {
        Duration::ZERO
    } else if close < LONG_BURST {
        GATHERING
    } else {
        LONG_GATHERING
    }
}

/// Sets a timer to so many microseconds on its clock. (As [`TimerFd::set`], but on the way of every advert.)
#[inline]
fn set(timer: &TimerFd, micros: u64) -> nix::Result<()> {
    let value = libc::timespec {
        tv_sec: libc::time_t::try_from(micros / 1_000_000).unwrap_or(libc::time_t::MAX),
        tv_nsec: (micros % 1_000_000 * 1_000).cast_signed() as libc::c_long,
    };
    let once = libc::itimerspec { it_interval: libc::timespec { tv_sec: 0, tv_nsec: 0 }, it_value: value };
    let descriptor = timer.as_fd().as_raw_fd();
    // SAFETY: the call reads the time, which lives as long as it, and writes nothing.
    Errno::result(unsafe {
        libc::timerfd_settime(descriptor, libc::TFD_TIMER_ABSTIME, &raw const once, std::ptr::null_mut())
    })?;
    Ok(())
}

fn readable(data: u64) -> EpollEvent {
    EpollEvent::new(EpollFlags::EPOLLIN, data)
}
