//! Who is told of changes of state: commands, named pipes and mail, in this order.
//!
//! **Nothing here delays anything else**: scripts run beside us, pipes are written without waiting, mails go in their own
//! time. The scripts of one subject are told of its states in their order ([`queue`]).

mod fifo;
mod mail;
mod message;
mod queue;
mod servers;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use checker::VirtualServerSpec;
use config::model::{Command, FifoSpec, Identity, Model, NotifyDeleted, NotifySpec, Packed};
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinHandle;
use vrrp::{StateName, Subject, Transition, Why};

use crate::script::{Job, User};
use fifo::Fifo;
use mail::Mailer;
use message::{Message, Occasion};
use queue::Queue;
use servers::Servers;

/// Changes of state whose scripts run at a time.
const MOST_AT_ONCE: usize = 256;
/// How long the scripts for the end of the daemon are waited for, as keepalived does.
const PATIENCE_AT_STOP: Duration = Duration::from_secs(1);

/// Tells of changes of state.
pub struct Notifier {
    subscribers: BTreeMap<Subject, Subscriber>,
    /// What a reload took away, until its end is told.
    former: BTreeMap<Subject, Subscriber>,
    queues: BTreeMap<Subject, Queue>,
    /// What each of them was last told to be: nothing is told twice.
    told: BTreeMap<Subject, (Occasion, u8)>,
    permits: Arc<Semaphore>,
    pipes: Vec<Pipe>,
    servers: Servers,
    server_queues: BTreeMap<String, Queue>,
    states_on_reload: bool,
    mailer: Mailer,
    mail_faults: bool,
    last: Vec<JoinHandle<()>>,
    /// Virtual servers take their leave: what is told of them now is told at the stop.
    leaving: bool,
}

/// What the changes of one instance or group lead to.
#[derive(Clone, Default)]
struct Subscriber {
    master: Option<Job>,
    backup: Option<Job>,
    fault: Option<Job>,
    stop: Option<Job>,
    deleted: Option<Job>,
    /// Whether its removal is told as such; otherwise as FAULT.
    tells_deleted: bool,
    rx_lower_priority: Option<Job>,
    any: Option<Job>,
    mails: bool,
    priority_changes: bool,
}

/// What a pipe is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    All,
    Vrrp,
    Lvs,
}

/// A pipe, and the script that reads it.
struct Pipe {
    kind: Kind,
    fifo: Fifo,
    /// Dropping it ends the script.
    _reader: Option<oneshot::Sender<()>>,
}

impl Notifier {
    /// Tells nobody anything yet.
    pub fn new() -> Self {
        Self {
            subscribers: BTreeMap::new(),
            former: BTreeMap::new(),
            queues: BTreeMap::new(),
            told: BTreeMap::new(),
            permits: Arc::new(Semaphore::new(MOST_AT_ONCE)),
            pipes: Vec::new(),
            servers: Servers::default(),
            server_queues: BTreeMap::new(),
            states_on_reload: false,
            mailer: Mailer::default(),
            mail_faults: true,
            last: Vec::new(),
            leaving: false,
        }
    }

    /// Tells as this configuration asks for. Pipes are closed and opened again, and their scripts started anew, as
    /// keepalived does at a reload.
    pub fn configure(&mut self, model: &Model, virtual_servers: &Packed<VirtualServerSpec>) {
        self.leaving = false;
        let mut users = Users::new(model);
        let globals = &model.globals;
        let pipes = [&globals.fifos.all, &globals.fifos.lvs].iter().any(|fifo| fifo.path.is_some());
        let listened = pipes || globals.mail.server.is_some();
        let mails_each_check = !globals.mail.no_checkers;
        self.servers.configure(virtual_servers, &model.server_events, &mut users, listened, mails_each_check);
        let mut subscribers = BTreeMap::new();
        for (name, events) in &model.vrrp_events {
            let mut subscriber = users.subscriber(&events.notify);
            subscriber.tells_deleted = events.deleted != NotifyDeleted::Fault;
            if let NotifyDeleted::Run(command) = &events.deleted {
                subscriber.deleted = users.job(command);
            }
            subscriber.rx_lower_priority =
                events.rx_lower_priority.as_ref().and_then(|command| users.job(command));
            subscriber.mails = events.smtp_alert;
            subscriber.priority_changes = events.priority_changes;
            subscribers.insert(Subject::Instance(name.clone()), subscriber);
        }
        for (name, events) in &model.group_events {
            let mut subscriber = users.subscriber(&events.notify);
            subscriber.mails = events.smtp_alert;
            subscribers.insert(Subject::Group(name.clone()), subscriber);
        }
        self.former = std::mem::replace(&mut self.subscribers, subscribers);
        self.former.retain(|subject, _| !self.subscribers.contains_key(subject));
        self.mailer.configure(&model.globals.mail, model.globals.router_id.as_deref());
        self.mail_faults = !model.globals.mail.no_faults;
        self.states_on_reload = model.globals.fifos.states_on_reload;
        let fifos = &model.globals.fifos;
        let specs = [(Kind::All, &fifos.all), (Kind::Vrrp, &fifos.vrrp), (Kind::Lvs, &fifos.lvs)];
        self.open_pipes(&specs, &mut users);
    }

    fn open_pipes(&mut self, specs: &[(Kind, &FifoSpec)], users: &mut Users<'_>) {
        let before = std::mem::take(&mut self.pipes);
        let wanted = |pipe: &Pipe| {
            specs.iter().any(|(_, spec)| spec.path.as_deref().map(Path::new) == Some(pipe.fifo.path()))
        };
        // What is not wanted any more is removed by being dropped.
        let kept = before.into_iter().filter(|pipe| wanted(pipe));
        let made: BTreeMap<_, _> =
            kept.map(|pipe| (pipe.fifo.path().to_owned(), pipe.fifo.close())).collect();
        for (kind, spec) in specs {
            let Some(path) = spec.path.as_deref().map(Path::new) else { continue };
            let Some(owner) = users.user(spec.owner.as_ref()) else { continue };
            match Fifo::open(path, &owner, users.umask, made.get(path).copied().unwrap_or(false)) {
                Ok(fifo) => {
                    let script = spec.script.as_ref().and_then(|command| users.job(command));
                    let reader = script.and_then(|job| read_with(&job.with([path.display().to_string()])));
                    self.pipes.push(Pipe { kind: *kind, fifo, _reader: reader });
                }
                Err(error) => tracing::error!("cannot open the pipe {}: {error}", path.display()),
            }
        }
    }

    /// After a reload: `fifo_write_vrrp_states_on_reload`.
    pub fn reloaded(&mut self) {
        if self.states_on_reload {
            for (subject, (occasion, priority)) in self.told.clone() {
                let message = Message { subject, occasion, priority };
                self.write(&message);
            }
        }
    }

    /// An instance or a group has changed its state.
    pub fn transition(&mut self, transition: &Transition) {
        let subject = transition.subject.clone();
        let gone = transition.to == StateName::Stop;
        let former = if gone { self.former.remove(&subject) } else { None };
        let removed = gone && (transition.why == Why::Removed || former.is_some());
        let subscriber = former.or_else(|| self.subscribers.get(&subject).cloned()).unwrap_or_default();
        let occasion = match transition.to {
            StateName::Init => return,
            StateName::Backup => Occasion::Backup,
            StateName::Master => Occasion::Master,
            StateName::Stop if !removed => Occasion::Stop,
            StateName::Stop if subscriber.tells_deleted => Occasion::Deleted,
            StateName::Fault | StateName::Stop => Occasion::Fault,
        };
        let priority = transition.priority;
        let told = if gone {
            self.told.remove(&subject)
        } else {
            self.told.insert(subject.clone(), (occasion, priority))
        };
        // A process that replaces a crashed one says where it stands; that is no news.
        if told.is_some_and(|(before, _)| before == occasion) {
            return;
        }
        let specific = match occasion {
            Occasion::Master => &subscriber.master,
            Occasion::Backup => &subscriber.backup,
            // keepalived runs no script of its own for the FAULT that stands for a removal.
            Occasion::Fault if removed => &None,
            Occasion::Fault => &subscriber.fault,
            Occasion::Stop => &subscriber.stop,
            Occasion::Deleted => &subscriber.deleted,
            Occasion::RxLowerPriority | Occasion::MasterPriority | Occasion::BackupPriority => &None,
        };
        let message = Message { subject, occasion, priority };
        let any = subscriber.any.clone().map(|job| job.with(message.arguments()));
        let batch: Vec<_> = specific.clone().into_iter().chain(any).collect();
        if gone && !removed {
            let queue = self.queues.remove(&message.subject).unwrap_or_default();
            self.last.extend(queue.flush(batch));
        } else {
            self.run(&message.subject, batch);
        }
        self.write(&message);
        // keepalived's mail about a stop never leaves: the process is gone before the server has answered.
        let mails = occasion != Occasion::Stop && (occasion != Occasion::Fault || self.mail_faults);
        if subscriber.mails && mails {
            self.mail(&message);
        }
    }

    /// A master has heard an advert of lower priority.
    pub fn lower_priority_heard(&mut self, instance: &str) {
        let subject = Subject::Instance(instance.to_owned());
        let Some((_, priority)) = self.told.get(&subject).copied() else { return };
        let script =
            self.subscribers.get(&subject).and_then(|subscriber| subscriber.rx_lower_priority.clone());
        self.run(&subject, script.into_iter().collect());
        self.write(&Message { subject, occasion: Occasion::RxLowerPriority, priority });
    }

    /// The effective priority of an instance has changed.
    pub fn priority_changed(&mut self, instance: &str, to: u8) {
        let subject = Subject::Instance(instance.to_owned());
        let mut occasion = Occasion::BackupPriority;
        if let Some((state, priority)) = self.told.get_mut(&subject) {
            *priority = to;
            if *state == Occasion::Master {
                occasion = Occasion::MasterPriority;
            }
        }
        if self.subscribers.get(&subject).is_some_and(|subscriber| subscriber.priority_changes) {
            self.write(&Message { subject, occasion, priority: to });
        }
    }

    /// All that a configuration changed of virtual and real servers has been told.
    pub fn settled(&mut self) {
        self.servers.forget_former();
    }

    /// The health of a real server, or the quorum of a virtual server, has changed.
    pub fn server_changed(&mut self, change: &checker::Action) {
        self.leaving |= matches!(change, checker::Action::Health { why: checker::Why::Stopping, .. });
        let Some(message) = self.servers.changed(change) else { return };
        if let Some(job) = message.script {
            let queue = self.server_queues.entry(message.queue.clone()).or_default();
            if self.leaving {
                // The daemon's end waits for these.
                self.last.extend(queue.flush(vec![job]));
            } else {
                queue.push(&message.queue, vec![job], &self.permits);
            }
        }
        if let Some(line) = message.line {
            for pipe in self.pipes.iter_mut().filter(|pipe| pipe.kind != Kind::Vrrp) {
                pipe.fifo.write(line.as_bytes());
            }
        }
        if let Some((subject, body)) = message.mail {
            self.mailer.send(&subject, &body);
        }
    }

    /// Waits for the scripts that were told of the end, but not for long.
    pub async fn finish(&mut self) {
        let last = std::mem::take(&mut self.last);
        let all = async {
            for script in last {
                let _ = script.await;
            }
        };
        if tokio::time::timeout(PATIENCE_AT_STOP, all).await.is_err() {
            tracing::warn!(
                "a script for the stop still runs after {} s; ending it",
                PATIENCE_AT_STOP.as_secs()
            );
        }
        self.pipes.clear();
    }

    fn run(&mut self, subject: &Subject, batch: Vec<Job>) {
        if !batch.is_empty() {
            let queue = self.queues.entry(subject.clone()).or_default();
            queue.push(&subject.to_string(), batch, &self.permits);
        }
    }

    fn write(&mut self, message: &Message) {
        let line = message.line();
        for pipe in self.pipes.iter_mut().filter(|pipe| pipe.kind != Kind::Lvs) {
            pipe.fifo.write(line.as_bytes());
        }
    }

    fn mail(&self, message: &Message) {
        if let Some((subject, body)) = message.mail() {
            self.mailer.send(&subject, &body);
        }
    }
}

/// Starts the script of a pipe; it runs until what is handed out is dropped.
fn read_with(job: &Job) -> Option<oneshot::Sender<()>> {
    let program = job.argv.first().cloned().unwrap_or_default();
    match job.start() {
        Ok(run) => {
            let (stop, stopped) = oneshot::channel::<()>();
            tokio::spawn(async move {
                let outcome = run.wait(None, async { drop(stopped.await) }).await;
                if outcome != crate::script::Outcome::Stopped {
                    tracing::warn!("the script {program} does not read its pipe any more: {outcome}");
                }
            });
            Some(stop)
        }
        Err(error) => {
            tracing::error!("{error}");
            None
        }
    }
}

/// Looks each identity of a configuration up once: a name service may be slow.
pub struct Users<'a> {
    script_user: Option<&'a Identity>,
    all_groups: bool,
    umask: u32,
    known: BTreeMap<Option<(String, Option<String>)>, Option<User>>,
}

impl<'a> Users<'a> {
    /// For the scripts of this configuration.
    pub fn new(model: &'a Model) -> Self {
        Self {
            script_user: model.globals.script_user.as_ref(),
            all_groups: model.globals.script_groups,
            umask: model.globals.files.umask,
            known: BTreeMap::new(),
        }
    }

    /// The user of an identity, or of scripts without one. Who does not exist is told once.
    pub fn user(&mut self, identity: Option<&Identity>) -> Option<User> {
        let key = identity.map(|identity| (identity.user.clone(), identity.group.clone()));
        let (script_user, all_groups) = (self.script_user, self.all_groups);
        let look_up = || {
            let user = match identity {
                Some(identity) => User::of(identity),
                None => User::default_for(script_user),
            };
            let user = user.map(|user| if all_groups { user.with_all_groups() } else { user });
            user.map_err(|error| tracing::error!("{error}; its scripts are not run")).ok()
        };
        self.known.entry(key).or_insert_with(look_up).clone()
    }

    /// A command, ready to be run.
    pub fn job(&mut self, command: &Command) -> Option<Job> {
        let user = self.user(command.identity.as_ref())?;
        Some(Job { argv: command.argv.clone(), user, umask: self.umask })
    }

    fn subscriber(&mut self, spec: &NotifySpec) -> Subscriber {
        let mut job = |command: &Option<Command>| command.as_ref().and_then(|command| self.job(command));
        Subscriber {
            master: job(&spec.master),
            backup: job(&spec.backup),
            fault: job(&spec.fault),
            stop: job(&spec.stop),
            any: job(&spec.any),
            ..Subscriber::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{File, OpenOptions};
    use std::io::Read;
    use std::os::unix::fs::OpenOptionsExt;

    use config::model::{FifosSpec, GroupEvents, InstanceEvents};

    use super::*;

    /// A notifier with one pipe, and the pipe's other end.
    struct Scene {
        notifier: Notifier,
        model: Model,
        pipe: File,
        _folder: tempfile::TempDir,
    }

    impl Scene {
        fn new(names: &[&str]) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("fifo");
            let mut model = Model::default();
            let spec = FifoSpec { path: Some(path.display().to_string()), ..FifoSpec::default() };
            model.globals.script_user = Some(Identity {
                user: nix::unistd::User::from_uid(nix::unistd::getuid()).unwrap().unwrap().name,
                group: None,
            });
            model.globals.fifos = FifosSpec { vrrp: spec, ..FifosSpec::default() };
            for name in names {
                model.vrrp_events.insert((*name).to_owned(), InstanceEvents::default());
            }
            model.group_events.insert("G".to_owned(), GroupEvents::default());
            let mut notifier = Notifier::new();
            notifier.configure(&model, &Packed::default());
            let pipe = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path).unwrap();
            Self { notifier, model, pipe, _folder: folder }
        }

        fn enter(&mut self, subject: Subject, to: StateName, why: Why) {
            self.notifier.transition(&Transition { subject, from: StateName::Init, to, priority: 100, why });
        }

        fn instance(&mut self, name: &str, to: StateName, why: Why) {
            self.enter(Subject::Instance(name.to_owned()), to, why);
        }

        fn written(&mut self) -> String {
            let mut text = vec![0; 4096];
            let length = self.pipe.read(&mut text).unwrap_or(0);
            String::from_utf8(text[..length].to_vec()).unwrap()
        }
    }

    #[tokio::test]
    async fn what_is_known_already_is_not_told_again() {
        let mut scene = Scene::new(&["V"]);
        scene.instance("V", StateName::Backup, Why::Startup);
        scene.instance("V", StateName::Master, Why::MasterReleased);
        // The process that replaces a crashed one.
        scene.instance("V", StateName::Master, Why::Resumed);
        assert_eq!(scene.written(), "INSTANCE \"V\" BACKUP 100\nINSTANCE \"V\" MASTER 100\n");
    }

    #[tokio::test]
    async fn an_instance_that_a_reload_removes_is_in_fault_or_deleted_as_it_asked_for() {
        let mut scene = Scene::new(&["V", "W"]);
        scene.model.vrrp_events.get_mut("W").unwrap().deleted = NotifyDeleted::Deleted;
        scene.notifier.configure(&scene.model, &Packed::default());
        scene.model.vrrp_events.clear();
        scene.notifier.configure(&scene.model, &Packed::default());
        scene.instance("V", StateName::Stop, Why::Removed);
        scene.instance("W", StateName::Stop, Why::Removed);
        assert_eq!(scene.written(), "INSTANCE \"V\" FAULT 100\nINSTANCE \"W\" DELETED 100\n");
    }

    #[tokio::test]
    async fn all_states_are_repeated_after_a_reload_if_that_is_asked_for() {
        let mut scene = Scene::new(&["V"]);
        scene.instance("V", StateName::Fault, Why::Startup);
        scene.enter(Subject::Group("G".to_owned()), StateName::Fault, Why::Startup);
        scene.written();
        scene.notifier.reloaded();
        assert_eq!(scene.written(), "");
        scene.model.globals.fifos.states_on_reload = true;
        scene.notifier.configure(&scene.model, &Packed::default());
        scene.notifier.reloaded();
        assert_eq!(scene.written(), "INSTANCE \"V\" FAULT 100\nGROUP \"G\" FAULT 100\n");
    }

    #[tokio::test]
    async fn changes_of_priority_are_told_only_on_demand() {
        let mut scene = Scene::new(&["V"]);
        scene.instance("V", StateName::Master, Why::Startup);
        scene.written();
        scene.notifier.priority_changed("V", 90);
        assert_eq!(scene.written(), "");
        scene.model.vrrp_events.get_mut("V").unwrap().priority_changes = true;
        scene.notifier.configure(&scene.model, &Packed::default());
        scene.notifier.priority_changed("V", 80);
        scene.notifier.lower_priority_heard("V");
        assert_eq!(
            scene.written(),
            "INSTANCE \"V\" MASTER_PRIORITY 80\nINSTANCE \"V\" MASTER_RX_LOWER_PRI 80\n"
        );
    }
}
