//! The parent process: reads the configuration, runs and watches the children, answers signals.
//!
//! **The configuration is read once, whole, by this process**, and handed to the children as values: what a reload
//! refuses, nobody has seen. It does not touch the network or IPVS itself, so that a slow disk, log or name service is
//! nobody's missed advert; but before there is anything to miss, it programs the [first] table. Each child's newest snapshot
//! is kept here: a child that dies is started again with it.

mod backoff;
mod child;
mod children;
mod dumps;
mod events;
mod first;
mod found;
mod kept;
mod pid_files;
mod reaper;
mod reload;
mod reload_time;
mod saves;
mod signals;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use checker::FollowSpec;
use config::model::{Command, Packed};
use sd_notify::NotifyState;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use vrrp::{InstanceKey, InstanceSnapshot, StateName, TrackerId, TrackerState};

use crate::cli::Options;
use crate::configuration::{Configuration, Refusal};
use crate::exit::Exit;
use crate::host::ThisHost;
use crate::ipc::{Dump, FromChecker, FromVrrp};
use crate::limits;
use crate::linkbeat::Linkbeats;
use crate::log::{self, Idents};
use crate::marks::{Marked, Marks};
use crate::memory;
use crate::notify::{Notifier, Users};
use crate::pid_file::{self, PidFile};
use crate::scheduling::name_process;
use crate::track::Trackers;
use backoff::Backoff;
use child::{Child, Ended};
pub use child::{ROLE_VARIABLE, Role};
use first::First;
use found::Found;
use kept::Kept;
use pid_files::PidFiles;
use reload::Reloads;
use saves::Saves;
use signals::Order;

/// Runs the daemon with these options until it is told to stop.
pub fn run(options: Options) -> Exit {
    let idents = log::start(&options);
    for failure in limits::apply(&options) {
        tracing::warn!("{failure}");
    }
    let ineffective = options.without_effect.given();
    if !ineffective.is_empty() {
        tracing::warn!("options without effect in this version of stayd: {}", ineffective.join(" "));
    }
    let host = ThisHost { settled: options.namespace.is_some() };
    let configuration = match Configuration::read(&options, host) {
        Ok(configuration) => configuration,
        Err(Refusal { exit }) => return exit,
    };
    let spec = &configuration.rest.globals.daemon;
    idents.set_names([spec.namespace.as_deref(), spec.instance.as_deref()]);
    name_process(spec.process_name.as_deref());
    let pid_files = PidFiles::new(&options.pid_files, spec);
    // Kept until the end.
    let _folder = match pid_files.prepare(spec.namespace.as_deref()) {
        Ok(folder) => folder,
        Err(error) => {
            tracing::error!("cannot make the folder of the pid files: {error}");
            return Exit::Fatal;
        }
    };
    let mut pid_file = match PidFile::take(&pid_files.parent()) {
        Ok(pid_file) => pid_file,
        Err(error @ pid_file::Error::Held(_)) => {
            tracing::error!("{error}");
            // keepalived ends so, and init scripts count on it.
            return Exit::Normal;
        }
        Err(error) => {
            tracing::error!("{error}");
            return Exit::Fatal;
        }
    };
    if !options.dont_fork
        && let Err(error) = nix::unistd::daemon(false, options.log_console)
    {
        tracing::error!("cannot go to the background: {error}");
        return Exit::Fatal;
    }
    if let Err(error) = pid_file.write(std::process::id()) {
        tracing::error!("{error}");
        return Exit::Fatal;
    }
    crate::signals::hold();
    let first = First::fork(&options, &configuration, &pid_files, &pid_file);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    match runtime {
        Ok(runtime) => runtime.block_on(async {
            match Daemon::start(options, configuration, pid_files, idents, first) {
                Ok(mut daemon) => daemon.run().await,
                Err(error) => {
                    tracing::error!("cannot start: {error}");
                    Exit::Fatal
                }
            }
        }),
        Err(error) => {
            tracing::error!("cannot start: {error}");
            Exit::Fatal
        }
    }
}

/// What the parent is told, by children and by signals.
pub(crate) enum Event {
    Vrrp(u64, FromVrrp),
    Checker(u64, FromChecker),
    /// A line on a child's standard error: a panic, or what a library has to say.
    Stderr(Role, String),
    Ended(u64, Role, Ended),
    Order(Order),
    /// The file that holds the time of a reload may say something else.
    ReloadTime,
    /// What something that instances follow says now, and which watch says so.
    Track(u64, TrackerId, TrackerState),
    /// Whether the driver of a polled interface says that it has a link.
    Linkbeat(String, bool),
}

struct Daemon {
    options: Options,
    pid_files: PidFiles,
    idents: Arc<Idents>,
    configuration: Configuration,
    /// The checker process of the first configuration, until it is watched.
    first: Option<First>,
    children: BTreeMap<Role, Child>,
    backoffs: BTreeMap<Role, Backoff>,
    generation: u64,
    events: UnboundedReceiver<Event>,
    sender: UnboundedSender<Event>,
    /// Children whose answer to the newest configuration is not in yet.
    awaited: Vec<Role>,
    instances: BTreeMap<InstanceKey, InstanceSnapshot>,
    /// Settings of the kernel as the VRRP process found them.
    found: Found,
    states: BTreeMap<String, StateName>,
    /// Of the checker process.
    kept: Kept,
    /// The firewall marks of groups, and the packets that get them.
    marks: Marks,
    marked: Vec<Marked>,
    notifier: Notifier,
    trackers: Trackers,
    linkbeats: Linkbeats,
    reloads: Reloads,
    saves: Saves,
    /// Set once the daemon is to end: with this status, at this time at the latest.
    ending: Option<(Exit, tokio::time::Instant)>,
}

impl Daemon {
    fn start(
        options: Options,
        configuration: Configuration,
        pid_files: PidFiles,
        idents: Arc<Idents>,
        first: Option<First>,
    ) -> std::io::Result<Self> {
        let (sender, events) = unbounded_channel();
        signals::watch(&sender, options.ignore_sigint)?;
        crate::signals::release();
        tokio::spawn(reaper::run());
        tracing::info!("stayd {} started", env!("CARGO_PKG_VERSION"));
        let trackers = Trackers::new(sender.clone());
        let linkbeats = Linkbeats::new(sender.clone());
        let found = Found::left_at(pid_files.found());
        let daemon = Self {
            options,
            pid_files,
            idents,
            configuration,
            first,
            children: BTreeMap::new(),
            backoffs: BTreeMap::new(),
            generation: 0,
            events,
            sender,
            awaited: Vec::new(),
            instances: BTreeMap::new(),
            found,
            states: BTreeMap::new(),
            kept: Kept::default(),
            marks: Marks::default(),
            marked: Vec::new(),
            notifier: Notifier::new(),
            trackers,
            linkbeats,
            reloads: Reloads::default(),
            saves: Saves::default(),
            ending: None,
        };
        Ok(daemon)
    }

    async fn run(&mut self) -> Exit {
        let scripts = &self.configuration.rest.globals.system_scripts;
        self.system_script(scripts.startup.as_ref(), scripts.startup_timeout).await;
        self.save_configuration();
        self.watch_reload_time();
        self.configure();
        if self.options.dump_conf {
            self.ask_for(Dump::Log);
        }
        loop {
            if let Some((exit, _)) = self.ending
                && self.children.is_empty()
            {
                self.notifier.finish().await;
                let scripts = &self.configuration.rest.globals.system_scripts;
                self.system_script(scripts.shutdown.as_ref(), scripts.shutdown_timeout).await;
                tracing::info!("stopped");
                return exit;
            }
            let restart_at = self.backoffs.values().filter_map(Backoff::restart_at).min();
            let deadline =
                [restart_at, self.reloads.at, self.ending.map(|(_, at)| at)].into_iter().flatten().min();
            tokio::select! {
                event = self.events.recv() => {
                    if let Some(event) = event {
                        self.handle(event);
                    }
                }
                () = until(deadline) => self.expire(),
            }
        }
    }

    /// Runs `startup_script` or `shutdown_script` and waits for its end.
    async fn system_script(&self, command: Option<&Command>, timeout: Duration) {
        let job = command.and_then(|command| Users::new(&self.configuration.rest).job(command));
        let Some(job) = job else { return };
        match job.start() {
            Ok(run) => {
                let outcome = run.wait(Some(timeout), std::future::pending()).await;
                if !outcome.is_success() {
                    tracing::warn!("{}: {outcome}", job.argv.join(" "));
                }
            }
            Err(error) => tracing::error!("{error}"),
        }
    }

    fn tell_status(&self) {
        let states: Vec<_> = self.states.iter().map(|(name, state)| format!("{name} {state}")).collect();
        let summary = if states.is_empty() { "running".to_owned() } else { states.join(", ") };
        tell_systemd(&[NotifyState::Status(&summary)]);
    }

    /// Hands the configuration to the children, starting and ending them as it asks for.
    fn configure(&mut self) {
        self.awaited.clear();
        self.mark();
        let Configuration { virtual_servers: servers, rest, .. } = &self.configuration;
        self.notifier.configure(rest, servers);
        let real_servers = servers.iter().flat_map(|server| server.real_servers);
        let follows = real_servers.flat_map(|server| server.follows).filter_map(|follow| match follow {
            FollowSpec::File { file, .. } => Some(file),
            FollowSpec::Bfd { .. } => None,
        });
        let files: BTreeSet<_> = follows.collect();
        memory::give_back();
        self.trackers.configure(&self.configuration.vrrp, files, &self.configuration.rest);
        self.linkbeats.configure(&self.configuration.rest.linkbeat, &self.configuration.vrrp);
        for role in Role::ALL {
            match (self.is_wanted(role), self.children.contains_key(&role)) {
                (true, true) => {
                    self.awaited.push(role);
                    self.send_configuration(role);
                }
                (true, false) => {
                    let resume = self.backoffs.get_mut(&role).is_none_or(Backoff::restarted);
                    self.spawn(role, resume);
                }
                (false, true) => self.send_stop(role),
                (false, false) => {
                    self.backoffs.remove(&role);
                }
            }
        }
        if self.awaited.is_empty() {
            if self.children.is_empty() {
                tracing::warn!("the configuration has nothing to run");
            }
            tell_systemd(&[NotifyState::Ready]);
            self.tell_status();
            self.reload_done();
        }
    }

    /// Gives groups firewall marks (`nftables_ipvs`).
    fn mark(&mut self) {
        let settings = &self.configuration.rest.lvs.nftables;
        let servers = &mut self.configuration.virtual_servers;
        let mut all: Vec<_> = if settings.enabled { servers.iter().collect() } else { Vec::new() };
        self.marked = self.marks.assign(settings, &mut all);
        if settings.enabled {
            match Packed::of(&all) {
                Ok(marked) => *servers = marked,
                Err(error) => tracing::error!("groups have no marks: {error}"),
            }
        }
    }

    /// Something is due: a restart, or the end of our patience with children that do not end.
    fn expire(&mut self) {
        let now = tokio::time::Instant::now();
        if let Some((_, at)) = self.ending
            && at <= now
        {
            for (role, child) in &self.children {
                tracing::error!("the {} process does not end; killing it", role.name());
                child.kill();
            }
            self.ending = self.ending.map(|(exit, _)| (exit, now + self.patience()));
            return;
        }
        if self.reloads.at.is_some_and(|at| at <= now) {
            self.scheduled_reload();
        }
        for role in Role::ALL {
            let Some(backoff) = self.backoffs.get_mut(&role) else { continue };
            if backoff.restart_at().is_some_and(|at| at <= now) {
                let resume = backoff.restarted();
                if self.is_wanted(role) && self.ending.is_none() {
                    self.spawn(role, resume);
                }
            }
        }
    }

    /// Ends everything: VRRP first, so that the peer takes the addresses over while the virtual servers still work.
    fn end(&mut self, exit: Exit) {
        if self.ending.is_some() {
            return;
        }
        tracing::info!("stopping");
        tell_systemd(&[NotifyState::Stopping]);
        self.ending = Some((exit, tokio::time::Instant::now() + self.patience()));
        self.backoffs.clear();
        self.reload_done();
        self.stop_next();
    }

    /// How long children have to end before they are killed.
    const fn patience(&self) -> Duration {
        self.configuration.rest.globals.daemon.child_wait
    }

    fn stop_next(&mut self) {
        if let Some(role) = Role::ALL.into_iter().find(|role| self.children.contains_key(role)) {
            self.send_stop(role);
        }
    }
}

async fn until(deadline: Option<tokio::time::Instant>) {
    match deadline {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// Without systemd there is nobody to tell.
fn tell_systemd(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!("cannot notify systemd: {error}");
    }
}
