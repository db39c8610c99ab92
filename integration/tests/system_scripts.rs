//! `startup_script` and `shutdown_script`: first keepalived, then stayd, with the same file on the same host.

use lab::wait::seconds;
use lab::{Daemon, Host, Lab, Result};
use nix::sys::signal::Signal;

const BOTH: [Daemon; 2] = [Daemon::Keepalived, Daemon::Stayd];

const VIP: &str = "192.168.0.51";

// No user behind a command: keepalived 2.2.7 dies of one there.

/// Notes its arguments, how often the virtual address is there, its user, and whether it leads a process group.
const SCRIPT: &str = "\
#!/bin/sh
held=$(ip -o addr show to 192.168.0.51 | wc -l)
echo \"$* | held $held | user $(id -u):$(id -g) | leads $(($(ps -o pgid= -p $$) == $$))\" >>LOG
BODY
";

const FILE: &str = "\
global_defs {
  script_user root
  startup_script \"SCRIPT 'at the' start\"
  startup_script_timeout 1
  shutdown_script \"SCRIPT stop\"
  shutdown_script_timeout 1
}
vrrp_instance V {
  interface eth0
  virtual_router_id 51
  priority 255
  virtual_ipaddress {
    192.168.0.51
  }
}
";

/// What scripts noted over a start, a reload and a stop, when each ends with `body`.
fn noted(host: &Host, daemon: Daemon, body: &str) -> Result<Vec<String>> {
    let notes = host.write("notes", "")?.display().to_string();
    let script = SCRIPT.replace("LOG", &notes).replace("BODY", body);
    let script = host.write("script.sh", &script)?.display().to_string();
    host.check("chmod", &["755", &script])?;
    let text = FILE.replace("SCRIPT", &script);
    let process = host.start_daemon(daemon, &text)?;
    host.wait_for_address(VIP, seconds(10))?;
    let other = "192.168.0.52";
    host.write(
        &format!("{}.conf", daemon.name()),
        &text.replace("    192.168.0.51", "    192.168.0.51\n    192.168.0.52"),
    )?;
    process.signal(Signal::SIGHUP)?;
    host.wait_for_address(other, seconds(10))?;
    process.stop(seconds(10))?;
    let lines = host.check("cat", &[&notes])?;
    Ok(lines.lines().map(str::to_owned).collect())
}

fn the_same(body: &str) -> Result {
    let lab = Lab::native()?;
    let lan = lab.lan("lan")?;
    let host = lab.host("d1")?;
    host.connect(&lan, "eth0", &["192.168.0.20/24"])?;
    let [keepalived, stayd] = [noted(&host, BOTH[0], body)?, noted(&host, BOTH[1], body)?];
    println!("{}", stayd.join("\n"));
    assert_eq!(stayd, keepalived);
    assert_eq!(stayd.len(), 2, "one line at the start, one at the stop, none at the reload");
    lab.close()
}

#[test]
fn scripts_run_before_everything_and_after_everything() -> Result {
    the_same("exit 0")
}

#[test]
fn a_script_that_fails_stops_nothing() -> Result {
    the_same("exit 3")
}

#[test]
fn a_script_that_takes_too_long_is_ended() -> Result {
    the_same("exec sleep 60")
}
