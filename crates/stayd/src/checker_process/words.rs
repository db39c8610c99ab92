//! The log lines of the checker process.

use checker::{Action, DrainEnd, Event, Failure, ProbeSpec, Scheduler, Why};
use ipvs::{DestKey, ServiceKey};

use crate::ipc::{Level, Line};

/// What is to be said of an action; most are worth no line. `detail`: every step is told.
pub(super) fn line(scheduler: &Scheduler, action: &Action, detail: bool) -> Option<Line> {
    match action {
        // There are as many of these as servers, or as checks: no text is made for nobody.
        Action::Health { up: true, why: Why::Configured, .. } | Action::Emit(Event::Passed { .. })
            if !detail =>
        {
            None
        }
        Action::Health { virtual_server, server, up, why } => {
            let server = Server { scheduler, service: *virtual_server, key: *server };
            health(&server, *up, *why)
        }
        Action::Quorum { virtual_server, up, weight } => {
            let name = name(scheduler, virtual_server);
            Some(if *up {
                info(format!("virtual server {name} has its quorum: live weight {weight}"))
            } else {
                warning(format!("virtual server {name} has lost its quorum: live weight {weight}"))
            })
        }
        Action::Weight { virtual_server, server, weight } => {
            let server = Server { scheduler, service: *virtual_server, key: *server };
            Some(info(format!("{server} has the weight {weight} now")))
        }
        Action::Drained { service, dest, why, .. } => Some(info(match why {
            DrainEnd::Idle => format!("{dest} of {service} is drained: it has no connection left"),
            DrainEnd::TimedOut => format!("{dest} of {service} is drained no longer: its time is over"),
        })),
        // The last of these is told as a check that passed or failed.
        Action::Start { .. } | Action::Cancel { .. } | Action::Emit(Event::Aside { .. }) => None,
        Action::Emit(event) => Some(self::event(scheduler, event)),
    }
}

struct Server<'a> {
    scheduler: &'a Scheduler,
    service: ServiceKey,
    key: DestKey,
}

impl std::fmt::Display for Server<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "real server {} of {}", self.key, name(self.scheduler, &self.service))
    }
}

impl Server<'_> {
    /// Why a check failed; a page by its path rather than its number.
    fn reason(&self, check: usize, failure: Failure) -> String {
        if let Failure::Page { url, fault } = failure
            && let Some(path) = self.path(check, url)
        {
            return format!("url {path}: {fault}");
        }
        failure.to_string()
    }

    fn path(&self, check: usize, url: u16) -> Option<&str> {
        let spec = self.scheduler.virtual_server(&self.service)?;
        let server = spec.real_servers.iter().find(|server| server.key == self.key)?;
        let ProbeSpec::Http(http) = &server.checks.get(check)?.probe else { return None };
        http.urls.get(usize::from(url)).map(|url| url.path.as_str())
    }
}

fn health(server: &Server<'_>, up: bool, why: Why) -> Option<Line> {
    match (up, why) {
        (true, Why::Configured) => Some(detail(format!("{server} is up until a check fails"))),
        (false, Why::Configured) => Some(info(format!("{server} is down until its checks succeed"))),
        (_, Why::Removed) => Some(info(format!("{server} is no longer configured"))),
        (false, Why::Followed) => Some(warning(format!("{server} is down: what it follows says so"))),
        (true, _) => Some(info(format!("{server} is up"))),
        (false, Why::Failed { check, failure } | Why::NeverUp { check, failure }) => {
            Some(warning(format!("{server} is down: {}", server.reason(check, failure))))
        }
        (false, Why::Passed | Why::Stopping) => None,
    }
}

fn event(scheduler: &Scheduler, event: &Event) -> Line {
    let server = |check: &checker::CheckName| {
        Server { scheduler, service: check.virtual_server, key: check.server }.to_string()
    };
    let reason = |check: &checker::CheckName, failure| {
        let server = Server { scheduler, service: check.virtual_server, key: check.server };
        server.reason(check.check, failure)
    };
    match event {
        Event::Forgiven { check, failure, failures } => {
            let reason = reason(check, *failure);
            info(format!("{} failed a check: {reason} ({failures} in a row, forgiven)", server(check)))
        }
        // What follows from these is told by the health of the server.
        Event::Failed { check, failure, failures } => {
            let reason = reason(check, *failure);
            detail(format!("{} failed its check: {reason} ({failures} in a row)", server(check)))
        }
        Event::Passed { check } | Event::Aside { check, .. } => {
            detail(format!("{} passed its check", server(check)))
        }
        Event::Blind { check, error } => {
            warning(format!("{} cannot be checked, and stays as it is: {error}", server(check)))
        }
        Event::Sees { check } => info(format!("{} can be checked again", server(check))),
        Event::Drains { service, dest, timeout } => info(format!(
            "{dest} of {service} is drained: it gets no new connections, and is removed after its last, at most {} s from \
             now (drain_timeout)",
            timeout.as_secs()
        )),
        Event::Suspended { virtual_server, yes } => {
            let name = name(scheduler, virtual_server);
            info(if *yes {
                format!("virtual server {name} is not checked: its address is not on this host (ha_suspend)")
            } else {
                format!("virtual server {name} is checked: its address is on this host")
            })
        }
        Event::Crowded { probes, waits } => warning(format!(
            "checks have to wait for others: {probes} are under way, which is the most; {waits} have waited before"
        )),
        Event::Ignored { name } => warning(format!(
            "virtual server {name} is left out: it has no service, or the first one of another"
        )),
    }
}

fn name(scheduler: &Scheduler, virtual_server: &ServiceKey) -> String {
    scheduler.virtual_server(virtual_server).map_or_else(|| virtual_server.to_string(), |it| it.name.clone())
}

const fn warning(text: String) -> Line {
    Line { level: Level::Warning, text }
}

const fn info(text: String) -> Line {
    Line { level: Level::Info, text }
}

const fn detail(text: String) -> Line {
    Line { level: Level::Detail, text }
}
