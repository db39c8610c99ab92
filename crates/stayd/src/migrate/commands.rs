//! The commands that switch a host, and those that take it back.
//!
//! **Between the two daemons nobody releases anything.** One that was started with `-V -I` leaves its addresses and virtual
//! servers when it is stopped; one that was not does when all its processes are killed at once, and no peer is told.
//! stayd takes over what it finds. A starting keepalived 2.2.7 deletes the virtual addresses that it finds, until it is
//! master: `lo` holds them meanwhile, so that the host goes on taking what is sent to them.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use config::model::Model;

use super::found::Found;
use super::summary::address;
use crate::cli::{Options, PidFileOptions};

/// All of them, with what they do.
pub fn commands(
    found: &Found,
    file: &Path,
    words: &[String],
    options: Option<&Options>,
    model: &Model,
) -> String {
    let leaves = options.is_some_and(|options| {
        let addresses = options.dont_release_vrrp || model.vrrp.instances.is_empty();
        addresses && (options.dont_release_ipvs || model.virtual_servers.is_empty())
    });
    let held: BTreeSet<_> = model
        .vrrp
        .instances
        .iter()
        .flat_map(|instance| instance.addresses.iter().chain(&instance.excluded))
        .map(address)
        .collect();
    let ways = if found.unit.is_some() {
        Ways::units(leaves)
    } else {
        Ways::processes(found, words, options.map(|options| &options.pid_files), leaves)
    };
    let mut text = String::new();
    if found.running.first().is_some_and(|running| running.is_stayd) {
        text += "\nThis host runs stayd already.\n";
    } else {
        let _ = write!(
            text,
            "\nTo switch, the backup first, on each host as root:\n\n    stayd check {}\n",
            file.display()
        );
        if !found.running.is_empty() {
            let _ = writeln!(text, "    {}", ways.stop_keepalived);
        }
        let _ = writeln!(text, "    {}", ways.start_stayd);
        if found.unit.is_some() {
            text += "    systemctl disable keepalived && systemctl enable stayd\n";
        }
    }
    text += "\nNo address and no virtual server goes meanwhile. Do it without a pause: a peer that hears no adverts for three\n\
             intervals takes over.\n\nTo go back:\n\n";
    for address in &held {
        let _ = writeln!(
            text,
            "    ip address add {address} dev lo    # keepalived deletes what it finds until it is master"
        );
    }
    let _ = writeln!(text, "    {}; {}", ways.stop_stayd, ways.start_keepalived);
    if found.unit.is_some() {
        text += "    systemctl disable stayd && systemctl enable keepalived\n";
    }
    if !held.is_empty() {
        text += "    # when it is master again, or backup as before:\n";
    }
    for address in &held {
        let _ = writeln!(text, "    ip address del {address} dev lo");
    }
    if !held.is_empty() {
        text += "\nOn a host that is backup leave the lines with lo out. To hand over to the peer instead, as keepalived does when\nit \
                 is stopped, stop with `systemctl stop` or SIGTERM in place of the kill.\n";
    }
    text
}

/// How the daemons are stopped and started here.
struct Ways {
    stop_keepalived: String,
    start_stayd: String,
    stop_stayd: String,
    start_keepalived: String,
}

impl Ways {
    fn units(leaves: bool) -> Self {
        let stop = |unit: &str| {
            if leaves {
                format!("systemctl stop {unit}")
            } else {
                format!("systemctl kill --signal=KILL {unit}")
            }
        };
        Self {
            stop_keepalived: stop("keepalived"),
            start_stayd: "systemctl start stayd".to_owned(),
            stop_stayd: stop("stayd"),
            start_keepalived: "systemctl start keepalived".to_owned(),
        }
    }

    fn processes(found: &Found, words: &[String], pid_files: Option<&PidFileOptions>, leaves: bool) -> Self {
        let running = found.running.first();
        let pids: Vec<_> = running.iter().flat_map(|running| &running.pids).map(u32::to_string).collect();
        let program = running.and_then(|running| running.argv.first()).map_or("keepalived", String::as_str);
        let stop_keepalived = match running {
            Some(running) if leaves => format!("kill {0} && tail --pid={0} -f /dev/null", running.pid),
            _ => format!("kill -KILL {}", pids.join(" ")),
        };
        let words: Vec<_> = words.iter().map(|word| quoted(word)).collect();
        let words = words.join(" ");
        let default = |path: Option<&PathBuf>, name: &str| {
            path.map_or_else(|| format!("/run/{name}.pid"), |path| quoted(&path.to_string_lossy()))
        };
        let parent = default(pid_files.and_then(|files| files.parent.as_ref()), "keepalived");
        let vrrp = default(pid_files.and_then(|files| files.vrrp.as_ref()), "vrrp");
        let checkers = default(pid_files.and_then(|files| files.checkers.as_ref()), "checkers");
        let stop_stayd = if leaves {
            format!("pid=$(cat {parent}) && kill $pid && tail --pid=$pid -f /dev/null")
        } else {
            format!("kill -KILL $(cat {parent} {vrrp} {checkers} 2>/dev/null)")
        };
        Self {
            stop_keepalived,
            start_stayd: format!("stayd {words}").trim_end().to_owned(),
            stop_stayd,
            start_keepalived: format!("{program} {words}").trim_end().to_owned(),
        }
    }
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_where_a_shell_wants_it() {
        assert_eq!(
            [quoted("-f"), quoted("/a b"), quoted("it's"), quoted("")],
            ["-f", "'/a b'", "'it'\\''s'", "''"]
        );
    }
}
