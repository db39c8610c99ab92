//! The daemon's processes, VRRP only and in real time: what signals, crashes, stalls and reloads do to a master, seen from
//! its peers and its kernel.

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::time::Duration;

use clock::Instant;
use lab::pair::{INTERVAL, Pair, Role, VIP, vip};
use lab::site::ExitView;
use lab::wait::{self, seconds};
use lab::{Daemon, Host, Lab, Process, Result, configuration, now};
use nix::sys::signal::Signal;

/// What a busy machine may add.
const SLACK: Duration = Duration::from_millis(500);

/// A pair of stayd, with the first as master.
struct Stage {
    lab: Lab,
    pair: Pair,
    master: Process,
    backup: Process,
}

fn enter() -> Result<Stage> {
    let lab = Lab::native()?;
    let pair = Pair::build(&lab)?;
    let text = |role| configuration::vrrp(role, 2);
    let (master, backup) =
        pair.start((Daemon::Stayd, &text(Role::Master)), (Daemon::Stayd, &text(Role::Backup)))?;
    Ok(Stage { lab, pair, master, backup })
}

fn pid(host: &Host, file: &str) -> Result<String> {
    Ok(host.check("cat", &[&format!("/run/{file}.pid")])?.trim().to_owned())
}

fn kill(host: &Host, signal: &str, pid: &str) -> Result {
    host.check("kill", &[signal, pid]).map(drop)
}

impl Stage {
    /// Waits until the master has sent this many more adverts, and says when the last one was.
    fn adverts(&self, count: usize) -> Result<Instant> {
        let from = now();
        wait::for_some(
            "adverts of the master",
            INTERVAL * 2 * u32::try_from(count).unwrap_or(60) + SLACK,
            || {
                let adverts = self.pair.wire.adverts().into_iter().filter(|advert| advert.at >= from);
                let own: Vec<_> = adverts.filter(|advert| self.pair.master.owns(advert.source)).collect();
                Ok(own.get(count - 1).map(|advert| advert.at))
            },
        )
    }

    /// The longest time between two adverts of the master since `from`.
    fn longest_gap(&self, from: Instant) -> Duration {
        let adverts = self.pair.wire.adverts().into_iter();
        let times: Vec<_> = adverts
            .filter(|advert| advert.at >= from && self.pair.master.owns(advert.source) && advert.priority > 0)
            .map(|advert| advert.at)
            .collect();
        times.windows(2).map(|pair| pair[1].saturating_since(pair[0])).max().unwrap_or(Duration::MAX)
    }

    fn backup_was_silent(&self, from: Instant) -> bool {
        self.pair.wire.first_advert_after(&self.pair.backup, from).is_none()
    }
}

#[test]
fn a_vrrp_process_that_dies_is_replaced_by_one_that_goes_on_as_master() -> Result {
    let stage = enter()?;
    stage.adverts(2)?;
    let from = now();
    let old = pid(&stage.pair.master, "stayd-vrrp")?;
    kill(&stage.pair.master, "-9", &old)?;
    stage.adverts(3)?;
    println!("adverts of a master whose process was killed: {:?} apart at most", stage.longest_gap(from));
    assert!(stage.longest_gap(from) <= INTERVAL + SLACK);
    assert!(stage.backup_was_silent(from), "for the peer nothing has happened");
    assert!(stage.pair.master.holds(VIP)?);
    assert_ne!(pid(&stage.pair.master, "stayd-vrrp")?, old);
    stage.master.wait_for_log("resumed after a restart of the process", seconds(1))?;
    stage.lab.close()
}

#[test]
fn a_backup_that_was_stopped_for_five_seconds_does_not_take_over_when_it_goes_on() -> Result {
    let stage = enter()?;
    stage.adverts(1)?;
    let from = now();
    let process = pid(&stage.pair.backup, "stayd-vrrp")?;
    kill(&stage.pair.backup, "-STOP", &process)?;
    stage.adverts(5)?;
    kill(&stage.pair.backup, "-CONT", &process)?;
    stage.adverts(4)?;
    assert!(stage.backup_was_silent(from));
    assert!(!stage.pair.backup.holds(VIP)?);
    stage.lab.close()
}

#[test]
fn a_master_that_was_stopped_for_five_seconds_wins_again_and_tells_the_neighbours() -> Result {
    let stage = enter()?;
    stage.adverts(1)?;
    let from = now();
    let process = pid(&stage.pair.master, "stayd-vrrp")?;
    kill(&stage.pair.master, "-STOP", &process)?;
    stage.pair.backup.wait_for_address(VIP, Role::Backup.master_down_interval() + SLACK)?;
    let awake = now();
    kill(&stage.pair.master, "-CONT", &process)?;
    stage.pair.backup.wait_for_no_address(VIP, INTERVAL + SLACK)?;
    // The backup had drawn the neighbours to itself. What was sent may not have been read yet.
    let told = || Ok(stage.pair.wire.first_announcement_after(&stage.pair.master, vip(), awake));
    wait::for_some("an announcement of the master", INTERVAL + SLACK, told)?;
    let burst = stage.pair.wire.adverts().into_iter().filter(|advert| {
        advert.at >= awake && advert.at < awake + INTERVAL / 2 && stage.pair.master.owns(advert.source)
    });
    assert!(burst.count() <= 2, "no burst of the adverts that were missed");
    assert!(from < awake);
    stage.lab.close()
}

#[test]
fn an_address_that_somebody_removes_is_put_back_and_announced() -> Result {
    let stage = enter()?;
    stage.adverts(2)?;
    let from = now();
    stage.pair.master.remove_address("eth0", &format!("{VIP}/32"))?;
    stage.pair.master.wait_for_address(VIP, seconds(2))?;
    wait::for_some("the VIP to be announced again", seconds(1), || {
        Ok(stage.pair.wire.first_announcement_after(&stage.pair.master, vip(), from))
    })?;
    stage.adverts(2)?;
    assert!(stage.backup_was_silent(from));
    stage.master.wait_for_log("was removed by somebody else", seconds(1))?;
    stage.lab.close()
}

#[test]
fn a_process_that_lost_notifications_of_the_kernel_looks_for_itself_and_puts_the_address_back() -> Result {
    // More than a socket's queue has room for.
    const FLOOD: &str = "for n in $(seq 5000); do echo link set dev lo mtu 60000; echo link set dev lo mtu 60001; done \
                         | ip -batch -";
    const DROPS: &str =
        "awk 'NR > 1 && $4 != \"00000000\" { sum += $9 } END { print sum + 0 }' /proc/net/netlink";
    let stage = enter()?;
    let host = &stage.pair.master;
    stage.adverts(2)?;
    let from = now();
    let process = pid(host, "stayd-vrrp")?;
    kill(host, "-STOP", &process)?;
    host.check("sh", &["-c", FLOOD])?;
    host.remove_address("eth0", &format!("{VIP}/32"))?;
    let dropped: u64 = host.check("sh", &["-c", DROPS])?.trim().parse().unwrap_or_default();
    kill(host, "-CONT", &process)?;
    assert!(dropped > 0, "the queue did not overflow");
    host.wait_for_address(VIP, seconds(2))?;
    wait::for_some("the VIP to be announced again", seconds(1), || {
        Ok(stage.pair.wire.first_announcement_after(host, vip(), from))
    })?;
    stage.master.wait_for_log("was removed by somebody else", seconds(1))?;
    stage.adverts(2)?;
    // And what comes after is heard again.
    host.remove_address("eth0", &format!("{VIP}/32"))?;
    host.wait_for_address(VIP, seconds(2))?;
    stage.lab.close()
}

#[test]
fn a_reload_adds_and_removes_addresses_without_a_late_advert_or_a_change_of_state() -> Result {
    let stage = enter()?;
    let from = stage.adverts(1)?;
    let file = stage.pair.master.folder().join("stayd.conf");
    let text = configuration::vrrp(Role::Master, 2);
    let more = text.replace(VIP, "192.168.0.10\n    192.168.0.11");
    fs::write(&file, &more).map_err(|error| lab::Error::Story(error.to_string()))?;
    stage.master.signal(Signal::SIGHUP)?;
    stage.pair.master.wait_for_address("192.168.0.11", seconds(2))?;
    assert!(stage.pair.master.holds(VIP)?);
    fs::write(&file, &text).map_err(|error| lab::Error::Story(error.to_string()))?;
    stage.master.signal(Signal::SIGHUP)?;
    stage.pair.master.wait_for_no_address("192.168.0.11", seconds(2))?;
    assert!(stage.pair.master.holds(VIP)?);
    stage.adverts(2)?;
    println!("adverts over two reloads: {:?} apart at most", stage.longest_gap(from));
    assert!(stage.longest_gap(from) <= INTERVAL + SLACK);
    assert!(stage.backup_was_silent(from));
    assert_eq!(stage.master.log()?.matches("-> MASTER").count(), 1);
    stage.lab.close()
}

#[test]
fn a_reload_that_keepalived_would_die_of_is_refused_and_nothing_changes() -> Result {
    let stage = enter()?;
    let from = stage.adverts(1)?;
    let file = stage.pair.master.folder().join("stayd.conf");
    let text = configuration::vrrp(Role::Master, 2);
    for broken in [text.replace("virtual_router_id 1", "virtual_router_id 0"), text.replace("eth0", "eth7")] {
        let refused = stage.master.log()?.matches("reload refused").count();
        fs::write(&file, broken).map_err(|error| lab::Error::Story(error.to_string()))?;
        stage.master.signal(Signal::SIGHUP)?;
        stage.master.wait_until_log("another refusal", seconds(2), |log| {
            log.matches("reload refused").count() > refused
        })?;
    }
    stage.adverts(2)?;
    assert!(stage.longest_gap(from) <= INTERVAL + SLACK);
    assert!(stage.backup_was_silent(from));
    assert!(stage.pair.master.holds(VIP)?);
    stage.lab.close()
}

#[test]
fn signals_that_keepalived_answers_with_dumps_end_no_process() -> Result {
    let stage = enter()?;
    let tree = stage.master.tree()?;
    assert_eq!(tree.len(), 2, "the parent and the VRRP process");
    for signal in ["-USR1", "-USR2", "-36", "-37", "-63"] {
        for process in &tree {
            kill(&stage.pair.master, signal, &process.to_string())?;
        }
    }
    kill(&stage.pair.master, "-HUP", &tree[1].to_string())?;
    stage.adverts(2)?;
    assert_eq!(stage.master.tree()?, tree);
    stage.lab.close()
}

#[test]
fn a_stop_is_clean_and_takes_the_pid_files_along() -> Result {
    let stage = enter()?;
    stage.adverts(1)?;
    for file in ["stayd", "stayd-vrrp"] {
        let pid = pid(&stage.pair.master, file)?;
        let arguments = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let arguments = String::from_utf8_lossy(&arguments).replace('\0', " ");
        assert!(arguments.contains("-n -l -D -G -f"), "{file} keeps its arguments: {arguments}");
        let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        assert_eq!(name, "stayd\n");
    }
    let (_, exit) = stage.master.stop(seconds(5))?;
    assert_eq!(exit, ExitView::Code(0));
    assert!(!stage.pair.master.holds(VIP)?);
    let left = stage.pair.master.check("find", &["/run", "-name", "stayd*"])?;
    assert_eq!(left, "");
    assert_eq!(stage.master.tree()?, Vec::<u32>::new());
    stage.lab.close()
}

#[test]
fn a_vrrp_process_whose_parent_is_killed_releases_its_addresses() -> Result {
    let stage = enter()?;
    stage.adverts(1)?;
    let killed = now();
    let child = stage.master.tree()?[1];
    kill(&stage.pair.master, "-9", &stage.master.pid().to_string())?;
    stage.pair.master.wait_for_no_address(VIP, seconds(2))?;
    let takeover = stage.pair.takeover(&stage.pair.master, &stage.pair.backup, killed)?;
    assert!(takeover.after_last_advert <= Role::Backup.skew() + SLACK, "it said goodbye: {takeover:?}");
    let path = format!("/proc/{child}");
    wait::until("the child to end", seconds(2), || Ok(Path::new(&path).exists()), |there| !there)?;
    stage.lab.close()
}

#[test]
fn with_dont_release_vrrp_a_stop_leaves_the_addresses_and_says_nothing() -> Result {
    let lab = Lab::native()?;
    let pair = Pair::build(&lab)?;
    let program = Daemon::Stayd.path()?.display().to_string();
    let file = pair.master.write("stayd.conf", &configuration::vrrp(Role::Master, 2))?.display().to_string();
    let process = pair.master.start("stayd", &program, &["-n", "-l", "-G", "-V", "-f", &file])?;
    pair.master.wait_for_address(VIP, seconds(6))?;
    process.stop(seconds(5))?;
    assert!(pair.master.holds(VIP)?);
    assert!(pair.wire.adverts().iter().all(|advert| advert.priority != 0));
    lab.close()
}

#[test]
fn a_second_daemon_with_the_same_pid_file_says_so_and_ends_with_0_as_keepalived_does() -> Result {
    let stage = enter()?;
    let second = stage.pair.master.start_daemon(Daemon::Stayd, &configuration::vrrp(Role::Master, 2))?;
    assert_eq!(second.wait_for_exit(seconds(2))?, ExitView::Code(0));
    stage.adverts(2)?;
    assert_eq!(stage.master.status()?, None, "the first goes on");
    stage.lab.close()
}

#[test]
fn a_stale_pid_file_keeps_nobody_from_starting() -> Result {
    let stage = enter()?;
    stage.backup.kill()?;
    let number = pid(&stage.pair.backup, "stayd")?;
    assert_eq!(number, stage.backup.pid().to_string(), "a killed daemon leaves its file");
    let again = stage.pair.backup.start_daemon(Daemon::Stayd, &configuration::vrrp(Role::Backup, 2))?;
    let own = again.pid().to_string();
    wait::until("its own number", seconds(2), || pid(&stage.pair.backup, "stayd"), |number| *number == own)?;
    stage.lab.close()
}

#[test]
fn without_dont_fork_the_daemon_goes_to_the_background() -> Result {
    let lab = Lab::native()?;
    let pair = Pair::build(&lab)?;
    let program = Daemon::Stayd.path()?.display().to_string();
    let file = pair.master.write("stayd.conf", &configuration::vrrp(Role::Master, 2))?.display().to_string();
    pair.master.check(&program, &["-G", "-f", &file])?;
    pair.master.wait_for_address(VIP, seconds(6))?;
    let parent = pid(&pair.master, "keepalived")?;
    kill(&pair.master, "-TERM", &parent)?;
    pair.master.wait_for_no_address(VIP, seconds(3))?;
    lab.close()
}

#[test]
fn systemd_is_told_of_the_start_the_reload_and_the_stop() -> Result {
    let lab = Lab::native()?;
    let pair = Pair::build(&lab)?;
    let program = Daemon::Stayd.path()?.display().to_string();
    let file = pair.master.write("stayd.conf", &configuration::vrrp(Role::Master, 2))?.display().to_string();
    let path = pair.master.folder().join("notify");
    let story = |error: std::io::Error| lab::Error::Story(error.to_string());
    let socket = UnixDatagram::bind(&path).map_err(story)?;
    socket.set_read_timeout(Some(seconds(6))).map_err(story)?;
    let expect = |wanted: &[&str]| -> Result {
        for wanted in wanted {
            loop {
                let mut buffer = [0; 512];
                let length = socket.recv(&mut buffer).map_err(story)?;
                let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
                println!("{text:?}");
                if text.starts_with(wanted) {
                    break;
                }
                assert!(text.starts_with("STATUS="), "{text:?} instead of {wanted}");
            }
        }
        Ok(())
    };
    let environment = [("NOTIFY_SOCKET", path.to_str().unwrap_or_default())];
    let process =
        pair.master.start_with("stayd", &program, &["-n", "-l", "-G", "-f", &file], &environment)?;
    expect(&["READY=1", "STATUS=VI_1 MASTER"])?;
    process.signal(Signal::SIGHUP)?;
    expect(&["RELOADING=1\nMONOTONIC_USEC=", "READY=1"])?;
    process.signal(Signal::SIGTERM)?;
    expect(&["STOPPING=1"])?;
    lab.close()
}

#[test]
fn an_interface_that_is_deleted_and_made_anew_serves_again() -> Result {
    let lab = Lab::native()?;
    let host = lab.host("d1")?;
    let make = || -> Result {
        host.check("ip", &["link", "add", "lan0", "type", "veth", "peer", "name", "lan1"])?;
        host.check("ip", &["addr", "add", "10.9.0.1/24", "dev", "lan0"])?;
        host.check("ip", &["link", "set", "lan1", "up"])?;
        host.check("ip", &["link", "set", "lan0", "up"]).map(drop)
    };
    make()?;
    let text = configuration::vrrp(Role::Master, 2).replace("eth0", "lan0").replace(VIP, "10.9.0.10");
    let process = host.start_daemon(Daemon::Stayd, &text)?;
    host.wait_for_address("10.9.0.10", seconds(6))?;
    host.check("ip", &["link", "del", "lan0"])?;
    process.wait_for_log("MASTER -> FAULT", seconds(2))?;
    make()?;
    process.wait_for_log("FAULT -> BACKUP", seconds(2))?;
    host.wait_for_address("10.9.0.10", seconds(6))?;
    lab.close()
}

#[test]
fn a_weighted_interface_that_goes_down_hands_the_addresses_over() -> Result {
    let lab = Lab::native()?;
    let pair = Pair::build(&lab)?;
    let uplink = lab.lan("uplink")?;
    pair.master.connect(&uplink, "eth1", &["10.8.0.1/24"])?;
    let track = "interface eth0\n  track_interface {\n    eth1 weight -20\n  }";
    let text = configuration::vrrp(Role::Master, 2).replace("interface eth0", track);
    let backup = configuration::vrrp(Role::Backup, 2);
    let (master, _) = pair.start((Daemon::Stayd, &text), (Daemon::Stayd, &backup))?;
    pair.master.cut("eth1")?;
    pair.backup.wait_for_address(VIP, INTERVAL + Role::Backup.master_down_interval() + SLACK)?;
    pair.master.wait_for_no_address(VIP, INTERVAL + SLACK)?;
    master.wait_for_log("effective priority 100 -> 80", seconds(1))?;
    pair.master.heal("eth1")?;
    pair.master.wait_for_address(VIP, INTERVAL + Role::Master.master_down_interval() + SLACK)?;
    lab.close()
}
