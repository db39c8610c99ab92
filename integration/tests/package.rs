//! The Debian package in a Debian root of its own: installed over keepalived, run by the command of its unit with what the
//! unit leaves it, and removed again for keepalived.
//!
//! The root is made once, with debootstrap, and kept below `target/`: the first run needs a Debian mirror.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use lab::wait::{self, seconds};
use lab::{Daemon, Host, Lab, Result};
use nix::sys::signal::Signal;

const VIP: &str = "192.168.0.51";

/// Scripts, pipes and a process of another user than root, as the unit's sandbox has to leave them.
const CONFIGURATION: &str = "\
global_defs {
  script_user daemon
  enable_script_security
  vrrp_rt_priority 20
  notify_fifo /tmp/all
  vrrp_notify_fifo /run/vrrp
}
vrrp_script check {
  script \"/bin/sh -c 'id -un >/tmp/checked'\"
  interval 1
}
vrrp_track_process other {
  process tail
}
vrrp_instance V {
  interface eth0
  virtual_router_id 51
  priority 200
  virtual_ipaddress {
    192.168.0.51
  }
  track_script {
    check
  }
  track_process {
    other
  }
  notify_backup \"/bin/sh -c 'id -un >/tmp/notified-daemon'\"
  notify_master \"/bin/sh -c 'id -u >/tmp/notified'\" root
}
";

/// What a host had in `/etc/default/keepalived`.
const DEFAULTS: &str = "DAEMON_ARGS=\"--log-detail\"\n";

/// Makes the root that all stories copy: a minimal Debian with keepalived installed, and its package kept for going back.
const MAKE: &str = "\
set -eu
exec 9>\"$1.lock\"
flock 9
[ ! -e \"$1\" ] || exit 0
rm -rf \"$1.part\"
debootstrap --variant=minbase bookworm \"$1.part\" http://deb.debian.org/debian
printf '#!/bin/sh\\nexit 101\\n' >\"$1.part/usr/sbin/policy-rc.d\"
chmod 755 \"$1.part/usr/sbin/policy-rc.d\"
cp /etc/resolv.conf \"$1.part/etc/resolv.conf\"
mount -t proc proc \"$1.part/proc\"
DEBIAN_FRONTEND=noninteractive LC_ALL=C chroot \"$1.part\" apt-get install -qy --no-install-recommends keepalived
umount \"$1.part/proc\"
mv \"$1.part\" \"$1\"
";

/// Enters the root `$0` and runs `$1` there.
const ENTER: &str = "mount -t proc proc \"$0/proc\" && exec chroot \"$0\" /bin/sh -ec \"$1\"";

const INSTALL: &str = "DEBIAN_FRONTEND=noninteractive LC_ALL=C apt-get install -qy --no-install-recommends";

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

/// A Debian root on a host of the lab, with our package in its `/tmp`.
struct Root<'a> {
    host: &'a Host,
    path: PathBuf,
}

impl<'a> Root<'a> {
    /// A copy of the root that is made when it is not there yet.
    fn new(lab: &Lab, host: &'a Host) -> Self {
        let base = repository().join("target/debian-root");
        run(
            Path::new("unshare"),
            &["--mount", "sh", "-c", MAKE, "make"]
                .map(Path::new)
                .into_iter()
                .chain([base.as_path()])
                .collect::<Vec<_>>(),
        );
        let path = lab.folder().join("debian");
        run(Path::new("cp"), &[Path::new("-a"), &base, &path]);
        let program = Daemon::Stayd.path().unwrap();
        run(&repository().join("etc/debian/build"), &[&program, &path.join("tmp")]);
        fs::write(path.join("etc/keepalived/keepalived.conf"), CONFIGURATION).unwrap();
        fs::write(path.join("etc/default/keepalived"), DEFAULTS).unwrap();
        Self { host, path }
    }

    /// Runs a script in it, which must succeed, and returns what it printed.
    fn run(&self, script: &str) -> Result<String> {
        let path = self.path.display().to_string();
        let args = ["--mount", "/bin/sh", "-ec", ENTER, &path, script];
        let output = self.host.run_for("unshare", &args, seconds(120))?;
        assert_eq!(output.exit, Some(lab::site::ExitView::Code(0)), "{script}: {output:?}");
        Ok(output.stdout + &output.stderr)
    }

    /// What a file in it says.
    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path.join(path)).unwrap_or_default()
    }

    /// The values of a key of the daemon's unit, all in one.
    fn unit(&self, key: &str) -> String {
        let unit = self.read("lib/systemd/system/keepalived.service");
        let values = unit.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        values.collect::<Vec<_>>().join(" ")
    }

    /// The packages of the two that are installed.
    fn installed(&self) -> Result<String> {
        self.run("dpkg-query -W -f '${Package} ${db:Status-Status}\n' stayd keepalived 2>&1 | sed -n 's/ installed$//p'")
    }

    /// Whether a unit starts at boot.
    fn enabled(&self, unit: &str) -> bool {
        self.path.join("etc/systemd/system/multi-user.target.wants").join(unit).is_symlink()
    }

    /// What the administrator wrote is there as it was.
    #[track_caller]
    fn has_kept_the_files(&self) {
        assert_eq!(self.read("etc/keepalived/keepalived.conf"), CONFIGURATION);
        assert_eq!(self.read("etc/default/keepalived"), DEFAULTS);
    }
}

/// Starts the unit's command as the unit does: with its capabilities, without new privileges, with the default file.
fn run_the_unit(root: &Root<'_>) -> Result {
    let capabilities =
        root.unit("CapabilityBoundingSet").to_lowercase().replace("cap_", "+").replace(' ', ",");
    let command = root.unit("ExecStart");
    assert_eq!(command, "/usr/sbin/stayd --dont-fork $DAEMON_ARGS");
    assert_eq!(root.unit("NoNewPrivileges"), "yes");
    let script = format!(
        ". {}; exec setpriv --no-new-privs --bounding-set=-all,{capabilities} {command}",
        root.unit("EnvironmentFile").trim_start_matches('-')
    );
    let path = root.path.display().to_string();
    let tail = "exec setpriv --reuid games --clear-groups tail -f /dev/null";
    root.host.start("other", "unshare", &["--mount", "/bin/sh", "-ec", ENTER, &path, tail])?;
    let process =
        root.host.start("unit", "unshare", &["--mount", "/bin/sh", "-ec", ENTER, &path, &script])?;
    root.host.wait_for_address(VIP, seconds(30))?;

    let lines = fs::read(format!("/proc/{}/cmdline", process.pid())).unwrap();
    assert_eq!(String::from_utf8_lossy(&lines), "/usr/sbin/stayd\0--dont-fork\0--log-detail\0");
    let real_time = |pid: &u32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.rsplit_once(") ").is_some_and(|(_, fields)| fields.split(' ').nth(37) == Some("20"))
    };
    let tree = process.tree()?;
    assert!(tree.iter().any(real_time), "no process of {tree:?} has real-time priority 20");

    let there = |what: &str, path: &str, text: &str| {
        wait::until(what, seconds(30), || Ok(root.read(path)), |read| read.contains(text))
    };
    there("the note of root's script", "tmp/notified", "0\n")?;
    there("the note of the other's script", "tmp/notified-daemon", "daemon\n")?;
    there("the note of the check", "tmp/checked", "daemon\n")?;
    for pipe in ["tmp/all", "run/vrrp"] {
        let made = fs::metadata(root.path.join(pipe)).unwrap();
        assert!(made.file_type().is_fifo(), "{pipe}");
        assert_eq!((made.uid(), made.gid(), made.mode() & 0o777), (1, 1, 0o600), "{pipe}");
    }
    assert!(root.path.join("run/keepalived.pid").exists());
    process.signal(Signal::SIGUSR1)?;
    there("the dump of the VRRP process", "tmp/keepalived.data", "VRRP Instance = V")?;
    process.stop(seconds(10))?;
    for left in ["tmp/all", "run/vrrp", "run/keepalived.pid", "run/vrrp.pid"] {
        assert!(!root.path.join(left).exists(), "{left} is left");
    }
    root.host.wait_for_no_address(VIP, seconds(10))
}

#[test]
fn the_package_takes_keepalived_s_place_in_a_debian_root_and_gives_it_back() -> Result {
    let lab = Lab::native()?;
    let lan = lab.lan("lan")?;
    let host = lab.host("d1")?;
    host.connect(&lan, "eth0", &["192.168.0.20/24"])?;
    let root = Root::new(&lab, &host);
    assert_eq!(root.installed()?, "keepalived\n");
    assert!(root.enabled("keepalived.service"));

    println!("{}", root.run(&format!("{INSTALL} /tmp/stayd_*.deb 2>&1"))?);
    assert_eq!(root.installed()?, "stayd\n");
    root.has_kept_the_files();
    assert!(root.enabled("stayd.service"));
    assert!(root.run("keepalived --version 2>&1")?.starts_with("Keepalived v"));
    root.run("keepalived -t")?;
    assert!(root.run("genhash --help || true")?.contains("genhash"));
    assert_eq!(root.run("dpkg --verify stayd")?, "");
    run_the_unit(&root)?;

    println!("{}", root.run(&format!("{INSTALL} keepalived 2>&1"))?);
    assert_eq!(root.installed()?, "keepalived\n");
    // A test of scripts for another user than root is the end of keepalived 2.2.7, and of its process group.
    root.run("setsid -w keepalived -t || [ $? = 143 ]")?;
    root.run("dpkg --purge stayd")?;
    root.has_kept_the_files();
    assert!(root.enabled("keepalived.service"));
    assert!(!root.enabled("stayd.service"));

    // Disabled by its administrator, it stays so under the other name.
    root.run("rm /etc/systemd/system/multi-user.target.wants/keepalived.service")?;
    root.run(&format!("{INSTALL} /tmp/stayd_*.deb 2>&1"))?;
    assert!(!root.enabled("stayd.service"));

    // The other way to be without it: nothing takes its place, and the administrator's files are still there.
    root.run("dpkg --purge stayd")?;
    assert_eq!(root.installed()?, "");
    root.has_kept_the_files();
    lab.close()
}
