//! The package on a Debian that systemd has booted, in the lab's embedded kernel: what an administrator does to a unit, over
//! keepalived and back.
//!
//! The machine has no network and nobody beside it: `machine.sh` runs in it as a unit of its own, and what it printed is
//! looked at here.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use lab::site::ExitView;
use lab::wait::seconds;
use lab::{Daemon, Lab, Result};

use crate::root::Root;

const KERNEL: &str = "/usr/bin/linux.uml";

/// A boot, two installations and five elections take a minute or so on an idle machine.
const LIMIT: Duration = seconds(400);

/// The interface and the process that the configuration names, and the story. The machine goes off when the story ends.
const UNITS: [(&str, &str); 3] = [
    (
        "wire.service",
        "[Unit]\nDefaultDependencies=no\nBefore=network.target keepalived.service\n[Service]\nType=oneshot\n\
         ExecStart=/bin/sh -ec 'modprobe veth; ip link add eth0 type veth peer name eth1; \
         ip address add 192.168.0.20/24 dev eth0; ip link set eth1 up; ip link set eth0 up'\n",
    ),
    (
        "other.service",
        "[Unit]\nDefaultDependencies=no\nBefore=keepalived.service\n\
         [Service]\nType=exec\nUser=games\nExecStart=/usr/bin/tail -f /dev/null\n",
    ),
    (
        "story.service",
        "[Unit]\nAfter=multi-user.target\nSuccessAction=poweroff-force\nFailureAction=poweroff-force\n\
         [Service]\nType=oneshot\nExecStart=/bin/sh /machine.sh\nStandardOutput=file:/story.log\nStandardError=inherit\n",
    ),
];

/// What a machine without devices, users and a morrow does not need.
const IDLE: [&str; 9] = [
    "systemd-udevd.service",
    "systemd-udev-trigger.service",
    "systemd-udevd-control.socket",
    "systemd-udevd-kernel.socket",
    "systemd-random-seed.service",
    "systemd-journal-flush.service",
    "systemd-update-utmp.service",
    "getty@tty1.service",
    "timers.target",
];

/// What the story printed: lines by step.
struct Seen(BTreeMap<String, Vec<String>>);

impl Seen {
    fn read(text: &str) -> Self {
        let mut steps = BTreeMap::<_, Vec<_>>::new();
        let mut step = String::new();
        for line in text.lines() {
            match line.strip_prefix("== ") {
                Some(name) => name.clone_into(&mut step),
                None => steps.entry(step.clone()).or_default().push(line.to_owned()),
            }
        }
        Self(steps)
    }

    #[track_caller]
    fn step(&self, name: &str) -> Vec<&str> {
        let lines = self.0.get(name).unwrap_or_else(|| panic!("the machine did not come to {name:?}"));
        lines.iter().map(String::as_str).collect()
    }

    /// Where a line with this text stands in a step.
    #[track_caller]
    fn find(&self, name: &str, text: &str) -> usize {
        let lines = self.step(name);
        let place = lines.iter().position(|line| line.contains(text));
        place.unwrap_or_else(|| panic!("no line with {text:?}:\n{}", lines.join("\n")))
    }
}

/// Makes the root a machine that tells the story when it is booted.
fn furnish(root: &Path) {
    let units = root.join("etc/systemd/system");
    for (name, text) in UNITS {
        fs::write(units.join(name), text).unwrap();
        symlink(format!("../{name}"), units.join("multi-user.target.wants").join(name)).unwrap();
    }
    // Files on the root belong to root, whoever made them: the guest's file system cannot do better.
    symlink("/usr/share/systemd/tmp.mount", units.join("tmp.mount")).unwrap();
    fs::create_dir(units.join("local-fs.target.wants")).unwrap();
    symlink("../tmp.mount", units.join("local-fs.target.wants/tmp.mount")).unwrap();
    fs::write(root.join("machine.sh"), include_str!("machine.sh")).unwrap();
    fs::remove_file(root.join("usr/sbin/policy-rc.d")).unwrap();
    let modules = root.join("lib/modules");
    fs::create_dir_all(&modules).unwrap();
    let copied = Command::new("cp").args(["-aT", "/usr/lib/uml/modules"]).arg(modules).status().unwrap();
    assert!(copied.success());
}

#[test]
fn systemd_starts_reloads_restarts_and_stops_what_the_package_put_in_keepalived_s_place() -> Result {
    let lab = Lab::native()?;
    let host = lab.host("machine")?;
    let root = Root::new(&lab, &host);
    furnish(&root.path);

    let shim = Daemon::Stayd.path()?.with_file_name("libuml_xstate.so").display().to_string();
    let flags = format!("rootflags={}", root.path.display());
    let home = format!("uml_dir={}/", host.folder().display());
    let args = [
        "mem=256M",
        "root=/dev/root",
        "rootfstype=hostfs",
        &flags,
        "rw",
        "quiet",
        "con=null",
        "con0=null,fd:1",
        "ssl=null",
        "umid=machine",
        &home,
        "init=/sbin/init",
    ];
    let masks = IDLE.map(|unit| format!("systemd.mask={unit}"));
    let args: Vec<&str> = args.into_iter().chain(masks.iter().map(String::as_str)).collect();
    let machine =
        host.start_with("machine", KERNEL, &args, &[("LD_PRELOAD", &shim), ("TMPDIR", "/dev/shm")])?;
    assert_eq!(machine.wait_for_exit(LIMIT)?, ExitView::Code(0));
    let text = root.read("story.log");
    println!("{text}seconds since the boot:\n{}", root.read("times.log"));
    let seen = Seen::read(&text);

    let running = |unit: &str| format!("{unit} active running success");
    let (ours, theirs) = (running("stayd"), running("keepalived"));
    let (ours, theirs) = (ours.as_str(), theirs.as_str());
    assert_eq!(seen.step("before"), [theirs, "/usr/sbin/keepalived", "holds 192.168.0.51"]);
    assert_eq!(
        seen.step("installed"),
        [
            "stayd",
            "kept",
            ours,
            theirs,
            "stayd.service keepalived.service",
            "notify",
            "/usr/sbin/stayd",
            "holds 192.168.0.51",
            "enabled"
        ]
    );
    assert_eq!(
        seen.step("sandbox"),
        [
            "CapBnd 00000000008034e0",
            "NoNewPrivs 1",
            "/usr/sbin/stayd --dont-fork --log-detail ",
            "current scheduling policy: SCHED_RR|SCHED_RESET_ON_FORK",
            "current scheduling priority: 20"
        ]
    );
    assert_eq!(
        seen.step("scripts"),
        [
            "the master's note",
            "the backup's note",
            "the check's note",
            "/tmp/all fifo daemon",
            "/run/vrrp fifo daemon"
        ]
    );
    seen.find("status", "MASTER told");
    seen.find("status", "Active: active (running)");
    seen.find("status", "Status: \"V MASTER\"");
    assert_eq!(seen.step("status").last(), Some(&"a dump"));

    assert_eq!(
        seen.step("reload"),
        ["status 0", "holds 192.168.0.52", "the same main process", "the same VRRP process", ours]
    );
    assert_eq!(seen.step("refused"), ["status 0", "told", "holds 192.168.0.52", ours]);
    assert_eq!(seen.step("restart"), ["status 0", "another main process", "holds 192.168.0.52", ours]);
    assert_eq!(seen.step("stop"), ["status 0", "stayd inactive dead success", "192.168.0.20/24"]);
    assert_eq!(seen.step("start"), ["status 0", ours]);
    assert_eq!(seen.step("crash"), ["started again", "another main process", "holds 192.168.0.52"]);

    // systemd takes it for started, and for reloaded, when it says so.
    let at = |text| seen.find("journal", text);
    assert!(at("started the vrrp process") < at("Started stayd.service"));
    assert!(at("Started stayd.service") < at("Reloading stayd.service"));
    assert!(at("Reloading stayd.service") < at("reload refused"));
    assert!(at("Main process exited, code=killed") < at("Scheduled restart job"));
    assert!(seen.step("vrrp").iter().filter(|line| line.contains("BACKUP -> MASTER")).count() >= 3);

    seen.find("returning", "stayd inactive dead");
    assert_eq!(
        seen.step("returned"),
        ["keepalived", "kept", theirs, "/usr/sbin/keepalived", "enabled", "holds 192.168.0.51"]
    );
    lab.close()
}
