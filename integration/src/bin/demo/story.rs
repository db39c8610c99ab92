//! The story, and what is to be expected of each of its events.

use std::thread::sleep;
use std::time::Duration;

use clock::Instant;
use lab::pair::{BROKERS, INTERVAL, Pair, Role, VIP};
use lab::wait::seconds;
use lab::{AmqpClient, Daemon, Host, Lab, Process, RabbitCluster, Result, configuration, now};

use crate::report::Report;

/// What a busy machine may add to a takeover.
const SLACK: Duration = Duration::from_millis(500);

/// The longest that a failure of a broker stays unseen: delay_loop, then `retry` attempts delay_before_retry apart; and
/// what a busy machine may add in a guest, where each look at the table takes its time too.
const DETECTION: Duration = Duration::from_secs(6 + 3 * 3 + 1);

/// The client notices after a second at most that a connection is of no use, and an attempt to connect that came too
/// early costs it another one.
const RECONNECTION: Duration = Duration::from_secs(2);

/// Long enough to see a late consequence of an event.
const AFTERMATH: Duration = Duration::from_secs(2);

/// All that takes part.
struct Scene {
    start: Instant,
    daemon: Daemon,
    pair: Pair,
    cluster: RabbitCluster,
    client: AmqpClient,
    master: Process,
    report: Report,
}

/// Tells the story with this daemon on the directors.
pub fn tell(daemon: Daemon) -> Result<Report> {
    let lab = Lab::with_ipvs()?;
    let mut scene = Scene::set(&lab, daemon)?;
    scene.a_broker_stops()?;
    scene.the_master_dies()?;
    scene.the_master_comes_back()?;
    scene.the_master_is_stopped()?;
    let report = scene.count()?;
    lab.close()?;
    Ok(report)
}

impl Scene {
    fn set(lab: &Lab, daemon: Daemon) -> Result<Self> {
        let start = now();
        let kernel =
            if lab.has_guest() { "an embedded Linux 6.1 (this kernel has no IPVS)" } else { "this kernel" };
        say(start, &format!("Two directors, d1 and d2, with {} on {kernel}; VIP {VIP}.", daemon.name()));
        let pair = Pair::build(lab)?;
        let brokers = pair.add_brokers(lab, daemon)?;
        let host = pair.add_client(lab)?;
        let (first, second) =
            (configuration::rabbit(Role::Master, daemon), configuration::rabbit(Role::Backup, daemon));
        let (master, _) = pair.start((daemon, &first), (daemon, &second))?;
        say(start, "d1 is master. Three RabbitMQ nodes, mq1 to mq3, start and form a cluster.");
        let cluster = RabbitCluster::start(&brokers)?;
        let shown = table(&pair.master, &up(None))?;
        table(&pair.backup, &up(None))?;
        say(start, "Both directors have found them. The IPVS table of d1:");
        show(&shown);
        let client = AmqpClient::start(&host, &format!("{VIP}:5672"))?;
        client.wait_for_service(now(), seconds(20))?;
        say(start, "The client publishes (with confirms) and consumes through the VIP, and will not pause.");
        sleep(AFTERMATH);
        Ok(Self { start, daemon, pair, cluster, client, master, report: Report::default() })
    }

    fn a_broker_stops(&mut self) -> Result {
        let name = self.cluster.last_to_accept("192.168.0.100")?.host().name().to_owned();
        say(
            self.start,
            &format!(
                "{name}, which serves the client, is stopped. The directors notice after delay_loop and"
            ),
        );
        say(self.start, "three retries at most; until then persistence sends the client back to it.");
        let stopped = self.cluster.node(&name)?.stop()?;
        let shown = table(&self.pair.master, &up(Some(&name)))?;
        let gone = now();
        say(self.start, &format!("{name} has left the table:"));
        show(&shown);
        self.aftermath("stopping a broker: without service", stopped, gone, DETECTION + RECONNECTION)?;
        self.report.within("  until it has left the table", DETECTION, gone.saturating_since(stopped));

        say(self.start, &format!("{name} is started again."));
        let started = now();
        self.cluster.node(&name)?.restart()?;
        let running = now();
        table(&self.pair.master, &up(None))?;
        let back = now();
        say(self.start, &format!("{name} is up, and back in the table."));
        self.aftermath("starting it again: without service", started, back, RECONNECTION)?;
        self.report.within("  from up to back in the table", DETECTION, back.saturating_since(running));
        Ok(())
    }

    fn the_master_dies(&mut self) -> Result {
        say(self.start, "d1 dies: all its processes are killed at once, and its cable is dead.");
        let died = now();
        self.pair.master.power_off()?;
        let takeover = self.pair.takeover(&self.pair.master, &self.pair.backup, died)?;
        say(self.start, "d2 has taken over, and the client goes on. Its IPVS table:");
        show(&table(&self.pair.backup, &up(None))?);
        let limit = Role::Backup.master_down_interval() + SLACK;
        self.aftermath("death of the master: without service", died, takeover.at, limit + RECONNECTION)?;
        self.report.within("  last advert to VIP announced", limit, takeover.after_last_advert);
        Ok(())
    }

    fn the_master_comes_back(&mut self) -> Result {
        say(self.start, "d1 is switched on again.");
        let on = now();
        self.pair.master.power_on()?;
        let text = configuration::rabbit(Role::Master, self.daemon);
        self.master = self.pair.master.start_daemon(self.daemon, &text)?;
        let takeover = self.pair.takeover(&self.pair.backup, &self.pair.master, on)?;
        say(self.start, "d1 is master again.");
        self.pair.backup.wait_for_no_address(VIP, 2 * INTERVAL)?;
        self.aftermath("its return: without service", on, takeover.at, RECONNECTION + SLACK)
    }

    fn the_master_is_stopped(&mut self) -> Result {
        say(self.start, "d1 is stopped as for maintenance.");
        let (stopped, _) = self.master.stop(seconds(10))?;
        let takeover = self.pair.takeover(&self.pair.master, &self.pair.backup, stopped)?;
        say(self.start, "d2 has taken over.");
        let limit = Role::Backup.skew() + SLACK;
        self.aftermath("stopping the master: without service", stopped, takeover.at, limit + RECONNECTION)?;
        self.report.within("  last advert to VIP announced", limit, takeover.after_last_advert);
        Ok(())
    }

    /// Waits until the client is served again, and a while longer, and measures the worst since the event.
    fn aftermath(&mut self, what: &str, event: Instant, consequence: Instant, limit: Duration) -> Result {
        self.client.wait_for_service(consequence, 2 * limit)?;
        sleep(AFTERMATH);
        let measured = self.client.journal()?.without_service(event, now());
        say(self.start, &format!("The client was without service for {:.2} s.", measured.as_secs_f64()));
        self.report.within(what, limit, measured);
        Ok(())
    }

    fn count(mut self) -> Result<Report> {
        say(self.start, "The client stops, and fetches what is left in the queue.");
        let journal = self.client.stop()?;
        self.report.at_least("messages confirmed", 500, journal.confirmed());
        self.report.exactly("messages confirmed and lost", 0, journal.lost().len());
        say(
            self.start,
            &format!("{} messages came twice, as after a failure they may.", journal.duplicates()),
        );
        Ok(self.report)
    }
}

/// The brokers' addresses, without that of `down`.
fn up(down: Option<&str>) -> Vec<&'static str> {
    BROKERS.into_iter().filter(|(name, _)| Some(*name) != down).map(|(_, address)| address).collect()
}

/// Waits until a director's IPVS table has just these brokers, and returns it.
fn table(director: &Host, up: &[&str]) -> Result<String> {
    let what = format!("the IPVS table of {} to have {up:?}", director.name());
    director.wait_for_ipvs(&what, seconds(30), |table| configuration::is_ipvs_table(table, up))
}

fn say(start: Instant, what: &str) {
    println!("[{:6.1} s] {what}", now().saturating_since(start).as_secs_f64());
}

fn show(table: &str) {
    for line in table.lines() {
        println!("             {line}");
    }
}
