//! The same file first with keepalived, then with stayd, on one host: what scripts are told, and how; what pipes get; what a
//! mail server receives. And what instances follow: scripts with weights, files, processes.

use std::collections::BTreeMap;
use std::path::Path;

use lab::pair::{Pair, Role, VIP};
use lab::wait::{self, seconds};
use lab::{Daemon, Host, Lab, Lan, Process, Result, configuration};
use nix::sys::signal::Signal;

const BOTH: [Daemon; 2] = [Daemon::Keepalived, Daemon::Stayd];

/// Notes its arguments and everything about itself that a script could rely on.
const SCRIPT: &str = "\
#!/bin/sh
about=\"umask $(umask) in $PWD as $(id -u):$(id -g):$(id -G) env $(env | grep -v ^_= | sort | md5sum)\"
files=$(readlink /proc/$$/fd/0 /proc/$$/fd/2 | tr '\\n' ' ')
echo \"$* | $about | $files| leads $(($(ps -o pgid= -p $$) == $$))\" >>LOG
";

const INSTANCE: &str = "\
vrrp_instance NAME {
  interface IFACE
  virtual_router_id VRID
  priority PRIORITY
  virtual_ipaddress {
    192.168.0.VRID
  }
  notify_master \"SCRIPT NAME 'has become' master\" USER
  notify_backup \"SCRIPT NAME backup\"
  notify_fault \"SCRIPT NAME fault\"
  notify_stop \"SCRIPT NAME stop\"
  notify \"SCRIPT any\"
MORE}
";

fn instance(name: &str, interface: &str, vrid: u8, more: &str) -> String {
    INSTANCE
        .replace("NAME", name)
        .replace("IFACE", interface)
        .replace("VRID", &vrid.to_string())
        .replace("PRIORITY", &(vrid + 50).to_string())
        .replace("MORE", more)
}

const GROUP: &str = "\
vrrp_sync_group G {
  group {
    V1
    V2
  }
  notify_master \"SCRIPT group master\" USER
  notify_backup \"SCRIPT group backup\"
  notify_fault \"SCRIPT group fault\"
  notify_stop \"SCRIPT group stop\"
  notify \"SCRIPT any\"
}
";

/// A host with two interfaces, and the script in its folder.
struct Stage {
    lab: Lab,
    host: Host,
    _lans: [Lan; 2],
    script: String,
    log: String,
}

impl Stage {
    fn enter() -> Result<Self> {
        let lab = Lab::native()?;
        let lans = [lab.lan("lan")?, lab.lan("other")?];
        let host = lab.host("d1")?;
        host.connect(&lans[0], "eth0", &["192.168.0.20/24"])?;
        host.connect(&lans[1], "eth1", &["192.168.1.20/24"])?;
        let log = host.write("notified", "")?.display().to_string();
        host.check("chmod", &["666", &log])?;
        let script = host.write("script.sh", &SCRIPT.replace("LOG", &log))?.display().to_string();
        host.check("chmod", &["755", &script])?;
        // Other users than root have to reach it.
        for folder in Path::new(&script).ancestors().skip(1).filter(|path| path.starts_with(lab.folder())) {
            host.check("chmod", &["go+x", &folder.display().to_string()])?;
        }
        Ok(Self { lab, host, _lans: lans, script, log })
    }

    fn configuration(&self, globals: &str, blocks: &str) -> String {
        let text = format!("global_defs {{\n  script_user root\n{globals}}}\n{blocks}");
        text.replace("SCRIPT", &self.script).replace("USER", "daemon daemon")
    }

    fn lines(&self) -> Result<Vec<String>> {
        Ok(self.host.check("cat", &[&self.log])?.lines().map(str::to_owned).collect())
    }

    /// The lines that come until there are so many, in the order of the alphabet: scripts run side by side.
    fn next(&self, seen: &mut usize, count: usize) -> Result<Vec<String>> {
        let what = format!("{count} notifications after the first {seen}");
        let lines = wait::until(&what, seconds(10), || self.lines(), |lines| lines.len() >= *seen + count)?;
        let mut new = lines[*seen..].to_vec();
        *seen = lines.len();
        new.sort();
        Ok(new)
    }
}

#[test]
fn scripts_are_told_what_keepalived_would_tell_them_and_how() -> Result {
    let stage = Stage::enter()?;
    let first = instance("V1", "eth0", 51, "");
    let (second, third) = (
        instance("V2", "eth1", 52, ""),
        instance("V3", "eth1", 53, "  notify_deleted \"SCRIPT V3 deleted\"\n"),
    );
    let all = stage.configuration("", &format!("{first}{second}{third}{GROUP}"));
    let mut told = Vec::new();
    for daemon in BOTH {
        stage.host.write("notified", "")?;
        let (mut seen, mut phases) = (0, Vec::new());
        let process = stage.host.start_daemon(daemon, &all)?;
        phases.push(("start", stage.next(&mut seen, 8)?));
        phases.push(("master", stage.next(&mut seen, 8)?));
        stage.host.cut("eth0")?;
        phases.push(("fault", stage.next(&mut seen, 6)?));
        stage.host.heal("eth0")?;
        phases.push(("backup", stage.next(&mut seen, 6)?));
        phases.push(("master again", stage.next(&mut seen, 6)?));
        stage.host.write(
            &format!("{}.conf", daemon.name()),
            &stage.configuration("", &format!("{first}{second}{GROUP}")),
        )?;
        process.signal(Signal::SIGHUP)?;
        phases.push(("reload", stage.next(&mut seen, 2)?));
        process.stop(seconds(5))?;
        phases.push(("stop", stage.next(&mut seen, 6)?));
        told.push(phases);
    }
    for (keepalived, stayd) in told[0].iter().zip(&told[1]) {
        println!("{}:\n{}", stayd.0, stayd.1.join("\n"));
        assert_eq!(stayd.1, keepalived.1, "{}", stayd.0);
    }
    stage.lab.close()
}

#[test]
fn states_of_one_instance_do_not_overtake_each_other() -> Result {
    let stage = Stage::enter()?;
    let slow = "#!/bin/sh\n[ $4 = MASTER ] && sleep 2\necho $4 >>LOG\n";
    stage.host.write("script.sh", &slow.replace("LOG", &stage.log))?;
    let text = without(&stage.configuration("", &instance("V1", "eth0", 51, "")), "notify_");
    let process = stage.host.start_daemon(Daemon::Stayd, &text)?;
    stage.host.wait_for_address("192.168.0.51", seconds(8))?;
    stage.host.cut("eth0")?;
    stage.host.wait_for_no_address("192.168.0.51", seconds(5))?;
    stage.host.heal("eth0")?;
    stage.host.wait_for_address("192.168.0.51", seconds(8))?;
    let lines = wait::until("five states", seconds(10), || stage.lines(), |lines| lines.len() >= 5)?;
    assert_eq!(lines, ["BACKUP", "MASTER", "FAULT", "BACKUP", "MASTER"]);
    process.stop(seconds(5))?;
    stage.lab.close()
}

#[test]
fn a_script_for_the_stop_has_a_second() -> Result {
    let stage = Stage::enter()?;
    let script = "#!/bin/sh\nsleep 0.5\necho $* >>LOG\n";
    stage.host.write("script.sh", &script.replace("LOG", &stage.log))?;
    let process =
        stage.host.start_daemon(Daemon::Stayd, &stage.configuration("", &instance("V1", "eth0", 51, "")))?;
    stage.next(&mut 0, 2)?;
    process.stop(seconds(5))?;
    let lines = stage.lines()?;
    assert!(lines.contains(&"V1 stop".to_owned()), "{lines:?}");
    assert!(lines.contains(&"any INSTANCE V1 STOP 101".to_owned()), "{lines:?}");
    stage.lab.close()
}

/// The text without the lines that contain a word.
fn without(text: &str, word: &str) -> String {
    text.lines().filter(|line| !line.contains(word)).collect::<Vec<_>>().join("\n")
}

/// Reads a pipe to its end into a file.
fn reader(host: &Host, pipe: &str, name: &str) -> Result<(Process, String)> {
    wait::until(
        pipe,
        seconds(5),
        || Ok(host.run("test", &["-p", pipe])?.exit),
        |exit| *exit == Some(lab::site::ExitView::Code(0)),
    )?;
    let process = host.start(name, "cat", &[pipe])?;
    let log = process.log_path().display().to_string();
    Ok((process, log))
}

#[test]
fn pipes_get_the_bytes_that_keepalived_would_write() -> Result {
    let stage = Stage::enter()?;
    let folder = stage.host.folder().display().to_string();
    let globals = format!(
        "  notify_fifo {folder}/all\n  vrrp_notify_fifo {folder}/vrrp daemon\n  vrrp_notify_priority_changes true\n"
    );
    let file = stage.host.write("number", "0\n")?.display().to_string();
    let tracker = format!("track_file number {{\n  file {file}\n}}\n");
    let block = instance("V1", "eth0", 51, "  track_file {\n    number\n  }\n");
    let text = stage.configuration(&globals, &format!("{tracker}{block}"));
    let mut seen = Vec::new();
    for daemon in BOTH {
        stage.host.write("number", "0\n")?;
        let process = stage.host.start_daemon(daemon, &text)?;
        let (all, all_log) =
            reader(&stage.host, &format!("{folder}/all"), &format!("{}-all", daemon.name()))?;
        let (vrrp, vrrp_log) =
            reader(&stage.host, &format!("{folder}/vrrp"), &format!("{}-vrrp", daemon.name()))?;
        let modes = stage
            .host
            .check("stat", &["-c", "%F %a %U %G", &format!("{folder}/all"), &format!("{folder}/vrrp")])?;
        let number = |number: &str, line: &str| -> Result {
            stage.host.write("number", number)?;
            all.wait_for_log(line, seconds(5))
        };
        number("7\n", "BACKUP_PRIORITY 108")?;
        stage.host.wait_for_address("192.168.0.51", seconds(8))?;
        number("-9\n", "MASTER_PRIORITY 92")?;
        stage.host.cut("eth0")?;
        all.wait_for_log("FAULT", seconds(5))?;
        stage.host.heal("eth0")?;
        stage.host.wait_for_address("192.168.0.51", seconds(8))?;
        process.stop(seconds(5))?;
        all.wait_for_exit(seconds(5))?;
        vrrp.wait_for_exit(seconds(5))?;
        let left = stage.host.run("test", &["-e", &format!("{folder}/all")])?.exit;
        seen.push((
            modes,
            stage.host.check("cat", &[&all_log])?,
            stage.host.check("cat", &[&vrrp_log])?,
            left,
        ));
    }
    println!("{}{}", seen[1].0, seen[1].1);
    assert_eq!(seen[1], seen[0]);
    stage.lab.close()
}

/// The lines of a pipe by whom they are about: who of several is first at the same moment is nobody's promise.
fn by_subject(text: &str) -> BTreeMap<String, Vec<String>> {
    let mut lines = BTreeMap::<String, Vec<String>>::new();
    for line in text.split_inclusive('\n') {
        let subject: Vec<_> = line.split(' ').take(2).collect();
        lines.entry(subject.join(" ")).or_default().push(line.to_owned());
    }
    lines
}

#[test]
fn pipes_get_the_bytes_of_groups_of_what_a_reload_removes_and_of_the_end() -> Result {
    let stage = Stage::enter()?;
    let folder = stage.host.folder().display().to_string();
    let (pipe, log) = (format!("{folder}/vrrp"), stage.host.write("read", "")?.display().to_string());
    let arguments = stage.host.write("arguments", "")?.display().to_string();
    // A script only says what it was given: it is ended before the last lines are written.
    let says = format!("#!/bin/sh\necho \"$*\" >>{arguments}\nexec sleep 1000\n");
    let says = stage.host.write("says.sh", &says)?.display().to_string();
    stage.host.check("chmod", &["755", &says])?;
    // keepalived makes the pipe anew at a reload: it is missing for a moment, and whoever opened the one before waits in vain.
    let over = |daemon: Daemon| format!("over-{}", daemon.name());
    let reads = |daemon| {
        let over = over(daemon);
        format!(
            "until [ -e {folder}/{over} ]; do [ -p {pipe} ] && timeout 1 cat {pipe}; sleep 0.02; done >>{log}"
        )
    };
    let globals = format!("  vrrp_notify_fifo {pipe}\n  vrrp_notify_fifo_script \"{says} first\"\n");
    let (first, second, third) =
        (instance("V1", "eth0", 51, ""), instance("V2", "eth1", 52, ""), instance("V3", "eth1", 53, ""));
    let fourth = instance("V4", "eth1", 54, "  notify_deleted\n");
    let lone = "vrrp_sync_group L {\n  group {\n    V3\n  }\n}\n";
    let text = |blocks: &[&str]| without(&stage.configuration(&globals, &blocks.concat()), "\"SCRIPT");
    let text = |blocks: &[&str]| without(&text(blocks), "script.sh");
    let all = text(&[&first, &second, &third, &fourth, GROUP, lone]);
    let mut seen = Vec::new();
    for daemon in BOTH {
        stage.host.write("read", "")?;
        stage.host.write("arguments", "")?;
        let process = stage.host.start_daemon(daemon, &all)?;
        let there = || Ok(stage.host.run("test", &["-p", &pipe])?.exit);
        wait::until(&pipe, seconds(20), there, |exit| *exit == Some(lab::site::ExitView::Code(0)))?;
        stage.host.start(&format!("{}-reader", daemon.name()), "sh", &["-c", &reads(daemon)])?;
        let read = |what: &str, times: usize| {
            wait::until(
                &format!("{times} x {what}"),
                seconds(30),
                || stage.host.check("cat", &[&log]),
                |text| text.lines().filter(|line| line.starts_with(what)).count() == times,
            )
        };
        read("GROUP \"G\" MASTER", 1)?;
        read("INSTANCE \"V4\" MASTER", 1)?;
        stage.host.cut("eth0")?;
        read("INSTANCE \"V2\" FAULT", 1)?;
        stage.host.heal("eth0")?;
        read("GROUP \"G\" MASTER", 2)?;
        read("INSTANCE \"V2\" MASTER", 2)?;
        stage.host.write(&format!("{}.conf", daemon.name()), &text(&[&first, &second, GROUP]))?;
        process.signal(Signal::SIGHUP)?;
        // V4 is told as removed last.
        stage.host.wait_for_no_address("192.168.0.54", seconds(20))?;
        read("INSTANCE \"V4\" DELETED", 1)?;
        process.stop(seconds(10))?;
        read("INSTANCE \"V2\" STOP", 1)?;
        read("GROUP \"G\" STOP", 1)?;
        stage.host.write(&over(daemon), "")?;
        let given = stage.host.check("cat", &[&arguments])?;
        seen.push((by_subject(&stage.host.check("cat", &[&log])?), given));
    }
    println!("{:#?}", seen[1]);
    assert_eq!(seen[1], seen[0]);
    stage.lab.close()
}

/// What a reload is to bring, what happens to an interface then, and what scripts are told by then.
struct Step {
    cut: Option<bool>,
    groups: &'static [(&'static str, &'static [&'static str])],
    /// Beginnings of lines, and how often they have come by then.
    told: &'static [(&'static str, usize)],
}

const fn step(
    groups: &'static [(&'static str, &'static [&'static str])],
    told: &'static [(&'static str, usize)],
) -> Step {
    Step { cut: None, groups, told }
}

/// Plays the steps with either daemon. Each reload brings an instance more: when that is master, the reload is over.
fn groups_at_reloads(steps: &[Step]) -> Result<[BTreeMap<String, Vec<String>>; 2]> {
    let stage = Stage::enter()?;
    let soon = "  version 3\n  advert_int 0.1\n";
    let members = [("V1", "eth0", 51), ("V2", "eth1", 52), ("V3", "eth0", 53)]
        .map(|(name, interface, vrid)| instance(name, interface, vrid, soon));
    let text = |step: &Step, number: u8| {
        let group = |(name, members): &(&str, &[&str])| {
            let list = members.join("\n");
            format!("vrrp_sync_group {name} {{\n  group {{\n{list}\n  }}\n  notify \"SCRIPT any\"\n}}\n")
        };
        let groups: Vec<_> = step.groups.iter().map(group).collect();
        let marker = |marker| instance(&format!("M{marker}"), "eth0", 60 + marker, soon);
        let markers: Vec<_> = (0..=number).map(marker).collect();
        let blocks = [members.concat(), groups.concat(), markers.concat()].concat();
        stage.configuration("", &blocks)
    };
    let mut seen = Vec::new();
    for daemon in BOTH {
        stage.host.check("truncate", &["-s", "0", &stage.log])?;
        let process = stage.host.start_daemon(daemon, &text(&steps[0], 0))?;
        let told = |what: &str, times: usize| {
            wait::until(
                &format!("{times} x {what}"),
                seconds(20),
                || stage.lines(),
                |lines| lines.iter().filter(|line| line.starts_with(&format!("any {what}"))).count() >= times,
            )
        };
        for (number, step) in (0_u8..).zip(steps) {
            if number > 0 {
                stage.host.write(&format!("{}.conf", daemon.name()), &text(step, number))?;
                process.signal(Signal::SIGHUP)?;
            }
            told(&format!("INSTANCE M{number} MASTER"), 1)?;
            match step.cut {
                Some(true) => stage.host.cut("eth1")?,
                Some(false) => stage.host.heal("eth1")?,
                None => {}
            }
            for (what, times) in step.told {
                told(what, *times)?;
            }
        }
        process.stop(seconds(10))?;
        told("INSTANCE V1 STOP", 1)?;
        told("GROUP K STOP", 1)?;
        // What the general script is told, which is told everything.
        let general = |line: &String| Some(format!("{}\n", line.strip_prefix("any ")?.split_once(" | ")?.0));
        seen.push(by_subject(&stage.lines()?.iter().filter_map(general).collect::<String>()));
    }
    stage.lab.close()?;
    let ours = seen.pop().unwrap_or_default();
    Ok([seen.pop().unwrap_or_default(), ours])
}

#[test]
fn groups_of_masters_that_a_reload_removes_adds_or_changes_are_told_of_as_by_keepalived() -> Result {
    let [theirs, ours] = groups_at_reloads(&[
        step(&[("G", &["V1", "V2"])], &[("GROUP G MASTER", 1), ("INSTANCE V3 MASTER", 1)]),
        step(&[], &[]),
        step(&[("H", &["V1", "V2"])], &[]),
        step(&[("H", &["V1"]), ("K", &["V2", "V3"])], &[]),
        step(&[("K", &["V2", "V3", "V1"])], &[]),
    ])?;
    println!("{ours:#?}");
    assert_eq!(ours, theirs);
    Ok(())
}

#[test]
fn groups_with_a_fault_that_a_reload_removes_adds_or_changes_are_told_of_as_by_keepalived() -> Result {
    let start = Step {
        cut: Some(true),
        ..step(&[("G", &["V1", "V2"])], &[("INSTANCE V3 MASTER", 1), ("GROUP G FAULT", 1)])
    };
    let end = Step {
        cut: Some(false),
        ..step(&[("H", &["V1"]), ("K", &["V2", "V3"])], &[("GROUP K MASTER", 1), ("GROUP H MASTER", 1)])
    };
    let [theirs, ours] = groups_at_reloads(&[
        step(&[("G", &["V1", "V2"])], &[("GROUP G MASTER", 1), ("INSTANCE V3 MASTER", 1)]),
        start,
        step(&[], &[("INSTANCE V1 MASTER", 2)]),
        step(&[("H", &["V1", "V2"])], &[("GROUP H FAULT", 1), ("INSTANCE V1 FAULT", 2)]),
        step(&[("H", &["V1"]), ("K", &["V2", "V3"])], &[("GROUP K FAULT", 1), ("GROUP H MASTER", 1)]),
        end,
    ])?;
    println!("{ours:#?}");
    assert_eq!(ours, theirs);
    Ok(())
}

/// Subjects, senders, recipients and the like of the mails that a server has printed, each mail as one line, in the order of
/// the alphabet: nobody promises another.
fn mails(printed: &str) -> Vec<String> {
    let mut mails = Vec::new();
    for mail in printed.split("---------- MESSAGE FOLLOWS ----------").skip(1) {
        let headers = mail.trim_start().lines().take_while(|line| !line.is_empty());
        let kept = headers.filter(|line| !line.starts_with("Date:") && !line.starts_with("X-Peer:"));
        mails.push(kept.collect::<Vec<_>>().join(" | "));
    }
    mails.sort();
    mails
}

#[test]
fn a_mail_server_receives_what_keepalived_would_send() -> Result {
    let stage = Stage::enter()?;
    let globals = "  router_id LB1\n  smtp_server 127.0.0.1\n  smtp_alert true\n  notification_email_from lb1@example.com\n  \
                   notification_email {\n    ops@example.com\n    noc@example.com\n  }\n";
    let text = stage.configuration(globals, &instance("V1", "eth0", 51, ""));
    let text = without(&text, "  notify");
    let mut received = Vec::new();
    for daemon in BOTH {
        let server = format!("{}-mail", daemon.name());
        let server = stage.host.start_with(
            &server,
            "/usr/bin/aiosmtpd",
            &["-n", "-l", "127.0.0.1:25"],
            &[("PYTHONUNBUFFERED", "1")],
        )?;
        wait::until(
            "the mail server",
            seconds(10),
            || stage.host.run("ss", &["-ltnH", "sport = 25"]),
            |output| !output.stdout.is_empty(),
        )?;
        let process = stage.host.start_daemon(daemon, &text)?;
        server.wait_for_log("Entering MASTER state", seconds(10))?;
        stage.host.cut("eth0")?;
        server.wait_for_log("Entering FAULT state", seconds(10))?;
        process.stop(seconds(5))?;
        stage.host.heal("eth0")?;
        received.push(mails(&server.log()?));
        server.kill()?;
    }
    println!("{}", received[1].join("\n"));
    assert_eq!(received[1].len(), 3, "BACKUP, MASTER and FAULT");
    assert_eq!(received[1], received[0]);
    stage.lab.close()
}

/// A pair of directors of which the master follows what `define` defines.
fn followed(
    lab: &Lab,
    daemon: Daemon,
    define: &str,
    follow: &str,
    prepare: impl Fn(&Host) -> Result,
) -> Result<Pair> {
    let pair = Pair::build(lab)?;
    prepare(&pair.master)?;
    let master = configuration::vrrp(Role::Master, 2);
    let master = master.replace("interface eth0", &format!("interface eth0\n  {follow}"));
    let define = define.replace("FOLDER", &pair.master.folder().display().to_string());
    let text = format!("global_defs {{\n  script_user root\n}}\n{define}{master}");
    pair.start((daemon, &text), (daemon, &configuration::vrrp(Role::Backup, 2)))?;
    Ok(pair)
}

fn goes_over_and_back(pair: &Pair, fail: impl Fn() -> Result, mend: impl Fn() -> Result) -> Result {
    fail()?;
    pair.backup.wait_for_address(VIP, seconds(8))?;
    pair.master.wait_for_no_address(VIP, seconds(8))?;
    mend()?;
    pair.master.wait_for_address(VIP, seconds(8))?;
    pair.backup.wait_for_no_address(VIP, seconds(8))
}

fn a_script_that_fails(daemon: Daemon, weight: &str) -> Result {
    let lab = Lab::native()?;
    let define = format!(
        "vrrp_script check {{\n  script \"/usr/bin/test -e FOLDER/good\"\n  interval 1\n  fall 2\n  rise 2\n  {weight}\n}}\n"
    );
    let good = |host: &Host| host.write("good", "").map(drop);
    let pair = followed(&lab, daemon, &define, "track_script {\n    check\n  }", good)?;
    let file = pair.master.folder().join("good").display().to_string();
    goes_over_and_back(&pair, || pair.master.check("rm", &[&file]).map(drop), || good(&pair.master))?;
    lab.close()
}

#[test]
fn a_script_with_a_weight_that_fails_costs_keepalived_the_mastership() -> Result {
    a_script_that_fails(Daemon::Keepalived, "weight -20")
}

#[test]
fn a_script_with_a_weight_that_fails_costs_stayd_the_mastership() -> Result {
    a_script_that_fails(Daemon::Stayd, "weight -20")
}

#[test]
fn a_script_without_a_weight_that_fails_puts_keepalived_into_fault() -> Result {
    a_script_that_fails(Daemon::Keepalived, "weight 0")
}

#[test]
fn a_script_without_a_weight_that_fails_puts_stayd_into_fault() -> Result {
    a_script_that_fails(Daemon::Stayd, "weight 0")
}

#[test]
fn a_number_in_a_file_moves_the_mastership_as_with_keepalived() -> Result {
    for daemon in BOTH {
        let lab = Lab::native()?;
        let number = |host: &Host, number: &str| host.write("number", number).map(drop);
        let define = "track_file number {\n  file FOLDER/number\n  weight 2\n}\n";
        let pair =
            followed(&lab, daemon, define, "track_file {\n    number\n  }", |host| number(host, "0\n"))?;
        goes_over_and_back(&pair, || number(&pair.master, "-10\n"), || number(&pair.master, "1\n"))?;
        // A product of -254 or less is a fault.
        goes_over_and_back(&pair, || number(&pair.master, "-127\n"), || number(&pair.master, "0\n"))?;
        println!("{}: twice over and back", daemon.name());
        lab.close()?;
    }
    Ok(())
}

// keepalived does this in the first network namespace only: elsewhere the kernel refuses it the proc connector, and it takes
// every process to be missing.
#[test]
fn a_process_that_ends_moves_the_mastership() -> Result {
    let lab = Lab::native()?;
    // Of all hosts of all labs only this one has it.
    let seconds_of_sleep = format!("4000.{}", std::process::id());
    let define =
        format!("vrrp_track_process sleeper {{\n  process sleep {seconds_of_sleep}\n  weight -20\n}}\n");
    let start = |host: &Host| host.start("sleeper", "sleep", &[&seconds_of_sleep]);
    let pair = followed(&lab, Daemon::Stayd, &define, "track_process {\n    sleeper\n  }", |host| {
        start(host).map(drop)
    })?;
    let end = || pair.master.check("pkill", &["-f", &format!("^sleep {seconds_of_sleep}$")]).map(drop);
    goes_over_and_back(&pair, end, || start(&pair.master).map(drop))?;
    lab.close()
}
