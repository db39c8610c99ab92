//! The checker process: runs the probes that [`checker::Scheduler`] asks for, and keeps the kernel's IPVS table as
//! [`checker::desired`] wants it.
//!
//! **The table that is wanted is computed, and the kernel's is made to agree**; health never edits the table directly. What
//! the kernel refuses is tried again, ever more rarely.

mod probes;
mod scripts;
mod table;
mod words;

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::time::Duration;

use checker::{Action, Input, Scheduler};
use clock::Instant;
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::exit::Exit;
use crate::ipc::{self, Decoder, Dump, FromChecker, Level, Line, ToChecker};
use crate::{ready, signals};
use probes::Probes;
use table::KernelTable;

/// Least time between two snapshots to the parent: of many changes at once it needs the last.
const SNAPSHOT_EVERY: Duration = Duration::from_secs(1);

/// Runs the process until it is told to stop or the parent is gone. `release`: at the end, take what is ours out of the
/// kernel.
pub fn run(stream: StdUnixStream, release: bool) -> Exit {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    match runtime {
        Ok(runtime) => runtime.block_on(async {
            match Process::open(stream, release) {
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
    stream: tokio::net::unix::OwnedReadHalf,
    signals: signals::ForChild,
    /// Readable when a signal has come.
    signalled: AsyncFd<OwnedFd>,
    decoder: Decoder,
    to_parent: UnboundedSender<Vec<u8>>,
    writer: tokio::task::JoinHandle<()>,
    release: bool,
    /// A snapshot is owed, from this time on.
    snapshot_at: Option<Instant>,
}

/// What ended a wait.
enum Woken {
    Parent(io::Result<usize>),
    Probe(checker::RunId, checker::Outcome),
    Signal,
    Time,
}

impl Process {
    fn open(stream: StdUnixStream, release: bool) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        let signals = signals::ForChild::catch()?;
        let signalled = ready::watch(signals.stream().try_clone()?.into())?;
        let (stream, writer) = UnixStream::from_std(stream)?.into_split();
        let (to_parent, outgoing) = unbounded_channel();
        let writer = tokio::spawn(write(writer, outgoing));
        Ok(Self {
            scheduler: Scheduler::new(),
            probes: Probes::new(),
            table: KernelTable::open().map_err(io::Error::other)?,
            stream,
            signals,
            signalled,
            decoder: Decoder::default(),
            to_parent,
            writer,
            release,
            snapshot_at: None,
        })
    }

    async fn run(&mut self) -> Exit {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            match self.wait(&mut buffer).await {
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
                Woken::Probe(run, outcome) => self.feed(Input::Result { run, outcome }),
                Woken::Time => self.expire(),
            }
        }
    }

    /// Does what signals ask for; whether that is the end.
    fn hear_signals(&self) -> bool {
        let asked = self.signals.take();
        // Counters are the VRRP process's alone.
        if asked.dumps.contains(&Dump::Data) {
            self.tell_report();
        }
        if asked.reload {
            self.tell(&FromChecker::Reload);
        }
        asked.end
    }

    fn tell_report(&self) {
        self.tell(&FromChecker::Report(Box::new(self.scheduler.clone())));
    }

    async fn wait(&mut self, buffer: &mut [u8]) -> Woken {
        let deadlines = [self.scheduler.next_deadline(), self.table.retry_at(), self.snapshot_at];
        let deadline = deadlines.into_iter().flatten().min();
        let time = async {
            match deadline {
                Some(at) => tokio::time::sleep(at.saturating_since(net::now())).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            read = self.stream.read(buffer) => Woken::Parent(read),
            (run, outcome) = self.probes.next() => Woken::Probe(run, outcome),
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
                Ok(Some(ToChecker::Resume(scheduler))) => {
                    self.scheduler = *scheduler;
                    self.feed(Input::Resume);
                }
                Ok(Some(ToChecker::Configure { servers, seed, tls, scripts })) => {
                    self.probes.share(checker::probe::Resources::new(tls.as_ref()));
                    self.probes.configure(scripts);
                    self.feed(Input::Configure { servers, seed });
                    self.tell(&FromChecker::Configured);
                }
                Ok(Some(ToChecker::Report)) => self.tell_report(),
                Ok(Some(ToChecker::Stop)) | Err(_) => return false,
            }
        }
    }

    fn expire(&mut self) {
        let now = net::now();
        if self.scheduler.next_deadline().is_some_and(|at| at <= now) {
            self.feed(Input::Tick);
        }
        if self.table.retry_at().is_some_and(|at| at <= now) {
            self.reconcile();
        }
        if self.snapshot_at.is_some_and(|at| at <= now) {
            self.snapshot_at = None;
            self.tell(&FromChecker::Snapshot(Box::new(self.scheduler.clone())));
        }
    }

    fn feed(&mut self, input: Input) {
        let configured = matches!(input, Input::Configure { .. });
        self.scheduler.handle(net::now(), input);
        let mut touched = Vec::new();
        while let Some(action) = self.scheduler.next_action() {
            if let Some(line) = words::line(&self.scheduler, &action) {
                self.tell(&FromChecker::Line(line));
            }
            match action {
                Action::Start { run, probe } => self.probes.start(run, probe),
                Action::Cancel { run } => self.probes.cancel(run),
                Action::Health { virtual_server, .. } | Action::Quorum { virtual_server, .. } => {
                    self.tell(&FromChecker::Changed(Box::new(action.clone())));
                    touched.push(virtual_server);
                }
                Action::Weight { virtual_server, .. } => touched.push(virtual_server),
                Action::Emit(_) => {}
            }
        }
        if configured {
            self.table.want_all(&self.scheduler);
        } else if !touched.is_empty() {
            self.table.want_some(&self.scheduler, &touched);
        }
        if configured || !touched.is_empty() {
            self.snapshot_at.get_or_insert(net::now() + SNAPSHOT_EVERY);
            self.reconcile();
        }
    }

    fn reconcile(&mut self) {
        for line in self.table.reconcile(net::now()) {
            self.tell(&FromChecker::Line(line));
        }
    }

    /// Takes what is ours out of the kernel, if that is wanted.
    async fn stop(&mut self) -> Exit {
        if self.release {
            self.table.want_nothing();
            self.reconcile();
        }
        self.probes.end().await;
        // What was said last shall be read: without a sender the writer ends when there is nothing more to write.
        self.to_parent = unbounded_channel().0;
        let _ = (&mut self.writer).await;
        Exit::Normal
    }

    fn tell(&self, message: &FromChecker) {
        match ipc::encode(message) {
            // Without the parent there is nobody to tell, which reading will notice.
            Ok(bytes) => drop(self.to_parent.send(bytes)),
            Err(error) => {
                let text = format!("a message to the parent was lost: {error}");
                let lost = FromChecker::Line(Line { level: Level::Error, text });
                if let Ok(bytes) = ipc::encode(&lost) {
                    drop(self.to_parent.send(bytes));
                }
            }
        }
    }
}

async fn write(mut stream: tokio::net::unix::OwnedWriteHalf, mut outgoing: UnboundedReceiver<Vec<u8>>) {
    while let Some(bytes) = outgoing.recv().await {
        if stream.write_all(&bytes).await.is_err() {
            return;
        }
    }
}
