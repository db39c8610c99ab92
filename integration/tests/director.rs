//! stayd as a director, on a kernel with IPVS: the article's file as it stands, crashes and restarts, reloads, and what
//! belongs to others.

use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use lab::pair::{BROKERS, PORTS, Pair, Role, VIP};
use lab::site::ExitView;
use lab::wait::seconds;
use lab::{Daemon, Host, Lab, Listener, Process, Result, configuration, wait};
use nix::sys::signal::Signal;

const ALL: [&str; 3] = [BROKERS[0].1, BROKERS[1].1, BROKERS[2].1];

/// What a busy machine and a guest may add.
const SLACK: Duration = Duration::from_millis(1_500);

/// A director with the brokers' hosts, whose ports are open.
struct Stage {
    lab: Lab,
    director: Host,
    listeners: Vec<(&'static str, u16, Listener)>,
}

fn enter() -> Result<Stage> {
    let lab = Lab::with_ipvs()?;
    let lan = lab.lan("lan")?;
    let director = lab.director("d1")?;
    director.connect(&lan, "eth0", &["192.168.0.20/24"])?;
    let mut listeners = Vec::new();
    for (name, address) in BROKERS {
        let host = lab.host(name)?;
        host.connect(&lan, "eth0", &[&format!("{address}/24")])?;
        for port in PORTS {
            listeners.push((address, port, host.listen(port)?));
        }
    }
    Ok(Stage { lab, director, listeners })
}

/// The brokers' services with checks every second.
fn services() -> String {
    configuration::rabbit(Role::Master, Daemon::Stayd)
        .replace("delay_loop 6", "delay_loop 1")
        .replace("nb_get_retry 3", "retry 1")
        .replace("delay_before_retry 3", "delay_before_retry 1")
}

impl Stage {
    fn start(&self, text: &str) -> Result<Process> {
        let process = self.director.start_daemon(Daemon::Stayd, text)?;
        self.director.wait_for_ipvs("the whole table", seconds(10), whole)?;
        Ok(process)
    }

    /// Writes the number of destinations into a log, all the time.
    fn watch_table(&self) -> Result<Process> {
        let script = "while :; do ipvsadm -S -n | grep -c -- '^-a'; done";
        let watch = self.director.start("watch", "sh", &["-c", script])?;
        watch.wait_until_log("counts", seconds(5), |log| log.lines().count() > 2)?;
        Ok(watch)
    }

    fn pid(&self, file: &str) -> Result<String> {
        Ok(self.director.check("cat", &[&format!("/run/{file}.pid")])?.trim().to_owned())
    }

    fn reload(&self, process: &Process, text: &str) -> Result {
        self.director.write("stayd.conf", text)?;
        process.signal(Signal::SIGHUP).map(drop)
    }
}

fn whole(table: &str) -> bool {
    configuration::is_ipvs_table(table, &ALL)
}

/// Lines of a table in a fixed order.
fn lines(table: &str) -> Vec<String> {
    let mut lines: Vec<_> = table.lines().map(|line| line.trim().to_owned()).collect();
    lines.sort_unstable();
    lines
}

/// The article's file where it is at hand, else one like it with the same slips.
fn article() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/seed/keepalived.conf");
    if let Ok(text) = std::fs::read_to_string(&path) {
        return text;
    }
    println!("{} is not here: running the project's own file with the same slips", path.display());
    let text = configuration::rabbit(Role::Master, Daemon::Stayd);
    text.replace("  virtual_ipaddress {", "  track_script {\n    chk_haproxy\n  }\n  virtual_ipaddress {")
}

#[test]
fn the_article_s_file_as_it_stands_makes_both_directors_serve_as_its_author_meant() -> Result {
    let lab = Lab::with_ipvs()?;
    let pair = Pair::build(&lab)?;
    let text = article();
    let second = text.replace("state MASTER", "state BACKUP").replace("priority 100", "priority 90");
    let backup = pair.backup.start_daemon(Daemon::Stayd, &second)?;
    let master = pair.master.start_daemon(Daemon::Stayd, &text)?;
    for (director, process) in [(&pair.master, &master), (&pair.backup, &backup)] {
        // Before the first checks have failed: no broker runs here.
        let table = director.wait_for_ipvs("both services", seconds(5), whole)?;
        println!("{}", table.trim());
        // Each slip, wherever it stands: `protocal` twice, `nb_get_retry` six times, `chk_haproxy` once.
        let log = process.log()?;
        for (number, line) in text.lines().enumerate() {
            let Some(slip) =
                ["protocal", "nb_get_retry", "chk_haproxy"].into_iter().find(|slip| line.contains(slip))
            else {
                continue;
            };
            let column = line.find(slip).unwrap_or_default() + 1;
            let place = format!("stayd.conf:{}:{column}: ", number + 1);
            let told: Vec<_> =
                log.lines().filter(|told| told.contains(&place) && told.contains("WARN")).collect();
            assert_eq!(told.len(), 1, "{place} {slip}: {told:?}");
            assert!(told[0].contains(slip), "{}", told[0]);
        }
        assert_eq!(log.matches("WARN").count(), 9, "one warning per slip and no other:\n{log}");
    }
    pair.master.wait_for_address(VIP, seconds(15))?;
    pair.backup.wait_for_no_address(VIP, seconds(5))?;
    lab.close()
}

#[test]
fn after_a_kill_the_kernel_goes_on_and_a_restart_takes_the_table_over_without_emptying_it() -> Result {
    let stage = enter()?;
    let first = stage.start(&services())?;
    stage.director.wait_for_address(VIP, seconds(6))?;
    let watch = stage.watch_table()?;
    first.kill()?;
    assert!(stage.director.holds(VIP)?, "nobody was left to take it away");
    assert!(whole(&stage.director.ipvs_table()?));
    let second = stage.start(&services())?;
    second.wait_until_log("the restarted daemon to be master", seconds(8), |log| {
        log.matches("-> MASTER").count() == 2
    })?;
    assert!(stage.director.holds(VIP)?);
    let counts = watch.log()?;
    let seen: std::collections::BTreeSet<_> = counts.lines().collect();
    println!("destinations seen in {} looks over the restart: {seen:?}", counts.lines().count());
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), ["6"]);
    stage.lab.close()
}

#[test]
fn what_an_earlier_run_left_is_corrected_in_place() -> Result {
    let stage = enter()?;
    // Another scheduler, another weight, another method, a server that is no longer up, no persistence.
    for line in [
        "-A -t 192.168.0.10:5672 -s rr",
        "-a -t 192.168.0.10:5672 -r 192.168.0.2:5672 -m -w 7",
        "-a -t 192.168.0.10:5672 -r 192.168.0.3:5672 -g -w 1",
    ] {
        stage.director.check("ipvsadm", &line.split(' ').collect::<Vec<_>>())?;
    }
    let watch = stage.watch_table()?;
    stage.start(&services())?;
    let counts = watch.log()?;
    assert!(
        counts.lines().all(|count| count != "0" && count != "1"),
        "never fewer than were there: {counts}"
    );
    stage.lab.close()
}

/// A director one of whose servers is down, and a log of the number of its destinations.
fn without_one() -> Result<(Stage, Process, Process)> {
    let mut stage = enter()?;
    let process = stage.start(&services())?;
    stage.listeners.retain(|(address, ..)| *address != "192.168.0.3");
    let left = ["192.168.0.2", "192.168.0.4"];
    stage.director.wait_for_ipvs("a server to leave", seconds(4) + SLACK, |table| {
        configuration::is_ipvs_table(table, &left)
    })?;
    // The parent is told at most a second later.
    std::thread::sleep(Duration::from_millis(1_500));
    let watch = stage.watch_table()?;
    Ok((stage, process, watch))
}

impl Stage {
    /// Kills the checker process: its successor must not bring the server back by mistake.
    fn lose_the_checkers(&self, process: &Process, watch: &Process) -> Result {
        let old = self.pid("stayd-checkers")?;
        self.director.check("kill", &["-9", &old])?;
        // For a moment there is no file.
        let now = || Ok(self.director.run("cat", &["/run/stayd-checkers.pid"])?.stdout.trim().to_owned());
        wait::until("another process", seconds(5), now, |pid| !pid.is_empty() && *pid != old)?;
        process.wait_for_log("the checker process ended unexpectedly: signal 9", seconds(2))?;
        let looks = watch.log()?.lines().count();
        watch.wait_until_log("more looks", seconds(10), |log| log.lines().count() > looks + 20)?;
        let counts = watch.log()?;
        assert!(counts.lines().all(|count| count == "4"), "{counts}");
        assert!(!process.log()?.contains("is lost"), "{}", process.log()?);
        Ok(())
    }
}

#[test]
fn a_checker_process_that_dies_is_replaced_and_the_table_does_not_change() -> Result {
    let (stage, process, watch) = without_one()?;
    stage.lose_the_checkers(&process, &watch)?;
    stage.lab.close()
}

#[test]
fn a_checker_process_that_dies_right_after_reloads_has_a_successor_that_knows_as_much() -> Result {
    let (stage, process, watch) = without_one()?;
    for scheduler in ["wlc", "lc"] {
        stage.reload(&process, &services().replace("lb_algo wrr", &format!("lb_algo {scheduler}")))?;
        let now = format!("-s {scheduler}");
        stage.director.wait_for_ipvs("the reload", seconds(3), |table| table.contains(&now))?;
    }
    stage.lose_the_checkers(&process, &watch)?;
    stage.lab.close()
}

#[test]
fn what_others_put_into_the_table_is_theirs() -> Result {
    let stage = enter()?;
    let process = stage.start(&services())?;
    let foreign = [
        "-A -t 10.9.9.9:80 -s rr",
        "-a -t 10.9.9.9:80 -r 192.168.0.4:80 -m -w 1",
        "-a -t 192.168.0.10:5672 -r 192.168.0.77:5672 -g -w 3",
    ];
    for line in foreign {
        stage.director.check("ipvsadm", &line.split(' ').collect::<Vec<_>>())?;
    }
    stage.reload(&process, &services().replace("lb_algo wrr", "lb_algo wlc"))?;
    stage.director.wait_for_ipvs("the reload", seconds(3), |table| table.contains("-s wlc"))?;
    let table = lines(&stage.director.ipvs_table()?);
    for line in foreign {
        assert!(table.contains(&line.to_owned()), "{line} is gone: {table:?}");
    }
    let (_, exit) = process.stop(seconds(5))?;
    assert_eq!(exit, ExitView::Code(0));
    let left = lines(&stage.director.ipvs_table()?);
    // The service with the foreign server stays for its sake.
    assert!(foreign.iter().all(|line| left.contains(&(*line).to_owned())), "{left:?}");
    assert_eq!(left.iter().filter(|line| line.starts_with("-a")).count(), 2, "{left:?}");
    stage.lab.close()
}

#[test]
fn what_others_delete_or_change_is_put_back_and_what_they_add_stays() -> Result {
    let stage = enter()?;
    let process = stage.start(&services())?;
    let table = lines(&stage.director.ipvs_table()?);
    let foreign = ["-A -t 10.9.9.9:80 -s rr", "-a -t 192.168.0.10:5672 -r 192.168.0.77:5672 -g -w 3"];
    for line in foreign {
        stage.director.check("ipvsadm", &line.split(' ').collect::<Vec<_>>())?;
    }
    for (number, edit) in [
        "-d -t 192.168.0.10:5672 -r 192.168.0.3:5672",
        "-e -t 192.168.0.10:5672 -r 192.168.0.4:5672 -g -w 99",
        "-E -t 192.168.0.10:5672 -s rr",
        "-D -t 192.168.0.10:15672",
        "-C",
    ]
    .into_iter()
    .enumerate()
    {
        stage.director.check("ipvsadm", &edit.split(' ').collect::<Vec<_>>())?;
        let ours = |now: &str| table.iter().all(|line| lines(now).contains(line));
        let now = stage.director.wait_for_ipvs("the repair", seconds(5), ours)?;
        // What others added stays, but what `-C` took of theirs is not ours to bring back.
        let left = foreign.iter().filter(|line| lines(&now).contains(&(**line).to_owned())).count();
        assert_eq!(left, if edit == "-C" { 0 } else { 2 }, "after {edit}: {now}");
        process.wait_until_log("each repair", seconds(5), |log| {
            log.matches("put right what somebody changed").count() > number
        })?;
    }
    stage.lab.close()
}

#[test]
fn a_reload_changes_what_changed_and_nothing_else() -> Result {
    let stage = enter()?;
    let text = services();
    let process = stage.start(&text)?;
    let watch = stage.watch_table()?;
    let steps = [
        text.replacen("weight 1", "weight 5", 1),
        text.replace("lb_algo wrr", "lb_algo lc"),
        text.replace("persistence_timeout 50", "persistence_timeout 300"),
        text.replacen("lb_kind DR", "lb_kind NAT", 1),
        text.clone(),
    ];
    let mut tables = vec![stage.director.ipvs_table()?];
    for step in &steps {
        stage.reload(&process, step)?;
        let before = tables.last().cloned().unwrap_or_default();
        tables.push(stage.director.wait_for_ipvs("a change", seconds(3), |table| table != before)?);
    }
    assert!(tables[1].contains("-w 5") && tables[2].contains("-s lc") && tables[3].contains("-p 300"));
    assert!(tables[4].contains("-m -w 1"), "{}", tables[4]);
    assert!(whole(&tables[5]), "{}", tables[5]);
    let counts = watch.log()?;
    assert!(counts.lines().all(|count| count == "6"), "no server ever left: {counts}");

    // A server that is taken out of the file leaves, one that is put in comes.
    let start = text.find("  real_server 192.168.0.3 5672").unwrap_or_default();
    let end = start + text[start..].find("  real_server 192.168.0.4").unwrap_or_default();
    let fewer = format!("{}{}", &text[..start], &text[end..]);
    stage.reload(&process, &fewer)?;
    stage.director.wait_for_ipvs("a server to leave", seconds(3), |table| {
        table.matches("-a ").count() == 5 && !table.contains("-r 192.168.0.3:5672")
    })?;
    stage.reload(&process, &text)?;
    stage.director.wait_for_ipvs("it to come back", seconds(3), whole)?;

    // Without virtual servers there is nothing to check and nothing in the table.
    stage.reload(&process, &configuration::vrrp(Role::Master, 2))?;
    stage.director.wait_for_ipvs("an empty table", seconds(3), |table| table.trim().is_empty())?;
    wait::until("the checker process to end", seconds(3), || process.tree(), |tree| tree.len() == 2)?;
    stage.lab.close()
}

#[test]
fn a_refused_reload_leaves_the_table_alone() -> Result {
    let stage = enter()?;
    let process = stage.start(&services())?;
    stage.reload(&process, &services().replace("eth0", "eth7").replace("weight 1", "weight 9"))?;
    process.wait_for_log("reload refused", seconds(3))?;
    assert!(whole(&stage.director.ipvs_table()?));
    stage.lab.close()
}

#[test]
fn a_server_that_answers_nobody_does_not_delay_the_check_of_another() -> Result {
    let mut stage = enter()?;
    // Thirty services whose servers do not exist: each check hangs for its whole timeout.
    let mut text = services();
    for port in 1..=30 {
        write!(
            text,
            "virtual_server 192.168.0.11 {port} {{\n  delay_loop 1\n  lb_algo rr\n  lb_kind DR\n  protocol TCP\n  \
             real_server 192.168.0.99 {port} {{\n    TCP_CHECK {{\n      connect_timeout 20\n    }}\n  }}\n}}\n"
        )
        .unwrap();
    }
    let whole = |table: &str, up: &[&str]| {
        let of_brokers: Vec<_> = table.lines().filter(|line| line.contains(VIP)).collect();
        configuration::is_ipvs_table(&of_brokers.join("\n"), up)
    };
    let director = &stage.director;
    director.start_daemon(Daemon::Stayd, &text)?;
    director.wait_for_ipvs("the whole table", seconds(10), |table| whole(table, &ALL))?;
    // All checks are under way by now, and those of the silent host hang.
    std::thread::sleep(seconds(3));
    stage.listeners.retain(|(address, ..)| *address != "192.168.0.2");
    let left = ["192.168.0.3", "192.168.0.4"];
    let from = lab::now();
    // delay_loop, and one retry a second later.
    stage.director.wait_for_ipvs("a server to leave", seconds(2) + SLACK, |table| whole(table, &left))?;
    println!("out of the table {:?} after its ports were closed", lab::now().saturating_since(from));
    stage.lab.close()
}

#[test]
fn with_check_only_virtual_servers_are_served_and_with_vrrp_only_addresses() -> Result {
    let stage = enter()?;
    let program = Daemon::Stayd.path()?.display().to_string();
    let file = stage.director.write("stayd.conf", &services())?.display().to_string();
    let start = |flag| stage.director.start("stayd", &program, &["-n", "-l", "-G", flag, "-f", &file]);
    let checker = start("-C")?;
    stage.director.wait_for_ipvs("the whole table", seconds(10), whole)?;
    assert_eq!(checker.tree()?.len(), 2);
    checker.stop(seconds(5))?;
    assert!(!stage.director.holds(VIP)?);
    let vrrp = start("-P")?;
    stage.director.wait_for_address(VIP, seconds(8))?;
    assert_eq!(vrrp.tree()?.len(), 2);
    assert_eq!(stage.director.ipvs_table()?, "");
    stage.lab.close()
}

#[test]
fn with_dont_release_ipvs_a_stop_leaves_the_table() -> Result {
    let stage = enter()?;
    let program = Daemon::Stayd.path()?.display().to_string();
    let file = stage.director.write("stayd.conf", &services())?.display().to_string();
    let process = stage.director.start("stayd", &program, &["-n", "-l", "-G", "-I", "-f", &file])?;
    stage.director.wait_for_ipvs("the whole table", seconds(10), whole)?;
    process.stop(seconds(5))?;
    assert!(whole(&stage.director.ipvs_table()?));
    stage.lab.close()
}

/// Virtual servers of every kind; the servers need no check to be there.
const KINDS: &str = "\
virtual_server 192.168.0.10 80 {
  lb_algo rr
  lb_kind NAT
  protocol TCP
  real_server 192.168.0.2 8080 {
    weight 3
    uthreshold 100
    lthreshold 50
  }
  real_server 192.168.0.3 8080 {
    weight 0
    lvs_method DR
  }
}
virtual_server 192.168.0.10 53 {
  lb_algo sh
  sh-port
  sh-fallback
  lb_kind TUN
  protocol UDP
  ops
  real_server 192.168.0.2 53 {
  }
  real_server 192.168.0.3 53 {
    lvs_method TUN type gue port 6080 csum
  }
}
virtual_server 192.168.0.10 0 {
  lb_algo wlc
  lb_kind DR
  protocol TCP
  persistence_timeout 600
  persistence_granularity 255.255.255.0
  real_server 192.168.0.2 0 {
  }
}
virtual_server fwmark 7 {
  lb_algo lblcr
  lb_kind DR
  persistence_timeout 120
  real_server 192.168.0.2 {
  }
}
virtual_server fwmark 8 {
  ip_family inet6
  lb_algo mh
  lb_kind NAT
  real_server fd00::2 80 {
  }
}
virtual_server fd00::10 443 {
  lb_algo sed
  lb_kind DR
  protocol TCP
  persistence_timeout
  persistence_granularity 64
  real_server fd00::2 443 {
    weight 2
  }
  real_server fd00::3 443 {
  }
}
virtual_server_group pool {
  192.168.0.12 80
  192.168.0.13-15 81
  fwmark 9
}
virtual_server group pool {
  lb_algo nq
  lb_kind DR
  protocol TCP
  real_server 192.168.0.4 80 {
    inhibit_on_failure
  }
}
virtual_server_group translated {
  192.168.0.16 80
  192.168.0.17 82
}
virtual_server group translated {
  lb_algo rr
  lb_kind NAT
  protocol TCP
  real_server 192.168.0.3 {
  }
  real_server 192.168.0.4 8080 {
  }
}
virtual_server 192.168.0.10 5060 {
  lb_algo wrr
  lb_kind DR
  protocol SCTP
  alpha
  sorry_server 192.168.0.4 5060
  real_server 192.168.0.2 5060 {
    TCP_CHECK {
    }
  }
}
";

#[test]
fn the_table_of_every_kind_of_service_is_the_one_that_keepalived_makes() -> Result {
    let stage = enter()?;
    stage.director.sysctl("ipv6/conf/eth0/disable_ipv6", "0")?;
    stage.director.add_address("eth0", "fd00::20/64")?;
    let mut tables = Vec::new();
    for daemon in [Daemon::Keepalived, Daemon::Stayd] {
        let process = stage.director.start_daemon(daemon, KINDS)?;
        // keepalived adds the sorry server once the first check has failed.
        stage.director.wait_for_ipvs("all services", seconds(10), |table| {
            table.matches("-A ").count() == 14 && table.contains("-r 192.168.0.4:5060")
        })?;
        std::thread::sleep(seconds(1));
        tables.push(stage.director.check("ipvsadm", &["-L", "-n", "--thresholds"])?);
        tables.push(stage.director.ipvs_table()?);
        process.stop(seconds(5))?;
        assert_eq!(stage.director.ipvs_table()?, "", "{} cleans up", daemon.name());
    }
    println!("{}", tables[3]);
    assert_eq!(lines(&tables[3]), lines(&tables[1]));
    assert_eq!(lines(&tables[2]), lines(&tables[0]));
    stage.lab.close()
}

#[test]
fn the_plan_s_laws_hold_on_the_real_kernel() -> Result {
    let lab = Lab::with_ipvs()?;
    let lan = lab.lan("lan")?;
    let director = lab.director("d1")?;
    director.connect(&lan, "eth0", &["192.168.0.20/24"])?;
    let program = Daemon::Stayd.path()?.with_file_name("examples/kernel_script").display().to_string();
    let output = director.run_for(&program, &["2026", "300"], seconds(120))?;
    println!("{}{}", output.stdout, output.stderr);
    assert_eq!(output.exit, Some(ExitView::Code(0)));
    assert!(output.stdout.contains("no difference"));
    // The same with reloads, health, draining, crashes and failures.
    let program = Daemon::Stayd.path()?.with_file_name("examples/kernel_lives").display().to_string();
    let output = director.run_for(&program, &["2026", "1500"], seconds(120))?;
    println!("{}{}", output.stdout, output.stderr);
    assert_eq!(output.exit, Some(ExitView::Code(0)));
    lab.close()
}
