//! What is told of virtual and real servers: the words, and who wants to hear them.
//!
//! **Only what changes is told**: a real server that starts up as configured is no news unless `rs_init_notifies` says so, as
//! with keepalived, and then is not told here; that a virtual server has its quorum at the start is.

use std::collections::BTreeMap;

use checker::{Action, Event, VirtualServerSpec, Why};
use config::model::{Packed, RealServerEvents, ServerEvents};
use ipvs::{DestKey, Protocol, ServiceKey};

use super::Users;
use crate::script::Job;

/// The virtual servers of a configuration, by the first of their services.
#[derive(Default)]
pub struct Servers {
    present: BTreeMap<ServiceKey, VirtualServer>,
    /// Those of the configuration before, for what is still told of them.
    former: BTreeMap<ServiceKey, VirtualServer>,
    /// Whether each was last told to have its quorum.
    told: BTreeMap<ServiceKey, bool>,
    /// A check is mailed also where its server stays as it is (not `no_checker_emails`).
    mails_each_check: bool,
}

struct VirtualServer {
    /// As pipes and mails name it.
    name: String,
    protocol: &'static str,
    quorum_up: Option<Box<Job>>,
    quorum_down: Option<Box<Job>>,
    mails: bool,
    quorum: u32,
    hysteresis: u32,
    /// Sorted.
    real_servers: Vec<(DestKey, RealServer)>,
}

#[derive(Clone, Default)]
struct RealServer {
    up: Option<Box<Job>>,
    down: Option<Box<Job>>,
    mails: bool,
    /// The keywords of its checks, where mails tell of them.
    checks: Vec<&'static str>,
}

/// One thing to tell.
#[derive(Debug)]
pub struct ServerMessage {
    /// Whose news must stay in order: those of one virtual server and all its real servers.
    pub queue: String,
    /// The script for it.
    pub script: Option<Job>,
    /// The line for the pipes.
    pub line: Option<String>,
    /// Subject, after `[router_id] `, and text of the mail.
    pub mail: Option<(String, String)>,
}

impl Servers {
    /// Those of this configuration. `listened`: there are pipes or mails; without, and without a script, nobody is
    /// interested in any of them.
    pub(super) fn configure(
        &mut self,
        specs: &Packed<VirtualServerSpec>,
        events: &Packed<ServerEvents>,
        users: &mut Users<'_>,
        listened: bool,
        mails_each_check: bool,
    ) {
        self.mails_each_check = mails_each_check;
        let mut present = BTreeMap::new();
        let of_interest = listened || events.iter().any(|events| runs_scripts(&events));
        for (spec, events) in specs.iter().zip(events.iter()).take(if of_interest { specs.len() } else { 0 })
        {
            let Some(key) = spec.services.first() else { continue };
            let mut job = |command: &Option<Box<_>>| {
                command.as_ref().and_then(|command| users.job(command)).map(Box::new)
            };
            let (quorum_up, quorum_down) = (job(&events.quorum_up), job(&events.quorum_down));
            let mailed = events.real_servers.iter().any(|events| events.smtp_alert);
            let checks: BTreeMap<_, _> = if mailed {
                spec.real_servers.iter().map(|server| (server.key, &server.checks[..])).collect()
            } else {
                BTreeMap::new()
            };
            let keywords = |events: &RealServerEvents| {
                let checks = checks.get(&events.key).copied().unwrap_or_default();
                checks.iter().map(|check| check.probe.keyword()).collect()
            };
            let real = events.real_servers.iter().map(|events| {
                let real = RealServer {
                    checks: if events.smtp_alert { keywords(events) } else { Vec::new() },
                    up: job(&events.notify_up),
                    down: job(&events.notify_down),
                    mails: events.smtp_alert,
                };
                (events.key, real)
            });
            let mut real_servers: Vec<_> = real.collect();
            real_servers.sort_unstable_by_key(|(key, _)| *key);
            let server = VirtualServer {
                name: name(&spec),
                protocol: protocol(key),
                quorum_up,
                quorum_down,
                mails: events.smtp_alert,
                quorum: spec.quorum,
                hysteresis: spec.hysteresis,
                real_servers,
            };
            // Two with the same first service: the later is not served.
            present.entry(*key).or_insert(server);
        }
        self.former = std::mem::replace(&mut self.present, present);
    }

    /// Nothing more is told of the configuration before.
    pub(super) fn forget_former(&mut self) {
        self.former = BTreeMap::new();
    }

    /// What is to be told of a change; `None`: nothing.
    pub fn changed(&mut self, change: &Action) -> Option<ServerMessage> {
        match change {
            Action::Health { virtual_server, server, up, why } => {
                let (of, real) = self.real_server(virtual_server, server)?;
                // That one is not up which never was (`alpha`) is for scripts and pipes: keepalived mails it to nobody.
                let mails = real.mails && !matches!(why, Why::NeverUp { .. });
                let mail = mails.then(|| (of.subject(server, *up), real.because(*why)));
                Some(ServerMessage {
                    queue: of.name.clone(),
                    script: if *up { real.up } else { real.down }.map(|job| *job),
                    line: Some(format!("RS {} {} {}\n", of.real_name(server), of.name, word(*up))),
                    mail,
                })
            }
            Action::Emit(Event::Aside { check, failure, server_up }) if self.mails_each_check => {
                let (of, real) = self.real_server(&check.virtual_server, &check.server)?;
                let text = match failure {
                    Some(failure) => real.because(Why::Failed { check: check.check, failure: *failure }),
                    None => format!("{} succeeded; another is still down.", real.check(check.check)),
                };
                let mail = real.mails.then(|| (of.subject(&check.server, *server_up), text));
                mail.map(|mail| ServerMessage {
                    queue: of.name.clone(),
                    script: None,
                    line: None,
                    mail: Some(mail),
                })
            }
            Action::Quorum { virtual_server, up, weight } => {
                let before = self.told.insert(*virtual_server, *up);
                if before.unwrap_or(false) == *up {
                    return None;
                }
                let of = self.present.get(virtual_server).or_else(|| self.former.get(virtual_server))?;
                let word = word(*up);
                let mail = of.mails.then(|| {
                    let verb = if *up { "It has" } else { "It has lost" };
                    let text = format!(
                        "{verb} its quorum: the weight of its live servers is {weight}, the quorum {} with hysteresis {}.",
                        of.quorum, of.hysteresis
                    );
                    (format!("Virtualserver {} - {word}", of.name), text)
                });
                Some(ServerMessage {
                    queue: of.name.clone(),
                    script: if *up { &of.quorum_up } else { &of.quorum_down }.as_deref().cloned(),
                    line: Some(format!("VS {} {word}\n", of.name)),
                    mail,
                })
            }
            Action::Start { .. }
            | Action::Cancel { .. }
            | Action::Weight { .. }
            | Action::Drained { .. }
            | Action::Emit(_) => None,
        }
    }

    fn real_server(&self, service: &ServiceKey, key: &DestKey) -> Option<(&VirtualServer, RealServer)> {
        let places = [self.present.get(service), self.former.get(service)];
        let mut found = places.into_iter().flatten();
        found.find_map(|server| {
            let at = server.real_servers.binary_search_by_key(key, |(key, _)| *key).ok()?;
            Some((server, server.real_servers.get(at)?.1.clone()))
        })
    }
}

impl VirtualServer {
    fn real_name(&self, server: &DestKey) -> String {
        format!("[{}]:{}:{}", server.address, self.protocol, server.port)
    }

    fn subject(&self, server: &DestKey, up: bool) -> String {
        format!("Realserver {} of virtual server {} - {}", self.real_name(server), self.name, word(up))
    }
}

fn runs_scripts(events: &ServerEvents) -> bool {
    let own = [&events.quorum_up, &events.quorum_down];
    let mut real = events.real_servers.iter().flat_map(|server| [&server.notify_up, &server.notify_down]);
    own.into_iter().any(Option::is_some) || real.any(Option::is_some)
}

const fn word(up: bool) -> &'static str {
    if up { "UP" } else { "DOWN" }
}

impl RealServer {
    /// Which check, counted from 1.
    fn check(&self, number: usize) -> String {
        match self.checks.get(number) {
            Some(keyword) => format!("Check {} ({keyword})", number + 1),
            None => format!("Check {}", number + 1),
        }
    }

    fn because(&self, why: Why) -> String {
        match why {
            Why::Configured => "The configuration says so.".to_owned(),
            Why::Removed => "It is not configured any more.".to_owned(),
            Why::Stopping => "Shutting down.".to_owned(),
            Why::Followed => "A file or session that it follows says so.".to_owned(),
            Why::Passed if self.checks.len() == 1 => format!("{} succeeded.", self.check(0)),
            Why::Passed => "The last of its failed checks succeeded.".to_owned(),
            Why::Failed { check, failure } | Why::NeverUp { check, failure } => {
                format!("{} failed: {failure}.", self.check(check))
            }
        }
    }
}

fn name(spec: &VirtualServerSpec) -> String {
    match (&spec.group, spec.services.first()) {
        (Some(group), _) => format!("[{group}]:0"),
        (None, Some(key @ ServiceKey::Address { address, port, .. })) => {
            format!("[{address}]:{}:{port}", protocol(key))
        }
        (None, Some(ServiceKey::Fwmark { mark, .. })) => format!("FWM {mark}"),
        (None, None) => spec.name.clone(),
    }
}

const fn protocol(key: &ServiceKey) -> &'static str {
    match key {
        ServiceKey::Address { protocol: Protocol::Tcp, .. } => "tcp",
        ServiceKey::Address { protocol: Protocol::Udp, .. } => "udp",
        ServiceKey::Address { protocol: Protocol::Sctp, .. } => "sctp",
        ServiceKey::Fwmark { .. } => "none",
    }
}

#[cfg(test)]
mod tests {
    use checker::Failure;
    use config::model::Model;
    use ipvs::{Family, SchedulerFlags, ServiceSpec};

    use super::*;

    const SERVER: DestKey =
        DestKey { address: std::net::IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 2)), port: 8080 };

    fn servers(service: ServiceKey, group: Option<&str>) -> Servers {
        let spec = VirtualServerSpec {
            name: "name in the file".to_owned(),
            snmp_name: None,
            group: group.map(Box::from),
            services: vec![service],
            service: ServiceSpec {
                scheduler: "rr".into(),
                flags: SchedulerFlags::default(),
                persistence: None,
            },
            quorum: 1,
            hysteresis: 0,
            alpha: false,
            omega: false,
            ha_suspend: false,
            sorry_server: None,
            real_servers: Vec::new(),
        };
        let real =
            RealServerEvents { key: SERVER, notify_up: None, notify_down: None, smtp_alert: true, own: None };
        let events = ServerEvents { smtp_alert: true, real_servers: vec![real], ..ServerEvents::default() };
        let model = Model::default();
        let mut servers = Servers::default();
        let (specs, events) = (Packed::of(&[spec]).unwrap(), Packed::of(&[events]).unwrap());
        servers.configure(&specs, &events, &mut Users::new(&model), true, true);
        servers
    }

    fn tcp() -> ServiceKey {
        ServiceKey::Address { protocol: Protocol::Tcp, address: [10, 0, 0, 1].into(), port: 80 }
    }

    fn health(service: ServiceKey, up: bool, why: Why) -> Action {
        Action::Health { virtual_server: service, server: SERVER, up, why }
    }

    fn quorum(service: ServiceKey, up: bool) -> Action {
        Action::Quorum { virtual_server: service, up, weight: 1 }
    }

    #[test]
    fn servers_are_named_as_keepalived_names_them() {
        let mark = ServiceKey::Fwmark { mark: 7, family: Family::V4 };
        for (service, group, expected) in [
            (tcp(), None, "RS [10.0.0.2]:tcp:8080 [10.0.0.1]:tcp:80 UP\n"),
            (tcp(), Some("G"), "RS [10.0.0.2]:tcp:8080 [G]:0 UP\n"),
            (mark, None, "RS [10.0.0.2]:none:8080 FWM 7 UP\n"),
        ] {
            let message = servers(service, group).changed(&health(service, true, Why::Passed)).unwrap();
            assert_eq!(message.line.as_deref(), Some(expected));
        }
    }

    #[test]
    fn mails_have_keepalived_s_subjects() {
        let mut servers = servers(tcp(), None);
        let subject = |message: Option<ServerMessage>| message.unwrap().mail.unwrap().0;
        let why = Why::Failed { check: 0, failure: Failure::TimedOut };
        assert_eq!(
            subject(servers.changed(&health(tcp(), false, why))),
            "Realserver [10.0.0.2]:tcp:8080 of virtual server [10.0.0.1]:tcp:80 - DOWN"
        );
        assert_eq!(subject(servers.changed(&quorum(tcp(), true))), "Virtualserver [10.0.0.1]:tcp:80 - UP");
    }

    #[test]
    fn a_mail_names_the_kind_of_the_check() {
        let failed = Why::Failed { check: 1, failure: Failure::TimedOut };
        let real = RealServer { checks: vec!["TCP_CHECK", "MISC_CHECK"], ..RealServer::default() };
        assert_eq!(real.because(failed), "Check 2 (MISC_CHECK) failed: timed out.");
        let real = RealServer { checks: vec!["TCP_CHECK"], ..RealServer::default() };
        assert_eq!(real.because(Why::Passed), "Check 1 (TCP_CHECK) succeeded.");
    }

    #[test]
    fn that_a_server_is_down_which_never_was_up_is_told_to_scripts_and_pipes_and_not_mailed() {
        let never_up = Why::NeverUp { check: 0, failure: Failure::Refused };
        let message = servers(tcp(), None).changed(&health(tcp(), false, never_up)).unwrap();
        assert!(message.line.is_some() && message.mail.is_none());
    }

    #[test]
    fn a_check_that_moves_alone_is_mailed_unless_no_checker_emails_says_otherwise() {
        let check = checker::CheckName { virtual_server: tcp(), server: SERVER, check: 1 };
        let aside = |failure| Action::Emit(Event::Aside { check, failure, server_up: false });
        let mut servers = servers(tcp(), None);
        let message = servers.changed(&aside(Some(Failure::TimedOut))).unwrap();
        assert!(message.line.is_none() && message.script.is_none());
        let subject = "Realserver [10.0.0.2]:tcp:8080 of virtual server [10.0.0.1]:tcp:80 - DOWN";
        assert_eq!(message.mail.unwrap(), (subject.to_owned(), "Check 2 failed: timed out.".to_owned()));
        let (again, text) = servers.changed(&aside(None)).unwrap().mail.unwrap();
        assert_eq!((&again[..], &text[..]), (subject, "Check 2 succeeded; another is still down."));
        servers.mails_each_check = false;
        assert!(servers.changed(&aside(None)).is_none());
    }

    #[test]
    fn a_quorum_is_news_when_it_is_gained_and_when_it_is_lost() {
        let mut servers = servers(tcp(), None);
        assert!(servers.changed(&quorum(tcp(), false)).is_none(), "it never had it");
        assert_eq!(servers.changed(&quorum(tcp(), true)).unwrap().line.unwrap(), "VS [10.0.0.1]:tcp:80 UP\n");
        assert!(servers.changed(&quorum(tcp(), true)).is_none(), "known");
        let lost = servers.changed(&quorum(tcp(), false)).unwrap();
        assert_eq!(lost.line.unwrap(), "VS [10.0.0.1]:tcp:80 DOWN\n");
        assert_eq!(
            lost.mail.unwrap().1,
            "It has lost its quorum: the weight of its live servers is 1, the quorum 1 with hysteresis 0."
        );
    }

    #[test]
    fn the_end_of_a_server_that_a_reload_removes_is_told() {
        let mut servers = servers(tcp(), None);
        let model = Model::default();
        servers.configure(&Packed::default(), &Packed::default(), &mut Users::new(&model), true, true);
        let message = servers.changed(&health(tcp(), false, Why::Removed)).unwrap();
        assert_eq!(message.line.unwrap(), "RS [10.0.0.2]:tcp:8080 [10.0.0.1]:tcp:80 DOWN\n");
    }
}
