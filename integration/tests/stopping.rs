//! How long a director with 300 virtual servers of 100 real servers each takes to stop: supervisors allow 5 s.

use std::time::Duration;

use lab::site::ExitView;
use lab::wait::seconds;
use lab::{Daemon, Lab, Result, configuration};

const SERVICES: usize = 300;
const SERVERS: usize = 100;

/// What supervisors allow before they kill (Neutron's l3-agent).
const ALLOWED: Duration = Duration::from_secs(5);

#[test]
fn thirty_thousand_real_servers_are_removed_in_the_time_that_supervisors_allow() -> Result {
    let lab = Lab::with_ipvs()?;
    let lan = lab.lan("lan")?;
    let director = lab.director("d1")?;
    director.connect(&lan, "eth0", &["192.168.0.20/24"])?;
    let text = configuration::many([SERVICES, SERVERS], "", "");
    let mut times = Vec::new();
    for daemon in [Daemon::Keepalived, Daemon::Stayd] {
        let process = director.start_daemon(daemon, &text)?;
        director.wait_for_ipvs("all servers", seconds(240), |table| {
            table.lines().filter(|line| line.starts_with("-a")).count() == SERVICES * SERVERS
        })?;
        let begin = std::time::Instant::now();
        let (_, exit) = process.stop(seconds(120))?;
        let took = begin.elapsed();
        println!(
            "{}: {SERVICES} x {SERVERS} real servers, stopped after {:.2} s",
            daemon.name(),
            took.as_secs_f64()
        );
        assert_eq!(exit, ExitView::Code(0), "{}", daemon.name());
        let left = director.ipvs_table()?.lines().filter(|line| line.starts_with("-A")).count();
        println!("{}: {left} virtual servers are left", daemon.name());
        times.push(took);
        if daemon == Daemon::Stayd {
            assert_eq!(left, 0);
        } else {
            // Its parent kills a checker process that is not ready after 5 s.
            director.check("ipvsadm", &["--clear"])?;
        }
    }
    // The guest of a busy machine may be slow; both are equally so.
    assert!(times[1] <= ALLOWED.max(times[0]), "{times:?}");
    lab.close()
}
