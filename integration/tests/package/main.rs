//! The Debian package in a Debian root of its own: installed over keepalived, run, and removed again for keepalived. Once by
//! hand, with what the unit leaves a process, and once by systemd.
//!
//! `./setup test` has made the root, below `target/`.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod by_hand;
mod root;
mod systemd;

/// Scripts, pipes and a process of another user than root, as the unit's sandbox has to leave them.
const CONFIGURATION: &str = "\
global_defs {
  script_user daemon
  enable_script_security
  vrrp_rt_priority 20
  vrrp_rlimit_rttime 2000000
  notify_fifo /tmp/all
  vrrp_notify_fifo /run/vrrp
}
vrrp_script check {
  script \"/bin/sh -c 'id -un >/tmp/checked'\"
  interval 1
}
vrrp_track_process other {
  process tail
}
vrrp_instance V {
  interface eth0
  virtual_router_id 51
  priority 200
  virtual_ipaddress {
    192.168.0.51
  }
  track_script {
    check
  }
  track_process {
    other
  }
  notify_backup \"/bin/sh -c 'id -un >/tmp/notified-daemon'\"
  notify_master \"/bin/sh -c 'id -u >/tmp/notified'\" root
}
";

/// What a host had in `/etc/default/keepalived`.
const DEFAULTS: &str = "DAEMON_ARGS=\"--log-detail\"\n";
