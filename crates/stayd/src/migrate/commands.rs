//! The commands that switch a host, and those that take it back.
//!
//! **Between the two daemons nobody releases anything.** One that was started with `-V -I` leaves its addresses and virtual
//! servers when it is stopped; one that was not does when all its processes are killed at once, and no peer is told.
//! The table stays as it is until the next daemon has looked at it. stayd keeps the addresses that it finds too, until it
//! is master or hears one. keepalived deletes them at its start: on the way back `lo` holds them meanwhile, so that the
//! host goes on taking what is sent to them.

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
        let vrrp = options.dont_release_vrrp || model.vrrp.instances.is_empty();
        vrrp && (options.dont_release_ipvs || model.virtual_servers.is_empty())
    });
    let addresses: BTreeSet<_> = model
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
    let hold = addresses
        .iter()
        .fold(String::new(), |text, address| text + &format!("    ip address add {address} dev lo\n"));
    let let_go = addresses.iter().fold(String::new(), |text, address| {
        let comment = "    # when the address is on its interface again";
        text + &format!("    ip address del {address} dev lo{comment}\n")
    });
    let enable = |from: &str, to: &str| {
        let line = format!("    systemctl disable {from} && systemctl enable {to}\n");
        if found.unit.is_some() { line } else { String::new() }
    };
    let mut text = String::new();
    if found.running.first().is_some_and(|running| running.is_stayd) {
        text += "\nThis host runs stayd already.\n";
    } else {
        let check = format!("    stayd check {}\n", quoted(&file.to_string_lossy()));
        let _ = write!(text, "\nTo switch, as root:\n\n{check}");
        if found.running.is_empty() {
            let _ = writeln!(text, "    {}", ways.start_stayd);
        } else {
            let _ = writeln!(text, "    {}; {}", ways.stop_keepalived, ways.start_stayd);
        }
        text += &enable("keepalived", "stayd");
    }
    let _ =
        write!(text, "\nTo go back:\n\n{hold}    {}; {}\n{let_go}", ways.stop_stayd, ways.start_keepalived);
    text += &enable("stayd", "keepalived");
    if found.unit.is_some() {
        text += ABOUT_PACKAGE;
        text += ABOUT_UNIT;
    }
    if !addresses.is_empty() {
        text += ABOUT_LO;
    }
    text
}

/// What the package does by itself.
const ABOUT_PACKAGE: &str = "
These lines are for a stayd with a unit of its own (etc/systemd/stayd.service) beside keepalived's. stayd's
Debian package takes keepalived's place instead: in place of the lines with systemctl, `apt install
./stayd_*.deb` switches, and `apt install keepalived` goes back; both stop the daemon as always, so that a peer
takes over.
";

/// Why some of the lines are there, and when they are to be left out.
const ABOUT_LO: &str = "
Run each block without a pause, only on the master, and when no peer can take over: a peer that hears no adverts
for three intervals does, and then both have the address. stayd keeps the virtual addresses that it finds until it
is master, or hears that another is. keepalived deletes them when it starts, until it is master: on the way back lo
holds them meanwhile. On a backup, and where the peer is to take over, leave the lines with lo out and stop the
daemon with `systemctl stop` or SIGTERM: that is a failover as always.
";

/// What scripts have no longer.
const ABOUT_UNIT: &str = "
stayd's unit leaves scripts less than keepalived's: /root and /home are hidden, files are written in /etc, /opt,
/run, /srv, /tmp and /var only, root has no power over the files of other users, and sudo none at all. Where scripts
need more, before the switch:

    install -D -m 644 /usr/share/doc/stayd/examples/compatible.conf /etc/systemd/system/stayd.service.d/compatible.conf
    systemctl daemon-reload
";

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
