//! The keepalived of this host: the process that runs, the options that its service is given, its unit.
//!
//! **What runs goes before what is written**: the options of a running process are those that matter, whatever the files
//! for the next start say.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// Files with the options of the service, and the variable that has them: Debian's, and Red Hat's.
const OPTIONS: [(&str, &str); 2] =
    [("/etc/default/keepalived", "DAEMON_ARGS"), ("/etc/sysconfig/keepalived", "KEEPALIVED_OPTIONS")];

/// Where systemd looks for units, the first first.
const UNITS: [&str; 4] =
    ["/etc/systemd/system", "/run/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"];

const NAME: &str = "keepalived";

/// What there is.
#[derive(Debug)]
pub struct Found {
    /// The running ones, each the parent of its processes.
    pub running: Vec<Running>,
    /// Where options of the service stand, and the options.
    defaults: Option<(&'static str, Vec<String>)>,
    /// The file of the unit.
    pub unit: Option<PathBuf>,
}

/// A running keepalived.
#[derive(Debug)]
pub struct Running {
    /// Of the parent process.
    pub pid: u32,
    /// The parent's and those of its children.
    pub pids: Vec<u32>,
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// What relative paths start from.
    folder: PathBuf,
    /// Whether the program is stayd under this name.
    pub is_stayd: bool,
}

impl Found {
    /// Looks below this root.
    pub fn look(root: &Path) -> Self {
        let defaults = OPTIONS.into_iter().find_map(|(file, variable)| {
            let text = fs::read_to_string(below(root, Path::new(file))).ok()?;
            Some((file, assigned(&text, variable)))
        });
        let unit = UNITS
            .into_iter()
            .map(|folder| Path::new(folder).join("keepalived.service"))
            .find(|unit| below(root, unit).exists());
        Self { running: running(root), defaults, unit }
    }

    /// The options of keepalived on this host.
    pub fn words(&self) -> Vec<String> {
        match (self.running.first(), &self.defaults) {
            (Some(running), _) => running.argv.iter().skip(1).cloned().collect(),
            (None, Some((_, words))) => {
                std::iter::once("--dont-fork".to_owned()).chain(words.iter().cloned()).collect()
            }
            (None, None) => Vec::new(),
        }
    }

    /// A path on its command line.
    pub fn path(&self, path: &Path) -> PathBuf {
        self.running.first().map_or_else(|| path.to_owned(), |running| running.folder.join(path))
    }

    /// For people.
    pub fn describe(&self) -> String {
        let mut text = String::new();
        for running in &self.running {
            let what = if running.is_stayd { "stayd under the name keepalived" } else { NAME };
            let _ = writeln!(text, "{what} runs as process {}: {}", running.pid, running.argv.join(" "));
        }
        match self.running.len() {
            0 => text += "No keepalived runs.\n",
            1 => {}
            _ => text += "Several run: the rest of this is about the first.\n",
        }
        match &self.defaults {
            Some((file, words)) if words.is_empty() => {
                let _ = writeln!(text, "{file} adds no options to its service.");
            }
            Some((file, words)) => {
                let _ = writeln!(text, "{file} adds to its service: {}", words.join(" "));
            }
            None => {}
        }
        match &self.unit {
            Some(unit) => {
                let _ = writeln!(text, "Its unit is {}.", unit.display());
            }
            None => text += "It has no systemd unit.\n",
        }
        text
    }
}

/// An absolute path, below another root.
pub fn below(root: &Path, path: &Path) -> PathBuf {
    if root == Path::new("/") {
        return path.to_owned();
    }
    root.join(path.strip_prefix("/").unwrap_or(path))
}

/// What a file of variables assigns to one, word by word; the last line that does is in force.
fn assigned(text: &str, variable: &str) -> Vec<String> {
    let value = text.lines().rev().find_map(|line| line.trim().strip_prefix(variable)?.strip_prefix('='));
    let value = value.unwrap_or_default().trim();
    let quoted = ['"', '\''].into_iter().find_map(|quote| value.strip_prefix(quote)?.strip_suffix(quote));
    quoted.unwrap_or(value).split_whitespace().map(str::to_owned).collect()
}

/// A process whose program is called keepalived.
struct Process {
    pid: u32,
    parent: u32,
    argv: Vec<String>,
}

fn running(root: &Path) -> Vec<Running> {
    let proc = below(root, Path::new("/proc"));
    let mut processes: Vec<_> = fs::read_dir(&proc)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| process(&entry.path(), entry.file_name().to_str()?.parse().ok()?))
        .collect();
    processes.sort_unstable_by_key(|process| process.pid);
    let is_child = |process: &Process| processes.iter().any(|other| other.pid == process.parent);
    let parents = processes.iter().filter(|process| !is_child(process));
    let of = |parent: &Process| {
        let folder = proc.join(parent.pid.to_string());
        let mut pids = vec![parent.pid];
        pids.extend(processes.iter().filter(|process| process.parent == parent.pid).map(|child| child.pid));
        let program = fs::read_link(folder.join("exe")).unwrap_or_default();
        Running {
            pid: parent.pid,
            pids,
            argv: parent.argv.clone(),
            folder: fs::read_link(folder.join("cwd")).unwrap_or_else(|_| "/".into()),
            is_stayd: program.file_name() == Some(OsStr::new("stayd")),
        }
    };
    parents.map(of).collect()
}

fn process(folder: &Path, pid: u32) -> Option<Process> {
    let line = fs::read(folder.join("cmdline")).ok()?;
    let mut argv: Vec<_> =
        line.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned()).collect();
    // The last word ends with a NUL as well.
    argv.pop();
    let name = Path::new(argv.first()?).file_name()?;
    let status = fs::read_to_string(folder.join("status")).ok()?;
    let parent = status.lines().find_map(|line| line.strip_prefix("PPid:")?.trim().parse().ok())?;
    (name == NAME).then_some(Process { pid, parent, argv })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_assignment_is_in_force_with_or_without_quotes() {
        let text = "# DAEMON_ARGS=\"-x\"\nDAEMON_ARGS=\"\"\nDAEMON_ARGS='-D  -S 3'\nOTHER=1\n";
        assert_eq!(assigned(text, "DAEMON_ARGS"), ["-D", "-S", "3"]);
        assert_eq!(assigned("DAEMON_ARGS=-D\n", "DAEMON_ARGS"), ["-D"]);
        assert!(assigned(text, "KEEPALIVED_OPTIONS").is_empty());
    }
}
