//! RabbitMQ behind the directors, with a client that never pauses.

use std::thread::sleep;
use std::time::Duration;

use lab::client::Journal;
use lab::pair::{BROKERS, Pair, Role, VIP};
use lab::wait::seconds;
use lab::{AmqpClient, Daemon, Lab, RabbitCluster, Result, configuration, now, wait};

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
