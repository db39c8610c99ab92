//! The dumps of virtual servers and of the settings of the whole: line for line beside keepalived's, over many
//! configurations, read by one parser.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::PathBuf;

use lab::wait::{self, seconds};
use lab::{Daemon, Host, Lab, Lan, Listener, Process, Result};

const BOTH: [Daemon; 2] = [Daemon::Keepalived, Daemon::Stayd];

/// What keepalived says of itself, of the past and of what it will do again, by the beginning of the line.
const NOT_OURS: [&str; 4] = ["libnftnl version", "Failed URL", "Last ran", "Last status"];

/// Every check and every kind of virtual server. What is at 7001 answers, nothing else does.
const SERVERS: &str = r#"
global_defs {
  router_id contract
  script_user root
  enable_script_security
  rs_init_notifies
  lvs_timeouts tcp 100 udp 20
  checker_priority -3
  checker_rt_priority 5
  checker_rlimit_rttime 2000000
  checker_no_swap
  process_names
}
track_file F {
  file /run/weight
  weight 1
  init_file 3
}
SSL {
  ca /etc/ssl/certs/ca-certificates.crt
}
virtual_server_group G {
  10.9.1.1 80
  10.9.1.2-4 81
  fwmark 8
}
virtual_server 10.9.0.1 80 {
  delay_loop 1
  lb_algo wrr
  lb_kind NAT
  protocol TCP
  persistence_timeout 90
  persistence_granularity 255.255.255.0
  alpha
  omega
  quorum 2
  hysteresis 1
  quorum_up "/usr/bin/true up"
  quorum_down "/usr/bin/true down"
  virtualhost www.example.com
  retry 2
  delay_before_retry 1
  warmup 0
  connect_timeout 2
  inhibit_on_failure
  smtp_alert
  sorry_server 192.168.0.9 80
  sorry_server_inhibit
  real_server 192.168.0.2 7001 {
    weight 3
    lthreshold 3
    uthreshold 9
    notify_up "/usr/bin/true rs_up"
    notify_down "/usr/bin/true rs_down" root root
    TCP_CHECK {
      connect_timeout 1
      retry 0
    }
    FILE_CHECK {
      track_file F
      weight 2
    }
  }
  real_server 192.168.0.2 7002 {
    weight 2
    inhibit_on_failure
    TCP_CHECK {
      connect_ip 192.168.0.2
      connect_port 7009
      bindto 192.168.0.5
      bind_port 0
      fwmark 0
      alpha
      warmup 0
      delay_loop 2
      retry 0
      delay_before_retry 3
      log_all_failures
    }
    HTTP_GET {
      http_protocol 1.1
      fast_recovery
      url {
        path /a
        status_code 200-204 301
      }
      url {
        path /b?c=d
        digest 640205b7b0fc66c1ea91c463fac6334d
        virtualhost other
        regex "o[kK]"
      }
      connect_timeout 1
      retry 0
    }
    SSL_GET {
      enable_sni
      url {
        path /
        digest 640205b7b0fc66c1ea91c463fac6334d
      }
      connect_timeout 1
      retry 0
    }
  }
}
virtual_server fwmark 7 {
  delay_loop 1
  lb_algo sh
  lb_kind DR
  sh-port
  retry 0
  real_server 192.168.0.3 {
    weight 1
    SMTP_CHECK {
      connect_ip 192.168.0.2
      connect_port 7003
      helo_name me
      connect_timeout 1
      retry 0
    }
    DNS_CHECK {
      type AAAA
      name www.example.com
      connect_ip 192.168.0.2
      connect_port 7004
      connect_timeout 1
      retry 0
    }
    MISC_CHECK {
      misc_path "/usr/bin/false x y"
      misc_timeout 3
      misc_dynamic
      user root root
    }
    MISC_CHECK {
      misc_path "/usr/bin/true"
      warmup 0
    }
  }
}
virtual_server group G {
  delay_loop 1
  lb_algo rr
  lb_kind TUN
  ops
  protocol UDP
  retry 0
  real_server 192.168.0.2 53 {
    weight 1
    UDP_CHECK {
      payload AABB
      require_reply CCDD
      min_reply_length 2
      max_reply_length 100
      connect_ip 192.168.0.2
      connect_port 7005
      connect_timeout 1
      retry 0
    }
    PING_CHECK {
      connect_ip 192.168.0.2
      connect_timeout 1
    }
  }
}
virtual_server fd09::1 80 {
  delay_loop 1
  lb_algo rr
  lb_kind NAT
  protocol TCP
  real_server fd00::2 7001 {
    weight 1
  }
}
"#;

/// A daemon, and the folder of its dumps.
struct Side {
    daemon: Daemon,
    host: Host,
    process: Process,
    folder: PathBuf,
    /// What the checks find answering.
    listener: Option<Listener>,
}

impl Side {
    /// On a LAN of its own, which is made before the first director, with a server that listens at 7001.
    fn start(lab: &Lab, lan: &Lan, daemon: Daemon, name: &str, text: &str) -> Result<Self> {
        let short = &daemon.name()[..1];
        let host = lab.director(&format!("{name}-{short}"))?;
        host.connect(lan, "eth0", &["192.168.0.5/24", "fd00::5/64"])?;
        let server = lab.host(&format!("s{name}-{short}"))?;
        server.connect(lan, "eth0", &["192.168.0.2/24", "fd00::2/64"])?;
        let listener = server.listen(7001)?;
        let mut side = Self::run(host, daemon, text, "/run/checkers.pid")?;
        side.listener = Some(listener);
        Ok(side)
    }

    /// Until the pid file is there: before that, a signal would be the end of it.
    fn run(host: Host, daemon: Daemon, text: &str, pid_file: &str) -> Result<Self> {
        let folder = host.folder().join("tmp");
        fs::create_dir(&folder).unwrap();
        let file = host.write("c.conf", text)?.display().to_string();
        let tmp = [("TMPDIR", folder.to_str().unwrap())];
        let program = daemon.path()?.display().to_string();
        let process = host.start_with(daemon.name(), &program, &["-nlG", "-f", &file], &tmp)?;
        let written = || Ok(host.run("cat", &[pid_file])?.stdout.ends_with('\n'));
        wait::until(pid_file, seconds(20), written, |written| *written)?;
        Ok(Self { daemon, host, process, folder, listener: None })
    }

    /// How the checker process is scheduled and called, and whether its memory is locked.
    fn schedule(&self) -> Result<String> {
        let pid = self.host.check("cat", &["/run/checkers.pid"])?.trim().to_owned();
        let locked = self.host.check("grep", &["VmLck", &format!("/proc/{pid}/status")])?;
        let locked = if locked.contains("\t       0 kB") { "not locked" } else { "locked" };
        let limit = self.host.check("grep", &["realtime timeout", &format!("/proc/{pid}/limits")])?;
        let shown = self.host.check("ps", &["--no-headers", "-o", "ni,cls,rtprio,comm", "-p", &pid])?;
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        Ok(format!("{locked}; {}; {}", words(&limit), words(&shown)))
    }

    /// Asks for the dump until it says what is waited for.
    fn dump(&self, name: &str, enough: impl Fn(&str) -> bool) -> Result<Vec<String>> {
        let path = self.folder.join(name);
        let look = || {
            drop(fs::remove_file(&path));
            self.host.check("kill", &["-USR1", &self.process.pid().to_string()])?;
            let mut before = String::new();
            wait::for_some(name, seconds(10), || {
                let text = fs::read_to_string(&path).unwrap_or_default();
                let whole = !text.is_empty() && text == before;
                before.clone_from(&text);
                Ok(whole.then_some(text))
            })
        };
        let what = format!("{name} of {} as it is to be", self.daemon.name());
        let text = wait::until(&what, seconds(30), look, |text| enough(text))?;
        let known = |line: &&str| !NOT_OURS.iter().any(|label| line.trim_start().starts_with(label));
        Ok(text.lines().filter(known).map(str::to_owned).collect())
    }
}

#[test]
fn the_dump_of_virtual_servers_has_the_lines_of_keepalived() -> Result {
    let lab = Lab::with_ipvs()?;
    let (mut dumps, mut schedules) = (Vec::new(), Vec::new());
    let lans = [lab.lan("lan-k")?, lab.lan("lan-s")?];
    for (daemon, lan) in BOTH.into_iter().zip(&lans) {
        let side = Side::start(&lab, lan, daemon, "vs", SERVERS)?;
        let ran = |text: &str| {
            text.contains("   Has run = yes")
                && !text.contains("   Has run = no")
                && text.contains("alive = 1")
        };
        let lines = side.dump("keepalived_check.data", ran)?;
        dumps.push(lines);
        schedules.push(side.schedule()?);
    }
    assert_eq!(schedules[0], schedules[1]);
    assert!(schedules[0].ends_with("RR 5 keepalived_lvs"), "{}", schedules[0]);
    assert!(dumps[0] == dumps[1], "{}", lab.diff(&dumps[0], &dumps[1])?);
    lab.close()
}

/// Nearly every setting of the whole that keepalived 2.2.7 shows.
const SETTINGS: &str = r#"
instance one
child_wait_time 7
global_defs {
  startup_script "/usr/bin/true up"
  shutdown_script "/usr/bin/true down"
  notification_email_from a@b
  smtp_server 127.0.0.1 2525
  lvs_sync_daemon eth0 inst VI id 5 maxlen 500 port 1234 ttl 3 group 224.0.0.81
  router_id contract
  script_user root
  enable_script_security
  process_names
  process_name aaa
  vrrp_process_name bbb
  checker_process_name ccc
  bfd_process_name ddd
  smtp_helo_name helo
  smtp_connect_timeout 7
  notification_email {
    x@y
    z@y
  }
  smtp_alert
  smtp_alert_vrrp off
  smtp_alert_checker on
  no_email_faults
  startup_script_timeout 3
  shutdown_script_timeout 4
  max_auto_priority 50
  min_auto_priority_delay 12345
  checker_log_all_failures
  dynamic_interfaces allow_if_changes
  default_interface eth0
  lvs_timeouts tcp 100 tcpfin 10 udp 20
  lvs_flush
  lvs_flush_on_stop VS
  vrrp_mcast_group4 224.0.0.20
  vrrp_mcast_group6 ff02::20
  vrrp_garp_master_delay 3
  vrrp_garp_master_repeat 2
  vrrp_garp_master_refresh 60
  vrrp_garp_master_refresh_repeat 2
  vrrp_garp_lower_prio_delay 6
  vrrp_garp_lower_prio_repeat 7
  vrrp_down_timer_adverts 4
  vrrp_garp_interval 0.01
  vrrp_gna_interval 0.02
  vrrp_garp_extra_if all 100
  vrrp_lower_prio_no_advert
  vrrp_higher_prio_send_advert
  vrrp_version 3
  nftables
  nftables_priority -3
  nftables_ifindex
  nftables_counters
  nftables_ipvs
  vrrp_check_unicast_src
  vrrp_skip_check_adv_addr
  vrrp_priority -5
  checker_priority -4
  bfd_priority -3
  vrrp_rt_priority 10
  vrrp_rlimit_rttime 500000
  notify_fifo /run/f1 root
  notify_fifo_script "/usr/bin/cat a"
  vrrp_notify_fifo /run/f2
  vrrp_notify_fifo_script "/usr/bin/cat b"
  lvs_notify_fifo /run/f3
  lvs_notify_fifo_script "/usr/bin/cat c"
  vrrp_notify_priority_changes
  fifo_write_vrrp_states_on_reload
  snmp_socket unix:/run/agentx
  enable_traps
  vrrp_netlink_cmd_rcv_bufs 100000
  vrrp_netlink_cmd_rcv_bufs_force
  vrrp_netlink_monitor_rcv_bufs 200000
  lvs_netlink_cmd_rcv_bufs 300000
  lvs_netlink_monitor_rcv_bufs 400000
  lvs_netlink_monitor_rcv_bufs_force
  process_monitor_rcv_bufs 500000
  rs_init_notifies
  no_checker_emails
  vrrp_rx_bufs_policy MTU
  vrrp_rx_bufs_multiplier 5
  vrrp_startup_delay 0.5
  log_unknown_vrids
  vmac_prefix vm
  vmac_addr_prefix va
  umask 022
  random_seed 7
  reload_check_config /run/chk
  reload_time_file /run/when
  reload_repeat
  reload_file /run/rl
  include_check match
  config_save_dir /run/save
}
"#;

#[test]
fn the_parent_shows_every_setting_of_the_whole_as_keepalived_does() -> Result {
    let lab = Lab::native()?;
    for (name, text) in [("usual", "global_defs {\n  router_id here\n}\n"), ("all", SETTINGS)] {
        let mut dumps = Vec::new();
        for daemon in BOTH {
            let host = lab.host(&format!("{name}-{}", &daemon.name()[..1]))?;
            for line in ["link set lo up", "link add eth0 type veth peer name other"] {
                host.check("ip", &line.split(' ').collect::<Vec<_>>())?;
            }
            let pid_file =
                if name == "all" { "/run/keepalived/keepalived_one.pid" } else { "/run/keepalived.pid" };
            let side = Side::run(host, daemon, text, pid_file)?;
            dumps.push(side.dump("keepalived_parent.data", |text| text.contains(" umask = "))?);
        }
        assert!(dumps[0] == dumps[1], "{name}: {}", lab.diff(&dumps[0], &dumps[1])?);
        let least = if name == "all" { 95 } else { 70 };
        assert!(dumps[0].len() > least, "{name}: {:?}", dumps[0]);
    }
    lab.close()
}
