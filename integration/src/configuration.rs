//! The configuration of the [pair](crate::pair), as a user of keepalived writes it.
//!
//! **The text is the same for both daemons, but for two words** that many such files get wrong: keepalived needs them
//! right, and stayd takes them as they are meant.

use crate::daemon::Daemon;
use crate::pair::{BROKERS, PORTS, Role, VIP};

const DIRECTOR: &str = "\
global_defs {
  router_id STATE
}
vrrp_instance VI_1 {
  state STATE
  interface eth0
  version VERSION
  virtual_router_id 1
  priority PRIORITY
  advert_int 1
AUTHENTICATION  virtual_ipaddress {
    VIP
  }
}
";

const AUTHENTICATION: &str = "  authentication {
    auth_type PASS
    auth_pass root123
  }
";

const SERVICE: &str = "\
virtual_server VIP PORT {
  delay_loop 6
  lb_algo wrr
  lb_kind DR
  persistence_timeout 50
  PROTOCOL TCP
SERVERS}
";

const SERVER: &str = "  real_server ADDRESS PORT {
    weight 1
    TCP_CHECK {
      connect_timeout 3
      RETRY 3
      delay_before_retry 3
      connect_port PORT
    }
  }
";

/// A director's configuration with the VIP alone, for VRRP version 2 (with a password) or 3.
pub fn vrrp(role: Role, version: u8) -> String {
    DIRECTOR
        .replace("AUTHENTICATION", if version == 2 { AUTHENTICATION } else { "" })
        .replace("STATE", role.state())
        .replace("VERSION", &version.to_string())
        .replace("PRIORITY", &role.priority().to_string())
        .replace("VIP", VIP)
}

/// A director's whole configuration: VRRP version 2, and both services of the brokers.
pub fn rabbit(role: Role, daemon: Daemon) -> String {
    let (protocol, retry) = match daemon {
        Daemon::Keepalived => ("protocol", "retry"),
        Daemon::Stayd => ("protocal", "nb_get_retry"),
    };
    let servers: String = BROKERS.iter().map(|(_, address)| SERVER.replace("ADDRESS", address)).collect();
    let service = SERVICE.replace("SERVERS", &servers).replace("PROTOCOL", protocol).replace("RETRY", retry);
    let services = PORTS.map(|port| service.replace("VIP", VIP).replace("PORT", &port.to_string()));
    vrrp(role, 2) + &services.concat()
}

/// So many virtual servers of so many real servers each, with a line of settings (or none) and a check for the first of them.
pub fn many([services, servers]: [usize; 2], setting: &str, check: &str) -> String {
    let server = |service: usize, server: usize| {
        let check = if server == 1 { check } else { "" };
        format!("  real_server 10.2.{}.{server} 80 {{\n{check}  }}\n", service % 250)
    };
    let service = |service: usize| {
        let (high, low) = (service / 250, service % 250 + 1);
        let head = format!("virtual_server 10.1.{high}.{low} 80 {{\n{setting}  lb_algo rr\n  lb_kind DR\n");
        let servers: String = (1..=servers).map(|number| server(service, number)).collect();
        head + "  protocol TCP\n" + &servers + "}\n"
    };
    (0..services).map(service).collect()
}

/// What `ipvsadm -Sn` prints for [`rabbit`], line by line in any order, while these brokers are up.
pub fn ipvs_table(up: &[&str]) -> Vec<String> {
    let mut lines = Vec::new();
    for port in PORTS {
        lines.push(format!("-A -t {VIP}:{port} -s wrr -p 50"));
        lines.extend(up.iter().map(|address| format!("-a -t {VIP}:{port} -r {address}:{port} -g -w 1")));
    }
    lines.sort();
    lines
}

/// Whether a table printed by `ipvsadm -Sn` is [`ipvs_table`].
pub fn is_ipvs_table(printed: &str, up: &[&str]) -> bool {
    let mut lines: Vec<String> = printed.lines().map(|line| line.trim().to_owned()).collect();
    lines.sort();
    lines == ipvs_table(up)
}
