//! A Debian root of one's own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use lab::wait::seconds;
use lab::{Daemon, Host, Lab, Result};

use crate::{CONFIGURATION, DEFAULTS};

/// Enters the root `$0` and runs `$1` there.
pub const ENTER: &str = "mount -t proc proc \"$0/proc\" && exec chroot \"$0\" /bin/sh -ec \"$1\"";

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Runs a program on this host, which must succeed.
#[track_caller]
fn run(program: &Path, args: &[&Path]) -> String {
    let output = Command::new(program).args(args).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(
        output.status.success(),
        "{} {args:?}: {}\n{}{}",
        program.display(),
        output.status,
        text(&output.stdout),
        text(&output.stderr)
    );
    text(&output.stdout)
}

/// A Debian root on a host of the lab, with our package in its `/var/package`.
pub struct Root<'a> {
    pub host: &'a Host,
    pub path: PathBuf,
}

impl<'a> Root<'a> {
    /// A copy of the root that `./setup` has made.
    pub fn new(lab: &Lab, host: &'a Host) -> Self {
        let base = repository().join("target/debian-root-1");
        assert!(base.exists(), "./setup test makes {}", base.display());
        let path = lab.folder().join("debian");
        run(Path::new("cp"), &[Path::new("-a"), &base, &path]);
        let program = Daemon::Stayd.path().unwrap();
        run(&repository().join("etc/debian/build"), &[&program, &path.join("var/package")]);
        fs::write(path.join("etc/keepalived/keepalived.conf"), CONFIGURATION).unwrap();
        fs::write(path.join("etc/default/keepalived"), DEFAULTS).unwrap();
        Self { host, path }
    }

    /// Runs a script in it, which must succeed, and returns what it printed.
    pub fn run(&self, script: &str) -> Result<String> {
        let path = self.path.display().to_string();
        let args = ["--mount", "/bin/sh", "-ec", ENTER, &path, script];
        let output = self.host.run_for("unshare", &args, seconds(120))?;
        assert_eq!(output.exit, Some(lab::site::ExitView::Code(0)), "{script}: {output:?}");
        Ok(output.stdout + &output.stderr)
    }

    /// What a file in it says.
    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path.join(path)).unwrap_or_default()
    }

    /// The values of a key of the daemon's unit, all in one.
    pub fn unit(&self, key: &str) -> String {
        let unit = self.read("lib/systemd/system/keepalived.service");
        let values = unit.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        values.collect::<Vec<_>>().join(" ")
    }

    /// The packages of the two that are installed.
    pub fn installed(&self) -> Result<String> {
        self.run("dpkg-query -W -f '${Package} ${db:Status-Status}\n' stayd keepalived 2>&1 | sed -n 's/ installed$//p'")
    }

    /// Whether a unit starts at boot.
    pub fn enabled(&self, unit: &str) -> bool {
        self.path.join("etc/systemd/system/multi-user.target.wants").join(unit).is_symlink()
    }

    /// What the administrator wrote is there as it was.
    #[track_caller]
    pub fn has_kept_the_files(&self) {
        assert_eq!(self.read("etc/keepalived/keepalived.conf"), CONFIGURATION);
        assert_eq!(self.read("etc/default/keepalived"), DEFAULTS);
    }
}
