//! `stayd migrate`: what it finds of keepalived below a root of its own, what it says, and its exit status.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use common::{ROUTER, Run, run};
use tempfile::TempDir;

const FILE: &str = "/etc/keepalived/keepalived.conf";

const SERVER: &str = "virtual_server 192.0.2.1 80 {
    protocol TCP
    real_server 192.0.2.8 80 {
        TCP_CHECK {
        }
    }
}
";

/// A host with these files.
fn host(files: &[(&str, &str)]) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    for (name, text) in files {
        write(root.path(), name, text);
    }
    root
}

fn write(root: &Path, name: &str, text: &str) {
    let path = root.join(name.trim_start_matches('/'));
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// A process as /proc shows it.
fn process(root: &Path, pid: u32, parent: u32, program: &str, argv: &[&str]) {
    let line: String = argv.iter().flat_map(|word| [word, "\0"]).collect();
    write(root, &format!("proc/{pid}/cmdline"), &line);
    write(root, &format!("proc/{pid}/status"), &format!("Name:\tkeepalived\nPPid:\t{parent}\n"));
    let folder = root.join(format!("proc/{pid}"));
    symlink(program, folder.join("exe")).unwrap();
    symlink("/etc/keepalived", folder.join("cwd")).unwrap();
}

fn migrate(root: &TempDir, more: &[&str]) -> Run {
    let mut arguments = vec!["migrate", "--root", root.path().to_str().unwrap()];
    arguments.extend(more);
    let migrated = run(root.path(), &arguments);
    assert_eq!(migrated.err, "", "{}", migrated.out);
    migrated
}

/// The lines that are commands.
fn commands(text: &str) -> Vec<&str> {
    let from = text.find("\nTo switch").unwrap();
    text[from..].lines().filter_map(|line| line.strip_prefix("    ")).collect()
}

#[test]
fn a_running_keepalived_with_a_unit_is_killed_whole_so_that_it_releases_nothing() {
    let text = format!("{ROUTER}{SERVER}");
    let root = host(&[
        (FILE, &text),
        ("/etc/default/keepalived", "DAEMON_ARGS=\"-D\"\n"),
        ("/lib/systemd/system/keepalived.service", ""),
    ]);
    let argv = ["/usr/sbin/keepalived", "--dont-fork", "-D"];
    process(root.path(), 70, 1, argv[0], &argv);
    process(root.path(), 71, 70, argv[0], &argv);
    process(root.path(), 90, 1, "/bin/cat", &["cat", "keepalived"]);
    let migrated = migrate(&root, &[]);
    let out = &migrated.out;
    assert_eq!(migrated.status, 0, "{out}");
    for line in [
        "keepalived runs as process 70: /usr/sbin/keepalived --dont-fork -D\n",
        "/etc/default/keepalived adds to its service: -D\n",
        "Its unit is /lib/systemd/system/keepalived.service.\n",
        "The configuration /etc/keepalived/keepalived.conf:\n",
        "vrrp_instance A: VRID 3 on eth0, BACKUP, priority 100, 192.0.2.1/32\n",
        "virtual_server 192.0.2.1 80: 1 real server, 1 check\n    [192.0.2.8]:80\n",
        "What stayd does not do: everything is supported.\n",
        "This host can be switched.\n",
    ] {
        assert!(out.contains(line), "{line}\n{out}");
    }
    let expected = [
        "stayd check /etc/keepalived/keepalived.conf",
        "systemctl kill --signal=KILL keepalived; systemctl start stayd",
        "systemctl disable keepalived && systemctl enable stayd",
        "ip address add 192.0.2.1/32 dev lo",
        "systemctl kill --signal=KILL stayd; systemctl start keepalived",
        "ip address del 192.0.2.1/32 dev lo    # when the address is on its interface again",
        "systemctl disable stayd && systemctl enable keepalived",
        "install -D -m 644 /usr/share/doc/stayd/examples/compatible.conf \
         /etc/systemd/system/stayd.service.d/compatible.conf",
        "systemctl daemon-reload",
    ];
    assert_eq!(commands(out), expected, "{out}");
}

#[test]
fn one_that_was_told_to_leave_everything_is_stopped_and_started_with_its_own_words() {
    let root = host(&[("/srv/k a.conf", ROUTER)]);
    let argv = ["keepalived", "-nVI", "-f", "/srv/k a.conf", "-p", "/run/k.pid"];
    process(root.path(), 70, 1, "/usr/sbin/keepalived", &argv);
    let migrated = migrate(&root, &[]);
    assert_eq!(migrated.status, 0, "{}", migrated.out);
    let commands = commands(&migrated.out);
    assert_eq!(commands[0], "stayd check '/srv/k a.conf'");
    assert_eq!(
        commands[1],
        "kill 70 && tail --pid=70 -f /dev/null; stayd -nVI -f '/srv/k a.conf' -p /run/k.pid"
    );
    assert!(
        commands.contains(
            &"pid=$(cat /run/k.pid) && kill $pid && tail --pid=$pid -f /dev/null; keepalived -nVI -f '/srv/k a.conf' -p /run/k.pid"
        ),
        "{commands:?}"
    );
}

#[test]
fn a_relative_file_is_that_of_the_process_s_own_folder() {
    let root = host(&[("/etc/keepalived/own.conf", ROUTER)]);
    process(root.path(), 70, 1, "/usr/sbin/keepalived", &["keepalived", "-f", "own.conf"]);
    let migrated = migrate(&root, &[]);
    assert_eq!(migrated.status, 0, "{}", migrated.out);
    assert!(migrated.out.contains("The configuration /etc/keepalived/own.conf:\n"), "{}", migrated.out);
}

#[test]
fn what_has_no_effect_in_options_and_file_is_named_and_gives_5() {
    let root = host(&[(FILE, ROUTER), ("/etc/sysconfig/keepalived", "KEEPALIVED_OPTIONS='-D --snmp'\n")]);
    let migrated = migrate(&root, &[]);
    assert_eq!(migrated.status, 5, "{}", migrated.out);
    assert!(migrated.out.contains("No keepalived runs.\n"), "{}", migrated.out);
    assert!(migrated.out.contains("the option --snmp has no effect"), "{}", migrated.out);
    assert!(migrated.out.contains("Switch only if the service can do without it.\n"), "{}", migrated.out);
}

#[test]
fn a_command_line_that_stayd_does_not_take_gives_1_and_no_commands() {
    let root = host(&[(FILE, ROUTER), ("/etc/default/keepalived", "DAEMON_ARGS=--nonsense\n")]);
    let migrated = migrate(&root, &[]);
    assert_eq!(migrated.status, 1, "{}", migrated.out);
    assert!(migrated.out.contains("--nonsense") && !migrated.out.contains("To switch"), "{}", migrated.out);
}

#[test]
fn errors_give_the_status_of_a_test_and_no_commands() {
    let root = host(&[("/a.conf", "vrrp_instance A {\n    virtual_router_id\n}\n")]);
    let tested = run(root.path(), &["check", "a.conf"]);
    let migrated = migrate(&root, &["-f", "/a.conf"]);
    assert!(tested.status != 0, "{}", tested.out);
    assert_eq!(migrated.status, tested.status, "{}", migrated.out);
    assert!(migrated.out.contains("a.conf:2:5") && !migrated.out.contains("To switch"), "{}", migrated.out);
    let nothing = migrate(&host(&[]), &[]);
    assert_eq!(nothing.status, 6, "there is no file: {}", nothing.out);
}

#[test]
fn warnings_that_keepalived_runs_with_do_not_stand_in_the_way() {
    let text = ROUTER.replace("    virtual_router_id 3\n", "    virtual_router_id 3\n    priorty 5\n");
    let migrated = migrate(&host(&[(FILE, &text)]), &[]);
    assert_eq!(migrated.status, 0, "{}", migrated.out);
    assert!(migrated.out.contains("unknown keyword `priorty`"), "{}", migrated.out);
}

#[test]
fn stayd_under_keepalived_s_name_is_recognised() {
    let root = host(&[(FILE, ROUTER)]);
    process(root.path(), 70, 1, "/usr/sbin/stayd", &["/usr/sbin/keepalived", "-n"]);
    let migrated = migrate(&root, &[]);
    assert!(migrated.out.contains("This host runs stayd already.\n"), "{}", migrated.out);
    assert!(!migrated.out.contains("To switch"), "{}", migrated.out);
}
