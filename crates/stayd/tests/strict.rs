//! A daemon started with `--strict` refuses what only has a warning, at its start and at a reload.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::io::{BufRead, BufReader, Lines};
use std::path::Path;
use std::process::{Child, ChildStderr, Stdio};

use common::{folder, run, stayd};

/// Nothing that a process or a privilege would be needed for.
const IDLE: &str = "global_defs {\n    router_id a\n}\n";
const SLOPPY: &str = "global_defs {\n    router_idd a\n}\n";

/// A daemon that logs to standard error.
struct Daemon(Child, Lines<BufReader<ChildStderr>>);

impl Daemon {
    fn start(folder: &Path) -> Self {
        let arguments = ["-n", "-l", "-G", "--strict", "-f", "a.conf", "-p", "a.pid"];
        let mut child = stayd().current_dir(folder).args(arguments).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        Self(child, lines)
    }

    /// Reads its log up to a line with this in it.
    fn says(&mut self, part: &str) {
        let mut log = Vec::new();
        for line in self.1.by_ref() {
            log.push(line.unwrap());
            if log.last().is_some_and(|line| line.contains(part)) {
                return;
            }
        }
        panic!("it never said {part}: {log:#?}");
    }

    fn signal(&self, name: &str) {
        let sent = std::process::Command::new("kill").args(["-s", name, &self.0.id().to_string()]).status();
        assert!(sent.unwrap().success());
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It has ended, unless the test failed.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_daemon_does_not_start_with_a_warning() {
    let folder = folder(&[("a.conf", SLOPPY)]);
    let refused = run(folder.path(), &["-n", "-l", "-G", "--strict", "-f", "a.conf", "-p", "a.pid"]);
    assert_eq!(refused.status, 2, "{}", refused.err);
    assert!(refused.err.contains("unknown keyword"), "{}", refused.err);
    assert!(refused.err.contains("with --strict warnings are errors"), "{}", refused.err);
}

#[test]
fn a_reload_with_a_warning_is_refused_and_the_daemon_goes_on() {
    let folder = folder(&[("a.conf", IDLE)]);
    let mut daemon = Daemon::start(folder.path());
    daemon.says("nothing to run");
    std::fs::write(folder.path().join("a.conf"), SLOPPY).unwrap();
    daemon.signal("HUP");
    daemon.says("reload refused");
    daemon.signal("TERM");
    daemon.says("stopped");
    assert!(daemon.0.wait().unwrap().success());
}
