//! The VRRP process: a loop around [`vrrp::Router`] that does nothing but packets, timers and addresses.
//!
//! **Sockets are drained before the timer counts**: after a late wake-up the adverts that wait in a queue are heard
//! before anybody concludes that none came. No file, name service, log or script is touched here; what has to be told
//! goes to the parent, without ever waiting for it.

mod address_log;
mod filter;
mod interfaces;
mod leftovers;
mod parent;
mod receive_buffers;
mod receivers;
mod wake;

use std::collections::BTreeMap;
use std::io;
use std::os::unix::net::UnixStream;
use std::time::{Duration, SystemTime};

use clock::Instant;
use config::model::BufferPolicy;
use net::{Announcer, Change, Holdings, Loss, Mirror, Received, Sender};
use vrrp::{
    Action, Done, Input, InstanceId, LinkView, PROTOCOL_KEEPALIVED, Router, RouterSpec, UnixTime, Want,
};

use crate::buffers;
use crate::cli::Options;
use crate::exit::Exit;
use crate::ipc::{Dump, FromVrrp, Level, SocketView, ToVrrp};
use crate::scheduling::Scheduling;
use address_log::AddressLog;
use filter::Blocked;
use interfaces::Interfaces;
use parent::{Heard, Parent};
use receive_buffers::Sizes;
use receivers::Receivers;
use wake::{Cause, Wake};

/// Packets taken from one socket before the others and the timer get their turn.
const PACKETS_AT_ONCE: usize = 4096;

/// A timer that is seen so soon was not waited for together with anything else that was kept from us.
const PROMPT: Duration = Duration::from_millis(1);

/// A wall clock that is slewed drifts by less in any time that matters.
const CLOCK_TOLERANCE: Duration = Duration::from_millis(10);

/// With more instances than these, adverts come in bursts, of which a process that is woken up sooner hears fewer together.
const MOST_PROMPT: usize = 20;

/// Runs the process until it is told to stop or the parent is gone. The options say whether, at the end, it gives the
/// addresses up and says so to the peers.
pub fn run(stream: UnixStream, options: &Options) -> Exit {
    match Driver::open(stream, options) {
        Ok(mut driver) => driver.run(),
        Err(error) => {
            eprintln!("cannot start: {error}");
            if error.kind() == io::ErrorKind::PermissionDenied {
                Exit::MissingPermission
            } else {
                Exit::Fatal
            }
        }
    }
}

struct Driver {
    // First what each advert needs.
    router: Router,
    wake: Wake,
    receivers: Receivers,
    sender: Sender,
    parent: Parent,
    /// When the newest input was.
    latest: Instant,
    scheduling: Scheduling,
    interfaces: Interfaces,
    mirror: Mirror,
    holdings: Holdings,
    blocked: Blocked,
    announcer: Announcer,
    /// By how much the wall clock is ahead of the monotonic one, as the router knows it.
    clock_ahead: Option<Duration>,
    /// Whether an instance has `auth_hmac`.
    signs: bool,
    /// How large receive buffers are, and for how many packets.
    buffers: (BufferPolicy, u32),
    /// What the drivers of polled interfaces say.
    beats: BTreeMap<String, bool>,
    configured: bool,
    release: bool,
    /// Told with `-a`.
    address_log: Option<AddressLog>,
    stopping: bool,
}

impl Driver {
    fn open(stream: UnixStream, options: &Options) -> io::Result<Self> {
        let mirror = Mirror::open().map_err(io::Error::other)?;
        let parent = Parent::new(stream)?;
        let wake = Wake::new(&parent, &mirror, options.ignore_sigint)?;
        Ok(Self {
            router: Router::new(),
            holdings: Holdings::open(Some(PROTOCOL_KEEPALIVED)).map_err(io::Error::other)?,
            interfaces: Interfaces::open().map_err(io::Error::other)?,
            blocked: Blocked::default(),
            sender: Sender::open()?,
            announcer: Announcer::open()?,
            receivers: Receivers::default(),
            mirror,
            parent,
            scheduling: Scheduling::default(),
            wake,
            latest: Instant::ZERO,
            clock_ahead: None,
            signs: false,
            buffers: (BufferPolicy::System, 3),
            beats: BTreeMap::new(),
            configured: false,
            release: !options.dont_release_vrrp,
            address_log: options.address_monitoring.then(AddressLog::default),
            stopping: false,
        })
    }

    fn run(&mut self) -> Exit {
        loop {
            if !self.router.is_quiet() || self.parent.has_backlog() || self.stopping {
                self.perform();
                self.report();
                if self.stopping && self.router.is_stopped() {
                    self.close();
                    return Exit::Normal;
                }
            }
            if let Err(error) = self.turn() {
                eprintln!("cannot wait for events: {error}");
                return Exit::Fatal;
            }
        }
    }

    #[cold]
    fn close(&mut self) {
        if self.release {
            let failures = self.interfaces.release(&self.mirror);
            self.complain(failures);
            let failure = self.blocked.release();
            self.complain(failure.into_iter().collect());
        }
        self.parent.flush();
    }

    /// Waits, and takes in what has happened. The time counts only when everything that came before it has been heard.
    fn turn(&mut self) -> io::Result<()> {
        let deadline = self.deadline();
        self.scheduling.restore();
        self.wake.wait(deadline, &self.parent)?;
        if self.signs {
            self.hear_clock();
        }
        // Mostly one packet waits. Where more do nevertheless, the next wait ends at once.
        self.drain_all(if self.wake.is_in_burst() { PACKETS_AT_ONCE } else { 1 });
        if self.interfaces.retry_at().is_some_and(|at| at <= self.wake.woken()) {
            self.check_interfaces();
        }
        if self.is_due() {
            // Where only the timer has fired, nothing has waited longer than it; unless we were stopped between the end of
            // the wait and the look at the clock.
            let late = deadline.map(|at| self.wake.woken().saturating_since(at)).unwrap_or_default();
            if late > PROMPT || !self.wake.is_time_only() {
                self.look_again()?;
            }
            if self.is_due() {
                self.act_in_time(late);
            }
        }
        Ok(())
    }

    #[cold]
    fn look_again(&mut self) -> io::Result<()> {
        self.wake.look()?;
        self.drain_all(PACKETS_AT_ONCE);
        Ok(())
    }

    #[inline]
    fn is_due(&self) -> bool {
        self.router.next_deadline().is_some_and(|at| at <= self.wake.woken())
    }

    /// Mostly the time has come for the same adverts again.
    fn act_in_time(&mut self, late: Duration) {
        if let Some(text) = self.scheduling.late(late) {
            self.parent.line(Level::Warning, text);
        }
        self.latest = self.latest.max(self.wake.woken());
        while let Some(send) = self.router.advertise_again(self.latest) {
            if let Err(error) = self.sender.send(send) {
                let instance = send.instance;
                self.send_failed(instance, &error);
            }
        }
        if self.is_due() {
            self.tick();
        }
    }

    #[inline(never)]
    fn tick(&mut self) {
        self.feed(Input::Tick);
    }

    #[cold]
    fn send_failed(&mut self, instance: InstanceId, error: &io::Error) {
        let errno = error.raw_os_error().unwrap_or(libc::EIO);
        self.feed(Input::Done(Done::SendFailed { instance, errno }));
    }

    fn deadline(&self) -> Option<Instant> {
        [self.router.next_deadline(), self.interfaces.retry_at()].into_iter().flatten().min()
    }

    fn feed(&mut self, input: Input) {
        self.latest = self.latest.max(net::now());
        self.router.handle(self.latest, input);
    }

    /// Takes in what the wake-up was for, of each socket so many packets at most.
    #[inline]
    fn drain_all(&mut self, most: usize) {
        for number in 0..self.wake.shown() {
            match self.wake.cause(number) {
                Cause::Packets(place) => self.hear_packets(place, most),
                Cause::Time => self.wake.time_came(),
                other => self.hear_other(other),
            }
        }
    }

    /// Mostly one, that says what the last one of its virtual router said.
    #[inline]
    fn hear_packets(&mut self, place: usize, most: usize) {
        for _ in 0..most {
            match self.receivers.receive(place) {
                Some(Ok(Received::Packet(at, packet))) => {
                    self.latest = self.latest.max(at);
                    if !self.router.hear_again(self.latest, &packet) {
                        let packet = packet.to_packet();
                        self.router.handle(self.latest, Input::Packet(packet));
                    }
                }
                Some(Ok(Received::Malformed)) => {}
                // An interface that went down is an error here; the mirror tells of it as well.
                Some(Ok(Received::Nothing) | Err(_)) | None => break,
            }
        }
    }

    #[cold]
    fn hear_other(&mut self, cause: Cause) {
        match cause {
            Cause::Parent => self.hear_parent(),
            Cause::Links => {
                self.hear_links();
                self.check_interfaces();
            }
            Cause::Routes => match self.holdings.losses() {
                Some(Loss::Of(lost)) => self.feed(Input::Lost(lost)),
                Some(Loss::Unknown) => self.feed(Input::Doubt),
                None => {}
            },
            Cause::Signal => self.hear_signals(),
            Cause::Time | Cause::Packets(_) => {}
        }
    }

    fn hear_signals(&mut self) {
        let asked = self.wake.asked();
        for dump in asked.dumps {
            self.tell_report(dump);
        }
        if asked.reload {
            self.parent.tell(&FromVrrp::Reload);
        }
        if asked.end {
            self.stop();
        }
    }

    /// Says what is asked for; the parent writes it down.
    fn tell_report(&mut self, asked: Dump) {
        let sockets = if matches!(asked, Dump::Data | Dump::Log | Dump::Saved(..)) {
            self.sockets()
        } else {
            Vec::new()
        };
        self.parent.tell(&FromVrrp::Report { asked, instances: self.router.statuses(), sockets });
        if asked == Dump::StatsClear {
            self.router.clear_counters();
        }
    }

    fn sockets(&self) -> Vec<SocketView> {
        let view = |((interface, family, protocol), receives)| {
            let sends = self.sender.number(family).unwrap_or(-1);
            SocketView { interface, family, protocol, receives, sends }
        };
        self.receivers.numbers().map(view).collect()
    }

    /// Tells the router when the wall clock was set: it times what `auth_hmac` signs.
    #[cold]
    fn hear_clock(&mut self) {
        if !self.signs {
            return;
        }
        let Ok(unix) = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH) else { return };
        let ahead = unix.saturating_sub(Duration::from_micros(net::now().as_micros()));
        if self.clock_ahead.is_none_or(|known| known.abs_diff(ahead) > CLOCK_TOLERANCE) {
            self.clock_ahead = Some(ahead);
            let micros = u64::try_from(unix.as_micros()).unwrap_or(u64::MAX);
            self.feed(Input::WallClock(UnixTime(micros)));
        }
    }

    fn hear_parent(&mut self) {
        loop {
            match self.parent.hear() {
                Heard::Nothing => return,
                Heard::Message(ToVrrp::Resume(snapshots)) => {
                    self.interfaces.resume();
                    self.feed(Input::Resume(snapshots));
                }
                Heard::Message(ToVrrp::Found(settings)) => self.interfaces.resume_settings(settings),
                Heard::Message(ToVrrp::Track { tracker, state }) => {
                    self.feed(Input::Track { tracker, state });
                }
                Heard::Message(ToVrrp::Linkbeat(name, up)) => self.hear_beat(name, up),
                Heard::Message(ToVrrp::Filter(nftables)) => {
                    let failure = self.blocked.configure(nftables);
                    self.complain(failure.into_iter().collect());
                }
                Heard::Message(ToVrrp::Schedule(spec, rise)) => {
                    let mut failures = self.scheduling.apply(&spec);
                    self.scheduling.set_rise(rise);
                    failures.extend(buffers::apply(&self.mirror, spec.monitor_buffer, "news of interfaces"));
                    self.complain(failures);
                    self.log_addresses();
                }
                Heard::Message(ToVrrp::Buffers(policy, packets)) => self.buffers = (policy, packets),
                Heard::Message(ToVrrp::Configure(spec)) => self.configure(*spec),
                Heard::Message(ToVrrp::Report(dump)) => self.tell_report(dump),
                Heard::Message(ToVrrp::Stop) | Heard::Gone => {
                    self.stop();
                    return;
                }
            }
        }
    }

    fn configure(&mut self, mut spec: RouterSpec) {
        let found = self.interfaces.found().clone();
        let alone = !self.configured && self.is_alone();
        let failures = self.interfaces.configure(&mut spec, alone, &self.mirror);
        self.complain(failures);
        if *self.interfaces.found() != found {
            self.parent.tell(&FromVrrp::Found(self.interfaces.found().clone()));
        }
        // What was just made is heard of before it is used.
        self.hear_links();
        self.scheduling.be_prompt(spec.instances.len() <= MOST_PROMPT);
        self.filter();
        let (policy, packets) = self.buffers;
        self.receivers.set_sizes(Sizes::of(&spec, policy, packets), &self.mirror);
        if !self.configured {
            self.configured = true;
            if alone {
                self.sweep(&spec);
            }
            let mut views = self.mirror.views();
            self.beat_all(&mut views);
            self.feed(Input::Links(views));
        }
        self.signs = spec.instances.iter().any(|instance| instance.auth_hmac.is_some());
        self.hear_clock();
        self.feed(Input::Configure(spec));
        self.perform();
        self.report();
        self.parent.tell(&FromVrrp::Configured);
    }

    /// Whether what looks like the work of a daemon of this kind is a killed one's. **Not beside another daemon**: it is
    /// then maybe that one's.
    fn is_alone(&mut self) -> bool {
        let other = leftovers::neighbour();
        if let Some(other) = other {
            let text = format!("leftovers of earlier runs stay, since process {other} may have made them");
            self.parent.line(Level::Detail, text);
        }
        other.is_none()
    }

    /// Removes what a daemon that was killed has left behind and this configuration does not name.
    fn sweep(&mut self, spec: &RouterSpec) {
        let wanted: Vec<_> = spec
            .instances
            .iter()
            .flat_map(vrrp::InstanceSpec::held)
            .chain(spec.statics.iter().cloned())
            .chain(self.interfaces.addresses(&self.mirror))
            .collect();
        let index_of = |name: &str| self.mirror.index_of(name);
        match self.holdings.sweep(PROTOCOL_KEEPALIVED, &wanted, index_of) {
            Ok((removed, failed)) => {
                for name in removed {
                    self.parent.line(Level::Info, format!("removed what an earlier run left: {name}"));
                }
                self.complain(
                    failed.iter().map(|name| format!("cannot remove a leftover, {name}")).collect(),
                );
            }
            Err(error) => self.complain(vec![format!("cannot look for leftovers of earlier runs: {error}")]),
        }
        // What went is heard of before the router looks.
        self.hear_links();
    }

    fn check_interfaces(&mut self) {
        let failures = self.interfaces.check(net::now(), &self.mirror);
        self.complain(failures);
        self.filter();
    }

    fn filter(&mut self) {
        let failure = self.blocked.apply(&self.mirror, &self.interfaces);
        self.complain(failure.into_iter().collect());
    }

    fn complain(&mut self, failures: Vec<String>) {
        for text in failures {
            self.parent.line(Level::Error, text);
        }
    }

    fn hear_links(&mut self) {
        match self.mirror.read() {
            Ok(changes) if !self.configured => drop(changes),
            Ok(changes) => {
                for change in changes {
                    self.feed(match change {
                        Change::Link(mut view) => {
                            self.beat(&mut view);
                            Input::Link(view)
                        }
                        Change::Gone(index) => Input::LinkGone(index),
                        Change::Flapped => Input::Doubt,
                        Change::All(mut views) => {
                            self.beat_all(&mut views);
                            Input::Links(views)
                        }
                    });
                }
            }
            Err(error) => self.parent.line(Level::Error, format!("cannot read the interfaces: {error}")),
        }
        self.log_addresses();
    }

    fn log_addresses(&mut self) {
        let Some(log) = &mut self.address_log else { return };
        for line in log.update(&self.mirror.views()) {
            self.parent.line(Level::Info, line);
        }
    }

    /// What the driver of a polled interface says.
    fn hear_beat(&mut self, name: String, up: bool) {
        let view = self.mirror.views().into_iter().find(|view| view.name == name);
        self.beats.insert(name, up);
        if let (true, Some(mut view)) = (self.configured, view) {
            self.beat(&mut view);
            self.feed(Input::Link(view));
        }
    }

    /// A polled interface is up if its driver says so too.
    fn beat(&self, view: &mut LinkView) {
        view.up &= self.beats.get(&view.name).copied().unwrap_or(true);
    }

    fn beat_all(&self, views: &mut [LinkView]) {
        for view in views {
            self.beat(view);
        }
    }

    fn stop(&mut self) {
        if !self.stopping {
            self.stopping = true;
            self.feed(if self.release { Input::Stop } else { Input::Abandon });
        }
    }

    /// Does what the router asks for, until it asks for nothing more.
    #[inline(never)]
    fn perform(&mut self) {
        // What is only told waits for what the LAN waits for: a takeover begins with its advert.
        let mut told = Vec::new();
        while let Some(action) = self.router.next_action() {
            match action {
                Action::Send(send) => {
                    if let Err(error) = self.sender.send(&send) {
                        self.send_failed(send.instance, &error);
                    }
                }
                Action::Want(want) => self.hold(&want),
                Action::Announce(announce) => self.announce(&announce),
                Action::Listen(membership) => {
                    let result = self.receivers.listen(membership, &self.wake, &self.mirror);
                    let result = result.map_err(|error| error.raw_os_error().unwrap_or(libc::EIO));
                    self.feed(Input::Done(Done::Listening { membership, result }));
                }
                Action::Unlisten(membership) => self.receivers.unlisten(membership),
                Action::Notify(transition) => told.push(FromVrrp::Transition(transition)),
                Action::Emit(event) => told.push(FromVrrp::Event(event)),
            }
        }
        for message in told {
            self.parent.tell(&message);
        }
    }

    fn hold(&mut self, want: &Want) {
        // An address is never there without its filter.
        self.blocked.set(want);
        if !want.present.is_empty() {
            self.filter();
        }
        let watching = self.holdings.is_watching();
        let index_of = |name: &str| self.mirror.index_of(name);
        let failed = self.holdings.apply(&want.present, &want.absent, index_of);
        if !watching
            && let Some(descriptor) = self.holdings.descriptor()
            && let Err(error) = self.wake.watch_routes(descriptor)
        {
            self.parent.line(Level::Error, format!("cannot watch routes and rules: {error}"));
        }
        if want.present.is_empty() {
            self.filter();
        }
        self.feed(Input::Done(Done::Applied { instance: want.instance, serial: want.serial, failed }));
    }

    fn announce(&mut self, announce: &vrrp::Announce) {
        let Some(link) = self.mirror.link(announce.interface) else { return };
        if let Err(error) =
            self.announcer.announce(announce.interface, &link.name, &link.mac, announce.address)
        {
            let text = format!("cannot announce {} on {}: {error}", announce.address, link.name);
            self.parent.line(Level::Detail, text);
        }
    }

    fn report(&mut self) {
        let changed = self.router.take_changed();
        if !changed.is_empty() {
            self.parent.tell(&FromVrrp::Snapshots(changed));
        }
        self.parent.flush();
    }
}
