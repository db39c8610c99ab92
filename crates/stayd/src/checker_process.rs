//! The checker process: runs the probes that [`checker::Scheduler`] asks for, and keeps the kernel's IPVS table as
//! [`checker::desired`] wants it.
//!
//! **The table that is wanted is computed, and the kernel's is made to agree**; health never edits the table directly. What
//! the kernel refuses is tried again, ever more rarely.

mod addresses;
mod drained;
mod globals;
mod last;
mod marking;
mod prepared;
mod probes;
mod scripts;
mod table;
mod watch;
mod words;

use std::collections::BTreeSet;
use std::io;
use std::net::IpAddr;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::path::PathBuf;
use std::time::Duration;

use checker::{Action, Event, Input, Scheduler, VirtualServerSpec, Why};
use clock::Instant;
use config::model::{LvsGlobals, Packed};
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::cli::Options;
use crate::exit::Exit;
use crate::ipc::{self, Decoder, Dump, FromChecker, Level, Line, Scripts, ToChecker};
use crate::scheduling::Scheduling;
use crate::{descriptors, memory, namespace, openssl, ready, signals};
use addresses::Addresses;
use drained::Drained;
use globals::Globals;
use marking::Marking;
pub use prepared::{FirstTable, Prepared};
use probes::{Ended, Probes};
use table::KernelTable;

/// Least time between two snapshots to the parent: of many changes at once it needs the last.
const SNAPSHOT_EVERY: Duration = Duration::from_secs(1);

/// File descriptors that are not for probes.
const OWN_DESCRIPTORS: usize = 64;

/// Checks that are due within this time, in microseconds, begin together: one wake-up serves them all.
const TOGETHER_MICROS: u64 = 5000;

/// Lines about servers that one configuration makes at most.
const MOST_LINES: usize = 100;

/// Runs the process until it is told to stop or the parent is gone. The options say whether what is ours is taken out of
/// the kernel at the end, and whether every step of every check is told.
pub fn run(stream: StdUnixStream, options: &Options) -> Exit {
    enter(|| {
        let table = KernelTable::open().map_err(io::Error::other)?;
        Process::open(stream, options, table)
    })
}

/// As [`run`], where the first table is in place already.
pub fn go_on(
    stream: StdUnixStream,
    options: &Options,
    prepared: Prepared,
    lvs: &LvsGlobals,
    scripts: Scripts,
) -> Exit {
    enter(|| {
        let Prepared { scheduler, table, globals, lines } = prepared;
        let mut process = Process::open(stream, options, table)?;
        (process.scheduler, process.globals) = (scheduler, globals);
        process.take_up(lvs, scripts, lines);
        Ok(process)
    })
}

fn enter(open: impl FnOnce() -> io::Result<Process>) -> Exit {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    match runtime {
        Ok(runtime) => runtime.block_on(async {
            match open() {
                Ok(mut process) => process.run().await,
                Err(error) => {
                    eprintln!("cannot start: {error}");
                    Exit::Fatal
                }
            }
        }),
        Err(error) => {
            eprintln!("cannot start: {error}");
            Exit::Fatal
        }
    }
}

struct Process {
    scheduler: Scheduler,
    probes: Probes,
    table: KernelTable,
    /// Where that is, if not in the network namespace of this process.
    place: Option<PathBuf>,
    addresses: Addresses,
    drained: Drained,
    globals: Globals,
    marking: Marking,
    /// A predecessor's work goes on.
    resumed: bool,
    /// Real servers are told of as well where they start as configured (`rs_init_notifies`).
    init_notifies: bool,
    /// Messages that are not on their way yet.
    outbox: Vec<u8>,
    stream: tokio::net::unix::OwnedReadHalf,
    signals: signals::ForChild,
    /// Readable when a signal has come.
    signalled: AsyncFd<OwnedFd>,
    decoder: Decoder,
    to_parent: UnboundedSender<Vec<u8>>,
    writer: tokio::task::JoinHandle<()>,
    release: bool,
    detail: bool,
    scheduling: Scheduling,
    /// A snapshot is owed, from this time on.
    snapshot_at: Option<Instant>,
    /// A configuration was taken in, and needs nothing more.
    settled: bool,
}

/// What ended a wait.
enum Woken {
    Parent(io::Result<usize>),
    Addresses(BTreeSet<IpAddr>),
    Probes(Ended),
    Signal,
    Time,
}

/// What of the table is to change with what the scheduler says.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    /// All of it: there is a configuration.
    All,
    /// The services that are named.
    Touched,
    /// Nothing: there is a configuration, and it is there already.
    Nothing,
}

impl Process {
    fn open(stream: StdUnixStream, options: &Options, table: KernelTable) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        let signals = signals::ForChild::catch(options.ignore_sigint)?;
        signals::release();
        let signalled = ready::watch(signals.stream().try_clone()?.into())?;
        let (stream, writer) = UnixStream::from_std(stream)?.into_split();
        let (to_parent, outgoing) = unbounded_channel();
        let writer = tokio::spawn(write(writer, outgoing));
        Ok(Self {
            scheduler: Scheduler::new(),
            probes: Probes::new()?,
            table,
            place: None,
            addresses: Addresses::new(),
            drained: Drained::default(),
            globals: Globals::default(),
            marking: Marking::default(),
            resumed: false,
            init_notifies: false,
            outbox: Vec::new(),
            stream,
            signals,
            signalled,
            decoder: Decoder::default(),
            to_parent,
            writer,
            release: !options.dont_release_ipvs,
            detail: options.log_detail > 0,
            scheduling: Scheduling::default(),
            snapshot_at: None,
            settled: false,
        })
    }

    /// Goes on with a table that is in place.
    fn take_up(&mut self, lvs: &LvsGlobals, scripts: Scripts, [before, after]: [Vec<Line>; 2]) {
        self.equip(lvs, scripts);
        self.tell_lines(before);
        self.carry_out(net::now(), Then::Nothing);
        self.tell_lines(after);
        let failed = self.marking.release();
        self.tell_lines(failed.into_iter().collect());
        self.tell(&FromChecker::Configured);
        memory::give_back();
    }

    /// What probes and news need to know.
    fn equip(&mut self, lvs: &LvsGlobals, scripts: Scripts) {
        self.probes.share(checker::probe::Resources::new(lvs.tls.as_ref(), openssl::load));
        self.probes.configure(scripts);
        self.init_notifies = lvs.init_notifies;
    }

    async fn run(&mut self) -> Exit {
        self.limit();
        let mut buffer = vec![0; 64 * 1024];
        loop {
            self.post();
            self.scheduling.restore();
            let woken = self.wait(&mut buffer).await;
            match woken {
                Woken::Parent(Ok(0) | Err(_)) => return self.stop().await,
                Woken::Parent(Ok(length)) => {
                    self.decoder.push(&buffer[..length]);
                    if !self.hear() {
                        return self.stop().await;
                    }
                }
                Woken::Signal => {
                    if self.hear_signals() {
                        return self.stop().await;
                    }
                }
                Woken::Addresses(addresses) => self.feed(Input::Here(addresses)),
                Woken::Probes(ended) => self.conclude(ended),
                Woken::Time => self.expire(),
            }
        }
    }

    /// Has no more probes under way than there are descriptors for: each has one.
    fn limit(&mut self) {
        let probes = descriptors::raise().saturating_sub(OWN_DESCRIPTORS);
        self.feed(Input::Limit { probes });
    }

    /// Does what signals ask for; whether that is the end.
    fn hear_signals(&mut self) -> bool {
        let asked = self.signals.take();
        // Counters are the VRRP process's alone.
        if asked.dumps.contains(&Dump::Data) {
            self.tell_report(Dump::Data);
        }
        if asked.reload {
            self.tell(&FromChecker::Reload);
        }
        asked.end
    }

    fn tell_report(&mut self, asked: Dump) {
        let last = self.probes.last.all();
        self.tell(&FromChecker::Report(asked, self.scheduler.knowledge(), last));
    }

    async fn wait(&mut self, buffer: &mut [u8]) -> Woken {
        let checks = self.scheduler.next_deadline().map(together);
        let probes = self.probes.next_deadline();
        let deadlines = [checks, probes, self.table.due(), self.drained.due(), self.snapshot_at];
        let deadline = deadlines.into_iter().flatten().min();
        let time = async {
            match deadline {
                Some(at) => tokio::time::sleep(at.saturating_since(net::now())).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            read = self.stream.read(buffer) => Woken::Parent(read),
            addresses = self.addresses.next() => Woken::Addresses(addresses),
            ended = self.probes.next() => Woken::Probes(ended),
            ready = self.signalled.readable() => {
                if let Ok(mut ready) = ready {
                    ready.clear_ready();
                }
                Woken::Signal
            }
            () = time => Woken::Time,
        }
    }

    /// Takes in the parent's messages; `false`: it is time to stop.
    fn hear(&mut self) -> bool {
        loop {
            match self.decoder.next() {
                Ok(None) => return true,
                Ok(Some(ToChecker::Resume { knowledge, servers })) => match resume(&knowledge, &servers) {
                    Ok(scheduler) => {
                        self.scheduler = scheduler;
                        self.resumed = true;
                        self.limit();
                    }
                    Err(error) => {
                        let text = format!("what the checks knew before is lost: {error}");
                        self.tell(&FromChecker::Line(Line { level: Level::Error, text }));
                    }
                },
                Ok(Some(ToChecker::Place(place))) => {
                    if let Err(error) = self.program_in(place) {
                        let text = format!("cannot program IPVS where net_namespace_ipvs says: {error}");
                        self.tell(&FromChecker::Line(Line { level: Level::Error, text }));
                        return false;
                    }
                }
                Ok(Some(ToChecker::Schedule(spec, rise))) => {
                    self.scheduling.set_rise(rise);
                    for text in self.scheduling.apply(&spec) {
                        self.tell(&FromChecker::Line(Line { level: Level::Warning, text }));
                    }
                }
                Ok(Some(ToChecker::Configure { servers, lvs, marked, seed, scripts })) => {
                    self.equip(&lvs, scripts);
                    let nftables = lvs.nftables.clone();
                    let lines = self.globals.configure(&mut self.table.client, *lvs, !self.resumed);
                    self.tell_lines(lines);
                    if let Some(addresses) = self.addresses.watch(servers.iter().any(|it| it.ha_suspend)) {
                        self.feed(Input::Here(addresses));
                    }
                    // A mark for which there is no service yet does no harm: its packets are still known by their address.
                    let failed = if nftables.enabled { self.marking.apply(&nftables, &marked) } else { None };
                    self.tell_lines(failed.into_iter().collect());
                    self.feed(Input::Configure { servers: servers.iter().collect(), seed });
                    self.probes.last.keep(self.scheduler.virtual_servers());
                    let failed = if nftables.enabled { None } else { self.marking.release() };
                    self.tell_lines(failed.into_iter().collect());
                    self.tell(&FromChecker::Configured);
                    memory::give_back();
                }
                Ok(Some(ToChecker::Master(master))) => {
                    let lines = self.globals.set_master(&mut self.table.client, master);
                    self.tell_lines(lines);
                }
                Ok(Some(ToChecker::Report(asked))) => self.tell_report(asked),
                Ok(Some(ToChecker::Follow { what, value })) => self.feed(Input::Follow { what, value }),
                Ok(Some(ToChecker::Stop)) | Err(_) => return false,
            }
        }
    }

    fn conclude(&mut self, ended: Ended) {
        let now = net::now();
        for (run, outcome) in ended {
            self.feed_at(now, Input::Result { run, outcome });
        }
    }

    /// Programs IPVS in the network namespace at this place.
    fn program_in(&mut self, place: PathBuf) -> io::Result<()> {
        if self.place.as_ref() != Some(&place) {
            self.table = namespace::within(&place, KernelTable::open)?.map_err(io::Error::other)?;
            self.marking = namespace::within(&place, Marking::open)?.map_err(io::Error::other)?;
            self.place = Some(place);
        }
        Ok(())
    }

    fn expire(&mut self) {
        let now = net::now();
        let late = self.scheduler.next_deadline().map(|at| now.saturating_since(at)).unwrap_or_default();
        if let Some(text) = self.scheduling.late(late) {
            self.tell(&FromChecker::Line(Line { level: Level::Warning, text }));
        }
        if self.scheduler.next_deadline().is_some_and(|at| at <= now) {
            self.feed_at(now, Input::Tick);
        }
        let late = self.probes.expire(now);
        self.conclude(late);
        if self.table.due().is_some_and(|at| at <= now) {
            let lines = self.table.expire(now, &self.scheduler);
            self.tell_lines(lines);
        }
        if self.drained.due().is_some_and(|at| at <= now) {
            for (service, dest) in self.drained.look(now, &mut self.table.client, self.scheduler.drains()) {
                self.feed(Input::Drained { service, dest });
            }
        }
        if self.snapshot_at.is_some_and(|at| at <= now) {
            self.snapshot_at = None;
            if let Ok(snapshot) = postcard::to_allocvec(&self.scheduler.knowledge()) {
                self.tell(&FromChecker::Snapshot(snapshot));
            }
            memory::give_back();
            if !std::mem::replace(&mut self.settled, true) {
                memory::let_go_of_code();
            }
        }
    }

    fn feed(&mut self, input: Input) {
        self.feed_at(net::now(), input);
    }

    fn feed_at(&mut self, now: Instant, input: Input) {
        let then = if matches!(input, Input::Configure { .. }) { Then::All } else { Then::Touched };
        if then == Then::All {
            self.table.remember(&self.scheduler);
        }
        self.scheduler.handle(now, input);
        self.carry_out(now, then);
    }

    /// Does what the scheduler asks for.
    fn carry_out(&mut self, now: Instant, then: Then) {
        let configured = then != Then::Touched;
        let (mut touched, mut news) = (Vec::new(), Vec::new());
        let mut drained = false;
        let mut told = 0;
        while let Some(action) = self.scheduler.next_action() {
            // A configuration of thousands of servers is not told server by server.
            if told < MOST_LINES
                && let Some(line) = words::line(&self.scheduler, &action, self.detail)
                && (self.detail || line.level != Level::Detail)
            {
                told += usize::from(configured);
                self.tell(&FromChecker::Line(line));
            }
            match action {
                Action::Start { run, probe } => self.probes.start(now, run, probe),
                Action::Cancel { run } => self.probes.cancel(run),
                Action::Health { virtual_server, .. } | Action::Quorum { virtual_server, .. } => {
                    if !configured {
                        touched.push(virtual_server);
                    }
                    if self.is_news(&action) {
                        news.push(action);
                    }
                }
                Action::Weight { virtual_server, .. } => touched.push(virtual_server),
                Action::Drained { service, .. } => {
                    drained = true;
                    self.table.let_go(&self.scheduler, service);
                }
                Action::Emit(Event::Aside { .. }) => news.push(action),
                Action::Emit(_) => {}
            }
        }
        if !news.is_empty() {
            self.tell(&FromChecker::Changed(news));
        }
        if told == MOST_LINES {
            let text = "more servers begin as configured than are told one by one".to_owned();
            self.tell(&FromChecker::Line(Line { level: Level::Info, text }));
        }
        match then {
            Then::All => {
                self.table.look_for_left(&self.scheduler);
                self.table.claim(&self.scheduler);
            }
            Then::Touched if touched.is_empty() => {}
            Then::Touched => self.table.touch(&self.scheduler, &touched),
            Then::Nothing => {}
        }
        self.settled &= !configured;
        if configured || drained || !touched.is_empty() {
            self.drained.watch(now, self.scheduler.drains());
            self.snapshot_at.get_or_insert(now + SNAPSHOT_EVERY);
            if then != Then::Nothing {
                self.reconcile();
            }
        }
    }

    /// Whether somebody is to be told. That a server begins up as configured is news only with `rs_init_notifies`.
    const fn is_news(&self, action: &Action) -> bool {
        match action {
            Action::Health { why: Why::Configured, up, .. } => *up && self.init_notifies,
            _ => true,
        }
    }

    fn reconcile(&mut self) {
        let lines = self.table.reconcile(net::now(), &self.scheduler);
        self.tell_lines(lines);
    }

    fn tell_lines(&mut self, lines: Vec<Line>) {
        for line in lines {
            self.tell(&FromChecker::Line(line));
        }
    }

    /// Takes what is ours out of the kernel, if that is wanted.
    async fn stop(&mut self) -> Exit {
        let farewell = self.scheduler.farewell();
        if !farewell.is_empty() {
            self.tell(&FromChecker::Changed(farewell));
        }
        if self.release {
            let lines = self.table.clear(&self.scheduler, self.globals.flush_on_stop());
            self.tell_lines(lines);
            let failed = self.marking.release();
            self.tell_lines(failed.into_iter().collect());
        }
        let lines = self.globals.end(&mut self.table.client);
        self.tell_lines(lines);
        self.probes.end().await;
        self.post();
        // What was said last shall be read: without a sender the writer ends when there is nothing more to write.
        self.to_parent = unbounded_channel().0;
        let _ = (&mut self.writer).await;
        Exit::Normal
    }

    fn tell(&mut self, message: &FromChecker) {
        let before = self.outbox.len();
        if let Err(error) = ipc::append(&mut self.outbox, message) {
            self.outbox.truncate(before);
            let text = format!("a message to the parent was lost: {error}");
            let lost = FromChecker::Line(Line { level: Level::Error, text });
            if ipc::append(&mut self.outbox, &lost).is_err() {
                self.outbox.truncate(before);
            }
        }
    }

    /// Sends what there is to tell, all of it at once.
    fn post(&mut self) {
        if !self.outbox.is_empty() {
            // Without the parent there is nobody to tell, which reading will notice.
            drop(self.to_parent.send(std::mem::take(&mut self.outbox)));
        }
    }
}

/// The scheduler of a predecessor.
fn resume(knowledge: &[u8], servers: &Packed<VirtualServerSpec>) -> Result<Scheduler, String> {
    let knowledge = postcard::from_bytes(knowledge).map_err(|error| error.to_string())?;
    Scheduler::resume(net::now(), knowledge, servers.iter()).map_err(|error| error.to_string())
}

/// When a check that is due then begins.
const fn together(due: Instant) -> Instant {
    Instant::from_micros(due.as_micros().div_ceil(TOGETHER_MICROS) * TOGETHER_MICROS)
}

async fn write(mut stream: tokio::net::unix::OwnedWriteHalf, mut outgoing: UnboundedReceiver<Vec<u8>>) {
    while let Some(bytes) = outgoing.recv().await {
        if stream.write_all(&bytes).await.is_err() {
            return;
        }
    }
}
