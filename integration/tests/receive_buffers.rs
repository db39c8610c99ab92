//! `kernel_rx_buf_size`, `vrrp_rx_bufs_policy` and `vrrp_rx_bufs_multiplier`, beside keepalived.

use std::collections::BTreeSet;
use std::fs;
use std::os::fd::{FromRawFd, OwnedFd};

use lab::wait::{self, seconds};
use lab::{Daemon, Error, Lab, Process, Result};
use nix::sys::signal::Signal;
use socket2::Socket;

/// Sockets that only send have the smallest that there is.
const SMALLEST: usize = 2304;

/// A raw socket that receives: family, protocol, bytes of its buffer.
type Buffer = (i32, i32, usize);

fn file(globals: &str, first: &str) -> String {
    format!(
        "\
global_defs {{
  router_id lab
{globals}
}}
vrrp_instance V1 {{
  interface eth0
  virtual_router_id 1
  priority 100
{first}
  virtual_ipaddress {{
    10.1.0.101/24
  }}
}}
vrrp_instance V2 {{
  interface eth0
  virtual_router_id 2
  priority 100
  virtual_ipaddress {{
    10.1.0.102/24
    10.1.0.103/24
  }}
}}
vrrp_instance V3 {{
  interface eth0
  virtual_router_id 3
  priority 100
  authentication {{
    auth_type AH
    auth_pass secret
  }}
  virtual_ipaddress {{
    10.1.0.104/24
  }}
}}
vrrp_instance V4 {{
  interface eth0
  virtual_router_id 4
  priority 100
  virtual_ipaddress {{
    fe80::1:1/64
    2001:db8::1:1/64
  }}
}}
"
    )
}

#[test]
fn the_sockets_have_the_buffers_that_the_file_asks_for() -> Result {
    let lab = Lab::native()?;
    let advert = "  vrrp_rx_bufs_policy ADVERT\n  vrrp_rx_bufs_multiplier 1000";
    let mtu = "  vrrp_rx_bufs_policy MTU\n  vrrp_rx_bufs_multiplier 7";
    let files = [
        file("", "  kernel_rx_buf_size 65536"),
        file(advert, ""),
        file(advert, "  kernel_rx_buf_size 100000"),
        file(mtu, ""),
        file("  vrrp_rx_bufs_policy 70000", "  kernel_rx_buf_size 10000"),
    ];
    for (number, text) in files.iter().enumerate() {
        let [theirs, ours] = [Daemon::Keepalived, Daemon::Stayd].map(|daemon| {
            let name = format!("{}{number}", &daemon.name()[..1]);
            let lan = lab.lan(&name)?;
            let host = lab.host(&format!("{name}h"))?;
            host.connect(&lan, "eth0", &["10.1.0.1/24", "fe80::1/64"])?;
            let process = host.start_daemon(daemon, text)?;
            let buffers = wait_for_buffers(&process, 3)?;
            process.stop(seconds(10))?;
            Ok::<_, Error>(buffers)
        });
        let (theirs, mut ours) = (theirs?, ours?);
        if number == 0 {
            // Nothing is said of the others: keepalived leaves them as the system has them, and we do not.
            ours.retain(|(_, _, bytes)| *bytes == 2 * 65_536);
            assert!(theirs.is_superset(&ours) && ours.len() == 1, "{theirs:?} {ours:?}");
        } else {
            assert_eq!(ours, theirs, "{text}");
        }
    }
    lab.close()
}

#[test]
fn a_reload_changes_the_buffers_of_sockets_that_stay_open() -> Result {
    let lab = Lab::native()?;
    let lan = lab.lan("lan")?;
    let host = lab.host("s1")?;
    host.connect(&lan, "eth0", &["10.1.0.1/24", "fe80::1/64"])?;
    let process = host.start_daemon(Daemon::Stayd, &file("  vrrp_rx_bufs_policy 30000", ""))?;
    let v4 = |bytes| (libc::AF_INET, 112, bytes);
    wait_for(&process, v4(2 * 2 * 30_000))?;
    let changed = file("  vrrp_rx_bufs_policy 30000", "  kernel_rx_buf_size 50000");
    host.write("stayd.conf", &changed)?;
    process.signal(Signal::SIGHUP)?;
    wait_for(&process, v4(2 * 80_000))?;
    process.stop(seconds(10))?;
    lab.close()
}

fn wait_for(process: &Process, wanted: Buffer) -> Result {
    let what = format!("a buffer {wanted:?}");
    wait::until(&what, seconds(30), || buffers(process), |buffers| buffers.contains(&wanted)).map(drop)
}

fn wait_for_buffers(process: &Process, count: usize) -> Result<BTreeSet<Buffer>> {
    let what = format!("{count} receiving sockets");
    wait::until(&what, seconds(30), || buffers(process), |buffers| buffers.len() >= count)
}

/// Of all processes of a daemon.
fn buffers(process: &Process) -> Result<BTreeSet<Buffer>> {
    let mut buffers = BTreeSet::new();
    for pid in process.tree()? {
        let Ok(descriptors) = fs::read_dir(format!("/proc/{pid}/fd")) else { continue };
        let numbers = descriptors.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        buffers.extend(numbers.filter_map(|number| buffer(pid, number)));
    }
    Ok(buffers)
}

/// What the socket of this number in another process has, if it receives packets of a protocol.
fn buffer(pid: u32, number: i32) -> Option<Buffer> {
    let of = |descriptor: libc::c_long| {
        let descriptor = i32::try_from(descriptor).ok().filter(|descriptor| *descriptor >= 0)?;
        // SAFETY: the kernel has just made it for us.
        Some(unsafe { OwnedFd::from_raw_fd(descriptor) })
    };
    // SAFETY: the call takes numbers only.
    let process = of(unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) })?;
    let process = std::os::fd::AsRawFd::as_raw_fd(&process);
    // SAFETY: as above.
    let socket = Socket::from(of(unsafe { libc::syscall(libc::SYS_pidfd_getfd, process, number, 0) })?);
    if socket.r#type().ok()? != socket2::Type::RAW {
        return None;
    }
    let family = i32::from(socket.domain().ok()?);
    let protocol = i32::from(socket.protocol().ok()??);
    let bytes = socket.recv_buffer_size().ok()?;
    let receives = [libc::AF_INET, libc::AF_INET6].contains(&family) && protocol != libc::IPPROTO_RAW;
    (receives && bytes > SMALLEST).then_some((family, protocol, bytes))
}
