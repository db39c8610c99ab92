//! The guest's init: makes the bare kernel a site, and performs what comes over the line.

use std::convert::Infallible;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::mount::{MsFlags, mount};
use nix::sys::reboot::{RebootMode, reboot};

use super::line::Line;
use crate::site::{Opening, Site, call_story};

/// The network card at the control line: the first. Those of the LANs follow.
const CONTROL: &str = "vec0";

/// Where Debian's package has the modules.
const MODULES: &str = "/usr/lib/uml/modules";

/// All that a director may need: the guest's kernel looks for modules where Debian does not put them, and so could not
/// load one by itself.
const WANTED: &[&str] = &[
    "veth",
    "bridge",
    "ipv6",
    "macvlan",
    "ipvlan",
    "dummy",
    "8021q",
    "ipip",
    "nf_tables",
    "ip_vs",
    "ip_vs_rr",
    "ip_vs_wrr",
    "ip_vs_lc",
    "ip_vs_wlc",
    "ip_vs_lblc",
    "ip_vs_lblcr",
    "ip_vs_dh",
    "ip_vs_sh",
    "ip_vs_sed",
    "ip_vs_nq",
    "ip_vs_fo",
    "ip_vs_ovf",
    "ip_vs_mh",
    "ip_vs_pe_sip",
];

/// The agent's whole life. It ends with the guest.
///
/// # Errors
///
/// If it is not the init of a guest. Inside one, what goes wrong is written to the console, and the guest goes off.
pub fn agent() -> io::Result<Infallible> {
    if std::process::id() != 1 {
        return Err(io::Error::other("this is the init of the lab's guest, and runs only there"));
    }
    if let Err(error) = serve() {
        eprintln!("lab-guest: {error}");
    }
    Ok(reboot(RebootMode::RB_POWER_OFF)?)
}

/// Serves until the story closes the line.
fn serve() -> io::Result<()> {
    for (target, kind) in [("/proc", "proc"), ("/sys", "sysfs"), ("/run", "tmpfs"), ("/tmp", "tmpfs")] {
        mount(Some("lab"), target, Some(kind), MsFlags::empty(), None::<&str>)?;
    }
    load_modules()?;
    let mut line = Line::new(call_story(CONTROL)?)?;
    let Some(opening) = line.receive::<Opening>()? else { return Ok(()) };
    share(&opening.shared)?;
    let mut site = Site::open(opening)?;
    while let Some(request) = line.receive()? {
        line.send(&site.perform(request))?;
    }
    // Nobody is left to see the hosts being taken down.
    std::mem::forget(site);
    Ok(())
}

fn load_modules() -> io::Result<()> {
    let base = Path::new("/run/modules");
    fs::create_dir_all(base.join("lib"))?;
    symlink(MODULES, base.join("lib/modules"))?;
    let status = Command::new("/sbin/modprobe").arg("-d").arg(base).arg("-a").args(WANTED).status()?;
    if status.success() { Ok(()) } else { Err(io::Error::other(format!("modprobe: {status}"))) }
}

/// Shows the shared directories also where the guest's own `/tmp` and `/run` cover them, and lets the first, the lab's
/// folder, be the one place of the host's file system that the guest can write to.
fn share(directories: &[PathBuf]) -> io::Result<()> {
    for (n, directory) in directories.iter().enumerate() {
        fs::create_dir_all(directory)?;
        let flags = if n == 0 { MsFlags::empty() } else { MsFlags::MS_RDONLY };
        mount(Some("lab"), directory, Some("hostfs"), flags, Some(directory))?;
    }
    Ok(())
}
