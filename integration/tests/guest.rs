//! The embedded kernel, or this one where it has IPVS: the line to it, its IPVS, and a daemon that programs it.

use std::time::Duration;

use lab::pair::{BROKERS, PORTS, Pair, Role, VIP};
use lab::wait::seconds;
use lab::{Daemon, Host, Lab, Listener, Result, configuration};

/// What a busy machine may add in a guest, where each look at the table takes its time too.
const SLACK: Duration = Duration::from_secs(2);

/// All brokers' addresses.
const ALL: [&str; 3] = [BROKERS[0].1, BROKERS[1].1, BROKERS[2].1];

/// A megabyte of everything that a terminal would have its own ideas about.
fn awkward_text() -> String {
    let controls: String = (0..=0x9f).filter_map(char::from_u32).collect();
    format!("{controls}äöü漢字\u{10ffff}\r\n\\\"").chars().cycle().take(1 << 20).collect()
}

#[test]
fn the_line_to_the_directors_kernel_loses_no_byte_of_a_megabyte_each_way() -> Result {
    let lab = Lab::with_ipvs()?;
    let director = lab.director("d1")?;
    let text = awkward_text();
    for _ in 0..3 {
        let start = std::time::Instant::now();
        let again = director.echo(&text)?;
        println!(
            "{} characters there and back in {:.2} s",
            text.chars().count(),
            start.elapsed().as_secs_f64()
        );
        assert!(again == text, "what comes back is what was sent");
    }
    lab.close()
}

#[test]
fn a_director_has_ipvs_with_every_scheduler() -> Result {
    let lab = Lab::with_ipvs()?;
    let director = lab.director("d1")?;
    for (n, scheduler) in
        ["rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh", "sh", "sed", "nq", "fo", "ovf", "mh"]
            .iter()
            .enumerate()
    {
        director.check("ipvsadm", &["-A", "-t", &format!("192.0.2.1:{}", 100 + n), "-s", scheduler])?;
    }
    assert_eq!(director.ipvs_table()?.lines().count(), 13);
    lab.close()
}

#[test]
fn frames_pass_between_a_director_and_a_native_host_in_both_directions() -> Result {
    let lab = Lab::with_ipvs()?;
    let lan = lab.lan("lan")?;
    let (director, host) = (lab.director("d1")?, lab.host("h1")?);
    director.connect(&lan, "eth0", &["192.168.0.20/24"])?;
    host.connect(&lan, "eth0", &["192.168.0.2/24"])?;
    host.check("ping", &["-c", "3", "-i", "0.2", "192.168.0.20"])?;
    director.check("ping", &["-c", "3", "-i", "0.2", "192.168.0.2"])?;
    director.silence("eth0")?;
    assert!(
        host.check("ping", &["-c", "1", "-W", "1", "192.168.0.20"]).is_err(),
        "a silent host is not heard"
    );
    lab.close()
}

/// A service for health checks on each broker and port.
fn listen(brokers: &[(Host, &str)]) -> Result<Vec<(String, u16, Listener)>> {
    let mut listeners = Vec::new();
    for (host, _) in brokers {
        for port in PORTS {
            listeners.push((host.name().to_owned(), port, host.listen(port)?));
        }
    }
    Ok(listeners)
}

/// The configuration of the pair with checks in quick succession.
fn quick(role: Role, daemon: Daemon) -> String {
    configuration::rabbit(role, daemon)
        .replace("delay_loop 6", "delay_loop 1")
        .replace("delay_before_retry 3", "delay_before_retry 1")
}

fn keeps_the_table_as_the_servers_health_is(daemon: Daemon) -> Result {
    let lab = Lab::with_ipvs()?;
    let pair = Pair::build(&lab)?;
    let brokers = pair.add_brokers(&lab, daemon)?;
    let mut listeners = listen(&brokers)?;
    let (first, _) =
        pair.start((daemon, &quick(Role::Master, daemon)), (daemon, &quick(Role::Backup, daemon)))?;
    for director in [&pair.master, &pair.backup] {
        director.wait_for_ipvs("both services with all servers", seconds(10), |table| {
            configuration::is_ipvs_table(table, &ALL)
        })?;
    }

    listeners.retain(|(host, ..)| host != "mq2");
    let left = ["192.168.0.2", "192.168.0.4"];
    // delay_loop, then 3 retries a second apart.
    let limit = seconds(1 + 3) + SLACK;
    pair.master.wait_for_ipvs("mq2 to be gone", limit, |table| configuration::is_ipvs_table(table, &left))?;
    let again = listen(brokers.get(1..2).unwrap_or_default())?;
    pair.master.wait_for_ipvs("mq2 to be back", seconds(1) + SLACK, |table| {
        configuration::is_ipvs_table(table, &ALL)
    })?;

    first.kill()?;
    assert!(
        configuration::is_ipvs_table(&pair.master.ipvs_table()?, &ALL),
        "a killed director's kernel goes on as it was"
    );
    assert!(pair.master.holds(VIP)?);
    drop((listeners, again));
    lab.close()
}

#[test]
fn keepalived_keeps_the_table_as_the_servers_health_is() -> Result {
    keeps_the_table_as_the_servers_health_is(Daemon::Keepalived)
}

#[test]
fn stayd_keeps_the_table_as_the_servers_health_is() -> Result {
    keeps_the_table_as_the_servers_health_is(Daemon::Stayd)
}

fn takes_its_services_away_when_it_is_stopped(daemon: Daemon) -> Result {
    let lab = Lab::with_ipvs()?;
    let pair = Pair::build(&lab)?;
    let brokers = pair.add_brokers(&lab, daemon)?;
    let listeners = listen(&brokers)?;
    let director = pair.master.start_daemon(daemon, &quick(Role::Master, daemon))?;
    pair.master
        .wait_for_ipvs("both services", seconds(10), |table| configuration::is_ipvs_table(table, &ALL))?;
    director.stop(seconds(5))?;
    assert_eq!(pair.master.ipvs_table()?, "");
    drop(listeners);
    lab.close()
}

#[test]
fn keepalived_takes_its_services_away_when_it_is_stopped() -> Result {
    takes_its_services_away_when_it_is_stopped(Daemon::Keepalived)
}

#[test]
fn stayd_takes_its_services_away_when_it_is_stopped() -> Result {
    takes_its_services_away_when_it_is_stopped(Daemon::Stayd)
}
