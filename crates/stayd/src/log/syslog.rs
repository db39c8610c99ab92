//! The system's log, by the datagrams that every syslog daemon and journald take (RFC 3164 section 4.1).
//!
//! **Lines come under keepalived's names**, by which filters and `journalctl -t` find them: `Keepalived`,
//! `Keepalived_vrrp`, `Keepalived_healthcheckers`, with the names of namespace and instance behind. A log that does not
//! take a line in time loses it.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::Local;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

const SOCKET: &str = "/dev/log";
const PATIENCE: Duration = Duration::from_millis(200);

/// A facility, by its number (RFC 3164 section 4.1.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Facility(u8);

impl Facility {
    /// That of `-S`: 0 to 7 for `local0` to `local7`, or a name.
    pub fn named(name: &str) -> Option<Self> {
        let local = name.strip_prefix("local").unwrap_or(name);
        match (name, local.parse::<u8>()) {
            ("user", _) => Some(Self(1)),
            ("daemon", _) => Some(Self(3)),
            (_, Ok(number)) if number <= 7 && local.len() == 1 => Some(Self(16 + number)),
            _ => None,
        }
    }
}

impl Default for Facility {
    /// That of daemons.
    fn default() -> Self {
        Self(3)
    }
}

/// Under which names lines are logged, and as whose.
#[derive(Debug, Default)]
pub struct Idents(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    suffix: String,
    pids: BTreeMap<&'static str, u32>,
}

impl Idents {
    /// The names of namespace and instance, which stand behind each name from now on.
    pub fn set_names(&self, names: [Option<&str>; 2]) {
        self.known().suffix = names.into_iter().flatten().flat_map(|name| ["_", name]).collect();
    }

    /// The process that has this role now.
    pub fn set_pid(&self, role: &'static str, pid: u32) {
        self.known().pids.insert(role, pid);
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn of(&self, process: Option<&str>) -> (String, u32) {
        let known = self.known();
        let role = match process {
            Some("vrrp") => "_vrrp",
            Some("checker") => "_healthcheckers",
            _ => "",
        };
        let pid = process.and_then(|process| known.pids.get(process)).copied();
        (format!("Keepalived{role}{}", known.suffix), pid.unwrap_or_else(std::process::id))
    }
}

/// A log of this kind.
#[derive(Debug)]
pub(super) struct Syslog {
    path: PathBuf,
    /// None: it was not there when it was tried last.
    socket: Mutex<Option<UnixDatagram>>,
    facility: Facility,
    idents: Arc<Idents>,
}

impl Syslog {
    /// The one of this host, if it has one.
    pub(super) fn open(facility: Facility, idents: &Arc<Idents>) -> Option<Self> {
        Self::at(Path::new(SOCKET), facility, idents).ok()
    }

    fn at(path: &Path, facility: Facility, idents: &Arc<Idents>) -> io::Result<Self> {
        let socket = Mutex::new(Some(connect(path)?));
        Ok(Self { path: path.to_owned(), socket, facility, idents: Arc::clone(idents) })
    }

    fn send(&self, datagram: &[u8]) {
        let mut socket = self.socket.lock().unwrap_or_else(PoisonError::into_inner);
        let sent = socket.as_ref().map(|socket| socket.send(datagram));
        let full = matches!(&sent, Some(Err(error)) if error.kind() == io::ErrorKind::WouldBlock);
        if matches!(sent, Some(Ok(_))) || full {
            return;
        }
        // Its daemon was started anew: there is another socket now, or will be.
        *socket = connect(&self.path).ok();
        if let Some(socket) = &*socket {
            let _ = socket.send(datagram);
        }
    }
}

fn connect(path: &Path) -> io::Result<UnixDatagram> {
    let socket = UnixDatagram::unbound()?;
    socket.set_write_timeout(Some(PATIENCE))?;
    socket.connect(path)?;
    Ok(socket)
}

impl<S: Subscriber> Layer<S> for Syslog {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut line = Line::default();
        event.record(&mut line);
        let severity = match *event.metadata().level() {
            Level::ERROR => 3,
            Level::WARN => 4,
            Level::INFO => 6,
            Level::DEBUG | Level::TRACE => 7,
        };
        let priority = u16::from(self.facility.0) * 8 + severity;
        let (ident, pid) = self.idents.of(line.process.as_deref());
        let at = Local::now().format("%b %e %H:%M:%S");
        self.send(format!("<{priority}>{at} {ident}[{pid}]: {}{}", line.message, line.rest).as_bytes());
    }
}

/// What an event says.
#[derive(Default)]
struct Line {
    message: String,
    process: Option<String>,
    rest: String,
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "process" {
            self.process = Some(value.to_owned());
        } else {
            self.record_debug(field, &value);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a string succeeds.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.rest, " {name}={value:?}"),
        };
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    fn receive(listener: &UnixDatagram) -> String {
        let mut buffer = [0; 1024];
        let length = listener.recv(&mut buffer).unwrap();
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    }

    #[test]
    fn facilities_have_keepalived_s_names_and_no_others() {
        let numbers = ["0", "7", "local3", "daemon", "user"].map(|name| Facility::named(name).unwrap().0);
        assert_eq!(numbers, [16, 23, 19, 3, 1]);
        for name in ["8", "local8", "", "-1", "mail", "07", "local"] {
            assert_eq!(Facility::named(name), None, "{name}");
        }
    }

    #[test]
    fn a_line_has_priority_time_name_and_pid_of_the_process_that_it_is_of() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let listener = UnixDatagram::bind(&path).unwrap();
        let idents = Arc::new(Idents::default());
        idents.set_names([Some("ns"), None]);
        idents.set_pid("vrrp", 4711);
        let log = Syslog::at(&path, Facility::named("local1").unwrap(), &idents).unwrap();
        tracing::subscriber::with_default(tracing_subscriber::registry().with(log), || {
            tracing::warn!(process = "vrrp", "a line");
            tracing::info!("another of {}", "ours");
        });
        let first = receive(&listener);
        assert!(
            first.starts_with("<140>") && first.ends_with(" Keepalived_vrrp_ns[4711]: a line"),
            "{first}"
        );
        assert_eq!(first.len(), "<140>Nov 25 03:15:46 Keepalived_vrrp_ns[4711]: a line".len());
        let own = format!(" Keepalived_ns[{}]: another of ours", std::process::id());
        let second = receive(&listener);
        assert!(second.starts_with("<142>") && second.ends_with(&own), "{second}");
    }

    #[test]
    fn a_log_that_is_started_anew_gets_what_comes_then() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let listener = UnixDatagram::bind(&path).unwrap();
        let log = Syslog::at(&path, Facility::default(), &Arc::default()).unwrap();
        drop(listener);
        std::fs::remove_file(&path).unwrap();
        log.send(b"lost");
        let listener = UnixDatagram::bind(&path).unwrap();
        log.send(b"heard");
        assert_eq!(receive(&listener), "heard");
    }
}
