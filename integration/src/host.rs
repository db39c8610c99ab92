//! A host of the lab, as a story handles it.

use std::collections::BTreeMap;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ipnet::IpNet;

use crate::daemon::Daemon;
use crate::error::{Doing as _, Error, Result};
use crate::lab::{Ground, Lan, Shared};
use crate::listener::Listener;
use crate::process::Process;
use crate::site::{AddressView, Cable, CommandSpec, ExitView, Output, Port, Request, Response, log_path};
use crate::wait;

/// How long a command of a story may take.
const COMMAND_LIMIT: Duration = Duration::from_secs(30);

/// A host: a name, interfaces on LANs, programs. Clones are the same host.
#[derive(Clone, Debug)]
pub struct Host {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    lab: Arc<Shared>,
    ground: Ground,
    name: String,
    cables: Mutex<Vec<Cable>>,
}

impl Host {
    /// Makes the host on its site, and its folder.
    pub(crate) fn add(lab: &Arc<Shared>, ground: Ground, name: &str) -> Result<Self> {
        let folder = lab.folder().join(name);
        fs::create_dir(&folder).doing(|| format!("making the folder of host {name}"))?;
        lab.done(ground, Request::AddHost { host: name.to_owned() })?;
        let inner = Inner { lab: Arc::clone(lab), ground, name: name.to_owned(), cables: Mutex::default() };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// The folder for its files; it has the same path for the host's programs, on whichever kernel they run.
    pub fn folder(&self) -> PathBuf {
        self.inner.lab.folder().join(self.name())
    }

    /// Gives it an interface on a LAN, with these addresses (each with its prefix length). Its hardware address is
    /// 02:00 and the first IPv4 address, so that a capture can be read.
    ///
    /// # Errors
    ///
    /// If an address is none, or the interface cannot be made.
    pub fn connect(&self, lan: &Lan, interface: &str, addresses: &[&str]) -> Result {
        let addresses = addresses
            .iter()
            .map(|text| text.parse().map_err(|_| Error::Story(format!("{text:?} is not ADDRESS/PREFIX"))))
            .collect::<Result<Vec<IpNet>>>()?;
        let mac = hardware_address(&addresses);
        let (host, lan, interface) = (self.name().to_owned(), lan.name().to_owned(), interface.to_owned());
        let cable = Cable { host, lan, interface, mac, addresses };
        self.done(Request::Connect(cable.clone()))?;
        self.cables().push(cable);
        Ok(())
    }

    /// Pulls the cable of an interface: the carrier goes, and the host sees it.
    ///
    /// # Errors
    ///
    /// If it has no such interface.
    pub fn cut(&self, interface: &str) -> Result {
        self.set_port(interface, Port::Cut)
    }

    /// Cuts an interface off without a sign: the carrier stays, and no frame passes in either direction.
    ///
    /// # Errors
    ///
    /// If it has no such interface.
    pub fn silence(&self, interface: &str) -> Result {
        self.set_port(interface, Port::Silent)
    }

    /// Undoes [`cut`](Self::cut) and [`silence`](Self::silence). After a cut it takes the host's kernel up to a second to
    /// believe in the carrier and let frames out.
    ///
    /// # Errors
    ///
    /// If it has no such interface.
    pub fn heal(&self, interface: &str) -> Result {
        self.set_port(interface, Port::Open)
    }

    /// Ends it as a power failure does: all its processes at once, and its carriers. Its addresses and IPVS table stay
    /// in its kernel, where nobody can reach them.
    ///
    /// # Errors
    ///
    /// If a process cannot be killed.
    pub fn power_off(&self) -> Result {
        // In this order: nobody lives to see the carrier go.
        self.kill_all()?;
        self.interfaces().iter().try_for_each(|interface| self.cut(interface))
    }

    /// Undoes [`power_off`](Self::power_off), with a kernel that remembers nothing: no address but those that its cables
    /// were made with, no IPVS service, nothing in `/run`. Starting its programs is the story's part.
    ///
    /// # Errors
    ///
    /// If the kernel refuses.
    pub fn power_on(&self) -> Result {
        for interface in self.interfaces() {
            let of_interface =
                |view: &&AddressView| view.interface == interface && !self.owns(view.address.addr());
            for stray in self.addresses()?.iter().filter(of_interface) {
                self.done(Request::SetAddress {
                    host: self.name().to_owned(),
                    interface: interface.clone(),
                    address: stray.address,
                    present: false,
                })?;
            }
        }
        if self.run("test", &["-e", "/proc/net/ip_vs"])?.exit == Some(ExitView::Code(0)) {
            self.check("ipvsadm", &["--clear"])?;
        }
        // Not what is mounted there: a lab's folder may be.
        self.run("find", &["/run", "-xdev", "-mindepth", "1", "-delete"])?;
        self.interfaces().iter().try_for_each(|interface| self.heal(interface))
    }

    /// Kills all its processes at once, without a chance to clean up.
    ///
    /// # Errors
    ///
    /// If a process cannot be killed.
    pub fn kill_all(&self) -> Result {
        self.done(Request::KillHost { host: self.name().to_owned() })
    }

    /// What it has in its kernel now.
    ///
    /// # Errors
    ///
    /// If the kernel does not tell.
    pub fn addresses(&self) -> Result<Vec<AddressView>> {
        match self.ask(Request::Addresses { host: self.name().to_owned() })? {
            Response::Addresses(addresses) => Ok(addresses),
            other => Err(unexpected(&other)),
        }
    }

    /// Whether one of its interfaces has this address now.
    ///
    /// # Errors
    ///
    /// As [`addresses`](Self::addresses).
    pub fn holds(&self, address: &str) -> Result<bool> {
        let address = ip(address)?;
        Ok(self.addresses()?.iter().any(|view| view.address.addr() == address))
    }

    /// Waits until it has an address.
    ///
    /// # Errors
    ///
    /// [`Error::Timeout`] with the addresses that it has instead.
    pub fn wait_for_address(&self, address: &str, limit: Duration) -> Result {
        self.wait_for_presence(address, true, limit)
    }

    /// Waits until it no longer has an address.
    ///
    /// # Errors
    ///
    /// [`Error::Timeout`] with the addresses that it has.
    pub fn wait_for_no_address(&self, address: &str, limit: Duration) -> Result {
        self.wait_for_presence(address, false, limit)
    }

    /// Gives an interface an address (with prefix length) beside those that it has.
    ///
    /// # Errors
    ///
    /// If the kernel refuses it.
    pub fn add_address(&self, interface: &str, address: &str) -> Result {
        self.set_address(interface, address, true)
    }

    /// Takes an address (with prefix length) from an interface.
    ///
    /// # Errors
    ///
    /// If the interface does not have it.
    pub fn remove_address(&self, interface: &str, address: &str) -> Result {
        self.set_address(interface, address, false)
    }

    /// Sets a sysctl, named by its path below `/proc/sys/net`.
    ///
    /// # Errors
    ///
    /// If there is no such sysctl.
    pub fn sysctl(&self, name: &str, value: &str) -> Result {
        let (host, name, value) = (self.name().to_owned(), name.to_owned(), value.to_owned());
        self.done(Request::Sysctl { host, name, value })
    }

    /// Makes it accept what is sent to `vip` without answering ARP for it: a real server behind a director that routes
    /// directly. Beside stayd, `stayd realserver start` does it.
    ///
    /// # Errors
    ///
    /// If the kernel or the program refuses.
    pub fn serve_vip(&self, daemon: Daemon, vip: &str) -> Result {
        if daemon == Daemon::Stayd {
            let program = daemon.path()?.display().to_string();
            return self.check(&program, &["realserver", "start", vip]).map(drop);
        }
        for scope in ["all", "lo"] {
            self.sysctl(&format!("ipv4/conf/{scope}/arp_ignore"), "1")?;
            self.sysctl(&format!("ipv4/conf/{scope}/arp_announce"), "2")?;
        }
        self.add_address("lo", &format!("{vip}/32"))
    }

    /// Listens on a TCP port of all its addresses, and accepts and closes every connection: a server for health checks.
    /// It listens until this is dropped. Native hosts only.
    ///
    /// # Errors
    ///
    /// If the port is taken.
    pub fn listen(&self, port: u16) -> Result<Listener> {
        let socket = self
            .inner
            .lab
            .within_host(self.name(), || TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)))
            .doing(|| format!("listening on port {port} of {}", self.name()))?;
        Listener::new(socket).doing(|| format!("serving port {port} of {}", self.name()))
    }

    /// Has its site say `text` again, by which the guest's line is proved.
    ///
    /// # Errors
    ///
    /// If the line fails.
    pub fn echo(&self, text: &str) -> Result<String> {
        match self.ask(Request::Echo(text.to_owned()))? {
            Response::Echo(text) => Ok(text),
            other => Err(unexpected(&other)),
        }
    }

    /// The IPVS table, as `ipvsadm -Sn` prints it.
    ///
    /// # Errors
    ///
    /// If ipvsadm fails.
    pub fn ipvs_table(&self) -> Result<String> {
        self.check("ipvsadm", &["-S", "-n"])
    }

    /// Waits until `enough` likes the IPVS table.
    ///
    /// # Errors
    ///
    /// [`Error::Timeout`] with the last table.
    pub fn wait_for_ipvs(
        &self,
        what: &str,
        limit: Duration,
        enough: impl Fn(&str) -> bool,
    ) -> Result<String> {
        wait::until(what, limit, || self.ipvs_table(), |table| enough(table))
    }

    /// Runs a program to its end, however it ends.
    ///
    /// # Errors
    ///
    /// If it cannot be run.
    pub fn run(&self, program: &str, args: &[&str]) -> Result<Output> {
        self.run_for(program, args, COMMAND_LIMIT)
    }

    /// Runs a program to its end, or for `limit`, whichever comes first.
    ///
    /// # Errors
    ///
    /// If it cannot be run.
    pub fn run_for(&self, program: &str, args: &[&str], limit: Duration) -> Result<Output> {
        let request =
            Request::Run { host: self.name().to_owned(), command: command(program, args, &[]), limit };
        match self.ask(request)? {
            Response::Ran(output) => Ok(output),
            other => Err(unexpected(&other)),
        }
    }

    /// Runs a program that must succeed, and returns what it printed.
    ///
    /// # Errors
    ///
    /// [`Error::Command`] if its exit code is not 0.
    pub fn check(&self, program: &str, args: &[&str]) -> Result<String> {
        let output = self.run(program, args)?;
        if output.exit == Some(ExitView::Code(0)) {
            return Ok(output.stdout);
        }
        Err(Error::Command {
            command: format!("{program} {}", args.join(" ")),
            host: self.name().to_owned(),
            status: format!("{:?}", output.exit),
            output: output.stdout + &output.stderr,
        })
    }

    /// Starts a program, whose output goes to the log `name`.
    ///
    /// # Errors
    ///
    /// If it cannot be started.
    pub fn start(&self, name: &str, program: &str, args: &[&str]) -> Result<Process> {
        self.start_with(name, program, args, &[])
    }

    /// [`start`](Self::start), with environment variables.
    ///
    /// # Errors
    ///
    /// If it cannot be started.
    pub fn start_with(
        &self,
        name: &str,
        program: &str,
        args: &[&str],
        env: &[(&str, &str)],
    ) -> Result<Process> {
        let log = log_path(self.inner.lab.folder(), self.name(), name);
        let command = command(program, args, env);
        match self.ask(Request::Start { host: self.name().to_owned(), command, log: log.clone() })? {
            Response::Started(pid) => Ok(Process::new(self.clone(), name, pid, log)),
            other => Err(unexpected(&other)),
        }
    }

    /// Writes a file into its folder and returns its path.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn write(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.folder().join(name);
        fs::write(&path, text).doing(|| format!("writing {}", path.display()))?;
        Ok(path)
    }

    /// Whether this is one of the addresses that its interfaces were given.
    pub fn owns(&self, address: IpAddr) -> bool {
        self.cables().iter().flat_map(|cable| &cable.addresses).any(|own| own.addr() == address)
    }

    /// Whether one of its interfaces has this hardware address.
    pub fn has_mac(&self, mac: [u8; 6]) -> bool {
        self.cables().iter().any(|cable| cable.mac == mac)
    }

    /// Asks its site, which must just do it.
    pub(crate) fn done(&self, request: Request) -> Result {
        self.inner.lab.done(self.inner.ground, request)
    }

    /// Asks its site.
    pub(crate) fn ask(&self, request: Request) -> Result<Response> {
        self.inner.lab.ask(self.inner.ground, request)
    }

    fn set_port(&self, interface: &str, port: Port) -> Result {
        let lan = self
            .cables()
            .iter()
            .find(|cable| cable.interface == interface)
            .map(|cable| cable.lan.clone())
            .ok_or_else(|| Error::Story(format!("{} has no interface {interface}", self.name())))?;
        let (host, interface) = (self.name().to_owned(), interface.to_owned());
        self.done(Request::SetPort { host, interface, lan, port })
    }

    fn set_address(&self, interface: &str, address: &str, present: bool) -> Result {
        let address =
            address.parse().map_err(|_| Error::Story(format!("{address:?} is not ADDRESS/PREFIX")))?;
        let (host, interface) = (self.name().to_owned(), interface.to_owned());
        self.done(Request::SetAddress { host, interface, address, present })
    }

    fn wait_for_presence(&self, address: &str, present: bool, limit: Duration) -> Result {
        let wanted = ip(address)?;
        let what = format!("{} {} {address}", self.name(), if present { "to have" } else { "not to have" });
        let has = |views: &Vec<AddressView>| views.iter().any(|view| view.address.addr() == wanted);
        wait::until(&what, limit, || self.addresses(), |views| has(views) == present)?;
        Ok(())
    }

    fn interfaces(&self) -> Vec<String> {
        self.cables().iter().map(|cable| cable.interface.clone()).collect()
    }

    fn cables(&self) -> MutexGuard<'_, Vec<Cable>> {
        self.inner.cables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) fn unexpected(response: &Response) -> Error {
    Error::Site(format!("an answer to another question: {response:?}"))
}

fn command(program: &str, args: &[&str], env: &[(&str, &str)]) -> CommandSpec {
    CommandSpec {
        program: program.to_owned(),
        args: args.iter().map(|&arg| arg.to_owned()).collect(),
        env: env.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect::<BTreeMap<_, _>>(),
    }
}

fn ip(text: &str) -> Result<IpAddr> {
    text.parse().map_err(|_| Error::Story(format!("{text:?} is no address")))
}

/// A locally administered address that tells whose it is.
fn hardware_address(addresses: &[IpNet]) -> [u8; 6] {
    let tail = match addresses
        .iter()
        .map(IpNet::addr)
        .find(IpAddr::is_ipv4)
        .or(addresses.first().map(IpNet::addr))
    {
        Some(IpAddr::V4(ip)) => ip.octets(),
        Some(IpAddr::V6(ip)) => {
            let [.., a, b, c, d] = ip.octets();
            [a, b, c, d]
        }
        None => [0; 4],
    };
    let [a, b, c, d] = tail;
    [0x02, 0x00, a, b, c, d]
}
