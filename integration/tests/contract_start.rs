//! What drives keepalived finds stayd where it looks for keepalived: the same arguments and configuration, side by side,
//! and the same pid files, process names, answers and exit codes.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use lab::site::ExitView;
use lab::wait::{self, seconds};
use lab::{Daemon, Host, Lab, Process, Result};

const BOTH: [Daemon; 2] = [Daemon::Keepalived, Daemon::Stayd];

/// An instance without a peer.
const INSTANCE: &str = "\
vrrp_instance VI {
  interface eth0
  virtual_router_id 51
  virtual_ipaddress {
    192.168.0.10
  }
}
";

/// A start: what stands before the instance, and the arguments beside `-nlG` and `-f`.
struct Start {
    name: &'static str,
    text: &'static str,
    arguments: &'static [&'static str],
}

const STARTS: &[Start] = &[
    Start { name: "usual", text: "", arguments: &[] },
    Start { name: "own", text: "instance i\n", arguments: &["-p", "/run/p.pid", "--vrrp_pid=/run/v.pid"] },
    Start { name: "dir", text: "use_pid_dir\n", arguments: &["-P"] },
    Start { name: "inst", text: "instance one\n", arguments: &["--all", "-P", "-B"] },
    Start { name: "names", text: "global_defs {\n  process_names\n}\n", arguments: &["-R"] },
    Start {
        name: "name",
        text: "global_defs {\n  process_name mum\n  vrrp_process_name kid\n}\n",
        arguments: &["-S", "local3", "-u", "022"],
    },
    Start { name: "netns", text: "net_namespace blue\n", arguments: &[] },
    Start { name: "nsinst", text: "net_namespace blue\ninstance two\n", arguments: &["-d"] },
    Start { name: "nsopt", text: "net_namespace red\n", arguments: &["-s", "blue"] },
];

/// A daemon that has been started under keepalived's name.
struct Run {
    host: Host,
    process: Process,
}

/// The program under the name `keepalived`: what looks for processes looks for that.
fn program(host: &Host, daemon: Daemon) -> Result<String> {
    let folder = host.folder().join("bin");
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join("keepalived");
    if !path.exists() {
        std::os::unix::fs::symlink(daemon.path()?, &path).unwrap();
    }
    Ok(path.display().to_string())
}

/// A host whose eth0, and that of its network namespace `blue`, have an address.
fn host(lab: &Lab, name: &str) -> Result<Host> {
    let host = lab.host(name)?;
    host.check("mkdir", &["-p", "/run/netns"])?;
    host.check("ip", &["netns", "add", "blue"])?;
    for (namespace, address) in [(&[][..], "192.168.0.2/24"), (&["-n", "blue"][..], "192.168.0.3/24")] {
        for line in [
            "link set lo up",
            "link add eth0 type veth peer name other",
            "link set other up",
            "link set eth0 up",
            &format!("address add {address} dev eth0"),
        ] {
            let words: Vec<_> = namespace.iter().copied().chain(line.split(' ')).collect();
            host.check("ip", &words)?;
        }
    }
    Ok(host)
}

impl Run {
    fn start(lab: &Lab, daemon: Daemon, start: &Start) -> Result<Self> {
        let host = host(lab, &format!("{}-{}", start.name, &daemon.name()[..1]))?;
        let file = host.write("c.conf", &format!("{}{INSTANCE}", start.text))?.display().to_string();
        let mut arguments = vec!["-nlG", "-f", &file];
        arguments.extend(start.arguments);
        let process = host.start(daemon.name(), &program(&host, daemon)?, &arguments)?;
        Ok(Self { host, process })
    }

    /// The pid files with what they hold.
    fn pid_files(&self) -> Result<BTreeMap<String, String>> {
        let found = self.host.check("find", &["/run", "-name", "*.pid"])?;
        found.lines().map(|path| Ok((path.to_owned(), self.host.check("cat", &[path])?))).collect()
    }

    /// Its processes once there are two of them with pid files, each by its pid file: the parent or a child, the name, and
    /// whether it runs in another network namespace than the host.
    fn processes(&self) -> Result<BTreeMap<String, (bool, String, bool)>> {
        let what = format!("two pid files on {}", self.host.name());
        let written = |files: &BTreeMap<String, String>| {
            files.len() == 2 && files.values().all(|text| text.ends_with('\n'))
        };
        let files = wait::until(&what, seconds(10), || self.pid_files(), written)?;
        let here = self.host.check("readlink", &["/proc/self/ns/net"])?;
        let mut processes = BTreeMap::new();
        for (path, pid) in files {
            let pid = pid.trim().to_owned();
            let parent = pid == self.process.pid().to_string();
            assert!(self.process.tree()?.contains(&pid.parse().unwrap()), "{path}: {pid}");
            // A child of ours has the kernel's name for it until it gives itself one, which is the first that it does.
            let comm = || Ok(fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default());
            let name =
                wait::until("a name", seconds(10), comm, |name| name.trim() != "exe")?.trim().to_owned();
            let there = fs::read_link(format!("/proc/{pid}/ns/net")).unwrap();
            processes.insert(path, (parent, name, there.to_str() != Some(here.trim())));
        }
        Ok(processes)
    }
}

#[test]
fn pid_files_names_and_namespaces_are_where_arguments_and_configuration_put_them() -> Result {
    let lab = Lab::native()?;
    let runs = STARTS
        .iter()
        .map(|start| Ok((start, [Run::start(&lab, BOTH[0], start)?, Run::start(&lab, BOTH[1], start)?])))
        .collect::<Result<Vec<_>>>()?;
    for (start, [theirs, ours]) in &runs {
        let expected = theirs.processes()?;
        assert_eq!(expected.values().filter(|(parent, ..)| *parent).count(), 1, "{expected:?}");
        wait::until(start.name, seconds(10), || ours.processes(), |found| *found == expected)?;
    }
    for (_, pair) in &runs {
        for run in pair {
            run.process.signal(nix::sys::signal::Signal::SIGTERM)?;
        }
    }
    for (start, pair) in &runs {
        for run in pair {
            assert_eq!(run.process.wait_for_exit(seconds(10))?, ExitView::Code(0), "{}", start.name);
            let left = run.host.check("find", &["/run", "-path", "/run/netns", "-prune", "-o", "-print"])?;
            let left: BTreeSet<_> = left.lines().filter(|path| path.contains("keepalived")).collect();
            assert_eq!(left, BTreeSet::new(), "{} of {}", start.name, run.host.name());
        }
    }
    lab.close()
}

#[test]
fn a_second_copy_a_number_left_behind_and_a_death_are_met_as_keepalived_meets_them() -> Result {
    let lab = Lab::native()?;
    let usual = &STARTS[0];
    for daemon in BOTH {
        let run = Run::start(&lab, daemon, usual)?;
        let before = run.processes()?;
        let file = run.host.folder().join("c.conf").display().to_string();
        let second = run.host.run(&program(&run.host, daemon)?, &["-nlG", "-f", &file])?;
        assert_eq!(second.exit, Some(ExitView::Code(0)), "{}", daemon.name());
        assert!(second.stderr.contains("already") && second.stderr.contains("running"), "{}", second.stderr);
        assert_eq!(run.processes()?, before, "{}", daemon.name());

        let child = run.host.check("cat", &["/run/vrrp.pid"])?;
        run.host.check("kill", &["-KILL", child.trim()])?;
        let what = "another VRRP process";
        let another = |pid: &String| pid.ends_with('\n') && *pid != child;
        wait::until(what, seconds(10), || run.host.check("cat", &["/run/vrrp.pid"]), another)?;
        run.process.kill()?;

        let stale = run.host.check("cat", &["/run/keepalived.pid"])?;
        assert_eq!(stale.trim(), run.process.pid().to_string());
        // Pid 1 lives, and does not hold the files. keepalived 2.2.7 takes it for itself and does not start.
        let left = if daemon == Daemon::Stayd { "echo 1 >" } else { "rm -f" };
        let line = format!("{left} /run/keepalived.pid; {left} /run/vrrp.pid");
        run.host.check("sh", &["-c", &line])?;
        let again = run.host.start("again", &program(&run.host, daemon)?, &["-nlGR", "-f", &file])?;
        let again = Run { host: run.host.clone(), process: again };
        let pid = again.process.pid().to_string();
        let read = || run.host.check("sh", &["-c", "cat /run/keepalived.pid /run/vrrp.pid || true"]);
        let taken = wait::until("the pid files to be taken", seconds(10), read, |text| {
            text.starts_with(&format!("{pid}\n")) && text.lines().count() == 2 && !text.ends_with("\n1\n")
        })?;
        // With -R a death is the end.
        run.host.check("kill", &["-KILL", taken.lines().last().unwrap()])?;
        assert_eq!(again.process.wait_for_exit(seconds(10))?, ExitView::Code(0), "{}", daemon.name());
    }
    lab.close()
}

/// What becomes of the daemon when its VRRP process ends by itself with this status.
fn outlived(daemon: Daemon, status: u8) -> Result<String> {
    let lab = Lab::native()?;
    let run = Run::start(&lab, daemon, &STARTS[0])?;
    run.processes()?;
    let child = run.host.check("cat", &["/run/vrrp.pid"])?;
    let call = format!("call (void) _exit({status})");
    // It complains that the call does not return.
    run.host.run("gdb", &["-nx", "-batch", "-p", child.trim(), "-ex", &call])?;
    let seen = wait::for_some("the daemon to end or to start another", seconds(20), || {
        if let Some(end) = run.process.status()? {
            return Ok(Some(format!("{status}: it ends: {end:?}")));
        }
        let now = run.host.run("cat", &["/run/vrrp.pid"])?.stdout;
        Ok((now.ends_with('\n') && now != child).then(|| format!("{status}: another is started")))
    })?;
    lab.close()?;
    Ok(seen)
}

#[test]
fn a_child_that_ends_with_a_status_ends_the_daemon_or_is_replaced_as_keepalived_s() -> Result {
    for status in [0, 1, 2, 4, 5, 6] {
        let [theirs, ours] = BOTH.map(|daemon| outlived(daemon, status));
        let (theirs, ours) = (theirs?, ours?);
        println!("{ours}");
        assert_eq!(ours, theirs);
    }
    Ok(())
}

#[test]
fn command_lines_end_with_the_same_status() -> Result {
    let lab = Lab::native()?;
    let host = host(&lab, "d1")?;
    let file = host.write("c.conf", INSTANCE)?.display().to_string();
    let elsewhere =
        host.write("e.conf", &format!("net_namespace nowhere\n{INSTANCE}"))?.display().to_string();
    let inside = host.write("i.conf", &INSTANCE.replace("eth0", "eth7"))?.display().to_string();
    let lines: &[&[&str]] = &[
        &["-v", "--nonsense"],
        &["--nonsense", "-v"],
        &["-Zv"],
        &["-Z"],
        &["--nonsense=1"],
        &["--signum=JSON", "--nonsense"],
        &["--signum", "JSON"],
        &["--signum"],
        &["--signum=STATS_CLEAR"],
        &["--signum=TERM"],
        &["--signum=stop"],
        &["-f"],
        &["--use-file"],
        &["-h"],
        &["word", "-v"],
        &["--umask=zz", "-v"],
        &["-S", "99", "-v"],
        &["--log-facility=local7", "-v"],
        &["-t", "-f", &file],
        &["--config-fd=77", "-t", "-f", &file],
        &["--config-fd", "-D", "-t", "-f", &file],
        &["-tnldDPCBVIR", "-f", &file],
        &["--config-test", "--use-file", &inside],
        &["-t", "-s", "blue", "-f", &file],
        &["-t", "-s", "nowhere", "-f", &file],
        &["-nlG", "-s", "nowhere", "-f", &file],
        &["-t", "-f", &elsewhere],
        &["-nlG", "-f", &elsewhere],
        &["-nlG", "-f", &inside],
        &["-nlG", "-s", "blue", "-f", &inside],
    ];
    for line in lines {
        let [theirs, ours] = BOTH.map(|daemon| host.run(&program(&host, daemon)?, line));
        let (theirs, ours) = (theirs?, ours?);
        assert_eq!(ours.exit, theirs.exit, "{line:?}: {}{}", ours.stdout, ours.stderr);
        assert_eq!(ours.stdout, theirs.stdout, "{line:?}");
        assert_eq!(
            ours.stderr.is_empty(),
            theirs.stderr.is_empty(),
            "{line:?}: {} {}",
            ours.stderr,
            theirs.stderr
        );
    }
    lab.close()
}
