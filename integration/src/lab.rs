//! The lab: its sites, LANs and hosts, and its end.
//!
//! **What a lab makes ends with it.** [`Lab::close`] takes it down and says if that failed; dropping it (a story that
//! returned early or panicked) does the same and shows the logs; and if the story was killed, the lab's janitor
//! removes it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::{fs, io};

use crate::capture::Capture;
use crate::error::{Doing as _, Error, Result};
use crate::guest::Guest;
use crate::host::{Host, unexpected};
use crate::leftovers::{self, KEPT, PREFIX};
use crate::site::{Opening, Request, Response, Site};

/// Where a host lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ground {
    /// On the kernel that the story runs on.
    Native,
    /// On the embedded kernel.
    Guest,
}

/// What the lab and its hosts share.
#[derive(Debug)]
pub(crate) struct Shared {
    opening: Opening,
    sites: Mutex<Sites>,
}

/// Gone once the lab is closed.
#[derive(Debug, Default)]
struct Sites {
    native: Option<Site>,
    guest: Option<Guest>,
    lans: Vec<String>,
    hosts: BTreeMap<String, Ground>,
}

/// A lab: LANs, hosts on them, and all that runs there.
#[derive(Debug)]
pub struct Lab {
    shared: Arc<Shared>,
    /// Where [`director`](Lab::director) puts its hosts.
    directors: Ground,
    janitor: Child,
    over: bool,
}

/// A LAN: a switch that hosts are connected to.
#[derive(Clone, Debug)]
pub struct Lan {
    lab: Arc<Shared>,
    name: String,
}

impl Lab {
    /// A lab on the kernel that the story runs on, in real time: all that VRRP alone needs.
    ///
    /// # Errors
    ///
    /// Without root, or if something that the lab needs is missing.
    pub fn native() -> Result<Self> {
        Self::open(Ground::Native)
    }

    /// A lab whose directors have IPVS: on this kernel if it has it, else on an embedded one, which boots when the
    /// first director is made.
    ///
    /// # Errors
    ///
    /// As [`native`](Self::native).
    pub fn with_ipvs() -> Result<Self> {
        // A kernel that has it as a module may not have needed it yet; one that does not is what the guest is for.
        let _ = Command::new("modprobe").args(["-q", "ip_vs"]).stdin(Stdio::null()).status();
        let here = Path::new("/proc/net/ip_vs").exists();
        Self::open(if here { Ground::Native } else { Ground::Guest })
    }

    /// Makes a LAN. Its name has at most 15 characters. LANs come before the first director.
    ///
    /// # Errors
    ///
    /// If the bridge cannot be made.
    pub fn lan(&self, name: &str) -> Result<Lan> {
        let mut sites = self.shared.sites();
        if sites.guest.is_some() {
            return Err(Error::Story("all LANs must be made before the first director".to_owned()));
        }
        sites.ask(Ground::Native, Request::AddLan { lan: name.to_owned() })?;
        sites.lans.push(name.to_owned());
        Ok(Lan { lab: Arc::clone(&self.shared), name: name.to_owned() })
    }

    /// Makes a host on the kernel that the story runs on.
    ///
    /// # Errors
    ///
    /// If there is one of this name, or its namespaces cannot be made.
    pub fn host(&self, name: &str) -> Result<Host> {
        self.add_host(name, Ground::Native)
    }

    /// Makes a host on a kernel with IPVS (in a [`native`](Self::native) lab: like any other host).
    ///
    /// # Errors
    ///
    /// As [`host`](Self::host), or if the embedded kernel does not boot.
    pub fn director(&self, name: &str) -> Result<Host> {
        if self.directors == Ground::Guest {
            self.shared.boot()?;
        }
        self.add_host(name, self.directors)
    }

    /// Whether directors run on an embedded kernel.
    pub fn has_guest(&self) -> bool {
        self.directors == Ground::Guest
    }

    /// The folder with a folder for each host and what the story leaves in it. It goes with the lab, unless
    /// `STAYD_LAB_KEEP=1`.
    pub fn folder(&self) -> &Path {
        self.shared.folder()
    }

    /// What differs between lines of keepalived and stayd, as `diff` shows it.
    ///
    /// # Errors
    /// There is no `diff`, or no room for its files.
    pub fn diff(&self, theirs: &[String], ours: &[String]) -> Result<String> {
        let write = |name: &str, lines: &[String]| {
            let path = self.folder().join(name);
            fs::write(&path, lines.join("\n") + "\n").map(|()| path)
        };
        let paths = [
            write("keepalived", theirs).doing(|| "write lines to compare".to_owned())?,
            write("stayd", ours).doing(|| "write lines to compare".to_owned())?,
        ];
        let output = Command::new("diff").arg("-U3").args(paths).output().doing(|| "run diff".to_owned())?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Takes the lab down at the end of a story that went well.
    ///
    /// # Errors
    ///
    /// If something of it could not be removed.
    pub fn close(mut self) -> Result {
        self.take_down()
    }

    fn open(directors: Ground) -> Result<Self> {
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        if !nix::unistd::geteuid().is_root() {
            return Err(Error::NotRoot);
        }
        leftovers::sweep().doing(|| "removing what dead labs left".to_owned())?;
        let name = format!("{PREFIX}{}-{}", std::process::id(), COUNTER.fetch_add(1, Ordering::Relaxed));
        let folder = leftovers::folders().join(&name);
        let janitor = binary("lab-janitor")?;
        let built = janitor.parent().map(Path::to_owned).unwrap_or_default();
        let janitor = Command::new(janitor)
            .arg(&name)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .doing(|| "starting the janitor".to_owned())?;
        let opening = Opening { lab: name, shared: vec![folder.clone(), built] };
        let sites = Mutex::new(Sites::default());
        let lab = Self { shared: Arc::new(Shared { opening, sites }), directors, janitor, over: false };
        fs::create_dir_all(&folder).doing(|| format!("making {}", folder.display()))?;
        let site = Site::open(lab.shared.opening.clone()).doing(|| "making the switch".to_owned())?;
        lab.shared.sites().native = Some(site);
        Ok(lab)
    }

    fn add_host(&self, name: &str, ground: Ground) -> Result<Host> {
        if self.shared.sites().hosts.insert(name.to_owned(), ground).is_some() {
            return Err(Error::Story(format!("there is a host {name} already")));
        }
        Host::add(&self.shared, ground, name)
    }

    fn take_down(&mut self) -> Result {
        if std::mem::replace(&mut self.over, true) {
            return Ok(());
        }
        let (guest, native) = {
            let mut sites = self.shared.sites();
            (sites.guest.take(), sites.native.take())
        };
        // The guest first, as its cables end in the native switch.
        let off = guest.map_or(Ok(()), Guest::power_off);
        drop(native);
        if std::env::var_os("STAYD_LAB_KEEP").is_some_and(|keep| keep == "1") {
            eprintln!("lab: kept {}", self.folder().display());
            fs::write(self.folder().join(KEPT), "").doing(|| "marking the folder as kept".to_owned())?;
        }
        // Its pipe closes; it removes what is left, and so says whether that can be removed.
        drop(self.janitor.stdin.take());
        let swept = self.janitor.wait().doing(|| "waiting for the janitor".to_owned())?;
        off?;
        if swept.success() {
            return Ok(());
        }
        Err(Error::Unmet(format!("{} could not be removed", self.folder().display())))
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if !self.over {
            show_logs(self.folder());
        }
        if let Err(error) = self.take_down() {
            eprintln!("lab: {error}");
        }
    }
}

impl Lan {
    /// Its name, which is its bridge's too.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Starts to listen.
    ///
    /// # Errors
    ///
    /// If the socket cannot be made.
    pub fn capture(&self) -> Result<Capture> {
        let sites = self.lab.sites();
        let site = sites.native.as_ref().ok_or_else(closed)?;
        site.within_switch(|| Capture::open(&self.name)).doing(|| format!("listening on {}", self.name))
    }
}

impl Shared {
    pub(crate) fn folder(&self) -> &Path {
        self.opening.shared.first().map_or(Path::new("/nonexistent"), PathBuf::as_path)
    }

    pub(crate) fn ask(&self, ground: Ground, request: Request) -> Result<Response> {
        self.sites().ask(ground, request)
    }

    pub(crate) fn done(&self, ground: Ground, request: Request) -> Result {
        match self.ask(ground, request)? {
            Response::Done => Ok(()),
            other => Err(unexpected(&other)),
        }
    }

    /// Does `work` inside the network namespace of a native host.
    pub(crate) fn within_host<T: Send>(
        &self,
        host: &str,
        work: impl FnOnce() -> io::Result<T> + Send,
    ) -> io::Result<T> {
        let sites = self.sites();
        let site = sites.native.as_ref().ok_or_else(|| io::Error::other("the lab is closed"))?;
        site.within_host(host, work)
    }

    /// Boots the guest if it has not been, with a cable from each LAN.
    fn boot(&self) -> Result {
        let mut sites = self.sites();
        if sites.guest.is_some() {
            return Ok(());
        }
        let lans = sites.lans.clone();
        let taps: Vec<String> = (1..=lans.len()).map(|n| format!("tap{n}")).collect();
        for (lan, tap) in lans.iter().zip(&taps) {
            sites.ask(Ground::Native, Request::AddTap { lan: lan.clone(), tap: tap.clone() })?;
        }
        let native = sites.native.as_ref().ok_or_else(closed)?;
        sites.guest = Some(Guest::boot(native, &self.opening, &taps)?);
        for (n, lan) in (1..).zip(lans) {
            sites.ask(Ground::Guest, Request::AddLan { lan: lan.clone() })?;
            sites.ask(Ground::Guest, Request::Adopt { lan, interface: format!("vec{n}") })?;
        }
        Ok(())
    }

    fn sites(&self) -> MutexGuard<'_, Sites> {
        self.sites.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sites {
    fn ask(&mut self, ground: Ground, request: Request) -> Result<Response> {
        let response = match ground {
            Ground::Native => self.native.as_mut().ok_or_else(closed)?.perform(request),
            Ground::Guest => self.guest.as_mut().ok_or_else(closed)?.ask(&request)?,
        };
        match response {
            Response::Failed(why) => Err(Error::Site(why)),
            response => Ok(response),
        }
    }
}

fn closed() -> Error {
    Error::Story("the lab is closed".to_owned())
}

/// A program of this workspace, built into the same directory as the running one (a test is one level deeper).
pub(crate) fn binary(name: &str) -> Result<PathBuf> {
    let this = std::env::current_exe().doing(|| "finding this program".to_owned())?;
    let directory = this.parent().unwrap_or(Path::new("/"));
    let directory =
        if directory.ends_with("deps") { directory.parent().unwrap_or(directory) } else { directory };
    let path = directory.join(name);
    if path.exists() { Ok(path) } else { Err(Error::NotBuilt(path)) }
}

/// Shows the end of every log of a story that did not go well.
fn show_logs(folder: &Path) {
    const LINES: usize = 40;
    let Ok(hosts) = fs::read_dir(folder) else { return };
    let mut logs: Vec<PathBuf> = hosts
        .filter_map(|host| fs::read_dir(host.ok()?.path()).ok())
        .flatten()
        .filter_map(|file| Some(file.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "log"))
        .collect();
    logs.sort();
    for log in logs {
        let text = fs::read(&log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        let skipped = lines.len().saturating_sub(LINES);
        eprintln!("---- {} ({skipped} lines before)", log.display());
        eprintln!("{}", lines.get(skipped..).unwrap_or_default().join("\n"));
    }
}
