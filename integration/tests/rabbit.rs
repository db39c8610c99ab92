//! RabbitMQ behind the directors, with a client that never pauses.

use std::thread::sleep;
use std::time::Duration;

use lab::client::Journal;
use lab::pair::{BROKERS, Pair, Role, VIP};
use lab::wait::seconds;
use lab::{AmqpClient, Daemon, Host, Lab, RabbitCluster, Result, configuration, now, wait};

/// delay_loop, then `retry` attempts delay_before_retry apart, and what a busy machine may add in a guest.
const DETECTION: Duration = Duration::from_secs(6 + 3 * 3 + 1);

fn a_killed_broker_and_a_stopped_director(daemon: Daemon) -> Result {
    let lab = Lab::with_ipvs()?;
    let pair = Pair::build(&lab)?;
    let brokers = pair.add_brokers(&lab, daemon)?;
    let host = pair.add_client(&lab)?;
    let text = |role| configuration::rabbit(role, daemon);
    let (master, _) = pair.start((daemon, &text(Role::Master)), (daemon, &text(Role::Backup)))?;
    // The brokers come last, so that a full table means that every check has succeeded once: at the start of a daemon a
    // single failure counts, later all retries do.
    let cluster = RabbitCluster::start(&brokers)?;
    let all = BROKERS.map(|broker| broker.1);
    for director in [&pair.master, &pair.backup] {
        director.wait_for_ipvs("all brokers to be there", DETECTION, |table| {
            configuration::is_ipvs_table(table, &all)
        })?;
    }
    let client = AmqpClient::start(&host, &format!("{VIP}:5672"))?;
    let flowing = |journal: &Journal| journal.confirmed() > 100 && journal.lost().len() < 10;
    wait::until("a steady flow of messages", seconds(20), || client.journal(), flowing)?;

    // The broker saw the client itself: direct routing translates no address.
    let serving = cluster.last_to_accept("192.168.0.100")?;
    let line = serving.accepted()?.pop().unwrap_or_default();
    println!("{}: {line}", serving.host().name());
    assert!(line.contains(&format!("-> {VIP}:5672")), "the broker accepted it at the VIP: {line}");

    let killed = serving.kill()?;
    let name = serving.host().name();
    let left: Vec<&str> = BROKERS.iter().filter(|broker| broker.0 != name).map(|broker| broker.1).collect();
    pair.master.wait_for_ipvs("the killed broker to be gone", DETECTION, |table| {
        configuration::is_ipvs_table(table, &left)
    })?;
    let gone = now();
    println!("killed {name}: out of the table after {:.2} s", gone.saturating_since(killed).as_secs_f64());
    client.wait_for_service(gone, seconds(10))?;

    let (stopped, _) = master.stop(seconds(10))?;
    let takeover = pair.takeover(&pair.master, &pair.backup, stopped)?;
    client.wait_for_service(takeover.at, seconds(10))?;
    sleep(seconds(1));

    let journal = client.stop()?;
    println!(
        "without service: {:.2} s for the killed broker, {:.2} s for the stopped director; {} messages confirmed, {} twice",
        journal.without_service(killed, stopped).as_secs_f64(),
        journal.without_service(stopped, takeover.at).as_secs_f64(),
        journal.confirmed(),
        journal.duplicates(),
    );
    assert_eq!(journal.lost(), Vec::<u64>::new(), "every confirmed message is consumed in the end");
    lab.close()
}

#[test]
fn with_keepalived_no_confirmed_message_is_lost_to_a_killed_broker_or_a_stopped_director() -> Result {
    a_killed_broker_and_a_stopped_director(Daemon::Keepalived)
}

#[test]
fn with_stayd_no_confirmed_message_is_lost_to_a_killed_broker_or_a_stopped_director() -> Result {
    a_killed_broker_and_a_stopped_director(Daemon::Stayd)
}

/// A service for each of these checks of one broker, at the ports from 1000 on.
fn checked(checks: &[&str]) -> String {
    let service = |(port, check): (u16, &&str)| {
        format!(
            "virtual_server 192.168.0.10 {port} {{\nlb_algo rr\nlb_kind NAT\nprotocol TCP\ndelay_loop 1\nwarmup 1\n\
             retry 1\ndelay_before_retry 1\nconnect_timeout 2\nreal_server 192.168.0.2 5672 {{\n{check}\n}}\n}}\n"
        )
    };
    (1000..).zip(checks).map(service).collect()
}

/// Which of these services have a server.
fn served(director: &Host, services: usize) -> Result<Vec<bool>> {
    let table = director.ipvs_table()?;
    let port = |number: usize| format!("-a -t 192.168.0.10:{} ", 1000 + number);
    Ok((0..services).map(|number| table.contains(&port(number))).collect())
}

#[test]
fn a_broker_that_takes_connections_and_does_not_serve_is_down_for_those_who_speak_with_it() -> Result {
    let lab = Lab::with_ipvs()?;
    let lan = lab.lan("lan")?;
    let director = lab.director("d1")?;
    director.connect(&lan, "eth0", &["192.168.0.20/24"])?;
    let broker = lab.host("rabbit1")?;
    broker.connect(&lan, "eth0", &["192.168.0.2/24"])?;
    let mut cluster = RabbitCluster::start(&[(broker, "192.168.0.2")])?;
    // Those that have to be up start as down, and the other way round.
    let checks = [
        "TCP_CHECK {\nalpha\n}",
        "AMQP_CHECK {\nalpha\n}",
        "AMQP_CHECK {\nalpha\namqp_user guest\namqp_password guest\namqp_vhost /\n}",
        "AMQP_CHECK {\namqp_password wrong\n}",
        "AMQP_CHECK {\namqp_vhost none\n}",
    ];
    let process = director.start_daemon(Daemon::Stayd, &checked(&checks))?;
    let wait_for = |what: &str, wanted: [bool; 5]| {
        let waited =
            wait::until(what, seconds(60), || served(&director, checks.len()), |found| *found == wanted);
        if waited.is_err() {
            println!("{}", process.log().unwrap_or_default());
        }
        waited
    };
    wait_for("a broker that serves, and refuses", [true, true, true, false, false])?;
    for code in [403, 530] {
        process.wait_for_log(&format!("the broker closed the connection with code {code}"), seconds(20))?;
    }
    // With an alarm a broker takes no messages, but still hands them out: it stays in.
    let broker = cluster.node("rabbit1")?;
    broker.control(&["set_vm_memory_high_watermark", "0.00001"])?;
    wait::until(
        "the alarm",
        seconds(60),
        || broker.log(),
        |log| log.contains("memory resource limit alarm set"),
    )?;
    let logins = || Ok(broker.log()?.matches("authenticated and granted access").count());
    let before = logins()?;
    wait::until("checks during the alarm", seconds(60), logins, |logins| *logins >= before + 3)?;
    assert_eq!(served(&director, checks.len())?, [true, true, true, false, false], "{}", process.log()?);
    broker.control(&["set_vm_memory_high_watermark", "0.4"])?;
    // The node runs on, and the broker in it does not.
    broker.control(&["stop_app"])?;
    wait_for("a node without its broker", [false; 5])?;
    broker.control(&["start_app"])?;
    wait_for("a broker that serves again", [true, true, true, false, false])?;
    cluster.node("rabbit1")?.freeze()?;
    wait_for("a broker that is only a port", [true, false, false, false, false])?;
    process.wait_for_log("timed out", seconds(20))?;
    lab.close()
}
