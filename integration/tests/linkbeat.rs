//! `linkbeat_interfaces`: the driver is asked for the link each second, beside keepalived.

use lab::wait::seconds;
use lab::{Daemon, Lab, Result};

const FILE: &str = "\
linkbeat_interfaces {
  eth0 MII
}
vrrp_instance VI {
  interface eth0
  virtual_router_id 51
  priority 100
  advert_int 1
  virtual_ipaddress {
    10.1.0.100/24
  }
}
";

#[test]
fn a_master_gives_up_when_the_driver_says_that_the_link_is_gone_and_comes_back_with_it() -> Result {
    let lab = Lab::native()?;
    let mut directors = Vec::new();
    for daemon in [Daemon::Keepalived, Daemon::Stayd] {
        let lan = lab.lan(&format!("{}lan", &daemon.name()[..1]))?;
        let host = lab.host(&format!("{}1", &daemon.name()[..1]))?;
        host.connect(&lan, "eth0", &["10.1.0.1/24"])?;
        let process = host.start_daemon(daemon, FILE)?;
        directors.push((daemon, host, process));
    }
    for (_, host, _) in &directors {
        host.wait_for_address("10.1.0.100", seconds(15))?;
        host.cut("eth0")?;
    }
    for (daemon, host, process) in &directors {
        host.wait_for_no_address("10.1.0.100", seconds(10))?;
        process.wait_for_log(&beat(*daemon, "down"), seconds(5))?;
        host.heal("eth0")?;
    }
    for (daemon, host, process) in directors {
        host.wait_for_address("10.1.0.100", seconds(15))?;
        process.wait_for_log(&beat(daemon, "up"), seconds(5))?;
        process.stop(seconds(5))?;
    }
    lab.close()
}

fn beat(daemon: Daemon, state: &str) -> String {
    match daemon {
        Daemon::Keepalived => format!("Linkbeat reports eth0 {state}"),
        Daemon::Stayd => format!("the driver of eth0 says that its link is {state}"),
    }
}
