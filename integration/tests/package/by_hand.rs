//! The package on a host of the lab: its scripts, and the command of its unit with the capabilities that the unit leaves it.

use std::fs;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};

use lab::wait::{self, seconds};
use lab::{Lab, Result};
use nix::sys::signal::Signal;

use crate::root::{ENTER, Root};

const VIP: &str = "192.168.0.51";

const INSTALL: &str = "DEBIAN_FRONTEND=noninteractive LC_ALL=C apt-get install -qy --no-install-recommends";

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

    println!("{}", root.run(&format!("{INSTALL} /var/package/stayd_*.deb 2>&1"))?);
    assert_eq!(root.installed()?, "stayd\n");
    // It is loaded when a check needs it, and the package brings it along.
    let depends = root.run("dpkg-query -W -f '${Depends}' stayd")?;
    assert!(depends.contains("libssl3"), "{depends}");
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
    root.run(&format!("{INSTALL} /var/package/stayd_*.deb 2>&1"))?;
    assert!(!root.enabled("stayd.service"));

    // The other way to be without it: nothing takes its place, and the administrator's files are still there.
    root.run("dpkg --purge stayd")?;
    assert_eq!(root.installed()?, "");
    root.has_kept_the_files();
    lab.close()
}
