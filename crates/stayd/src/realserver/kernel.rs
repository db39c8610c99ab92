//! The kernel of a real server: looks at it, and does a step.

use std::io;
use std::net::IpAddr;

use net::{Holdings, HostRoutes, Links, Mirror, sysctl};
use thiserror::Error;
use vrrp::{Held, IfIndex, VirtualAddress};

use super::plan::Actual;
use super::step::{Item, Step};
use super::sysctl::{Setting, Sysctl};

const LO: &str = "lo";

/// As the article's script names it. `ifconfig` shows only the first of several addresses with one label, `ip` all.
const LABEL: &str = "lo:0";

/// What the kernel says no with.
#[derive(Debug, Error)]
pub enum Error {
    #[error("no permission: this takes the capability CAP_NET_ADMIN")]
    Permission,
    #[error("IPv6 is disabled on lo (net.ipv6.conf.lo.disable_ipv6)")]
    Ipv6Disabled,
    #[error("there is another route to this host")]
    OtherRoute,
    #[error("cannot read {0}: {1}")]
    Read(String, #[source] io::Error),
    #[error("there is no interface lo")]
    NoLoopback,
    #[error("{0}")]
    Refused(#[source] io::Error),
    #[error(transparent)]
    Netlink(netlink::Error),
}

/// The kernel.
#[derive(Debug)]
pub struct Kernel {
    lo: IfIndex,
    links: Links,
    addresses: Holdings,
    routes: HostRoutes,
}

impl Kernel {
    /// Opens the conversations.
    ///
    /// # Errors
    /// The kernel refuses a socket or an answer, or has no `lo`.
    pub fn open() -> Result<Self, Error> {
        Ok(Self {
            lo: Mirror::open()?.index_of(LO).ok_or(Error::NoLoopback)?,
            links: Links::open()?,
            addresses: Holdings::open(None)?,
            routes: HostRoutes::open()?,
        })
    }

    /// What is there now; takes no privilege.
    ///
    /// # Errors
    /// The kernel does not tell.
    pub fn look(&mut self) -> Result<Actual, Error> {
        let mirror = Mirror::open()?;
        let link = mirror.link(self.lo).ok_or(Error::NoLoopback)?;
        let mut actual = Actual {
            loopback_up: link.up,
            addresses: link.addresses.iter().map(|link| (link.address, link.prefix_len)).collect(),
            routes: self.routes.on(self.lo)?,
            ..Actual::default()
        };
        for sysctl in Sysctl::ALL {
            let value = read(sysctl.interface(), sysctl.setting())?;
            actual.sysctls.insert(sysctl, value);
        }
        let interfaces =
            sysctl::interfaces("ipv4").map_err(|error| Error::Read("net.ipv4.conf".to_owned(), error))?;
        for interface in interfaces {
            // A new interface takes its values from `default`, and then they are its own.
            if matches!(interface.as_str(), "all" | "default" | LO) {
                continue;
            }
            for setting in Setting::ALL {
                // An interface may have gone meanwhile.
                if let Ok(value) = read(&interface, setting) {
                    actual.interfaces.insert((interface.clone(), setting), value);
                }
            }
        }
        Ok(actual)
    }

    /// Does a step; one that is only for the record is done by doing nothing.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn perform(&mut self, step: Step) -> Result<(), Error> {
        match step {
            Step::Raise => Ok(self.links.raise(self.lo)?),
            Step::Set { sysctl, value, .. } => write(sysctl, value),
            Step::PutBack { sysctl, found, .. } => write(sysctl, found),
            Step::Add(Item::Address(vip)) => self.address(vip, true),
            Step::Remove(Item::Address(vip)) => self.address(vip, false),
            Step::Add(Item::Route(vip)) => Ok(self.routes.add(vip, self.lo)?),
            Step::Remove(Item::Route(vip)) => Ok(self.routes.remove(vip, self.lo)?),
            Step::Keep(_) | Step::Forget(_) | Step::Leave(_) | Step::LeaveSysctl { .. } => Ok(()),
        }
    }

    fn address(&mut self, vip: IpAddr, present: bool) -> Result<(), Error> {
        let address = [Held::Address(spec(vip))];
        let (present, absent): (&[_], &[_]) = if present { (&address, &[]) } else { (&[], &address) };
        let failed = self.addresses.apply(present, absent, |_| Some(self.lo));
        match failed.first() {
            None => Ok(()),
            Some((_, libc::EPERM)) => Err(Error::Permission),
            Some((_, libc::EACCES)) if vip.is_ipv6() => Err(Error::Ipv6Disabled),
            Some((_, errno)) => Err(Error::Refused(io::Error::from_raw_os_error(*errno))),
        }
    }
}

/// The address as the article's script makes it.
fn spec(vip: IpAddr) -> VirtualAddress {
    let (prefix_len, label, broadcast) = match vip {
        IpAddr::V4(v4) => (32, Some(LABEL.to_owned()), Some(v4)),
        IpAddr::V6(_) => (128, None, None),
    };
    VirtualAddress { label, broadcast, ..VirtualAddress::new(vip, prefix_len, LO) }
}

fn read(interface: &str, setting: Setting) -> Result<i32, Error> {
    sysctl::read("ipv4", interface, setting.name()).map_err(|error| Error::Read(setting.of(interface), error))
}

fn write(sysctl: Sysctl, value: i32) -> Result<(), Error> {
    sysctl::write("ipv4", sysctl.interface(), sysctl.setting().name(), value).map_err(|error| {
        if error.kind() == io::ErrorKind::PermissionDenied {
            Error::Permission
        } else {
            Error::Refused(error)
        }
    })
}

impl From<netlink::Error> for Error {
    fn from(error: netlink::Error) -> Self {
        match error {
            netlink::Error::Refused(refusal) if refusal.errno == libc::EPERM => Self::Permission,
            // Only the route is asked for with a request that reports this.
            netlink::Error::Refused(refusal) if refusal.errno == libc::EEXIST => Self::OtherRoute,
            error => Self::Netlink(error),
        }
    }
}
