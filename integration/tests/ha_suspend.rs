//! `ha_suspend` beside keepalived: who is checked when, as the address of the virtual server comes and goes.

use lab::wait::{self, seconds};
use lab::{Daemon, Host, Lab, Process, Result};

const VIP: &str = "192.168.0.100";

/// One server whose port decides at once, and one, on a port that is open, of a virtual server that is always checked: when
/// it has come in, a round has gone by.
const FILE: &str = "
virtual_server 192.168.0.100 80 {
  delay_loop 1
  lb_algo rr
  lb_kind NAT
  protocol TCP
  ha_suspend
  real_server 192.168.1.1 80 {
    TCP_CHECK {
      connect_ip 192.168.0.2
      connect_port 7001
      connect_timeout 2
      retry 0
      warmup 0
    }
  }
}
";

struct Side {
    host: Host,
    daemon: Process,
    /// What it says when it stops asking.
    stops: &'static str,
}

impl Side {
    fn is_in(&self) -> Result<bool> {
        Ok(self.host.ipvs_table()?.contains("-r 192.168.1.1:80"))
    }

    fn wait(&self, what: &str, is_in: bool) -> Result {
        let what = format!("{}: {what}", self.host.name());
        wait::until(&what, seconds(20), || self.is_in(), |seen| *seen == is_in).map(drop)
    }
}

#[test]
fn checks_run_only_while_the_address_is_here_and_servers_stay_as_they_are_meanwhile() -> Result {
    let lab = Lab::with_ipvs()?;
    let lan = lab.lan("lan")?;
    let target = lab.host("s1")?;
    target.connect(&lan, "eth0", &["192.168.0.2/24"])?;
    let mut sides = Vec::new();
    for (name, address, daemon, stops) in [
        ("d1", "192.168.0.20/24", Daemon::Keepalived, "Suspending healthchecker"),
        ("d2", "192.168.0.21/24", Daemon::Stayd, "is not checked: its address is not on this host"),
    ] {
        let host = lab.director(name)?;
        host.connect(&lan, "eth0", &[address])?;
        let daemon = host.start_daemon(daemon, FILE)?;
        sides.push(Side { host, daemon, stops });
    }
    let all = |what: &str, is_in| sides.iter().try_for_each(|side| side.wait(what, is_in));
    // Nothing is there to be waited for while nobody asks: three periods have to go by.
    let unchanged = |what: &str, is_in: bool| -> Result {
        let until = std::time::Instant::now() + seconds(3);
        while std::time::Instant::now() < until {
            for side in &sides {
                assert_eq!(side.is_in()?, is_in, "{}: {what}", side.host.name());
            }
        }
        Ok(())
    };
    let address = format!("{VIP}/32");
    let come = || sides.iter().try_for_each(|side| side.host.add_address("lo", &address));
    let go = || sides.iter().try_for_each(|side| side.host.remove_address("lo", &address));

    all("the server is in as configured", true)?;
    unchanged("its port is closed, and nobody asks", true)?;
    come()?;
    all("it is asked, and fails", false)?;
    let port = target.listen(7001)?;
    all("it comes back", true)?;
    let said = |side: &Side| Ok(side.daemon.log()?.matches(side.stops).count());
    let before = sides.iter().map(said).collect::<Result<Vec<_>>>()?;
    go()?;
    for (side, before) in sides.iter().zip(before) {
        side.daemon
            .wait_until_log("it stops", seconds(20), |log| log.matches(side.stops).count() > before)?;
    }
    drop(port);
    unchanged("it fails, and nobody asks", true)?;
    come()?;
    all("it is asked again", false)?;
    lab.close()
}
